/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* WebSocket's handshake and frames, against RFC 6455's own examples. */
#include "http/websocket.h"
#include "testing.h"

static void
the_handshake_answers_as_the_rfc_does(void **state)
{
	char accept[WEBSOCKET_ACCEPT_SIZE + 1];

	(void)state;
	/* RFC 6455, 1.3 */
	assert_int_equal(
	    websocket_accept(dom_slice_of("dGhlIHNhbXBsZSBub25jZQ=="), accept), DOM_OK);
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	/* Letters of the standard alphabet; the answer is from Python's hashlib. */
	assert_int_equal(
	    websocket_accept(dom_slice_of("+/+/+/+/+/+/+/+/+/+/+w=="), accept), DOM_OK);
	assert_string_equal(accept, "M0DUs3om0SqzerhOhYSMM7WQuBQ=");
}

static void
a_key_that_is_not_sixteen_bytes_is_refused(void **state)
{
	static const char *const keys[] = {"",
	    "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ",
	    "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25j====", "-_-_-_-_-_-_-_-_-_-_-w==",
	    "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSB\tb25jZQ=="};
	char accept[WEBSOCKET_ACCEPT_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_int_equal(websocket_accept(dom_slice_of(keys[i]), accept), DOM_EINPUT);
}

static void
headers_take_the_shortest_length(void **state)
{
	static const struct {
		size_t size, header_size;
		const char *bytes;
	} cases[] = {
	    {0, 2, "\x82\x00"},
	    {125, 2, "\x82\x7d"},
	    {126, 4, "\x82\x7e\x00\x7e"},
	    {65535, 4, "\x82\x7e\xff\xff"},
	    {65536, 10, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"},
	};
	uint8_t header[WEBSOCKET_HEADER_SIZE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(websocket_put_header(header, WEBSOCKET_BINARY, cases[i].size),
		    cases[i].header_size);
		assert_memory_equal(header, cases[i].bytes, cases[i].header_size);
	}
}

static void
a_close_says_why(void **state)
{
	struct dom_buffer out = {0};

	(void)state;
	websocket_put_close(&out, WEBSOCKET_POLICY);
	assert_int_equal(out.size, 4);
	assert_memory_equal(out.data, "\x88\x02\x03\xf0", 4);
	dom_buffer_free(&out);
}

/* RFC 6455, 5.7: a masked pong "Hello"; then an empty ping and a close 1000 "ok". */
static const uint8_t stream[] = {0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51,
    0x58, 0x89, 0x80, 1, 2, 3, 4, 0x88, 0x84, 0, 0, 0, 0, 0x03, 0xe8, 'o', 'k'};

static void
frames_are_read_however_they_are_cut(void **state)
{
	(void)state;
	for (size_t cut = 1; cut <= sizeof(stream); cut++) {
		struct websocket socket = {0};
		unsigned count = 0;

		for (size_t at = 0; at < sizeof(stream); at += cut) {
			size_t size = sizeof(stream) - at < cut ? sizeof(stream) - at : cut;
			struct dom_slice input = dom_slice(stream + at, size);
			enum websocket_step step;

			while ((step = websocket_feed(&socket, &input)) != WEBSOCKET_MORE) {
				static const enum websocket_opcode opcodes[] = {
				    WEBSOCKET_PONG, WEBSOCKET_PING, WEBSOCKET_CLOSE};
				static const struct {
					const char *bytes;
					size_t size;
				} payloads[] = {{"Hello", 5}, {"", 0}, {"\x03\xe8ok", 4}};

				assert_int_equal(step, WEBSOCKET_CONTROL);
				assert_true(count < 3);
				assert_int_equal(socket.opcode, opcodes[count]);
				assert_int_equal(socket.payload.size, payloads[count].size);
				assert_memory_equal(socket.payload.data, payloads[count].bytes,
				    payloads[count].size);
				count++;
			}
			assert_int_equal(input.size, 0);
		}
		assert_int_equal(count, 3);
	}
}

static enum websocket_step
step_of(const char *bytes, size_t size)
{
	struct websocket socket = {0};
	struct dom_slice input = dom_slice(bytes, size);

	return websocket_feed(&socket, &input);
}

static void
data_is_known_by_its_first_bytes(void **state)
{
	(void)state;
	assert_int_equal(step_of("\x81\x80", 2), WEBSOCKET_DATA);
	assert_int_equal(step_of("\x82\xff", 2), WEBSOCKET_DATA);
	assert_int_equal(step_of("\x02\x85", 2), WEBSOCKET_DATA); /* the first of several */
	assert_int_equal(step_of("\x80\x85", 2), WEBSOCKET_DATA); /* one of several */
}

static void
what_breaks_the_protocol_fails(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} cases[] = {
	    {"\x89\x00", 2},                  /* not masked */
	    {"\x09\x80", 2},                  /* a control frame in pieces */
	    {"\x89\xfe", 2},                  /* a control frame with a long length */
	    {"\xc9\x80", 2},                  /* an extension nobody agreed on */
	    {"\xa2\x80", 2}, {"\x83\x80", 2}, /* opcodes that mean nothing */
	    {"\x87\x80", 2}, {"\x8b\x80", 2}, {"\x88\x81\0\0\0\0\x03", 7}, /* half a reason */
	    {"\x88\x82\0\0\0\0\x03\xe7", 8}, /* reasons that must not be sent */
	    {"\x88\x82\0\0\0\0\x03\xed", 8}, {"\x88\x82\0\0\0\0\x03\xee", 8},
	    {"\x88\x82\0\0\0\0\x03\xf7", 8}, {"\x88\x82\0\0\0\0\x13\x88", 8},
	    {"\x88\x83\0\0\0\0\x03\xe8\xff", 9}, /* words that are not UTF-8 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(step_of(cases[i].bytes, cases[i].size), WEBSOCKET_FAILED);
	assert_int_equal(step_of("\x88\x80\0\0\0\0", 6), WEBSOCKET_CONTROL);
	assert_int_equal(step_of("\x88\x82\0\0\0\0\x0b\xb8", 8), WEBSOCKET_CONTROL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_handshake_answers_as_the_rfc_does),
	    cmocka_unit_test(a_key_that_is_not_sixteen_bytes_is_refused),
	    cmocka_unit_test(headers_take_the_shortest_length),
	    cmocka_unit_test(a_close_says_why),
	    cmocka_unit_test(frames_are_read_however_they_are_cut),
	    cmocka_unit_test(data_is_known_by_its_first_bytes),
	    cmocka_unit_test(what_breaks_the_protocol_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
