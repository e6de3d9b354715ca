/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The MessagePack reader and writer: every width, every cut, and bombs. */
/* cmocka.h needs the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>

#include "base/msgpack.h"

static struct dom_pack_reader
over(const char *bytes, size_t size)
{
	return dom_pack_reader_over(dom_slice(bytes, size));
}

static void
test_integers_take_the_shortest_form_and_come_back(void **state)
{
	static const struct {
		int64_t value;
		size_t size;
		uint8_t first;
	} cases[] = {
	    {0, 1, 0x00},
	    {127, 1, 0x7f},
	    {128, 2, 0xcc},
	    {255, 2, 0xcc},
	    {256, 3, 0xcd},
	    {65535, 3, 0xcd},
	    {65536, 5, 0xce},
	    {UINT32_MAX, 5, 0xce},
	    {INT64_C(4294967296), 9, 0xcf},
	    {INT64_MAX, 9, 0xcf},
	    {-1, 1, 0xff},
	    {-32, 1, 0xe0},
	    {-33, 2, 0xd0},
	    {INT8_MIN, 2, 0xd0},
	    {-129, 3, 0xd1},
	    {INT16_MIN, 3, 0xd1},
	    {-32769, 5, 0xd2},
	    {INT32_MIN, 5, 0xd2},
	    {INT64_C(-2147483649), 9, 0xd3},
	    {INT64_MIN, 9, 0xd3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct dom_buffer out = {0};
		struct dom_pack_reader in;

		dom_pack_put_int(&out, cases[i].value);
		assert_int_equal(out.size, cases[i].size);
		assert_int_equal(out.data[0], cases[i].first);
		in = dom_pack_reader_over(dom_buffer_slice(&out));
		assert_true(dom_pack_int(&in, INT64_MIN, INT64_MAX) == cases[i].value);
		assert_int_equal(dom_pack_finish(&in), DOM_OK);
		dom_buffer_free(&out);
	}
}

static void
test_integers_of_any_width_are_read_and_bounded(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		int64_t value;
	} wide[] = {
	    {"\xcc\x05", 2, 5},
	    {"\xcd\x00\x05", 3, 5},
	    {"\xce\x00\x00\x00\x05", 5, 5},
	    {"\xcf\x00\x00\x00\x00\x00\x00\x00\x05", 9, 5},
	    {"\xd0\x05", 2, 5},
	    {"\xd1\xff\xfb", 3, -5},
	    {"\xd2\xff\xff\xff\xfb", 5, -5},
	    {"\xd3\xff\xff\xff\xff\xff\xff\xff\xfb", 9, -5},
	    {"\xd1\x00\xff", 3, 255},
	};
	struct dom_pack_reader in;

	(void)state;
	for (size_t i = 0; i < sizeof(wide) / sizeof(*wide); i++) {
		in = over(wide[i].bytes, wide[i].size);
		assert_int_equal(dom_pack_int(&in, -1000, 1000), wide[i].value);
		assert_int_equal(dom_pack_finish(&in), DOM_OK);
		in = over(wide[i].bytes, wide[i].size);
		assert_int_equal(dom_pack_int(&in, wide[i].value + 1, 1000), 0);
		assert_int_equal(dom_pack_finish(&in), DOM_EINPUT);
		in = over(wide[i].bytes, wide[i].size);
		assert_int_equal(dom_pack_int(&in, -1000, wide[i].value - 1), 0);
		assert_int_equal(dom_pack_finish(&in), DOM_EINPUT);
	}
	/* Over INT64_MAX it must not come out negative. */
	in = over("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9);
	assert_int_equal(dom_pack_int(&in, INT64_MIN, INT64_MAX), 0);
	assert_int_equal(dom_pack_finish(&in), DOM_EINPUT);
}

static void
check_sized(size_t size, size_t str_head, size_t bin_head)
{
	char *bytes = calloc(1, size + 1);
	struct dom_buffer out = {0};
	struct dom_pack_reader in;
	struct dom_slice content;

	assert_non_null(bytes);
	memset(bytes, 'x', size);
	content = dom_slice(bytes, size);
	dom_pack_put_str(&out, content);
	assert_int_equal(out.size, size + str_head);
	dom_pack_put_bin(&out, content);
	assert_int_equal(out.size, 2 * size + str_head + bin_head);
	in = dom_pack_reader_over(dom_buffer_slice(&out));
	assert_int_equal(dom_pack_peek(&in), DOM_PACK_STR);
	assert_true(dom_slice_equal(dom_pack_str(&in), content));
	assert_int_equal(dom_pack_peek(&in), DOM_PACK_BIN);
	assert_true(dom_slice_equal(dom_pack_bin(&in), content));
	assert_int_equal(dom_pack_finish(&in), DOM_OK);
	assert_int_equal(dom_pack_peek(&in), DOM_PACK_END);
	dom_buffer_free(&out);
	free(bytes);
}

