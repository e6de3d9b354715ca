/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Rules of retention: how they are written, which of them hold, and what conflicts. */
#include <time.h>

#include "services/retention/rules.h"
#include "testing.h"

static struct dom_arena *arena;

static int
set_up(void **state)
{
	(void)state;
	return (arena = dom_arena_new(0)) == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dom_arena_free(&arena);
	return 0;
}

static int64_t
at(const char *text)
{
	struct tm tm = {0};

	assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%S", &tm));
	return (int64_t)timegm(&tm) * 1000;
}

static const struct dom_catalogue_entry entries[] = {
    {.name = "contacts", .retention = "", .minimum = "", .law = ""},
    {.name = "messages", .retention = "P90D", .minimum = "", .law = ""},
    {.name = "calls", .retention = "P1Y", .minimum = "P2Y", .law = "the Telephone Act"},
};
static const struct wire_catalogue catalogue = {.entries = entries, .count = 3};

static struct retention_rules rules;
static char why[512];

/* The rules of these lines, NULL at the end, on top of a catalogue or none. */
static enum dom_status
make(const struct wire_catalogue *with, const char *const *lines)
{
	struct retention_rule read[RETENTION_LINES_MAX];
	struct retention_origin origin = {.lines = read, .catalogue = with};
	enum dom_status st = DOM_OK;

	for (; st == DOM_OK && lines[origin.line_count] != NULL; origin.line_count++)
		st = retention_rule_parse(lines[origin.line_count], arena,
		    &read[origin.line_count], why, sizeof(why));
	return st != DOM_OK ? st : retention_rules_make(&origin, &rules, why, sizeof(why));
}
#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void
expect_before(enum retention_what what, const char *service, const char *now, const char *text)
{
	const struct retention_service services = {.name = dom_slice_of(service)};
	int64_t ms = 0;

	assert_int_equal(
	    retention_before(&rules, what, &services, service != NULL, at(now), &ms), DOM_OK);
	assert_int_equal(ms, at(text));
}

static void
expect_nothing(enum retention_what what, const char *service, enum dom_status expected)
{
	const struct retention_service services = {.name = dom_slice_of(service)};
	int64_t ms;

	assert_int_equal(retention_before(&rules, what, &services, service != NULL,
	                     at("2026-11-21T00:00:00"), &ms),
	    expected);
}

static void
a_rule_is_read_and_said_in_words(void **state)
{
	static const char *const forms[][2] = {
	    {"history all at-most P1Y", "history: at most 1 year (domiciled.conf)"},
	    {"history\tmessages   at-most P90D ",
	        "history of messages: at most 90 days (domiciled.conf)"},
	    {"history all at-least P6M the Act of 1999, section 3",
	        "history: at least 6 months, ordered by the Act of 1999, section 3 "
	        "(domiciled.conf)"},
	    {"unreferenced-chunks all at-most P1D",
	        "unreferenced-chunks: at most 1 day (domiciled.conf)"},
	    {"inactive-accounts all at-most P2Y",
	        "inactive-accounts: at most 2 years, with a notice 30 days before "
	        "(domiciled.conf)"},
	    {"inactive-accounts all at-most P2Y notice P3M",
	        "inactive-accounts: at most 2 years, with a notice 3 months before "
	        "(domiciled.conf)"},
	};
	char text[RETENTION_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct retention_rule rule;

		assert_int_equal(
		    retention_rule_parse(forms[i][0], arena, &rule, why, sizeof(why)), DOM_OK);
		retention_rule_text(&rule, text);
		assert_string_equal(text, forms[i][1]);
	}
}

