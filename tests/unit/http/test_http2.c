/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Streams, seen by a client's session in the same memory, on a clock that the test moves. */
#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "http/held.h"
#include "http/http2.h"
#include "one_loop.h"
#include "testing.h"

enum { STREAMS = 64 };

/* What the client knows of a stream; by (id - 1) / 2. */
struct seen {
	int status;
	size_t body_size;
	bool is_closed;
	uint32_t code; /* with which it was closed */
	bool has_server, has_connection;
};

static struct one_loop one;
static struct http2 *http2;
static struct http2_owner owner;
static nghttp2_session *client;
static struct seen streams[STREAMS];
static uint32_t goaway; /* the code; GOAWAY_NONE */
enum { GOAWAY_NONE = 99 };
static unsigned changes;
static size_t output_largest;
static bool is_dead;
static unsigned hold_ms; /* of whatever the rules answer */

/* Linked with --wrap=service_run: what is held, and how long, says the test. */
enum dom_status __real_service_run(const struct service *service, struct store_txn *txn,
    const struct service_request *request, struct service_staged *staged,
    struct dom_arena *arena, struct service_reply *reply_r);
enum dom_status __wrap_service_run(const struct service *service, struct store_txn *txn,
    const struct service_request *request, struct service_staged *staged,
    struct dom_arena *arena, struct service_reply *reply_r);

enum dom_status
__wrap_service_run(const struct service *service, struct store_txn *txn,
    const struct service_request *request, struct service_staged *staged,
    struct dom_arena *arena, struct service_reply *reply_r)
{
	enum dom_status st = __real_service_run(service, txn, request, staged, arena, reply_r);

	reply_r->hold_ms = hold_ms;
	return st;
}

static struct seen *
seen(int32_t id)
{
	return &streams[((unsigned)id - 1) / 2 % STREAMS];
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *context)
{
	struct dom_slice field = dom_slice(name, name_size),
	                 said = dom_slice(value, value_size);

	(void)session, (void)flags, (void)context;
	if (dom_slice_is(field, ":status"))
		seen(frame->hd.stream_id)->status = atoi((const char *)value);
	if (dom_slice_is(field, "server") && dom_slice_is(said, "domicile"))
		seen(frame->hd.stream_id)->has_server = true;
	if (dom_slice_is(field, "connection"))
		seen(frame->hd.stream_id)->has_connection = true;
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t size,
    void *context)
{
	(void)session, (void)flags, (void)data, (void)context;
	seen(id)->body_size += size;
	return 0;
}

static int
on_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
	(void)session, (void)context;
	seen(id)->is_closed = true;
	seen(id)->code = code;
	return 0;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	(void)session, (void)context;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		goaway = frame->goaway.error_code;
	return 0;
}

static void
owner_changed(struct http2_owner *of)
{
	assert_ptr_equal(of, &owner);
	changes++;
}

/* Bytes both ways until nobody has any. */
static void
pump(void)
{
	struct dom_slice output;
	const uint8_t *data;
	ssize_t size;
	bool moved = true;

	while (moved && !is_dead) {
		moved = false;
		while ((size = nghttp2_session_mem_send(client, &data)) > 0) {
			moved = true;
			if (!http2_feed(http2, dom_slice(data, (size_t)size))) {
				is_dead = true;
				return;
			}
		}
		assert_true(http2_output(http2, &output));
		if (output.size > output_largest)
			output_largest = output.size;
		if (output.size != 0) {
			moved = true;
			assert_int_equal(
			    nghttp2_session_mem_recv(client, output.data, output.size),
			    output.size);
			http2_wrote(http2, output.size);
		}
	}
}

static void
pass(int64_t ms)
{
	one.loop->now_ms += ms;
	assert_true(http2_sweep(http2));
	pump();
}

