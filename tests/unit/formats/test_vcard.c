/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Contacts: vCard 2.1, 3.0 and 4.0, whole and damaged. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing.h"

#define CARD(name) "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:" name "\r\nEND:VCARD\r\n"

static struct seen *
scan(const char *text)
{
	return scan_text(FORMAT_FILE_VCARD, text);
}

static void
each_card_is_a_record_with_its_own_bytes(void **state)
{
	struct seen *seen = scan(CARD("Ana") "\r\n" CARD("Zoë"));

	(void)state;
	assert_int_equal(seen->record_count, 2);
	assert_int_equal(seen->problem_count, 0);
	assert_record(seen, 0, CARD("Ana"));
	assert_record(seen, 1, CARD("Zoë"));
	assert_int_equal(seen->records[0].kind, FORMAT_CONTACT);
	assert_int_equal(seen->records[1].line, 6);
	seen_free(&seen);
}

static void
lines_may_end_in_lf_or_cr_or_not_at_all(void **state)
{
	struct seen *seen = scan("\xEF\xBB\xBF"
	                         "BEGIN:VCARD\nFN:Ana\nEND:VCARD\n"
	                         "begin:vcard\rFN:Bo\rEnd:VCard\r"
	                         "BEGIN:VCARD\nFN:Cy\nEND:VCARD");

	(void)state;
	assert_int_equal(seen->record_count, 3);
	assert_int_equal(seen->problem_count, 0);
	assert_record(seen, 0, "BEGIN:VCARD\nFN:Ana\nEND:VCARD\n");
	assert_record(seen, 1, "begin:vcard\rFN:Bo\rEnd:VCard\r");
	assert_record(seen, 2, "BEGIN:VCARD\nFN:Cy\nEND:VCARD");
	assert_int_equal(seen->records[2].line, 7);
	seen_free(&seen);
}

static void
a_folded_end_line_does_not_end_the_card(void **state)
{
	const char *card = "BEGIN:VCARD\nFN:Ana\nNOTE:a\n END:VCARD\n\tb\nUID:1\nEND:VCARD\n";
	struct seen *seen = scan(card);

	(void)state;
	assert_int_equal(seen->record_count, 1);
	assert_record(seen, 0, card);
	assert_string_equal(seen->records[0].key, "uid:1");
	seen_free(&seen);
}

static void
a_begin_line_that_is_folded_or_long_begins_no_card(void **state)
{
	struct seen *seen =
	    scan("\n BEGIN:VCARD\nBEGIN;X=1:VCARD\nBEGIN:                          "
	         "                                VCARD\n" CARD("A"));

	(void)state;
	assert_int_equal(seen->record_count, 1);
	assert_record(seen, 0, CARD("A"));
	assert_int_equal(seen->problem_count, 1);
	assert_problem(seen, 0, 1, true, "belongs to no contact");
	seen_free(&seen);
}

static void
soft_line_breaks_of_quoted_printable_join_lines(void **state)
{
	const char *card =
	    "BEGIN:VCARD\nVERSION:2.1\n"
	    "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:F=C3=A9;=\nUID:not me;;;\n"
	    "TEL;CELL:+447700900001\nEND:VCARD\n";
	struct seen *seen = scan(card);

	(void)state;
	assert_int_equal(seen->record_count, 1);
	assert_record(seen, 0, card);
	assert_false(seen->records[0].key_is_uid);
	assert_string_equal(seen->records[0].key, "name:Fé;UID:not me;;;\x1f\x1f\x1f");
	seen_free(&seen);
}

static void
a_soft_line_break_by_mistake_does_not_swallow_the_end(void **state)
{
	struct seen *seen =
	    scan("BEGIN:VCARD\nNOTE;QUOTED-PRINTABLE:x=\nEND:VCARD\n" CARD("B"));

	(void)state;
	assert_int_equal(seen->record_count, 2);
	assert_int_equal(seen->problem_count, 0);
	seen_free(&seen);
}

