/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Collections and items: keys, revisions, chunk lists, and the bodies that carry them. */
#include "base/encode.h"
#include "base/msgpack.h"

#include "crypto/content.h"
#include "crypto/roles.h"

#include "vectors.h"

static struct dom_slice
key_slice(const uint8_t key[DOM_KEY_SIZE])
{
	return dom_slice(key, DOM_KEY_SIZE);
}

struct item {
	struct dom_item_key *key;
	struct dom_slice uid, revision_uid, meta_plain, meta, own_key;
	bool deleted;
	struct dom_slice chunk_uids[CHUNKS_MAX], chunk_plain[CHUNKS_MAX], sealed[CHUNKS_MAX];
	size_t chunk_count;
};

/* The chunk at place i: its plaintext is given or is one piece of the content. */
static void
take_chunk(json_t *one, struct item *item, size_t i, const struct dom_slice *pieces,
    size_t piece_count)
{
	struct dom_slice plain = dom_slice(NULL, 0), sealed;
	struct dom_chunk_uid uid;
	uint8_t hash[DOM_MAC_SIZE];

	assert_bytes(take_text(one, "uid"), item->chunk_uids[i]);
	if (has(one, "plain_hex"))
		plain = take_hex(one, "plain_hex");
	for (size_t p = 0; p < piece_count && plain.data == NULL; p++) {
		dom_chunk_uid_of(item->key, pieces[p], &uid);
		if (dom_slice_equal(dom_slice_of(uid.text), item->chunk_uids[i]))
			plain = pieces[p];
	}
	assert_non_null(plain.data);
	dom_chunk_uid_of(item->key, plain, &uid);
	assert_bytes(dom_slice_of(uid.text), item->chunk_uids[i]);
	assert_int_equal(plain.size, take_int(one, "plain_len"));
	if (has(one, "plain_blake2b256_hex")) {
		dom_hash(plain, hash);
		assert_bytes(key_slice(hash), take_hex(one, "plain_blake2b256_hex"));
	}
	if (has(one, "encrypted_hex")) {
		sealed = take_hex(one, "encrypted_hex");
	} else {
		struct dom_buffer made = {0};
		struct script script;
		struct dom_random random =
		    script_random(&script, take_hex(one, "encrypted_nonce_hex"));

		/* Only its hash is recorded: make it, then let check_chunk() open it. */
		assert_ok(dom_chunk_seal(item->key, plain, &random, &made));
		sealed = joined(dom_buffer_slice(&made), dom_slice(NULL, 0));
		dom_hash(sealed, hash);
		assert_bytes(key_slice(hash), take_hex(one, "encrypted_blake2b256_hex"));
		dom_buffer_free(&made);
	}
	assert_int_equal(sealed.size, take_int(one, "encrypted_len"));
	check_chunk(item->key, item->chunk_uids[i], plain, sealed);
	item->chunk_plain[i] = plain;
	item->sealed[i] = sealed;
}

static size_t
cut(struct dom_slice content, struct dom_slice pieces[CHUNKS_MAX])
{
	size_t lengths[CHUNKS_MAX], at = 0;
	size_t count = split_lengths(content, 4096, lengths);

	for (size_t i = 0; i < count; i++) {
		pieces[i] = part(content, at, lengths[i]);
		at += lengths[i];
	}
	return count;
}

static void
take_chunks(json_t *one, struct item *item, struct dom_slice content)
{
	struct dom_slice pieces[CHUNKS_MAX];
	size_t piece_count = cut(content, pieces), i;
	json_t *uids = take_list(one, "chunk_uids"), *value;

	item->chunk_count = json_array_size(uids);
	assert_true(item->chunk_count <= CHUNKS_MAX);
	json_array_foreach(uids, i, value) item->chunk_uids[i] =
	    joined(dom_slice_of(json_string_value(value)), dom_slice(NULL, 0));
	assert_int_equal(json_array_size(inside(one, "chunks")), item->chunk_count);
	json_array_foreach(inside(one, "chunks"), i, value)
	    take_chunk(value, item, i, pieces, piece_count);
	json_decref(uids);
}

