/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What both sides of a move do: signing, opening and keeping messages. */
#include "services/move/parts.h"

#include <assert.h>

#include "base/bytes.h"

#include "store/fault.h"

const struct wire_group_region *
move_peer_region(const struct service *service, struct dom_slice name)
{
	if (service->settings.group == NULL || dom_slice_is(name, service->settings.region))
		return NULL;
	return wire_group_find(service->settings.group, name);
}

enum dom_status
move_sign(const struct service *service, struct wire_move *message, struct dom_arena *arena,
    struct wire_signed_move *signed_r)
{
	uint8_t *signature = dom_arena_take(arena, DOM_SIGNATURE_SIZE);
	struct dom_buffer bytes = {0};
	enum dom_status st;

	message->at_ms = dom_clock_now_ms(&service->clock);
	wire_move_encode(&bytes, message);
	if ((st = dom_buffer_finish(&bytes)) == DOM_OK) {
		signed_r->bytes = dom_arena_copy(arena, dom_buffer_slice(&bytes));
		if (signed_r->bytes.data == NULL || signature == NULL)
			st = DOM_ENOMEM;
	}
	if (st == DOM_OK) {
		dom_region_sign(service->key, signed_r->bytes, signature);
		signed_r->signature = dom_slice(signature, DOM_SIGNATURE_SIZE);
	}
	dom_buffer_free(&bytes);
	return st;
}

enum dom_status
move_sign_request(const struct service *service, const struct wire_peer *request,
    struct dom_arena *arena, struct dom_slice *body_r)
{
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer bytes = {0}, body = {0};
	enum dom_status st;

	wire_peer_encode(&bytes, request);
	if ((st = dom_buffer_finish(&bytes)) == DOM_OK) {
		dom_region_sign(service->key, dom_buffer_slice(&bytes), signature);
		dom_write_string(&body, dom_buffer_slice(&bytes));
		dom_buffer_append(&body, signature, sizeof(signature));
		st = dom_buffer_finish(&body);
	}
	if (st == DOM_OK) {
		*body_r = dom_arena_copy(arena, dom_buffer_slice(&body));
		if (body_r->data == NULL)
			st = DOM_ENOMEM;
	}
	dom_buffer_free(&bytes);
	dom_buffer_free(&body);
	return st;
}

/* The key of a region of the group; its own too. */
static bool
signed_by(const struct service *service, struct dom_slice name,
    const struct wire_signed_move *message)
{
	const struct wire_group_region *region =
	    service->settings.group == NULL ? NULL
	                                    : wire_group_find(service->settings.group, name);

	return region != NULL && dom_verify(dom_slice(region->key, sizeof(region->key)),
	                             message->bytes, message->signature);
}

enum dom_status
move_open(const struct service *service, const struct store_move *move,
    enum wire_move_kind kind, const struct wire_signed_move *message,
    struct wire_move *message_r, const char **why_r)
{
	struct dom_slice self = dom_slice_of(service->settings.region);
	struct dom_slice source = move->side == STORE_MOVE_SOURCE ? self : move->peer;
	struct dom_slice target = move->side == STORE_MOVE_SOURCE ? move->peer : self;

	*why_r = NULL;
	if (wire_move_decode(message->bytes, message_r) != DOM_OK || message_r->kind != kind)
		*why_r = "The message is not one of the kind that belongs here.";
	else if (memcmp(message_r->move, move->id, sizeof(move->id)) != 0 ||
	         memcmp(message_r->account, move->identity, sizeof(move->identity)) != 0 ||
	         !dom_slice_equal(message_r->source, source) ||
	         !dom_slice_equal(message_r->target, target))
		*why_r = "The message is about another move.";
	else if (!signed_by(service, wire_move_is_source(kind) ? source : target, message))
		*why_r = "The message is not signed by the region that it has to be signed by.";
	return *why_r == NULL ? DOM_OK : DOM_EINTEGRITY;
}

