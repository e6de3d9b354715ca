/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Bodies about moving: what devices ask and are told. */
#include "wire/moves.h"

#include <assert.h>

#include "base/bytes.h"

#include "crypto/keys.h"

#include "wire/decode.h"
#include "wire/group.h"

static const char moved_code[] = "account_moved";

enum { USERNAME_SIZE_MAX = 1024 };

#define FIELD(type, name, read, member, least, most)                                           \
	{                                                                                      \
		name, read, offsetof(struct type, member), least, most, false                  \
	}
#define COUNTED(type, name, member) FIELD(type, name, wire_read_uint64, member, 0, INT64_MAX)
#define TIMED(type, name, member) FIELD(type, name, wire_read_int64, member, 0, INT64_MAX)
#define SAID(type, name, member, most) FIELD(type, name, wire_read_text, member, 0, most)

/* --- writing --------------------------------------------------------------------- */

static void
put_text(struct dom_buffer *body, const char *name, struct dom_slice text)
{
	dom_pack_put_text(body, name);
	dom_pack_put_str(body, text);
}

static void
put_bytes(struct dom_buffer *body, const char *name, struct dom_slice bytes)
{
	dom_pack_put_text(body, name);
	dom_pack_put_bin(body, bytes);
}

static void
put_count(struct dom_buffer *body, const char *name, uint64_t count)
{
	dom_pack_put_text(body, name);
	dom_pack_put_int(body, (int64_t)count);
}

static void
put_bool(struct dom_buffer *body, const char *name, bool value)
{
	dom_pack_put_text(body, name);
	dom_pack_put_bool(body, value);
}

/* --- moves/ ------------------------------------------------------------------------ */

static void
read_side(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct dom_slice text = {0};

	wire_read_text(decoder, field, &text);
	*(bool *)target = dom_slice_is(text, "target");
	if (!*(bool *)target && !dom_slice_is(text, "source"))
		wire_decoder_fail(decoder, DOM_EINPUT, "must be source or target");
}

static void
take_entry(struct wire_decoder *decoder, void *element)
{
	static const struct wire_field fields[] = {
	    FIELD(wire_moves_entry, "move", wire_read_bytes, move, WIRE_MOVE_ID_SIZE,
	        WIRE_MOVE_ID_SIZE),
	    FIELD(wire_moves_entry, "side", read_side, is_target, 1, WIRE_MOVE_WORD_SIZE_MAX),
	    FIELD(wire_moves_entry, "state", wire_read_text, state, 1, WIRE_MOVE_WORD_SIZE_MAX),
	    FIELD(wire_moves_entry, "source", wire_read_text, source, 1, WIRE_REGION_SIZE_MAX),
	    FIELD(wire_moves_entry, "target", wire_read_text, target, 1, WIRE_REGION_SIZE_MAX),
	    COUNTED(wire_moves_entry, "epoch", epoch),
	    COUNTED(wire_moves_entry, "bytes", bytes),
	    COUNTED(wire_moves_entry, "bytesTotal", bytes_total),
	    COUNTED(wire_moves_entry, "attempts", attempts),
	    TIMED(wire_moves_entry, "started", started_ms),
	    TIMED(wire_moves_entry, "changed", changed_ms),
	    SAID(wire_moves_entry, "why", why, WIRE_MOVE_WHY_SIZE_MAX),
	};

	wire_read_map(decoder, fields, WIRE_COUNT(fields), element);
}

struct entries {
	struct wire_moves_entry *entries;
	size_t count;
};

static void
read_entries(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct entries *entries = target;

	(void)field;
	entries->entries = wire_read_array(
	    decoder, sizeof(*entries->entries), 1, WIRE_MOVES_MAX, take_entry, &entries->count);
}

enum dom_status
wire_moves_decode(struct dom_slice body, struct dom_arena *arena,
    struct wire_moves_entry **entries_r, size_t *count_r)
{
	static const struct wire_field fields[] = {
	    {"moves", read_entries, 0, 0, 0, false},
	};
	struct wire_decoder decoder = wire_decoder_over(body, arena, NULL);
	struct entries entries = {0};

	wire_read_map(&decoder, fields, WIRE_COUNT(fields), &entries);
	*entries_r = entries.entries;
	*count_r = entries.count;
	return wire_decoder_finish(&decoder);
}

void
wire_moves_encode(struct dom_buffer *body, const struct wire_moves_entry *entries, size_t count)
{
	dom_pack_put_map(body, 1);
	dom_pack_put_text(body, "moves");
	dom_pack_put_array(body, count);
	for (size_t i = 0; i < count; i++) {
		const struct wire_moves_entry *entry = &entries[i];

		assert(entry->move.size == WIRE_MOVE_ID_SIZE);
		dom_pack_put_map(body, 12);
		put_bytes(body, "move", entry->move);
		put_text(body, "side", dom_slice_of(entry->is_target ? "target" : "source"));
		put_text(body, "state", entry->state);
		put_text(body, "source", entry->source);
		put_text(body, "target", entry->target);
		put_count(body, "epoch", entry->epoch);
		put_count(body, "bytes", entry->bytes);
		put_count(body, "bytesTotal", entry->bytes_total);
		put_count(body, "attempts", entry->attempts);
		put_count(body, "started", (uint64_t)entry->started_ms);
		put_count(body, "changed", (uint64_t)entry->changed_ms);
		put_text(body, "why", entry->why);
	}
}

