/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Counts for the operator.  They walk whole indexes: not for a request's way. */
#include "store/sqlite/engine.h"

enum dom_status
store_count(struct store_txn *txn, struct store_counts *counts_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_COUNT);
	enum dom_status st;

	if ((st = sql_step(&call)) != DOM_OK) {
		sql_end(&call);
		return st < 0 ? st : DOM_ESTORE;
	}
	counts_r->accounts = sql_get_clock(&call);
	counts_r->collections = sql_get_clock(&call);
	counts_r->items = sql_get_clock(&call);
	counts_r->revisions = sql_get_clock(&call);
	counts_r->chunks = sql_get_clock(&call);
	counts_r->chunk_bytes = sql_get_clock(&call);
	return sql_end(&call);
}
