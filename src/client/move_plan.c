/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Looking at a move before anything is ordered: both regions are asked, nothing is changed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <domicile/collection.h>
#include <domicile/consent.h>

#include "base/clock.h"

#include "wire/etebase.h"

#include "client/follow.h"
#include "client/group.h"
#include "client/move_parts.h"
#include "client/session.h"

enum {
	SKEW_MS_MAX = 24 * 3600 * 1000, /* that regions bear, wire/peer.h */
	SAMPLE_ITEMS = 200,
	SMALL_BYTES = 16 << 10,      /* items up to here are timed by the page */
	SAMPLE_BYTES_MIN = 32 << 10, /* less says nothing about a rate */
	COMMITS_MS = 30,             /* three, of the handing over, on common disks */
	ASK_CHUNKS = 256,            /* chunks that one request of the target brings */
	ASKS_AT_ONCE = 4,
	ROUND_TRIPS_ELSE = 12, /* offer, passes, freeze, switch, activation */
	PAUSE_MS_MAX = 5000,   /* then the source takes it back */
	/* Read there and put down here: of 20,000, on a machine that had more to do. */
	ITEMS_A_SECOND = 8000,
};

struct planning {
	struct dom_session *session;
	struct dom_arena *arena;
	struct dom_move_plan *plan;
	struct wire_group_region target; /* of the group, in the arena */
};

static enum dom_status
no_memory(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
}

