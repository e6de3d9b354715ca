/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A queue under one lock; its length is bounded by the requests in flight. */
#include "http/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>

struct http_pool {
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	struct http_pool_job *first, **last;
	bool is_closing;
	unsigned count;
	int nice;
	pthread_t threads[];
};

static void *
pool_thread(void *argument)
{
	struct http_pool *pool = argument;

	/* Of this thread alone; without it the work is done as well. */
	if (pool->nice != HTTP_POOL_USUAL)
		(void)setpriority(PRIO_PROCESS, 0, pool->nice);
	pthread_mutex_lock(&pool->lock);
	for (;;) {
		struct http_pool_job *job = pool->first;

		if (job == NULL && pool->is_closing)
			break;
		if (job == NULL) {
			pthread_cond_wait(&pool->changed, &pool->lock);
			continue;
		}
		if ((pool->first = job->next) == NULL)
			pool->last = &pool->first;
		pthread_mutex_unlock(&pool->lock);
		job->run(job);
		pthread_mutex_lock(&pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

enum dom_status
http_pool_open(unsigned threads, int nice, struct http_pool **pool_r)
{
	struct http_pool *pool = calloc(1, sizeof(*pool) + threads * sizeof(pool->threads[0]));

	if (pool == NULL)
		return DOM_ENOMEM;
	pool->nice = nice;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->changed, NULL);
	pool->last = &pool->first;
	while (pool->count < threads) {
		if (pthread_create(&pool->threads[pool->count], NULL, pool_thread, pool) != 0) {
			http_pool_close(&pool);
			return DOM_ENOMEM;
		}
		pool->count++;
	}
	*pool_r = pool;
	return DOM_OK;
}

void
http_pool_close(struct http_pool **pool)
{
	struct http_pool *old = *pool;

	if (old == NULL)
		return;
	*pool = NULL;
	pthread_mutex_lock(&old->lock);
	old->is_closing = true;
	pthread_cond_broadcast(&old->changed);
	pthread_mutex_unlock(&old->lock);
	for (unsigned i = 0; i < old->count; i++)
		pthread_join(old->threads[i], NULL);
	pthread_cond_destroy(&old->changed);
	pthread_mutex_destroy(&old->lock);
	free(old);
}

void
http_pool_submit(struct http_pool *pool, struct http_pool_job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&pool->lock);
	*pool->last = job;
	pool->last = &job->next;
	pthread_cond_signal(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
}
