/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Many moves for each second of a processor: every promise of a move rests on
 * the order of a few messages, syncs and crashes, so what counts is how many
 * orders are tried.  All else that people do is left to the plans of plan.c.
 */
#include "sim/shuttle.h"

#include <string.h>

#include "sim/oracle.h"
#include "sim/random.h"
#include "sim/time.h"

enum {
	PEOPLE = WORLD_ACCOUNTS_MAX,
	CALM_ONE_IN =
	    8, /* of worlds: nothing goes wrong, so that moves overlap at full speed */
	FAULT_ONE_IN = 8, /* turns */
	TURN_MS = 1500,
	TROUBLED_TURN_MS = 12000, /* between turns, at most */
};

/* What goes wrong, against each other: what a move has to outlast, and no more of it than so.
 */
static const unsigned weights[FAULT_PHONE_FIRST] = {
    [FAULT_CRASH_KEEP] = 2,
    [FAULT_CRASH_LOSE] = 2,
    [FAULT_CRASH_PREFIX] = 1,
    [FAULT_CRASH_ANY] = 2,
    [FAULT_DISK_EIO] = 1,
    [FAULT_DISK_ENOSPC] = 2,
    [FAULT_DISK_SYNC] = 2,
    [FAULT_DISK_STOP] = 1,
    [FAULT_DISK_STOP_AFTER] = 1,
    [FAULT_DISK_STOP_AT_SYNC] = 3,
    [FAULT_NETWORK_LOSE] = 3,
    [FAULT_NETWORK_DUPLICATE] = 3,
    [FAULT_NETWORK_DELAY] = 2,
    [FAULT_NETWORK_CUT] = 3,
    [FAULT_PARTITION] = 2,
    [FAULT_CLOCK] = 2,
};

static enum fault_kind
draw_fault(struct sim_random *random)
{
	unsigned sum = 0, at, i;
	enum fault_kind fault;

	if (plan_wanted_fault(random, &fault))
		return fault;
	for (i = 0; i < FAULT_PHONE_FIRST; i++)
		sum += weights[i];
	at = (unsigned)sim_random_below(random, sum);
	for (i = 0; at >= weights[i]; i++)
		at -= weights[i];
	return (enum fault_kind)i;
}

/* Of which the phone draws consent to everything, with no end. */
static uint64_t
seed_of_consent(struct sim_random *random)
{
	for (;;) {
		uint64_t seed = sim_random_next(random);
		struct sim_random phone;

		sim_random_seed(&phone, seed);
		if (sim_random_below(&phone, ORACLE_SERVICES) == ORACLE_SERVICES - 1 &&
		    !sim_random_one_in(&phone, 3))
			return seed;
	}
}

static struct plan_step *
add(struct plan *plan, struct sim_random *random, int64_t at_us, unsigned who)
{
	struct plan_step *step = &plan->steps[plan->count++];

	step->at_us = at_us;
	step->seed = sim_random_next(random);
	step->who = who;
	return step;
}

/* One turn of somebody's: away, a write on the way, and one that finds where home is now. */
static void
turn(struct plan *plan, struct sim_random *random, int64_t at_us, unsigned who)
{
	static const int64_t late_us[] = {0, 30000, 200000, TIME_SECOND_US};
	/* Small accounts are what this is about: most only look. */
	static const enum action_kind last[] = {ACTION_WRITE, ACTION_WRITE, ACTION_WRITE,
	    ACTION_LIST, ACTION_LIST, ACTION_LIST, ACTION_LIST, ACTION_LIST, ACTION_SYNC,
	    ACTION_SYNC, ACTION_SYNC, ACTION_MOVE_CANCEL};
	struct plan_step *step = add(plan, random, at_us, who);

	step->what.action = ACTION_MOVE;
	if (sim_random_one_in(random, 3)) {
		step = add(plan, random, at_us + late_us[sim_random_below(random, 4)], who);
		step->what.action = sim_random_one_in(random, 4) ? ACTION_CHUNK : ACTION_WRITE;
	}
	step = add(plan, random, at_us + 2 * TIME_SECOND_US, who);
	step->what.action = last[sim_random_below(random, sizeof(last) / sizeof(last[0]))];
}

void
shuttle_plan(struct plan *plan, uint64_t seed)
{
	struct sim_random random;
	int64_t at_us = 0;
	bool is_calm;

	memset(plan, 0, sizeof(*plan));
	sim_random_seed(&random, seed ^ UINT64_C(0x5440f71e));
	plan->seed = seed;
	plan->shuttles = true;
	plan->regions = WORLD_REGIONS_MAX;
	plan->people = PEOPLE;
	plan->phones_each = 1;
	is_calm = sim_random_one_in(&random, CALM_ONE_IN);
	for (unsigned i = 0; i < 3 * PEOPLE; i++) {
		struct plan_step *step = add(plan, &random, at_us, i % PEOPLE);

		step->what.action = i < 2 * PEOPLE ? ACTION_ON : ACTION_WRITE;
		if (step->what.action == ACTION_ON)
			step->seed = seed_of_consent(&random);
		at_us += 100000;
	}
	while (plan->count + 4 <= PLAN_STEPS_MAX) {
		at_us +=
		    (int64_t)sim_random_below(&random, is_calm ? TURN_MS : TROUBLED_TURN_MS) *
		    1000;
		turn(plan, &random, at_us, (unsigned)sim_random_below(&random, PEOPLE));
		if (is_calm || !sim_random_one_in(&random, FAULT_ONE_IN))
			continue;
		struct plan_step *step = add(
		    plan, &random, at_us, (unsigned)sim_random_below(&random, plan->regions));

		step->is_fault = true;
		step->at_us += (int64_t)sim_random_below(&random, 800) * 1000;
		step->what.fault = draw_fault(&random);
	}
}
