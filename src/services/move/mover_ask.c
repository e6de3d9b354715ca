/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Asking another region, and what its answer means. */
#include "wire/etebase.h"

#include "services/move/mover_copy.h"

static bool
is_change(enum wire_peer_op op)
{
	return op != WIRE_PEER_RECORDS && op != WIRE_PEER_CHUNKS && op != WIRE_PEER_STATUS &&
	       op != WIRE_PEER_HOMES;
}

enum dom_status
mover_prepare_ask(struct mover *mover, size_t index, const struct store_move *move,
    enum wire_peer_op op, struct dom_slice body, size_t reply_size_max)
{
	const struct service *service = mover->options.service;
	struct mover_ask *ask = &mover->asks[index];
	struct wire_peer peer = {.op = op,
	    .from = dom_slice_of(service->settings.region),
	    .to = move->peer,
	    .at_ms = dom_clock_now_ms(&service->clock),
	    .body = body};

	dom_buffer_free(&ask->reply);
	*ask = (struct mover_ask){.region = move_peer_region(service, move->peer),
	    .change = is_change(op),
	    .reply_size_max = reply_size_max,
	    .wait_ms = op == WIRE_PEER_FREEZE ? MOVER_FREEZE_WAIT_MS : MOVER_ASK_WAIT_MS,
	    .failure = DOM_ENETWORK};
	if (ask->region == NULL)
		return DOM_ABSENT;
	memcpy(peer.move, move->id, sizeof(peer.move));
	return move_sign_request(service, &peer, mover->arena, &ask->body);
}

/* In the place of whoever has rested for longest. */
static void
let_rest(struct mover *mover, const struct wire_group_region *region, int64_t began_ms)
{
	int64_t now_ms = dom_clock_now_ms(&mover->options.service->clock);
	int64_t took_ms = now_ms - began_ms;
	struct mover_rest *rest = &mover->rests[0];

	/* The clock may have been set meanwhile. */
	if (took_ms > MOVER_ASK_WAIT_MS)
		took_ms = MOVER_ASK_WAIT_MS;
	if (took_ms <= 0)
		return;
	for (size_t i = 0; i < MOVER_RESTS && rest->region != region; i++) {
		if (mover->rests[i].region == region ||
		    mover->rests[i].until_ms < rest->until_ms)
			rest = &mover->rests[i];
	}
	*rest = (struct mover_rest){.region = region, .until_ms = now_ms + took_ms};
}

enum dom_status
mover_ask_all(struct mover *mover, size_t count)
{
	const struct mover_peer *peer = &mover->options.peer;
	int64_t began_ms = dom_clock_now_ms(&mover->options.service->clock);
	enum dom_status st = peer->ask(peer->context, mover->asks, count);

	let_rest(mover, mover->asks[0].region, began_ms);
	return st;
}

enum dom_status
mover_answer(struct mover *mover, size_t index, struct wire_error *refusal_r)
{
	const struct mover_ask *ask = &mover->asks[index];

	*refusal_r = (struct wire_error){0};
	if (ask->failure != DOM_OK || ask->reply.failed != DOM_OK)
		return DOM_CONFLICT;
	if (ask->status == 200 || ask->status == 204)
		return DOM_OK;
	if (ask->status != 409)
		return DOM_CONFLICT;
	/* A body that is none gives empty slices. */
	wire_error_decode(dom_buffer_slice(&ask->reply), mover->arena, refusal_r);
	return dom_slice_is(refusal_r->code, "peer_refused") ? DOM_EDENIED : DOM_CONFLICT;
}

enum dom_status
mover_ask_one(struct mover *mover, const struct store_move *move, enum wire_peer_op op,
    struct dom_slice body, size_t reply_size_max, struct wire_error *refusal_r)
{
	enum dom_status st = mover_prepare_ask(mover, 0, move, op, body, reply_size_max);

	*refusal_r = (struct wire_error){0};
	if (st == DOM_ABSENT)
		return DOM_CONFLICT;
	if (st == DOM_OK)
		st = mover_ask_all(mover, 1);
	return st == DOM_OK ? mover_answer(mover, 0, refusal_r) : st;
}

/* --- again, after a while --------------------------------------------------------------- */

struct later {
	struct mover *mover;
	const struct store_move *before;
	int64_t due_ms;
};

static enum dom_status
run_later(struct store_txn *txn, void *context)
{
	const struct later *later = context;
	struct store_move move;
	enum dom_status st = mover_reload(txn, later->before, later->mover->arena, &move);

	/* Whoever has made it due since then wants it to be. */
	if (st != DOM_OK || move.due_ms != later->before->due_ms)
		return st;
	move.due_ms = later->due_ms;
	return store_move_update(txn, &move);
}

enum dom_status
mover_try_later(struct mover *mover, const struct store_move *move, struct mover_errand *errand)
{
	int64_t wait_ms = MOVER_AGAIN_MS_MIN, asked_ms = 0;
	struct later later = {.mover = mover, .before = move};

	for (unsigned i = 0; i < errand->failures && wait_ms < MOVER_AGAIN_MS_MAX; i++)
		wait_ms *= 2;
	for (size_t i = 0; i < MOVER_ASKS_MAX; i++) {
		int64_t this_ms = (int64_t)mover->asks[i].retry_after_seconds * 1000;

		if (this_ms > asked_ms)
			asked_ms = this_ms;
	}
	if (asked_ms > wait_ms)
		wait_ms = asked_ms;
	/* A peer that wants years does not get them. */
	if (wait_ms > MOVER_AGAIN_MS_MAX)
		wait_ms = MOVER_AGAIN_MS_MAX;
	errand->failures++;
	later.due_ms = dom_clock_now_ms(&mover->options.service->clock) + wait_ms;
	errand->not_before_ms = later.due_ms;
	if (wait_ms < MOVER_AGAIN_MS_KEPT)
		return DOM_OK;
	/* Somebody else may be copied. */
	mover_copy_free(&errand->copy);
	return mover_write(mover, run_later, &later);
}

void
mover_went_well(struct mover_errand *errand)
{
	errand->failures = 0;
	errand->not_before_ms = 0;
}
