/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sim/network.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/digest.h"
#include "sim/region.h"
#include "sim/tap.h"
#include "sim/time.h"
#include "sim/world.h"

enum { FAR_US = 20 * 1000, SLOW_US = 40 * TIME_SECOND_US };

static char *
copy_text(const char *text)
{
	char *copy = text == NULL ? NULL : strdup(text);

	if (text != NULL && copy == NULL)
		abort();
	return copy;
}

struct net_call *
net_call_new(struct world *world, unsigned from, unsigned to, const char *method,
    const char *path, struct dom_slice body)
{
	struct net_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		abort();
	call->world = world;
	call->from = from;
	call->to = to;
	call->method = copy_text(method);
	call->path = copy_text(path);
	dom_buffer_append_slice(&call->body, body);
	call->references = 1;
	return call;
}

static void
release(struct net_call *call)
{
	if (--call->references != 0)
		return;
	free(call->method);
	free(call->path);
	free(call->authorization);
	free(call->device);
	dom_buffer_free(&call->body);
	dom_buffer_free(&call->reply);
	free(call);
}

static void
finish(struct net_call *call)
{
	if (!call->is_done) {
		call->is_done = true;
		tap_done(call);
		if (call->done != NULL)
			call->done(call);
	}
	release(call);
}

static void
finish_event(void *context)
{
	finish(context);
}

static bool
strikes(struct world *world, enum net_fault fault)
{
	struct network *network = &world->network;

	if (time_now_us() >= network->until_us[fault] ||
	    sim_random_below(&network->random, 1000) >= network->per_thousand[fault])
		return false;
	network->struck[fault]++;
	world_struck(world, FAULT_NETWORK_FIRST + (enum fault_kind)fault);
	return true;
}

static bool
is_parted(const struct world *world, unsigned from, unsigned to)
{
	return time_now_us() < world->network.cut_until_us[from][to];
}

static int64_t
delay_us(struct world *world)
{
	struct network *network = &world->network;
	int64_t bound = strikes(world, NET_DELAY) ? SLOW_US : FAR_US;

	return 500 + (int64_t)sim_random_below(&network->random, (uint64_t)bound);
}

/* No answer, sooner or later; takes a reference. */
static void
fail(struct net_call *call, enum dom_status failure)
{
	struct network *network = &call->world->network;
	int64_t us = sim_random_one_in(&network->random, 2) ? delay_us(call->world)
	                                                    : INT64_C(1000) * NET_TIMEOUT_MS;

	if (!call->is_done && call->status == 0)
		call->failure = failure;
	time_after(us, finish_event, call);
}

static void
deliver(void *context)
{
	struct net_call *call = context;
	struct region *region = &call->world->regions[call->to];

	if (!region_is_up(region)) {
		call->world->network.refused++;
		fail(call, DOM_ENETWORK);
		return;
	}
	region_take(region, call);
}

static void
too_late(void *context)
{
	struct net_call *call = context;

	if (!call->is_done) {
		call->status = 0;
		call->failure = DOM_EUNCERTAIN;
	}
	finish(call);
}

static struct net_call *
copy_call(const struct net_call *call)
{
	struct net_call *copy = net_call_new(call->world, call->from, call->to, call->method,
	    call->path, dom_buffer_slice(&call->body));

	copy->authorization = copy_text(call->authorization);
	copy->device = copy_text(call->device);
	copy->account = call->account;
	copy->is_copy = true;
	return copy;
}

void
net_send(struct net_call *call)
{
	struct world *world = call->world;

	world->network.calls++;
	world_note(
	    world, "call %u to %u: %s %s", call->from, call->to, call->method, call->path);
	sim_digest_number((uint64_t)call->from << 32 | call->to);
	sim_digest_text(call->method);
	sim_digest_text(call->path);
	sim_digest_bytes(call->body.data, call->body.size);
	call->failure = DOM_EUNCERTAIN;
	tap_sent(call);
	if (is_parted(world, call->from, call->to)) {
		world_struck(world, FAULT_PARTITION);
		fail(call, DOM_ENETWORK);
		return;
	}
	if (strikes(world, NET_LOSE)) {
		fail(call, DOM_EUNCERTAIN);
		return;
	}
	if (strikes(world, NET_DUPLICATE)) {
		call->was_copied = true;
		time_after(delay_us(world), deliver, copy_call(call));
	}
	call->references++;
	time_after(INT64_C(1000) * NET_TIMEOUT_MS, too_late, call);
	time_after(delay_us(world), deliver, call);
}

void
net_answer(struct net_call *call)
{
	struct world *world = call->world;

	world_note(world, "%u answers %u: %d %s %s%s", call->to, call->from, call->status,
	    call->method, call->path, call->is_copy ? " (a copy)" : "");
	sim_digest_number((uint64_t)call->status);
	sim_digest_bytes(call->reply.data, call->reply.size);
	if (call->is_copy || call->is_done) {
		release(call);
		return;
	}
	if (is_parted(world, call->to, call->from) || strikes(world, NET_LOSE) ||
	    strikes(world, NET_CUT)) {
		call->status = 0;
		fail(call, DOM_EUNCERTAIN);
		return;
	}
	time_after(delay_us(world), finish_event, call);
}

void
net_cut(struct net_call *call)
{
	call->status = 0;
	fail(call, DOM_EUNCERTAIN);
}

void
net_fault(struct world *world, enum net_fault fault, unsigned per_thousand, int64_t us)
{
	world->network.per_thousand[fault] = per_thousand;
	world->network.until_us[fault] = time_now_us() + us;
}

void
net_part(struct world *world, unsigned a, unsigned b, bool both, int64_t us)
{
	world->network.cut_until_us[a][b] = time_now_us() + us;
	if (both)
		world->network.cut_until_us[b][a] = time_now_us() + us;
}

void
net_heal(struct world *world)
{
	memset(world->network.until_us, 0, sizeof(world->network.until_us));
	memset(world->network.cut_until_us, 0, sizeof(world->network.cut_until_us));
}
