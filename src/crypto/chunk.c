/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Chunks: a MAC for a name, padding, a seal (etebase-protocol 6.7). */
#include <assert.h>

#include "base/encode.h"
#include "base/wipe.h"

#include "crypto/content.h"
#include "crypto/digest.h"
#include "crypto/roles.h"

static_assert(DOM_BASE64_SIZE(DOM_MAC_SIZE) == DOM_CHUNK_UID_SIZE, "chunk uid");

void
dom_chunk_uid_of(
    const struct dom_item_key *key, struct dom_slice plain, struct dom_chunk_uid *uid_r)
{
	uint8_t mac[DOM_MAC_SIZE];

	dom_mac(key->manager.mac_key, plain, mac);
	dom_base64_encode(dom_slice(mac, sizeof(mac)), uid_r->text);
}

size_t
dom_chunk_sealed_size(size_t plain_size)
{
	return dom_padded_size(plain_size) + DOM_SEAL_OVERHEAD;
}

enum dom_status
dom_chunk_seal(const struct dom_item_key *key, struct dom_slice plain,
    const struct dom_random *random, struct dom_buffer *sealed)
{
	size_t padded_size = dom_padded_size(plain.size);
	uint8_t *at = dom_buffer_room(sealed, padded_size + DOM_SEAL_OVERHEAD);
	uint8_t *padded;
	enum dom_status st;

	if (at == NULL)
		return dom_buffer_finish(sealed);
	padded = at + DOM_NONCE_SIZE; /* sealed where it stands */
	if (plain.size != 0)
		memcpy(padded, plain.data, plain.size);
	memset(padded + plain.size, 0, padded_size - plain.size);
	padded[plain.size] = 0x80;
	st = dom_bulk_seal(
	    key->bulk, key->manager.cipher_key, dom_slice(padded, padded_size), random, at);
	if (st == DOM_OK)
		dom_buffer_grew(sealed, padded_size + DOM_SEAL_OVERHEAD);
	else
		dom_wipe(padded, padded_size);
	return st;
}

enum dom_status
dom_chunk_open(const struct dom_item_key *key, struct dom_slice uid, struct dom_slice sealed,
    struct dom_buffer *plain)
{
	uint8_t claimed[DOM_MAC_SIZE], mac[DOM_MAC_SIZE];
	size_t padded_size, size;
	enum dom_status st;
	uint8_t *at;

	if (sealed.size < DOM_SEAL_OVERHEAD || uid.size != DOM_CHUNK_UID_SIZE ||
	    dom_base64_decode(uid, claimed, sizeof(claimed), &size) != DOM_OK)
		return DOM_EINTEGRITY;
	padded_size = sealed.size - DOM_SEAL_OVERHEAD;
	/* One byte more, since a room of nothing may have no address. */
	at = dom_buffer_room(plain, padded_size + 1);
	if (at == NULL)
		return dom_buffer_finish(plain);
	if ((st = dom_bulk_open(key->bulk, key->manager.cipher_key, sealed, at)) < 0)
		return st;
	if ((st = dom_unpad(dom_slice(at, padded_size), &size)) < 0)
		goto refuse;
	dom_mac(key->manager.mac_key, dom_slice(at, size), mac);
	if (!dom_equal_secret(mac, claimed, sizeof(mac))) {
		st = DOM_EINTEGRITY;
		goto refuse;
	}
	dom_buffer_grew(plain, size);
	return DOM_OK;
refuse:
	dom_wipe(at, padded_size);
	return st;
}