static int
set_up_with(uint32_t window)
{
	const nghttp2_settings_entry settings[] = {
	    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
	nghttp2_session_callbacks *callbacks;

	one_loop_open(&one);
	memset(streams, 0, sizeof(streams));
	goaway = GOAWAY_NONE;
	changes = 0;
	output_largest = 0;
	is_dead = false;
	hold_ms = 0;
	owner.changed = owner_changed;
	http2 = http2_open(one.loop, &owner);
	assert_non_null(http2);
	assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	assert_int_equal(nghttp2_session_client_new(&client, callbacks, NULL), 0);
	nghttp2_session_callbacks_del(callbacks);
	assert_int_equal(nghttp2_submit_settings(client, NGHTTP2_FLAG_NONE, settings, 1), 0);
	return 0;
}

static int
set_up(void **state)
{
	(void)state;
	return set_up_with(1 << 20);
}

/* A client that takes no byte of a body. */
static int
set_up_closed_window(void **state)
{
	(void)state;
	return set_up_with(0);
}

static int
tear_down(void **state)
{
	(void)state;
	nghttp2_session_del(client);
	http2_close(&http2);
	(void)one_loop_run(&one);
	/* Whatever happened, nothing is held for this client any more. */
	assert_int_equal(atomic_load(&one.core.reply_bytes), 0);
	assert_int_equal(atomic_load(&one.core.body_bytes), 0);
	assert_int_equal(atomic_load(&one.core.requests_running), 0);
	assert_int_equal(atomic_load(&one.core.held), 0);
	assert_int_equal(one.loop->running, 0);
	one_loop_close(&one);
	return 0;
}

static ssize_t
no_body_yet(nghttp2_session *session, int32_t id, uint8_t *data, size_t size, uint32_t *flags,
    nghttp2_data_source *source, void *context)
{
	(void)session, (void)id, (void)data, (void)size, (void)flags, (void)source;
	(void)context;
	return NGHTTP2_ERR_DEFERRED;
}

static ssize_t
one_byte(nghttp2_session *session, int32_t id, uint8_t *data, size_t size, uint32_t *flags,
    nghttp2_data_source *source, void *context)
{
	(void)session, (void)id, (void)size, (void)source, (void)context;
	data[0] = 0xc1;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	return 1;
}

static nghttp2_nv
field(const char *name, const char *value)
{
	return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
	    .namelen = strlen(name),
	    .value = (uint8_t *)(uintptr_t)value,
	    .valuelen = strlen(value)};
}

/* read NULL: without a body. */
static int32_t
ask(const char *method, const char *path, nghttp2_data_source_read_callback read)
{
	const nghttp2_nv fields[] = {field(":method", method), field(":scheme", "https"),
	    field(":authority", "home.example"), field(":path", path),
	    field("content-type", "application/msgpack")};
	const nghttp2_data_provider body = {.read_callback = read};
	int32_t id =
	    nghttp2_submit_request(client, NULL, fields, 5, read == NULL ? NULL : &body, NULL);

	assert_true(id > 0);
	return id;
}

static const char is_etebase[] = "/api/v1/authentication/is_etebase/";
static const char signup[] = "/api/v1/authentication/signup/";

static void
a_stream_carries_a_request_and_its_reply(void **state)
{
	int32_t good = ask("GET", is_etebase, NULL), none = ask("GET", "/nothing/", NULL);

	(void)state;
	pump();
	assert_int_equal(seen(good)->status, 200);
	assert_int_equal(seen(none)->status, 404);
	assert_true(seen(none)->body_size > 0);
	assert_true(seen(good)->has_server && !seen(good)->has_connection);
	assert_true(seen(good)->is_closed && seen(none)->is_closed);
	assert_int_equal(seen(good)->code, NGHTTP2_NO_ERROR);
	assert_false(http2_is_over(http2));
}

static void
a_write_is_answered_when_the_writer_is_done(void **state)
{
	int32_t write = ask("POST", signup, one_byte), read;

	(void)state;
	pump();
	assert_int_equal(seen(write)->status, 0);
	read = ask("GET", is_etebase, NULL); /* need not wait */
	pump();
	assert_int_equal(seen(read)->status, 200);
	assert_int_equal(one_loop_run(&one), 1);
	assert_int_equal(changes, 1);
	pump();
	assert_int_equal(seen(write)->status, 400);
	assert_true(seen(write)->is_closed);
}

static void
a_reset_stream_counts_until_the_writer_is_done_with_it(void **state)
{
	int32_t first, second, refused, third;

	(void)state;
	one.core.limits.of[HTTP_LIMIT_STREAMS] = 2;
	first = ask("POST", signup, one_byte);
	second = ask("POST", signup, one_byte);
	pump();
	nghttp2_submit_rst_stream(client, NGHTTP2_FLAG_NONE, first, NGHTTP2_CANCEL);
	nghttp2_submit_rst_stream(client, NGHTTP2_FLAG_NONE, second, NGHTTP2_CANCEL);
	pump();
	refused = ask("GET", is_etebase, NULL);
	pump();
	assert_true(seen(refused)->is_closed);
	assert_int_equal(seen(refused)->code, NGHTTP2_REFUSED_STREAM);
	assert_int_equal(seen(refused)->status, 0);
	assert_int_equal(one_loop_run(&one), 2);
	pump();
	third = ask("GET", is_etebase, NULL);
	pump();
	assert_int_equal(seen(third)->status, 200);
	assert_int_equal(seen(first)->status, 0);
}

