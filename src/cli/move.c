/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile move: the account goes to another region of the group. */
#include "cli/move.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <domicile/collection.h>

#include "cli/account.h"
#include "cli/text.h"

enum { GRACE_DAYS_USUAL = 30, GRACE_DAYS_MOST = 3650 };

/* --- how far, and cancelling ----------------------------------------------------- */

static void
list_json(struct cli *cli, const struct dom_move *moves, size_t count)
{
	struct json json = {.out = stdout};

	json_open(&json, NULL, '{');
	json_open(&json, "moves", '[');
	for (size_t i = 0; i < count; i++) {
		const struct dom_move *move = &moves[i];

		json_open(&json, NULL, '{');
		json_text(&json, "move", move->id);
		json_text(&json, "source", move->source);
		json_text(&json, "target", move->target);
		json_text(&json, "state", dom_move_state_text(move->state));
		json_bool(&json, "over", dom_move_is_over(move));
		json_number(&json, "bytes", move->bytes);
		json_number(&json, "bytes_all", move->bytes_all);
		json_number(&json, "attempts", move->attempts);
		json_time(&json, "started_ms", move->started_ms);
		json_time(&json, "changed_ms", move->changed_ms);
		json_text(&json, "why", move->why[0] == '\0' ? NULL : move->why);
		json_close(&json);
	}
	json_close(&json);
	move_proposal_json(cli, &json);
	json_finish(&json);
}

static void
list_print(const struct dom_move *moves, size_t count)
{
	char time[TEXT_SHORT], done[TEXT_SHORT], all[TEXT_SHORT];

	if (count == 0)
		puts("The account has not moved, and is not moving.");
	for (size_t i = 0; i < count; i++) {
		const struct dom_move *move = &moves[i];

		printf("%s  %s to %s: %s", text_time(move->started_ms, time), move->source,
		    move->target, dom_move_state_text(move->state));
		if (!dom_move_is_over(move) && move->bytes_all > 0 &&
		    move->state <= DOM_MOVE_FROZEN)
			printf(", %s of %s", text_bytes(move->bytes, done),
			    text_bytes(move->bytes_all, all));
		if (move->attempts > 1)
			printf(", attempt %llu", (unsigned long long)move->attempts);
		printf("%s%s\n", move->why[0] == '\0' ? "" : "\n    ", move->why);
	}
}

static enum cli_exit
list_moves(struct cli *cli)
{
	struct dom_move *moves;
	size_t count;
	enum dom_status st = dom_move_status(cli->session, &moves, &count);

	if (st != DOM_OK)
		return cli_fail(cli, st, "the region could not be asked");
	if (options_has(&cli->options, "json")) {
		list_json(cli, moves, count);
	} else {
		list_print(moves, count);
		move_proposal_print(cli);
	}
	free(moves);
	return CLI_DONE;
}

static enum cli_exit
cancel(struct cli *cli)
{
	enum dom_status st = dom_move_cancel(cli->session, NULL);

	if (st == DOM_ABSENT) {
		cli_say(cli, "no move is under way: nothing to cancel");
		return CLI_FAILED;
	}
	if (st != DOM_OK)
		return cli_fail(cli, st, "it is not cancelled");
	puts("The move is cancelled. The account lives where it did, and what was copied is "
	     "erased there.");
	return CLI_DONE;
}

/* What the operator asks is declined. */
static enum cli_exit
decline(struct cli *cli)
{
	struct dom_proposal proposal;
	enum dom_status st = dom_move_proposal(cli->session, &proposal);

	if (st == DOM_OK)
		st = dom_move_refuse(cli->session);
	if (st == DOM_ABSENT) {
		cli_say(cli,
		    "the region's operator has not asked you to move: there is nothing "
		    "to decline");
		return CLI_FAILED;
	}
	if (st != DOM_OK)
		return cli_fail(cli, st, "it is not declined");
	printf("You have declined to move to %s. The account stays where it is.\n",
	    proposal.target);
	return CLI_DONE;
}

