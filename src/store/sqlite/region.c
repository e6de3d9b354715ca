/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The region's own row: its time, and how long its erasure journal is; its peers' answers. */
#include <assert.h>

#include "store/move.h"
#include "store/sqlite/engine.h"

static enum dom_status
get_number(struct store_txn *txn, enum sql_id id, int64_t *number_r)
{
	struct sql_call call = sql_call(txn->connection, id);
	enum dom_status st;

	if ((st = sql_step(&call)) == DOM_OK)
		*number_r = sql_get_number(&call);
	if (sql_end(&call) < 0)
		return call.failed;
	return st == DOM_OK ? DOM_OK : DOM_ESTORE; /* there is one row */
}

enum dom_status
store_region_time(struct store_txn *txn, int64_t *time_ms_r)
{
	return get_number(txn, SQL_REGION_TIME, time_ms_r);
}

enum dom_status
store_region_time_set(struct store_txn *txn, int64_t time_ms)
{
	struct sql_call call = sql_call(txn->connection, SQL_REGION_TIME_SET);
	enum dom_status st;

	assert(txn->writes);
	sql_put_number(&call, time_ms);
	st = sql_change(&call);
	return st == DOM_ABSENT ? DOM_CONFLICT : st;
}

enum dom_status
store_region_journal(struct store_txn *txn, uint64_t *count_r)
{
	int64_t count = 0;
	enum dom_status st = get_number(txn, SQL_REGION_JOURNAL, &count);

	if (st == DOM_OK && count < 0)
		return DOM_ESTORE;
	*count_r = (uint64_t)count;
	return st;
}

enum dom_status
store_region_journal_set(struct store_txn *txn, uint64_t count)
{
	struct sql_call call = sql_call(txn->connection, SQL_REGION_JOURNAL_SET);

	assert(txn->writes);
	sql_put_clock(&call, count);
	return sql_change(&call);
}

enum dom_status
store_peer_answer(struct store_txn *txn, struct dom_slice name, uint64_t *restores_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_PEER_ANSWER);
	enum dom_status st;

	sql_put_slice(&call, name);
	if ((st = sql_step(&call)) == DOM_OK)
		*restores_r = sql_get_clock(&call);
	return sql_end(&call) < 0 ? call.failed : st;
}

enum dom_status
store_peer_answer_set(struct store_txn *txn, struct dom_slice name, uint64_t restores)
{
	struct sql_call call = sql_call(txn->connection, SQL_PEER_ANSWER_SET);

	assert(txn->writes);
	sql_put_slice(&call, name);
	sql_put_clock(&call, restores);
	return sql_run(&call);
}
