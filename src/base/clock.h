/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/*
 * Time as something that is handed in, so that rules can be tested and
 * simulated.  Milliseconds since 1970 in UTC; may jump when the host's clock
 * is set.
 */
struct dom_clock {
	int64_t (*now_ms)(void *context);
	void *context;
};

static inline int64_t
dom_clock_now_ms(const struct dom_clock *clock)
{
	return clock->now_ms(clock->context);
}

/* The host's clock. */
struct dom_clock dom_clock_system(void);

/* Milliseconds of a clock that only goes forward; for time-outs and progress. */
int64_t dom_monotonic_ms(void);
int64_t dom_monotonic_us(void);

#endif
