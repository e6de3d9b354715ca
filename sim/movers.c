/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The movers of a region, each on a fiber, and the group that the regions make. */
#include "sim/movers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/group.h"

#include "services/move/guard.h"
#include "services/move/mover.h"
#include "sim/oracle.h"
#include "sim/serving.h"
#include "sim/time.h"
#include "sim/world.h"

enum { LANES = 2, MOVERS = LANES + 1, FAILURE_MS = 2000, GUARD_MS = 100, SPINS_MAX = 500 };

struct movers {
	struct region *region;
	struct mover *of[MOVERS];
	struct time_gate gates[MOVERS];
	struct asked *asked[MOVERS]; /* under way; NULL: none */
	unsigned running;            /* fibers that have not ended */
	bool is_ending;
};

/* --- the group ------------------------------------------------------------------- */

static struct {
	struct dom_buffer file;
	struct wire_group group;
	struct dom_arena *arena;
} groups[WORLD_REGIONS_MAX + 1];

void
movers_group(struct world *world)
{
	struct wire_group_region rows[WORLD_REGIONS_MAX] = {0};
	char addresses[WORLD_REGIONS_MAX][48];
	struct wire_group group = {.version = 1,
	    .name = dom_slice_of("the world"),
	    .regions = rows,
	    .region_count = world->region_count};
	uint8_t bytes[DOM_KEY_SIZE], signature[DOM_SIGNATURE_SIZE];
	/* By ascending name. */
	static const unsigned order[WORLD_REGIONS_MAX] = {2, 0, 1};
	struct dom_group_key *key = NULL;
	const char *why;
	unsigned count = 0;

	if (groups[world->region_count].arena != NULL)
		return;
	memset(bytes, 99, sizeof(bytes));
	if (dom_group_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &key) != DOM_OK)
		abort();
	dom_group_public(key, group.key);
	for (unsigned i = 0; i < WORLD_REGIONS_MAX; i++) {
		const struct region *region = &world->regions[order[i]];
		struct wire_group_region *row = &rows[count];

		if (order[i] >= world->region_count)
			continue;
		snprintf(
		    addresses[count], sizeof(addresses[count]), "https://%s", region->host);
		row->name = dom_slice_of(region->name);
		row->country = dom_slice_of("");
		memcpy(row->key, region->public_key, sizeof(row->key));
		row->addresses[0] = dom_slice_of(addresses[count]);
		row->address_count = 1;
		row->flags = WIRE_REGION_TAKES | WIRE_REGION_LETS;
		row->grace_max_days = 30;
		count++;
	}
	groups[world->region_count].arena = dom_arena_new(0);
	wire_group_encode(&groups[world->region_count].file, &group);
	dom_group_sign(key, dom_buffer_slice(&groups[world->region_count].file), signature);
	dom_buffer_append(&groups[world->region_count].file, signature, sizeof(signature));
	dom_group_key_free(&key);
	if (wire_group_decode(dom_buffer_slice(&groups[world->region_count].file),
	        groups[world->region_count].arena, &groups[world->region_count].group,
	        &why) != DOM_OK)
		world_broken(world, "a group can be made", "%s", why);
}

void
movers_settings(struct region *region)
{
	region->service.settings.group = &groups[region->world->region_count].group;
	region->service.settings.group_file =
	    dom_buffer_slice(&groups[region->world->region_count].file);
}

/* --- asking ---------------------------------------------------------------------- */

struct asked {
	struct movers *movers;
	struct time_gate gate;
	struct mover_ask *asks[MOVER_ASKS_MAX];
	struct net_call *calls[MOVER_ASKS_MAX];
	size_t count, left;
};

static void
answered(struct net_call *call)
{
	struct asked *asked = call->context;

	for (size_t i = 0; asked != NULL && i < asked->count; i++) {
		struct mover_ask *ask = asked->asks[i];

		if (asked->calls[i] != call)
			continue;
		asked->calls[i] = NULL;
		ask->status = call->status;
		ask->failure = call->status == 0 ? call->failure : DOM_OK;
		ask->retry_after_seconds = call->retry_after_seconds;
		ask->reply = call->reply;
		call->reply = (struct dom_buffer){0};
		if (--asked->left == 0)
			time_open(&asked->gate);
	}
}

static unsigned
region_named(const struct world *world, struct dom_slice name)
{
	for (unsigned i = 0; i < world->region_count; i++)
		if (dom_slice_is(name, world->regions[i].name))
			return i;
	abort();
}

static enum dom_status
ask(void *context, struct mover_ask *asks, size_t count)
{
	struct movers *movers = *(struct movers **)context;
	size_t lane;
	struct region *region = movers->region;
	struct asked asked = {.movers = movers, .count = count, .left = count};

	for (lane = 0; lane < LANES && movers->asked[lane] != NULL; lane++)
		;
	assert(lane < LANES && count <= MOVER_ASKS_MAX);
	movers->asked[lane] = &asked;
	for (size_t i = 0; i < count; i++) {
		struct net_call *call = net_call_new(region->world, region->index,
		    region_named(region->world, asks[i].region->name), "POST",
		    asks[i].change ? "/domicile/v1/peer/change/" : "/domicile/v1/peer/",
		    asks[i].body);

		asks[i].status = 0;
		asks[i].failure = DOM_ENETWORK;
		asked.asks[i] = &asks[i];
		asked.calls[i] = call;
		call->done = answered;
		call->context = &asked;
		net_send(call);
	}
	while (asked.left != 0 && !movers->is_ending)
		(void)time_wait(&asked.gate, TIME_HOUR_US);
	/* Who still carries an answer finds nobody. */
	for (size_t i = 0; i < count; i++)
		if (asked.calls[i] != NULL)
			asked.calls[i]->context = NULL;
	movers->asked[lane] = NULL;
	return movers->is_ending ? DOM_ESTOPPED : DOM_OK;
}

