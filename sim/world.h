/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <assert.h>

#include "sim/cover.h"
#include "sim/network.h"
#include "sim/region.h"

/*
 * Regions, phones and what lies between them: all of it follows from one seed
 * and a plan.
 */
enum {
	WORLD_REGIONS_MAX = 3,
	WORLD_ACCOUNTS_MAX = 8,
	WORLD_PHONES_MAX = 16,
};
static_assert((int)WORLD_REGIONS_MAX + (int)WORLD_PHONES_MAX <= (int)NET_NODES_MAX, "nodes");

struct history;
struct oracle;
struct person;
struct phone;
struct plan;

struct world {
	uint64_t seed;
	const struct plan *plan;
	struct region regions[WORLD_REGIONS_MAX];
	unsigned region_count;
	struct phone *phones[WORLD_PHONES_MAX];
	unsigned phone_count;
	struct person *people; /* WORLD_ACCOUNTS_MAX */
	unsigned people_count;
	struct network network;
	struct history *history;
	bool history_is_void; /* a restore took writes back */
	struct oracle *oracle;
	struct cover *cover; /* shared with who runs many worlds */
	bool is_calm;        /* no faults any more: everything must finish */
	bool is_over;        /* nothing new begins */
	/* Of late, so that coverage can pair them. */
	int64_t struck_us[FAULT_KIND_COUNT];
};

/* What happened, for whom a promise was broken: it ends the process. */
_Noreturn void world_broken(struct world *world, const char *rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A line for the last steps that a failure prints. */
void world_say(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same of every call, with --calls only. */
void world_note(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A fault had an effect. */
void world_struck(struct world *world, enum fault_kind fault);
/* A person's action begins or ends: pairs it with the faults that struck meanwhile. */
void world_did(struct world *world, enum action_kind action, int64_t began_us);

/* What a client was told, for the history checker; moments are counted, not measured. */
int64_t world_moment(struct world *world);
void world_note_read(struct world *world, struct dom_slice collection, struct dom_slice item,
    struct dom_slice revision, int64_t began);

/* For events of a region that may have died since: free() it. */
struct world_life {
	struct region *region;
	uint64_t life;
};
struct world_life *world_life_of(struct region *region);
void world_wake_keeper(struct region *region);

/* Run a plan from its beginning to its end, checks included. */
void world_run(const struct plan *plan, struct cover *cover);

#endif
