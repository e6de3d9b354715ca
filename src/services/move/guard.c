/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Whom the guard asks, and when it opens; see guard.h. */
#include "services/move/guard.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"

#include "crypto/keys.h"

#include "services/move/guard_parts.h"

enum {
	ASK_MS_MAX = 10 * 1000, /* while nobody is served; else it holds up moves */
	ASK_MS_LATER = 2000,
	ASK_MS_MIN = 100,
	AGAIN_MS_MIN = 500,
	AGAIN_MS_MAX = 60 * 1000,
	HELD_AGAIN_MS = 1000, /* while accounts wait for it */
	/*
	 * Between two pages of a list, or as long as the one took, once people are served: the
	 * lane has moves to see to, and a list need not end.
	 */
	PAGE_AGAIN_MS = 200,
	REPLY_SIZE_MAX = WIRE_PEER_ANSWER_SIZE + (1 << 20),
};

/* --- opening ---------------------------------------------------------------------------- */

/* Which of the peers has not answered since the store was made out of a backup? */
static enum dom_status
look_up_answers(struct move_guard *guard, struct store_txn *txn)
{
	int64_t last_ms;
	enum dom_status st = store_restores(txn, &guard->restores, &last_ms);

	for (size_t i = 0; st == DOM_OK && i < guard->peer_count; i++) {
		struct guard_peer *peer = &guard->peers[i];
		uint64_t restores = 0;

		st = store_peer_answer(txn, peer->region->name, &restores);
		if (st < 0)
			return st;
		st = DOM_OK;
		if (restores >= guard->restores)
			continue;
		atomic_store(&peer->answer, MOVE_GUARD_MISSING);
		atomic_store(&guard->is_restored, true);
	}
	return st;
}

static enum dom_status
know_peers(struct move_guard *guard)
{
	const struct wire_group *group = guard->service->settings.group;
	size_t count = group == NULL ? 0 : group->region_count;

	guard->peers = calloc(count + 1, sizeof(*guard->peers));
	if (guard->peers == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (dom_slice_is(group->regions[i].name, guard->service->settings.region))
			continue;
		guard->peers[guard->peer_count].region = &group->regions[i];
		atomic_init(&guard->peers[guard->peer_count++].answer, MOVE_GUARD_ASKED);
	}
	return DOM_OK;
}

enum dom_status
move_guard_open(const struct service *service, struct store *store, struct move_guard **guard_r)
{
	struct move_guard *guard = calloc(1, sizeof(*guard));
	struct store_txn *txn = NULL;
	enum dom_status st = DOM_ENOMEM;

	*guard_r = NULL;
	if (guard == NULL)
		return DOM_ENOMEM;
	guard->service = service;
	guard->store = store;
	atomic_init(&guard->is_closed, false);
	atomic_init(&guard->is_restored, false);
	guard->may_hold = true;
	guard->opened_ms = dom_clock_now_ms(&service->clock);
	if ((guard->arena = dom_arena_new(0)) != NULL && (st = know_peers(guard)) == DOM_OK &&
	    (st = store_reader_open(store, &guard->reader)) == DOM_OK &&
	    (st = store_read_begin(guard->reader, &txn)) == DOM_OK)
		st = look_up_answers(guard, txn);
	store_read_end(&txn);
	atomic_store(&guard->is_closed, guard->peer_count != 0);
	if (st != DOM_OK)
		move_guard_close(&guard);
	*guard_r = guard;
	return st;
}

void
move_guard_close(struct move_guard **guard)
{
	struct move_guard *old = *guard;

	if (old == NULL)
		return;
	*guard = NULL;
	guard_forget_known(old);
	for (size_t i = 0; i < old->peer_count; i++)
		free(old->peers[i].prepared);
	free(old->peers);
	store_reader_close(&old->reader);
	dom_arena_free(&old->arena);
	free(old);
}

bool
move_guard_is_closed(const struct move_guard *guard)
{
	return guard != NULL && atomic_load(&guard->is_closed);
}

bool
move_guard_show(const struct move_guard *guard, size_t index, struct dom_slice *name_r,
    enum move_guard_answer *answer_r)
{
	if (guard == NULL || index >= guard->peer_count)
		return false;
	*name_r = guard->peers[index].region->name;
	*answer_r = (enum move_guard_answer)atomic_load(&guard->peers[index].answer);
	return true;
}

/* --- answers ---------------------------------------------------------------------------- */

