/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Reading a region's catalogue of services; the format is docs/catalogue.md. */
#include "wire/catalogue.h"

#include <assert.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/bytes.h"
#include "base/duration.h"

#include "crypto/digest.h"

#include "wire/statement.h"

static const char format_name[] = "domicile-catalogue/1";
static const char terms_domain[] = "domicile/terms/v1";

static_assert((int)DOM_TERMS_SIZE == (int)DOM_SHA256_SIZE, "terms are a SHA-256");

/* What is read, and the first thing that is wrong with it. */
struct reading {
	struct dom_arena *arena;
	const char *service; /* under way; NULL: none yet */
	size_t number;       /* of the service, from 1 */
	enum dom_status failed;
	char *why;
	size_t why_size;
};

static void __attribute__((format(printf, 3, 4)))
fail(struct reading *reading, enum dom_status status, const char *format, ...)
{
	char text[256];
	va_list arguments;

	if (reading->failed != DOM_OK)
		return;
	reading->failed = status;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (reading->service != NULL)
		snprintf(reading->why, reading->why_size, "service \"%s\": %s",
		    reading->service, text);
	else if (reading->number != 0)
		snprintf(reading->why, reading->why_size, "service number %zu: %s",
		    reading->number, text);
	else
		snprintf(reading->why, reading->why_size, "%s", text);
}

static void *
take(struct reading *reading, size_t count, size_t size)
{
	void *memory = dom_arena_array(reading->arena, count == 0 ? 1 : count, size);

	if (memory == NULL)
		fail(reading, DOM_ENOMEM, "there is not enough memory");
	return memory;
}

/* Every key is known, and those that must be are there. */
static void
check_keys(struct reading *reading, json_t *object, const char *what, const char *const *known)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object)) {
		fail(reading, DOM_EINPUT, "%s must be an object", what);
		return;
	}
	json_object_foreach(object, key, value)
	{
		size_t at = 0;

		while (known[at] != NULL && strcmp(known[at], key) != 0)
			at++;
		if (known[at] == NULL)
			fail(reading, DOM_EINPUT, "%s has an unknown key \"%.40s\"", what, key);
	}
}

/* jansson has checked the UTF-8; C1 controls are U+0080 to U+009F. */
static bool
is_plain(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)text[i];

		if (byte < 0x20 || byte == 0x7f ||
		    (byte == 0xc2 && i + 1 < size && (uint8_t)text[i + 1] < 0xa0))
			return false;
	}
	return true;
}

static const char *
keep_text(struct reading *reading, json_t *value, const char *key, size_t least, size_t most)
{
	const char *text = json_string_value(value);
	size_t size = json_string_length(value);
	struct dom_slice copy;

	if (text == NULL) {
		fail(reading, DOM_EINPUT, "\"%s\" must be a text", key);
		return "";
	}
	if (size < least || size > most) {
		fail(reading, size > most ? DOM_ELIMIT : DOM_EINPUT,
		    "\"%s\" must have %zu to %zu bytes", key, least, most);
		return "";
	}
	if (!is_plain(text, size)) {
		fail(reading, DOM_EINPUT,
		    "\"%s\" holds a control character, which could move a terminal's cursor",
		    key);
		return "";
	}
	copy = dom_arena_copy(reading->arena, dom_slice(text, size));
	if (copy.data == NULL) {
		fail(reading, DOM_ENOMEM, "there is not enough memory");
		return "";
	}
	return (const char *)copy.data;
}

/* A text of the object; one that may be missing has least 0. */
static const char *
read_text(struct reading *reading, json_t *object, const char *key, size_t least, size_t most)
{
	json_t *value = json_object_get(object, key);

	if (value == NULL && least == 0)
		return "";
	if (value == NULL) {
		fail(reading, DOM_EINPUT, "\"%s\" is missing", key);
		return "";
	}
	return keep_text(reading, value, key, least, most);
}

