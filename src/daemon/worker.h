/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/*
 * Threads that work in steps while there is something to do, rest while there is not, and
 * make way for people who write.
 */

enum { WORKER_FAILURE_MS = 5000 /* to rest after a failure: the disk may be full */ };

struct workers;

/* One step; how long to rest after it, in milliseconds; 0: not at all. */
typedef int64_t worker_step(void *context);

/* None yet; NULL: no memory. */
struct workers *workers_new(void);
/* One more thread; step is called on it alone. */
DOM_MUST_CHECK enum dom_status workers_add(
    struct workers *workers, worker_step *step, void *context);
/* Any thread: there is something to do.  What is in a step now takes another. */
void workers_wake(struct workers *workers);
/* Any thread: somebody wants them to stop. */
bool workers_stopping(struct workers *workers);
/* Each ends its step.  They may be woken after that. */
void workers_stop(struct workers *workers);
/* Stops them first. */
void workers_free(struct workers **workers);

/* How long to rest after a step that did something. */
int64_t worker_pace_ms(struct store *store);

/* A failure that is told once, then now and then while it lasts. */
struct worker_failure {
	enum dom_status last; /* that was told; DOM_OK: none */
	unsigned times;
};

/* Whether to tell of it. */
bool worker_failure_is_news(struct worker_failure *failure, enum dom_status status);

#endif
