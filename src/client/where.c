/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Where the account lives, and how far away that is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <domicile/consent.h>

#include "client/follow.h"
#include "client/group.h"
#include "client/move_parts.h"

enum { SAMPLES = 5 };

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int
compare(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* The first request opens the connection and does not count. */
enum dom_status
dom_move_measure(struct dom_session *session, char release_r[65], int64_t *round_trip_us_r)
{
	int64_t samples[SAMPLES + 1];
	struct wire_region region;
	enum dom_status st = DOM_OK;

	for (int i = 0; i <= SAMPLES && st == DOM_OK; i++) {
		struct dom_call *call = dom_call_new(session, "GET", "domicile/v1/region/");
		int64_t begun_us = now_us();

		if (call == NULL)
			return dom_session_fail(
			    session, DOM_ENOMEM, "There is not enough memory");
		call->anonymous = call->stays = true;
		st = dom_call_run(call);
		samples[i] = now_us() - begun_us;
		if (st == DOM_OK && wire_region_decode(dom_call_reply(call), &region) == DOM_OK)
			dom_move_text(region.release, release_r, 65);
		else if (st == DOM_OK || st == DOM_ABSENT)
			st = dom_session_fail(session, DOM_ESERVER,
			    "%s is not a domicile region (it may be another Etebase server)",
			    session->server_url);
		dom_call_free(&call);
	}
	if (st == DOM_OK) {
		qsort(samples + 1, SAMPLES, sizeof(samples[0]), compare);
		*round_trip_us_r = samples[1 + SAMPLES / 2];
	}
	return st;
}

static void
show_group(const struct wire_group *group, struct dom_where *where)
{
	const struct wire_group_region *ours =
	    wire_group_find(group, dom_slice_of(where->region));
	const size_t most = sizeof(where->regions) / sizeof(where->regions[0]);

	dom_move_text(group->name, where->group, sizeof(where->group));
	memcpy(where->group_key, group->key, sizeof(where->group_key));
	where->group_version = group->version;
	for (size_t i = 0; ours != NULL && i < ours->address_count; i++)
		dom_move_text(ours->addresses[i], where->addresses[where->address_count++],
		    sizeof(where->addresses[0]));
	if (ours != NULL)
		dom_move_text(ours->country, where->country, sizeof(where->country));
	for (size_t i = 0; i < group->region_count && where->region_count < most; i++) {
		if (&group->regions[i] != ours &&
		    (group->regions[i].flags & WIRE_REGION_TAKES) != 0)
			dom_move_text(group->regions[i].name,
			    where->regions[where->region_count++], sizeof(where->regions[0]));
	}
}

/* A request of the account itself: it is what follows the account when it has moved. */
static enum dom_status
ask_home(struct dom_session *session)
{
	struct dom_device *devices = NULL;
	size_t count;
	enum dom_status st = dom_devices(session, &devices, &count);

	free(devices);
	return st;
}

enum dom_status
dom_where(struct dom_session *session, struct dom_where *where_r)
{
	const struct wire_group *group;
	const char *region;
	enum dom_status st;

	*where_r = (struct dom_where){0};
	if ((st = ask_home(session)) != DOM_OK ||
	    (st = dom_session_region(session, &region)) != DOM_OK ||
	    (st = dom_region_key(session, where_r->region_key)) != DOM_OK ||
	    (st = dom_follow_epoch(session, &where_r->epoch)) != DOM_OK)
		return st;
	snprintf(where_r->region, sizeof(where_r->region), "%s", region);
	snprintf(where_r->server, sizeof(where_r->server), "%s", session->server_url);
	if ((st = dom_group_learn(session, true, &group)) == DOM_OK)
		show_group(group, where_r);
	else if (st == DOM_ABSENT)
		session->error[0] = '\0';
	if (st < 0)
		return st;
	return dom_move_measure(session, where_r->release, &where_r->round_trip_us);
}
