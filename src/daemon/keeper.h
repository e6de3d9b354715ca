/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_KEEPER_H
#define DAEMON_KEEPER_H

#include "daemon/retention.h"
#include "services/keeper/keeper.h"

/*
 * The thread that keeps house: it takes services/keeper/'s steps, one after the
 * other while there are any, then retention's, and lets the region's time
 * follow the clock.
 */
struct keeper_thread;

/* retention: outlives the thread. */
DOM_MUST_CHECK enum dom_status keeper_thread_open(const struct keeper_options *options,
    struct retention_desk *retention, struct keeper_thread **thread_r, char *message_r,
    size_t message_size);
/* Any thread: there is something to do. */
void keeper_thread_wake(void *thread);
/* Finishes its step.  Before the store and the journal are closed. */
void keeper_thread_close(struct keeper_thread **thread);

#endif
