/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* JSON written as it comes is JSON. */
#include "cli/json.h"
#include "testing.h"

static void
values_stand_in_their_objects_with_commas_between(void **state)
{
	char *text = NULL;
	size_t size = 0;
	struct json json = {.out = open_memstream(&text, &size)};

	(void)state;
	json_open(&json, NULL, '{');
	json_open(&json, "list", '[');
	json_number(&json, NULL, 1);
	json_bool(&json, NULL, true);
	json_close(&json);
	json_open(&json, "empty", '[');
	json_close(&json);
	json_time(&json, "never", 0);
	json_time(&json, "ms", 1500);
	json_text(&json, "null", NULL);
	json_finish(&json);
	fclose(json.out);
	assert_string_equal(text,
	    "{\n  \"list\": [\n    1,\n    true\n  ],\n  \"empty\": [],\n  \"never\": null,\n"
	    "  \"ms\": 1500,\n  \"null\": null\n}\n");
	free(text);
}

static void
any_bytes_become_a_valid_string(void **state)
{
	char *text = NULL;
	size_t size = 0;
	struct json json = {.out = open_memstream(&text, &size)};

	(void)state;
	json_text(&json, NULL, "a\"b\\c\n\x1f\x7f \xc3\xa9 \xff \xe2\x82");
	json_finish(&json);
	fclose(json.out);
	assert_string_equal(
	    text, "\"a\\\"b\\\\c\\u000a\\u001f\\u007f \xc3\xa9 \\ufffd \\ufffd\\ufffd\"\n");
	free(text);
}

static void
finishing_closes_whatever_is_open(void **state)
{
	char *text = NULL;
	size_t size = 0;
	struct json json = {.out = open_memstream(&text, &size)};

	(void)state;
	json_open(&json, NULL, '{');
	json_open(&json, "a", '[');
	json_open(&json, NULL, '{');
	json_finish(&json);
	fclose(json.out);
	assert_string_equal(text, "{\n  \"a\": [\n    {}\n  ]\n}\n");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_stand_in_their_objects_with_commas_between),
	    cmocka_unit_test(any_bytes_become_a_valid_string),
	    cmocka_unit_test(finishing_closes_whatever_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
