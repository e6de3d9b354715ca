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
	struct serving *next, **link; /* of its region */
};

/* All of them, when the region dies; the store's queue is empty by now. */
void serving_drop_all(struct region *region);

#endif
