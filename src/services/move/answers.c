/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the source does behind requests, without waiting for anybody; see answers.h. */
#include "services/move/answers.h"

#include <stdlib.h>

#include "services/move/answers_parts.h"
#include "services/move/served.h"

enum {
	EXPIRY_EVERY_MS = 5000, /* how often orders are looked at whether they have expired, */
	EXPIRY_PAGE_MS = 20,    /* and how long it rests after a page of them */
	PROGRESS_EVERY_MS = 1000,
};

enum dom_status
move_answers_open(const struct mover_options *options, struct move_answers **answers_r)
{
	struct move_answers *answers = calloc(1, sizeof(*answers));
	enum dom_status st = answers == NULL ? DOM_ENOMEM : DOM_OK;

	if (st == DOM_OK) {
		answers->options = *options;
		answers->arena = dom_arena_new(0);
		st = answers->arena == NULL
		         ? DOM_ENOMEM
		         : store_reader_open(options->store, &answers->reader);
	}
	if (st != DOM_OK)
		move_answers_close(&answers);
	*answers_r = answers;
	return st;
}

void
move_answers_close(struct move_answers **answers)
{
	struct move_answers *old = *answers;

	if (old == NULL)
		return;
	*answers = NULL;
	for (size_t i = 0; i < ANSWERS_BOOKS; i++)
		root_book_free(&old->books[i].book);
	store_reader_close(&old->reader);
	dom_arena_free(&old->arena);
	free(old);
}

int64_t
answers_now(const struct move_answers *answers)
{
	return dom_clock_now_ms(&answers->options.service->clock);
}

void
answers_wait(struct move_answers *answers, int64_t ms)
{
	/* The clock goes on between two looks at it. */
	if (ms < 1)
		ms = 1;
	if (ms < answers->wait_ms)
		answers->wait_ms = ms;
}

static void
wake(const struct move_answers *answers)
{
	if (answers->options.wake != NULL)
		answers->options.wake(answers->options.context);
}

/* --- jobs -------------------------------------------------------- */

enum dom_status
answers_reload(
    struct store_txn *txn, const struct answers_work *work, struct store_move *move_r)
{
	const struct store_move *before = work->move;
	enum dom_status st =
	    store_move_find(txn, before->id, STORE_MOVE_SOURCE, work->answers->arena, move_r);

	if (st == DOM_OK &&
	    (move_r->state != before->state || move_r->attempts != before->attempts))
		st = DOM_CONFLICT;
	return st == DOM_ABSENT ? DOM_CONFLICT : st;
}

enum dom_status
answers_write(
    struct answers_work *work, enum dom_status (*run)(struct store_txn *txn, void *context))
{
	enum dom_status st = store_write(work->answers->options.store, run, work);

	if (st == DOM_OK)
		wake(work->answers);
	return st == DOM_CONFLICT ? DOM_OK : st;
}

static enum dom_status
run_end(struct store_txn *txn, void *context)
{
	struct answers_work *work = context;
	struct store_move move;
	enum dom_status st = answers_reload(txn, work, &move);

	/* Rolled back: nothing was written. */
	if (st == DOM_CONFLICT)
		return DOM_ESTOPPED;
	return st == DOM_OK ? move_source_end(work->answers->options.service, txn,
	                          work->answers->arena, &move, work->event, work->why)
	                    : st;
}

static enum dom_status
end_move(struct move_answers *answers, const struct store_move *move, enum move_event event,
    const char *why)
{
	struct answers_work work = {
	    .answers = answers, .move = move, .event = event, .why = why};
	enum dom_status st = answers_write(&work, run_end);

	return st == DOM_ESTOPPED ? DOM_OK : st;
}

enum dom_status
answers_list(struct move_answers *answers, struct store_txn *txn, uint64_t states,
    struct store_move **rows_r, size_t *count_r)
{
	return store_move_due(txn, states, 0, 1, ANSWERS_ROWS, answers->arena, rows_r, count_r);
}

/* --- frozen ------------------------------------------------------ */

static bool
is_late(void *context)
{
	const struct move_answers *answers = context;

	if (answers_now(answers) >= answers->deadline_ms)
		return true;
	return answers->options.stopped != NULL &&
	       answers->options.stopped(answers->options.context);
}

