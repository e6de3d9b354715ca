/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What leaves the account or comes from other clients: invitations, sessions, caches. */
#include <sodium.h>

#include "base/encode.h"
#include "base/msgpack.h"

#include "crypto/content.h"
#include "crypto/roles.h"
#include "crypto/session.h"
#include "crypto/share.h"

#include "vectors.h"

static struct dom_slice
key_slice(const uint8_t key[DOM_KEY_SIZE])
{
	return dom_slice(key, DOM_KEY_SIZE);
}

static struct dom_identity_key *
take_identity(json_t *one, const char *secret_name, const char *public_name)
{
	struct dom_identity_key *key = dom_secret_new(sizeof(*key));
	struct dom_slice secret = take_hex(one, secret_name);

	assert_non_null(key);
	assert_int_equal(secret.size, DOM_KEY_SIZE);
	memcpy(key->secret, secret.data, DOM_KEY_SIZE);
	crypto_scalarmult_base(key->public_key, key->secret);
	assert_bytes(key_slice(key->public_key), take_hex(one, public_name));
	return key;
}

static void
check_invitation_request(json_t *one, struct dom_slice sealed)
{
	struct dom_buffer body = {0};

	dom_pack_put_map(&body, 6);
	dom_pack_put_text(&body, "version");
	dom_pack_put_int(&body, 1);
	dom_pack_put_text(&body, "uid");
	dom_pack_put_str(&body, take_text(one, "invitation_uid"));
	dom_pack_put_text(&body, "username");
	dom_pack_put_text(&body, "test_user2");
	dom_pack_put_text(&body, "collection");
	dom_pack_put_text(&body, "3sGp2CbzZFq4xobUkRkT3agLhqdhtmXu");
	dom_pack_put_text(&body, "accessLevel");
	dom_pack_put_int(&body, 2);
	dom_pack_put_text(&body, "signedEncryptionKey");
	dom_pack_put_bin(&body, sealed);
	assert_bytes(dom_buffer_slice(&body), take_hex(one, "request_body_msgpack_hex"));
	dom_buffer_free(&body);
}

/* The invitee wraps the key for itself, under its own uid of the same type. */
static void
check_accept(json_t *one, const struct dom_collection_key *key, struct dom_slice type)
{
	struct dom_slice expected = take_hex(one, "encryptionKey_hex");
	struct dom_account_key *account = NULL;
	struct dom_buffer type_uid = {0}, body = {0};
	uint8_t wrapped[DOM_WRAPPED_KEY_SIZE];
	struct dom_random random;
	struct script script;

	assert_ok(
	    dom_account_key_from_bytes(take_hex(one, "recipient_account_key_hex"), &account));
	assert_ok(dom_collection_type_seal(account, type, &type_uid));
	assert_bytes(dom_buffer_slice(&type_uid), take_hex(one, "collectionType_hex"));
	random = script_random(&script, take_hex(one, "encryptionKey_nonce_hex"));
	assert_ok(dom_collection_key_seal(
	    account, key, dom_buffer_slice(&type_uid), &random, wrapped));
	script_finish(&script);
	assert_bytes(dom_slice(wrapped, sizeof(wrapped)), expected);
	dom_pack_put_map(&body, 2);
	dom_pack_put_text(&body, "collectionType");
	dom_pack_put_bin(&body, dom_buffer_slice(&type_uid));
	dom_pack_put_text(&body, "encryptionKey");
	dom_pack_put_bin(&body, expected);
	assert_bytes(dom_buffer_slice(&body), take_hex(one, "request_body_msgpack_hex"));
	dom_buffer_free(&type_uid);
	dom_buffer_free(&body);
	dom_account_key_free(&account);
}

