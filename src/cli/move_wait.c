/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Watching a move, and what a device does at its end.  The regions move the account by
 * themselves: whoever stops watching loses nothing, and may begin again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <domicile/collection.h>

#include "base/clock.h"

#include "cli/move.h"
#include "cli/text.h"

enum {
	LOOK_FIRST_MS = 50,
	LOOK_MOST_MS = 1000,
	UNREACHED_MS_MAX = 120000, /* then it is left to a later run */
	ERASED_MS_MAX = 30000,     /* that a person waits for the old copy's end */
	REVISIONS_SIZE = TEXT_SHORT + 16,
};

/* What the bar and the lines call it. */
enum phase {
	PHASE_ORDERED,
	PHASE_COPYING,
	PHASE_CATCHING_UP,
	PHASE_HANDING_OVER,
	PHASE_CHECKING,
	PHASE_ERASING,
	PHASE_NONE,
};
static const struct {
	const char *label, *line;
} phases[] = {
    [PHASE_ORDERED] = {"ordered", "ordered: the new region is asked to take the account"},
    [PHASE_COPYING] = {"copying", "copying: everything goes on as before"},
    [PHASE_CATCHING_UP] = {"catching", "catching up with what was written meanwhile"},
    [PHASE_HANDING_OVER] = {"handing", "handing over: writes wait for a moment"},
    [PHASE_CHECKING] = {"checking", "checking that everything is there"},
    [PHASE_ERASING] = {"erasing", "the old region erases its copy"},
};

struct watch {
	struct moving *moving;
	enum phase phase;
	int64_t pause_ms, unreached_ms; /* unreached: since when; 0: it is reached */
};

/* A signal ends it early. */
static void
rest(struct watch *watch)
{
	const struct timespec pause = {.tv_sec = (time_t)(watch->pause_ms / 1000),
	    .tv_nsec = (long)(watch->pause_ms % 1000) * 1000000};

	nanosleep(&pause, NULL);
	if ((watch->pause_ms *= 2) > LOOK_MOST_MS)
		watch->pause_ms = LOOK_MOST_MS;
}

static enum phase
phase_of(const struct dom_move *move)
{
	switch (move->state) {
	case DOM_MOVE_ORDERED:
		return PHASE_ORDERED;
	case DOM_MOVE_EXPORTING:
	case DOM_MOVE_STAGING:
		return move->bytes_all > 0 && move->bytes >= move->bytes_all ? PHASE_CATCHING_UP
		                                                             : PHASE_COPYING;
	case DOM_MOVE_FROZEN:
	case DOM_MOVE_GONE:
	case DOM_MOVE_FREEZING:
	case DOM_MOVE_PREPARED:
		return PHASE_HANDING_OVER;
	default:
		return PHASE_NONE;
	}
}

static void
show(struct watch *watch, enum phase phase, uint64_t bytes, uint64_t bytes_all)
{
	struct terminal *terminal = &watch->moving->cli->terminal;

	if (phase == PHASE_NONE)
		return;
	if (phase != watch->phase) {
		terminal_bar_end(terminal);
		if (!watch->moving->is_json)
			printf("%s\n", phases[phase].line);
		fflush(stdout);
		terminal_bar(
		    terminal, phases[phase].label, phase == PHASE_COPYING ? bytes_all : 0);
		watch->phase = phase;
		watch->pause_ms = LOOK_FIRST_MS;
	}
	terminal_bar_at(terminal, bytes, 0);
}

/* Does the session live where the move goes to? */
static bool
is_there(struct moving *moving)
{
	const char *region;

	return dom_session_region(moving->cli->session, &region) == DOM_OK &&
	       strcmp(region, moving->target) == 0;
}

/* How far it is.  DOM_ABSENT: the region knows nothing of it. */
static enum dom_status
look(struct moving *moving)
{
	struct dom_move *moves = NULL;
	size_t count;
	enum dom_status st = dom_move_status(moving->cli->session, &moves, &count);

	if (st == DOM_OK) {
		st = DOM_ABSENT;
		for (size_t i = 0; i < count && st == DOM_ABSENT; i++) {
			if (strcmp(moves[i].id, moving->id) != 0)
				continue;
			moving->last = moves[i];
			st = DOM_OK;
		}
	}
	free(moves);
	return st;
}