/* --- moves/plan/ and moves/room/ ----------------------------------------------------- */

enum dom_status
wire_move_plan_decode(struct dom_slice body, struct wire_move_plan *plan_r)
{
	static const struct wire_field fields[] = {
	    FIELD(wire_move_plan, "lets", wire_read_bool, lets, 0, 0),
	    FIELD(wire_move_plan, "takes", wire_read_bool, takes, 0, 0),
	    SAID(wire_move_plan, "why", why, WIRE_MOVE_WHY_SIZE_MAX),
	    COUNTED(wire_move_plan, "bytes", bytes),
	    COUNTED(wire_move_plan, "items", items),
	    COUNTED(wire_move_plan, "chunks", chunks),
	    COUNTED(wire_move_plan, "shared", shared),
	    COUNTED(wire_move_plan, "memberships", memberships),
	    COUNTED(wire_move_plan, "epoch", epoch),
	    FIELD(wire_move_plan, "graceMin", wire_read_uint64, grace_min_days, 0,
	        WIRE_GRACE_DAYS_MAX),
	    FIELD(wire_move_plan, "graceMax", wire_read_uint64, grace_max_days, 0,
	        WIRE_GRACE_DAYS_MAX),
	    TIMED(wire_move_plan, "now", now_ms),
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, NULL);

	*plan_r = (struct wire_move_plan){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), plan_r);
	return wire_decoder_finish(&decoder);
}

void
wire_move_plan_encode(struct dom_buffer *body, const struct wire_move_plan *plan)
{
	dom_pack_put_map(body, 12);
	put_bool(body, "lets", plan->lets);
	put_bool(body, "takes", plan->takes);
	put_text(body, "why", plan->why);
	put_count(body, "bytes", plan->bytes);
	put_count(body, "items", plan->items);
	put_count(body, "chunks", plan->chunks);
	put_count(body, "shared", plan->shared);
	put_count(body, "memberships", plan->memberships);
	put_count(body, "epoch", plan->epoch);
	put_count(body, "graceMin", plan->grace_min_days);
	put_count(body, "graceMax", plan->grace_max_days);
	put_count(body, "now", (uint64_t)plan->now_ms);
}

enum dom_status
wire_room_ask_decode(struct dom_slice body, struct wire_room_ask *ask_r)
{
	static const struct wire_field fields[] = {
	    FIELD(wire_room_ask, "username", wire_read_text, username, 1, USERNAME_SIZE_MAX),
	    {"email", wire_read_text, offsetof(struct wire_room_ask, email), 1,
	        USERNAME_SIZE_MAX, true},
	    {"identity", wire_read_bytes, offsetof(struct wire_room_ask, identity),
	        DOM_PUBLIC_KEY_SIZE, DOM_PUBLIC_KEY_SIZE, true},
	    COUNTED(wire_room_ask, "bytes", bytes),
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, NULL);

	*ask_r = (struct wire_room_ask){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), ask_r);
	return wire_decoder_finish(&decoder);
}

void
wire_room_ask_encode(struct dom_buffer *body, const struct wire_room_ask *ask)
{
	dom_pack_put_map(
	    body, 2 + (size_t)(ask->email.data != NULL) + (size_t)(ask->identity.data != NULL));
	put_text(body, "username", ask->username);
	if (ask->email.data != NULL)
		put_text(body, "email", ask->email);
	if (ask->identity.data != NULL)
		put_bytes(body, "identity", ask->identity);
	put_count(body, "bytes", ask->bytes);
}

enum dom_status
wire_room_decode(struct dom_slice body, struct wire_room *room_r)
{
	static const struct wire_field fields[] = {
	    FIELD(wire_room, "takes", wire_read_bool, takes, 0, 0),
	    SAID(wire_room, "why", why, WIRE_MOVE_WHY_SIZE_MAX),
	    TIMED(wire_room, "now", now_ms),
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, NULL);

	*room_r = (struct wire_room){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), room_r);
	return wire_decoder_finish(&decoder);
}

void
wire_room_encode(struct dom_buffer *body, const struct wire_room *room)
{
	dom_pack_put_map(body, 3);
	put_bool(body, "takes", room->takes);
	put_text(body, "why", room->why);
	put_count(body, "now", (uint64_t)room->now_ms);
}

/* --- moves/proposal/ ------------------------------------------------------------------ */

