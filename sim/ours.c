/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a phone that runs libdomicile does with its account: by the public functions alone. */
#include "sim/ours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <domicile/collection.h>
#include <domicile/consent.h>
#include <domicile/move.h>
#include <domicile/session.h>

static const char *const names[] = {"contacts", "calendar", "messages"};

/* --- what it does --------------------------------------------------------------------------
 */

static bool
turn_on(struct phone *phone)
{
	static const char *const types[] = {"sim.contacts", "sim.calendar", "sim.messages"};
	unsigned which = (unsigned)sim_random_below(&phone->random, ORACLE_SERVICES);
	struct dom_catalogue *catalogue = NULL;
	struct dom_consent consent = {
	    .types = &types[which % 3], .type_count = which == ORACLE_SERVICES - 1 ? 0 : 1};
	bool was_done = ours_said(phone, dom_catalogue_ask(phone->session, &catalogue));

	if (was_done) {
		consent.entry = dom_catalogue_find(catalogue, oracle_services[which]);
		was_done = ours_said(phone, dom_consent_give(phone->session, &consent));
	}
	dom_catalogue_free(&catalogue);
	return was_done;
}

static bool
turn_off(struct phone *phone)
{
	return ours_said(
	    phone, dom_consent_withdraw(phone->session,
	               oracle_services[sim_random_below(&phone->random, ORACLE_SERVICES)],
	               DOM_KEEP, NULL));
}

static bool
put(struct phone *phone)
{
	static const char *const types[] = {"sim.contacts", "sim.calendar", "sim.messages"};
	unsigned which = (unsigned)sim_random_below(&phone->random, 3);
	struct dom_collection *collection = NULL;
	uint8_t content[3000];
	char uid[33], known[33];
	struct dom_item_new item = {.name = "an item",
	    .content = dom_slice(content, sim_random_below(&phone->random, sizeof(content)))};
	bool was_done;

	sim_random_fill(&phone->random, content, sizeof(content));
	/* Some of them are everybody's: so that phones meet. */
	snprintf(known, sizeof(known), "an-item-of-%s-%020u", names[which],
	    (unsigned)sim_random_below(&phone->random, 4));
	if (sim_random_one_in(&phone->random, 2))
		item.uid = known;
	was_done = ours_said(phone, dom_collection_ensure(phone->session, names[which],
	                                types[which], &collection)) &&
	           ours_said(phone, dom_item_put(collection, &item, uid));
	dom_collection_free(&collection);
	return was_done;
}

static bool
synchronise(struct phone *phone)
{
	struct dom_move_found found;
	bool was_done = ours_said(phone, dom_sync(phone->session));

	if (was_done)
		ours_check_index(phone);
	if (was_done && dom_move_pending(phone->session))
		(void)ours_said(phone, dom_move_acknowledge(phone->session, &found));
	return was_done;
}

static enum dom_status
take_begin(void *context, const struct dom_item_info *info)
{
	(void)context, (void)info;
	return DOM_OK;
}

static enum dom_status
take_data(void *context, struct dom_slice bytes)
{
	(void)context, (void)bytes;
	return DOM_OK;
}

/* Each is decrypted and checked by the library. */
static enum dom_status
take_end(void *context, const struct dom_item_info *info, enum dom_status status)
{
	struct phone *phone = context;

	if (status == DOM_EINTEGRITY)
		world_broken(phone->world, "what was stored can be read", "item %s by %s",
		    info->uid, phone->name);
	return DOM_OK;
}

static bool
fetch(struct phone *phone)
{
	const struct dom_fetch_sink sink = {take_begin, take_data, take_end, phone};
	struct dom_collection *collection = NULL;
	bool was_done =
	    dom_collection_find(phone->session, names[sim_random_below(&phone->random, 3)],
	        &collection) == DOM_OK &&
	    ours_said(phone, dom_collection_fetch(collection, &sink));

	dom_collection_free(&collection);
	return was_done;
}

static bool
order_move(struct phone *phone)
{
	struct world *world = phone->world;
	struct dom_move_order order = {
	    .target =
	        world->regions[sim_random_below(&phone->random, world->region_count)].name,
	    .leave_shared = true};
	char id[DOM_MOVE_ID_TEXT_SIZE + 1];

	return ours_said(phone, dom_move_order(phone->session, &order, id));
}

bool
ours_act(struct phone *phone, enum action_kind action)
{
	if (!ours_open(phone))
		return false;
	switch (action) {
	case ACTION_ON:
		return turn_on(phone);
	case ACTION_OFF:
		return turn_off(phone);
	case ACTION_WRITE:
	case ACTION_TRANSACTION:
	case ACTION_CHUNK:
	case ACTION_CREATE:
		return put(phone);
	case ACTION_SYNC:
		return synchronise(phone);
	case ACTION_READ:
	case ACTION_LIST:
		return fetch(phone);
	case ACTION_LOGIN:
		return ours_restart(phone);
	case ACTION_LOGOUT:
		return ours_log_out(phone);
	case ACTION_MOVE:
		return order_move(phone);
	case ACTION_MOVE_CANCEL:
		return ours_said(phone, dom_move_cancel(phone->session, NULL));
	default:
		return false;
	}
}
