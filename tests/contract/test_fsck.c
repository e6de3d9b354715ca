/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * An examination of a store finds every kind of damage, and nothing in a store that is well.
 */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "care.h"
#include "store/erase.h"

static void
assert_only_fault(struct world *world, const char *words)
{
	struct store_fsck_report report;
	unsigned count = care_examine(world, &report);

	for (unsigned i = 0; i < count && i < CARE_FAULTS_MAX; i++) {
		if (strstr(care_faults[i], words) == NULL || count != 1)
			fail_msg(
			    "of %u: \"%s\" instead of \"%s\"", count, care_faults[i], words);
	}
	if (count == 0)
		fail_msg("nothing was found instead of \"%s\"", words);
}

/* Behind the closed store's back. */
static void
tamper(struct world *world, const char *text)
{
	char path[CARE_PATH_SIZE];
	sqlite3 *db;

	world_close(world);
	care_name_beside(world, "/store.sqlite3", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
a_store_that_is_well_has_no_faults(void **state)
{
	struct world *world = *state;
	struct store_fsck_report report;

	assert_int_equal(care_examine(world, &report), 0);
	assert_int_equal(report.items, 1);
	assert_int_equal(report.revisions, 1);
	assert_int_equal(report.chunks, 2);
	assert_int_equal(report.chunk_bytes, CARE_FILE_SIZE + 5);
	care_tick(world); /* and the examination is in nobody's way */
	world_close(world);
	assert_int_equal(care_examine(world, &report), 0);
}

static void
a_file_with_one_other_byte_is_found(void **state)
{
	struct world *world = *state;
	char path[CARE_PATH_SIZE];
	int fd;

	find_file(world, path, sizeof(path));
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "x", 1, 100), 1);
	close(fd);
	assert_only_fault(world, "chunk large of collection c1 is damaged: its bytes are not");
}

static void
a_missing_file_and_one_of_another_size_are_found(void **state)
{
	struct world *world = *state;
	char path[CARE_PATH_SIZE];

	find_file(world, path, sizeof(path));
	assert_int_equal(truncate(path, CARE_FILE_SIZE - 1), 0);
	assert_only_fault(world, "its file is missing or has another size");
	assert_int_equal(unlink(path), 0);
	assert_only_fault(world, "its file is missing or has another size");
	assert_int_equal(count_files(world), 0); /* nothing was repaired */
}

static void
a_damaged_row_is_found(void **state)
{
	struct world *world = *state;

	tamper(world, "UPDATE chunk SET data = CAST('bytez' AS BLOB) WHERE data IS NOT NULL");
	assert_only_fault(world, "chunk small of collection c1 is damaged: its bytes are not");
	tamper(world, "UPDATE chunk SET data = CAST('byte' AS BLOB) WHERE data IS NOT NULL");
	assert_only_fault(world, "it has another size");
	tamper(world, "DELETE FROM chunk WHERE data IS NOT NULL;"
	              "UPDATE account SET chunk_bytes = chunk_bytes - 5");
	assert_only_fault(
	    world, "item i1 of collection c1 names chunk small, which does not exist");
}

static void
clocks_that_contradict_each_other_are_found(void **state)
{
	struct world *world = *state;

	tamper(world, "UPDATE collection SET items_clock = 0");
	assert_only_fault(world, "collection c1: an item is newer than it knows");
	tamper(world, "UPDATE collection SET items_clock = 1; UPDATE item SET clock = 7");
	assert_int_equal(care_examine(world, &(struct store_fsck_report){0}), 2);
	assert_non_null(strstr(care_faults[0], "collection c1: an item is ahead"));
}

