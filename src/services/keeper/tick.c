/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The region's time: docs/architecture.md, "Time that never runs ahead". */
#include "services/keeper/keeper.h"
#include "store/store.h"

struct tick {
	int64_t wall_ms, passed_ms;
};

static enum dom_status
run_tick(struct store_txn *txn, void *context)
{
	const struct tick *tick = context;
	int64_t time_ms, ahead_ms;
	enum dom_status st = store_region_time(txn, &time_ms);

	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	ahead_ms = tick->wall_ms - time_ms;
	if (ahead_ms > tick->passed_ms)
		ahead_ms = tick->passed_ms;
	if (ahead_ms <= 0)
		return DOM_OK;
	st = store_region_time_set(txn, time_ms + ahead_ms);
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
keeper_tick(
    struct keeper_time *time, struct store *store, int64_t wall_ms, int64_t monotonic_ms)
{
	struct tick tick = {.wall_ms = wall_ms, .passed_ms = monotonic_ms - time->monotonic_ms};
	enum dom_status st = DOM_OK;

	/* How long it was off, nobody knows who can be trusted. */
	if (time->monotonic_ms != 0 && tick.passed_ms > 0)
		st = store_write(store, run_tick, &tick);
	/* What could not be written counts next time. */
	if (st == DOM_OK)
		time->monotonic_ms = monotonic_ms;
	return st;
}
