/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A plan is read or refused with its line; a forecast adds up. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/plan.h"
#include "daemon/timetable.h"
#include "testing.h"

enum { HOUR = 3600, DAY = 24 * HOUR };
static const double monday_noon = 1781524800; /* 2026-06-15 12:00 UTC */

static struct dom_arena *arena;
static struct plan plan;
static char complaints[4096];

/* What was printed to standard error ends in complaints. */
static enum dom_status
read_plan(const char *text)
{
	char path[] = "/tmp/domicile-plan-XXXXXX", heard[] = "/tmp/domicile-heard-XXXXXX";
	int fd = mkstemp(path), errors = mkstemp(heard), saved = dup(STDERR_FILENO);
	enum dom_status st;
	ssize_t got;

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	fflush(stderr);
	dup2(errors, STDERR_FILENO);
	st = plan_read(path, arena, &plan);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	got = pread(errors, complaints, sizeof(complaints) - 1, 0);
	complaints[got > 0 ? got : 0] = '\0';
	close(errors);
	unlink(path);
	unlink(heard);
	return st;
}

static void
make(const char *text, struct timetable *table_r)
{
	struct timetable_population population = {0};
	size_t phase;

	assert_int_equal(read_plan(text), DOM_OK);
	timetable_spread(&plan.population, &population);
	assert_int_equal(
	    timetable_make(&plan, &population, monday_noon, arena, table_r, &phase), DOM_OK);
}

static void
a_phase_takes_over_what_stands_before_the_first_section(void **state)
{
	(void)state;
	assert_int_equal(
	    read_plan("notice = 14d\nrate = 60\n[one]\ncohort = 5\n[two]\ncohort = rest\n"
	              "rate = 7\nwindow = 22-06\norder = largest\n"),
	    DOM_OK);
	assert_int_equal(plan.count, 2);
	assert_string_equal(plan.phases[1].name, "two");
	assert_int_equal(plan.phases[0].rate, 60);
	assert_int_equal(plan.phases[1].rate, 7);
	assert_int_equal(plan.phases[1].notice_ms, INT64_C(14) * DAY * 1000);
	assert_int_equal(plan.phases[1].window_from, 22);
	assert_int_equal(plan.phases[1].order, PLAN_LARGEST);
	assert_true(plan.phases[1].rest);
}

