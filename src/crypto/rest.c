/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Keys at rest, what they seal, and keyed hashes for look-ups. */
#include "crypto/rest.h"

#include <assert.h>

#include <sodium.h>

#include "base/wipe.h"

#include "crypto/roles.h"

static_assert((int)DOM_INDEX_SIZE == (int)DOM_MAC_SIZE, "an index is a MAC");
static_assert((int)DOM_INDEX_COUNT == (int)DOM_REGION_INDEX_COUNT, "a key for each");

void
dom_rest_key_new(const struct dom_region_key *region,
    const uint8_t account_id[DOM_REST_ID_SIZE], const struct dom_random *random,
    struct dom_rest_key *key_r, uint8_t wrapped_r[DOM_REST_WRAPPED_SIZE])
{
	dom_random_fill(random, key_r->bytes, sizeof(key_r->bytes));
	dom_seal(region->rest_key, dom_slice(key_r->bytes, sizeof(key_r->bytes)),
	    dom_slice(account_id, DOM_REST_ID_SIZE), random, wrapped_r);
}

enum dom_status
dom_rest_key_open(const struct dom_region_key *region,
    const uint8_t account_id[DOM_REST_ID_SIZE], struct dom_slice wrapped,
    struct dom_rest_key *key_r)
{
	return dom_open_exact(region->rest_key, wrapped,
	    dom_slice(account_id, DOM_REST_ID_SIZE), key_r->bytes, sizeof(key_r->bytes));
}

enum dom_status
dom_rest_seal(const struct dom_rest_key *key, enum dom_rest_kind kind, struct dom_slice plain,
    const struct dom_random *random, struct dom_arena *arena, struct dom_slice *sealed_r)
{
	const uint8_t context = (uint8_t)kind;
	/* The padding is one byte at least. */
	size_t size = (plain.size / DOM_REST_BLOCK_SIZE + 1) * DOM_REST_BLOCK_SIZE, padded;
	uint8_t *sealed = dom_arena_take(arena, size + DOM_SEAL_OVERHEAD);
	uint8_t *text;

	if (sealed == NULL)
		return DOM_ENOMEM;
	text = sealed + DOM_NONCE_SIZE;
	if (plain.size != 0)
		memcpy(text, plain.data, plain.size);
	if (sodium_pad(&padded, text, plain.size, DOM_REST_BLOCK_SIZE, size) != 0)
		assert(!"there is room");
	assert(padded == size);
	dom_seal(key->bytes, dom_slice(text, size), dom_slice(&context, 1), random, sealed);
	*sealed_r = dom_slice(sealed, size + DOM_SEAL_OVERHEAD);
	return DOM_OK;
}

enum dom_status
dom_rest_open(const struct dom_rest_key *key, enum dom_rest_kind kind, struct dom_slice sealed,
    struct dom_arena *arena, struct dom_slice *plain_r)
{
	const uint8_t context = (uint8_t)kind;
	uint8_t *plain;
	size_t size;

	if (sealed.size < DOM_SEAL_OVERHEAD + DOM_REST_BLOCK_SIZE)
		return DOM_EINTEGRITY;
	size = sealed.size - DOM_SEAL_OVERHEAD;
	if ((plain = dom_arena_take(arena, size)) == NULL)
		return DOM_ENOMEM;
	if (dom_open(key->bytes, sealed, dom_slice(&context, 1), plain) != DOM_OK ||
	    sodium_unpad(&size, plain, size, DOM_REST_BLOCK_SIZE) != 0)
		return DOM_EINTEGRITY;
	*plain_r = dom_slice(plain, size);
	return DOM_OK;
}

void
dom_region_index(const struct dom_region_key *region, enum dom_index what,
    struct dom_slice text, uint8_t hash_r[DOM_INDEX_SIZE])
{
	assert(what < DOM_INDEX_COUNT);
	dom_mac(region->index_keys[what], text, hash_r);
}
