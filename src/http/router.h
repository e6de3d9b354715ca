/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "base/arena.h"

#include "http/message.h"
#include "services/service.h"

/* Which operation a method and a path name, with what the path and the query say. */
enum route_answer {
	ROUTE_FOUND,
	ROUTE_MALFORMED,
	ROUTE_NOT_FOUND,
	ROUTE_METHOD, /* allow says which would do */
	ROUTE_NO_MEMORY,
};

struct route {
	enum service_op op;
	char allow[48];
	/* A query that is wrong is told only to those who may ask at all: a sentence or NULL.
	 */
	const char *query_fault;
};

/*
 * prefix: what comes before "/api/v1/", without a slash at its end; "" for
 * none.  Fills op and what comes from path and query into request, borrowed
 * from head or living in the arena.
 */
enum route_answer route_find(const char *prefix, const struct http_head *head,
    struct dom_arena *arena, struct route *route_r, struct service_request *request);

/* A short name for logs, such as "item_batch". */
const char *route_op_name(enum service_op op);

#endif
