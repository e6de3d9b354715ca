/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Content there and back, and what happens when a byte of it is wrong. */
#include <stdlib.h>

#include "base/msgpack.h"

#include "crypto/content.h"
#include "crypto/roles.h"

#include "testing.h"

static struct dom_item_key *
item_key(uint8_t byte)
{
	struct dom_item_key *key = dom_item_key_new();
	uint8_t bytes[DOM_KEY_SIZE];

	assert_non_null(key);
	memset(bytes, byte, sizeof(bytes));
	assert_ok(dom_item_key_from_bytes(dom_slice(bytes, sizeof(bytes)), key));
	return key;
}

static uint8_t *
random_bytes(size_t size, uint64_t seed)
{
	uint8_t *bytes = malloc(size + 1);

	assert_non_null(bytes);
	test_random_fill(&seed, bytes, size);
	return bytes;
}

static void
test_a_chunk_of_any_size_comes_back(void **state)
{
	static const size_t sizes[] = {0, 1, 63, 1023, 1024, 4031, 4032, 4095, 4096, 16383,
	    16384, 17408, 65535, 65536, 262144, 1048576};
	struct dom_item_key *key = item_key(1);
	uint64_t seed = 7;
	struct dom_random random = test_random(&seed);

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint8_t *bytes = random_bytes(sizes[i], i + 1);
		struct dom_slice content = dom_slice(bytes, sizes[i]);
		struct dom_buffer sealed = {0}, plain = {0};
		struct dom_chunk_uid uid;

		dom_buffer_append_text(&plain, "before"); /* appended, not overwritten */
		dom_chunk_uid_of(key, content, &uid);
		assert_ok(dom_chunk_seal(key, content, &random, &sealed));
		assert_int_equal(sealed.size, dom_chunk_sealed_size(sizes[i]));
		/* Never the doubling of the other clients. */
		assert_true(sealed.size <= sizes[i] + sizes[i] / 8 + 1024 + DOM_SEAL_OVERHEAD);
		assert_ok(dom_chunk_open(
		    key, dom_slice_of(uid.text), dom_buffer_slice(&sealed), &plain));
		assert_bytes(dom_slice(plain.data + 6, plain.size - 6), content);
		dom_buffer_free(&sealed);
		dom_buffer_free(&plain);
		free(bytes);
	}
	dom_item_key_free(&key);
}

static void
test_openssl_and_libsodium_make_the_same_bytes(void **state)
{
	static const size_t sizes[] = {0, 1, DOM_BULK_SIZE_MIN - 1, DOM_BULK_SIZE_MIN,
	    DOM_BULK_SIZE_MIN + 1, 65536, 1000003};
	struct dom_bulk *bulk = dom_bulk_new();
	uint8_t key[DOM_KEY_SIZE];

	(void)state;
	assert_non_null(bulk);
	memset(key, 0x42, sizeof(key));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t sealed_size = sizes[i] + DOM_SEAL_OVERHEAD;
		uint8_t *plain = random_bytes(sizes[i], i + 1), *back = malloc(sizes[i] + 1);
		uint8_t *one = malloc(sealed_size), *two = malloc(sealed_size);
		uint64_t seed_one = 99, seed_two = 99;
		struct dom_random random_one = test_random(&seed_one);
		struct dom_random random_two = test_random(&seed_two);
		struct dom_slice content = dom_slice(plain, sizes[i]);

		assert_non_null(back);
		assert_non_null(one);
		assert_non_null(two);
		dom_seal(key, content, dom_slice(NULL, 0), &random_one, one);
		assert_ok(dom_bulk_seal(bulk, key, content, &random_two, two));
		assert_memory_equal(one, two, sealed_size);
		assert_ok(dom_bulk_open(bulk, key, dom_slice(one, sealed_size), back));
		assert_bytes(dom_slice(back, sizes[i]), content);
		assert_ok(dom_open(key, dom_slice(two, sealed_size), dom_slice(NULL, 0), back));
		assert_bytes(dom_slice(back, sizes[i]), content);
		/* Without OpenSSL's cipher it is libsodium's. */
		assert_ok(dom_bulk_open(NULL, key, dom_slice(one, sealed_size), back));
		assert_bytes(dom_slice(back, sizes[i]), content);
		free(plain);
		free(back);
		free(one);
		free(two);
	}
	dom_bulk_free(&bulk);
}

