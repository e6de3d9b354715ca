/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A request and the rules.  Reads run here, on the loop's own view of the
 * store; what writes goes to the store's writer, over the pool if chunks must
 * reach the disk before, and comes back as a message.
 */
#include <assert.h>
#include <stddef.h>

#include "base/clock.h"

#include "http/aside.h"
#include "http/held.h"
#include "http/push.h"
#include "http/rates.h"
#include "http/reply.h"

static void
clear_reply(struct http_exchange *exchange)
{
	service_reply_free(&exchange->reply);
	exchange->reply = (struct service_reply){0};
}

/* reply says why not; or, below zero without a reply, we must. */
static void
note_failure(struct http_exchange *exchange, enum dom_status status)
{
	if (status >= 0 || status == DOM_EDENIED)
		return;
	atomic_store(&exchange->loop->core->failure, status);
	clear_reply(exchange);
	service_failure(status, &exchange->reply);
}

enum dom_status
http_exchange_admit(struct http_exchange *exchange)
{
	struct store_txn *txn = NULL;
	enum dom_status st;

	if ((st = store_read_begin(exchange->loop->reader, &txn)) == DOM_OK)
		st = service_admit(exchange->loop->core->service, txn, &exchange->request,
		    exchange->arena, &exchange->reply);
	store_read_end(&txn);
	note_failure(exchange, st);
	return st;
}

static void
run_read(struct http_exchange *exchange)
{
	struct store_txn *txn = NULL;
	enum dom_status st;

	clear_reply(exchange);
	if ((st = store_read_begin(exchange->loop->reader, &txn)) == DOM_OK)
		st = service_run(exchange->loop->core->service, txn, &exchange->request, NULL,
		    exchange->arena, &exchange->reply);
	store_read_end(&txn);
	note_failure(exchange, st);
}

/* A used session lives on; nobody waits for that. */
static void
touch_session(const struct http_exchange *exchange)
{
	struct http_exchange *touch;

	if ((touch = http_exchange_new(exchange->loop, NULL)) == NULL)
		return;
	touch->route.op = touch->request.op = SERVICE_SESSION_TOUCH;
	touch->request.token = dom_arena_copy(touch->arena, exchange->request.token);
	if (touch->request.token.data == NULL ||
	    http_exchange_run(touch) != HTTP_EXCHANGE_PENDING)
		http_exchange_free(&touch);
}

static void
answer(struct http_exchange *exchange)
{
	/* The next request sees it too: nothing is lost if this one cannot. */
	if (exchange->reply.touch_session && exchange->route.op != SERVICE_SESSION_TOUCH)
		touch_session(exchange);
	if (http_rates_is_peer(exchange->route.op) && !exchange->reply.from_region)
		http_rates_stranger(
		    exchange->loop->core->rates, &exchange->peer, dom_monotonic_us());
	http_exchange_answer(exchange);
}

/* The reply is there; to whom it may concern. */
static void
end(struct http_exchange *exchange)
{
	if (exchange->route.op != SERVICE_SESSION_TOUCH)
		answer(exchange);
	if (exchange->owner == NULL)
		http_exchange_free(&exchange);
	else
		exchange->owner->ready(exchange->owner);
}

void
http_exchange_finish(struct http_exchange *exchange)
{
	note_failure(exchange, exchange->status);
	end(exchange);
}

/* On the loop again, after the writer. */
static void
come_back(struct http_message *message)
{
	struct http_exchange *exchange =
	    (struct http_exchange *)((char *)message - offsetof(struct http_exchange, message));
	struct http_core *core = exchange->loop->core;

	atomic_fetch_sub(&core->requests_running, 1);
	exchange->loop->running--;
	note_failure(exchange, exchange->status);
	if (http_held_park(exchange))
		return;
	http_held_end(exchange);
	end(exchange);
}

static enum dom_status
job_run(struct store_txn *txn, struct store_job *job)
{
	struct http_exchange *exchange =
	    (struct http_exchange *)((char *)job - offsetof(struct http_exchange, job));

	/* A store that tries again finds a clean reply. */
	clear_reply(exchange);
	exchange->held.seen = atomic_load(&exchange->loop->core->held_changes);
	return service_run(exchange->loop->core->service, txn, &exchange->request,
	    exchange->staged,
	    exchange->held.arena != NULL ? exchange->held.arena : exchange->arena,
	    &exchange->reply);
}

