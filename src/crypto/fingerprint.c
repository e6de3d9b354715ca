/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A public key as digits that two people can compare (etebase-protocol 6.12). */
#include <assert.h>
#include <stdio.h>

#include "crypto/manager.h"
#include "crypto/share.h"

enum {
	GROUPS = 12,
	GROUPS_PER_LINE = 4,
	GROUP_MODULUS = 100000,
};

static uint32_t
number_at(const uint8_t *hash, size_t at)
{
	return (uint32_t)hash[at] << 16 | (uint32_t)hash[at + 1] << 8 | hash[at + 2];
}

void
dom_fingerprint(
    const uint8_t public_key[DOM_PUBLIC_KEY_SIZE], char text_r[DOM_FINGERPRINT_SIZE])
{
	uint8_t hash[DOM_MAC_SIZE];
	uint32_t groups[GROUPS], top_bits = 0;
	size_t size = 0;

	dom_hash(dom_slice(public_key, DOM_PUBLIC_KEY_SIZE), hash);
	for (unsigned i = 0; i < 10; i++) {
		groups[i] = number_at(hash, 3 * i);
		top_bits = top_bits << 3 | hash[i] >> 5;
	}
	groups[10] = number_at(hash, 29);
	groups[11] = top_bits;
	for (unsigned i = 0; i < GROUPS; i++) {
		const char *before = i == 0 ? "" : i % GROUPS_PER_LINE == 0 ? "\n" : "   ";
		int count = snprintf(text_r + size, DOM_FINGERPRINT_SIZE - size, "%s%05u",
		    before, groups[i] % GROUP_MODULUS);

		assert(count > 0);
		size += (size_t)count;
	}
	assert(size == DOM_FINGERPRINT_SIZE - 1);
}
