/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What limits are held against: each walks an index, over what the limit allows. */
#include <assert.h>

#include "store/sqlite/engine.h"

enum dom_status
store_collection_count(struct store_txn *txn, int64_t owner, uint64_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_COLLECTION_COUNT);
	enum dom_status st;

	sql_put_number(&call, owner);
	if ((st = sql_step(&call)) == DOM_OK)
		*count_r = sql_get_clock(&call);
	return sql_end(&call) < 0 ? call.failed : st;
}

enum dom_status
store_session_trim(struct store_txn *txn, int64_t account, uint64_t keep)
{
	struct sql_call call = sql_call(txn->connection, SQL_SESSION_TRIM);

	assert(txn->writes);
	sql_put_number(&call, account);
	sql_put_bound(&call, keep);
	return sql_run(&call);
}

enum dom_status
store_statement_accepted(
    struct store_txn *txn, int64_t account, uint64_t back, int64_t *accepted_ms_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_STATEMENT_ACCEPTED);
	enum dom_status st;

	sql_put_number(&call, account);
	sql_put_bound(&call, back);
	if ((st = sql_step(&call)) == DOM_OK)
		*accepted_ms_r = sql_get_number(&call);
	return sql_end(&call) < 0 ? call.failed : st;
}
