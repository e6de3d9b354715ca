/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The thread that keeps house. */
#include "daemon/keeper.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	LOOK_MS = 3000,    /* with nothing to do, before it looks again */
	CONFLICT_MS = 250, /* a snapshot holds what it waits for */
	FAILURE_MS = 5000, /* the disk may be full */
	BUSY_MS = 5,       /* people write: they go first */
	SWEEP_MS = 10,     /* between steps of retention, which nobody waits for */
	BUSY_JOBS = 32,    /* so many of them wait */
	TICK_MS = 60 * 1000,
	FAILURE_AGAIN = 120, /* times before the same failure is told again */
};

struct keeper_thread {
	struct keeper *keeper;
	struct keeper_options options;
	struct retention_desk *retention;
	struct store_reader *reader; /* retention's */
	struct keeper_time time;
	int64_t ticked_ms;
	enum dom_status failure; /* that the operator was told last */
	unsigned failures;

	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* guards the two below */
	bool is_woken, is_stopping;
	pthread_cond_t wake;
};

static int64_t
monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Once for each trouble, then now and then.  After a sync of the journal that failed
 * (DOM_EFILE) nothing is appended to it until it is opened again: see journal.c.
 */
static void
tell(struct keeper_thread *thread, enum dom_status status)
{
	if (status == thread->failure && ++thread->failures % FAILURE_AGAIN != 0)
		return;
	thread->failure = status;
	fprintf(stderr,
	    "domiciled: erasing and retention do not get on: %s. They go on %s; receipts "
	    "wait\n",
	    dom_status_text(status),
	    status == DOM_EFILE ? "when the disk is put right and domiciled is started again"
	                        : "by themselves when it is put right");
}

static void
tick(struct keeper_thread *thread, int64_t now_ms)
{
	enum dom_status st = keeper_tick(&thread->time, thread->options.store,
	    dom_clock_now_ms(&thread->options.service->clock), now_ms);

	if (st < 0)
		tell(thread, st);
	thread->ticked_ms = now_ms;
}

/* False: the end. */
static bool
rest(struct keeper_thread *thread, int64_t wait_ms)
{
	struct timespec until;
	bool goes_on;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&thread->lock);
	while (wait_ms != 0 && !thread->is_woken && !thread->is_stopping) {
		if (pthread_cond_timedwait(&thread->wake, &thread->lock, &until) != 0)
			break;
	}
	thread->is_woken = false;
	goes_on = !thread->is_stopping;
	pthread_mutex_unlock(&thread->lock);
	return goes_on;
}

/* How long to wait then. */
static int64_t
sweep(struct keeper_thread *thread)
{
	enum dom_status st =
	    retention_desk_step(thread->retention, thread->options.service, thread->reader);

	if (st < 0) {
		tell(thread, st);
		return FAILURE_MS;
	}
	thread->failure = DOM_OK;
	return st == DOM_ABSENT ? LOOK_MS : SWEEP_MS;
}

/* The root of a large account takes seconds: who stops the server need not wait. */
static bool
stopped(void *context)
{
	struct keeper_thread *thread = context;
	bool is_stopping;

	pthread_mutex_lock(&thread->lock);
	is_stopping = thread->is_stopping;
	pthread_mutex_unlock(&thread->lock);
	return is_stopping;
}

static int64_t
work(struct keeper_thread *thread)
{
	struct store_figures figures;
	enum dom_status st = keeper_step(thread->keeper);

	if (st == DOM_ESTOPPED)
		return 0;
	if (st < 0) {
		tell(thread, st);
		return FAILURE_MS;
	}
	if (st == DOM_ABSENT)
		return sweep(thread);
	if (st == DOM_CONFLICT)
		return CONFLICT_MS;
	thread->failure = DOM_OK;
	store_figures(thread->options.store, &figures);
	return figures.queued > BUSY_JOBS ? BUSY_MS : 0;
}

static void *
thread_main(void *context)
{
	struct keeper_thread *thread = context;
	int64_t wait_ms = 0;

	tick(thread, monotonic_ms());
	while (rest(thread, wait_ms)) {
		int64_t now_ms = monotonic_ms();

		if (now_ms - thread->ticked_ms >= TICK_MS)
			tick(thread, now_ms);
		wait_ms = work(thread);
	}
	tick(thread, monotonic_ms());
	return NULL;
}

enum dom_status
keeper_thread_open(const struct keeper_options *options, struct retention_desk *retention,
    struct keeper_thread **thread_r, char *message_r, size_t message_size)
{
	struct keeper_thread *thread = calloc(1, sizeof(*thread));
	pthread_condattr_t attributes;
	enum dom_status st = DOM_ENOMEM;

	*thread_r = NULL;
	if (thread == NULL)
		goto out;
	thread->options = *options;
	thread->options.stopped = stopped;
	thread->options.context = thread;
	thread->retention = retention;
	pthread_mutex_init(&thread->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&thread->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	if ((st = keeper_open(&thread->options, &thread->keeper)) != DOM_OK ||
	    (st = store_reader_open(options->store, &thread->reader)) != DOM_OK)
		goto out;
	thread->has_thread = pthread_create(&thread->thread, NULL, thread_main, thread) == 0;
	if (!thread->has_thread)
		st = DOM_ENOMEM;
out:
	if (st == DOM_OK) {
		*thread_r = thread;
		return DOM_OK;
	}
	snprintf(message_r, message_size, "what erases cannot start: %s", dom_status_text(st));
	keeper_thread_close(&thread);
	return st;
}

void
keeper_thread_wake(void *context)
{
	struct keeper_thread *thread = context;

	pthread_mutex_lock(&thread->lock);
	thread->is_woken = true;
	pthread_cond_signal(&thread->wake);
	pthread_mutex_unlock(&thread->lock);
}

void
keeper_thread_close(struct keeper_thread **thread)
{
	struct keeper_thread *old = *thread;

	if (old == NULL)
		return;
	*thread = NULL;
	if (old->has_thread) {
		pthread_mutex_lock(&old->lock);
		old->is_stopping = true;
		pthread_cond_signal(&old->wake);
		pthread_mutex_unlock(&old->lock);
		pthread_join(old->thread, NULL);
	}
	keeper_close(&old->keeper);
	store_reader_close(&old->reader);
	pthread_cond_destroy(&old->wake);
	pthread_mutex_destroy(&old->lock);
	free(old);
}
