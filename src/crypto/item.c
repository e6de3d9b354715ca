/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An item's key: from its collection and uid, or its own (etebase-protocol 6.4). */
#include <sodium.h>

#include "base/wipe.h"

#include "crypto/roles.h"

struct dom_item_key *
dom_item_key_new(void)
{
	struct dom_item_key *key = dom_secret_new(sizeof(*key));

	if (key != NULL)
		key->bulk = dom_bulk_new();
	return key;
}

void
dom_item_key_free(struct dom_item_key **key)
{
	if (*key == NULL)
		return;
	dom_bulk_free(&(*key)->bulk);
	sodium_free(*key);
	*key = NULL;
}

void
dom_item_key_fill(struct dom_item_key *key, const uint8_t bytes[DOM_KEY_SIZE])
{
	dom_manager_derive(&key->manager, bytes, "ColItem ");
}

enum dom_status
dom_item_key_derive(
    const struct dom_collection_key *collection, struct dom_slice uid, struct dom_item_key *key)
{
	uint8_t bytes[DOM_KEY_SIZE];
	enum dom_status st = dom_manager_subkey(&collection->manager, uid, bytes);

	if (st == DOM_OK)
		dom_item_key_fill(key, bytes);
	dom_wipe(bytes, sizeof(bytes));
	return st;
}

enum dom_status
dom_item_key_open(const struct dom_collection_key *collection, struct dom_slice sealed,
    struct dom_item_key *key)
{
	uint8_t bytes[DOM_KEY_SIZE];
	enum dom_status st = dom_open_exact(
	    collection->manager.cipher_key, sealed, dom_slice(NULL, 0), bytes, sizeof(bytes));

	if (st == DOM_OK)
		dom_item_key_fill(key, bytes);
	dom_wipe(bytes, sizeof(bytes));
	return st;
}

enum dom_status
dom_item_key_from_bytes(struct dom_slice bytes, struct dom_item_key *key)
{
	if (bytes.size != DOM_KEY_SIZE)
		return DOM_EINPUT;
	dom_item_key_fill(key, bytes.data);
	return DOM_OK;
}