void
test_invitation_vectors(void **state)
{
	json_t *one = inside(vectors_crypto(), "invitation");
	json_t *draws = inside(one, "random_draws"), *draw;
	struct dom_identity_key *from =
	    take_identity(one, "from_privkey_hex", "from_pubkey_hex");
	struct dom_identity_key *to = take_identity(one, "to_privkey_hex", "to_pubkey_hex");
	struct dom_slice expected = take_hex(one, "signedEncryptionKey_hex"), drawn[2];
	struct dom_slice payload = take_hex(one, "plain_msgpack_hex");
	struct dom_slice uid = dom_slice_of(json_string_value(inside(one, "invitation_uid")));
	struct dom_collection_key *key = NULL;
	struct dom_buffer type = {0}, sealed = {0};
	struct dom_random random;
	struct script script;
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(draws), 2);
	json_array_foreach(draws, i, draw)
	{
		take_note(draw, "k");
		drawn[i] = take_hex(draw, "hex");
		assert_int_equal(drawn[i].size, take_int(draw, "n"));
	}
	assert_bytes(from_b64((const char *)uid.data), drawn[0]);
	assert_ok(dom_invitation_open(to, from->public_key, expected, &key, &type));
	assert_true(dom_slice_is(dom_buffer_slice(&type), "some.coltype"));
	assert_bytes(part(payload, 17, DOM_KEY_SIZE), key_slice(key->bytes));
	assert_bytes(joined(payload, from_hex("80")), take_hex(one, "plain_padded_hex"));
	random = script_random(&script, drawn[1]);
	assert_ok(dom_invitation_seal(
	    from, to->public_key, key, dom_buffer_slice(&type), &random, &sealed));
	script_finish(&script);
	assert_bytes(dom_buffer_slice(&sealed), expected);
	check_invitation_request(one, expected);
	check_accept(inside(one, "accept"), key, dom_buffer_slice(&type));
	dom_buffer_free(&type);
	dom_buffer_free(&sealed);
	dom_collection_key_free(&key);
	dom_identity_key_free(&from);
	dom_identity_key_free(&to);
}

void
test_fingerprint_vectors(void **state)
{
	json_t *one;
	size_t i;

	(void)state;
	json_array_foreach(inside(vectors_crypto(), "fingerprint"), i, one)
	{
		struct dom_slice public_key = take_hex(one, "pubkey_hex");
		char text[DOM_FINGERPRINT_SIZE];
		uint8_t hash[DOM_MAC_SIZE];

		dom_hash(public_key, hash);
		assert_bytes(key_slice(hash), take_hex(one, "blake2b256_hex"));
		dom_fingerprint(public_key.data, text);
		assert_bytes(dom_slice_of(text), take_text(one, "pretty"));
	}
}

/* Where the inner message is, for its nonces; the outer map is fixed. */
static struct dom_slice
sealed_inside(struct dom_slice text)
{
	struct dom_pack_reader in = dom_pack_reader_over(from_b64((const char *)text.data));
	struct dom_slice sealed;

	assert_int_equal(dom_pack_map(&in), 2);
	assert_true(dom_slice_is(dom_pack_str(&in), "version"));
	assert_int_equal(dom_pack_int(&in, 0, 255), 1);
	assert_true(dom_slice_is(dom_pack_str(&in), "encryptedData"));
	sealed = dom_pack_bin(&in);
	assert_ok(dom_pack_finish(&in));
	return sealed;
}

static void
check_fields(json_t *names, struct dom_slice inner)
{
	struct dom_pack_reader in = dom_pack_reader_over(inner);
	size_t count = dom_pack_map(&in);

	assert_int_equal(json_array_size(names), count);
	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(json_array_get(names, i));

		assert_bytes(dom_pack_str(&in), dom_slice_of(name));
		dom_pack_skip(&in);
	}
	assert_ok(dom_pack_finish(&in));
	json_decref(names);
}

static void
check_session(json_t *one, json_t *account)
{
	struct dom_slice text = take_text(one, "saved_b64"), inner, sealed;
	struct dom_slice storage_key = take_hex(one, "storage_key_hex");
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_main_key *main = NULL;
	struct dom_saved_session session;
	struct dom_buffer saved = {0};
	struct dom_random random;
	struct script script;

	assert_non_null(arena);
	assert_ok(dom_session_restore(text, storage_key, arena, &session, &main));
	assert_bytes(key_slice(main->bytes), take_hex(one, "main_key_hex"));
	assert_bytes(session.auth_token, take_text(one, "inner_authToken"));
	assert_bytes(session.server_url, take_text(one, "inner_serverUrl"));
	assert_bytes(session.pubkey, peek_hex(account, "identity_pubkey_hex"));
	assert_bytes(session.encrypted_content, peek_hex(account, "encryptedContent_hex"));
	/* Saved again with the same nonces, it is the same text. */
	inner = take_hex(one, "inner_msgpack_hex");
	sealed = sealed_inside(text);
	random = script_random(
	    &script, joined(part(inner, inner.size - DOM_WRAPPED_KEY_SIZE, DOM_NONCE_SIZE),
	                 part(sealed, 0, DOM_NONCE_SIZE)));
	assert_ok(dom_session_save(&session, main, storage_key, &random, &saved));
	script_finish(&script);
	assert_bytes(dom_buffer_slice(&saved), text);
	assert_int_equal(take_int(one, "outer_version"), 1);
	assert_int_equal(take_int(one, "inner_version"), 1);
	check_fields(take_list(one, "inner_fields"), inner);
	dom_main_key_free(&main);
	dom_buffer_free(&saved);
	dom_arena_free(&arena);
}

