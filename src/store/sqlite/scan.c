/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Walking all that a collection holds. */
#include "store/scan.h"

#include "store/sqlite/engine.h"

static void
get_history(struct sql_call *call, struct dom_arena *arena, struct store_history *row)
{
	row->at.item_clock = sql_get_clock(call);
	row->item = sql_get_number(call);
	row->item_uid = sql_get_slice(call, arena);
	row->version = (int)sql_get_number(call);
	row->encryption_key = sql_get_optional(call, arena);
	row->replaced_ms = sql_get_number(call);
	row_get_revision(call, arena, &row->revision);
	row->at.clock = row->revision.clock;
}

enum dom_status
store_history_scan(struct store_txn *txn, int64_t collection, struct store_history_at after,
    unsigned limit, struct dom_arena *arena, struct store_history **rows_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_HISTORY_SCAN);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_history)};
	size_t used = dom_arena_used(arena);

	sql_put_number(&call, collection);
	sql_put_bound(&call, after.item_clock);
	sql_put_bound(&call, after.clock);
	sql_put_number(&call, limit);
	while (
	    dom_arena_used(arena) - used < STORE_SCAN_SIZE_MAX && sql_step(&call) == DOM_OK) {
		struct store_history *row = sql_rows_next(&rows);

		if (row == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		get_history(&call, arena, row);
	}
	*rows_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}

enum dom_status
store_chunk_numbers(struct store_txn *txn, int64_t collection, struct dom_slice after,
    unsigned limit, struct dom_arena *arena, int64_t **numbers_r, size_t *count_r,
    struct dom_slice *last_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_CHUNK_NUMBERS);
	struct sql_rows rows = {.arena = arena, .size = sizeof(int64_t)};
	struct store_chunk last = {0};
	enum dom_status st;

	*last_r = dom_slice(NULL, 0);
	sql_put_number(&call, collection);
	sql_put_slice(&call, after);
	sql_put_number(&call, limit);
	while (sql_step(&call) == DOM_OK) {
		int64_t *number = sql_rows_next(&rows);

		if (number == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		*number = sql_get_number(&call);
	}
	*numbers_r = rows.rows;
	*count_r = rows.count;
	if (sql_end(&call) < 0 || rows.count == 0 || rows.count < limit)
		return call.failed;
	/* The uid of one row only: all of them would be the larger part of what is read. */
	st = store_chunk_by_number(txn, (*numbers_r)[rows.count - 1], arena, &last);
	*last_r = last.uid;
	return st == DOM_ABSENT ? DOM_ESTORE : st;
}

enum dom_status
store_chunk_by_number(
    struct store_txn *txn, int64_t number, struct dom_arena *arena, struct store_chunk *chunk_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_CHUNK_BY_NUMBER);
	enum dom_status st;

	sql_put_number(&call, number);
	if ((st = sql_step(&call)) == DOM_OK) {
		chunk_r->uid = sql_get_slice(&call, arena);
		chunk_r->size = sql_get_clock(&call);
		sql_get_bytes(&call, chunk_r->sha256, sizeof(chunk_r->sha256));
	}
	return sql_end(&call) < 0 ? call.failed : st;
}

enum dom_status
store_consent_types(struct store_txn *txn, int64_t account, struct dom_slice service,
    struct dom_arena *arena, struct dom_slice **types_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_CONSENT_TYPES);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct dom_slice)};

	sql_put_number(&call, account);
	sql_put_slice(&call, service);
	while (sql_step(&call) == DOM_OK) {
		struct dom_slice *type = sql_rows_next(&rows);

		if (type == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		*type = sql_get_slice(&call, arena);
	}
	*types_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}
