/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_TIME_H
#define SIM_TIME_H

#include <stdbool.h>
#include <stdint.h>

struct fiber;

/*
 * Virtual time and what happens in it.  Nothing sleeps: when all fibers wait,
 * the clock stands at the next event.  Events of one moment come in the order
 * in which they were asked for.
 */
enum { TIME_SECOND_US = 1000000 };
#define TIME_HOUR_US (INT64_C(3600) * TIME_SECOND_US)
#define TIME_DAY_US (24 * TIME_HOUR_US)

/* Microseconds since 1970. */
int64_t time_now_us(void);
int64_t time_now_ms(void);
/* No events are left behind, and the clock stands here. */
void time_reset(int64_t now_us);

/* Call run, once, after so long (0: soon, but not from in here). */
void time_after(int64_t delay_us, void (*run)(void *context), void *context);
/* The next event; false: there is none until then, and the clock stands at until_us. */
bool time_step(int64_t until_us);
/* When the next event is; INT64_MAX: there is none. */
int64_t time_next_us(void);

/* In a fiber: wait. */
void time_sleep(int64_t us);

/* In a fiber: wait until somebody opens it, or so long; true: it was opened. */
struct time_gate {
	struct fiber *waiting;
	uint64_t turn;
	bool is_open;
};
bool time_wait(struct time_gate *gate, int64_t at_most_us);
void time_open(struct time_gate *gate);

/* A fiber of its own that frees itself at its end. */
void time_spawn(void (*run)(void *context), void *context);
/* Fibers that have not ended. */
unsigned time_fibers(void);

#endif