/* The region is away for a moment, or the move is just being made. */
static bool
may_pass(struct watch *watch, enum dom_status st)
{
	int64_t now_ms = dom_monotonic_ms();

	if (!cli_is_away(st))
		return false;
	if (watch->unreached_ms == 0)
		watch->unreached_ms = now_ms;
	return now_ms - watch->unreached_ms < UNREACHED_MS_MAX;
}

static enum cli_exit
say_stopped(struct moving *moving)
{
	cli_say(moving->cli,
	    "the move goes on by itself: \"domicile move %s\" takes it up again, \"domicile "
	    "move --status\" shows it, \"domicile move --cancel\" ends it as long as nothing "
	    "is "
	    "handed over",
	    moving->target);
	return CLI_STOPPED;
}

static enum cli_exit
say_cancelled(struct moving *moving)
{
	const struct dom_move *move = &moving->last;

	cli_say(moving->cli, "the move to %s was cancelled%s%s. The account lives where it did",
	    moving->target, move->why[0] == '\0' ? "" : ": ", move->why);
	return CLI_FAILED;
}

enum cli_exit
move_wait(struct moving *moving)
{
	struct watch watch = {.moving = moving, .phase = PHASE_NONE, .pause_ms = LOOK_FIRST_MS};
	struct cli *cli = moving->cli;
	enum dom_status st = DOM_OK;

	while (!is_there(moving) && !cli_stopping) {
		st = look(moving);
		/* Handed over: a request of the account itself finds the way. */
		if (st == DOM_OK && !moving->last.at_target &&
		    moving->last.state >= DOM_MOVE_GONE &&
		    moving->last.state < DOM_MOVE_CANCELLED)
			st = dom_sync(cli->session);
		if (st < 0 && !may_pass(&watch, st))
			break;
		if (st >= 0)
			watch.unreached_ms = 0;
		if (st == DOM_OK && (moving->last.state == DOM_MOVE_CANCELLED ||
		                        moving->last.state == DOM_MOVE_DISCARDED))
			break;
		if (st == DOM_OK)
			show(&watch, phase_of(&moving->last), moving->last.bytes,
			    moving->last.bytes_all);
		if (!is_there(moving))
			rest(&watch);
	}
	terminal_bar_end(&cli->terminal);
	if (cli_stopping)
		return say_stopped(moving);
	if (is_there(moving))
		return move_finish(moving);
	if (st < 0) {
		say_stopped(moving);
		return cli_fail(cli, st, "it cannot be watched now");
	}
	return say_cancelled(moving);
}

/* --- afterwards ------------------------------------------------------------------ */

/* Has the old region said that its copy is gone?  For a while. */
static void
wait_erased(struct moving *moving, struct watch *watch)
{
	int64_t until_ms = dom_monotonic_ms() + ERASED_MS_MAX;

	while (!cli_stopping && dom_monotonic_ms() < until_ms) {
		enum dom_status st = look(moving);

		if (st != DOM_OK && !may_pass(watch, st))
			break;
		if (st == DOM_OK) {
			watch->unreached_ms = 0;
			if (dom_move_is_over(&moving->last))
				break;
			show(watch, PHASE_ERASING, 0, 0);
		}
		rest(watch);
	}
	terminal_bar_end(&moving->cli->terminal);
}

static enum dom_status
fetch_certificate(struct moving *moving)
{
	const char *wanted = options_value(&moving->cli->options, "certificate");
	char folder[4096];
	const char *name;

	if (wanted == NULL)
		return dom_move_certificate(
		    moving->cli->session, moving->id, NULL, NULL, &moving->certificate);
	name = strrchr(wanted, '/');
	if (name == NULL)
		snprintf(folder, sizeof(folder), ".");
	else
		snprintf(folder, sizeof(folder), "%.*s",
		    (int)(name == wanted ? 1 : name - wanted), wanted);
	return dom_move_certificate(moving->cli->session, moving->id, folder,
	    name == NULL ? wanted : name + 1, &moving->certificate);
}

/* "1 revision", "1,234 revisions". */
static const char *
text_revisions(uint64_t number, char text_r[REVISIONS_SIZE])
{
	char count[TEXT_SHORT];

	snprintf(text_r, REVISIONS_SIZE, "%s revision%s", text_count(number, count),
	    number == 1 ? "" : "s");
	return text_r;
}

