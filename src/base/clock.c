/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/clock.h"

#include <stddef.h>
#include <time.h>

static int64_t
clock_read_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t
system_now_ms(void *context)
{
	(void)context;
	return clock_read_us(CLOCK_REALTIME) / 1000;
}

struct dom_clock
dom_clock_system(void)
{
	return (struct dom_clock){.now_ms = system_now_ms, .context = NULL};
}

int64_t
dom_monotonic_ms(void)
{
	return clock_read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
dom_monotonic_us(void)
{
	return clock_read_us(CLOCK_MONOTONIC);
}