enum dom_status
wire_proposal_decode(struct dom_slice body, struct wire_proposal *proposal_r)
{
	static const struct wire_field fields[] = {
	    FIELD(wire_proposal, "target", wire_read_text, target, 1, WIRE_REGION_SIZE_MAX),
	    TIMED(wire_proposal, "told", told_ms),
	    TIMED(wire_proposal, "begins", begins_ms),
	    FIELD(wire_proposal, "grace", wire_read_uint64, grace_days, 0, WIRE_GRACE_DAYS_MAX),
	    FIELD(wire_proposal, "answer", wire_read_text, answer, 1, WIRE_MOVE_WORD_SIZE_MAX),
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, NULL);

	*proposal_r = (struct wire_proposal){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), proposal_r);
	return wire_decoder_finish(&decoder);
}

void
wire_proposal_encode(struct dom_buffer *body, const struct wire_proposal *proposal)
{
	dom_pack_put_map(body, 5);
	put_text(body, "target", proposal->target);
	put_count(body, "told", (uint64_t)proposal->told_ms);
	put_count(body, "begins", (uint64_t)proposal->begins_ms);
	put_count(body, "grace", proposal->grace_days);
	put_text(body, "answer", proposal->answer);
}

enum dom_status
wire_proposal_answer_decode(struct dom_slice body, bool *refuse_r)
{
	static const struct wire_field fields[] = {{"refuse", wire_read_bool, 0, 0, 0, false}};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, NULL);

	*refuse_r = false;
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), refuse_r);
	return wire_decoder_finish(&decoder);
}

void
wire_proposal_answer_encode(struct dom_buffer *body, bool refuse)
{
	dom_pack_put_map(body, 1);
	put_bool(body, "refuse", refuse);
}

/* --- the hand-off --------------------------------------------------------------------- */

enum dom_status
wire_handoff_decode(struct dom_slice body, struct wire_signed_move *handoff_r)
{
	static const struct wire_field fields[] = {
	    FIELD(wire_signed_move, "handoff", wire_read_bytes, bytes, 1, WIRE_MOVE_SIZE_MAX),
	    FIELD(wire_signed_move, "signature", wire_read_bytes, signature, DOM_SIGNATURE_SIZE,
	        DOM_SIGNATURE_SIZE),
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, NULL);

	*handoff_r = (struct wire_signed_move){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), handoff_r);
	return wire_decoder_finish(&decoder);
}

void
wire_handoff_encode(struct dom_buffer *body, const struct wire_signed_move *handoff)
{
	dom_pack_put_map(body, 2);
	put_bytes(body, "handoff", handoff->bytes);
	put_bytes(body, "signature", handoff->signature);
}

enum dom_status
wire_handoff_unpack(struct dom_slice packed, struct wire_signed_move *handoff_r)
{
	struct dom_reader in = dom_reader_over(packed);

	handoff_r->bytes = dom_read_string(&in, WIRE_MOVE_SIZE_MAX);
	handoff_r->signature = dom_read_string(&in, DOM_SIGNATURE_SIZE);
	if (in.failed == DOM_OK && handoff_r->signature.size != DOM_SIGNATURE_SIZE)
		return DOM_EINPUT;
	return dom_reader_finish(&in);
}

void
wire_handoff_pack(struct dom_buffer *bytes, const struct wire_signed_move *handoff)
{
	dom_write_string(bytes, handoff->bytes);
	dom_write_string(bytes, handoff->signature);
}

static void
read_code(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct dom_slice text = {0};

	(void)target;
	wire_read_text(decoder, field, &text);
	if (!dom_slice_is(text, moved_code))
		wire_decoder_fail(decoder, DOM_EINPUT, "must be account_moved");
}

static void
read_packed(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct dom_slice packed = {0};

	wire_read_bytes(decoder, field, &packed);
	if (wire_handoff_unpack(packed, target) != DOM_OK)
		wire_decoder_fail(decoder, DOM_EINPUT, "must be a hand-off and its signature");
}

enum dom_status
wire_moved_decode(struct dom_slice body, struct wire_moved *moved_r)
{
	static const struct wire_field fields[] = {
	    {"code", read_code, 0, 1, WIRE_MOVE_WORD_SIZE_MAX, false},
	    SAID(wire_moved, "detail", detail, WIRE_MOVE_WHY_SIZE_MAX),
	    FIELD(wire_moved, "handoff", read_packed, handoff, 1, WIRE_MOVE_HANDOFF_SIZE_MAX),
	    FIELD(wire_moved, "address", wire_read_text, address, 1, WIRE_ADDRESS_SIZE_MAX),
	    FIELD(wire_moved, "region", wire_read_text, region, 1, WIRE_REGION_SIZE_MAX),
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, NULL);

	*moved_r = (struct wire_moved){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), moved_r);
	return wire_decoder_finish(&decoder);
}

void
wire_moved_encode(struct dom_buffer *body, const struct wire_moved *moved)
{
	dom_pack_put_map(body, 5);
	put_text(body, "code", dom_slice_of(moved_code));
	put_text(body, "detail", moved->detail);
	dom_pack_put_text(body, "handoff");
	dom_pack_put_bin_header(
	    body, 4 + moved->handoff.bytes.size + 4 + moved->handoff.signature.size);
	wire_handoff_pack(body, &moved->handoff);
	put_text(body, "address", moved->address);
	put_text(body, "region", moved->region);
}
