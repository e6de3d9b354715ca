/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* ISO 8601 durations, and the proleptic Gregorian calendar that they count on. */
#include "base/duration.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { TEXT_SIZE_MAX = 64, MONTHS_MAX = DOM_DURATION_YEARS_MAX * 12 };
static const int64_t second_ms = 1000, minute_ms = 60 * 1000, hour_ms = 3600 * 1000,
                     day_ms = 24 * 3600 * 1000, week_ms = 7 * (int64_t)24 * 3600 * 1000;
static const int64_t ms_max = DOM_DURATION_YEARS_MAX * (int64_t)366 * 24 * 3600 * 1000;
/* 0001-01-01 and 9999-12-31T23:59:59.999 */
static const int64_t time_min_ms = INT64_C(-62135596800000),
                     time_max_ms = INT64_C(253402300799999);

/* --- the calendar ------------------------------------------------------------ */

struct date {
	int64_t month; /* since January of the year 0 */
	unsigned day;  /* from 1 */
};

static bool
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned
month_days(int64_t month)
{
	static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month % 12] + (month % 12 == 1 && is_leap(month / 12));
}

/* Days from 0000-01-01 to the first of that year (>= 0). */
static int64_t
days_before_year(int64_t year)
{
	if (year == 0)
		return 0;
	return year * 365 + (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 + 1;
}

static int64_t
days_before_month(int64_t month)
{
	static const uint16_t days[12] = {
	    0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	int64_t year = month / 12;

	return days_before_year(year) + days[month % 12] + (month % 12 > 1 && is_leap(year));
}

static const int64_t epoch_days = 719528; /* from 0000-01-01 to 1970-01-01 */

/* Whole days since 1970, and what is left of the day. */
static int64_t
split_ms(int64_t ms, int64_t *rest_ms_r)
{
	int64_t days = ms / day_ms;

	if (ms % day_ms < 0)
		days--;
	*rest_ms_r = ms - days * day_ms;
	return days;
}

static struct date
date_of(int64_t days)
{
	int64_t day = days + epoch_days, year = day * 400 / 146097, month;

	/* The estimate is off by one at most. */
	while (days_before_year(year + 1) <= day)
		year++;
	while (days_before_year(year) > day)
		year--;
	month = year * 12 + (day - days_before_year(year)) / 31;
	if (days_before_month(month + 1) <= day)
		month++;
	return (struct date){
	    .month = month, .day = (unsigned)(day - days_before_month(month)) + 1};
}

/* Of the month's last day, if it has no such day. */
static int64_t
days_of(struct date date)
{
	unsigned last = month_days(date.month);

	return days_before_month(date.month) + (date.day < last ? date.day : last) - 1 -
	       epoch_days;
}

static bool
is_in_range(int64_t ms)
{
	return ms >= time_min_ms && ms <= time_max_ms;
}

/* In a month without that day: its last day. */
static enum dom_status
move_months(int64_t ms, int64_t months, bool to_end_of_day, int64_t *ms_r)
{
	int64_t rest_ms, days = split_ms(ms, &rest_ms);
	struct date date = date_of(days);

	date.month += months;
	if (date.month < 12 || date.month >= 10000 * 12)
		return DOM_ELIMIT;
	if (to_end_of_day && date.day > month_days(date.month))
		rest_ms = day_ms - 1;
	*ms_r = days_of(date) * day_ms + rest_ms;
	return DOM_OK;
}

/* --- reading and printing ---------------------------------------------------- */

struct unit {
	char letter;
	bool is_time;
	uint8_t months;
	const int64_t *ms; /* NULL: counts months */
};

/* In the order in which they may come. */
static const struct unit units[] = {
    {'Y', false, 12, NULL},
    {'M', false, 1, NULL},
    {'W', false, 0, &week_ms},
    {'D', false, 0, &day_ms},
    {'H', true, 0, &hour_ms},
    {'M', true, 0, &minute_ms},
    {'S', true, 0, &second_ms},
};
enum { UNIT_COUNT = sizeof(units) / sizeof(units[0]) };

static enum dom_status
add(struct dom_duration *duration, const struct unit *unit, uint64_t count)
{
	if (unit->ms == NULL) {
		if (duration->months + count * unit->months > (uint64_t)MONTHS_MAX)
			return DOM_ELIMIT;
		duration->months += (uint32_t)count * unit->months;
		return DOM_OK;
	}
	if (count > (uint64_t)(ms_max / *unit->ms) ||
	    duration->ms > ms_max - (int64_t)count * *unit->ms)
		return DOM_ELIMIT;
	duration->ms += (int64_t)count * *unit->ms;
	return DOM_OK;
}

/* Digits, at least one; the value sticks where it is too large for any unit. */
static bool
read_count(struct dom_slice text, size_t *at, uint64_t *count_r)
{
	size_t start = *at;

	*count_r = 0;
	while (*at < text.size && text.data[*at] >= '0' && text.data[*at] <= '9') {
		if (*count_r < UINT64_MAX / 100)
			*count_r = *count_r * 10 + (text.data[*at] - '0');
		(*at)++;
	}
	return *at != start && *at < text.size;
}

enum dom_status
dom_duration_parse(struct dom_slice text, struct dom_duration *duration_r)
{
	struct dom_duration duration = {0};
	size_t at = 1, next = 0;
	enum dom_status limit = DOM_OK;
	bool in_time = false;

	*duration_r = duration;
	if (text.size < 3 || text.size > TEXT_SIZE_MAX || text.data[0] != 'P')
		return DOM_EINPUT;
	while (at < text.size) {
		uint64_t count;

		if (!in_time && text.data[at] == 'T') {
			in_time = true;
			at++;
		}
		if (!read_count(text, &at, &count))
			return DOM_EINPUT;
		while (next < UNIT_COUNT && (units[next].letter != (char)text.data[at] ||
		                                units[next].is_time != in_time))
			next++;
		if (next == UNIT_COUNT)
			return DOM_EINPUT;
		if (add(&duration, &units[next++], count) != DOM_OK)
			limit = DOM_ELIMIT;
		at++;
	}
	if (limit == DOM_OK)
		*duration_r = duration;
	return limit;
}

/* Of each unit the most that fits; weeks only where nothing but weeks is left. */
static void
split(const struct dom_duration *duration, uint64_t counts_r[UNIT_COUNT])
{
	int64_t left_ms = duration->ms;

	assert(duration->months <= MONTHS_MAX && left_ms >= 0 && left_ms <= ms_max);
	counts_r[0] = duration->months / 12;
	counts_r[1] = duration->months % 12;
	for (size_t i = 2; i < UNIT_COUNT; i++) {
		bool is_skipped = units[i].ms == &week_ms &&
		                  (duration->months != 0 || left_ms % week_ms != 0);

		counts_r[i] = is_skipped ? 0 : (uint64_t)(left_ms / *units[i].ms);
		left_ms -= (int64_t)counts_r[i] * *units[i].ms;
	}
}

void
dom_duration_print(const struct dom_duration *duration, char *text_r)
{
	uint64_t counts[UNIT_COUNT];
	size_t at = 1;
	bool in_time = false;

	split(duration, counts);
	text_r[0] = 'P';
	for (size_t i = 0; i < UNIT_COUNT; i++) {
		if (counts[i] == 0)
			continue;
		if (units[i].is_time && !in_time)
			text_r[at++] = 'T';
		in_time = units[i].is_time;
		at += (size_t)snprintf(text_r + at, DOM_DURATION_TEXT_SIZE - at,
		    "%" PRIu64 "%c", counts[i], units[i].letter);
	}
	if (at == 1)
		snprintf(text_r + at, DOM_DURATION_TEXT_SIZE - at, "0D");
}

void
dom_duration_words(const struct dom_duration *duration, char *text_r)
{
	static const char *const names[UNIT_COUNT] = {
	    "year", "month", "week", "day", "hour", "minute", "second"};
	uint64_t counts[UNIT_COUNT];
	size_t at = 0, left = 0;

	split(duration, counts);
	for (size_t i = 0; i < UNIT_COUNT; i++)
		left += counts[i] != 0;
	if (left == 0)
		snprintf(text_r, DOM_DURATION_WORDS_SIZE, "no time");
	for (size_t i = 0; i < UNIT_COUNT; i++) {
		if (counts[i] == 0)
			continue;
		left--;
		at += (size_t)snprintf(text_r + at, DOM_DURATION_WORDS_SIZE - at,
		    "%s%" PRIu64 " %s%s",
		    at == 0     ? ""
		    : left == 0 ? " and "
		                : ", ",
		    counts[i], names[i], counts[i] == 1 ? "" : "s");
	}
}

/* --- counting ------------------------------------------------------------------ */

enum dom_status
dom_duration_after(int64_t from_ms, const struct dom_duration *duration, int64_t *ms_r)
{
	int64_t moved_ms;

	if (!is_in_range(from_ms) ||
	    move_months(from_ms, duration->months, false, &moved_ms) != DOM_OK)
		return DOM_ELIMIT;
	moved_ms += duration->ms;
	if (!is_in_range(moved_ms))
		return DOM_ELIMIT;
	*ms_r = moved_ms;
	return DOM_OK;
}

/*
 * The rest first, then the months: the other way round than forward.  A time
 * in the month that we come to, up to our day in it, comes back to its own
 * day without being cut, so not after now; and if that month has no such day,
 * all of it comes back to days before ours.
 */
enum dom_status
dom_duration_before(int64_t now_ms, const struct dom_duration *duration, int64_t *ms_r)
{
	int64_t moved_ms = now_ms;

	if (!is_in_range(now_ms) || !is_in_range(moved_ms -= duration->ms))
		return DOM_ELIMIT;
	return move_months(moved_ms, -(int64_t)duration->months, true, ms_r);
}

/*
 * The calendar repeats after 400 years, and up to the 28th no month is too
 * short: so all that can happen happens from the 28th to 31st of those months.
 */
bool
dom_duration_may_exceed(const struct dom_duration *one, const struct dom_duration *other)
{
	const int64_t longer_ms = one->ms - other->ms;
	/* Months are 146097 / 4800 days; no span of whole months is further off than this. */
	const int64_t most_off_ms = 6 * day_ms,
	              about_ms =
	                  ((int64_t)one->months - other->months) * 146097 / 4800 * day_ms +
	                  longer_ms;

	if (about_ms > most_off_ms || about_ms < -most_off_ms)
		return about_ms > 0;
	for (int64_t month = 0; month < 400 * 12; month++) {
		for (unsigned day = 28; day <= month_days(month); day++) {
			int64_t days =
			    days_of((struct date){.month = month + one->months, .day = day}) -
			    days_of((struct date){.month = month + other->months, .day = day});

			if (days * day_ms + longer_ms > 0)
				return true;
		}
	}
	return false;
}
