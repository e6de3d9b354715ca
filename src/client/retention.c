/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The region's rules of retention, as a person is shown them. */
#include "wire/retention.h"

#include <stdlib.h>

#include <domicile/retention.h>

#include "base/duration.h"

#include "client/call.h"
#include "client/session.h"

struct shown {
	struct dom_retention public;
	struct dom_arena *arena; /* holds the texts */
};

/* A text of the server's: plain, so that it cannot drive a terminal. */
static const char *
take(struct dom_arena *arena, struct dom_slice text, enum dom_status *st)
{
	struct dom_slice copy = dom_arena_copy(arena, text);

	if (copy.data == NULL)
		*st = DOM_ENOMEM;
	else if (!dom_session_text_plain(text) && *st == DOM_OK)
		*st = DOM_EINPUT;
	return copy.data == NULL ? "" : (const char *)copy.data;
}

static const char *
take_duration(struct dom_arena *arena, struct dom_slice text, enum dom_status *st)
{
	struct dom_duration duration;

	if (dom_duration_parse(text, &duration) != DOM_OK && *st == DOM_OK)
		*st = DOM_EINPUT;
	return take(arena, text, st);
}

static enum dom_status
take_rules(const struct wire_retention *wire, struct shown *shown)
{
	struct dom_retention_rule *rules =
	    dom_arena_array(shown->arena, wire->count + 1, sizeof(*rules));
	enum dom_status st = DOM_OK;

	if (rules == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; i < wire->count && st == DOM_OK; i++) {
		const struct wire_retention_rule *rule = &wire->rules[i];

		rules[i] = (struct dom_retention_rule){
		    .what = take(shown->arena, rule->what, &st),
		    .service = take(shown->arena, rule->service, &st),
		    .at_least = dom_slice_is(rule->kind, "at-least"),
		    .keep = take_duration(shown->arena, rule->keep, &st),
		    .notice = rule->notice.data == NULL
		                  ? ""
		                  : take_duration(shown->arena, rule->notice, &st),
		    .reason =
		        rule->reason.data == NULL ? "" : take(shown->arena, rule->reason, &st)};
		if (st == DOM_OK && !rules[i].at_least && !dom_slice_is(rule->kind, "at-most"))
			st = DOM_EINPUT;
	}
	shown->public = (struct dom_retention){.rules = rules,
	    .count = wire->count,
	    .told_ms = wire->told_ms,
	    .end_ms = wire->end_ms};
	return st;
}

enum dom_status
dom_retention_ask(struct dom_session *session, struct dom_retention **retention_r)
{
	struct dom_call *call = dom_call_new(session, "GET", "domicile/v1/retention/");
	struct shown *shown = calloc(1, sizeof(*shown));
	struct wire_retention wire;
	enum dom_status st = DOM_ENOMEM;

	*retention_r = NULL;
	if (call == NULL || shown == NULL || (shown->arena = dom_arena_new(0)) == NULL) {
		dom_session_fail(session, st, "There is not enough memory");
		goto out;
	}
	if ((st = dom_call_run(call)) != DOM_OK)
		goto out;
	st = wire_retention_decode(dom_call_reply(call), shown->arena, &wire);
	if (st == DOM_OK)
		st = take_rules(&wire, shown);
	if (st != DOM_OK) {
		st = dom_session_fail(session, st == DOM_ENOMEM ? st : DOM_ESERVER,
		    "The region's rules of retention cannot be read");
		goto out;
	}
	*retention_r = &shown->public;
	shown = NULL;
out:
	if (shown != NULL)
		dom_arena_free(&shown->arena);
	free(shown);
	dom_call_free(&call);
	return st;
}

void
dom_retention_free(struct dom_retention **retention)
{
	/* It is the first member of what we made. */
	struct shown *old = (struct shown *)*retention;

	if (old == NULL)
		return;
	*retention = NULL;
	dom_arena_free(&old->arena);
	free(old);
}
