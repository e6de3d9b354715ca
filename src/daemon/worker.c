/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Threads that work in steps and rest in between. */
#include "daemon/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum {
	BUSY_MS = 5,         /* people write: they go first */
	BUSY_JOBS = 32,      /* so many of them wait */
	FAILURE_AGAIN = 120, /* times before the same failure is told again */
};

struct worker {
	struct workers *all;
	struct worker *next;
	worker_step *step;
	void *context;
	pthread_t thread;
	uint64_t seen; /* of all->wakes, before its last step */
};

struct workers {
	struct worker *first; /* those that have a thread */
	atomic_bool is_stopping;
	pthread_mutex_t lock; /* guards wakes */
	pthread_cond_t wake;
	uint64_t wakes;
};

struct workers *
workers_new(void)
{
	struct workers *workers = calloc(1, sizeof(*workers));
	pthread_condattr_t attributes;

	if (workers == NULL)
		return NULL;
	pthread_mutex_init(&workers->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&workers->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	return workers;
}

/* Until so many milliseconds are over, or somebody wakes it; false: the end. */
static bool
rest(struct worker *worker, int64_t wait_ms)
{
	struct workers *all = worker->all;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&all->lock);
	while (wait_ms != 0 && all->wakes == worker->seen && !workers_stopping(all)) {
		if (pthread_cond_timedwait(&all->wake, &all->lock, &until) != 0)
			break;
	}
	worker->seen = all->wakes;
	pthread_mutex_unlock(&all->lock);
	return !workers_stopping(all);
}

static void *
thread_main(void *context)
{
	struct worker *worker = context;
	int64_t wait_ms = 0;

	while (rest(worker, wait_ms))
		wait_ms = worker->step(worker->context);
	return NULL;
}

enum dom_status
workers_add(struct workers *workers, worker_step *step, void *context)
{
	struct worker *worker = calloc(1, sizeof(*worker));

	if (worker == NULL)
		return DOM_ENOMEM;
	*worker = (struct worker){
	    .all = workers, .step = step, .context = context, .next = workers->first};
	if (pthread_create(&worker->thread, NULL, thread_main, worker) != 0) {
		free(worker);
		return DOM_ENOMEM;
	}
	workers->first = worker;
	return DOM_OK;
}

void
workers_wake(struct workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	workers->wakes++;
	pthread_cond_broadcast(&workers->wake);
	pthread_mutex_unlock(&workers->lock);
}

bool
workers_stopping(struct workers *workers)
{
	return atomic_load(&workers->is_stopping);
}

void
workers_stop(struct workers *workers)
{
	struct worker *worker;

	if (workers == NULL)
		return;
	atomic_store(&workers->is_stopping, true);
	workers_wake(workers);
	while ((worker = workers->first) != NULL) {
		workers->first = worker->next;
		pthread_join(worker->thread, NULL);
		free(worker);
	}
}

void
workers_free(struct workers **workers)
{
	struct workers *old = *workers;

	if (old == NULL)
		return;
	*workers = NULL;
	workers_stop(old);
	pthread_cond_destroy(&old->wake);
	pthread_mutex_destroy(&old->lock);
	free(old);
}

int64_t
worker_pace_ms(struct store *store)
{
	struct store_figures figures;

	store_figures(store, &figures);
	return figures.queued > BUSY_JOBS ? BUSY_MS : 0;
}

bool
worker_failure_is_news(struct worker_failure *failure, enum dom_status status)
{
	if (status == failure->last && ++failure->times % FAILURE_AGAIN != 0)
		return false;
	failure->last = status;
	return true;
}
