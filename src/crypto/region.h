/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CRYPTO_REGION_H
#define CRYPTO_REGION_H

#include "base/buffer.h"
#include "base/random.h"

#include "crypto/keys.h"

/*
 * What a region server does with cryptography: it never holds a key of a
 * person.  The region key is one secret of 32 random bytes (a file, mode
 * 0600), of which every use derives its own key with its own context.
 */
struct dom_region_key;

DOM_MUST_CHECK enum dom_status dom_region_key_from_bytes(
    struct dom_slice bytes, struct dom_region_key **key_r);
void dom_region_key_free(struct dom_region_key **key);

/*
 * A login challenge: sealed {account id, issue time}, which only this region
 * opens.  Stateless; a fresh one each time.  Source: etebase-protocol 4.2.3.
 */
enum { DOM_CHALLENGE_SIZE = 16 + 8 + DOM_SEAL_OVERHEAD };
DOM_MUST_CHECK enum dom_status dom_challenge_seal(const struct dom_region_key *key,
    const uint8_t account_id[16], int64_t issued_ms, const struct dom_random *random,
    uint8_t challenge_r[DOM_CHALLENGE_SIZE]);
/* DOM_EINTEGRITY: not ours. */
DOM_MUST_CHECK enum dom_status dom_challenge_open(const struct dom_region_key *key,
    struct dom_slice challenge, uint8_t account_id_r[16], int64_t *issued_ms_r);

/*
 * A stable salt for a name that has no account, so that a login challenge does
 * not tell which names exist.
 */
void dom_region_fake_salt(
    const struct dom_region_key *key, struct dom_slice username, uint8_t salt_r[DOM_SALT_SIZE]);

/*
 * A login key that nobody signs with: a true Ed25519 key, since verifying with
 * bytes that are none ends early, and the time would tell which names exist.
 * Borrowed from the key.
 */
struct dom_slice dom_region_fake_login(const struct dom_region_key *key);

/*
 * The region's signing key: an Ed25519 pair from the region key, so that it
 * lives as long.  Receipts (wire/receipt.h) are signed with it.
 */
void dom_region_sign_public(
    const struct dom_region_key *key, uint8_t public_r[DOM_PUBLIC_KEY_SIZE]);
void dom_region_sign(const struct dom_region_key *key, struct dom_slice message,
    uint8_t signature_r[DOM_SIGNATURE_SIZE]);

/*
 * What is stored of a sign-up code: who reads the store cannot make one that
 * fits, nor try codes without the region key.
 */
enum { DOM_CODE_HASH_SIZE = 32 };
void dom_region_code_hash(const struct dom_region_key *key, struct dom_slice code,
    uint8_t hash_r[DOM_CODE_HASH_SIZE]);

/* Ed25519; false also for a key or signature of the wrong size. */
bool dom_verify(
    struct dom_slice public_key, struct dom_slice message, struct dom_slice signature);

#endif
