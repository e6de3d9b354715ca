/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Whose turn it is; see mover.h. */
#include "services/move/mover.h"

#include <assert.h>
#include <stdlib.h>

#include "services/move/answers.h"
#include "services/move/guard.h"
#include "services/move/mover_copy.h"
#include "services/move/mover_parts.h"

enum {
	LOOK_AT = 320, /* more than copies that are being made: they are due all the time */
	GUARD_LOOK_MS = 100, /* whether it has opened */
};

#define STATE(name) ((uint64_t)1 << WIRE_MOVE_##name)

/* Whose work a state is: what nobody waits for a peer with is done by who answers. */
static const uint64_t asking = STATE(ORDERED) | STATE(ERASING) | STATE(STAGING) |
                               STATE(FREEZING) | STATE(PREPARED) | STATE(HOME) |
                               STATE(DISCARDED);

/* All that a source may be in, since what leaves a state is of interest as well. */
static const uint64_t answering = STATE(ORDERED) | STATE(EXPORTING) | STATE(FROZEN) |
                                  STATE(GONE) | STATE(LIVES) | STATE(ERASING) | STATE(ERASED) |
                                  STATE(CANCELLED);

enum dom_status
mover_open(const struct mover_options *options, struct mover **mover_r)
{
	struct mover *mover = calloc(1, sizeof(*mover));
	enum dom_status st = DOM_ENOMEM;

	assert(options->lane < options->lanes);
	*mover_r = NULL;
	if (mover == NULL)
		return DOM_ENOMEM;
	mover->options = *options;
	if ((mover->arena = dom_arena_new(0)) != NULL)
		st = options->role == MOVER_ASKS
		         ? store_reader_open(options->store, &mover->reader)
		         : move_answers_open(options, &mover->answers);
	if (st == DOM_OK)
		*mover_r = mover;
	else
		mover_close(&mover);
	return st;
}

static void
errand_forget(struct mover_errand *errand)
{
	mover_copy_free(&errand->copy);
	*errand = (struct mover_errand){0};
}

void
mover_close(struct mover **mover)
{
	struct mover *old = *mover;

	if (old == NULL)
		return;
	*mover = NULL;
	for (size_t i = 0; i < MOVER_ERRANDS; i++)
		errand_forget(&old->errands[i]);
	for (size_t i = 0; i < MOVER_ASKS_MAX; i++)
		dom_buffer_free(&old->asks[i].reply);
	move_answers_close(&old->answers);
	store_reader_close(&old->reader);
	dom_arena_free(&old->arena);
	free(old);
}

static const struct mover_errand *
known(const struct mover *mover, int64_t move)
{
	for (size_t i = 0; i < MOVER_ERRANDS; i++) {
		if (mover->errands[i].move == move)
			return &mover->errands[i];
	}
	return NULL;
}

/* A copy is dearer than what else is known. */
static bool
is_older(const struct mover_errand *one, const struct mover_errand *other)
{
	if ((one->copy == NULL) != (other->copy == NULL))
		return one->copy == NULL;
	return one->used < other->used;
}

static const struct wire_group_region *
region_of(const struct mover *mover, const struct store_move *move)
{
	return move_peer_region(mover->options.service, move->peer);
}

/* What is known of it, in the place of what was not used for longest. */
static struct mover_errand *
errand_of(struct mover *mover, const struct store_move *move)
{
	struct mover_errand *oldest = &mover->errands[0];

	for (size_t i = 0; i < MOVER_ERRANDS; i++) {
		struct mover_errand *errand = &mover->errands[i];

		if (errand->move == move->number) {
			errand->used = mover->steps;
			return errand;
		}
		if (is_older(errand, oldest))
			oldest = errand;
	}
	errand_forget(oldest);
	oldest->move = move->number;
	oldest->region = region_of(mover, move);
	oldest->used = mover->steps;
	return oldest;
}

static bool
is_copied(const struct store_move *move)
{
	return move->state == WIRE_MOVE_STAGING || move->state == WIRE_MOVE_FREEZING;
}

/* So many are being made that this one has to wait. */
static bool
waits_for_copies(const struct mover *mover, const struct store_move *move)
{
	const struct mover_errand *errand = known(mover, move->number);
	const struct wire_group_region *region = region_of(mover, move);
	unsigned copies = 0, of_one = 0;

	if (!is_copied(move) || (errand != NULL && (errand->copy != NULL || errand->in_doubt)))
		return false;
	for (size_t i = 0; i < MOVER_ERRANDS; i++) {
		if (mover->errands[i].copy == NULL)
			continue;
		copies++;
		of_one += mover->errands[i].region == region;
	}
	return copies >= MOVER_COPIES_MAX || of_one >= MOVER_COPIES_OF_ONE_MAX;
}

