/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_KEEPER_KEEPER_H
#define SERVICES_KEEPER_KEEPER_H

#include "services/journal.h"
#include "services/service.h"

/*
 * The work behind the requests: erasures to their end; see DESIGN.md beside this file.  It goes
 * in small steps, each of which may be the last before a crash.  The daemon runs them on a
 * thread of its own; a test or a simulator runs them one by one.
 */
struct keeper;

struct keeper_options {
	const struct service *service; /* clock, region key and settings */
	struct store *store;
	struct journal journal;
	/* Asked now and then within long steps: true, end soon; NULL: never. */
	bool (*stopped)(void *context);
	void *context;
};

DOM_MUST_CHECK enum dom_status keeper_open(
    const struct keeper_options *options, struct keeper **keeper_r);
/* Before store_close(). */
void keeper_close(struct keeper **keeper);

/*
 *   DOM_OK        did something; there may be more
 *   DOM_ABSENT    there is nothing to do
 *   DOM_CONFLICT  what is left waits for a snapshot to end, such as a backup's:
 *                 ask again in a while
 *   below         the store or the journal failed; nothing is lost, ask again later
 *
 * One thread.  Blocks for the disk.
 */
DOM_MUST_CHECK enum dom_status keeper_step(struct keeper *keeper);

/* Steps until there is nothing to do, or one fails: where nobody else is served. */
DOM_MUST_CHECK enum dom_status keeper_finish(struct keeper *keeper, unsigned conflicts_max);

/*
 * The region's time follows the wall clock, but never by more than what the
 * monotonic clock has counted since the last tick, and never back: a clock that
 * jumps ages nothing.
 */
struct keeper_time {
	int64_t monotonic_ms; /* of the last tick; 0: none yet */
};
DOM_MUST_CHECK enum dom_status keeper_tick(
    struct keeper_time *time, struct store *store, int64_t wall_ms, int64_t monotonic_ms);

#endif