/* Does the order agree to what the operator asks?  Then its grace is what is asked for. */
static bool
agrees(struct moving *moving, struct dom_move_order *order, bool has_grace)
{
	struct dom_proposal proposal;

	if (dom_move_proposal(moving->cli->session, &proposal) != DOM_OK ||
	    strcmp(proposal.target, moving->target) != 0 ||
	    proposal.answer == DOM_PROPOSAL_RELEASED)
		return false;
	if (!has_grace)
		order->grace_days = proposal.grace_days;
	return true;
}

/* --- ordering -------------------------------------------------------------------- */

/* The newest move that brought the account here, if there is one. */
static bool
find_arrival(struct moving *moving, struct dom_move *move_r)
{
	struct dom_move *moves = NULL;
	size_t count = 0;
	bool found = false;

	if (dom_move_status(moving->cli->session, &moves, &count) != DOM_OK)
		return false;
	for (size_t i = 0; i < count && !found; i++) {
		found = moves[i].at_target && moves[i].state != DOM_MOVE_DISCARDED;
		if (found)
			*move_r = moves[i];
	}
	free(moves);
	return found;
}

/* Where to: a region's name, or the one that it came from. */
static enum cli_exit
pick_target(struct moving *moving, const char *word)
{
	struct dom_move arrival;
	size_t size = strlen(word);

	if (size >= sizeof(moving->target))
		return cli_usage(moving->cli, "\"%.70s\" is not the name of a region", word);
	memcpy(moving->target, word, size + 1);
	if (strcmp(word, "back") != 0)
		return CLI_DONE;
	if (!find_arrival(moving, &arrival)) {
		cli_say(moving->cli,
		    "this region does not know from where the account came: name the region, "
		    "\"domicile where\" lists them");
		return CLI_FAILED;
	}
	snprintf(moving->target, sizeof(moving->target), "%s", arrival.source);
	return CLI_DONE;
}

/* Nothing is waited for. */
static void
json_ordered(const struct moving *moving)
{
	struct json json = {.out = stdout};

	json_open(&json, NULL, '{');
	json_text(&json, "move", moving->id[0] == '\0' ? NULL : moving->id);
	json_text(&json, "target", moving->target);
	json_finish(&json);
}

/* It is there: perhaps the end of the move was not waited for. */
static enum cli_exit
is_there_already(struct moving *moving)
{
	struct dom_move arrival;

	if (find_arrival(moving, &arrival)) {
		memcpy(moving->id, arrival.id, sizeof(moving->id));
		return move_finish(moving);
	}
	if (moving->is_json)
		json_ordered(moving);
	else
		printf("%s lives in %s already.\n", dom_session_address(moving->cli->session),
		    moving->target);
	return CLI_DONE;
}

/* Is the same move under way? */
static enum cli_exit
find_open(struct moving *moving)
{
	struct dom_move *moves = NULL;
	size_t count = 0;
	char time[TEXT_SHORT];
	enum dom_status st = dom_move_status(moving->cli->session, &moves, &count);

	if (st != DOM_OK)
		return cli_fail(moving->cli, st, "the region could not be asked");
	for (size_t i = 0; i < count && moving->id[0] == '\0'; i++) {
		if (moves[i].at_target || moves[i].state > DOM_MOVE_FROZEN ||
		    strcmp(moves[i].target, moving->target) != 0)
			continue;
		memcpy(moving->id, moves[i].id, sizeof(moving->id));
		if (!moving->is_json)
			printf("The move to %s was ordered on %s.\n", moving->target,
			    text_time(moves[i].started_ms, time));
	}
	free(moves);
	return CLI_DONE;
}

static enum cli_exit
read_options(struct cli *cli, struct dom_move_order *order, bool *has_grace_r)
{
	const char *shared = options_value(&cli->options, "shared");
	const char *grace = options_value(&cli->options, "grace");
	uint64_t days = GRACE_DAYS_USUAL;

	*has_grace_r = grace != NULL;
	if (shared != NULL && strcmp(shared, "leave") != 0 && strcmp(shared, "refuse") != 0)
		return cli_usage(cli, "--shared is leave or refuse, not \"%.40s\"", shared);
	if (grace != NULL && !text_number(grace, GRACE_DAYS_MOST, &days))
		return cli_usage(cli, "--grace takes a number of days, not \"%.40s\"", grace);
	order->leave_shared = shared != NULL && strcmp(shared, "leave") == 0;
	order->grace_days = (uint32_t)days;
	return CLI_DONE;
}

