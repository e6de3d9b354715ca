/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_MOVE_MOVER_COPY_H
#define SERVICES_MOVE_MOVER_COPY_H

#include "services/move/mover_parts.h"
#include "services/root/book.h"

/*
 * The copy of an account at its target, between two steps: a page of the source's records, and
 * what is still missing of the chunks that it names.
 *
 *   mover_pull.c    which request is next: a page, chunks, or the freeze
 *   mover_chunks.c  asking for chunks, checking and staging them
 *   mover_put.c     putting down a page, or a part of it, in a job
 *   mover_prepare.c comparing roots, and the promise
 */

/* A chunk that a page names and the copy does not have; slices lie in the page. */
struct mover_chunk {
	struct wire_record_chunk record;
	struct store_staged *staged; /* it has come */
	bool is_gone;                /* the source does not have it any more either */
};

/* Where the copy is. */
struct mover_place {
	uint8_t cursor[WIRE_PEER_CURSOR_SIZE_MAX];
	size_t cursor_size;
	bool in_pass;         /* the next page goes on with a pass .. */
	bool is_first;        /* .. that brings everything */
	uint8_t short_passes; /* in a row */
	/*
	 * All there is was short once; else the root is kept warm, so that it is known at once
	 * when the account is frozen.
	 */
	bool is_small;
};

struct mover_copy {
	struct store_account account; /* number, id, epoch alone */
	struct mover_place place;     /* durable with each page that is put down */
	uint64_t pass_bytes;          /* that the pass has brought so far */
	bool is_warm;                 /* the book has read all that is here */
	struct root_book *book;       /* NULL: none yet */
	/* Of the last pass that was one page and brought no chunk: the same again is no news.
	 */
	bool has_digest;
	uint8_t digest[32];

	/* The page; has_page: it is not put down yet. */
	bool has_page;
	struct dom_buffer page; /* the whole answer; what is below points into it */
	struct dom_slice records, cursor_next;
	bool ended;
	uint64_t clock, bytes_total;
	struct mover_chunk *chunks; /* those that are missing */
	size_t chunk_count, chunk_room;
	size_t chunks_put;  /* the first ones are in the store */
	bool others_put;    /* and so are the records that are no chunks */
	uint64_t put_bytes; /* of the page, that the row does not count yet */

	/* The attempt that is on; freeze lies in frozen. */
	bool is_frozen, is_complete; /* complete: all of its records are put down */
	struct dom_buffer frozen;
	struct wire_signed_move freeze;
	struct wire_move freeze_view;
};

void mover_copy_free(struct mover_copy **copy);
/* Where it will be when the page is put down. */
struct mover_place mover_copy_next(const struct mover_copy *copy);
void mover_place_encode(struct dom_buffer *bytes, const struct mover_place *place);
/* The page is put down, or nothing in it was new: on to the next. */
void mover_copy_page_done(struct mover_copy *copy);
/* The attempt is over. */
void mover_copy_thaw(struct mover_copy *copy);

/*
 * A page has come, as RECORDS or FREEZE answer: find the chunks that are missing.  DOM_EINPUT:
 * it makes no sense; DOM_ELIMIT: a chunk is larger than MOVER_CHUNK_SIZE_MAX.
 */
DOM_MUST_CHECK enum dom_status mover_copy_look(struct mover *mover, struct mover_copy *copy);
/*
 * Ask for the next chunks and stage what comes; count_r: up to which one.  DOM_CONFLICT: not
 * now; DOM_EINTEGRITY: what came is not what the page names; DOM_EDENIED: refused.
 */
DOM_MUST_CHECK enum dom_status mover_copy_fetch(struct mover *mover,
    const struct store_move *move, struct mover_copy *copy, size_t *until_r);

enum mover_put_result {
	MOVER_PUT_DONE,
	MOVER_PUT_PREPARED,  /* and compared, and promised */
	MOVER_PUT_DIFFERENT, /* and compared: the roots differ */
	MOVER_PUT_QUOTA,     /* nothing was put: more than this region gives an account */
	MOVER_PUT_NONSENSE,  /* nothing was put: the records contradict each other */
	MOVER_PUT_LATE,      /* nothing was put: the move is in another state */
};
/* The page up to that chunk, in one job; if it is all of an attempt's records, the promise too.
 */
DOM_MUST_CHECK enum dom_status mover_copy_put(struct mover *mover,
    const struct store_move *move, struct mover_copy *copy, size_t until,
    enum mover_put_result *result_r);
/* A page of the copy's own records for its root; is_warm: it has them all. */
DOM_MUST_CHECK enum dom_status mover_copy_warm(struct mover *mover, struct mover_copy *copy);
/* All is there: compare, and promise, in a job of its own. */
DOM_MUST_CHECK enum dom_status mover_copy_prepare(struct mover *mover,
    const struct store_move *move, struct mover_copy *copy, enum mover_put_result *result_r);

/*
 * In a job, of the copy of a frozen account: the root of what is here is compared, then
 * the freeze is answered with the promise.  DOM_EINTEGRITY: it is not the same.
 */
struct mover_promise {
	const struct service *service;
	const struct wire_signed_move *freeze;
	const struct wire_move *view; /* of it */
	bool is_compared;             /* before, in a snapshot */
};
DOM_MUST_CHECK enum dom_status mover_promise(struct store_txn *txn,
    const struct mover_promise *promise, struct store_move *move, struct dom_arena *arena);

#endif
