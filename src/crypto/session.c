/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A session as text, as the other clients save it (etebase-protocol 7.2). */
#include "crypto/session.h"

#include <sodium.h>

#include "base/encode.h"
#include "base/msgpack.h"
#include "base/wipe.h"

#include "crypto/roles.h"

enum { SESSION_VERSION = 1 };

/* "Stor" under the caller's key, or under zeros; NULL data never reaches it. */
static enum dom_status
storage_manager(struct dom_slice storage_key, struct dom_manager **manager_r)
{
	static const uint8_t zeros[DOM_KEY_SIZE];

	if (storage_key.size != 0 && storage_key.size != DOM_KEY_SIZE)
		return DOM_EINPUT;
	*manager_r = dom_secret_new(sizeof(**manager_r));
	if (*manager_r == NULL)
		return DOM_ENOMEM;
	dom_manager_derive(
	    *manager_r, storage_key.size == 0 ? zeros : storage_key.data, "Stor    ");
	return DOM_OK;
}

static void
put_inner(struct dom_buffer *out, const struct dom_saved_session *session,
    struct dom_slice sealed_key)
{
	dom_pack_put_map(out, 5);
	dom_pack_put_text(out, "user");
	dom_pack_put_map(out, 4);
	dom_pack_put_text(out, "username");
	dom_pack_put_str(out, session->username);
	dom_pack_put_text(out, "email");
	dom_pack_put_str(out, session->email);
	dom_pack_put_text(out, "pubkey");
	dom_pack_put_bin(out, session->pubkey);
	dom_pack_put_text(out, "encryptedContent");
	dom_pack_put_bin(out, session->encrypted_content);
	dom_pack_put_text(out, "authToken");
	if (session->auth_token.data == NULL)
		dom_pack_put_nil(out);
	else
		dom_pack_put_str(out, session->auth_token);
	dom_pack_put_text(out, "serverUrl");
	dom_pack_put_str(out, session->server_url);
	dom_pack_put_text(out, "version");
	dom_pack_put_int(out, SESSION_VERSION);
	dom_pack_put_text(out, "key");
	dom_pack_put_bin(out, sealed_key);
}

enum dom_status
dom_session_save(const struct dom_saved_session *session, const struct dom_main_key *main,
    struct dom_slice storage_key, const struct dom_random *random, struct dom_buffer *text)
{
	static const uint8_t version = SESSION_VERSION;
	struct dom_buffer inner = {0}, outer = {0};
	uint8_t sealed_key[DOM_WRAPPED_KEY_SIZE];
	struct dom_manager *manager = NULL;
	enum dom_status st;
	uint8_t *at;

	if ((st = storage_manager(storage_key, &manager)) < 0)
		return st;
	dom_seal(manager->cipher_key, dom_slice(main->bytes, DOM_KEY_SIZE), dom_slice(NULL, 0),
	    random, sealed_key);
	put_inner(&inner, session, dom_slice(sealed_key, sizeof(sealed_key)));
	if ((st = dom_buffer_finish(&inner)) < 0)
		goto out;
	dom_pack_put_map(&outer, 2);
	dom_pack_put_text(&outer, "version");
	dom_pack_put_int(&outer, SESSION_VERSION);
	dom_pack_put_text(&outer, "encryptedData");
	dom_pack_put_bin_header(&outer, inner.size + DOM_SEAL_OVERHEAD);
	at = dom_buffer_room(&outer, inner.size + DOM_SEAL_OVERHEAD);
	if (at != NULL) {
		dom_seal(manager->cipher_key, dom_buffer_slice(&inner), dom_slice(&version, 1),
		    random, at);
		dom_buffer_grew(&outer, inner.size + DOM_SEAL_OVERHEAD);
	}
	if ((st = dom_buffer_finish(&outer)) < 0)
		goto out;
	at = dom_buffer_room(text, DOM_BASE64_SIZE(outer.size) + 1);
	if (at != NULL) {
		dom_base64_encode(dom_buffer_slice(&outer), (char *)at);
		dom_buffer_grew(text, DOM_BASE64_SIZE(outer.size));
	}
	st = dom_buffer_finish(text);
out:
	sodium_free(manager);
	dom_buffer_free(&inner);
	dom_buffer_free(&outer);
	return st;
}

/* The bytes of encryptedData, borrowed from outer. */
static enum dom_status
read_outer(struct dom_slice outer, struct dom_slice *sealed_r)
{
	struct dom_pack_reader in = dom_pack_reader_over(outer);
	int64_t version = 0;

	*sealed_r = dom_slice(NULL, 0);
	for (size_t left = dom_pack_map(&in); left > 0; left--) {
		struct dom_slice name = dom_pack_str(&in);

		if (dom_slice_is(name, "version"))
			version = dom_pack_int(&in, 0, UINT8_MAX);
		else if (dom_slice_is(name, "encryptedData"))
			*sealed_r = dom_pack_bin(&in);
		else
			dom_pack_skip(&in);
	}
	if (dom_pack_finish(&in) != DOM_OK || version != SESSION_VERSION ||
	    sealed_r->size < DOM_SEAL_OVERHEAD)
		return DOM_EINPUT;
	return DOM_OK;
}

