/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "client/slots.h"

#include <stdlib.h>

#include "base/bytes.h"

enum { USES_FIRST = 64 };

/* FNV-1a over text that is a keyed hash already. */
static uint64_t
hash_text(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++)
		hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return hash;
}

void
dom_slots_start(struct dom_slots *slots, struct dom_collection *collection)
{
	*slots = (struct dom_slots){.collection = collection};
}

void
dom_slots_free(struct dom_slots *slots)
{
	for (size_t i = 0; i < DOM_SLOTS_PARTS; i++)
		free(slots->parts[i].uses);
	dom_buffer_free(&slots->name);
	*slots = (struct dom_slots){0};
}

static struct dom_slot_use
pack_use(uint64_t slot, uint64_t content)
{
	/* Never all 0: the top bit of the content says that it is there. */
	return (struct dom_slot_use){
	    .words = {(uint32_t)slot, (uint32_t)(slot >> 32 & 0xff) | (uint32_t)(content << 8),
	        (uint32_t)(content >> 24) | UINT32_C(1) << 31}};
}

static bool
is_empty(const struct dom_slot_use *use)
{
	return use->words[2] == 0;
}

static bool
is_slot(const struct dom_slot_use *use, uint64_t slot)
{
	return use->words[0] == (uint32_t)slot &&
	       (use->words[1] & 0xff) == (uint32_t)(slot >> 32 & 0xff);
}

