/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Ordering a move, cancelling it, and how far it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"

#include "wire/peer.h"

#include "client/follow.h"
#include "client/group.h"
#include "client/move_parts.h"
#include "client/session.h"
#include "client/statement.h"

/* Regions take orders for at most 120 days, and their clocks may be behind. */
enum { ORDER_DAYS = 7, AGREED_ORDER_DAYS = 119 };
static const int64_t day_ms = 24LL * 3600 * 1000;

static const struct {
	enum wire_move_state wire;
	const char *text;
	bool is_over;
} states[DOM_MOVE_STATE_COUNT] = {
    [DOM_MOVE_ORDERED] = {WIRE_MOVE_ORDERED, "ordered", false},
    [DOM_MOVE_EXPORTING] = {WIRE_MOVE_EXPORTING, "copying", false},
    [DOM_MOVE_FROZEN] = {WIRE_MOVE_FROZEN, "handing over", false},
    [DOM_MOVE_GONE] = {WIRE_MOVE_GONE, "handed over", false},
    [DOM_MOVE_ACTIVE] = {WIRE_MOVE_LIVES, "moved, the old copy is kept for now", false},
    [DOM_MOVE_ERASING] = {WIRE_MOVE_ERASING, "moved, the old copy is being erased", false},
    [DOM_MOVE_ERASED] = {WIRE_MOVE_ERASED, "moved, the old copy is erased", true},
    [DOM_MOVE_CANCELLED] = {WIRE_MOVE_CANCELLED, "cancelled", true},
    [DOM_MOVE_STAGING] = {WIRE_MOVE_STAGING, "copying", false},
    [DOM_MOVE_FREEZING] = {WIRE_MOVE_FREEZING, "handing over", false},
    [DOM_MOVE_PREPARED] = {WIRE_MOVE_PREPARED, "handing over", false},
    [DOM_MOVE_HOME] = {WIRE_MOVE_HOME, "moved, the old copy is kept for now", false},
    [DOM_MOVE_SETTLED] = {WIRE_MOVE_SETTLED, "moved, the old copy is erased", true},
    [DOM_MOVE_DISCARDED] = {WIRE_MOVE_DISCARDED, "cancelled", true},
};

static enum dom_status
no_memory(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
}

bool
dom_move_is_over(const struct dom_move *move)
{
	return states[move->state].is_over;
}

const char *
dom_move_state_text(enum dom_move_state state)
{
	return state < DOM_MOVE_STATE_COUNT ? states[state].text : "";
}

void
dom_move_text(struct dom_slice text, char *text_r, size_t size)
{
	if (!dom_session_text_plain(text))
		text = dom_slice("", 0);
	snprintf(text_r, size, "%.*s", (int)text.size,
	    text.size == 0 ? "" : (const char *)text.data);
}

/* --- how far --------------------------------------------------------------------- */

/* False: a state that this release does not know. */
static bool
take_entry(const struct wire_moves_entry *entry, struct dom_move *move_r)
{
	*move_r = (struct dom_move){.at_target = entry->is_target,
	    .state = DOM_MOVE_STATE_COUNT,
	    .epoch = entry->epoch,
	    .bytes = entry->bytes,
	    .bytes_all = entry->bytes_total,
	    .attempts = entry->attempts,
	    .started_ms = entry->started_ms,
	    .changed_ms = entry->changed_ms};
	dom_hex_encode(entry->move, move_r->id);
	dom_move_text(entry->source, move_r->source, sizeof(move_r->source));
	dom_move_text(entry->target, move_r->target, sizeof(move_r->target));
	dom_move_text(entry->why, move_r->why, sizeof(move_r->why));
	for (int i = 0; i < DOM_MOVE_STATE_COUNT; i++) {
		if ((i >= DOM_MOVE_STAGING) == entry->is_target &&
		    dom_slice_is(entry->state, wire_move_state_name(states[i].wire)))
			move_r->state = (enum dom_move_state)i;
	}
	return move_r->state != DOM_MOVE_STATE_COUNT;
}

enum dom_status
dom_move_status(struct dom_session *session, struct dom_move **moves_r, size_t *count_r)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_call *call = dom_call_new(session, "GET", "domicile/v1/moves/");
	struct dom_move *moves = NULL;
	struct wire_moves_entry *entries;
	size_t count = 0;
	enum dom_status st = DOM_ENOMEM;

	*moves_r = NULL;
	*count_r = 0;
	if (arena == NULL || call == NULL) {
		no_memory(session);
		goto out;
	}
	if ((st = dom_call_run(call)) != DOM_OK) {
		if (st == DOM_ABSENT)
			st = dom_session_fail(session, DOM_ESERVER,
			    "%s cannot move accounts: it is an older release, or another "
			    "Etebase server",
			    session->server_url);
		goto out;
	}
	if ((st = wire_moves_decode(dom_call_reply(call), arena, &entries, &count)) != DOM_OK)
		goto out;
	if ((moves = calloc(count + 1, sizeof(*moves))) == NULL) {
		st = no_memory(session);
		goto out;
	}
	for (size_t i = 0; i < count && st == DOM_OK; i++)
		st = take_entry(&entries[i], &moves[i]) ? DOM_OK : DOM_EINPUT;
