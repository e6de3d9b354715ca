/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Codes with which people may sign up. */
#include <assert.h>

#include "store/sqlite/engine.h"

enum dom_status
store_invite_add(struct store_txn *txn, const struct store_invite *invite, int64_t *number_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_INVITE_ADD);
	enum dom_status st;

	assert(txn->writes);
	sql_put_slice(&call, dom_slice(invite->hash, sizeof(invite->hash)));
	sql_put_number(&call, invite->created_ms);
	sql_put_number(&call, invite->expires_ms);
	sql_put_number(&call, invite->uses_max);
	if (invite->quota_bytes < 0)
		sql_put_optional(&call, dom_slice(NULL, 0));
	else
		sql_put_number(&call, invite->quota_bytes);
	if ((st = sql_run(&call)) == DOM_OK)
		*number_r = sqlite3_last_insert_rowid(txn->connection->db);
	return st;
}

static void
get_invite(struct sql_call *call, struct store_invite *invite_r)
{
	*invite_r = (struct store_invite){0};
	invite_r->number = sql_get_number(call);
	sql_get_bytes(call, invite_r->hash, sizeof(invite_r->hash));
	invite_r->created_ms = sql_get_number(call);
	invite_r->expires_ms = sql_get_number(call);
	invite_r->uses_max = sql_get_number(call);
	invite_r->uses = sql_get_number(call);
	invite_r->quota_bytes = sql_get_number(call);
}

enum dom_status
store_invite_find(struct store_txn *txn, const uint8_t hash[STORE_INVITE_HASH_SIZE],
    struct store_invite *invite_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_INVITE_FIND);
	enum dom_status st;

	sql_put_slice(&call, dom_slice(hash, STORE_INVITE_HASH_SIZE));
	if ((st = sql_step(&call)) == DOM_OK)
		get_invite(&call, invite_r);
	return sql_end(&call) < 0 ? call.failed : st;
}

enum dom_status
store_invite_use(struct store_txn *txn, int64_t number)
{
	struct sql_call call = sql_call(txn->connection, SQL_INVITE_USE);

	assert(txn->writes);
	sql_put_number(&call, number);
	return sql_change(&call);
}

enum dom_status
store_invite_remove(struct store_txn *txn, int64_t number)
{
	struct sql_call call = sql_call(txn->connection, SQL_INVITE_REMOVE);

	assert(txn->writes);
	sql_put_number(&call, number);
	return sql_change(&call);
}

enum dom_status
store_invite_expire(struct store_txn *txn, int64_t before_ms)
{
	struct sql_call call = sql_call(txn->connection, SQL_INVITE_EXPIRE);

	assert(txn->writes);
	sql_put_number(&call, before_ms);
	return sql_run(&call);
}

enum dom_status
store_invite_scan(struct store_txn *txn, int64_t after, unsigned limit, struct dom_arena *arena,
    struct store_invite **rows_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_INVITE_SCAN);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_invite)};
	struct store_invite *row;

	sql_put_number(&call, after);
	sql_put_number(&call, limit);
	while (sql_step(&call) == DOM_OK) {
		if ((row = sql_rows_next(&rows)) == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		get_invite(&call, row);
	}
	*rows_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}
