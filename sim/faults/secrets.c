/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Memory for secrets runs out as any other does. */
#include <sodium.h>

#include "sim/alloc.h"

void *__wrap_sodium_malloc(size_t size);
void *__real_sodium_malloc(size_t size);
void __wrap_sodium_free(void *memory);
void __real_sodium_free(void *memory);

void *
__wrap_sodium_malloc(size_t size)
{
	return sim_alloc_strikes() ? NULL : sim_alloc_counted(__real_sodium_malloc(size));
}

void
__wrap_sodium_free(void *memory)
{
	sim_alloc_uncount(memory);
	__real_sodium_free(memory);
}
