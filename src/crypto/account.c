/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The account's two secrets, and what follows from them (etebase-protocol 6.4). */
#include <sodium.h>

#include "base/wipe.h"

#include "crypto/roles.h"

/* Ours, not Etebase's; the ids are 1 for signing and 2 for uids. */
#define STATEMENT_CONTEXT "DomStmt "

enum { SECRETS_PLAIN_SIZE = 2 * DOM_KEY_SIZE };

void
dom_account_key_fill(struct dom_account_key *key, const uint8_t bytes[DOM_KEY_SIZE])
{
	uint8_t seed[DOM_KEY_SIZE];

	memmove(key->bytes, bytes, DOM_KEY_SIZE);
	dom_manager_derive(&key->manager, key->bytes, "Acct    ");
	dom_kdf(key->bytes, 1, STATEMENT_CONTEXT, seed);
	crypto_sign_seed_keypair(key->statement_public, key->statement_secret, seed);
	dom_wipe(seed, sizeof(seed));
	dom_kdf(key->bytes, 2, STATEMENT_CONTEXT, key->name_key);
}

/* Both keys from accountKey || identityPriv. */
static enum dom_status
from_secrets(const uint8_t secrets[SECRETS_PLAIN_SIZE], struct dom_account_key **account_r,
    struct dom_identity_key **identity_r)
{
	struct dom_account_key *account = dom_secret_new(sizeof(*account));
	struct dom_identity_key *identity = dom_secret_new(sizeof(*identity));

	if (account == NULL || identity == NULL) {
		dom_account_key_free(&account);
		dom_identity_key_free(&identity);
		return DOM_ENOMEM;
	}
	dom_account_key_fill(account, secrets);
	memcpy(identity->secret, secrets + DOM_KEY_SIZE, DOM_KEY_SIZE);
	crypto_scalarmult_base(identity->public_key, identity->secret);
	*account_r = account;
	*identity_r = identity;
	return DOM_OK;
}

enum dom_status
dom_account_create(const struct dom_random *random, struct dom_account_key **account_r,
    struct dom_identity_key **identity_r)
{
	uint8_t secrets[SECRETS_PLAIN_SIZE];
	enum dom_status st;

	dom_random_fill(random, secrets, sizeof(secrets));
	st = from_secrets(secrets, account_r, identity_r);
	dom_wipe(secrets, sizeof(secrets));
	return st;
}

enum dom_status
dom_account_seal(const struct dom_main_key *main, const struct dom_account_key *account,
    const struct dom_identity_key *identity, const struct dom_random *random,
    uint8_t sealed_r[DOM_SECRETS_SIZE])
{
	uint8_t secrets[SECRETS_PLAIN_SIZE];

	memcpy(secrets, account->bytes, DOM_KEY_SIZE);
	memcpy(secrets + DOM_KEY_SIZE, identity->secret, DOM_KEY_SIZE);
	dom_seal(main->manager.cipher_key, dom_slice(secrets, sizeof(secrets)),
	    dom_slice(NULL, 0), random, sealed_r);
	dom_wipe(secrets, sizeof(secrets));
	return DOM_OK;
}

enum dom_status
dom_account_open(const struct dom_main_key *main, struct dom_slice sealed,
    struct dom_account_key **account_r, struct dom_identity_key **identity_r)
{
	uint8_t secrets[SECRETS_PLAIN_SIZE];
	enum dom_status st;

	st = dom_open_exact(
	    main->manager.cipher_key, sealed, dom_slice(NULL, 0), secrets, sizeof(secrets));
	if (st == DOM_OK)
		st = from_secrets(secrets, account_r, identity_r);
	dom_wipe(secrets, sizeof(secrets));
	return st;
}

enum dom_status
dom_account_key_from_bytes(struct dom_slice bytes, struct dom_account_key **key_r)
{
	struct dom_account_key *key;

	if (bytes.size != DOM_KEY_SIZE)
		return DOM_EINPUT;
	key = dom_secret_new(sizeof(*key));
	if (key == NULL)
		return DOM_ENOMEM;
	dom_account_key_fill(key, bytes.data);
	*key_r = key;
	return DOM_OK;
}

void
dom_account_key_free(struct dom_account_key **key)
{
	sodium_free(*key);
	*key = NULL;
}

void
dom_identity_key_free(struct dom_identity_key **key)
{
	sodium_free(*key);
	*key = NULL;
}

void
dom_identity_public(const struct dom_identity_key *key, uint8_t public_r[DOM_PUBLIC_KEY_SIZE])
{
	memcpy(public_r, key->public_key, DOM_PUBLIC_KEY_SIZE);
}

void
dom_statement_public(const struct dom_account_key *key, uint8_t public_r[DOM_PUBLIC_KEY_SIZE])
{
	memcpy(public_r, key->statement_public, DOM_PUBLIC_KEY_SIZE);
}

void
dom_statement_sign(const struct dom_account_key *key, struct dom_slice message,
    uint8_t signature_r[DOM_SIGNATURE_SIZE])
{
	crypto_sign_detached(
	    signature_r, NULL, message.data, message.size, key->statement_secret);
}

void
dom_account_named_uid(
    const struct dom_account_key *key, struct dom_slice name, char uid_r[DOM_UID_TEXT_SIZE + 1])
{
	dom_named_uid(key->name_key, name, uid_r);
}
