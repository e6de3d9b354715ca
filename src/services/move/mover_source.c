/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the region that an account moves away from asks: whether the other takes it, and at the
 * end that it hears what was erased. */
#include "services/move/mover_parts.h"
#include "services/move/source.h"

struct changing {
	struct mover *mover;
	const struct store_move *before;
	enum move_event event;
	const char *why; /* NULL: it went well */
};

static enum dom_status
run_change(struct store_txn *txn, void *context)
{
	const struct changing *changing = context;
	struct mover *mover = changing->mover;
	struct store_move move;
	enum dom_status st = mover_reload(txn, changing->before, mover->arena, &move);

	if (st != DOM_OK)
		return st;
	if (changing->why != NULL)
		return move_source_end(mover->options.service, txn, mover->arena, &move,
		    changing->event, changing->why);
	move_enter(&move, changing->event, dom_clock_now_ms(&mover->options.service->clock));
	move.due_ms = 0;
	return store_move_update(txn, &move);
}

static enum dom_status
change(struct mover *mover, const struct store_move *move, struct mover_errand *errand,
    enum move_event event, const char *why)
{
	struct changing changing = {.mover = mover, .before = move, .event = event, .why = why};

	mover_went_well(errand);
	return mover_write(mover, run_change, &changing);
}

/* --- the offer --------------------------------------------------------------------------- */

struct offering {
	struct wire_peer_offer offer;
	int64_t expires_ms;
};

static enum dom_status
read_offer(struct mover *mover, struct store_txn *txn, const struct store_move *move,
    struct offering *offering)
{
	struct wire_signed_move order;
	struct wire_statement said;
	struct store_account account;
	struct store_usage usage;
	uint8_t subject[WIRE_SUBJECT_SIZE];
	enum dom_status st;

	if ((st = move_order(txn, move, mover->arena, &said, subject)) != DOM_OK ||
	    (st = move_message(txn, move, MOVE_MESSAGE_ORDER, mover->arena, &order)) !=
	        DOM_OK ||
	    (st = store_account_by_number(txn, move->account, mover->arena, &account)) !=
	        DOM_OK ||
	    (st = store_account_names(txn, mover->arena, &account)) != DOM_OK ||
	    (st = store_account_usage(txn, move->account, &usage)) != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	offering->expires_ms = said.expires_ms;
	offering->offer = (struct wire_peer_offer){.order = order.bytes,
	    .name = account.name,
	    .email = account.email,
	    .bytes = usage.chunk_bytes};
	memcpy(offering->offer.id, account.id, sizeof(offering->offer.id));
	return DOM_OK;
}

static enum dom_status
ask_offer(struct mover *mover, const struct store_move *move,
    const struct wire_peer_offer *offer, struct wire_error *refusal_r)
{
	struct dom_buffer body = {0};
	enum dom_status st;

	wire_peer_offer_encode(&body, offer);
	if ((st = dom_buffer_finish(&body)) == DOM_OK)
		st = mover_ask_one(mover, move, WIRE_PEER_OFFER, dom_buffer_slice(&body),
		    MOVER_MESSAGE_REPLY_MAX, refusal_r);
	dom_buffer_free(&body);
	return st;
}

enum dom_status
mover_offer(struct mover *mover, const struct store_move *move, struct mover_errand *errand)
{
	int64_t now_ms = dom_clock_now_ms(&mover->options.service->clock);
	struct store_txn *txn = NULL;
	struct offering offering;
	struct wire_error refusal;
	const char *why;
	enum dom_status st;

	if ((st = store_read_begin(mover->reader, &txn)) != DOM_OK)
		return st;
	st = read_offer(mover, txn, move, &offering);
	store_read_end(&txn);
	if (st != DOM_OK)
		return st;
	if (offering.expires_ms <= now_ms)
		return change(mover, move, errand, MOVE_GIVEN_UP,
		    "The order has expired before the target region took the account: nothing"
		    " was moved.");
	st = ask_offer(mover, move, &offering.offer, &refusal);
	if (st == DOM_OK)
		return change(mover, move, errand, MOVE_ACCEPTED, NULL);
	if (st == DOM_CONFLICT)
		return mover_try_later(mover, move, errand);
	if (st != DOM_EDENIED)
		return st;
	why = dom_arena_print(mover->arena, "The target region does not take the account: %.*s",
	    refusal.detail.size > WIRE_MOVE_WHY_SIZE_MAX - 64 ? WIRE_MOVE_WHY_SIZE_MAX - 64
	                                                      : (int)refusal.detail.size,
	    refusal.detail.size == 0 ? "" : (const char *)refusal.detail.data);
	return why == NULL ? DOM_ENOMEM : change(mover, move, errand, MOVE_GIVEN_UP, why);
}

/* --- the end ----------------------------------------------------------------------------- */

enum dom_status
mover_erased(struct mover *mover, const struct store_move *move, struct mover_errand *errand)
{
	struct store_txn *txn = NULL;
	struct wire_signed_move receipt;
	struct dom_buffer body = {0};
	struct wire_error refusal;
	enum dom_status st;

	if ((st = store_read_begin(mover->reader, &txn)) != DOM_OK)
		return st;
	st = move_message(txn, move, MOVE_MESSAGE_ERASED, mover->arena, &receipt);
	store_read_end(&txn);
	if (st == DOM_ABSENT) {
		/* It is still going: whoever keeps the receipt says that it is due. */
		errand->not_before_ms =
		    dom_clock_now_ms(&mover->options.service->clock) + MOVER_AGAIN_MS_KEPT;
		return DOM_OK;
	}
	if (st != DOM_OK)
		return st;
	wire_peer_message_encode(&body, &receipt);
	if ((st = dom_buffer_finish(&body)) == DOM_OK)
		st = mover_ask_one(mover, move, WIRE_PEER_ERASED, dom_buffer_slice(&body),
		    MOVER_MESSAGE_REPLY_MAX, &refusal);
	dom_buffer_free(&body);
	if (st == DOM_CONFLICT)
		return mover_try_later(mover, move, errand);
	/* Whoever refuses it does not want to know. */
	return st == DOM_OK || st == DOM_EDENIED
	           ? change(mover, move, errand, MOVE_ERASED, NULL)
	           : st;
}
