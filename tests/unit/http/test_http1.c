/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The HTTP/1.1 parser: framing, strictness, limits, and indifference to how bytes arrive. */
#include <stdio.h>
#include <stdlib.h>

#include "http/http1.h"
#include "testing.h"

enum {
	HEADER_BYTES = 1024,
	HEADER_FIELDS = 8,
	EVENTS_SIZE = 8192,
};

/* What a connection would see, as text: "head GET /a|body 3 abc|end|". */
struct events {
	struct dom_buffer text;
	enum http_fault fault;
};

/* Feed pieces of piece_size bytes; pieces of a body are joined, since their cuts mean nothing.
 */
static void
run(const char *bytes, size_t size, size_t piece_size, int64_t body_max, struct events *events)
{
	struct http1 parser;
	bool in_body = false, is_over = false;

	*events = (struct events){0};
	http1_init(&parser, HEADER_BYTES, HEADER_FIELDS);
	for (size_t at = 0; at < size && !is_over; at += piece_size) {
		size_t left = size - at;
		/* Of its own, so that a sanitizer sees reads past the end. */
		uint8_t *copy = malloc(left < piece_size ? left : piece_size);
		struct dom_slice input, piece;
		enum http1_step step;

		input = dom_slice(copy, left < piece_size ? left : piece_size);
		memcpy(copy, bytes + at, input.size);
		do {
			step = http1_feed(&parser, &input, &piece);
			if (step == HTTP1_HEAD) {
				http1_set_body_max(&parser, body_max);
				dom_buffer_print(&events->text,
				    "head %.*s %.*s?%.*s %d%d%d %lld|",
				    (int)parser.head.method.size, parser.head.method.data,
				    (int)parser.head.path.size, parser.head.path.data,
				    (int)parser.head.query.size, parser.head.query.data,
				    parser.head.is_chunked, parser.head.expects_continue,
				    parser.head.wants_close,
				    (long long)parser.head.content_length);
			} else if (step == HTTP1_BODY) {
				assert_true(piece.size > 0);
				dom_buffer_append_slice(&events->text, piece);
				in_body = true;
			} else if (step == HTTP1_END) {
				dom_buffer_append_text(
				    &events->text, in_body ? "|end|" : "end|");
				in_body = false;
				http1_next(&parser);
			}
		} while (step != HTTP1_MORE && step != HTTP1_FAILED);
		if (step == HTTP1_FAILED) {
			events->fault = parser.fault;
			assert_int_not_equal(parser.fault, HTTP_FAULT_NONE);
			is_over = true;
		}
		free(copy);
	}
	dom_buffer_append(&events->text, "", 1);
	http1_free(&parser);
}

static void
expect_of(const char *bytes, size_t size, const char *expected, enum http_fault fault)
{
	static const size_t piece_sizes[] = {1 << 20, 1, 2, 3, 7};

	for (size_t i = 0; i < sizeof(piece_sizes) / sizeof(piece_sizes[0]); i++) {
		struct events events;

		run(bytes, size, piece_sizes[i], 100, &events);
		if (expected != NULL)
			assert_string_equal((const char *)events.text.data, expected);
		assert_int_equal(events.fault, fault);
		dom_buffer_free(&events.text);
	}
}

static void
expect(const char *bytes, const char *expected)
{
	expect_of(bytes, strlen(bytes), expected, HTTP_FAULT_NONE);
}

static void
expect_fault(const char *bytes, enum http_fault fault)
{
	expect_of(bytes, strlen(bytes), NULL, fault);
}