/* The hashes under the tag, as the specification writes them down. */
static void
check_hashes(json_t *one, const struct item *item)
{
	struct dom_slice raw = dom_slice(NULL, 0), input;
	uint8_t hash[DOM_MAC_SIZE], front[5] = {item->deleted, (uint8_t)item->uid.size};

	for (size_t i = 0; i < item->chunk_count; i++)
		raw = joined(raw, from_b64((const char *)item->chunk_uids[i].data));
	dom_hash(raw, hash);
	assert_bytes(key_slice(hash), take_hex(one, "chunks_hash_hex"));
	input = joined(joined(dom_slice(front, sizeof(front)), item->uid), key_slice(hash));
	assert_bytes(input, take_hex(one, "mac_input_hex"));
	dom_mac(item->key->manager.mac_key, input, hash);
	assert_bytes(key_slice(hash), take_hex(one, "ad_hash_hex"));
}

static void
check_revision(json_t *one, struct item *item)
{
	char uid[DOM_REVISION_UID_SIZE + 1];
	struct dom_buffer meta = {0}, plain = {0};
	struct dom_random random;
	struct script script;

	item->meta_plain = take_hex(one, "meta_msgpack_hex");
	item->meta = take_hex(one, "meta_wire_hex");
	item->revision_uid = take_text(one, "revision_uid_b64");
	assert_bytes(
	    joined(item->meta_plain, from_hex("80")), take_hex(one, "meta_msgpack_padded_hex"));
	assert_bytes(from_b64((const char *)item->revision_uid.data),
	    take_hex(one, "revision_uid_tag_hex"));
	check_hashes(one, item);
	random = script_random(&script, part(item->meta, 0, DOM_NONCE_SIZE));
	assert_ok(dom_revision_seal(item->key, item->uid, item->deleted, item->meta_plain,
	    item->chunk_uids, item->chunk_count, &random, uid, &meta));
	script_finish(&script);
	assert_bytes(dom_slice_of(uid), item->revision_uid);
	assert_bytes(dom_buffer_slice(&meta), item->meta);
	assert_ok(dom_revision_open(item->key, item->uid, item->revision_uid, item->deleted,
	    item->meta, item->chunk_uids, item->chunk_count, &plain));
	assert_bytes(dom_buffer_slice(&plain), item->meta_plain);
	dom_buffer_free(&meta);
	dom_buffer_free(&plain);
}

static void
put_item(struct dom_buffer *out, const struct item *item)
{
	dom_pack_put_map(out, item->own_key.data == NULL ? 4 : 5);
	dom_pack_put_text(out, "uid");
	dom_pack_put_str(out, item->uid);
	dom_pack_put_text(out, "version");
	dom_pack_put_int(out, 1);
	if (item->own_key.data != NULL) {
		dom_pack_put_text(out, "encryptionKey");
		dom_pack_put_bin(out, item->own_key);
	}
	dom_pack_put_text(out, "etag");
	dom_pack_put_nil(out);
	dom_pack_put_text(out, "content");
	dom_pack_put_map(out, 4);
	dom_pack_put_text(out, "uid");
	dom_pack_put_str(out, item->revision_uid);
	dom_pack_put_text(out, "meta");
	dom_pack_put_bin(out, item->meta);
	dom_pack_put_text(out, "deleted");
	dom_pack_put_bool(out, item->deleted);
	dom_pack_put_text(out, "chunks");
	dom_pack_put_array(out, item->chunk_count);
	for (size_t i = 0; i < item->chunk_count; i++) {
		dom_pack_put_array(out, 2);
		dom_pack_put_str(out, item->chunk_uids[i]);
		dom_pack_put_bin(out, item->sealed[i]);
	}
}

/* Everything about one item but how its key came about. */
static void
check_item(json_t *one, struct item *item, struct dom_slice content)
{
	uint8_t *key_bytes = item->key->manager.cipher_key;

	assert_bytes(key_slice(key_bytes), take_hex(one, "item_cipherKey_hex"));
	key_bytes = item->key->manager.mac_key;
	assert_bytes(key_slice(key_bytes), take_hex(one, "item_macKey_hex"));
	assert_int_equal(take_int(one, "version"), 1);
	item->deleted = take_bool(one, "deleted");
	take_chunks(one, item, content);
	check_revision(one, item);
	if (has(one, "item_wire_msgpack_hex")) {
		struct dom_buffer wire = {0};

		put_item(&wire, item);
		assert_bytes(dom_buffer_slice(&wire), take_hex(one, "item_wire_msgpack_hex"));
		dom_buffer_free(&wire);
	}
}

