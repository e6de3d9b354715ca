/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a person sees while something takes long, and what they are asked. */
#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wipe.h"

#include "cli/cli.h"
#include "cli/text.h"

enum {
	REDRAW_MS = 100,
	BAR_CELLS_MAX = 30,
	WIDTH_DEFAULT = 80,
};

void
terminal_start(struct terminal *terminal)
{
	const char *kind = getenv("TERM");
	const char *plain = getenv("NO_COLOR");
	bool dumb = kind == NULL || strcmp(kind, "dumb") == 0;

	*terminal = (struct terminal){
	    .bars = isatty(STDERR_FILENO) == 1 && !dumb,
	    .colour = isatty(STDOUT_FILENO) == 1 && !dumb && (plain == NULL || *plain == '\0'),
	};
}

static unsigned
terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
		return WIDTH_DEFAULT;
	return size.ws_col;
}

void
terminal_bar(struct terminal *terminal, const char *label, uint64_t all)
{
	terminal_bar_clear(terminal);
	snprintf(terminal->label, sizeof(terminal->label), "%s", label);
	terminal->all = all;
	terminal->counts = false;
	terminal->done = 0;
	terminal->items = 0;
	terminal->started_ms = dom_monotonic_ms();
	terminal->drawn_ms = 0;
}

void
terminal_bar_count(struct terminal *terminal, const char *label, uint64_t items_all)
{
	terminal_bar(terminal, label, items_all);
	terminal->counts = true;
}

void
terminal_bar_text(
    const struct terminal *terminal, int64_t now_ms, unsigned width, char *text_r, size_t size)
{
	char items[TEXT_SHORT], done[TEXT_SHORT], all[TEXT_SHORT], left[TEXT_SHORT];
	char bar[BAR_CELLS_MAX * 3 + 1] = "", figures[256];
	int64_t ms = now_ms - terminal->started_ms;
	double speed = ms > 0 ? (double)terminal->done / (double)ms / 1000 : 0;
	size_t used = 0, text_size;

	if (terminal->all > 0) {
		uint64_t part = terminal->done < terminal->all ? terminal->done : terminal->all;
		unsigned cells = width > 100 ? BAR_CELLS_MAX : width > 70 ? 20 : 10;
		unsigned full = (unsigned)((double)part / (double)terminal->all * cells);

		for (unsigned at = 0; at < cells; at++)
			used += (size_t)snprintf(
			    bar + used, sizeof(bar) - used, "%s", at < full ? "█" : "░");
		snprintf(left, sizeof(left), "-");
		if (part > 0 && ms > 500)
			text_seconds((int64_t)((double)ms / (double)part *
			                       (double)(terminal->all - part)),
			    left);
		if (terminal->counts)
			snprintf(figures, sizeof(figures), "%3u%%  %s of %s items  %s left",
			    (unsigned)(part * 100.0 / (double)terminal->all),
			    text_count(part, items), text_count(terminal->all, all), left);
		else
			snprintf(figures, sizeof(figures),
			    "%3u%%  %s items  %s of %s  %.1f MB/s  %s left",
			    (unsigned)(part * 100.0 / (double)terminal->all),
			    text_count(terminal->items, items), text_bytes(part, done),
			    text_bytes(terminal->all, all), speed, left);
	} else {
		snprintf(figures, sizeof(figures), "%s items  %s  %.1f MB/s",
		    text_count(terminal->items, items), text_bytes(terminal->done, done),
		    speed);
	}
	text_size = (size_t)snprintf(
	    text_r, size, "%-9s %s%s%s", terminal->label, bar, used > 0 ? " " : "", figures);
	/* A line that wraps cannot be redrawn; a cell of the bar is one column of three bytes.
	 */
	width += (unsigned)(used / 3 * 2);
	if (text_size < width || width >= size)
		return;
	text_r[text_cut(text_r, width - 1)] = '\0';
	/* Rather no figure than half of one. */
	for (char *at = text_r + strlen(text_r); at > text_r; at--) {
		if (at[-1] == ' ' && at[0] == ' ') {
			at[-1] = '\0';
			break;
		}
	}
}

void
terminal_bar_at(struct terminal *terminal, uint64_t done, uint64_t items)
{
	char line[512];
	int64_t now_ms;

	terminal->done = done;
	terminal->items = items;
	if (!terminal->bars)
		return;
	now_ms = dom_monotonic_ms();
	if (terminal->drawn_ms != 0 && now_ms - terminal->drawn_ms < REDRAW_MS)
		return;
	terminal->drawn_ms = now_ms;
	terminal_bar_text(terminal, now_ms, terminal_width(), line, sizeof(line));
	fprintf(stderr, "\r\033[K%s", line);
	fflush(stderr);
	terminal->drawn = true;
}

