/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicilectl retention: the rules, what was removed by them, and who is to be told. */
#include "daemon/control_retention.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "daemon/retention.h"

enum { DONE = 0, FAILED = 1, TIME_SIZE = 32, PAGE = 200, LINE_SIZE = 1024 };

static void __attribute__((format(printf, 2, 3)))
say(struct control_call *call, const char *format, ...)
{
	char line[LINE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	control_say(call, CONTROL_OUT, line);
}

static void
time_text(int64_t ms, char text_r[TIME_SIZE])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm parts;

	gmtime_r(&seconds, &parts);
	strftime(text_r, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static void
say_conflict(void *context, const char *sentence)
{
	control_say(context, CONTROL_ERR, sentence);
}

int
control_retention_rules(struct control_call *call)
{
	const struct retention_rules *rules = retention_desk_rules(call->options->retention);
	char text[RETENTION_TEXT_SIZE];

	for (size_t i = 0; i < rules->count; i++) {
		retention_rule_text(&rules->rules[i], text);
		say(call, "%s", text);
	}
	return retention_desk_conflicts(call->options->retention, say_conflict, call) == 0
	           ? DONE
	           : FAILED;
}

int
control_retention_report(struct control_call *call)
{
	struct retention_figures figures;
	char swept[TIME_SIZE] = "never";

	retention_desk_figures(call->options->retention, &figures);
	if (figures.sweeps != 0)
		time_text(figures.swept_ms, swept);
	say(call, "sweeps %" PRIu64, figures.sweeps);
	say(call, "last-sweep %s", swept);
	for (unsigned what = 0; what < RETENTION_WHAT_COUNT; what++)
		say(call, "removed-%s %" PRIu64, retention_what_name((enum retention_what)what),
		    figures.removed[what]);
	say(call, "removed-bytes %" PRIu64, figures.bytes);
	say(call, "notices %" PRIu64, figures.notices);
	for (unsigned what = 0; what < RETENTION_WHAT_COUNT; what++)
		say(call, "held-%s %" PRIu64, retention_what_name((enum retention_what)what),
		    figures.held[what]);
	return DONE;
}

/* --- notices --------------------------------------------------------------------- */

static void
say_notice(struct control_call *call, const struct store_account *account)
{
	char told[TIME_SIZE], end[TIME_SIZE] = "never";
	int64_t end_ms;

	if (account->state != STORE_ACCOUNT_HOME || account->notice_ms <= account->active_ms)
		return;
	if (retention_account_end(retention_desk_rules(call->options->retention),
	        account->active_ms, account->notice_ms, &end_ms) == DOM_OK)
		time_text(end_ms, end);
	time_text(account->notice_ms, told);
	say(call, "%.*s\t%.*s\t%s\t%s", (int)account->name.size,
	    (const char *)account->name.data, (int)account->email.size,
	    account->email.size == 0 ? "" : (const char *)account->email.data, told, end);
}

static enum dom_status
notices_page(
    struct control_call *call, struct store_reader *reader, int64_t *after, size_t *count_r)
{
	struct store_account *accounts = NULL;
	struct store_txn *txn;
	enum dom_status st;

	dom_arena_reset(call->arena);
	if ((st = store_read_begin(reader, &txn)) != DOM_OK)
		return st;
	st = store_account_scan(txn, *after, PAGE, call->arena, &accounts, count_r);
	store_read_end(&txn);
	for (size_t i = 0; st == DOM_OK && i < *count_r; i++) {
		say_notice(call, &accounts[i]);
		*after = accounts[i].number;
	}
	return st;
}

int
control_retention_notices(struct control_call *call)
{
	struct store_reader *reader = NULL;
	int64_t after = 0;
	size_t count = 1;
	enum dom_status st = store_reader_open(call->options->store, &reader);

	while (st == DOM_OK && count != 0 && !atomic_load(call->stop))
		st = notices_page(call, reader, &after, &count);
	store_reader_close(&reader);
	if (st == DOM_OK)
		return DONE;
	control_say(call, CONTROL_ERR, dom_status_text(st));
	return FAILED;
}
