/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the source does behind requests, without waiting for anybody; see answers.h. */
#include "services/move/answers.h"

#include <stdlib.h>

#include "services/erasure/erasure.h"
#include "services/move/source.h"
#include "services/root/book.h"

enum {
	BOOKS = 16,             /* accounts whose roots are kept warm at once */
	BOOK_EVERY_MS = 250,    /* how often one that is up to date looks for changes */
	EXPIRY_EVERY_MS = 5000, /* how often orders are looked at whether they have expired */
	ROWS = 64,
	ERASING_ROWS = 1000,
	AGAIN_MS = 1000, /* what another thread is at */
};

#define STATE(state) (UINT64_C(1) << (state))

struct book {
	int64_t move; /* number; 0: free */
	struct root_book *book;
	bool in_pass;
	uint64_t clock; /* the account's, when the last pass began */
	int64_t not_before_ms;
};

struct move_answers {
	struct mover_options options;
	struct store_reader *reader;
	struct dom_arena *arena; /* of the step */
	bool begun;              /* nothing is left of attempts from before */
	int64_t expiry_ms;       /* when orders are looked at again */
	struct book books[BOOKS];
	int64_t deadline_ms; /* of the root that is being computed */
	int64_t wait_ms;     /* of the step: the shortest so far */
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
	for (size_t i = 0; i < BOOKS; i++)
		root_book_free(&old->books[i].book);
	store_reader_close(&old->reader);
	dom_arena_free(&old->arena);
	free(old);
}

static int64_t
now_ms(const struct move_answers *answers)
{
	return dom_clock_now_ms(&answers->options.service->clock);
}

