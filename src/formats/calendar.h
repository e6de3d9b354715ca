/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef FORMATS_CALENDAR_H
#define FORMATS_CALENDAR_H

#include "formats/lines.h"
#include "formats/scan.h"

/*
 * The notes about one VCALENDAR while it is read: places and digests, never
 * contents.  Its records can be made only at its end, since a time zone and a
 * changed occurrence may stand anywhere in it.
 */
enum {
	FORMAT_COMPONENTS_MAX = 128 << 10, /* then records are made early */
	FORMAT_PROPERTY_PIECES_MAX = 64,
	FORMAT_PROPERTIES_SIZE_MAX = 64 << 10,
	FORMAT_ZONES_MAX = 1024,
	FORMAT_ZONE_SIZE_MAX = 64 << 10,
	FORMAT_ZONE_BITS = 64, /* names; those beyond share the last bit */
};

struct format_component {
	uint64_t offset, size, line;
	uint64_t zones; /* bits of the names that it refers to */
	uint64_t group; /* index of the first component of the same record */
	uint8_t key[DOM_SHA256_SIZE];
	bool has_uid, is_task;
	bool ended; /* its last line has a line ending */
};

struct format_zone {
	uint64_t name; /* its hash */
	uint64_t offset, size;
	uint64_t bit;
};

struct format_calendar {
	int fd;
	const struct format_sink *sink;
	struct dom_sha256 *sha;
	uint64_t line;

	struct format_piece properties[FORMAT_PROPERTY_PIECES_MAX]; /* with the BEGIN line */
	size_t property_count;
	uint64_t properties_size;
	bool properties_ended; /* the last one has a line ending */

	uint64_t names[FORMAT_ZONE_BITS]; /* zones that components refer to */
	size_t name_count;
	struct dom_buffer zones;      /* struct format_zone */
	struct dom_buffer components; /* struct format_component */
	struct dom_buffer pieces;     /* struct format_piece, of the record being made */
};

DOM_MUST_CHECK enum dom_status format_calendar_init(
    struct format_calendar *calendar, int fd, const struct format_sink *sink);
void format_calendar_free(struct format_calendar *calendar);
/* Ready for the next VCALENDAR. */
void format_calendar_clear(struct format_calendar *calendar);

/* Components without a VCALENDAR: one that we make up, before anything else. */
void format_calendar_bare(struct format_calendar *calendar);

/* A line at the VCALENDAR's own level.  DOM_ELIMIT: not noted. */
DOM_MUST_CHECK enum dom_status format_calendar_property(
    struct format_calendar *calendar, uint64_t offset, uint64_t size, bool ended);
/* A VTIMEZONE.  DOM_ELIMIT: not noted. */
DOM_MUST_CHECK enum dom_status format_calendar_zone(
    struct format_calendar *calendar, uint64_t name, uint64_t offset, uint64_t size);
/* The bit that stands for a zone's name in this calendar. */
uint64_t format_calendar_zone_bit(struct format_calendar *calendar, uint64_t name);
DOM_MUST_CHECK enum dom_status format_calendar_component(
    struct format_calendar *calendar, const struct format_component *component);

/* Make records of what was noted, in the order of their first components. */
DOM_MUST_CHECK enum dom_status format_calendar_emit(
    struct format_calendar *calendar, const struct format_piece *last);

#endif
