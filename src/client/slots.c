/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "client/slots.h"

#include <stdlib.h>

#include "base/bytes.h"

enum { USES_FIRST = 1024 };

/* FNV-1a over text that is a keyed hash already; never 0. */
static uint64_t
hash_text(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++)
		hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return hash == 0 ? 1 : hash;
}

void
dom_slots_start(struct dom_slots *slots, struct dom_collection *collection)
{
	*slots = (struct dom_slots){.collection = collection};
}

void
dom_slots_free(struct dom_slots *slots)
{
	free(slots->uses);
	dom_buffer_free(&slots->name);
	*slots = (struct dom_slots){0};
}

/* The place of a slot, or the empty one where it belongs. */
static struct dom_slot_use *
find_use(struct dom_slot_use *uses, size_t room, uint64_t slot)
{
	size_t at = (size_t)(slot * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (room - 1);

	while (uses[at].slot != 0 && uses[at].slot != slot)
		at = (at + 1) & (room - 1);
	return &uses[at];
}

static enum dom_status
make_room(struct dom_slots *slots)
{
	size_t room = slots->use_room == 0 ? USES_FIRST : 2 * slots->use_room;
	struct dom_slot_use *uses;

	if (slots->use_room > 0 && slots->use_count < slots->use_room / 4 * 3)
		return DOM_OK;
	if ((uses = calloc(room, sizeof(*uses))) == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; i < slots->use_room; i++)
		if (slots->uses[i].slot != 0)
			*find_use(uses, room, slots->uses[i].slot) = slots->uses[i];
	free(slots->uses);
	slots->uses = uses;
	slots->use_room = room;
	return DOM_OK;
}

enum dom_status
dom_slots_use(struct dom_slots *slots, const struct dom_slot *slot)
{
	struct dom_slot_use *use;
	enum dom_status st;

	if ((st = make_room(slots)) < 0)
		return st;
	use = find_use(slots->uses, slots->use_room, hash_text(slot->uid));
	slots->use_count += use->slot == 0;
	*use = (struct dom_slot_use){
	    .slot = hash_text(slot->uid), .content = hash_text(slot->fingerprint)};
	return DOM_OK;
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
	uint64_t content;
	enum dom_status st;

	dom_collection_fingerprint(collection, record->digest, slot_r->fingerprint);
	content = hash_text(slot_r->fingerprint);
	for (uint32_t number = 0; number <= DOM_SLOTS_MAX; number++) {
		char uid[DOM_UID_TEXT_SIZE + 1];
		struct dom_item_row row;
		enum fit fit;

		if ((st = slot_uid(slots, record, number, uid)) < 0)
			return st;
		if (slots->use_room > 0) {
			const struct dom_slot_use *use =
			    find_use(slots->uses, slots->use_room, hash_text(uid));

			if (use->slot != 0 && use->content == content) {
				slot_r->outcome = DOM_RECORD_DUPLICATE;
				return DOM_OK;
			}
			if (use->slot != 0)
				continue;
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