static struct dom_collection_key *
open_collection(void)
{
	json_t *one = inside(vectors_crypto(), "collection");
	struct dom_account_key *account = NULL;
	struct dom_collection_key *key = NULL;

	assert_ok(dom_account_key_from_bytes(peek_hex(one, "account_key_hex"), &account));
	assert_ok(dom_collection_key_open(account, peek_hex(one, "collectionKey_wire_hex"),
	    peek_hex(one, "collectionType_hex"), &key));
	dom_account_key_free(&account);
	return key;
}

static void
check_derived_key(
    json_t *one, const struct dom_collection_key *collection, const struct item *item)
{
	uint8_t bytes[DOM_KEY_SIZE];

	assert_ok(dom_manager_subkey(&collection->manager, item->uid, bytes));
	assert_bytes(key_slice(bytes), take_hex(one, "item_key_hex"));
	assert_ok(dom_item_key_derive(collection, item->uid, item->key));
}

/* Every nonce and uid that was used is a draw; the client also draws some for nothing. */
static void
check_draws(json_t *one, const struct item *item)
{
	json_t *draws = inside(one, "random_draws"), *draw;
	unsigned uid_seen = 0, meta_seen = 0, chunks_seen = 0;
	long long last = -1;
	size_t i;

	json_array_foreach(draws, i, draw)
	{
		struct dom_slice bytes = take_hex(draw, "hex");
		long long number = take_int(draw, "k");

		assert_true(number > last);
		last = number;
		assert_int_equal(bytes.size, take_int(draw, "n"));
		uid_seen += dom_slice_equal(bytes, from_b64((const char *)item->uid.data));
		meta_seen += bytes.size == DOM_NONCE_SIZE &&
		             dom_slice_equal(bytes, part(item->meta, 0, DOM_NONCE_SIZE));
		for (size_t c = 0; c < item->chunk_count; c++)
			chunks_seen +=
			    dom_slice_equal(bytes, part(item->sealed[c], 0, DOM_NONCE_SIZE));
	}
	assert_int_equal(uid_seen, 1);
	assert_int_equal(meta_seen, 1);
	assert_int_equal(chunks_seen, item->chunk_count);
}

/* Put the content together from the stored chunks, as a reader does. */
static void
check_content(json_t *one, const struct item *item, struct dom_slice content)
{
	struct dom_slice whole = dom_slice(NULL, 0);

	if (item->chunk_count > 1) {
		json_t *list = inside(one, "index_chunk_decoded"), *places;
		size_t count, stored_count = item->chunk_count - 1;
		uint32_t read[CHUNKS_MAX];

		assert_ok(dom_content_index_read(
		    item->chunk_plain[stored_count], stored_count, read, CHUNKS_MAX, &count));
		places = json_array_get(list, 0);
		assert_int_equal(json_array_size(places), count);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(
			    read[i], json_integer_value(json_array_get(places, i)));
			whole = joined(whole, item->chunk_plain[read[i]]);
		}
		json_array_clear(list);
		take_note(one, "index_note");
	} else if (item->chunk_count == 1) {
		whole = item->chunk_plain[0];
	}
	/* A deleted item may have dropped its chunks. */
	if (!item->deleted || item->chunk_count > 0)
		assert_bytes(whole, content);
}

/* meta_json, whose values are all text, is the packed metadata. */
static void
check_meta(json_t *one, const struct item *item)
{
	struct dom_pack_reader in = dom_pack_reader_over(item->meta_plain);
	json_t *meta = inside(one, "meta_json");

	for (size_t left = dom_pack_map(&in); left > 0; left--) {
		struct dom_slice name = dom_pack_str(&in);
		char key[32] = "";

		assert_true(name.size < sizeof(key));
		memcpy(key, name.data, name.size);
		assert_bytes(dom_pack_str(&in), take_text(meta, key));
	}
	assert_ok(dom_pack_finish(&in));
}

void
test_item_vectors(void **state)
{
	struct dom_collection_key *collection = open_collection();
	json_t *one;
	size_t i;

	(void)state;
	json_array_foreach(inside(vectors_crypto(), "items"), i, one)
	{
		struct dom_slice content = take_content(inside(one, "content"));
		struct item item = {
		    .key = dom_item_key_new(), .uid = take_text(one, "item_uid")};

		assert_non_null(item.key);
		check_derived_key(one, collection, &item);
		check_item(one, &item, content);
		check_content(one, &item, content);
		check_meta(one, &item);
		check_draws(one, &item);
		take_note(one, "name");
		dom_item_key_free(&item.key);
	}
	dom_collection_key_free(&collection);
}

