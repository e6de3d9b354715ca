/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_ALLOC_H
#define SIM_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Memory that runs out.  Every allocation of our code, of SQLite and of OpenSSL
 * comes by here and is counted; when told to, one fails, or all from there on.
 * One thread.
 */

/*
 * Have SQLite and OpenSSL ask us, too, and SQLite for every little thing (it keeps no
 * reserve of its own); before either is used.  Without it only our own code is counted.
 */
void sim_alloc_install(void);

/* The nth from now (from 1) fails; stays: and every later one, until it heals. */
void sim_alloc_fail(uint64_t nth, bool stays);
void sim_alloc_pause(bool is_paused); /* nothing fails or counts meanwhile */
uint64_t sim_alloc_heal(void);        /* how often one has failed */
uint64_t sim_alloc_count(void);       /* allocations so far */
int64_t sim_alloc_live(void);         /* blocks that are not freed yet */

/* For another kind of allocation that a program wraps: is it this one?  Counts it. */
bool sim_alloc_strikes(void);
void *sim_alloc_counted(void *memory); /* a new block, or NULL */
void sim_alloc_uncount(const void *memory);

/* Memory of the simulation itself: it is not what fails.  It aborts without any. */
void *sim_take(size_t size);                 /* zeros */
void *sim_retake(void *memory, size_t size); /* as realloc() */
char *sim_take_text(const char *text, size_t size);
void sim_drop(void *memory);

#endif
