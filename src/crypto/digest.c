/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* SHA-256, Poly1305 and SHA-1 by OpenSSL, and the comparison of secrets. */
#include "crypto/digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <sodium.h>

struct dom_sha256 {
	EVP_MD_CTX *context;
	bool failed; /* then the context may be an empty one, which OpenSSL does not look for */
};

/*
 * EVP_sha256() is only a name: OpenSSL 3 looks the code up by it in every call, which takes as
 * long as to hash 1 KiB.  Found once it is kept to the end of the process.
 */
static const EVP_MD *
sha256_type(void)
{
	static EVP_MD *_Atomic kept;
	EVP_MD *found = atomic_load(&kept), *others = NULL;

	if (found != NULL)
		return found;
	if ((found = EVP_MD_fetch(NULL, "SHA2-256", NULL)) == NULL)
		return EVP_sha256();
	if (atomic_compare_exchange_strong(&kept, &others, found))
		return found;
	EVP_MD_free(found); /* another thread was first */
	return others;
}

enum dom_status
dom_sha256(struct dom_slice bytes, uint8_t digest_r[DOM_SHA256_SIZE])
{
	unsigned size = 0;

	if (EVP_Digest(bytes.data, bytes.size, digest_r, &size, sha256_type(), NULL) != 1)
		return DOM_ENOMEM;
	assert(size == DOM_SHA256_SIZE);
	return DOM_OK;
}

/* Kept for the same reason. */
static EVP_MAC *
poly1305_type(void)
{
	static EVP_MAC *_Atomic kept;
	EVP_MAC *found = atomic_load(&kept), *others = NULL;

	if (found != NULL || (found = EVP_MAC_fetch(NULL, "POLY1305", NULL)) == NULL)
		return found;
	if (atomic_compare_exchange_strong(&kept, &others, found))
		return found;
	EVP_MAC_free(found);
	return others;
}

enum dom_status
dom_quick_tag(
    const struct dom_quick_key *key, struct dom_slice bytes, uint8_t tag_r[DOM_QUICK_TAG_SIZE])
{
	EVP_MAC *type = poly1305_type();
	EVP_MAC_CTX *context = type == NULL ? NULL : EVP_MAC_CTX_new(type);
	size_t size = 0;
	bool made;

	made = context != NULL &&
	       EVP_MAC_init(context, key->bytes, sizeof(key->bytes), NULL) == 1 &&
	       EVP_MAC_update(context, bytes.data, bytes.size) == 1 &&
	       EVP_MAC_final(context, tag_r, &size, DOM_QUICK_TAG_SIZE) == 1;
	EVP_MAC_CTX_free(context);
	assert(!made || size == DOM_QUICK_TAG_SIZE);
	return made ? DOM_OK : DOM_ENOMEM;
}

enum dom_status
dom_sha1(struct dom_slice bytes, uint8_t digest_r[DOM_SHA1_SIZE])
{
	unsigned size = 0;

	if (EVP_Digest(bytes.data, bytes.size, digest_r, &size, EVP_sha1(), NULL) != 1)
		return DOM_ENOMEM;
	assert(size == DOM_SHA1_SIZE);
	return DOM_OK;
}

struct dom_sha256 *
dom_sha256_new(void)
{
	struct dom_sha256 *sha = calloc(1, sizeof(*sha));

	if (sha == NULL)
		return NULL;
	sha->context = EVP_MD_CTX_new();
	if (sha->context == NULL || EVP_DigestInit_ex(sha->context, sha256_type(), NULL) != 1)
		dom_sha256_free(&sha);
	return sha;
}

void
dom_sha256_free(struct dom_sha256 **sha)
{
	if (*sha == NULL)
		return;
	EVP_MD_CTX_free((*sha)->context);
	free(*sha);
	*sha = NULL;
}

void
dom_sha256_add(struct dom_sha256 *sha, struct dom_slice bytes)
{
	if (!sha->failed && EVP_DigestUpdate(sha->context, bytes.data, bytes.size) != 1)
		sha->failed = true;
}

enum dom_status
dom_sha256_finish(struct dom_sha256 *sha, uint8_t digest_r[DOM_SHA256_SIZE])
{
	if (!sha->failed && EVP_DigestFinal_ex(sha->context, digest_r, NULL) != 1)
		sha->failed = true;
	if (sha->failed) {
		sha->failed = EVP_DigestInit_ex(sha->context, sha256_type(), NULL) != 1;
		return DOM_ENOMEM;
	}
	/* No type named: the one in the context stays, already fetched. */
	sha->failed = EVP_DigestInit_ex(sha->context, NULL, NULL) != 1;
	return DOM_OK;
}

bool
dom_equal_secret(const void *a, const void *b, size_t size)
{
	return sodium_memcmp(a, b, size) == 0;
}
