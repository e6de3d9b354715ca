/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * For LD_PRELOAD: the wall clock is off by the seconds in the file that
 * SHIFTED_CLOCK names, read again at every call, so that it jumps while the
 * program runs.  No other clock is touched.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int
clock_gettime(clockid_t id, struct timespec *now_r)
{
	static int (*real)(clockid_t, struct timespec *);
	const char *path = getenv("SHIFTED_CLOCK");
	long long seconds;
	FILE *file;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	if (real(id, now_r) != 0)
		return -1;
	if (id != CLOCK_REALTIME || path == NULL || (file = fopen(path, "re")) == NULL)
		return 0;
	if (fscanf(file, "%lld", &seconds) == 1)
		now_r->tv_sec += (time_t)seconds;
	fclose(file);
	return 0;
}
