/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef FORMATS_WRITER_H
#define FORMATS_WRITER_H

#include "base/buffer.h"

#include "formats/records.h"

/* The writer's own: what writer.c and writer_calendar.c share. */

/*
 * Merges calendars on the way out.  A record is read line by line:
 *
 *   PREAMBLE   its properties and time zones are gathered
 *   PASSING    at its first component it was decided whether they are what is
 *              open already; everything after it goes through
 */
struct format_merger {
	struct dom_buffer line; /* beginning of the line under way, until it is decided */
	bool line_decided;
	bool after_cr;  /* the last byte was one */
	unsigned level; /* 1: in the VCALENDAR */
	bool passing;
	struct dom_buffer head;  /* the record's properties, with its BEGIN line */
	struct dom_buffer zones; /* its time zones */
	struct dom_buffer marks; /* struct merger_zone, where they are */
	bool in_zone;
	bool zone_ends; /* with the line under way */
	bool in_end;    /* the VCALENDAR's own END line, which is written later or not at all */

	bool open; /* a VCALENDAR is */
	struct dom_buffer open_head;
	struct dom_buffer open_marks;
};

struct format_writer {
	struct format_writer_options options;
	uint64_t written; /* records */
	bool in_record;
	uint8_t last; /* byte of the record */
	enum dom_status failed;
	struct format_merger merger;
};

/* Sticky. */
void format_writer_put(struct format_writer *writer, struct dom_slice bytes);

void format_merger_add(struct format_writer *writer, struct dom_slice bytes);
void format_merger_end(struct format_writer *writer);
void format_merger_finish(struct format_writer *writer);
void format_merger_free(struct format_merger *merger);

#endif