/* The place of a slot, or the empty one where it belongs.  Only 40 bits of slot count. */
static struct dom_slot_use *
find_use(struct dom_slot_use *uses, size_t room, uint64_t slot)
{
	uint32_t mixed =
	    (uint32_t)((slot & UINT64_C(0xffffffffff)) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
	size_t at = (size_t)(((uint64_t)mixed * room) >> 32);

	while (!is_empty(&uses[at]) && !is_slot(&uses[at], slot))
		at = at + 1 == room ? 0 : at + 1;
	return &uses[at];
}

/* By bits that find_use() does not look at. */
static size_t
part_of(uint64_t slot)
{
	return (size_t)(slot >> 40) % DOM_SLOTS_PARTS;
}

static enum dom_status
make_room(struct dom_slots_part *part)
{
	size_t room = part->room == 0 ? USES_FIRST : part->room / 2 * 3;
	struct dom_slot_use *uses;

	if (part->room > 0 && part->count < part->room / 6 * 5)
		return DOM_OK;
	if ((uses = calloc(room, sizeof(*uses))) == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; i < part->room; i++) {
		const struct dom_slot_use *use = &part->uses[i];

		if (!is_empty(use))
			*find_use(uses, room,
			    use->words[0] | (uint64_t)(use->words[1] & 0xff) << 32) = *use;
	}
	free(part->uses);
	part->uses = uses;
	part->room = room;
	return DOM_OK;
}

enum dom_status
dom_slots_use(struct dom_slots *slots, const struct dom_slot *slot)
{
	uint64_t hash = hash_text(slot->uid);
	struct dom_slots_part *part = &slots->parts[part_of(hash)];
	struct dom_slot_use *use;
	enum dom_status st;

	if ((st = make_room(part)) < 0)
		return st;
	use = find_use(part->uses, part->room, hash);
	part->count += is_empty(use);
	*use = pack_use(hash, hash_text(slot->fingerprint));
	return DOM_OK;
}

/* Has this import used the slot?  *same_r: with this content. */
static bool
is_used(const struct dom_slots *slots, const char *uid, const char *fingerprint, bool *same_r)
{
	uint64_t hash = hash_text(uid);
	const struct dom_slots_part *part = &slots->parts[part_of(hash)];
	const struct dom_slot_use *use;
	struct dom_slot_use same;

	*same_r = false;
	if (part->room == 0)
		return false;
	use = find_use(part->uses, part->room, hash);
	same = pack_use(hash, hash_text(fingerprint));
	*same_r = memcmp(use, &same, sizeof(same)) == 0;
	return !is_empty(use);
}

/* key || 0 || number, and beyond the numbered slots || digest. */
static enum dom_status
slot_uid(struct dom_slots *slots, const struct dom_record *record, uint32_t number,
    char uid_r[DOM_UID_TEXT_SIZE + 1])
{
	dom_buffer_clear(&slots->name);
	dom_buffer_append_slice(&slots->name, record->key);
	dom_write_u8(&slots->name, 0);
	dom_write_u32(&slots->name, number);
	if (number == DOM_SLOTS_MAX)
		dom_buffer_append(&slots->name, record->digest, sizeof(record->digest));
	if (dom_buffer_finish(&slots->name) < 0)
		return DOM_ENOMEM;
	dom_collection_record_uid(
	    slots->collection->key, dom_buffer_slice(&slots->name), uid_r);
	return DOM_OK;
}

/* How well a slot suits a record that no slot holds as it is; more is better. */
enum fit {
	FIT_NONE,
	FIT_FREE,   /* nothing there, or deleted */
	FIT_UID,    /* the record itself says that it is the same one */
	FIT_SOURCE, /* came from the same file */
};

static enum fit
fit_of(const struct dom_record *record, const struct dom_item_row *row)
{
	if (row->deleted)
		return FIT_FREE;
	if (dom_slice_is(row->source, record->source == NULL ? "" : record->source))
		return FIT_SOURCE;
	return record->key_is_uid ? FIT_UID : FIT_NONE;
}

/* Make uid the choice, for now. */
static enum dom_status
prefer(struct dom_slot *slot, const char *uid, enum fit fit, const struct dom_item_row *row)
{
	memcpy(slot->uid, uid, sizeof(slot->uid));
	slot->outcome = fit == FIT_FREE ? DOM_RECORD_NEW : DOM_RECORD_CHANGED;
	slot->chunks = row == NULL ? 0 : row->chunks;
	dom_buffer_clear(&slot->extra);
	if (row != NULL && row->extra.data != NULL)
		dom_buffer_append_slice(&slot->extra, row->extra);
	return dom_buffer_finish(&slot->extra);
}

enum dom_status
dom_slots_choose(
    struct dom_slots *slots, const struct dom_record *record, struct dom_slot *slot_r)
{
	struct dom_collection *collection = slots->collection;
	struct dom_state *state = collection->session->state;
	enum fit best = FIT_NONE;
	enum dom_status st;

	dom_collection_fingerprint(collection, record->digest, slot_r->fingerprint);
	for (uint32_t number = 0; number <= DOM_SLOTS_MAX; number++) {
		char uid[DOM_UID_TEXT_SIZE + 1];
		struct dom_item_row row;
		enum fit fit;
		bool same;

		if ((st = slot_uid(slots, record, number, uid)) < 0)
			return st;
		if (is_used(slots, uid, slot_r->fingerprint, &same)) {
			if (!same)
				continue;
			slot_r->outcome = DOM_RECORD_DUPLICATE;
			return DOM_OK;
		}
		st = dom_state_item_find(state, collection->number, dom_slice_of(uid), &row);
		if (st < 0)
			return dom_session_fail_state(collection->session, st);
		if (st == DOM_OK && !row.deleted &&
		    dom_slice_is(row.fingerprint, slot_r->fingerprint)) {
			memcpy(slot_r->uid, uid, sizeof(uid));
			slot_r->outcome = DOM_RECORD_SAME;
			return DOM_OK;
		}
		fit = st == DOM_OK ? fit_of(record, &row) : FIT_FREE;
		if (fit > best) {
			best = fit;
			if (prefer(slot_r, uid, fit, st == DOM_OK ? &row : NULL) < 0)
				return DOM_ENOMEM;
		}
		/* Slots are given out in order: behind the first empty one is nothing. */
		if (st == DOM_ABSENT && number < DOM_SLOTS_MAX)
			break;
	}
	return best == FIT_NONE ? DOM_ELIMIT : DOM_OK;
}
