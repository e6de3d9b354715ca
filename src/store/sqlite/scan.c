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
store_chunk_scan(struct store_txn *txn, int64_t collection, struct dom_slice after,
    unsigned limit, struct dom_arena *arena, struct store_chunk **rows_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_CHUNK_SCAN);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_chunk)};

	sql_put_number(&call, collection);
	sql_put_slice(&call, after);
	sql_put_number(&call, limit);
	while (sql_step(&call) == DOM_OK) {
		struct store_chunk *row = sql_rows_next(&rows);

		if (row == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		row->uid = sql_get_slice(&call, arena);
		row->size = sql_get_clock(&call);
		sql_get_bytes(&call, row->sha256, sizeof(row->sha256));
	}
	*rows_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
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
