/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Base64, hex, UTF-8, and numbers below a bound. */
/* cmocka.h needs the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <domicile/status.h>

#include "base/encode.h"
#include "base/random.h"
#include "base/utf8.h"

static void
test_base64_of_every_length_comes_back(void **state)
{
	uint8_t data[200], back[200];
	char text[DOM_BASE64_SIZE(sizeof(data)) + 1];
	size_t size;

	(void)state;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37 + 11);
	for (size_t length = 0; length <= sizeof(data); length++) {
		dom_base64_encode(dom_slice(data, length), text);
		assert_int_equal(strlen(text), DOM_BASE64_SIZE(length));
		assert_int_equal(
		    dom_base64_decode(dom_slice_of(text), back, length, &size), DOM_OK);
		assert_int_equal(size, length);
		assert_memory_equal(back, data, length);
		if (length > 0)
			assert_int_equal(
			    dom_base64_decode(dom_slice_of(text), back, length - 1, &size),
			    DOM_ELIMIT);
	}
}

/* RFC 4648, section 10, without the padding. */
static void
test_base64_known_answers(void **state)
{
	static const char *const cases[][2] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"},
	    {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"},
	    {"\xfb\xff\xfe", "-__-"}};
	char text[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		dom_base64_encode(dom_slice_of(cases[i][0]), text);
		assert_string_equal(text, cases[i][1]);
	}
}

static void
test_base64_has_one_form_only(void **state)
{
	static const char *const bad[] = {"A", "AAAAA", "Zg==", "Zg=", "Zm9v\n", " Zm9v",
	    "Zm+v", "Zm/v", "Zh", "Zm9", "Z\xc3\xa9", "AA.A"};
	uint8_t data[16];
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(
		    dom_base64_decode(dom_slice_of(bad[i]), data, sizeof(data), &size),
		    DOM_EINPUT);
	assert_int_equal(
	    dom_base64_decode(dom_slice("Zm\0v", 4), data, sizeof(data), &size), DOM_EINPUT);
}

static void
test_hex_comes_back_and_is_strict(void **state)
{
	static const char *const bad[] = {"0", "0g", "0A", "0x", " 0", "é"};
	uint8_t data[256], back[256];
	char text[513];
	size_t size;

	(void)state;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	dom_hex_encode(dom_slice(data, sizeof(data)), text);
	assert_memory_equal(text, "000102", 6);
	assert_string_equal(text + 506, "fdfeff");
	assert_int_equal(dom_hex_decode(dom_slice_of(text), back, sizeof(back), &size), DOM_OK);
	assert_int_equal(size, sizeof(back));
	assert_memory_equal(back, data, sizeof(back));
	assert_int_equal(dom_hex_decode(dom_slice_of(text), back, 255, &size), DOM_ELIMIT);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(
		    dom_hex_decode(dom_slice_of(bad[i]), back, sizeof(back), &size),
		    DOM_EINPUT);
}

static void
test_every_code_point_but_surrogates_is_valid_utf8(void **state)
{
	(void)state;
	for (uint32_t code = 0; code <= 0x10ffff; code++) {
		uint8_t bytes[4];
		unsigned size = dom_utf8_encode(code, bytes);
		bool surrogate = code >= 0xd800 && code <= 0xdfff;

		assert_int_equal(size, code < 0x80      ? 1
		                       : code < 0x800   ? 2
		                       : code < 0x10000 ? 3
		                                        : 4);
		assert_int_equal(dom_utf8_valid(dom_slice(bytes, size)), !surrogate);
		for (unsigned cut = 1; cut < size; cut++)
			assert_false(dom_utf8_valid(dom_slice(bytes, cut)));
	}
}

static void
test_malformed_utf8_is_refused(void **state)
{
	static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf",
	    "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
	    "\xfe", "a\xc3", "\xc3(", "\xe2\x82(", "\xf0\x9f\x98(", "\xed\xa0\x80",
	    "ok\xe2\x82"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(dom_utf8_valid(dom_slice_of(bad[i])));
	assert_true(dom_utf8_valid(dom_slice(NULL, 0)));
	assert_true(dom_utf8_valid(dom_slice("a\0b", 3)));
	assert_true(dom_utf8_valid(dom_slice_of("p\xc3\xa4ss \xe2\x98\x83 \xf0\x9f\x94\x91")));
}

struct draws {
	const uint32_t *values;
	size_t left;
};

static void
draw_next(void *context, void *data, size_t size)
{
	struct draws *draws = context;

	assert_int_equal(size, sizeof(uint32_t));
	assert_true(draws->left > 0);
	memcpy(data, draws->values, size);
	draws->values++;
	draws->left--;
}

static void
test_random_below_draws_again_where_small_numbers_would_be_favoured(void **state)
{
	/* 2^32 mod 3 is 1: only 0 is refused.  2^32 mod 2^31+1 is 2^31-1. */
	static const uint32_t values[] = {0, 1, 2, 3, UINT32_MAX, 5, 0x7ffffffe, 0x7fffffff, 9};
	struct draws draws = {.values = values, .left = sizeof(values) / sizeof(*values)};
	struct dom_random random = {.fill = draw_next, .context = &draws};

	(void)state;
	assert_int_equal(dom_random_below(&random, 3), 1); /* after the 0 */
	assert_int_equal(dom_random_below(&random, 3), 2);
	assert_int_equal(dom_random_below(&random, 3), 0);
	assert_int_equal(dom_random_below(&random, UINT32_MAX), 0);
	assert_int_equal(dom_random_below(&random, 0x80000001), 0x7fffffff);
	assert_int_equal(dom_random_below(&random, 1), 0);
	assert_int_equal(draws.left, 0);
}

static void
test_every_status_has_a_sentence_without_a_full_stop(void **state)
{
	(void)state;
	for (int status = DOM_ESTOPPED; status <= DOM_CONFLICT; status++) {
		const char *text = dom_status_text((enum dom_status)status);

		assert_non_null(text);
		assert_string_not_equal(text, "unknown status");
		assert_int_not_equal(text[strlen(text) - 1], '.');
	}
	assert_string_equal(dom_status_text((enum dom_status) - 99), "unknown status");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_base64_of_every_length_comes_back),
	    cmocka_unit_test(test_base64_known_answers),
	    cmocka_unit_test(test_base64_has_one_form_only),
	    cmocka_unit_test(test_hex_comes_back_and_is_strict),
	    cmocka_unit_test(test_every_code_point_but_surrogates_is_valid_utf8),
	    cmocka_unit_test(test_malformed_utf8_is_refused),
	    cmocka_unit_test(
	        test_random_below_draws_again_where_small_numbers_would_be_favoured),
	    cmocka_unit_test(test_every_status_has_a_sentence_without_a_full_stop),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
