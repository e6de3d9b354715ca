/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_DELAY_H
#define HTTP_DELAY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How long who comes to an event loop waits for its turn: the mean over a while,
 * of a request that comes at any moment and of the messages that came.  Times
 * in microseconds, monotonic.
 */
enum { HTTP_DELAY_US = 200000 }; /* the while */

/* {0} is the beginning. */
struct http_delay {
	int64_t since_us;
	double squares; /* of turns */
	int64_t waited_us;
	unsigned waits;
};

/* A message has waited for so long. */
void http_delay_message(struct http_delay *delay, int64_t waited_us);
/* A turn is over.  True: so is the while, and *mean_us_r is what it was; a new one begins. */
bool http_delay_turn(
    struct http_delay *delay, int64_t began_us, int64_t now_us, int64_t *mean_us_r);

#endif
