/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Every decoder of MessagePack bodies; the first byte picks one.  What is
 * taken encodes, and what that gives is taken again and encodes to the same
 * bytes.
 */
#include "wire/etebase.h"
#include "wire/moves.h"
#include "wire/receipt.h"
#include "wire/retention.h"
#include "wire/statement.h"

#include "trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decode and encode what was decoded. */
typedef enum dom_status round_trip(
    struct dom_slice body, struct dom_arena *arena, struct dom_buffer *again);

static struct wire_reject reject;

#define ROUND_TRIP(name, declare, decode, encode)                                              \
	static enum dom_status name(                                                           \
	    struct dom_slice body, struct dom_arena *arena, struct dom_buffer *again)          \
	{                                                                                      \
		declare;                                                                       \
		enum dom_status st = decode;                                                   \
                                                                                               \
		(void)arena;                                                                   \
		if (st == DOM_OK)                                                              \
			encode;                                                                \
		return st;                                                                     \
	}

ROUND_TRIP(signup, struct wire_signup it, wire_signup_decode(body, &it, &reject),
    wire_signup_encode(again, &it))
ROUND_TRIP(challenge_ask, struct dom_slice it, wire_challenge_ask_decode(body, &it, &reject),
    wire_challenge_ask_encode(again, it))
ROUND_TRIP(challenge, struct wire_challenge it, wire_challenge_decode(body, &it),
    wire_challenge_encode(again, &it))
ROUND_TRIP(message, struct wire_signed it, wire_signed_decode(body, &it, &reject),
    wire_signed_encode(again, &it))
ROUND_TRIP(response, struct wire_response it, wire_response_decode(body, &it, &reject),
    wire_response_encode(again, &it))
ROUND_TRIP(
    login, struct wire_login it, wire_login_decode(body, &it), wire_login_encode(again, &it))
ROUND_TRIP(collection, struct wire_collection it,
    wire_collection_decode(body, arena, &it, &reject),
    wire_collection_encode(again, &it, false))
ROUND_TRIP(collection_reply, struct wire_collection it,
    wire_collection_decode(body, arena, &it, &reject), wire_collection_encode(again, &it, true))
ROUND_TRIP(item, struct wire_item it, wire_item_decode(body, arena, &it),
    wire_item_encode(again, &it, false))
ROUND_TRIP(batch, struct wire_batch it, wire_batch_decode(body, arena, &it, &reject),
    wire_batch_encode(again, &it))
ROUND_TRIP(types, struct dom_slice *it; size_t count,
           wire_types_decode(body, arena, &it, &count, &reject),
           wire_types_encode(again, it, count))
ROUND_TRIP(updates, struct wire_dep *it; size_t count,
           wire_updates_decode(body, arena, &it, &count, &reject),
           wire_updates_encode(again, it, count))
ROUND_TRIP(signed_statement, struct wire_signed_statement it,
    wire_signed_statement_decode(body, &it), wire_signed_statement_encode(again, &it))
ROUND_TRIP(statement_key, struct wire_statement_key it, wire_statement_key_decode(body, &it),
    wire_statement_key_encode(again, &it))
ROUND_TRIP(consents, struct wire_consents it, wire_consents_decode(body, arena, &it),
    wire_consents_encode(again, &it))
ROUND_TRIP(statements, struct wire_statement_entry *it; size_t count; bool done,
           wire_statements_decode(body, arena, &it, &count, &done),
           wire_statements_encode(again, it, count, done))
ROUND_TRIP(sessions, struct wire_session *it; size_t count,
           wire_sessions_decode(body, arena, &it, &count),
           wire_sessions_encode(again, it, count))
ROUND_TRIP(region, struct wire_region it, wire_region_decode(body, &it),
    wire_region_encode(again, &it))

ROUND_TRIP(countersigned, struct wire_countersigned it, wire_countersigned_decode(body, &it),
    wire_countersigned_encode(again, &it))
