/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The time of the simulation, for all that asks the system. */
#include "sim/clock.h"

#include <stdbool.h>
#include <time.h>

#include "sim/wrapped.h"

static bool is_set;
static int64_t now;

void
sim_clock_set_ms(int64_t now_ms)
{
	is_set = true;
	now = now_ms;
}

int64_t
sim_clock_now_ms(void)
{
	return now;
}

int
__wrap_clock_gettime(clockid_t clock, struct timespec *time_r)
{
	/* What work costs is nothing that a run may depend on. */
	if (!is_set || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
		return __real_clock_gettime(clock, time_r);
	time_r->tv_sec = now / 1000;
	time_r->tv_nsec = now % 1000 * 1000000;
	return 0;
}
