/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What an operator does with a store: backups that are of one moment,
 * restores whose numbers were never given out, and an examination that finds
 * every kind of damage, and nothing in a store that is well.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "../region_key.h"
#include "contract.h"
#include "store/care.h"
#include "store/erase.h"

enum {
	FILE_SIZE = STORE_CHUNK_ROW_SIZE_MAX + 1,
	MESSAGE_SIZE = 400,
	FAULTS_MAX = 16,
	PATH_SIZE = 128,
};

static const struct contract_row row = {"care", false, 0};
static const uint8_t owner_id[STORE_ID_SIZE] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static uint8_t file_bytes[FILE_SIZE];
static char message[MESSAGE_SIZE];
static int64_t now_ms = INT64_C(1763700000000);

/* --- a store with something in it ------------------------------------------- */

static void
put_chunk(struct store_txn *txn, struct world *world, int64_t collection, const char *uid,
    struct dom_slice data, struct store_staged **staged_r)
{
	assert_status(store_chunk_stage(world->store, owner_id, data, staged_r), DOM_OK);
	assert_status(store_chunk_put(txn, collection, dom_slice_of(uid), *staged_r), DOM_OK);
}

static void
put_revision_of(struct store_txn *txn, int64_t account, int64_t collection)
{
	struct dom_slice uids[] = {dom_slice_of("small"), dom_slice_of("large")};
	struct store_item item = {.uid = dom_slice_of("i1"),
	    .version = 1,
	    .current = {.uid = dom_slice_of("e1"),
	        .meta = dom_slice_of("meta"),
	        .chunks = uids,
	        .chunk_count = 2}};

	assert_status(store_account_tick(txn, account, &item.current.clock), DOM_OK);
	assert_status(store_item_put(txn, collection, &item), DOM_OK);
}

static int
set_up(void **state)
{
	struct store_staged *small, *large;
	struct store_session session = {.token_hash = {9}, .expires_ms = INT64_MAX};
	struct store_txn *txn;
	struct world *world;
	int64_t account, collection;

	world_row = &row;
	if (world_set_up(state) != 0)
		return -1;
	world = *state;
	txn = write_begin(world);
	account = session.account = add_account(txn, "ana", 1);
	collection = add_collection(txn, "c1", account);
	put_chunk(txn, world, collection, "small", dom_slice_of("bytes"), &small);
	put_chunk(txn, world, collection, "large", dom_slice(file_bytes, FILE_SIZE), &large);
	put_revision_of(txn, account, collection);
	assert_status(store_session_add(txn, &session), DOM_OK);
	write_commit(world);
	store_staged_free(&small);
	store_staged_free(&large);
	return 0;
}

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info;
	(void)kind;
	(void)where;
	return remove(path);
}

static void
name_beside(const struct world *world, const char *suffix, char path_r[PATH_SIZE])
{
	snprintf(path_r, PATH_SIZE, "%s%s", world->folder, suffix);
}

static int
tear_down(void **state)
{
	static const char *const suffixes[] = {
	    ".backup", ".backup.part", ".second", ".restored"};
	struct world *world = *state;
	char path[PATH_SIZE];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		name_beside(world, suffixes[i], path);
		nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	}
	return world_tear_down(state);
}

static struct store_care
care_of(const char *folder)
{
	return (struct store_care){.folder = folder};
}

static void
write_key(const char *folder)
{
	char path[PATH_SIZE + 16];
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
	char path[PATH_SIZE];

	write_key(world->folder);
	name_beside(world, suffix, path);
	if (store_backup(&care, path, "region.key", report_r, message, sizeof(message)) !=
	    DOM_OK)
		fail_msg("%s", message);
}

static enum dom_status
restore(struct world *world, const char *from, const char *region,
    struct store_restore_report *report_r)
{
	char backup[PATH_SIZE], folder[PATH_SIZE];

	name_beside(world, from, backup);
	name_beside(world, ".restored", folder);
	return store_restore(backup, folder, region, "region.key", NULL, now_ms, report_r,
	    message, sizeof(message));
}

