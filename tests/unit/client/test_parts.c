/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Positions, metadata, the local state and the choice of a transport, each alone. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/msgpack.h"

#include "client/meta.h"
#include "client/position.h"
#include "client/state.h"
#include "region.h"

static void
a_write_that_starts_where_we_stand_moves_us(void **state)
{
	struct dom_position position = {.at = ""};

	(void)state;
	assert_false(dom_position_wrote(&position, "a b"));
	dom_position_set(&position, "a");
	assert_true(dom_position_wrote(&position, "a b"));
	assert_string_equal(position.at, "b");
	assert_false(dom_position_wrote(&position, "b b"));
	assert_false(dom_position_wrote(&position, ""));
	assert_false(dom_position_wrote(&position, "b"));
	assert_false(dom_position_wrote(&position, "b c d"));
	assert_string_equal(position.at, "b");
}

static void
writes_that_are_answered_in_another_order_are_chained(void **state)
{
	struct dom_position position = {.at = ""};

	(void)state;
	dom_position_set(&position, "1");
	assert_false(dom_position_wrote(&position, "3 4"));
	assert_false(dom_position_wrote(&position, "2 3"));
	assert_string_equal(position.at, "1");
	assert_true(dom_position_wrote(&position, "1 2"));
	assert_string_equal(position.at, "4");
	assert_int_equal(position.edge_count, 0);
}

static void
another_devices_write_in_between_stops_us(void **state)
{
	struct dom_position position = {.at = ""};
	char header[40];

	(void)state;
	dom_position_set(&position, "1");
	for (unsigned i = 2; i < 500; i++) {
		snprintf(header, sizeof(header), "%u %u", i, i + 1);
		assert_false(dom_position_wrote(&position, header));
	}
	assert_string_equal(position.at, "1");
	dom_position_set(&position, "500");
	assert_int_equal(position.edge_count, 0);
	dom_position_set(&position, "500 501");
	assert_string_equal(position.at, "");
}

static void
metadata_come_back_with_the_keys_of_other_apps(void **state)
{
	const struct dom_meta meta = {.name = dom_slice_of("n"),
	    .source = dom_slice_of("s"),
	    .order = 7,
	    .mtime_ms = -5,
	    .size = 0,
	    .digest = dom_slice("0123456789abcdef0123456789abcdef", 32)};
	struct dom_buffer plain = {0}, again = {0}, extra = {0};
	struct dom_meta read;

	(void)state;
	dom_pack_put_text(&extra, "color");
	dom_pack_put_text(&extra, "#fff");
	dom_pack_put_text(&extra, "name2");
	dom_pack_put_array(&extra, 1);
	dom_pack_put_nil(&extra);
	{
		struct dom_meta with = meta;

		with.extra = dom_buffer_slice(&extra);
		dom_meta_encode(&plain, &with);
	}
	assert_int_equal(dom_meta_decode(dom_buffer_slice(&plain), &again, &read), DOM_OK);
	assert_true(dom_slice_is(read.name, "n"));
	assert_true(dom_slice_is(read.source, "s"));
	assert_int_equal(read.order, 7);
	assert_int_equal(read.mtime_ms, -5);
	assert_int_equal(read.size, 0);
	assert_true(dom_slice_equal(read.digest, meta.digest));
	assert_true(dom_slice_equal(read.extra, dom_buffer_slice(&extra)));
	for (size_t size = 0; size < plain.size; size++)
		assert_int_equal(
		    dom_meta_decode(dom_slice(plain.data, size), &again, &read), DOM_EINPUT);
	dom_buffer_free(&plain);
	dom_buffer_free(&again);
	dom_buffer_free(&extra);
}

static void
known_keys_of_odd_types_are_not_believed(void **state)
{
	struct dom_buffer plain = {0}, extra = {0};
	struct dom_meta read;

	(void)state;
	dom_pack_put_map(&plain, 4);
	dom_pack_put_text(&plain, "size");
	dom_pack_put_int(&plain, -3);
	dom_pack_put_text(&plain, "name");
	dom_pack_put_str(&plain, dom_slice("a\0b", 3));
	dom_pack_put_text(&plain, "digest");
	dom_pack_put_bin(&plain, dom_slice("short", 5));
	dom_pack_put_int(&plain, 1);
	dom_pack_put_nil(&plain);
	assert_int_equal(dom_meta_decode(dom_buffer_slice(&plain), &extra, &read), DOM_OK);
	assert_int_equal(read.size, -1);
	assert_null(read.name.data);
	assert_null(read.digest.data);
	assert_true(extra.size > 0);
	dom_buffer_free(&plain);
	dom_buffer_free(&extra);
}

