/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A large chunk goes to the disk while it arrives: the loop appends to the
 * body, the pool writes what is there and lets go when it has caught up.
 *
 *   the loop's --HTTP_STAGE_BYTES more--> the pool's --caught up--> the loop's
 *       |  `--complete------------------> the pool's --synced--> to the writer
 *       `--dropped--> freed               the pool's, dropped --> back, freed
 *
 * One word holds whose turn it is and how far the body has come, so that
 * neither side can miss what the other has just done.
 */
#include <assert.h>
#include <stddef.h>

#include "http/exchange.h"

enum {
	HELD = 1,    /* by the pool */
	ENDED = 2,   /* the body is complete */
	DROPPED = 4, /* nobody wants it any more */
	UNIT = 8,    /* above: bytes that have arrived */
};

/* After a failure it is only counted: the reply waits for the rest of the body. */
static void
take(struct http_exchange *exchange, size_t size)
{
	const uint8_t *from = exchange->body.data + exchange->stage_taken;

	exchange->stage_taken += size;
	if (exchange->stage_status == DOM_OK)
		exchange->stage_status =
		    service_stage_add(exchange->staged, dom_slice(from, size));
}

/* On the pool. */
static void
run(struct http_pool_job *job)
{
	struct http_exchange *exchange =
	    (struct http_exchange *)((char *)job - offsetof(struct http_exchange, pool_job));
	uint64_t seen = atomic_load(&exchange->stage);

	for (;;) {
		size_t ready = (size_t)(seen / UNIT) - exchange->stage_taken;

		if ((seen & DROPPED) != 0) {
			http_loop_post(exchange->loop, &exchange->message);
			return;
		}
		if (ready >= HTTP_STAGE_BYTES || ((seen & ENDED) != 0 && ready != 0)) {
			take(exchange, ready < HTTP_STAGE_BYTES ? ready : HTTP_STAGE_BYTES);
			seen = atomic_load(&exchange->stage);
			continue;
		}
		if ((seen & ENDED) != 0) {
			if (exchange->stage_status == DOM_OK)
				exchange->stage_status = service_stage_end(exchange->staged);
			http_exchange_submit(exchange, exchange->stage_status);
			return;
		}
		/* Once this has succeeded the exchange may be gone. */
		if (atomic_compare_exchange_strong(
		        &exchange->stage, &seen, seen & ~(uint64_t)HELD))
			return;
	}
}

void
http_exchange_stage_begin(struct http_exchange *exchange, size_t body_size)
{
	struct http_core *core = exchange->loop->core;
	struct store_txn *txn = NULL;
	enum dom_status st;

	if (exchange->route.op != SERVICE_CHUNK_PUT || body_size < HTTP_STAGE_BYTES ||
	    atomic_load(&core->refuses_writes))
		return;
	if (atomic_fetch_add(&core->bodies_staged, 1) >= HTTP_STAGED_MAX) {
		atomic_fetch_sub(&core->bodies_staged, 1);
		return;
	}
	if ((st = store_read_begin(exchange->loop->reader, &txn)) == DOM_OK)
		st = service_stage_begin(core->service, txn, &exchange->request, body_size,
		    exchange->arena, &exchange->staged);
	store_read_end(&txn);
	/* If not, it is tried once more as a whole, and that answer counts. */
	exchange->is_staged = st == DOM_OK && exchange->staged != NULL;
	if (!exchange->is_staged) {
		atomic_fetch_sub(&core->bodies_staged, 1);
		return;
	}
	exchange->pool_job.run = run;
}

void
http_exchange_stage_more(struct http_exchange *exchange, size_t size)
{
	uint64_t seen = atomic_fetch_add(&exchange->stage, size * UNIT) + size * UNIT;

	if ((seen & HELD) != 0 ||
	    (size_t)(seen / UNIT) - exchange->stage_taken < HTTP_STAGE_BYTES)
		return;
	atomic_fetch_or(&exchange->stage, HELD);
	http_pool_submit(exchange->loop->core->pool, &exchange->pool_job);
}

void
http_exchange_stage_end(struct http_exchange *exchange)
{
	if ((atomic_fetch_or(&exchange->stage, ENDED | HELD) & HELD) == 0)
		http_pool_submit(exchange->loop->core->pool, &exchange->pool_job);
}

static void
let_go(struct http_message *message)
{
	struct http_exchange *exchange =
	    (struct http_exchange *)((char *)message - offsetof(struct http_exchange, message));

	exchange->loop->running--;
	http_exchange_free(&exchange);
}

bool
http_exchange_stage_drop(struct http_exchange *exchange)
{
	if (!exchange->is_staged)
		return false;
	if ((atomic_load(&exchange->stage) & (ENDED | DROPPED)) == 0) {
		exchange->message.deliver = let_go;
		exchange->loop->running++;
		if ((atomic_fetch_or(&exchange->stage, DROPPED) & HELD) != 0)
			return true;
		exchange->loop->running--;
	}
	exchange->is_staged = false;
	atomic_fetch_sub(&exchange->loop->core->bodies_staged, 1);
	return false;
}
