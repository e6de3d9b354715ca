/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Items and acknowledged chunks in the local state. */
#include <stdlib.h>

#include "client/state_sql.h"

struct dom_state_walk {
	struct dom_state *state;
	sqlite3_stmt *statement;
};

static void
read_row(sqlite3_stmt *statement, struct dom_item_row *row_r)
{
	row_r->uid = dom_state_column(statement, 0);
	row_r->etag = dom_state_column(statement, 1);
	row_r->name = dom_state_column(statement, 2);
	row_r->source = dom_state_column(statement, 3);
	row_r->order = (uint64_t)sqlite3_column_int64(statement, 4);
	row_r->mtime_ms = sqlite3_column_int64(statement, 5);
	row_r->size = sqlite3_column_int64(statement, 6);
	row_r->deleted = sqlite3_column_int(statement, 7) != 0;
	row_r->fingerprint = dom_state_column(statement, 8);
	row_r->chunks = (uint64_t)sqlite3_column_int64(statement, 9);
	row_r->extra = dom_state_column(statement, 10);
}

enum dom_status
dom_state_item_put(struct dom_state *state, int64_t collection, const struct dom_item_row *row)
{
	sqlite3_stmt *statement;
	enum dom_status st;

	if ((st = dom_state_change(state)) < 0 ||
	    (st = dom_state_query(state, DOM_QUERY_ITEM_PUT, &statement)) < 0)
		return st;
	sqlite3_bind_int64(statement, 1, collection);
	dom_state_bind_text(statement, 2, row->uid);
	dom_state_bind_text(statement, 3, row->etag);
	dom_state_bind_text(statement, 4, row->name);
	dom_state_bind_text(statement, 5, row->source);
	sqlite3_bind_int64(statement, 6, (int64_t)row->order);
	sqlite3_bind_int64(statement, 7, row->mtime_ms);
	sqlite3_bind_int64(statement, 8, row->size);
	sqlite3_bind_int(statement, 9, row->deleted);
	dom_state_bind_text(statement, 10, row->fingerprint);
	sqlite3_bind_int64(statement, 11, (int64_t)row->chunks);
	dom_state_bind_bytes(statement, 12, row->extra);
	return dom_state_run(state, statement);
}

enum dom_status
dom_state_item_find(struct dom_state *state, int64_t collection, struct dom_slice uid,
    struct dom_item_row *row_r)
{
	sqlite3_stmt *statement;
	enum dom_status st;
	int code;

	if ((st = dom_state_query(state, DOM_QUERY_ITEM_FIND, &statement)) < 0)
		return st;
	sqlite3_bind_int64(statement, 1, collection);
	dom_state_bind_text(statement, 2, uid);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		/* Stays on its row, which the slices point into; the next use resets it. */
		read_row(statement, row_r);
		return DOM_OK;
	}
	st = code == SQLITE_DONE ? DOM_ABSENT : dom_state_failed(state, code);
	sqlite3_reset(statement);
	return st;
}

enum dom_status
dom_state_walk_open(
    struct dom_state *state, int64_t collection, bool only_live, struct dom_state_walk **walk_r)
{
	struct dom_state_walk *walk = calloc(1, sizeof(*walk));
	const char *sql = only_live ? "SELECT " DOM_ITEM_COLUMNS
	                              " FROM item WHERE collection = ?1 AND NOT deleted"
	                              " ORDER BY source, place, number"
	                            : "SELECT " DOM_ITEM_COLUMNS
	                              " FROM item WHERE collection = ?1 ORDER BY number";
	int code;

	if (walk == NULL)
		return DOM_ENOMEM;
	walk->state = state;
	code = sqlite3_prepare_v2(state->db, sql, -1, &walk->statement, NULL);
	if (code != SQLITE_OK) {
		enum dom_status st = dom_state_failed(state, code);

		free(walk);
		return st;
	}
	sqlite3_bind_int64(walk->statement, 1, collection);
	*walk_r = walk;
	return DOM_OK;
}

enum dom_status
dom_state_walk_next(struct dom_state_walk *walk, struct dom_item_row *row_r)
{
	int code = sqlite3_step(walk->statement);

	if (code == SQLITE_ROW) {
		read_row(walk->statement, row_r);
		return DOM_OK;
	}
	return code == SQLITE_DONE ? DOM_ABSENT : dom_state_failed(walk->state, code);
}

void
dom_state_walk_close(struct dom_state_walk **walk)
{
	struct dom_state_walk *old = *walk;

	if (old == NULL)
		return;
	*walk = NULL;
	sqlite3_finalize(old->statement);
	free(old);
}

enum dom_status
dom_state_chunk_add(
    struct dom_state *state, int64_t collection, struct dom_slice item, struct dom_slice chunk)
{
	sqlite3_stmt *statement;
	enum dom_status st;

	if ((st = dom_state_change(state)) < 0 ||
	    (st = dom_state_query(state, DOM_QUERY_CHUNK_ADD, &statement)) < 0)
		return st;
	sqlite3_bind_int64(statement, 1, collection);
	dom_state_bind_text(statement, 2, item);
	dom_state_bind_text(statement, 3, chunk);
	return dom_state_run(state, statement);
}

enum dom_status
dom_state_chunk_has(
    struct dom_state *state, int64_t collection, struct dom_slice item, struct dom_slice chunk)
{
	sqlite3_stmt *statement;
	enum dom_status st;
	int code;

	if ((st = dom_state_query(state, DOM_QUERY_CHUNK_HAS, &statement)) < 0)
		return st;
	sqlite3_bind_int64(statement, 1, collection);
	dom_state_bind_text(statement, 2, item);
	dom_state_bind_text(statement, 3, chunk);
	code = sqlite3_step(statement);
	if (code != SQLITE_ROW)
		st = code == SQLITE_DONE ? DOM_ABSENT : dom_state_failed(state, code);
	sqlite3_reset(statement);
	return st;
}

enum dom_status
dom_state_chunk_drop(struct dom_state *state, int64_t collection, struct dom_slice item)
{
	sqlite3_stmt *statement;
	enum dom_status st;

	if ((st = dom_state_change(state)) < 0 ||
	    (st = dom_state_query(state,
	         item.data == NULL ? DOM_QUERY_CHUNK_DROP_ALL : DOM_QUERY_CHUNK_DROP,
	         &statement)) < 0)
		return st;
	sqlite3_bind_int64(statement, 1, collection);
	if (item.data != NULL)
		dom_state_bind_text(statement, 2, item);
	return dom_state_run(state, statement);
}
