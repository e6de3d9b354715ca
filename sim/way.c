/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The transport of a phone that runs libdomicile: it ends in the simulated network. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <domicile/transport.h>

#include "sim/ours.h"

struct way {
	struct dom_transport transport; /* first */
	struct phone *phone;
	unsigned region;
	struct dom_exchange *answered, *under_way;
	struct time_gate gate;
	bool is_closed, is_dead;
	size_t calls;
};

static void
release(struct way *way)
{
	if (way->is_closed && way->calls == 0)
		free(way);
}

/* What a call brings back to an exchange, which may be gone. */
struct carried {
	struct way *way;
	struct dom_exchange *exchange;
};

static void
came_back(struct net_call *call)
{
	struct carried *carried = call->context;
	struct way *way = carried->way;
	struct dom_exchange *exchange = carried->exchange, **at;

	free(carried);
	way->calls--;
	if (!way->is_closed && !way->is_dead) {
		for (at = &way->under_way; *at != exchange; at = &(*at)->next)
			;
		*at = exchange->next;
		exchange->status = call->status;
		exchange->failure = call->failure;
		snprintf(
		    exchange->reason, sizeof(exchange->reason), "the network is simulated");
		snprintf(exchange->position, sizeof(exchange->position), "%s", call->position);
		exchange->retry_after_seconds = call->retry_after_seconds;
		exchange->reply = malloc(call->reply.size + 1);
		if (exchange->reply == NULL)
			abort();
		if (call->reply.size != 0)
			memcpy(exchange->reply, call->reply.data, call->reply.size);
		exchange->reply_size = call->reply.size;
		exchange->next = way->answered;
		way->answered = exchange;
		time_open(&way->gate);
	}
	release(way);
}

static char *
header(const struct dom_exchange *exchange, const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; exchange->headers[i] != NULL; i++)
		if (strncmp(exchange->headers[i], name, size) == 0)
			return strdup(exchange->headers[i] + size);
	return NULL;
}

/* The process is dead: what was under way is not answered, and nothing goes out any more. */
static bool
has_died(struct way *way)
{
	if (!way->is_dead && !phone_meets_call(way->phone))
		return false;
	way->is_dead = true;
	return true;
}

static void
fail_all(struct dom_exchange **list)
{
	while (*list != NULL) {
		struct dom_exchange *exchange = *list;

		*list = exchange->next;
		exchange->status = 0;
		exchange->failure = DOM_EUNCERTAIN;
		exchange->done(exchange);
	}
}

static enum dom_status
way_submit(struct dom_transport *transport, struct dom_exchange *exchange)
{
	struct way *way = (struct way *)transport;
	struct carried *carried;
	struct net_call *call;
	char path[1024];

	if (has_died(way))
		return DOM_ENETWORK;
	if ((carried = malloc(sizeof(*carried))) == NULL)
		return DOM_ENOMEM;
	snprintf(path, sizeof(path), "/%s", exchange->path);
	call = net_call_new(way->phone->world, way->phone->node, way->region, exchange->method,
	    path, exchange->body);
	call->account = way->phone->account;
	call->authorization = header(exchange, "Authorization: ");
	call->device = header(exchange, "Domicile-Device: ");
	*carried = (struct carried){way, exchange};
	call->done = came_back;
	call->context = carried;
	way->calls++;
	exchange->next = way->under_way;
	way->under_way = exchange;
	net_send(call);
	return DOM_OK;
}

static enum dom_status
way_poll(struct dom_transport *transport, int timeout_ms)
{
	struct way *way = (struct way *)transport;

	if (way->answered == NULL && timeout_ms > 0 && !way->is_dead)
		(void)time_wait(&way->gate, INT64_C(1000) * timeout_ms);
	while (way->answered != NULL && !has_died(way)) {
		struct dom_exchange *exchange = way->answered;

		way->answered = exchange->next;
		exchange->done(exchange);
	}
	if (way->is_dead || phone_is_dead(way->phone)) {
		way->is_dead = true;
		fail_all(&way->answered);
		fail_all(&way->under_way);
	}
	return DOM_OK;
}

static void
way_close(struct dom_transport *transport)
{
	struct way *way = (struct way *)transport;

	fail_all(&way->answered);
	fail_all(&way->under_way);
	way->is_closed = true;
	release(way);
}

static unsigned
region_at(const struct world *world, const char *url)
{
	for (unsigned i = 0; i < world->region_count; i++)
		if (strstr(url, world->regions[i].host) != NULL)
			return i;
	return 0;
}

struct dom_transport *
way_to(void *context, const char *server_url)
{
	struct phone *phone = context;
	struct way *way = calloc(1, sizeof(*way));

	if (way == NULL)
		abort();
	way->transport = (struct dom_transport){way_submit, way_poll, way_close};
	way->phone = phone;
	way->region = region_at(phone->world, server_url);
	return &way->transport;
}
