/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A keyed hash for tables in memory. */
#include "crypto/short_hash.h"

#include <assert.h>

#include <sodium.h>

static_assert((int)DOM_SHORT_KEY_SIZE == crypto_shorthash_siphashx24_KEYBYTES, "its key");
static_assert((int)DOM_SHORT_HASH_SIZE == crypto_shorthash_siphashx24_BYTES, "its hash");

void
dom_short_hash(const uint8_t key[DOM_SHORT_KEY_SIZE], struct dom_slice bytes,
    uint8_t hash_r[DOM_SHORT_HASH_SIZE])
{
	(void)crypto_shorthash_siphashx24(hash_r, bytes.data, bytes.size, key);
}
