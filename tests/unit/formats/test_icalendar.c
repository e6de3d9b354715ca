/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Events and tasks: what belongs together comes together, each with what it needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing.h"

#define HEAD "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:Home\r\n"
#define TAIL "END:VCALENDAR\r\n"
#define ZONE(name, offset)                                                                     \
	"BEGIN:VTIMEZONE\r\nTZID:" name "\r\nBEGIN:STANDARD\r\nTZOFFSETTO:" offset             \
	"\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
#define EVENT(uid, more) "BEGIN:VEVENT\r\nUID:" uid "\r\n" more "END:VEVENT\r\n"
#define TASK(uid) "BEGIN:VTODO\r\nUID:" uid "\r\nEND:VTODO\r\n"
#define IN(zone) "DTSTART;X=\"a;b:c\";TZID=" zone ":20240101T100000\r\n"

static struct seen *
scan(const char *text)
{
	return scan_text(FORMAT_FILE_ICALENDAR, text);
}

static void
each_event_comes_with_its_calendar_and_its_time_zone_only(void **state)
{
	struct seen *seen = scan(HEAD ZONE("A", "1") ZONE("B", "2") EVENT("1", IN("B"))
	        EVENT("2", "") TASK("3") TAIL);

	(void)state;
	assert_int_equal(seen->record_count, 3);
	assert_int_equal(seen->problem_count, 0);
	assert_record(seen, 0, HEAD ZONE("B", "2") EVENT("1", IN("B")) TAIL);
	assert_record(seen, 1, HEAD EVENT("2", "") TAIL);
	assert_record(seen, 2, HEAD TASK("3") TAIL);
	assert_int_equal(seen->records[0].kind, FORMAT_EVENT);
	assert_int_equal(seen->records[2].kind, FORMAT_TASK);
	assert_true(seen->records[0].key_is_uid);
	assert_int_equal(seen->records[0].line, 16);
	seen_free(&seen);
}

static void
changed_occurrences_join_their_event_and_zones_may_come_last(void **state)
{
	struct seen *seen = scan(HEAD EVENT("1", "RRULE:FREQ=DAILY\r\n") EVENT("2", "") EVENT(
	    "1", "RECURRENCE-ID:x\r\n" IN("\"A\"")) "X-LATE:1\r\n" ZONE("A", "1") TAIL);

	(void)state;
	assert_int_equal(seen->record_count, 2);
	assert_int_equal(seen->problem_count, 0);
	assert_record(seen, 0,
	    HEAD "X-LATE:1\r\n" ZONE("A", "1") EVENT("1", "RRULE:FREQ=DAILY\r\n")
	        EVENT("1", "RECURRENCE-ID:x\r\n" IN("\"A\"")) TAIL);
	assert_record(seen, 1, HEAD "X-LATE:1\r\n" EVENT("2", "") TAIL);
	seen_free(&seen);
}

static void
a_record_does_not_depend_on_the_order_of_zones(void **state)
{
	struct seen *seen = scan(HEAD ZONE("A", "1") ZONE("B", "2") EVENT("1", IN("A") IN("B"))
	        TAIL HEAD ZONE("B", "2") EVENT("1", IN("A") IN("B")) ZONE("A", "1") TAIL);

	(void)state;
	assert_int_equal(seen->record_count, 2);
	assert_string_equal(seen->records[0].bytes, seen->records[1].bytes);
	seen_free(&seen);
}

static void
components_without_a_uid_are_records_of_their_own(void **state)
{
	const char *one = "BEGIN:VEVENT\nSUMMARY:a\nEND:VEVENT\n";
	struct seen *seen;
	char text[256];

	(void)state;
	strcpy(text, "BEGIN:VCALENDAR\n");
	strcat(text, one);
	strcat(text, one);
	strcat(text, "END:VCALENDAR\n");
	seen = scan(text);
	assert_int_equal(seen->record_count, 2);
	assert_false(seen->records[0].key_is_uid);
	assert_string_equal(seen->records[0].key, seen->records[1].key);
	assert_record(
	    seen, 1, "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:a\nEND:VEVENT\nEND:VCALENDAR\n");
	seen_free(&seen);
}

static void
an_event_and_a_task_with_one_uid_stay_apart(void **state)
{
	struct seen *seen = scan(HEAD EVENT("1", "") TASK("1") TAIL);

	(void)state;
	assert_int_equal(seen->record_count, 2);
	assert_string_not_equal(seen->records[0].key, seen->records[1].key);
	seen_free(&seen);
}

static void
the_uid_of_an_alarm_is_not_the_uid_of_its_event(void **state)
{
	struct seen *seen = scan(
	    HEAD "BEGIN:VEVENT\r\nBEGIN:VALARM\r\nUID:alarm\r\nEND:VALARM\r\nUID:ev\r\n ent\r\n"
	         "END:VEVENT\r\n" TAIL HEAD EVENT("event", "") TAIL);

	(void)state;
	assert_int_equal(seen->record_count, 2);
	assert_string_equal(seen->records[0].key, seen->records[1].key);
	seen_free(&seen);
}

