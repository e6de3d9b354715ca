/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicilectl retention: the rules, what was removed by them, and who is to be told. */
#include "daemon/control_retention.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/control_parts.h"
#include "daemon/retention.h"

static void
say_conflict(void *context, const char *sentence)
{
	control_say(context, CONTROL_ERR, "%s", sentence);
}

int
control_retention_rules(struct control_call *call)
{
	const struct retention_rules *rules = retention_desk_rules(call->options->retention);
	char text[RETENTION_TEXT_SIZE];

	for (size_t i = 0; i < rules->count; i++) {
		retention_rule_text(&rules->rules[i], text);
		control_say(call, CONTROL_OUT, "%s", text);
	}
	return retention_desk_conflicts(call->options->retention, say_conflict, call) == 0
	           ? CONTROL_DONE
	           : CONTROL_FAILED;
}

int
control_retention_report(struct control_call *call)
{
	struct retention_figures figures;
	char swept[CONTROL_TIME_SIZE] = "never";

	retention_desk_figures(call->options->retention, &figures);
	if (figures.sweeps != 0)
		control_time(figures.swept_ms, swept);
	control_say(call, CONTROL_OUT, "sweeps %" PRIu64, figures.sweeps);
	control_say(call, CONTROL_OUT, "last-sweep %s", swept);
	for (unsigned what = 0; what < RETENTION_WHAT_COUNT; what++)
		control_say(call, CONTROL_OUT, "removed-%s %" PRIu64,
		    retention_what_name((enum retention_what)what), figures.removed[what]);
	control_say(call, CONTROL_OUT, "removed-bytes %" PRIu64, figures.bytes);
	control_say(call, CONTROL_OUT, "notices %" PRIu64, figures.notices);
	for (unsigned what = 0; what < RETENTION_WHAT_COUNT; what++)
		control_say(call, CONTROL_OUT, "held-%s %" PRIu64,
		    retention_what_name((enum retention_what)what), figures.held[what]);
	return CONTROL_DONE;
}

/* --- notices --------------------------------------------------------------------- */

static void
say_notice(struct control_call *call, const struct store_account *account)
{
	char told[CONTROL_TIME_SIZE], end[CONTROL_TIME_SIZE] = "never";
	int64_t end_ms;

	if (account->state != STORE_ACCOUNT_HOME || account->notice_ms <= account->active_ms)
		return;
	if (retention_account_end(retention_desk_rules(call->options->retention),
	        account->active_ms, account->notice_ms, &end_ms) == DOM_OK)
		control_time(end_ms, end);
	control_time(account->notice_ms, told);
	control_say(call, CONTROL_OUT, "%.*s\t%.*s\t%s\t%s", (int)account->name.size,
	    (const char *)account->name.data, (int)account->email.size,
	    account->email.size == 0 ? "" : (const char *)account->email.data, told, end);
}

static enum dom_status
notices_page(struct control_call *call, struct store_txn *txn, int64_t *after, size_t *count_r)
{
	struct store_account *accounts;
	enum dom_status st =
	    store_account_scan(txn, *after, CONTROL_PAGE_ROWS, call->arena, &accounts, count_r);

	for (size_t i = 0; st == DOM_OK && i < *count_r; i++) {
		say_notice(call, &accounts[i]);
		*after = accounts[i].number;
	}
	return st;
}

int
control_retention_notices(struct control_call *call)
{
	return control_list(call, notices_page);
}
