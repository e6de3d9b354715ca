/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Prepared: the source is asked to give the account away, until it has or has
 * signed that it will not.  Then it is told that the account is at home here.
 */
#include "base/bytes.h"

#include "services/move/mover_copy.h"
#include "services/move/target.h"

/* --- what the source has signed -------------------------------------------------------------
 */

struct taking {
	struct mover *mover;
	const struct store_move *before;
	const struct wire_signed_move *message;
	bool is_abort;
	bool is_other; /* it is not the one that belongs here */
};

static enum dom_status
run_take(struct store_txn *txn, void *context)
{
	struct taking *taking = context;
	const struct service *service = taking->mover->options.service;
	struct dom_arena *arena = taking->mover->arena;
	struct store_move move;
	const char *why;
	enum dom_status st = mover_reload(txn, taking->before, arena, &move);

	if (st == DOM_OK)
		st = taking->is_abort
		         ? move_target_abort(service, txn, &move, taking->message, arena, &why)
		         : move_target_take(service, txn, &move, taking->message, arena, &why);
	taking->is_other = st == DOM_EINTEGRITY;
	return st;
}

enum dom_status
mover_take(struct mover *mover, const struct store_move *move, struct mover_errand *errand,
    const struct wire_signed_move *message, bool is_abort)
{
	struct taking taking = {
	    .mover = mover, .before = move, .message = message, .is_abort = is_abort};
	enum dom_status st = mover_write(mover, run_take, &taking);

	/* Nonsense changes nothing: it is asked again. */
	if (st == DOM_EINTEGRITY && taking.is_other)
		return mover_try_later(mover, move, errand);
	if (st == DOM_OK) {
		mover_went_well(errand);
		mover_wake(mover);
	}
	return st;
}

/* --- the switch ------------------------------------------------------------------------------
 */

static enum dom_status
message_body(struct mover *mover, const struct store_move *move, enum move_message kind,
    bool is_evidence, struct dom_slice *body_r)
{
	struct wire_signed_move message;
	struct store_txn *txn = NULL;
	struct dom_buffer body = {0};
	enum dom_status st;

	if ((st = store_read_begin(mover->reader, &txn)) != DOM_OK)
		return st;
	st = move_message(txn, move, kind, mover->arena, &message);
	store_read_end(&txn);
	if (st != DOM_OK)
		return st;
	if (is_evidence)
		dom_write_string(&body, message.bytes);
	else
		wire_peer_message_encode(&body, &message);
	if ((st = dom_buffer_finish(&body)) == DOM_OK) {
		*body_r = dom_arena_copy(mover->arena, dom_buffer_slice(&body));
		if (body_r->data == NULL)
			st = DOM_ENOMEM;
	}
	dom_buffer_free(&body);
	return st;
}

enum dom_status
mover_switch(struct mover *mover, const struct store_move *move, struct mover_errand *errand)
{
	struct wire_signed_move message;
	struct wire_error refusal;
	struct dom_slice body;
	enum dom_status st;

	st = message_body(mover, move, MOVE_MESSAGE_PREPARE, false, &body);
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st; /* it was kept with the state */
	st = mover_ask_one(
	    mover, move, WIRE_PEER_SWITCH, body, MOVER_MESSAGE_REPLY_MAX, &refusal);
	if (st == DOM_OK) {
		if (wire_peer_message_decode(
		        dom_buffer_slice(&mover->asks[0].reply), &message) != DOM_OK)
			return mover_try_later(mover, move, errand);
		return mover_take(mover, move, errand, &message, false);
	}
	if (st == DOM_EDENIED && refusal.abort.size != 0) {
		message = (struct wire_signed_move){
		    .bytes = refusal.abort, .signature = refusal.signature};
		return mover_take(mover, move, errand, &message, true);
	}
	if (st == DOM_EDENIED)
		errand->in_doubt = true;
	return st == DOM_EDENIED || st == DOM_CONFLICT ? mover_try_later(mover, move, errand)
	                                               : st;
}

/* --- at home
 * ---------------------------------------------------------------------------------- */

static enum dom_status
run_told(struct store_txn *txn, void *context)
{
	const struct taking *taking = context;
	struct store_move move;
	enum dom_status st = mover_reload(txn, taking->before, taking->mover->arena, &move);

	/* An acknowledgement has come since. */
	if (st != DOM_OK || move.due_ms != taking->before->due_ms)
		return st;
	move.due_ms = MOVER_NEVER_MS;
	return store_move_update(txn, &move);
}

/* One of them in a step; a refusal is an answer, too: it knows better. */
static enum dom_status
tell(struct mover *mover, const struct store_move *move, struct mover_errand *errand,
    enum wire_peer_op op, struct dom_slice body)
{
	struct wire_error refusal;
	enum dom_status st =
	    mover_ask_one(mover, move, op, body, MOVER_MESSAGE_REPLY_MAX, &refusal);

	if (st == DOM_OK || st == DOM_EDENIED) {
		mover_went_well(errand);
		return DOM_OK;
	}
	return st == DOM_CONFLICT ? DOM_CONFLICT : st;
}

enum dom_status
mover_tell_home(struct mover *mover, const struct store_move *move, struct mover_errand *errand)
{
	struct taking told = {.mover = mover, .before = move};
	bool tells_active = !errand->told;
	struct dom_slice body;
	enum dom_status st;

	mover_copy_free(&errand->copy);
	st = tells_active ? message_body(mover, move, MOVE_MESSAGE_ACTIVE, false, &body)
	                  : message_body(mover, move, MOVE_MESSAGE_ACK, true, &body);
	if (st == DOM_OK) {
		st = tell(
		    mover, move, errand, tells_active ? WIRE_PEER_ACTIVE : WIRE_PEER_ACK, body);
		if (st == DOM_CONFLICT)
			return mover_try_later(mover, move, errand);
		if (st != DOM_OK)
			return st;
	} else if (st < 0) {
		return st;
	}
	if (tells_active) {
		errand->told = true;
		st = message_body(mover, move, MOVE_MESSAGE_ACK, true, &body);
		/* There is an acknowledgement to tell of: the next step. */
		if (st <= DOM_OK)
			return st;
	}
	return mover_write(mover, run_told, &told);
}
