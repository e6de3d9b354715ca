/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Accounts, their names and their clocks. */
#include <assert.h>

#include "store/sqlite/seal.h"

enum dom_status
store_account_add(struct store_txn *txn, const struct store_account *account, int64_t *number_r)
{
	const struct dom_slice none = {0};
	struct dom_arena *arena = dom_arena_new(0);
	struct sealed_account sealed;
	struct sql_call call;
	enum dom_status st;

	assert(txn->writes);
	if (arena == NULL)
		return DOM_ENOMEM;
	if ((st = seal_account(txn->store, account, arena, &sealed)) < 0) {
		dom_arena_free(&arena);
		return st;
	}
	call = sql_call(txn->connection, SQL_ACCOUNT_ADD);
	sql_put_slice(&call, dom_slice(account->id, sizeof(account->id)));
	sql_put_number(&call, account->created_ms);
	sql_put_number(&call, account->initialised);
	sql_put_number(&call, account->disabled);
	sql_put_slice(&call, dom_slice(sealed.wrapped, sizeof(sealed.wrapped)));
	sql_put_slice(&call, sealed.name);
	/* Many accounts have none, which is not the same address. */
	sql_put_optional(&call, sealed.has_email ? sealed.email : none);
	sql_put_slice(&call, dom_slice(sealed.name_hash, sizeof(sealed.name_hash)));
	sql_put_optional(&call,
	    sealed.has_email ? dom_slice(sealed.email_hash, sizeof(sealed.email_hash)) : none);
	sql_put_slice(&call, account->salt);
	sql_put_slice(&call, account->login_public);
	sql_put_slice(&call, account->identity_public);
	sql_put_slice(&call, account->encrypted_content);
	sql_put_slice(&call, account->statement_public);
	if ((st = sql_run(&call)) == DOM_OK)
		*number_r = sqlite3_last_insert_rowid(txn->connection->db);
	dom_arena_free(&arena);
	return st;
}

/* Steps to the one account that the call finds, and ends the call. */
static enum dom_status
account_get(struct store_txn *txn, struct sql_call *call, bool with_names,
    struct dom_arena *arena, struct store_account *account_r)
{
	enum dom_status st = sql_step(call);

	if (st != DOM_OK) {
		sql_end(call);
		return st;
	}
	row_get_account(call, arena, account_r);
	if (with_names)
		row_get_names(txn, call, arena, account_r);
	return sql_end(call);
}

enum dom_status
store_account_by_number(struct store_txn *txn, int64_t number, struct dom_arena *arena,
    struct store_account *account_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_BY_NUMBER);

	sql_put_number(&call, number);
	return account_get(txn, &call, false, arena, account_r);
}

enum dom_status
store_account_by_id(struct store_txn *txn, const uint8_t id[STORE_ID_SIZE],
    struct dom_arena *arena, struct store_account *account_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_BY_ID);

	sql_put_slice(&call, dom_slice(id, STORE_ID_SIZE));
	return account_get(txn, &call, true, arena, account_r);
}

enum dom_status
store_account_by_name(struct store_txn *txn, struct dom_slice name, struct dom_arena *arena,
    struct store_account *account_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_BY_NAME);
	uint8_t hash[DOM_INDEX_SIZE];

	dom_region_index(txn->store->key, DOM_INDEX_NAME, name, hash);
	sql_put_slice(&call, dom_slice(hash, sizeof(hash)));
	return account_get(txn, &call, true, arena, account_r);
}

enum dom_status
store_account_by_email(struct store_txn *txn, struct dom_slice email, struct dom_arena *arena,
    struct store_account *account_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_BY_EMAIL);
	uint8_t hash[DOM_INDEX_SIZE];

	dom_region_index(txn->store->key, DOM_INDEX_EMAIL, email, hash);
	sql_put_slice(&call, dom_slice(hash, sizeof(hash)));
	return account_get(txn, &call, true, arena, account_r);
}

enum dom_status
store_account_names(
    struct store_txn *txn, struct dom_arena *arena, struct store_account *account)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_NAMES);
	enum dom_status st;

	sql_put_number(&call, account->number);
	if ((st = sql_step(&call)) == DOM_OK)
		row_get_names(txn, &call, arena, account);
	return sql_end(&call) < 0 ? call.failed : st;
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
	enum dom_status st;

	assert(txn->writes);
	sql_put_slice(&call, login_public);
	sql_put_slice(&call, encrypted_content);
	sql_put_number(&call, number);
	st = sql_change(&call);
	return st == DOM_ABSENT ? fence_refuse(txn, number) : st;
}

enum dom_status
store_account_set_statement_key(
    struct store_txn *txn, int64_t number, struct dom_slice statement_public)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_SET_STATEMENT_KEY);
	enum dom_status st;

	assert(txn->writes);
	sql_put_slice(&call, statement_public);
	sql_put_number(&call, number);
	st = sql_change(&call);
	return st == DOM_ABSENT ? fence_refuse(txn, number) : st;
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
	return st == DOM_ABSENT ? fence_refuse(txn, number) : st;
}