static void
share_it(struct world *world)
{
	struct store_txn *txn = write_begin(world);
	int64_t bo = add_account(txn, "bo", 2), cy = add_account(txn, "cy", 3);
	struct store_member member = {.collection = 1,
	    .account = 1,
	    .access_level = 1,
	    .collection_key = dom_slice_of("key"),
	    .collection_type = dom_slice_of("type")};
	struct store_removed removed = {.uid = dom_slice_of("c1")};
	struct store_invitation invitation = {.uid = dom_slice_of("v1"),
	    .collection = 1,
	    .sender = 1,
	    .recipient = bo,
	    .signed_key = dom_slice_of("boxed")};

	assert_status(store_account_tick(txn, 1, &member.clock), DOM_OK);
	assert_status(store_member_add(txn, &member), DOM_OK);
	assert_status(store_account_tick(txn, cy, &removed.clock), DOM_OK);
	assert_status(store_removed_put(txn, cy, &removed), DOM_OK);
	assert_status(store_account_tick(txn, 1, &invitation.sender_clock), DOM_OK);
	assert_status(store_account_tick(txn, bo, &invitation.clock), DOM_OK);
	assert_status(store_invitation_add(txn, &invitation), DOM_OK);
	write_commit(world);
}

static void
what_contradicts_itself_in_sharing_is_found(void **state)
{
	struct world *world = *state;

	share_it(world);
	assert_int_equal(care_examine(world, &(struct store_fsck_report){0}), 0);
	tamper(world, "UPDATE removed SET clock = clock + 1");
	assert_only_fault(world, "collection c1: the note that a membership ended is ahead");
	tamper(world, "UPDATE removed SET clock = clock - 1;"
	              "UPDATE invitation SET clock = clock + 1");
	assert_only_fault(world, "collection c1: an invitation is ahead");
	tamper(world, "UPDATE invitation SET clock = clock - 1, sender_clock = 99");
	assert_only_fault(world, "collection c1: an invitation is ahead");
	tamper(world, "UPDATE invitation SET sender_clock = 1;"
	              "UPDATE removed SET account = 1");
	assert_only_fault(world, "collection c1: somebody is a member and has the note");
	tamper(world, "DELETE FROM removed; DELETE FROM member;"
	              "UPDATE collection SET members_clock = 0");
	assert_only_fault(world, "collection c1: an invitation has outlived its sender's");
}

static void
what_contradicts_an_erasure_is_found(void **state)
{
	struct world *world = *state;

	tamper(world, "UPDATE account SET name = x''");
	assert_only_fault(world, "an account has no name that could be opened");
	tamper(world, "UPDATE account SET state = 1");
	assert_only_fault(world, "being erased still has what is sealed");
	tamper(world, "UPDATE account SET rest_key = x'', name_hash = NULL;"
	              "UPDATE collection SET erasure = 5");
	assert_only_fault(world, "collection c1: it waits for an erasure that is not there");
	tamper(world, "UPDATE collection SET erasure = NULL;"
	              "INSERT INTO member SELECT 1, 1, 1, 1, 1, 1, x'', x'';"
	              "UPDATE collection SET abandoned_ms = 1");
	assert_only_fault(world, "collection c1: it waits to be erased, but has members");
	tamper(world, "DELETE FROM member;"
	              "INSERT INTO gone SELECT file FROM chunk WHERE file IS NOT NULL");
	assert_only_fault(world, "a chunk's file is about to be removed");
}

/* Frozen, gone, being copied: it has its name in each. */
static void
an_account_that_moves_is_well(void **state)
{
	struct world *world = *state;

	for (int i = STORE_ACCOUNT_FROZEN; i <= STORE_ACCOUNT_PREPARED; i++) {
		char text[60];

		snprintf(text, sizeof(text), "UPDATE account SET state = %d", i);
		tamper(world, text);
		assert_int_equal(care_examine(world, &(struct store_fsck_report){0}), 0);
	}
	tamper(world, "UPDATE account SET name = x''");
	assert_only_fault(world, "an account has no name that could be opened");
}

static void
a_reference_to_nothing_is_found(void **state)
{
	struct world *world = *state;

	tamper(world, "UPDATE session SET account = 77");
	assert_only_fault(world, "a row of session names one of account that does not exist");
}

