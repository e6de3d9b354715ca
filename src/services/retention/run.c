/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A step in a job of the writer, and what came of it. */
#include "services/move/parts.h"
#include "services/retention/sweep.h"

/*
 * DOM_ABSENT: not any more, it is erased, lives elsewhere, or moves: what went
 * meanwhile would be missing in one of two copies that have to be the same.
 */
static enum dom_status
is_settled(struct store_txn *txn, int64_t number, struct dom_arena *arena,
    struct store_account *account_r)
{
	enum dom_status st = store_account_by_number(txn, number, arena, account_r);

	if (st != DOM_OK)
		return st;
	if (account_r->state != STORE_ACCOUNT_HOME)
		return DOM_ABSENT;
	st = move_holds(txn, number, arena);
	if (st < 0)
		return st;
	return st == DOM_OK ? DOM_ABSENT : DOM_OK;
}

/* Between the snapshot and this job it may have been used, told or erased. */
static enum dom_status
look_again(struct store_txn *txn, const struct retention_step *step, struct dom_arena *arena,
    struct store_account *account_r)
{
	enum dom_status st = is_settled(txn, step->account, arena, account_r);

	if (st != DOM_OK)
		return st;
	return !account_r->disabled && account_r->active_ms < step->before_ms ? DOM_OK
	                                                                      : DOM_ABSENT;
}

static enum dom_status
run_notice(struct retention_step *step, struct store_txn *txn, struct dom_arena *arena)
{
	struct store_account account;
	int64_t time_ms;
	enum dom_status st = look_again(txn, step, arena, &account);

	if (st == DOM_OK)
		st = store_region_time(txn, &time_ms);
	if (st == DOM_OK)
		st = store_account_notice_set(txn, step->account, time_ms);
	step->removed = st == DOM_OK;
	return st;
}

static enum dom_status
run_account(struct retention_step *step, struct store_txn *txn, struct dom_arena *arena)
{
	struct store_account account;
	enum dom_status st = look_again(txn, step, arena, &account);

	if (st != DOM_OK)
		return st;
	if (account.notice_ms == 0 || account.notice_ms >= step->told_before_ms)
		return DOM_ABSENT;
	st = step->options->erase_account(step->options->context, txn, step->account, arena);
	step->removed = st == DOM_OK;
	return st;
}

static enum dom_status
run_revisions(struct retention_step *step, struct store_txn *txn, struct dom_arena *arena)
{
	int64_t numbers[RETENTION_STEP_ROWS];
	struct store_account account;
	enum dom_status st = DOM_OK;

	for (size_t i = 0; i < step->count; i++) {
		if (i == 0 || step->of[i].owner != step->of[i - 1].owner)
			st = is_settled(txn, step->of[i].owner, arena, &account);
		if (st < 0)
			return st;
		/* 0 is no revision's: it is passed over. */
		numbers[i] = st == DOM_OK ? step->at[i].number : 0;
	}
	return store_erase_revisions(
	    txn, numbers, step->count, step->before_ms, &step->done, &step->sum);
}

static enum dom_status
run_of_one(struct retention_step *step, struct store_txn *txn, struct dom_arena *arena)
{
	struct store_account account;
	enum dom_status st = is_settled(txn, step->account, arena, &account);

	if (st != DOM_OK)
		return st;
	if (step->kind == RETENTION_STEP_COLLECTION)
		return store_erase_collection(
		    txn, step->collection, RETENTION_STEP_ROWS, &step->sum);
	return store_erase_chunks(txn, step->collection, step->chunks, step->count, step->clock,
	    &step->done, &step->sum);
}

enum dom_status
retention_run(struct retention_step *step, struct store_txn *txn, struct dom_arena *arena)
{
	switch (step->kind) {
	case RETENTION_STEP_SESSIONS:
		return store_sessions_due(
		    txn, step->before_ms, RETENTION_STEP_ROWS, &step->removed);
	case RETENTION_STEP_REVISIONS:
		return run_revisions(step, txn, arena);
	case RETENTION_STEP_CHUNKS:
	case RETENTION_STEP_COLLECTION:
		return run_of_one(step, txn, arena);
	case RETENTION_STEP_NOTICE:
		return run_notice(step, txn, arena);
	case RETENTION_STEP_ACCOUNT:
		break;
	}
	return run_account(step, txn, arena);
}

static void
touch(struct retention *retention, const struct retention_touched *of)
{
	for (size_t i = 0; i < retention->touched_count; i++)
		if (retention->touched[i].collection == of->collection)
			return;
	if (retention->touched_count == RETENTION_TOUCHED_MAX)
		retention->is_whole = true;
	else
		retention->touched[retention->touched_count++] = *of;
}

/* On behind what is done; all of it: behind the page. */
static void
pass_revisions(struct retention *retention, const struct retention_step *step)
{
	for (size_t i = 0; i < step->done; i++)
		touch(retention, &step->of[i]);
	if (step->done == step->count)
		retention->due = step->last;
	else if (step->done != 0)
		retention->due = step->at[step->done - 1];
}

/* Too much changes in it just now: it has its turn in the next sweep. */
static void
pass_collection(struct retention *retention, const struct retention_step *step)
{
	if (retention->is_whole)
		retention->collection = step->collection;
	else if (retention->touched_count != 0)
		retention->touched_count--;
}

void
retention_ran(
    struct retention *retention, const struct retention_step *step, enum dom_status st)
{
	struct retention_figures *figures = &retention->figures;

	/* Rolled back: the same is found again. */
	if (st < 0)
		return;
	figures->bytes += step->sum.bytes;
	/* Something is not as it was known to be. */
	if (st != DOM_OK)
		retention->known_count = 0;
	switch (step->kind) {
	case RETENTION_STEP_SESSIONS:
		figures->removed[RETENTION_SESSIONS] += step->removed;
		if (step->removed < RETENTION_STEP_ROWS)
			retention->is_part_done = true;
		break;
	case RETENTION_STEP_REVISIONS:
		figures->removed[RETENTION_HISTORY] += step->sum.revisions;
		pass_revisions(retention, step);
		break;
	case RETENTION_STEP_NOTICE:
		figures->notices += step->removed;
		break;
	case RETENTION_STEP_ACCOUNT:
		figures->removed[RETENTION_ACCOUNTS] += step->removed;
		break;
	case RETENTION_STEP_CHUNKS:
		figures->removed[RETENTION_CHUNKS] += step->sum.chunks;
		if (st == DOM_CONFLICT)
			pass_collection(retention, step);
		break;
	case RETENTION_STEP_COLLECTION:
		/* What it held is counted with it. */
		figures->removed[RETENTION_COLLECTIONS] += step->sum.collections;
		break;
	}
}
