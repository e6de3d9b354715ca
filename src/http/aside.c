/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Long reads on their own threads, and whether it is the moment for one. */
#include "http/aside.h"

#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

enum { QUICK_THREADS = 1 };

struct http_aside {
	struct http_pool *slow, *quick;
	atomic_int_least64_t slow_reads, quick_reads; /* that run or wait for a thread */
	atomic_int_least64_t began_ms;                /* the last slow one */
	atomic_uint_least64_t put_off;
	pthread_mutex_t turn; /* held while one reads who is to be the only one */
	pthread_mutex_t lock; /* a leaf; guards what follows */
	size_t spare_count;
	struct store_reader *spare[]; /* one for each thread */
};

enum dom_status
http_aside_open(struct http_core *core, struct http_aside **aside_r)
{
	size_t count = (size_t)core->limits.of[HTTP_LIMIT_PEER_READS];
	struct http_aside *aside =
	    calloc(1, sizeof(*aside) + (count + QUICK_THREADS) * sizeof(aside->spare[0]));
	enum dom_status st;

	if (aside == NULL)
		return DOM_ENOMEM;
	atomic_store(&aside->began_ms, -HTTP_ASIDE_MS);
	pthread_mutex_init(&aside->turn, NULL);
	pthread_mutex_init(&aside->lock, NULL);
	st = http_pool_open((unsigned)count, HTTP_POOL_LAST, &aside->slow);
	if (st == DOM_OK)
		st = http_pool_open(QUICK_THREADS, HTTP_POOL_USUAL, &aside->quick);
	if (st != DOM_OK)
		http_aside_close(&aside);
	*aside_r = aside;
	return st;
}

void
http_aside_close(struct http_aside **aside)
{
	struct http_aside *old = *aside;

	if (old == NULL)
		return;
	*aside = NULL;
	http_pool_close(&old->slow);
	http_pool_close(&old->quick);
	while (old->spare_count != 0)
		store_reader_close(&old->spare[--old->spare_count]);
	pthread_mutex_destroy(&old->turn);
	pthread_mutex_destroy(&old->lock);
	free(old);
}

void
http_aside_figures(struct http_aside *aside, struct http_aside_figures *figures_r)
{
	*figures_r = (struct http_aside_figures){0};
	if (aside == NULL)
		return;
	figures_r->reads = atomic_load(&aside->slow_reads) + atomic_load(&aside->quick_reads);
	figures_r->put_off = atomic_load(&aside->put_off);
}

/* --- on a thread of a pool ------------------------------------------------------ */

static struct store_reader *
take_spare(struct http_aside *aside)
{
	struct store_reader *reader = NULL;

	pthread_mutex_lock(&aside->lock);
	if (aside->spare_count != 0)
		reader = aside->spare[--aside->spare_count];
	pthread_mutex_unlock(&aside->lock);
	return reader;
}

/* There is room: a thread has one at a time. */
static void
put_spare(struct http_aside *aside, struct store_reader *reader)
{
	pthread_mutex_lock(&aside->lock);
	aside->spare[aside->spare_count++] = reader;
	pthread_mutex_unlock(&aside->lock);
}

static enum dom_status
read_store(struct http_exchange *exchange, struct store_reader *reader)
{
	struct store_txn *txn = NULL;
	enum dom_status st;

	if ((st = store_read_begin(reader, &txn)) == DOM_OK)
		st = service_run(exchange->loop->core->service, txn, &exchange->request, NULL,
		    exchange->arena, &exchange->reply);
	store_read_end(&txn);
	return st;
}

static void
run(struct http_exchange *exchange)
{
	struct http_core *core = exchange->loop->core;
	struct store_reader *reader = take_spare(core->aside);
	enum dom_status st = DOM_OK;

	if (reader == NULL)
		st = store_reader_open(core->store, &reader);
	if (st == DOM_OK)
		st = read_store(exchange, reader);
	if (reader != NULL)
		put_spare(core->aside, reader);
	exchange->status = st;
}

static struct http_exchange *
exchange_of(struct http_pool_job *job)
{
	return (struct http_exchange *)((char *)job - offsetof(struct http_exchange, pool_job));
}

static void
run_quick(struct http_pool_job *job)
{
	struct http_exchange *exchange = exchange_of(job);

	run(exchange);
	http_loop_post(exchange->loop, &exchange->message);
}

/* Has anybody but regions asked for something a moment ago? */
static bool
people_are_there(struct http_core *core)
{
	int64_t now_ms = dom_monotonic_ms();

	for (unsigned i = 0; i < core->loop_count; i++) {
		if (now_ms - atomic_load(&core->asked_ms[i]) < HTTP_PEOPLE_MS)
			return true;
	}
	return false;
}

