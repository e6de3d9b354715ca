/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_RATES_H
#define HTTP_RATES_H

#include "base/random.h"

#include "http/limit.h"
#include "http/peer.h"
#include "services/service.h"

/*
 * How much one address may ask: requests, sign-ups, challenges.  Over a limit
 * it is a 429 that says when to try again.  See services/rate.h for what a
 * flood of addresses costs: nothing more.  Any thread.
 */
struct http_rates;

/* NULL: no memory. */
struct http_rates *http_rates_new(
    const struct http_limits *limits, const struct dom_random *random);
void http_rates_free(struct http_rates **rates);

/* 0: go on, also without rates.  Else the microseconds until it may be tried again. */
int64_t http_rates_request(
    struct http_rates *rates, const struct http_peer *peer, int64_t now_us);
/* Also for what this operation is limited to, if it is. */
int64_t http_rates_operation(
    struct http_rates *rates, const struct http_peer *peer, enum service_op op, int64_t now_us);

#endif
