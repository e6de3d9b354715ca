/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What this device knew when the account moved: a revision for each item, which the
 * new region must have.  Kept apart from the index, since syncing with a region that has
 * lost something would change that.
 */
#include "client/state_sql.h"

static enum dom_status
run_text(struct dom_state *state, const char *sql)
{
	enum dom_status st = dom_state_change(state);
	int code;

	if (st < 0)
		return st;
	code = sqlite3_exec(state->db, sql, NULL, NULL, NULL);
	return code == SQLITE_OK ? DOM_OK : dom_state_failed(state, code);
}

enum dom_status
dom_state_known_take(struct dom_state *state)
{
	return run_text(state,
	    "INSERT OR REPLACE INTO known (collection, item, revision, found)"
	    " SELECT collection.uid, item.uid, item.etag, 0 FROM item"
	    " JOIN collection ON collection.number = item.collection");
}

enum dom_status
dom_state_known_forget(struct dom_state *state)
{
	return run_text(state, "DELETE FROM known");
}

enum dom_status
dom_state_known_begin(struct dom_state *state)
{
	return run_text(state, "UPDATE known SET found = 0 WHERE found <> 0");
}

enum dom_status
dom_state_known_collections(struct dom_state *state, struct dom_arena *arena,
    struct dom_slice **uids_r, size_t *count_r)
{
	sqlite3_stmt *statement = NULL;
	struct dom_slice *uids = NULL;
	size_t count = 0, room = 0;
	enum dom_status st = DOM_OK;
	int code;

	code = sqlite3_prepare_v2(state->db,
	    "SELECT DISTINCT collection FROM known ORDER BY collection", -1, &statement, NULL);
	if (code != SQLITE_OK)
		return dom_state_failed(state, code);
	while (st == DOM_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		if (count == room) {
			size_t more = room == 0 ? 16 : 2 * room;
			struct dom_slice *grown = dom_arena_array(arena, more, sizeof(*uids));

			if (grown == NULL) {
				st = DOM_ENOMEM;
				break;
			}
			if (count > 0)
				memcpy(grown, uids, count * sizeof(*uids));
			uids = grown;
			room = more;
		}
		uids[count] = dom_arena_copy(arena, dom_state_column(statement, 0));
		st = uids[count++].data == NULL ? DOM_ENOMEM : DOM_OK;
	}
	if (st == DOM_OK && code != SQLITE_DONE)
		st = dom_state_failed(state, code);
	sqlite3_finalize(statement);
	*uids_r = uids;
	*count_r = count;
	return st;
}

enum dom_status
dom_state_known_find(struct dom_state *state, struct dom_slice collection,
    struct dom_slice item, struct dom_slice *revision_r)
{
	sqlite3_stmt *statement;
	enum dom_status st;
	int code;

	if ((st = dom_state_query(state, DOM_QUERY_KNOWN_FIND, &statement)) < 0)
		return st;
	dom_state_bind_text(statement, 1, collection);
	dom_state_bind_text(statement, 2, item);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		/* Stays on its row, which the slice points into; the next use resets it. */
		*revision_r = dom_state_column(statement, 0);
		return DOM_OK;
	}
	st = code == SQLITE_DONE ? DOM_ABSENT : dom_state_failed(state, code);
	sqlite3_reset(statement);
	return st;
}

enum dom_status
dom_state_known_found(
    struct dom_state *state, struct dom_slice collection, struct dom_slice item)
{
	sqlite3_stmt *statement;
	enum dom_status st;

	if ((st = dom_state_change(state)) < 0 ||
	    (st = dom_state_query(state, DOM_QUERY_KNOWN_FOUND, &statement)) < 0)
		return st;
	dom_state_bind_text(statement, 1, collection);
	dom_state_bind_text(statement, 2, item);
	return dom_state_run(state, statement);
}

enum dom_status
dom_state_known_left(struct dom_state *state, struct dom_slice collection)
{
	sqlite3_stmt *statement;
	enum dom_status st;

	if ((st = dom_state_change(state)) < 0 ||
	    (st = dom_state_query(state, DOM_QUERY_KNOWN_LEFT, &statement)) < 0)
		return st;
	dom_state_bind_text(statement, 1, collection);
	return dom_state_run(state, statement);
}

enum dom_status
dom_state_known_count(struct dom_state *state, uint64_t *found_r, uint64_t *lost_r)
{
	sqlite3_stmt *statement;
	enum dom_status st;
	int code;

	if ((st = dom_state_query(state, DOM_QUERY_KNOWN_COUNT, &statement)) < 0)
		return st;
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		*found_r = (uint64_t)sqlite3_column_int64(statement, 0);
		*lost_r = (uint64_t)sqlite3_column_int64(statement, 1);
	} else {
		st = dom_state_failed(state, code);
	}
	sqlite3_reset(statement);
	return st;
}
