/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CRYPTO_KEYS_H
#define CRYPTO_KEYS_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/buffer.h"
#include "base/random.h"

/*
 * Keys of the Etebase protocol by role.  Source: etebase-protocol 6.1 to 6.5.
 *
 *   password --Argon2id--> main key --> login key pair (Ed25519)
 *                              \------> opens the account's sealed secrets:
 *   account key, identity key (X25519)
 *   account key --> collection type ids, opens collection keys, statement key
 *   collection key --> item keys        item key --> metadata, chunks, ids
 *
 * Each role is an opaque type of its own in guarded memory (sodium_malloc: no
 * swap, guard pages, wiped when freed), so one key cannot be handed to
 * another's function.  A key is used by one thread at a time.
 */
struct dom_main_key;
struct dom_account_key;
struct dom_identity_key;
struct dom_collection_key;
struct dom_item_key;

enum {
	DOM_KEY_SIZE = 32,
	DOM_SALT_SIZE = 32, /* made by clients; the first 16 enter Argon2id */
	DOM_SALT_SIZE_MIN = 16,
	DOM_PUBLIC_KEY_SIZE = 32, /* Ed25519 and X25519 */
	DOM_SIGNATURE_SIZE = 64,
	DOM_SEAL_OVERHEAD = 40,                        /* 24 bytes of nonce, 16 of tag */
	DOM_SECRETS_SIZE = 64 + DOM_SEAL_OVERHEAD,     /* encryptedContent */
	DOM_WRAPPED_KEY_SIZE = 32 + DOM_SEAL_OVERHEAD, /* collectionKey on the wire */
	DOM_UID_TEXT_SIZE = 32, /* collection and item uids that we make */
	DOM_UID_SIZE_MIN = 20,  /* any text uid: [A-Za-z0-9_-]{20,64} */
	DOM_UID_SIZE_MAX = 64,
	DOM_REVISION_UID_SIZE = 22,
	DOM_CHUNK_UID_SIZE = 43,
};

/* Once before anything else, by every program; DOM_ENOMEM if it cannot. */
DOM_MUST_CHECK enum dom_status dom_crypto_start(void);

/* The system's randomness (getrandom by libsodium); aborts if there is none. */
struct dom_random dom_random_system(void);

/* --- main key ------------------------------------------------------------ */

/*
 * Argon2id v1.3, t = 4, 256 MiB, p = 1 (6.2): about half a second.
 * The password's bytes are taken as they are; only salt[0..15] is used.
 * DOM_EINPUT: salt under DOM_SALT_SIZE_MIN.  DOM_ENOMEM.
 */
DOM_MUST_CHECK enum dom_status dom_main_key_from_password(
    struct dom_slice password, struct dom_slice salt, struct dom_main_key **key_r);
/* From the 32 bytes themselves; DOM_EINPUT on another size. */
DOM_MUST_CHECK enum dom_status dom_main_key_from_bytes(
    struct dom_slice bytes, struct dom_main_key **key_r);
void dom_main_key_free(struct dom_main_key **key);
void dom_main_key_login_public(
    const struct dom_main_key *key, uint8_t public_r[DOM_PUBLIC_KEY_SIZE]);
/* Sign a login or change-password response (6.5). */
void dom_main_key_sign(const struct dom_main_key *key, struct dom_slice message,
    uint8_t signature_r[DOM_SIGNATURE_SIZE]);

/* --- account ------------------------------------------------------------- */

/* New random account and identity keys. */
DOM_MUST_CHECK enum dom_status dom_account_create(const struct dom_random *random,
    struct dom_account_key **account_r, struct dom_identity_key **identity_r);
/* encryptedContent: both keys sealed under the main key. */
DOM_MUST_CHECK enum dom_status dom_account_seal(const struct dom_main_key *main,
    const struct dom_account_key *account, const struct dom_identity_key *identity,
    const struct dom_random *random, uint8_t sealed_r[DOM_SECRETS_SIZE]);
/* DOM_EINTEGRITY: not under this main key, or damaged. */
DOM_MUST_CHECK enum dom_status dom_account_open(const struct dom_main_key *main,
    struct dom_slice sealed, struct dom_account_key **account_r,
    struct dom_identity_key **identity_r);