struct answered {
	struct move_guard *guard;
	const struct guard_peer *peer; /* NULL: all of them */
};

static enum dom_status
run_answered(struct store_txn *txn, void *context)
{
	const struct answered *answered = context;
	struct move_guard *guard = answered->guard;
	enum dom_status st = DOM_OK;

	for (size_t i = 0; st == DOM_OK && i < guard->peer_count; i++) {
		if (answered->peer == NULL || answered->peer == &guard->peers[i])
			st = store_peer_answer_set(
			    txn, guard->peers[i].region->name, guard->restores);
	}
	return st;
}

/* It has told everything that lives there. */
static enum dom_status
end_round(struct move_guard *guard, struct guard_peer *peer, int64_t now_ms)
{
	bool holds = peer->prepared_count != 0;
	enum dom_status st = guard_release(guard, peer);

	if (st == DOM_OK && atomic_load(&peer->answer) == MOVE_GUARD_MISSING)
		st = store_write(guard->store, run_answered,
		    &(struct answered){.guard = guard, .peer = peer});
	if (st != DOM_OK)
		return st;
	atomic_store(&peer->answer, holds ? MOVE_GUARD_HOLDS : MOVE_GUARD_ANSWERED);
	peer->is_done = !holds;
	peer->due_ms = now_ms + HELD_AGAIN_MS;
	peer->after = 0;
	peer->prepared_count = 0;
	guard_forget_known(guard);
	return DOM_OK;
}

/* DOM_EINPUT: it is no answer. */
static enum dom_status
take_answer(struct move_guard *guard, struct guard_peer *peer, const struct mover_ask *ask,
    int64_t began_ms, int64_t now_ms)
{
	int64_t rest_ms = now_ms - began_ms;
	struct wire_peer_home *homes;
	enum dom_status st;
	size_t count;
	bool ended;

	if (ask->failure != DOM_OK || ask->status != 200 || ask->reply.failed != DOM_OK)
		return DOM_EINPUT;
	st = wire_peer_homes_decode(
	    dom_buffer_slice(&ask->reply), guard->arena, &ended, &homes, &count);
	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		if (homes[i].number <= peer->after)
			return DOM_EINPUT;
		st = guard_take(guard, peer, &homes[i]);
		if (st == DOM_OK)
			peer->after = homes[i].number;
	}
	if (st == DOM_OK && !ended && count == 0)
		return DOM_EINPUT;
	if (st == DOM_OK && ended)
		return end_round(guard, peer, now_ms);
	if (st == DOM_OK && !move_guard_is_closed(guard))
		peer->due_ms = now_ms + (rest_ms < PAGE_AGAIN_MS     ? PAGE_AGAIN_MS
		                            : rest_ms > ASK_MS_LATER ? ASK_MS_LATER
		                                                     : rest_ms);
	return st;
}

static void
try_later(struct guard_peer *peer, int64_t now_ms)
{
	int64_t wait_ms = AGAIN_MS_MIN;

	for (unsigned i = 0; i < peer->failures && wait_ms < AGAIN_MS_MAX; i++)
		wait_ms *= 2;
	peer->failures++;
	peer->due_ms = now_ms + (wait_ms > AGAIN_MS_MAX ? AGAIN_MS_MAX : wait_ms);
}

/* --- asking ----------------------------------------------------------------------------- */

static enum dom_status
prepare_ask(struct move_guard *guard, const struct guard_peer *peer, int64_t now_ms,
    struct mover_ask *ask)
{
	struct wire_peer request = {.op = WIRE_PEER_HOMES,
	    .from = dom_slice_of(guard->service->settings.region),
	    .to = peer->region->name,
	    .at_ms = now_ms};
	int64_t left_ms = guard->opened_ms + MOVE_GUARD_START_MS - now_ms;
	struct dom_buffer after = {0};
	enum dom_status st;

	*ask = (struct mover_ask){.region = peer->region,
	    .reply_size_max = REPLY_SIZE_MAX,
	    .wait_ms = move_guard_is_closed(guard) ? ASK_MS_MAX : ASK_MS_LATER,
	    .failure = DOM_ENETWORK};
	/* Who would be served anyway does not wait for one that does not answer. */
	if (!atomic_load(&guard->is_restored) && left_ms < ASK_MS_MAX && left_ms > 0)
		ask->wait_ms = left_ms < ASK_MS_MIN ? ASK_MS_MIN : (unsigned)left_ms;
	dom_write_u64(&after, peer->after);
	request.body = dom_buffer_slice(&after);
	if ((st = dom_buffer_finish(&after)) == DOM_OK)
		st = move_sign_request(guard->service, &request, guard->arena, &ask->body);
	dom_buffer_free(&after);
	return st;
}

