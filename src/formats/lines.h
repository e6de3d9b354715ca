/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef FORMATS_LINES_H
#define FORMATS_LINES_H

#include "base/buffer.h"

#include "formats/window.h"

/*
 * The content lines of vCard and iCalendar, unfolded: RFC 5545 section 3.1,
 * RFC 6350 section 3.2, and the soft line breaks of vCard 2.1's and vCalendar
 * 1.0's quoted-printable.  Lines end in CRLF, LF or CR.  Only the beginning of
 * a long line is kept; the rest is passed over and, like all of it, hashed by
 * the window.
 */
enum {
	FORMAT_LINE_KEPT = 8192,
	FORMAT_NAME_SIZE = 32,
	FORMAT_FRAME_SIZE_MAX = 64, /* of BEGIN and END lines; longer ones are none */
};

struct format_line {
	uint64_t offset;             /* in the file */
	uint64_t number;             /* from 1 */
	uint64_t text_size;          /* unfolded, may be more than is kept */
	char name[FORMAT_NAME_SIZE]; /* upper case, without a group; "" if there is no name */
	struct dom_slice params;     /* after the name, with the first ';' */
	struct dom_slice value;      /* what was kept of it */
	bool blank;                  /* white space only */
	bool joined;                 /* from several lines of the file */
	bool quoted_printable;
	bool has_nul;
	bool ended; /* it has a line ending */
};

struct format_lines {
	struct format_window *window;
	uint64_t number;    /* of the line that comes next */
	size_t lf;          /* index in the window of the next LF, its size if none */
	uint64_t lf_offset; /* the window for which lf was found */
	size_t lf_size;
	bool lf_known;
	size_t kept;
	uint8_t text[FORMAT_LINE_KEPT];
};

/* Passes over a byte order mark. */
void format_lines_open(struct format_lines *lines, struct format_window *window);

/* DOM_OK, DOM_ABSENT at the end, or the window's failure.  Slices live until the next call. */
DOM_MUST_CHECK enum dom_status format_lines_next(
    struct format_lines *lines, struct format_line *line_r);

/* Make line, the last one, the next one again. */
void format_lines_again(struct format_lines *lines, const struct format_line *line);

/* The value is word, whatever the case and the spaces around it. */
bool format_value_is(struct dom_slice value, const char *word);

/* The value of a parameter without quotation marks; data is NULL if there is none. */
struct dom_slice format_line_param(const struct format_line *line, const char *name);

/*
 * A value as it means the same in every version: quoted-printable decoded,
 * backslashes dropped, runs of white space as one space, none at the ends.
 */
void format_value_normalise(const struct format_line *line, struct dom_buffer *out);

#endif
