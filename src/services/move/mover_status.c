/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * In doubt the target asks how far the source is.  A copy that was not
 * promised may go for many reasons, one that was only if the source has signed
 * that this attempt is over.
 */
#include "services/move/mover_copy.h"
#include "services/move/target.h"

/* --- ending it --------------------------------------------------------------------------- */

struct ending {
	struct mover *mover;
	const struct store_move *before;
	const char *why;
};

static enum dom_status
run_give_up(struct store_txn *txn, void *context)
{
	const struct ending *ending = context;
	struct dom_arena *arena = ending->mover->arena;
	struct store_move move;
	enum dom_status st = mover_reload(txn, ending->before, arena, &move);

	return st == DOM_OK ? move_target_drop(ending->mover->options.service, txn, &move,
	                          arena, ending->why)
	                    : st;
}

enum dom_status
mover_give_up(struct mover *mover, const struct store_move *move, const char *why)
{
	struct ending ending = {.mover = mover, .before = move, .why = why};

	return mover_write(mover, run_give_up, &ending);
}

/* --- the attempt is over ---------------------------------------------------------------------
 */

static enum dom_status
run_start_over(struct store_txn *txn, void *context)
{
	const struct ending *ending = context;
	struct mover *mover = ending->mover;
	int64_t now_ms = dom_clock_now_ms(&mover->options.service->clock);
	struct store_move move;
	enum dom_status st = mover_reload(txn, ending->before, mover->arena, &move);

	if (st != DOM_OK)
		return st;
	if (++move.attempts >= MOVE_ATTEMPTS_MAX)
		return move_target_drop(mover->options.service, txn, &move, mover->arena,
		    "The copies in the two regions did not become the same: nothing was "
		    "moved.");
	if ((st = move_message_forget(txn, &move, MOVE_MESSAGE_CURSOR)) != DOM_OK)
		return st;
	move_enter(&move, MOVE_ABORTED, now_ms);
	move.due_ms = now_ms + MOVE_FROZEN_MS_MAX;
	return store_move_update(txn, &move);
}

enum dom_status
mover_start_over(struct mover *mover, const struct store_move *move)
{
	struct ending ending = {.mover = mover, .before = move};

	return mover_write(mover, run_start_over, &ending);
}

static enum dom_status
run_copy_on(struct store_txn *txn, void *context)
{
	const struct ending *ending = context;
	struct mover *mover = ending->mover;
	struct store_move move;
	enum dom_status st = mover_reload(txn, ending->before, mover->arena, &move);

	if (st != DOM_OK)
		return st;
	move_enter(&move, MOVE_ABORTED, dom_clock_now_ms(&mover->options.service->clock));
	return store_move_update(txn, &move);
}

static enum dom_status
copy_on(struct mover *mover, const struct store_move *move, struct mover_errand *errand)
{
	struct ending ending = {.mover = mover, .before = move};

	if (errand->copy != NULL)
		mover_copy_thaw(errand->copy);
	return move->state == WIRE_MOVE_STAGING ? DOM_OK
	                                        : mover_write(mover, run_copy_on, &ending);
}

/* --- the answer
 * -------------------------------------------------------------------------------- */

bool
mover_has_expired(const struct mover *mover, const struct mover_errand *errand)
{
	return errand->expires_ms != 0 && dom_clock_now_ms(&mover->options.service->clock) >
	                                      errand->expires_ms + WIRE_PEER_SKEW_MS;
}

/* The source has signed that the attempt which this copy was compared for is over. */
static bool
is_aborted(struct mover *mover, const struct store_move *move, const struct mover_copy *copy,
    const struct wire_signed_move *abort)
{
	struct wire_move view;
	const char *why;

	return copy != NULL && copy->is_frozen && abort->bytes.size != 0 &&
	       move_open(mover->options.service, move, WIRE_MOVE_ABORT, abort, &view, &why) ==
	           DOM_OK &&
	       memcmp(view.attempt, copy->freeze_view.attempt, sizeof(view.attempt)) == 0;
}

static enum dom_status
take_prepared(struct mover *mover, const struct store_move *move, struct mover_errand *errand,
    const struct wire_peer_status *status)
{
	if (status->handoff.bytes.size != 0)
		return mover_take(mover, move, errand, &status->handoff, false);
	if (status->abort.bytes.size != 0)
		return mover_take(mover, move, errand, &status->abort, true);
	return mover_try_later(mover, move, errand);
}

static enum dom_status
take_staging(struct mover *mover, const struct store_move *move, struct mover_errand *errand,
    const struct wire_peer_status *status)
{
	bool differs = errand->differs;
	enum dom_status st;

	errand->differs = false;
	if (status->state <= WIRE_MOVE_FROZEN && mover_has_expired(mover, errand))
		return mover_give_up(mover, move,
		    "The order has expired before the move was done: what was copied is"
		    " erased.");
	switch (status->state) {
	case WIRE_MOVE_CANCELLED:
		return mover_give_up(mover, move,
		    "The move was cancelled, or its attempts failed: what was copied is"
		    " erased.");
	case WIRE_MOVE_EXPORTING:
	case WIRE_MOVE_FROZEN:
		if (differs && !is_aborted(mover, move, errand->copy, &status->abort)) {
			mover_copy_free(&errand->copy);
			return mover_start_over(mover, move);
		}
		st = copy_on(mover, move, errand);
		/* It has refused what it says may go on: it may do so for long. */
		return st == DOM_OK && !differs ? mover_try_later(mover, move, errand) : st;
	default:
		/*
		 * It does not know yet that this region has accepted, or it has given the
		 * account away to a copy that this store, made out of a backup, lost.
		 */
		return mover_try_later(mover, move, errand);
	}
}

enum dom_status
mover_ask_status(
    struct mover *mover, const struct store_move *move, struct mover_errand *errand)
{
	bool is_promised = move->state == WIRE_MOVE_PREPARED;
	struct wire_peer_status status;
	struct wire_error refusal;
	enum dom_status st = mover_ask_one(mover, move, WIRE_PEER_STATUS, dom_slice(NULL, 0),
	    MOVER_MESSAGE_REPLY_MAX, &refusal);

	if (st == DOM_EDENIED && !is_promised)
		return mover_give_up(mover, move,
		    "The source region knows nothing of this move any more: what was copied is"
		    " erased.");
	/* What is promised asks for the switch again, which may be answered by now. */
	errand->in_doubt = !is_promised;
	if (st == DOM_OK &&
	    wire_peer_status_decode(dom_buffer_slice(&mover->asks[0].reply), &status) != DOM_OK)
		st = DOM_CONFLICT;
	if (st == DOM_EDENIED || st == DOM_CONFLICT)
		return mover_try_later(mover, move, errand);
	if (st != DOM_OK)
		return st;
	errand->in_doubt = false;
	return is_promised ? take_prepared(mover, move, errand, &status)
	                   : take_staging(mover, move, errand, &status);
}
