/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What examining, backing up and restoring share: connections of their own, copying files. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/care_parts.h"
#include "store/sqlite/scrub.h"

enum {
	WAIT_MS = 10000,
	COPY_BYTES = 1 << 12, /* of a small file at once */
	TREE_FDS = 16,
};

enum dom_status
care_fail(const struct care_message *message, enum dom_status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(message->text, message->size, format, args);
	va_end(args);
	return status;
}

bool
care_is_stopped(const struct store_care *care)
{
	return care->stop != NULL && atomic_load(care->stop);
}

/*
 * Never open() the database of a server in this process: closing such a
 * descriptor would drop the locks that SQLite holds for it.
 */
enum dom_status
care_database(const char *path, sqlite3 **db_r, const struct care_message *message)
{
	sqlite3 *db = NULL;
	int code = sqlite3_open_v2(path, &db,
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);

	*db_r = NULL;
	if (code == SQLITE_OK)
		code = sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_busy_timeout(db, WAIT_MS);
	if (code != SQLITE_OK) {
		enum dom_status st = care_fail(message, DOM_EFILE, "%s cannot be opened: %s",
		    path, db == NULL ? "no memory" : sqlite3_errmsg(db));

		sqlite3_close(db);
		return st;
	}
	*db_r = db;
	return DOM_OK;
}

enum dom_status
care_folder(const struct store_care *care, struct care_place *place_r,
    const struct care_message *message)
{
	*place_r = (struct care_place){.folder = -1, .lock = -1};
	place_r->folder = open(care->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place_r->folder < 0)
		return care_fail(message, DOM_EFILE, "the folder %s cannot be opened: %s",
		    care->folder, strerror(errno));
	if (faccessat(place_r->folder, CARE_DATABASE, F_OK, 0) != 0)
		return care_fail(message, DOM_EFILE,
		    "%s/" CARE_DATABASE
		    " cannot be found: is this the data folder of a region?",
		    care->folder);
	if (!care->offline)
		return DOM_OK;
	return care_lock(care->folder, place_r, message);
}

enum dom_status
care_lock(const char *folder, struct care_place *place, const struct care_message *message)
{
	place->lock =
	    openat(place->folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (place->lock < 0)
		return care_fail(message, DOM_EFILE, "the lock in %s cannot be opened: %s",
		    folder, strerror(errno));
	if (flock(place->lock, LOCK_EX | LOCK_NB) != 0)
		return care_fail(message, DOM_EDENIED,
		    "a server uses the folder %s right now: stop it first", folder);
	return DOM_OK;
}

void
care_leave(struct care_place *place)
{
	if (place->lock >= 0)
		close(place->lock);
	if (place->folder >= 0)
		close(place->folder);
	*place = (struct care_place){.folder = -1, .lock = -1};
}

static bool
copy_all(int from, int to)
{
	char bytes[COPY_BYTES];
	ssize_t got;

	while ((got = read(from, bytes, sizeof(bytes))) > 0) {
		if (write(to, bytes, (size_t)got) != got)
			return false;
	}
	return got == 0 && fsync(to) == 0;
}

enum dom_status
care_copy_small(int from, int to, const char *name)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	int source = openat(from, name, flags), copy;
	bool copied;

	if (source < 0)
		return errno == ENOENT ? DOM_ABSENT : DOM_EFILE;
	copy = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	copied = copy >= 0 && copy_all(source, copy);
	if (copy >= 0 && close(copy) != 0)
		copied = false;
	close(source);
	return copied ? DOM_OK : DOM_EFILE;
}