static void
what_is_wrong_in_a_plan_is_said_with_its_line(void **state)
{
	static const struct {
		const char *text, *line, *why;
	} wrong[] = {
	    {"", ": a plan", "at least one [phase]"},
	    {"[a]\nrate = 5\n", ":2:", "needs a cohort"},
	    {"[a]\ncohort = rest\n[b]\ncohort = 5\n", ":2:", "no other"},
	    {"[a]\ncohort = 0\n", ":2:", "cohort is"},
	    {"[a]\ncohort = 101%\n", ":2:", "cohort is"},
	    {"[a]\ncohort = -5\n", ":2:", "cohort is"},
	    {"[a]\ncohort = 5\nwindow = 22-25\n", ":3:", "window is"},
	    {"[a]\ncohort = 5\nat-once = 0\n", ":3:", "at-once is"},
	    {"[a]\ncohort = 5\nnotice = soon\n", ":3:", "notice is"},
	    {"cohort = 5\n", ":1:", "before the first section"},
	    {"[a]\ncohort = 5\ncolour = red\n", ":3:", "a phase has only"},
	    {"[a]\ncohort = 5\n[b]\ncohort = 5\n[a]\ncohort = 6\n", ":6:", "of this name"},
	    {"[a]\ncohort = 5\nwhat is this\n", ":3:", "neither"},
	    {"[a]\ncohort = 5\n\033[31m\n", ":3:", "not text"},
	    {"[a]\ncohort = 5\n[population]\naccounts = 10\nbytes = 1K\nmedian = 1K\n",
	        ":4:", "median is not above"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(read_plan(wrong[i].text), DOM_EINPUT);
		if (strstr(complaints, wrong[i].line) == NULL ||
		    strstr(complaints, wrong[i].why) == NULL)
			fail_msg("%s: \"%s\"", wrong[i].text, complaints);
	}
}

#define PEOPLE "[population]\naccounts = 1000000\nbytes = 200T\nmedian = 40M\n"

static void
sizes_spread_so_that_half_have_less_than_the_median(void **state)
{
	struct timetable_population population;
	double accounts = 0, bytes = 0, below = 0;

	(void)state;
	assert_int_equal(read_plan("[a]\ncohort = rest\n" PEOPLE), DOM_OK);
	timetable_spread(&plan.population, &population);
	for (size_t i = 0; i < population.count; i++) {
		accounts += population.classes[i].accounts;
		bytes += population.classes[i].accounts * population.classes[i].bytes;
		if (population.classes[i].bytes < 40 * 1048576.0)
			below += population.classes[i].accounts;
		assert_true(
		    i == 0 || population.classes[i].bytes > population.classes[i - 1].bytes);
	}
	assert_true(fabs(accounts - 1e6) < 1);
	assert_true(fabs(bytes / (200 * pow(1024, 4)) - 1) < 1e-6);
	assert_true(fabs(below / 1e6 - 0.5) < 0.05);
}

static void
the_tightest_limit_says_how_long_it_takes(void **state)
{
	struct timetable table;

	(void)state;
	/* By the hour: 1,000 an hour for 24,000. */
	make("rate = 1000\nat-once = 100000\n[a]\ncohort = 24000\n" PEOPLE, &table);
	assert_true(fabs((table.phases[0].ends_s - table.phases[0].begins_s) / DAY - 1) < 0.01);
	/* By the line: all bytes at 100 MiB a second. */
	make("bandwidth = 100M\nat-once = 100000\n[a]\ncohort = rest\n" PEOPLE, &table);
	assert_true(fabs((table.phases[0].ends_s - table.phases[0].begins_s) /
	                     (200 * pow(1024, 4) / (100 * 1048576.0)) -
	                 1) < 0.01);
	/* By how many are under way: one at a time, a second of round trips each. */
	make("round-trip = 1000\nat-once = 1\n[a]\ncohort = 1000\n" PEOPLE, &table);
	assert_true(table.phases[0].ends_s - table.phases[0].begins_s > 1000 * 10);
	assert_true(table.phases[0].ends_s - table.phases[0].begins_s < 1000 * 20);
}

static void
moves_begin_only_while_the_window_is_open(void **state)
{
	struct timetable table;

	(void)state;
	make("rate = 1000\nat-once = 1000\nwindow = 22-06\n[a]\ncohort = 20000\n" PEOPLE,
	    &table);
	/* Noon: it opens ten hours later, and 20 hours of work are two nights and a half. */
	assert_true(fabs(table.phases[0].begins_s - monday_noon - 10 * HOUR) < 1);
	assert_true(fabs(table.phases[0].ends_s - table.phases[0].begins_s -
	                 (2 * DAY + 4 * HOUR)) < 60);
	for (size_t i = 1; i < table.point_count; i++) {
		double hour = fmod(table.points[i].at_s - 0.5, DAY) / HOUR;

		if (table.points[i].bytes_per_s > 0)
			assert_true(hour >= 22 || hour < 6);
	}
}

static void
everybody_is_counted_once(void **state)
{
	struct timetable table;
	double moved = 0, bytes = 0;

	(void)state;
	make("notice = 7d\n[a]\ncohort = 1000\norder = smallest\n[b]\ncohort = 10%\norder = "
	     "largest\n"
	     "look = 3d\n[c]\ncohort = rest\n" PEOPLE "agree = 80%\n",
	    &table);
	for (size_t i = 0; i < 3; i++) {
		moved += table.phases[i].moved;
		bytes += table.phases[i].bytes;
		assert_true(table.phases[i].begins_s - table.phases[i].notice_s >= 7 * DAY);
	}
	assert_true(fabs(moved - 800000) < 1);
	assert_true(fabs(table.left - 200000) < 1);
	assert_true(fabs(bytes / (0.8 * 200 * pow(1024, 4)) - 1) < 1e-6);
	assert_true(table.phases[1].notice_s - table.phases[0].ends_s >= 3 * DAY - 1);
	/* The tenth that has most has more than half. */
	assert_true(table.phases[1].bytes > 0.5 * bytes);
	for (size_t i = 1; i < table.point_count; i++)
		assert_true(table.points[i].accounts >= table.points[i - 1].accounts &&
		            table.points[i].at_s >= table.points[i - 1].at_s);
}

static void
a_plan_that_would_take_centuries_is_said_to(void **state)
{
	struct timetable_population population;
	struct timetable table;
	size_t phase = 9;

	(void)state;
	assert_int_equal(
	    read_plan("rate = 1\n[a]\ncohort = 1\n[b]\ncohort = rest\n" PEOPLE), DOM_OK);
	timetable_spread(&plan.population, &population);
	assert_int_equal(
	    timetable_make(&plan, &population, monday_noon, arena, &table, &phase), DOM_ELIMIT);
	assert_int_equal(phase, 1);
}

static void
a_phase_s_name_cannot_break_the_picture(void **state)
{
	struct dom_buffer svg = {0};
	struct timetable table;

	(void)state;
	make("[<b>&]\ncohort = rest\n" PEOPLE, &table);
	timetable_plot(&svg, &plan, &table, monday_noon, "a < b");
	dom_buffer_append(&svg, "", 1);
	assert_int_equal(dom_buffer_finish(&svg), DOM_OK);
	assert_null(strstr((char *)svg.data, "<b>"));
	assert_non_null(strstr((char *)svg.data, "&#60;b&#62;&#38;"));
	dom_buffer_free(&svg);
}

static int
begin(void **state)
{
	(void)state;
	return (arena = dom_arena_new(0)) == NULL;
}

static int
end(void **state)
{
	(void)state;
	dom_arena_free(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        a_phase_takes_over_what_stands_before_the_first_section, begin, end),
	    cmocka_unit_test_setup_teardown(
	        what_is_wrong_in_a_plan_is_said_with_its_line, begin, end),
	    cmocka_unit_test_setup_teardown(
	        sizes_spread_so_that_half_have_less_than_the_median, begin, end),
	    cmocka_unit_test_setup_teardown(
	        the_tightest_limit_says_how_long_it_takes, begin, end),
	    cmocka_unit_test_setup_teardown(
	        moves_begin_only_while_the_window_is_open, begin, end),
	    cmocka_unit_test_setup_teardown(everybody_is_counted_once, begin, end),
	    cmocka_unit_test_setup_teardown(
	        a_plan_that_would_take_centuries_is_said_to, begin, end),
	    cmocka_unit_test_setup_teardown(
	        a_phase_s_name_cannot_break_the_picture, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
