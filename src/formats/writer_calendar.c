/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Many small calendars as few large ones: neighbours with the same properties
 * share one VCALENDAR, and each time zone stands in it once.
 */
#include <assert.h>
#include <strings.h>

#include "crypto/digest.h"

#include "formats/calendar.h"
#include "formats/writer.h"

enum {
	LINE_DECIDED =
	    FORMAT_FRAME_SIZE_MAX + 3, /* no BEGIN or END line and its CRLF is as long */
	PREAMBLE_SIZE_MAX =
	    FORMAT_PROPERTIES_SIZE_MAX + 4 + FORMAT_ZONES_MAX * FORMAT_ZONE_SIZE_MAX,
};

struct merger_zone {
	uint8_t name[DOM_SHA256_SIZE];
	uint8_t digest[DOM_SHA256_SIZE];
	size_t at, size; /* in the record's zones */
};

static void
merger_fail(struct format_writer *writer, enum dom_status st)
{
	if (writer->failed == DOM_OK && st < 0)
		writer->failed = st;
}

static void
put_buffer(struct format_writer *writer, const struct dom_buffer *buffer)
{
	merger_fail(writer, dom_buffer_finish(buffer));
	format_writer_put(writer, dom_buffer_slice(buffer));
}

static bool
line_starts(struct dom_slice line, const char *text)
{
	size_t size = strlen(text);

	return line.size >= size && strncasecmp((const char *)line.data, text, size) == 0;
}

/* As the reader has it: any case, spaces around the value. */
static bool
line_is(struct dom_slice line, const char *frame, const char *value)
{
	size_t size = strlen(frame);

	return line_starts(line, frame) &&
	       format_value_is(dom_slice(line.data + size, line.size - size), value);
}

static void
merger_close(struct format_writer *writer)
{
	struct format_merger *merger = &writer->merger;
	struct dom_slice head = dom_buffer_slice(&merger->open_head);
	const char *ending = "\r\n";

	if (!merger->open)
		return;
	merger->open = false;
	/* As its first line ends. */
	for (size_t i = 0; i < head.size; i++) {
		bool lf_follows = i + 1 < head.size && head.data[i + 1] == '\n';

		if (head.data[i] == '\n' || (head.data[i] == '\r' && !lf_follows))
			ending = head.data[i] == '\n' ? "\n" : "\r";
		if (head.data[i] == '\n' || head.data[i] == '\r')
			break;
	}
	format_writer_put(writer, dom_slice_of("END:VCALENDAR"));
	format_writer_put(writer, dom_slice_of(ending));
}

static const struct merger_zone *
zone_find(const struct dom_buffer *marks, const struct merger_zone *zone)
{
	const struct merger_zone *list = (const void *)marks->data;

	for (size_t i = 0; i < marks->size / sizeof(*list); i++)
		if (memcmp(list[i].name, zone->name, sizeof(zone->name)) == 0)
			return &list[i];
	return NULL;
}

/* A zone of that name is open, but it says something else. */
static bool
zones_conflict(const struct format_merger *merger)
{
	const struct merger_zone *list = (const void *)merger->marks.data;

	for (size_t i = 0; i < merger->marks.size / sizeof(*list); i++) {
		const struct merger_zone *other = zone_find(&merger->open_marks, &list[i]);

		if (other != NULL &&
		    memcmp(other->digest, list[i].digest, sizeof(other->digest)) != 0)
			return true;
	}
	return false;
}

/* The record's first component begins: write what must stand before it. */
static void
merger_decide(struct format_writer *writer)
{
	struct format_merger *merger = &writer->merger;
	const struct merger_zone *list;

	merger->passing = true;
	merger_fail(writer, dom_buffer_finish(&merger->head));
	merger_fail(writer, dom_buffer_finish(&merger->zones));
	merger_fail(writer, dom_buffer_finish(&merger->marks));
	if (writer->failed < 0)
		return;
	if (!merger->open || zones_conflict(merger) ||
	    !dom_slice_equal(
	        dom_buffer_slice(&merger->head), dom_buffer_slice(&merger->open_head))) {
		merger_close(writer);
		merger->open = true;
		put_buffer(writer, &merger->head);
		dom_buffer_clear(&merger->open_head);
		dom_buffer_append_slice(&merger->open_head, dom_buffer_slice(&merger->head));
		dom_buffer_clear(&merger->open_marks);
	}
	list = (const void *)merger->marks.data;
	for (size_t i = 0; i < merger->marks.size / sizeof(*list); i++) {
		if (zone_find(&merger->open_marks, &list[i]) != NULL)
			continue;
		format_writer_put(
		    writer, dom_slice(merger->zones.data + list[i].at, list[i].size));
		dom_buffer_append(&merger->open_marks, &list[i], sizeof(list[i]));
	}
	merger_fail(writer, dom_buffer_finish(&merger->open_head));
	merger_fail(writer, dom_buffer_finish(&merger->open_marks));
}

static void
zone_begin(struct format_merger *merger)
{
	struct merger_zone zone = {.at = merger->zones.size};

	merger->in_zone = true;
	dom_buffer_append(&merger->marks, &zone, sizeof(zone));
}

/* The last mark, filled in; a zone without a name is known by its bytes. */
static void
zone_end(struct format_writer *writer)
{
	struct format_merger *merger = &writer->merger;
	struct merger_zone zone;
	struct dom_slice bytes;

	merger->in_zone = false;
	if (merger->marks.failed < 0 || merger->zones.failed < 0)
		return;
	assert(merger->marks.size >= sizeof(zone));
	merger->marks.size -= sizeof(zone);
	memcpy(&zone, merger->marks.data + merger->marks.size, sizeof(zone));
	zone.size = merger->zones.size - zone.at;
	bytes = dom_slice(merger->zones.data + zone.at, zone.size);
	merger_fail(writer, dom_sha256(bytes, zone.digest));
	if (memcmp(zone.name, (uint8_t[DOM_SHA256_SIZE]){0}, sizeof(zone.name)) == 0)
		memcpy(zone.name, zone.digest, sizeof(zone.name));
	dom_buffer_append(&merger->marks, &zone, sizeof(zone));
}