static void
what_is_held_ends_with_its_stream(void **state)
{
	int32_t first, second, read;

	(void)state;
	one.core.limits.of[HTTP_LIMIT_STREAMS] = 2;
	hold_ms = 2000;
	first = ask("POST", signup, one_byte);
	second = ask("POST", signup, one_byte);
	pump();
	assert_int_equal(one_loop_run(&one), 2);
	assert_int_equal(atomic_load(&one.core.held), 2);
	nghttp2_submit_rst_stream(client, NGHTTP2_FLAG_NONE, first, NGHTTP2_CANCEL);
	pump();
	assert_int_equal(atomic_load(&one.core.held), 1);
	read = ask("GET", is_etebase, NULL);
	hold_ms = 0;
	pump();
	assert_int_equal(seen(read)->status, 200);
	one.loop->now_ms += HTTP_HELD_MS;
	http_held_turn(one.loop);
	assert_int_equal(one_loop_run(&one), 1);
	pump();
	assert_int_equal(seen(second)->status, 400);
	assert_int_equal(seen(first)->status, 0);
}

static void
a_connection_may_close_while_the_writer_has_its_requests(void **state)
{
	(void)state;
	ask("POST", signup, one_byte);
	ask("POST", signup, one_byte);
	ask("POST", signup, no_body_yet);
	pump();
	http2_close(&http2);
	assert_int_equal(one_loop_run(&one), 2);
	assert_int_equal(changes, 0);
}

static void
a_connection_may_close_while_its_requests_are_held(void **state)
{
	(void)state;
	hold_ms = 2000;
	ask("POST", signup, one_byte);
	ask("POST", signup, one_byte);
	pump();
	assert_int_equal(one_loop_run(&one), 2);
	http2_close(&http2);
	assert_int_equal(atomic_load(&one.core.held), 0);
	assert_int_equal(changes, 0);
}

static void
a_body_that_does_not_come_gets_408_and_others_go_on(void **state)
{
	int32_t stuck = ask("POST", signup, no_body_yet), other;

	(void)state;
	pump();
	pass(HTTP_RATE_GRACE_MS);
	assert_int_equal(seen(stuck)->status, 0);
	pass(HTTP_RATE_GRACE_MS);
	assert_int_equal(seen(stuck)->status, 408);
	assert_true(seen(stuck)->body_size > 0);
	other = ask("GET", is_etebase, NULL);
	pump();
	assert_int_equal(seen(other)->status, 200);
	assert_false(seen(stuck)->is_closed);
	pass(INT64_C(2) * HTTP_RATE_GRACE_MS); /* what was left of it is not waited for */
	assert_true(seen(stuck)->is_closed);
	assert_int_equal(seen(stuck)->code, NGHTTP2_NO_ERROR);
}

static void
a_reply_that_is_not_taken_is_dropped(void **state)
{
	int32_t slow = ask("GET", "/nothing/", NULL), good = ask("GET", is_etebase, NULL);

	(void)state;
	pump();
	assert_int_equal(seen(slow)->status, 404);
	assert_int_equal(seen(slow)->body_size, 0);
	assert_true(seen(good)->is_closed); /* it has no body */
	assert_true(atomic_load(&one.core.reply_bytes) > 0);
	pass(HTTP_RATE_GRACE_MS);
	assert_false(seen(slow)->is_closed);
	pass(HTTP_RATE_GRACE_MS);
	assert_true(seen(slow)->is_closed);
	assert_int_equal(seen(slow)->code, NGHTTP2_CANCEL);
	assert_int_equal(atomic_load(&one.core.reply_bytes), 0);
	assert_int_equal(goaway, GOAWAY_NONE);
}

static void
replies_that_nobody_takes_leave_one_stream_at_a_time(void **state)
{
	int32_t first, second;

	(void)state;
	one.core.limits.of[HTTP_LIMIT_REPLY_MEMORY_BYTES] = 10;
	first = ask("GET", "/nothing/", NULL);
	pump();
	second = ask("GET", is_etebase, NULL);
	pump();
	assert_int_equal(seen(first)->status, 404);
	assert_int_equal(seen(second)->code, NGHTTP2_REFUSED_STREAM);
	nghttp2_submit_rst_stream(client, NGHTTP2_FLAG_NONE, first, NGHTTP2_CANCEL);
	pump();
	second = ask("GET", is_etebase, NULL);
	pump();
	assert_int_equal(seen(second)->status, 200);
}

static void
a_socket_that_takes_nothing_ends_the_connection(void **state)
{
	struct dom_slice output;
	const uint8_t *data;
	ssize_t size;

	(void)state;
	ask("GET", "/nothing/", NULL);
	while ((size = nghttp2_session_mem_send(client, &data)) > 0)
		assert_true(http2_feed(http2, dom_slice(data, (size_t)size)));
	assert_true(http2_output(http2, &output));
	assert_true(output.size > 0);
	one.loop->now_ms += HTTP_RATE_GRACE_MS;
	assert_true(http2_sweep(http2));
	one.loop->now_ms += HTTP_RATE_GRACE_MS;
	assert_false(http2_sweep(http2));
}

