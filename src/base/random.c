/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/random.h"

#include <assert.h>

uint32_t
dom_random_below(const struct dom_random *random, uint32_t bound)
{
	uint32_t value, least;

	assert(bound > 0);
	least = -bound % bound; /* 2^32 mod bound: values below would be favoured */
	do {
		dom_random_fill(random, &value, sizeof(value));
	} while (value < least);
	return value % bound;
}
