/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a move leaves behind: a proof for its owner, and nothing at the source. */
#include <assert.h>
#include <stdlib.h>
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

/* --- all names in one pass over a disk ------------------------------------------------ */

enum {
	HEAD = 8, /* bytes of a name that are looked at first */
	SLOTS = 1 << 14,
	MARKS = 1 << 16,
};

struct search {
	const struct oracle *oracle;
	unsigned *slots;     /* items by their heads, from 1 */
	uint8_t *marks;      /* bits: heads that may be one's */
	uint8_t *is_found;   /* by item, one for each disk */
	unsigned disk_count; /* looked at so far */
};

static uint64_t
head_hash(const uint8_t *at)
{
	uint64_t head;

	memcpy(&head, at, HEAD);
	return head * UINT64_C(0x9e3779b97f4a7c15);
}

static unsigned
slot_of(uint64_t hash)
{
	return (unsigned)(hash >> 20) % SLOTS;
}

static void
search_begin(struct search *search, const struct oracle *oracle)
{
	*search = (struct search){.oracle = oracle,
	    .slots = calloc(SLOTS, sizeof(*search->slots)),
	    .marks = calloc(MARKS / 8, 1),
	    .is_found = calloc(oracle->item_count + 1, 1)};
	if (search->slots == NULL || search->marks == NULL || search->is_found == NULL)
		abort();
	assert(oracle->item_count < SLOTS / 2);
	for (unsigned i = 0; i < oracle->item_count; i++) {
		uint64_t hash = head_hash((const uint8_t *)oracle->items[i].uid);
		unsigned slot = slot_of(hash), mark = hash >> 48;

		assert(strlen(oracle->items[i].uid) >= HEAD);
		search->marks[mark / 8] |= (uint8_t)(1u << mark % 8);
		while (search->slots[slot] != 0)
			slot = (slot + 1) % SLOTS;
		search->slots[slot] = i + 1;
	}
}

static void
search_end(struct search *search)
{
	free(search->slots);
	free(search->marks);
	free(search->is_found);
}

static void
search_file(void *context, const uint8_t *data, size_t size)
{
	struct search *search = context;

	for (size_t at = 0; at + HEAD <= size; at++) {
		uint64_t hash = head_hash(data + at);
		unsigned mark = hash >> 48;

		if ((search->marks[mark / 8] >> mark % 8 & 1) == 0)
			continue;
		for (unsigned slot = slot_of(hash); search->slots[slot] != 0;
		     slot = (slot + 1) % SLOTS) {
			unsigned item = search->slots[slot] - 1;
			const char *uid = search->oracle->items[item].uid;
			size_t length = strlen(uid);

			if (length <= size - at && memcmp(data + at, uid, length) == 0)
				search->is_found[item] |= (uint8_t)(1u << search->disk_count);
		}
	}
}

void
shuttle_check_left(struct world *world)
{
	const struct oracle *oracle = world->oracle;
	struct search search;
	unsigned found = 0;

	search_begin(&search, oracle);
	for (unsigned i = 0; i < world->region_count; i++) {
		sim_disk_each_file(world->regions[i].disk, search_file, &search);
		search.disk_count++;
	}
	for (unsigned i = 0; i < oracle->item_count; i++) {
		const struct o_item *item = &oracle->items[i];
		unsigned home =
		    oracle->accounts[oracle->collections[item->collection].owner].home;

		found += search.is_found[i] >> home & 1;
		for (unsigned j = 0; j < world->region_count; j++)
			if (j != home && (search.is_found[i] >> j & 1) != 0)
				world_broken(world, "nothing of the old copy is left",
				    "item %s is on the disk of %s, at home in %s", item->uid,
				    world->regions[j].name, world->regions[home].name);
	}
	search_end(&search);
	/* Else the search is at fault. */
	if (found == 0)
		world_broken(world, "nothing of the old copy is left", "nor of the new one");
}
