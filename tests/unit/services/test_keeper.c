/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The keeper's steps: crashes between any two, the journal over a backup, the region's time. */
#include <unistd.h>

#include <sqlite3.h>

#include "erasing.h"
#include "services/root/root.h"

enum { STEPS_MAX = 60, PATH_SIZE = 128 };

static void
begin(int scope)
{
	if (scope == WIRE_SCOPE_ITEM)
		assert_int_equal(
		    begin_erasing(scope, ana_number, "", uid('c', 1), uid('i', 1)), DOM_OK);
	else
		assert_int_equal(begin_erasing(scope, ana_number,
		                     scope == WIRE_SCOPE_ACCOUNT ? "" : "contacts", "", ""),
		    DOM_OK);
}

static const int scopes[] = {WIRE_SCOPE_ITEM, WIRE_SCOPE_SERVICE, WIRE_SCOPE_ACCOUNT};
enum { SCOPES = 3 };

static void
expect_erased(int scope)
{
	struct store_erasure row = the_erasure();
	struct store_counts counts = count_all();

	assert_int_equal(row.state, STORE_ERASURE_ERASED);
	assert_true(row.receipt.size != 0);
	switch (scope) {
	case WIRE_SCOPE_ITEM:
		assert_int_equal(row.sum.revisions, 2);
		assert_int_equal(counts.revisions, 2 * (1 + ITEMS));
		break;
	case WIRE_SCOPE_SERVICE:
		assert_int_equal(row.sum.items, 1 + ITEMS);
		assert_int_equal(counts.collections, 1);
		break;
	default:
		assert_int_equal(row.sum.items, 2 * (1 + ITEMS));
		assert_int_equal(counts.accounts, 2);
		assert_int_equal(counts.collections, 0);
	}
}

static void
fresh_house(void)
{
	void *state = NULL;

	assert_int_equal(house_tear_down(&state), 0);
	assert_int_equal(house_set_up(&state), 0);
	two_services();
	write_revisions(2);
}

static void
a_crash_after_any_step_loses_nothing_and_repeats_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SCOPES; i++) {
		bool finished = false;

		for (unsigned crash = 0; !finished; crash++) {
			assert_true(crash < STEPS_MAX);
			fresh_house();
			begin(scopes[i]);
			for (unsigned at = 0; at < crash && !finished; at++)
				finished = step() == DOM_ABSENT;
			copy_folder();
			live_in_copy();
			assert_int_equal(replay(), 0);
			finish_all();
			expect_erased(scopes[i]);
			assert_int_equal(
			    memory_journal.count, scopes[i] == WIRE_SCOPE_SERVICE ? 2 : 1);
		}
	}
}

/* The power goes after some of its entries, or after all and before the store knows. */
static void
what_the_journal_has_already_is_not_written_again(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SCOPES; i++) {
		int most = scopes[i] == WIRE_SCOPE_SERVICE ? 2 : 1;

		for (int entries = 0; entries <= most; entries++) {
			for (unsigned restarts = 0; restarts < 2; restarts++) {
				fresh_house();
				begin(scopes[i]);
				memory_journal.stops_after = entries;
				assert_int_equal(step(), DOM_EFILE);
				assert_int_equal(memory_journal.count, entries);
				memory_journal.stops_after = -1;
				if (restarts != 0)
					assert_int_equal(replay(), 0);
				finish_all();
				expect_erased(scopes[i]);
				assert_int_equal(memory_journal.count, most);
			}
		}
	}
}

/* What there is now, as the receipt of the last request should say it was. */
static void
root_now(int scope, uint8_t root_r[WIRE_ROOT_SIZE], struct wire_erased *sum_r)
{
	struct store_erasure row = the_erasure();
	struct root_options options = {.scope = (enum wire_scope)scope,
	    .account = ana_number,
	    .clock = row.clock,
	    .erasure = row.number,
	    .collection_uid = row.collection_uid,
	    .item_uid = row.item_uid};
	struct store_txn *txn;

	memcpy(options.identity_public, house.ana.identity_public, 32);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(root_compute(txn, &options, root_r, sum_r), DOM_OK);
	store_read_end(&txn);
}