void
terminal_bar_clear(struct terminal *terminal)
{
	if (!terminal->drawn)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	terminal->drawn = false;
	terminal->drawn_ms = 0;
}

void
terminal_bar_end(struct terminal *terminal)
{
	terminal_bar_clear(terminal);
	terminal->all = terminal->done = terminal->items = 0;
}

const char *
terminal_strong(const struct terminal *terminal)
{
	return terminal->colour ? "\033[1m" : "";
}

const char *
terminal_plain(const struct terminal *terminal)
{
	return terminal->colour ? "\033[0m" : "";
}

bool
terminal_can_ask(void)
{
	return isatty(STDIN_FILENO) == 1;
}

/*
 * Wait for input.  False: a signal asked to stop.  One that comes between the
 * prompt and the waiting must not be lost, so it is let in only by ppoll().
 */
static bool
wait_for_input(int fd)
{
	static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
	struct pollfd input = {.fd = fd, .events = POLLIN};
	sigset_t blocked, before;

	sigemptyset(&blocked);
	for (size_t at = 0; at < sizeof(stops) / sizeof(stops[0]); at++)
		sigaddset(&blocked, stops[at]);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	while (!cli_stopping && ppoll(&input, 1, NULL, &before) < 0 && errno == EINTR)
		continue;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return !cli_stopping;
}

bool
terminal_ask(struct terminal *terminal, const char *question, char *answer_r, size_t size)
{
	ssize_t got;

	terminal_bar_clear(terminal);
	if (!terminal_can_ask())
		return false;
	fflush(stdout);
	fprintf(stderr, "%s ", question);
	fflush(stderr);
	got = wait_for_input(STDIN_FILENO) ? read(STDIN_FILENO, answer_r, size - 1) : 0;
	if (got <= 0) {
		fputc('\n', stderr);
		return false;
	}
	answer_r[got] = '\0';
	answer_r[strcspn(answer_r, "\r\n")] = '\0';
	return true;
}

bool
terminal_confirm(struct terminal *terminal, const char *question)
{
	char whole[512], answer[64];

	snprintf(whole, sizeof(whole), "%s [y/N]", question);
	return terminal_ask(terminal, whole, answer, sizeof(answer)) &&
	       (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0);
}

/* One line without its ending; what lies beyond it stays unread where that is possible. */
static enum password_outcome
password_line(int fd, char password_r[PASSWORD_SIZE_MAX + 1], bool end_is_stop)
{
	size_t size = 0;

	for (;;) {
		char byte;
		ssize_t got;

		if (!wait_for_input(fd))
			return PASSWORD_STOPPED;
		got = read(fd, &byte, 1);
		if (got < 0 && errno == EINTR && !cli_stopping)
			continue;
		if (got < 0)
			return cli_stopping ? PASSWORD_STOPPED : PASSWORD_UNREADABLE;
		if (got == 0 && size == 0 && end_is_stop)
			return PASSWORD_STOPPED;
		if (got == 0 || byte == '\n')
			break;
		if (size == PASSWORD_SIZE_MAX) {
			dom_wipe(password_r, PASSWORD_SIZE_MAX + 1);
			return PASSWORD_TOO_LONG;
		}
		password_r[size++] = byte;
	}
	if (size > 0 && password_r[size - 1] == '\r')
		size--;
	password_r[size] = '\0';
	return PASSWORD_READ;
}

enum password_outcome
terminal_password_from(int fd, char password_r[PASSWORD_SIZE_MAX + 1])
{
	return password_line(fd, password_r, false);
}

enum password_outcome
terminal_password(const char *prompt, char password_r[PASSWORD_SIZE_MAX + 1])
{
	struct termios before, silent;
	enum password_outcome outcome;
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return PASSWORD_NO_TERMINAL;
	if (tcgetattr(fd, &before) != 0) {
		close(fd);
		return PASSWORD_NO_TERMINAL;
	}
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	silent.c_lflag |= ICANON | ISIG | ECHONL;
	/* The signals' handler only sets a flag, so every way out passes the restoring. */
	if (tcsetattr(fd, TCSAFLUSH, &silent) != 0 || dprintf(fd, "%s", prompt) < 0)
		outcome = PASSWORD_NO_TERMINAL;
	else
		outcome = password_line(fd, password_r, true);
	tcsetattr(fd, TCSAFLUSH, &before);
	if (outcome == PASSWORD_STOPPED)
		(void)!write(fd, "\n", 1);
	close(fd);
	return outcome;
}
