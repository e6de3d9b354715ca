/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Invitations that wait for an answer. */
#include <assert.h>

#include "store/sqlite/seal.h"

enum dom_status
store_invitation_add(struct store_txn *txn, const struct store_invitation *invitation)
{
	struct sql_call call = sql_call(txn->connection, SQL_INVITATION_ADD);

	assert(txn->writes);
	sql_put_slice(&call, invitation->uid);
	sql_put_number(&call, invitation->collection);
	sql_put_number(&call, invitation->sender);
	sql_put_number(&call, invitation->recipient);
	sql_put_clock(&call, invitation->sender_clock);
	sql_put_clock(&call, invitation->clock);
	sql_put_number(&call, invitation->version);
	sql_put_number(&call, invitation->access_level);
	sql_put_slice(&call, invitation->signed_key);
	return sql_change(&call);
}

static void
get_invitation(struct store_txn *txn, struct sql_call *call, struct dom_arena *arena,
    struct store_invitation *invitation_r)
{
	*invitation_r = (struct store_invitation){0};
	invitation_r->uid = sql_get_slice(call, arena);
	invitation_r->collection = sql_get_number(call);
	invitation_r->sender = sql_get_number(call);
	invitation_r->recipient = sql_get_number(call);
	invitation_r->sender_clock = sql_get_clock(call);
	invitation_r->clock = sql_get_clock(call);
	invitation_r->version = (int)sql_get_number(call);
	invitation_r->access_level = (int)sql_get_number(call);
	invitation_r->signed_key = sql_get_slice(call, arena);
	invitation_r->collection_uid = sql_get_slice(call, arena);
	invitation_r->sender_name = row_get_name(txn, call, arena);
	invitation_r->sender_public = sql_get_slice(call, arena);
	invitation_r->recipient_name = row_get_name(txn, call, arena);
}

enum dom_status
store_invitation_find(struct store_txn *txn, struct dom_slice uid, struct dom_arena *arena,
    struct store_invitation *invitation_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_INVITATION_FIND);
	enum dom_status st;

	sql_put_slice(&call, uid);
	if ((st = sql_step(&call)) != DOM_OK) {
		sql_end(&call);
		return st;
	}
	get_invitation(txn, &call, arena, invitation_r);
	return sql_end(&call);
}

enum dom_status
store_invitation_pending(
    struct store_txn *txn, int64_t collection, int64_t sender, int64_t recipient)
{
	struct sql_call call = sql_call(txn->connection, SQL_INVITATION_PENDING);
	enum dom_status st;

	sql_put_number(&call, collection);
	sql_put_number(&call, sender);
	sql_put_number(&call, recipient);
	st = sql_step(&call);
	sql_end(&call);
	return st;
}

enum dom_status
store_invitation_remove(struct store_txn *txn, struct dom_slice uid)
{
	struct sql_call call = sql_call(txn->connection, SQL_INVITATION_REMOVE);

	assert(txn->writes);
	sql_put_slice(&call, uid);
	return sql_change(&call);
}

enum dom_status
store_invitation_remove_all(struct store_txn *txn, int64_t collection, int64_t recipient)
{
	struct sql_call call = sql_call(txn->connection, SQL_INVITATION_REMOVE_ALL);

	assert(txn->writes);
	sql_put_number(&call, collection);
	sql_put_number(&call, recipient);
	return sql_run(&call);
}

enum dom_status
store_invitation_count(struct store_txn *txn, int64_t sender, uint64_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_INVITATION_COUNT);
	enum dom_status st;

	sql_put_number(&call, sender);
	if ((st = sql_step(&call)) == DOM_OK)
		*count_r = sql_get_clock(&call);
	sql_end(&call);
	return st;
}

static enum dom_status
scan(struct store_txn *txn, enum sql_id id, int64_t account, uint64_t after, unsigned limit,
    struct dom_arena *arena, struct store_invitation **rows_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, id);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_invitation)};

	sql_put_number(&call, account);
	sql_put_bound(&call, after);
	sql_put_number(&call, limit);
	while (sql_step(&call) == DOM_OK) {
		struct store_invitation *row = sql_rows_next(&rows);

		if (row == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		get_invitation(txn, &call, arena, row);
	}
	*rows_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}

enum dom_status
store_invitation_scan_sent(struct store_txn *txn, int64_t account, uint64_t after,
    unsigned limit, struct dom_arena *arena, struct store_invitation **rows_r, size_t *count_r)
{
	return scan(
	    txn, SQL_INVITATION_SCAN_SENT, account, after, limit, arena, rows_r, count_r);
}

enum dom_status
store_invitation_scan_received(struct store_txn *txn, int64_t account, uint64_t after,
    unsigned limit, struct dom_arena *arena, struct store_invitation **rows_r, size_t *count_r)
{
	return scan(
	    txn, SQL_INVITATION_SCAN_RECEIVED, account, after, limit, arena, rows_r, count_r);
}