/* Until the server stops. */
static void
rest(struct http_core *core, int64_t spent_us)
{
	int64_t rest_us = spent_us * HTTP_ASIDE_RESTS;
	struct timespec pause;

	if (rest_us > HTTP_ASIDE_REST_MS_MAX * 1000)
		rest_us = HTTP_ASIDE_REST_MS_MAX * 1000;
	pause =
	    (struct timespec){.tv_sec = rest_us / 1000000, .tv_nsec = rest_us % 1000000 * 1000};
	if (!atomic_load(&core->is_stopping))
		(void)nanosleep(&pause, NULL);
}

/* While there is anybody to be in the way of: one at a time, and for a part of the time. */
static void
run_slow(struct http_pool_job *job)
{
	struct http_exchange *exchange = exchange_of(job);
	struct http_core *core = exchange->loop->core;
	struct http_aside *aside = core->aside;
	int64_t began_us;
	bool is_stranger;

	if (!people_are_there(core)) {
		run(exchange);
		http_loop_post(exchange->loop, &exchange->message);
		return;
	}
	pthread_mutex_lock(&aside->turn);
	began_us = dom_monotonic_us();
	run(exchange);
	is_stranger = !exchange->reply.from_region;
	/* Then it is the loop's, which may be gone before this thread. */
	http_loop_post(exchange->loop, &exchange->message);
	/* Strangers were refused in no time; regions are not to wait for that. */
	if (!is_stranger)
		rest(core, dom_monotonic_us() - began_us);
	pthread_mutex_unlock(&aside->turn);
}

/* --- on the loop ------------------------------------------------------------------ */

static void
come_back(struct http_message *message, atomic_int_least64_t *reads)
{
	struct http_exchange *exchange =
	    (struct http_exchange *)((char *)message - offsetof(struct http_exchange, message));

	atomic_fetch_sub(reads, 1);
	exchange->loop->running--;
	http_exchange_finish(exchange);
}

static struct http_aside *
aside_of(const struct http_message *message)
{
	const struct http_exchange *exchange =
	    (const struct http_exchange *)((const char *)message -
	                                   offsetof(struct http_exchange, message));

	return exchange->loop->core->aside;
}

static void
slow_comes_back(struct http_message *message)
{
	come_back(message, &aside_of(message)->slow_reads);
}

static void
quick_comes_back(struct http_message *message)
{
	come_back(message, &aside_of(message)->quick_reads);
}

/* Do other people wait longer than they should? */
static bool
others_wait(struct http_core *core)
{
	struct store_figures figures;

	for (unsigned i = 0; i < core->loop_count; i++) {
		if (atomic_load(&core->delay_us[i]) > HTTP_BEHIND_US)
			return true;
	}
	store_figures(core->store, &figures);
	return figures.queued > HTTP_BEHIND_JOBS;
}

/* They come first, but not for ever. */
static bool
is_the_moment(struct http_loop *loop)
{
	atomic_int_least64_t *began_ms = &loop->core->aside->began_ms;

	if (loop->now_ms - atomic_load(began_ms) < HTTP_ASIDE_MS && others_wait(loop->core))
		return false;
	atomic_store(began_ms, loop->now_ms);
	return true;
}

static bool
may_wait(struct http_exchange *exchange)
{
	struct store_txn *txn = NULL;
	bool may = true;

	if (store_read_begin(exchange->loop->reader, &txn) == DOM_OK)
		may = service_may_wait(txn, &exchange->request, exchange->arena);
	store_read_end(&txn);
	return may;
}

static enum http_exchange_step
submit(struct http_exchange *exchange, bool is_slow)
{
	struct http_aside *aside = exchange->loop->core->aside;

	exchange->loop->running++;
	exchange->message.deliver = is_slow ? slow_comes_back : quick_comes_back;
	exchange->pool_job.run = is_slow ? run_slow : run_quick;
	http_pool_submit(is_slow ? aside->slow : aside->quick, &exchange->pool_job);
	return HTTP_EXCHANGE_PENDING;
}

enum http_exchange_step
http_aside_run(struct http_exchange *exchange)
{
	struct http_aside *aside = exchange->loop->core->aside;
	bool is_slow = may_wait(exchange);
	atomic_int_least64_t *reads = is_slow ? &aside->slow_reads : &aside->quick_reads;

	if (atomic_fetch_add(reads, 1) < HTTP_ASIDE_READS_MAX &&
	    (!is_slow || is_the_moment(exchange->loop)))
		return submit(exchange, is_slow);
	atomic_fetch_sub(reads, 1);
	atomic_fetch_add(&aside->put_off, 1);
	http_exchange_fault(exchange, HTTP_FAULT_BUSY,
	    "The region has too much else to do at this moment: ask again in a second.");
	exchange->response.retry_after_seconds = 1;
	return HTTP_EXCHANGE_REPLY;
}