static void
test_a_damaged_large_chunk_leaves_no_plaintext(void **state)
{
	enum { SIZE = 8192 };
	struct dom_bulk *bulk = dom_bulk_new();
	uint8_t key[DOM_KEY_SIZE] = {5}, sealed[SIZE + DOM_SEAL_OVERHEAD], out[SIZE];
	uint8_t *plain = random_bytes(SIZE, 3), zeros[SIZE] = {0};
	static const size_t places[] = {0, 23, 24, 24 + SIZE / 2, 24 + SIZE, SIZE + 39};
	uint64_t seed = 1;
	struct dom_random random = test_random(&seed);

	(void)state;
	assert_non_null(bulk);
	assert_ok(dom_bulk_seal(bulk, key, dom_slice(plain, SIZE), &random, sealed));
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		sealed[places[i]] ^= 0x10;
		assert_int_equal(
		    dom_bulk_open(bulk, key, dom_slice(sealed, sizeof(sealed)), out),
		    DOM_EINTEGRITY);
		assert_memory_equal(out, zeros, SIZE);
		sealed[places[i]] ^= 0x10;
	}
	assert_ok(dom_bulk_open(bulk, key, dom_slice(sealed, sizeof(sealed)), out));
	assert_memory_equal(out, plain, SIZE);
	free(plain);
	dom_bulk_free(&bulk);
}

static void
test_every_flipped_bit_of_a_chunk_is_noticed(void **state)
{
	struct dom_item_key *key = item_key(2), *other = item_key(3);
	struct dom_slice content = dom_slice_of("a short chunk");
	struct dom_buffer sealed = {0}, plain = {0};
	struct dom_chunk_uid uid, wrong;
	uint64_t seed = 5;
	struct dom_random random = test_random(&seed);

	(void)state;
	dom_chunk_uid_of(key, content, &uid);
	assert_ok(dom_chunk_seal(key, content, &random, &sealed));
	for (size_t bit = 0; bit < 8 * sealed.size; bit++) {
		sealed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(dom_chunk_open(key, dom_slice_of(uid.text),
		                     dom_buffer_slice(&sealed), &plain),
		    DOM_EINTEGRITY);
		sealed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t size = 0; size < sealed.size; size++)
		assert_int_equal(dom_chunk_open(key, dom_slice_of(uid.text),
		                     dom_slice(sealed.data, size), &plain),
		    DOM_EINTEGRITY);
	for (size_t bit = 0; bit < (size_t)8 * DOM_CHUNK_UID_SIZE; bit++) {
		wrong = uid;
		wrong.text[bit / 8] = (char)(wrong.text[bit / 8] ^ 1 << bit % 8);
		assert_int_equal(dom_chunk_open(key, dom_slice(wrong.text, DOM_CHUNK_UID_SIZE),
		                     dom_buffer_slice(&sealed), &plain),
		    DOM_EINTEGRITY);
	}
	assert_int_equal(
	    dom_chunk_open(other, dom_slice_of(uid.text), dom_buffer_slice(&sealed), &plain),
	    DOM_EINTEGRITY);
	assert_int_equal(plain.size, 0);
	assert_ok(
	    dom_chunk_open(key, dom_slice_of(uid.text), dom_buffer_slice(&sealed), &plain));
	assert_bytes(dom_buffer_slice(&plain), content);
	dom_buffer_free(&sealed);
	dom_buffer_free(&plain);
	dom_item_key_free(&key);
	dom_item_key_free(&other);
}

static void
test_a_chunk_under_another_chunks_uid_is_refused(void **state)
{
	struct dom_item_key *key = item_key(2);
	struct dom_buffer sealed = {0}, plain = {0};
	struct dom_chunk_uid uid;
	uint64_t seed = 5;
	struct dom_random random = test_random(&seed);

	(void)state;
	/* The tag fits: only the MAC over the plaintext tells. */
	dom_chunk_uid_of(key, dom_slice_of("two"), &uid);
	assert_ok(dom_chunk_seal(key, dom_slice_of("one"), &random, &sealed));
	assert_int_equal(
	    dom_chunk_open(key, dom_slice_of(uid.text), dom_buffer_slice(&sealed), &plain),
	    DOM_EINTEGRITY);
	assert_int_equal(plain.size, 0);
	dom_buffer_free(&sealed);
	dom_buffer_free(&plain);
	dom_item_key_free(&key);
}

