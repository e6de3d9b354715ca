/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Lines for inih, and what it says of them. */
#include "daemon/ini_file.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum {
	/* Nobody writes more by hand. */
	LINES_MAX = 10000,
	TEXT_SIZE_MAX = 4 * 1024 * 1024,
	MESSAGE_SIZE = 256,
	PROBLEMS_MAX = 20,
};

struct reading {
	const struct ini_file *file;
	FILE *stream;
	unsigned line;    /* that is being read */
	size_t size;      /* of what was read, without the ends of lines */
	bool is_given_up; /* what follows was not read */
};

void
ini_problem(struct ini_report *report, unsigned line, const char *what)
{
	if (++report->problems > PROBLEMS_MAX)
		return;
	if (line == 0)
		fprintf(stderr, "%s: %s: %s\n", report->program, report->path, what);
	else
		fprintf(stderr, "%s: %s:%u: %s\n", report->program, report->path, line, what);
}

enum dom_status
ini_report_end(const struct ini_report *report)
{
	if (report->problems > PROBLEMS_MAX)
		fprintf(stderr, "%s: %s: and %u more\n", report->program, report->path,
		    report->problems - PROBLEMS_MAX);
	return report->problems == 0 ? DOM_OK : DOM_EINPUT;
}

static void __attribute__((format(printf, 3, 4)))
problem(const struct reading *reading, unsigned line, const char *format, ...)
{
	char text[MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ini_problem(reading->file->report, line, text);
}

static void
give_up(struct reading *reading, const char *why)
{
	problem(reading, reading->line,
	    "%s, so nothing from here on was read. Is it the right file?", why);
	reading->is_given_up = true;
}

/* EOF also for what is no text: then it was said. */
static int
next_character(struct reading *reading)
{
	int c = getc(reading->stream);

	if (c == EOF || c == '\n')
		return c;
	if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f)
		give_up(reading, "this is not text");
	else if (++reading->size > TEXT_SIZE_MAX)
		give_up(reading, "the file is too large");
	return reading->is_given_up ? EOF : c;
}

/* What is left of a line that does not fit. */
static void
skip_line(struct reading *reading, int size_max)
{
	int c;

	problem(reading, reading->line, "the line is longer than %d characters. %s", size_max,
	    reading->file->long_line);
	do
		c = next_character(reading);
	while (c != EOF && c != '\n');
}

/*
 * For inih: fgets() that counts lines and finds those which do not fit or are
 * not text.  Blanks at a line's start are left out: inih would take it for
 * more of the line before.
 */
static char *
read_line(char *line, int size, void *context)
{
	struct reading *reading = context;
	int used = 0, c = reading->is_given_up ? EOF : getc(reading->stream);

	if (c == EOF)
		return NULL;
	ungetc(c, reading->stream);
	if (++reading->line > LINES_MAX)
		give_up(reading, "the file has too many lines");
	while (!reading->is_given_up) {
		if ((c = next_character(reading)) == EOF || c == '\n')
			break;
		if (used == size - 2) {
			skip_line(reading, size - 2);
			used = 0;
			break;
		}
		if (used != 0 || (c != ' ' && c != '\t'))
			line[used++] = (char)c;
	}
	line[used] = '\0';
	return reading->is_given_up ? NULL : line;
}

/* inih's: 1 is good; it would report 0 with the line of the first such only. */
static int
handle(void *context, const char *section, const char *key, const char *value)
{
	struct reading *reading = context;

	reading->file->entry(reading->file->context, reading->line, section, key, value);
	return 1;
}

enum dom_status
ini_file_read(const struct ini_file *file)
{
	struct reading reading = {.file = file, .stream = fopen(file->report->path, "re")};
	int outcome;

	if (reading.stream == NULL)
		return DOM_EFILE;
	outcome = ini_parse_stream(read_line, &reading, handle, &reading);
	if (ferror(reading.stream) != 0) {
		problem(&reading, 0, "it cannot be read: %s", strerror(errno));
		reading.is_given_up = true;
	}
	fclose(reading.stream);
	if (outcome > 0) {
		problem(&reading, (unsigned)outcome, "%s", file->wrong_line);
	} else if (outcome < 0) {
		problem(&reading, 0, "it cannot be read: no memory");
		reading.is_given_up = true;
	}
	return reading.is_given_up ? DOM_EINPUT : DOM_OK;
}
