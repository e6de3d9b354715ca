/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_ALLOC_H
#define SIM_ALLOC_H

#include <stddef.h>

/* Memory of the simulation itself: it is not what fails.  It aborts without any. */
void *sim_take(size_t size);                 /* zeros */
void *sim_retake(void *memory, size_t size); /* as realloc() */
char *sim_take_text(const char *text, size_t size);
void sim_drop(void *memory);

#endif
