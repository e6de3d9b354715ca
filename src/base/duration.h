/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include <domicile/slice.h>
#include <domicile/status.h>

/*
 * How long: ISO 8601 durations, PnYnMnWnDTnHnMnS with whole numbers.  Months
 * and years follow the calendar (of UTC), so that a year is a year in every
 * year; a day is 24 hours, since UTC has no other.  {0} is no time at all.
 * Source: ISO 8601-1:2019, 5.5.2.
 */
struct dom_duration {
	uint32_t months; /* years included */
	int64_t ms;      /* weeks, days and times; never below zero */
};

enum {
	DOM_DURATION_YEARS_MAX = 1000, /* of the months, and of the rest */
	DOM_DURATION_TEXT_SIZE = 64,   /* enough for what is printed, NUL included */
	DOM_DURATION_WORDS_SIZE = 128,
};

/*
 * DOM_OK; DOM_EINPUT: it is not one (fractions, signs and small letters are
 * refused); DOM_ELIMIT: longer than DOM_DURATION_YEARS_MAX.
 */
DOM_MUST_CHECK enum dom_status dom_duration_parse(
    struct dom_slice text, struct dom_duration *duration_r);
/* The shortest text with the same meaning, such as P1Y6M; DOM_DURATION_TEXT_SIZE. */
void dom_duration_print(const struct dom_duration *duration, char *text_r);
/* For a person, such as "1 year and 6 months"; DOM_DURATION_WORDS_SIZE. */
void dom_duration_words(const struct dom_duration *duration, char *text_r);

static inline bool
dom_duration_is_zero(const struct dom_duration *duration)
{
	return duration->months == 0 && duration->ms == 0;
}

/*
 * When it has passed since from_ms (milliseconds since 1970): the months
 * first, to the last day of the month if it is too short, then the rest.
 * DOM_ELIMIT: not within the years 1 to 9999.
 */
DOM_MUST_CHECK enum dom_status dom_duration_after(
    int64_t from_ms, const struct dom_duration *duration, int64_t *ms_r);
/*
 * A time for which it has passed at now_ms, and so for every earlier one:
 *   t <= *ms_r  implies  dom_duration_after(t) <= now_ms.
 * The converse is a day off at most, where months are too short.  DOM_ELIMIT
 * as above.
 */
DOM_MUST_CHECK enum dom_status dom_duration_before(
    int64_t now_ms, const struct dom_duration *duration, int64_t *ms_r);
/* Is there a date from which the first ends after the second? */
bool dom_duration_may_exceed(const struct dom_duration *one, const struct dom_duration *other);

#endif
