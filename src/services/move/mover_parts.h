/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_MOVE_MOVER_PARTS_H
#define SERVICES_MOVE_MOVER_PARTS_H

#include <assert.h>

#include "wire/etebase.h"

#include "services/move/mover.h"
#include "services/move/parts.h"
#include "services/root/root.h"

/* What mover.c (whose turn it is) and the steps share; nobody else includes this. */
enum {
	/* Moves of which something is remembered between two steps. */
	MOVER_ERRANDS = 64,
	/* Bytes of chunks that one round asks for, and each of its requests; or one chunk. */
	MOVER_ROUND_SIZE = 16 << 20,
	MOVER_CHUNKS_SIZE = 4 << 20,
	MOVER_CHUNK_SIZE_MAX = 128 << 20,
	/* A pass of so many bytes is short; after so many of them in a row, the freeze. */
	MOVER_SHORT_PASS_SIZE = 256 << 10,
	MOVER_SHORT_PASSES = 3,
	/* A root of so many records is computed in the job that is to compare it. */
	MOVER_ROOT_AT_ONCE = 2000,
	MOVER_ASK_WAIT_MS = 30 * 1000,
	MOVER_FREEZE_WAIT_MS = 8 * 1000,
	/* After a failure, twice as long each time. */
	MOVER_AGAIN_MS_MIN = 250,
	MOVER_AGAIN_MS_MAX = MOVER_WAIT_MS_MAX,
	/* From here on it is written down, so that others have their turn. */
	MOVER_AGAIN_MS_KEPT = 4 * 1000,
	/* While the keeper erases. */
	MOVER_LOOK_AGAIN_MS = 100,
	/* Copies that a lane makes at once, and of one source; the others wait. */
	MOVER_COPIES_MAX = 8,
	MOVER_COPIES_OF_ONE_MAX = 6,
	/* Regions of which is known how long they took. */
	MOVER_RESTS = 16,
	MOVER_MESSAGE_REPLY_MAX = 16 << 10,
	MOVER_PAGE_REPLY_MAX = WIRE_RECORD_SIZE_MAX + (8 << 20),
};
#define MOVER_NEVER_MS INT64_MAX
static_assert((int)MOVER_PAGE_REPLY_MAX <= (int)MOVER_REPLY_SIZE_MAX &&
                  MOVER_CHUNK_SIZE_MAX + 4 <= (int)MOVER_REPLY_SIZE_MAX,
    "what is asked for fits");

struct mover_copy; /* mover_copy.h */

/* What is known of a move between two steps; a restart forgets it, and loses nothing. */
struct mover_errand {
	int64_t move;                           /* number; 0: free */
	const struct wire_group_region *region; /* the other one; NULL: not of the group */
	int64_t not_before_ms;
	unsigned failures;      /* in a row */
	uint64_t used;          /* step that used it last */
	bool in_doubt;          /* target: the source's state is to be asked for .. */
	bool differs;           /* .. since the roots did */
	bool told;              /* target at home: the source knows */
	int64_t hurry_until_ms; /* target: the account is frozen, so this comes first */
	int64_t expires_ms;     /* target: of the order; 0: not known yet */
	struct mover_copy *copy;
};

/*
 * A region that was asked gives way to the others for as long as it took to answer, so one that
 * is slow, or does not answer, has half of a lane at most.
 */
struct mover_rest {
	const struct wire_group_region *region;
	int64_t until_ms;
};

struct move_answers; /* answers.h */

struct mover {
	struct mover_options options;
	struct move_answers *answers; /* MOVER_ANSWERS; what follows is MOVER_ASKS' */
	struct store_reader *reader;
	struct dom_arena *arena;               /* of the step */
	struct mover_ask asks[MOVER_ASKS_MAX]; /* of the step */
	int64_t turn;                          /* number of the move that had the last one */
	/* After a step that found nothing to do: when it was, what was new then, and .. */
	bool is_idle;
	int64_t looked_ms, look_ms; /* .. when the next look is due, if nothing is new */
	uint64_t news;
	uint64_t steps;
	struct mover_errand errands[MOVER_ERRANDS];
	struct mover_rest rests[MOVER_RESTS];
};

/* A step of a move, as it was looked at before; answers as mover_step() does. */
typedef enum dom_status mover_work(
    struct mover *mover, const struct store_move *move, struct mover_errand *errand);

mover_work mover_offer, mover_erased;     /* mover_source.c */
mover_work mover_pull;                    /* mover_pull.c */
mover_work mover_switch, mover_tell_home; /* mover_switch.c */
mover_work mover_ask_status;              /* mover_status.c */
mover_work mover_discard;                 /* mover_discard.c */

/* Nothing was promised: the copy goes, and the source hears why. */
DOM_MUST_CHECK enum dom_status mover_give_up(
    struct mover *mover, const struct store_move *move, const char *why);
/* By a clock that may be so far off. */
bool mover_has_expired(const struct mover *mover, const struct mover_errand *errand);
/* The roots differ: everything is read again, or after too many attempts it goes. */
DOM_MUST_CHECK enum dom_status mover_start_over(
    struct mover *mover, const struct store_move *move);
/* A hand-off, or an abort, has come. */
DOM_MUST_CHECK enum dom_status mover_take(struct mover *mover, const struct store_move *move,
    struct mover_errand *errand, const struct wire_signed_move *message, bool is_abort);

/* --- asking ------------------------------------------------------------------------ */

/*
 * mover->asks[index] becomes this request.  body: in the arena.  DOM_ABSENT: the other region
 * does not belong to the group any more.
 */
DOM_MUST_CHECK enum dom_status mover_prepare_ask(struct mover *mover, size_t index,
    const struct store_move *move, enum wire_peer_op op, struct dom_slice body,
    size_t reply_size_max);
/* Ask them all.  DOM_ESTOPPED, DOM_ENOMEM. */
DOM_MUST_CHECK enum dom_status mover_ask_all(struct mover *mover, size_t count);
/*
 * What became of it: DOM_OK, the reply is the answer; DOM_EDENIED, refused for good,
 * *refusal_r says why; DOM_CONFLICT: not now.
 */
DOM_MUST_CHECK enum dom_status mover_answer(
    struct mover *mover, size_t index, struct wire_error *refusal_r);
/* The three above for one request; DOM_CONFLICT also if it could not be sent. */
DOM_MUST_CHECK enum dom_status mover_ask_one(struct mover *mover, const struct store_move *move,
    enum wire_peer_op op, struct dom_slice body, size_t reply_size_max,
    struct wire_error *refusal_r);
/* It did not work; the move has its next turn after a while.  Answers DOM_OK, or the store's.
 */
DOM_MUST_CHECK enum dom_status mover_try_later(
    struct mover *mover, const struct store_move *move, struct mover_errand *errand);
/* It did. */
void mover_went_well(struct mover_errand *errand);

/* --- jobs --------------------------------------------------------------------------- */

/*
 * In a job: the move as it is now.  DOM_CONFLICT: it is not in the state any more that the
 * step began with.
 */
DOM_MUST_CHECK enum dom_status mover_reload(struct store_txn *txn,
    const struct store_move *before, struct dom_arena *arena, struct store_move *move_r);
/*
 * Run it as a job; DOM_OK also if it answers DOM_CONFLICT, since then another request came
 * first and the next step looks again.
 */
DOM_MUST_CHECK enum dom_status mover_write(struct mover *mover,
    enum dom_status (*run)(struct store_txn *txn, void *context), void *context);
void mover_wake(const struct mover *mover);

#endif