static void
an_idle_connection_says_goodbye(void **state)
{
	int64_t idle_ms = one.core.limits.of[HTTP_LIMIT_IDLE_SECONDS] * 1000;

	(void)state;
	ask("GET", is_etebase, NULL);
	pass(idle_ms - 1);
	pass(1);
	assert_int_equal(goaway, GOAWAY_NONE); /* since it ended, it is one millisecond */
	pass(idle_ms - 1);
	assert_int_equal(goaway, NGHTTP2_NO_ERROR);
	assert_true(http2_is_over(http2));
}

static void
pings_are_answered_until_there_are_too_many(void **state)
{
	(void)state;
	for (unsigned second = 0; second < 30; second++) {
		for (unsigned i = 0; i < HTTP2_PATIENCE_SECOND; i++)
			nghttp2_submit_ping(client, NGHTTP2_FLAG_NONE, NULL);
		pass(1000);
	}
	assert_int_equal(goaway, GOAWAY_NONE);
	for (unsigned i = 0; i < HTTP2_PATIENCE + 2; i++)
		nghttp2_submit_ping(client, NGHTTP2_FLAG_NONE, NULL);
	pump();
	assert_int_equal(goaway, NGHTTP2_ENHANCE_YOUR_CALM);
	assert_true(http2_is_over(http2));
}

static void
a_flood_that_comes_in_one_read_is_told_so_too(void **state)
{
	static const uint8_t ping[17] = {0, 0, 8, 6};
	struct dom_buffer flood = {0};

	(void)state;
	pump();
	pass(1000); /* the purse is full again */
	while (flood.size + sizeof(ping) <= HTTP_LOOP_INPUT_SIZE)
		dom_buffer_append(&flood, ping, sizeof(ping));
	assert_true(http2_feed(http2, dom_buffer_slice(&flood)));
	dom_buffer_free(&flood);
	pump();
	assert_int_equal(goaway, NGHTTP2_ENHANCE_YOUR_CALM);
	assert_true(http2_is_over(http2));
}

static void
resets_are_dearer_than_pings(void **state)
{
	unsigned count = 0;

	(void)state;
	while (goaway == GOAWAY_NONE && count < HTTP2_PATIENCE) {
		int32_t id = ask("POST", signup, no_body_yet);

		pump();
		nghttp2_submit_rst_stream(client, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
		pump();
		count++;
	}
	assert_int_equal(goaway, NGHTTP2_ENHANCE_YOUR_CALM);
	assert_in_range(count, HTTP2_PATIENCE / 10, HTTP2_PATIENCE / 5 + 1);
}

static void
after_a_stop_streams_end_and_then_the_connection(void **state)
{
	int32_t write = ask("POST", signup, one_byte);

	(void)state;
	pump();
	http2_stop(http2);
	pump();
	assert_int_equal(goaway, NGHTTP2_NO_ERROR);
	assert_false(http2_is_over(http2));
	(void)one_loop_run(&one);
	pump();
	assert_int_equal(seen(write)->status, 400);
	assert_true(http2_is_over(http2));
}

static void
what_does_not_begin_like_a_client_is_refused(void **state)
{
	(void)state;
	assert_false(http2_feed(http2, dom_slice_of("GET / HTTP/1.1\r\nHost: h\r\n\r\n")));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_CLOSED(name) cmocka_unit_test_setup_teardown(name, set_up_closed_window, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_stream_carries_a_request_and_its_reply),
	    TEST(a_write_is_answered_when_the_writer_is_done),
	    TEST(a_reset_stream_counts_until_the_writer_is_done_with_it),
	    TEST(a_connection_may_close_while_the_writer_has_its_requests),
	    TEST(what_is_held_ends_with_its_stream),
	    TEST(a_connection_may_close_while_its_requests_are_held),
	    TEST(a_body_that_does_not_come_gets_408_and_others_go_on),
	    TEST_CLOSED(a_reply_that_is_not_taken_is_dropped),
	    TEST_CLOSED(replies_that_nobody_takes_leave_one_stream_at_a_time),
	    TEST(a_socket_that_takes_nothing_ends_the_connection),
	    TEST(an_idle_connection_says_goodbye),
	    TEST(pings_are_answered_until_there_are_too_many),
	    TEST(a_flood_that_comes_in_one_read_is_told_so_too),
	    TEST(resets_are_dearer_than_pings),
	    TEST(after_a_stop_streams_end_and_then_the_connection),
	    TEST(what_does_not_begin_like_a_client_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