static void
use_is_counted_and_a_wrong_count_is_found(void **state)
{
	struct world *world = *state;
	struct store_usage usage;
	struct store_staged *staged;
	struct store_txn *txn;

	assert_status(store_account_usage(read_begin(world), 1, &usage), DOM_OK);
	read_end(world);
	assert_int_equal(usage.chunk_bytes, CARE_FILE_SIZE + 5);
	assert_true(usage.quota_bytes < 0);
	/* A job that is undone has used nothing. */
	txn = write_begin(world);
	care_put_chunk(txn, world, 1, "undone", dom_slice_of("more"), &staged);
	assert_int_equal(store_chunk_usage(txn)->chunk_bytes, CARE_FILE_SIZE + 9);
	write_end(world, DOM_EDENIED);
	store_staged_free(&staged);
	txn = write_begin(world);
	assert_status(store_account_set_quota(txn, 1, 7), DOM_OK);
	assert_status(store_account_set_quota(txn, 99, 7), DOM_ABSENT);
	write_commit(world);
	assert_status(store_account_usage(read_begin(world), 1, &usage), DOM_OK);
	read_end(world);
	assert_int_equal(usage.chunk_bytes, CARE_FILE_SIZE + 5);
	assert_int_equal(usage.quota_bytes, 7);
	assert_int_equal(care_examine(world, &(struct store_fsck_report){0}), 0);
	tamper(world, "UPDATE account SET chunk_bytes = 1");
	assert_only_fault(world, "an account is said to have chunks of 1 bytes, and has 65542");
}

/* The pages of the item table's tree, overwritten. */
static void
a_damaged_database_is_found(void **state)
{
	struct store_fsck_report report;
	struct world *world = *state;
	char path[CARE_PATH_SIZE], garbage[2048];
	int fd;

	world_close(world);
	memset(garbage, 0xa5, sizeof(garbage));
	care_name_beside(world, "/store.sqlite3", path);
	fd = open(path, O_WRONLY);
	for (off_t page = 3; page < 12; page++)
		assert_int_equal(
		    pwrite(fd, garbage, sizeof(garbage), page * 4096), sizeof(garbage));
	close(fd);
	assert_true(care_examine(world, &report) > 0);
	assert_non_null(strstr(care_faults[0], "database"));
	/* So that the world can end. */
	assert_int_equal(unlink(path), 0);
}

static void
an_examination_without_a_server_needs_the_lock(void **state)
{
	struct world *world = *state;
	struct store_care care = care_of(world->folder);
	struct store_fsck_report report;
	unsigned count = 0;

	care.offline = true;
	assert_status(
	    store_fsck(&care, care_found, &count, &report, care_message, sizeof(care_message)),
	    DOM_EDENIED);
	assert_non_null(strstr(care_message, "stop it first"));
	world_close(world);
	assert_status(
	    store_fsck(&care, care_found, &count, &report, care_message, sizeof(care_message)),
	    DOM_OK);
	care.folder = "/nonexistent";
	assert_status(
	    store_fsck(&care, care_found, &count, &report, care_message, sizeof(care_message)),
	    DOM_EFILE);
}

static void
an_examination_can_be_stopped(void **state)
{
	struct world *world = *state;
	struct store_care care = care_of(world->folder);
	const atomic_bool stop = true;
	struct store_fsck_report report;
	struct store_backup_report backup;
	unsigned count = 0;
	char path[CARE_PATH_SIZE];

	care.stop = &stop;
	assert_status(
	    store_fsck(&care, care_found, &count, &report, care_message, sizeof(care_message)),
	    DOM_ESTOPPED);
	care_name_beside(world, ".backup", path);
	assert_status(
	    store_backup(&care, path, NULL, &backup, care_message, sizeof(care_message)),
	    DOM_ESTOPPED);
	assert_int_not_equal(access(path, F_OK), 0);
	care_name_beside(world, ".backup.part", path);
	assert_int_not_equal(access(path, F_OK), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CARE_CASE(a_store_that_is_well_has_no_faults),
	    CARE_CASE(a_file_with_one_other_byte_is_found),
	    CARE_CASE(a_missing_file_and_one_of_another_size_are_found),
	    CARE_CASE(a_damaged_row_is_found),
	    CARE_CASE(clocks_that_contradict_each_other_are_found),
	    CARE_CASE(what_contradicts_itself_in_sharing_is_found),
	    CARE_CASE(what_contradicts_an_erasure_is_found),
	    CARE_CASE(an_account_that_moves_is_well),
	    CARE_CASE(a_reference_to_nothing_is_found),
	    CARE_CASE(use_is_counted_and_a_wrong_count_is_found),
	    CARE_CASE(a_damaged_database_is_found),
	    CARE_CASE(an_examination_without_a_server_needs_the_lock),
	    CARE_CASE(an_examination_can_be_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