static void
what_was_not_committed_is_gone_after_a_crash(void **state)
{
	char folder[] = "/tmp/client-state-XXXXXX", file[64], path[80], message[200];
	struct dom_item_row row = {.uid = dom_slice_of("item"), .etag = dom_slice_of("1")},
	                    found;
	struct dom_collection_row collection = {
	    .uid = dom_slice_of("collection"), .sealed_key = dom_slice_of("key")};
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_state *db;
	struct dom_slice token;
	int64_t number;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/state.db", folder);
	assert_int_equal(dom_state_open(file, &db, message, sizeof(message)), DOM_OK);
	assert_int_equal(dom_state_collection_put(db, &collection, 1, &number), DOM_OK);
	assert_int_equal(dom_state_item_put(db, number, &row), DOM_OK);
	assert_int_equal(dom_state_set(db, "token", dom_slice_of("T1")), DOM_OK);
	assert_int_equal(dom_state_commit(db), DOM_OK);
	row.etag = dom_slice_of("2");
	assert_int_equal(dom_state_item_put(db, number, &row), DOM_OK);
	assert_int_equal(dom_state_set(db, "token", dom_slice_of("T2")), DOM_OK);
	dom_state_close(&db);
	assert_int_equal(dom_state_open(file, &db, message, sizeof(message)), DOM_OK);
	assert_int_equal(dom_state_item_find(db, number, dom_slice_of("item"), &found), DOM_OK);
	assert_true(dom_slice_is(found.etag, "1"));
	assert_int_equal(dom_state_get(db, "token", arena, &token), DOM_OK);
	assert_true(dom_slice_is(token, "T1"));
	/* A listing from the start that does not meet the item sweeps it. */
	assert_int_equal(dom_state_collection_relist(db, number), DOM_OK);
	assert_int_equal(dom_state_collection_sweep(db, number), DOM_OK);
	assert_int_equal(
	    dom_state_item_find(db, number, dom_slice_of("item"), &found), DOM_ABSENT);
	dom_state_close(&db);
	dom_arena_free(&arena);
	for (unsigned i = 0; i < 3; i++) {
		static const char *const ends[] = {"", "-wal", "-shm"};

		snprintf(path, sizeof(path), "%s%s", file, ends[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(folder), 0);
}

static void
plain_http_is_for_this_machine_alone(void **state)
{
	static const struct {
		const char *url;
		bool good;
	} cases[] = {
	    {"http://127.0.0.1:8037", true},
	    {"http://127.9.9.9/", true},
	    {"http://localhost:1/path", true},
	    {"http://LOCALHOST", true},
	    {"http://[::1]:8037/", true},
	    {"https://example.org/path/", true},
	    {"http://example.org", false},
	    {"http://localhost.example.org", false},
	    {"http://128.0.0.1", false},
	    {"http://[::2]/", false},
	    {"ftp://127.0.0.1", false},
	    {"https://user@example.org", false},
	    {"https://example.org/?query", false},
	    {"example.org", false},
	    {"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dom_transport *transport = NULL;
		enum dom_status st = dom_transport_curl(
		    &(struct dom_transport_options){.server_url = cases[i].url}, &transport);

		if (st != (cases[i].good ? DOM_OK : DOM_EINPUT))
			fail_msg("%s: %d", cases[i].url, st);
		if (transport != NULL)
			transport->close(transport);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_write_that_starts_where_we_stand_moves_us),
	    cmocka_unit_test(writes_that_are_answered_in_another_order_are_chained),
	    cmocka_unit_test(another_devices_write_in_between_stops_us),
	    cmocka_unit_test(metadata_come_back_with_the_keys_of_other_apps),
	    cmocka_unit_test(known_keys_of_odd_types_are_not_believed),
	    cmocka_unit_test(what_was_not_committed_is_gone_after_a_crash),
	    cmocka_unit_test(plain_http_is_for_this_machine_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
