/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The key that says which regions trust each other. */
#include "crypto/group.h"

#include <sodium.h>

#include "base/wipe.h"

#include "crypto/roles.h"

struct dom_group_key {
	uint8_t secret[DOM_SIGN_SECRET_SIZE];
	uint8_t public_key[DOM_PUBLIC_KEY_SIZE];
};

enum { USE_SIGN = 1 }; /* never renumber */

enum dom_status
dom_group_key_from_bytes(struct dom_slice bytes, struct dom_group_key **key_r)
{
	struct dom_group_key *key;
	uint8_t seed[DOM_KEY_SIZE];

	if (bytes.size != DOM_KEY_SIZE)
		return DOM_EINPUT;
	key = dom_secret_new(sizeof(*key));
	if (key == NULL)
		return DOM_ENOMEM;
	dom_kdf(bytes.data, USE_SIGN, "DomGroup", seed);
	crypto_sign_seed_keypair(key->public_key, key->secret, seed);
	dom_wipe(seed, sizeof(seed));
	*key_r = key;
	return DOM_OK;
}

void
dom_group_key_free(struct dom_group_key **key)
{
	sodium_free(*key);
	*key = NULL;
}

void
dom_group_public(const struct dom_group_key *key, uint8_t public_r[DOM_PUBLIC_KEY_SIZE])
{
	memcpy(public_r, key->public_key, DOM_PUBLIC_KEY_SIZE);
}

void
dom_group_sign(const struct dom_group_key *key, struct dom_slice message,
    uint8_t signature_r[DOM_SIGNATURE_SIZE])
{
	crypto_sign_detached(signature_r, NULL, message.data, message.size, key->secret);
}