void
test_session_vectors(void **state)
{
	json_t *all = inside(vectors_crypto(), "session"), *one;
	json_t *account = inside(vectors_crypto(), "account");
	json_t *account2 = inside(vectors_crypto(), "account2");
	struct dom_slice keyless = joined(dom_slice_of(json_string_value(inside(
	                                      inside(all, "saved_without_key"), "saved_b64"))),
	    dom_slice(NULL, 0));
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_main_key *main = NULL;
	struct dom_saved_session session;
	const char *name;

	(void)state;
	/* No storage key and 32 zero bytes are the same. */
	assert_ok(dom_session_restore(keyless, dom_slice(NULL, 0), arena, &session, &main));
	dom_main_key_free(&main);
	dom_arena_free(&arena);
	json_object_foreach(all, name, one)
	{
		bool second = strcmp(name, "upstream_test_user_2") == 0;

		check_session(one, second ? account2 : account);
	}
}

/* --- caches of other clients: their revisions open under our keys --------- */

struct revision {
	struct dom_slice uid, meta, chunk_uids[1], sealed[1];
	bool deleted;
	size_t chunk_count;
};

static struct dom_slice
text_of(struct dom_slice raw)
{
	char text[64];

	assert_true(raw.size <= 32);
	dom_base64_encode(raw, text);
	return joined(dom_slice_of(text), dom_slice(NULL, 0));
}

/* [uid raw, meta, deleted, [[chunk uid raw, content?]]]; JS keeps uids as bytes. */
static struct revision
read_js_revision(struct dom_slice packed)
{
	struct dom_pack_reader in = dom_pack_reader_over(packed);
	struct revision revision = {0};

	assert_int_equal(dom_pack_array(&in), 4);
	revision.uid = text_of(dom_pack_bin(&in));
	revision.meta = dom_pack_bin(&in);
	revision.deleted = dom_pack_bool(&in);
	revision.chunk_count = dom_pack_array(&in);
	assert_true(revision.chunk_count <= 1);
	if (revision.chunk_count == 1) {
		size_t fields = dom_pack_array(&in);

		revision.chunk_uids[0] = text_of(dom_pack_bin(&in));
		if (fields == 2)
			revision.sealed[0] = dom_pack_bin(&in);
	}
	assert_ok(dom_pack_finish(&in));
	return revision;
}

/* Opens the revision and, if it is there, its chunk; the metadata's text under name. */
static void
check_cached(const struct dom_collection_key *collection, struct dom_slice uid,
    const struct revision *revision, const char *name, const char *content)
{
	struct dom_item_key *key = dom_item_key_new();
	struct dom_buffer meta = {0}, plain = {0};
	struct dom_pack_reader in;
	bool found = false;

	assert_non_null(key);
	assert_ok(dom_item_key_derive(collection, uid, key));
	assert_ok(dom_revision_open(key, uid, revision->uid, revision->deleted, revision->meta,
	    revision->chunk_uids, revision->chunk_count, &meta));
	in = dom_pack_reader_over(dom_buffer_slice(&meta));
	for (size_t left = dom_pack_map(&in); left > 0; left--) {
		if (dom_slice_is(dom_pack_str(&in), "name"))
			found = dom_slice_is(dom_pack_str(&in), name);
		else
			dom_pack_skip(&in);
	}
	assert_ok(dom_pack_finish(&in));
	assert_true(found);
	if (revision->sealed[0].data != NULL) {
		assert_ok(
		    dom_chunk_open(key, revision->chunk_uids[0], revision->sealed[0], &plain));
		assert_true(dom_slice_is(dom_buffer_slice(&plain), content));
	}
	dom_buffer_free(&meta);
	dom_buffer_free(&plain);
	dom_item_key_free(&key);
}

/* [1, uid raw, version, encryptionKey, lastEtag, bin(revision)] */
static void
check_js_item(const struct dom_collection_key *collection, struct dom_slice packed,
    const char *name, const char *content)
{
	struct dom_pack_reader in = dom_pack_reader_over(packed);
	struct revision revision;
	struct dom_slice uid;

	assert_int_equal(dom_pack_array(&in), 6);
	assert_int_equal(dom_pack_int(&in, 0, 9), 1);
	uid = text_of(dom_pack_bin(&in));
	assert_int_equal(dom_pack_int(&in, 0, 9), 1);
	assert_true(dom_pack_nil(&in));
	assert_true(dom_pack_nil(&in));
	revision = read_js_revision(dom_pack_bin(&in));
	assert_ok(dom_pack_finish(&in));
	assert_int_equal(revision.chunk_count, content == NULL ? 0 : 1);
	check_cached(collection, uid, &revision, name, content);
}

