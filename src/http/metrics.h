/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_METRICS_H
#define HTTP_METRICS_H

#include <stdatomic.h>

#include "services/service.h"

/* Counters of all loops, for an operator's figures: nothing about anybody. */
enum { HTTP_STATUS_CLASSES = 6 }; /* [2] is 2xx; [0] whatever else */

struct http_metrics {
	/* The last row: requests that named no operation. */
	atomic_uint_least64_t requests[SERVICE_OP_COUNT + 1][HTTP_STATUS_CLASSES];
	atomic_uint_least64_t bytes_in, bytes_out;
	atomic_uint_least64_t microseconds; /* of all requests, from head to reply */
};

/* One that is answered; op SERVICE_OP_COUNT for none. */
void http_metrics_add(struct http_metrics *metrics, enum service_op op, int status,
    uint64_t bytes_in, uint64_t bytes_out, uint64_t microseconds);

struct http_figures {
	uint64_t requests[SERVICE_OP_COUNT + 1][HTTP_STATUS_CLASSES];
	uint64_t bytes_in, bytes_out, microseconds;
	int64_t connections, writing; /* now: open; with the writer or the pool */
	int64_t body_bytes, reply_bytes;
};

#endif
