/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include "sim/cover.h"

/*
 * What people do and what goes wrong, and when: all of it follows from a seed.
 * Each step has a seed of its own, so that leaving one out changes the others
 * as little as can be.
 */
enum { PLAN_STEPS_MAX = 512 };

struct plan_step {
	int64_t at_us; /* since the beginning */
	bool is_fault;
	union {
		enum action_kind action;
		enum fault_kind fault;
	} what;
	unsigned who; /* a phone, or a region */
	uint64_t seed;
	bool is_left_out;
};

struct plan {
	uint64_t seed;
	unsigned regions, people, phones_each;
	bool shuttles, uses_ours;
	struct plan_step steps[PLAN_STEPS_MAX];
	unsigned count;
};

/* Only these faults from now on, by name ("failed sync,killed").  False: no such list. */
bool plan_faults(const char *list);
/* One of these; false: none was named. */
struct sim_random;
bool plan_wanted_fault(struct sim_random *random, enum fault_kind *fault_r);
/* From now on plans are of moves alone: see sim/shuttle.h. */
void plan_shuttles(void);
void plan_make(struct plan *plan, uint64_t seed);
/* "0-3,7,9": only these steps.  False: not such a list. */
bool plan_only(struct plan *plan, const char *list);
/* The same list of what is in. */
void plan_list(const struct plan *plan, char *text_r, size_t size);
void plan_print(FILE *out, const struct plan *plan);
unsigned plan_size(const struct plan *plan);

#endif
