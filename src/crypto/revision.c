/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Revisions (etebase-protocol 6.6): metadata sealed over everything else that
 * a revision says, with the tag as its uid.
 */
#include <assert.h>

#include <sodium.h>

#include "base/encode.h"
#include "base/wipe.h"

#include "crypto/content.h"
#include "crypto/roles.h"

static_assert(DOM_BASE64_SIZE(DOM_TAG_SIZE) == DOM_REVISION_UID_SIZE, "revision uid");

/* B2b over the chunks' raw uids; DOM_EINPUT: one of them is not a uid. */
static enum dom_status
hash_chunks(const struct dom_slice *chunks, size_t chunk_count, uint8_t hash_r[DOM_MAC_SIZE])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, DOM_MAC_SIZE);
	for (size_t i = 0; i < chunk_count; i++) {
		uint8_t raw[DOM_MAC_SIZE];
		size_t size;

		if (chunks[i].size != DOM_CHUNK_UID_SIZE ||
		    dom_base64_decode(chunks[i], raw, sizeof(raw), &size) != DOM_OK)
			return DOM_EINPUT;
		crypto_generichash_update(&state, raw, sizeof(raw));
	}
	crypto_generichash_final(&state, hash_r, DOM_MAC_SIZE);
	return DOM_OK;
}

/* adHash: only the item's uid has its length in front. */
static enum dom_status
hash_claims(const struct dom_item_key *key, struct dom_slice item_uid, bool deleted,
    const struct dom_slice *chunks, size_t chunk_count, uint8_t hash_r[DOM_MAC_SIZE])
{
	uint8_t chunks_hash[DOM_MAC_SIZE];
	uint8_t front[5];
	crypto_generichash_state state;
	enum dom_status st;

	if (item_uid.size == 0 || item_uid.size > DOM_UID_SIZE_MAX)
		return DOM_EINPUT;
	if ((st = hash_chunks(chunks, chunk_count, chunks_hash)) < 0)
		return st;
	front[0] = deleted ? 1 : 0;
	front[1] = (uint8_t)item_uid.size; /* 32 bits, little-endian; it is at most 64 */
	front[2] = front[3] = front[4] = 0;
	crypto_generichash_init(&state, key->manager.mac_key, DOM_KEY_SIZE, DOM_MAC_SIZE);
	crypto_generichash_update(&state, front, sizeof(front));
	crypto_generichash_update(&state, item_uid.data, item_uid.size);
	crypto_generichash_update(&state, chunks_hash, sizeof(chunks_hash));
	crypto_generichash_final(&state, hash_r, DOM_MAC_SIZE);
	sodium_memzero(&state, sizeof(state));
	return DOM_OK;
}

enum dom_status
dom_revision_seal(const struct dom_item_key *key, struct dom_slice item_uid, bool deleted,
    struct dom_slice meta_plain, const struct dom_slice *chunks, size_t chunk_count,
    const struct dom_random *random, char uid_r[DOM_REVISION_UID_SIZE + 1],
    struct dom_buffer *meta)
{
	uint8_t hash[DOM_MAC_SIZE], tag[DOM_TAG_SIZE];
	size_t padded_size = meta_plain.size + 1;
	enum dom_status st;
	uint8_t *at, *padded;

	if ((st = hash_claims(key, item_uid, deleted, chunks, chunk_count, hash)) < 0)
		return st;
	at = dom_buffer_room(meta, DOM_NONCE_SIZE + padded_size);
	if (at == NULL)
		return dom_buffer_finish(meta);
	padded = at + DOM_NONCE_SIZE; /* sealed where it stands */
	if (meta_plain.size != 0)
		memcpy(padded, meta_plain.data, meta_plain.size);
	padded[meta_plain.size] = 0x80;
	dom_seal_detached(key->manager.cipher_key, dom_slice(padded, padded_size),
	    dom_slice(hash, sizeof(hash)), random, at, tag);
	dom_buffer_grew(meta, DOM_NONCE_SIZE + padded_size);
	dom_base64_encode(dom_slice(tag, sizeof(tag)), uid_r);
	return DOM_OK;
}

enum dom_status
dom_revision_open(const struct dom_item_key *key, struct dom_slice item_uid,
    struct dom_slice revision_uid, bool deleted, struct dom_slice meta,
    const struct dom_slice *chunks, size_t chunk_count, struct dom_buffer *meta_plain)
{
	uint8_t hash[DOM_MAC_SIZE], tag[DOM_TAG_SIZE];
	size_t padded_size, size;
	enum dom_status st;
	uint8_t *at;

	if (meta.size < DOM_NONCE_SIZE || revision_uid.size != DOM_REVISION_UID_SIZE ||
	    dom_base64_decode(revision_uid, tag, sizeof(tag), &size) != DOM_OK ||
	    hash_claims(key, item_uid, deleted, chunks, chunk_count, hash) != DOM_OK)
		return DOM_EINTEGRITY;
	padded_size = meta.size - DOM_NONCE_SIZE;
	/* One byte more, since a room of nothing may have no address. */
	at = dom_buffer_room(meta_plain, padded_size + 1);
	if (at == NULL)
		return dom_buffer_finish(meta_plain);
	st = dom_open_detached(
	    key->manager.cipher_key, meta, tag, dom_slice(hash, sizeof(hash)), at);
	if (st == DOM_OK)
		st = dom_unpad(dom_slice(at, padded_size), &size);
	if (st == DOM_OK)
		dom_buffer_grew(meta_plain, size);
	else
		dom_wipe(at, padded_size);
	return st;
}
