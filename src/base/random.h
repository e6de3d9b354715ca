/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Randomness as something that is handed in.  fill() cannot fail: the
 * system's source (crypto/random.h) aborts rather than return.
 */
struct dom_random {
	void (*fill)(void *context, void *data, size_t size);
	void *context;
};

static inline void
dom_random_fill(const struct dom_random *random, void *data, size_t size)
{
	random->fill(random->context, data, size);
}

/* Uniform in [0, bound), bound > 0, by rejection. */
uint32_t dom_random_below(const struct dom_random *random, uint32_t bound);

#endif
