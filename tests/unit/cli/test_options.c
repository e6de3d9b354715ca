/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The command line: options, words, and what was probably meant. */
#include "cli/options.h"
#include "testing.h"

static const struct cli_option own[] = {
    {"server", "URL", ""}, {"json", NULL, ""}, {"password-fd", "N", ""}, {NULL, NULL, NULL}};
static const struct cli_option common[] = {{"help", NULL, ""}, {NULL, NULL, NULL}};

static char fault[512];
static const char *words[16];

static bool
parse(struct options *options, const char *const *arguments)
{
	size_t count = 0;

	while (arguments[count] != NULL)
		count++;
	fault[0] = '\0';
	return options_parse(
	    options, arguments, count, words, own, common, fault, sizeof(fault));
}
#define PARSE(options, ...) parse(options, (const char *const[]){__VA_ARGS__, NULL})

static void
options_and_words_come_in_any_order(void **state)
{
	struct options options;

	(void)state;
	assert_true(PARSE(&options, "ana", "--server", "https://a", "--json", "ben"));
	assert_int_equal(options.word_count, 2);
	assert_string_equal(options.words[0], "ana");
	assert_string_equal(options.words[1], "ben");
	assert_string_equal(options_value(&options, "server"), "https://a");
	assert_true(options_has(&options, "json"));
	assert_false(options_has(&options, "help"));
}

static void
a_value_may_be_joined_by_an_equals_sign_and_the_last_one_counts(void **state)
{
	struct options options;

	(void)state;
	assert_true(PARSE(&options, "--server=a", "--server=b=c", "--server="));
	assert_string_equal(options_value(&options, "server"), "");
	assert_true(PARSE(&options, "--server=a", "--server=b=c"));
	assert_string_equal(options_value(&options, "server"), "b=c");
}

static void
two_dashes_end_the_options_and_one_is_a_word(void **state)
{
	struct options options;

	(void)state;
	assert_true(PARSE(&options, "-", "--", "--json", "-x"));
	assert_int_equal(options.word_count, 3);
	assert_string_equal(options.words[1], "--json");
	assert_false(options_has(&options, "json"));
}

static void
an_id_that_begins_with_a_hyphen_is_a_word(void **state)
{
	struct options options;

	(void)state;
	assert_true(PARSE(&options, "-F6-QptmD0tQFqlgF_XxvivALTwcoxIs", "--json",
	    "--jsonqptmD0tQFqlgF_XxvivALTwcox"));
	assert_int_equal(options.word_count, 2);
	assert_string_equal(options.words[0], "-F6-QptmD0tQFqlgF_XxvivALTwcoxIs");
	assert_true(options_has(&options, "json"));
	assert_false(PARSE(&options, "-F6-QptmD0tQFqlgF_XxvivALTwcoxI="));
	assert_false(PARSE(&options, "-F6-QptmD0tQFqlgF_X"));
}

static void
common_options_are_known_too(void **state)
{
	struct options options;

	(void)state;
	assert_true(PARSE(&options, "-h"));
	assert_true(options_has(&options, "help"));
}

static void
an_unknown_option_gets_a_suggestion(void **state)
{
	struct options options;

	(void)state;
	assert_false(PARSE(&options, "--sever", "x"));
	assert_string_equal(fault, "there is no option --sever; did you mean --server?");
	assert_false(PARSE(&options, "--hlep"));
	assert_string_equal(fault, "there is no option --hlep; did you mean --help?");
	assert_false(PARSE(&options, "--quite-other=5"));
	assert_string_equal(fault, "there is no option --quite-other");
	/* As long as an id, and none. */
	assert_false(PARSE(&options, "--everything-that-there-is", "folder"));
	assert_string_equal(fault, "there is no option --everything-that-there-is");
	assert_false(PARSE(&options, "-j"));
	assert_string_equal(fault, "there is no option -j");
}

static void
a_missing_or_a_needless_value_is_said(void **state)
{
	struct options options;

	(void)state;
	assert_false(PARSE(&options, "--server"));
	assert_string_equal(fault, "--server needs a value: URL");
	assert_false(PARSE(&options, "--json=yes"));
	assert_string_equal(fault, "--json takes no value");
}

static void
a_password_on_the_command_line_is_refused_with_the_reason(void **state)
{
	struct options options;

	(void)state;
	assert_false(PARSE(&options, "--password", "secret"));
	assert_non_null(strstr(fault, "--password-fd"));
	assert_false(PARSE(&options, "--password=secret"));
	assert_non_null(strstr(fault, "every program"));
	assert_null(strstr(fault, "secret"));
}

static void
too_many_options_are_refused(void **state)
{
	const char *arguments[OPTIONS_GIVEN_MAX + 2];
	struct options options;

	(void)state;
	for (size_t at = 0; at <= OPTIONS_GIVEN_MAX; at++)
		arguments[at] = "--json";
	arguments[OPTIONS_GIVEN_MAX + 1] = NULL;
	assert_false(parse(&options, arguments));
	arguments[OPTIONS_GIVEN_MAX] = NULL;
	assert_true(parse(&options, arguments));
}

static void
a_suggestion_is_near_or_an_only_beginning_or_none(void **state)
{
	static const char *const list[] = {
	    "signup", "sessions", "status", "on", "off", "restore", NULL};

	(void)state;
	assert_string_equal(options_suggest("singup", list), "signup");
	assert_string_equal(options_suggest("stauts", list), "status");
	assert_string_equal(options_suggest("sess", list), "sessions");
	assert_string_equal(options_suggest("resotre", list), "restore");
	assert_string_equal(options_suggest("of", list), "off");
	assert_null(options_suggest("frobnicate", list));
	assert_null(options_suggest("xyz", list));
	assert_null(options_suggest("", list));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_and_words_come_in_any_order),
	    cmocka_unit_test(a_value_may_be_joined_by_an_equals_sign_and_the_last_one_counts),
	    cmocka_unit_test(two_dashes_end_the_options_and_one_is_a_word),
	    cmocka_unit_test(an_id_that_begins_with_a_hyphen_is_a_word),
	    cmocka_unit_test(common_options_are_known_too),
	    cmocka_unit_test(an_unknown_option_gets_a_suggestion),
	    cmocka_unit_test(a_missing_or_a_needless_value_is_said),
	    cmocka_unit_test(a_password_on_the_command_line_is_refused_with_the_reason),
	    cmocka_unit_test(too_many_options_are_refused),
	    cmocka_unit_test(a_suggestion_is_near_or_an_only_beginning_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