static enum dom_status
compute(struct move_answers *answers, struct store_txn *txn, struct answers_work *work)
{
	const struct store_move *move = work->move;
	struct root_options options = {.scope = WIRE_SCOPE_ACCOUNT,
	    .account = move->account,
	    .stopped = is_late,
	    .context = answers};
	struct answers_book *book = answers_book(answers, move->number);
	struct store_account account;
	enum dom_status st;

	st = store_account_by_number(txn, move->account, answers->arena, &account);
	if (st != DOM_OK)
		return st;
	memcpy(options.identity_public, move->identity, sizeof(options.identity_public));
	options.clock = work->clock = account.clock;
	answers->deadline_ms = move->due_ms;
	return book == NULL ? root_compute(txn, &options, work->root, &work->sum)
	                    : root_book_root(book->book, txn, &options, work->root, &work->sum);
}

static enum dom_status
run_sign(struct store_txn *txn, void *context)
{
	struct answers_work *work = context;
	enum dom_status st = move_freeze_sign(work->answers->options.service, txn,
	    work->answers->arena, work->move, work->clock, work->root, &work->sum);

	return st == DOM_CONFLICT ? DOM_ESTOPPED : st;
}

/* The snapshot shows the account frozen, so the root is that of everything that counts. */
static enum dom_status
sign(struct move_answers *answers, struct store_txn **txn, const struct store_move *move)
{
	struct answers_work work = {.answers = answers, .move = move};
	enum dom_status st = compute(answers, *txn, &work);

	store_read_end(txn);
	if (st == DOM_OK)
		st = answers_write(&work, run_sign);
	/* Late, or another request was faster: the next step looks again. */
	return st == DOM_ESTOPPED || st == DOM_ABSENT ? DOM_OK : st;
}

/* Closes the snapshot if it did something. */
static enum dom_status
step_frozen(struct move_answers *answers, struct store_txn **txn)
{
	struct wire_signed_move freeze;
	struct store_move *rows;
	size_t count;
	enum dom_status st =
	    answers_list(answers, *txn, ANSWERS_STATE(WIRE_MOVE_FROZEN), &rows, &count);

	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		int64_t left_ms = rows[i].due_ms - answers_now(answers);

		/* More than there ever was: the clock was set back. */
		if (!answers->begun || left_ms <= 0 || left_ms > MOVE_FROZEN_MS_MAX) {
			store_read_end(txn);
			return end_move(answers, &rows[i], MOVE_ABORT,
			    answers->begun
			        ? "The handing over took too long and was broken off."
			        : "This region was restarted while it handed over.");
		}
		answers_wait(answers, left_ms);
		st = move_message(*txn, &rows[i], MOVE_MESSAGE_FREEZE, answers->arena, &freeze);
		if (st == DOM_ABSENT)
			return sign(answers, txn, &rows[i]);
	}
	if (st != DOM_OK)
		return st;
	answers->begun = true;
	return DOM_ABSENT;
}

/* --- orders that expire ------------------------------------------ */

static enum dom_status
expire(struct move_answers *answers, struct store_txn **txn, const struct store_move *move)
{
	uint8_t digest[WIRE_SUBJECT_SIZE];
	struct wire_statement order;
	enum dom_status st = move_order(*txn, move, answers->arena, &order, digest);

	if (st != DOM_OK || order.expires_ms > answers_now(answers))
		return st == DOM_OK ? DOM_ABSENT : st;
	store_read_end(txn);
	return end_move(answers, move, MOVE_GIVEN_UP,
	    "The order has expired before the move was done: the account stays here.");
}

/* Of a page; *count_r: how many moves were looked at. */
static enum dom_status
look_at_orders(struct move_answers *answers, struct store_txn **txn, size_t *count_r)
{
	struct store_move *rows;
	enum dom_status st = store_move_list(
	    *txn, answers->expiry_after, true, ANSWERS_ROWS, answers->arena, &rows, count_r);

	for (size_t i = 0; st == DOM_OK && i < *count_r; i++) {
		answers->expiry_after = rows[i].number;
		if (rows[i].state != WIRE_MOVE_ORDERED && rows[i].state != WIRE_MOVE_EXPORTING)
			continue;
		answers->has_orders = true;
		if ((st = expire(answers, txn, &rows[i])) == DOM_ABSENT)
			st = DOM_OK;
		else if (st == DOM_OK)
			return DOM_CONFLICT; /* it did something */
	}
	return st;
}