/* The list's length; 0 after a failure. */
static size_t
read_list(struct reading *reading, json_t *object, const char *key, size_t least, size_t most,
    json_t **list_r)
{
	json_t *list = json_object_get(object, key);
	size_t count = json_array_size(list);

	*list_r = list;
	if (list == NULL)
		fail(reading, DOM_EINPUT, "\"%s\" is missing", key);
	else if (!json_is_array(list))
		fail(reading, DOM_EINPUT, "\"%s\" must be a list", key);
	else if (count < least || count > most)
		fail(reading, count > most ? DOM_ELIMIT : DOM_EINPUT,
		    "\"%s\" must have %zu to %zu entries", key, least, most);
	return reading->failed == DOM_OK ? count : 0;
}

static void
read_classes(struct reading *reading, json_t *object, struct dom_catalogue_entry *entry)
{
	json_t *list;
	size_t count =
	    read_list(reading, object, "dataClasses", 1, WIRE_CATALOGUE_LIST_MAX, &list);
	const char **classes = take(reading, count, sizeof(*classes));

	for (size_t i = 0; i < count && reading->failed == DOM_OK; i++)
		classes[i] = keep_text(reading, json_array_get(list, i), "dataClasses", 1,
		    WIRE_CATALOGUE_TEXT_MAX);
	entry->data_classes = classes;
	entry->data_class_count = count;
}

static void
read_fields(struct reading *reading, json_t *object, struct dom_catalogue_entry *entry)
{
	static const char *const keys[] = {"name", "why", "without", NULL};
	json_t *list;
	size_t count = read_list(reading, object, "fields", 1, WIRE_CATALOGUE_LIST_MAX, &list);
	struct dom_catalogue_field *fields = take(reading, count, sizeof(*fields));

	for (size_t i = 0; i < count && reading->failed == DOM_OK; i++) {
		json_t *one = json_array_get(list, i);

		check_keys(reading, one, "an entry of \"fields\"", keys);
		fields[i] = (struct dom_catalogue_field){
		    .name = read_text(reading, one, "name", 1, WIRE_CATALOGUE_TEXT_MAX),
		    .why = read_text(reading, one, "why", 1, WIRE_CATALOGUE_TEXT_MAX),
		    .without = read_text(reading, one, "without", 1, WIRE_CATALOGUE_TEXT_MAX),
		};
	}
	entry->fields = fields;
	entry->field_count = count;
}

static void
read_readers(struct reading *reading, json_t *object, struct dom_catalogue_entry *entry)
{
	static const char *const keys[] = {"who", "what", NULL};
	json_t *list;
	size_t count = read_list(reading, object, "readers", 1, WIRE_CATALOGUE_LIST_MAX, &list);
	struct dom_catalogue_reader *readers = take(reading, count, sizeof(*readers));

	for (size_t i = 0; i < count && reading->failed == DOM_OK; i++) {
		json_t *one = json_array_get(list, i);

		check_keys(reading, one, "an entry of \"readers\"", keys);
		readers[i] = (struct dom_catalogue_reader){
		    .who = read_text(reading, one, "who", 1, WIRE_CATALOGUE_TEXT_MAX),
		    .what = read_text(reading, one, "what", 1, WIRE_CATALOGUE_TEXT_MAX),
		};
	}
	entry->readers = readers;
	entry->reader_count = count;
}

/* "2026-11-21": what a sentence shows, so its shape is enough. */
static bool
is_day(const char *text)
{
	static const char shape[] = "0000-00-00";
	size_t at = 0;

	for (; shape[at] != '\0' && text[at] != '\0'; at++) {
		bool is_digit = text[at] >= '0' && text[at] <= '9';

		if (shape[at] == '0' ? !is_digit : text[at] != shape[at])
			return false;
	}
	return shape[at] == '\0' && text[at] == '\0';
}

static bool
is_duration(const char *text)
{
	struct dom_duration duration;

	return dom_duration_parse(dom_slice_of(text), &duration) == DOM_OK &&
	       !dom_duration_is_zero(&duration);
}

