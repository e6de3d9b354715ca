/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A copy that nothing was promised of goes: the keeper erases it, then the
 * source hears that it has gone, signed, then nothing is left of the move
 * either once no offer of it can come again.
 */
#include "services/erasure/erasure.h"
#include "services/move/mover_copy.h"

struct discarding {
	struct mover *mover;
	const struct store_move *before;
	struct wire_statement order;
	uint8_t subject[WIRE_SUBJECT_SIZE];
	struct wire_signed_move message; /* empty: not signed yet */
	bool has_ended, is_told;
};

static enum dom_status
look_at_messages(struct discarding *discarding, struct store_txn *txn)
{
	struct wire_signed_move told;
	enum dom_status st;

	st = move_message(txn, discarding->before, MOVE_MESSAGE_DISCARD,
	    discarding->mover->arena, &discarding->message);
	if (st >= 0)
		st = move_message(txn, discarding->before, MOVE_MESSAGE_DISCARD_TOLD,
		    discarding->mover->arena, &told);
	discarding->is_told = st == DOM_OK;
	return st < 0 ? st : DOM_OK;
}

static enum dom_status
look(struct discarding *discarding)
{
	struct mover *mover = discarding->mover;
	struct store_txn *txn = NULL;
	struct erasure_end end;
	enum dom_status st;

	if ((st = store_read_begin(mover->reader, &txn)) != DOM_OK)
		return st;
	st = move_order(
	    txn, discarding->before, mover->arena, &discarding->order, discarding->subject);
	if (st == DOM_OK) {
		st = erasure_ended(txn, discarding->subject, mover->arena, &end);
		discarding->has_ended = st == DOM_OK || st == DOM_ABSENT;
		st = st < 0 ? st : DOM_OK;
	}
	if (st == DOM_OK)
		st = look_at_messages(discarding, txn);
	store_read_end(&txn);
	return st;
}

static enum dom_status
run_sign(struct store_txn *txn, void *context)
{
	struct discarding *discarding = context;
	struct mover *mover = discarding->mover;
	const struct service *service = mover->options.service;
	struct store_move move;
	struct wire_move message;
	enum dom_status st = mover_reload(txn, discarding->before, mover->arena, &move);

	if (st != DOM_OK)
		return st;
	message = (struct wire_move){.kind = WIRE_MOVE_DISCARD,
	    .source = move.peer,
	    .target = dom_slice_of(service->settings.region),
	    .epoch = move.epoch};
	memcpy(message.move, move.id, sizeof(message.move));
	memcpy(message.account, move.identity, sizeof(message.account));
	memcpy(message.answers, discarding->subject, sizeof(message.answers));
	st = move_sign(service, &message, mover->arena, &discarding->message);
	if (st == DOM_OK)
		st = move_message_keep(txn, &move, MOVE_MESSAGE_DISCARD, &discarding->message);
	return st;
}

/* The same order may be offered again, late or by mistake: until it expires it is known. */
static enum dom_status
run_told(struct store_txn *txn, void *context)
{
	const struct discarding *discarding = context;
	struct mover *mover = discarding->mover;
	struct store_move move;
	enum dom_status st = mover_reload(txn, discarding->before, mover->arena, &move);

	if (st == DOM_OK)
		st = move_message_keep(
		    txn, &move, MOVE_MESSAGE_DISCARD_TOLD, &(struct wire_signed_move){0});
	if (st != DOM_OK)
		return st;
	move.due_ms = discarding->order.expires_ms + WIRE_PEER_SKEW_MS;
	return store_move_update(txn, &move);
}

static enum dom_status
run_forget(struct store_txn *txn, void *context)
{
	const struct discarding *discarding = context;
	struct store_move move;
	enum dom_status st =
	    mover_reload(txn, discarding->before, discarding->mover->arena, &move);

	return st == DOM_OK ? store_move_remove(txn, move.number) : st;
}

static enum dom_status
tell(struct discarding *discarding, struct mover_errand *errand)
{
	struct mover *mover = discarding->mover;
	struct dom_buffer body = {0};
	struct wire_error refusal;
	enum dom_status st;

	wire_peer_message_encode(&body, &discarding->message);
	if ((st = dom_buffer_finish(&body)) == DOM_OK)
		st = mover_ask_one(mover, discarding->before, WIRE_PEER_DISCARD,
		    dom_buffer_slice(&body), MOVER_MESSAGE_REPLY_MAX, &refusal);
	dom_buffer_free(&body);
	if (st == DOM_CONFLICT)
		return mover_try_later(mover, discarding->before, errand);
	if (st != DOM_OK && st != DOM_EDENIED)
		return st;
	mover_went_well(errand);
	return mover_write(mover, run_told, discarding);
}

enum dom_status
mover_discard(struct mover *mover, const struct store_move *move, struct mover_errand *errand)
{
	struct discarding discarding = {.mover = mover, .before = move};
	enum dom_status st = look(&discarding);

	if (st != DOM_OK)
		return st;
	if (!discarding.has_ended) {
		errand->not_before_ms =
		    dom_clock_now_ms(&mover->options.service->clock) + MOVER_LOOK_AGAIN_MS;
		return DOM_OK;
	}
	if (discarding.is_told)
		return mover_write(mover, run_forget, &discarding);
	if (discarding.message.bytes.size != 0)
		return tell(&discarding, errand);
	return mover_write(mover, run_sign, &discarding);
}
