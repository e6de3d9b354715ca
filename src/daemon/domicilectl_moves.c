/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicilectl moves: what comes and goes, as a table, as JSON, or again and again. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#include "daemon/domicilectl.h"

enum {
	COLUMNS = 14,
	BAR_SIZE = 20,
	WATCH_MS = 1000,
	TEXT_SIZE = 32,
	/* How much of a rate that is shown comes from the last second, in percent. */
	FRESH_PERCENT = 30,
};

/* As the server says it; the texts are parts of line. */
struct move {
	char *line;
	const char *number, *id, *side, *state, *account, *peer, *why;
	uint64_t epoch, attempts, bytes, total;
	int64_t started_ms, changed_ms, pause_ms; /* pause below zero: not known */
	double rate;                              /* bytes a second; below zero: not known */
};

struct moves {
	struct move *rows;
	size_t count, room;
	int64_t at_ms; /* when they were told, monotonic */
	bool has_failed;
};

static void
moves_free(struct moves *moves)
{
	for (size_t i = 0; i < moves->count; i++)
		free(moves->rows[i].line);
	free(moves->rows);
	*moves = (struct moves){0};
}

/* False: it is no line of ours, and printed as it is. */
static bool
take_line(const char *line, struct move *move_r)
{
	char *columns[COLUMNS], *at = strdup(line);

	*move_r = (struct move){.line = at, .rate = -1};
	for (size_t i = 0; at != NULL && i < COLUMNS; i++) {
		columns[i] = at;
		at = strchr(at, '\t');
		if ((at == NULL) != (i == COLUMNS - 1)) {
			free(move_r->line);
			return false;
		}
		if (at != NULL)
			*at++ = '\0';
	}
	if (move_r->line == NULL)
		return false;
	move_r->number = columns[0];
	move_r->id = columns[1];
	move_r->side = columns[2];
	move_r->state = columns[3];
	move_r->account = columns[4];
	move_r->peer = columns[5];
	move_r->epoch = strtoull(columns[6], NULL, 10);
	move_r->attempts = strtoull(columns[7], NULL, 10);
	move_r->bytes = strtoull(columns[8], NULL, 10);
	move_r->total = strtoull(columns[9], NULL, 10);
	move_r->started_ms = strtoll(columns[10], NULL, 10);
	move_r->changed_ms = strtoll(columns[11], NULL, 10);
	move_r->pause_ms = strtoll(columns[12], NULL, 10);
	move_r->why = columns[13];
	return true;
}

static bool
hear(void *context, const char *line)
{
	struct moves *moves = context;

	if (moves->count == moves->room) {
		size_t room = moves->room == 0 ? 64 : moves->room * 2;
		struct move *grown = realloc(moves->rows, room * sizeof(*grown));

		if (grown == NULL) {
			moves->has_failed = true;
			return true;
		}
		moves->rows = grown;
		moves->room = room;
	}
	if (!take_line(line, &moves->rows[moves->count]))
		return false;
	moves->count++;
	return true;
}

static int
get(const struct ctl *ctl, struct moves *moves)
{
	const char *words[] = {ctl->command, ctl->all ? "all" : ""};
	struct ctl asking = *ctl;
	int result;

	asking.heard = hear;
	asking.context = moves;
	result = ctl_ask_server(&asking, words, 2);
	moves->at_ms = dom_monotonic_ms();
	if (!moves->has_failed)
		return result;
	fputs("domicilectl: no memory\n", stderr);
	return CTL_FAILED;
}

/* --- what follows from it -------------------------------------------------------- */

static bool
is_copying(const struct move *move)
{
	return strcmp(move->state, "staging") == 0 || strcmp(move->state, "exporting") == 0;
}

/* Since the last look, smoothed; at the first look on average since it began. */
static void
find_rates(struct moves *moves, const struct moves *before)
{
	const struct dom_clock clock = dom_clock_system();

	for (size_t i = 0; i < moves->count; i++) {
		struct move *move = &moves->rows[i];
		int64_t age_ms = dom_clock_now_ms(&clock) - move->started_ms,
		        past_ms = moves->at_ms - before->at_ms;
		const struct move *old = NULL;

		for (size_t j = 0; j < before->count && old == NULL; j++)
			if (strcmp(before->rows[j].number, move->number) == 0)
				old = &before->rows[j];
		if (!is_copying(move) || move->bytes == 0)
			continue;
		if (age_ms > 0)
			move->rate = (double)move->bytes * 1000 / (double)age_ms;
		if (old != NULL && old->rate >= 0 && old->bytes <= move->bytes && past_ms > 0)
			move->rate = (old->rate * (100 - FRESH_PERCENT) +
			                 (double)(move->bytes - old->bytes) * 1000 /
			                     (double)past_ms * FRESH_PERCENT) /
			             100;
	}
}

/* Seconds until all is there; below zero: not known. */
static double
left_s(const struct move *move)
{
	if (move->rate <= 0 || move->total < move->bytes)
		return -1;
	return (double)(move->total - move->bytes) / move->rate;
}

/* --- as a table ------------------------------------------------------------------ */

static void
print_bytes(double bytes, const char *after, char text_r[TEXT_SIZE])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t unit = 0;

	while (bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text_r, TEXT_SIZE, unit == 0 || bytes >= 100 ? "%.0f %s%s" : "%.1f %s%s",
	    bytes, units[unit], after);
}

