/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Collections in the local state. */
#include "client/state_sql.h"

static bool
copy_row(sqlite3_stmt *statement, struct dom_arena *arena, struct dom_collection_row *row_r)
{
	struct dom_slice *const columns[] = {&row_r->uid, &row_r->type, &row_r->name,
	    &row_r->sealed_type, &row_r->sealed_key, &row_r->encryption_key};

	row_r->number = sqlite3_column_int64(statement, 0);
	for (int i = 0; i < (int)(sizeof(columns) / sizeof(columns[0])); i++) {
		struct dom_slice value = dom_state_column(statement, 1 + i);

		*columns[i] = value.data == NULL ? value : dom_arena_copy(arena, value);
		if (value.data != NULL && columns[i]->data == NULL)
			return false;
	}
	row_r->access_level = sqlite3_column_int(statement, 7);
	row_r->deleted = sqlite3_column_int(statement, 8) != 0;
	row_r->token = dom_arena_copy(arena, dom_state_column(statement, 9));
	row_r->sweep = sqlite3_column_int(statement, 10) != 0;
	row_r->etag = dom_arena_copy(arena, dom_state_column(statement, 11));
	return row_r->token.data != NULL && row_r->etag.data != NULL;
}

enum dom_status
dom_state_collection_put(struct dom_state *state, const struct dom_collection_row *row,
    int64_t seen, int64_t *number_r)
{
	sqlite3_stmt *statement;
	enum dom_status st;
	int code;

	if ((st = dom_state_change(state)) < 0 ||
	    (st = dom_state_query(state, DOM_QUERY_COLLECTION_PUT, &statement)) < 0)
		return st;
	dom_state_bind_text(statement, 1, row->uid);
	dom_state_bind_text(statement, 2, row->type);
	dom_state_bind_text(statement, 3, row->name);
	dom_state_bind_bytes(statement, 4, row->sealed_type);
	dom_state_bind_bytes(statement, 5, row->sealed_key);
	dom_state_bind_bytes(statement, 6, row->encryption_key);
	sqlite3_bind_int(statement, 7, row->access_level);
	sqlite3_bind_int(statement, 8, row->deleted);
	sqlite3_bind_int64(statement, 9, seen);
	dom_state_bind_text(statement, 10, row->etag);
	if ((code = sqlite3_step(statement)) != SQLITE_ROW)
		st = dom_state_failed(state, code);
	else
		*number_r = sqlite3_column_int64(statement, 0);
	/* A statement with RETURNING has done its work by its first row. */
	sqlite3_reset(statement);
	return st;
}

enum dom_status
dom_state_collection_find(struct dom_state *state, struct dom_slice uid,
    struct dom_arena *arena, struct dom_collection_row *row_r)
{
	sqlite3_stmt *statement;
	enum dom_status st;
	int code;

	if ((st = dom_state_query(state, DOM_QUERY_COLLECTION_FIND, &statement)) < 0)
		return st;
	dom_state_bind_text(statement, 1, uid);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		st = copy_row(statement, arena, row_r) ? DOM_OK : DOM_ENOMEM;
	else
		st = code == SQLITE_DONE ? DOM_ABSENT : dom_state_failed(state, code);
	sqlite3_reset(statement);
	return st;
}

enum dom_status
dom_state_collection_all(struct dom_state *state, struct dom_arena *arena,
    struct dom_collection_row **rows_r, size_t *count_r)
{
	sqlite3_stmt *statement;
	struct dom_collection_row *rows = NULL;
	size_t count = 0, room = 0;
	enum dom_status st;
	int code;

	if ((st = dom_state_query(state, DOM_QUERY_COLLECTION_ALL, &statement)) < 0)
		return st;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		if (count == room) {
			size_t more = room == 0 ? 16 : 2 * room;
			struct dom_collection_row *grown =
			    dom_arena_array(arena, more, sizeof(*rows));

			if (grown == NULL) {
				st = DOM_ENOMEM;
				break;
			}
			if (count > 0)
				memcpy(grown, rows, count * sizeof(*rows));
			rows = grown;
			room = more;
		}
		if (!copy_row(statement, arena, &rows[count])) {
			st = DOM_ENOMEM;
			break;
		}
		count++;
	}
	if (st == DOM_OK && code != SQLITE_DONE)
		st = dom_state_failed(state, code);
	sqlite3_reset(statement);
	*rows_r = rows;
	*count_r = count;
	return st;
}

