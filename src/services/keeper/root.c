/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What was there, as one digest, before any of it goes. */
#include "services/root/root.h"

#include "services/keeper/parts.h"

struct rooting {
	struct store_erasure row;
};

static enum dom_status
compute(struct keeper *keeper, struct store_erasure *row)
{
	struct root_options options = {.scope = (enum wire_scope)row->scope,
	    .account = row->account,
	    .clock = row->clock,
	    .erasure = row->number,
	    .collection_uid = row->collection_uid,
	    .item_uid = row->item_uid,
	    .stopped = keeper->options.stopped,
	    .context = keeper->options.context};
	struct store_txn *txn = NULL;
	struct wire_erased sum;
	enum dom_status st;

	/* The identity key, kept since the request: the account has none any more. */
	if (row->statement_public.size == sizeof(options.identity_public))
		memcpy(options.identity_public, row->statement_public.data,
		    sizeof(options.identity_public));
	if ((st = store_read_begin(keeper->reader, &txn)) == DOM_OK)
		st = root_compute(txn, &options, row->root, &sum);
	store_read_end(&txn);
	/* Another erasure was faster, and there is nothing left: zeros say so. */
	return st == DOM_ABSENT ? DOM_OK : st;
}

static enum dom_status
run_rooted(struct store_txn *txn, void *context)
{
	const struct rooting *rooting = context;
	enum dom_status st = store_erasure_update(txn, &rooting->row);

	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
keeper_root(struct keeper *keeper, const struct store_erasure *row)
{
	struct rooting rooting = {.row = *row};
	enum dom_status st = DOM_OK;

	/* Of what was given away the root was signed; nobody could write since. */
	if (row->scope != WIRE_SCOPE_SOURCE)
		st = compute(keeper, &rooting.row);
	if (st != DOM_OK)
		return st;
	/* It is an id of the account: what stays of the erasure must not name it. */
	rooting.row.statement_public = dom_slice("", 0);
	rooting.row.state = STORE_ERASURE_ERASING;
	return store_write(keeper->options.store, run_rooted, &rooting);
}