static void
the_receipt_has_the_root_and_the_counts_of_what_was_there(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SCOPES; i++) {
		uint8_t before[WIRE_ROOT_SIZE];
		struct wire_receipt receipt;
		struct wire_erased sum;

		fresh_house();
		begin(scopes[i]);
		root_now(scopes[i], before, &sum);
		assert_true(sum.revisions != 0 && sum.bytes != 0);
		finish_all();
		assert_int_equal(wire_receipt_decode(the_erasure().receipt, &receipt), DOM_OK);
		assert_memory_equal(receipt.root, before, sizeof(before));
		assert_memory_equal(&receipt.sum, &sum, sizeof(sum));
	}
}

static bool
stop_now(void *context)
{
	++*(unsigned *)context;
	return true;
}

static void
a_root_that_is_stopped_is_computed_again(void **state)
{
	unsigned asked = 0;
	struct keeper_options options = {.service = &house.service,
	    .journal = journal_in_memory(),
	    .stopped = stop_now,
	    .context = &asked};
	struct keeper *keeper;

	(void)state;
	two_services();
	options.store = house.store;
	begin(WIRE_SCOPE_SERVICE);
	assert_int_equal(step(), DOM_OK);
	assert_int_equal(keeper_open(&options, &keeper), DOM_OK);
	assert_int_equal(keeper_step(keeper), DOM_ESTOPPED);
	keeper_close(&keeper);
	assert_int_equal(asked, 1);
	assert_int_equal(the_erasure().state, STORE_ERASURE_NOTED);
	finish_all();
	expect_erased(WIRE_SCOPE_SERVICE);
}

static void
a_withdrawal_that_keeps_is_in_the_journal_and_leaves_no_row(void **state)
{
	(void)state;
	two_services();
	begin(ERASURE_SCOPE_KEEP);
	finish_all();
	assert_int_equal(memory_journal.count, 1);
	assert_int_equal(memory_journal.entries[0].kind, JOURNAL_WITHDRAWAL);
	assert_int_equal(count_all().collections, 2);
	assert_int_equal(get(SERVICE_ERASURES, &house.ana), SERVICE_DONE);
}

static bool
holds(const void *bytes, size_t size)
{
	const uint8_t *all = (const uint8_t *)memory_journal.entries;

	return memmem(all, sizeof(memory_journal.entries), bytes, size) != NULL;
}

static void
the_journal_holds_no_id_and_no_name(void **state)
{
	struct store_account account;
	struct store_txn *txn;

	(void)state;
	two_services();
	write_revisions(2);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(
	    store_account_by_number(txn, ana_number, house.arena, &account), DOM_OK);
	store_read_end(&txn);
	for (unsigned i = 0; i < SCOPES; i++)
		begin(scopes[i]);
	finish_all();
	assert_int_equal(memory_journal.count, 4);
	assert_false(holds(account.id, sizeof(account.id)));
	assert_false(holds(house.ana.identity_public, 32));
	assert_false(holds("contacts", 8));
	assert_false(holds(uid('c', 1), 32));
	assert_false(holds(uid('i', 1), 32));
	/* It does hold what the keeper was asked. */
	assert_true(holds(request, sizeof(request)));
}

/* --- an older backup -------------------------------------------------------------------- */

static void
what_was_erased_after_a_backup_is_erased_again(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SCOPES; i++) {
		fresh_house();
		copy_folder();
		begin(scopes[i]);
		finish_all();
		live_in_copy();
		assert_int_equal(count_all().collections, 2);
		assert_int_equal(replay(), 1);
		if (scopes[i] != WIRE_SCOPE_ITEM)
			assert_int_not_equal(read_collection(&house.ana, 1), SERVICE_DONE);
		finish_all();
		expect_erased(scopes[i]);
		assert_int_equal(memory_journal.count, scopes[i] == WIRE_SCOPE_SERVICE ? 2 : 1);
		assert_int_equal(replay(), 0);
	}
}

