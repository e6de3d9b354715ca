/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef TESTS_REGION_KEY_H
#define TESTS_REGION_KEY_H

#include <assert.h>
#include <stddef.h>

#include "crypto/keys.h"
#include "crypto/region.h"

/* The region key of tests that open a store; the process's, never freed. */
static inline const struct dom_region_key *
test_region_key(void)
{
	static const uint8_t bytes[32] = "region key of the tests........";
	static struct dom_region_key *key;
	bool is_good = key != NULL || (dom_crypto_start() == DOM_OK &&
	                                  dom_region_key_from_bytes(
	                                      dom_slice(bytes, sizeof(bytes)), &key) == DOM_OK);

	assert(is_good);
	return key;
}

#endif