static void
test_text_and_bytes_of_every_width_come_back(void **state)
{
	(void)state;
	check_sized(0, 1, 2);
	check_sized(31, 1, 2);
	check_sized(32, 2, 2);
	check_sized(255, 2, 2);
	check_sized(256, 3, 3);
	check_sized(65535, 3, 3);
	check_sized(65536, 5, 5);
}

static void
check_container(size_t count, size_t head)
{
	struct dom_buffer out = {0};
	struct dom_pack_reader in;

	dom_pack_put_array(&out, count);
	assert_int_equal(out.size, head);
	for (size_t i = 0; i < count; i++)
		dom_pack_put_bool(&out, true);
	dom_pack_put_map(&out, count);
	for (size_t i = 0; i < 2 * count; i++)
		dom_pack_put_nil(&out);
	assert_int_equal(out.size, 2 * head + 3 * count);
	in = dom_pack_reader_over(dom_buffer_slice(&out));
	assert_int_equal(dom_pack_array(&in), count);
	for (size_t i = 0; i < count; i++)
		assert_true(dom_pack_bool(&in));
	assert_int_equal(dom_pack_map(&in), count);
	for (size_t i = 0; i < 2 * count; i++)
		assert_true(dom_pack_nil(&in));
	assert_false(dom_pack_nil(&in));
	assert_int_equal(dom_pack_finish(&in), DOM_OK);
	dom_buffer_free(&out);
}

static void
test_arrays_and_maps_of_every_width_come_back(void **state)
{
	(void)state;
	check_container(0, 1);
	check_container(15, 1);
	check_container(16, 3);
	check_container(65535, 3);
	check_container(65536, 5);
}

/* One of each marker with a length or payload; wide forms of small values. */
static const char everything[] = "\xdc\x00\x13" /* array16 of 19 */
                                 "\x05\xe5\xc0\xc2\xc3"
                                 "\xc4\x01"
                                 "a"
                                 "\xc5\x00\x01"
                                 "b"
                                 "\xc6\x00\x00\x00\x01"
                                 "c"
                                 "\xd9\x01"
                                 "d"
                                 "\xda\x00\x01"
                                 "e"
                                 "\xdb\x00\x00\x00\x01"
                                 "f"
                                 "\xc7\x01\x07"
                                 "g"
                                 "\xd6\x07"
                                 "four"
                                 "\xca\x3f\x80\x00\x00"
                                 "\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"
                                 "\xdd\x00\x00\x00\x01\x01"
                                 "\xde\x00\x01\xa1k\x81\xa1k\x90"
                                 "\xdf\x00\x00\x00\x00"
                                 "\xcf\x00\x00\x00\x00\x00\x00\x00\x01";

static void
test_skip_passes_every_type_and_raw_gives_its_bytes(void **state)
{
	struct dom_pack_reader in = over(everything, sizeof(everything) - 1);
	struct dom_slice raw;

	(void)state;
	dom_pack_skip(&in);
	assert_int_equal(dom_pack_finish(&in), DOM_OK);
	in = over(everything, sizeof(everything) - 1);
	raw = dom_pack_raw(&in);
	assert_int_equal(raw.size, sizeof(everything) - 1);
	assert_ptr_equal(raw.data, everything);
	in = over(everything, sizeof(everything) - 1);
	assert_int_equal(dom_pack_array(&in), 19);
	for (unsigned i = 0; i < 19; i++)
		assert_true(dom_pack_raw(&in).size > 0);
	assert_int_equal(dom_pack_finish(&in), DOM_OK);
}

static void
test_a_value_cut_short_at_any_byte_fails(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof(everything) - 1; size++) {
		/* On the heap, so that reading past the end is seen. */
		char *cut = malloc(size + 1);
		struct dom_pack_reader in;

		assert_non_null(cut);
		memcpy(cut, everything, size);
		in = over(cut, size);
		assert_int_equal(dom_pack_raw(&in).size, 0);
		assert_int_equal(dom_pack_finish(&in), DOM_EINPUT);
		free(cut);
	}
}

static void
test_a_typed_read_of_another_type_fails_and_stays_failed(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} values[] = {{"\x01", 1}, {"\xc0", 1}, {"\xc3", 1}, {"\xa1x", 2}, {"\xc4\x01x", 3},
	    {"\x90", 1}, {"\x80", 1}, {"\xca\0\0\0\0", 5}, {"\xd4\x01x", 3}, {"\xc1", 1}};
	/* Which reads each accepts: int, bool, str, bin, array, map. */
	static const char *const accepted[] = {"100000", "000000", "010000", "001100", "000100",
	    "000010", "000001", "000000", "000000", "000000"};

	(void)state;
	for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++) {
		for (unsigned read = 0; read < 6; read++) {
			struct dom_pack_reader in = over(values[v].bytes, values[v].size);

			switch (read) {
			case 0:
				dom_pack_int(&in, 0, 9);
				break;
			case 1:
				dom_pack_bool(&in);
				break;
			case 2:
				dom_pack_str(&in);
				break;
			case 3:
				dom_pack_bin(&in);
				break;
			case 4:
				dom_pack_array(&in);
				break;
			default:
				dom_pack_map(&in);
				break;
			}
			assert_int_equal(dom_pack_finish(&in),
			    accepted[v][read] == '1' ? DOM_OK : DOM_EINPUT);
			if (in.failed != DOM_OK) {
				in.at = (const uint8_t *)"\x01"; /* even with more to read */
				in.end = in.at + 1;
				assert_int_equal(dom_pack_int(&in, 0, 9), 0);
				assert_null(dom_pack_bin(&in).data);
				assert_int_equal(dom_pack_finish(&in), DOM_EINPUT);
			}
		}
	}
}

