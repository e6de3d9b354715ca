/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CRYPTO_ROLES_H
#define CRYPTO_ROLES_H

#include "crypto/manager.h"
#include "crypto/region.h"

/*
 * For crypto/ only: what the opaque keys hold.  Every one is made by
 * dom_secret_new().  Those that travel keep their own bytes; the sub-keys are
 * derived once, when the key is made.
 */
enum { DOM_SIGN_SECRET_SIZE = 64 }; /* libsodium's Ed25519: seed and public key */

struct dom_main_key {
	uint8_t bytes[DOM_KEY_SIZE];
	struct dom_manager manager;
	uint8_t login_secret[DOM_SIGN_SECRET_SIZE];
	uint8_t login_public[DOM_PUBLIC_KEY_SIZE];
};

struct dom_account_key {
	uint8_t bytes[DOM_KEY_SIZE];
	struct dom_manager manager;
	uint8_t statement_secret[DOM_SIGN_SECRET_SIZE];
	uint8_t statement_public[DOM_PUBLIC_KEY_SIZE];
	uint8_t name_key[DOM_KEY_SIZE];
};

struct dom_identity_key {
	uint8_t secret[DOM_KEY_SIZE];
	uint8_t public_key[DOM_PUBLIC_KEY_SIZE];
};

struct dom_collection_key {
	uint8_t bytes[DOM_KEY_SIZE];
	struct dom_manager manager;
	uint8_t record_key[DOM_KEY_SIZE];
};

struct dom_item_key {
	struct dom_manager manager;
	struct dom_bulk *bulk; /* NULL: OpenSSL lacks the cipher */
};

enum { DOM_REGION_INDEX_COUNT = 4 };

struct dom_region_key {
	uint8_t challenge_key[DOM_KEY_SIZE];
	uint8_t salt_key[DOM_KEY_SIZE];
	uint8_t fake_login_public[DOM_PUBLIC_KEY_SIZE];
	uint8_t sign_secret[DOM_SIGN_SECRET_SIZE];
	uint8_t rest_key[DOM_KEY_SIZE];
	uint8_t index_keys[DOM_REGION_INDEX_COUNT][DOM_KEY_SIZE];
	uint8_t code_key[DOM_KEY_SIZE];
};

/* Fill in what follows from the 32 bytes. */
void dom_account_key_fill(struct dom_account_key *key, const uint8_t bytes[DOM_KEY_SIZE]);
void dom_collection_key_fill(struct dom_collection_key *key, const uint8_t bytes[DOM_KEY_SIZE]);
void dom_item_key_fill(struct dom_item_key *key, const uint8_t bytes[DOM_KEY_SIZE]);

/* Base64 of the first 24 bytes of BLAKE2b(key, name). */
void dom_named_uid(
    const uint8_t key[DOM_KEY_SIZE], struct dom_slice name, char uid_r[DOM_UID_TEXT_SIZE + 1]);

#endif
