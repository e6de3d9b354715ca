/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What only the test helper may do.  Not part of an ordinary build. */
#include "store/reset.h"

#include <assert.h>

#include "store/sqlite/engine.h"

enum dom_status
store_account_replace_keys(struct store_txn *txn, const struct store_account *account)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_INITIALISE);

	assert(txn->writes);
	sql_put_slice(&call, account->salt);
	sql_put_slice(&call, account->login_public);
	sql_put_slice(&call, account->identity_public);
	sql_put_slice(&call, account->encrypted_content);
	sql_put_slice(&call, account->statement_public);
	sql_put_number(&call, account->number);
	return sql_change(&call);
}
