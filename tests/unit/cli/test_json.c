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

/* MessagePack as it stands on the wire, and the JSON that it becomes. */
static void
expect_pairs(struct dom_slice pairs, const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	struct json json = {.out = open_memstream(&text, &size)};
	size_t at = 0;

	json_pairs(&json, NULL, pairs);
	fclose(json.out);
	for (size_t i = 0; i < size; i++) /* without the line breaks */
		if (text[i] != '\n' && text[i] != ' ')
			text[at++] = text[i];
	text[at] = '\0';
	assert_string_equal(text, expected);
	free(text);
}
#define PAIRS(literal, expected) expect_pairs(dom_slice(literal, sizeof(literal) - 1), expected)

static void
what_other_apps_noted_becomes_json(void **state)
{
	(void)state;
	PAIRS("", "{}");
	PAIRS("\xa1"
	      "a\xc0\xa1"
	      "b\xc3\xa1"
	      "c\xff\xa1"
	      "d\xcf\x7f\xff\xff\xff\xff\xff\xff\xff",
	    "{\"a\":null,\"b\":true,\"c\":-1,\"d\":9223372036854775807}");
	PAIRS("\xa1"
	      "a\x93\x01\x80\x90\xa1"
	      "b\x81\xa1x\x81\xa1y\xc4\x03\x01\x02\x03",
	    "{\"a\":[1,{},[]],\"b\":{\"x\":{\"y\":\"AQID\"}}}");
	PAIRS("\xa1"
	      "a\xcb\x3f\xf8\0\0\0\0\0\0\xa1"
	      "b\xca\x40\x20\0\0",
	    "{\"a\":1.5,\"b\":2.5}");
}

static void
what_json_cannot_say_stays_as_bytes(void **state)
{
	uint8_t deep[200];

	(void)state;
	PAIRS("\xa1"
	      "a\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
	    "{\"a\":{\"msgpack\":\"z___________\"}}");
	PAIRS("\xa1"
	      "a\xcb\x7f\xf0\0\0\0\0\0\0",
	    "{\"a\":{\"msgpack\":\"y3_wAAAAAAAA\"}}");
	PAIRS("\xa1"
	      "a\xa2\xff\xfe\xa1"
	      "b\xa2x\0",
	    "{\"a\":{\"msgpack\":\"ov_-\"},\"b\":{\"msgpack\":\"ongA\"}}");
	PAIRS("\x05\xa1z", "{\"BQ\":\"z\"}"); /* a number as a key */
	/* A chain of lists that would never end. */
	memset(deep, 0x91, sizeof(deep));
	memcpy(deep, "\xa1q", 2);
	deep[sizeof(deep) - 1] = 0x07;
	{
		char *text = NULL;
		size_t size = 0;
		struct json json = {.out = open_memstream(&text, &size)};

		json_pairs(&json, NULL, dom_slice(deep, sizeof(deep)));
		fclose(json.out);
		assert_non_null(strstr(text, "\"msgpack\""));
		free(text);
	}
}

static void
what_is_cut_short_still_gives_valid_json(void **state)
{
	(void)state;
	PAIRS("\xa1", "{}");
	PAIRS("\xa1"
	      "a",
	    "{}");
	PAIRS("\xa1"
	      "a\x92\x01",
	    "{\"a\":[]}");
	PAIRS("\xa1"
	      "a\x81\xa1"
	      "b",
	    "{\"a\":{}}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_stand_in_their_objects_with_commas_between),
	    cmocka_unit_test(any_bytes_become_a_valid_string),
	    cmocka_unit_test(finishing_closes_whatever_is_open),
	    cmocka_unit_test(what_other_apps_noted_becomes_json),
	    cmocka_unit_test(what_json_cannot_say_stays_as_bytes),
	    cmocka_unit_test(what_is_cut_short_still_gives_valid_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
