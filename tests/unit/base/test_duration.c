/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* ISO 8601 durations: reading them, and counting with them on the calendar. */
/* cmocka.h needs the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <time.h>

#include "base/duration.h"

static const int64_t hour_ms = 3600 * 1000, day_ms = 24 * 3600 * 1000;

/* "2024-02-29T12:00:00" in milliseconds since 1970, by the C library's calendar. */
static int64_t
at(const char *text)
{
	struct tm tm = {0};

	assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%S", &tm));
	return (int64_t)timegm(&tm) * 1000;
}

static struct dom_duration
duration(const char *text)
{
	struct dom_duration read;

	assert_int_equal(dom_duration_parse(dom_slice_of(text), &read), DOM_OK);
	return read;
}

static void
expect_after(const char *from, const char *text, const char *until)
{
	const struct dom_duration read = duration(text);
	int64_t ms = 0;

	assert_int_equal(dom_duration_after(at(from), &read, &ms), DOM_OK);
	assert_int_equal(ms, at(until));
}

static void
durations_are_read_and_printed_in_their_shortest_form(void **state)
{
	static const char *const forms[][3] = {
	    {"P1Y", "P1Y", "1 year"},
	    {"P18M", "P1Y6M", "1 year and 6 months"},
	    {"P90D", "P90D", "90 days"},
	    {"P2W", "P2W", "2 weeks"},
	    {"P1M2W", "P1M14D", "1 month and 14 days"},
	    {"P1Y2M3W4DT5H6M7S", "P1Y2M25DT5H6M7S",
	        "1 year, 2 months, 25 days, 5 hours, 6 minutes and 7 seconds"},
	    {"PT36H", "P1DT12H", "1 day and 12 hours"},
	    {"PT90M", "PT1H30M", "1 hour and 30 minutes"},
	    {"P1M", "P1M", "1 month"},
	    {"PT1M", "PT1M", "1 minute"},
	    {"P0D", "P0D", "no time"},
	    {"PT0S", "P0D", "no time"},
	    {"P0007D", "P1W", "1 week"},
	    {"P1000Y", "P1000Y", "1000 years"},
	};
	char text[DOM_DURATION_WORDS_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const struct dom_duration read = duration(forms[i][0]);

		dom_duration_print(&read, text);
		assert_string_equal(text, forms[i][1]);
		dom_duration_words(&read, text);
		assert_string_equal(text, forms[i][2]);
	}
}

static void
what_is_no_duration_is_refused(void **state)
{
	static const char *const wrong[] = {"", "P", "PT", "1Y", "P1", "P1YT", "PT1", "PY",
	    "p1y", "P1y", "P-1Y", "-P1Y", "+P1Y", "P1.5Y", "P1,5Y", "P 1Y", "P1Y ", " P1Y",
	    "P1D1Y", "P1Y1Y", "P1W1M", "PT1D", "P1H", "P1S", "PT1S1M", "PT1HT1S", "P1DT", "P1X",
	    "90d", "P1Y2",
	    "P00000000000000000000000000000000000000000000000000000000000000001D"};
	struct dom_duration read;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(dom_duration_parse(dom_slice_of(wrong[i]), &read), DOM_EINPUT);
	assert_int_equal(dom_duration_parse(dom_slice("P1Y\0", 4), &read), DOM_EINPUT);
}

static void
what_is_too_long_is_refused_without_overflow(void **state)
{
	static const char *const wrong[] = {"P1001Y", "P12001M", "P1000Y1M", "P99999999999Y",
	    "P4294967296M", "P18446744073709551617D", "P366001D", "PT31622400001S",
	    "P366000DT1S", "P99999999999999999999999999999999999999W",
	    "PT9223372036854775807S"};
	struct dom_duration read;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(dom_duration_parse(dom_slice_of(wrong[i]), &read), DOM_ELIMIT);
		assert_true(dom_duration_is_zero(&read));
	}
	assert_int_equal(duration("P366000D").ms, 366000 * day_ms);
}

static void
months_end_on_the_last_day_of_a_shorter_month(void **state)
{
	(void)state;
	expect_after("2024-01-31T10:20:30", "P1M", "2024-02-29T10:20:30");
	expect_after("2023-01-31T10:20:30", "P1M", "2023-02-28T10:20:30");
	expect_after("2024-02-29T00:00:00", "P1Y", "2025-02-28T00:00:00");
	expect_after("2024-02-29T00:00:00", "P4Y", "2028-02-29T00:00:00");
	expect_after("1896-02-29T00:00:00", "P4Y", "1900-02-28T00:00:00");
	expect_after("1996-02-29T00:00:00", "P4Y", "2000-02-29T00:00:00");
	expect_after("2024-10-31T23:59:59", "P1M", "2024-11-30T23:59:59");
	expect_after("2024-12-31T23:59:59", "P2M", "2025-02-28T23:59:59");
	expect_after("2024-01-31T00:00:00", "P1M1D", "2024-03-01T00:00:00");
	expect_after("1969-12-31T23:59:59", "P1M", "1970-01-31T23:59:59");
	expect_after("2024-03-30T01:30:00", "P1D", "2024-03-31T01:30:00");
	expect_after("2024-03-30T01:30:00", "PT24H", "2024-03-31T01:30:00");
	expect_after("2024-02-28T12:00:00", "P1W", "2024-03-06T12:00:00");
}