ROUND_TRIP(erasure, struct wire_erasure it, wire_erasure_decode(body, &it),
    wire_erasure_encode(again, &it))
ROUND_TRIP(erasures, struct wire_erasure *it; size_t count,
           wire_erasures_decode(body, arena, &it, &count),
           wire_erasures_encode(again, it, count))

ROUND_TRIP(retention, struct wire_retention it, wire_retention_decode(body, arena, &it),
    wire_retention_encode(again, &it))

ROUND_TRIP(moves, struct wire_moves_entry *it; size_t count,
           wire_moves_decode(body, arena, &it, &count), wire_moves_encode(again, it, count))
ROUND_TRIP(plan, struct wire_move_plan it, wire_move_plan_decode(body, &it),
    wire_move_plan_encode(again, &it))
ROUND_TRIP(room_ask, struct wire_room_ask it, wire_room_ask_decode(body, &it),
    wire_room_ask_encode(again, &it))
ROUND_TRIP(room, struct wire_room it, wire_room_decode(body, &it), wire_room_encode(again, &it))
ROUND_TRIP(handoff, struct wire_signed_move it, wire_handoff_decode(body, &it),
    wire_handoff_encode(again, &it))
ROUND_TRIP(packed, struct wire_signed_move it, wire_handoff_unpack(body, &it),
    wire_handoff_pack(again, &it))
ROUND_TRIP(
    moved, struct wire_moved it, wire_moved_decode(body, &it), wire_moved_encode(again, &it))

static enum dom_status
error(struct dom_slice body, struct dom_arena *arena, struct dom_buffer *again)
{
	struct wire_error it;

	wire_error_decode(body, arena, &it);
	wire_error_encode(again, &it);
	return DOM_OK;
}

static enum dom_status
list(struct dom_slice body, enum wire_list_kind kind, struct dom_arena *arena,
    struct dom_buffer *again)
{
	struct wire_list it;
	struct wire_list_end end;
	enum dom_status st = wire_list_decode(body, kind, arena, &it);

	if (st != DOM_OK)
		return st;
	end = (struct wire_list_end){.stoken = it.stoken,
	    .done = it.done,
	    .is_iterator = kind == WIRE_LIST_REVISIONS,
	    .removed = it.removed,
	    .removed_count = it.removed_count};
	wire_list_begin(again, it.count, &end);
	for (size_t i = 0; i < it.count; i++) {
		if (kind == WIRE_LIST_COLLECTIONS)
			wire_collection_encode(again, &it.collections[i], true);
		else if (kind == WIRE_LIST_ITEMS)
			wire_item_encode(again, &it.items[i], true);
		else
			wire_revision_encode(again, &it.revisions[i]);
	}
	wire_list_finish(again, &end);
	return DOM_OK;
}

static enum dom_status
collections(struct dom_slice body, struct dom_arena *arena, struct dom_buffer *again)
{
	return list(body, WIRE_LIST_COLLECTIONS, arena, again);
}

static enum dom_status
items(struct dom_slice body, struct dom_arena *arena, struct dom_buffer *again)
{
	return list(body, WIRE_LIST_ITEMS, arena, again);
}

static enum dom_status
revisions(struct dom_slice body, struct dom_arena *arena, struct dom_buffer *again)
{
	return list(body, WIRE_LIST_REVISIONS, arena, again);
}

/* In the order of the letters that start the corpus's files. */
static round_trip *const trips[] = {signup, challenge_ask, challenge, message, response, login,
    collection, collection_reply, item, batch, types, updates, signed_statement, statement_key,
    consents, statements, sessions, region, error, collections, items, revisions, countersigned,
    erasure, erasures, retention, moves, plan, room_ask, room, handoff, packed, moved};

static enum dom_status
trip(uint8_t kind, struct dom_slice body, struct dom_arena *arena, struct dom_buffer *again)
{
	return trips[kind % (sizeof(trips) / sizeof(trips[0]))](body, arena, again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_trip_twice(trip, data, size);
}
