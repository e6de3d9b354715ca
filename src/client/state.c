/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Opening and migrating the local state, its statements, and its collections;
 * items are in state_item.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "client/state_sql.h"

enum { STATE_VERSION = 3 };

static const char schema[] =
    "CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE collection (number INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE,"
    " type TEXT NOT NULL, name TEXT NOT NULL, sealed_type BLOB, sealed_key BLOB NOT NULL,"
    " encryption_key BLOB, access_level INTEGER NOT NULL, deleted INTEGER NOT NULL,"
    " token TEXT NOT NULL DEFAULT '', listing INTEGER NOT NULL DEFAULT 0,"
    " sweep INTEGER NOT NULL DEFAULT 0, seen INTEGER NOT NULL);"
    "CREATE TABLE item (number INTEGER PRIMARY KEY, collection INTEGER NOT NULL,"
    " uid TEXT NOT NULL, etag TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL,"
    " place INTEGER NOT NULL, mtime_ms INTEGER NOT NULL, size INTEGER NOT NULL,"
    " deleted INTEGER NOT NULL, fingerprint TEXT NOT NULL, chunks INTEGER NOT NULL,"
    " extra BLOB, listing INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX item_uid ON item (collection, uid);"
    "CREATE TABLE chunk_sent (collection INTEGER NOT NULL, item TEXT NOT NULL,"
    " uid TEXT NOT NULL, PRIMARY KEY (collection, item, uid)) WITHOUT ROWID;";

/* Since version 2. */
static const char schema_known[] =
    "CREATE TABLE known (collection TEXT NOT NULL, item TEXT NOT NULL,"
    " revision TEXT NOT NULL, found INTEGER NOT NULL,"
    " PRIMARY KEY (collection, item)) WITHOUT ROWID;";

/* Since version 3. */
static const char schema_etag[] =
    "ALTER TABLE collection ADD COLUMN etag TEXT NOT NULL DEFAULT '';"
    "PRAGMA user_version = 3;";

static const char *const queries[DOM_QUERY_COUNT] = {
    [DOM_QUERY_SET] = "INSERT OR REPLACE INTO about (key, value) VALUES (?1, ?2)",
    [DOM_QUERY_GET] = "SELECT value FROM about WHERE key = ?1",
    [DOM_QUERY_COLLECTION_PUT] =
        "INSERT INTO collection (uid, type, name, sealed_type, sealed_key, encryption_key,"
        " access_level, deleted, seen, etag)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
        " ON CONFLICT (uid) DO UPDATE SET type = ?2, name = ?3, sealed_type = ?4,"
        " sealed_key = ?5, encryption_key = ?6, access_level = ?7, deleted = ?8, seen = ?9,"
        " etag = ?10"
        " RETURNING number",
    [DOM_QUERY_COLLECTION_FIND] =
        "SELECT number, uid, type, name, sealed_type, sealed_key, encryption_key,"
        " access_level, deleted, token, sweep, etag FROM collection WHERE uid = ?1",
    [DOM_QUERY_COLLECTION_ALL] =
        "SELECT number, uid, type, name, sealed_type, sealed_key, encryption_key,"
        " access_level, deleted, token, sweep, etag FROM collection ORDER BY number",
    [DOM_QUERY_COLLECTION_TOKEN] = "UPDATE collection SET token = ?2 WHERE number = ?1",
    [DOM_QUERY_COLLECTION_RELIST] =
        "UPDATE collection SET token = '', listing = listing + 1, sweep = 1 WHERE number = ?1",
    [DOM_QUERY_COLLECTION_SWEEP] = "DELETE FROM item WHERE collection = ?1 AND listing <>"
                                   " (SELECT listing FROM collection WHERE number = ?1)",
    [DOM_QUERY_COLLECTION_SWEPT] = "UPDATE collection SET sweep = 0 WHERE number = ?1",
    [DOM_QUERY_COLLECTION_COUNT] = "SELECT count(*), ifnull(sum(max(size, 0)), 0) FROM item"
                                   " WHERE collection = ?1 AND NOT deleted",
    [DOM_QUERY_ITEM_PUT] =
        "INSERT INTO item (collection, uid, etag, name, source, place, mtime_ms, size,"
        " deleted, fingerprint, chunks, extra, listing) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"
        " ?8, ?9, ?10, ?11, ?12, (SELECT listing FROM collection WHERE number = ?1))"
        " ON CONFLICT (collection, uid) DO UPDATE SET etag = excluded.etag,"
        " name = excluded.name, source = excluded.source, place = excluded.place,"
        " mtime_ms = excluded.mtime_ms, size = excluded.size, deleted = excluded.deleted,"
        " fingerprint = excluded.fingerprint, chunks = excluded.chunks,"
        " extra = excluded.extra, listing = excluded.listing",
    [DOM_QUERY_ITEM_FIND] =
        "SELECT " DOM_ITEM_COLUMNS " FROM item WHERE collection = ?1 AND uid = ?2",
    [DOM_QUERY_CHUNK_ADD] =
        "INSERT OR IGNORE INTO chunk_sent (collection, item, uid) VALUES (?1, ?2, ?3)",
    [DOM_QUERY_CHUNK_HAS] =
        "SELECT 1 FROM chunk_sent WHERE collection = ?1 AND item = ?2 AND uid = ?3",
    [DOM_QUERY_CHUNK_DROP] = "DELETE FROM chunk_sent WHERE collection = ?1 AND item = ?2",
    [DOM_QUERY_CHUNK_DROP_ALL] = "DELETE FROM chunk_sent WHERE collection = ?1",
    [DOM_QUERY_KNOWN_FIND] = "SELECT revision FROM known WHERE collection = ?1 AND item = ?2",
    [DOM_QUERY_KNOWN_FOUND] = "UPDATE known SET found = 1 WHERE collection = ?1 AND item = ?2",
    [DOM_QUERY_KNOWN_LEFT] = "DELETE FROM known WHERE collection = ?1",
    [DOM_QUERY_KNOWN_COUNT] =
        "SELECT count(*) FILTER (WHERE found), count(*) FILTER (WHERE NOT found) FROM known",
};

