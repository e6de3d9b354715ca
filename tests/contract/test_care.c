/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What an operator does with a store: backups that are of one moment, restores
 * whose numbers were never given out, and lists of accounts.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "../region_key.h"
#include "care.h"
#include "store/erase.h"

static int64_t now_ms = INT64_C(1763700000000);

static void
write_key(const char *folder)
{
	char path[CARE_PATH_SIZE + 16];
	int fd;

	snprintf(path, sizeof(path), "%s/region.key", folder);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "key", 3), 3);
	close(fd);
}

static void
back_up(struct world *world, const char *suffix, struct store_backup_report *report_r)
{
	struct store_care care = care_of(world->folder);
	char path[CARE_PATH_SIZE];

	write_key(world->folder);
	care_name_beside(world, suffix, path);
	if (store_backup(&care, path, "region.key", report_r, care_message,
	        sizeof(care_message)) != DOM_OK)
		fail_msg("%s", care_message);
}

static enum dom_status
restore(struct world *world, const char *from, const char *region,
    struct store_restore_report *report_r)
{
	char backup[CARE_PATH_SIZE], folder[CARE_PATH_SIZE];

	care_name_beside(world, from, backup);
	care_name_beside(world, ".restored", folder);
	return store_restore(backup, folder, region, "region.key", NULL, now_ms, report_r,
	    care_message, sizeof(care_message));
}

