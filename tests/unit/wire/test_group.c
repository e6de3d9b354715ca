/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The group file: what it may say, and that nobody changes it unseen. */
#include "crypto/group.h"

#include "wire/group.h"

#include "testing.h"

static struct dom_arena *arena;
static struct dom_buffer file;
static struct dom_group_key *key;

static int
set_up(void **state)
{
	static const uint8_t secret[DOM_KEY_SIZE] = {7};

	(void)state;
	if (dom_crypto_start() != DOM_OK)
		return -1;
	arena = dom_arena_new(0);
	file = (struct dom_buffer){0};
	return arena == NULL || dom_group_key_from_bytes(
	                            dom_slice(secret, sizeof(secret)), &key) != DOM_OK
	           ? -1
	           : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dom_group_key_free(&key);
	dom_buffer_free(&file);
	dom_arena_free(&arena);
	return 0;
}

static struct wire_group_region regions[2];

static struct wire_group
two_regions(void)
{
	struct wire_group group = {.version = 3,
	    .issued_ms = 1700000000000,
	    .name = dom_slice_of("Our family"),
	    .regions = regions,
	    .region_count = 2};

	regions[0] = (struct wire_group_region){.name = dom_slice_of("in"),
	    .country = dom_slice_of("IN"),
	    .key = {1},
	    .addresses = {dom_slice_of("https://in.example.net"),
	        dom_slice_of("https://in2.example.net:8443/sync")},
	    .address_count = 2,
	    .flags = WIRE_REGION_LETS,
	    .grace_min_days = 1,
	    .grace_max_days = 30};
	regions[1] = (struct wire_group_region){.name = dom_slice_of("sg"),
	    .key = {2},
	    .addresses = {dom_slice_of("http://127.0.0.1:8037")},
	    .address_count = 1,
	    .flags = WIRE_REGION_TAKES | WIRE_REGION_LETS};
	dom_group_public(key, group.key);
	return group;
}

static void
sign(const struct wire_group *group)
{
	uint8_t signature[DOM_SIGNATURE_SIZE];

	dom_buffer_clear(&file);
	wire_group_encode(&file, group);
	dom_group_sign(key, dom_buffer_slice(&file), signature);
	dom_buffer_append(&file, signature, sizeof(signature));
	assert_int_equal(dom_buffer_finish(&file), DOM_OK);
}

static void
a_group_comes_back_as_it_was_signed(void **state)
{
	struct wire_group is = two_regions(), again;
	const struct wire_group_region *in;
	const char *why;

	(void)state;
	sign(&is);
	assert_int_equal(
	    wire_group_decode(dom_buffer_slice(&file), arena, &again, &why), DOM_OK);
	assert_memory_equal(again.key, is.key, 32);
	assert_int_equal(again.version, 3);
	assert_int_equal(again.issued_ms, is.issued_ms);
	assert_true(dom_slice_is(again.name, "Our family"));
	assert_int_equal(again.region_count, 2);
	in = wire_group_find(&again, dom_slice_of("in"));
	assert_non_null(in);
	assert_true(dom_slice_is(in->country, "IN"));
	assert_int_equal(in->address_count, 2);
	assert_true(dom_slice_is(in->addresses[1], "https://in2.example.net:8443/sync"));
	assert_int_equal(in->flags, WIRE_REGION_LETS);
	assert_int_equal(in->grace_max_days, 30);
	assert_null(wire_group_find(&again, dom_slice_of("cn")));
}

static void
no_bit_of_a_group_file_can_change(void **state)
{
	struct wire_group is = two_regions(), again;
	struct dom_buffer changed = {0};
	const char *why;
	size_t size;

	(void)state;
	sign(&is);
	size = dom_buffer_slice(&file).size;
	dom_buffer_append(&changed, dom_buffer_slice(&file).data, size);
	assert_int_equal(dom_buffer_finish(&changed), DOM_OK);
	for (size_t bit = 0; bit < size * 8; bit++) {
		changed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_true(
		    wire_group_decode(dom_buffer_slice(&changed), arena, &again, &why) < 0);
		assert_non_null(why);
		changed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		dom_arena_reset(arena);
	}
	for (size_t short_of = 0; short_of < size; short_of++)
		assert_int_equal(
		    wire_group_decode(dom_slice(changed.data, short_of), arena, &again, &why),
		    DOM_EINPUT);
	dom_buffer_append(&changed, "", 1);
	assert_int_equal(
	    wire_group_decode(dom_buffer_slice(&changed), arena, &again, &why), DOM_EINPUT);
	dom_buffer_free(&changed);
}

static void
assert_refused(const struct wire_group *group)
{
	const char *why = NULL;

	assert_int_equal(wire_group_check(group, &why), DOM_EINPUT);
	assert_non_null(why);
}

static void
a_group_that_makes_no_sense_is_refused_with_a_sentence(void **state)
{
	struct wire_group group = two_regions();

	(void)state;
	group.version = 0;
	assert_refused(&group);
	group = two_regions();
	group.name = dom_slice_of("");
	assert_refused(&group);
	group = two_regions();
	group.name = dom_slice_of("\xff");
	assert_refused(&group);
	group = two_regions();
	group.name = dom_slice_of("a\nb");
	assert_refused(&group);
	group = two_regions();
	regions[1].name = dom_slice_of("in");
	assert_refused(&group);
	group = two_regions();
	regions[1].name = dom_slice_of("aa");
	assert_refused(&group);
	group = two_regions();
	regions[1].key[0] = regions[0].key[0];
	assert_refused(&group);
	group = two_regions();
	regions[0].key[0] = 0;
	assert_refused(&group);
	group = two_regions();
	regions[0].country = dom_slice_of("in");
	assert_refused(&group);
	group = two_regions();
	regions[0].address_count = 0;
	assert_refused(&group);
	group = two_regions();
	regions[0].flags = 4;
	assert_refused(&group);
	group = two_regions();
	regions[0].grace_min_days = 31;
	assert_refused(&group);
	group = two_regions();
	regions[0].grace_max_days = WIRE_GRACE_DAYS_MAX + 1;
	assert_refused(&group);
}

static void
an_address_is_https_or_loopback_and_nothing_else(void **state)
{
	static const char *const good[] = {"https://a.example", "https://a.example:1/b",
	    "https://[2001:db8::1]:8443", "http://127.0.0.1:80", "http://127.9.9.9",
	    "http://localhost/x", "http://[::1]:8037"};
	static const char *const bad[] = {"", "https://", "http://a.example",
	    "http://127.0.0.1.example", "http://127.", "http://127.a", "ftp://a", "https:/a",
	    "https://user@a", "https://a?b", "https://a#b", "https://a b", "https://\xc3\xa9",
	    "http://[::2]", "http://localhost.example", "http://:80"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(wire_address_valid(dom_slice_of(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(wire_address_valid(dom_slice_of(bad[i])));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        a_group_comes_back_as_it_was_signed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        no_bit_of_a_group_file_can_change, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_group_that_makes_no_sense_is_refused_with_a_sentence, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        an_address_is_https_or_loopback_and_nothing_else, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
