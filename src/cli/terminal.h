/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * What a person sees: one redrawn line with a bar on a terminal (stderr), and
 * questions.  Without a terminal there is no bar; the commands print a line
 * per step anyway.
 */
struct terminal {
	bool bars;   /* stderr is a terminal that can redraw a line */
	bool colour; /* stdout is a terminal and NO_COLOR is not set */
	/* the bar */
	bool drawn;
	char label[24];
	uint64_t all, done; /* bytes; items, if it counts them */
	bool counts;        /* items alone: their bytes are not known before */
	uint64_t items;
	int64_t started_ms, drawn_ms;
};

void terminal_start(struct terminal *terminal);

/* A new bar; all 0: how much there will be is not known. */
void terminal_bar(struct terminal *terminal, const char *label, uint64_t all);
/* The same over a number of items, whose bytes nobody knows before. */
void terminal_bar_count(struct terminal *terminal, const char *label, uint64_t items_all);
/* Where it stands; redrawn a few times per second. */
void terminal_bar_at(struct terminal *terminal, uint64_t done, uint64_t items);
/* Take it away, so that lines can be printed; the next bar_at() draws it again. */
void terminal_bar_clear(struct terminal *terminal);
void terminal_bar_end(struct terminal *terminal);

/* The line of a bar, without redrawing; width is what fits. */
void terminal_bar_text(
    const struct terminal *terminal, int64_t now_ms, unsigned width, char *text_r, size_t size);

/* "bold" and back, or "" without colour. */
const char *terminal_strong(const struct terminal *terminal);
const char *terminal_plain(const struct terminal *terminal);

/* One line that is typed.  False: no terminal, the end of input, or a signal. */
bool terminal_ask(struct terminal *terminal, const char *question, char *answer_r, size_t size);
/* y/N on the terminal.  False also if there is none, or at a signal. */
bool terminal_confirm(struct terminal *terminal, const char *question);
bool terminal_can_ask(void);

enum { PASSWORD_SIZE_MAX = 1024 };

enum password_outcome {
	PASSWORD_READ,
	PASSWORD_NO_TERMINAL,
	PASSWORD_STOPPED, /* a signal, or the end of input */
	PASSWORD_TOO_LONG,
	PASSWORD_UNREADABLE, /* errno */
};

/* Ask without echo.  The echo comes back whatever happens.  password_r ends with NUL. */
enum password_outcome terminal_password(
    const char *prompt, char password_r[PASSWORD_SIZE_MAX + 1]);
/* The first line that a file descriptor gives. */
enum password_outcome terminal_password_from(int fd, char password_r[PASSWORD_SIZE_MAX + 1]);

#endif