static void
what_was_withdrawn_after_a_backup_is_off_again(void **state)
{
	(void)state;
	two_services();
	assert_int_equal(write_one(&house.ana, 2, 5), SERVICE_DONE);
	copy_folder();
	begin(ERASURE_SCOPE_KEEP);
	finish_all();
	live_in_copy();
	replay();
	assert_int_equal(read_collection(&house.ana, 1), SERVICE_DONE);
	assert_int_equal(write_one(&house.ana, 1, 5), SERVICE_CONSENT_REQUIRED);
	assert_int_equal(write_one(&house.ana, 2, 5), SERVICE_DONE);
}

/* The request is in the backup: it goes on there, and what came after it is followed. */
static void
a_backup_from_within_an_erasure_goes_on_with_it(void **state)
{
	uint8_t first[STORE_REQUEST_SIZE];

	(void)state;
	for (unsigned steps = 0; steps < 6; steps++) {
		fresh_house();
		begin(WIRE_SCOPE_SERVICE);
		memcpy(first, request, sizeof(first));
		for (unsigned i = 0; i < steps; i++)
			(void)!step();
		copy_folder();
		finish_all();
		begin(WIRE_SCOPE_ACCOUNT);
		finish_all();
		live_in_copy();
		assert_int_equal(replay(), 1);
		finish_all();
		assert_int_equal(count_all().accounts, 2);
		assert_int_equal(the_erasure().state, STORE_ERASURE_ERASED);
		memcpy(request, first, sizeof(first));
		assert_int_equal(the_erasure().state, STORE_ERASURE_ERASED);
	}
}

static void
the_journals_entries_of_accounts_that_are_not_here_change_nothing(void **state)
{
	(void)state;
	two_services();
	copy_folder();
	sign_up(&(struct person){.name = "dee"});
	begin_erasing(WIRE_SCOPE_ACCOUNT, number_of("dee"), "", "", "");
	finish_all();
	live_in_copy();
	assert_int_equal(replay(), 0);
	assert_int_equal(count_all().accounts, 3);
	assert_int_equal(count_all().collections, 2);
}

static void
a_consent_of_after_a_withdrawal_that_the_backup_knows_stays(void **state)
{
	(void)state;
	two_services();
	begin(ERASURE_SCOPE_KEEP);
	finish_all();
	assert_int_equal(consent(&house.ana, "contacts", "type one"), SERVICE_DONE);
	copy_folder();
	live_in_copy();
	assert_int_equal(replay(), 0);
	assert_int_equal(write_one(&house.ana, 1, 5), SERVICE_DONE);
}

/* --- a snapshot holds the log ---------------------------------------------------------------
 */

