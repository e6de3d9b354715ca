/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What an operator asks people: may your account move? */
#include "store/proposal.h"

#include <assert.h>

#include "store/sqlite/engine.h"

enum dom_status
store_proposal_add(
    struct store_txn *txn, const struct store_proposal *proposal, int64_t *number_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_PROPOSAL_ADD);
	enum dom_status st;

	assert(txn->writes);
	sql_put_number(&call, proposal->account);
	sql_put_number(&call, proposal->told_ms);
	sql_put_number(&call, proposal->begins_ms);
	sql_put_number(&call, proposal->grace_days);
	sql_put_number(&call, proposal->state);
	sql_put_slice(&call, proposal->phase);
	sql_put_slice(&call, proposal->target);
	sql_put_slice(&call, dom_slice(proposal->move, sizeof(proposal->move)));
	if ((st = sql_run(&call)) == DOM_OK)
		*number_r = sqlite3_last_insert_rowid(txn->connection->db);
	return st;
}

static void
get_proposal(struct sql_call *call, struct dom_arena *arena, struct store_proposal *proposal_r)
{
	*proposal_r = (struct store_proposal){0};
	proposal_r->number = sql_get_number(call);
	proposal_r->account = sql_get_number(call);
	proposal_r->told_ms = sql_get_number(call);
	proposal_r->begins_ms = sql_get_number(call);
	proposal_r->grace_days = (uint32_t)sql_get_number(call);
	proposal_r->state = (int)sql_get_number(call);
	proposal_r->phase = sql_get_slice(call, arena);
	proposal_r->target = sql_get_slice(call, arena);
	sql_get_bytes(call, proposal_r->move, sizeof(proposal_r->move));
}

enum dom_status
store_proposal_of(struct store_txn *txn, int64_t account, struct dom_arena *arena,
    struct store_proposal *proposal_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_PROPOSAL_OF);
	enum dom_status st;

	sql_put_number(&call, account);
	if ((st = sql_step(&call)) == DOM_OK)
		get_proposal(&call, arena, proposal_r);
	return sql_end(&call) < 0 ? call.failed : st;
}

enum dom_status
store_proposal_update(struct store_txn *txn, const struct store_proposal *proposal)
{
	struct sql_call call = sql_call(txn->connection, SQL_PROPOSAL_UPDATE);

	assert(txn->writes);
	sql_put_number(&call, proposal->state);
	sql_put_slice(&call, dom_slice(proposal->move, sizeof(proposal->move)));
	sql_put_number(&call, proposal->number);
	return sql_change(&call);
}

enum dom_status
store_proposal_list(struct store_txn *txn, int64_t after, unsigned limit,
    struct dom_arena *arena, struct store_proposal **rows_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_PROPOSAL_LIST);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_proposal)};
	struct store_proposal *row;

	sql_put_number(&call, after);
	sql_put_number(&call, limit);
	while (sql_step(&call) == DOM_OK) {
		if ((row = sql_rows_next(&rows)) == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		get_proposal(&call, arena, row);
	}
	*rows_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}

enum dom_status
store_proposal_withdraw(struct store_txn *txn, unsigned limit, uint64_t *removed_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_PROPOSAL_WITHDRAW);
	enum dom_status st;

	assert(txn->writes);
	sql_put_number(&call, STORE_PROPOSAL_REFUSED);
	sql_put_number(&call, limit);
	st = sql_run(&call);
	*removed_r = st == DOM_OK ? (uint64_t)sqlite3_changes64(txn->connection->db) : 0;
	return st;
}