static void
base64_that_ends_in_an_equals_sign_is_no_soft_break(void **state)
{
	struct seen *seen =
	    scan("BEGIN:VCARD\nPHOTO;ENCODING=BASE64;JPEG:AAA=\nUID:7\n\nEND:VCARD\n");

	(void)state;
	assert_string_equal(seen->records[0].key, "uid:7");
	seen_free(&seen);
}

static void
an_agent_within_a_card_belongs_to_it(void **state)
{
	const char *apart = "BEGIN:VCARD\nFN:Boss\nAGENT:\nBEGIN:VCARD\nUID:inner\nFN:Help\n"
	                    "END:VCARD\nUID:outer\nEND:VCARD\n";
	const char *inlined = "BEGIN:VCARD\nFN:Boss\nAGENT:BEGIN:VCARD\nFN:Help\nEND:VCARD\n"
	                      "END:VCARD\n";
	const char *escaped = "BEGIN:VCARD\nFN:Boss\nAGENT:BEGIN:VCARD\\nFN:Help\\nEND:VCARD\n"
	                      "END:VCARD\n";
	struct seen *seen = scan(apart);

	(void)state;
	assert_int_equal(seen->record_count, 1);
	assert_record(seen, 0, apart);
	assert_string_equal(seen->records[0].key, "uid:outer");
	seen_free(&seen);
	seen = scan(inlined);
	assert_int_equal(seen->record_count, 1);
	assert_record(seen, 0, inlined);
	seen_free(&seen);
	seen = scan(escaped);
	assert_int_equal(seen->record_count, 1);
	assert_record(seen, 0, escaped);
	seen_free(&seen);
}

static void
without_a_uid_the_names_are_the_key_whatever_the_version(void **state)
{
	struct seen *seen =
	    scan("BEGIN:VCARD\nVERSION:2.1\nN;QUOTED-PRINTABLE:P=C3=A9rez;Ana;;;\n"
	         "FN;ENCODING=QUOTED-PRINTABLE:Ana=20P=C3=A9rez\nORG:A, B\nEND:VCARD\n"
	         "BEGIN:VCARD\nVERSION:3.0\nitem1.N;X=\"a:b\":Pérez;Ana;;;\nFN:  Ana   Pérez \n"
	         "ORG:A\\, B\nTEL:1\nEND:VCARD\n");

	(void)state;
	assert_int_equal(seen->record_count, 2);
	assert_string_equal(seen->records[0].key, "name:Pérez;Ana;;;\x1f"
	                                          "Ana Pérez\x1f"
	                                          "A, B\x1f");
	assert_string_equal(seen->records[1].key, seen->records[0].key);
	seen_free(&seen);
}

static void
without_names_the_number_the_address_or_the_bytes_are_the_key(void **state)
{
	struct seen *seen = scan("BEGIN:VCARD\nN:;;;;\nTEL:+447700900002\nEND:VCARD\n"
	                         "BEGIN:VCARD\nEMAIL:a@example.org\nEND:VCARD\n"
	                         "BEGIN:VCARD\nEND:VCARD\n");

	(void)state;
	assert_int_equal(seen->record_count, 3);
	assert_string_equal(seen->records[0].key, "at:+447700900002\x1f");
	assert_string_equal(seen->records[1].key, "at:\x1f"
	                                          "a@example.org");
	assert_memory_equal(seen->records[2].key, "bytes:", 6);
	seen_free(&seen);
}

static void
a_long_key_is_replaced_by_its_digest(void **state)
{
	char *text = calloc(1, 6000);
	struct seen *seen;

	(void)state;
	strcpy(text, "BEGIN:VCARD\nUID:");
	memset(text + strlen(text), 'u', 3000);
	strcat(text, "\nEND:VCARD\n");
	seen = scan(text);
	assert_int_equal(seen->records[0].key_size, 4 + 64);
	assert_memory_equal(seen->records[0].key, "uid:", 4);
	assert_true(seen->records[0].key_is_uid);
	seen_free(&seen);
	free(text);
}