/* Within what both the order and the region allow. */
static enum cli_exit
fit_grace(struct cli *cli, const struct dom_move_plan *plan, bool has_grace,
    struct dom_move_order *order)
{
	uint32_t least = plan->grace_min_days, most = plan->grace_max_days;

	if (has_grace && (order->grace_days < least || order->grace_days > most))
		return cli_usage(cli, "region %s keeps its copy for %u to %u days",
		    plan->source.name, least, most);
	if (order->grace_days > most)
		order->grace_days = most;
	if (order->grace_days < least)
		order->grace_days = least;
	return CLI_DONE;
}

/* What will happen, and whether that is meant. */
static enum cli_exit
agree(struct moving *moving, const struct dom_move_plan *plan)
{
	struct cli *cli = moving->cli;

	if (!moving->is_json)
		move_plan_print(cli, plan);
	else if (options_has(&cli->options, "dry-run") || !plan->possible)
		move_plan_json(plan);
	if (!plan->possible) {
		cli_say(cli, "the account cannot move to %s now. Nothing was changed",
		    plan->target.name);
		return CLI_FAILED;
	}
	if (options_has(&cli->options, "dry-run") || options_has(&cli->options, "yes"))
		return CLI_DONE;
	fflush(stdout);
	if (terminal_confirm(&cli->terminal, "\nMove the account?"))
		return CLI_DONE;
	cli_say(cli, "nothing was ordered%s",
	    terminal_can_ask() ? "" : "; to agree without a terminal: --yes");
	return cli_stopping ? CLI_STOPPED : CLI_REFUSED;
}

/* Before anything is ordered: the proof must have its place. */
static enum cli_exit
check_place(struct cli *cli)
{
	const char *file = options_value(&cli->options, "certificate");
	char folder[PATH_MAX];
	const char *name;

	if (file == NULL)
		return CLI_DONE;
	name = strrchr(file, '/');
	snprintf(folder, sizeof(folder), "%.*s",
	    (int)(name == NULL   ? 1
	          : name == file ? 1
	                         : name - file),
	    name == NULL ? "." : file);
	if (access(file, F_OK) == 0) {
		cli_say(cli,
		    "%s is there already: name a new file for the proof. Nothing was "
		    "ordered",
		    file);
		return CLI_FAILED;
	}
	if (access(folder, W_OK) != 0) {
		cli_say(cli, "the proof cannot be written to %s: %s. Nothing was ordered", file,
		    strerror(errno));
		return CLI_FAILED;
	}
	return CLI_DONE;
}

static enum cli_exit
plan_and_order(struct moving *moving, struct dom_move_order *order, bool has_grace)
{
	struct cli *cli = moving->cli;
	struct dom_move_plan *plan = NULL;
	enum cli_exit outcome = check_place(cli);
	enum dom_status st;

	if (outcome != CLI_DONE)
		return outcome;
	st = dom_move_plan(cli->session, moving->target, order->leave_shared, &plan);
	if (st != DOM_OK)
		return cli_fail(cli, st, "the move cannot be planned");
	outcome = agree(moving, plan);
	if (outcome == CLI_DONE)
		outcome = fit_grace(cli, plan, has_grace, order);
	dom_move_plan_free(&plan);
	if (outcome != CLI_DONE || options_has(&cli->options, "dry-run"))
		return outcome;
	if ((st = dom_move_order(cli->session, order, moving->id)) != DOM_OK)
		return cli_fail(cli, st, "the move is not ordered");
	return CLI_DONE;
}

