/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What becomes of a copy at the region that an account moves to: see DESIGN.md beside this
 * file. */
#include "services/move/target.h"

#include "services/erasure/erasure.h"

/* --- the hand-off ---------------------------------------------------------- */

static enum dom_status
sign_active(const struct service *service, struct store_txn *txn, const struct store_move *move,
    const struct wire_signed_move *handoff, const struct wire_move *view,
    struct dom_arena *arena)
{
	struct wire_move active = *view;
	struct wire_signed_move signed_active;
	enum dom_status st = wire_move_digest(handoff, active.answers);

	active.kind = WIRE_MOVE_ACTIVE;
	if (st == DOM_OK)
		st = move_sign(service, &active, arena, &signed_active);
	if (st == DOM_OK)
		st = move_message_keep(txn, move, MOVE_MESSAGE_ACTIVE, &signed_active);
	return st;
}

enum dom_status
move_target_take(const struct service *service, struct store_txn *txn, struct store_move *move,
    const struct wire_signed_move *handoff, struct dom_arena *arena, const char **why_r)
{
	struct wire_signed_move prepare;
	struct wire_move view;
	enum dom_status st;

	*why_r = "The account is not complete in this region yet.";
	if (move_next(STORE_MOVE_TARGET, move->state, MOVE_HANDOFF) == MOVE_REFUSED)
		return DOM_EINTEGRITY;
	if ((st = move_open(service, move, WIRE_MOVE_HANDOFF, handoff, &view, why_r)) != DOM_OK)
		return st;
	if ((st = move_message(txn, move, MOVE_MESSAGE_PREPARE, arena, &prepare)) != DOM_OK)
		return st > 0 ? DOM_ESTORE : st; /* it was kept with the state */
	if ((st = move_follows(&prepare, &view, why_r)) != DOM_OK ||
	    move->state != WIRE_MOVE_PREPARED)
		return st;
	if ((st = move_message_keep(txn, move, MOVE_MESSAGE_HANDOFF, handoff)) == DOM_OK)
		st = sign_active(service, txn, move, handoff, &view, arena);
	if (st == DOM_OK)
		st = store_account_turn(
		    txn, move->account, STORE_ACCOUNT_PREPARED, STORE_ACCOUNT_HOME, view.epoch);
	/* What somebody may have here is not for another region's operator to say. */
	if (st == DOM_OK)
		st = store_account_set_quota(txn, move->account, -1);
	if (st == DOM_OK)
		st = move_message_forget(txn, move, MOVE_MESSAGE_CURSOR);
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	move_enter(move, MOVE_HANDOFF, dom_clock_now_ms(&service->clock));
	move->due_ms = 0;
	st = store_move_update(txn, move);
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
move_target_abort(const struct service *service, struct store_txn *txn, struct store_move *move,
    const struct wire_signed_move *abort, struct dom_arena *arena, const char **why_r)
{
	struct wire_signed_move freeze;
	struct wire_move view;
	enum dom_status st;

	*why_r = "No attempt is on.";
	if (move->state != WIRE_MOVE_PREPARED)
		return DOM_EINTEGRITY;
	if ((st = move_open(service, move, WIRE_MOVE_ABORT, abort, &view, why_r)) != DOM_OK)
		return st;
	if ((st = move_message(txn, move, MOVE_MESSAGE_FREEZE, arena, &freeze)) != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	if ((st = move_follows(&freeze, &view, why_r)) != DOM_OK)
		return st;
	if ((st = move_message_keep(txn, move, MOVE_MESSAGE_ABORT, abort)) == DOM_OK)
		st = move_message_forget(txn, move, MOVE_MESSAGE_FREEZE);
	if (st == DOM_OK)
		st = move_message_forget(txn, move, MOVE_MESSAGE_PREPARE);
	if (st == DOM_OK)
		st = store_account_turn(txn, move->account, STORE_ACCOUNT_PREPARED,
		    STORE_ACCOUNT_STAGING, move->epoch);
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	move_enter(move, MOVE_ABORTED, dom_clock_now_ms(&service->clock));
	move->attempts++;
	move->due_ms = 0;
	st = store_move_update(txn, move);
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
move_handoff(struct service_call *call)
{
	struct wire_signed_move handoff;
	struct wire_move view;
	struct store_move move;
	const char *why;
	enum dom_status st = wire_handoff_decode(call->request->body, &handoff);

	if (st != DOM_OK)
		return service_refuse_body(call, st, call->request->body, NULL);
	if (wire_move_decode(handoff.bytes, &view) != DOM_OK || view.kind != WIRE_MOVE_HANDOFF)
		return service_refuse(
		    call, SERVICE_MOVE_REFUSED, "This is not what gives an account away.");
	st = store_move_find(call->txn, view.move, STORE_MOVE_TARGET, call->arena, &move);
	if (st == DOM_ABSENT)
		return service_refuse(
		    call, SERVICE_MOVE_REFUSED, "This region knows nothing of this move.");
	if (st == DOM_OK)
		st = move_target_take(
		    call->service, call->txn, &move, &handoff, call->arena, &why);
	if (st == DOM_EINTEGRITY)
		return service_refuse(call, SERVICE_MOVE_REFUSED,
		    dom_arena_print(call->arena, "%s Nothing was changed.", why));
	call->reply->wakes_mover = true;
	return st;
}

/* --- the end --------------------------------------------------------------- */

static const char *
receipt_fault(const struct move_asked *asked, const struct wire_signed_move *message,
    const uint8_t subject[WIRE_SUBJECT_SIZE], const struct wire_signed_move *handoff)
{
	struct dom_slice key = dom_slice(asked->from->key, sizeof(asked->from->key));
	struct wire_receipt receipt;
	struct wire_move view;

	if (wire_receipt_decode(message->bytes, &receipt) != DOM_OK ||
	    !dom_verify(key, message->bytes, message->signature))
		return "This is no receipt that the source region has signed.";
	if (wire_move_decode(handoff->bytes, &view) != DOM_OK ||
	    receipt.kind != WIRE_RECEIPT_ERASED || receipt.scope != WIRE_SCOPE_SOURCE ||
	    memcmp(receipt.subject, subject, WIRE_SUBJECT_SIZE) != 0 ||
	    memcmp(receipt.root, view.root, sizeof(view.root)) != 0 ||
	    !dom_slice_equal(receipt.region, asked->peer.from) ||
	    !dom_slice_equal(
	        dom_slice(receipt.region_public, sizeof(receipt.region_public)), key))
		return "The receipt is not of what was given away in this move.";
	return NULL;
}

enum dom_status
move_target_erased(struct move_asked *asked)
{
	struct service_call *call = asked->call;
	struct wire_signed_move message, handoff;
	struct wire_statement order;
	uint8_t subject[WIRE_SUBJECT_SIZE];
	const char *why;
	enum dom_status st;

	if (wire_peer_message_decode(asked->peer.body, &message) != DOM_OK)
		return move_refuse(asked, "This is no receipt that this release understands.");
	if (!asked->known ||
	    move_next(STORE_MOVE_TARGET, asked->move.state, MOVE_SETTLE) == MOVE_REFUSED)
		return move_refuse(asked, "No account has come to this region by this move.");
	st = move_order(call->txn, &asked->move, call->arena, &order, subject);
	if (st == DOM_OK)
		st = move_message(
		    call->txn, &asked->move, MOVE_MESSAGE_HANDOFF, call->arena, &handoff);
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	if ((why = receipt_fault(asked, &message, subject, &handoff)) != NULL)
		return move_refuse(asked, why);
	if (asked->move.state == WIRE_MOVE_SETTLED)
		return DOM_OK;
	st = move_message_keep(call->txn, &asked->move, MOVE_MESSAGE_ERASED, &message);
	move_enter(&asked->move, MOVE_SETTLE, call->now_ms);
	asked->move.open = false;
	if (st == DOM_OK)
		st = store_move_update(call->txn, &asked->move);
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
move_target_drop(const struct service *service, struct store_txn *txn, struct store_move *move,
    struct dom_arena *arena, const char *why)
{
	struct erasure_order order = {
	    .account = move->account, .requested_ms = dom_clock_now_ms(&service->clock)};
	struct wire_statement said;
	enum dom_status st = move_order(txn, move, arena, &said, order.request);

	if (st == DOM_OK)
		st = erasure_staged(txn, arena, &order);
	if (st == DOM_OK)
		st = move_message_forget(txn, move, MOVE_MESSAGE_CURSOR);
	if (st == DOM_OK)
		st = move_why_keep(txn, move, why);
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	move_enter(move, MOVE_DROP, order.requested_ms);
	/* Until it is gone and the source knows. */
	move->open = true;
	move->due_ms = 0;
	st = store_move_update(txn, move);
	return st > 0 ? DOM_ESTORE : st;
}