/* The world's store is from now on the restored one. */
static void
move_into_restored(struct world *world)
{
	char restored[CARE_PATH_SIZE];

	care_name_beside(world, ".restored", restored);
	world_close(world);
	nftw(world->folder, care_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	assert_int_equal(rename(restored, world->folder), 0);
	world_open(world);
}

static uint64_t
clock_of(struct world *world, const char *name)
{
	struct store_account account;

	assert_status(store_account_by_name(
	                  read_begin(world), dom_slice_of(name), world->arena, &account),
	    DOM_OK);
	read_end(world);
	return account.clock;
}

/* --- backups ---------------------------------------------------------------- */

static void
what_was_backed_up_comes_back(void **state)
{
	struct world *world = *state;
	struct store_backup_report backup;
	struct store_restore_report restored;
	struct store_session session;
	struct store_invite invite = {.hash = {3}, .uses_max = 1, .expires_ms = INT64_MAX};
	struct dom_slice data;
	uint64_t count = 0;
	int64_t last_ms = 0;

	assert_status(store_invite_add(write_begin(world), &invite, &last_ms), DOM_OK);
	write_commit(world);
	back_up(world, ".backup", &backup);
	assert_int_equal(backup.files, 1);
	assert_int_equal(backup.file_bytes, CARE_FILE_SIZE);
	assert_int_equal(backup.missing, 0);
	add_account(write_begin(world), "later", 2);
	write_commit(world);
	assert_status(restore(world, ".backup", "in", &restored), DOM_OK);
	assert_int_equal(restored.accounts, 1);
	assert_int_equal(restored.files, 1);
	assert_int_equal(restored.sessions_ended, 1);
	move_into_restored(world);

	assert_int_equal(care_examine(world, &(struct store_fsck_report){0}), 0);
	read_begin(world);
	assert_status(
	    store_chunk_get(world->reading, 1, dom_slice_of("large"), world->arena, &data),
	    DOM_OK);
	assert_memory_equal(data.data, care_file_bytes, CARE_FILE_SIZE);
	assert_status(store_account_by_name(world->reading, dom_slice_of("later"), world->arena,
	                  &(struct store_account){0}),
	    DOM_ABSENT);
	assert_status(
	    store_session_find(world->reading, (const uint8_t[32]){9}, world->arena, &session),
	    DOM_ABSENT);
	/* It may have been used up or taken back since. */
	assert_status(store_invite_find(world->reading, invite.hash, &invite), DOM_ABSENT);
	assert_status(store_restores(world->reading, &count, &last_ms), DOM_OK);
	assert_int_equal(count, 1);
	assert_int_equal(last_ms, now_ms);
	read_end(world);
}

/* Time goes on from where it was, which is never ahead; what is to be erased still is. */
static void
what_erasing_and_retention_know_comes_back(void **state)
{
	struct world *world = *state;
	struct store_backup_report backup;
	struct store_restore_report restored;
	struct store_erasure erasure = {.request = {4}, .account = 1, .scope = 2}, found;
	struct store_txn *txn = write_begin(world);
	struct store_account account;
	uint64_t entries = 0;
	int64_t number, time_ms = 0;

	assert_status(store_region_time_set(txn, 77000), DOM_OK);
	assert_status(store_region_journal_set(txn, 3), DOM_OK);
	assert_status(store_account_notice_set(txn, 1, 76000), DOM_OK);
	assert_status(store_erasure_add(txn, &erasure, &number), DOM_OK);
	assert_status(store_collection_abandon(txn, 1, number), DOM_OK);
	write_commit(world);
	back_up(world, ".backup", &backup);
	assert_status(store_region_time_set(write_begin(world), 99000), DOM_OK);
	write_commit(world);
	assert_status(restore(world, ".backup", "in", &restored), DOM_OK);
	move_into_restored(world);
	txn = read_begin(world);
	assert_status(store_region_time(txn, &time_ms), DOM_OK);
	assert_int_equal(time_ms, 77000);
	assert_status(store_region_journal(txn, &entries), DOM_OK);
	assert_int_equal(entries, 3);
	assert_status(
	    store_account_by_name(txn, dom_slice_of("ana"), world->arena, &account), DOM_OK);
	assert_slice(account.name, "ana");
	assert_int_equal(account.notice_ms, 76000);
	assert_status(store_erasure_next(txn, 0, world->arena, &found), DOM_OK);
	assert_int_equal(found.request[0], 4);
	read_end(world);
	assert_int_equal(care_examine(world, &(struct store_fsck_report){0}), 0);
}

/* Each job adds two accounts: a backup that holds an odd number is of no moment. */
struct pair {
	struct store_job job;
	unsigned number;
	atomic_uint *pending;
};

static enum dom_status
pair_run(struct store_txn *txn, struct store_job *job)
{
	struct pair *pair = (struct pair *)job;
	char name[32];

	for (unsigned i = 0; i < 2; i++) {
		struct store_account account;
		int64_t number;
		enum dom_status st;

		snprintf(name, sizeof(name), "p%u-%u", pair->number, i);
		account = sample_account(name, 0);
		memcpy(account.id, name, sizeof(account.id));
		if ((st = store_account_add(txn, &account, &number)) != DOM_OK)
			return st;
	}
	return DOM_OK;
}

static void
pair_done(struct store_job *job, enum dom_status status)
{
	assert_status(status, DOM_OK);
	atomic_fetch_sub(((struct pair *)job)->pending, 1);
}

static uint64_t
accounts_of(const char *folder)
{
	char path[CARE_PATH_SIZE];
	sqlite3 *db;
	sqlite3_stmt *statement;
	uint64_t count;

	snprintf(path, sizeof(path), "%s/store.sqlite3", folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db, "SELECT count(*) FROM account", -1, &statement, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	count = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return count;
}

static void
a_backup_during_writes_is_of_one_moment(void **state)
{
	enum { PAIRS = 3000 };
	struct world *world = *state;
	struct pair *pairs = calloc(PAIRS, sizeof(*pairs));
	atomic_uint pending = PAIRS;
	struct store_backup_report report;
	char path[CARE_PATH_SIZE];

	for (unsigned i = 0; i < PAIRS; i++) {
		pairs[i] = (struct pair){.job = {.run = pair_run, .done = pair_done},
		    .number = i,
		    .pending = &pending};
		assert_status(store_submit(world->store, &pairs[i].job), DOM_OK);
	}
	back_up(world, ".backup", &report);
	back_up(world, ".second", &report);
	while (atomic_load(&pending) != 0)
		usleep(1000);
	care_name_beside(world, ".backup", path);
	assert_int_equal(accounts_of(path) % 2, 1); /* and ana */
	care_name_beside(world, ".second", path);
	assert_int_equal(accounts_of(path) % 2, 1);
	assert_int_equal(accounts_of(world->folder), 2 * PAIRS + 1);
	free(pairs);
}

static void *
back_up_main(void *context)
{
	struct store_backup_report report;

	back_up(context, ".backup", &report);
	assert_int_equal(report.missing, 0);
	return NULL;
}

/* What a backup's snapshot names stays until it is copied. */
static void
files_are_not_unlinked_while_a_backup_copies_nor_copied_while_they_are(void **state)
{
	struct world *world = *state;
	char path[CARE_PATH_SIZE];
	pthread_t thread;
	struct stat info;
	int hold;

	care_name_beside(world, "/chunks", path);
	hold = open(path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(hold, LOCK_SH), 0); /* as a backup does */
	assert_status(store_settle(world->store), DOM_CONFLICT);
	assert_int_equal(flock(hold, LOCK_EX), 0); /* as settling does */
	assert_int_equal(pthread_create(&thread, NULL, back_up_main, world), 0);
	usleep(50000);
	care_name_beside(world, ".backup", path);
	assert_int_not_equal(stat(path, &info), 0);
	care_name_beside(world, ".backup.part/store.sqlite3", path);
	assert_int_not_equal(stat(path, &info), 0);
	close(hold);
	pthread_join(thread, NULL);
	care_name_beside(world, ".backup/store.sqlite3", path);
	assert_int_equal(stat(path, &info), 0);
	assert_status(store_settle(world->store), DOM_OK);
}

static void
a_backup_replaces_nothing_and_says_so(void **state)
{
	struct world *world = *state;
	struct store_care care = care_of(world->folder);
	struct store_backup_report report;
	char path[CARE_PATH_SIZE];

	back_up(world, ".backup", &report);
	care_name_beside(world, ".backup", path);
	assert_status(
	    store_backup(&care, path, NULL, &report, care_message, sizeof(care_message)),
	    DOM_EDENIED);
	assert_non_null(strstr(care_message, "exists already"));
	care_name_beside(world, ".second/below", path);
	assert_status(
	    store_backup(&care, path, NULL, &report, care_message, sizeof(care_message)),
	    DOM_EFILE);
	care_name_beside(world, ".second", path);
	assert_status(
	    store_backup(&care, path, "not-there", &report, care_message, sizeof(care_message)),
	    DOM_EFILE);
	assert_int_not_equal(access(path, F_OK), 0);
	care_name_beside(world, ".second.part", path);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void
a_backup_has_no_key_unless_it_is_asked_for(void **state)
{
	struct world *world = *state;
	struct store_care care = care_of(world->folder);
	struct store_backup_report report;
	struct store_restore_report restored;
	struct stat info;
	char path[CARE_PATH_SIZE];

	write_key(world->folder);
	care_name_beside(world, ".backup", path);
	assert_status(
	    store_backup(&care, path, NULL, &report, care_message, sizeof(care_message)),
	    DOM_OK);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	care_name_beside(world, ".backup/store.sqlite3", path);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	care_name_beside(world, ".backup/region.key", path);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_status(restore(world, ".backup", "in", &restored), DOM_EFILE);
	assert_non_null(strstr(care_message, "region.key is neither in the backup nor in"));
	care_name_beside(world, ".restored", path);
	write_key(path);
	assert_status(restore(world, ".backup", "in", &restored), DOM_OK);
}

static void
a_backup_of_a_store_that_lost_a_file_says_how_many(void **state)
{
	struct world *world = *state;
	struct store_backup_report report;
	char path[CARE_PATH_SIZE];

	find_file(world, path, sizeof(path));
	assert_int_equal(unlink(path), 0);
	back_up(world, ".backup", &report);
	assert_int_equal(report.missing, 1);
	assert_int_equal(report.files, 0);
}

/* --- restores --------------------------------------------------------------- */

static void
a_restore_never_gives_out_a_number_again(void **state)
{
	struct world *world = *state;
	struct store_backup_report backup;
	struct store_restore_report restored;
	uint64_t before, last = 0;

	back_up(world, ".backup", &backup);
	before = clock_of(world, "ana");
	/* Whatever is handed out after the backup is lost, also after a restore of it. */
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 5; i++)
			last = care_tick(world);
		now_ms += 1000;
		assert_status(restore(world, ".backup", "in", &restored), DOM_OK);
		move_into_restored(world);
		assert_true(clock_of(world, "ana") > last);
		assert_true(clock_of(world, "ana") >= before + STORE_RESTORE_RAISE);
	}
	assert_true(care_tick(world) > last);
	/* With a clock that stands before 2020 there is still the raise. */
	assert_int_equal(store_restore_floor(0), 0);
	assert_true(
	    store_restore_floor(now_ms + 1000) - store_restore_floor(now_ms) >= 1 << 20);
}

static void
a_restore_replaces_nothing(void **state)
{
	struct world *world = *state;
	struct store_backup_report backup;
	struct store_restore_report restored;
	char path[CARE_PATH_SIZE];

	back_up(world, ".backup", &backup);
	assert_status(restore(world, ".backup", "sg", &restored), DOM_EDENIED);
	assert_non_null(strstr(care_message, "another region than 'sg'"));
	/* That one was cut short: it is in the way of the next, and is no store. */
	assert_status(restore(world, ".backup", "in", &restored), DOM_EDENIED);
	assert_non_null(strstr(care_message, "is not empty"));
	care_name_beside(world, ".restored", path);
	{
		struct store_options options = {
		    .folder = path, .region = "in", .key = test_region_key(), .manual = true};
		struct store *other;

		assert_status(store_open(&options, &other, care_message, sizeof(care_message)),
		    DOM_EDENIED);
		assert_non_null(strstr(care_message, "cut short"));
	}
	assert_status(store_restore(path, world->folder, "in", "region.key", NULL, now_ms,
	                  &restored, care_message, sizeof(care_message)),
	    DOM_EFILE);
	care_name_beside(world, ".backup", path);
	assert_status(store_restore(path, world->folder, "in", "region.key", NULL, now_ms,
	                  &restored, care_message, sizeof(care_message)),
	    DOM_EDENIED);
	assert_non_null(strstr(care_message, "a server uses the folder"));
}

/* --- accounts --------------------------------------------------------------- */

static void
accounts_are_listed_in_pages_and_switched_off(void **state)
{
	struct world *world = *state;
	struct store_account *accounts;
	struct store_txn *txn = write_begin(world);
	size_t count;

	add_account(txn, "bo", 2);
	add_account(txn, "cy", 3);
	assert_status(store_account_set_disabled(txn, 2, true), DOM_OK);
	assert_status(store_account_set_disabled(txn, 99, true), DOM_ABSENT);
	write_commit(world);
	txn = read_begin(world);
	assert_status(store_account_scan(txn, 0, 2, world->arena, &accounts, &count), DOM_OK);
	assert_int_equal(count, 2);
	assert_slice(accounts[0].name, "ana");
	assert_false(accounts[0].disabled);
	assert_slice(accounts[1].name, "bo");
	assert_true(accounts[1].disabled);
	assert_status(
	    store_account_scan(txn, accounts[1].number, 2, world->arena, &accounts, &count),
	    DOM_OK);
	assert_int_equal(count, 1);
	assert_slice(accounts[0].name, "cy");
	read_end(world);
	assert_status(store_account_set_disabled(write_begin(world), 2, false), DOM_OK);
	write_commit(world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CARE_CASE(what_was_backed_up_comes_back),
	    CARE_CASE(what_erasing_and_retention_know_comes_back),
	    CARE_CASE(a_backup_during_writes_is_of_one_moment),
	    CARE_CASE(files_are_not_unlinked_while_a_backup_copies_nor_copied_while_they_are),
	    CARE_CASE(a_backup_replaces_nothing_and_says_so),
	    CARE_CASE(a_backup_has_no_key_unless_it_is_asked_for),
	    CARE_CASE(a_backup_of_a_store_that_lost_a_file_says_how_many),
	    CARE_CASE(a_restore_never_gives_out_a_number_again),
	    CARE_CASE(a_restore_replaces_nothing),
	    CARE_CASE(accounts_are_listed_in_pages_and_switched_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
