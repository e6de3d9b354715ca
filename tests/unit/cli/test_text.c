/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Numbers, sizes, dates and words as people write and read them. */
#include <time.h>

#include "cli/text.h"
#include "testing.h"

static char buffer[TEXT_SHORT];

static void
counts_have_commas_between_thousands(void **state)
{
	(void)state;
	assert_string_equal(text_count(0, buffer), "0");
	assert_string_equal(text_count(999, buffer), "999");
	assert_string_equal(text_count(2000, buffer), "2,000");
	assert_string_equal(text_count(1234567, buffer), "1,234,567");
	assert_string_equal(text_count(UINT64_MAX, buffer), "18,446,744,073,709,551,615");
}

static void
sizes_are_decimal_with_two_digits_or_three(void **state)
{
	(void)state;
	assert_string_equal(text_bytes(0, buffer), "0 bytes");
	assert_string_equal(text_bytes(1, buffer), "1 byte");
	assert_string_equal(text_bytes(999, buffer), "999 bytes");
	assert_string_equal(text_bytes(1000, buffer), "1.0 kB");
	assert_string_equal(text_bytes(9949, buffer), "9.9 kB");
	assert_string_equal(text_bytes(9960, buffer), "10 kB");
	assert_string_equal(text_bytes(999400, buffer), "999 kB");
	assert_string_equal(text_bytes(999600, buffer), "1.0 MB");
	assert_string_equal(text_bytes(UINT64_MAX, buffer), "18 EB");
}

static void
times_are_said_in_the_unit_that_fits(void **state)
{
	(void)state;
	assert_string_equal(text_seconds(400, buffer), "0.4 s");
	assert_string_equal(text_seconds(125000, buffer), "2 min 05 s");
	assert_string_equal(text_seconds(12000000, buffer), "3 h 20 min");
	assert_string_equal(text_moment(0, buffer), "0 ms");
	assert_string_equal(text_moment(999, buffer), "999 ms");
	assert_string_equal(text_moment(1500, buffer), "1.5 s");
	assert_string_equal(text_time(0, buffer), "never");
	assert_string_equal(text_time(1767225600000, buffer), "2026-01-01 00:00");
}

static void
spans_have_a_number_and_a_unit(void **state)
{
	int64_t ms = -1;

	(void)state;
	assert_true(text_span("90d", &ms));
	assert_int_equal(ms, 90LL * 86400000);
	assert_true(text_span("48h", &ms));
	assert_int_equal(ms, 2LL * 86400000);
	assert_true(text_span("12w", &ms));
	assert_int_equal(ms, 84LL * 86400000);
	assert_true(text_span("1y", &ms));
	assert_int_equal(ms, 365LL * 86400000);
	static const char *const bad[] = {"", "d", "0d", "-1d", "90", "90m", "9 d", "1.5d",
	    "9999999d", "99999999999999999999d", "90dd"};
	for (size_t at = 0; at < sizeof(bad) / sizeof(bad[0]); at++)
		assert_false(text_span(bad[at], &ms));
}

static void
dates_mean_the_end_of_that_day_and_must_exist(void **state)
{
	int64_t ms = -1;

	(void)state;
	assert_true(text_date("2026-01-31", &ms));
	assert_int_equal(ms, 1769903999999);
	assert_true(text_date("2028-02-29", &ms));
	static const char *const bad[] = {"", "2026-02-29", "2026-13-01", "2026-00-10",
	    "2026-1-31", "31.01.2026", "2026-01-31x", "2026/01/31", "2026-04-31"};
	for (size_t at = 0; at < sizeof(bad) / sizeof(bad[0]); at++)
		assert_false(text_date(bad[at], &ms));
}

static void
numbers_are_digits_within_a_bound(void **state)
{
	uint64_t number = 7;

	(void)state;
	assert_true(text_number("0", 10, &number));
	assert_int_equal(number, 0);
	assert_true(text_number("10", 10, &number));
	assert_int_equal(number, 10);
	assert_false(text_number("11", 10, &number));
	assert_false(text_number("9", 5, &number));
	assert_true(text_number("18446744073709551615", UINT64_MAX, &number));
	assert_true(number == UINT64_MAX);
	assert_false(text_number("18446744073709551616", UINT64_MAX, &number));
	assert_false(text_number("", 10, &number));
	assert_false(text_number("+1", 10, &number));
	assert_false(text_number("1 ", 10, &number));
}

static void
distance_counts_inserted_dropped_replaced_and_swapped_letters(void **state)
{
	(void)state;
	assert_int_equal(text_distance("", ""), 0);
	assert_int_equal(text_distance("", "abc"), 3);
	assert_int_equal(text_distance("backup", "backup"), 0);
	assert_int_equal(text_distance("bakup", "backup"), 1);
	assert_int_equal(text_distance("backupp", "backup"), 1);
	assert_int_equal(text_distance("backop", "backup"), 1);
	assert_int_equal(text_distance("bcakup", "backup"), 1);
	assert_int_equal(text_distance("kitten", "sitting"), 3);
	assert_true(text_distance("a word that is much too long to be meant", "on") > 32);
}

static void
what_could_steer_a_terminal_is_taken_out(void **state)
{
	char out[64], small[5];

	(void)state;
	assert_string_equal(text_clean("a\033[2Jb\nc\x7f", '?', out, sizeof(out)), "a?[2Jb?c?");
	assert_string_equal(
	    text_clean("Chlo\xc3\xa9 \xc2\x9b", '?', out, sizeof(out)), "Chlo\xc3\xa9 ?");
	assert_string_equal(text_clean("\xff\xc3", '_', out, sizeof(out)), "__");
	/* A character that does not fit is left out whole. */
	assert_string_equal(text_clean("abc\xc3\xa9", '?', small, sizeof(small)), "abc");
}

static void
cutting_leaves_characters_whole(void **state)
{
	(void)state;
	assert_int_equal(text_cut("abc", 5), 3);
	assert_int_equal(text_cut("abc", 2), 2);
	assert_int_equal(text_cut("a\xc3\xa9z", 2), 1);
	assert_int_equal(text_cut("a\xc3\xa9z", 3), 3);
	assert_int_equal(text_cut("\xf0\x9f\x98\x80", 3), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_have_commas_between_thousands),
	    cmocka_unit_test(sizes_are_decimal_with_two_digits_or_three),
	    cmocka_unit_test(times_are_said_in_the_unit_that_fits),
	    cmocka_unit_test(spans_have_a_number_and_a_unit),
	    cmocka_unit_test(dates_mean_the_end_of_that_day_and_must_exist),
	    cmocka_unit_test(numbers_are_digits_within_a_bound),
	    cmocka_unit_test(distance_counts_inserted_dropped_replaced_and_swapped_letters),
	    cmocka_unit_test(what_could_steer_a_terminal_is_taken_out),
	    cmocka_unit_test(cutting_leaves_characters_whole),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
