/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_SERVING_H
#define SIM_SERVING_H

#include "http/message.h"
#include "http/router.h"
#include "sim/region.h"

/* A call that a region has in hand. */
struct serving {
	struct region *region;
	struct net_call *call; /* NULL: nobody waits, a session is touched */
	struct dom_arena *arena;
	struct service_request request;
	struct service_reply reply;
	struct service_staged *staged;
	struct http_response response;
	struct store_job job;
	bool is_queued;
	uint64_t number; /* of its region */
	bool is_held;
	int64_t hold_until_us;
	struct serving *next, **link; /* of its region */
};

/*
 * When the region dies: all but those that the store has in its queue, which ends them when it
 * is closed.  What is staged lives in the store.
 */
void serving_drop_all(struct region *region);

#endif