static void
an_unclosed_card_is_listed_and_the_next_one_is_read(void **state)
{
	struct seen *seen = scan("BEGIN:VCARD\nFN:Lost\n" CARD("Found") "BEGIN:VCARD\nFN:Cut");

	(void)state;
	assert_int_equal(seen->record_count, 1);
	assert_record(seen, 0, CARD("Found"));
	assert_int_equal(seen->records[0].line, 3);
	assert_int_equal(seen->problem_count, 2);
	assert_problem(seen, 0, 1, true, "no END:VCARD before the next");
	assert_problem(seen, 1, 7, true, "ends in the middle of a contact");
	seen_free(&seen);
}

static void
nul_bytes_spoil_their_card_only(void **state)
{
	static const char text[] = CARD("A") "BEGIN:VCARD\nFN:B\0B\nEND:VCARD\n" CARD("C");
	struct seen *seen = scan_bytes(FORMAT_FILE_VCARD, text, sizeof(text) - 1);

	(void)state;
	assert_int_equal(seen->record_count, 2);
	assert_record(seen, 1, CARD("C"));
	assert_int_equal(seen->problem_count, 1);
	assert_problem(seen, 0, 5, true, "NUL");
	seen_free(&seen);
}

static void
text_between_cards_is_reported_once(void **state)
{
	struct seen *seen = scan("hello\nthere\n" CARD("A") "END:VCARD\n");

	(void)state;
	assert_int_equal(seen->record_count, 1);
	assert_int_equal(seen->problem_count, 2);
	assert_problem(seen, 0, 1, true, "belongs to no contact");
	assert_problem(seen, 1, 7, true, "belongs to no contact");
	seen_free(&seen);
}

static void
an_empty_file_is_said_to_be_empty(void **state)
{
	struct seen *seen = scan("\r\n \n");

	(void)state;
	assert_int_equal(seen->record_count, 0);
	assert_problem(seen, 0, 1, false, "empty");
	seen_free(&seen);
}

/* Every position of a card around the window's edge, and a line larger than many windows. */
static void
cards_cross_the_edge_of_the_window(void **state)
{
	enum { EDGE = 64 << 10, BIG = 300 << 10 };
	const char *tail = "\r\nFN:Edge\r\nUID:edge\r\nEND:VCARD\r\n" CARD("After");
	char *text = malloc(BIG + 256);

	(void)state;
	assert_non_null(text);
	for (size_t shift = 0; shift < 100; shift++) {
		size_t fill = EDGE - 80 + shift;
		struct seen *seen;

		strcpy(text, "BEGIN:VCARD\r\nNOTE:");
		memset(text + strlen(text), 'x', fill - strlen(text));
		strcpy(text + fill, tail);
		seen = scan(text);
		assert_int_equal(seen->record_count, 2);
		assert_int_equal(seen->problem_count, 0);
		assert_string_equal(seen->records[0].key, "uid:edge");
		assert_record(seen, 1, CARD("After"));
		seen_free(&seen);
	}
	memset(text, 'x', BIG);
	memcpy(text, "BEGIN:VCARD\r\nPHOTO:", 19);
	strcpy(text + BIG, tail);
	{
		struct seen *seen = scan(text);

		assert_int_equal(seen->record_count, 2);
		assert_string_equal(seen->records[0].key, "uid:edge");
		assert_int_equal(seen->progress, strlen(text));
		seen_free(&seen);
	}
	free(text);
}

/* Several windows of short lines: what was found in one says nothing about the next. */
static void
many_cards_cross_many_windows(void **state)
{
	enum { COUNT = 4000, SIZE_EACH = 160 };
	char *text = calloc(COUNT, SIZE_EACH);
	struct seen *seen;
	size_t size = 0;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < COUNT; i++)
		size += (size_t)snprintf(text + size, SIZE_EACH,
		    "BEGIN:VCARD%sFN:%0*d%sEND:VCARD\n", i % 3 == 0 ? "\r" : "\n", 1 + i % 71,
		    i, i % 5 == 0 ? "\r\n" : "\r");
	seen = scan(text);
	assert_int_equal(seen->record_count, COUNT);
	assert_int_equal(seen->problem_count, 0);
	for (size_t i = 0, at = 0; i < COUNT; at += seen->records[i++].size)
		assert_memory_equal(seen->records[i].bytes, text + at, seen->records[i].size);
	assert_int_equal(seen->records[COUNT - 1].line, 3 * COUNT - 2);
	seen_free(&seen);
	free(text);
}

