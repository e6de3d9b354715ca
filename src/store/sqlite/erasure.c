/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Erasures: what was asked for, how far it is, and what the region signed. */
#include <assert.h>

#include "store/sqlite/erase.h"

/* Everything but number and request, in the order of ERASURE_FIELDS. */
static void
put_fields(struct sql_call *call, const struct store_erasure *erasure)
{
	if (erasure->account == 0)
		sql_put_optional(call, dom_slice(NULL, 0));
	else
		sql_put_number(call, erasure->account);
	sql_put_number(call, erasure->scope);
	sql_put_number(call, erasure->state);
	sql_put_clock(call, erasure->clock);
	sql_put_number(call, erasure->requested_ms);
	sql_put_number(call, erasure->ended_ms);
	sql_put_clock(call, erasure->sum.collections);
	sql_put_clock(call, erasure->sum.items);
	sql_put_clock(call, erasure->sum.revisions);
	sql_put_clock(call, erasure->sum.chunks);
	sql_put_clock(call, erasure->sum.bytes);
	sql_put_slice(call, dom_slice(erasure->root, sizeof(erasure->root)));
	sql_put_slice(call, erasure->service);
	sql_put_slice(call, erasure->collection_uid);
	sql_put_slice(call, erasure->item_uid);
	sql_put_slice(call, erasure->statement_public);
	sql_put_slice(call, erasure->statement);
	sql_put_slice(call, erasure->signature);
	sql_put_slice(call, erasure->receipt);
	sql_put_slice(call, erasure->receipt_signature);
}

static void
get_erasure(struct sql_call *call, struct dom_arena *arena, struct store_erasure *erasure_r)
{
	*erasure_r = (struct store_erasure){0};
	erasure_r->number = sql_get_number(call);
	sql_get_bytes(call, erasure_r->request, sizeof(erasure_r->request));
	erasure_r->account = sql_get_number(call); /* NULL gives 0 */
	erasure_r->scope = (int)sql_get_number(call);
	erasure_r->state = (int)sql_get_number(call);
	erasure_r->clock = sql_get_clock(call);
	erasure_r->requested_ms = sql_get_number(call);
	erasure_r->ended_ms = sql_get_number(call);
	erasure_r->sum.collections = sql_get_clock(call);
	erasure_r->sum.items = sql_get_clock(call);
	erasure_r->sum.revisions = sql_get_clock(call);
	erasure_r->sum.chunks = sql_get_clock(call);
	erasure_r->sum.bytes = sql_get_clock(call);
	sql_get_bytes(call, erasure_r->root, sizeof(erasure_r->root));
	erasure_r->service = sql_get_slice(call, arena);
	erasure_r->collection_uid = sql_get_slice(call, arena);
	erasure_r->item_uid = sql_get_slice(call, arena);
	erasure_r->statement_public = sql_get_slice(call, arena);
	erasure_r->statement = sql_get_slice(call, arena);
	erasure_r->signature = sql_get_slice(call, arena);
	erasure_r->receipt = sql_get_slice(call, arena);
	erasure_r->receipt_signature = sql_get_slice(call, arena);
}

enum dom_status
store_erasure_add(struct store_txn *txn, const struct store_erasure *erasure, int64_t *number_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ERASURE_ADD);
	enum dom_status st;

	assert(txn->writes);
	sql_put_slice(&call, dom_slice(erasure->request, sizeof(erasure->request)));
	put_fields(&call, erasure);
	if ((st = sql_run(&call)) == DOM_OK)
		*number_r = sqlite3_last_insert_rowid(txn->connection->db);
	return st;
}

static enum dom_status
get_one(struct sql_call *call, struct dom_arena *arena, struct store_erasure *erasure_r)
{
	enum dom_status st = sql_step(call);

	if (st == DOM_OK)
		get_erasure(call, arena, erasure_r);
	return sql_end(call) < 0 ? call->failed : st;
}

enum dom_status
store_erasure_find(struct store_txn *txn, const uint8_t request[STORE_REQUEST_SIZE],
    struct dom_arena *arena, struct store_erasure *erasure_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ERASURE_FIND);

	sql_put_slice(&call, dom_slice(request, STORE_REQUEST_SIZE));
	return get_one(&call, arena, erasure_r);
}

enum dom_status
store_erasure_next(struct store_txn *txn, int64_t after, struct dom_arena *arena,
    struct store_erasure *erasure_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ERASURE_NEXT);

	sql_put_number(&call, after);
	return get_one(&call, arena, erasure_r);
}

enum dom_status
store_erasure_list(struct store_txn *txn, int64_t account, int64_t after, unsigned limit,
    struct dom_arena *arena, struct store_erasure **rows_r, size_t *count_r)
{
	struct sql_call call =
	    sql_call(txn->connection, account == 0 ? SQL_ERASURE_LIST_ALL : SQL_ERASURE_LIST);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_erasure)};

	if (account != 0)
		sql_put_number(&call, account);
	sql_put_number(&call, after);
	sql_put_number(&call, limit);
	while (sql_step(&call) == DOM_OK) {
		struct store_erasure *row = sql_rows_next(&rows);

		if (row == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		get_erasure(&call, arena, row);
	}
	*rows_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}

enum dom_status
store_erasure_update(struct store_txn *txn, const struct store_erasure *erasure)
{
	struct sql_call call = sql_call(txn->connection, SQL_ERASURE_UPDATE);

	assert(txn->writes);
	put_fields(&call, erasure);
	sql_put_number(&call, erasure->number);
	return sql_change(&call);
}

enum dom_status
store_erasure_remove(struct store_txn *txn, int64_t number)
{
	struct sql_call call = sql_call(txn->connection, SQL_ERASURE_REMOVE);

	assert(txn->writes);
	sql_put_number(&call, number);
	return sql_change(&call);
}
