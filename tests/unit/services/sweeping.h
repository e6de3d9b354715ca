/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SWEEPING_H
#define SWEEPING_H

#include "services/retention/sweep.h"
#include "sharing.h"

/*
 * Sweeps step by step, in a house: plans in a snapshot, runs in a job, for the tests of
 * services/retention/.
 */
static const int64_t day_ms = 24 * 3600 * 1000;

struct sweeping {
	struct retention_rules rules;
	struct retention *retention;
	unsigned accounts_erased;
	unsigned jobs;         /* of the last sweep */
	void (*between)(void); /* the snapshot and the job; NULL: nothing */
	/* Of the step under way. */
	struct retention_step *step;
	struct dom_arena *arena;
};
extern struct sweeping sweeping;

int sweeping_tear_down(void **state);
#define RTEST(name) cmocka_unit_test_setup_teardown(name, house_set_up, sweeping_tear_down)

/* The rules of these lines, NULL at the end, and a worker that holds them. */
void rule(const char *const *lines);
#define RULES(...) rule((const char *const[]){__VA_ARGS__, NULL})

int64_t region_time(void);
/* Both clocks go on. */
void pass(int64_t ms);

/* One look; sweeping.arena must be there. */
enum dom_status plan(void);
/* For store_write(): the step that plan() has found. */
enum dom_status run_step(struct store_txn *txn, void *context);
/* Until it has nothing to do. */
void sweep(void);
const struct retention_figures *figures(void);

struct store_counts counts(void);
/* Revision letter of item number in collection, after the one of letter before, with chunks. */
void revise(unsigned collection, unsigned number, char letter, char before, const char *chunks);
enum service_code chunk(enum service_op op, unsigned collection, char letter);
/* Ana with a collection, and sessions that outlive what the tests wait for. */
void start(void);

#endif
