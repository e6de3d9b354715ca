/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Numbers, sizes, dates and words, as people write and read them. */
#include "cli/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"

enum { DISTANCE_SIZE_MAX = 32 };

const char *
text_count(uint64_t count, char buffer[TEXT_SHORT])
{
	char digits[24];
	int size = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
	char *out = buffer;

	for (int at = 0; at < size; at++) {
		if (at > 0 && (size - at) % 3 == 0)
			*out++ = ',';
		*out++ = digits[at];
	}
	*out = '\0';
	return buffer;
}

const char *
text_bytes(uint64_t bytes, char buffer[TEXT_SHORT])
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes;
	size_t unit = 0;

	if (bytes < 1000) {
		snprintf(
		    buffer, TEXT_SHORT, "%u byte%s", (unsigned)bytes, bytes == 1 ? "" : "s");
		return buffer;
	}
	value /= 1000;
	while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1000;
		unit++;
	}
	snprintf(buffer, TEXT_SHORT, value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return buffer;
}

const char *
text_time(int64_t ms, char buffer[TEXT_SHORT])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm parts;

	if (ms == 0 || localtime_r(&seconds, &parts) == NULL ||
	    strftime(buffer, TEXT_SHORT, "%Y-%m-%d %H:%M", &parts) == 0)
		snprintf(buffer, TEXT_SHORT, ms == 0 ? "never" : "unknown");
	return buffer;
}

const char *
text_seconds(int64_t ms, char buffer[TEXT_SHORT])
{
	int64_t seconds = (ms < 0 ? 0 : ms) / 1000;

	if (seconds < 60)
		snprintf(buffer, TEXT_SHORT, "%.1f s", (double)(ms < 0 ? 0 : ms) / 1000);
	else if (seconds < 3600)
		snprintf(buffer, TEXT_SHORT, "%d min %02d s", (int)(seconds / 60),
		    (int)(seconds % 60));
	else
		snprintf(buffer, TEXT_SHORT, "%lld h %02d min", (long long)(seconds / 3600),
		    (int)(seconds / 60 % 60));
	return buffer;
}

const char *
text_moment(int64_t ms, char buffer[TEXT_SHORT])
{
	if (ms >= 1000)
		return text_seconds(ms, buffer);
	snprintf(buffer, TEXT_SHORT, "%lld ms", (long long)ms);
	return buffer;
}

bool
text_number(const char *text, uint64_t most, uint64_t *number_r)
{
	uint64_t number = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (number > (most - (uint64_t)(*text - '0')) / 10)
			return false;
		number = number * 10 + (uint64_t)(*text - '0');
	}
	*number_r = number;
	return number <= most;
}

bool
text_span(const char *text, int64_t *ms_r)
{
	static const struct {
		char letter;
		int64_t ms;
	} units[] = {{'h', 3600000}, {'d', 86400000}, {'w', 604800000}, {'y', 31536000000}};
	char digits[8];
	size_t size = strlen(text);
	uint64_t number;

	if (size < 2 || size > sizeof(digits))
		return false;
	memcpy(digits, text, size - 1);
	digits[size - 1] = '\0';
	if (!text_number(digits, 999999, &number) || number == 0)
		return false;
	for (size_t at = 0; at < sizeof(units) / sizeof(units[0]); at++) {
		if (units[at].letter == text[size - 1]) {
			*ms_r = (int64_t)number * units[at].ms;
			return true;
		}
	}
	return false;
}

bool
text_date(const char *text, int64_t *ms_r)
{
	struct tm parts = {.tm_isdst = -1, .tm_hour = 23, .tm_min = 59, .tm_sec = 59};
	int year, month, day;
	time_t seconds;

	if (strlen(text) != 10)
		return false;
	for (int at = 0; at < 10; at++) {
		bool dash = at == 4 || at == 7;
		if (dash ? text[at] != '-' : text[at] < '0' || text[at] > '9')
			return false;
	}
	if (sscanf(text, "%4d-%2d-%2d", &year, &month, &day) != 3)
		return false;
	parts.tm_year = year - 1900;
	parts.tm_mon = month - 1;
	parts.tm_mday = day;
	seconds = mktime(&parts);
	/* mktime() makes 3 March of 31 February; that is not what was written. */
	if (seconds == (time_t)-1 || parts.tm_mday != day || parts.tm_mon != month - 1)
		return false;
	*ms_r = (int64_t)seconds * 1000 + 999;
	return true;
}

unsigned
text_distance(const char *a, const char *b)
{
	unsigned rows[3][DISTANCE_SIZE_MAX + 1];
	size_t a_size = strlen(a), b_size = strlen(b);

	if (a_size > DISTANCE_SIZE_MAX || b_size > DISTANCE_SIZE_MAX)
		return DISTANCE_SIZE_MAX + 1;
	for (size_t j = 0; j <= b_size; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_size; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3],
		         *above2 = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_size; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    above2[j - 2] + 1 < best)
				best = above2[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[a_size % 3][b_size];
}

/* Bytes of the UTF-8 character at text, 0 if it is not one. */
static size_t
text_character(const char *text, size_t left)
{
	unsigned char lead = (unsigned char)*text;
	size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	if (size > left || !dom_utf8_valid(dom_slice(text, size)))
		return 0;
	return size;
}

const char *
text_clean(const char *text, char mark, char *buffer, size_t size)
{
	size_t left = strlen(text), out = 0;

	while (left > 0) {
		size_t step = text_character(text, left);
		unsigned char lead = (unsigned char)*text;
		/* U+0080 to U+009F are control characters of terminals too. */
		bool control = lead < 0x20 || lead == 0x7f ||
		               (step == 2 && lead == 0xc2 && (unsigned char)text[1] < 0xa0);

		if (out + (step == 0 ? 1 : step) + 1 > size)
			break;
		if (step == 0 || control) {
			buffer[out++] = mark;
		} else {
			memcpy(buffer + out, text, step);
			out += step;
		}
		step = step == 0 ? 1 : step;
		text += step;
		left -= step;
	}
	buffer[out] = '\0';
	return buffer;
}

size_t
text_cut(const char *text, size_t size)
{
	size_t all = strlen(text), at = 0;

	if (all <= size)
		return all;
	while (at < size) {
		size_t step = text_character(text + at, all - at);
		if (step == 0)
			step = 1;
		if (at + step > size)
			break;
		at += step;
	}
	return at;
}
