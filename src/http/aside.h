/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_ASIDE_H
#define HTTP_ASIDE_H

#include "http/exchange.h"

/*
 * What other regions read (service_plan.runs_aside), a megabyte of records or some
 * of chunks at a time: on threads and readers of their own, so that no event
 * loop waits for it.
 *
 * What may wait (service_may_wait()) runs on limit_peer_reads threads of the lowest
 * priority.  While people ask for something as well, it runs one at a time, and rests
 * after each for HTTP_ASIDE_RESTS times as long: whatever such a read costs others,
 * they pay it for a fifth of the time.  Where they have to wait even so it is
 * refused with a 503 that says when to come again; but once in HTTP_ASIDE_MS one
 * runs whatever happens, so that a region that is always busy moves accounts slowly
 * and not never.  What the writes of an account wait for has a thread of its own.
 */
struct http_aside;

struct http_aside_figures {
	int64_t reads;    /* that run or are to run next, now */
	uint64_t put_off; /* since the start */
};

DOM_MUST_CHECK enum dom_status http_aside_open(
    struct http_core *core, struct http_aside **aside_r);
/* After the loops have ended. */
void http_aside_close(struct http_aside **aside);
/* Any thread; NULL: there is none. */
void http_aside_figures(struct http_aside *aside, struct http_aside_figures *figures_r);

/* Of a core that has one.  The loop's thread.  PENDING, or REPLY: put off. */
enum http_exchange_step http_aside_run(struct http_exchange *exchange);

#endif