/* An unclosed card whose successor's BEGIN line lies across the window's edge. */
static void
an_unclosed_card_before_the_edge_does_not_spoil_the_next(void **state)
{
	enum { EDGE = 64 << 10 };
	char *text = malloc(EDGE + 256);

	(void)state;
	assert_non_null(text);
	for (size_t shift = 0; shift < 24; shift++) {
		size_t fill = EDGE - 20 + shift;
		struct seen *seen;

		strcpy(text, "BEGIN:VCARD\r\nNOTE:");
		memset(text + strlen(text), 'x', fill - strlen(text));
		strcpy(text + fill, "\r\n" CARD("Next"));
		seen = scan(text);
		assert_int_equal(seen->record_count, 1);
		assert_int_equal(seen->damaged_count, 1);
		assert_record(seen, 0, CARD("Next"));
		seen_free(&seen);
	}
	free(text);
}

static void
a_file_cut_anywhere_keeps_the_cards_before_the_cut(void **state)
{
	(void)state;
	assert_good_records_survive_any_cut(FORMAT_FILE_VCARD,
	    CARD("A") "BEGIN:VCARD\nN;ENCODING=QUOTED-PRINTABLE:=C3=\n="
	              "A9\nNOTE:a\n b\nEND:VCARD\n" CARD("C"));
}

static void
what_the_sink_answers_ends_the_scan(void **state)
{
	struct seen *seen = scan("");
	struct format_sink sink = {NULL, NULL, NULL, NULL};

	(void)state;
	assert_int_equal(format_scan(seen->fd, FORMAT_FILE_OTHER, &sink), DOM_EINPUT);
	assert_int_equal(format_scan(seen->fd, FORMAT_FILE_PHOTO, &sink), DOM_EINPUT);
	seen_free(&seen);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_card_is_a_record_with_its_own_bytes),
	    cmocka_unit_test(lines_may_end_in_lf_or_cr_or_not_at_all),
	    cmocka_unit_test(a_folded_end_line_does_not_end_the_card),
	    cmocka_unit_test(a_begin_line_that_is_folded_or_long_begins_no_card),
	    cmocka_unit_test(soft_line_breaks_of_quoted_printable_join_lines),
	    cmocka_unit_test(a_soft_line_break_by_mistake_does_not_swallow_the_end),
	    cmocka_unit_test(base64_that_ends_in_an_equals_sign_is_no_soft_break),
	    cmocka_unit_test(an_agent_within_a_card_belongs_to_it),
	    cmocka_unit_test(without_a_uid_the_names_are_the_key_whatever_the_version),
	    cmocka_unit_test(without_names_the_number_the_address_or_the_bytes_are_the_key),
	    cmocka_unit_test(a_long_key_is_replaced_by_its_digest),
	    cmocka_unit_test(an_unclosed_card_is_listed_and_the_next_one_is_read),
	    cmocka_unit_test(nul_bytes_spoil_their_card_only),
	    cmocka_unit_test(text_between_cards_is_reported_once),
	    cmocka_unit_test(an_empty_file_is_said_to_be_empty),
	    cmocka_unit_test(cards_cross_the_edge_of_the_window),
	    cmocka_unit_test(many_cards_cross_many_windows),
	    cmocka_unit_test(an_unclosed_card_before_the_edge_does_not_spoil_the_next),
	    cmocka_unit_test(a_file_cut_anywhere_keeps_the_cards_before_the_cut),
	    cmocka_unit_test(what_the_sink_answers_ends_the_scan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
