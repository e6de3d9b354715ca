/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_MOVE_MOVER_H
#define SERVICES_MOVE_MOVER_H

#include "wire/group.h"

#include "services/service.h"

/*
 * The work of moves behind the requests, in steps of which each may be the last
 * before a crash; see DESIGN.md beside this file.  The daemon runs movers on
 * threads of their own; a test or a simulator runs them one by one.
 *
 * MOVER_ASKS asks other regions and waits for them.  Moves are shared out among
 * `lanes` of these, so that a peer that does not answer holds up the moves of one
 * lane.  MOVER_ANSWERS never waits for anybody else: what a peer or a person
 * waits for is done at once.  There is one of it for a store.
 */
enum mover_role {
	MOVER_ASKS,
	MOVER_ANSWERS,
};

enum {
	MOVER_ASKS_MAX = 4, /* requests that are under way at once */
	/* Of one reply; a page of records, some chunks, or one large one. */
	MOVER_REPLY_SIZE_MAX = 132 << 20,
	MOVER_WAIT_MS_MAX = 60 * 1000, /* that a step asks for */
};

/* One request to another region, and what became of it. */
struct mover_ask {
	/* Set by the mover. */
	const struct wire_group_region *region; /* addresses in the order to try them, key */
	bool change;                            /* POST peer/change/, else peer/ */
	struct dom_slice body;                  /* of the request, as it is sent */
	size_t reply_size_max;                  /* more is DOM_ELIMIT */
	unsigned wait_ms;                       /* for all of it, then give up */
	/* Set by the peer; reply is empty before, and the mover's to free. */
	enum dom_status failure; /* DOM_OK: there is a status; DOM_ENETWORK, .. */
	int status;              /* HTTP */
	unsigned retry_after_seconds;
	struct dom_buffer reply; /* the body, whatever the status */
};

/*
 * Whoever carries requests: daemon/ over HTTPS, a test or a simulator in process.  ask()
 * returns when all of them (at most MOVER_ASKS_MAX) are answered or have failed; they may be
 * under way at the same time and arrive in any order.  DOM_ESTOPPED: the program ends; else
 * DOM_OK, whatever became of them, or DOM_ENOMEM.
 */
struct mover_peer {
	enum dom_status (*ask)(void *context, struct mover_ask *asks, size_t count);
	void *context;
};

struct mover_options {
	const struct service *service; /* clock, randomness, region key, settings */
	struct store *store;
	enum mover_role role;
	unsigned lane, lanes;   /* MOVER_ASKS: lane < lanes; else 0 of 1 */
	struct mover_peer peer; /* MOVER_ASKS */
	/*
	 * An account's state has changed, or a message is signed: who waits for it,
	 * such as a write that is held or a peer's request, should look again.  NULL: nobody
	 * waits.
	 */
	void (*wake)(void *context);
	/* Asked now and then within long steps: true, end soon; NULL: never. */
	bool (*stopped)(void *context);
	void *context; /* of wake and stopped */
};

struct mover;

/* DOM_ENOMEM, DOM_ESTORE. */
DOM_MUST_CHECK enum dom_status mover_open(
    const struct mover_options *options, struct mover **mover_r);
/* Before store_close(). */
void mover_close(struct mover **mover);

/*
 * At most one ask() in a step.
 *
 *   wait_ms_r     on DOM_ABSENT: nothing is due before so many milliseconds have passed,
 *                 unless a request that service_reply.wakes_mover says so is
 *                 done before; at most MOVER_WAIT_MS_MAX
 *
 *   DOM_OK        did something; there may be more
 *   DOM_ABSENT    there is nothing to do now
 *   DOM_ESTOPPED  stopped() or ask() said so
 *   below         the store failed; nothing is lost, ask again later
 *
 * One thread.  Blocks for the disk, and MOVER_ASKS for other regions.
 */
DOM_MUST_CHECK enum dom_status mover_step(struct mover *mover, int64_t *wait_ms_r);

#endif
