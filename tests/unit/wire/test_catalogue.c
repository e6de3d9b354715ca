/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The catalogue of services: what is read, what is refused, and what its terms stand for. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"

#include "wire/catalogue.h"

#include "testing.h"

static const char *shipped; /* path of packaging/services.json */

static const char good[] =
    "{\"format\": \"domicile-catalogue/1\", \"services\": [\n"
    " {\"name\": \"contacts\", \"version\": 3, \"since\": \"2026-11-21\",\n"
    "  \"title\": \"your address book\", \"purpose\": \"Keep a copy.\",\n"
    "  \"dataClasses\": [\"names\", \"numbers\"],\n"
    "  \"fields\": [{\"name\": \"size\", \"why\": \"to store\", \"without\": \"none\"}],\n"
    "  \"retention\": \"P1Y\", \"minimum\": \"P90D\", \"law\": \"Act 7\",\n"
    "  \"readers\": [{\"who\": \"you\", \"what\": \"all\"}]}]}\n";

static struct wire_catalogue *catalogue;
static char why[256];

static enum dom_status
read_text(const char *text)
{
	wire_catalogue_free(&catalogue);
	why[0] = '\0';
	return wire_catalogue_read(dom_slice_of(text), &catalogue, why, sizeof(why));
}

/* The good one with the first `from` replaced. */
static enum dom_status
read_changed(const char *from, const char *to)
{
	const char *at = strstr(good, from);
	struct dom_buffer text = {0};
	enum dom_status st;

	assert_non_null(at);
	dom_buffer_append(&text, good, (size_t)(at - good));
	dom_buffer_append_text(&text, to);
	dom_buffer_append(&text, at + strlen(from), strlen(at) - strlen(from) + 1);
	st = read_text((const char *)text.data);
	dom_buffer_free(&text);
	return st;
}

static void
an_entry_is_read_as_it_stands(void **state)
{
	const struct dom_catalogue_entry *entry;

	(void)state;
	assert_int_equal(read_text(good), DOM_OK);
	assert_int_equal(catalogue->count, 1);
	assert_true(dom_slice_is(catalogue->text, good));
	entry = wire_catalogue_find(catalogue, dom_slice_of("contacts"));
	assert_non_null(entry);
	assert_int_equal(entry->version, 3);
	assert_string_equal(entry->since, "2026-11-21");
	assert_string_equal(entry->title, "your address book");
	assert_string_equal(entry->purpose, "Keep a copy.");
	assert_int_equal(entry->data_class_count, 2);
	assert_string_equal(entry->data_classes[1], "numbers");
	assert_int_equal(entry->field_count, 1);
	assert_string_equal(entry->fields[0].without, "none");
	assert_string_equal(entry->retention, "P1Y");
	assert_string_equal(entry->minimum, "P90D");
	assert_string_equal(entry->law, "Act 7");
	assert_int_equal(entry->reader_count, 1);
	assert_string_equal(entry->readers[0].what, "all");
	assert_null(wire_catalogue_find(catalogue, dom_slice_of("contact")));
	assert_null(wire_catalogue_find(NULL, dom_slice_of("contacts")));
}

/* Computed apart, by the layout in docs/catalogue.md. */
static void
the_terms_are_the_documented_digest(void **state)
{
	static const uint8_t expected[DOM_TERMS_SIZE] = {0x22, 0xd0, 0x4e, 0x44, 0x18, 0x00,
	    0x50, 0x1c, 0xcc, 0x59, 0x81, 0xc1, 0xe3, 0x6d, 0xf5, 0x29, 0xba, 0x45, 0xb0, 0x13,
	    0x71, 0x29, 0xf2, 0x5a, 0xa3, 0x60, 0xe7, 0x8b, 0x99, 0x72, 0xc3, 0xd1};

	(void)state;
	assert_int_equal(read_text(good), DOM_OK);
	assert_memory_equal(catalogue->entries[0].terms, expected, sizeof(expected));
}

