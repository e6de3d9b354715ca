/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What only an operator asks for: all accounts, an account's switch, restores. */
#include <assert.h>

#include "store/sqlite/seal.h"

enum dom_status
store_account_scan(struct store_txn *txn, int64_t after, unsigned limit,
    struct dom_arena *arena, struct store_account **accounts_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_SCAN);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_account)};
	struct store_account *account;

	sql_put_number(&call, after);
	sql_put_number(&call, limit);
	while (sql_step(&call) == DOM_OK) {
		if ((account = sql_rows_next(&rows)) == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		row_get_account(&call, arena, account);
		row_get_names(txn, &call, arena, account);
	}
	*accounts_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}

enum dom_status
store_account_set_disabled(struct store_txn *txn, int64_t number, bool disabled)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_SET_DISABLED);

	assert(txn->writes);
	sql_put_number(&call, disabled);
	sql_put_number(&call, number);
	return sql_change(&call);
}

enum dom_status
store_account_usage(struct store_txn *txn, int64_t number, struct store_usage *usage_r)
{
	struct sql_call call;
	enum dom_status st;

	if ((st = chunk_settle(txn)) != DOM_OK)
		return st;
	call = sql_call(txn->connection, SQL_ACCOUNT_USAGE);
	sql_put_number(&call, number);
	if ((st = sql_step(&call)) == DOM_OK) {
		usage_r->chunk_bytes = sql_get_clock(&call);
		usage_r->quota_bytes = sql_get_number(&call);
	}
	return sql_end(&call) < 0 ? call.failed : st;
}

enum dom_status
store_account_set_quota(struct store_txn *txn, int64_t number, int64_t quota_bytes)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_SET_QUOTA);

	assert(txn->writes);
	if (quota_bytes < 0)
		sql_put_optional(&call, dom_slice(NULL, 0));
	else
		sql_put_number(&call, quota_bytes);
	sql_put_number(&call, number);
	return sql_change(&call);
}

enum dom_status
store_restores(struct store_txn *txn, uint64_t *count_r, int64_t *last_ms_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_RESTORES);
	enum dom_status st;

	if ((st = sql_step(&call)) != DOM_OK) {
		sql_end(&call);
		return st < 0 ? st : DOM_ESTORE;
	}
	*count_r = sql_get_clock(&call);
	*last_ms_r = sql_get_number(&call);
	return sql_end(&call);
}