/* The name that the zone under way says it has. */
static void
zone_name(struct format_writer *writer, struct dom_slice line)
{
	struct format_merger *merger = &writer->merger;
	struct merger_zone *zone;

	while (line.size > 0 &&
	       (line.data[line.size - 1] == '\r' || line.data[line.size - 1] == '\n'))
		line.size--;
	if (merger->marks.failed < 0 || merger->marks.size < sizeof(*zone))
		return;
	zone = (void *)(merger->marks.data + merger->marks.size - sizeof(*zone));
	merger_fail(writer, dom_sha256(line, zone->name));
}

/* Where the bytes of the line under way go. */
static void
merger_route(struct format_writer *writer, struct dom_slice bytes)
{
	struct format_merger *merger = &writer->merger;

	if (merger->in_end)
		return;
	if (merger->passing) {
		format_writer_put(writer, bytes);
		return;
	}
	dom_buffer_append_slice(merger->in_zone ? &merger->zones : &merger->head, bytes);
	if (merger->head.size + merger->zones.size > PREAMBLE_SIZE_MAX)
		merger_fail(writer, DOM_ELIMIT);
}

/* Its beginning says what the line is; ended: it is all there. */
static void
merger_line(struct format_writer *writer, struct dom_slice line, bool ended)
{
	struct format_merger *merger = &writer->merger;
	size_t size = line.size;

	while (size > 0 && (line.data[size - 1] == '\r' || line.data[size - 1] == '\n'))
		size--;
	if (size > FORMAT_FRAME_SIZE_MAX) {
		merger_route(writer, line);
		return;
	}
	if (line_starts(line, "BEGIN:")) {
		if (merger->level == 1 && !merger->passing) {
			if (line_is(line, "BEGIN:", "VTIMEZONE"))
				zone_begin(merger);
			else
				merger_decide(writer);
		}
		merger->level++;
	} else if (line_is(line, "END:", "VCALENDAR")) {
		merger->in_end = true;
	} else if (line_starts(line, "END:") && merger->level > 1) {
		merger->level--;
		merger->zone_ends = merger->level == 1 && merger->in_zone;
	} else if (ended && merger->in_zone && merger->level == 2 &&
	           line_starts(line, "TZID")) {
		zone_name(writer, line);
	}
	merger_route(writer, line);
}

static void
merger_line_done(struct format_writer *writer)
{
	struct format_merger *merger = &writer->merger;

	merger->line_decided = false;
	merger->in_end = false;
	if (merger->zone_ends)
		zone_end(writer);
	merger->zone_ends = false;
}

/* More of the line under way; ended: and its end. */
static void
merger_take(struct format_writer *writer, struct dom_slice part, bool ended)
{
	struct format_merger *merger = &writer->merger;

	if (merger->line_decided) {
		merger_route(writer, part);
	} else {
		dom_buffer_append_slice(&merger->line, part);
		merger_fail(writer, dom_buffer_finish(&merger->line));
		if (ended || merger->line.size >= LINE_DECIDED) {
			merger->line_decided = true;
			merger_line(writer, dom_buffer_slice(&merger->line), ended);
			dom_buffer_clear(&merger->line);
		}
	}
	if (ended)
		merger_line_done(writer);
}

void
format_merger_add(struct format_writer *writer, struct dom_slice bytes)
{
	struct format_merger *merger = &writer->merger;

	while (bytes.size > 0 && writer->failed == DOM_OK) {
		const uint8_t *lf, *cr;
		size_t size;
		bool ended = true;

		if (merger->after_cr) {
			/* A line ends at its CR, unless an LF follows. */
			merger->after_cr = false;
			size = bytes.data[0] == '\n';
		} else {
			lf = memchr(bytes.data, '\n', bytes.size);
			size = lf == NULL ? bytes.size : (size_t)(lf - bytes.data) + 1;
			ended = lf != NULL;
			if ((cr = memchr(bytes.data, '\r', size)) != NULL) {
				size = (size_t)(cr - bytes.data) + 1;
				ended = false;
				merger->after_cr = true;
			}
		}
		merger_take(writer, dom_slice(bytes.data, size), ended);
		bytes = dom_slice(bytes.data + size, bytes.size - size);
	}
}

void
format_merger_end(struct format_writer *writer)
{
	struct format_merger *merger = &writer->merger;

	merger->after_cr = false;
	if (merger->line.size > 0)
		merger_line(writer, dom_buffer_slice(&merger->line), true);
	dom_buffer_clear(&merger->line);
	merger_line_done(writer);
	if (merger->in_zone)
		zone_end(writer);
	/* Without a component it is written all the same: nothing is lost. */
	if (!merger->passing)
		merger_decide(writer);
	merger->passing = false;
	merger->level = 0;
	dom_buffer_clear(&merger->head);
	dom_buffer_clear(&merger->zones);
	dom_buffer_clear(&merger->marks);
}

void
format_merger_finish(struct format_writer *writer)
{
	merger_close(writer);
}

void
format_merger_free(struct format_merger *merger)
{
	dom_buffer_free(&merger->line);
	dom_buffer_free(&merger->head);
	dom_buffer_free(&merger->zones);
	dom_buffer_free(&merger->marks);
	dom_buffer_free(&merger->open_head);
	dom_buffer_free(&merger->open_marks);
}