enum dom_status
move_follows(
    const struct wire_signed_move *before, const struct wire_move *next, const char **why_r)
{
	struct wire_move first;
	uint8_t digest[32];
	enum dom_status st;

	*why_r = "The message before this one cannot be read.";
	if (wire_move_decode(before->bytes, &first) != DOM_OK)
		return DOM_EINTEGRITY;
	if ((st = wire_move_digest(before, digest)) != DOM_OK)
		return st;
	*why_r = wire_move_follows(&first, digest, next);
	return *why_r == NULL ? DOM_OK : DOM_EINTEGRITY;
}

enum dom_status
move_message(struct store_txn *txn, const struct store_move *move, int kind,
    struct dom_arena *arena, struct wire_signed_move *message_r)
{
	*message_r = (struct wire_signed_move){0};
	return store_move_message_get(
	    txn, move->number, kind, arena, &message_r->bytes, &message_r->signature);
}

enum dom_status
move_message_keep(struct store_txn *txn, const struct store_move *move, int kind,
    const struct wire_signed_move *message)
{
	return store_move_message_put(
	    txn, move->number, kind, message->bytes, message->signature);
}

enum dom_status
move_message_forget(struct store_txn *txn, const struct store_move *move, int kind)
{
	enum dom_status st = store_move_message_remove(txn, move->number, kind);

	return st == DOM_ABSENT ? DOM_OK : st;
}

enum dom_status
move_why_keep(struct store_txn *txn, const struct store_move *move, const char *sentence)
{
	return move_message_keep(txn, move, MOVE_MESSAGE_WHY,
	    &(struct wire_signed_move){.bytes = dom_slice_of(sentence)});
}

void
move_enter(struct store_move *move, enum move_event event, int64_t now_ms)
{
	int next = move_next((enum store_move_side)move->side, move->state, event);

	assert(next != MOVE_REFUSED);
	store_fault(wire_move_state_name(next));
	if (next != move->state)
		move->changed_ms = now_ms;
	move->state = next;
	move->open = move_state_open(next);
}

enum dom_status
move_order(struct store_txn *txn, const struct store_move *move, struct dom_arena *arena,
    struct wire_statement *order_r, uint8_t digest_r[WIRE_SUBJECT_SIZE])
{
	struct wire_signed_move kept;
	struct wire_evidence evidence;
	enum dom_status st;

	if ((st = move_message(txn, move, MOVE_MESSAGE_ORDER, arena, &kept)) != DOM_OK)
		return st > 0 ? DOM_EINTEGRITY : st;
	if ((st = wire_evidence_decode(kept.bytes, &evidence)) == DOM_OK)
		st = wire_statement_decode(evidence.statement, arena, order_r);
	if (st == DOM_OK)
		st = wire_subject(evidence.statement_public, evidence.statement,
		    evidence.signature, digest_r);
	return st == DOM_EINPUT ? DOM_EINTEGRITY : st;
}

enum dom_status
move_under_way(
    struct store_txn *txn, int64_t account, struct dom_arena *arena, struct store_move *move_r)
{
	enum dom_status st = store_move_of(txn, account, arena, move_r);

	if (st != DOM_OK)
		return st;
	switch (move_r->state) {
	case WIRE_MOVE_ORDERED:
	case WIRE_MOVE_EXPORTING:
	case WIRE_MOVE_FROZEN:
	case WIRE_MOVE_STAGING:
	case WIRE_MOVE_FREEZING:
	case WIRE_MOVE_PREPARED:
		return DOM_OK;
	default:
		return DOM_ABSENT;
	}
}

enum dom_status
move_holds(struct store_txn *txn, int64_t account, struct dom_arena *arena)
{
	struct store_move move;
	enum dom_status st = move_under_way(txn, account, arena, &move);

	/* One that waits for its turn in a plan may wait for months. */
	if (st == DOM_OK && move.state == WIRE_MOVE_ORDERED &&
	    move.due_ms > move.changed_ms + MOVE_ORDER_DAYS_MAX * (int64_t)MOVE_DAY_MS)
		return DOM_ABSENT;
	return st;
}