static enum dom_status
run_on(struct dom_state *state, enum dom_query query, int64_t collection)
{
	sqlite3_stmt *statement;
	enum dom_status st;

	if ((st = dom_state_change(state)) < 0 ||
	    (st = dom_state_query(state, query, &statement)) < 0)
		return st;
	sqlite3_bind_int64(statement, 1, collection);
	return dom_state_run(state, statement);
}

enum dom_status
dom_state_collection_token(struct dom_state *state, int64_t collection, struct dom_slice token)
{
	sqlite3_stmt *statement;
	enum dom_status st;

	if ((st = dom_state_change(state)) < 0 ||
	    (st = dom_state_query(state, DOM_QUERY_COLLECTION_TOKEN, &statement)) < 0)
		return st;
	sqlite3_bind_int64(statement, 1, collection);
	dom_state_bind_text(statement, 2, token);
	return dom_state_run(state, statement);
}

enum dom_status
dom_state_collection_relist(struct dom_state *state, int64_t collection)
{
	return run_on(state, DOM_QUERY_COLLECTION_RELIST, collection);
}

enum dom_status
dom_state_collection_sweep(struct dom_state *state, int64_t collection)
{
	enum dom_status st = run_on(state, DOM_QUERY_COLLECTION_SWEEP, collection);

	return st < 0 ? st : run_on(state, DOM_QUERY_COLLECTION_SWEPT, collection);
}

static enum dom_status
run_text(struct dom_state *state, const char *sql)
{
	enum dom_status st;
	int code;

	if ((st = dom_state_change(state)) < 0)
		return st;
	code = sqlite3_exec(state->db, sql, NULL, NULL, NULL);
	return code == SQLITE_OK ? DOM_OK : dom_state_failed(state, code);
}

static enum dom_status
drop_orphans(struct dom_state *state)
{
	return run_text(state,
	    "DELETE FROM item WHERE collection NOT IN (SELECT number FROM collection);"
	    "DELETE FROM chunk_sent WHERE collection NOT IN (SELECT number FROM collection)");
}

/* Rare: the statement is not kept. */
static enum dom_status
delete_collections(struct dom_state *state, const char *sql, struct dom_slice uid, int64_t seen)
{
	sqlite3_stmt *statement = NULL;
	enum dom_status st;
	int code;

	if ((st = dom_state_change(state)) < 0)
		return st;
	code = sqlite3_prepare_v2(state->db, sql, -1, &statement, NULL);
	if (code != SQLITE_OK)
		return dom_state_failed(state, code);
	if (uid.data != NULL)
		dom_state_bind_text(statement, 1, uid);
	else
		sqlite3_bind_int64(statement, 1, seen);
	st = dom_state_run(state, statement);
	sqlite3_finalize(statement);
	if (st == DOM_OK && sqlite3_changes(state->db) > 0)
		st = drop_orphans(state);
	return st;
}

enum dom_status
dom_state_collection_remove(struct dom_state *state, struct dom_slice uid)
{
	return delete_collections(state, "DELETE FROM collection WHERE uid = ?1", uid, 0);
}

enum dom_status
dom_state_collections_unseen(struct dom_state *state, int64_t seen)
{
	return delete_collections(
	    state, "DELETE FROM collection WHERE seen <> ?1", dom_slice(NULL, 0), seen);
}

enum dom_status
dom_state_forget_tokens(struct dom_state *state)
{
	return run_text(state, "UPDATE collection SET token = ''; DELETE FROM chunk_sent;"
	                       "DELETE FROM about WHERE key = 'token'");
}

enum dom_status
dom_state_collection_count(
    struct dom_state *state, int64_t collection, uint64_t *items_r, uint64_t *bytes_r)
{
	sqlite3_stmt *statement;
	enum dom_status st;
	int code;

	if ((st = dom_state_query(state, DOM_QUERY_COLLECTION_COUNT, &statement)) < 0)
		return st;
	sqlite3_bind_int64(statement, 1, collection);
	if ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		*items_r = (uint64_t)sqlite3_column_int64(statement, 0);
		*bytes_r = (uint64_t)sqlite3_column_int64(statement, 1);
	} else {
		st = dom_state_failed(state, code);
	}
	sqlite3_reset(statement);
	return st;
}
