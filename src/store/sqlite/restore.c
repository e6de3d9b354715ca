/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A store out of a backup.  The database is built under another name and gets
 * its own once everything else is on the disk, so a folder whose restore was
 * cut short is no store, and store_open() refuses it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/care_parts.h"
#include "store/sqlite/engine.h"

#define UNFINISHED STORE_RESTORING_NAME

enum {
	FLOOR_SHIFT = 20, /* numbers that an account may take in a second */
	TEXT_SIZE = 400,
};
static const int64_t year_2020_ms = INT64_C(1577836800000);

struct restore {
	const char *backup, *folder, *region, *also, *keeps;
	int64_t now_ms;
	struct care_message message;
	struct store_restore_report *report;
	struct care_place from, to;
	char *source, *unfinished; /* paths of databases */
};

uint64_t
store_restore_floor(int64_t now_ms)
{
	return now_ms <= year_2020_ms ? 0
	                              : (uint64_t)(now_ms - year_2020_ms) / 1000 << FLOOR_SHIFT;
}

static bool
may_stay(const struct restore *restore, const char *name)
{
	if (restore->also != NULL && strcmp(name, restore->also) == 0)
		return true;
	return restore->keeps != NULL && strcmp(name, restore->keeps) == 0;
}

/* But for the files that belong to it, and the lock that we hold. */
static enum dom_status
check_empty(struct restore *restore)
{
	int fd = openat(restore->to.folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	enum dom_status st = DOM_OK;
	struct dirent *entry;

	if (list == NULL) {
		if (fd >= 0)
			close(fd);
		return care_fail(&restore->message, DOM_EFILE,
		    "the folder %s cannot be read: %s", restore->folder, strerror(errno));
	}
	while (st == DOM_OK && (entry = readdir(list)) != NULL) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
		    strcmp(name, "lock") != 0 && !may_stay(restore, name))
			st = care_fail(&restore->message, DOM_EDENIED,
			    "the folder %s is not empty (%s is in it), and a restore replaces "
			    "nothing: move what is there away first",
			    restore->folder, name);
	}
	closedir(list);
	return st;
}

