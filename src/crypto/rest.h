/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CRYPTO_REST_H
#define CRYPTO_REST_H

#include "base/arena.h"
#include "base/random.h"

#include "crypto/region.h"

/*
 * Keys at rest: what a region keeps that names a person is sealed under a key
 * of that account, and this key is wrapped under the region key.  Without the
 * region key a disk names nobody; without the wrapped key not even the region
 * can open what was sealed.  Not for content: that is the person's ciphertext.
 *
 * Plain structs, since one is opened for every name that is shown: wipe them.
 */
struct dom_rest_key {
	uint8_t bytes[DOM_KEY_SIZE];
};

enum {
	DOM_REST_ID_SIZE = 16, /* of an account */
	DOM_REST_WRAPPED_SIZE = DOM_KEY_SIZE + DOM_SEAL_OVERHEAD,
	DOM_REST_BLOCK_SIZE =
	    32, /* plain text is padded to this, so that lengths tell little */
};

/* What is sealed: one kind does not open as another.  Stored bytes depend on these. */
enum dom_rest_kind { DOM_REST_NAME = 1, DOM_REST_EMAIL = 2, DOM_REST_DEVICE = 3 };

/* A new key, and what is stored of it; only that account's id opens it again. */
void dom_rest_key_new(const struct dom_region_key *region,
    const uint8_t account_id[DOM_REST_ID_SIZE], const struct dom_random *random,
    struct dom_rest_key *key_r, uint8_t wrapped_r[DOM_REST_WRAPPED_SIZE]);
/* DOM_EINTEGRITY: not wrapped by this region for this account. */
DOM_MUST_CHECK enum dom_status dom_rest_key_open(const struct dom_region_key *region,
    const uint8_t account_id[DOM_REST_ID_SIZE], struct dom_slice wrapped,
    struct dom_rest_key *key_r);

/* Sealed bytes in the arena.  DOM_ENOMEM. */
DOM_MUST_CHECK enum dom_status dom_rest_seal(const struct dom_rest_key *key,
    enum dom_rest_kind kind, struct dom_slice plain, const struct dom_random *random,
    struct dom_arena *arena, struct dom_slice *sealed_r);
/* DOM_EINTEGRITY: not sealed so. */
DOM_MUST_CHECK enum dom_status dom_rest_open(const struct dom_rest_key *key,
    enum dom_rest_kind kind, struct dom_slice sealed, struct dom_arena *arena,
    struct dom_slice *plain_r);

/*
 * A keyed hash to look something up by: equal texts give equal hashes in one
 * region, and who lacks the region key cannot try texts.
 */
enum dom_index {
	DOM_INDEX_NAME,
	DOM_INDEX_EMAIL,
	DOM_INDEX_JOURNAL,
	DOM_INDEX_CHECK, /* of nothing: tells region keys apart */
	DOM_INDEX_COUNT
};
enum { DOM_INDEX_SIZE = 32 };
void dom_region_index(const struct dom_region_key *region, enum dom_index what,
    struct dom_slice text, uint8_t hash_r[DOM_INDEX_SIZE]);

#endif
