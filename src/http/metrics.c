/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Counting requests: relaxed, since figures need no order. */
#include "http/metrics.h"

static void
add(atomic_uint_least64_t *counter, uint64_t by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

void
http_metrics_add(struct http_metrics *metrics, enum service_op op, int status,
    uint64_t bytes_in, uint64_t bytes_out, uint64_t microseconds)
{
	int status_class = status / 100;

	if (status_class < 1 || status_class >= HTTP_STATUS_CLASSES)
		status_class = 0;
	add(&metrics->requests[op < SERVICE_OP_COUNT ? op : SERVICE_OP_COUNT][status_class], 1);
	add(&metrics->bytes_in, bytes_in);
	add(&metrics->bytes_out, bytes_out);
	add(&metrics->microseconds, microseconds);
}

const unsigned http_held_bounds_ms[HTTP_HELD_BUCKETS - 1] = {
    10, 20, 50, 100, 200, 500, 1000, 2000};

void
http_metrics_add_held(struct http_metrics *metrics, int64_t held_ms)
{
	unsigned time = 0;

	while (time < HTTP_HELD_BUCKETS - 1 && held_ms > http_held_bounds_ms[time])
		time++;
	add(&metrics->held_within[time], 1);
	add(&metrics->held_ms, (uint64_t)held_ms);
}