static enum dom_status
open_places(struct restore *restore)
{
	const struct store_care care = {.folder = restore->backup};
	enum dom_status st;

	if ((st = care_folder(&care, &restore->from, &restore->message)) < 0)
		return st;
	if (mkdir(restore->folder, 0700) != 0 && errno != EEXIST)
		return care_fail(&restore->message, DOM_EFILE,
		    "the folder %s cannot be made: %s", restore->folder, strerror(errno));
	restore->to.folder = open(restore->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (restore->to.folder < 0 || fchmod(restore->to.folder, 0700) != 0)
		return care_fail(&restore->message, DOM_EFILE,
		    "the folder %s cannot be used: %s", restore->folder, strerror(errno));
	if ((st = care_lock(restore->folder, &restore->to, &restore->message)) < 0)
		return st;
	return check_empty(restore);
}

/* One that is in the folder already is kept. */
static enum dom_status
bring_also(struct restore *restore)
{
	const char *also = restore->also;
	enum dom_status st;

	if (also == NULL)
		return DOM_OK;
	if (faccessat(restore->to.folder, also, F_OK, 0) == 0)
		return DOM_OK;
	st = care_copy_small(restore->from.folder, restore->to.folder, also);
	if (st == DOM_ABSENT)
		return care_fail(&restore->message, DOM_EFILE,
		    "%s is neither in the backup nor in %s, and without it nobody could log "
		    "in: "
		    "put it there, mode 0600, then restore again",
		    also, restore->folder);
	if (st < 0)
		return care_fail(&restore->message, st, "%s cannot be copied to %s: %s", also,
		    restore->folder, strerror(errno));
	return DOM_OK;
}

static enum dom_status
copy_database(struct restore *restore)
{
	const struct store_care care = {.folder = restore->backup};
	sqlite3 *from = NULL;
	enum dom_status st;

	st = care_database(restore->source, &from, &restore->message);
	if (st == DOM_OK)
		st = care_copy_database(from, restore->unfinished, &care, &restore->message);
	sqlite3_close(from);
	return st;
}

/* Files of a backup are copied, never linked: one bad block must not cost both. */
static enum dom_status
copy_chunks(struct restore *restore, sqlite3 *database)
{
	const struct store_care care = {.folder = restore->backup};
	struct care_copy copy = {0};
	struct blobs *from = NULL;
	enum dom_status st;

	if ((st = blobs_look(restore->from.folder, &from)) < 0)
		return care_fail(&restore->message, st, "%s/chunks cannot be opened: %s",
		    restore->backup, strerror(errno));
	copy.from = from;
	if ((st = blobs_open(restore->to.folder, &copy.to)) < 0)
		care_fail(&restore->message, st, "%s/chunks cannot be made: %s",
		    restore->folder, strerror(errno));
	else
		st = care_copy_chunks(database, &copy, &care, &restore->message);
	blobs_close(&copy.to);
	blobs_close(&from);
	restore->report->files = copy.files;
	restore->report->file_bytes = copy.bytes;
	restore->report->missing = copy.missing;
	return st;
}

static enum dom_status
change(sqlite3 *db, const struct care_message *message, const char *text, uint64_t *changed_r)
{
	int code = sqlite3_exec(db, text, NULL, NULL, NULL);

	if (code != SQLITE_OK)
		return care_fail(message, DOM_ESTORE,
		    "the restored database cannot be written: %s", sqlite3_errmsg(db));
	if (changed_r != NULL)
		*changed_r = (uint64_t)sqlite3_changes(db);
	return DOM_OK;
}

/* In one transaction: raised, ended and recorded, or none of it. */
static enum dom_status
begin_again(struct restore *restore, sqlite3 *db)
{
	uint64_t floor = store_restore_floor(restore->now_ms);
	char raise[TEXT_SIZE], record[TEXT_SIZE];
	enum dom_status st;

	snprintf(raise, sizeof(raise),
	    "UPDATE account SET clock = max(clock + %" PRIu64 ", %" PRIu64 ")",
	    STORE_RESTORE_RAISE, floor);
	snprintf(record, sizeof(record),
	    "INSERT INTO restored (restored_ms, floor) VALUES (%" PRId64 ", %" PRIu64 ")",
	    restore->now_ms, floor);
	if ((st = change(db, &restore->message, "BEGIN IMMEDIATE", NULL)) == DOM_OK &&
	    (st = change(db, &restore->message, raise, &restore->report->accounts)) == DOM_OK &&
	    (st = change(db, &restore->message, "DELETE FROM session",
	         &restore->report->sessions_ended)) == DOM_OK &&
	    /* A code that was used up or taken back must not come back either. */
	    (st = change(db, &restore->message, "DELETE FROM invite", NULL)) == DOM_OK &&
	    (st = change(db, &restore->message, record, NULL)) == DOM_OK)
		st = change(db, &restore->message, "COMMIT", NULL);
	return st;
}

/* With the engine's own connection: it migrates, and knows what is none of ours. */
static enum dom_status
build(struct restore *restore)
{
	struct store store = {.database = restore->unfinished, .clock = dom_clock_system()};
	enum dom_status st;

	if ((st = store_connect(&store, true, &store.writer)) < 0)
		care_fail(&restore->message, st, "%s cannot be opened: %s", restore->unfinished,
		    store.writer.db == NULL ? "no memory" : sqlite3_errmsg(store.writer.db));
	else if ((st = store_migrate(&store, restore->region, restore->message.text,
	              restore->message.size)) == DOM_OK &&
	         (st = copy_chunks(restore, store.writer.db)) == DOM_OK)
		st = begin_again(restore, store.writer.db);
	/* The log is part of what is renamed, so it must be in the database by then. */
	if (st == DOM_OK)
		st = change(
		    store.writer.db, &restore->message, "PRAGMA journal_mode = DELETE", NULL);
	sql_disconnect(&store.writer);
	return st;
}

static enum dom_status
publish(struct restore *restore)
{
	enum dom_status st;

	if (faccessat(restore->to.folder, UNFINISHED "-wal", F_OK, 0) == 0)
		return care_fail(&restore->message, DOM_ESTORE,
		    "the log of the restored database cannot be brought into it");
	if ((st = care_sync_tree(restore->to.folder, restore->folder, &restore->message)) < 0)
		return st;
	if (renameat(restore->to.folder, UNFINISHED, restore->to.folder, CARE_DATABASE) != 0 ||
	    fsync(restore->to.folder) != 0)
		return care_fail(&restore->message, DOM_EFILE,
		    "%s cannot be given its name: %s", restore->unfinished, strerror(errno));
	return DOM_OK;
}

enum dom_status
store_restore(const char *backup, const char *folder, const char *region, const char *also,
    const char *keeps, int64_t now_ms, struct store_restore_report *report_r, char *message_r,
    size_t message_size)
{
	struct restore restore = {.backup = backup,
	    .folder = folder,
	    .region = region,
	    .also = also,
	    .keeps = keeps,
	    .now_ms = now_ms,
	    .message = {message_r, message_size},
	    .report = report_r,
	    .from = {.folder = -1, .lock = -1},
	    .to = {.folder = -1, .lock = -1}};
	enum dom_status st;

	*report_r = (struct store_restore_report){0};
	if (asprintf(&restore.source, "%s/" CARE_DATABASE, backup) < 0)
		restore.source = NULL;
	if (asprintf(&restore.unfinished, "%s/" UNFINISHED, folder) < 0)
		restore.unfinished = NULL;
	if (restore.source == NULL || restore.unfinished == NULL)
		st = care_fail(&restore.message, DOM_ENOMEM, "no memory");
	else if ((st = open_places(&restore)) == DOM_OK &&
	         (st = bring_also(&restore)) == DOM_OK &&
	         (st = copy_database(&restore)) == DOM_OK && (st = build(&restore)) == DOM_OK)
		st = publish(&restore);
	care_leave(&restore.to);
	care_leave(&restore.from);
	free(restore.source);
	free(restore.unfinished);
	return st;
}
