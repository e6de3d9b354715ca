/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The fence: every statement that writes to what an account owns asks in its
 * own WHERE whether the account is at home.  What is here says why one did
 * not write.
 */
#include "store/move.h"
#include "store/sqlite/engine.h"

int64_t
store_txn_fenced(const struct store_txn *txn)
{
	return txn->fenced;
}

enum dom_status
fence_refuse(struct store_txn *txn, int64_t account)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_STATE);
	enum dom_status st;

	sql_put_number(&call, account);
	if ((st = sql_step(&call)) == DOM_OK) {
		txn->fenced = account;
		st = DOM_EFENCED;
	}
	return sql_end(&call) < 0 ? call.failed : st;
}