/* Not because of a failure: until its turn in a plan, for good, or until an order is over. */
static bool
waits_for_long(const struct store_move *move)
{
	return move->due_ms == MOVER_NEVER_MS || move->state == WIRE_MOVE_DISCARDED;
}

/* How long until it is due.  No failure takes longer than the most: the clock was set back. */
static int64_t
wait_of(const struct mover *mover, const struct store_move *move, int64_t now_ms)
{
	const struct mover_errand *errand = known(mover, move->number);
	int64_t wait_ms = move->due_ms - now_ms;

	if (wait_ms > MOVER_AGAIN_MS_MAX)
		wait_ms = waits_for_long(move) ? MOVER_WAIT_MS_MAX : 0;
	if (errand != NULL && errand->not_before_ms - now_ms > wait_ms &&
	    errand->not_before_ms - now_ms <= MOVER_AGAIN_MS_MAX)
		wait_ms = errand->not_before_ms - now_ms;
	return wait_ms;
}

enum rank { HURRIES, COMES_NEXT, RESTS };

static enum rank
rank_of(const struct mover *mover, const struct store_move *move, int64_t now_ms)
{
	const struct mover_errand *errand = known(mover, move->number);
	const struct wire_group_region *region = region_of(mover, move);

	/* A clock that was set back does not make it last. */
	if (errand != NULL && errand->hurry_until_ms > now_ms &&
	    errand->hurry_until_ms - now_ms <= MOVE_FROZEN_MS_MAX)
		return HURRIES;
	for (size_t i = 0; i < MOVER_RESTS; i++) {
		const struct mover_rest *rest = &mover->rests[i];

		if (rest->region == region && rest->until_ms > now_ms &&
		    rest->until_ms - now_ms <= MOVER_ASK_WAIT_MS)
			return RESTS;
	}
	return COMES_NEXT;
}

/*
 * Who hurries, then who does not rest; among these in turns.  NULL: none is due, and
 * *wait_ms_r says for how long.
 */
static const struct store_move *
choose(struct mover *mover, const struct store_move *rows, size_t count, int64_t *wait_ms_r)
{
	int64_t now_ms = dom_clock_now_ms(&mover->options.service->clock);
	const struct store_move *first = NULL, *next = NULL;
	enum rank best = RESTS, rank;

	*wait_ms_r = MOVER_WAIT_MS_MAX;
	for (size_t i = 0; i < count; i++) {
		int64_t wait_ms = wait_of(mover, &rows[i], now_ms);

		if (wait_ms > 0) {
			if (wait_ms < *wait_ms_r)
				*wait_ms_r = wait_ms;
			continue;
		}
		if (waits_for_copies(mover, &rows[i]))
			continue;
		if ((rank = rank_of(mover, &rows[i], now_ms)) > best)
			continue;
		if (rank < best)
			first = next = NULL;
		best = rank;
		if (first == NULL || rows[i].number < first->number)
			first = &rows[i];
		if (rows[i].number > mover->turn &&
		    (next == NULL || rows[i].number < next->number))
			next = &rows[i];
	}
	return next != NULL ? next : first;
}

static enum dom_status
work_on(struct mover *mover, const struct store_move *move)
{
	struct mover_errand *errand = errand_of(mover, move);

	switch (move->state) {
	case WIRE_MOVE_ORDERED:
		return mover_offer(mover, move, errand);
	case WIRE_MOVE_ERASING:
		return mover_erased(mover, move, errand);
	case WIRE_MOVE_STAGING:
	case WIRE_MOVE_FREEZING:
		return errand->in_doubt ? mover_ask_status(mover, move, errand)
		                        : mover_pull(mover, move, errand);
	case WIRE_MOVE_PREPARED:
		mover_copy_free(&errand->copy);
		return errand->in_doubt ? mover_ask_status(mover, move, errand)
		                        : mover_switch(mover, move, errand);
	case WIRE_MOVE_HOME:
		return mover_tell_home(mover, move, errand);
	default:
		mover_copy_free(&errand->copy);
		return mover_discard(mover, move, errand);
	}
}

static enum dom_status
ask_step(struct mover *mover, int64_t *wait_ms_r)
{
	const struct store_move *move;
	struct store_txn *txn = NULL;
	struct store_move *rows;
	enum dom_status st;
	size_t count;

	if ((st = store_read_begin(mover->reader, &txn)) != DOM_OK)
		return st;
	st = store_move_due(txn, asking, mover->options.lane, mover->options.lanes, LOOK_AT,
	    mover->arena, &rows, &count);
	store_read_end(&txn);
	if (st != DOM_OK)
		return st;
	if ((move = choose(mover, rows, count, wait_ms_r)) == NULL)
		return DOM_ABSENT;
	mover->turn = move->number;
	return work_on(mover, move);
}

