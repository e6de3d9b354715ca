/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Signatures for the simulator alone, in the place of Ed25519: a hash keyed by
 * the public key.  Whoever knows that could forge them, so this is a stand-in
 * only where nobody tries: a signature still holds for one key and one message,
 * and not for another of either.  The keys keep libsodium's shapes.
 */
#include <string.h>

#include <sodium.h>

#define DOMAIN "the simulator's signature"

int __wrap_crypto_sign_seed_keypair(
    unsigned char *public_r, unsigned char *secret_r, const unsigned char *seed);
int __wrap_crypto_sign_detached(unsigned char *signature_r, unsigned long long *size_r,
    const unsigned char *message, unsigned long long message_size, const unsigned char *secret);
int __wrap_crypto_sign_verify_detached(const unsigned char *signature,
    const unsigned char *message, unsigned long long message_size, const unsigned char *public);

static int
compute(unsigned char *signature_r, const unsigned char *message,
    unsigned long long message_size, const unsigned char *public)
{
	return crypto_generichash(signature_r, crypto_sign_BYTES, message, message_size, public,
	    crypto_sign_PUBLICKEYBYTES);
}

int
__wrap_crypto_sign_seed_keypair(
    unsigned char *public_r, unsigned char *secret_r, const unsigned char *seed)
{
	static const unsigned char domain[] = DOMAIN;
	unsigned char kept[crypto_sign_SEEDBYTES];

	memcpy(kept, seed, sizeof(kept));
	if (crypto_generichash(public_r, crypto_sign_PUBLICKEYBYTES, domain, sizeof(domain),
	        kept, sizeof(kept)) != 0)
		return -1;
	memcpy(secret_r, kept, sizeof(kept));
	memcpy(secret_r + sizeof(kept), public_r, crypto_sign_PUBLICKEYBYTES);
	return 0;
}

int
__wrap_crypto_sign_detached(unsigned char *signature_r, unsigned long long *size_r,
    const unsigned char *message, unsigned long long message_size, const unsigned char *secret)
{
	if (size_r != NULL)
		*size_r = crypto_sign_BYTES;
	return compute(signature_r, message, message_size, secret + crypto_sign_SEEDBYTES);
}

int
__wrap_crypto_sign_verify_detached(const unsigned char *signature, const unsigned char *message,
    unsigned long long message_size, const unsigned char *public)
{
	unsigned char expected[crypto_sign_BYTES];

	return compute(expected, message, message_size, public) == 0
	           ? sodium_memcmp(expected, signature, sizeof(expected))
	           : -1;
}