static void
an_unclosed_event_is_listed_and_its_neighbours_are_read(void **state)
{
	struct seen *seen = scan(HEAD EVENT("1", "") "BEGIN:VEVENT\r\nUID:bad\r\n" EVENT(
	    "2", "") "BEGIN:VEVENT\r\nBEGIN:VALARM\r\nEND:VEVENT\r\n" EVENT("3", "") TAIL);

	(void)state;
	assert_int_equal(seen->record_count, 3);
	assert_record(seen, 1, HEAD EVENT("2", "") TAIL);
	assert_record(seen, 2, HEAD EVENT("3", "") TAIL);
	assert_int_equal(seen->problem_count, 2);
	assert_problem(seen, 0, 7, true, "not closed before the next");
	assert_problem(seen, 1, 12, true, "not closed where");
	seen_free(&seen);
}

static void
a_calendar_without_an_end_gets_one(void **state)
{
	struct seen *seen = scan(HEAD EVENT("1", "") HEAD EVENT("2", ""));

	(void)state;
	assert_int_equal(seen->record_count, 2);
	assert_record(seen, 0, HEAD EVENT("1", "") TAIL);
	assert_record(seen, 1, HEAD EVENT("2", "") TAIL);
	assert_problem(seen, 0, 7, true, "no END:VCALENDAR");
	assert_problem(seen, 1, 13, true, "damaged, export it again");
	seen_free(&seen);
	seen = scan("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nEND:VEVENT");
	assert_record(
	    seen, 0, "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
	seen_free(&seen);
}

static void
bare_events_are_given_a_calendar(void **state)
{
	struct seen *seen =
	    scan(EVENT("1", "") EVENT("2", "") "\r\nstray\r\n" HEAD EVENT("3", "") TAIL);

	(void)state;
	assert_int_equal(seen->record_count, 3);
	assert_non_null(strstr(seen->records[1].bytes, EVENT("2", "") TAIL));
	assert_memory_equal(seen->records[1].bytes, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", 30);
	assert_record(seen, 2, HEAD EVENT("3", "") TAIL);
	assert_problem(seen, 0, 1, false, "outside of any VCALENDAR");
	assert_problem(seen, 1, 8, true, "text outside");
	seen_free(&seen);
}

static void
nul_bytes_spoil_their_event_only(void **state)
{
	static const char text[] = HEAD EVENT("1", "X:\0\r\n") EVENT("2", "") TAIL;
	struct seen *seen = scan_bytes(FORMAT_FILE_ICALENDAR, text, sizeof(text) - 1);

	(void)state;
	assert_int_equal(seen->record_count, 1);
	assert_record(seen, 0, HEAD EVENT("2", "") TAIL);
	assert_problem(seen, 0, 4, true, "NUL");
	seen_free(&seen);
}

/* More names than there are bits: an event may get too many zones, never too few. */
static void
with_very_many_time_zones_none_is_missing(void **state)
{
	char *text = calloc(1, 100000);
	char line[256];
	struct seen *seen;

	(void)state;
	strcpy(text, HEAD);
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), ZONE("Z%03d", "1"), i);
		strcat(text, line);
	}
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), EVENT("%d", IN("Z%03d")), i, i);
		strcat(text, line);
	}
	strcat(text, TAIL);
	seen = scan(text);
	assert_int_equal(seen->record_count, 100);
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), ZONE("Z%03d", "1"), i);
		assert_non_null(strstr(seen->records[i].bytes, line));
	}
	seen_free(&seen);
	free(text);
}

static void
nesting_has_a_limit(void **state)
{
	char text[4096] = HEAD "BEGIN:VEVENT\r\n";
	struct seen *seen;

	(void)state;
	for (int i = 0; i < 100; i++)
		strcat(text, "BEGIN:X\r\n");
	strcat(text, EVENT("2", "") TAIL);
	seen = scan(text);
	assert_int_equal(seen->record_count, 1);
	assert_problem(seen, 0, 4, true, "nested too deeply");
	seen_free(&seen);
}

static void
a_file_cut_anywhere_keeps_the_events_before_the_cut(void **state)
{
	(void)state;
	assert_good_records_survive_any_cut(FORMAT_FILE_ICALENDAR,
	    HEAD ZONE("A", "1") EVENT("1", IN("A")) TAIL HEAD TASK("2")
	        EVENT("3", "A:b\r\n c\r\n") TAIL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_event_comes_with_its_calendar_and_its_time_zone_only),
	    cmocka_unit_test(changed_occurrences_join_their_event_and_zones_may_come_last),
	    cmocka_unit_test(a_record_does_not_depend_on_the_order_of_zones),
	    cmocka_unit_test(components_without_a_uid_are_records_of_their_own),
	    cmocka_unit_test(an_event_and_a_task_with_one_uid_stay_apart),
	    cmocka_unit_test(the_uid_of_an_alarm_is_not_the_uid_of_its_event),
	    cmocka_unit_test(an_unclosed_event_is_listed_and_its_neighbours_are_read),
	    cmocka_unit_test(a_calendar_without_an_end_gets_one),
	    cmocka_unit_test(bare_events_are_given_a_calendar),
	    cmocka_unit_test(nul_bytes_spoil_their_event_only),
	    cmocka_unit_test(with_very_many_time_zones_none_is_missing),
	    cmocka_unit_test(nesting_has_a_limit),
	    cmocka_unit_test(a_file_cut_anywhere_keeps_the_events_before_the_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
