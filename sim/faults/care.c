/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What happens before and beside serving: opening, migrating, checkpoints, backup, restore. */
#include "store/care.h"

#include <dirent.h>
#include <ftw.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "sim/faults/faults.h"
#include "store/sqlite/migrations.h"

enum { LOG_PAGES_LEFT = 960, PIECE_SIZE = 60000, OLD_VERSION = 4 };

#define BACKUP "/sim/region/backup"
#define RESTORED "/sim/region/restored"

static int
remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

/* Also what is not there. */
static void
remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- opening ------------------------------------------------------------------------ */

static enum dom_status
open_act(const struct scenario *scenario)
{
	enum dom_status st = region_open();

	(void)scenario;
	if (st == DOM_OK)
		region_close();
	return st;
}

static void
empty_prepare(const struct scenario *scenario)
{
	(void)scenario;
	region_close();
	remove_tree(house.folder);
}

/* The machine stops while the log is full of what is not in the database. */
static void
logged_prepare(const struct scenario *scenario)
{
	struct sim_random chance;

	large_put_by(&house.ana);
	(void)scenario;
	sim_random_seed(&chance, 9);
	sim_disk_stop(region_disk);
	region_close();
	sim_disk_crash(region_disk, SIM_CRASH_KEEP, &chance);
}

static void
run_sql(sqlite3 *db, const char *text)
{
	char *why = NULL;

	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		wrong("an old database cannot be made: %s", why == NULL ? "no memory" : why);
	sqlite3_free(why);
}

/* As a release of then left it: an account whose names are not sealed yet. */
static void
old_prepare(const struct scenario *scenario)
{
	sqlite3 *db = NULL;
	char path[128], text[100];
	FILE *file;

	empty_prepare(scenario);
	snprintf(path, sizeof(path), "%s/store.sqlite3", house.folder);
	if (mkdir(house.folder, 0700) != 0 || (file = fopen(path, "w")) == NULL) {
		wrong("an old folder cannot be made");
		return;
	}
	fclose(file);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
		wrong("an old database cannot be opened");
		return;
	}
	run_sql(db, "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL;"
	            "PRAGMA application_id = 1685024105;"
	            "CREATE TABLE schema (version INTEGER PRIMARY KEY,"
	            " applied_ms INTEGER NOT NULL) STRICT;");
	for (int i = 1; i <= OLD_VERSION; i++) {
		run_sql(db, migrations[i - 1]);
		snprintf(text, sizeof(text), "INSERT INTO schema VALUES (%d, 1)", i);
		run_sql(db, text);
	}
	run_sql(db, "INSERT INTO region (name) VALUES (CAST('in' AS BLOB));"
	            "INSERT INTO account (id, clock, epoch, created_ms, initialised, disabled,"
	            " name, email, salt, login_public, identity_public, encrypted_content,"
	            " statement_public) VALUES (x'00112233445566778899aabbccddeeff', 3, 1, 1,"
	            " 1, 0, x'6f6c64', x'6f40652e6f7267', x'01', x'02', x'03', x'04', x'')");
	sqlite3_close(db);
}

/* --- checkpoints --------------------------------------------------------------------- */

