/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which time the rules come to: what is older may go. */
#include "services/retention/rules.h"

static const int64_t day_ms = 24 * 3600 * 1000;

static bool
applies(const struct retention_rule *rule, enum retention_what what,
    const struct retention_service *services, size_t count)
{
	if (rule->what != what)
		return false;
	if (strcmp(rule->service, "all") == 0)
		return true;
	for (size_t i = 0; i < count; i++)
		if (dom_slice_is(services[i].name, rule->service))
			return true;
	return false;
}

/* Of several at-most the first to pass: the latest limit.  INT64_MIN: none. */
static void
widen(int64_t *before_ms, const struct dom_duration *at_most, int64_t time_ms)
{
	int64_t ms;

	/* A time of which no calendar knows is never past. */
	if (dom_duration_before(time_ms, at_most, &ms) == DOM_OK && ms > *before_ms)
		*before_ms = ms;
}

/* False: a law orders to keep it for longer. */
static bool
allows(const struct retention_rules *rules, const struct retention_service *services,
    size_t count, const struct dom_duration *promised)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rules->rules[i].kind == RETENTION_AT_LEAST &&
		    applies(&rules->rules[i], RETENTION_HISTORY, services, count) &&
		    dom_duration_may_exceed(&rules->rules[i].keep, promised))
			return false;
	return true;
}

/*
 * An at-least that contradicts no at-most has passed whenever one of those
 * has, from whatever date: so it needs no limit of its own.
 */
enum dom_status
retention_before(const struct retention_rules *rules, enum retention_what what,
    const struct retention_service *services, size_t service_count, int64_t time_ms,
    int64_t *before_ms_r)
{
	int64_t before_ms = INT64_MIN;

	for (size_t i = 0; i < rules->count; i++) {
		if (!applies(&rules->rules[i], what, services, service_count))
			continue;
		if (rules->rules[i].kind == RETENTION_AT_MOST)
			widen(&before_ms, &rules->rules[i].keep, time_ms);
		for (size_t j = 0; j < rules->count; j++)
			if (rules->contradicts[i][j] &&
			    applies(&rules->rules[j], what, services, service_count))
				return DOM_CONFLICT;
	}
	for (size_t i = 0; what == RETENTION_HISTORY && i < service_count; i++) {
		if (dom_duration_is_zero(&services[i].promised))
			continue;
		if (!allows(rules, services, service_count, &services[i].promised))
			return DOM_CONFLICT;
		widen(&before_ms, &services[i].promised, time_ms);
	}
	*before_ms_r = before_ms;
	return before_ms == INT64_MIN ? DOM_ABSENT : DOM_OK;
}

enum dom_status
retention_before_latest(const struct retention_rules *rules, enum retention_what what,
    int64_t time_ms, int64_t *before_ms_r)
{
	int64_t before_ms = INT64_MIN;

	for (size_t i = 0; i < rules->count; i++)
		if (rules->rules[i].what == what && rules->rules[i].kind == RETENTION_AT_MOST)
			widen(&before_ms, &rules->rules[i].keep, time_ms);
	*before_ms_r = before_ms;
	return before_ms == INT64_MIN ? DOM_ABSENT : DOM_OK;
}

int64_t
retention_before_all(int64_t time_ms)
{
	return time_ms - day_ms;
}

bool
retention_needs_services(const struct retention_rules *rules, enum retention_what what)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rules->rules[i].what == what && strcmp(rules->rules[i].service, "all") != 0)
			return true;
	return false;
}

/* --- accounts --------------------------------------------------------------------- */

/* What ends an inactive account; NULL: nothing does. */
static const struct retention_rule *
account_at_most(const struct retention_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rules->rules[i].what == RETENTION_ACCOUNTS &&
		    rules->rules[i].kind == RETENTION_AT_MOST)
			return &rules->rules[i];
	return NULL;
}

enum dom_status
retention_notice_before(const struct retention_rules *rules, int64_t time_ms,
    int64_t *before_ms_r, int64_t *told_before_ms_r)
{
	const struct retention_rule *most = account_at_most(rules);
	int64_t later_ms;

	if (most == NULL || dom_duration_after(time_ms, &most->notice, &later_ms) != DOM_OK)
		return DOM_ABSENT;
	if (dom_duration_before(time_ms, &most->notice, told_before_ms_r) != DOM_OK)
		return DOM_ABSENT;
	/* Who is due by the time that a notice has stood for long enough. */
	return retention_before(rules, RETENTION_ACCOUNTS, NULL, 0, later_ms, before_ms_r);
}

enum dom_status
retention_account_end(
    const struct retention_rules *rules, int64_t active_ms, int64_t told_ms, int64_t *end_ms_r)
{
	const struct retention_rule *most = account_at_most(rules);
	int64_t before_ms;

	if (most == NULL ||
	    retention_before(rules, RETENTION_ACCOUNTS, NULL, 0, active_ms, &before_ms) ==
	        DOM_CONFLICT ||
	    dom_duration_after(told_ms, &most->notice, end_ms_r) != DOM_OK)
		return DOM_ABSENT;
	for (size_t i = 0; i < rules->count; i++) {
		int64_t ms;

		if (rules->rules[i].what != RETENTION_ACCOUNTS)
			continue;
		if (dom_duration_after(active_ms, &rules->rules[i].keep, &ms) != DOM_OK)
			return DOM_ABSENT;
		if (ms > *end_ms_r)
			*end_ms_r = ms;
	}
	return DOM_OK;
}
