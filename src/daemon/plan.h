/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_PLAN_H
#define DAEMON_PLAN_H

#include "base/arena.h"

/*
 * The plan of an evacuation: how a region's accounts move to another one, in
 * phases, as text that people edit and review:
 *
 *   notice = 14d               people are told so long before their phase
 *   grace = 30                 days that this region keeps its copy
 *   at-once = 4                moves under way together
 *   rate = 600                 moves begun an hour, at most; 0: no limit
 *   bandwidth = 100M           bytes a second between the regions; 0: no limit
 *   per-move = 20M             bytes a second that one move reaches; 0: no limit
 *   round-trip = 90            milliseconds between the regions
 *   window = 22-06             hours of the day (UTC) in which moves begin
 *
 *   [pilot]                    phases, in this order; each may set what is above anew
 *   cohort = 200               accounts; or 5% of all, or rest
 *   order = smallest           or largest, or any
 *   look = 7d                  after the phase before, at least
 *   gate-failed = 1%           of the phase before; more: this one does not begin
 *   stop-failed = 5            moves of this phase that failed: no more are begun
 *
 *   [population]               for a forecast without a region
 *   accounts = 50000000
 *   bytes = 500T
 *   median = 2M                half of the accounts have less
 *   agree = 85%                of those who are told
 */
enum {
	PLAN_PHASES_MAX = 32,
	PLAN_NAME_SIZE_MAX = 32,
};

enum plan_order { PLAN_ANY, PLAN_SMALLEST, PLAN_LARGEST };

struct plan_phase {
	const char *name;
	/* Exactly one of the three. */
	uint64_t cohort;
	double share; /* of all, 0 to 1 */
	bool rest;
	enum plan_order order;
	int64_t notice_ms, look_ms;
	uint32_t grace_days;
	uint32_t at_once;
	uint32_t rate; /* an hour; 0: no limit */
	int64_t bandwidth, per_move;
	uint32_t round_trip_ms;
	uint8_t window_from, window_to; /* hours; equal: the whole day */
	double gate_failed;             /* share; 1: none */
	uint32_t stop_failed;           /* 0: never */
	unsigned line;                  /* where its section begins */
};

struct plan_population {
	uint64_t accounts; /* 0: the plan does not say */
	uint64_t bytes;
	uint64_t median;
	double agree; /* 0 to 1 */
};

struct plan {
	struct plan_phase phases[PLAN_PHASES_MAX];
	size_t count;
	struct plan_population population;
};

/*
 * Texts live in the arena.  On anything but DOM_OK what is wrong was printed to
 * standard error, each with its line.
 */
DOM_MUST_CHECK enum dom_status plan_read(
    const char *path, struct dom_arena *arena, struct plan *plan_r);

#endif
