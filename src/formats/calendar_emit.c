/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* From the notes about a VCALENDAR to its records. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

#include "formats/calendar.h"

enum dom_status
format_calendar_init(struct format_calendar *calendar, int fd, const struct format_sink *sink)
{
	memset(calendar, 0, sizeof(*calendar));
	calendar->fd = fd;
	calendar->sink = sink;
	return (calendar->sha = dom_sha256_new()) == NULL ? DOM_ENOMEM : DOM_OK;
}

void
format_calendar_free(struct format_calendar *calendar)
{
	dom_sha256_free(&calendar->sha);
	dom_buffer_free(&calendar->zones);
	dom_buffer_free(&calendar->components);
	dom_buffer_free(&calendar->pieces);
}

void
format_calendar_clear(struct format_calendar *calendar)
{
	calendar->property_count = 0;
	calendar->properties_size = 0;
	calendar->name_count = 0;
	dom_buffer_clear(&calendar->zones);
	dom_buffer_clear(&calendar->components);
}

void
format_calendar_bare(struct format_calendar *calendar)
{
	static const char head[] =
	    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//domicile//bare components//EN\r\n";

	calendar->properties[0] =
	    (struct format_piece){.literal = head, .size = sizeof(head) - 1};
	calendar->property_count = 1;
	calendar->properties_size = sizeof(head) - 1;
	calendar->properties_ended = true;
}

enum dom_status
format_calendar_property(
    struct format_calendar *calendar, uint64_t offset, uint64_t size, bool ended)
{
	size_t count = calendar->property_count;
	struct format_piece *last = count == 0 ? NULL : &calendar->properties[count - 1];

	if (size > FORMAT_PROPERTIES_SIZE_MAX - calendar->properties_size)
		return DOM_ELIMIT;
	if (last != NULL && last->literal == NULL && last->offset + last->size == offset) {
		last->size += size;
	} else {
		if (count == FORMAT_PROPERTY_PIECES_MAX)
			return DOM_ELIMIT;
		calendar->properties[calendar->property_count++] =
		    (struct format_piece){.offset = offset, .size = size};
	}
	calendar->properties_size += size;
	calendar->properties_ended = ended;
	return DOM_OK;
}

enum dom_status
format_calendar_zone(
    struct format_calendar *calendar, uint64_t name, uint64_t offset, uint64_t size)
{
	struct format_zone zone = {.name = name, .offset = offset, .size = size};

	if (size > FORMAT_ZONE_SIZE_MAX ||
	    calendar->zones.size / sizeof(zone) >= FORMAT_ZONES_MAX)
		return DOM_ELIMIT;
	dom_buffer_append(&calendar->zones, &zone, sizeof(zone));
	return dom_buffer_finish(&calendar->zones);
}

uint64_t
format_calendar_zone_bit(struct format_calendar *calendar, uint64_t name)
{
	for (size_t i = 0; i < calendar->name_count; i++)
		if (calendar->names[i] == name)
			return UINT64_C(1) << i;
	if (calendar->name_count < FORMAT_ZONE_BITS - 1) {
		calendar->names[calendar->name_count] = name;
		return UINT64_C(1) << calendar->name_count++;
	}
	return UINT64_C(1) << (FORMAT_ZONE_BITS - 1);
}

static void
pieces_add(struct dom_buffer *pieces, const struct format_piece *piece)
{
	struct format_piece last;

	if (pieces->size > 0 && piece->literal == NULL) {
		memcpy(&last, pieces->data + pieces->size - sizeof(last), sizeof(last));
		if (last.literal == NULL && last.offset + last.size == piece->offset) {
			last.size += piece->size;
			memcpy(pieces->data + pieces->size - sizeof(last), &last, sizeof(last));
			return;
		}
	}
	dom_buffer_append(pieces, piece, sizeof(*piece));
}

static const struct format_piece line_ending = {.literal = "\r\n", .size = 2};

static enum dom_status
take_digest(void *context, struct dom_slice bytes)
{
	dom_sha256_add(context, bytes);
	return DOM_OK;
}

