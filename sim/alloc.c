/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Memory of the simulation itself. */
#include "sim/alloc.h"

#include <stdlib.h>
#include <string.h>

void *
sim_take(size_t size)
{
	void *memory = calloc(1, size);

	if (memory == NULL)
		abort();
	return memory;
}

void *
sim_retake(void *memory, size_t size)
{
	if ((memory = realloc(memory, size)) == NULL)
		abort();
	return memory;
}

char *
sim_take_text(const char *text, size_t size)
{
	char *copy = sim_take(size + 1);

	memcpy(copy, text, size);
	return copy;
}

void
sim_drop(void *memory)
{
	free(memory);
}
