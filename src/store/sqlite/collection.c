/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Collections, and who is a member of them. */
#include <assert.h>

#include "store/sqlite/engine.h"

enum dom_status
store_collection_add(
    struct store_txn *txn, struct dom_slice uid, int64_t owner, int64_t *number_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_COLLECTION_ADD);
	enum dom_status st;

	assert(txn->writes);
	sql_put_slice(&call, uid);
	sql_put_number(&call, owner);
	if ((st = sql_run(&call)) == DOM_OK)
		*number_r = sqlite3_last_insert_rowid(txn->connection->db);
	return st;
}

enum dom_status
store_collection_find(struct store_txn *txn, struct dom_slice uid, struct dom_arena *arena,
    struct store_collection *collection_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_COLLECTION_FIND);
	enum dom_status st;

	sql_put_slice(&call, uid);
	if ((st = sql_step(&call)) != DOM_OK) {
		sql_end(&call);
		return st;
	}
	row_get_collection(&call, arena, collection_r);
	return sql_end(&call);
}

enum dom_status
store_member_add(struct store_txn *txn, const struct store_member *member)
{
	struct sql_call call = sql_call(txn->connection, SQL_MEMBER_ADD);
	enum dom_status st;

	assert(txn->writes);
	sql_put_number(&call, member->collection);
	sql_put_number(&call, member->account);
	sql_put_clock(&call, member->clock);
	sql_put_number(&call, member->access_level);
	sql_put_slice(&call, member->collection_key);
	sql_put_slice(&call, member->collection_type);
	if ((st = sql_change(&call)) != DOM_OK)
		return st;
	call = sql_call(txn->connection, SQL_COLLECTION_SET_MEMBERS_CLOCK);
	sql_put_clock(&call, member->clock);
	sql_put_number(&call, member->collection);
	return sql_change(&call);
}

enum dom_status
store_member_find(struct store_txn *txn, int64_t collection, int64_t account,
    struct dom_arena *arena, struct store_member *member_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_MEMBER_FIND);
	enum dom_status st;

	sql_put_number(&call, collection);
	sql_put_number(&call, account);
	if ((st = sql_step(&call)) != DOM_OK) {
		sql_end(&call);
		return st;
	}
	row_get_member(&call, arena, member_r);
	return sql_end(&call);
}

enum dom_status
store_membership_owners(struct store_txn *txn, int64_t account, struct dom_arena *arena,
    struct store_account **owners_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_MEMBERSHIP_OWNERS);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_account)};

	sql_put_number(&call, account);
	while (sql_step(&call) == DOM_OK) {
		struct store_account *owner = sql_rows_next(&rows);

		if (owner == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		row_get_account(&call, arena, owner);
	}
	*owners_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}

static bool
type_wanted(struct dom_slice type, const struct dom_slice *types, size_t type_count)
{
	if (types == NULL || type.size == 0)
		return true;
	for (size_t i = 0; i < type_count; i++) {
		if (dom_slice_equal(type, types[i]))
			return true;
	}
	return false;
}

enum dom_status
store_membership_scan(struct store_txn *txn, int64_t account, int64_t owner, uint64_t after,
    const struct dom_slice *types, size_t type_count, unsigned limit, struct dom_arena *arena,
    struct store_membership **rows_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_MEMBERSHIP_SCAN);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_membership)};

	sql_put_number(&call, account);
	sql_put_number(&call, owner);
	sql_put_bound(&call, after);
	while (rows.count < limit && sql_step(&call) == DOM_OK) {
		struct store_membership *row = sql_rows_next(&rows);

		if (row == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		row->clock = sql_get_clock(&call);
		row_get_collection(&call, arena, &row->collection);
		row_get_member(&call, arena, &row->member);
		if (!type_wanted(row->member.collection_type, types, type_count))
			rows.count--;
	}
	*rows_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}