static void
test_text_that_is_not_utf8_is_refused(void **state)
{
	struct dom_pack_reader in = over("\xa2\xc3\x28", 3);

	(void)state;
	assert_null(dom_pack_str(&in).data);
	assert_int_equal(dom_pack_finish(&in), DOM_EINPUT);
}

static void
test_a_count_that_cannot_be_there_is_refused_before_it_is_allocated_for(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		bool map;
	} bombs[] = {
	    {"\xdd\xff\xff\xff\xff\x00", 6, false},
	    {"\xdc\xff\xff\x00", 4, false},
	    {"\x92\x00", 2, false},
	    {"\xdf\xff\xff\xff\xff\x00", 6, true},
	    {"\x82\x00\x00\x00", 4, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bombs) / sizeof(*bombs); i++) {
		struct dom_pack_reader in = over(bombs[i].bytes, bombs[i].size);

		assert_int_equal(bombs[i].map ? dom_pack_map(&in) : dom_pack_array(&in), 0);
		assert_int_equal(dom_pack_finish(&in), DOM_EINPUT);
	}
}

static void
test_skipping_deep_nesting_is_bounded_and_needs_no_stack(void **state)
{
	enum { DEEP = DOM_PACK_SKIP_MAX - 1, TOO_DEEP = DOM_PACK_SKIP_MAX };
	char *nested = malloc(TOO_DEEP + 1);
	struct dom_pack_reader in;

	(void)state;
	assert_non_null(nested);
	memset(nested, '\x91', TOO_DEEP + 1);
	nested[DEEP] = '\xc0';
	in = over(nested, DEEP + 1);
	dom_pack_skip(&in);
	assert_int_equal(dom_pack_finish(&in), DOM_OK);
	nested[DEEP] = '\x91';
	nested[TOO_DEEP] = '\xc0';
	in = over(nested, TOO_DEEP + 1);
	dom_pack_skip(&in);
	assert_int_equal(dom_pack_finish(&in), DOM_EINPUT);
	/* Counts far over what is there, one in the other. */
	for (size_t i = 0; i + 5 <= TOO_DEEP; i += 5)
		memcpy(nested + i, "\xdf\xff\xff\xff\xff", 5);
	in = over(nested, TOO_DEEP / 5 * 5);
	dom_pack_skip(&in);
	assert_int_equal(dom_pack_finish(&in), DOM_EINPUT);
	free(nested);
}

static void
test_bytes_left_over_and_rejection_by_hand_fail(void **state)
{
	struct dom_pack_reader in = over("\x01\x02", 2);

	(void)state;
	assert_int_equal(dom_pack_int(&in, 0, 9), 1);
	assert_int_equal(dom_pack_finish(&in), DOM_EINPUT);
	assert_int_equal(dom_pack_int(&in, 0, 9), 2);
	assert_int_equal(dom_pack_finish(&in), DOM_OK);
	dom_pack_reject(&in);
	assert_int_equal(dom_pack_finish(&in), DOM_EINPUT);
	in = over(NULL, 0);
	assert_int_equal(dom_pack_peek(&in), DOM_PACK_END);
	assert_false(dom_pack_nil(&in));
	assert_int_equal(dom_pack_finish(&in), DOM_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_integers_take_the_shortest_form_and_come_back),
	    cmocka_unit_test(test_integers_of_any_width_are_read_and_bounded),
	    cmocka_unit_test(test_text_and_bytes_of_every_width_come_back),
	    cmocka_unit_test(test_arrays_and_maps_of_every_width_come_back),
	    cmocka_unit_test(test_skip_passes_every_type_and_raw_gives_its_bytes),
	    cmocka_unit_test(test_a_value_cut_short_at_any_byte_fails),
	    cmocka_unit_test(test_a_typed_read_of_another_type_fails_and_stays_failed),
	    cmocka_unit_test(test_text_that_is_not_utf8_is_refused),
	    cmocka_unit_test(
	        test_a_count_that_cannot_be_there_is_refused_before_it_is_allocated_for),
	    cmocka_unit_test(test_skipping_deep_nesting_is_bounded_and_needs_no_stack),
	    cmocka_unit_test(test_bytes_left_over_and_rejection_by_hand_fail),
	};

	return cmocka_run_group_tests_name("msgpack", tests, NULL, NULL);
}