static void
print_end(struct moving *moving)
{
	const struct dom_move_certificate *certificate = &moving->certificate;
	char revisions[REVISIONS_SIZE], bytes[TEXT_SHORT], time[TEXT_SHORT];

	printf("\n%s lives in %s now: %s, %s\n", dom_session_address(moving->cli->session),
	    certificate->target, text_revisions(certificate->revisions, revisions),
	    text_bytes(certificate->bytes, bytes));
	printf("Writes waited for %s, by %s's clock.\n",
	    text_moment(certificate->handed_over_ms - certificate->frozen_ms, time),
	    certificate->source);
	if (moving->has_found && !moving->found.by_another)
		printf("This device found %s%s that it knew, and has signed that.\n",
		    moving->found.revisions == 1 ? "the " : "all ",
		    text_revisions(moving->found.revisions, revisions));
	if (certificate->has_erased)
		printf("%s has erased its copy and signed a receipt for it.\n",
		    certificate->source);
	else
		printf("%s still has its copy; \"domicile move --status\" says when it is "
		       "erased.\n",
		    certificate->source);
	printf("The proof: %s. Check it with domicile-verify.\n", certificate->file);
}

static void
json_end(const struct moving *moving)
{
	const struct dom_move_certificate *certificate = &moving->certificate;
	struct json json = {.out = stdout};

	json_open(&json, NULL, '{');
	json_text(&json, "move", moving->id);
	json_text(&json, "source", certificate->source);
	json_text(&json, "target", certificate->target);
	json_number(&json, "epoch", certificate->epoch);
	json_hex(&json, "root", dom_slice(certificate->root, sizeof(certificate->root)));
	json_number(&json, "revisions", certificate->revisions);
	json_number(&json, "bytes", certificate->bytes);
	json_signed(&json, "pause_ms", certificate->handed_over_ms - certificate->frozen_ms);
	json_number(&json, "found", moving->has_found ? moving->found.revisions : 0);
	json_bool(&json, "acknowledged", certificate->has_ack || moving->has_found);
	json_bool(&json, "erased", certificate->has_erased);
	json_text(&json, "certificate", certificate->file);
	json_finish(&json);
}

enum cli_exit
move_finish(struct moving *moving)
{
	struct watch watch = {.moving = moving, .phase = PHASE_NONE, .pause_ms = LOOK_FIRST_MS};
	struct cli *cli = moving->cli;
	enum dom_status st = DOM_ABSENT;

	if (dom_move_pending(cli->session)) {
		show(&watch, PHASE_CHECKING, 0, 0);
		while ((st = dom_move_acknowledge(cli->session, &moving->found)) < 0 &&
		       !cli_stopping && may_pass(&watch, st))
			rest(&watch);
		terminal_bar_end(&cli->terminal);
		moving->has_found = st == DOM_OK;
		watch.unreached_ms = 0;
		if (cli_is_away(st))
			return cli_fail(cli, st,
			    "the account has moved; whether everything is there is looked at "
			    "by "
			    "the next command that reaches it");
		if (st < 0)
			return cli_fail(
			    cli, st, "the account has moved, and this is not as it should be");
	}
	wait_erased(moving, &watch);
	if (cli_stopping)
		return say_stopped(moving);
	while ((st = fetch_certificate(moving)) < 0 && !cli_stopping && may_pass(&watch, st))
		rest(&watch);
	if (cli_is_away(st)) {
		(void)cli_fail(cli, st, "the account has moved; its certificate is not here");
		cli_say(cli, "\"domicile move %s\" fetches it later", moving->target);
		return cli_exit_of(st);
	}
	if (st != DOM_OK)
		return cli_fail(cli, st, "the account has moved; its certificate is not here");
	if (moving->is_json)
		json_end(moving);
	else
		print_end(moving);
	return CLI_DONE;
}

enum cli_exit
move_settle(struct cli *cli)
{
	struct dom_move_found found;
	char revisions[REVISIONS_SIZE];
	enum dom_status st;

	if (cli->session == NULL || cli_stopping || !dom_move_pending(cli->session))
		return CLI_DONE;
	st = dom_move_acknowledge(cli->session, &found);
	if (st == DOM_OK)
		cli_say(cli,
		    "the account has moved from %s to %s. %s %s that this device knew %s "
		    "there%s",
		    found.source, found.target, found.revisions == 1 ? "The" : "All",
		    text_revisions(found.revisions, revisions),
		    found.revisions == 1 ? "is" : "are",
		    found.by_another ? "" : ", and that is signed");
	else if (st == DOM_EINTEGRITY)
		return cli_fail(
		    cli, st, "the account has moved, and this is not as it should be");
	return CLI_DONE;
}
