/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_INI_FILE_H
#define DAEMON_INI_FILE_H

#include <domicile/status.h>

/*
 * Files of people: "key = value" in each line, perhaps in sections "[name]".
 * Whatever is named instead of one, such as /dev/zero, is found out soon.
 */

/* What is wrong in a file, on standard error: the first twenty, with their lines. */
struct ini_report {
	const char *program, *path;
	unsigned problems;
};

/* line 0: with the whole file. */
void ini_problem(struct ini_report *report, unsigned line, const char *what);
/* Says how many more there were.  DOM_EINPUT: there were some. */
DOM_MUST_CHECK enum dom_status ini_report_end(const struct ini_report *report);

struct ini_file {
	struct ini_report *report; /* its path is read */
	/* Said of a line that is no such thing; added to what is said of one that is too long.
	 */
	const char *wrong_line, *long_line;
	/* One "key = value" of a section, "" before the first; all borrowed for the call. */
	void (*entry)(void *context, unsigned line, const char *section, const char *key,
	    const char *value);
	void *context;
};

/*
 * DOM_OK: read to the end, whatever was wrong in its lines.  DOM_EINPUT: what
 * follows some line was not read, which was said.  DOM_EFILE: it cannot be
 * opened, errno says why; nothing was said.
 */
DOM_MUST_CHECK enum dom_status ini_file_read(const struct ini_file *file);

#endif
