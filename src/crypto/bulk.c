/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * XChaCha20-Poly1305 of large input by OpenSSL, which has no XChaCha20 but a
 * faster ChaCha20-Poly1305.  XChaCha20 is defined by it (draft-irtf-cfrg-
 * xchacha, 2.3): its key is HChaCha20 of the key and the nonce's first 16
 * bytes, its nonce four zero bytes and the nonce's last 8.
 */
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include <sodium.h>

#include "base/wipe.h"

#include "crypto/manager.h"

enum {
	INNER_NONCE_SIZE = 12,
	HCHACHA_INPUT_SIZE = 16,
};

struct dom_bulk {
	EVP_CIPHER_CTX *context; /* keeps the fetched cipher from chunk to chunk */
};

struct dom_bulk *
dom_bulk_new(void)
{
	struct dom_bulk *bulk = calloc(1, sizeof(*bulk));

	if (bulk == NULL)
		return NULL;
	bulk->context = EVP_CIPHER_CTX_new();
	if (bulk->context == NULL ||
	    EVP_EncryptInit_ex(bulk->context, EVP_chacha20_poly1305(), NULL, NULL, NULL) != 1)
		dom_bulk_free(&bulk);
	return bulk;
}

void
dom_bulk_free(struct dom_bulk **bulk)
{
	if (*bulk == NULL)
		return;
	EVP_CIPHER_CTX_free((*bulk)->context);
	free(*bulk);
	*bulk = NULL;
}

static bool
takes(const struct dom_bulk *bulk, size_t size)
{
	return bulk != NULL && size >= DOM_BULK_SIZE_MIN && size <= INT_MAX;
}

/* Ready to seal or open under the key and nonce; false: OpenSSL failed. */
static bool
start(struct dom_bulk *bulk, const uint8_t key[DOM_KEY_SIZE],
    const uint8_t nonce[DOM_NONCE_SIZE], bool seal)
{
	uint8_t inner_key[DOM_KEY_SIZE], inner_nonce[INNER_NONCE_SIZE] = {0};
	int done;

	crypto_core_hchacha20(inner_key, nonce, key, NULL);
	memcpy(inner_nonce + 4, nonce + HCHACHA_INPUT_SIZE, 8);
	done = EVP_CipherInit_ex(bulk->context, NULL, NULL, inner_key, inner_nonce, seal);
	dom_wipe(inner_key, sizeof(inner_key));
	return done == 1;
}

enum dom_status
dom_bulk_seal(struct dom_bulk *bulk, const uint8_t key[DOM_KEY_SIZE], struct dom_slice plain,
    const struct dom_random *random, uint8_t *sealed_r)
{
	uint8_t *cipher = sealed_r + DOM_NONCE_SIZE;
	int size, rest;

	if (!takes(bulk, plain.size)) {
		dom_seal(key, plain, dom_slice(NULL, 0), random, sealed_r);
		return DOM_OK;
	}
	dom_random_fill(random, sealed_r, DOM_NONCE_SIZE);
	if (!start(bulk, key, sealed_r, true) ||
	    EVP_EncryptUpdate(bulk->context, cipher, &size, plain.data, (int)plain.size) != 1 ||
	    EVP_EncryptFinal_ex(bulk->context, cipher + size, &rest) != 1 ||
	    (size_t)size + (size_t)rest != plain.size ||
	    EVP_CIPHER_CTX_ctrl(
	        bulk->context, EVP_CTRL_AEAD_GET_TAG, DOM_TAG_SIZE, cipher + plain.size) != 1)
		return DOM_ENOMEM;
	return DOM_OK;
}

enum dom_status
dom_bulk_open(struct dom_bulk *bulk, const uint8_t key[DOM_KEY_SIZE], struct dom_slice sealed,
    uint8_t *plain_r)
{
	const uint8_t *cipher = sealed.data + DOM_NONCE_SIZE;
	uint8_t tag[DOM_TAG_SIZE];
	size_t plain_size;
	int size, rest;

	if (sealed.size < DOM_SEAL_OVERHEAD)
		return DOM_EINTEGRITY;
	plain_size = sealed.size - DOM_SEAL_OVERHEAD;
	if (!takes(bulk, plain_size))
		return dom_open(key, sealed, dom_slice(NULL, 0), plain_r);
	memcpy(tag, cipher + plain_size, sizeof(tag));
	if (!start(bulk, key, sealed.data, false) ||
	    EVP_CIPHER_CTX_ctrl(bulk->context, EVP_CTRL_AEAD_SET_TAG, DOM_TAG_SIZE, tag) != 1 ||
	    EVP_DecryptUpdate(bulk->context, plain_r, &size, cipher, (int)plain_size) != 1)
		return DOM_ENOMEM;
	/* OpenSSL decrypts before it has seen the tag: take that back. */
	if (EVP_DecryptFinal_ex(bulk->context, plain_r + size, &rest) != 1 ||
	    (size_t)size + (size_t)rest != plain_size) {
		dom_wipe(plain_r, plain_size);
		return DOM_EINTEGRITY;
	}
	return DOM_OK;
}
