/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sync tokens: order, check value, and what is refused. */

#include "base/encode.h"

#include "wire/stoken.h"

#include "testing.h"

static void
owner(uint8_t id[WIRE_OWNER_ID_SIZE], unsigned number)
{
	memset(id, 0, WIRE_OWNER_ID_SIZE);
	id[0] = (uint8_t)(number >> 8);
	id[WIRE_OWNER_ID_SIZE - 1] = (uint8_t)number;
}

static void
owners_are_kept_in_order_and_come_back(void **state)
{
	static const unsigned numbers[] = {700, 3, 65535, 512, 9};
	char text[WIRE_STOKEN_SIZE(5) + 1];
	struct wire_stoken stoken = {0}, again;
	uint8_t id[WIRE_OWNER_ID_SIZE];

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		owner(id, numbers[i]);
		assert_int_equal(wire_stoken_get(&stoken, id), 0);
		assert_int_equal(wire_stoken_set(&stoken, id, 1000 + i), DOM_OK);
	}
	owner(id, 3);
	assert_int_equal(wire_stoken_set(&stoken, id, INT64_MAX), DOM_OK);
	assert_int_equal(stoken.count, 5);
	assert_int_equal(wire_stoken_encode(&stoken, text), DOM_OK);
	assert_int_equal(strlen(text), WIRE_STOKEN_SIZE(5));
	assert_int_equal(wire_stoken_decode(dom_slice_of(text), &again), DOM_OK);
	assert_int_equal(again.count, 5);
	for (unsigned i = 0; i < 5; i++) {
		owner(id, numbers[i]);
		assert_true(wire_stoken_get(&again, id) ==
		            (numbers[i] == 3 ? (uint64_t)INT64_MAX : 1000 + i));
		if (i > 0)
			assert_true(memcmp(again.entries[i - 1].owner_id,
			                again.entries[i].owner_id, WIRE_OWNER_ID_SIZE) < 0);
	}
}

static void
the_largest_token_fits_and_one_more_owner_does_not(void **state)
{
	static char text[WIRE_STOKEN_SIZE(WIRE_STOKEN_OWNERS_MAX) + 1];
	static struct wire_stoken stoken, again;
	uint8_t id[WIRE_OWNER_ID_SIZE];

	(void)state;
	for (unsigned i = 0; i < WIRE_STOKEN_OWNERS_MAX; i++) {
		owner(id, i);
		assert_int_equal(wire_stoken_set(&stoken, id, i + 1), DOM_OK);
	}
	owner(id, 60000);
	assert_int_equal(wire_stoken_set(&stoken, id, 1), DOM_ELIMIT);
	assert_int_equal(wire_stoken_encode(&stoken, text), DOM_OK);
	assert_int_equal(wire_stoken_decode(dom_slice_of(text), &again), DOM_OK);
	assert_int_equal(again.count, WIRE_STOKEN_OWNERS_MAX);
	assert_memory_equal(again.entries, stoken.entries, sizeof(stoken.entries));
}

static void
a_changed_character_or_a_cut_is_found(void **state)
{
	char text[WIRE_STOKEN_SIZE(1) + 1], bad[sizeof(text)];
	struct wire_stoken stoken = {.count = 1}, again;

	(void)state;
	stoken.entries[0].clock = 77;
	assert_int_equal(wire_stoken_encode(&stoken, text), DOM_OK);
	for (size_t i = 0; i < strlen(text); i++) {
		memcpy(bad, text, sizeof(text));
		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		assert_int_equal(wire_stoken_decode(dom_slice_of(bad), &again), DOM_EINPUT);
		assert_int_equal(wire_stoken_decode(dom_slice(text, i), &again), DOM_EINPUT);
		assert_int_equal(again.count, 0);
	}
	assert_int_equal(
	    wire_stoken_decode(dom_slice_of("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), &again),
	    DOM_EINPUT);
	assert_int_equal(wire_stoken_decode(dom_slice_of(""), &again), DOM_EINPUT);
}

/* Owners twice or out of order, and clocks over 63 bits, even with a right check. */
static void
entries_out_of_order_are_refused(void **state)
{
	char text[WIRE_STOKEN_SIZE(2) + 1];
	struct wire_stoken stoken = {.count = 2}, again;

	(void)state;
	assert_int_equal(wire_stoken_encode(&stoken, text), DOM_OK);
	assert_int_equal(wire_stoken_decode(dom_slice_of(text), &again), DOM_EINPUT);
	stoken.entries[0].owner_id[0] = 2;
	stoken.entries[1].owner_id[0] = 1;
	assert_int_equal(wire_stoken_encode(&stoken, text), DOM_OK);
	assert_int_equal(wire_stoken_decode(dom_slice_of(text), &again), DOM_EINPUT);
	stoken.entries[1].owner_id[0] = 3;
	assert_int_equal(wire_stoken_encode(&stoken, text), DOM_OK);
	assert_int_equal(wire_stoken_decode(dom_slice_of(text), &again), DOM_OK);
	stoken.entries[1].clock = (uint64_t)INT64_MAX + 1;
	assert_int_equal(wire_stoken_encode(&stoken, text), DOM_OK);
	assert_int_equal(wire_stoken_decode(dom_slice_of(text), &again), DOM_EINPUT);
}

/* A token is part of what clients keep for years: its bytes do not change. */
static void
the_format_stays_as_it_is(void **state)
{
	char text[WIRE_STOKEN_SIZE(1) + 1];
	uint8_t bytes[29];
	size_t size;
	struct wire_stoken stoken = {.count = 1};

	(void)state;
	memset(stoken.entries[0].owner_id, 0xab, WIRE_OWNER_ID_SIZE);
	stoken.entries[0].clock = 0x0102030405060708;
	assert_int_equal(wire_stoken_encode(&stoken, text), DOM_OK);
	assert_int_equal(
	    dom_base64_decode(dom_slice_of(text), bytes, sizeof(bytes), &size), DOM_OK);
	assert_int_equal(size, 29);
	assert_memory_equal(bytes,
	    "\x01\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab"
	    "\x01\x02\x03\x04\x05\x06\x07\x08",
	    25);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(owners_are_kept_in_order_and_come_back),
	    cmocka_unit_test(the_largest_token_fits_and_one_more_owner_does_not),
	    cmocka_unit_test(a_changed_character_or_a_cut_is_found),
	    cmocka_unit_test(entries_out_of_order_are_refused),
	    cmocka_unit_test(the_format_stays_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