/* A page of them in a step: millions may wait for their turn in a plan. */
static enum dom_status
step_orders(struct move_answers *answers, struct store_txn **txn)
{
	int64_t left_ms = answers->expiry_ms - answers_now(answers);
	size_t count;
	enum dom_status st;

	if (left_ms > 0 && left_ms <= EXPIRY_EVERY_MS) {
		if (answers->has_orders)
			answers_wait(answers, left_ms);
		return DOM_ABSENT;
	}
	if (answers->expiry_after == 0)
		answers->has_orders = false;
	st = look_at_orders(answers, txn, &count);
	if (st != DOM_OK)
		return st == DOM_CONFLICT ? DOM_OK : st;
	left_ms = count == ANSWERS_ROWS ? EXPIRY_PAGE_MS : EXPIRY_EVERY_MS;
	answers->expiry_ms = answers_now(answers) + left_ms;
	if (count != ANSWERS_ROWS)
		answers->expiry_after = 0;
	if (count == ANSWERS_ROWS || answers->has_orders)
		answers_wait(answers, left_ms);
	return DOM_ABSENT;
}

/* --- how far the copy is ----------------------------------------- */

static enum dom_status
run_count(struct store_txn *txn, void *context)
{
	struct answers_work *work = context;
	struct store_usage usage;
	struct store_move move;
	enum dom_status st = answers_reload(txn, work, &move);

	if (st == DOM_CONFLICT)
		return DOM_ESTOPPED;
	if (st == DOM_OK)
		st = store_account_usage(txn, move.account, &usage);
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	/* What came twice counts twice; all of it has come when it is frozen. */
	move.bytes_total = usage.chunk_bytes;
	move.bytes += work->served;
	if (move.bytes > move.bytes_total)
		move.bytes = move.bytes_total;
	st = store_move_update(txn, &move);
	return st > 0 ? DOM_ESTORE : st;
}

static enum dom_status
step_progress(struct move_answers *answers, struct store_txn **txn)
{
	struct move_served *served = answers->options.service->served;
	struct answers_work work = {.answers = answers};
	int64_t left_ms = answers->progress_ms - answers_now(answers);
	struct store_move *rows;
	size_t count;
	enum dom_status st;

	/* More than there ever was: the clock was set back. */
	if (left_ms > 0 && left_ms <= PROGRESS_EVERY_MS)
		return DOM_ABSENT;
	st = answers_list(answers, *txn, ANSWERS_STATE(WIRE_MOVE_EXPORTING), &rows, &count);
	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		answers_wait(answers, PROGRESS_EVERY_MS);
		work.served = move_served_take(served, rows[i].number);
		if (work.served == 0)
			continue;
		store_read_end(txn);
		work.move = &rows[i];
		st = store_write(answers->options.store, run_count, &work);
		return st == DOM_ESTOPPED ? DOM_OK : st;
	}
	if (st != DOM_OK)
		return st;
	answers->progress_ms = answers_now(answers) + PROGRESS_EVERY_MS;
	return DOM_ABSENT;
}

/* --- a step ------------------------------------------------------ */

enum dom_status
move_answers_step(struct move_answers *answers, int64_t *wait_ms_r)
{
	struct store_txn *txn = NULL;
	enum dom_status st;

	*wait_ms_r = 0;
	answers->wait_ms = MOVER_WAIT_MS_MAX;
	dom_arena_reset(answers->arena);
	if ((st = store_read_begin(answers->reader, &txn)) != DOM_OK)
		return st;
	/* Whoever is frozen waits, so that comes first. */
	st = step_frozen(answers, &txn);
	if (st == DOM_ABSENT)
		st = step_orders(answers, &txn);
	if (st == DOM_ABSENT)
		st = step_progress(answers, &txn);
	if (st == DOM_ABSENT)
		st = answers_step_books(answers, txn);
	if (st == DOM_ABSENT)
		st = answers_step_erasing(answers, &txn);
	/* The last: it may close the snapshot and have done nothing. */
	if (st == DOM_ABSENT)
		st = answers_step_lives(answers, &txn);
	store_read_end(&txn);
	if (st == DOM_ABSENT)
		*wait_ms_r = answers->wait_ms;
	return st;
}
