/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A connection that fails at the first exchange, then at the second, until a
 * run completes unharmed.  After each failure the same command again finishes
 * the job, sends no chunk a second time that was acknowledged, and a second
 * device restores the identical contents.
 */
#include <stdio.h>

#include "phone.h"

static struct dom_session *phone, *other;

static const struct phone_record records[] = {
    {.key = "a", .source = "a", .order = 0, .seed = 1, .size = 300},
    {.key = "b", .source = "a", .order = 1, .seed = 2, .size = 20000},
    {.key = "c", .source = "a", .order = 2, .seed = 3, .size = 2 << 20},
    {.key = "d", .source = "a", .order = 3, .seed = 4, .size = 100000},
    {.key = "e", .source = "a", .order = 4, .seed = 5, .size = 0},
    {.key = "f", .source = "a", .order = 5, .seed = 0, .size = 3 << 20},
};
enum { RECORDS = sizeof(records) / sizeof(records[0]) };

static int
set_up(void **state)
{
	(void)state;
	region_start();
	phone = phone_sign_up("phone");
	phone_turn_on(phone);
	other = phone_log_in("other");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dom_session_close(&phone);
	dom_session_close(&other);
	region_stop();
	return 0;
}

static void
again_finishes_the_job(const char *collection, bool reopen)
{
	struct dom_import_counts counts;

	if (reopen) {
		dom_session_close(&phone);
		phone = phone_open("phone");
	}
	assert_ok(phone, phone_backup(phone, collection, records, RECORDS, &counts));
	assert_int_equal(counts.records[DOM_RECORD_CHANGED], 0);
	assert_int_equal(counts.records[DOM_RECORD_DUPLICATE], 0);
	phone_restore_is_identical(phone, collection, records, RECORDS);
	phone_restore_is_identical(other, collection, records, RECORDS);
	assert_ok(phone, phone_backup(phone, collection, records, RECORDS, &counts));
	assert_int_equal(counts.records[DOM_RECORD_SAME], RECORDS);
}

static void
fail_everywhere(enum region_fault fault, enum dom_status expected, bool reopen)
{
	unsigned runs = 0;

	for (bool unharmed = false; !unharmed; runs++) {
		struct dom_import_counts counts;
		char collection[40];
		enum dom_status st;

		assert_true(runs < 60);
		snprintf(collection, sizeof(collection), "c %d %d %u", fault, reopen, runs);
		region_link.fault = fault;
		region_link.fault_at = region_link.exchanges + 1 + runs;
		st = phone_backup(phone, collection, records, RECORDS, &counts);
		unharmed = region_link.exchanges < region_link.fault_at;
		region_link.fault_at = 0;
		assert_int_equal(st, unharmed ? DOM_OK : expected);
		if (!unharmed && expected < 0)
			assert_true(dom_session_error(phone)[0] != '\0');
		again_finishes_the_job(collection, reopen);
	}
	/* Sync, create, chunks, batches: it did fail at each of them. */
	print_message("%u places to fail at\n", runs - 1);
	assert_true(runs > 8);
}

static void
a_request_that_is_lost_harms_nothing(void **state)
{
	(void)state;
	fail_everywhere(REGION_LOSE_REQUEST, DOM_EUNCERTAIN, false);
}

static void
a_reply_that_is_lost_harms_nothing(void **state)
{
	(void)state;
	fail_everywhere(REGION_LOSE_REPLY, DOM_EUNCERTAIN, false);
}

static void
a_client_that_stops_with_its_connection_goes_on_later(void **state)
{
	(void)state;
	fail_everywhere(REGION_DOWN, DOM_ENETWORK, true);
}

static void
a_full_disk_is_said_and_harms_nothing(void **state)
{
	(void)state;
	fail_everywhere(REGION_FULL, DOM_EFULL, false);
}

static void
a_dead_token_is_renewed_in_the_middle_of_anything(void **state)
{
	(void)state;
	fail_everywhere(REGION_TOKEN_DEAD, DOM_OK, false);
}

static void
a_busy_server_is_asked_again(void **state)
{
	struct dom_import_counts counts;

	(void)state;
	region_link.fault = REGION_BUSY;
	for (unsigned at = 1; at <= 4; at++) {
		char collection[20];

		snprintf(collection, sizeof(collection), "busy %u", at);
		region_link.fault_at = region_link.exchanges + at;
		assert_ok(phone, phone_backup(phone, collection, records, RECORDS, &counts));
		assert_int_equal(counts.records[DOM_RECORD_NEW], RECORDS);
	}
	region_link.fault_at = 0;
}

static void
chunks_that_arrived_before_a_stop_are_not_sent_again(void **state)
{
	static const struct phone_record film = {
	    .key = "film", .source = "f", .seed = 77, .size = 12 << 20};
	struct dom_import_counts counts;
	unsigned all, before;

	(void)state;
	before = region_link.chunk_puts;
	assert_ok(phone, phone_backup(phone, "film 1", &film, 1, &counts));
	all = region_link.chunk_puts - before;
	assert_true(all >= 10);
	/* The other film goes down when all but the end of it has arrived. */
	before = region_link.chunk_puts;
	region_link.fault = REGION_DOWN;
	region_link.fault_at = region_link.exchanges + all;
	assert_int_equal(phone_backup(phone, "film 2", &film, 1, &counts), DOM_ENETWORK);
	region_link.fault_at = 0;
	assert_true(region_link.chunk_puts - before >= all / 2);
	dom_session_close(&phone);
	phone = phone_open("phone");
	assert_ok(phone, phone_backup(phone, "film 2", &film, 1, &counts));
	assert_int_equal(counts.records[DOM_RECORD_NEW], 1);
	/* In all: each piece once, and an index for each of the two tries at most. */
	assert_true(region_link.chunk_puts - before <= all + 1);
	phone_restore_is_identical(other, "film 2", &film, 1);
}

static void
replies_in_any_order_are_the_same(void **state)
{
	struct dom_import_counts counts;
	unsigned before;

	(void)state;
	region_link.shuffle = true;
	assert_ok(phone, phone_backup(phone, "shuffled", records, RECORDS, &counts));
	before = region_link.exchanges;
	assert_ok(phone, phone_backup(phone, "shuffled", records, RECORDS, &counts));
	assert_int_equal(region_link.exchanges - before, 1);
	phone_restore_is_identical(phone, "shuffled", records, RECORDS);
	region_link.shuffle = false;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_request_that_is_lost_harms_nothing),
	    cmocka_unit_test(a_reply_that_is_lost_harms_nothing),
	    cmocka_unit_test(a_client_that_stops_with_its_connection_goes_on_later),
	    cmocka_unit_test(a_full_disk_is_said_and_harms_nothing),
	    cmocka_unit_test(a_dead_token_is_renewed_in_the_middle_of_anything),
	    cmocka_unit_test(a_busy_server_is_asked_again),
	    cmocka_unit_test(chunks_that_arrived_before_a_stop_are_not_sent_again),
	    cmocka_unit_test(replies_in_any_order_are_the_same),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
