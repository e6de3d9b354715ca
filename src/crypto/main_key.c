/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* From a password to the main key, and logging in with it (etebase-protocol 6.2, 6.5). */
#include <assert.h>

#include <sodium.h>

#include "crypto/roles.h"

static_assert(DOM_SALT_SIZE_MIN == crypto_pwhash_argon2id_SALTBYTES, "salt");
static_assert(DOM_SIGN_SECRET_SIZE == crypto_sign_SECRETKEYBYTES, "Ed25519");

enum dom_status
dom_password_hash(struct dom_slice password, struct dom_slice salt, unsigned passes,
    uint8_t key_r[DOM_KEY_SIZE])
{
	const char *text = password.size == 0 ? "" : (const char *)password.data;

	assert(salt.size >= DOM_SALT_SIZE_MIN);
	assert(password.size <= crypto_pwhash_argon2id_PASSWD_MAX);
	if (crypto_pwhash(key_r, DOM_KEY_SIZE, text, password.size, salt.data, passes,
	        DOM_PASSWORD_MEMORY_SIZE, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return DOM_ENOMEM;
	return DOM_OK;
}

/* The login key follows from the bytes, which are in place already. */
static void
fill(struct dom_main_key *key)
{
	dom_manager_derive(&key->manager, key->bytes, "Main    ");
	crypto_sign_seed_keypair(key->login_public, key->login_secret, key->manager.seed);
}

enum dom_status
dom_main_key_from_password(
    struct dom_slice password, struct dom_slice salt, struct dom_main_key **key_r)
{
	struct dom_main_key *key;
	enum dom_status st;

	if (salt.size < DOM_SALT_SIZE_MIN || password.size > crypto_pwhash_argon2id_PASSWD_MAX)
		return DOM_EINPUT;
	key = dom_secret_new(sizeof(*key));
	if (key == NULL)
		return DOM_ENOMEM;
	st = dom_password_hash(password, salt, DOM_PASSWORD_PASSES, key->bytes);
	if (st != DOM_OK) {
		dom_main_key_free(&key);
		return st;
	}
	fill(key);
	*key_r = key;
	return DOM_OK;
}

enum dom_status
dom_main_key_from_bytes(struct dom_slice bytes, struct dom_main_key **key_r)
{
	struct dom_main_key *key;

	if (bytes.size != DOM_KEY_SIZE)
		return DOM_EINPUT;
	key = dom_secret_new(sizeof(*key));
	if (key == NULL)
		return DOM_ENOMEM;
	memcpy(key->bytes, bytes.data, DOM_KEY_SIZE);
	fill(key);
	*key_r = key;
	return DOM_OK;
}

void
dom_main_key_free(struct dom_main_key **key)
{
	sodium_free(*key);
	*key = NULL;
}

void
dom_main_key_login_public(const struct dom_main_key *key, uint8_t public_r[DOM_PUBLIC_KEY_SIZE])
{
	memcpy(public_r, key->login_public, DOM_PUBLIC_KEY_SIZE);
}

void
dom_main_key_sign(const struct dom_main_key *key, struct dom_slice message,
    uint8_t signature_r[DOM_SIGNATURE_SIZE])
{
	crypto_sign_detached(signature_r, NULL, message.data, message.size, key->login_secret);
}
