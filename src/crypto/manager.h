/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CRYPTO_MANAGER_H
#define CRYPTO_MANAGER_H

#include "base/buffer.h"
#include "base/random.h"

#include "crypto/keys.h"

/*
 * For crypto/ only: the primitives of etebase-protocol 6.1 and the five keys
 * that every key is split into, 6.3.  What other folders may do with a key is
 * in keys.h, content.h, share.h, session.h and region.h.
 */
enum {
	DOM_NONCE_SIZE = 24,
	DOM_TAG_SIZE = 16,
	DOM_MAC_SIZE = 32,
	DOM_SUBKEY_SALT_SIZE_MAX = 64, /* it is a BLAKE2b key */
	DOM_TYPE_PADDING = 32,         /* 6.8, pad32 */
	DOM_PASSWORD_PASSES = 4,       /* 6.2 */
	DOM_PASSWORD_MEMORY_SIZE = 256 * 1024 * 1024,
};

struct dom_manager {
	uint8_t cipher_key[DOM_KEY_SIZE];
	uint8_t mac_key[DOM_KEY_SIZE];
	uint8_t seed[DOM_KEY_SIZE];    /* Ed25519 */
	uint8_t sub_key[DOM_KEY_SIZE]; /* makes child keys */
	uint8_t det_key[DOM_KEY_SIZE];
};

/* Zeroed, guarded, locked memory; sodium_free() wipes it.  NULL: no memory. */
void *dom_secret_new(size_t size);

/* KDF(key, id, context): context is 8 characters. */
void dom_kdf(const uint8_t key[DOM_KEY_SIZE], uint64_t id, const char *context,
    uint8_t subkey_r[DOM_KEY_SIZE]);
/* Argon2id; salt has DOM_SALT_SIZE_MIN bytes or more, password under 4 GiB.  DOM_ENOMEM. */
DOM_MUST_CHECK enum dom_status dom_password_hash(struct dom_slice password,
    struct dom_slice salt, unsigned passes, uint8_t key_r[DOM_KEY_SIZE]);
/* BLAKE2b of 32 bytes. */
void dom_hash(struct dom_slice message, uint8_t hash_r[DOM_MAC_SIZE]);
/* The same, keyed. */
void dom_mac(
    const uint8_t key[DOM_KEY_SIZE], struct dom_slice message, uint8_t mac_r[DOM_MAC_SIZE]);

/* --- a manager ----------------------------------------------------------- */

void dom_manager_derive(
    struct dom_manager *manager, const uint8_t key[DOM_KEY_SIZE], const char *context);
/* The salt is the BLAKE2b key; DOM_EINPUT: empty or over DOM_SUBKEY_SALT_SIZE_MAX. */
DOM_MUST_CHECK enum dom_status dom_manager_subkey(
    const struct dom_manager *manager, struct dom_slice salt, uint8_t subkey_r[DOM_KEY_SIZE]);
/* detEncrypt: equal plaintexts give equal bytes; appended. */
DOM_MUST_CHECK enum dom_status dom_manager_seal_equal(
    const struct dom_manager *manager, struct dom_slice plain, struct dom_buffer *sealed);
DOM_MUST_CHECK enum dom_status dom_manager_open_equal(
    const struct dom_manager *manager, struct dom_slice sealed, struct dom_buffer *plain);

/* --- sealing ------------------------------------------------------------- */

/*
 * SEAL: nonce, ciphertext, tag: plain.size + DOM_SEAL_OVERHEAD bytes.  plain may
 * stand where the ciphertext goes, at sealed_r + DOM_NONCE_SIZE.
 */
void dom_seal(const uint8_t key[DOM_KEY_SIZE], struct dom_slice plain, struct dom_slice ad,
    const struct dom_random *random, uint8_t *sealed_r);
/* plain_r: sealed.size - DOM_SEAL_OVERHEAD bytes; DOM_EINTEGRITY: shorter, or not ours. */
DOM_MUST_CHECK enum dom_status dom_open(const uint8_t key[DOM_KEY_SIZE],
    struct dom_slice sealed, struct dom_slice ad, uint8_t *plain_r);
/* What must open to exactly size bytes; DOM_EINTEGRITY also on another size. */
DOM_MUST_CHECK enum dom_status dom_open_exact(const uint8_t key[DOM_KEY_SIZE],
    struct dom_slice sealed, struct dom_slice ad, uint8_t *plain_r, size_t size);
/* SEALD: the tag apart, so sealed_r takes plain.size + DOM_NONCE_SIZE bytes. */
void dom_seal_detached(const uint8_t key[DOM_KEY_SIZE], struct dom_slice plain,
    struct dom_slice ad, const struct dom_random *random, uint8_t *sealed_r,
    uint8_t tag_r[DOM_TAG_SIZE]);
DOM_MUST_CHECK enum dom_status dom_open_detached(const uint8_t key[DOM_KEY_SIZE],
    struct dom_slice sealed, const uint8_t tag[DOM_TAG_SIZE], struct dom_slice ad,
    uint8_t *plain_r);

/* --- sealing much -------------------------------------------------------- */

/*
 * The same bytes as SEAL without AD, made as HChaCha20 by libsodium and
 * ChaCha20-Poly1305 by OpenSSL, which is more than twice as fast on large
 * input and slower on small.  A NULL bulk (OpenSSL lacks the cipher) and input
 * under DOM_BULK_SIZE_MIN take libsodium's path.
 */
enum { DOM_BULK_SIZE_MIN = 4096 };
struct dom_bulk;
struct dom_bulk *dom_bulk_new(void);
void dom_bulk_free(struct dom_bulk **bulk);
/* DOM_ENOMEM: OpenSSL failed; sealed_r is without meaning. */
DOM_MUST_CHECK enum dom_status dom_bulk_seal(struct dom_bulk *bulk,
    const uint8_t key[DOM_KEY_SIZE], struct dom_slice plain, const struct dom_random *random,
    uint8_t *sealed_r);
DOM_MUST_CHECK enum dom_status dom_bulk_open(struct dom_bulk *bulk,
    const uint8_t key[DOM_KEY_SIZE], struct dom_slice sealed, uint8_t *plain_r);

#endif