void
test_js_cache_vectors(void **state)
{
	json_t *all = inside(vectors_crypto(), "cache_js");
	struct dom_slice packed = take_hex(all, "collection_with_content_hex");
	struct dom_pack_reader in = dom_pack_reader_over(packed);
	struct dom_slice wrapped, item, type_uid;
	struct dom_account_key *account = NULL;
	struct dom_collection_key *key = NULL;

	(void)state;
	/* [1, collectionKey, accessLevel, stoken, bin(item), collectionType] */
	assert_int_equal(dom_pack_array(&in), 6);
	assert_int_equal(dom_pack_int(&in, 0, 9), 1);
	wrapped = dom_pack_bin(&in);
	assert_int_equal(dom_pack_int(&in, 0, 9), 1);
	assert_true(dom_pack_nil(&in));
	item = dom_pack_bin(&in);
	type_uid = dom_pack_bin(&in);
	assert_ok(dom_pack_finish(&in));
	assert_ok(dom_account_key_from_bytes(
	    peek_hex(inside(vectors_crypto(), "collection"), "account_key_hex"), &account));
	assert_ok(dom_collection_key_open(account, wrapped, type_uid, &key));
	check_js_item(key, item, "Vector collection", NULL);
	check_js_item(key, take_hex(all, "item_with_content_hex"), "n", "Hello, world");
	check_js_item(key, take_hex(all, "item_without_content_hex"), "n", "Hello, world");
	take_note(all, "note");
	dom_collection_key_free(&key);
	dom_account_key_free(&account);
}

/* Bytes that the Rust client wrote as an array of numbers, once, outermost. */
static struct dom_slice
read_numbers(struct dom_pack_reader *in)
{
	struct dom_buffer bytes = {0};
	struct dom_slice copy;

	for (size_t left = dom_pack_array(in); left > 0; left--) {
		uint8_t byte = (uint8_t)dom_pack_int(in, 0, UINT8_MAX);

		dom_buffer_append(&bytes, &byte, 1);
	}
	copy = joined(dom_buffer_slice(&bytes), dom_slice(NULL, 0));
	dom_buffer_free(&bytes);
	return copy;
}

void
test_rust_cache_vectors(void **state)
{
	json_t *one = inside(vectors_crypto(), "cache_rust_legacy_example");
	struct dom_pack_reader outer = dom_pack_reader_over(take_b64(one, "b64")), in;
	struct dom_account_key *account = NULL;
	struct dom_collection_key *key = NULL;
	struct revision revision = {.chunk_count = 1};
	struct dom_slice uid;

	(void)state;
	assert_int_equal(dom_pack_array(&outer), 2);
	assert_int_equal(dom_pack_int(&outer, 0, 9), 1);
	in = dom_pack_reader_over(read_numbers(&outer));
	assert_ok(dom_pack_finish(&outer));
	/* [[uid, version, own key, [uid, meta, deleted, [[uid, chunk]]], etag], level, key,
	 * stoken] */
	assert_int_equal(dom_pack_array(&in), 4);
	assert_int_equal(dom_pack_array(&in), 5);
	uid = dom_pack_str(&in);
	assert_int_equal(dom_pack_int(&in, 0, 9), 1);
	assert_true(dom_pack_nil(&in));
	assert_int_equal(dom_pack_array(&in), 4);
	revision.uid = dom_pack_str(&in);
	revision.meta = dom_pack_bin(&in);
	revision.deleted = dom_pack_bool(&in);
	assert_int_equal(dom_pack_array(&in), 1);
	assert_int_equal(dom_pack_array(&in), 2);
	revision.chunk_uids[0] = dom_pack_str(&in);
	revision.sealed[0] = dom_pack_bin(&in);
	assert_true(dom_pack_nil(&in));
	assert_int_equal(dom_pack_int(&in, 0, 9), 1);
	assert_ok(dom_account_key_from_bytes(
	    peek_hex(inside(vectors_crypto(), "account"), "account_key_hex"), &account));
	/* Made before collections had a type: the key is sealed over nothing. */
	assert_ok(
	    dom_collection_key_open(account, dom_pack_bin(&in), dom_slice(NULL, 0), &key));
	assert_true(dom_pack_nil(&in));
	assert_ok(dom_pack_finish(&in));
	check_cached(key, uid, &revision, "Collection", "SomeContent");
	take_note(one, "note");
	dom_collection_key_free(&key);
	dom_account_key_free(&account);
}
