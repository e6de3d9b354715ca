/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include <domicile/slice.h>
#include <domicile/status.h>

/* SHA-256 (FIPS 180-4) by OpenSSL, which uses the processor's instructions. */
enum { DOM_SHA256_SIZE = 32 };

struct dom_sha256;

DOM_MUST_CHECK enum dom_status dom_sha256(
    struct dom_slice bytes, uint8_t digest_r[DOM_SHA256_SIZE]);

/* Over many pieces: start, add, finish; finish makes it ready to start again. */
struct dom_sha256 *dom_sha256_new(void);
void dom_sha256_free(struct dom_sha256 **sha);
void dom_sha256_add(struct dom_sha256 *sha, struct dom_slice bytes);
/* DOM_ENOMEM if any step failed. */
DOM_MUST_CHECK enum dom_status dom_sha256_finish(
    struct dom_sha256 *sha, uint8_t digest_r[DOM_SHA256_SIZE]);

/*
 * Poly1305 (RFC 8439, 2.5), several times as fast as SHA-256: are these the bytes that had this
 * tag before?  The key is random and as secret as the tags: neither leaves the process, else
 * who can choose bytes could find others with the same tag.
 */
enum { DOM_QUICK_TAG_SIZE = 16, DOM_QUICK_KEY_SIZE = 32 };

struct dom_quick_key {
	uint8_t bytes[DOM_QUICK_KEY_SIZE];
};
DOM_MUST_CHECK enum dom_status dom_quick_tag(
    const struct dom_quick_key *key, struct dom_slice bytes, uint8_t tag_r[DOM_QUICK_TAG_SIZE]);

/* SHA-1 (FIPS 180-4), for what RFC 6455 asks of a WebSocket's handshake; it secures nothing. */
enum { DOM_SHA1_SIZE = 20 };
DOM_MUST_CHECK enum dom_status dom_sha1(
    struct dom_slice bytes, uint8_t digest_r[DOM_SHA1_SIZE]);

/* Equal, in a time that does not depend on the bytes. */
bool dom_equal_secret(const void *a, const void *b, size_t size);

#endif
