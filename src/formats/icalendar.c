/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Events and tasks: reads the lines of an iCalendar (or vCalendar 1.0) stream
 * and notes where things stand; calendar_emit.c makes records of the notes.
 */
#include <stdlib.h>
#include <string.h>

#include "formats/calendar.h"

enum { DEPTH_MAX = 32 };

/*
 *   level 0  outside of any VCALENDAR
 *   level 1  in a VCALENDAR: its properties
 *   level 2  in a component, or a VTIMEZONE
 *   level 3+ in a part of one: VALARM, STANDARD, ...
 *
 * A component that is not closed in order is left out, and the reading goes on
 * with the next BEGIN of something that only stands at level 2.
 */
struct calendar_scan {
	struct format_lines lines;
	const struct format_sink *sink;
	struct format_calendar calendar;

	unsigned level;
	uint64_t names[DEPTH_MAX]; /* of what is open, by hash */
	bool bare; /* the calendar under way is one that we put around bare components */
	bool bad;  /* the component under way is */
	bool junk; /* text outside was reported already */
	struct format_component component;
	uint64_t timezone_name;
	bool is_timezone;
	struct dom_buffer uid, summary, start;
};

static uint64_t
hash_text(const void *text, size_t size)
{
	const uint8_t *bytes = text;
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	return hash;
}

static uint64_t
hash_word(struct dom_slice value)
{
	char word[FORMAT_NAME_SIZE];
	size_t size = 0;

	for (size_t i = 0; i < value.size && size < sizeof(word); i++) {
		uint8_t byte = value.data[i];

		if (byte == ' ' || byte == '\t')
			continue;
		word[size++] = (char)(byte >= 'a' && byte <= 'z' ? byte - 32 : byte);
	}
	return hash_text(word, size);
}

/* The same for a property's value, where commas are escaped, and a parameter's. */
static uint64_t
hash_zone(struct dom_slice name)
{
	char text[FORMAT_KEY_SIZE_MAX];
	size_t size = 0;

	for (size_t i = 0; i < name.size && size < sizeof(text); i++)
		if (name.data[i] != '\\' && name.data[i] != '"')
			text[size++] = (char)name.data[i];
	while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
		size--;
	return hash_text(text, size);
}

/* Components that stand in a VCALENDAR and nowhere else. */
static bool
is_component(struct dom_slice value)
{
	return format_value_is(value, "VEVENT") || format_value_is(value, "VTODO") ||
	       format_value_is(value, "VJOURNAL") || format_value_is(value, "VFREEBUSY") ||
	       format_value_is(value, "VTIMEZONE");
}

static enum dom_status
scan_spoil(struct calendar_scan *scan, const char *what)
{
	scan->bad = true;
	return format_tell(scan->sink, scan->component.line, true, what);
}

static void
component_begin(struct calendar_scan *scan, const struct format_line *line)
{
	scan->level = 2;
	scan->names[1] = hash_word(line->value);
	scan->bad = false;
	scan->component = (struct format_component){
	    .offset = line->offset,
	    .line = line->number,
	    .is_task = format_value_is(line->value, "VTODO"),
	};
	scan->is_timezone = format_value_is(line->value, "VTIMEZONE");
	scan->timezone_name = 0;
	dom_buffer_clear(&scan->uid);
	dom_buffer_clear(&scan->summary);
	dom_buffer_clear(&scan->start);
}

/* What makes it the same event: its UID, or else how it is called and when it starts. */
static enum dom_status
component_key(struct calendar_scan *scan, struct dom_sha256 *sha)
{
	struct format_component *component = &scan->component;
	const char *kind =
	    component->is_task ? "task" FORMAT_KEY_BREAK : "event" FORMAT_KEY_BREAK;

	if (scan->uid.failed < 0 || scan->summary.failed < 0 || scan->start.failed < 0)
		return DOM_ENOMEM;
	component->has_uid = scan->uid.size > 0;
	dom_sha256_add(sha, dom_slice_of(kind));
	if (component->has_uid) {
		dom_sha256_add(sha, dom_buffer_slice(&scan->uid));
	} else {
		dom_sha256_add(sha, dom_buffer_slice(&scan->summary));
		dom_sha256_add(sha, dom_slice_of(FORMAT_KEY_BREAK));
		dom_sha256_add(sha, dom_buffer_slice(&scan->start));
	}
	return dom_sha256_finish(sha, component->key);
}

