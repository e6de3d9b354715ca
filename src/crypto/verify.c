/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Checking an Ed25519 signature: of a login, a statement, another region. */
#include <sodium.h>

#include "crypto/region.h"

bool
dom_verify(struct dom_slice public_key, struct dom_slice message, struct dom_slice signature)
{
	return public_key.size == DOM_PUBLIC_KEY_SIZE && signature.size == DOM_SIGNATURE_SIZE &&
	       crypto_sign_verify_detached(
	           signature.data, message.data, message.size, public_key.data) == 0;
}
