/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_LOOP_H
#define HTTP_LOOP_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/delay.h"
#include "http/limit.h"
#include "http/log.h"
#include "http/metrics.h"
#include "http/peer.h"
#include "http/pool.h"
#include "http/transport.h"
#include "services/service.h"

/*
 * One event loop: a thread, its epoll, its read-only view of the store, and
 * the connections that it serves.  What a loop owns, only its thread touches;
 * other threads reach it with http_loop_post().
 */
struct http_aside;
struct http_connection;
struct http_exchange;
struct http_push;

/* What all loops share; constant but for the counters. */
struct http_core {
	const struct service *service;
	struct store *store;
	struct http_limits limits;
	struct http_networks trusted;
	struct http_rates *rates;          /* NULL: nobody is counted */
	const char *prefix;                /* of every path, without a slash at its end */
	void (*keeper_wake)(void *keeper); /* NULL: nobody keeps house */
	void *keeper;
	void (*mover_wake)(void *mover); /* NULL: nobody moves accounts */
	void *mover;
	struct http_pool *pool;
	struct http_aside *aside;              /* NULL: in no group of regions */
	atomic_int_least64_t body_bytes;       /* held for requests on their way */
	atomic_int_least64_t reply_bytes;      /* held for replies on their way */
	atomic_int_least64_t requests_running; /* with the writer or the pool */
	atomic_int_least64_t bodies_staged;    /* that go to the disk while they arrive */
	atomic_int_least64_t held;             /* see http/held.h */
	atomic_uint held_changes;              /* how often they were told to try again */
	atomic_int_least64_t connections;
	/* All of them, from the beginning to the end. */
	struct http_loop *loops[HTTP_LOOPS_MAX];
	unsigned loop_count;
	/* By loop: how long who comes now will wait for its turn, as it was a moment ago. */
	atomic_int_least64_t delay_us[HTTP_LOOPS_MAX];
	/* By loop: when somebody asked for something last; regions do not count. */
	atomic_int_least64_t asked_ms[HTTP_LOOPS_MAX];
	atomic_bool is_stopping;
	atomic_bool refuses_writes;
	struct http_metrics metrics;
	atomic_int failure; /* the last enum dom_status that is no rule's */
};

/* Exchanges that are parked, see http/held.h. */
struct http_held {
	struct http_exchange *first, **last;
	int64_t due_ms; /* of the next round; counts if there are any */
	unsigned round;
	unsigned seen; /* of core->held_changes */
};

/* A file descriptor in a loop's epoll. */
struct http_watch {
	void (*event)(struct http_watch *watch, uint32_t events);
};

/* Embedded in what it is about. */
struct http_message {
	void (*deliver)(struct http_message *message);
	struct http_message *next;
};

enum { HTTP_LOOP_INPUT_SIZE = 64 << 10 };

struct http_loop {
	struct http_core *core;
	unsigned index;
	pthread_t thread;
	struct store_reader *reader;
	int epoll_fd, wake_fd;
	struct http_watch wake;
	int64_t now_ms; /* monotonic, of this turn */
	struct http_delay delay;

	pthread_mutex_t lock; /* guards the three below */
	struct http_message *first, **last;
	int64_t posted_us; /* the first of them */

	struct http_connection *connections; /* all of this loop's */
	struct http_connection *again;       /* with more to do at once */
	struct http_exchange *spare;         /* to use again, with their arenas */
	unsigned spare_count;
	struct http_push *push;
	unsigned running; /* exchanges that a job or the pool holds */
	struct http_held held;
	atomic_uint load; /* connections, for whoever spreads them */

	bool is_stopping;
	int64_t stop_by_ms;
	struct http_log log;
	uint8_t input[HTTP_LOOP_INPUT_SIZE]; /* what was just read */
};

/* DOM_ENOMEM, or what store_reader_open() says. */
DOM_MUST_CHECK enum dom_status http_loop_open(
    struct http_core *core, unsigned index, int log_fd, struct http_loop **loop_r);
/* After its thread has ended, or was never started. */
void http_loop_close(struct http_loop **loop);

DOM_MUST_CHECK enum dom_status http_loop_start(struct http_loop *loop);
/* Ends when core->is_stopping, its connections are gone and its jobs are back. */
void http_loop_join(struct http_loop *loop);

/* Any thread: deliver() runs on the loop's. */
void http_loop_post(struct http_loop *loop, struct http_message *message);
/* Any thread: look at core->is_stopping. */
void http_loop_wake(struct http_loop *loop);

/* Any thread.  Serve a new connection; takes fd.  DOM_ENOMEM: it is closed. */
void http_loop_adopt(struct http_loop *loop, int fd, struct http_tls *tls);

#endif