out:
	if (st == DOM_EINPUT || st == DOM_ELIMIT)
		st = dom_session_fail(session, DOM_ESERVER,
		    "The region's list of moves cannot be read; perhaps it is a newer release");
	if (st == DOM_OK) {
		*moves_r = moves;
		*count_r = count;
	} else {
		free(moves);
	}
	dom_call_free(&call);
	dom_arena_free(&arena);
	return st;
}

/*
 * The move away from here that is under way.  DOM_ABSENT: none is.  One that brought the
 * account here and waits for its old copy to be erased is not in the way, nor is one that
 * took it away before it came back.
 */
static enum dom_status
find_open(struct dom_session *session, struct dom_move *move_r)
{
	struct dom_move *moves;
	size_t count;
	enum dom_status st = dom_move_status(session, &moves, &count);

	if (st != DOM_OK)
		return st;
	st = DOM_ABSENT;
	for (size_t i = 0; i < count && st == DOM_ABSENT; i++) {
		if (moves[i].state <= DOM_MOVE_FROZEN) {
			*move_r = moves[i];
			st = DOM_OK;
		}
	}
	free(moves);
	return st;
}

/* --- the order ------------------------------------------------------------------- */

enum dom_status
dom_move_ask_plan(struct dom_session *session, struct dom_slice target,
    struct wire_move_plan *plan_r, struct dom_call **call_r)
{
	enum dom_status st;

	*call_r = dom_call_new(session, "GET", "domicile/v1/moves/plan/?to=%.*s",
	    (int)target.size, (const char *)target.data);
	if (*call_r == NULL)
		return no_memory(session);
	if ((st = dom_call_run(*call_r)) == DOM_OK &&
	    wire_move_plan_decode(dom_call_reply(*call_r), plan_r) != DOM_OK)
		st = dom_session_fail(
		    session, DOM_ESERVER, "What the region says about the move cannot be read");
	if (st == DOM_ABSENT)
		st = dom_session_fail(session, DOM_ESERVER,
		    "%s cannot move accounts: it is an older release, or another Etebase "
		    "server",
		    session->server_url);
	return st;
}

/* The epoch that the order names: a region that counts back shows an old state. */
static enum dom_status
ask_epoch(struct dom_session *session, struct dom_slice target, uint64_t *epoch_r)
{
	struct dom_call *call = NULL;
	struct wire_move_plan plan;
	uint64_t known;
	enum dom_status st = dom_move_ask_plan(session, target, &plan, &call);

	if (st == DOM_OK && (st = dom_follow_epoch(session, &known)) == DOM_OK &&
	    plan.epoch < known)
		st = dom_session_fail(session, DOM_EINTEGRITY,
		    "The region says that the account lives in epoch %llu, and this device has "
		    "seen epoch %llu: it shows an older state of the account. Nothing was "
		    "signed; ask its operator",
		    (unsigned long long)plan.epoch, (unsigned long long)known);
	if (st == DOM_OK)
		*epoch_r = plan.epoch;
	dom_call_free(&call);
	return st;
}

/* How long it holds: what answers a proposal waits for its turn in a plan. */
static enum dom_status
order_life(struct dom_session *session, const struct dom_move_order *order, int64_t *life_ms_r)
{
	struct dom_proposal proposal;
	enum dom_status st = dom_move_proposal(session, &proposal);

	*life_ms_r = ORDER_DAYS * day_ms;
	if (st == DOM_OK && strcmp(proposal.target, order->target) == 0 &&
	    proposal.answer != DOM_PROPOSAL_RELEASED)
		*life_ms_r = AGREED_ORDER_DAYS * day_ms;
	return st < 0 ? st : DOM_OK;
}

static enum dom_status
send_order(struct dom_session *session, const struct dom_move_order *order, uint64_t epoch,
    int64_t life_ms, char id_r[DOM_MOVE_ID_TEXT_SIZE + 1])
{
	const struct dom_clock clock = dom_clock_system();
	struct wire_statement statement = {.kind = WIRE_MOVE_ORDER,
	    .service = dom_slice("", 0),
	    .target = dom_slice_of(order->target),
	    .epoch = epoch,
	    .expires_ms = dom_clock_now_ms(&clock) + life_ms,
	    .leave_shared = order->leave_shared,
	    .grace_days = order->grace_days};
	struct dom_statement_sent sent;
	enum dom_status st = dom_statement_send(session, &statement, false, &sent);

	if (st == DOM_OK)
		dom_hex_encode(dom_slice(sent.subject, WIRE_MOVE_ID_SIZE), id_r);
	return st;
}

