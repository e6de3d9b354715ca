/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sessions: who is logged in, from which device. */
#include <assert.h>

#include "store/sqlite/seal.h"

static struct dom_slice
hash_slice(const uint8_t hash[STORE_TOKEN_HASH_SIZE])
{
	return dom_slice(hash, STORE_TOKEN_HASH_SIZE);
}

/* Its account was used just now. */
static enum dom_status
account_is_active(struct store_txn *txn, int64_t account)
{
	struct sql_call call = sql_call(txn->connection, SQL_SESSION_ACTIVE);

	sql_put_number(&call, account);
	return sql_change(&call);
}

static enum dom_status
sealed_device(struct store_txn *txn, const struct store_session *session,
    struct dom_arena *arena, struct dom_slice *device_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_ACCOUNT_KEY);
	struct sealed_of of;
	enum dom_status st;

	sql_put_number(&call, session->account);
	if ((st = sql_step(&call)) == DOM_OK) {
		sql_get_bytes(&call, of.account_id, sizeof(of.account_id));
		of.wrapped = sql_get_slice(&call, arena);
	}
	if (sql_end(&call) < 0 || st != DOM_OK)
		return call.failed < 0 ? call.failed : st;
	return seal_device(txn->store, &of, session->device, arena, device_r);
}

enum dom_status
store_session_add(struct store_txn *txn, const struct store_session *session)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_slice device;
	struct sql_call call;
	enum dom_status st;

	assert(txn->writes);
	if (arena == NULL)
		return DOM_ENOMEM;
	if ((st = sealed_device(txn, session, arena, &device)) != DOM_OK) {
		dom_arena_free(&arena);
		return st;
	}
	call = sql_call(txn->connection, SQL_SESSION_ADD);
	sql_put_slice(&call, hash_slice(session->token_hash));
	sql_put_slice(&call, dom_slice(session->id, STORE_ID_SIZE));
	sql_put_number(&call, session->account);
	sql_put_number(&call, session->created_ms);
	sql_put_number(&call, session->used_ms);
	sql_put_number(&call, session->expires_ms);
	sql_put_slice(&call, device);
	if ((st = sql_run(&call)) == DOM_OK)
		st = account_is_active(txn, session->account);
	dom_arena_free(&arena);
	return st;
}

static void
get_session(struct sql_call *call, struct store_session *session_r)
{
	*session_r = (struct store_session){0};
	sql_get_bytes(call, session_r->token_hash, sizeof(session_r->token_hash));
	sql_get_bytes(call, session_r->id, sizeof(session_r->id));
	session_r->account = sql_get_number(call);
	session_r->created_ms = sql_get_number(call);
	session_r->used_ms = sql_get_number(call);
	session_r->expires_ms = sql_get_number(call);
	session_r->seen_ms = sql_get_number(call);
	session_r->device = dom_slice("", 0);
}

/* After get_session(), what it takes to open the device's name. */
static void
get_device(struct store_txn *txn, struct sql_call *call, struct dom_arena *arena,
    struct store_session *session)
{
	struct dom_slice sealed;
	struct sealed_of of;
	enum dom_status st;

	sql_get_bytes(call, of.account_id, sizeof(of.account_id));
	of.wrapped = sql_get_slice(call, arena);
	sealed = sql_get_slice(call, arena);
	if (call->failed < 0)
		return;
	st = seal_open(txn->store, &of, DOM_REST_DEVICE, sealed, arena, &session->device);
	if (st < 0)
		sql_fail(call, st);
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
	(void)arena;
	get_session(&call, session_r);
	return sql_end(&call);
}

enum dom_status
store_session_touch(struct store_txn *txn, const uint8_t token_hash[STORE_TOKEN_HASH_SIZE],
    int64_t used_ms, int64_t expires_ms)
{
	struct sql_call call = sql_call(txn->connection, SQL_SESSION_TOUCH);
	int64_t account = 0;
	enum dom_status st;

	assert(txn->writes);
	sql_put_number(&call, used_ms);
	sql_put_number(&call, expires_ms);
	sql_put_slice(&call, hash_slice(token_hash));
	if ((st = sql_step(&call)) == DOM_OK)
		account = sql_get_number(&call);
	if (sql_end(&call) < 0 || st != DOM_OK)
		return call.failed < 0 ? call.failed : st;
	return account_is_active(txn, account);
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
store_sessions_due(
    struct store_txn *txn, int64_t idle_before_ms, unsigned limit, uint64_t *removed_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_SESSION_ENDED);
	uint64_t removed;
	enum dom_status st;

	assert(txn->writes);
	*removed_r = 0;
	sql_put_number(&call, limit);
	if ((st = sql_run(&call)) != DOM_OK)
		return st;
	removed = (uint64_t)sqlite3_changes(txn->connection->db);
	call = sql_call(txn->connection, SQL_SESSION_IDLE);
	sql_put_number(&call, idle_before_ms);
	sql_put_number(&call, limit - (int64_t)removed);
	if ((st = sql_run(&call)) != DOM_OK)
		return st;
	*removed_r = removed + (uint64_t)sqlite3_changes(txn->connection->db);
	return DOM_OK;
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
		get_session(&call, session);
		get_device(txn, &call, arena, session);
	}
	*sessions_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}