static void
the_calendar_is_the_c_librarys_from_year_1_to_9999(void **state)
{
	const struct dom_duration one_month = {.months = 1};
	int64_t until = at("9999-11-01T00:00:00");
	unsigned months = 0;

	(void)state;
	for (int64_t ms = at("0001-01-01T00:00:00"), next; ms < until; ms = next, months++) {
		time_t seconds = (time_t)(ms / 1000);
		struct tm tm;

		assert_non_null(gmtime_r(&seconds, &tm));
		assert_int_equal(tm.tm_mday, 1);
		assert_int_equal((tm.tm_year + 1900 - 1) * 12 + tm.tm_mon, (int)months);
		assert_int_equal(dom_duration_after(ms, &one_month, &next), DOM_OK);
	}
	assert_int_equal(months, 9998 * 12 + 10);
}

static void
times_before_the_year_1_and_after_9999_are_refused(void **state)
{
	const struct dom_duration month = duration("P1M"), second = duration("PT1S");
	int64_t ms = 0;

	(void)state;
	assert_int_equal(
	    dom_duration_after(at("9999-12-01T00:00:00"), &month, &ms), DOM_ELIMIT);
	assert_int_equal(
	    dom_duration_after(at("9999-12-31T23:59:59"), &second, &ms), DOM_ELIMIT);
	assert_int_equal(
	    dom_duration_before(at("0001-01-31T00:00:00"), &month, &ms), DOM_ELIMIT);
	assert_int_equal(
	    dom_duration_before(at("0001-01-01T00:00:00"), &second, &ms), DOM_ELIMIT);
	assert_int_equal(dom_duration_after(INT64_MAX, &second, &ms), DOM_ELIMIT);
	assert_int_equal(dom_duration_after(INT64_MIN, &second, &ms), DOM_ELIMIT);
	assert_int_equal(dom_duration_before(INT64_MIN, &second, &ms), DOM_ELIMIT);
	assert_int_equal(dom_duration_before(INT64_MAX, &second, &ms), DOM_ELIMIT);
}

/* A number from a fixed sequence, in [0, bound). */
static int64_t
draw(uint64_t *seed, int64_t bound)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int64_t)((*seed >> 11) % (uint64_t)bound);
}

static void
nothing_is_due_early_and_everything_within_a_day(void **state)
{
	static const char *const texts[] = {"P1M", "P1Y", "P13M", "P2M", "P90D", "P1M1D", "P4Y",
	    "P1YT12H", "P3W", "PT1S", "P0D", "P100Y", "P1M30D"};
	uint64_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		const struct dom_duration read =
		    duration(texts[draw(&seed, (int64_t)(sizeof(texts) / sizeof(texts[0])))]);
		int64_t now = at("2020-01-01T00:00:00") + draw(&seed, 3000 * 24) * hour_ms,
		        limit, stamp, due;

		assert_int_equal(dom_duration_before(now, &read, &limit), DOM_OK);
		stamp = limit - draw(&seed, 40 * 24) * hour_ms;
		assert_int_equal(dom_duration_after(stamp, &read, &due), DOM_OK);
		assert_true(due <= now);
		/* One day on, whatever is due now is within the limit. */
		stamp = limit + draw(&seed, 40 * 24) * hour_ms;
		assert_int_equal(dom_duration_after(stamp, &read, &due), DOM_OK);
		assert_int_equal(dom_duration_before(now + day_ms, &read, &limit), DOM_OK);
		assert_true(due > now || stamp <= limit);
	}
}

static void
a_duration_exceeds_another_if_it_does_from_any_date(void **state)
{
	static const struct {
		const char *one, *other;
		bool may;
	} pairs[] = {
	    {"P1Y", "P1Y", false},
	    {"P12M", "P1Y", false},
	    {"P1M", "P28D", true},
	    {"P1M", "P30D", true},
	    {"P1M", "P31D", false},
	    {"P28D", "P1M", false},
	    {"P29D", "P1M", true},
	    {"P31D", "P1M", true},
	    {"P365D", "P1Y", false},
	    {"P366D", "P1Y", true},
	    {"P1Y", "P365D", true},
	    {"P1Y", "P366D", false},
	    {"P3M", "P92D", false},
	    {"P3M", "P91D", true},
	    {"PT1S", "P0D", true},
	    {"P0D", "PT1S", false},
	    {"P10Y", "P6M", true},
	    {"P8Y", "P2921D", true},
	    {"P8Y", "P2922D", false},
	    {"P400Y", "P146096D", true},
	    {"P400Y", "P146097D", false},
	    {"P100Y", "P36525D", false},
	    {"P100Y", "P36524D", true},
	    {"P36524D", "P100Y", false},
	    {"P36525D", "P100Y", true},
	    {"P1000Y", "P365243D", false},
	    {"P1000Y", "P365242D", true},
	    {"P2M", "P62D", false},
	    {"P2M", "P61D", true},
	    {"P59D", "P2M", false},
	    {"P59DT1S", "P2M", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct dom_duration one = duration(pairs[i].one),
		                          other = duration(pairs[i].other);

		if (dom_duration_may_exceed(&one, &other) != pairs[i].may)
			fail_msg("%s and %s", pairs[i].one, pairs[i].other);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(durations_are_read_and_printed_in_their_shortest_form),
	    cmocka_unit_test(what_is_no_duration_is_refused),
	    cmocka_unit_test(what_is_too_long_is_refused_without_overflow),
	    cmocka_unit_test(months_end_on_the_last_day_of_a_shorter_month),
	    cmocka_unit_test(the_calendar_is_the_c_librarys_from_year_1_to_9999),
	    cmocka_unit_test(times_before_the_year_1_and_after_9999_are_refused),
	    cmocka_unit_test(nothing_is_due_early_and_everything_within_a_day),
	    cmocka_unit_test(a_duration_exceeds_another_if_it_does_from_any_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