static void
announce(struct http_core *core, const struct service_reply *reply)
{
	http_push_announce(core, &reply->change);
	if (reply->changes != NULL)
		http_push_announce_all(core, reply->changes);
	if (reply->wakes_keeper && core->keeper_wake != NULL)
		core->keeper_wake(core->keeper);
	if (!reply->wakes_mover)
		return;
	if (core->mover_wake != NULL)
		core->mover_wake(core->mover);
	http_held_retry(core);
}

static void
job_done(struct store_job *job, enum dom_status status)
{
	struct http_exchange *exchange =
	    (struct http_exchange *)((char *)job - offsetof(struct http_exchange, job));

	exchange->status = status;
	/* In the order of the commits, and before the writer itself hears of it. */
	if (status == DOM_OK)
		announce(exchange->loop->core, &exchange->reply);
	http_loop_post(exchange->loop, &exchange->message);
}

void
http_exchange_submit(struct http_exchange *exchange, enum dom_status status)
{
	exchange->job = (struct store_job){.run = job_run, .done = job_done};
	if (status == DOM_OK &&
	    (status = store_submit(exchange->loop->core->store, &exchange->job)) == DOM_OK)
		return;
	/* A full queue is not the request's size: 503, try again. */
	job_done(&exchange->job, status == DOM_ELIMIT ? DOM_ESTORE : status);
}

/* On the pool. */
static void
stage_and_submit(struct http_pool_job *pool_job)
{
	struct http_exchange *exchange =
	    (struct http_exchange *)((char *)pool_job -
	                             offsetof(struct http_exchange, pool_job));

	http_exchange_submit(
	    exchange, service_stage(exchange->loop->core->service, &exchange->request,
	                  exchange->arena, &exchange->staged));
}

/* False: too many wait for the writer and the pool. */
static bool
begin_running(struct http_exchange *exchange)
{
	struct http_core *core = exchange->loop->core;

	if (atomic_fetch_add(&core->requests_running, 1) >=
	    core->limits.of[HTTP_LIMIT_REQUESTS]) {
		atomic_fetch_sub(&core->requests_running, 1);
		return false;
	}
	exchange->loop->running++;
	exchange->message.deliver = come_back;
	return true;
}

bool
http_exchange_resume(struct http_exchange *exchange)
{
	if (!begin_running(exchange))
		return false;
	dom_arena_reset(exchange->held.arena);
	http_exchange_submit(exchange, DOM_OK);
	return true;
}

enum http_exchange_step
http_exchange_run(struct http_exchange *exchange)
{
	struct http_core *core = exchange->loop->core;

	if (service_plan(exchange->route.op)->runs_aside && core->aside != NULL)
		return http_aside_run(exchange);
	if (!service_plan(exchange->route.op)->writes) {
		run_read(exchange);
		answer(exchange);
		return HTTP_EXCHANGE_REPLY;
	}
	if (atomic_load(&core->refuses_writes)) {
		if (exchange->route.op != SERVICE_SESSION_TOUCH)
			http_exchange_fault(exchange, HTTP_FAULT_BUSY,
			    "The server's data folder is gone. Nothing was written; its "
			    "operator "
			    "must look after it.");
		return HTTP_EXCHANGE_REPLY;
	}
	if (!begin_running(exchange)) {
		if (exchange->route.op != SERVICE_SESSION_TOUCH)
			http_exchange_fault(exchange, HTTP_FAULT_BUSY, NULL);
		return HTTP_EXCHANGE_REPLY;
	}
	if (exchange->is_staged) {
		http_exchange_stage_end(exchange);
	} else if (service_stage_blocks(core->service, &exchange->request)) {
		exchange->pool_job.run = stage_and_submit;
		http_pool_submit(core->pool, &exchange->pool_job);
	} else {
		stage_and_submit(&exchange->pool_job);
	}
	return HTTP_EXCHANGE_PENDING;
}
