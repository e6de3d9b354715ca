/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_SLOTS_H
#define CLIENT_SLOTS_H

#include "client/client.h"

/*
 * Where a record of an import goes.  Records that share a key have slots of
 * that key, numbered from 0: the item whose uid is made of the key and the
 * number.  DESIGN.md, "Slots", has the rules and why they are enough.
 */
enum {
	/*
	 * Slots of one key.  Beyond, a record's slot is made of its content: it is
	 * new or the same, never changed.  This bounds the work on a file with many
	 * records of one key.
	 */
	DOM_SLOTS_MAX = 256,
};

/*
 * A slot that this import used, and with what content: 40 bits of the hash of
 * its uid, 56 of its fingerprint's.  A backup has a million of them at times,
 * so they are packed.
 */
struct dom_slot_use {
	uint32_t words[3]; /* all 0: empty */
};
/* Open addressing; in parts, so that growing needs little room beside it. */
enum { DOM_SLOTS_PARTS = 32 };
struct dom_slots_part {
	struct dom_slot_use *uses;
	size_t count, room;
};
struct dom_slots {
	struct dom_collection *collection;
	struct dom_slots_part parts[DOM_SLOTS_PARTS];
	struct dom_buffer name; /* scratch */
};

struct dom_slot {
	char uid[DOM_UID_TEXT_SIZE + 1];
	char fingerprint[DOM_UID_TEXT_SIZE + 1];
	enum dom_record_outcome outcome;
	uint64_t chunks;         /* of the item as it is, if it changes */
	struct dom_buffer extra; /* metadata of other apps on that item */
};

void dom_slots_start(struct dom_slots *slots, struct dom_collection *collection);
void dom_slots_free(struct dom_slots *slots);
/* Decide; marks nothing.  slot_r->extra is reused, and freed by the caller. */
DOM_MUST_CHECK enum dom_status dom_slots_choose(
    struct dom_slots *slots, const struct dom_record *record, struct dom_slot *slot_r);
/* The record went there. */
DOM_MUST_CHECK enum dom_status dom_slots_use(
    struct dom_slots *slots, const struct dom_slot *slot);

#endif
