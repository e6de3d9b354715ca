/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The threads that move accounts. */
#include "daemon/mover.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/peer.h"

enum {
	FAILURE_MS = 5000,   /* the disk may be full */
	BUSY_MS = 5,         /* people write: they go first */
	BUSY_JOBS = 32,      /* so many of them wait */
	FAILURE_AGAIN = 120, /* times before the same failure is told again */
};

struct mover_thread {
	struct mover_threads *all;
	enum mover_role role;
	struct mover *mover;
	struct peer *peer; /* NULL: it asks nobody */
	pthread_t thread;
	bool has_thread;
	uint64_t seen;           /* of all->wakes, before its last step */
	enum dom_status failure; /* that the operator was told last */
	unsigned failures;
};

struct mover_threads {
	struct mover_threads_options options;
	struct peer_news *news;
	struct mover_thread *threads;
	size_t count;
	atomic_bool is_stopping;
	pthread_mutex_t lock; /* guards wakes */
	pthread_cond_t wake;
	uint64_t wakes;
};

/* Once for each trouble, then now and then. */
static void
tell(struct mover_thread *thread, enum dom_status status)
{
	if (status == thread->failure && ++thread->failures % FAILURE_AGAIN != 0)
		return;
	thread->failure = status;
	fprintf(stderr,
	    "domiciled: moves do not get on: %s. They go on by themselves when it is put "
	    "right; until then each account stays where it is\n",
	    dom_status_text(status));
}

static bool
stopped(void *context)
{
	const struct mover_threads *all = context;

	return atomic_load(&all->is_stopping);
}

/* Others may wait for what one thread has changed. */
static void
changed(void *context)
{
	struct mover_threads *all = context;

	mover_threads_wake(all);
	all->options.wake(all->options.context);
}

/* Until it is due, or somebody says so; false: the end. */
static bool
rest(struct mover_thread *thread, int64_t wait_ms)
{
	struct mover_threads *all = thread->all;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&all->lock);
	while (wait_ms != 0 && all->wakes == thread->seen && !atomic_load(&all->is_stopping)) {
		if (pthread_cond_timedwait(&all->wake, &all->lock, &until) != 0)
			break;
	}
	thread->seen = all->wakes;
	pthread_mutex_unlock(&all->lock);
	return !atomic_load(&all->is_stopping);
}

/* How long to rest then. */
static int64_t
work(struct mover_thread *thread)
{
	struct store_figures figures;
	int64_t wait_ms = 0;
	enum dom_status st = mover_step(thread->mover, &wait_ms);

	if (st == DOM_ESTOPPED)
		return 0;
	if (st < 0) {
		tell(thread, st);
		return FAILURE_MS;
	}
	thread->failure = DOM_OK;
	if (st == DOM_ABSENT)
		return wait_ms;
	if (thread->role == MOVER_ANSWERS)
		return 0;
	store_figures(thread->all->options.store, &figures);
	return figures.queued > BUSY_JOBS ? BUSY_MS : 0;
}

static void *
thread_main(void *context)
{
	struct mover_thread *thread = context;
	int64_t wait_ms = 0;

	while (rest(thread, wait_ms))
		wait_ms = work(thread);
	return NULL;
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

static bool
start(struct mover_threads *all)
{
	for (size_t i = 0; i < all->count; i++) {
		struct mover_thread *thread = &all->threads[i];

		thread->has_thread =
		    pthread_create(&thread->thread, NULL, thread_main, thread) == 0;
		if (!thread->has_thread)
			return false;
	}
	return true;
}

enum dom_status
mover_threads_open(const struct mover_threads_options *options,
    struct mover_threads **threads_r, char *message_r, size_t message_size)
{
	struct mover_threads *all = calloc(1, sizeof(*all));
	pthread_condattr_t attributes;
	enum dom_status st = DOM_ENOMEM;

	*threads_r = NULL;
	if (all == NULL)
		goto out;
	all->options = *options;
	pthread_mutex_init(&all->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&all->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	all->news = peer_news_new(options->service->settings.group);
	all->threads = calloc(options->lanes + 1, sizeof(*all->threads));
	if (all->news == NULL || all->threads == NULL)
		goto out;
	all->count = options->lanes + 1;
	st = DOM_OK;
	for (unsigned lane = 0; st == DOM_OK && lane < all->count; lane++)
		st = open_thread(all, lane);
	if (st == DOM_OK && !start(all))
		st = DOM_ENOMEM;
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

	pthread_mutex_lock(&all->lock);
	all->wakes++;
	pthread_cond_broadcast(&all->wake);
	pthread_mutex_unlock(&all->lock);
}

void
mover_threads_stop(struct mover_threads *threads)
{
	if (threads == NULL)
		return;
	atomic_store(&threads->is_stopping, true);
	mover_threads_wake(threads);
	for (size_t i = 0; i < threads->count; i++) {
		if (threads->threads[i].has_thread)
			pthread_join(threads->threads[i].thread, NULL);
		threads->threads[i].has_thread = false;
	}
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
	pthread_cond_destroy(&old->wake);
	pthread_mutex_destroy(&old->lock);
	free(old);
}
