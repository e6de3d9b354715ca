/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CRYPTO_GROUP_H
#define CRYPTO_GROUP_H

#include "crypto/keys.h"

/*
 * The key of a group of regions: an Ed25519 pair from 32 random bytes, which
 * whoever decides who belongs to the group keeps apart from every region.
 */
struct dom_group_key;

/* DOM_EINPUT: not DOM_KEY_SIZE bytes.  DOM_ENOMEM. */
DOM_MUST_CHECK enum dom_status dom_group_key_from_bytes(
    struct dom_slice bytes, struct dom_group_key **key_r);
void dom_group_key_free(struct dom_group_key **key);
void dom_group_public(const struct dom_group_key *key, uint8_t public_r[DOM_PUBLIC_KEY_SIZE]);
void dom_group_sign(const struct dom_group_key *key, struct dom_slice message,
    uint8_t signature_r[DOM_SIGNATURE_SIZE]);

#endif