static enum cli_exit
move_to(struct moving *moving, struct dom_move_order *order, bool has_grace)
{
	struct cli *cli = moving->cli;
	bool dry = options_has(&cli->options, "dry-run"), is_asked;
	const char *region;
	enum dom_status st = dom_session_region(cli->session, &region);
	enum cli_exit outcome = find_open(moving);

	if (outcome == CLI_DONE && st != DOM_OK)
		return cli_fail(cli, st, "the region could not be asked");
	if (outcome == CLI_DONE && strcmp(region, moving->target) == 0)
		return is_there_already(moving);
	if (outcome != CLI_DONE)
		return outcome;
	is_asked = agrees(moving, order, has_grace);
	if (moving->id[0] == '\0' || dry)
		outcome = plan_and_order(moving, order, has_grace);
	if (outcome != CLI_DONE || dry)
		return outcome;
	if (!is_asked && !options_has(&cli->options, "no-wait"))
		return move_wait(moving);
	if (moving->is_json)
		json_ordered(moving);
	else if (is_asked)
		move_proposal_print(cli);
	else
		printf(
		    "The move is ordered and goes on by itself: domicile move --status shows "
		    "it, domicile move %s waits for it.\n",
		    moving->target);
	return CLI_DONE;
}

static enum cli_exit
move_run(struct cli *cli)
{
	bool lists = options_has(&cli->options, "status");
	bool cancels = options_has(&cli->options, "cancel");
	bool declines = options_has(&cli->options, "refuse");
	struct moving moving = {.cli = cli, .is_json = options_has(&cli->options, "json")};
	struct dom_move_order order = {.target = moving.target};
	bool has_grace;
	enum cli_exit outcome = read_options(cli, &order, &has_grace);
	enum dom_status st;

	if (outcome != CLI_DONE)
		return outcome;
	if (lists + cancels + declines + (cli->options.word_count > 0) != 1)
		return cli_usage(
		    cli, "name the region to move to, or say --status, --cancel or --refuse");
	if ((outcome = account_open(cli)) != CLI_DONE)
		return outcome;
	/* Goes where it lives now, and says what is wrong on the way there. */
	if ((st = dom_sync(cli->session)) != DOM_OK)
		return cli_fail(cli, st, "the region could not be asked");
	if (lists)
		return list_moves(cli);
	if (cancels)
		return cancel(cli);
	if (declines)
		return decline(cli);
	if ((outcome = pick_target(&moving, cli->options.words[0])) != CLI_DONE)
		return outcome;
	return move_to(&moving, &order, has_grace);
}

static const struct cli_option move_options[] = {
    {"dry-run", NULL, "say what would happen, and how long it takes; change nothing"},
    {"shared", "leave|refuse",
        "what others share: they lose it, or it stops the move (default)"},
    {"grace", "DAYS", "how long the old copy is kept if no device checks the new one"},
    {"certificate", "FILE", "where to write the proof"},
    {"no-wait", NULL, "order it, and do not watch"},
    {"yes", NULL, "do not ask"},
    {"status", NULL, "how far it is, and earlier moves"},
    {"cancel", NULL, "end a move that is not handed over yet"},
    {"refuse", NULL, "decline what the region's operator asks"},
    {"json", NULL, "for programs"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_move = {
    .name = "move",
    .usage = "REGION|back [--dry-run] [--yes] [--no-wait] | --status | --cancel | --refuse",
    .summary = "move the account to another region, without losing a write",
    .about =
        "Moves the account to another region of the group.  Your devices go on writing while "
        "it\n"
        "is copied; at its end writes wait for a moment, and all devices go on in the new\n"
        "region by themselves.  Then this device looks for every revision that it knew, signs\n"
        "that it found them, and the old region erases its copy.  The proof is a file that\n"
        "domicile-verify checks.\n"
        "\n"
        "First both regions are asked whether that is possible, and you see what to expect;\n"
        "--dry-run stops there.  The regions move the account by themselves: the same command\n"
        "again takes up a move that is under way.  \"back\" is the region it came from.\n"
        "\n"
        "A region's operator may ask you to move; \"domicile status\" says so.  Nothing moves\n"
        "without your order, which then waits for its turn; --refuse declines.\n"
        "\n"
        "Collections that you share stay behind for the others: with --shared leave they lose\n"
        "them, and you leave what others share with you.\n",
    .examples =
        "  domicile where\n"
        "  domicile move lisbon --dry-run\n"
        "  domicile move lisbon\n"
        "  domicile move --status\n"
        "  domicile move back --shared leave --certificate ~/back.domicile-certificate\n",
    .options = move_options,
    .words_min = 0,
    .words_max = 1,
    .run = move_run,
};
