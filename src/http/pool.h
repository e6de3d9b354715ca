/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_POOL_H
#define HTTP_POOL_H

#include <domicile/status.h>

/*
 * A few threads for work that waits for the disk.  A job is its owner's
 * memory until run() has returned; run() passes the result on by itself.
 */
struct http_pool;

struct http_pool_job {
	void (*run)(struct http_pool_job *job);
	struct http_pool_job *next; /* the pool's, while queued */
};

/* How nice its threads are to others (setpriority(2)). */
enum { HTTP_POOL_USUAL = 0, HTTP_POOL_LAST = 19 };

/* DOM_ENOMEM: no memory or no thread. */
DOM_MUST_CHECK enum dom_status http_pool_open(
    unsigned threads, int nice, struct http_pool **pool_r);
/* Runs what is queued, then ends. */
void http_pool_close(struct http_pool **pool);
/* Any thread. */
void http_pool_submit(struct http_pool *pool, struct http_pool_job *job);

#endif
