/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Handing a collection's key to another account (etebase-protocol 6.11). */
#include <assert.h>

#include <sodium.h>

#include "base/msgpack.h"
#include "base/wipe.h"

#include "crypto/content.h"
#include "crypto/roles.h"
#include "crypto/share.h"

static_assert(crypto_box_NONCEBYTES == DOM_NONCE_SIZE, "nonce");
static_assert(crypto_box_NONCEBYTES + crypto_box_MACBYTES == DOM_SEAL_OVERHEAD, "overhead");

enum dom_status
dom_invitation_seal(const struct dom_identity_key *from,
    const uint8_t to_public[DOM_PUBLIC_KEY_SIZE], const struct dom_collection_key *key,
    struct dom_slice type, const struct dom_random *random, struct dom_buffer *sealed)
{
	struct dom_buffer plain = {0};
	enum dom_status st;
	uint8_t *at;

	dom_pack_put_map(&plain, 2);
	dom_pack_put_text(&plain, "encryptionKey");
	dom_pack_put_bin(&plain, dom_slice(key->bytes, DOM_KEY_SIZE));
	dom_pack_put_text(&plain, "collectionType");
	dom_pack_put_str(&plain, type);
	dom_pad(&plain, 0, plain.size + 1);
	if ((st = dom_buffer_finish(&plain)) < 0)
		goto out;
	at = dom_buffer_room(sealed, plain.size + DOM_SEAL_OVERHEAD);
	if (at == NULL) {
		st = dom_buffer_finish(sealed);
		goto out;
	}
	dom_random_fill(random, at, DOM_NONCE_SIZE);
	/* It fails on a public key of small order, which is no one's. */
	if (crypto_box_easy(at + DOM_NONCE_SIZE, plain.data, plain.size, at, to_public,
	        from->secret) != 0) {
		st = DOM_EINPUT;
		goto out;
	}
	dom_buffer_grew(sealed, plain.size + DOM_SEAL_OVERHEAD);
out:
	dom_buffer_free(&plain);
	return st;
}

/* The payload's two fields, borrowed from it. */
static enum dom_status
payload_read(struct dom_slice payload, struct dom_slice *key_r, struct dom_slice *type_r)
{
	struct dom_pack_reader in = dom_pack_reader_over(payload);
	bool typed = false;

	*key_r = dom_slice(NULL, 0);
	for (size_t left = dom_pack_map(&in); left > 0; left--) {
		struct dom_slice name = dom_pack_str(&in);

		if (dom_slice_is(name, "encryptionKey")) {
			*key_r = dom_pack_bin(&in);
		} else if (dom_slice_is(name, "collectionType")) {
			*type_r = dom_pack_str(&in);
			typed = true;
		} else {
			dom_pack_skip(&in);
		}
	}
	if (dom_pack_finish(&in) != DOM_OK || key_r->size != DOM_KEY_SIZE || !typed)
		return DOM_EINTEGRITY;
	return DOM_OK;
}

enum dom_status
dom_invitation_open(const struct dom_identity_key *to,
    const uint8_t from_public[DOM_PUBLIC_KEY_SIZE], struct dom_slice sealed,
    struct dom_collection_key **key_r, struct dom_buffer *type)
{
	struct dom_buffer plain = {0};
	struct dom_slice key_bytes, type_name;
	struct dom_collection_key *key = NULL;
	enum dom_status st = DOM_EINTEGRITY;
	size_t size;

	if (sealed.size <= DOM_SEAL_OVERHEAD)
		return DOM_EINTEGRITY;
	size = sealed.size - DOM_SEAL_OVERHEAD;
	if (dom_buffer_room(&plain, size) == NULL) {
		st = dom_buffer_finish(&plain);
		goto out;
	}
	if (crypto_box_open_easy(plain.data, sealed.data + DOM_NONCE_SIZE,
	        sealed.size - DOM_NONCE_SIZE, sealed.data, from_public, to->secret) != 0)
		goto out;
	dom_buffer_grew(&plain, size);
	if ((st = dom_unpad(dom_buffer_slice(&plain), &size)) < 0)
		goto out;
	if ((st = payload_read(dom_slice(plain.data, size), &key_bytes, &type_name)) < 0)
		goto out;
	if ((st = dom_collection_key_from_bytes(key_bytes, &key)) < 0)
		goto out;
	dom_buffer_append_slice(type, type_name);
	if ((st = dom_buffer_finish(type)) < 0)
		goto out;
	*key_r = key;
	key = NULL;
out:
	dom_collection_key_free(&key);
	dom_buffer_free(&plain);
	return st;
}