/* --- revisions ----------------------------------------------------------- */

struct sealed_revision {
	struct dom_item_key *key;
	struct dom_slice item_uid, chunks[2];
	struct dom_chunk_uid uids[2];
	char uid[DOM_REVISION_UID_SIZE + 1];
	struct dom_buffer meta;
};

static void
revision_make(struct sealed_revision *revision)
{
	uint64_t seed = 11;
	struct dom_random random = test_random(&seed);

	*revision = (struct sealed_revision){.key = item_key(4)};
	revision->item_uid = dom_slice_of("Tgp4aih3_4uwhnyhdmiurpogwvsOwyFH");
	dom_chunk_uid_of(revision->key, dom_slice_of("first"), &revision->uids[0]);
	dom_chunk_uid_of(revision->key, dom_slice_of("second"), &revision->uids[1]);
	revision->chunks[0] = dom_slice_of(revision->uids[0].text);
	revision->chunks[1] = dom_slice_of(revision->uids[1].text);
	assert_ok(dom_revision_seal(revision->key, revision->item_uid, false,
	    dom_slice_of("metadata"), revision->chunks, 2, &random, revision->uid,
	    &revision->meta));
}

static enum dom_status
revision_open(const struct sealed_revision *revision, struct dom_buffer *plain)
{
	return dom_revision_open(revision->key, revision->item_uid, dom_slice_of(revision->uid),
	    false, dom_buffer_slice(&revision->meta), revision->chunks, 2, plain);
}

static void
revision_free(struct sealed_revision *revision)
{
	dom_buffer_free(&revision->meta);
	dom_item_key_free(&revision->key);
}

static void
test_every_flipped_bit_of_a_revision_is_noticed(void **state)
{
	struct sealed_revision revision;
	struct dom_buffer plain = {0};

	(void)state;
	revision_make(&revision);
	for (size_t bit = 0; bit < 8 * revision.meta.size; bit++) {
		revision.meta.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(revision_open(&revision, &plain), DOM_EINTEGRITY);
		revision.meta.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < (size_t)8 * DOM_REVISION_UID_SIZE; bit++) {
		char *letter = &revision.uid[bit / 8], before = *letter;

		*letter = (char)(*letter ^ 1 << bit % 8);
		assert_int_equal(revision_open(&revision, &plain), DOM_EINTEGRITY);
		*letter = before;
	}
	for (size_t bit = 0; bit < (size_t)8 * DOM_CHUNK_UID_SIZE; bit++) {
		char *letter = &revision.uids[1].text[bit / 8], before = *letter;

		*letter = (char)(*letter ^ 1 << bit % 8);
		assert_int_equal(revision_open(&revision, &plain), DOM_EINTEGRITY);
		*letter = before;
	}
	assert_int_equal(plain.size, 0);
	assert_ok(revision_open(&revision, &plain));
	assert_true(dom_slice_is(dom_buffer_slice(&plain), "metadata"));
	dom_buffer_free(&plain);
	revision_free(&revision);
}

static void
test_a_revision_says_which_item_and_which_chunks_in_which_order(void **state)
{
	struct sealed_revision revision;
	struct dom_buffer plain = {0};
	struct dom_slice swap, uid;

	(void)state;
	revision_make(&revision);
	uid = dom_slice_of(revision.uid);
	assert_int_equal(dom_revision_open(revision.key, revision.item_uid, uid, true,
	                     dom_buffer_slice(&revision.meta), revision.chunks, 2, &plain),
	    DOM_EINTEGRITY);
	assert_int_equal(
	    dom_revision_open(revision.key, dom_slice_of("Tgp4aih3_4uwhnyhdmiurpogwvsOwyFG"),
	        uid, false, dom_buffer_slice(&revision.meta), revision.chunks, 2, &plain),
	    DOM_EINTEGRITY);
	assert_int_equal(dom_revision_open(revision.key, revision.item_uid, uid, false,
	                     dom_buffer_slice(&revision.meta), revision.chunks, 1, &plain),
	    DOM_EINTEGRITY);
	swap = revision.chunks[0];
	revision.chunks[0] = revision.chunks[1];
	revision.chunks[1] = swap;
	assert_int_equal(revision_open(&revision, &plain), DOM_EINTEGRITY);
	assert_int_equal(plain.size, 0);
	revision_free(&revision);
	dom_buffer_free(&plain);
}