/* Those that are due; the others say for how long. */
static size_t
choose(struct move_guard *guard, int64_t now_ms, struct guard_peer *chosen[MOVER_ASKS_MAX],
    int64_t *wait_ms_r)
{
	size_t count = 0;

	for (size_t i = 0; i < guard->peer_count && count < MOVER_ASKS_MAX; i++) {
		struct guard_peer *peer = &guard->peers[i];

		if (peer->is_done)
			continue;
		/* More than it ever waits: the clock was set back. */
		if (peer->due_ms <= now_ms || peer->due_ms - now_ms > AGAIN_MS_MAX)
			chosen[count++] = peer;
		else if (peer->due_ms - now_ms < *wait_ms_r)
			*wait_ms_r = peer->due_ms - now_ms;
	}
	return count;
}

static void
look_whether_to_open(struct move_guard *guard, int64_t now_ms)
{
	bool is_missing = false, is_untried = false;

	/* The operator may have opened it. */
	if (!atomic_load(&guard->is_closed))
		return;

	for (size_t i = 0; i < guard->peer_count; i++) {
		is_missing |= atomic_load(&guard->peers[i].answer) == MOVE_GUARD_MISSING;
		is_untried |= !guard->peers[i].is_tried;
	}
	if (now_ms >= guard->opened_ms + MOVE_GUARD_START_MS)
		is_untried = false;
	if (!is_missing && !is_untried)
		atomic_store(&guard->is_closed, false);
}

/* Of those that were asked at once. */
static enum dom_status
take_answers(struct move_guard *guard, struct guard_peer **chosen, struct mover_ask *asks,
    size_t count, int64_t began_ms)
{
	int64_t now_ms = dom_clock_now_ms(&guard->service->clock);
	enum dom_status st = DOM_OK;

	for (size_t i = 0; i < count; i++) {
		enum dom_status taken =
		    take_answer(guard, chosen[i], &asks[i], began_ms, now_ms);

		chosen[i]->is_tried = true;
		if (taken == DOM_OK) {
			chosen[i]->failures = 0;
			continue;
		}
		try_later(chosen[i], now_ms);
		/* A peer's nonsense is the peer's; a store that fails is ours. */
		if (taken < 0 && taken != DOM_EINPUT)
			st = taken;
	}
	look_whether_to_open(guard, now_ms);
	return st;
}

enum dom_status
move_guard_step(struct move_guard *guard, const struct mover_peer *peer, int64_t *wait_ms_r)
{
	int64_t now_ms = dom_clock_now_ms(&guard->service->clock);
	struct guard_peer *chosen[MOVER_ASKS_MAX] = {0};
	struct mover_ask asks[MOVER_ASKS_MAX] = {0};
	enum dom_status st = DOM_OK;
	size_t count;

	*wait_ms_r = MOVER_WAIT_MS_MAX;
	dom_arena_reset(guard->arena);
	look_whether_to_open(guard, now_ms);
	if ((count = choose(guard, now_ms, chosen, wait_ms_r)) == 0)
		return DOM_ABSENT;
	for (size_t i = 0; i < count && st == DOM_OK; i++)
		st = prepare_ask(guard, chosen[i], now_ms, &asks[i]);
	if (st == DOM_OK)
		st = peer->ask(peer->context, asks, count);
	if (st == DOM_OK)
		st = take_answers(guard, chosen, asks, count, now_ms);
	for (size_t i = 0; i < count; i++)
		dom_buffer_free(&asks[i].reply);
	return st;
}

/* --- the operator ------------------------------------------------------------------------ */

enum dom_status
move_guard_trust(struct move_guard *guard)
{
	enum dom_status st;

	atomic_store(&guard->is_restored, false);
	st = store_write(guard->store, run_answered, &(struct answered){.guard = guard});
	if (st == DOM_OK)
		st = guard_release(guard, NULL);
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	for (size_t i = 0; i < guard->peer_count; i++) {
		int before = MOVE_GUARD_MISSING;

		atomic_compare_exchange_strong(
		    &guard->peers[i].answer, &before, MOVE_GUARD_ASKED);
	}
	atomic_store(&guard->is_closed, false);
	return DOM_OK;
}
