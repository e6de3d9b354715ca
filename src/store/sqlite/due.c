/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What an account owns, what goes with an erasure, and what retention finds due. */
#include <assert.h>

#include "store/sqlite/erase.h"

static enum dom_status
get_owned(struct sql_call *call, struct dom_arena *arena, struct store_owned **rows_r,
    size_t *count_r)
{
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_owned)};

	while (sql_step(call) == DOM_OK) {
		struct store_owned *row = sql_rows_next(&rows);

		if (row == NULL) {
			sql_fail(call, DOM_ENOMEM);
			break;
		}
		row_get_collection(call, arena, &row->collection);
		row->abandoned_ms = sql_get_number(call);
		row->abandoned = sql_get_bool(call);
		row->erasure = sql_get_number(call);
		row->type = sql_get_slice(call, arena);
	}
	*rows_r = rows.rows;
	*count_r = rows.count;
	return sql_end(call);
}

static enum dom_status
owned_by(struct store_txn *txn, enum sql_id id, int64_t parent, int64_t after, unsigned limit,
    struct dom_arena *arena, struct store_owned **rows_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, id);

	sql_put_number(&call, parent);
	sql_put_number(&call, after);
	sql_put_number(&call, limit);
	return get_owned(&call, arena, rows_r, count_r);
}

enum dom_status
store_collections_owned(struct store_txn *txn, int64_t account, int64_t after, unsigned limit,
    struct dom_arena *arena, struct store_owned **rows_r, size_t *count_r)
{
	return owned_by(
	    txn, SQL_COLLECTIONS_OWNED, account, after, limit, arena, rows_r, count_r);
}

enum dom_status
store_collections_erasing(struct store_txn *txn, int64_t erasure, int64_t after, unsigned limit,
    struct dom_arena *arena, struct store_owned **rows_r, size_t *count_r)
{
	return owned_by(
	    txn, SQL_COLLECTIONS_ERASING, erasure, after, limit, arena, rows_r, count_r);
}

enum dom_status
store_collections_due(struct store_txn *txn, int64_t before_ms, struct store_due after,
    unsigned limit, struct dom_arena *arena, struct store_owned **rows_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_COLLECTIONS_DUE);

	sql_put_number(&call, before_ms);
	sql_put_number(&call, after.ms);
	sql_put_number(&call, after.number);
	sql_put_number(&call, limit);
	return get_owned(&call, arena, rows_r, count_r);
}

enum dom_status
store_revisions_due(struct store_txn *txn, int64_t before_ms, struct store_due after,
    unsigned limit, struct dom_arena *arena, struct store_revision_due **rows_r,
    size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_REVISIONS_DUE);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_revision_due)};

	sql_put_number(&call, before_ms);
	sql_put_number(&call, after.ms);
	sql_put_number(&call, after.number);
	sql_put_number(&call, limit);
	while (sql_step(&call) == DOM_OK) {
		struct store_revision_due *row = sql_rows_next(&rows);

		if (row == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		row->at.ms = sql_get_number(&call);
		row->at.number = sql_get_number(&call);
		row->replaced_ms = sql_get_number(&call);
		row->item = sql_get_number(&call);
		row->collection = sql_get_number(&call);
		row->owner = sql_get_number(&call);
		row->type = sql_get_slice(&call, arena);
	}
	*rows_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}

enum dom_status
store_erase_revisions(struct store_txn *txn, const int64_t *numbers, size_t count,
    int64_t before_ms, size_t *done_r, struct store_erased *sum)
{
	struct erase_step step = erase_step(txn, (unsigned)count + 1, sum);
	enum dom_status st;

	*done_r = 0;
	while (*done_r < count && erase_has_room(&step)) {
		if ((st = erase_revision(&step, numbers[*done_r], before_ms, true)) < 0)
			return st;
		++*done_r;
	}
	return DOM_OK;
}

enum dom_status
store_accounts_due(struct store_txn *txn, int64_t before_ms, int64_t after, unsigned limit,
    struct dom_arena *arena, struct store_account_due **rows_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNTS_DUE);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_account_due)};

	sql_put_number(&call, after);
	sql_put_number(&call, before_ms);
	sql_put_number(&call, limit);
	while (sql_step(&call) == DOM_OK) {
		struct store_account_due *row = sql_rows_next(&rows);

		if (row == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		row->number = sql_get_number(&call);
		row->active_ms = sql_get_number(&call);
		row->notice_ms = sql_get_number(&call);
		row->disabled = sql_get_bool(&call);
	}
	*rows_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}

enum dom_status
store_account_notice_set(struct store_txn *txn, int64_t account, int64_t notice_ms)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_SET_NOTICE);

	assert(txn->writes);
	sql_put_number(&call, notice_ms);
	sql_put_number(&call, account);
	return sql_change(&call);
}