DOM_MUST_CHECK enum dom_status dom_account_key_from_bytes(
    struct dom_slice bytes, struct dom_account_key **key_r);
void dom_account_key_free(struct dom_account_key **key);
void dom_identity_key_free(struct dom_identity_key **key);
void dom_identity_public(
    const struct dom_identity_key *key, uint8_t public_r[DOM_PUBLIC_KEY_SIZE]);

/*
 * The account's statement key (ours, not Etebase's): an Ed25519 pair from
 * KDF(account key, 1, "DomStmt "), so every device of the account has it and
 * a change of password does not change it.
 */
void dom_statement_public(
    const struct dom_account_key *key, uint8_t public_r[DOM_PUBLIC_KEY_SIZE]);
void dom_statement_sign(const struct dom_account_key *key, struct dom_slice message,
    uint8_t signature_r[DOM_SIGNATURE_SIZE]);

/*
 * The uid of a collection that the account has one of, such as "contacts"
 * (ours): 32 characters, the same on every device, unlinkable to the name
 * without the key: Base64 of the first 24 of the 32 bytes of BLAKE2b keyed by
 * KDF(account key, 2, "DomStmt ") over the name.
 */
void dom_account_named_uid(const struct dom_account_key *key, struct dom_slice name,
    char uid_r[DOM_UID_TEXT_SIZE + 1]);

/* --- collection ---------------------------------------------------------- */

/* collectionType uid of a type name (6.4): deterministic; appended. */
DOM_MUST_CHECK enum dom_status dom_collection_type_seal(
    const struct dom_account_key *account, struct dom_slice type, struct dom_buffer *uid);
/* The type's name, appended; DOM_EINTEGRITY. */
DOM_MUST_CHECK enum dom_status dom_collection_type_open(
    const struct dom_account_key *account, struct dom_slice uid, struct dom_buffer *type);

DOM_MUST_CHECK enum dom_status dom_collection_key_create(
    const struct dom_random *random, struct dom_collection_key **key_r);
/* collectionKey on the wire; type_uid empty for collections without a type. */
DOM_MUST_CHECK enum dom_status dom_collection_key_seal(const struct dom_account_key *account,
    const struct dom_collection_key *key, struct dom_slice type_uid,
    const struct dom_random *random, uint8_t sealed_r[DOM_WRAPPED_KEY_SIZE]);
DOM_MUST_CHECK enum dom_status dom_collection_key_open(const struct dom_account_key *account,
    struct dom_slice sealed, struct dom_slice type_uid, struct dom_collection_key **key_r);
DOM_MUST_CHECK enum dom_status dom_collection_key_from_bytes(
    struct dom_slice bytes, struct dom_collection_key **key_r);
void dom_collection_key_free(struct dom_collection_key **key);

/*
 * The uid of the item that holds the record so named (ours): 32 characters,
 * the same whenever the same record is imported, unlinkable without the key:
 * Base64 of the first 24 of the 32 bytes of BLAKE2b keyed by
 * KDF(collection key, 1, "DomRecId") over the name.
 */
void dom_collection_record_uid(const struct dom_collection_key *key, struct dom_slice name,
    char uid_r[DOM_UID_TEXT_SIZE + 1]);

/* A new random uid: Base64 of 24 bytes. */
void dom_uid_create(const struct dom_random *random, char uid_r[DOM_UID_TEXT_SIZE + 1]);

/* --- item ---------------------------------------------------------------- */

/* An empty holder, to be filled again and again; NULL: no memory. */
struct dom_item_key *dom_item_key_new(void);
void dom_item_key_free(struct dom_item_key **key);
/* The key of the item uid (text) of a collection; DOM_EINPUT: empty or over 64 bytes. */
DOM_MUST_CHECK enum dom_status dom_item_key_derive(const struct dom_collection_key *collection,
    struct dom_slice uid, struct dom_item_key *key);
/* An item's own encryptionKey; DOM_EINTEGRITY. */
DOM_MUST_CHECK enum dom_status dom_item_key_open(const struct dom_collection_key *collection,
    struct dom_slice sealed, struct dom_item_key *key);
DOM_MUST_CHECK enum dom_status dom_item_key_from_bytes(
    struct dom_slice bytes, struct dom_item_key *key);

#endif
