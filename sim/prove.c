/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a move leaves behind: a proof for its owner, and nothing at the source. */
#include <stdio.h>
#include <string.h>

#include "base/encode.h"

#include "wire/certificate.h"
#include "wire/moves.h"

#include "sim/phone.h"
#include "sim/shuttle.h"

static void
check_certificate(
    struct phone *phone, const struct wire_moves_entry *entry, struct dom_slice bytes)
{
	const struct wire_group *group =
	    phone->world->regions[phone->region].service.settings.group;
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_certificate_view view;
	const char *why = "";

	if (wire_certificate_check(
	        bytes, dom_slice(group->key, sizeof(group->key)), arena, &view, &why) != DOM_OK)
		world_broken(
		    phone->world, "every certificate verifies", "%s: %s", phone->name, why);
	if (memcmp(view.handoff.account, phone->person->public_key, DOM_PUBLIC_KEY_SIZE) != 0 ||
	    memcmp(view.handoff.move, entry->move.data, sizeof(view.handoff.move)) != 0)
		world_broken(phone->world, "every certificate verifies",
		    "%s: it is of another move", phone->name);
	if (dom_slice_is(entry->state, "settled") && !view.has_erased)
		world_broken(phone->world, "every certificate verifies",
		    "%s: the source's copy is erased, and no receipt says so", phone->name);
	dom_arena_free(&arena);
}

bool
stock_prove(struct phone *phone)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_moves_entry *entries;
	struct answer answer, proof;
	size_t count = 0;
	bool is_good;

	phone_insist(phone, &answer, "GET", NULL, "/domicile/v1/moves/");
	is_good = is_done(&answer) && wire_moves_decode(dom_buffer_slice(&answer.body), arena,
	                                  &entries, &count) == DOM_OK;
	for (size_t i = 0; i < count && is_good; i++) {
		char hex[2 * WIRE_MOVE_ID_SIZE + 1];

		if (!entries[i].is_target || (!dom_slice_is(entries[i].state, "home") &&
		                                 !dom_slice_is(entries[i].state, "settled")))
			continue;
		dom_hex_encode(entries[i].move, hex);
		phone_insist(
		    phone, &proof, "GET", NULL, "/domicile/v1/moves/%s/certificate/", hex);
		is_good = is_done(&proof);
		if (is_good)
			check_certificate(phone, &entries[i], dom_buffer_slice(&proof.body));
		dom_buffer_free(&proof.body);
	}
	dom_buffer_free(&answer.body);
	dom_arena_free(&arena);
	return is_good;
}

bool
shuttle_has_left(struct world *world)
{
	struct oracle *oracle = world->oracle;
	struct store_account account;

	for (unsigned i = 0; i < oracle->account_count; i++) {
		dom_arena_reset(oracle->arena);
		for (unsigned j = 0; j < world->region_count; j++)
			if (j != oracle->accounts[i].home &&
			    audit_look(oracle, i, &world->regions[j], &account))
				return false;
	}
	return true;
}

void
shuttle_check_left(struct world *world)
{
	const struct oracle *oracle = world->oracle;
	unsigned found = 0;

	for (unsigned i = 0; i < oracle->item_count; i++) {
		const struct o_item *item = &oracle->items[i];
		unsigned home =
		    oracle->accounts[oracle->collections[item->collection].owner].home;

		found +=
		    sim_disk_holds(world->regions[home].disk, item->uid, strlen(item->uid));
		for (unsigned j = 0; j < world->region_count; j++)
			if (j != home && sim_disk_holds(world->regions[j].disk, item->uid,
			                     strlen(item->uid)))
				world_broken(world, "nothing of the old copy is left",
				    "item %s is on the disk of %s, at home in %s", item->uid,
				    world->regions[j].name, world->regions[home].name);
	}
	/* Else the search is at fault. */
	if (found == 0)
		world_broken(world, "nothing of the old copy is left", "nor of the new one");
}
