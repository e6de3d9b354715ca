/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "http/loop.h"
#include "http/message.h"
#include "http/peer.h"
#include "http/router.h"

/*
 * One request and its reply, whatever carries them.
 *
 *   new --head--> BODY --body..--> BODY --end--> PENDING --job, pool--> REPLY
 *          |                |              `-- a read ---------------->
 *          `-- refused -----`-- too much ----------------------------->
 *
 * While it is PENDING the writer or the pool holds it; a large chunk's body
 * goes to the pool while it arrives; or it is parked (http/held.h).  A carrier that dies
 * then lets go with http_exchange_abandon(); the exchange ends by itself.
 */
enum http_exchange_step {
	HTTP_EXCHANGE_BODY,    /* bring the body, then call http_exchange_end() */
	HTTP_EXCHANGE_PENDING, /* owner->ready() will be called, never from within the call */
	HTTP_EXCHANGE_REPLY,   /* response is ready */
};

struct http_exchange_owner {
	void (*ready)(struct http_exchange_owner *owner);
	struct http_peer peer; /* whom it comes from */
};

struct http_exchange {
	struct http_response response; /* from HTTP_EXCHANGE_REPLY on */
	int64_t body_size_max;         /* of a body that is wanted or dropped */
	/* Of the response's body, counted in core->reply_bytes; who takes the body takes it. */
	int64_t reply_held;

	/* private */
	struct http_loop *loop;
	struct http_exchange_owner *owner; /* NULL: nobody waits for it */
	struct http_exchange *next;        /* while spare */
	struct dom_arena *arena;
	struct service_request request;
	struct service_reply reply;
	struct service_staged *staged;
	struct route route;
	struct dom_buffer body;
	bool keeps_body;
	int64_t body_size, body_held; /* held: counted in core->body_bytes */
	uint64_t bytes_in;
	struct http_peer peer; /* the owner may be gone when it is asked for */
	int64_t began_us;
	enum dom_status status; /* what the job or the pool answered */
	struct store_job job;
	struct http_pool_job pool_job;
	struct http_message message;
	/* A chunk that goes to the disk while it arrives: exchange_stage.c. */
	bool is_staged;
	enum dom_status stage_status;
	size_t stage_taken; /* bytes of the body; whose turn it is has both */
	atomic_uint_least64_t stage;
	/* See http/held.h. */
	struct {
		struct http_exchange *next, **link; /* in loop->held, if it is parked */
		bool is_parked;
		bool is_counted;   /* in core->held */
		bool is_of_no_use; /* as of this round */
		unsigned round, seen;
		int64_t since_ms, until_ms;
		struct dom_arena *arena; /* of the last run, from the second on */
	} held;
};

/* NULL: no memory. */
struct http_exchange *http_exchange_new(
    struct http_loop *loop, struct http_exchange_owner *owner);
/* Not while it is PENDING. */
void http_exchange_free(struct http_exchange **exchange);
/* While it is PENDING: nobody waits any more. */
void http_exchange_abandon(struct http_exchange **exchange);

/* The head's slices are needed during the call only. */
enum http_exchange_step http_exchange_head(
    struct http_exchange *exchange, const struct http_head *head);
enum http_exchange_step http_exchange_body(
    struct http_exchange *exchange, struct dom_slice piece);
enum http_exchange_step http_exchange_end(struct http_exchange *exchange);
/* The request cannot be brought to its end: make that the reply. */
void http_exchange_fault(
    struct http_exchange *exchange, enum http_fault fault, const char *detail);

/* A reply that was held is out, or will never be; *held becomes 0. */
void http_reply_release(struct http_core *core, int64_t *held);

void http_exchange_free_spares(struct http_loop *loop);

/* The job once more, after its answer; false: too many requests wait for the writer. */
bool http_exchange_resume(struct http_exchange *exchange);

/* For exchange_run.c, exchange.c and held.c. */
void http_exchange_answer(struct http_exchange *exchange); /* with exchange->reply */
enum http_exchange_step http_exchange_run(struct http_exchange *exchange);
/* It was PENDING, and has a reply or a status below zero: tell its owner. */
void http_exchange_finish(struct http_exchange *exchange);
enum dom_status http_exchange_admit(struct http_exchange *exchange);
/* Any thread: to the writer, or, after a failure, back to the loop. */
void http_exchange_submit(struct http_exchange *exchange, enum dom_status status);

/* exchange_stage.c: the body, whose size is known and whose room is there, begins .. */
void http_exchange_stage_begin(struct http_exchange *exchange, size_t body_size);
/* .. has grown by so much .. */
void http_exchange_stage_more(struct http_exchange *exchange, size_t size);
/* .. is complete: on the disk it goes on to the writer. */
void http_exchange_stage_end(struct http_exchange *exchange);
/* Nobody wants it any more.  True: the pool has it still; it will be freed when it is back. */
bool http_exchange_stage_drop(struct http_exchange *exchange);

#endif