enum dom_status
dom_state_failed(struct dom_state *state, int code)
{
	snprintf(state->message, sizeof(state->message), "%s", sqlite3_errmsg(state->db));
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR: /* our own statements have none: its tables are not ours */
	case SQLITE_MISMATCH:
		state->damaged = true;
		return DOM_ESTORE;
	case SQLITE_FULL:
		return DOM_EFULL;
	case SQLITE_NOMEM:
		return DOM_ENOMEM;
	default:
		return DOM_ESTORE;
	}
}

const char *
dom_state_message(const struct dom_state *state)
{
	return state->message;
}

bool
dom_state_damaged(const struct dom_state *state)
{
	return state->damaged;
}

enum dom_status
dom_state_query(struct dom_state *state, enum dom_query query, sqlite3_stmt **statement_r)
{
	sqlite3_stmt **statement = &state->statements[query];
	int code = SQLITE_OK;

	if (*statement == NULL)
		code = sqlite3_prepare_v3(
		    state->db, queries[query], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
	if (code != SQLITE_OK)
		return dom_state_failed(state, code);
	sqlite3_reset(*statement);
	*statement_r = *statement;
	return DOM_OK;
}

enum dom_status
dom_state_change(struct dom_state *state)
{
	int code;

	if (state->changing)
		return DOM_OK;
	code = sqlite3_exec(state->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return dom_state_failed(state, code);
	state->changing = true;
	return DOM_OK;
}

enum dom_status
dom_state_run(struct dom_state *state, sqlite3_stmt *statement)
{
	enum dom_status st = DOM_OK;
	int code = sqlite3_step(statement);

	if (code != SQLITE_DONE && code != SQLITE_ROW)
		st = dom_state_failed(state, code);
	sqlite3_reset(statement);
	return st;
}

void
dom_state_bind_text(sqlite3_stmt *statement, int at, struct dom_slice text)
{
	sqlite3_bind_text64(statement, at, text.data == NULL ? "" : (const char *)text.data,
	    text.size, SQLITE_STATIC, SQLITE_UTF8);
}

void
dom_state_bind_bytes(sqlite3_stmt *statement, int at, struct dom_slice bytes)
{
	if (bytes.data == NULL)
		sqlite3_bind_null(statement, at);
	else
		sqlite3_bind_blob64(statement, at, bytes.data, bytes.size, SQLITE_STATIC);
}

struct dom_slice
dom_state_column(sqlite3_stmt *statement, int at)
{
	const void *data = sqlite3_column_blob(statement, at);
	size_t size = (size_t)sqlite3_column_bytes(statement, at);

	/* SQLite gives NULL for an empty value too. */
	if (data == NULL && sqlite3_column_type(statement, at) != SQLITE_NULL)
		data = "";
	return dom_slice(data, size);
}

static enum dom_status
migrate(struct dom_state *state)
{
	sqlite3_stmt *statement = NULL;
	enum dom_status st = DOM_OK;
	int version = -1;
	int code;

	code = sqlite3_prepare_v2(state->db, "PRAGMA user_version", -1, &statement, NULL);
	if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
		version = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	if (version < 0)
		return dom_state_failed(state, code);
	if (version > STATE_VERSION) {
		snprintf(state->message, sizeof(state->message),
		    "it was written by a newer release (version %d)", version);
		return DOM_ESTORE;
	}
	if (version == STATE_VERSION)
		return DOM_OK;
	if ((st = dom_state_change(state)) < 0)
		return st;
	code = version > 0 ? SQLITE_OK : sqlite3_exec(state->db, schema, NULL, NULL, NULL);
	if (code == SQLITE_OK && version < 2)
		code = sqlite3_exec(state->db, schema_known, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(state->db, schema_etag, NULL, NULL, NULL);
	return code == SQLITE_OK ? dom_state_commit(state) : dom_state_failed(state, code);
}

enum dom_status
dom_state_open(
    const char *file, struct dom_state **state_r, char *message_r, size_t message_size)
{
	struct dom_state *state = calloc(1, sizeof(*state));
	enum dom_status st = DOM_OK;
	int code, fd;

	*state_r = NULL;
	if (state == NULL)
		return DOM_ENOMEM;
	/* SQLite makes files by the process's umask; this one is the owner's only. */
	if ((fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0) {
		snprintf(message_r, message_size, "%s", strerror(errno));
		free(state);
		return errno == ENOSPC ? DOM_EFULL : DOM_EFILE;
	}
	close(fd);
	code = sqlite3_open_v2(file, &state->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(state->db,
		    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
		    "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8000;"
		    "PRAGMA wal_autocheckpoint = 8000; PRAGMA trusted_schema = OFF;"
		    "PRAGMA cell_size_check = ON",
		    NULL, NULL, NULL);
	st = code == SQLITE_OK ? migrate(state) : dom_state_failed(state, code);
	if (st < 0) {
		snprintf(message_r, message_size, "%s", state->message);
		st = state->damaged ? DOM_EINTEGRITY : st;
		dom_state_close(&state);
		return st;
	}
	*state_r = state;
	return DOM_OK;
}

void
dom_state_close(struct dom_state **state)
{
	struct dom_state *old = *state;

	if (old == NULL)
		return;
	*state = NULL;
	dom_state_rollback(old);
	for (int i = 0; i < DOM_QUERY_COUNT; i++)
		sqlite3_finalize(old->statements[i]);
	sqlite3_close_v2(old->db);
	free(old);
}

enum dom_status
dom_state_commit(struct dom_state *state)
{
	enum dom_status st;
	int code;

	if (!state->changing)
		return DOM_OK;
	code = sqlite3_exec(state->db, "COMMIT", NULL, NULL, NULL);
	if (code != SQLITE_OK) {
		st = dom_state_failed(state, code);
		dom_state_rollback(state);
		return st;
	}
	state->changing = false;
	return DOM_OK;
}

enum dom_status
dom_state_commit_for_good(struct dom_state *state)
{
	enum dom_status st = dom_state_commit(state);
	int code;

	if (st < 0)
		return st;
	code =
	    sqlite3_wal_checkpoint_v2(state->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return code == SQLITE_OK ? DOM_OK : dom_state_failed(state, code);
}

void
dom_state_rollback(struct dom_state *state)
{
	if (!state->changing)
		return;
	for (int i = 0; i < DOM_QUERY_COUNT; i++)
		sqlite3_reset(state->statements[i]);
	if (sqlite3_get_autocommit(state->db) == 0)
		sqlite3_exec(state->db, "ROLLBACK", NULL, NULL, NULL);
	state->changing = false;
}

enum dom_status
dom_state_set(struct dom_state *state, const char *key, struct dom_slice value)
{
	sqlite3_stmt *statement;
	enum dom_status st;

	if ((st = dom_state_change(state)) < 0 ||
	    (st = dom_state_query(state, DOM_QUERY_SET, &statement)) < 0)
		return st;
	dom_state_bind_text(statement, 1, dom_slice_of(key));
	dom_state_bind_text(statement, 2, value);
	return dom_state_run(state, statement);
}

enum dom_status
dom_state_get(struct dom_state *state, const char *key, struct dom_arena *arena,
    struct dom_slice *value_r)
{
	sqlite3_stmt *statement;
	enum dom_status st;
	int code;

	*value_r = dom_slice("", 0);
	if ((st = dom_state_query(state, DOM_QUERY_GET, &statement)) < 0)
		return st;
	dom_state_bind_text(statement, 1, dom_slice_of(key));
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		*value_r = dom_arena_copy(arena, dom_state_column(statement, 0));
		st = value_r->data == NULL ? DOM_ENOMEM : DOM_OK;
	} else if (code != SQLITE_DONE) {
		st = dom_state_failed(state, code);
	}
	sqlite3_reset(statement);
	return st;
}
