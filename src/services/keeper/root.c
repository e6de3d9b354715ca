/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What was there, as one digest, before any of it goes. */
#include "services/keeper/parts.h"

struct rooting {
	struct store_erasure row;
};

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

	rooting.row.state = STORE_ERASURE_ERASING;
	return store_write(keeper->options.store, run_rooted, &rooting);
}
