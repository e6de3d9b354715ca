/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The end of an attempt, or of the move, at the source: the account is at home again. */
#include "services/move/served.h"
#include "services/move/source.h"

/* What the target has to hear before it takes another hand-off than this attempt's. */
static enum dom_status
sign_abort(const struct service *service, struct store_txn *txn, struct dom_arena *arena,
    const struct store_move *move)
{
	struct wire_move message = {.kind = WIRE_MOVE_ABORT,
	    .source = dom_slice_of(service->settings.region),
	    .target = move->peer,
	    .epoch = move->epoch};
	struct wire_signed_move freeze, abort;
	enum dom_status st;

	st = move_message(txn, move, MOVE_MESSAGE_FREEZE, arena, &freeze);
	/* Nobody was told that this attempt had begun. */
	if (st == DOM_ABSENT)
		return DOM_OK;
	memcpy(message.move, move->id, sizeof(message.move));
	memcpy(message.attempt, move->attempt, sizeof(message.attempt));
	memcpy(message.account, move->identity, sizeof(message.account));
	if (st == DOM_OK)
		st = wire_move_digest(&freeze, message.answers);
	if (st == DOM_OK)
		st = move_sign(service, &message, arena, &abort);
	if (st == DOM_OK)
		st = move_message_keep(
		    txn, move, MOVE_MESSAGE_ABORTS + (int)move->attempts, &abort);
	return st;
}

enum dom_status
move_source_end(const struct service *service, struct store_txn *txn, struct dom_arena *arena,
    struct store_move *move, enum move_event event, const char *why)
{
	int64_t now_ms = dom_clock_now_ms(&service->clock);
	enum dom_status st = DOM_OK;

	if (move->state == WIRE_MOVE_FROZEN) {
		st = store_account_turn(
		    txn, move->account, STORE_ACCOUNT_FROZEN, STORE_ACCOUNT_HOME, move->epoch);
		if (st == DOM_OK)
			st = sign_abort(service, txn, arena, move);
	}
	if (st != DOM_OK)
		return st > 0 ? DOM_EINTEGRITY : st;
	if (event == MOVE_ABORT && move->attempts >= MOVE_ATTEMPTS_MAX)
		event = MOVE_GIVEN_UP;
	move_enter(move, event, now_ms);
	move_served_forget(service->served, move->number);
	move->due_ms = now_ms;
	if (move->state == WIRE_MOVE_EXPORTING)
		move->due_ms += MOVE_ATTEMPT_PAUSE_MS;
	if ((st = move_why_keep(txn, move, why)) == DOM_OK)
		st = store_move_update(txn, move);
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
move_abort_of(struct store_txn *txn, const struct store_move *move,
    const uint8_t attempt[WIRE_MOVE_ID_SIZE], struct dom_arena *arena,
    struct wire_signed_move *abort_r)
{
	struct wire_move message;
	enum dom_status st;

	for (int n = 1; n <= MOVE_ATTEMPTS_MAX; n++) {
		st = move_message(txn, move, MOVE_MESSAGE_ABORTS + n, arena, abort_r);
		if (st < 0)
			return st;
		if (st == DOM_OK && wire_move_decode(abort_r->bytes, &message) == DOM_OK &&
		    memcmp(message.attempt, attempt, sizeof(message.attempt)) == 0)
			return DOM_OK;
	}
	*abort_r = (struct wire_signed_move){0};
	return DOM_ABSENT;
}

enum dom_status
move_end_for_erasure(const struct service *service, struct store_txn *txn, int64_t account,
    struct dom_arena *arena)
{
	struct store_move move;
	enum dom_status st = move_under_way(txn, account, arena, &move);

	if (st == DOM_ABSENT || (st == DOM_OK && move.side != STORE_MOVE_SOURCE))
		return DOM_OK;
	if (st == DOM_OK)
		st = move_source_end(service, txn, arena, &move, MOVE_CANCEL,
		    "Something of the account was to be erased, which ends a move: the account"
		    " stays here. Order it again if you still want it.");
	return st;
}
