/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What regions ask and answer, each in its order; see wire/peer.h. */
#include "base/bytes.h"

#include "crypto/keys.h"

#include "wire/etebase.h"
#include "wire/evidence.h"
#include "wire/peer.h"

enum { UID_SIZE_MAX = 64, HOME_SIZE_MIN = 8 + 32 + 1 + 4 + 4 + 4 };

static const char *const states[] = {
    [WIRE_MOVE_ORDERED] = "ordered",
    [WIRE_MOVE_EXPORTING] = "exporting",
    [WIRE_MOVE_FROZEN] = "frozen",
    [WIRE_MOVE_GONE] = "gone",
    [WIRE_MOVE_LIVES] = "active",
    [WIRE_MOVE_ERASING] = "erasing",
    [WIRE_MOVE_ERASED] = "erased",
    [WIRE_MOVE_CANCELLED] = "cancelled",
    [WIRE_MOVE_STAGING] = "staging",
    [WIRE_MOVE_FREEZING] = "freezing",
    [WIRE_MOVE_PREPARED] = "prepared",
    [WIRE_MOVE_HOME] = "home",
    [WIRE_MOVE_SETTLED] = "settled",
    [WIRE_MOVE_DISCARDED] = "discarded",
};

const char *
wire_move_state_name(int state)
{
	return state < 0 || (size_t)state >= sizeof(states) / sizeof(states[0]) ? NULL
	                                                                        : states[state];
}

static bool
read_bool(struct dom_reader *in)
{
	uint8_t value = dom_read_u8(in);

	if (value > 1)
		in->failed = DOM_EINPUT;
	return value == 1;
}

/* What is stored is signed. */
static uint64_t
read_count(struct dom_reader *in)
{
	uint64_t value = dom_read_u64(in);

	if (value > INT64_MAX)
		in->failed = DOM_EINPUT;
	return in->failed == DOM_OK ? value : 0;
}

/* Both empty, or a message with a signature of its size. */
static struct wire_signed_move
read_message(struct dom_reader *in, bool may_be_empty)
{
	struct wire_signed_move message;

	message.bytes = dom_read_string(in, WIRE_MOVE_SIZE_MAX);
	message.signature = dom_read_string(in, DOM_SIGNATURE_SIZE);
	if (message.bytes.size == 0 && message.signature.size == 0 && may_be_empty)
		return (struct wire_signed_move){0};
	if (message.bytes.size == 0 || message.signature.size != DOM_SIGNATURE_SIZE)
		in->failed = in->failed == DOM_OK ? DOM_EINPUT : in->failed;
	return message;
}

static void
write_message(struct dom_buffer *out, const struct wire_signed_move *message)
{
	dom_write_string(out, message->bytes);
	dom_write_string(out, message->signature);
}

/* The rest has to be strings. */
static struct dom_slice
read_strings(struct dom_reader *in)
{
	struct dom_slice rest = dom_slice(in->at, (size_t)(in->end - in->at));

	while (in->failed == DOM_OK && in->at != in->end)
		(void)dom_read_string(in, UINT32_MAX);
	return rest;
}

enum dom_status
wire_peer_offer_decode(struct dom_slice body, struct wire_peer_offer *offer_r)
{
	struct dom_reader in = dom_reader_over(body);
	struct dom_slice id;

	offer_r->order = dom_read_string(&in, WIRE_EVIDENCE_SIZE_MAX);
	offer_r->name = dom_read_string(&in, WIRE_NAME_SIZE_MAX);
	offer_r->email = dom_read_string(&in, WIRE_EMAIL_SIZE_MAX);
	id = dom_read_bytes(&in, sizeof(offer_r->id));
	if (in.failed == DOM_OK)
		memcpy(offer_r->id, id.data, id.size);
	offer_r->bytes = read_count(&in);
	return dom_reader_finish(&in);
}

void
wire_peer_offer_encode(struct dom_buffer *body, const struct wire_peer_offer *offer)
{
	dom_write_string(body, offer->order);
	dom_write_string(body, offer->name);
	dom_write_string(body, offer->email);
	dom_buffer_append(body, offer->id, sizeof(offer->id));
	dom_write_u64(body, offer->bytes);
}

enum dom_status
wire_peer_records_decode(struct dom_slice answer, struct wire_peer_records *records_r)
{
	struct dom_reader in = dom_reader_over(answer);

	records_r->clock = read_count(&in);
	records_r->bytes = read_count(&in);
	records_r->ended = read_bool(&in);
	records_r->cursor = dom_read_string(&in, WIRE_PEER_CURSOR_SIZE_MAX);
	records_r->records = read_strings(&in);
	return dom_reader_finish(&in);
}

void
wire_peer_records_encode(struct dom_buffer *answer, const struct wire_peer_records *records)
{
	dom_write_u64(answer, records->clock);
	dom_write_u64(answer, records->bytes);
	dom_write_u8(answer, records->ended);
	dom_write_string(answer, records->cursor);
	dom_buffer_append_slice(answer, records->records);
}

enum dom_status
wire_peer_chunks_decode(struct dom_slice body, struct dom_arena *arena,
    struct wire_peer_chunk **chunks_r, size_t *count_r)
{
	struct dom_reader in = dom_reader_over(body);
	uint32_t count = dom_read_u32(&in);