static void problem(struct dom_move_plan *plan, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
problem(struct dom_move_plan *plan, const char *format, ...)
{
	va_list args;

	if (plan->problem_count == DOM_MOVE_PROBLEMS_MAX)
		return;
	va_start(args, format);
	vsnprintf(
	    plan->problems[plan->problem_count++], sizeof(plan->problems[0]), format, args);
	va_end(args);
}

/* What a server says is wrong becomes a problem; anything else ends the planning. */
static enum dom_status
as_problem(struct planning *planning, enum dom_status st, const struct dom_move_region *region)
{
	if (st == DOM_ENOMEM || st == DOM_ESTORE || st == DOM_EFULL || st == DOM_ESTOPPED)
		return st;
	problem(planning->plan, "Region %s: %.560s", region->name, planning->session->error);
	planning->session->error[0] = '\0';
	return DOM_OK;
}

static void
show_region(const struct wire_group_region *row, struct dom_move_region *region_r)
{
	dom_move_text(row->name, region_r->name, sizeof(region_r->name));
	dom_move_text(row->country, region_r->country, sizeof(region_r->country));
}

/* Both rows of the group. */
static enum dom_status
find_regions(struct planning *planning, const char *target)
{
	struct dom_session *session = planning->session;
	const struct wire_group_region *from, *to;
	const struct wire_group *kept;
	struct wire_group group;
	const char *region;
	enum dom_status st;

	if ((st = dom_session_region(session, &region)) != DOM_OK ||
	    (st = dom_group_learn(session, true, &kept)) != DOM_OK ||
	    (st = dom_group_copy(session, planning->arena, &group)) != DOM_OK)
		return st;
	from = wire_group_find(&group, dom_slice_of(region));
	to = wire_group_find(&group, dom_slice_of(target));
	if (to == NULL || from == NULL)
		return dom_session_fail(session, DOM_ABSENT,
		    "The group %.*s has no region \"%.60s\"; domicile where lists those that "
		    "there are",
		    (int)group.name.size, (const char *)group.name.data, target);
	if (to == from)
		return dom_session_fail(
		    session, DOM_CONFLICT, "The account is in region %s already", region);
	planning->target = *to;
	show_region(from, &planning->plan->source);
	show_region(to, &planning->plan->target);
	return DOM_OK;
}

/* --- the source ------------------------------------------------------------------ */

static void
check_clock(struct dom_move_plan *plan, struct dom_move_region *region, int64_t now_ms)
{
	const struct dom_clock clock = dom_clock_system();

	region->clock_ms = now_ms - dom_clock_now_ms(&clock);
	if (region->clock_ms > SKEW_MS_MAX || region->clock_ms < -SKEW_MS_MAX)
		problem(plan,
		    "The clock of region %s is %lld hours off from this device's: regions do "
		    "not hand accounts over across more than a day. Check this device's date, "
		    "then tell the operator",
		    region->name, (long long)(region->clock_ms / 3600000));
}

/* The order names the epoch, so a region that counts back cannot be ordered to do anything. */
static enum dom_status
check_epoch(struct planning *planning, uint64_t epoch)
{
	uint64_t known;
	enum dom_status st = dom_follow_epoch(planning->session, &known);

	if (st == DOM_OK && epoch < known)
		problem(planning->plan,
		    "Region %s shows an older state of the account (epoch %llu) than this "
		    "device has seen (epoch %llu): ask its operator",
		    planning->plan->source.name, (unsigned long long)epoch,
		    (unsigned long long)known);
	return st;
}

static void
check_shared(struct dom_move_plan *plan, bool leave_shared)
{
	if (plan->shared > 0 && !leave_shared)
		problem(plan,
		    "%llu of your collections are shared with others, who would lose them: "
		    "move with --shared leave, or end the sharing first",
		    (unsigned long long)plan->shared);
	if (plan->memberships > 0 && !leave_shared)
		problem(plan,
		    "You are in %llu collections of others, which stay where they are: move "
		    "with --shared leave, or leave them first",
		    (unsigned long long)plan->memberships);
}

static enum dom_status
ask_source(struct planning *planning, bool leave_shared)
{
	struct dom_move_plan *plan = planning->plan;
	struct dom_session *session = planning->session;
	struct dom_call *call = NULL;
	struct wire_move_plan wire;
	char why[WIRE_MOVE_WHY_SIZE_MAX + 1];
	enum dom_status st;

	snprintf(
	    plan->source.address, sizeof(plan->source.address), "%.256s", session->server_url);
	if ((st = dom_move_ask_plan(session, planning->target.name, &wire, &call)) != DOM_OK ||
	    (st = check_epoch(planning, wire.epoch)) != DOM_OK)
		goto out;
	plan->bytes = wire.bytes;
	plan->items = wire.items;
	plan->chunks = wire.chunks;
	plan->shared = wire.shared;
	plan->memberships = wire.memberships;
	plan->epoch = wire.epoch;
	plan->grace_min_days = (uint32_t)wire.grace_min_days;
	plan->grace_max_days = (uint32_t)wire.grace_max_days;
	check_clock(plan, &plan->source, wire.now_ms);
	check_shared(plan, leave_shared);
	dom_move_text(wire.why, why, sizeof(why));
	if (!wire.lets || !wire.takes)
		problem(plan, "Region %s: %.512s", plan->source.name,
		    why[0] != '\0' ? why
		    : wire.lets    ? "the target takes no accounts of other regions"
		                   : "it does not let accounts move away");
	st = dom_move_measure(session, plan->source.release, &plan->source.round_trip_us);
out:
	dom_call_free(&call);
	return st;
}

/* --- what is on ------------------------------------------------------------------ */

static enum dom_status
note_services(struct planning *planning)
{
	struct dom_session *session = planning->session;
	struct dom_move_plan *plan = planning->plan;
	struct dom_consent_state *states = NULL;
	size_t count = 0;
	enum dom_status st = dom_consents(session, &states, &count);

	if (st == DOM_OK &&
	    (plan->services = calloc(count + 1, sizeof(*plan->services))) == NULL)
		st = no_memory(session);
	for (size_t i = 0; i < count && st == DOM_OK; i++) {
		struct dom_move_service *service = &plan->services[plan->service_count];

		if (states[i].worth != DOM_CONSENT_ON)
			continue;
		memcpy(service->name, states[i].service, sizeof(service->name));
		service->terms = DOM_TERMS_ABSENT;
		plan->service_count++;
	}
	free(states);
	return st;
}

/* The terms that are agreed to here, beside the target's. */
static void
compare_terms(struct dom_move_plan *plan, const struct dom_catalogue *here,
    const struct dom_catalogue *there)
{
	for (size_t i = 0; i < plan->service_count; i++) {
		struct dom_move_service *service = &plan->services[i];
		const struct dom_catalogue_entry *ours =
		                                     dom_catalogue_find(here, service->name),
		                                 *theirs =
		                                     dom_catalogue_find(there, service->name);

		if (theirs == NULL)
			service->terms = DOM_TERMS_ABSENT;
		else if (ours != NULL &&
		         memcmp(ours->terms, theirs->terms, sizeof(ours->terms)) == 0)
			service->terms = DOM_TERMS_SAME;
		else
			service->terms = DOM_TERMS_OTHER;
	}
}

/* --- the target ------------------------------------------------------------------ */

static enum dom_status
ask_room(struct planning *planning)
{
	struct dom_session *session = planning->session;
	struct dom_move_plan *plan = planning->plan;
	struct dom_call *call = dom_call_new(session, "POST", "domicile/v1/moves/room/");
	struct wire_room room;
	char why[WIRE_MOVE_WHY_SIZE_MAX + 1];
	enum dom_status st;

	if (call == NULL)
		return no_memory(session);
	call->anonymous = call->stays = true;
	wire_room_ask_encode(&call->body,
	    &(struct wire_room_ask){.username = dom_slice_of(session->username),
	        .email = dom_slice_of(session->email == NULL || session->email[0] == '\0'
	                                  ? NULL
	                                  : session->email),
	        .identity = dom_slice(session->identity_public, DOM_PUBLIC_KEY_SIZE),
	        .bytes = plan->bytes});
	st = dom_call_run(call);
	if (st == DOM_OK && wire_room_decode(dom_call_reply(call), &room) != DOM_OK)
		st = dom_session_fail(
		    session, DOM_ESERVER, "Its answer about the room it has cannot be read");
	if (st == DOM_ABSENT)
		st = dom_session_fail(
		    session, DOM_ESERVER, "It cannot take accounts: it is an older release");
	if (st == DOM_OK) {
		check_clock(plan, &plan->target, room.now_ms);
		dom_move_text(room.why, why, sizeof(why));
		if (!room.takes)
			problem(plan, "Region %s: %.512s", plan->target.name,
			    why[0] == '\0' ? "It does not take the account" : why);
	}
	dom_call_free(&call);
	return st;
}

static enum dom_status
ask_target_at(
    struct planning *planning, struct dom_slice address, const struct dom_catalogue *here)
{
	struct dom_session *session = planning->session;
	struct dom_move_plan *plan = planning->plan;
	struct dom_catalogue *there = NULL;
	struct dom_place home;
	enum dom_status st;

	dom_move_text(address, plan->target.address, sizeof(plan->target.address));
	if ((st = dom_session_go(session, plan->target.address, &home)) != DOM_OK)
		return st;
	if ((st = dom_group_check_here(session, &planning->target)) == DOM_OK &&
	    (st = dom_catalogue_ask(session, &there)) == DOM_OK)
		compare_terms(plan, here, there);
	if (st == DOM_OK)
		st = ask_room(planning);
	if (st == DOM_OK)
		st = dom_move_measure(
		    session, plan->target.release, &plan->target.round_trip_us);
	dom_catalogue_free(&there);
	dom_session_return(session, &home);
	return st;
}

static enum dom_status
ask_target(struct planning *planning)
{
	const struct wire_group_region *target = &planning->target;
	struct dom_catalogue *here = NULL;
	enum dom_status st = dom_catalogue_ask(planning->session, &here);

	if (st != DOM_OK)
		return st;
	st = DOM_ENETWORK;
	for (size_t i = 0; i < target->address_count && st == DOM_ENETWORK; i++)
		st = ask_target_at(planning, target->addresses[i], here);
	dom_catalogue_free(&here);
	return st == DOM_OK ? DOM_OK : as_problem(planning, st, &planning->plan->target);
}

/* --- how long -------------------------------------------------------------------- */

struct largest {
	char uid[DOM_UID_SIZE_MAX + 1];
	uint64_t items, bytes;
};

static enum dom_status
pick_largest(void *context, const struct dom_collection_info *info)
{
	struct largest *largest = context;

	if (info->items > 0 && info->bytes >= largest->bytes) {
		snprintf(largest->uid, sizeof(largest->uid), "%s", info->uid);
		largest->items = info->items;
		largest->bytes = info->bytes;
	}
	return DOM_OK;
}

/* Get it, and how long the bytes took, without the way there. */
static enum dom_status
time_bytes(struct planning *planning, const char *path, struct dom_call **call_r)
{
	struct dom_session *session = planning->session;
	int64_t begun_ms = dom_monotonic_ms(), spent_ms;
	enum dom_status st;

	if ((*call_r = dom_call_new(session, "GET", "%s", path)) == NULL)
		return no_memory(session);
	st = dom_call_run(*call_r);
	spent_ms = dom_monotonic_ms() - begun_ms - planning->plan->source.round_trip_us / 1000;
	if (st == DOM_OK && (*call_r)->exchange.reply_size >= SAMPLE_BYTES_MIN)
		planning->plan->rate_bytes = (uint64_t)(*call_r)->exchange.reply_size * 1000 /
		                             (uint64_t)(spent_ms < 1 ? 1 : spent_ms);
	return st;
}

/* Large items: one chunk of the first that has any. */
static enum dom_status
time_chunk(struct planning *planning, const struct largest *largest)
{
	struct dom_call *list = NULL, *chunk = NULL;
	struct wire_list page;
	char path[512];
	enum dom_status st;

	snprintf(path, sizeof(path), "api/v1/collection/%s/item/?prefetch=medium&limit=%d",
	    largest->uid, SAMPLE_ITEMS);
	st = time_bytes(planning, path, &list);
	planning->plan->rate_bytes = 0;
	if (st == DOM_OK && wire_list_decode(dom_call_reply(list), WIRE_LIST_ITEMS,
	                        planning->arena, &page) != DOM_OK)
		page.count = 0;
	for (size_t i = 0; st == DOM_OK && chunk == NULL && i < page.count; i++) {
		const struct wire_item *item = &page.items[i];

		if (item->content.chunk_count == 0 || !wire_uid_valid(item->uid) ||
		    !wire_uid_valid(item->content.chunks[0].uid))
			continue;
		snprintf(path, sizeof(path),
		    "api/v1/collection/%s/item/%.*s/chunk/%.*s/download/", largest->uid,
		    (int)item->uid.size, (const char *)item->uid.data,
		    (int)item->content.chunks[0].uid.size,
		    (const char *)item->content.chunks[0].uid.data);
		st = time_bytes(planning, path, &chunk);
	}
	dom_call_free(&list);
	dom_call_free(&chunk);
	return st;
}

/* What comes from the source in a second, by a small part of what will be copied. */
static enum dom_status
measure_rate(struct planning *planning)
{
	struct largest largest = {.uid = ""};
	struct dom_call *call = NULL;
	char path[512];
	enum dom_status st;

	st = dom_collections_each(planning->session, pick_largest, &largest);
	if (st != DOM_OK || largest.items == 0)
		return st;
	if (largest.bytes / largest.items > SMALL_BYTES) {
		st = time_chunk(planning, &largest);
	} else {
		snprintf(path, sizeof(path), "api/v1/collection/%s/item/?limit=%d", largest.uid,
		    SAMPLE_ITEMS);
		st = time_bytes(planning, path, &call);
	}
	dom_call_free(&call);
	/* Without it there is still a plan. */
	return st == DOM_ENOMEM || st == DOM_ESTOPPED ? st : DOM_OK;
}

/*
 * From one region to the other it is at most as far as over this device.  The target pulls
 * with a few requests at once; a request waits for a round trip and for its bytes.
 */
static void
predict(struct dom_move_plan *plan)
{
	int64_t between_us = plan->source.round_trip_us + plan->target.round_trip_us;
	uint64_t asks = plan->chunks / ((uint64_t)ASK_CHUNKS * ASKS_AT_ONCE) + ROUND_TRIPS_ELSE;

	plan->duration_ms =
	    (int64_t)asks * between_us / 1000 + (int64_t)(plan->items * 1000 / ITEMS_A_SECOND);
	if (plan->rate_bytes > 0)
		plan->duration_ms +=
		    (int64_t)(plan->bytes / plan->rate_bytes) * 1000 +
		    (int64_t)(plan->bytes % plan->rate_bytes * 1000 / plan->rate_bytes);
	plan->pause_ms = between_us * 3 / 2 / 1000 + COMMITS_MS;
	if (plan->pause_ms > PAUSE_MS_MAX)
		plan->pause_ms = PAUSE_MS_MAX;
}

/* --- all of it ------------------------------------------------------------------- */

enum dom_status
dom_move_plan(struct dom_session *session, const char *target, bool leave_shared,
    struct dom_move_plan **plan_r)
{
	struct planning planning = {
	    .session = session, .arena = dom_arena_new(0), .plan = calloc(1, sizeof(**plan_r))};
	enum dom_status st = DOM_ENOMEM;

	*plan_r = NULL;
	if (planning.plan == NULL || planning.arena == NULL) {
		no_memory(session);
		goto out;
	}
	/* Where it lives now comes first; syncing follows it there. */
	if ((st = dom_sync(session)) != DOM_OK ||
	    (st = find_regions(&planning, target)) != DOM_OK ||
	    (st = ask_source(&planning, leave_shared)) != DOM_OK ||
	    (st = note_services(&planning)) != DOM_OK ||
	    (st = ask_target(&planning)) != DOM_OK || (st = measure_rate(&planning)) != DOM_OK)
		goto out;
	predict(planning.plan);
	planning.plan->possible = planning.plan->problem_count == 0;
	*plan_r = planning.plan;
	planning.plan = NULL;
out:
	dom_move_plan_free(&planning.plan);
	dom_arena_free(&planning.arena);
	return st;
}

void
dom_move_plan_free(struct dom_move_plan **plan)
{
	struct dom_move_plan *old = *plan;

	if (old == NULL)
		return;
	*plan = NULL;
	free(old->services);
	free(old);
}