static void
what_a_person_agrees_to_changes_the_terms_and_the_rest_does_not(void **state)
{
	static const struct {
		const char *from, *to;
		bool changes;
	} cases[] = {
	    {"\"name\": \"contacts\"", "\"name\": \"calendar\"", true},
	    {"Keep a copy.", "Keep a copy!", true},
	    {"\"names\", \"numbers\"", "\"names\"", true},
	    {"\"names\", \"numbers\"", "\"numbers\", \"names\"", true},
	    {"\"names\", \"numbers\"", "\"namesnumbers\"", true},
	    {"\"P1Y\"", "\"P2Y\"", true},
	    {"\"P1Y\"", "\"\"", true},
	    {"P90D", "P91D", true},
	    {"Act 7", "Act 8", true},
	    {"\"who\": \"you\"", "\"who\": \"all\"", true},
	    {"\"what\": \"all\"", "\"what\": \"some\"", true},
	    {"\"version\": 3", "\"version\": 4", false},
	    {"2026-11-21", "2026-11-22", false},
	    {"your address book", "the address book", false},
	    {"to store", "to keep", false},
	};
	uint8_t before[DOM_TERMS_SIZE];

	(void)state;
	assert_int_equal(read_text(good), DOM_OK);
	memcpy(before, catalogue->entries[0].terms, sizeof(before));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (read_changed(cases[i].from, cases[i].to) != DOM_OK)
			fail_msg("%s: %s", cases[i].to, why);
		if ((memcmp(before, catalogue->entries[0].terms, sizeof(before)) != 0) !=
		    cases[i].changes)
			fail_msg("%s", cases[i].to);
	}
}

