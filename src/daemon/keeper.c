/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The thread that keeps house. */
#include "daemon/keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/worker.h"

enum {
	LOOK_MS = 3000,    /* with nothing to do, before it looks again */
	CONFLICT_MS = 250, /* a snapshot holds what it waits for */
	SWEEP_MS = 10,     /* between steps of retention, which nobody waits for */
	TICK_MS = 60 * 1000,
	FAILURE_MS_MAX = 60 * 1000, /* to rest after failures in a row */
};

struct keeper_thread {
	struct keeper *keeper;
	struct keeper_options options;
	struct retention_desk *retention;
	struct store_reader *reader; /* retention's */
	struct keeper_time time;
	int64_t ticked_ms;
	struct worker_failure failure;
	unsigned failures;       /* of the keeper, in a row */
	int64_t not_until_ms;    /* after one of these; of the monotonic clock */
	struct workers *workers; /* one */
};

static int64_t
monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
tell(struct keeper_thread *thread, enum dom_status status)
{
	if (!worker_failure_is_news(&thread->failure, status))
		return;
	fprintf(stderr,
	    "domiciled: erasing and retention do not get on: %s. They go on by themselves when "
	    "it is put right; receipts wait\n",
	    dom_status_text(status));
}

/*
 * How long to rest then, each time in a row twice as long: an attempt may write the whole
 * journal anew (journal.c), on a disk that is in trouble as it is.
 */
static int64_t
failed(struct keeper_thread *thread, enum dom_status status)
{
	int64_t wait_ms = WORKER_FAILURE_MS;

	for (unsigned i = 0; i < thread->failures && wait_ms < FAILURE_MS_MAX; i++)
		wait_ms *= 2;
	if (wait_ms > FAILURE_MS_MAX)
		wait_ms = FAILURE_MS_MAX;
	tell(thread, status);
	thread->failures++;
	thread->not_until_ms = monotonic_ms() + wait_ms;
	return wait_ms;
}

/* Of both: after an erasure retention may still be in trouble. */
static void
went_well(struct keeper_thread *thread)
{
	if (thread->failure.last != DOM_OK)
		fprintf(stderr, "domiciled: erasing and retention get on again\n");
	thread->failure.last = DOM_OK;
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

/* How long to rest then.  Whoever erases meanwhile does not wait for what fails here. */
static int64_t
sweep(struct keeper_thread *thread)
{
	enum dom_status st =
	    retention_desk_step(thread->retention, thread->options.service, thread->reader);

	if (st < 0) {
		tell(thread, st);
		return WORKER_FAILURE_MS;
	}
	went_well(thread);
	return st == DOM_ABSENT ? LOOK_MS : SWEEP_MS;
}

/* The root of a large account takes seconds: who stops the server need not wait. */
static bool
stopped(void *context)
{
	const struct keeper_thread *thread = context;

	return workers_stopping(thread->workers);
}

static int64_t
step(void *context)
{
	struct keeper_thread *thread = context;
	int64_t now_ms = monotonic_ms();
	enum dom_status st;

	if (now_ms - thread->ticked_ms >= TICK_MS)
		tick(thread, now_ms);
	/* Also if somebody who erases wakes it. */
	if (thread->failures != 0 && now_ms < thread->not_until_ms)
		return thread->not_until_ms - now_ms;
	if ((st = keeper_step(thread->keeper)) == DOM_ESTOPPED)
		return 0;
	if (st < 0)
		return failed(thread, st);
	if (st == DOM_CONFLICT)
		return CONFLICT_MS;
	thread->failures = 0;
	if (st == DOM_ABSENT)
		return sweep(thread);
	return worker_pace_ms(thread->options.store);
}

enum dom_status
keeper_thread_open(const struct keeper_options *options, struct retention_desk *retention,
    struct keeper_thread **thread_r, char *message_r, size_t message_size)
{
	struct keeper_thread *thread = calloc(1, sizeof(*thread));
	enum dom_status st = DOM_ENOMEM;

	*thread_r = NULL;
	if (thread == NULL)
		goto out;
	thread->options = *options;
	thread->options.stopped = stopped;
	thread->options.context = thread;
	thread->retention = retention;
	thread->ticked_ms = -TICK_MS; /* the first step ticks */
	if ((thread->workers = workers_new()) == NULL)
		goto out;
	if ((st = keeper_open(&thread->options, &thread->keeper)) != DOM_OK ||
	    (st = store_reader_open(options->store, &thread->reader)) != DOM_OK)
		goto out;
	st = workers_add(thread->workers, step, thread);
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

	workers_wake(thread->workers);
}

void
keeper_thread_close(struct keeper_thread **thread)
{
	struct keeper_thread *old = *thread;

	if (old == NULL)
		return;
	*thread = NULL;
	workers_free(&old->workers);
	if (old->reader != NULL)
		tick(old, monotonic_ms()); /* so that what was served counts */
	keeper_close(&old->keeper);
	store_reader_close(&old->reader);
	free(old);
}
