/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Memberships that change and end, and the notes that they did. */
#include <assert.h>

#include "store/sqlite/seal.h"

/* Of a statement that may change no row at all. */
static enum dom_status
run_for_pair(struct store_txn *txn, enum sql_id id, int64_t collection, int64_t account)
{
	struct sql_call call = sql_call(txn->connection, id);

	sql_put_number(&call, collection);
	sql_put_number(&call, account);
	return sql_run(&call);
}

enum dom_status
store_member_remove(struct store_txn *txn, int64_t collection, int64_t account)
{
	struct sql_call call = sql_call(txn->connection, SQL_MEMBER_REMOVE);
	enum dom_status st;

	assert(txn->writes);
	sql_put_number(&call, collection);
	sql_put_number(&call, account);
	if ((st = sql_change(&call)) != DOM_OK)
		return st;
	st = run_for_pair(txn, SQL_INVITATION_REMOVE_ISSUED, collection, account);
	if (st != DOM_OK)
		return st;
	call = sql_call(txn->connection, SQL_COLLECTION_LOWER_MEMBERS_CLOCK);
	sql_put_number(&call, collection);
	return sql_change(&call);
}

enum dom_status
store_member_set_access(struct store_txn *txn, int64_t collection, int64_t account,
    int access_level, uint64_t clock)
{
	struct sql_call call = sql_call(txn->connection, SQL_MEMBER_SET_ACCESS);
	enum dom_status st;

	assert(txn->writes);
	sql_put_number(&call, collection);
	sql_put_number(&call, account);
	sql_put_number(&call, access_level);
	sql_put_clock(&call, clock);
	if ((st = sql_change(&call)) != DOM_OK)
		return st;
	call = sql_call(txn->connection, SQL_COLLECTION_SET_MEMBERS_CLOCK);
	sql_put_clock(&call, clock);
	sql_put_number(&call, collection);
	return sql_change(&call);
}

enum dom_status
store_member_count(
    struct store_txn *txn, int64_t collection, uint64_t *members_r, uint64_t *admins_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_MEMBER_COUNT);
	enum dom_status st;

	sql_put_number(&call, collection);
	if ((st = sql_step(&call)) == DOM_OK) {
		*members_r = sql_get_clock(&call);
		*admins_r = sql_get_clock(&call);
	}
	sql_end(&call);
	return st;
}

enum dom_status
store_member_scan(struct store_txn *txn, int64_t collection, uint64_t after, unsigned limit,
    struct dom_arena *arena, struct store_member_name **rows_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_MEMBER_SCAN);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_member_name)};

	sql_put_number(&call, collection);
	sql_put_bound(&call, after);
	sql_put_number(&call, limit);
	while (sql_step(&call) == DOM_OK) {
		struct store_member_name *row = sql_rows_next(&rows);

		if (row == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		row->account = sql_get_number(&call);
		row->name = row_get_name(txn, &call, arena);
		row->access_level = (int)sql_get_number(&call);
		row->clock = sql_get_clock(&call);
	}
	*rows_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}

enum dom_status
store_collection_abandon(struct store_txn *txn, int64_t collection, int64_t erasure)
{
	struct sql_call call = sql_call(txn->connection, SQL_COLLECTION_ABANDON);

	assert(txn->writes);
	sql_put_number(&call, erasure);
	sql_put_number(&call, collection);
	return sql_change(&call);
}

/* --- notes ------------------------------------------------------------------- */

enum dom_status
store_removed_put(struct store_txn *txn, int64_t account, const struct store_removed *removed)
{
	struct sql_call call = sql_call(txn->connection, SQL_REMOVED_PUT);

	assert(txn->writes);
	sql_put_number(&call, account);
	sql_put_clock(&call, removed->clock);
	sql_put_slice(&call, removed->uid);
	sql_put_slice(&call, removed->collection_type);
	return sql_change(&call);
}

enum dom_status
store_removed_clear(struct store_txn *txn, int64_t account, struct dom_slice uid)
{
	struct sql_call call = sql_call(txn->connection, SQL_REMOVED_CLEAR);

	assert(txn->writes);
	sql_put_number(&call, account);
	sql_put_slice(&call, uid);
	return sql_change(&call);
}

static void
get_removed(struct sql_call *call, struct dom_arena *arena, struct store_removed *removed_r)
{
	*removed_r = (struct store_removed){0};
	removed_r->uid = sql_get_slice(call, arena);
	removed_r->clock = sql_get_clock(call);
	removed_r->collection_type = sql_get_slice(call, arena);
}

enum dom_status
store_removed_find(struct store_txn *txn, int64_t account, struct dom_slice uid,
    struct dom_arena *arena, struct store_removed *removed_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_REMOVED_FIND);
	enum dom_status st;

	sql_put_number(&call, account);
	sql_put_slice(&call, uid);
	if ((st = sql_step(&call)) != DOM_OK) {
		sql_end(&call);
		return st;
	}
	get_removed(&call, arena, removed_r);
	return sql_end(&call);
}

enum dom_status
store_removed_scan(struct store_txn *txn, int64_t account, uint64_t after, unsigned limit,
    struct dom_arena *arena, struct store_removed **rows_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_REMOVED_SCAN);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_removed)};

	sql_put_number(&call, account);
	sql_put_bound(&call, after);
	sql_put_number(&call, limit);
	while (sql_step(&call) == DOM_OK) {
		struct store_removed *row = sql_rows_next(&rows);

		if (row == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		get_removed(&call, arena, row);
	}
	*rows_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}
