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
/*
 * What another region asks is free.  Who it is shows its signature, later: it
 * may be looked at as long as there were not too many from this address
 * before that were none.  So a stranger neither costs more than by other requests, nor
 * is in a region's way.
 */
int64_t http_rates_stranger_wait(
    struct http_rates *rates, const struct http_peer *peer, int64_t now_us);
void http_rates_stranger(
    struct http_rates *rates, const struct http_peer *peer, int64_t now_us);
/* Is it for other regions? */
bool http_rates_is_peer(enum service_op op);
/* Also for what this operation is limited to, if it is. */
int64_t http_rates_operation(
    struct http_rates *rates, const struct http_peer *peer, enum service_op op, int64_t now_us);

#endif