enum dom_status
care_copy_database(sqlite3 *from, const char *path, const struct store_care *care,
    const struct care_message *message)
{
	sqlite3 *to = NULL;
	sqlite3_backup *backup = NULL;
	int code, fd;

	/* First, so that SQLite finds the mode it is to have. */
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return care_fail(
		    message, DOM_EFILE, "%s cannot be made: %s", path, strerror(errno));
	close(fd);
	/* Pages that lie in the log are as SQLite left them: see scrub.h. */
	code = scrub_vfs() == NULL
	           ? SQLITE_NOMEM
	           : sqlite3_open_v2(
	                 path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, scrub_vfs());
	/* A snapshot that stays, or every write of the server would start the copy again. */
	if (code == SQLITE_OK)
		code =
		    sqlite3_exec(from, "BEGIN; SELECT count(*) FROM schema", NULL, NULL, NULL);
	if (code == SQLITE_OK &&
	    (backup = sqlite3_backup_init(to, "main", from, "main")) == NULL)
		code = sqlite3_errcode(to);
	while (code == SQLITE_OK && !care_is_stopped(care))
		code = sqlite3_backup_step(backup, CARE_PAGES_AT_ONCE);
	if (backup != NULL && sqlite3_backup_finish(backup) != SQLITE_OK && code == SQLITE_DONE)
		code = sqlite3_errcode(to);
	sqlite3_exec(from, "COMMIT", NULL, NULL, NULL);
	/* One file, without a log beside it. */
	if (code == SQLITE_DONE)
		code = sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	if (sqlite3_close(to) != SQLITE_OK && code == SQLITE_OK)
		code = SQLITE_ERROR;
	if (care_is_stopped(care))
		return care_fail(message, DOM_ESTOPPED, "stopped before it was done");
	if (code != SQLITE_OK)
		return care_fail(message, DOM_EFILE, "the database cannot be copied to %s: %s",
		    path, sqlite3_errstr(code));
	return DOM_OK;
}

enum dom_status
care_copy_chunks(sqlite3 *database, struct care_copy *copy, const struct store_care *care,
    const struct care_message *message)
{
	static const char text[] = "SELECT file, size FROM chunk WHERE file IS NOT NULL";
	sqlite3_stmt *statement = NULL;
	struct blob_name name;
	enum dom_status st = DOM_OK;
	int code = sqlite3_prepare_v2(database, text, -1, &statement, NULL);

	while (code == SQLITE_OK && st == DOM_OK &&
	       (code = sqlite3_step(statement)) == SQLITE_ROW) {
		uint64_t size = (uint64_t)sqlite3_column_int64(statement, 1);
		bool linked = false;

		code = SQLITE_OK;
		if (care_is_stopped(care)) {
			st = care_fail(message, DOM_ESTOPPED, "stopped before it was done");
			break;
		}
		if (sqlite3_column_bytes(statement, 0) != (int)sizeof(name)) {
			copy->missing++;
			continue;
		}
		memcpy(&name, sqlite3_column_blob(statement, 0), sizeof(name));
		st = copy->from == NULL ? DOM_ABSENT
		                        : blobs_bring(copy->from, copy->to, &name, size,
		                              copy->may_link, &linked);
		if (st == DOM_EFILE)
			care_fail(message, st, "a chunk's file cannot be copied: %s",
			    strerror(errno));
		if (st == DOM_ABSENT) {
			copy->missing++;
			st = DOM_OK;
		} else if (st == DOM_OK) {
			copy->files++;
			copy->bytes += size;
			copy->linked += linked;
		}
	}
	sqlite3_finalize(statement);
	if (st == DOM_OK && code != SQLITE_DONE)
		st = care_fail(message, DOM_EFILE, "the list of chunks cannot be read: %s",
		    sqlite3_errstr(code));
	return st;
}

enum dom_status
care_sync_tree(int folder, const char *path, const struct care_message *message)
{
	/* Everything below was written by us just now, in many small files. */
	if (syncfs(folder) == 0 && fsync(folder) == 0)
		return DOM_OK;
	return care_fail(
	    message, DOM_EFILE, "%s cannot be synced to the disk: %s", path, strerror(errno));
}

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info;
	(void)kind;
	(void)where;
	(void)!remove(path);
	return 0;
}

void
care_remove_tree(const char *path)
{
	nftw(path, remove_entry, TREE_FDS, FTW_DEPTH | FTW_PHYS);
}