	*chunks_r = NULL;
	*count_r = 0;
	if (in.failed != DOM_OK || count == 0 || count > WIRE_PEER_CHUNKS_MAX)
		return DOM_EINPUT;
	*chunks_r = dom_arena_array(arena, count, sizeof(**chunks_r));
	if (*chunks_r == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct wire_peer_chunk *chunk = &(*chunks_r)[i];

		chunk->collection_uid = dom_read_string(&in, UID_SIZE_MAX);
		chunk->uid = dom_read_string(&in, UID_SIZE_MAX);
	}
	*count_r = count;
	return dom_reader_finish(&in);
}

void
wire_peer_chunks_encode(
    struct dom_buffer *body, const struct wire_peer_chunk *chunks, size_t count)
{
	dom_write_u32(body, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		dom_write_string(body, chunks[i].collection_uid);
		dom_write_string(body, chunks[i].uid);
	}
}

enum dom_status
wire_peer_frozen_decode(struct dom_slice answer, struct wire_peer_frozen *frozen_r)
{
	struct dom_reader in = dom_reader_over(answer);

	frozen_r->freeze = read_message(&in, false);
	frozen_r->complete = read_bool(&in);
	frozen_r->cursor = dom_read_string(&in, WIRE_PEER_CURSOR_SIZE_MAX);
	frozen_r->records = read_strings(&in);
	return dom_reader_finish(&in);
}

void
wire_peer_frozen_encode(struct dom_buffer *answer, const struct wire_peer_frozen *frozen)
{
	write_message(answer, &frozen->freeze);
	dom_write_u8(answer, frozen->complete);
	dom_write_string(answer, frozen->cursor);
	dom_buffer_append_slice(answer, frozen->records);
}

enum dom_status
wire_peer_status_decode(struct dom_slice answer, struct wire_peer_status *status_r)
{
	struct dom_reader in = dom_reader_over(answer);
	uint8_t state = dom_read_u8(&in);

	if (state > WIRE_MOVE_CANCELLED)
		return DOM_EINPUT;
	status_r->state = (enum wire_move_state)state;
	status_r->freeze = read_message(&in, true);
	status_r->abort = read_message(&in, true);
	status_r->handoff = read_message(&in, true);
	return dom_reader_finish(&in);
}

void
wire_peer_status_encode(struct dom_buffer *answer, const struct wire_peer_status *status)
{
	dom_write_u8(answer, (uint8_t)status->state);
	write_message(answer, &status->freeze);
	write_message(answer, &status->abort);
	write_message(answer, &status->handoff);
}

enum dom_status
wire_peer_message_decode(struct dom_slice body, struct wire_signed_move *message_r)
{
	struct dom_reader in = dom_reader_over(body);

	*message_r = read_message(&in, false);
	return dom_reader_finish(&in);
}

void
wire_peer_message_encode(struct dom_buffer *body, const struct wire_signed_move *message)
{
	write_message(body, message);
}

enum dom_status
wire_peer_string_decode(struct dom_slice body, size_t size_max, struct dom_slice *string_r)
{
	struct dom_reader in = dom_reader_over(body);

	*string_r = dom_read_string(&in, size_max);
	return dom_reader_finish(&in);
}

enum dom_status
wire_peer_homes_decode(struct dom_slice answer, struct dom_arena *arena, bool *ended_r,
    struct wire_peer_home **homes_r, size_t *count_r)
{
	struct dom_reader in = dom_reader_over(answer);
	size_t most;

	*ended_r = read_bool(&in);
	*count_r = 0;
	most = (size_t)(in.end - in.at) / HOME_SIZE_MIN;
	most = most > WIRE_PEER_HOMES_MAX ? WIRE_PEER_HOMES_MAX : most;
	if ((*homes_r = dom_arena_array(arena, most + 1, sizeof(**homes_r))) == NULL)
		return DOM_ENOMEM;
	while (in.failed == DOM_OK && in.at != in.end && *count_r < most) {
		struct wire_peer_home *home = &(*homes_r)[*count_r];
		struct dom_slice identity;

		home->number = read_count(&in);
		identity = dom_read_bytes(&in, sizeof(home->identity));
		home->prepared = read_bool(&in);
		home->message = read_message(&in, false);
		home->order = dom_read_string(&in, WIRE_PEER_BODY_SIZE_MAX);
		if (in.failed == DOM_OK) {
			memcpy(home->identity, identity.data, sizeof(home->identity));
			++*count_r;
		}
	}
	return dom_reader_finish(&in);
}

void
wire_peer_homes_encode(
    struct dom_buffer *answer, bool ended, const struct wire_peer_home *homes, size_t count)
{
	dom_write_u8(answer, ended);
	for (size_t i = 0; i < count; i++) {
		dom_write_u64(answer, homes[i].number);
		dom_buffer_append(answer, homes[i].identity, sizeof(homes[i].identity));
		dom_write_u8(answer, homes[i].prepared);
		write_message(answer, &homes[i].message);
		dom_write_string(answer, homes[i].order);
	}
}
