/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The region's signature: under receipts, and under orders of its operator. */
#include <sodium.h>

#include "crypto/roles.h"

void
dom_region_sign_public(const struct dom_region_key *key, uint8_t public_r[DOM_PUBLIC_KEY_SIZE])
{
	/* libsodium's secret is the seed and the public key. */
	memcpy(public_r, key->sign_secret + DOM_SIGN_SECRET_SIZE - DOM_PUBLIC_KEY_SIZE,
	    DOM_PUBLIC_KEY_SIZE);
}

void
dom_region_sign(const struct dom_region_key *key, struct dom_slice message,
    uint8_t signature_r[DOM_SIGNATURE_SIZE])
{
	crypto_sign_detached(signature_r, NULL, message.data, message.size, key->sign_secret);
}