static void
read_user(struct dom_pack_reader *in, struct dom_saved_session *session)
{
	for (size_t left = dom_pack_map(in); left > 0; left--) {
		struct dom_slice name = dom_pack_str(in);

		if (dom_slice_is(name, "username"))
			session->username = dom_pack_str(in);
		else if (dom_slice_is(name, "email"))
			session->email = dom_pack_str(in);
		else if (dom_slice_is(name, "pubkey"))
			session->pubkey = dom_pack_bin(in);
		else if (dom_slice_is(name, "encryptedContent"))
			session->encrypted_content = dom_pack_bin(in);
		else
			dom_pack_skip(in);
	}
}

static enum dom_status
read_inner(
    struct dom_slice inner, struct dom_saved_session *session, struct dom_slice *sealed_key_r)
{
	struct dom_pack_reader in = dom_pack_reader_over(inner);
	int64_t version = 0;

	*session = (struct dom_saved_session){0};
	*sealed_key_r = dom_slice(NULL, 0);
	for (size_t left = dom_pack_map(&in); left > 0; left--) {
		struct dom_slice name = dom_pack_str(&in);

		if (dom_slice_is(name, "user")) {
			read_user(&in, session);
		} else if (dom_slice_is(name, "authToken")) {
			if (!dom_pack_nil(&in))
				session->auth_token = dom_pack_str(&in);
		} else if (dom_slice_is(name, "serverUrl")) {
			session->server_url = dom_pack_str(&in);
		} else if (dom_slice_is(name, "version")) {
			version = dom_pack_int(&in, 0, UINT8_MAX);
		} else if (dom_slice_is(name, "key")) {
			*sealed_key_r = dom_pack_bin(&in);
		} else {
			dom_pack_skip(&in);
		}
	}
	if (dom_pack_finish(&in) != DOM_OK || version != SESSION_VERSION ||
	    session->username.data == NULL || session->server_url.data == NULL ||
	    session->pubkey.size != DOM_PUBLIC_KEY_SIZE)
		return DOM_EINPUT;
	return DOM_OK;
}

/* inner lives in the arena, so what is read from it may stay where it is. */
static enum dom_status
open_inner(const struct dom_manager *manager, struct dom_slice outer, struct dom_arena *arena,
    struct dom_slice *inner_r)
{
	static const uint8_t version = SESSION_VERSION;
	struct dom_slice sealed;
	enum dom_status st;
	uint8_t *inner;

	if ((st = read_outer(outer, &sealed)) < 0)
		return st;
	inner = dom_arena_take(arena, sealed.size);
	if (inner == NULL)
		return DOM_ENOMEM;
	*inner_r = dom_slice(inner, sealed.size - DOM_SEAL_OVERHEAD);
	return dom_open(manager->cipher_key, sealed, dom_slice(&version, 1), inner);
}

enum dom_status
dom_session_restore(struct dom_slice text, struct dom_slice storage_key,
    struct dom_arena *arena, struct dom_saved_session *session_r, struct dom_main_key **main_r)
{
	struct dom_manager *manager = NULL;
	struct dom_slice inner, sealed_key;
	uint8_t bytes[DOM_KEY_SIZE];
	enum dom_status st;
	uint8_t *outer;
	size_t size;

	if (text.size > DOM_SESSION_TEXT_SIZE_MAX)
		return DOM_EINPUT;
	if ((st = storage_manager(storage_key, &manager)) < 0)
		return st;
	outer = dom_arena_take(arena, text.size + 1);
	if (outer == NULL) {
		st = DOM_ENOMEM;
		goto out;
	}
	if ((st = dom_base64_decode(text, outer, text.size + 1, &size)) < 0)
		goto out;
	if ((st = open_inner(manager, dom_slice(outer, size), arena, &inner)) < 0)
		goto out;
	if ((st = read_inner(inner, session_r, &sealed_key)) < 0)
		goto out;
	st = dom_open_exact(
	    manager->cipher_key, sealed_key, dom_slice(NULL, 0), bytes, sizeof(bytes));
	if (st == DOM_OK)
		st = dom_main_key_from_bytes(dom_slice(bytes, sizeof(bytes)), main_r);
	dom_wipe(bytes, sizeof(bytes));
out:
	sodium_free(manager);
	return st;
}
