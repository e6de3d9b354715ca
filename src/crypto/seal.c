/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* XChaCha20-Poly1305 with a fresh random nonce in front (etebase-protocol 6.1). */
#include <assert.h>

#include <sodium.h>

#include "crypto/manager.h"

static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == DOM_NONCE_SIZE, "nonce");
static_assert(crypto_aead_xchacha20poly1305_ietf_ABYTES == DOM_TAG_SIZE, "tag");
static_assert(DOM_NONCE_SIZE + DOM_TAG_SIZE == DOM_SEAL_OVERHEAD, "overhead");

void
dom_seal_detached(const uint8_t key[DOM_KEY_SIZE], struct dom_slice plain, struct dom_slice ad,
    const struct dom_random *random, uint8_t *sealed_r, uint8_t tag_r[DOM_TAG_SIZE])
{
	dom_random_fill(random, sealed_r, DOM_NONCE_SIZE);
	crypto_aead_xchacha20poly1305_ietf_encrypt_detached(sealed_r + DOM_NONCE_SIZE, tag_r,
	    NULL, plain.data, plain.size, ad.data, ad.size, NULL, sealed_r, key);
}

enum dom_status
dom_open_detached(const uint8_t key[DOM_KEY_SIZE], struct dom_slice sealed,
    const uint8_t tag[DOM_TAG_SIZE], struct dom_slice ad, uint8_t *plain_r)
{
	int failed;

	if (sealed.size < DOM_NONCE_SIZE)
		return DOM_EINTEGRITY;
	failed = crypto_aead_xchacha20poly1305_ietf_decrypt_detached(plain_r, NULL,
	    sealed.data + DOM_NONCE_SIZE, sealed.size - DOM_NONCE_SIZE, tag, ad.data, ad.size,
	    sealed.data, key);
	return failed ? DOM_EINTEGRITY : DOM_OK;
}

void
dom_seal(const uint8_t key[DOM_KEY_SIZE], struct dom_slice plain, struct dom_slice ad,
    const struct dom_random *random, uint8_t *sealed_r)
{
	dom_seal_detached(
	    key, plain, ad, random, sealed_r, sealed_r + DOM_NONCE_SIZE + plain.size);
}

enum dom_status
dom_open(const uint8_t key[DOM_KEY_SIZE], struct dom_slice sealed, struct dom_slice ad,
    uint8_t *plain_r)
{
	struct dom_slice before_tag = sealed;

	if (sealed.size < DOM_SEAL_OVERHEAD)
		return DOM_EINTEGRITY;
	before_tag.size -= DOM_TAG_SIZE;
	return dom_open_detached(key, before_tag, sealed.data + before_tag.size, ad, plain_r);
}

enum dom_status
dom_open_exact(const uint8_t key[DOM_KEY_SIZE], struct dom_slice sealed, struct dom_slice ad,
    uint8_t *plain_r, size_t size)
{
	if (sealed.size != size + DOM_SEAL_OVERHEAD)
		return DOM_EINTEGRITY;
	return dom_open(key, sealed, ad, plain_r);
}
