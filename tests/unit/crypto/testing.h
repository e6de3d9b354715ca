/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef TESTS_CRYPTO_TESTING_H
#define TESTS_CRYPTO_TESTING_H

/* cmocka.h needs the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/random.h"

#define assert_ok(call) assert_int_equal((call), DOM_OK)
#define assert_bytes(got, expected)                                                            \
	do {                                                                                   \
		struct dom_slice got_ = (got), expected_ = (expected);                         \
                                                                                               \
		assert_int_equal(got_.size, expected_.size);                                   \
		if (got_.size != 0)                                                            \
			assert_memory_equal(got_.data, expected_.data, got_.size);             \
	} while (0)

/* xorshift: the same sequence in every run, so that a failure repeats. */
static inline void
test_random_fill(void *context, void *data, size_t size)
{
	uint64_t *state = (uint64_t *)context;
	uint8_t *bytes = (uint8_t *)data;

	for (size_t i = 0; i < size; i++) {
		*state ^= *state << 13;
		*state ^= *state >> 7;
		*state ^= *state << 17;
		bytes[i] = (uint8_t)(*state >> 32);
	}
}

static inline struct dom_random
test_random(uint64_t *seed)
{
	return (struct dom_random){.fill = test_random_fill, .context = seed};
}

#endif