/* --- the fibers ------------------------------------------------------------------ */

struct mover_fiber {
	struct movers *movers;
	unsigned index;
};

static void
look(struct region *region)
{
	oracle_pumped(region);
	region_look(region);
}

/* The first lane asks the others what lives there; nobody works before it has heard enough. */
static enum dom_status
step(struct movers *movers, unsigned index, int64_t *wait_ms_r)
{
	struct region *region = movers->region;
	const struct mover_peer peer = {.ask = ask, .context = &region->movers};
	enum dom_status st = DOM_ABSENT;

	if (index == 0)
		st = move_guard_step(region->guard, &peer, wait_ms_r);
	if (st == DOM_ABSENT && !movers->is_ending && !move_guard_is_closed(region->guard))
		return mover_step(movers->of[index], wait_ms_r);
	if (index != 0)
		*wait_ms_r = GUARD_MS;
	return st;
}

static void
run(void *context)
{
	struct mover_fiber fiber = *(struct mover_fiber *)context;
	struct movers *movers = fiber.movers;
	unsigned spins = 0;

	free(context);
	while (!movers->is_ending && !movers->region->world->is_over) {
		int64_t wait_ms = FAILURE_MS;
		enum dom_status st = step(movers, fiber.index, &wait_ms);

		if (movers->is_ending || st == DOM_ESTOPPED)
			break;
		if (st != DOM_ABSENT)
			look(movers->region);
		/* To wait for nothing again and again is to burn a processor. */
		spins = st == DOM_ABSENT && wait_ms <= 0 ? spins + 1 : 0;
		if (spins == SPINS_MAX)
			world_broken(movers->region->world, "nobody waits busily",
			    "mover %u of %s", fiber.index, movers->region->name);
		if (st == DOM_OK)
			time_sleep(200);
		else
			(void)time_wait(
			    &movers->gates[fiber.index], 1000 * (st < 0           ? FAILURE_MS
			                                            : wait_ms > 0 ? wait_ms
			                                                          : 1));
	}
	movers->running--;
}

static void
wake(void *context)
{
	struct movers *movers = *(struct movers **)context;

	serving_retry_held(movers->region);
	movers_wake(movers->region);
	/* There may be something to erase. */
	world_wake_keeper(movers->region);
}

static bool
stopped(void *context)
{
	return (*(struct movers **)context)->is_ending;
}

enum dom_status
movers_start(struct region *region)
{
	struct movers *movers = calloc(1, sizeof(*movers));
	struct mover_options options = {.service = &region->service,
	    .store = region->store,
	    .lanes = 1,
	    .peer = {.ask = ask, .context = &region->movers},
	    .wake = wake,
	    .stopped = stopped,
	    .context = &region->movers};
	enum dom_status st = DOM_OK;

	if (movers == NULL)
		abort();
	region->movers = movers;
	movers->region = region;
	for (unsigned i = 0; i < MOVERS && st == DOM_OK; i++) {
		options.role = i < LANES ? MOVER_ASKS : MOVER_ANSWERS;
		options.lanes = i < LANES ? LANES : 1;
		options.lane = i < LANES ? i : 0;
		st = mover_open(&options, &movers->of[i]);
	}
	for (unsigned i = 0; i < MOVERS && st == DOM_OK; i++) {
		struct mover_fiber *fiber = malloc(sizeof(*fiber));

		if (fiber == NULL)
			abort();
		*fiber = (struct mover_fiber){movers, i};
		movers->running++;
		time_spawn(run, fiber);
	}
	return st;
}

void
movers_wake(struct region *region)
{
	if (region->movers == NULL)
		return;
	for (unsigned i = 0; i < MOVERS; i++)
		time_open(&region->movers->gates[i]);
}

void
movers_end(struct region *region)
{
	struct movers *movers = region->movers;

	if (movers == NULL)
		return;
	movers->is_ending = true;
	for (unsigned i = 0; i < MOVERS; i++) {
		time_open(&movers->gates[i]);
		if (movers->asked[i] != NULL)
			time_open(&movers->asked[i]->gate);
	}
	/* They see it at once; others' events of this moment come to a region that is down. */
	while (movers->running != 0)
		(void)time_step(time_now_us() + 1000);
}

void
movers_close(struct region *region)
{
	struct movers *movers = region->movers;

	if (movers == NULL)
		return;
	assert(movers->running == 0);
	for (unsigned i = 0; i < MOVERS; i++)
		mover_close(&movers->of[i]);
	free(movers);
	region->movers = NULL;
}