static void
what_is_no_rule_is_refused_with_a_sentence(void **state)
{
	static const char *const wrong[][2] = {
	    {"", "begins with what it is about"},
	    {"histories all at-most P1Y", "not \"histories\""},
	    {"history", "comes a service's name"},
	    {"history ALL at-most P1Y", "comes a service's name"},
	    {"history all", "comes at-most or at-least"},
	    {"history all for P1Y", "not \"for\""},
	    {"history all at-most", "comes how long"},
	    {"history all at-most 90d", "\"90d\" is not how long"},
	    {"history all at-most P0D", "\"P0D\" is not how long"},
	    {"history all at-most PT23H", "less than 1 day"},
	    {"history all at-most P1Y notice P30D", "\"notice\" is too much"},
	    {"history all at-least P1Y", "needs a reason"},
	    {"history all at-least P1Y  ", "needs a reason"},
	    {"idle-sessions contacts at-most P30D", "write \"idle-sessions all\""},
	    {"idle-sessions all at-least P30D a law", "no at-least"},
	    {"inactive-accounts all at-most P29D", "less than 30 days"},
	    {"inactive-accounts all at-most P1Y notice P6D", "notice must be at least P7D"},
	    {"inactive-accounts all at-most P60D notice P2M", "no longer than"},
	    {"inactive-accounts all at-most P1Y notice", "comes how long"},
	    {"inactive-accounts all at-most P1Y notice P30D x", "\"x\" is too much"},
	    {"inactive-accounts all at-most P1Y warning P30D", "\"notice P30D\" may follow"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct retention_rule rule;

		assert_int_equal(
		    retention_rule_parse(wrong[i][0], arena, &rule, why, sizeof(why)),
		    DOM_EINPUT);
		if (strstr(why, wrong[i][1]) == NULL)
			fail_msg("%s: %s", wrong[i][0], why);
	}
}

static void
rules_for_what_the_catalogue_does_not_have_are_refused(void **state)
{
	(void)state;
	assert_int_equal(make(&catalogue, LINES("history mesages at-most P1Y")), DOM_EINPUT);
	assert_non_null(strstr(why, "\"mesages\""));
	assert_int_equal(make(&catalogue, LINES("history any at-most P1Y")), DOM_OK);
	assert_int_equal(make(NULL, LINES("inactive-accounts all at-most P1Y",
	                                "inactive-accounts all at-most P2Y")),
	    DOM_EINPUT);
}

static void
chunks_and_collections_have_a_standard_that_a_rule_replaces(void **state)
{
	(void)state;
	assert_int_equal(make(&catalogue, LINES("history contacts at-most P1Y")), DOM_OK);
	expect_before(RETENTION_CHUNKS, NULL, "2026-11-21T00:00:00", "2026-11-14T00:00:00");
	expect_before(
	    RETENTION_COLLECTIONS, NULL, "2026-11-21T00:00:00", "2026-11-14T00:00:00");
	expect_nothing(RETENTION_HISTORY, NULL, DOM_ABSENT);
	expect_nothing(RETENTION_ACCOUNTS, NULL, DOM_ABSENT);
	expect_nothing(RETENTION_SESSIONS, NULL, DOM_ABSENT);
	assert_int_equal(make(&catalogue, LINES("unreferenced-chunks all at-most P30D",
	                                      "erased-collections contacts at-most P1D")),
	    DOM_OK);
	expect_before(RETENTION_CHUNKS, NULL, "2026-11-21T00:00:00", "2026-10-22T00:00:00");
	/* A rule for one service does not replace the standard of the others. */
	expect_before(
	    RETENTION_COLLECTIONS, NULL, "2026-11-21T00:00:00", "2026-11-14T00:00:00");
	expect_before(
	    RETENTION_COLLECTIONS, "contacts", "2026-11-21T00:00:00", "2026-11-20T00:00:00");
}

static void
the_first_at_most_to_pass_erases(void **state)
{
	(void)state;
	assert_int_equal(
	    make(&catalogue, LINES("history all at-most P1Y", "history contacts at-most P1M")),
	    DOM_OK);
	expect_before(RETENTION_HISTORY, NULL, "2024-03-01T12:00:00", "2023-03-01T12:00:00");
	expect_before(
	    RETENTION_HISTORY, "contacts", "2024-03-01T12:00:00", "2024-02-01T12:00:00");
	expect_before(
	    RETENTION_HISTORY, "messages", "2024-03-01T12:00:00", "2023-12-02T12:00:00");
	assert_true(retention_needs_services(&rules, RETENTION_HISTORY));
	assert_false(retention_needs_services(&rules, RETENTION_CHUNKS));
}

static void
an_at_least_has_passed_whenever_an_at_most_that_it_allows_has(void **state)
{
	const struct retention_service service = {.name = dom_slice_of("contacts")};
	const struct dom_duration least = {.months = 1};

	(void)state;
	assert_int_equal(make(NULL, LINES("history all at-most P31D",
	                                "history contacts at-least P1M an Act")),
	    DOM_OK);
	for (int64_t now = at("2023-01-01T00:00:00"); now < at("2025-01-01T00:00:00");
	     now += 3600 * 1000) {
		int64_t ms = 0, due = 0;

		assert_int_equal(
		    retention_before(&rules, RETENTION_HISTORY, &service, 1, now, &ms), DOM_OK);
		assert_int_equal(ms, now - INT64_C(31) * 86400000);
		assert_int_equal(dom_duration_after(ms, &least, &due), DOM_OK);
		assert_true(due <= now);
	}
}

static void
a_conflict_is_listed_and_erases_nothing(void **state)
{
	const struct retention_service both[] = {
	    {.name = dom_slice_of("contacts")}, {.name = dom_slice_of("any")}};
	struct retention_conflict conflict;
	char text[RETENTION_TEXT_SIZE];
	int64_t ms;

	(void)state;
	assert_int_equal(make(&catalogue, LINES("history all at-least P30D an Act",
	                                      "history contacts at-most P1M",
	                                      "history any at-least P90D another Act")),
	    DOM_OK);
	/* The catalogue's own, of calls; P1M may be 28 days. */
	assert_true(retention_conflict(&rules, 0, &conflict));
	retention_conflict_text(&conflict, text);
	assert_string_equal(text,
	    "history of contacts: an Act orders at least 30 days (domiciled.conf), "
	    "domiciled.conf allows at most 1 month; nothing of it is erased until one of them "
	    "changes");
	assert_true(retention_conflict(&rules, 1, &conflict));
	retention_conflict_text(&conflict, text);
	assert_string_equal(text,
	    "history of calls: the Telephone Act orders at least 2 years (catalogue), "
	    "catalogue "
	    "allows at most 1 year; nothing of it is erased until one of them changes");
	assert_false(retention_conflict(&rules, 2, &conflict));
	expect_nothing(RETENTION_HISTORY, "contacts", DOM_CONFLICT);
	expect_nothing(RETENTION_HISTORY, "calls", DOM_CONFLICT);
	/* What they do not both apply to goes on. */
	expect_before(
	    RETENTION_HISTORY, "messages", "2026-11-21T00:00:00", "2026-08-23T00:00:00");
	expect_before(RETENTION_CHUNKS, "calls", "2026-11-21T00:00:00", "2026-11-14T00:00:00");
	assert_int_equal(retention_before(&rules, RETENTION_HISTORY, both, 2,
	                     at("2026-11-21T00:00:00"), &ms),
	    DOM_CONFLICT);
}

static void
rules_of_two_services_may_conflict_where_both_apply(void **state)
{
	const struct retention_service both[] = {
	    {.name = dom_slice_of("contacts")}, {.name = dom_slice_of("any")}};
	struct retention_conflict conflict;
	int64_t ms;

	(void)state;
	assert_int_equal(make(NULL, LINES("history contacts at-least P90D an Act",
	                                "history any at-most P30D")),
	    DOM_OK);
	assert_false(retention_conflict(&rules, 0, &conflict));
	expect_before(RETENTION_HISTORY, "any", "2026-11-21T00:00:00", "2026-10-22T00:00:00");
	expect_nothing(RETENTION_HISTORY, "contacts", DOM_ABSENT);
	assert_int_equal(retention_before(&rules, RETENTION_HISTORY, both, 2,
	                     at("2026-11-21T00:00:00"), &ms),
	    DOM_CONFLICT);
}

static void
what_was_promised_holds_beside_the_rules(void **state)
{
	struct retention_service service = {
	    .name = dom_slice_of("contacts"), .promised = {.ms = 30 * INT64_C(86400000)}};
	const int64_t now = at("2026-11-21T00:00:00");
	int64_t ms = 0;

	(void)state;
	assert_int_equal(make(NULL, LINES(NULL)), DOM_OK);
	assert_int_equal(
	    retention_before(&rules, RETENTION_HISTORY, &service, 1, now, &ms), DOM_OK);
	assert_int_equal(ms, at("2026-10-22T00:00:00"));
	/* It is about history alone. */
	assert_int_equal(
	    retention_before(&rules, RETENTION_ACCOUNTS, &service, 1, now, &ms), DOM_ABSENT);
	assert_int_equal(
	    make(NULL, LINES("history all at-most P1Y", "history any at-least P10Y an Act")),
	    DOM_OK);
	assert_int_equal(
	    retention_before(&rules, RETENTION_HISTORY, &service, 1, now, &ms), DOM_OK);
	assert_int_equal(ms, at("2026-10-22T00:00:00"));
	assert_int_equal(make(NULL, LINES("history all at-most P10D")), DOM_OK);
	assert_int_equal(
	    retention_before(&rules, RETENTION_HISTORY, &service, 1, now, &ms), DOM_OK);
	assert_int_equal(ms, at("2026-11-11T00:00:00"));
	/* A law that orders more than was promised: nobody decides it silently. */
	assert_int_equal(make(NULL, LINES("history contacts at-least P31D an Act")), DOM_OK);
	assert_int_equal(
	    retention_before(&rules, RETENTION_HISTORY, &service, 1, now, &ms), DOM_CONFLICT);
	assert_int_equal(make(NULL, LINES("history contacts at-least P30D an Act")), DOM_OK);
	assert_int_equal(
	    retention_before(&rules, RETENTION_HISTORY, &service, 1, now, &ms), DOM_OK);
}

static void
the_latest_limit_covers_every_service(void **state)
{
	int64_t ms = 0;

	(void)state;
	assert_int_equal(make(&catalogue, LINES("history all at-most P1Y")), DOM_OK);
	assert_int_equal(
	    retention_before_latest(&rules, RETENTION_HISTORY, at("2026-11-21T00:00:00"), &ms),
	    DOM_OK);
	assert_int_equal(ms, at("2026-08-23T00:00:00"));
	assert_int_equal(
	    retention_before_latest(&rules, RETENTION_ACCOUNTS, at("2026-11-21T00:00:00"), &ms),
	    DOM_ABSENT);
}

static void
an_account_is_told_its_notice_before_its_end(void **state)
{
	int64_t told_before = 0, before = 0, end = 0;

	(void)state;
	assert_int_equal(
	    make(NULL, LINES("inactive-accounts all at-most P2Y notice P30D")), DOM_OK);
	assert_int_equal(
	    retention_notice_before(&rules, at("2026-11-21T00:00:00"), &before, &told_before),
	    DOM_OK);
	/* Who was active on this day is due on the 21st of December. */
	assert_int_equal(before, at("2024-12-21T00:00:00"));
	assert_int_equal(told_before, at("2026-10-22T00:00:00"));
	assert_int_equal(retention_account_end(&rules, at("2024-12-21T00:00:00"),
	                     at("2026-11-21T00:00:00"), &end),
	    DOM_OK);
	assert_int_equal(end, at("2026-12-21T00:00:00"));
	/* Told late, such as by a server that was off: the notice still has to stand. */
	assert_int_equal(retention_account_end(&rules, at("2020-01-01T00:00:00"),
	                     at("2026-11-21T00:00:00"), &end),
	    DOM_OK);
	assert_int_equal(end, at("2026-12-21T00:00:00"));
	/* Told early, such as by a rule that is longer now. */
	assert_int_equal(retention_account_end(&rules, at("2025-01-15T00:00:00"),
	                     at("2026-11-21T00:00:00"), &end),
	    DOM_OK);
	assert_int_equal(end, at("2027-01-15T00:00:00"));
}

static void
nobody_is_told_of_an_end_that_rules_dispute(void **state)
{
	int64_t told_before, before, end;

	(void)state;
	assert_int_equal(make(NULL, LINES("inactive-accounts all at-most P2Y",
	                                "inactive-accounts all at-least P3Y an Act")),
	    DOM_OK);
	assert_int_equal(
	    retention_notice_before(&rules, at("2026-11-21T00:00:00"), &before, &told_before),
	    DOM_CONFLICT);
	assert_int_equal(retention_account_end(&rules, at("2020-01-01T00:00:00"),
	                     at("2026-11-21T00:00:00"), &end),
	    DOM_ABSENT);
	assert_int_equal(make(NULL, LINES("history all at-most P2Y")), DOM_OK);
	assert_int_equal(
	    retention_notice_before(&rules, at("2026-11-21T00:00:00"), &before, &told_before),
	    DOM_ABSENT);
}

static void
a_session_ends_by_its_own_life_or_by_a_shorter_rule(void **state)
{
	const struct retention_rule line = {.what = RETENTION_SESSIONS,
	    .service = "all",
	    .keep = {.ms = INT64_C(86400000) * 30},
	    .reason = "",
	    .source = "domiciled.conf"};
	struct retention_origin origin = {.session_life_ms = INT64_C(86400000) * 90};

	(void)state;
	assert_int_equal(retention_rules_make(&origin, &rules, why, sizeof(why)), DOM_OK);
	expect_before(RETENTION_SESSIONS, NULL, "2026-11-21T00:00:00", "2026-08-23T00:00:00");
	origin.lines = &line;
	origin.line_count = 1;
	assert_int_equal(retention_rules_make(&origin, &rules, why, sizeof(why)), DOM_OK);
	expect_before(RETENTION_SESSIONS, NULL, "2026-11-21T00:00:00", "2026-10-22T00:00:00");
}

static void
a_time_before_every_calendar_erases_nothing(void **state)
{
	int64_t ms;

	(void)state;
	assert_int_equal(make(NULL, LINES("history all at-most P1000Y",
	                                "unreferenced-chunks all at-most P366000D")),
	    DOM_OK);
	expect_before(RETENTION_HISTORY, NULL, "2026-11-21T00:00:00", "1026-11-21T00:00:00");
	assert_int_equal(retention_before(&rules, RETENTION_HISTORY, NULL, 0,
	                     at("0999-11-21T00:00:00"), &ms),
	    DOM_ABSENT);
	assert_int_equal(
	    retention_before(&rules, RETENTION_CHUNKS, NULL, 0, INT64_MIN, &ms), DOM_ABSENT);
	assert_int_equal(
	    retention_before(&rules, RETENTION_CHUNKS, NULL, 0, INT64_MAX, &ms), DOM_ABSENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_rule_is_read_and_said_in_words),
	    cmocka_unit_test(what_is_no_rule_is_refused_with_a_sentence),
	    cmocka_unit_test(rules_for_what_the_catalogue_does_not_have_are_refused),
	    cmocka_unit_test(chunks_and_collections_have_a_standard_that_a_rule_replaces),
	    cmocka_unit_test(the_first_at_most_to_pass_erases),
	    cmocka_unit_test(an_at_least_has_passed_whenever_an_at_most_that_it_allows_has),
	    cmocka_unit_test(a_conflict_is_listed_and_erases_nothing),
	    cmocka_unit_test(rules_of_two_services_may_conflict_where_both_apply),
	    cmocka_unit_test(what_was_promised_holds_beside_the_rules),
	    cmocka_unit_test(the_latest_limit_covers_every_service),
	    cmocka_unit_test(an_account_is_told_its_notice_before_its_end),
	    cmocka_unit_test(nobody_is_told_of_an_end_that_rules_dispute),
	    cmocka_unit_test(a_session_ends_by_its_own_life_or_by_a_shorter_rule),
	    cmocka_unit_test(a_time_before_every_calendar_erases_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
