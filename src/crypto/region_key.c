/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The region's one secret and the keys that its uses derive from it. */
#include <assert.h>

#include <sodium.h>

#include "base/wipe.h"

#include "crypto/roles.h"

static_assert((int)DOM_SALT_SIZE == (int)DOM_MAC_SIZE, "a fake salt is a MAC");
static_assert((int)DOM_CODE_HASH_SIZE == (int)DOM_MAC_SIZE, "so is a code's hash");

enum {
	USE_CHALLENGE = 1, /* never renumber: stored and sent bytes depend on it */
	USE_SALT = 2,
	USE_FAKE_LOGIN = 3,
	USE_SIGN = 4,
	USE_REST = 8,
	USE_INDEX = 9,
	USE_CODE = 16,
};

enum dom_status
dom_region_key_from_bytes(struct dom_slice bytes, struct dom_region_key **key_r)
{
	uint8_t seed[DOM_KEY_SIZE], index[DOM_KEY_SIZE], secret[crypto_sign_SECRETKEYBYTES];
	uint8_t sign_public[DOM_PUBLIC_KEY_SIZE];
	struct dom_region_key *key;

	if (bytes.size != DOM_KEY_SIZE)
		return DOM_EINPUT;
	key = dom_secret_new(sizeof(*key));
	if (key == NULL)
		return DOM_ENOMEM;
	dom_kdf(bytes.data, USE_CHALLENGE, "DomRegn ", key->challenge_key);
	dom_kdf(bytes.data, USE_SALT, "DomRegn ", key->salt_key);
	dom_kdf(bytes.data, USE_FAKE_LOGIN, "DomRegn ", seed);
	dom_kdf(bytes.data, USE_REST, "DomRegn ", key->rest_key);
	dom_kdf(bytes.data, USE_INDEX, "DomRegn ", index);
	for (unsigned i = 0; i < DOM_REGION_INDEX_COUNT; i++)
		dom_kdf(index, i + 1, "DomIndex", key->index_keys[i]);
	dom_wipe(index, sizeof(index));
	dom_kdf(bytes.data, USE_CODE, "DomRegn ", key->code_key);
	crypto_sign_seed_keypair(key->fake_login_public, secret, seed);
	dom_kdf(bytes.data, USE_SIGN, "DomRegn ", seed);
	crypto_sign_seed_keypair(sign_public, key->sign_secret, seed);
	dom_wipe(seed, sizeof(seed));
	dom_wipe(secret, sizeof(secret));
	*key_r = key;
	return DOM_OK;
}

void
dom_region_key_free(struct dom_region_key **key)
{
	sodium_free(*key);
	*key = NULL;
}

void
dom_region_fake_salt(
    const struct dom_region_key *key, struct dom_slice username, uint8_t salt_r[DOM_SALT_SIZE])
{
	dom_mac(key->salt_key, username, salt_r);
}

void
dom_region_code_hash(
    const struct dom_region_key *key, struct dom_slice code, uint8_t hash_r[DOM_CODE_HASH_SIZE])
{
	dom_mac(key->code_key, code, hash_r);
}

struct dom_slice
dom_region_fake_login(const struct dom_region_key *key)
{
	return dom_slice(key->fake_login_public, sizeof(key->fake_login_public));
}
