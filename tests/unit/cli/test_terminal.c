/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The progress bar's line, and passwords from a file descriptor. */
#include <unistd.h>

#include "cli/terminal.h"
#include "testing.h"

static void
the_bar_shows_part_items_bytes_speed_and_time_left(void **state)
{
	const struct terminal terminal = {.label = "photos",
	    .all = 20000000,
	    .done = 5000000,
	    .items = 1200,
	    .started_ms = 1000};
	char line[512];

	(void)state;
	terminal_bar_text(&terminal, 3000, 80, line, sizeof(line));
	assert_string_equal(line,
	    "photos    █████░░░░░░░░░░░░░░░  25%  1,200 items  5.0 MB of 20 MB  2.5 MB/s");
	terminal_bar_text(&terminal, 3000, 95, line, sizeof(line));
	assert_non_null(strstr(line, "2.5 MB/s  6.0 s left"));
}

static void
a_bar_over_items_says_nothing_of_bytes(void **state)
{
	const struct terminal terminal = {
	    .label = "history", .all = 2000, .done = 1500, .counts = true, .started_ms = 1000};
	char line[512];

	(void)state;
	terminal_bar_text(&terminal, 4000, 80, line, sizeof(line));
	assert_string_equal(
	    line, "history   ███████████████░░░░░  75%  1,500 of 2,000 items  1.0 s left");
}

static void
without_a_total_there_are_figures_only(void **state)
{
	const struct terminal terminal = {
	    .label = "contacts", .done = 1500000, .items = 3, .started_ms = 0};
	char line[512];

	(void)state;
	terminal_bar_text(&terminal, 1000, 80, line, sizeof(line));
	assert_string_equal(line, "contacts  3 items  1.5 MB  1.5 MB/s");
}

static void
more_than_was_announced_is_not_more_than_all(void **state)
{
	const struct terminal terminal = {
	    .label = "files", .all = 10, .done = 25, .started_ms = 0};
	char line[512];

	(void)state;
	terminal_bar_text(&terminal, 1000, 70, line, sizeof(line));
	assert_non_null(strstr(line, "██████████ 100%"));
	assert_null(strstr(line, "░"));
}

static enum password_outcome
read_from_pipe(const char *text, size_t size, char password_r[PASSWORD_SIZE_MAX + 1])
{
	int ends[2];
	enum password_outcome outcome;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, size), size);
	close(ends[1]);
	outcome = terminal_password_from(ends[0], password_r);
	close(ends[0]);
	return outcome;
}

static void
a_password_is_the_first_line_without_its_ending(void **state)
{
	char password[PASSWORD_SIZE_MAX + 1];

	(void)state;
	assert_int_equal(read_from_pipe("pass word \nnext\n", 16, password), PASSWORD_READ);
	assert_string_equal(password, "pass word ");
	assert_int_equal(read_from_pipe("no ending", 9, password), PASSWORD_READ);
	assert_string_equal(password, "no ending");
	assert_int_equal(read_from_pipe("dos\r\n", 5, password), PASSWORD_READ);
	assert_string_equal(password, "dos");
	assert_int_equal(read_from_pipe("", 0, password), PASSWORD_READ);
	assert_string_equal(password, "");
}

static void
a_password_has_a_bound_and_needs_a_readable_file(void **state)
{
	char password[PASSWORD_SIZE_MAX + 1], text[PASSWORD_SIZE_MAX + 2];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(read_from_pipe(text, sizeof(text), password), PASSWORD_TOO_LONG);
	assert_int_equal(password[0], '\0');
	assert_int_equal(read_from_pipe(text, PASSWORD_SIZE_MAX, password), PASSWORD_READ);
	assert_int_equal(strlen(password), PASSWORD_SIZE_MAX);
	assert_int_equal(terminal_password_from(987, password), PASSWORD_UNREADABLE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_bar_shows_part_items_bytes_speed_and_time_left),
	    cmocka_unit_test(a_bar_over_items_says_nothing_of_bytes),
	    cmocka_unit_test(without_a_total_there_are_figures_only),
	    cmocka_unit_test(more_than_was_announced_is_not_more_than_all),
	    cmocka_unit_test(a_password_is_the_first_line_without_its_ending),
	    cmocka_unit_test(a_password_has_a_bound_and_needs_a_readable_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
