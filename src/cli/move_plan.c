/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a move would be like, before it is ordered. */
#include <stdio.h>
#include <string.h>

#include "cli/move.h"
#include "cli/text.h"

static const char *const terms_words[] = {
    [DOM_TERMS_SAME] = "same", [DOM_TERMS_OTHER] = "other", [DOM_TERMS_ABSENT] = "absent"};

static void
print_region(const char *label, const struct dom_move_region *region)
{
	char text[80] = "";

	if (region->country[0] != '\0')
		snprintf(text, sizeof(text), " (%s)", region->country);
	printf("%-14s%s%s, release %s, %.1f ms away", label, region->name, text,
	    region->release[0] == '\0' ? "not known" : region->release,
	    (double)region->round_trip_us / 1000);
	/* Clocks of people's devices are off by seconds. */
	if (region->clock_ms > 60000 || region->clock_ms < -60000)
		printf(", its clock is %lld minutes %s",
		    (long long)(region->clock_ms < 0 ? -region->clock_ms : region->clock_ms) /
		        60000,
		    region->clock_ms < 0 ? "behind" : "ahead");
	putchar('\n');
}

static void
print_services(const struct dom_move_plan *plan)
{
	static const char *const lines[] = {[DOM_TERMS_SAME] = "stays on: the same terms there",
	    [DOM_TERMS_OTHER] = "moves; it is off there until you agree to other terms",
	    [DOM_TERMS_ABSENT] = "moves; nothing new is stored, they do not offer it"};

	for (size_t i = 0; i < plan->service_count; i++)
		printf("%-14s%-9s %s\n", i == 0 ? "services" : "", plan->services[i].name,
		    lines[plan->services[i].terms]);
}

static void
print_shared(const struct dom_move_plan *plan)
{
	char count[TEXT_SHORT];

	if (plan->shared > 0)
		printf("shared        %s of your collections: others lose them\n",
		    text_count(plan->shared, count));
	if (plan->memberships > 0)
		printf("              you leave %s collections of others, which stay there\n",
		    text_count(plan->memberships, count));
}

void
move_plan_print(struct cli *cli, const struct dom_move_plan *plan)
{
	char count[TEXT_SHORT], bytes[TEXT_SHORT], rate[TEXT_SHORT], time[TEXT_SHORT];

	printf("%s moves from %s to %s\n\n", dom_session_address(cli->session),
	    plan->source.name, plan->target.name);
	print_region("from", &plan->source);
	if (plan->target.release[0] != '\0')
		print_region("to", &plan->target);
	printf("to copy       %s records and files, %s\n", text_count(plan->items, count),
	    text_bytes(plan->bytes, bytes));
	if (plan->target.release[0] != '\0') {
		printf("takes         about %s", text_moment(plan->duration_ms, time));
		if (plan->rate_bytes > 0)
			printf(", at the %s a second that were measured",
			    text_bytes(plan->rate_bytes, rate));
		printf("; all goes on meanwhile\n");
		printf("pause         writes wait for about %s at its end, for 5 s at most\n",
		    text_moment(plan->pause_ms, time));
	}
	print_services(plan);
	print_shared(plan);
	printf("old copy      erased once a device has found everything; else after %u to %u "
	       "days\n",
	    plan->grace_min_days, plan->grace_max_days);
	for (size_t i = 0; i < plan->problem_count; i++)
		printf("%s%s\n", i == 0 ? "\nIn the way:\n  - " : "  - ", plan->problems[i]);
}

/* --- what the operator asks ------------------------------------------------------ */

void
move_proposal_print(struct cli *cli)
{
	struct dom_proposal proposal;
	char time[TEXT_SHORT];
	const char *region;

	if (dom_move_proposal(cli->session, &proposal) != DOM_OK ||
	    dom_session_region(cli->session, &region) != DOM_OK)
		return;
	text_time(proposal.begins_ms, time);
	if (proposal.answer == DOM_PROPOSAL_OPEN)
		printf("\nThe operator of %s asks you to let the account move to %s; it would "
		       "begin "
		       "on %s.\nNothing moves unless you say so: domicile move %s agrees, "
		       "domicile "
		       "move --refuse declines.\n",
		    region, proposal.target, time, proposal.target);
	else if (proposal.answer == DOM_PROPOSAL_REFUSED)
		printf(
		    "\nYou declined to let the account move to %s, as the operator of %s had "
		    "asked.\n",
		    proposal.target, region);
	else if (proposal.answer == DOM_PROPOSAL_AGREED)
		printf("\nYou agreed to move to %s: it begins when the operator's plan comes "
		       "to you, "
		       "from %s on.\ndomicile move --cancel takes that back.\n",
		    proposal.target, time);
}

void
move_proposal_json(struct cli *cli, struct json *json)
{
	static const char *const words[] = {[DOM_PROPOSAL_OPEN] = "none",
	    [DOM_PROPOSAL_REFUSED] = "refused",
	    [DOM_PROPOSAL_AGREED] = "agreed",
	    [DOM_PROPOSAL_RELEASED] = "released"};
	struct dom_proposal proposal;

	if (dom_move_proposal(cli->session, &proposal) != DOM_OK) {
		json_text(json, "proposal", NULL);
		return;
	}
	json_open(json, "proposal", '{');
	json_text(json, "target", proposal.target);
	json_time(json, "told_ms", proposal.told_ms);
	json_time(json, "begins_ms", proposal.begins_ms);
	json_number(json, "grace_days", proposal.grace_days);
	json_text(json, "answer", words[proposal.answer]);
	json_close(json);
}

/* --- for programs ---------------------------------------------------------------- */

static void
json_region(struct json *json, const char *key, const struct dom_move_region *region)
{
	json_open(json, key, '{');
	json_text(json, "name", region->name);
	json_text(json, "country", region->country[0] == '\0' ? NULL : region->country);
	json_text(json, "address", region->address);
	json_text(json, "release", region->release[0] == '\0' ? NULL : region->release);
	json_real(json, "round_trip_ms", (double)region->round_trip_us / 1000);
	json_signed(json, "clock_ms", region->clock_ms);
	json_close(json);
}

void
move_plan_json(const struct dom_move_plan *plan)
{
	struct json json = {.out = stdout};

	json_open(&json, NULL, '{');
	json_bool(&json, "possible", plan->possible);
	json_open(&json, "problems", '[');
	for (size_t i = 0; i < plan->problem_count; i++)
		json_text(&json, NULL, plan->problems[i]);
	json_close(&json);
	json_region(&json, "source", &plan->source);
	json_region(&json, "target", &plan->target);
	json_number(&json, "bytes", plan->bytes);
	json_number(&json, "items", plan->items);
	json_number(&json, "chunks", plan->chunks);
	json_number(&json, "shared", plan->shared);
	json_number(&json, "memberships", plan->memberships);
	json_number(&json, "epoch", plan->epoch);
	json_number(&json, "grace_min_days", plan->grace_min_days);
	json_number(&json, "grace_max_days", plan->grace_max_days);
	json_open(&json, "services", '{');
	for (size_t i = 0; i < plan->service_count; i++)
		json_text(&json, plan->services[i].name, terms_words[plan->services[i].terms]);
	json_close(&json);
	json_number(&json, "rate_bytes", plan->rate_bytes);
	json_signed(&json, "duration_ms", plan->duration_ms);
	json_signed(&json, "pause_ms", plan->pause_ms);
	json_finish(&json);
}