static void
what_is_wrong_is_refused_and_named(void **state)
{
	static const struct {
		const char *from, *to, *why;
	} cases[] = {
	    {"domicile-catalogue/1", "domicile-catalogue/2", "\"format\""},
	    {"\"format\"", "\"formats\"", "unknown key \"formats\""},
	    {"\"contacts\"", "\"Contacts\"", "small letters"},
	    {"\"contacts\"", "7", "service number 1: \"name\" must be a text"},
	    {"\"version\": 3", "\"version\": 0", "service \"contacts\": \"version\""},
	    {"\"version\": 3", "\"version\": 4294967296", "\"version\""},
	    {"\"version\": 3", "\"version\": 3.5", "\"version\""},
	    {"2026-11-21", "21.11.2026", "\"since\" must be a day"},
	    {"2026-11-21", "2026-11-211", "\"since\" must be a day"},
	    {"\"title\"", "\"titel\"", "unknown key \"titel\""},
	    {"\"purpose\": \"Keep a copy.\",", "", "\"purpose\" is missing"},
	    {"Keep a copy.", "", "\"purpose\" must have"},
	    {"Keep a copy.", "Keep\\u001b[2J", "control character"},
	    {"Keep a copy.", "Keep\\u009b2J", "control character"},
	    {"Keep a copy.", "Keep\\u0000", "line 3"},
	    {"[\"names\", \"numbers\"]", "[]", "\"dataClasses\" must have 1 to"},
	    {"[\"names\", \"numbers\"]", "\"names\"", "\"dataClasses\" must be a list"},
	    {"[\"names\", \"numbers\"]", "[[]]", "\"dataClasses\" must be a text"},
	    {"\"without\": \"none\"", "\"w\": \"none\"", "unknown key \"w\""},
	    {", \"without\": \"none\"", "", "\"without\" is missing"},
	    {"\"retention\": \"P1Y\",", "", "\"retention\" is missing"},
	    {"P1Y", "1 year", "ISO 8601"},
	    {"P1Y", "P0D", "ISO 8601"},
	    {"P90D", "90D", "\"minimum\""},
	    {"Act 7", "", "\"minimum\" and \"law\""},
	    {"\"P90D\"", "\"\"", "\"minimum\" and \"law\""},
	    {"\"who\"", "\"why\"", "unknown key \"why\""},
	    {"\"title\": \"your", "\"version\": 3, \"title\": \"your", "line 3: duplicate"},
	    {"}]}]}", "}]}", "line "},
	    {"}]}]}", "}]}]} {}", "line "},
	    {"{\"format\"", "[{\"format\"", "line "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum dom_status st = read_changed(cases[i].from, cases[i].to);

		if (st != DOM_EINPUT && st != DOM_ELIMIT)
			fail_msg("%s was read", cases[i].to);
		assert_null(catalogue);
		if (strstr(why, cases[i].why) == NULL)
			fail_msg(
			    "%s: \"%s\" does not say \"%s\"", cases[i].to, why, cases[i].why);
	}
	assert_int_equal(read_text("[]"), DOM_EINPUT);
	assert_int_equal(read_text(""), DOM_EINPUT);
	assert_int_equal(read_text("null"), DOM_EINPUT);
}

static void
a_name_stands_there_once_and_lists_have_an_end(void **state)
{
	struct dom_buffer text = {0};
	const char *entry = strchr(good, '['), *end = strstr(good, "]}\n");

	(void)state;
	assert_non_null(entry);
	dom_buffer_append(&text, good, (size_t)(end - good));
	dom_buffer_append_text(&text, ",");
	dom_buffer_append(&text, entry + 1, strlen(entry + 1) + 1);
	assert_int_equal(read_text((const char *)text.data), DOM_EINPUT);
	assert_non_null(strstr(why, "twice"));
	dom_buffer_free(&text);

	dom_buffer_append_text(&text, "\"names\"");
	for (unsigned i = 0; i < WIRE_CATALOGUE_LIST_MAX; i++)
		dom_buffer_append_text(&text, ", \"more\"");
	dom_buffer_append(&text, "", 1);
	assert_int_equal(
	    read_changed("\"names\", \"numbers\"", (const char *)text.data), DOM_ELIMIT);
	dom_buffer_free(&text);

	for (unsigned i = 0; i <= WIRE_CATALOGUE_SIZE_MAX; i++)
		dom_buffer_append_text(&text, " ");
	dom_buffer_append(&text, "", 1);
	assert_int_equal(read_text((const char *)text.data), DOM_ELIMIT);
	dom_buffer_free(&text);

	/* Depth is bounded before it is walked. */
	for (unsigned i = 0; i < 100000; i++)
		dom_buffer_append_text(&text, "[");
	dom_buffer_append(&text, "", 1);
	assert_int_equal(read_text((const char *)text.data), DOM_EINPUT);
	dom_buffer_free(&text);
}

static void
every_byte_cut_off_is_noticed(void **state)
{
	(void)state;
	for (size_t size = 0; size < strlen(good) - 1; size++) {
		wire_catalogue_free(&catalogue);
		if (wire_catalogue_read(dom_slice(good, size), &catalogue, why, sizeof(why)) ==
		    DOM_OK)
			fail_msg("%zu bytes were read", size);
	}
}

static void
the_shipped_catalogue_is_read(void **state)
{
	static const char *const names[] = {"contacts", "calendar", "tasks", "notes",
	    "messages", "calls", "photos", "files", "any"};
	static char text[WIRE_CATALOGUE_SIZE_MAX];
	FILE *in = fopen(shipped, "re");
	size_t size;

	(void)state;
	assert_non_null(in);
	size = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[size] = '\0';
	if (read_text(text) != DOM_OK)
		fail_msg("%s", why);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_non_null(wire_catalogue_find(catalogue, dom_slice_of(names[i])));
}

static int
tear_down(void **state)
{
	(void)state;
	wire_catalogue_free(&catalogue);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_entry_is_read_as_it_stands),
	    cmocka_unit_test(the_terms_are_the_documented_digest),
	    cmocka_unit_test(what_a_person_agrees_to_changes_the_terms_and_the_rest_does_not),
	    cmocka_unit_test(what_is_wrong_is_refused_and_named),
	    cmocka_unit_test(a_name_stands_there_once_and_lists_have_an_end),
	    cmocka_unit_test(every_byte_cut_off_is_noticed),
	    cmocka_unit_test(the_shipped_catalogue_is_read),
	};

	if (argc != 2)
		return 1;
	shipped = argv[1];
	return cmocka_run_group_tests(tests, NULL, tear_down);
}
