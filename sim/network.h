/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include <domicile/status.h>

#include "base/buffer.h"

#include "sim/random.h"

/*
 * What lies between phones and regions, and between regions.  A call may be
 * lost, late, sent twice, or its answer lost; whoever asked is always told
 * something in the end, as a connection would.
 *
 *   net_send --> on its way --> net_take (the region) --> net_answer --> done()
 *                   |                    |                    |
 *                   +-- lost, refused, cut off, too late -----+--> done(), no status
 */
enum { NET_NODES_MAX = 24, NET_TIMEOUT_MS = 30 * 1000 };

struct world;

struct net_call {
	struct world *world;
	unsigned from, to; /* nodes; to is a region's */
	/* the request, owned */
	char *method, *path;          /* the path begins with '/' and has its query */
	char *authorization, *device; /* headers' values, NULL: none */
	struct dom_buffer body;
	/* the answer */
	int status; /* 0: none came */
	enum dom_status
	    failure; /* then: DOM_ENETWORK (surely not received) or DOM_EUNCERTAIN */
	struct dom_buffer reply;
	char position[512];
	unsigned retry_after_seconds;
	/* Once, never from within net_send(). */
	void (*done)(struct net_call *call);
	void *context;

	unsigned account; /* the oracle's, of who asks */
	bool is_copy;     /* nobody waits for this one's answer */
	bool was_copied;  /* it may be carried out after it was answered */
	void *tapped;     /* the oracle's */
	bool is_done;
	unsigned references;
};

/* Copies of all texts and of body.  Aborts without memory. */
struct net_call *net_call_new(struct world *world, unsigned from, unsigned to,
    const char *method, const char *path, struct dom_slice body);
void net_send(struct net_call *call);

/* By a region, which has been handed a reference. */
void net_answer(struct net_call *call);
/* The region died with it. */
void net_cut(struct net_call *call);

enum net_fault {
	NET_LOSE,      /* requests and answers */
	NET_DUPLICATE, /* requests */
	NET_DELAY,     /* both, so that they overtake each other */
	NET_CUT,       /* connections while the answer is on its way */
	NET_FAULT_COUNT,
};
struct network {
	struct sim_random random;
	int64_t until_us[NET_FAULT_COUNT];
	unsigned per_thousand[NET_FAULT_COUNT];
	int64_t cut_until_us[NET_NODES_MAX][NET_NODES_MAX];
	uint64_t calls, struck[NET_FAULT_COUNT], refused;
};
void net_fault(struct world *world, enum net_fault fault, unsigned per_thousand, int64_t us);
/* Nothing passes between a and b, in this direction; both: in both. */
void net_part(struct world *world, unsigned a, unsigned b, bool both, int64_t us);
void net_heal(struct world *world);

#endif