static enum dom_status
component_end(struct calendar_scan *scan, const struct format_line *line)
{
	struct format_component *component = &scan->component;
	enum dom_status st;

	scan->level = 1;
	if (scan->bad)
		return DOM_OK;
	component->size = format_window_offset(scan->lines.window) - component->offset;
	component->ended = line->ended;
	if (scan->is_timezone) {
		st = format_calendar_zone(
		    &scan->calendar, scan->timezone_name, component->offset, component->size);
		if (st == DOM_ELIMIT)
			return scan_spoil(
			    scan, "a calendar has too many or too large time zones");
		return st;
	}
	if ((st = component_key(scan, scan->calendar.sha)) < 0)
		return st;
	return format_calendar_component(&scan->calendar, component);
}

static enum dom_status
calendar_begin(struct calendar_scan *scan, const struct format_line *line)
{
	scan->level = 1;
	scan->names[0] = hash_text("VCALENDAR", 9);
	scan->junk = false;
	scan->bare = false;
	scan->component.line = line->number;
	scan->bad = false;
	format_calendar_clear(&scan->calendar);
	scan->calendar.line = line->number;
	return format_calendar_property(&scan->calendar, line->offset,
	    format_window_offset(scan->lines.window) - line->offset, line->ended);
}

/* A VCALENDAR is over; end is its END line, NULL if it has none. */
static enum dom_status
calendar_end(struct calendar_scan *scan, const struct format_line *end)
{
	struct format_piece last = {.literal = "END:VCALENDAR\r\n", .size = 15};

	scan->level = 0;
	if (end != NULL) {
		last.literal = NULL;
		last.offset = end->offset;
		last.size = format_window_offset(scan->lines.window) - end->offset;
	}
	return format_calendar_emit(&scan->calendar, &last);
}

/*
 * Some programs write events without a calendar around them.  They are kept as
 * if each stood in one, which is what whoever reads them does as well.
 */
static enum dom_status
bare_begin(struct calendar_scan *scan, const struct format_line *line)
{
	scan->names[0] = hash_text("VCALENDAR", 9);
	scan->junk = false;
	scan->bare = true;
	format_calendar_clear(&scan->calendar);
	format_calendar_bare(&scan->calendar);
	component_begin(scan, line);
	return format_tell(scan->sink, line->number, false,
	    "events or tasks stand outside of any VCALENDAR: each was given one");
}

static enum dom_status
at_outside(struct calendar_scan *scan, const struct format_line *line)
{
	if (strcmp(line->name, "BEGIN") == 0 && format_value_is(line->value, "VCALENDAR"))
		return calendar_begin(scan, line);
	if (strcmp(line->name, "BEGIN") == 0 && is_component(line->value))
		return bare_begin(scan, line);
	if (line->blank || scan->junk)
		return DOM_OK;
	scan->junk = true;
	return format_tell(
	    scan->sink, line->number, true, "text outside of any VCALENDAR was left out");
}

static enum dom_status
at_calendar(struct calendar_scan *scan, const struct format_line *line)
{
	enum dom_status st;

	if (scan->bare && !line->blank &&
	    (strcmp(line->name, "BEGIN") != 0 || !is_component(line->value))) {
		if ((st = calendar_end(scan, NULL)) < 0)
			return st;
		return at_outside(scan, line);
	}
	if (strcmp(line->name, "BEGIN") == 0 && format_value_is(line->value, "VCALENDAR")) {
		if ((st = format_tell(scan->sink, line->number, true,
		         "a calendar has no END:VCALENDAR before the next one begins")) < 0 ||
		    (st = calendar_end(scan, NULL)) < 0)
			return st;
		return calendar_begin(scan, line);
	}
	if (strcmp(line->name, "BEGIN") == 0) {
		component_begin(scan, line);
		return DOM_OK;
	}
	if (strcmp(line->name, "END") == 0) {
		if (format_value_is(line->value, "VCALENDAR"))
			return calendar_end(scan, line);
		return format_tell(scan->sink, line->number, true,
		    "an END line that closes nothing was left out");
	}
	if (line->has_nul)
		return format_tell(
		    scan->sink, line->number, true, "a line with NUL bytes was left out");
	if (line->blank)
		return DOM_OK;
	st = format_calendar_property(&scan->calendar, line->offset,
	    format_window_offset(scan->lines.window) - line->offset, line->ended);
	if (st == DOM_ELIMIT)
		return format_tell(scan->sink, line->number, true,
		    "a calendar's own properties are too many or too large");
	return st;
}

