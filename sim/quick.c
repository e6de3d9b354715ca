/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What makes cryptography slow on purpose, made quick for the simulator alone:
 * it links these in the place of libsodium's.  A password's hash costs half a
 * second and guarded memory several system calls for each key; neither is what
 * is searched here.
 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

int __wrap_crypto_pwhash(unsigned char *out, unsigned long long out_size, const char *password,
    unsigned long long password_size, const unsigned char *salt, unsigned long long passes,
    size_t memory, int algorithm);
void *__wrap_sodium_malloc(size_t size);
void __wrap_sodium_free(void *memory);

int
__wrap_crypto_pwhash(unsigned char *out, unsigned long long out_size, const char *password,
    unsigned long long password_size, const unsigned char *salt, unsigned long long passes,
    size_t memory, int algorithm)
{
	(void)passes, (void)memory, (void)algorithm;
	return crypto_generichash(out, (size_t)out_size, (const unsigned char *)password,
	    password_size, salt, crypto_pwhash_SALTBYTES);
}

void *
__wrap_sodium_malloc(size_t size)
{
	return malloc(size);
}

void
__wrap_sodium_free(void *memory)
{
	free(memory);
}
