/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "house.h"
#include "requests.h"
#include "sim/disk.h"

/*
 * The exhaustive loops: every scenario is run with a fault at its first
 * allocation, its second .., at its first disk operation, its second .., and
 * with the machine stopping there, until a run ends unharmed.  After each the
 * region starts again and everything is looked at.
 *
 * A scenario is what a request, the keeper or an operator does, on a region of
 * a few people (requests.h) that lies on a simulated disk.
 */
enum promise {
	ATOMIC,  /* done and on the disk if it says so; else all of it or nothing */
	RESUMES, /* whoever does it again ends where an unharmed run ends */
};

struct scenario {
	const char *name;
	enum promise promise;
	bool reads_only;
	/* On the open region, before the image that all runs begin with; NULL: nothing. */
	void (*prepare)(const struct scenario *scenario);
	/* On the open region, before faults begin: what is needed to act.  NULL: nothing. */
	void (*begin)(const struct scenario *scenario);
	/* Below zero: it failed.  DOM_EUNCERTAIN: perhaps it is done. */
	enum dom_status (*act)(const struct scenario *scenario);
	/* Sentences about what should not be, by wrong(), once the region has started again;
	 * NULL. */
	void (*look)(const struct scenario *scenario);
	bool closed;     /* it opens the region itself: act() begins with a closed one */
	unsigned weight; /* it allocates so much that not each is tried by default; 0: each */
	const struct endpoint *endpoint;
	const struct person *who;
	int number; /* whatever the scenario means by it */
};

extern const struct scenario keeper_scenarios[], care_scenarios[], more_scenarios[];
extern const size_t keeper_scenario_count, care_scenario_count, more_scenario_count;
/* One for each operation, made of the schema of requests. */
size_t op_scenarios(const struct scenario **list_r);
/* After a run of everything: wrong() for each operation that no scenario has done. */
void op_look_complete(void);

/* How thorough, and what has been done. */
struct fault_options {
	unsigned stride; /* every so many allocations and operations; 1: all */
	unsigned tries;  /* not 0: about so many of each loop, instead of stride */
	bool weighs; /* of a scenario with a weight: every stride times weight allocations */
	unsigned
	    crashes; /* ways of crashing that are tried after a stop, 1 to SIM_CRASH_COUNT */
	const char *only; /* scenarios whose name has this; NULL: all */
};
struct fault_totals {
	uint64_t scenarios, runs, allocations, operations, stops, wrong;
};
extern struct fault_totals totals;

/* What is being tried, for wrong(): a new scenario, and each try of it. */
void faults_scenario(const char *name);
void faults_try(const char *fault, uint64_t nth, const char *crash);

void faults_of(const struct scenario *scenario, const struct fault_options *options);
void faults_forget(void); /* what follows is of another region */
void faults_end(void);    /* after the last: the region is gone */

/* region.c: the region on its disk. */
extern struct sim_disk *region_disk;
void region_world(void); /* its people, once; what follows begins with it */
void region_free(void);
enum dom_status region_open(void);
extern char region_message[300]; /* what it said */
void region_close(void);
/* A request, as http/ makes one of it; below zero as the writer's client is told. */
enum dom_status region_send(void);

/* It was done: for op_look_complete(). */
void region_did(enum service_op op);
bool region_has_done(enum service_op op);

/* more.c: push, which keeps nothing on the disk, of a region that is open or will be. */
void push_open(void);
void push_close(void);

/* keeper.c: all that waits to be erased, by one keeper with one journal; what fails is tried so
 * many times. */
enum dom_status keep_house(unsigned tries);

/* ops.c: items in collection 1, one of which has chunks that are files, all of one letter. */
void large_put_by(const struct person *who);

/* state.c: what is there. */
struct region_state {
	uint64_t rows;   /* a digest of all rows of all tables */
	uint64_t faults; /* that an examination finds, and files that nobody names */
};
/* Of the store on its disk, open or not. */
uint64_t state_rows(void);
void state_close(void); /* with the region */
struct region_state state_look(void);

/* For store_fsck(). */
void state_fault(void *context, const char *sentence);

/* Something is wrong: where, and why. */
void wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
