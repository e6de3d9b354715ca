/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Messages and calls, with every trap of docs/formats.md. */
#include <stdlib.h>
#include <string.h>

#include "testing.h"

#define HEAD "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n"
#define SMS(date, body)                                                                        \
	"<sms protocol=\"0\" address=\"+447700900001\" date=\"" date                           \
	"\" type=\"1\" body=\"" body "\" />"
#define MMS(data, text)                                                                        \
	"<mms date=\"5\" address=\"+12025550101\" msg_box=\"2\" m_id=\"m1\" tr_id=\"null\">\n" \
	"<parts><part seq=\"0\" ct=\"image/jpeg\" text=\"null\" data=\"" data "\" />"          \
	"<part seq=\"1\" text='" text "'/></parts><addrs><addr address=\"x\"/></addrs></mms>"

static struct seen *
scan(const char *text)
{
	return scan_text(FORMAT_FILE_MESSAGES_XML, text);
}

static void
each_message_is_a_record_with_its_own_bytes(void **state)
{
	struct seen *seen = scan(HEAD "<!-- <sms /> --><smses count=\"2\">\n  " SMS(
	    "1", "a &amp; &#10;b") "\n" MMS("AAAA==", "hi") "\n</smses>\n");

	(void)state;
	assert_int_equal(seen->record_count, 2);
	assert_int_equal(seen->problem_count, 0);
	assert_record(seen, 0, SMS("1", "a &amp; &#10;b"));
	assert_record(seen, 1, MMS("AAAA==", "hi"));
	assert_int_equal(seen->records[0].kind, FORMAT_MESSAGE);
	assert_int_equal(seen->records[0].line, 3);
	assert_int_equal(seen->records[1].line, 4);
	assert_memory_equal(seen->records[1].key,
	    "mms:5\x1f"
	    "+12025550101\x1f"
	    "2\x1f",
	    20);
	seen_free(&seen);
}

static void
calls_are_keyed_by_date_number_type_and_duration(void **state)
{
	struct seen *seen = scan_text(FORMAT_FILE_CALLS_XML,
	    HEAD "<calls count='2'><call number=\"+447700900001\" duration=\"7\" date=\"12\" "
	         "type=\"3\""
	         " contact_name=\"Ana\" /><call number='null' date='12'></call></calls>");

	(void)state;
	assert_int_equal(seen->record_count, 2);
	assert_int_equal(seen->problem_count, 0);
	assert_int_equal(seen->records[0].kind, FORMAT_CALL);
	assert_string_equal(seen->records[0].key, "call:12\x1f"
	                                          "+447700900001\x1f"
	                                          "3\x1f"
	                                          "7\x1f");
	assert_string_equal(seen->records[1].key, "call:12\x1f\x1f\x1f\x1f");
	seen_free(&seen);
}

/* Both ways to write an emoji are the same message; another text is another. */
static void
surrogate_references_are_read_as_one_character(void **state)
{
	struct seen *seen = scan(HEAD "<smses count=\"5\">" SMS("1", "&#55357;&#56832;")
	        SMS("1", "&#128512;") SMS("1", "\xF0\x9F\x98\x80") SMS("1", "&#xD83D;&#xDE00;")
	            SMS("1", "&#55357;") "</smses>");

	(void)state;
	assert_int_equal(seen->record_count, 5);
	assert_int_equal(seen->problem_count, 0);
	assert_string_equal(seen->records[0].key, seen->records[1].key);
	assert_string_equal(seen->records[0].key, seen->records[2].key);
	assert_string_equal(seen->records[0].key, seen->records[3].key);
	assert_string_not_equal(seen->records[0].key, seen->records[4].key);
	seen_free(&seen);
}

static void
null_and_missing_attributes_mean_the_same(void **state)
{
	struct seen *seen =
	    scan(HEAD "<smses><sms date=\"null\" body=\"x\"/><sms body=\"x\"/>"
	              "<sms date=\"-9\" body=\"x\"/><sms date=\"noon\" body=\"x\"/>"
	              "<sms/></smses>");

	(void)state;
	assert_int_equal(seen->record_count, 5);
	assert_int_equal(seen->problem_count, 0);
	assert_string_equal(seen->records[0].key, seen->records[1].key);
	assert_string_not_equal(seen->records[0].key, seen->records[2].key);
	assert_record(seen, 4, "<sms/>");
	seen_free(&seen);
}

static void
exact_duplicates_have_equal_digests(void **state)
{
	struct seen *seen = scan(HEAD "<smses count=\"3\">" SMS("1", "a") "\n" SMS("1", "a")
	        SMS("1", "b") "</smses>");

	(void)state;
	assert_int_equal(seen->record_count, 3);
	assert_memory_equal(seen->records[0].digest, seen->records[1].digest, 32);
	assert_memory_not_equal(seen->records[0].digest, seen->records[2].digest, 32);
	seen_free(&seen);
}