static void
test_sealing_a_revision_refuses_what_is_no_uid(void **state)
{
	struct dom_slice short_uid = dom_slice_of("short"), long_uid;
	struct sealed_revision revision;
	struct dom_buffer meta = {0};
	uint64_t seed = 1;
	struct dom_random random = test_random(&seed);
	char uid[DOM_REVISION_UID_SIZE + 1], text[DOM_UID_SIZE_MAX + 2];

	(void)state;
	revision_make(&revision);
	assert_int_equal(dom_revision_seal(revision.key, revision.item_uid, false,
	                     dom_slice_of(""), &short_uid, 1, &random, uid, &meta),
	    DOM_EINPUT);
	memset(text, 'a', sizeof(text));
	long_uid = dom_slice(text, DOM_UID_SIZE_MAX + 1);
	assert_int_equal(dom_revision_seal(revision.key, long_uid, false, dom_slice_of(""),
	                     NULL, 0, &random, uid, &meta),
	    DOM_EINPUT);
	assert_int_equal(meta.size, 0);
	revision_free(&revision);
	dom_buffer_free(&meta);
}

/* --- padding ------------------------------------------------------------- */

static void
test_unpad_takes_only_an_80_followed_by_zeros(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		enum dom_status expected;
		size_t size_left;
	} cases[] = {
	    {"", 0, DOM_OK, 0},
	    {"\x80", 1, DOM_OK, 0},
	    {"a\x80", 2, DOM_OK, 1},
	    {"a\x80\0\0", 4, DOM_OK, 1},
	    {"a\x80\x80\0", 4, DOM_OK, 2},
	    {"\0\0\x80", 3, DOM_OK, 2},
	    {"a", 1, DOM_EINTEGRITY, 0},
	    {"\0\0", 2, DOM_EINTEGRITY, 0},
	    {"\x80\x01", 2, DOM_EINTEGRITY, 0},
	    {"a\x80\0\x01", 4, DOM_EINTEGRITY, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t size = 99;

		assert_int_equal(dom_unpad(dom_slice(cases[i].bytes, cases[i].size), &size),
		    cases[i].expected);
		assert_int_equal(size, cases[i].size_left);
	}
}

static void
test_padding_adds_at_least_a_byte_and_at_most_an_eighth(void **state)
{
	(void)state;
	for (size_t size = 0; size < 300000; size += size < 40000 ? 1 : 37) {
		size_t padded = dom_padded_size(size);

		assert_true(padded > size);
		assert_true(padded <= size + 1024 || padded - size <= size / 8);
		/* Longer content is never stored shorter. */
		assert_true(dom_padded_size(size + 1) >= padded);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_chunk_of_any_size_comes_back),
	    cmocka_unit_test(test_openssl_and_libsodium_make_the_same_bytes),
	    cmocka_unit_test(test_a_damaged_large_chunk_leaves_no_plaintext),
	    cmocka_unit_test(test_every_flipped_bit_of_a_chunk_is_noticed),
	    cmocka_unit_test(test_a_chunk_under_another_chunks_uid_is_refused),
	    cmocka_unit_test(test_every_flipped_bit_of_a_revision_is_noticed),
	    cmocka_unit_test(test_a_revision_says_which_item_and_which_chunks_in_which_order),
	    cmocka_unit_test(test_sealing_a_revision_refuses_what_is_no_uid),
	    cmocka_unit_test(test_unpad_takes_only_an_80_followed_by_zeros),
	    cmocka_unit_test(test_padding_adds_at_least_a_byte_and_at_most_an_eighth),
	};

	if (dom_crypto_start() != DOM_OK)
		return 1;
	return cmocka_run_group_tests_name("content", tests, NULL, NULL);
}