/* components[0..count): those of one record, in the order of the file. */
static enum dom_status
record_emit(struct format_calendar *calendar, const struct format_component *components,
    size_t count, const struct format_piece *last)
{
	struct format_record record = {
	    .kind = components[0].is_task ? FORMAT_TASK : FORMAT_EVENT,
	    .key_is_uid = components[0].has_uid,
	    .line = components[0].line,
	};
	const struct format_zone *zones = (const void *)calendar->zones.data;
	struct dom_buffer *pieces = &calendar->pieces;
	const struct format_piece *list;
	char key[5 + 2 * DOM_SHA256_SIZE + 1];
	uint64_t wanted = 0;
	enum dom_status st;

	dom_buffer_clear(pieces);
	for (size_t i = 0; i < calendar->property_count; i++)
		pieces_add(pieces, &calendar->properties[i]);
	if (!calendar->properties_ended)
		pieces_add(pieces, &line_ending);
	for (size_t i = 0; i < count; i++)
		wanted |= components[i].zones;
	for (size_t i = 0; i < calendar->zones.size / sizeof(*zones); i++)
		if ((zones[i].bit & wanted) != 0)
			pieces_add(pieces, &(struct format_piece){.offset = zones[i].offset,
			                       .size = zones[i].size});
	for (size_t i = 0; i < count; i++) {
		pieces_add(pieces, &(struct format_piece){.offset = components[i].offset,
		                       .size = components[i].size});
		if (!components[i].ended)
			pieces_add(pieces, &line_ending);
	}
	pieces_add(pieces, last);
	if ((st = dom_buffer_finish(pieces)) < 0)
		return st;

	list = (const void *)pieces->data;
	record.pieces = list;
	record.piece_count = pieces->size / sizeof(*list);
	for (size_t i = 0; i < record.piece_count; i++)
		record.size += list[i].size;
	if ((st = format_record_read(
	         calendar->fd, list, record.piece_count, take_digest, calendar->sha)) < 0 ||
	    (st = dom_sha256_finish(calendar->sha, record.digest)) < 0)
		return st;
	memcpy(key, record.key_is_uid ? "uid:" : "text:", 5);
	dom_hex_encode(
	    dom_slice(components[0].key, DOM_SHA256_SIZE), key + (record.key_is_uid ? 4 : 5));
	record.key = dom_slice_of(key);
	return calendar->sink->record(calendar->sink->context, &record);
}

static int
compare_number(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int
compare_key(const void *a, const void *b)
{
	const struct format_component *x = a;
	const struct format_component *y = b;
	int order = memcmp(x->key, y->key, sizeof(x->key));

	return order != 0 ? order : compare_number(x->offset, y->offset);
}

static int
compare_group(const void *a, const void *b)
{
	const struct format_component *x = a;
	const struct format_component *y = b;
	int order = compare_number(x->group, y->group);

	return order != 0 ? order : compare_number(x->offset, y->offset);
}

/* By name, so that a record does not depend on the order that others gave its zones. */
static int
compare_zone(const void *a, const void *b)
{
	const struct format_zone *x = a;
	const struct format_zone *y = b;
	int order = compare_number(x->name, y->name);

	return order != 0 ? order : compare_number(x->offset, y->offset);
}

/* Give each zone the bit by which components refer to it. */
static void
zones_prepare(struct format_calendar *calendar)
{
	struct format_zone *zones = (void *)calendar->zones.data;
	size_t count = calendar->zones.size / sizeof(*zones);

	if (count == 0)
		return;
	qsort(zones, count, sizeof(*zones), compare_zone);
	for (size_t i = 0; i < count; i++) {
		zones[i].bit = calendar->name_count < FORMAT_ZONE_BITS - 1
		                   ? 0
		                   : UINT64_C(1) << (FORMAT_ZONE_BITS - 1);
		for (size_t k = 0; k < calendar->name_count; k++)
			if (calendar->names[k] == zones[i].name)
				zones[i].bit = UINT64_C(1) << k;
	}
}

enum dom_status
format_calendar_emit(struct format_calendar *calendar, const struct format_piece *last)
{
	struct format_component *components = (void *)calendar->components.data;
	size_t count = calendar->components.size / sizeof(*components);
	enum dom_status st = DOM_OK;

	if (count == 0)
		return DOM_OK;
	zones_prepare(calendar);
	/* Without a UID each is a record of its own, even if two have equal keys. */
	qsort(components, count, sizeof(*components), compare_key);
	for (size_t i = 0; i < count; i++) {
		bool joins = i > 0 && components[i].has_uid && components[i - 1].has_uid &&
		             memcmp(components[i].key, components[i - 1].key,
		                 sizeof(components[i].key)) == 0;

		components[i].group = joins ? components[i - 1].group : components[i].offset;
	}
	qsort(components, count, sizeof(*components), compare_group);
	for (size_t i = 0; i < count && st >= 0;) {
		size_t next = i + 1;

		while (next < count && components[next].group == components[i].group)
			next++;
		st = record_emit(calendar, components + i, next - i, last);
		i = next;
	}
	dom_buffer_clear(&calendar->components);
	return st < 0 ? st : DOM_OK;
}

enum dom_status
format_calendar_component(
    struct format_calendar *calendar, const struct format_component *component)
{
	static const struct format_piece end = {.literal = "END:VCALENDAR\r\n", .size = 15};
	enum dom_status st;

	/* Beyond the limit memory comes first: a changed occurrence may become its own record.
	 */
	if (calendar->components.size / sizeof(*component) >= FORMAT_COMPONENTS_MAX &&
	    (st = format_calendar_emit(calendar, &end)) < 0)
		return st;
	dom_buffer_append(&calendar->components, component, sizeof(*component));
	return dom_buffer_finish(&calendar->components);
}
