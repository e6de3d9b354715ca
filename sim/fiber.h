/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_FIBER_H
#define SIM_FIBER_H

#include <stdbool.h>

/*
 * Many stacks on one thread: what blocks in the real programs (a phone that
 * waits for an answer, a mover that asks a peer) yields here, and the world
 * goes on.  Nothing is preempted, so one seed gives one run.
 */
struct fiber;

/* Does not run yet.  Aborts without memory. */
struct fiber *fiber_new(void (*run)(void *context), void *context);
/* Run it until it yields or ends.  Not from within a fiber. */
void fiber_resume(struct fiber *fiber);
/* In a fiber: back to who resumed it. */
void fiber_yield(void);
/* The one that runs; NULL: none. */
struct fiber *fiber_self(void);
bool fiber_has_ended(const struct fiber *fiber);
/* One that has ended or never ran. */
void fiber_free(struct fiber **fiber);
/* Give back the stacks that are kept for the next ones. */
void fiber_trim(void);

#endif