static void
print_time(double seconds, char text_r[TEXT_SIZE])
{
	if (seconds < 0)
		snprintf(text_r, TEXT_SIZE, "-");
	else if (seconds < 100)
		snprintf(text_r, TEXT_SIZE, "%.0f s", seconds);
	else if (seconds < 100 * 60)
		snprintf(text_r, TEXT_SIZE, "%.0f min", seconds / 60);
	else
		snprintf(text_r, TEXT_SIZE, "%.0f h", seconds / 3600);
}

static void
print_progress(const struct move *move, char *text_r, size_t size)
{
	double part = move->total == 0 ? 0 : (double)move->bytes / (double)move->total;
	char bytes[TEXT_SIZE], bar[BAR_SIZE + 1];
	int full;

	part = part > 1 ? 1 : part;
	full = (int)(part * BAR_SIZE);
	print_bytes((double)move->total, "", bytes);
	if (!is_copying(move) || move->bytes == 0) {
		snprintf(text_r, size, "%s", move->total == 0 ? "-" : bytes);
		return;
	}
	memset(bar, '#', (size_t)full);
	memset(bar + full, '.', (size_t)(BAR_SIZE - full));
	bar[BAR_SIZE] = '\0';
	snprintf(text_r, size, "[%s] %3.0f%% of %s", bar, part * 100, bytes);
}

static void
print_move(const struct move *move)
{
	bool is_source = strcmp(move->side, "source") == 0;
	char progress[BAR_SIZE + 2 * TEXT_SIZE], rate[TEXT_SIZE] = "-", left[TEXT_SIZE],
	                                         pause[TEXT_SIZE] = "-", way[64];

	print_progress(move, progress, sizeof(progress));
	if (move->rate >= 0)
		print_bytes(move->rate, "/s", rate);
	print_time(left_s(move), left);
	if (move->pause_ms >= 0)
		snprintf(pause, sizeof(pause), "%" PRId64 " ms", move->pause_ms);
	snprintf(way, sizeof(way), "%s %.40s", is_source ? "to" : "from", move->peer);
	printf("%6s  %-16.40s  %-12s  %-10s  %-40s  %11s  %7s  %8s\n", move->number,
	    move->account[0] == '\0' ? "-" : move->account, way, move->state, progress, rate,
	    left, pause);
	if (move->why[0] != '\0')
		printf("        %s\n", move->why);
}

static void
print_table(const struct moves *moves, bool has_all)
{
	if (moves->count == 0) {
		puts(has_all
		         ? "no account moves, and none has"
		         : "no account moves, and none has of late (--all shows older ones)");
		return;
	}
	printf("%6s  %-16s  %-12s  %-10s  %-40s  %11s  %7s  %8s\n", "NUMBER", "ACCOUNT",
	    "REGION", "STATE", "COPIED", "RATE", "LEFT", "PAUSE");
	for (size_t i = 0; i < moves->count; i++)
		print_move(&moves->rows[i]);
}

/* --- as JSON --------------------------------------------------------------------- */

static json_t *
json_of(const struct move *move)
{
	double left = left_s(move);

	return json_pack(
	    "{s:I, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, "
	    "s:o, s:s}",
	    "number", (json_int_t)strtoll(move->number, NULL, 10), "move", move->id, "side",
	    move->side, "state", move->state, "account", move->account, "region", move->peer,
	    "epoch", (json_int_t)move->epoch, "attempts", (json_int_t)move->attempts, "bytes",
	    (json_int_t)move->bytes, "bytesTotal", (json_int_t)move->total, "started",
	    (json_int_t)move->started_ms, "changed", (json_int_t)move->changed_ms, "pauseMs",
	    move->pause_ms < 0 ? json_null() : json_integer(move->pause_ms), "bytesPerSecond",
	    move->rate < 0 ? json_null() : json_real(move->rate), "leftSeconds",
	    left < 0 ? json_null() : json_real(left), "why", move->why);
}

static int
print_json(const struct moves *moves)
{
	json_t *list = json_array(), *row;
	int result = CTL_FAILED;
	bool is_good = list != NULL;

	for (size_t i = 0; is_good && i < moves->count; i++)
		is_good = (row = json_of(&moves->rows[i])) != NULL &&
		          json_array_append_new(list, row) == 0;
	if (is_good && json_dumpf(list, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) == 0) {
		putchar('\n');
		result = CTL_DONE;
	} else {
		fputs("domicilectl: no memory\n", stderr);
	}
	json_decref(list);
	return result;
}

static int
print(const struct ctl *ctl, const struct moves *moves)
{
	if (ctl->json)
		return print_json(moves);
	if (ctl->watch && isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout);
	print_table(moves, ctl->all);
	return CTL_DONE;
}

int
ctl_moves(const struct ctl *ctl)
{
	const struct timespec pause = {.tv_sec = WATCH_MS / 1000};
	struct moves before = {0}, moves = {0};
	int result;

	while ((result = get(ctl, &moves)) == CTL_DONE) {
		find_rates(&moves, &before);
		if ((result = print(ctl, &moves)) != CTL_DONE || !ctl->watch)
			break;
		/* Who reads it has gone: that is how a watch ends, beside a signal. */
		if (fflush(stdout) != 0)
			break;
		moves_free(&before);
		before = moves;
		moves = (struct moves){0};
		nanosleep(&pause, NULL);
	}
	moves_free(&before);
	moves_free(&moves);
	return result;
}
