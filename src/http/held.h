/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_HELD_H
#define HTTP_HELD_H

#include "http/exchange.h"

/*
 * Requests whose answer may become better within the moment (hold_ms of
 * services/service.h), such as a write that met an account while it is handed
 * over.  What the job answered is kept, its client waits, and the job runs
 * again: when http_server_retry_held() says so and every HTTP_HELD_MS, unless a
 * snapshot shows that it is of no use yet.
 *
 *   PENDING --the job's answer has hold_ms--> parked --again--> PENDING
 *      `--it has none, or no time is left--> REPLY <--time is over--'
 *
 * A parked exchange holds its own memory and one of limit_held_requests;
 * neither the writer nor the pool knows of it.  The loop's thread, but for
 * http_held_retry().
 */

/* The job is back.  True: parked, and its owner will hear later. */
bool http_held_park(struct http_exchange *exchange);
/* It will not run again: it has its answer, or nobody waits any more. */
void http_held_end(struct http_exchange *exchange);

/* Run again what is due; end what has waited long enough. */
void http_held_turn(struct http_loop *loop);
/* Milliseconds until then; -1: none is parked. */
int http_held_timeout(const struct http_loop *loop);
/* All that are parked get the answer that they have. */
void http_held_stop(struct http_loop *loop);

/* Any thread: from here on the answers may be others. */
void http_held_retry(struct http_core *core);

#endif
