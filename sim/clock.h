/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <stdint.h>

/*
 * Time as this process sees it: once it is set, all of our code that asks the
 * system for the time (wall clock and monotonic alike) gets this, in
 * milliseconds since 1970, and it stands still until it is set again.
 */
void sim_clock_set_ms(int64_t now_ms);
int64_t sim_clock_now_ms(void);

#endif
