/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Bring a database to this release's schema, or say why not. */
#include <stdio.h>

#include "base/clock.h"

#include "store/sqlite/migrations.h"
#include "store/sqlite/seal.h"

enum { APPLICATION_ID = 0x646f6d69 }; /* "domi", so that file(1) and we know it */

/* These run before the schema exists, so they are not among the prepared ones. */
static enum dom_status
query_number(struct sql_connection *writer, const char *text, int64_t *number_r)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(writer->db, text, -1, &statement, NULL);

	*number_r = 0;
	if (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW)
		*number_r = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return sql_status(writer, code);
}

static enum dom_status
execute(struct sql_connection *writer, const char *text)
{
	return sql_status(writer, sqlite3_exec(writer->db, text, NULL, NULL, NULL));
}

static enum dom_status
execute_numbers(struct sql_connection *writer, const char *text, int64_t first, int64_t second)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(writer->db, text, -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(statement, 1, first);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(statement, 2, second);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	sqlite3_finalize(statement);
	return sql_status(writer, code);
}

/* One version up, in one transaction. */
static enum dom_status
migrate_step(struct store *store, int64_t version)
{
	struct sql_connection *writer = &store->writer;
	enum dom_status st;

	if ((st = execute(writer, "BEGIN IMMEDIATE")) < 0)
		return st;
	st = execute(writer, migrations[version - 1]);
	if (st == DOM_OK && version == MIGRATION_SEALS)
		st = seal_migrate(store, writer, dom_clock_now_ms(&store->clock));
	if (st == DOM_OK)
		st = execute_numbers(writer,
		    "INSERT INTO schema (version, applied_ms) VALUES (?, ?)", version,
		    dom_clock_now_ms(&store->clock));
	if (st == DOM_OK)
		st = execute(writer, "COMMIT");
	if (!sqlite3_get_autocommit(writer->db))
		sqlite3_exec(writer->db, "ROLLBACK", NULL, NULL, NULL);
	return st;
}

/* An empty file becomes ours; any other must say that it is. */
static enum dom_status
migrate_claim(struct sql_connection *writer, int64_t *version_r)
{
	int64_t tables, application;
	enum dom_status st;

	if ((st = query_number(writer, "SELECT count(*) FROM sqlite_schema", &tables)) < 0 ||
	    (st = query_number(writer, "PRAGMA application_id", &application)) < 0)
		return st;
	if (tables != 0 && application != APPLICATION_ID)
		return DOM_CONFLICT;
	if (tables == 0) {
		st = execute(writer, "BEGIN IMMEDIATE;"
		                     "PRAGMA application_id = 1685024105;"
		                     "CREATE TABLE schema (version INTEGER PRIMARY KEY,"
		                     " applied_ms INTEGER NOT NULL) STRICT;"
		                     "COMMIT");
		if (st < 0)
			return st;
	}
	return query_number(writer, "SELECT max(version) FROM schema", version_r);
}
_Static_assert(APPLICATION_ID == 1685024105, "as in the PRAGMA");

/* The first to open it names the region; DOM_CONFLICT: it has another name. */
static enum dom_status
migrate_region(struct store *store, struct dom_slice region)
{
	struct sql_connection *writer = &store->writer;
	uint8_t check[DOM_INDEX_SIZE];
	struct sql_call call;
	enum dom_status st;

	if (store->key != NULL) {
		seal_check(store, check);
		call = sql_call(writer, SQL_REGION_CLAIM);
		sql_put_slice(&call, region);
		sql_put_number(&call, dom_clock_now_ms(&store->clock));
		sql_put_slice(&call, dom_slice(check, sizeof(check)));
		if ((st = sql_run(&call)) < 0)
			return st;
	}
	call = sql_call(writer, SQL_REGION_IS);
	sql_put_slice(&call, region);
	st = sql_step(&call);
	sql_end(&call);
	return st == DOM_ABSENT ? DOM_CONFLICT : st;
}

/* DOM_CONFLICT: its names are sealed under another region key. */
static enum dom_status
migrate_key(struct store *store)
{
	uint8_t check[DOM_INDEX_SIZE];
	struct sql_call call;
	enum dom_status st;

	if (store->key == NULL)
		return DOM_OK;
	seal_check(store, check);
	call = sql_call(&store->writer, SQL_REGION_KEY_IS);
	sql_put_slice(&call, dom_slice(check, sizeof(check)));
	st = sql_step(&call);
	sql_end(&call);
	return st == DOM_ABSENT ? DOM_CONFLICT : st;
}

/* Without the region key (a restore) it stops before what seals. */
static enum dom_status
migrate_up(struct store *store, int64_t version)
{
	enum dom_status st = DOM_OK;

	while (
	    st == DOM_OK && version < MIGRATION_COUNT &&
	    (store->key != NULL || version + 1 < MIGRATION_SEALS || version >= MIGRATION_SEALS))
		st = migrate_step(store, ++version);
	return st;
}

enum dom_status
store_migrate(struct store *store, const char *region, char *message_r, size_t message_size)
{
	struct sql_connection *writer = &store->writer;
	int64_t version = 0;
	enum dom_status st;

	st = migrate_claim(writer, &version);
	if (st == DOM_CONFLICT) {
		snprintf(message_r, message_size, "%s is a database of another program",
		    store->database);
		return DOM_EDENIED;
	}
	if (st == DOM_OK && version > MIGRATION_COUNT) {
		snprintf(message_r, message_size,
		    "%s was written by a newer release of domicile (schema %lld, this release"
		    " knows %d): install that release",
		    store->database, (long long)version, MIGRATION_COUNT);
		return DOM_EDENIED;
	}
	if (st == DOM_OK)
		st = migrate_up(store, version);
	if (st == DOM_OK)
		st = migrate_region(store, dom_slice_of(region));
	if (st == DOM_CONFLICT) {
		snprintf(message_r, message_size,
		    "%s holds the data of another region than '%s'", store->database, region);
		return DOM_EDENIED;
	}
	if (st == DOM_OK)
		st = migrate_key(store);
	if (st == DOM_CONFLICT) {
		snprintf(message_r, message_size,
		    "the names in %s are sealed with another region key than this one: give"
		    " the server the region.key that it was made with",
		    store->database);
		return DOM_EDENIED;
	}
	if (st < 0)
		snprintf(message_r, message_size, "%s cannot be read or migrated: %s",
		    store->database, sqlite3_errmsg(writer->db));
	return st;
}