/*
 * Before it is known which accounts live elsewhere nothing is done about any; the first lane
 * is who asks.  DOM_ABSENT: go on, unless the guard is closed.
 */
static enum dom_status
guard_step(struct mover *mover, int64_t *wait_ms_r)
{
	const struct mover_options *options = &mover->options;
	struct move_guard *guard = options->service->guard;
	enum dom_status st = DOM_ABSENT;

	*wait_ms_r = MOVER_WAIT_MS_MAX;
	if (guard == NULL)
		return DOM_ABSENT;
	if (options->role == MOVER_ASKS && options->lane == 0)
		st = move_guard_step(guard, &options->peer, wait_ms_r);
	if (st == DOM_OK)
		mover_wake(mover);
	if (move_guard_is_closed(guard) && *wait_ms_r > GUARD_LOOK_MS)
		*wait_ms_r = GUARD_LOOK_MS;
	return st;
}

/*
 * Everybody is woken by whatever happens to any move, and most of it is no matter of this one.
 * A clock that was set back does not make it last.
 */
static bool
is_idle(const struct mover *mover, int64_t now_ms, uint64_t news)
{
	return mover->is_idle && mover->news == news && now_ms >= mover->looked_ms &&
	       now_ms < mover->look_ms;
}

static enum dom_status
look_step(struct mover *mover, int64_t *wait_ms_r)
{
	const struct mover_options *options = &mover->options;
	bool asks = options->role == MOVER_ASKS;
	/* Both before the look: what comes meanwhile is found by the next one. */
	uint64_t news = store_move_news(options->store, asks ? asking : answering);
	int64_t now_ms = dom_clock_now_ms(&options->service->clock);
	enum dom_status st;

	if (is_idle(mover, now_ms, news)) {
		*wait_ms_r = mover->look_ms - now_ms;
		return DOM_ABSENT;
	}
	st = asks ? ask_step(mover, wait_ms_r) : move_answers_step(mover->answers, wait_ms_r);
	mover->is_idle = st == DOM_ABSENT;
	mover->news = news;
	mover->looked_ms = now_ms;
	mover->look_ms = now_ms + *wait_ms_r;
	return st;
}

static enum dom_status
role_step(struct mover *mover, int64_t *wait_ms_r)
{
	int64_t guard_wait_ms;
	enum dom_status st = guard_step(mover, &guard_wait_ms);

	if (st == DOM_ABSENT && !move_guard_is_closed(mover->options.service->guard))
		st = look_step(mover, wait_ms_r);
	if (guard_wait_ms < *wait_ms_r)
		*wait_ms_r = guard_wait_ms;
	return st;
}

enum dom_status
mover_step(struct mover *mover, int64_t *wait_ms_r)
{
	enum dom_status st;

	*wait_ms_r = MOVER_WAIT_MS_MAX;
	mover->steps++;
	dom_arena_reset(mover->arena);
	for (size_t i = 0; i < MOVER_ASKS_MAX; i++) {
		dom_buffer_free(&mover->asks[i].reply);
		mover->asks[i] = (struct mover_ask){0};
	}
	st = role_step(mover, wait_ms_r);
	/* An ordinary answer that nobody expected is a fault of ours. */
	return st > 0 && st != DOM_ABSENT ? DOM_ESTORE : st;
}

/* --- what the steps share -------------------------------------------------------------- */

enum dom_status
mover_reload(struct store_txn *txn, const struct store_move *before, struct dom_arena *arena,
    struct store_move *move_r)
{
	enum dom_status st = store_move_find(txn, before->id, before->side, arena, move_r);

	if (st < 0)
		return st;
	return st == DOM_OK && move_r->number == before->number &&
	               move_r->state == before->state
	           ? DOM_OK
	           : DOM_CONFLICT;
}

/* DOM_CONFLICT would be committed: nothing of it may be. */
struct writing {
	enum dom_status (*run)(struct store_txn *txn, void *context);
	void *context;
	bool is_late;
};

static enum dom_status
run_writing(struct store_txn *txn, void *context)
{
	struct writing *writing = context;
	enum dom_status st = writing->run(txn, writing->context);

	writing->is_late = st == DOM_CONFLICT;
	if (st == DOM_ABSENT)
		return DOM_ESTORE;
	return writing->is_late ? DOM_EDENIED : st;
}

enum dom_status
mover_write(struct mover *mover, enum dom_status (*run)(struct store_txn *txn, void *context),
    void *context)
{
	struct writing writing = {.run = run, .context = context};
	enum dom_status st = store_write(mover->options.store, run_writing, &writing);

	return st == DOM_EDENIED && writing.is_late ? DOM_OK : st;
}

void
mover_wake(const struct mover *mover)
{
	if (mover->options.wake != NULL)
		mover->options.wake(mover->options.context);
}