static void
ordinary_requests_are_understood(void **state)
{
	(void)state;
	expect(
	    "GET /a/b/?x=1&y HTTP/1.1\r\nHost: h\r\n\r\n", "head GET /a/b/?x=1&y 000 -1|end|");
	expect("DELETE / HTTP/1.1\r\nhOsT:h:80\r\nConnection: keep-alive, CLOSE\r\n\r\n",
	    "head DELETE /? 001 -1|end|");
	expect("PUT /p HTTP/1.1\r\nHost: [::1]:8\r\nContent-Length: 5\r\n\r\nhello",
	    "head PUT /p? 000 5|hello|end|");
	expect("POST /p HTTP/1.1\r\nHost:\t h \r\nExpect: 100-Continue\r\nContent-Length: "
	       "1\r\n\r\n!",
	    "head POST /p? 010 1|!|end|");
	expect("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
	    "head POST /p? 000 0|end|");
	expect("GET / HTTP/1.0\r\n\r\n", "head GET /? 001 -1|end|");
	expect("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "head GET /? 000 -1|end|");
}

static void
requests_sent_ahead_are_told_apart(void **state)
{
	(void)state;
	expect("POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
	       "POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	       "2\r\nde\r\n0\r\n\r\n"
	       "GET /3 HTTP/1.1\r\nHost: h\r\n\r\n",
	    "head POST /1? 000 3|abc|end|head POST /2? 100 -1|de|end|head GET /3? 000 -1|end|");
}

static void
chunked_bodies_are_joined(void **state)
{
	(void)state;
	expect("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
	       "5\r\nhello\r\n00A;ext=\"1\"\r\n, 10 bytes\r\n0\r\nX-Trailer: 1\r\nY:\r\n\r\n",
	    "head PUT /? 100 -1|hello, 10 bytes|end|");
	expect("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    "head PUT /? 100 -1|end|");
}

static void
what_two_parsers_could_read_in_two_ways_is_refused(void **state)
{
	static const char *const bodies[] = {
	    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
	    "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
	    "Content-Length: 5\r\nContent-Length: 5\r\n",
	    "Content-Length: 5\r\nContent-Length: 6\r\n",
	    "Content-Length: 5, 5\r\n",
	    "Content-Length: +5\r\n",
	    "Content-Length: -5\r\n",
	    "Content-Length: 0x5\r\n",
	    "Content-Length: 5 5\r\n",
	    "Content-Length:\r\n",
	    "Content-Length: 99999999999999999999\r\n",
	    "Content-Length : 5\r\n",
	    "Transfer-Encoding : chunked\r\n",
	    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
	    "X: y\r\n Content-Length: 5\r\n",
	    "X: y\r\n\tfolded\r\n",
	    "X y\r\n",
	    ": y\r\n",
	    "X\x01: y\r\n",
	    "X: a\x01z\r\n",
	    "X: y\n",
	    "X: y\rZ: 1\r\n",
	    "X: y\r\r\n",
	    "Host: other\r\n",
	    "Authorization: Token a\r\nAuthorization: Token b\r\n",
	};
	char request[512];

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		snprintf(request, sizeof(request), "POST / HTTP/1.1\r\nHost: h\r\n%s\r\nhello",
		    bodies[i]);
		expect_fault(request, HTTP_FAULT_MALFORMED);
	}
	expect_fault("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
	    HTTP_FAULT_TRANSFER_CODING);
	expect_fault("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n",
	    HTTP_FAULT_TRANSFER_CODING);
	expect_fault("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n",
	    HTTP_FAULT_TRANSFER_CODING);
	expect_fault("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
	    HTTP_FAULT_MALFORMED);
}

static void
malformed_request_lines_are_refused(void **state)
{
	static const char *const lines[] = {
	    " GET / HTTP/1.1",
	    "GET  / HTTP/1.1",
	    "GET / HTTP/1.1 ",
	    "GET /",
	    "GET / http/1.1",
	    "GET / HTTP/11",
	    "GET / HTTP/1.x",
	    "GET /\tHTTP/1.1",
	    "G(T / HTTP/1.1",
	    "GET http://h/ HTTP/1.1",
	    "OPTIONS * HTTP/1.1",
	    "CONNECT h:443 HTTP/1.1",
	    "GET /a#b HTTP/1.1",
	    "GET /\xc3\xa9 HTTP/1.1",
	    "AMETHODTHATISTOOLONG / HTTP/1.1",
	};
	static const char with_nul[] = "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n";
	char request[256];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(request, sizeof(request), "%s\r\nHost: h\r\n\r\n", lines[i]);
		expect_fault(request, HTTP_FAULT_MALFORMED);
	}
	expect_of(with_nul, sizeof(with_nul) - 1, "", HTTP_FAULT_MALFORMED);
	expect_fault("GET / HTTP/2.0\r\nHost: h\r\n\r\n", HTTP_FAULT_VERSION);
	expect_fault("GET / HTTP/1.2\r\nHost: h\r\n\r\n", HTTP_FAULT_VERSION);
	expect_fault("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HTTP_FAULT_VERSION);
	expect_fault("\x16\x03\x01", HTTP_FAULT_MALFORMED);
	expect_fault("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", HTTP_FAULT_MALFORMED);
	expect_fault("GET / HTTP/1.1\r\n\r\n", HTTP_FAULT_MALFORMED);
	expect_fault("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", HTTP_FAULT_MALFORMED);
	expect_fault("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", HTTP_FAULT_MALFORMED);
	expect_fault(
	    "POST / HTTP/1.1\r\nHost: h\r\nExpect: 200-maybe\r\n\r\n", HTTP_FAULT_EXPECTATION);
}

static void
malformed_chunks_are_refused(void **state)
{
	static const char *const bodies[] = {
	    "x\r\n",
	    "\r\n",
	    "-1\r\n",
	    "0x1\r\na\r\n",
	    " 1\r\na\r\n",
	    "1 \r\na\r\n",
	    "1\na\r\n",
	    "1\r\nab\r\n",
	    "1\r\na\n0\r\n\r\n",
	    "1\r\na0\r\n\r\n",
	    "1;x\ny\r\na\r\n",
	    "1234567890123\r\n",
	    "0\r\nnot a field\r\n\r\n",
	    "0\r\n: v\r\n\r\n",
	    "0\r\nX: a\nb\r\n\r\n",
	    "0\r\n\rX",
	};
	char request[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		snprintf(request, sizeof(request),
		    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n%s",
		    bodies[i]);
		expect_fault(request, HTTP_FAULT_MALFORMED);
	}
}

static void
a_chunked_body_stops_at_its_limit(void **state)
{
	static const char head[] =
	    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
	char request[512];
	struct dom_buffer fits = {0};

	(void)state;
	/* 100 is the limit that run() sets in expect_of(). */
	dom_buffer_print(&fits, "%s64\r\n%0100d\r\n0\r\n\r\n", head, 7);
	expect_of((const char *)fits.data, fits.size, NULL, HTTP_FAULT_NONE);
	dom_buffer_free(&fits);
	snprintf(request, sizeof(request), "%s65\r\n", head);
	expect_fault(request, HTTP_FAULT_BODY_SIZE);
	snprintf(request, sizeof(request), "%sffffffffffff\r\n", head);
	expect_fault(request, HTTP_FAULT_BODY_SIZE);
	snprintf(request, sizeof(request), "%s60\r\n%096d\r\n5\r\n", head, 7);
	expect_fault(request, HTTP_FAULT_BODY_SIZE);
}

static void
heads_stop_at_their_limits(void **state)
{
	struct dom_buffer request = {0};

	(void)state;
	dom_buffer_append_text(&request, "GET / HTTP/1.1\r\nHost: h\r\nX: ");
	while (request.size < HEADER_BYTES - 4)
		dom_buffer_append_text(&request, "x");
	dom_buffer_append_text(&request, "\r\n\r\n");
	expect_of((const char *)request.data, request.size, "head GET /? 000 -1|end|",
	    HTTP_FAULT_NONE);
	request.size -= 4;
	dom_buffer_append_text(&request, "x\r\n\r\n");
	expect_of((const char *)request.data, request.size, "", HTTP_FAULT_HEADER_SIZE);
	dom_buffer_clear(&request);

	/* Too large comes before malformed, in whatever pieces it arrives. */
	dom_buffer_append_text(&request, "GET / HTTP/1.1\r\nX: ");
	while (request.size < HEADER_BYTES + 100)
		dom_buffer_append_text(&request, "x");
	dom_buffer_append_text(&request, "\n\n");
	expect_of((const char *)request.data, request.size, "", HTTP_FAULT_HEADER_SIZE);
	dom_buffer_clear(&request);

	dom_buffer_append_text(&request, "GET / HTTP/1.1\r\nHost: h\r\n");
	for (unsigned i = 1; i < HEADER_FIELDS; i++)
		dom_buffer_append_text(&request, "X: 1\r\n");
	dom_buffer_append_text(&request, "\r\n");
	expect_of((const char *)request.data, request.size, "head GET /? 000 -1|end|",
	    HTTP_FAULT_NONE);
	request.size -= 2;
	dom_buffer_append_text(&request, "X: 1\r\n\r\n");
	expect_of((const char *)request.data, request.size, "", HTTP_FAULT_HEADER_SIZE);
	dom_buffer_free(&request);

	dom_buffer_append_text(
	    &request, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;");
	for (unsigned i = 0; i < 5000; i++)
		dom_buffer_append_text(&request, "e");
	expect_of((const char *)request.data, request.size, NULL, HTTP_FAULT_HEADER_SIZE);
	dom_buffer_free(&request);
}

static void
fields_that_we_use_are_found(void **state)
{
	static const char text[] =
	    "OPTIONS / HTTP/1.1\r\nhost: h\r\nAUTHORIZATION:  Token abc \r\n"
	    "Content-type: application/msgpack\r\nOrigin: https://a\r\n"
	    "Access-Control-Request-Method: PUT\r\n"
	    "Access-Control-Request-Headers: a, b\r\n"
	    "Domicile-Device: cGhvbmU\r\n\r\n";
	struct dom_slice input = dom_slice_of(text), piece;
	struct http1 parser;

	(void)state;
	http1_init(&parser, HEADER_BYTES, HEADER_FIELDS);
	assert_true(http1_is_idle(&parser));
	assert_int_equal(http1_feed(&parser, &input, &piece), HTTP1_HEAD);
	assert_false(http1_is_idle(&parser));
	assert_true(dom_slice_is(parser.head.host, "h"));
	assert_true(dom_slice_is(parser.head.authorization, "Token abc"));
	assert_true(dom_slice_is(parser.head.content_type, "application/msgpack"));
	assert_true(dom_slice_is(parser.head.origin, "https://a"));
	assert_true(dom_slice_is(parser.head.cors_method, "PUT"));
	assert_true(dom_slice_is(parser.head.cors_headers, "a, b"));
	assert_true(dom_slice_is(parser.head.device, "cGhvbmU"));
	assert_int_equal(parser.head.size, sizeof(text) - 1);
	assert_int_equal(http1_feed(&parser, &input, &piece), HTTP1_END);
	http1_next(&parser);
	assert_true(http1_is_idle(&parser));
	http1_free(&parser);
}

static void
responses_are_written_with_what_they_need(void **state)
{
	struct http_response response = {.status = 204};
	struct dom_buffer out = {0};

	(void)state;
	http1_put_response_head(&out, &response, true);
	dom_buffer_append(&out, "", 1);
	assert_string_equal((const char *)out.data,
	    "HTTP/1.1 204 No Content\r\nServer: domicile\r\nX-Content-Type-Options: nosniff\r\n"
	    "Cache-Control: no-store\r\n\r\n");
	dom_buffer_clear(&out);

	response = (struct http_response){.status = 503,
	    .content_type = "application/msgpack",
	    .retry_after_seconds = 2,
	    .cors_origin = dom_slice_of("https://a"),
	    .position_before = "B",
	    .position_after = "A",
	    .allow = "GET"};
	dom_buffer_append_text(&response.body, "12345");
	http1_put_response_head(&out, &response, false);
	dom_buffer_append(&out, "", 1);
	assert_string_equal((const char *)out.data,
	    "HTTP/1.1 503 Service Unavailable\r\nServer: domicile\r\n"
	    "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
	    "Content-Type: application/msgpack\r\nContent-Length: 5\r\nAllow: GET\r\n"
	    "Retry-After: 2\r\nDomicile-Position: B A\r\n"
	    "Access-Control-Allow-Origin: https://a\r\n"
	    "Access-Control-Allow-Credentials: true\r\nVary: Origin\r\n"
	    "Connection: close\r\n\r\n");
	dom_buffer_free(&response.body);
	dom_buffer_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ordinary_requests_are_understood),
	    cmocka_unit_test(requests_sent_ahead_are_told_apart),
	    cmocka_unit_test(chunked_bodies_are_joined),
	    cmocka_unit_test(what_two_parsers_could_read_in_two_ways_is_refused),
	    cmocka_unit_test(malformed_request_lines_are_refused),
	    cmocka_unit_test(malformed_chunks_are_refused),
	    cmocka_unit_test(a_chunked_body_stops_at_its_limit),
	    cmocka_unit_test(heads_stop_at_their_limits),
	    cmocka_unit_test(fields_that_we_use_are_found),
	    cmocka_unit_test(responses_are_written_with_what_they_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
