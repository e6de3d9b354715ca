/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* How domicilectl's commands answer: lines, failures, lists. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "daemon/control_parts.h"

void
control_say(struct control_call *call, enum control_kind kind, const char *format, ...)
{
	char line[CONTROL_LINE_SIZE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (!atomic_load(call->stop) && control_send_line(call->fd, kind, line) < 0)
		atomic_store(call->stop, true);
}

int
control_fail(struct control_call *call, enum dom_status status, const char *detail)
{
	if (detail != NULL)
		control_say(call, CONTROL_ERR, "%s", detail);
	else
		control_say(call, CONTROL_ERR, "the store says: %s", dom_status_text(status));
	return CONTROL_FAILED;
}

void
control_time(int64_t ms, char text_r[CONTROL_TIME_SIZE])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm parts;

	gmtime_r(&seconds, &parts);
	strftime(text_r, CONTROL_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

int
control_list(struct control_call *call, control_page *page)
{
	struct store_reader *reader;
	int64_t after = 0;
	size_t count = 0;
	enum dom_status st = store_reader_open(call->options->store, &reader);

	if (st != DOM_OK)
		return control_fail(call, st, NULL);
	do {
		struct store_txn *txn = NULL;

		dom_arena_reset(call->arena);
		if ((st = store_read_begin(reader, &txn)) == DOM_OK)
			st = page(call, txn, &after, &count);
		store_read_end(&txn);
	} while (st == DOM_OK && count != 0 && !atomic_load(call->stop));
	store_reader_close(&reader);
	return st == DOM_OK ? CONTROL_DONE : control_fail(call, st, NULL);
}
