/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_MOVE_ANSWERS_PARTS_H
#define SERVICES_MOVE_ANSWERS_PARTS_H

#include "services/move/answers.h"
#include "services/move/source.h"
#include "services/root/book.h"

/* What answers.c (whose turn it is) and the steps share; nobody else includes this. */
enum {
	ANSWERS_BOOKS = 16, /* accounts whose roots are kept warm at once */
	ANSWERS_ROWS = 64,
	ANSWERS_AGAIN_MS = 1000, /* what another thread is at */
};

#define ANSWERS_STATE(state) (UINT64_C(1) << (state))

struct answers_book {
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
	int64_t expiry_ms;       /* when orders are looked at again, */
	int64_t expiry_after;    /* and from which number on; 0: from the first */
	bool has_orders;         /* there was one since then */
	int64_t progress_ms;     /* and what targets have read */
	struct answers_book books[ANSWERS_BOOKS];
	int64_t deadline_ms; /* of the root that is being computed */
	int64_t wait_ms;     /* of the step: the shortest so far */
};

/* Of one move, as a snapshot has shown it; done if it is another way when its turn comes. */
struct answers_work {
	struct move_answers *answers;
	const struct store_move *move;
	enum move_event event;
	const char *why;
	uint64_t clock;
	uint8_t root[WIRE_ROOT_SIZE];
	struct wire_erased sum;
	struct wire_signed_move receipt;
	uint64_t served;
};

int64_t answers_now(const struct move_answers *answers);
/* The next step need not be before so long. */
void answers_wait(struct move_answers *answers, int64_t ms);
/* Sources in one of the states, what is due first. */
DOM_MUST_CHECK enum dom_status answers_list(struct move_answers *answers, struct store_txn *txn,
    uint64_t states, struct store_move **rows_r, size_t *count_r);
/* In a job: the move as it is now.  DOM_CONFLICT: a request was faster. */
DOM_MUST_CHECK enum dom_status answers_reload(
    struct store_txn *txn, const struct answers_work *work, struct store_move *move_r);
/* Run it as a job, and wake who waits for it. */
DOM_MUST_CHECK enum dom_status answers_write(
    struct answers_work *work, enum dom_status (*run)(struct store_txn *txn, void *context));
/* Of this move; 0: one that is free; NULL: there is none. */
struct answers_book *answers_book(struct move_answers *answers, int64_t move);

/*
 * Steps.  DOM_OK: did something; DOM_ABSENT: nothing is to be done now.  Those that are
 * handed the address of the snapshot close it before they write.
 */
DOM_MUST_CHECK enum dom_status answers_step_books(
    struct move_answers *answers, struct store_txn *txn);
DOM_MUST_CHECK enum dom_status answers_step_lives(
    struct move_answers *answers, struct store_txn **txn);
DOM_MUST_CHECK enum dom_status answers_step_erasing(
    struct move_answers *answers, struct store_txn **txn);

#endif
