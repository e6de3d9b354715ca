/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* How connections are set up, and the readers' transactions. */
#include <assert.h>
#include <stdlib.h>

#include "store/sqlite/engine.h"
#include "store/sqlite/scrub.h"

/*
 * temp_store: undo pages of savepoints stay in memory.  cache_spill off: a
 * full disk is met at the commit and nowhere else, and a job costs its undo
 * but no early write.  secure_delete: what is erased is zeros, not free space
 * (but see scrub.h, which also wants this page_size).
 */
static const char writer_pragmas[] = "PRAGMA page_size = 4096;"
                                     "PRAGMA journal_mode = WAL;"
                                     "PRAGMA synchronous = FULL;"
                                     "PRAGMA wal_autocheckpoint = 0;"
                                     "PRAGMA journal_size_limit = 67108864;"
                                     "PRAGMA secure_delete = ON;"
                                     "PRAGMA foreign_keys = ON;"
                                     "PRAGMA temp_store = MEMORY;"
                                     "PRAGMA cache_size = -16384;"
                                     "PRAGMA cache_spill = OFF;";
static const char reader_pragmas[] = "PRAGMA query_only = ON;"
                                     "PRAGMA wal_autocheckpoint = 0;"
                                     "PRAGMA temp_store = MEMORY;"
                                     "PRAGMA cache_size = -4096;";

static int
log_grew(void *context, sqlite3 *db, const char *name, int pages)
{
	struct store *store = context;

	(void)db;
	(void)name;
	store->log_pages = pages;
	return SQLITE_OK;
}

static int
configure(struct store *store, bool writes, sqlite3 *db)
{
	int code;

	sqlite3_extended_result_codes(db, 1);
	/* The file is data: nothing in its schema may run what we did not write. */
	if ((code = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL)) != SQLITE_OK ||
	    (code = sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL)) !=
	        SQLITE_OK ||
	    (code = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL)) != SQLITE_OK ||
	    (code = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL)) != SQLITE_OK ||
	    (code = sqlite3_busy_timeout(db, READER_WAIT_MS)) != SQLITE_OK)
		return code;
	if (!writes)
		return sqlite3_exec(db, reader_pragmas, NULL, NULL, NULL);
	code = sqlite3_exec(db, writer_pragmas, NULL, NULL, NULL);
	sqlite3_wal_hook(db, log_grew, store);
	return code;
}

enum dom_status
store_connect(struct store *store, bool writes, struct sql_connection *connection)
{
	int flags = (writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
	            SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
	/* Only the writer writes to the database's file. */
	const char *vfs = writes ? scrub_vfs() : NULL;
	int code;

	if (writes && vfs == NULL)
		return DOM_ENOMEM;
	code = sqlite3_open_v2(store->database, &connection->db, flags, vfs);

	if (connection->db == NULL)
		return DOM_ENOMEM;
	if (code == SQLITE_OK)
		code = configure(store, writes, connection->db);
	return sql_status(connection, code);
}

static struct sql_connection *
take_spare(struct store *store)
{
	struct sql_connection *connection;

	pthread_mutex_lock(&store->spare_lock);
	if ((connection = store->spare) != NULL) {
		store->spare = connection->next;
		store->spare_count--;
		connection->next = NULL;
	}
	pthread_mutex_unlock(&store->spare_lock);
	return connection;
}

static void
connection_free(struct sql_connection **connection)
{
	struct sql_connection *old = *connection;

	if (old == NULL)
		return;
	*connection = NULL;
	sql_disconnect(old);
	free(old);
}

/*
 * Opening one reads and parses the whole schema, which takes as long as to
 * store ten items, and whoever stages a batch needs one for a moment.
 */
static void
keep_spare(struct store *store, struct sql_connection **connection)
{
	struct sql_connection *spare = *connection;

	if (spare == NULL)
		return;
	if (spare->failed == DOM_OK) {
		pthread_mutex_lock(&store->spare_lock);
		if (store->spare_count < SPARES_MAX) {
			spare->next = store->spare;
			store->spare = spare;
			store->spare_count++;
			*connection = NULL;
		}
		pthread_mutex_unlock(&store->spare_lock);
	}
	connection_free(connection);
}

static enum dom_status
take_connection(struct store *store, struct sql_connection **connection_r)
{
	enum dom_status st;

	if ((*connection_r = take_spare(store)) != NULL)
		return DOM_OK;
	if ((*connection_r = calloc(1, sizeof(**connection_r))) == NULL)
		return DOM_ENOMEM;
	if ((st = store_connect(store, false, *connection_r)) < 0)
		connection_free(connection_r);
	return st;
}

void
store_spares_close(struct store *store)
{
	struct sql_connection *connection;

	while ((connection = take_spare(store)) != NULL)
		connection_free(&connection);
}

/*
 * A manual store has one thread, whose readers take turns: few connections that are warm do
 * for all of them.
 */
static void
lend_no_more(struct store_reader *reader)
{
	if (reader->store->manual)
		keep_spare(reader->store, &reader->connection);
}

enum dom_status
store_reader_open(struct store *store, struct store_reader **reader_r)
{
	struct store_reader *reader = calloc(1, sizeof(*reader));
	enum dom_status st;

	*reader_r = NULL;
	if (reader == NULL)
		return DOM_ENOMEM;
	reader->store = store;
	if ((st = take_connection(store, &reader->connection)) < 0) {
		free(reader);
		return st;
	}
	lend_no_more(reader);
	atomic_fetch_add(&store->readers, 1);
	*reader_r = reader;
	return DOM_OK;
}

void
store_reader_close(struct store_reader **reader)
{
	struct store_reader *old = *reader;

	if (old == NULL)
		return;
	*reader = NULL;
	assert(!old->in_txn);
	atomic_fetch_sub(&old->store->readers, 1);
	if (old->connection != NULL && old->connection->failed == DOM_OK)
		sqlite3_db_release_memory(old->connection->db);
	keep_spare(old->store, &old->connection);
	free(old);
}

/*
 * A statement that stays on its first row holds the snapshot: the same as
 * BEGIN, a SELECT and COMMIT, for one step and one reset.
 */
enum dom_status
store_read_begin(struct store_reader *reader, struct store_txn **txn_r)
{
	enum dom_status st;

	assert(!reader->in_txn);
	*txn_r = NULL;
	if (reader->connection == NULL &&
	    (st = take_connection(reader->store, &reader->connection)) < 0)
		return st;
	reader->connection->failed = DOM_OK;
	reader->connection->failed_code = SQLITE_OK;
	reader->move_changes = atomic_load(&reader->store->move_changes);
	reader->snapshot = sql_call(reader->connection, SQL_SNAPSHOT);
	if ((st = sql_step(&reader->snapshot)) != DOM_OK) {
		sql_end(&reader->snapshot);
		lend_no_more(reader);
		return st < 0 ? st : DOM_ESTORE;
	}
	reader->txn =
	    (struct store_txn){.store = reader->store, .connection = reader->connection};
	reader->in_txn = true;
	*txn_r = &reader->txn;
	return DOM_OK;
}

struct store_reader *
store_reader_of(struct store_txn *txn)
{
	assert(!txn->writes);
	return (struct store_reader *)((char *)txn - offsetof(struct store_reader, txn));
}

void
store_read_end(struct store_txn **txn)
{
	struct store_reader *reader;

	if (*txn == NULL)
		return;
	reader = store_reader_of(*txn);
	*txn = NULL;
	assert(reader->in_txn);
	reader->in_txn = false;
	sql_end(&reader->snapshot);
	lend_no_more(reader);
}