static void
wide_begin(unsigned number)
{
	static uint8_t bytes[PIECE_SIZE];
	struct wire_item one = item(number, 'r', NULL);

	memset(bytes, 'w', sizeof(bytes));
	one.content.meta = dom_slice(bytes, sizeof(bytes));
	ask(SERVICE_ITEM_BATCH, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	wire_batch_encode(&house.body, &(struct wire_batch){.items = &one, .item_count = 1});
}

/* So much that the next write copies the log into the database. */
static void
checkpoint_prepare(const struct scenario *scenario)
{
	struct sim_random chance;

	(void)scenario;
	for (unsigned i = 0; i < LOG_PAGES_LEFT * 4096 / PIECE_SIZE; i++) {
		dom_arena_reset(house.arena);
		wide_begin(100 + i);
		if (region_send() != DOM_OK) {
			wrong("the log cannot be filled");
			return;
		}
	}
	sim_random_seed(&chance, 9);
	sim_disk_stop(region_disk);
	region_close();
	sim_disk_crash(region_disk, SIM_CRASH_KEEP, &chance);
}

static void
checkpoint_begin(const struct scenario *scenario)
{
	struct wire_item items[6];
	static uint8_t bytes[PIECE_SIZE];

	(void)scenario;
	ask(SERVICE_ITEM_BATCH, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	for (unsigned i = 0; i < 6; i++) {
		items[i] = item(300 + i, 'r', NULL);
		items[i].content.meta = dom_slice(bytes, sizeof(bytes));
	}
	wire_batch_encode(&house.body, &(struct wire_batch){.items = items, .item_count = 6});
}

static enum dom_status
checkpoint_act(const struct scenario *scenario)
{
	(void)scenario;
	return region_send();
}

/* --- backup and restore ---------------------------------------------------------------- */

/* What a backup, or what was made of it, holds. */
static void
examine(const char *folder, const char *what)
{
	struct store_fsck_report report;
	uint64_t faults_before = totals.wrong;
	char message[300], kept[sizeof(house.folder)];

	memcpy(kept, house.folder, sizeof(kept));
	snprintf(house.folder, sizeof(house.folder), "%s", folder);
	state_close();
	if (store_fsck(&(struct store_care){.folder = folder}, state_fault, NULL, &report,
	        message, sizeof(message)) != DOM_OK)
		wrong("%s cannot be examined: %s", what, message);
	if (totals.wrong == faults_before && report.chunks == 0)
		wrong("%s holds no chunks", what);
	state_close();
	memcpy(house.folder, kept, sizeof(kept));
}

/* Its name says that it is whole. */
static enum dom_status
backup_act(const struct scenario *scenario)
{
	struct store_backup_report report;
	char message[300] = "";
	enum dom_status st;

	(void)scenario;
	if (access(BACKUP, F_OK) == 0) {
		examine(BACKUP, "a backup that was cut short");
		return DOM_OK;
	}
	remove_tree(BACKUP ".part");
	st = store_backup(&(struct store_care){.folder = house.folder}, BACKUP, NULL, &report,
	    message, sizeof(message));
	if (st < 0 && message[0] == '\0')
		wrong("a backup that fails says nothing");
	return st;
}

static void
backup_look(const struct scenario *scenario)
{
	(void)scenario;
	examine(BACKUP, "the backup");
}

static void
large_prepare(const struct scenario *scenario)
{
	(void)scenario;
	large_put_by(&house.ana);
}

static void
restore_prepare(const struct scenario *scenario)
{
	large_prepare(scenario);
	if (backup_act(scenario) != DOM_OK)
		wrong("no backup can be made");
	region_close();
	snprintf(house.folder, sizeof(house.folder), "%s", RESTORED);
}

static enum dom_status
restore_act(const struct scenario *scenario)
{
	struct store_restore_report report;
	char message[300] = "";
	enum dom_status st;

	(void)scenario;
	if (access(RESTORED "/store.sqlite3", F_OK) == 0)
		return DOM_OK;
	remove_tree(RESTORED);
	st = store_restore(BACKUP, RESTORED, "in", NULL, NULL, 1700000000000, &report, message,
	    sizeof(message));
	if (st < 0 && message[0] == '\0')
		wrong("a restore that fails says nothing");
	if (st == DOM_OK && report.missing != 0)
		wrong("a restore misses files");
	return st;
}

const struct scenario care_scenarios[] = {
    {.name = "open: a new region",
        .promise = RESUMES,
        .prepare = empty_prepare,
        .act = open_act,
        .weight = 29,
        .closed = true},
    {.name = "open: after a crash",
        .promise = RESUMES,
        .prepare = logged_prepare,
        .act = open_act,
        .weight = 29,
        .closed = true},
    {.name = "open: an old schema",
        .promise = RESUMES,
        .prepare = old_prepare,
        .act = open_act,
        .weight = 29,
        .closed = true},
    {.name = "checkpoint",
        .prepare = checkpoint_prepare,
        .begin = checkpoint_begin,
        .act = checkpoint_act},
    {.name = "backup",
        .promise = RESUMES,
        .prepare = large_prepare,
        .act = backup_act,
        .weight = 3,
        .look = backup_look},
    {.name = "restore",
        .promise = RESUMES,
        .prepare = restore_prepare,
        .act = restore_act,
        .weight = 5,
        .closed = true},
};
const size_t care_scenario_count = sizeof(care_scenarios) / sizeof(care_scenarios[0]);