static void
a_wrong_count_is_worth_saying_and_damages_nothing(void **state)
{
	struct seen *seen = scan(HEAD "<smses count=\"7\">" SMS("1", "a") "</smses>");

	(void)state;
	assert_int_equal(seen->record_count, 1);
	assert_int_equal(seen->problem_count, 1);
	assert_problem(seen, 0, 2, false, "holds 7, but it holds 1");
	seen_free(&seen);
	seen = scan(HEAD "<smses count=\"many\">" SMS("1", "a") "</smses>");
	assert_problem(seen, 0, 2, false, "not a number");
	seen_free(&seen);
}

static void
a_bad_message_is_listed_and_the_next_ones_are_read(void **state)
{
	static const char *const bad[] = {
	    "<sms date=1 />",
	    "<sms date=\"1 />", /* its value runs into the next tag */
	    "<sms date />",
	    "<sms date=\"&nbsp;\" />",
	    "<sms date=\"&#xZZ;\" />",
	    "<sms date=\"&#1114112;\" />",
	    "<sms date=\"&#0;\" />",
	    "<sms date=\"a & b\" />",
	    "<sms = />",
	    "<sms date=\"1\" <",
	    "<mms date=\"1\"><parts></mms>",
	    "<mms date=\"1\"><parts>",
	    "<mms></part></mms>",
	    "<mms><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></mms>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[1024];
		struct seen *seen;

		strcpy(text, HEAD "<smses count=\"3\">\n" SMS("1", "a") "\n");
		strcat(text, bad[i]);
		strcat(text, "\n" SMS("2", "b") "\n</smses>");
		seen = scan(text);
		assert_int_equal(seen->record_count, 2);
		assert_record(seen, 0, SMS("1", "a"));
		assert_record(seen, 1, SMS("2", "b"));
		assert_int_equal(seen->problem_count, 1);
		assert_problem(seen, 0, 4, true, "a message was left out");
		if (i == 1)
			assert_problem(seen, 0, 4, true, "not closed before the next '<'");
		seen_free(&seen);
	}
}

static void
a_nul_byte_spoils_its_message_only(void **state)
{
	static const char text[] =
	    HEAD "<smses>" SMS("1", "a\0b") "\n" SMS("2", "b") "</smses>";
	struct seen *seen = scan_bytes(FORMAT_FILE_MESSAGES_XML, text, sizeof(text) - 1);

	(void)state;
	assert_int_equal(seen->record_count, 1);
	assert_record(seen, 0, SMS("2", "b"));
	assert_problem(seen, 0, 2, true, "NUL");
	seen_free(&seen);
}

static void
a_truncated_file_says_damaged(void **state)
{
	struct seen *seen =
	    scan(HEAD "<smses count=\"2\">\n" SMS("1", "a") "\n<sms date=\"2\" bo");

	(void)state;
	assert_int_equal(seen->record_count, 1);
	assert_int_equal(seen->problem_count, 1);
	assert_problem(
	    seen, 0, 4, true, "in the middle of a message: it is damaged, export it again");
	seen_free(&seen);
	seen = scan(HEAD "<smses count=\"1\">\n" SMS("1", "a") "\n");
	assert_int_equal(seen->record_count, 1);
	assert_problem(seen, 0, 4, true, "ends too early");
	seen_free(&seen);
	seen = scan(HEAD);
	assert_problem(seen, 0, 2, true, "no <smses> or <calls>");
	seen_free(&seen);
}

static void
entities_of_a_doctype_are_never_expanded(void **state)
{
	struct seen *seen =
	    scan("<!DOCTYPE smses [<!ENTITY a \"&b;&b;>\"><!ENTITY b ']>'>]>\n<smses>" SMS(
	        "1", "&a;") SMS("2", "b") "</smses>");

	(void)state;
	assert_int_equal(seen->record_count, 1);
	assert_record(seen, 0, SMS("2", "b"));
	assert_problem(seen, 0, 1, false, "DOCTYPE");
	assert_problem(seen, 1, 2, true, "'&'");
	seen_free(&seen);
}

static void
what_is_no_record_is_listed(void **state)
{
	struct seen *seen =
	    scan(HEAD "<smses>\n" SMS("1", "a") "\n<chat><line/></chat>\nhello "
	                                        "there\n" SMS("2", "b") "</smses>");

	(void)state;
	assert_int_equal(seen->record_count, 2);
	assert_int_equal(seen->problem_count, 2);
	assert_problem(seen, 0, 4, true, "no message and no call");
	assert_problem(seen, 1, 5, true, "text between");
	seen_free(&seen);
}

static void
comments_and_cdata_within_a_message_are_kept(void **state)
{
	const char *mms =
	    "<mms><!-- </mms> <sms --><parts><![CDATA[<sms />]]><?x </mms>?></parts>"
	    "</mms>";
	char text[256];
	struct seen *seen;

	(void)state;
	strcpy(text, "<smses>");
	strcat(text, mms);
	strcat(text, "</smses>");
	seen = scan(text);
	assert_int_equal(seen->record_count, 1);
	assert_int_equal(seen->problem_count, 0);
	assert_record(seen, 0, mms);
	seen_free(&seen);
}

