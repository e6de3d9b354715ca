/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sessions: who is logged in, from which device. */
#include <assert.h>

#include "store/sqlite/engine.h"

static struct dom_slice
hash_slice(const uint8_t hash[STORE_TOKEN_HASH_SIZE])
{
	return dom_slice(hash, STORE_TOKEN_HASH_SIZE);
}

enum dom_status
store_session_add(struct store_txn *txn, const struct store_session *session)
{
	struct sql_call call = sql_call(txn->connection, SQL_SESSION_ADD);

	assert(txn->writes);
	sql_put_slice(&call, hash_slice(session->token_hash));
	sql_put_slice(&call, dom_slice(session->id, STORE_ID_SIZE));
	sql_put_number(&call, session->account);
	sql_put_number(&call, session->created_ms);
	sql_put_number(&call, session->used_ms);
	sql_put_number(&call, session->expires_ms);
	sql_put_slice(&call, session->device);
	return sql_run(&call);
}

static void
get_session(struct sql_call *call, struct dom_arena *arena, struct store_session *session_r)
{
	*session_r = (struct store_session){0};
	sql_get_bytes(call, session_r->token_hash, sizeof(session_r->token_hash));
	sql_get_bytes(call, session_r->id, sizeof(session_r->id));
	session_r->account = sql_get_number(call);
	session_r->created_ms = sql_get_number(call);
	session_r->used_ms = sql_get_number(call);
	session_r->expires_ms = sql_get_number(call);
	session_r->device = sql_get_slice(call, arena);
}

enum dom_status
store_session_find(struct store_txn *txn, const uint8_t token_hash[STORE_TOKEN_HASH_SIZE],
    struct dom_arena *arena, struct store_session *session_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_SESSION_FIND);
	enum dom_status st;

	sql_put_slice(&call, hash_slice(token_hash));
	if ((st = sql_step(&call)) != DOM_OK) {
		sql_end(&call);
		return st;
	}
	get_session(&call, arena, session_r);
	return sql_end(&call);
}

enum dom_status
store_session_touch(struct store_txn *txn, const uint8_t token_hash[STORE_TOKEN_HASH_SIZE],
    int64_t used_ms, int64_t expires_ms)
{
	struct sql_call call = sql_call(txn->connection, SQL_SESSION_TOUCH);

	assert(txn->writes);
	sql_put_number(&call, used_ms);
	sql_put_number(&call, expires_ms);
	sql_put_slice(&call, hash_slice(token_hash));
	return sql_change(&call);
}

enum dom_status
store_session_remove(struct store_txn *txn, const uint8_t token_hash[STORE_TOKEN_HASH_SIZE])
{
	struct sql_call call = sql_call(txn->connection, SQL_SESSION_REMOVE);

	assert(txn->writes);
	sql_put_slice(&call, hash_slice(token_hash));
	return sql_change(&call);
}

enum dom_status
store_session_remove_id(struct store_txn *txn, int64_t account, const uint8_t id[STORE_ID_SIZE])
{
	struct sql_call call = sql_call(txn->connection, SQL_SESSION_REMOVE_ID);

	assert(txn->writes);
	sql_put_number(&call, account);
	sql_put_slice(&call, dom_slice(id, STORE_ID_SIZE));
	return sql_change(&call);
}

enum dom_status
store_session_remove_others(
    struct store_txn *txn, int64_t account, const uint8_t keep_hash[STORE_TOKEN_HASH_SIZE])
{
	struct sql_call call = sql_call(txn->connection, SQL_SESSION_REMOVE_OTHERS);

	assert(txn->writes);
	sql_put_number(&call, account);
	sql_put_slice(&call, hash_slice(keep_hash));
	return sql_run(&call);
}

enum dom_status
store_session_expire(struct store_txn *txn, int64_t now_ms, unsigned limit)
{
	struct sql_call call = sql_call(txn->connection, SQL_SESSION_EXPIRE);

	assert(txn->writes);
	sql_put_number(&call, now_ms);
	sql_put_number(&call, limit);
	return sql_run(&call);
}

enum dom_status
store_session_list(struct store_txn *txn, int64_t account, struct dom_arena *arena,
    struct store_session **sessions_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_SESSION_LIST);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_session)};

	sql_put_number(&call, account);
	while (sql_step(&call) == DOM_OK) {
		struct store_session *session = sql_rows_next(&rows);

		if (session == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		get_session(&call, arena, session);
	}
	*sessions_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}