void
test_own_key_vectors(void **state)
{
	json_t *one = inside(vectors_crypto(), "item_with_encryptionKey");
	struct dom_collection_key *collection = open_collection();
	struct item item = {.key = dom_item_key_new(), .uid = take_text(one, "item_uid")};
	uint8_t bytes[DOM_KEY_SIZE];

	(void)state;
	assert_non_null(item.key);
	item.own_key = take_hex(one, "encryptionKey_wire_hex");
	assert_ok(dom_item_key_open(collection, item.own_key, item.key));
	assert_ok(dom_open_exact(collection->manager.cipher_key, item.own_key,
	    dom_slice(NULL, 0), bytes, sizeof(bytes)));
	assert_bytes(key_slice(bytes), take_hex(one, "item_key_hex"));
	check_item(one, &item, dom_slice(NULL, 0));
	take_note(one, "note");
	dom_item_key_free(&item.key);
	dom_collection_key_free(&collection);
}

static void
check_create_request(json_t *one, const struct item *main_item, struct dom_slice type_uid,
    struct dom_slice wrapped)
{
	struct dom_buffer body = {0};

	dom_pack_put_map(&body, 3);
	dom_pack_put_text(&body, "item");
	put_item(&body, main_item);
	dom_pack_put_text(&body, "collectionType");
	dom_pack_put_bin(&body, type_uid);
	dom_pack_put_text(&body, "collectionKey");
	dom_pack_put_bin(&body, wrapped);
	assert_bytes(dom_buffer_slice(&body), take_hex(one, "create_request_body_msgpack_hex"));
	dom_buffer_free(&body);
}

/* The first draw is the collection's key, the second what seals it, then as for an item. */
static void
check_collection_draws(json_t *one, struct dom_account_key *account, struct dom_slice type_uid,
    struct dom_slice wrapped)
{
	json_t *draws = inside(one, "random_draws");
	struct dom_collection_key *key = NULL;
	uint8_t sealed[DOM_WRAPPED_KEY_SIZE];
	struct dom_random random;
	struct script script;

	random = script_random(&script, joined(peek_hex(json_array_get(draws, 0), "hex"),
	                                    peek_hex(json_array_get(draws, 1), "hex")));
	assert_ok(dom_collection_key_create(&random, &key));
	assert_ok(dom_collection_key_seal(account, key, type_uid, &random, sealed));
	script_finish(&script);
	assert_bytes(dom_slice(sealed, sizeof(sealed)), wrapped);
	dom_collection_key_free(&key);
}

void
test_collection_vectors(void **state)
{
	json_t *one = inside(vectors_crypto(), "collection");
	json_t *main_one = inside(one, "main_item");
	struct dom_collection_key *key = open_collection();
	struct dom_account_key *account = NULL;
	struct dom_slice type_uid, wrapped;
	struct item item = {.key = dom_item_key_new()};
	struct dom_buffer made = {0};

	(void)state;
	assert_ok(dom_account_key_from_bytes(take_hex(one, "account_key_hex"), &account));
	type_uid = take_hex(one, "collectionType_hex");
	wrapped = take_hex(one, "collectionKey_wire_hex");
	assert_ok(dom_collection_type_seal(account, dom_slice_of("some.coltype"), &made));
	assert_bytes(dom_buffer_slice(&made), type_uid);
	assert_bytes(key_slice(key->bytes), take_hex(one, "collectionKey_plain_hex"));
	assert_true(dom_slice_is(take_text(one, "col_context"), "Col     "));
	assert_bytes(key_slice(key->manager.cipher_key), take_hex(one, "col_cipherKey_hex"));
	assert_bytes(key_slice(key->manager.mac_key), take_hex(one, "col_macKey_hex"));
	assert_bytes(
	    key_slice(key->manager.sub_key), take_hex(one, "col_subDerivationKey_hex"));
	check_collection_draws(one, account, type_uid, wrapped);
	item.uid = take_text(main_one, "item_uid");
	check_derived_key(main_one, key, &item);
	check_item(main_one, &item, dom_slice(NULL, 0));
	check_draws(one, &item);
	check_create_request(one, &item, type_uid, wrapped);
	take_note(one, "note");
	dom_buffer_free(&made);
	dom_item_key_free(&item.key);
	dom_collection_key_free(&key);
	dom_account_key_free(&account);
}
