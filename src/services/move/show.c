/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a person's device asks about moving. */
#include "base/encode.h"

#include "wire/certificate.h"

#include "services/move/parts.h"

enum dom_status
move_group(struct service_call *call)
{
	if (call->service->settings.group == NULL)
		return service_refuse(call, SERVICE_DOES_NOT_EXIST,
		    "This region belongs to no group of regions.");
	dom_buffer_append_slice(&call->reply->body, call->service->settings.group_file);
	call->reply->body_is_raw = true;
	return DOM_OK;
}

/* Both regions' names, from the side that this one is on. */
static enum dom_status
show(struct service_call *call, const struct store_move *move, struct wire_moves_entry *entry_r)
{
	struct dom_slice self = dom_slice_of(call->service->settings.region);
	const char *state = wire_move_state_name(move->state);
	struct wire_signed_move why;
	enum dom_status st;

	st = move_message(call->txn, move, MOVE_MESSAGE_WHY, call->arena, &why);
	if (st < 0 || state == NULL)
		return st < 0 ? st : DOM_EINTEGRITY;
	*entry_r = (struct wire_moves_entry){.move = dom_slice(move->id, sizeof(move->id)),
	    .is_target = move->side == STORE_MOVE_TARGET,
	    .state = dom_slice_of(state),
	    .source = move->side == STORE_MOVE_SOURCE ? self : move->peer,
	    .target = move->side == STORE_MOVE_SOURCE ? move->peer : self,
	    .epoch = move->epoch,
	    .bytes = move->bytes,
	    .bytes_total = move->bytes_total,
	    .attempts = move->attempts,
	    .started_ms = move->started_ms,
	    .changed_ms = move->changed_ms,
	    .why = st == DOM_OK ? why.bytes : dom_slice("", 0)};
	return DOM_OK;
}

enum dom_status
move_list(struct service_call *call)
{
	struct wire_moves_entry *entries;
	struct store_move *rows;
	size_t count;
	enum dom_status st;

	st = store_moves_of(
	    call->txn, call->account.number, WIRE_MOVES_MAX, call->arena, &rows, &count);
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	if ((entries = dom_arena_array(call->arena, count + 1, sizeof(*entries))) == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; st == DOM_OK && i < count; i++)
		st = show(call, &rows[i], &entries[i]);
	if (st == DOM_OK)
		wire_moves_encode(&call->reply->body, entries, count);
	return st;
}

/* --- the certificate --------------------------------------------- */

static enum dom_status
collect(struct service_call *call, const struct store_move *move,
    struct wire_certificate *certificate_r)
{
	struct wire_signed_move order = {0}, ack = {0}, erased = {0};
	const struct {
		int kind;
		struct wire_signed_move *message;
		bool is_optional;
	} parts[] = {
	    {MOVE_MESSAGE_ORDER, &order, false},
	    {MOVE_MESSAGE_FREEZE, &certificate_r->freeze, false},
	    {MOVE_MESSAGE_PREPARE, &certificate_r->prepare, false},
	    {MOVE_MESSAGE_HANDOFF, &certificate_r->handoff, false},
	    {MOVE_MESSAGE_ACTIVE, &certificate_r->active, false},
	    {MOVE_MESSAGE_ACK, &ack, true},
	    {MOVE_MESSAGE_ERASED, &erased, true},
	};
	enum dom_status st = DOM_OK;

	*certificate_r = (struct wire_certificate){.group = call->service->settings.group_file};
	for (size_t i = 0; st == DOM_OK && i < sizeof(parts) / sizeof(parts[0]); i++) {
		st =
		    move_message(call->txn, move, parts[i].kind, call->arena, parts[i].message);
		if (st == DOM_ABSENT && parts[i].is_optional)
			st = DOM_OK;
	}
	certificate_r->order = order.bytes;
	certificate_r->ack = ack.bytes;
	certificate_r->erased = erased.bytes;
	certificate_r->erased_signature = erased.signature;
	return st;
}

enum dom_status
move_certificate(struct service_call *call)
{
	struct wire_certificate certificate;
	uint8_t id[WIRE_MOVE_ID_SIZE];
	struct store_move move;
	size_t size;
	enum dom_status st = DOM_ABSENT;

	if (call->service->settings.group == NULL)
		return service_refuse(call, SERVICE_DOES_NOT_EXIST,
		    "This region belongs to no group of regions.");
	if (call->request->move_id.size == 2 * sizeof(id) &&
	    dom_hex_decode(call->request->move_id, id, sizeof(id), &size) == DOM_OK)
		st = store_move_find(call->txn, id, STORE_MOVE_TARGET, call->arena, &move);
	if (st == DOM_OK && move.account != call->account.number)
		st = DOM_ABSENT;
	if (st == DOM_OK)
		st = collect(call, &move, &certificate);
	if (st == DOM_ABSENT)
		return service_refuse(call, SERVICE_DOES_NOT_EXIST,
		    "There is no move of this number that brought this account here.");
	if (st != DOM_OK)
		return st;
	wire_certificate_encode(&call->reply->body, &certificate);
	call->reply->body_is_raw = true;
	return DOM_OK;
}
