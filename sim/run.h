/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "sim/cover.h"
#include "sim/plan.h"

/*
 * Many worlds one after the other, in a process of their own, so that one that
 * aborts takes nothing with it.  What is known lies in memory that both share.
 */
enum {
	RUN_LINES = 48,
	RUN_LINE_SIZE = 200,
	RUN_BROKEN = 9, /* the exit code of a world that broke a promise */
};

struct run_record {
	struct cover cover;
	uint64_t seed;   /* under way */
	uint64_t digest; /* of all that it has done: see sim/digest.h */
	char rule[120], what[640];
	char lines[RUN_LINES][RUN_LINE_SIZE];
	uint64_t line_count;
};

/* Before anything else.  traces: lines are printed as they come, too; calls: each of them. */
void run_open(bool traces, bool tells_calls);
bool run_tells_calls(void);
struct run_record *run_record(void);
void run_say(double seconds, const char *text);
_Noreturn void run_broken(const char *rule, const char *what);

/*
 * Run the plan in a child; false: it broke something, the record says what.
 */
bool run_plan(const struct plan *plan);
/* Seeds from first on, until count of them or the seconds (of CPU, 0: none) are over. */
struct run_seeds {
	uint64_t first, count;
	double seconds;
	bool is_backwards; /* the last one first: no seed may know which were before it */
	bool prints_digests;
};
bool run_seeds(const struct run_seeds *seeds, double *cpu_seconds_r);
/* A line with what the last world came to: the same for the same plan. */
void run_print_digest(FILE *out, uint64_t seed);
/* Leave out what it does not take to break the same rule. */
void run_shrink(struct plan *plan, unsigned tries_max);
/* What a failure is told with. */
void run_report(FILE *out, const struct plan *plan);

#endif
