/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_STATE_SQL_H
#define CLIENT_STATE_SQL_H

#include <sqlite3.h>

#include "client/state.h"

/* Inside of the local state: what state*.c share. */
enum dom_query {
	DOM_QUERY_SET,
	DOM_QUERY_GET,
	DOM_QUERY_COLLECTION_PUT,
	DOM_QUERY_COLLECTION_FIND,
	DOM_QUERY_COLLECTION_ALL,
	DOM_QUERY_COLLECTION_TOKEN,
	DOM_QUERY_COLLECTION_RELIST,
	DOM_QUERY_COLLECTION_SWEEP,
	DOM_QUERY_COLLECTION_SWEPT,
	DOM_QUERY_COLLECTION_COUNT,
	DOM_QUERY_ITEM_PUT,
	DOM_QUERY_ITEM_FIND,
	DOM_QUERY_CHUNK_ADD,
	DOM_QUERY_CHUNK_HAS,
	DOM_QUERY_CHUNK_DROP,
	DOM_QUERY_CHUNK_DROP_ALL,
	DOM_QUERY_KNOWN_FIND,
	DOM_QUERY_KNOWN_FOUND,
	DOM_QUERY_KNOWN_LEFT,
	DOM_QUERY_KNOWN_COUNT,
	DOM_QUERY_COUNT,
};

#define DOM_ITEM_COLUMNS                                                                       \
	"uid, etag, name, source, place, mtime_ms, size, deleted, fingerprint, chunks, extra"

struct dom_state {
	sqlite3 *db;
	sqlite3_stmt *statements[DOM_QUERY_COUNT];
	bool changing; /* a transaction is open */
	bool damaged;  /* the file is no database, or not ours */
	char message[256];
};

enum dom_status dom_state_failed(struct dom_state *state, int code);
/* The statement, ready to be bound. */
DOM_MUST_CHECK enum dom_status dom_state_query(
    struct dom_state *state, enum dom_query query, sqlite3_stmt **statement_r);
/* Begin the transaction, unless one is open. */
DOM_MUST_CHECK enum dom_status dom_state_change(struct dom_state *state);
/* Run a statement that gives no rows worth reading. */
DOM_MUST_CHECK enum dom_status dom_state_run(struct dom_state *state, sqlite3_stmt *statement);
void dom_state_bind_text(sqlite3_stmt *statement, int at, struct dom_slice text);
void dom_state_bind_bytes(sqlite3_stmt *statement, int at, struct dom_slice bytes);
struct dom_slice dom_state_column(sqlite3_stmt *statement, int at);

#endif
