/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What regions say to each other, and devices about moves; the first byte picks one.  What is
 * taken encodes to something that is taken, and that to the same bytes.
 */
#include "wire/moves.h"
#include "wire/peer.h"

#include "trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum dom_status
trip_peer(
    uint8_t kind, struct dom_slice body, struct dom_arena *arena, struct dom_buffer *again)
{
	struct wire_peer_records records;
	struct wire_peer_frozen frozen;
	struct wire_peer_status status;
	struct wire_peer_chunk *chunks;
	struct wire_signed_move message;
	struct wire_peer_home *homes;
	struct wire_peer_offer offer;
	size_t count;
	bool ended;
	enum dom_status st;

	switch (kind) {
	case 'o':
		if ((st = wire_peer_offer_decode(body, &offer)) == DOM_OK)
			wire_peer_offer_encode(again, &offer);
		return st;
	case 'r':
		if ((st = wire_peer_records_decode(body, &records)) == DOM_OK)
			wire_peer_records_encode(again, &records);
		return st;
	case 'k':
		if ((st = wire_peer_chunks_decode(body, arena, &chunks, &count)) == DOM_OK)
			wire_peer_chunks_encode(again, chunks, count);
		return st;
	case 'f':
		if ((st = wire_peer_frozen_decode(body, &frozen)) == DOM_OK)
			wire_peer_frozen_encode(again, &frozen);
		return st;
	case 's':
		if ((st = wire_peer_status_decode(body, &status)) == DOM_OK)
			wire_peer_status_encode(again, &status);
		return st;
	case 'm':
		if ((st = wire_peer_message_decode(body, &message)) == DOM_OK)
			wire_peer_message_encode(again, &message);
		return st;
	default:
		st = wire_peer_homes_decode(body, arena, &ended, &homes, &count);
		if (st == DOM_OK)
			wire_peer_homes_encode(again, ended, homes, count);
		return st;
	}
}

static enum dom_status
trip(uint8_t kind, struct dom_slice body, struct dom_arena *arena, struct dom_buffer *again)
{
	struct wire_signed_move handoff;
	struct wire_moves_entry *moves;
	struct wire_room_ask question;
	struct wire_move_plan plan;
	struct wire_moved moved;
	struct wire_room room;
	size_t count;
	enum dom_status st;

	switch (kind) {
	case 'M':
		if ((st = wire_moves_decode(body, arena, &moves, &count)) == DOM_OK)
			wire_moves_encode(again, moves, count);
		return st;
	case 'P':
		if ((st = wire_move_plan_decode(body, &plan)) == DOM_OK)
			wire_move_plan_encode(again, &plan);
		return st;
	case 'Q':
		if ((st = wire_room_ask_decode(body, &question)) == DOM_OK)
			wire_room_ask_encode(again, &question);
		return st;
	case 'R':
		if ((st = wire_room_decode(body, &room)) == DOM_OK)
			wire_room_encode(again, &room);
		return st;
	case 'H':
		if ((st = wire_handoff_decode(body, &handoff)) == DOM_OK)
			wire_handoff_encode(again, &handoff);
		return st;
	case 'U':
		if ((st = wire_handoff_unpack(body, &handoff)) == DOM_OK)
			wire_handoff_pack(again, &handoff);
		return st;
	case 'V':
		if ((st = wire_moved_decode(body, &moved)) == DOM_OK)
			wire_moved_encode(again, &moved);
		return st;
	default:
		return trip_peer(kind, body, arena, again);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_trip_twice(trip, data, size);
}
