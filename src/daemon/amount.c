/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A whole number and a letter for its unit. */
#include "daemon/amount.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* False also if more than a letter follows. */
static bool
read(const char *text, int64_t *number_r, char *unit_r)
{
	long long number;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno != 0 || (end[0] != '\0' && end[1] != '\0'))
		return false;
	*number_r = number;
	*unit_r = end[0];
	return true;
}

bool
amount_bytes(const char *text, int64_t *bytes_r)
{
	static const char units[] = "KMGT";
	const char *found;
	int64_t number;
	char unit;

	if (!read(text, &number, &unit))
		return false;
	if (unit == '\0') {
		*bytes_r = number;
		return true;
	}
	if ((found = strchr(units, unit)) == NULL)
		return false;
	return !__builtin_mul_overflow(
	    number, INT64_C(1) << (10 * (found - units + 1)), bytes_r);
}

bool
amount_life(const char *text, int64_t *ms_r)
{
	static const char units[] = "mhdw";
	static const int64_t minutes[] = {1, 60, 24 * 60, 7 * 24 * 60};
	const char *found;
	int64_t number;
	char unit;

	if (!read(text, &number, &unit) || number == 0 || unit == '\0' ||
	    (found = strchr(units, unit)) == NULL)
		return false;
	return !__builtin_mul_overflow(number, minutes[found - units] * 60000, ms_r);
}