static void
read_retention(struct reading *reading, json_t *object, struct dom_catalogue_entry *entry)
{
	entry->retention = read_text(reading, object, "retention", 0, WIRE_RETENTION_SIZE_MAX);
	entry->minimum = read_text(reading, object, "minimum", 0, WIRE_RETENTION_SIZE_MAX);
	entry->law = read_text(reading, object, "law", 0, WIRE_CATALOGUE_TEXT_MAX);
	if (json_object_get(object, "retention") == NULL)
		fail(reading, DOM_EINPUT, "\"retention\" is missing");
	if (entry->retention[0] != '\0' && !is_duration(entry->retention))
		fail(reading, DOM_EINPUT,
		    "\"retention\" must be an ISO 8601 duration such as P90D, or empty");
	if (entry->minimum[0] != '\0' && !is_duration(entry->minimum))
		fail(reading, DOM_EINPUT,
		    "\"minimum\" must be an ISO 8601 duration such as P5Y");
	if ((entry->minimum[0] == '\0') != (entry->law[0] == '\0'))
		fail(reading, DOM_EINPUT,
		    "\"minimum\" and \"law\" belong together: what orders keeping is named");
}

/*
 * Fixed order: the domain, then service, purpose, how many data classes and
 * each, retention, minimum, law, how many readers and who and what of each.
 */
static void
digest_terms(struct reading *reading, struct dom_catalogue_entry *entry)
{
	struct dom_buffer bytes = {0};
	enum dom_status st;

	if (reading->failed != DOM_OK)
		return;
	dom_write_string(&bytes, dom_slice_of(terms_domain));
	dom_write_string(&bytes, dom_slice_of(entry->name));
	dom_write_string(&bytes, dom_slice_of(entry->purpose));
	dom_write_u32(&bytes, (uint32_t)entry->data_class_count);
	for (size_t i = 0; i < entry->data_class_count; i++)
		dom_write_string(&bytes, dom_slice_of(entry->data_classes[i]));
	dom_write_string(&bytes, dom_slice_of(entry->retention));
	dom_write_string(&bytes, dom_slice_of(entry->minimum));
	dom_write_string(&bytes, dom_slice_of(entry->law));
	dom_write_u32(&bytes, (uint32_t)entry->reader_count);
	for (size_t i = 0; i < entry->reader_count; i++) {
		dom_write_string(&bytes, dom_slice_of(entry->readers[i].who));
		dom_write_string(&bytes, dom_slice_of(entry->readers[i].what));
	}
	if ((st = dom_buffer_finish(&bytes)) == DOM_OK)
		st = dom_sha256(dom_buffer_slice(&bytes), entry->terms);
	dom_buffer_free(&bytes);
	if (st != DOM_OK)
		fail(reading, DOM_ENOMEM, "there is not enough memory");
}

static void
read_entry(struct reading *reading, json_t *object, struct dom_catalogue_entry *entry)
{
	static const char *const keys[] = {"name", "version", "since", "title", "purpose",
	    "dataClasses", "fields", "retention", "minimum", "law", "readers", NULL};
	json_t *version = json_object_get(object, "version");
	json_int_t number = json_integer_value(version);

	check_keys(reading, object, "a service", keys);
	entry->name = read_text(reading, object, "name", 1, WIRE_SERVICE_SIZE_MAX);
	if (reading->failed == DOM_OK && !wire_service_valid(dom_slice_of(entry->name)))
		fail(reading, DOM_EINPUT,
		    "\"name\" must be small letters, digits and hyphens, a letter first");
	if (reading->failed == DOM_OK)
		reading->service = entry->name;
	if (!json_is_integer(version) || number < 1 || number > UINT32_MAX)
		fail(reading, DOM_EINPUT, "\"version\" must be a whole number from 1 on");
	entry->version = (uint32_t)number;
	entry->since = read_text(reading, object, "since", 1, WIRE_CATALOGUE_TEXT_MAX);
	if (reading->failed == DOM_OK && !is_day(entry->since))
		fail(reading, DOM_EINPUT, "\"since\" must be a day such as 2026-11-21");
	entry->title = read_text(reading, object, "title", 1, WIRE_CATALOGUE_TEXT_MAX);
	entry->purpose = read_text(reading, object, "purpose", 1, WIRE_PURPOSE_SIZE_MAX);
	read_classes(reading, object, entry);
	read_fields(reading, object, entry);
	read_retention(reading, object, entry);
	read_readers(reading, object, entry);
	digest_terms(reading, entry);
	reading->service = NULL;
}