static void
other_encodings_are_named(void **state)
{
	struct seen *seen = scan(
	    "<?xml version='1.0' encoding='ISO-8859-1'?><smses>" SMS("1", "\xE9") "</smses>");

	(void)state;
	assert_int_equal(seen->record_count, 1);
	assert_problem(seen, 0, 1, false, "not in UTF-8");
	seen_free(&seen);
	seen = scan_bytes(FORMAT_FILE_MESSAGES_XML, "\xFF\xFE<\0s\0", 6);
	assert_problem(seen, 0, 1, true, "UTF-8");
	seen_free(&seen);
	seen = scan("\xEF\xBB\xBF" HEAD "<smses count=\"1\">" SMS("1", "a") "</smses>");
	assert_int_equal(seen->problem_count, 0);
	seen_free(&seen);
}

/* Base64 of 10 MB, and every position of a reference around the window's edge. */
static void
values_larger_than_the_window_stream_by(void **state)
{
	enum { BIG = 10 << 20, EDGE = 64 << 10 };
	const char *start = "<smses count=\"2\"><mms date=\"1\"><parts><part data=\"";
	const char *end = "\" text=\"t\"/></parts></mms>" SMS("2", "b") "</smses>";
	char *text = malloc(BIG + 256);
	struct seen *seen;

	(void)state;
	assert_non_null(text);
	strcpy(text, start);
	memset(text + strlen(start), 'A', BIG - strlen(start));
	strcpy(text + BIG, end);
	seen = scan(text);
	assert_int_equal(seen->record_count, 2);
	assert_int_equal(seen->problem_count, 0);
	assert_int_equal(seen->records[0].size,
	    strlen(text) - strlen("<smses count=\"2\">") - strlen(SMS("2", "b") "</smses>"));
	assert_record(seen, 1, SMS("2", "b"));
	seen_free(&seen);

	for (size_t shift = 0; shift < 120; shift++) {
		size_t fill = EDGE - 100 + shift;
		char *key;

		strcpy(text, start);
		memset(text + strlen(start), 'A', fill - strlen(start));
		strcpy(text + fill,
		    "\" text=\"&#55357;&#56832;\"/></parts></mms>" SMS("2", "b") "</smses>");
		seen = scan(text);
		assert_int_equal(seen->record_count, 2);
		assert_int_equal(seen->problem_count, 0);
		key = strdup(seen->records[0].key);
		seen_free(&seen);
		strcpy(text + fill,
		    "\" text=\"\xF0\x9F\x98\x80\"/></parts></mms>" SMS("2", "b") "</smses>");
		seen = scan(text);
		assert_string_equal(seen->records[0].key, key);
		seen_free(&seen);
		free(key);
	}
	free(text);
}

static void
the_end_of_a_comment_may_cross_the_edge(void **state)
{
	enum { EDGE = 64 << 10 };
	char *text = malloc(EDGE + 512);

	(void)state;
	assert_non_null(text);
	for (size_t shift = 0; shift < 12; shift++) {
		size_t fill = EDGE - 6 + shift;
		struct seen *seen;

		strcpy(text, "<smses><!--");
		memset(text + strlen(text), '-', fill - strlen(text));
		strcpy(text + fill, "-->" SMS("1", "a") "</smses>");
		seen = scan(text);
		assert_int_equal(seen->record_count, 1);
		assert_int_equal(seen->problem_count, 0);
		seen_free(&seen);
	}
	free(text);
}

static void
a_file_cut_anywhere_keeps_the_messages_before_the_cut(void **state)
{
	(void)state;
	assert_good_records_survive_any_cut(FORMAT_FILE_MESSAGES_XML,
	    HEAD "<!-- x --><smses count=\"3\" >\n" SMS("1", "&#55357;&#56832;") "\n" MMS(
	        "AAAA", "&lt;") "\n" SMS("3", "c") "</smses >\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_message_is_a_record_with_its_own_bytes),
	    cmocka_unit_test(calls_are_keyed_by_date_number_type_and_duration),
	    cmocka_unit_test(surrogate_references_are_read_as_one_character),
	    cmocka_unit_test(null_and_missing_attributes_mean_the_same),
	    cmocka_unit_test(exact_duplicates_have_equal_digests),
	    cmocka_unit_test(a_wrong_count_is_worth_saying_and_damages_nothing),
	    cmocka_unit_test(a_bad_message_is_listed_and_the_next_ones_are_read),
	    cmocka_unit_test(a_nul_byte_spoils_its_message_only),
	    cmocka_unit_test(a_truncated_file_says_damaged),
	    cmocka_unit_test(entities_of_a_doctype_are_never_expanded),
	    cmocka_unit_test(what_is_no_record_is_listed),
	    cmocka_unit_test(comments_and_cdata_within_a_message_are_kept),
	    cmocka_unit_test(other_encodings_are_named),
	    cmocka_unit_test(values_larger_than_the_window_stream_by),
	    cmocka_unit_test(the_end_of_a_comment_may_cross_the_edge),
	    cmocka_unit_test(a_file_cut_anywhere_keeps_the_messages_before_the_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
