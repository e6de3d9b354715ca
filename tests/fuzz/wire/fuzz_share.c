/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Decoders of members and invitations; the first byte picks one.  What is
 * taken encodes, and what that gives is taken again and encodes to the same
 * bytes.
 */
#include "wire/share.h"

#include "trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wire_reject reject;

static void
put_list(const struct wire_share_list *list, struct dom_buffer *again)
{
	const struct wire_list_end end = {
	    .stoken = list->iterator, .done = list->done, .is_iterator = true};

	wire_list_begin(again, list->count, &end);
	for (size_t i = 0; i < list->count; i++) {
		if (list->members != NULL)
			wire_member_encode(again, &list->members[i]);
		else
			wire_invitation_encode(again, &list->invitations[i], true);
	}
	wire_list_finish(again, &end);
}

static enum dom_status
trip(uint8_t kind, struct dom_slice body, struct dom_arena *arena, struct dom_buffer *again)
{
	struct wire_invitation invitation;
	struct wire_acceptance acceptance;
	struct wire_share_list list;
	struct dom_slice profile;
	int access_level;
	enum dom_status st;

	switch (kind) {
	case 'a':
		if ((st = wire_acceptance_decode(body, &acceptance, &reject)) == DOM_OK)
			wire_acceptance_encode(again, &acceptance);
		return st;
	case 'i':
		if ((st = wire_invitation_decode(body, &invitation, &reject)) == DOM_OK)
			wire_invitation_encode(again, &invitation, false);
		return st;
	case 'l':
		if ((st = wire_access_decode(body, &access_level, &reject)) == DOM_OK)
			wire_access_encode(again, access_level);
		return st;
	case 'm':
		if ((st = wire_member_list_decode(body, arena, &list)) == DOM_OK)
			put_list(&list, again);
		return st;
	case 'p':
		if ((st = wire_profile_decode(body, &profile)) == DOM_OK)
			wire_profile_encode(again, profile);
		return st;
	default:
		if ((st = wire_invitation_list_decode(body, arena, &list)) == DOM_OK)
			put_list(&list, again);
		return st;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_trip_twice(trip, data, size);
}