static void
wait_at_most(struct move_answers *answers, int64_t ms)
{
	if (ms < 0)
		ms = 0;
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

/* Of one move, as a snapshot has shown it; done if it is another way when its turn comes. */
struct work {
	struct move_answers *answers;
	const struct store_move *move;
	enum move_event event;
	const char *why;
	uint64_t clock;
	uint8_t root[WIRE_ROOT_SIZE];
	struct wire_erased sum;
	struct wire_signed_move receipt;
};

/* DOM_CONFLICT: a request was faster. */
static enum dom_status
reload(struct store_txn *txn, const struct work *work, struct store_move *move_r)
{
	const struct store_move *before = work->move;
	enum dom_status st =
	    store_move_find(txn, before->id, STORE_MOVE_SOURCE, work->answers->arena, move_r);

	if (st == DOM_OK &&
	    (move_r->state != before->state || move_r->attempts != before->attempts))
		st = DOM_CONFLICT;
	return st == DOM_ABSENT ? DOM_CONFLICT : st;
}

static enum dom_status
write_job(struct work *work, enum dom_status (*run)(struct store_txn *txn, void *context))
{
	enum dom_status st = store_write(work->answers->options.store, run, work);

	if (st == DOM_OK)
		wake(work->answers);
	return st == DOM_CONFLICT ? DOM_OK : st;
}

static enum dom_status
run_end(struct store_txn *txn, void *context)
{
	struct work *work = context;
	struct store_move move;
	enum dom_status st = reload(txn, work, &move);

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
	struct work work = {.answers = answers, .move = move, .event = event, .why = why};
	enum dom_status st = write_job(&work, run_end);

	return st == DOM_ESTOPPED ? DOM_OK : st;
}

/* --- looking ----------------------------------------------------- */

static enum dom_status
list(struct move_answers *answers, struct store_txn *txn, uint64_t states,
    struct store_move **rows_r, size_t *count_r)
{
	return store_move_due(txn, states, 0, 1, ROWS, answers->arena, rows_r, count_r);
}

/* --- frozen ------------------------------------------------------ */

static bool
is_late(void *context)
{
	const struct move_answers *answers = context;

	if (now_ms(answers) >= answers->deadline_ms)
		return true;
	return answers->options.stopped != NULL &&
	       answers->options.stopped(answers->options.context);
}

static struct book *
book_of(struct move_answers *answers, int64_t move)
{
	for (size_t i = 0; i < BOOKS; i++) {
		if (answers->books[i].move == move)
			return &answers->books[i];
	}
	return NULL;
}

static enum dom_status
compute(struct move_answers *answers, struct store_txn *txn, struct work *work)
{
	const struct store_move *move = work->move;
	struct root_options options = {.scope = WIRE_SCOPE_ACCOUNT,
	    .account = move->account,
	    .stopped = is_late,
	    .context = answers};
	struct book *book = book_of(answers, move->number);
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
	struct work *work = context;
	enum dom_status st = move_freeze_sign(work->answers->options.service, txn,
	    work->answers->arena, work->move, work->clock, work->root, &work->sum);

	return st == DOM_CONFLICT ? DOM_ESTOPPED : st;
}

/* The snapshot shows the account frozen, so the root is that of everything that counts. */
static enum dom_status
sign(struct move_answers *answers, struct store_txn **txn, const struct store_move *move)
{
	struct work work = {.answers = answers, .move = move};
	enum dom_status st = compute(answers, *txn, &work);

	store_read_end(txn);
	if (st == DOM_OK)
		st = write_job(&work, run_sign);
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
	enum dom_status st = list(answers, *txn, STATE(WIRE_MOVE_FROZEN), &rows, &count);

	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		if (!answers->begun || rows[i].due_ms <= now_ms(answers)) {
			store_read_end(txn);
			return end_move(answers, &rows[i], MOVE_ABORT,
			    answers->begun
			        ? "The handing over took too long and was broken off."
			        : "This region was restarted while it handed over.");
		}
		wait_at_most(answers, rows[i].due_ms - now_ms(answers));
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

	if (st != DOM_OK || order.expires_ms > now_ms(answers))
		return st == DOM_OK ? DOM_ABSENT : st;
	store_read_end(txn);
	return end_move(answers, move, MOVE_GIVEN_UP,
	    "The order has expired before the move was done: the account stays here.");
}

static enum dom_status
step_orders(struct move_answers *answers, struct store_txn **txn)
{
	struct store_move *rows;
	int64_t after = 0;
	size_t count;
	enum dom_status st;

	if (now_ms(answers) < answers->expiry_ms) {
		wait_at_most(answers, answers->expiry_ms - now_ms(answers));
		return DOM_ABSENT;
	}
	do {
		st = store_move_list(*txn, after, true, ROWS, answers->arena, &rows, &count);
		for (size_t i = 0; st == DOM_OK && i < count; i++) {
			after = rows[i].number;
			if (rows[i].state != WIRE_MOVE_ORDERED &&
			    rows[i].state != WIRE_MOVE_EXPORTING)
				continue;
			wait_at_most(answers, EXPIRY_EVERY_MS);
			st = expire(answers, txn, &rows[i]);
			if (st != DOM_ABSENT)
				return st;
			st = DOM_OK;
		}
	} while (st == DOM_OK && count != 0);
	if (st != DOM_OK)
		return st;
	answers->expiry_ms = now_ms(answers) + EXPIRY_EVERY_MS;
	return DOM_ABSENT;
}

/* --- the copy goes ----------------------------------------------- */

static enum dom_status
begin_erasure(struct work *work, struct store_txn *txn, struct store_move *move)
{
	struct dom_arena *arena = work->answers->arena;
	struct erasure_order order = {.scope = WIRE_SCOPE_SOURCE,
	    .account = move->account,
	    .requested_ms = now_ms(work->answers)};
	struct service_changes changes = {0};
	struct wire_signed_move kept;
	struct wire_statement statement;
	struct wire_move handoff;
	enum dom_status st;

	st = move_order(txn, move, arena, &statement, order.request);
	if (st == DOM_OK)
		st = move_message(txn, move, MOVE_MESSAGE_HANDOFF, arena, &kept);
	if (st == DOM_OK && wire_move_decode(kept.bytes, &handoff) != DOM_OK)
		st = DOM_EINTEGRITY;
	if (st != DOM_OK)
		return st > 0 ? DOM_EINTEGRITY : st;
	order.clock = handoff.clock;
	order.root = handoff.root;
	return erasure_source(txn, arena, &order, &changes);
}

static enum dom_status
run_erase(struct store_txn *txn, void *context)
{
	struct work *work = context;
	struct store_move move;
	enum dom_status st = reload(txn, work, &move);

	if (st == DOM_CONFLICT)
		return DOM_ESTOPPED;
	if (st == DOM_OK)
		st = begin_erasure(work, txn, &move);
	/* Begun already, for a move back, or by who follows the journal. */
	if (st == DOM_CONFLICT || st == DOM_ABSENT)
		st = DOM_OK;
	if (st != DOM_OK)
		return st;
	move_enter(&move, MOVE_ERASE, now_ms(work->answers));
	move.due_ms = now_ms(work->answers);
	st = store_move_update(txn, &move);
	return st > 0 ? DOM_ESTORE : st;
}

static enum dom_status
step_lives(struct move_answers *answers, struct store_txn **txn)
{
	struct work work = {.answers = answers};
	struct store_move *rows;
	int64_t time_ms;
	size_t count;
	enum dom_status st = list(answers, *txn, STATE(WIRE_MOVE_LIVES), &rows, &count);

	if (st == DOM_OK)
		st = store_region_time(*txn, &time_ms);
	if (st != DOM_OK || count == 0)
		return st == DOM_OK ? DOM_ABSENT : st;
	if (rows[0].due_ms > time_ms) {
		wait_at_most(answers, rows[0].due_ms - time_ms);
		return DOM_ABSENT;
	}
	store_read_end(txn);
	work.move = &rows[0];
	st = write_job(&work, run_erase);
	if (st == DOM_EFENCED) {
		/* Somebody who is in one of its collections is being handed over. */
		wait_at_most(answers, AGAIN_MS);
		return DOM_ABSENT;
	}
	return st == DOM_ESTOPPED ? DOM_OK : st;
}

static enum dom_status
run_erased(struct store_txn *txn, void *context)
{
	struct work *work = context;

	return move_message_keep(txn, work->move, MOVE_MESSAGE_ERASED, &work->receipt);
}

/* The receipt of its erasure, once there is one that is not kept yet; DOM_ABSENT. */
static enum dom_status
find_receipt(struct move_answers *answers, struct store_txn *txn, const struct store_move *move,
    struct wire_signed_move *receipt_r)
{
	uint8_t subject[WIRE_SUBJECT_SIZE];
	struct wire_statement order;
	struct erasure_end end;
	enum dom_status st;

	st = move_message(txn, move, MOVE_MESSAGE_ERASED, answers->arena, receipt_r);
	if (st != DOM_ABSENT)
		return st == DOM_OK ? DOM_ABSENT : st;
	wait_at_most(answers, AGAIN_MS);
	st = move_order(txn, move, answers->arena, &order, subject);
	if (st == DOM_OK)
		st = erasure_ended(txn, subject, answers->arena, &end);
	if (st == DOM_OK)
		*receipt_r = (struct wire_signed_move){end.receipt, end.signature};
	return st == DOM_CONFLICT ? DOM_ABSENT : st;
}

static enum dom_status
step_erasing(struct move_answers *answers, struct store_txn **txn)
{
	struct work work = {.answers = answers};
	struct store_move *rows;
	size_t count;
	enum dom_status st = store_move_due(
	    *txn, STATE(WIRE_MOVE_ERASING), 0, 1, ERASING_ROWS, answers->arena, &rows, &count);

	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		st = find_receipt(answers, *txn, &rows[i], &work.receipt);
		if (st == DOM_OK) {
			store_read_end(txn);
			work.move = &rows[i];
			return write_job(&work, run_erased);
		}
		if (st == DOM_ABSENT)
			st = DOM_OK;
	}
	return st == DOM_OK ? DOM_ABSENT : st;
}

