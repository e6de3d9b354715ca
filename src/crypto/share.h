/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CRYPTO_SHARE_H
#define CRYPTO_SHARE_H

#include "crypto/keys.h"

/* Invitations and fingerprints.  Source: etebase-protocol 6.11, 6.12. */

/* signedEncryptionKey: appended.  DOM_EINPUT: to_public is no one's key. */
DOM_MUST_CHECK enum dom_status dom_invitation_seal(const struct dom_identity_key *from,
    const uint8_t to_public[DOM_PUBLIC_KEY_SIZE], const struct dom_collection_key *key,
    struct dom_slice type, const struct dom_random *random, struct dom_buffer *sealed);
/* type: the collection type's name is appended.  DOM_EINTEGRITY. */
DOM_MUST_CHECK enum dom_status dom_invitation_open(const struct dom_identity_key *to,
    const uint8_t from_public[DOM_PUBLIC_KEY_SIZE], struct dom_slice sealed,
    struct dom_collection_key **key_r, struct dom_buffer *type);

/* Three lines of four groups of five digits, NUL-terminated: 12*5 + 9*3 + 2 + 1. */
enum { DOM_FINGERPRINT_SIZE = 90 };
void dom_fingerprint(
    const uint8_t public_key[DOM_PUBLIC_KEY_SIZE], char text_r[DOM_FINGERPRINT_SIZE]);

#endif
