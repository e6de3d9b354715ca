/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The parked exchanges of a loop: a list in the order in which they came. */
#include "http/held.h"

#include <assert.h>

static void
append(struct http_exchange *exchange)
{
	struct http_held *held = &exchange->loop->held;

	exchange->held.is_parked = true;
	exchange->held.round = held->round;
	exchange->held.next = NULL;
	exchange->held.link = held->last;
	*held->last = exchange;
	held->last = &exchange->held.next;
}

static void
take_out(struct http_exchange *exchange)
{
	struct http_held *held = &exchange->loop->held;

	assert(exchange->held.is_parked);
	exchange->held.is_parked = false;
	*exchange->held.link = exchange->held.next;
	if (exchange->held.next != NULL)
		exchange->held.next->held.link = exchange->held.link;
	else
		held->last = exchange->held.link;
}

/*
 * One more of them all, if there is room.  For regions there is some more: what all the
 * others wait for goes on when a region has its answer.
 */
static bool
begin(struct http_exchange *exchange)
{
	struct http_core *core = exchange->loop->core;
	int64_t most = core->limits.of[HTTP_LIMIT_HELD_REQUESTS] +
	               (exchange->reply.from_region ? HTTP_HELD_REGIONS : 0);

	if (atomic_fetch_add(&core->held, 1) >= most) {
		atomic_fetch_sub(&core->held, 1);
		return false;
	}
	exchange->held.is_counted = true;
	exchange->held.since_ms = exchange->loop->now_ms;
	return true;
}

bool
http_held_park(struct http_exchange *exchange)
{
	struct http_loop *loop = exchange->loop;
	struct http_core *core = loop->core;

	if (exchange->reply.hold_ms == 0 || exchange->owner == NULL || loop->is_stopping ||
	    (!exchange->held.is_counted && !begin(exchange)))
		return false;
	exchange->held.until_ms = exchange->held.since_ms + exchange->reply.hold_ms;
	if (loop->now_ms >= exchange->held.until_ms)
		return false;
	/* The pool has written its chunk long ago: that place is for others. */
	(void)http_exchange_stage_drop(exchange);
	if (loop->held.first == NULL)
		loop->held.due_ms = loop->now_ms + HTTP_HELD_MS;
	/* What was said while the job ran, the job may not have seen. */
	if (exchange->held.seen != atomic_load(&core->held_changes))
		loop->held.due_ms = loop->now_ms;
	append(exchange);
	return true;
}

void
http_held_end(struct http_exchange *exchange)
{
	struct http_core *core = exchange->loop->core;

	if (!exchange->held.is_counted)
		return;
	if (exchange->held.is_parked)
		take_out(exchange);
	exchange->held.is_counted = false;
	atomic_fetch_sub(&core->held, 1);
	http_metrics_add_held(&core->metrics, exchange->loop->now_ms - exchange->held.since_ms);
}

static void
answer(struct http_exchange *exchange)
{
	http_held_end(exchange);
	http_exchange_answer(exchange);
	exchange->owner->ready(exchange->owner);
}

/*
 * In one snapshot: who need not be run again yet, since the writer has better
 * things to do than to refuse once more.
 */
static void
look(struct http_loop *loop)
{
	struct store_txn *txn = NULL;
	bool sees = store_read_begin(loop->reader, &txn) == DOM_OK;

	for (struct http_exchange *each = loop->held.first; each != NULL;
	     each = each->held.next)
		each->held.is_of_no_use =
		    sees && service_hold_goes_on(txn, &each->reply, each->arena);
	store_read_end(&txn);
}

static void
stay(struct http_exchange *exchange)
{
	take_out(exchange);
	append(exchange);
}

/* False: it cannot. */
static bool
run_again(struct http_exchange *exchange)
{
	/* Of its own, since what the request itself needs stays in the other. */
	if (exchange->held.arena == NULL &&
	    (exchange->held.arena = dom_arena_new(HTTP_ARENA_BYTES_MAX)) == NULL)
		return false;
	take_out(exchange);
	/* Too much waits for the writer at this moment: the next time. */
	if (!http_exchange_resume(exchange))
		append(exchange);
	return true;
}

/* Each that was there when it began, once: new ones come behind them. */
void
http_held_turn(struct http_loop *loop)
{
	unsigned changes = atomic_load(&loop->core->held_changes);
	struct http_held *held = &loop->held;

	if (held->first == NULL || (changes == held->seen && loop->now_ms < held->due_ms))
		return;
	held->seen = changes;
	held->due_ms = loop->now_ms + HTTP_HELD_MS;
	held->round++;
	look(loop);
	while (held->first != NULL && held->first->held.round != held->round) {
		struct http_exchange *exchange = held->first;

		if (loop->now_ms >= exchange->held.until_ms ||
		    atomic_load(&loop->core->refuses_writes))
			answer(exchange);
		else if (exchange->held.is_of_no_use)
			stay(exchange);
		else if (!run_again(exchange))
			answer(exchange);
	}
}

int
http_held_timeout(const struct http_loop *loop)
{
	int64_t left_ms = loop->held.due_ms - loop->now_ms;

	if (loop->held.first == NULL)
		return -1;
	return left_ms < 0 ? 0 : (int)left_ms;
}

void
http_held_stop(struct http_loop *loop)
{
	while (loop->held.first != NULL)
		answer(loop->held.first);
}

void
http_held_retry(struct http_core *core)
{
	/* Who is not counted yet sees the change when its job is back. */
	atomic_fetch_add(&core->held_changes, 1);
	for (unsigned i = 0; atomic_load(&core->held) != 0 && i < core->loop_count; i++)
		http_loop_wake(core->loops[i]);
}