/* As a disk that rots would: an item's list of chunks that nobody can read. */
static void
damage_first_collection(void)
{
	char path[PATH_SIZE];
	sqlite3 *database = NULL;

	snprintf(path, sizeof(path), "%s/store.sqlite3", house.folder);
	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	assert_int_equal(sqlite3_exec(database,
	                     "UPDATE item SET chunks = x'ff' WHERE collection ="
	                     " (SELECT min(number) FROM collection)",
	                     NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static void
one_that_cannot_go_on_holds_up_nobody_elses(void **state)
{
	unsigned steps = 0;

	(void)state;
	fresh_house();
	begin(WIRE_SCOPE_SERVICE);
	damage_first_collection();
	assert_int_equal(create(&house.bob, 5, "type one"), SERVICE_DONE);
	assert_int_equal(erase_service(&house.bob, "contacts"), DOM_OK);
	while (the_erasure().state != STORE_ERASURE_ERASED && steps++ < STEPS_MAX)
		(void)step();
	assert_int_equal(the_erasure().state, STORE_ERASURE_ERASED);
	/* And whoever looks after the region hears of the other. */
	assert_true(step() < 0);
}

static void
there_is_no_receipt_while_a_snapshot_can_still_read_it(void **state)
{
	struct store_reader *other;
	struct store_txn *snapshot;
	struct store_counts counts;
	enum dom_status st = DOM_OK;

	(void)state;
	two_services();
	begin(WIRE_SCOPE_SERVICE);
	assert_int_equal(store_reader_open(house.store, &other), DOM_OK);
	assert_int_equal(store_read_begin(other, &snapshot), DOM_OK);
	assert_int_equal(store_count(snapshot, &counts), DOM_OK);
	for (unsigned i = 0; i < STEPS_MAX && st != DOM_CONFLICT; i++)
		st = step();
	assert_int_equal(st, DOM_CONFLICT);
	assert_int_equal(the_erasure().state, STORE_ERASURE_SETTLING);
	store_read_end(&snapshot);
	store_reader_close(&other);
	finish_all();
	assert_int_equal(the_erasure().state, STORE_ERASURE_ERASED);
}

/* --- the region's time
 * ------------------------------------------------------------------------ */

static int64_t
region_time(void)
{
	struct store_txn *txn;
	int64_t time_ms;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(store_region_time(txn, &time_ms), DOM_OK);
	store_read_end(&txn);
	return time_ms;
}

static void
tick(struct keeper_time *time, int64_t wall_ms, int64_t monotonic_ms)
{
	assert_int_equal(keeper_tick(time, house.store, wall_ms, monotonic_ms), DOM_OK);
}

static void
the_regions_time_follows_a_clock_that_goes_right(void **state)
{
	struct keeper_time time = {0};
	int64_t began_ms = region_time();

	(void)state;
	assert_int_equal(began_ms, house.now_ms);
	for (int64_t minute = 0; minute <= 10; minute++)
		tick(&time, began_ms + minute * 60000, 500 + minute * 60000);
	assert_int_equal(region_time(), began_ms + 600000);
}

static void
a_clock_that_jumps_ages_nothing(void **state)
{
	struct keeper_time time = {0};
	int64_t began_ms = region_time();

	(void)state;
	tick(&time, began_ms, 1000);
	tick(&time, began_ms + 365 * DAY_MS, 61000);
	assert_int_equal(region_time(), began_ms + 60000);
	/* Put right again: it waits until the clock has come up to it. */
	tick(&time, began_ms + 30000, 91000);
	assert_int_equal(region_time(), began_ms + 60000);
	tick(&time, began_ms - DAY_MS, 92000);
	assert_int_equal(region_time(), began_ms + 60000);
	tick(&time, began_ms + 90000, 151000);
	assert_int_equal(region_time(), began_ms + 90000);
}

static void
time_that_the_server_was_off_does_not_count(void **state)
{
	struct keeper_time time = {0}, after = {0};
	int64_t began_ms = region_time();

	(void)state;
	tick(&time, began_ms, 1000);
	tick(&time, began_ms + 60000, 61000);
	tick(&after, began_ms + 30 * DAY_MS, 5000000);
	assert_int_equal(region_time(), began_ms + 60000);
	tick(&after, began_ms + 30 * DAY_MS + 60000, 5060000);
	assert_int_equal(region_time(), began_ms + 120000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_crash_after_any_step_loses_nothing_and_repeats_nothing),
	    TEST(what_the_journal_has_already_is_not_written_again),
	    TEST(the_receipt_has_the_root_and_the_counts_of_what_was_there),
	    TEST(a_root_that_is_stopped_is_computed_again),
	    TEST(a_withdrawal_that_keeps_is_in_the_journal_and_leaves_no_row),
	    TEST(the_journal_holds_no_id_and_no_name),
	    TEST(what_was_erased_after_a_backup_is_erased_again),
	    TEST(what_was_withdrawn_after_a_backup_is_off_again),
	    TEST(a_backup_from_within_an_erasure_goes_on_with_it),
	    TEST(the_journals_entries_of_accounts_that_are_not_here_change_nothing),
	    TEST(a_consent_of_after_a_withdrawal_that_the_backup_knows_stays),
	    TEST(one_that_cannot_go_on_holds_up_nobody_elses),
	    TEST(there_is_no_receipt_while_a_snapshot_can_still_read_it),
	    TEST(the_regions_time_follows_a_clock_that_goes_right),
	    TEST(a_clock_that_jumps_ages_nothing),
	    TEST(time_that_the_server_was_off_does_not_count),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	remove_copy();
	return failed;
}
