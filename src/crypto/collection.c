/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A collection's type and key (etebase-protocol 6.4). */
#include <sodium.h>

#include "crypto/content.h"
#include "crypto/roles.h"

void
dom_collection_key_fill(struct dom_collection_key *key, const uint8_t bytes[DOM_KEY_SIZE])
{
	memmove(key->bytes, bytes, DOM_KEY_SIZE);
	dom_manager_derive(&key->manager, key->bytes, "Col     ");
	dom_kdf(key->bytes, 1, "DomRecId", key->record_key); /* ours, not Etebase's */
}

enum dom_status
dom_collection_type_seal(
    const struct dom_account_key *account, struct dom_slice type, struct dom_buffer *uid)
{
	struct dom_buffer padded = {0};
	enum dom_status st;

	dom_buffer_append_slice(&padded, type);
	dom_pad(&padded, 0, DOM_TYPE_PADDING);
	st = dom_buffer_finish(&padded);
	if (st == DOM_OK)
		st = dom_manager_seal_equal(&account->manager, dom_buffer_slice(&padded), uid);
	dom_buffer_free(&padded);
	return st;
}

enum dom_status
dom_collection_type_open(
    const struct dom_account_key *account, struct dom_slice uid, struct dom_buffer *type)
{
	struct dom_buffer padded = {0};
	enum dom_status st;
	size_t size;

	if ((st = dom_manager_open_equal(&account->manager, uid, &padded)) < 0)
		goto out;
	if ((st = dom_unpad(dom_buffer_slice(&padded), &size)) < 0)
		goto out;
	dom_buffer_append(type, padded.data, size);
	st = dom_buffer_finish(type);
out:
	dom_buffer_free(&padded);
	return st;
}

enum dom_status
dom_collection_key_create(const struct dom_random *random, struct dom_collection_key **key_r)
{
	struct dom_collection_key *key = dom_secret_new(sizeof(*key));

	if (key == NULL)
		return DOM_ENOMEM;
	dom_random_fill(random, key->bytes, DOM_KEY_SIZE);
	dom_collection_key_fill(key, key->bytes);
	*key_r = key;
	return DOM_OK;
}

enum dom_status
dom_collection_key_seal(const struct dom_account_key *account,
    const struct dom_collection_key *key, struct dom_slice type_uid,
    const struct dom_random *random, uint8_t sealed_r[DOM_WRAPPED_KEY_SIZE])
{
	dom_seal(account->manager.cipher_key, dom_slice(key->bytes, DOM_KEY_SIZE), type_uid,
	    random, sealed_r);
	return DOM_OK;
}

enum dom_status
dom_collection_key_open(const struct dom_account_key *account, struct dom_slice sealed,
    struct dom_slice type_uid, struct dom_collection_key **key_r)
{
	struct dom_collection_key *key = dom_secret_new(sizeof(*key));
	enum dom_status st;

	if (key == NULL)
		return DOM_ENOMEM;
	st = dom_open_exact(
	    account->manager.cipher_key, sealed, type_uid, key->bytes, DOM_KEY_SIZE);
	if (st != DOM_OK) {
		dom_collection_key_free(&key);
		return st;
	}
	dom_collection_key_fill(key, key->bytes);
	*key_r = key;
	return DOM_OK;
}

enum dom_status
dom_collection_key_from_bytes(struct dom_slice bytes, struct dom_collection_key **key_r)
{
	struct dom_collection_key *key;

	if (bytes.size != DOM_KEY_SIZE)
		return DOM_EINPUT;
	key = dom_secret_new(sizeof(*key));
	if (key == NULL)
		return DOM_ENOMEM;
	dom_collection_key_fill(key, bytes.data);
	*key_r = key;
	return DOM_OK;
}

void
dom_collection_key_free(struct dom_collection_key **key)
{
	sodium_free(*key);
	*key = NULL;
}

void
dom_collection_record_uid(const struct dom_collection_key *key, struct dom_slice name,
    char uid_r[DOM_UID_TEXT_SIZE + 1])
{
	dom_named_uid(key->record_key, name, uid_r);
}