static void
read_all(struct reading *reading, json_t *root, struct wire_catalogue *catalogue)
{
	static const char *const keys[] = {"format", "services", NULL};
	struct dom_catalogue_entry *entries;
	json_t *list, *format = json_object_get(root, "format");

	check_keys(reading, root, "the catalogue", keys);
	if (format == NULL || json_string_value(format) == NULL ||
	    strcmp(json_string_value(format), format_name) != 0)
		fail(reading, DOM_EINPUT, "\"format\" must be \"%s\"", format_name);
	catalogue->count =
	    read_list(reading, root, "services", 1, WIRE_CATALOGUE_SERVICES_MAX, &list);
	entries = take(reading, catalogue->count, sizeof(*entries));
	catalogue->entries = entries;
	for (size_t i = 0; i < catalogue->count && reading->failed == DOM_OK; i++) {
		reading->number = i + 1;
		read_entry(reading, json_array_get(list, i), &entries[i]);
		for (size_t before = 0; before < i && reading->failed == DOM_OK; before++) {
			if (strcmp(entries[before].name, entries[i].name) == 0)
				fail(reading, DOM_EINPUT, "the name \"%s\" stands there twice",
				    entries[i].name);
		}
	}
}

static json_t *
parse(struct dom_slice text, struct reading *reading)
{
	json_error_t error;
	json_t *root;

	if (text.size > WIRE_CATALOGUE_SIZE_MAX) {
		fail(reading, DOM_ELIMIT, "the catalogue is larger than %d bytes",
		    WIRE_CATALOGUE_SIZE_MAX);
		return NULL;
	}
	/* A NUL inside of a text would hide what stands behind it: refused by default. */
	root = json_loadb(text.size == 0 ? "" : (const char *)text.data, text.size,
	    JSON_REJECT_DUPLICATES, &error);
	if (root == NULL)
		fail(reading, DOM_EINPUT, "line %d: %.150s", error.line, error.text);
	return root;
}

enum dom_status
wire_catalogue_read(
    struct dom_slice text, struct wire_catalogue **catalogue_r, char *why_r, size_t why_size)
{
	struct reading reading = {
	    .arena = dom_arena_new(0), .why = why_r, .why_size = why_size};
	struct wire_catalogue *catalogue = calloc(1, sizeof(*catalogue));
	json_t *root = NULL;

	*catalogue_r = NULL;
	if (catalogue == NULL || reading.arena == NULL) {
		fail(&reading, DOM_ENOMEM, "there is not enough memory");
		goto out;
	}
	if ((root = parse(text, &reading)) == NULL)
		goto out;
	read_all(&reading, root, catalogue);
	catalogue->text = dom_arena_copy(reading.arena, text);
	if (catalogue->text.data == NULL)
		fail(&reading, DOM_ENOMEM, "there is not enough memory");
	if (reading.failed != DOM_OK)
		goto out;
	catalogue->arena = reading.arena;
	*catalogue_r = catalogue;
	catalogue = NULL;
	reading.arena = NULL;
out:
	json_decref(root);
	free(catalogue);
	dom_arena_free(&reading.arena);
	return reading.failed;
}

void
wire_catalogue_free(struct wire_catalogue **catalogue)
{
	struct wire_catalogue *old = *catalogue;

	if (old == NULL)
		return;
	*catalogue = NULL;
	dom_arena_free(&old->arena);
	free(old);
}

const struct dom_catalogue_entry *
wire_catalogue_find(const struct wire_catalogue *catalogue, struct dom_slice service)
{
	for (size_t i = 0; catalogue != NULL && i < catalogue->count; i++) {
		if (dom_slice_is(service, catalogue->entries[i].name))
			return &catalogue->entries[i];
	}
	return NULL;
}