static enum dom_status
at_property(struct calendar_scan *scan, const struct format_line *line)
{
	struct dom_slice zone;

	if (scan->is_timezone) {
		if (scan->level == 2 && strcmp(line->name, "TZID") == 0)
			scan->timezone_name = hash_zone(line->value);
		return DOM_OK;
	}
	if (line->params.size > 0 && (zone = format_line_param(line, "TZID")).data != NULL)
		scan->component.zones |=
		    format_calendar_zone_bit(&scan->calendar, hash_zone(zone));
	if (scan->level > 2)
		return DOM_OK;
	if (scan->uid.size == 0 && strcmp(line->name, "UID") == 0)
		format_value_normalise(line, &scan->uid);
	else if (scan->summary.size == 0 && strcmp(line->name, "SUMMARY") == 0)
		format_value_normalise(line, &scan->summary);
	else if (scan->start.size == 0 && strcmp(line->name, "DTSTART") == 0)
		format_value_normalise(line, &scan->start);
	return DOM_OK;
}

/* An END line within a component: of a part, of the component, or of the calendar. */
static enum dom_status
at_end(struct calendar_scan *scan, const struct format_line *line)
{
	uint64_t name = hash_word(line->value);
	enum dom_status st = DOM_OK;

	if (name == scan->names[scan->level - 1])
		return --scan->level > 1 ? DOM_OK : component_end(scan, line);
	if (!scan->bad)
		st = scan_spoil(scan, "an event or task is not closed where it should be");
	if (st >= 0 && name == scan->names[0]) {
		scan->level = 1;
		return at_calendar(scan, line);
	}
	if (name == scan->names[1])
		scan->level = 1;
	return st;
}

static enum dom_status
at_component(struct calendar_scan *scan, const struct format_line *line)
{
	enum dom_status st;

	if (!scan->bad && line->has_nul &&
	    (st = scan_spoil(scan, "an event or task holds NUL bytes")) < 0)
		return st;
	if (!scan->bad && line->text_size > FORMAT_LINE_SIZE_MAX &&
	    (st = scan_spoil(scan, "an event or task has a line of more than 64 MiB")) < 0)
		return st;
	if (strcmp(line->name, "BEGIN") == 0) {
		if (is_component(line->value) || format_value_is(line->value, "VCALENDAR")) {
			st = DOM_OK;
			if (!scan->bad)
				st = scan_spoil(scan, "an event or task is not closed before "
				                      "the next one begins");
			scan->level = 1;
			return st < 0 ? st : at_calendar(scan, line);
		}
		if (scan->level < DEPTH_MAX) {
			scan->names[scan->level++] = hash_word(line->value);
			return DOM_OK;
		}
		return scan->bad ? DOM_OK
		                 : scan_spoil(scan, "an event or task is nested too deeply");
	}
	if (strcmp(line->name, "END") == 0)
		return at_end(scan, line);
	return scan->bad ? DOM_OK : at_property(scan, line);
}

static enum dom_status
scan_lines(struct calendar_scan *scan)
{
	struct format_line line;
	enum dom_status st;
	bool blank_only = true;

	while ((st = format_lines_next(&scan->lines, &line)) == DOM_OK) {
		blank_only = blank_only && line.blank;
		if (scan->level == 0)
			st = at_outside(scan, &line);
		else if (scan->level == 1)
			st = at_calendar(scan, &line);
		else
			st = at_component(scan, &line);
		if (st < 0)
			return st;
	}
	if (st < 0)
		return st;
	if (blank_only)
		return format_tell(scan->sink, 1, false, "the file is empty");
	if (scan->level == 0)
		return DOM_OK;
	if (scan->bare && scan->level == 1)
		return calendar_end(scan, NULL);
	if ((st = format_tell(scan->sink,
	         scan->level > 1 && !scan->bad ? scan->component.line : scan->lines.number,
	         true,
	         "the file ends in the middle of a calendar: it is damaged, export it again")) <
	    0)
		return st;
	return calendar_end(scan, NULL);
}

enum dom_status
format_scan_icalendar(struct format_window *window, const struct format_sink *sink)
{
	struct calendar_scan *scan = calloc(1, sizeof(*scan));
	enum dom_status st;

	if (scan == NULL)
		return DOM_ENOMEM;
	scan->sink = sink;
	format_lines_open(&scan->lines, window);
	if ((st = format_calendar_init(&scan->calendar, window->fd, sink)) == DOM_OK)
		st = scan_lines(scan);
	format_calendar_free(&scan->calendar);
	dom_buffer_free(&scan->uid);
	dom_buffer_free(&scan->summary);
	dom_buffer_free(&scan->start);
	free(scan);
	return st;
}