/* --- books ------------------------------------------------------- */

static void
close_book(struct book *book)
{
	root_book_free(&book->book);
	*book = (struct book){0};
}

static bool
is_among(int64_t number, const struct store_move *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].number == number)
			return true;
	}
	return false;
}

/* NULL: there is no room for one more, and its root takes longer. */
static struct book *
open_book(struct move_answers *answers, const struct store_move *move)
{
	struct book *book = book_of(answers, move->number);

	if (book != NULL || (book = book_of(answers, 0)) == NULL)
		return book;
	if ((book->book = root_book_new(move->account, 0)) == NULL)
		return NULL;
	book->move = move->number;
	return book;
}

/* A page; DOM_ABSENT: it is up to date. */
static enum dom_status
read_on(struct move_answers *answers, struct store_txn *txn, const struct store_move *move,
    struct book *book)
{
	struct store_account account;
	bool ended = false;
	enum dom_status st;

	if (now_ms(answers) < book->not_before_ms) {
		wait_at_most(answers, book->not_before_ms - now_ms(answers));
		return DOM_ABSENT;
	}
	st = store_account_by_number(txn, move->account, answers->arena, &account);
	if (st != DOM_OK)
		return st;
	if (!book->in_pass && book->clock != account.clock) {
		book->in_pass = true;
		book->clock = account.clock;
	}
	if (book->in_pass) {
		st = root_book_follow(book->book, txn, &ended);
		book->in_pass = st == DOM_OK && !ended;
		if (book->in_pass)
			return DOM_OK;
	}
	/* Too large for a book: its root is computed when it is frozen. */
	if (st == DOM_ELIMIT)
		st = DOM_OK;
	book->not_before_ms = now_ms(answers) + BOOK_EVERY_MS;
	wait_at_most(answers, BOOK_EVERY_MS);
	return st == DOM_OK ? DOM_ABSENT : st;
}

static enum dom_status
step_books(struct move_answers *answers, struct store_txn *txn)
{
	struct store_move *rows;
	size_t count;
	enum dom_status st = list(
	    answers, txn, STATE(WIRE_MOVE_EXPORTING) | STATE(WIRE_MOVE_FROZEN), &rows, &count);

	for (size_t i = 0; st == DOM_OK && i < BOOKS; i++) {
		if (answers->books[i].move != 0 &&
		    !is_among(answers->books[i].move, rows, count))
			close_book(&answers->books[i]);
	}
	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		struct book *book =
		    rows[i].state == WIRE_MOVE_EXPORTING ? open_book(answers, &rows[i]) : NULL;

		if (book == NULL)
			continue;
		st = read_on(answers, txn, &rows[i], book);
		if (st == DOM_OK)
			return DOM_OK;
		if (st == DOM_ABSENT)
			st = DOM_OK;
	}
	return st == DOM_OK ? DOM_ABSENT : st;
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
		st = step_books(answers, txn);
	if (st == DOM_ABSENT)
		st = step_erasing(answers, &txn);
	/* The last: it may close the snapshot and have done nothing. */
	if (st == DOM_ABSENT)
		st = step_lives(answers, &txn);
	store_read_end(&txn);
	if (st == DOM_ABSENT)
		*wait_ms_r = answers->wait_ms;
	return st;
}
