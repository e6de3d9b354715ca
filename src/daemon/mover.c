/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The threads that move accounts. */
#include "daemon/mover.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/peer.h"
#include "daemon/worker.h"

struct mover_thread {
	struct mover_threads *all;
	enum mover_role role;
	struct mover *mover;
	struct peer *peer; /* NULL: it asks nobody */
	struct worker_failure failure;
};

struct mover_threads {
	struct mover_threads_options options;
	struct peer_news *news;
	struct workers *workers;
	struct mover_thread *threads;
	size_t count;
};

static void
tell(struct mover_thread *thread, enum dom_status status)
{
	if (!worker_failure_is_news(&thread->failure, status))
		return;
	fprintf(stderr,
	    "domiciled: moves do not get on: %s. They go on by themselves when it is put "
	    "right; until then each account stays where it is\n",
	    dom_status_text(status));
}

static bool
stopped(void *context)
{
	const struct mover_threads *all = context;

	return workers_stopping(all->workers);
}

/* Others may wait for what one thread has changed. */
static void
changed(void *context)
{
	struct mover_threads *all = context;

	mover_threads_wake(all);
	all->options.wake(all->options.context);
}

static int64_t
step(void *context)
{
	struct mover_thread *thread = context;
	int64_t wait_ms = 0;
	enum dom_status st = mover_step(thread->mover, &wait_ms);

	if (st == DOM_ESTOPPED)
		return 0;
	if (st < 0) {
		tell(thread, st);
		return WORKER_FAILURE_MS;
	}
	thread->failure.last = DOM_OK;
	if (st == DOM_ABSENT)
		return wait_ms;
	return thread->role == MOVER_ANSWERS ? 0 : worker_pace_ms(thread->all->options.store);
}

/* lane 0 .. lanes - 1 ask; the last one answers. */
static enum dom_status
open_thread(struct mover_threads *all, unsigned lane)
{
	const struct mover_threads_options *options = &all->options;
	struct mover_thread *thread = &all->threads[lane];
	struct mover_options mover = {.service = options->service,
	    .store = options->store,
	    .role = lane < options->lanes ? MOVER_ASKS : MOVER_ANSWERS,
	    .lanes = 1,
	    .wake = changed,
	    .stopped = stopped,
	    .context = all};
	const struct peer_options peer = {.group = options->service->settings.group,
	    .ca_file = options->peer_ca,
	    .news = all->news,
	    .stopped = stopped,
	    .context = all};

	thread->all = all;
	thread->role = mover.role;
	if (mover.role == MOVER_ASKS) {
		if ((thread->peer = peer_new(&peer)) == NULL)
			return DOM_ENOMEM;
		mover.peer = peer_functions(thread->peer);
		mover.lane = lane;
		mover.lanes = options->lanes;
	}
	return mover_open(&mover, &thread->mover);
}

enum dom_status
mover_threads_open(const struct mover_threads_options *options,
    struct mover_threads **threads_r, char *message_r, size_t message_size)
{
	struct mover_threads *all = calloc(1, sizeof(*all));
	enum dom_status st = DOM_ENOMEM;

	*threads_r = NULL;
	if (all == NULL)
		goto out;
	all->options = *options;
	all->workers = workers_new();
	all->news = peer_news_new(options->service->settings.group);
	all->threads = calloc(options->lanes + 1, sizeof(*all->threads));
	if (all->workers == NULL || all->news == NULL || all->threads == NULL)
		goto out;
	all->count = options->lanes + 1;
	st = DOM_OK;
	for (unsigned lane = 0; st == DOM_OK && lane < all->count; lane++)
		st = open_thread(all, lane);
	for (size_t i = 0; st == DOM_OK && i < all->count; i++)
		st = workers_add(all->workers, step, &all->threads[i]);
out:
	if (st == DOM_OK) {
		*threads_r = all;
		return DOM_OK;
	}
	snprintf(message_r, message_size, "what moves accounts cannot start: %s",
	    dom_status_text(st));
	mover_threads_close(&all);
	return st;
}

void
mover_threads_wake(void *threads)
{
	struct mover_threads *all = threads;

	workers_wake(all->workers);
}

void
mover_threads_stop(struct mover_threads *threads)
{
	if (threads != NULL)
		workers_stop(threads->workers);
}

void
mover_threads_close(struct mover_threads **threads)
{
	struct mover_threads *old = *threads;

	if (old == NULL)
		return;
	*threads = NULL;
	mover_threads_stop(old);
	for (size_t i = 0; i < old->count; i++) {
		mover_close(&old->threads[i].mover);
		peer_free(&old->threads[i].peer);
	}
	free(old->threads);
	peer_news_free(&old->news);
	workers_free(&old->workers);
	free(old);
}
