/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a person may know of the rules, and of what they mean for the account. */
#include "services/retention/show.h"

#include "wire/retention.h"

static const int64_t notice_shown_ms = INT64_C(90) * 24 * 3600 * 1000;

static enum dom_status
fill_rule(
    struct dom_arena *arena, const struct retention_rule *rule, struct wire_retention_rule *out)
{
	char *keep = dom_arena_take(arena, DOM_DURATION_TEXT_SIZE);
	char *notice = dom_arena_take(arena, DOM_DURATION_TEXT_SIZE);

	if (keep == NULL || notice == NULL)
		return DOM_ENOMEM;
	dom_duration_print(&rule->keep, keep);
	dom_duration_print(&rule->notice, notice);
	*out =
	    (struct wire_retention_rule){.what = dom_slice_of(retention_what_name(rule->what)),
	        .service = dom_slice_of(rule->service),
	        .kind = dom_slice_of(rule->kind == RETENTION_AT_LEAST ? "at-least" : "at-most"),
	        .keep = dom_slice_of(keep)};
	if (!dom_duration_is_zero(&rule->notice))
		out->notice = dom_slice_of(notice);
	if (rule->reason[0] != '\0')
		out->reason = dom_slice_of(rule->reason);
	return DOM_OK;
}

/*
 * A notice that a use has ended is shown for a while: its owner, who is back,
 * has not seen it yet.
 */
static void
show_notice(const struct retention_rules *rules, const struct store_account *account,
    int64_t time_ms, struct wire_retention *shown)
{
	bool stands = account->notice_ms > account->active_ms;

	if (account->notice_ms == 0 ||
	    (!stands && time_ms - account->notice_ms > notice_shown_ms))
		return;
	shown->told_ms = account->notice_ms;
	if (!stands || retention_account_end(rules, account->active_ms, account->notice_ms,
	                   &shown->end_ms) != DOM_OK)
		shown->end_ms = 0;
}

enum dom_status
retention_show(struct service_call *call)
{
	const struct retention_rules *rules = call->service->settings.retention;
	const struct store_account *account = &call->account;
	struct wire_retention shown = {0};
	int64_t time_ms;
	enum dom_status st = DOM_OK;

	if (rules == NULL) {
		wire_retention_encode(&call->reply->body, &shown);
		return DOM_OK;
	}
	shown.rules = dom_arena_array(call->arena, rules->count + 1, sizeof(*shown.rules));
	if (shown.rules == NULL)
		return DOM_ENOMEM;
	for (; st == DOM_OK && shown.count < rules->count; shown.count++)
		st = fill_rule(
		    call->arena, &rules->rules[shown.count], &shown.rules[shown.count]);
	if (st != DOM_OK)
		return st;
	if ((st = store_region_time(call->txn, &time_ms)) != DOM_OK)
		return st < 0 ? st : DOM_ESTORE;
	show_notice(rules, account, time_ms, &shown);
	wire_retention_encode(&call->reply->body, &shown);
	return DOM_OK;
}
