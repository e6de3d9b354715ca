/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What was written, and so what each snapshot must show. */
#include <stdlib.h>

#include "rules.h"

/* Notes with a number of at most clock: they are sorted by it. */
static uint32_t
count_until(const struct place *place, uint64_t clock)
{
	uint32_t low = 0, high = place->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (place->notes[middle].clock <= clock)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint64_t
model_items_clock_locked(const struct place *place, uint64_t clock)
{
	uint32_t count = count_until(place, clock);

	return count == 0 ? 0 : place->notes[count - 1].clock;
}

uint64_t
model_place_clock_locked(const struct place *place, uint64_t clock)
{
	uint64_t items = model_items_clock_locked(place, clock);

	return items > place->members_clock ? items : place->members_clock;
}

/* The note of the item that is current at clock; NULL: it did not exist. */
static const struct note *
current(const struct place *place, unsigned item, uint64_t clock)
{
	uint32_t at = place->current[item];

	while (at != 0 && place->notes[at - 1].clock > clock)
		at = place->notes[at - 1].previous;
	return at == 0 ? NULL : &place->notes[at - 1];
}

uint64_t
model_etag_locked(const struct place *place, unsigned item, uint64_t clock)
{
	const struct note *note = current(place, item, clock);

	return note == NULL ? 0 : note->revision;
}

void
model_note_locked(struct place *place, unsigned item, uint64_t revision, uint64_t clock)
{
	struct note *note;

	if (place->count == place->room) {
		place->room = place->room == 0 ? 1024 : place->room * 2;
		place->notes = realloc(place->notes, place->room * sizeof(*place->notes));
		RULE(place->notes != NULL, "no memory");
	}
	note = &place->notes[place->count++];
	*note = (struct note){.clock = clock,
	    .revision = revision,
	    .item = item,
	    .previous = place->current[item]};
	if (note->previous != 0)
		place->notes[note->previous - 1].next = place->count;
	place->current[item] = place->count;
}

void
model_end_locked(struct user *owner, uint64_t clock)
{
	if (clock >= owner->is_end_room) {
		size_t room = clock * 2 + 1024;

		owner->is_end = realloc(owner->is_end, room * sizeof(*owner->is_end));
		RULE(owner->is_end != NULL, "no memory");
		memset(owner->is_end + owner->is_end_room, 0, room - owner->is_end_room);
		owner->is_end_room = room;
	}
	owner->is_end[clock] = true;
	owner->clock = clock;
}

size_t
model_items(struct world *world, const struct place *place, uint64_t after, uint64_t clock,
    bool with_main, struct model_row *rows_r, size_t room)
{
	struct user *owner = &world->users[place->owner];
	size_t count = 0;

	pthread_mutex_lock(&owner->lock);
	for (uint32_t i = count_until(place, after), end = count_until(place, clock); i < end;
	     i++) {
		const struct note *note = &place->notes[i];

		if ((note->next != 0 && place->notes[note->next - 1].clock <= clock) ||
		    (note->item == 0 && !with_main))
			continue;
		if (count < room)
			rows_r[count] = (struct model_row){.item = note->item,
			    .clock = note->clock,
			    .revision = note->revision};
		count++;
	}
	pthread_mutex_unlock(&owner->lock);
	return count;
}

size_t
model_history(struct world *world, const struct place *place, unsigned item, uint64_t clock,
    struct model_row *rows_r, size_t room)
{
	struct user *owner = &world->users[place->owner];
	const struct note *note;
	size_t count = 0;

	pthread_mutex_lock(&owner->lock);
	note = current(place, item, clock);
	while (note != NULL) {
		if (count < room)
			rows_r[count] = (struct model_row){
			    .item = item, .clock = note->clock, .revision = note->revision};
		count++;
		note = note->previous == 0 ? NULL : &place->notes[note->previous - 1];
	}
	pthread_mutex_unlock(&owner->lock);
	return count;
}
