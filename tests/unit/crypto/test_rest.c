/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Keys at rest: what opens what, and what does not. */
#include <string.h>

#include "crypto/keys.h"
#include "crypto/rest.h"

#include "testing.h"

static struct dom_region_key *region, *other;
static struct dom_arena *arena;
static const uint8_t ana[DOM_REST_ID_SIZE] = {1}, bo[DOM_REST_ID_SIZE] = {2};

static int
set_up(void **state)
{
	uint8_t bytes[DOM_KEY_SIZE];

	(void)state;
	assert_int_equal(dom_crypto_start(), DOM_OK);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	assert_int_equal(
	    dom_region_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &region), DOM_OK);
	bytes[0] ^= 1;
	assert_int_equal(
	    dom_region_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &other), DOM_OK);
	assert_non_null(arena = dom_arena_new(0));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dom_region_key_free(&region);
	dom_region_key_free(&other);
	dom_arena_free(&arena);
	return 0;
}

static void
a_key_opens_for_its_account_in_its_region_only(void **state)
{
	const struct dom_random random = dom_random_system();
	uint8_t wrapped[DOM_REST_WRAPPED_SIZE];
	struct dom_slice stored = dom_slice(wrapped, sizeof(wrapped));
	struct dom_rest_key key, opened;

	(void)state;
	dom_rest_key_new(region, ana, &random, &key, wrapped);
	assert_int_equal(dom_rest_key_open(region, ana, stored, &opened), DOM_OK);
	assert_memory_equal(&key, &opened, sizeof(key));
	assert_int_equal(dom_rest_key_open(region, bo, stored, &opened), DOM_EINTEGRITY);
	assert_int_equal(dom_rest_key_open(other, ana, stored, &opened), DOM_EINTEGRITY);
	assert_int_equal(
	    dom_rest_key_open(region, ana, dom_slice(wrapped, sizeof(wrapped) - 1), &opened),
	    DOM_EINTEGRITY);
	for (size_t i = 0; i < sizeof(wrapped); i++) {
		wrapped[i] ^= 4;
		assert_int_equal(
		    dom_rest_key_open(region, ana, stored, &opened), DOM_EINTEGRITY);
		wrapped[i] ^= 4;
	}
}

static void
what_was_sealed_opens_as_what_it_was_only(void **state)
{
	const struct dom_random random = dom_random_system();
	uint8_t wrapped[DOM_REST_WRAPPED_SIZE];
	struct dom_slice sealed, again, plain;
	struct dom_rest_key key, bos;

	(void)state;
	dom_rest_key_new(region, ana, &random, &key, wrapped);
	dom_rest_key_new(region, bo, &random, &bos, wrapped);
	for (size_t size = 0; size <= 100; size++) {
		uint8_t text[100];

		memset(text, 'a', sizeof(text));
		assert_int_equal(dom_rest_seal(&key, DOM_REST_NAME, dom_slice(text, size),
		                     &random, arena, &sealed),
		    DOM_OK);
		/* Lengths tell little. */
		assert_int_equal(sealed.size,
		    (size / DOM_REST_BLOCK_SIZE + 1) * DOM_REST_BLOCK_SIZE + DOM_SEAL_OVERHEAD);
		assert_int_equal(
		    dom_rest_open(&key, DOM_REST_NAME, sealed, arena, &plain), DOM_OK);
		assert_int_equal(plain.size, size);
		assert_memory_equal(plain.data, text, size);
	}
	assert_int_equal(
	    dom_rest_open(&key, DOM_REST_EMAIL, sealed, arena, &plain), DOM_EINTEGRITY);
	assert_int_equal(
	    dom_rest_open(&bos, DOM_REST_NAME, sealed, arena, &plain), DOM_EINTEGRITY);
	for (size_t size = 0; size < sealed.size; size++)
		assert_int_equal(dom_rest_open(&key, DOM_REST_NAME,
		                     dom_slice(sealed.data, size), arena, &plain),
		    DOM_EINTEGRITY);
	/* Equal names do not look equal. */
	assert_int_equal(
	    dom_rest_seal(&key, DOM_REST_NAME, plain, &random, arena, &again), DOM_OK);
	assert_memory_not_equal(sealed.data, again.data, sealed.size);
}

/* KDF and MAC by Python's hashlib.blake2b, of the region key 00 01 .. 1f. */
static void
look_ups_go_by_hashes_that_stay_what_they_are(void **state)
{
	static const uint8_t expected[DOM_INDEX_COUNT][8] = {
	    [DOM_INDEX_NAME] = {0x1f, 0xf6, 0x1e, 0x54, 0x86, 0x72, 0xae, 0xd9},
	    [DOM_INDEX_EMAIL] = {0xb0, 0x48, 0xe8, 0x3a, 0x41, 0x4a, 0x89, 0x2c},
	    [DOM_INDEX_JOURNAL] = {0x88, 0xa5, 0x19, 0x32, 0x7d, 0x45, 0xc5, 0xd9},
	    [DOM_INDEX_CHECK] = {0xac, 0x10, 0x37, 0xfb, 0x30, 0x40, 0xf2, 0x8e}};
	uint8_t hash[DOM_INDEX_SIZE], elsewhere[DOM_INDEX_SIZE];

	(void)state;
	for (unsigned what = 0; what < DOM_INDEX_COUNT; what++) {
		dom_region_index(region, (enum dom_index)what, dom_slice_of("ana"), hash);
		assert_memory_equal(hash, expected[what], sizeof(expected[what]));
		dom_region_index(other, (enum dom_index)what, dom_slice_of("ana"), elsewhere);
		assert_memory_not_equal(hash, elsewhere, sizeof(hash));
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_opens_for_its_account_in_its_region_only),
	    cmocka_unit_test(what_was_sealed_opens_as_what_it_was_only),
	    cmocka_unit_test(look_ups_go_by_hashes_that_stay_what_they_are),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
