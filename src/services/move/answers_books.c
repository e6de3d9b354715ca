/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The roots of accounts that are being copied are kept warm for the freeze. */
#include "services/move/answers_parts.h"

enum {
	BOOK_EVERY_MS = 250, /* how often one that is up to date looks for changes */
	/* Of all books together: a root that none is kept for is computed when it is needed. */
	RECORDS_MAX = ROOT_BOOK_RECORDS_MAX,
};

struct answers_book *
answers_book(struct move_answers *answers, int64_t move)
{
	for (size_t i = 0; i < ANSWERS_BOOKS; i++) {
		if (answers->books[i].move == move)
			return &answers->books[i];
	}
	return NULL;
}

static void
close_book(struct answers_book *book)
{
	root_book_free(&book->book);
	*book = (struct answers_book){0};
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
static struct answers_book *
open_book(struct move_answers *answers, const struct store_move *move)
{
	struct answers_book *book = answers_book(answers, move->number);

	if (book != NULL || (book = answers_book(answers, 0)) == NULL)
		return book;
	if ((book->book = root_book_new(move->account, 0)) == NULL)
		return NULL;
	book->move = move->number;
	return book;
}

static bool
are_full(const struct move_answers *answers)
{
	uint64_t records = 0;

	for (size_t i = 0; i < ANSWERS_BOOKS; i++) {
		if (answers->books[i].book != NULL)
			records += root_book_records(answers->books[i].book);
	}
	return records >= RECORDS_MAX;
}

/* A page; DOM_ABSENT: it is up to date, or there is no room for more. */
static enum dom_status
read_on(struct move_answers *answers, struct store_txn *txn, const struct store_move *move,
    struct answers_book *book)
{
	int64_t left_ms = book->not_before_ms - answers_now(answers);
	struct store_account account;
	bool ended = false;
	enum dom_status st;

	/* More than there ever was: the clock was set back. */
	if (left_ms > 0 && left_ms <= BOOK_EVERY_MS) {
		answers_wait(answers, left_ms);
		return DOM_ABSENT;
	}
	st = store_account_by_number(txn, move->account, answers->arena, &account);
	if (st != DOM_OK)
		return st;
	if (!book->in_pass && book->clock != account.clock) {
		book->in_pass = true;
		book->clock = account.clock;
	}
	if (book->in_pass && !are_full(answers)) {
		st = root_book_follow(book->book, txn, &ended);
		book->in_pass = st == DOM_OK && !ended;
		if (book->in_pass)
			return DOM_OK;
	}
	/* Too large for a book: its root is computed when it is frozen. */
	if (st == DOM_ELIMIT)
		st = DOM_OK;
	book->not_before_ms = answers_now(answers) + BOOK_EVERY_MS;
	answers_wait(answers, BOOK_EVERY_MS);
	return st == DOM_OK ? DOM_ABSENT : st;
}

enum dom_status
answers_step_books(struct move_answers *answers, struct store_txn *txn)
{
	struct store_move *rows;
	size_t count;
	enum dom_status st = answers_list(answers, txn,
	    ANSWERS_STATE(WIRE_MOVE_EXPORTING) | ANSWERS_STATE(WIRE_MOVE_FROZEN), &rows,
	    &count);

	for (size_t i = 0; st == DOM_OK && i < ANSWERS_BOOKS; i++) {
		if (answers->books[i].move != 0 &&
		    !is_among(answers->books[i].move, rows, count))
			close_book(&answers->books[i]);
	}
	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		struct answers_book *book =
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
