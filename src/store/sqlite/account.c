/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Accounts and their clocks. */
#include <assert.h>

#include "store/sqlite/engine.h"

enum dom_status
store_account_add(struct store_txn *txn, const struct store_account *account, int64_t *number_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_ADD);
	struct dom_slice email = account->email;
	enum dom_status st;

	assert(txn->writes);
	sql_put_slice(&call, dom_slice(account->id, sizeof(account->id)));
	sql_put_number(&call, account->created_ms);
	sql_put_number(&call, account->initialised);
	sql_put_number(&call, account->disabled);
	sql_put_slice(&call, account->name);
	/* Many accounts have none, which is not the same address. */
	sql_put_optional(&call, email.size == 0 ? dom_slice(NULL, 0) : email);
	sql_put_slice(&call, account->salt);
	sql_put_slice(&call, account->login_public);
	sql_put_slice(&call, account->identity_public);
	sql_put_slice(&call, account->encrypted_content);
	sql_put_slice(&call, account->statement_public);
	if ((st = sql_run(&call)) == DOM_OK)
		*number_r = sqlite3_last_insert_rowid(txn->connection->db);
	return st;
}

/* Steps to the one account that the call finds, and ends the call. */
static enum dom_status
account_get(struct sql_call *call, struct dom_arena *arena, struct store_account *account_r)
{
	enum dom_status st = sql_step(call);

	if (st != DOM_OK) {
		sql_end(call);
		return st;
	}
	row_get_account(call, arena, account_r);
	return sql_end(call);
}

enum dom_status
store_account_by_number(struct store_txn *txn, int64_t number, struct dom_arena *arena,
    struct store_account *account_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_BY_NUMBER);

	sql_put_number(&call, number);
	return account_get(&call, arena, account_r);
}

enum dom_status
store_account_by_id(struct store_txn *txn, const uint8_t id[STORE_ID_SIZE],
    struct dom_arena *arena, struct store_account *account_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_BY_ID);

	sql_put_slice(&call, dom_slice(id, STORE_ID_SIZE));
	return account_get(&call, arena, account_r);
}

enum dom_status
store_account_by_name(struct store_txn *txn, struct dom_slice name, struct dom_arena *arena,
    struct store_account *account_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_BY_NAME);

	sql_put_slice(&call, name);
	return account_get(&call, arena, account_r);
}

enum dom_status
store_account_by_email(struct store_txn *txn, struct dom_slice email, struct dom_arena *arena,
    struct store_account *account_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_BY_EMAIL);

	sql_put_slice(&call, email);
	return account_get(&call, arena, account_r);
}

enum dom_status
store_account_initialise(struct store_txn *txn, const struct store_account *account)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_INITIALISED);
	enum dom_status st;
	bool initialised;

	assert(txn->writes);
	sql_put_number(&call, account->number);
	st = sql_step(&call);
	initialised = st == DOM_OK && sql_get_bool(&call);
	sql_end(&call);
	if (st != DOM_OK)
		return st;
	if (initialised)
		return DOM_CONFLICT;
	call = sql_call(txn->connection, SQL_ACCOUNT_INITIALISE);
	sql_put_slice(&call, account->salt);
	sql_put_slice(&call, account->login_public);
	sql_put_slice(&call, account->identity_public);
	sql_put_slice(&call, account->encrypted_content);
	sql_put_slice(&call, account->statement_public);
	sql_put_number(&call, account->number);
	return sql_change(&call);
}

enum dom_status
store_account_set_login(struct store_txn *txn, int64_t number, struct dom_slice login_public,
    struct dom_slice encrypted_content)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_SET_LOGIN);

	assert(txn->writes);
	sql_put_slice(&call, login_public);
	sql_put_slice(&call, encrypted_content);
	sql_put_number(&call, number);
	return sql_change(&call);
}

enum dom_status
store_account_set_statement_key(
    struct store_txn *txn, int64_t number, struct dom_slice statement_public)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_SET_STATEMENT_KEY);

	assert(txn->writes);
	sql_put_slice(&call, statement_public);
	sql_put_number(&call, number);
	return sql_change(&call);
}

enum dom_status
store_account_tick(struct store_txn *txn, int64_t number, uint64_t *clock_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_TICK);
	enum dom_status st;

	assert(txn->writes);
	sql_put_number(&call, number);
	if ((st = sql_step(&call)) == DOM_OK) {
		*clock_r = sql_get_clock(&call);
		st = sql_step(&call) < 0 ? call.failed : DOM_OK;
	}
	sql_end(&call);
	return st;
}
