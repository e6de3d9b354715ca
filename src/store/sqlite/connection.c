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

static struct store_reader *
take_spare(struct store *store)
{
	struct store_reader *reader;

	pthread_mutex_lock(&store->spare_lock);
	if ((reader = store->spare) != NULL) {
		store->spare = reader->next;
		store->spare_count--;
		reader->next = NULL;
	}
	pthread_mutex_unlock(&store->spare_lock);
	return reader;
}

/*
 * Opening one reads and parses the whole schema, which takes as long as to
 * store ten items, and whoever stages a batch needs one for a moment.
 */
static bool
keep_spare(struct store_reader *reader)
{
	struct store *store = reader->store;
	bool kept = false;

	if (reader->connection.failed != DOM_OK)
		return false;
	sqlite3_db_release_memory(reader->connection.db);
	pthread_mutex_lock(&store->spare_lock);
	if (store->spare_count < SPARE_READERS_MAX) {
		reader->next = store->spare;
		store->spare = reader;
		store->spare_count++;
		kept = true;
	}
	pthread_mutex_unlock(&store->spare_lock);
	return kept;
}

static void
reader_free(struct store_reader *reader)
{
	sql_disconnect(&reader->connection);
	free(reader);
}

void
store_spare_readers_close(struct store *store)
{
	struct store_reader *reader;

	while ((reader = take_spare(store)) != NULL)
		reader_free(reader);
}

enum dom_status
store_reader_open(struct store *store, struct store_reader **reader_r)
{
	struct store_reader *reader = take_spare(store);
	enum dom_status st;

	if ((*reader_r = reader) != NULL) {
		atomic_fetch_add(&store->readers, 1);
		return DOM_OK;
	}
	if ((reader = calloc(1, sizeof(*reader))) == NULL)
		return DOM_ENOMEM;
	reader->store = store;
	if ((st = store_connect(store, false, &reader->connection)) < 0) {
		reader_free(reader);
		return st;
	}
	reader->txn = (struct store_txn){.store = store, .connection = &reader->connection};
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
	if (!keep_spare(old))
		reader_free(old);
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
	reader->connection.failed = DOM_OK;
	reader->connection.failed_code = SQLITE_OK;
	reader->move_changes = atomic_load(&reader->store->move_changes);
	reader->snapshot = sql_call(&reader->connection, SQL_SNAPSHOT);
	if ((st = sql_step(&reader->snapshot)) != DOM_OK) {
		sql_end(&reader->snapshot);
		return st < 0 ? st : DOM_ESTORE;
	}
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
}
