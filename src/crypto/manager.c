/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Five keys from one (etebase-protocol 6.3) and what they do without a nonce. */
#include "crypto/manager.h"

#include <assert.h>

#include <sodium.h>

#include "base/wipe.h"

static_assert(crypto_kdf_KEYBYTES == DOM_KEY_SIZE, "KDF key");
static_assert(DOM_MAC_SIZE >= DOM_NONCE_SIZE, "a nonce is cut from a MAC");

void
dom_kdf(const uint8_t key[DOM_KEY_SIZE], uint64_t id, const char *context,
    uint8_t subkey_r[DOM_KEY_SIZE])
{
	int failed;

	assert(strlen(context) == crypto_kdf_CONTEXTBYTES);
	failed = crypto_kdf_derive_from_key(subkey_r, DOM_KEY_SIZE, id, context, key);
	assert(!failed);
}

void
dom_hash(struct dom_slice message, uint8_t hash_r[DOM_MAC_SIZE])
{
	int failed =
	    crypto_generichash(hash_r, DOM_MAC_SIZE, message.data, message.size, NULL, 0);

	assert(!failed);
}

void
dom_mac(const uint8_t key[DOM_KEY_SIZE], struct dom_slice message, uint8_t mac_r[DOM_MAC_SIZE])
{
	int failed = crypto_generichash(
	    mac_r, DOM_MAC_SIZE, message.data, message.size, key, DOM_KEY_SIZE);

	assert(!failed);
}

void
dom_manager_derive(
    struct dom_manager *manager, const uint8_t key[DOM_KEY_SIZE], const char *context)
{
	dom_kdf(key, 1, context, manager->cipher_key);
	dom_kdf(key, 2, context, manager->mac_key);
	dom_kdf(key, 3, context, manager->seed);
	dom_kdf(key, 4, context, manager->sub_key);
	dom_kdf(key, 5, context, manager->det_key);
}

enum dom_status
dom_manager_subkey(
    const struct dom_manager *manager, struct dom_slice salt, uint8_t subkey_r[DOM_KEY_SIZE])
{
	int failed;

	if (salt.size == 0 || salt.size > DOM_SUBKEY_SALT_SIZE_MAX)
		return DOM_EINPUT;
	failed = crypto_generichash(
	    subkey_r, DOM_KEY_SIZE, manager->sub_key, DOM_KEY_SIZE, salt.data, salt.size);
	assert(!failed);
	return DOM_OK;
}

enum dom_status
dom_manager_seal_equal(
    const struct dom_manager *manager, struct dom_slice plain, struct dom_buffer *sealed)
{
	uint8_t mac[DOM_MAC_SIZE];
	uint8_t *at = dom_buffer_room(sealed, plain.size + DOM_SEAL_OVERHEAD);

	if (at == NULL)
		return dom_buffer_finish(sealed);
	dom_mac(manager->mac_key, plain, mac);
	memcpy(at, mac, DOM_NONCE_SIZE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(at + DOM_NONCE_SIZE, NULL, plain.data,
	    plain.size, NULL, 0, NULL, at, manager->det_key);
	dom_buffer_grew(sealed, plain.size + DOM_SEAL_OVERHEAD);
	dom_wipe(mac, sizeof(mac));
	return DOM_OK;
}

enum dom_status
dom_manager_open_equal(
    const struct dom_manager *manager, struct dom_slice sealed, struct dom_buffer *plain)
{
	enum dom_status st;
	uint8_t *at;

	if (sealed.size < DOM_SEAL_OVERHEAD)
		return DOM_EINTEGRITY;
	/* One byte more, since a room of nothing may have no address. */
	at = dom_buffer_room(plain, sealed.size - DOM_SEAL_OVERHEAD + 1);
	if (at == NULL)
		return dom_buffer_finish(plain);
	st = dom_open(manager->det_key, sealed, dom_slice(NULL, 0), at);
	if (st == DOM_OK)
		dom_buffer_grew(plain, sealed.size - DOM_SEAL_OVERHEAD);
	return st;
}
