/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_METRICS_H
#define HTTP_METRICS_H

#include <stdatomic.h>

#include "services/service.h"

/* Counters of all loops, for an operator's figures: nothing about anybody. */
enum {
	HTTP_STATUS_CLASSES = 6, /* [2] is 2xx; [0] whatever else */
	HTTP_HELD_BUCKETS = 9,
};
extern const unsigned http_held_bounds_ms[HTTP_HELD_BUCKETS - 1];

struct http_metrics {
	/* The last row: requests that named no operation. */
	atomic_uint_least64_t requests[SERVICE_OP_COUNT + 1][HTTP_STATUS_CLASSES];
	atomic_uint_least64_t bytes_in, bytes_out;
	atomic_uint_least64_t microseconds; /* of all requests, from head to reply */
	/* Requests that were held (http/held.h), by time up to each bound; the last: longer. */
	atomic_uint_least64_t held_within[HTTP_HELD_BUCKETS];
	atomic_uint_least64_t held_ms; /* of all of them */
};

/* One that is answered; op SERVICE_OP_COUNT for none. */
void http_metrics_add(struct http_metrics *metrics, enum service_op op, int status,
    uint64_t bytes_in, uint64_t bytes_out, uint64_t microseconds);
/* One that was held for so long. */
void http_metrics_add_held(struct http_metrics *metrics, int64_t held_ms);

struct http_figures {
	uint64_t requests[SERVICE_OP_COUNT + 1][HTTP_STATUS_CLASSES];
	uint64_t bytes_in, bytes_out, microseconds;
	int64_t connections, writing; /* now: open; with the writer or the pool */
	int64_t body_bytes, reply_bytes;
	int64_t held;     /* now */
	int64_t delay_us; /* now, of the slowest loop, see struct http_core */
	int64_t peer_reads;
	uint64_t peer_reads_put_off; /* see http/aside.h */
	uint64_t held_ms, held_within[HTTP_HELD_BUCKETS];
};

#endif
