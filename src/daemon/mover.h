/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_MOVER_H
#define DAEMON_MOVER_H

#include "services/move/mover.h"

/*
 * The threads that move accounts: services/move/mover.h's steps, on one thread
 * for each lane that asks other regions (daemon/peer.h) and on one that answers
 * and never waits for anybody.
 */
struct mover_threads;

struct mover_threads_options {
	const struct service *service; /* in a group */
	struct store *store;
	unsigned lanes;      /* accounts that move at once */
	const char *peer_ca; /* see daemon/peer.h; NULL: none */
	/* An account's state has changed: what is held may be asked again.  Any thread. */
	void (*wake)(void *context);
	void *context;
};

/* Before anybody is served: what a crash left frozen is home again when it returns. */
DOM_MUST_CHECK enum dom_status mover_threads_open(const struct mover_threads_options *options,
    struct mover_threads **threads_r, char *message_r, size_t message_size);
/* Any thread: there is something to do. */
void mover_threads_wake(void *threads);
/* Within a step, at once where it waits for another region.  It may be woken after that. */
void mover_threads_stop(struct mover_threads *threads);
/* Before the store is closed. */
void mover_threads_close(struct mover_threads **threads);

#endif