enum dom_status
dom_move_order(struct dom_session *session, const struct dom_move_order *order,
    char id_r[DOM_MOVE_ID_TEXT_SIZE + 1])
{
	const char *region;
	struct dom_move open;
	uint64_t epoch;
	int64_t life_ms;
	enum dom_status st;

	if (!wire_region_name_valid(dom_slice_of(order->target)))
		return dom_session_fail(session, DOM_EINPUT,
		    "\"%.60s\" is not the name of a region", order->target);
	if ((st = dom_session_region(session, &region)) != DOM_OK)
		return st;
	if ((st = find_open(session, &open)) == DOM_OK) {
		if (strcmp(open.target, order->target) != 0)
			return dom_session_fail(session, DOM_CONFLICT,
			    "The account is moving to %s already: cancel that first, or wait "
			    "for "
			    "it",
			    open.target);
		memcpy(id_r, open.id, sizeof(open.id));
		return DOM_OK;
	}
	if (st < 0 ||
	    (st = ask_epoch(session, dom_slice_of(order->target), &epoch)) != DOM_OK ||
	    (st = order_life(session, order, &life_ms)) != DOM_OK)
		return st;
	return send_order(session, order, epoch, life_ms, id_r);
}

enum dom_status
dom_move_cancel(struct dom_session *session, const char *id)
{
	struct wire_statement statement = {
	    .kind = WIRE_MOVE_CANCEL, .service = dom_slice("", 0)};
	struct dom_statement_sent sent;
	struct dom_move open;
	size_t size = 0;
	enum dom_status st;

	if (id == NULL) {
		if ((st = find_open(session, &open)) != DOM_OK)
			return st == DOM_ABSENT
			           ? dom_session_fail(session, st, "No move is under way")
			           : st;
		id = open.id;
	}
	if (dom_hex_decode(dom_slice_of(id), statement.move, sizeof(statement.move), &size) !=
	        DOM_OK ||
	    size != sizeof(statement.move))
		return dom_session_fail(
		    session, DOM_EINPUT, "\"%.60s\" is not the number of a move", id);
	return dom_statement_send(session, &statement, false, &sent);
}

/* --- proposals ------------------------------------------------------------------- */

enum dom_status
dom_move_proposal(struct dom_session *session, struct dom_proposal *proposal_r)
{
	static const char *const answers[] = {[DOM_PROPOSAL_OPEN] = "none",
	    [DOM_PROPOSAL_REFUSED] = "refused",
	    [DOM_PROPOSAL_AGREED] = "agreed",
	    [DOM_PROPOSAL_RELEASED] = "released"};
	const struct wire_group *group;
	struct wire_proposal wire;
	struct dom_call *call;
	enum dom_status st;

	*proposal_r = (struct dom_proposal){.told_ms = 0};
	if ((st = dom_group_kept(session, &group)) != DOM_OK)
		return st;
	if ((call = dom_call_new(session, "GET", "domicile/v1/moves/proposal/")) == NULL)
		return no_memory(session);
	if ((st = dom_call_run(call)) != DOM_OK)
		goto out;
	st = DOM_EINPUT;
	if (wire_proposal_decode(dom_call_reply(call), &wire) == DOM_OK) {
		for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
			if (!dom_slice_is(wire.answer, answers[i]))
				continue;
			proposal_r->answer = (enum dom_proposal_answer)i;
			st = DOM_OK;
		}
		dom_move_text(wire.target, proposal_r->target, sizeof(proposal_r->target));
		proposal_r->told_ms = wire.told_ms;
		proposal_r->begins_ms = wire.begins_ms;
		proposal_r->grace_days = (uint32_t)wire.grace_days;
	}
	if (st != DOM_OK || !wire_region_name_valid(dom_slice_of(proposal_r->target)))
		st = dom_session_fail(
		    session, DOM_ESERVER, "What the region's operator asks cannot be read");
out:
	if (st == DOM_ABSENT)
		session->error[0] = '\0';
	dom_call_free(&call);
	return st;
}

enum dom_status
dom_move_refuse(struct dom_session *session)
{
	struct dom_call *call = dom_call_new(session, "POST", "domicile/v1/moves/proposal/");
	enum dom_status st;

	if (call == NULL)
		return no_memory(session);
	wire_proposal_answer_encode(&call->body, true);
	st = dom_call_run(call);
	dom_call_free(&call);
	return st;
}