/* The world's store is from now on the restored one. */
static void
move_into_restored(struct world *world)
{
	char restored[PATH_SIZE];

	name_beside(world, ".restored", restored);
	world_close(world);
	nftw(world->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
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

static uint64_t
tick(struct world *world)
{
	uint64_t clock = 0;

	assert_status(store_account_tick(write_begin(world), 1, &clock), DOM_OK);
	write_commit(world);
	return clock;
}

/* --- examining -------------------------------------------------------------- */

static char faults[FAULTS_MAX][MESSAGE_SIZE];

static void
found(void *context, const char *sentence)
{
	unsigned *count = context;

	if (*count < FAULTS_MAX)
		snprintf(faults[*count], MESSAGE_SIZE, "%s", sentence);
	++*count;
}

static unsigned
examine(struct world *world, struct store_fsck_report *report_r)
{
	struct store_care care = care_of(world->folder);
	unsigned count = 0;

	if (store_fsck(&care, found, &count, report_r, message, sizeof(message)) != DOM_OK)
		fail_msg("%s", message);
	assert_int_equal(count, report_r->faults);
	return count;
}

static void
assert_only_fault(struct world *world, const char *words)
{
	struct store_fsck_report report;
	unsigned count = examine(world, &report);

	for (unsigned i = 0; i < count && i < FAULTS_MAX; i++) {
		if (strstr(faults[i], words) == NULL || count != 1)
			fail_msg("of %u: \"%s\" instead of \"%s\"", count, faults[i], words);
	}
	if (count == 0)
		fail_msg("nothing was found instead of \"%s\"", words);
}

/* Behind the closed store's back. */
static void
tamper(struct world *world, const char *text)
{
	char path[PATH_SIZE];
	sqlite3 *db;

	world_close(world);
	name_beside(world, "/store.sqlite3", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
a_store_that_is_well_has_no_faults(void **state)
{
	struct world *world = *state;
	struct store_fsck_report report;

	assert_int_equal(examine(world, &report), 0);
	assert_int_equal(report.items, 1);
	assert_int_equal(report.revisions, 1);
	assert_int_equal(report.chunks, 2);
	assert_int_equal(report.chunk_bytes, FILE_SIZE + 5);
	tick(world); /* and the examination is in nobody's way */
	world_close(world);
	assert_int_equal(examine(world, &report), 0);
}

static void
a_file_with_one_other_byte_is_found(void **state)
{
	struct world *world = *state;
	char path[PATH_SIZE];
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
	char path[PATH_SIZE];

	find_file(world, path, sizeof(path));
	assert_int_equal(truncate(path, FILE_SIZE - 1), 0);
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
	assert_int_equal(examine(world, &(struct store_fsck_report){0}), 2);
	assert_non_null(strstr(faults[0], "collection c1: an item is ahead"));
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
	assert_int_equal(examine(world, &(struct store_fsck_report){0}), 0);
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
		assert_int_equal(examine(world, &(struct store_fsck_report){0}), 0);
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
	assert_int_equal(usage.chunk_bytes, FILE_SIZE + 5);
	assert_true(usage.quota_bytes < 0);
	/* A job that is undone has used nothing. */
	txn = write_begin(world);
	put_chunk(txn, world, 1, "undone", dom_slice_of("more"), &staged);
	assert_int_equal(store_chunk_usage(txn)->chunk_bytes, FILE_SIZE + 9);
	write_end(world, DOM_EDENIED);
	store_staged_free(&staged);
	txn = write_begin(world);
	assert_status(store_account_set_quota(txn, 1, 7), DOM_OK);
	assert_status(store_account_set_quota(txn, 99, 7), DOM_ABSENT);
	write_commit(world);
	assert_status(store_account_usage(read_begin(world), 1, &usage), DOM_OK);
	read_end(world);
	assert_int_equal(usage.chunk_bytes, FILE_SIZE + 5);
	assert_int_equal(usage.quota_bytes, 7);
	assert_int_equal(examine(world, &(struct store_fsck_report){0}), 0);
	tamper(world, "UPDATE account SET chunk_bytes = 1");
	assert_only_fault(world, "an account is said to have chunks of 1 bytes, and has 65542");
}

/* A store of before there were quotas. */
/* The pages of the item table's tree, overwritten. */
static void
a_damaged_database_is_found(void **state)
{
	struct store_fsck_report report;
	struct world *world = *state;
	char path[PATH_SIZE], garbage[2048];
	int fd;

	world_close(world);
	memset(garbage, 0xa5, sizeof(garbage));
	name_beside(world, "/store.sqlite3", path);
	fd = open(path, O_WRONLY);
	for (off_t page = 3; page < 12; page++)
		assert_int_equal(
		    pwrite(fd, garbage, sizeof(garbage), page * 4096), sizeof(garbage));
	close(fd);
	assert_true(examine(world, &report) > 0);
	assert_non_null(strstr(faults[0], "database"));
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
	    store_fsck(&care, found, &count, &report, message, sizeof(message)), DOM_EDENIED);
	assert_non_null(strstr(message, "stop it first"));
	world_close(world);
	assert_status(
	    store_fsck(&care, found, &count, &report, message, sizeof(message)), DOM_OK);
	care.folder = "/nonexistent";
	assert_status(
	    store_fsck(&care, found, &count, &report, message, sizeof(message)), DOM_EFILE);
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
	char path[PATH_SIZE];

	care.stop = &stop;
	assert_status(
	    store_fsck(&care, found, &count, &report, message, sizeof(message)), DOM_ESTOPPED);
	name_beside(world, ".backup", path);
	assert_status(
	    store_backup(&care, path, NULL, &backup, message, sizeof(message)), DOM_ESTOPPED);
	assert_int_not_equal(access(path, F_OK), 0);
	name_beside(world, ".backup.part", path);
	assert_int_not_equal(access(path, F_OK), 0);
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
	assert_int_equal(backup.file_bytes, FILE_SIZE);
	assert_int_equal(backup.missing, 0);
	add_account(write_begin(world), "later", 2);
	write_commit(world);
	assert_status(restore(world, ".backup", "in", &restored), DOM_OK);
	assert_int_equal(restored.accounts, 1);
	assert_int_equal(restored.files, 1);
	assert_int_equal(restored.sessions_ended, 1);
	move_into_restored(world);

	assert_int_equal(examine(world, &(struct store_fsck_report){0}), 0);
	read_begin(world);
	assert_status(
	    store_chunk_get(world->reading, 1, dom_slice_of("large"), world->arena, &data),
	    DOM_OK);
	assert_memory_equal(data.data, file_bytes, FILE_SIZE);
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
	assert_int_equal(examine(world, &(struct store_fsck_report){0}), 0);
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
	char path[PATH_SIZE];
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
	char path[PATH_SIZE];

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
	name_beside(world, ".backup", path);
	assert_int_equal(accounts_of(path) % 2, 1); /* and ana */
	name_beside(world, ".second", path);
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
	char path[PATH_SIZE];
	pthread_t thread;
	struct stat info;
	int hold;

	name_beside(world, "/chunks", path);
	hold = open(path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(hold, LOCK_SH), 0); /* as a backup does */
	assert_status(store_settle(world->store), DOM_CONFLICT);
	assert_int_equal(flock(hold, LOCK_EX), 0); /* as settling does */
	assert_int_equal(pthread_create(&thread, NULL, back_up_main, world), 0);
	usleep(50000);
	name_beside(world, ".backup", path);
	assert_int_not_equal(stat(path, &info), 0);
	name_beside(world, ".backup.part/store.sqlite3", path);
	assert_int_not_equal(stat(path, &info), 0);
	close(hold);
	pthread_join(thread, NULL);
	name_beside(world, ".backup/store.sqlite3", path);
	assert_int_equal(stat(path, &info), 0);
	assert_status(store_settle(world->store), DOM_OK);
}

static void
a_backup_replaces_nothing_and_says_so(void **state)
{
	struct world *world = *state;
	struct store_care care = care_of(world->folder);
	struct store_backup_report report;
	char path[PATH_SIZE];

	back_up(world, ".backup", &report);
	name_beside(world, ".backup", path);
	assert_status(
	    store_backup(&care, path, NULL, &report, message, sizeof(message)), DOM_EDENIED);
	assert_non_null(strstr(message, "exists already"));
	name_beside(world, ".second/below", path);
	assert_status(
	    store_backup(&care, path, NULL, &report, message, sizeof(message)), DOM_EFILE);
	name_beside(world, ".second", path);
	assert_status(store_backup(&care, path, "not-there", &report, message, sizeof(message)),
	    DOM_EFILE);
	assert_int_not_equal(access(path, F_OK), 0);
	name_beside(world, ".second.part", path);
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
	char path[PATH_SIZE];

	write_key(world->folder);
	name_beside(world, ".backup", path);
	assert_status(
	    store_backup(&care, path, NULL, &report, message, sizeof(message)), DOM_OK);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	name_beside(world, ".backup/store.sqlite3", path);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	name_beside(world, ".backup/region.key", path);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_status(restore(world, ".backup", "in", &restored), DOM_EFILE);
	assert_non_null(strstr(message, "region.key is neither in the backup nor in"));
	name_beside(world, ".restored", path);
	write_key(path);
	assert_status(restore(world, ".backup", "in", &restored), DOM_OK);
}

static void
a_backup_of_a_store_that_lost_a_file_says_how_many(void **state)
{
	struct world *world = *state;
	struct store_backup_report report;
	char path[PATH_SIZE];

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
			last = tick(world);
		now_ms += 1000;
		assert_status(restore(world, ".backup", "in", &restored), DOM_OK);
		move_into_restored(world);
		assert_true(clock_of(world, "ana") > last);
		assert_true(clock_of(world, "ana") >= before + STORE_RESTORE_RAISE);
	}
	assert_true(tick(world) > last);
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
	char path[PATH_SIZE];

	back_up(world, ".backup", &backup);
	assert_status(restore(world, ".backup", "sg", &restored), DOM_EDENIED);
	assert_non_null(strstr(message, "another region than 'sg'"));
	/* That one was cut short: it is in the way of the next, and is no store. */
	assert_status(restore(world, ".backup", "in", &restored), DOM_EDENIED);
	assert_non_null(strstr(message, "is not empty"));
	name_beside(world, ".restored", path);
	{
		struct store_options options = {
		    .folder = path, .region = "in", .key = test_region_key(), .manual = true};
		struct store *other;

		assert_status(
		    store_open(&options, &other, message, sizeof(message)), DOM_EDENIED);
		assert_non_null(strstr(message, "cut short"));
	}
	assert_status(store_restore(path, world->folder, "in", "region.key", NULL, now_ms,
	                  &restored, message, sizeof(message)),
	    DOM_EFILE);
	name_beside(world, ".backup", path);
	assert_status(store_restore(path, world->folder, "in", "region.key", NULL, now_ms,
	                  &restored, message, sizeof(message)),
	    DOM_EDENIED);
	assert_non_null(strstr(message, "a server uses the folder"));
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

#define CARE_CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

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
