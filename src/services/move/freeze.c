/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The attempt: writes stop for a moment, and then the account is given away, or it is not. */
#include "services/move/copy.h"
#include "services/move/served.h"
#include "services/move/source.h"

/* --- freezing ---------------------------------------------------- */

/* 503, and look again when the freeze is signed. */
static enum dom_status
answer_soon(struct move_asked *asked, bool keep)
{
	static const char detail[] =
	    "The account is being frozen: the source signs what it is. Ask again.";
	struct service_reply *reply = asked->call->reply;
	enum dom_status st =
	    keep ? service_refuse_and_keep(asked->call, SERVICE_UNAVAILABLE, detail)
	         : service_refuse(asked->call, SERVICE_UNAVAILABLE, detail);

	reply->retry_after_seconds = 1;
	reply->hold_ms = SERVICE_HOLD_FREEZE_MS;
	return st;
}

/* It cannot be moved as it was ordered: for good, and that is kept. */
static enum dom_status
give_up(struct move_asked *asked, const char *why)
{
	struct service_call *call = asked->call;
	enum dom_status st;

	st = move_source_end(
	    call->service, call->txn, call->arena, &asked->move, MOVE_GIVEN_UP, why);
	if (st == DOM_OK)
		st = service_refuse_and_keep(call, SERVICE_PEER_REFUSED, why);
	call->reply->wakes_mover = true;
	return st;
}

/* Whoever shares with it: they lose it, or it does not move. */
static enum dom_status
leave_shares(struct move_asked *asked, const struct wire_statement *order,
    struct service_changes *changes)
{
	struct store_sharing sharing;
	enum dom_status st;

	if (order->leave_shared)
		return move_unshare(
		    asked->call->txn, asked->move.account, asked->call->arena, changes);
	st = store_account_sharing(asked->call->txn, asked->move.account, &sharing);
	if (st == DOM_OK && sharing.shared + sharing.memberships != 0)
		st = DOM_CONFLICT;
	return st;
}

static enum dom_status
turn_frozen(struct move_asked *asked)
{
	struct service_call *call = asked->call;
	struct store_move *move = &asked->move;
	struct store_usage usage = {0};
	enum dom_status st;

	st = store_account_turn(
	    call->txn, move->account, STORE_ACCOUNT_HOME, STORE_ACCOUNT_FROZEN, move->epoch);
	if (st == DOM_OK)
		st = move_message_forget(call->txn, move, MOVE_MESSAGE_FREEZE);
	if (st != DOM_OK)
		return st;
	move_enter(move, MOVE_FREEZE, call->now_ms);
	dom_random_fill(&call->service->random, move->attempt, sizeof(move->attempt));
	move->attempts++;
	move->due_ms = call->now_ms + MOVE_FROZEN_MS_MAX;
	/* The target has all but what was written last, or it would not ask. */
	st = store_account_usage(call->txn, move->account, &usage);
	move->bytes = move->bytes_total = usage.chunk_bytes;
	return st == DOM_OK ? store_move_update(call->txn, move) : st;
}

static enum dom_status
begin_attempt(struct move_asked *asked)
{
	struct service_call *call = asked->call;
	int64_t pause_ms = asked->move.due_ms - call->now_ms;
	uint8_t digest[WIRE_SUBJECT_SIZE];
	struct service_changes *changes;
	struct wire_statement order;
	bool is_erasing;
	enum dom_status st;

	/* More than a pause: the clock was set back. */
	if (pause_ms > 0 && pause_ms <= MOVE_ATTEMPT_PAUSE_MS)
		return move_refuse_yet(asked, "The last attempt has just failed: not yet.",
		    (unsigned)((pause_ms + 999) / 1000));
	if ((st = move_order(call->txn, &asked->move, call->arena, &order, digest)) != DOM_OK)
		return st;
	if (order.expires_ms <= call->now_ms)
		return give_up(asked, "The order has expired: the account stays here.");
	st = move_erasure_open(call->txn, asked->move.account, call->arena, &is_erasing);
	if (st == DOM_OK && is_erasing)
		return move_refuse_yet(asked, "Something is being erased: not yet.", 5);
	if (st == DOM_OK && (changes = dom_arena_take(call->arena, sizeof(*changes))) == NULL)
		st = DOM_ENOMEM;
	if (st != DOM_OK)
		return st;
	*changes = (struct service_changes){0};
	st = leave_shares(asked, &order, changes);
	if (st == DOM_CONFLICT)
		return give_up(asked, "The account shares collections with people who stay, and"
		                      " the order does not say that it leaves them: it stays.");
	if (st == DOM_OK)
		st = turn_frozen(asked);
	if (st == DOM_CONFLICT)
		return move_refuse(asked, "This account is not at home here.");
	if (st == DOM_OK)
		st = answer_soon(asked, true);
	call->reply->changes = changes;
	call->reply->wakes_mover = true;
	return st > 0 ? DOM_ESTORE : st;
}

/* The freeze, and what the target has not read yet, as far as a page holds it. */
static enum dom_status
answer_frozen(
    struct move_asked *asked, const struct wire_signed_move *freeze, struct copy_cursor *cursor)
{
	struct wire_peer_frozen frozen = {.freeze = *freeze};
	struct service_call *call = asked->call;
	struct move_page page = {0};
	struct store_account account;
	enum dom_status st;

	st = store_account_by_number(call->txn, asked->move.account, call->arena, &account);
	if (st == DOM_OK)
		st = move_page_read(asked, &account, cursor, &page);
	if (st == DOM_OK) {
		frozen.complete = page.ended;
		frozen.cursor = dom_buffer_slice(&page.cursor);
		frozen.records = dom_buffer_slice(&page.records);
		wire_peer_frozen_encode(&call->reply->body, &frozen);
	}
	move_page_free(&page);
	return st > 0 ? DOM_ESTORE : st;
}

/* Why it came to nothing, for the other region's operator and for the person there. */
static enum dom_status
refuse_over(struct move_asked *asked)
{
	struct wire_signed_move why;
	enum dom_status st;

	st = move_message(
	    asked->call->txn, &asked->move, MOVE_MESSAGE_WHY, asked->call->arena, &why);
	if (st < 0)
		return st;
	return move_refuse(
	    asked, st == DOM_OK && asked->move.state == WIRE_MOVE_CANCELLED
	               ? dom_arena_print(asked->call->arena, "The move is cancelled. %.*s",
	                     (int)why.bytes.size, (const char *)why.bytes.data)
	               : dom_arena_print(asked->call->arena,
	                     "The move is %s here: there is nothing to freeze.",
	                     wire_move_state_name(asked->move.state)));
}

enum dom_status
move_source_freeze(struct move_asked *asked)
{
	struct service_call *call = asked->call;
	struct wire_signed_move freeze;
	struct copy_cursor cursor;
	enum dom_status st;

	if ((st = move_asked_cursor(asked, &cursor)) != DOM_OK)
		return st;
	if (!asked->known)
		return move_refuse(asked, "This region knows no such move.");
	if (move_next(STORE_MOVE_SOURCE, asked->move.state, MOVE_FREEZE) == MOVE_REFUSED)
		return asked->move.state == WIRE_MOVE_ORDERED
		           ? move_refuse_yet(asked,
		                 "This region has not heard yet that its"
		                 " offer was accepted.",
		                 1)
		           : refuse_over(asked);
	if (asked->move.state != WIRE_MOVE_FROZEN)
		return begin_attempt(asked);
	st = move_message(call->txn, &asked->move, MOVE_MESSAGE_FREEZE, call->arena, &freeze);
	if (st == DOM_ABSENT)
		return answer_soon(asked, false);
	return st == DOM_OK ? answer_frozen(asked, &freeze, &cursor) : st;
}

enum dom_status
move_freeze_sign(const struct service *service, struct store_txn *txn, struct dom_arena *arena,
    const struct store_move *move, uint64_t clock, const uint8_t root[WIRE_ROOT_SIZE],
    const struct wire_erased *sum)
{
	struct wire_move message = {.kind = WIRE_MOVE_FREEZE,
	    .source = dom_slice_of(service->settings.region),
	    .target = move->peer,
	    .epoch = move->epoch,
	    .clock = clock,
	    .sum = *sum};
	struct wire_signed_move freeze;
	struct wire_statement order;
	struct store_move now;
	enum dom_status st;

	st = store_move_find(txn, move->id, STORE_MOVE_SOURCE, arena, &now);
	if (st == DOM_OK && (now.state != WIRE_MOVE_FROZEN ||
	                        memcmp(now.attempt, move->attempt, sizeof(now.attempt)) != 0))
		st = DOM_CONFLICT;
	if (st == DOM_OK)
		st = move_order(txn, &now, arena, &order, message.answers);
	if (st != DOM_OK)
		return st == DOM_ABSENT ? DOM_CONFLICT : st;
	memcpy(message.move, now.id, sizeof(message.move));
	memcpy(message.attempt, now.attempt, sizeof(message.attempt));
	memcpy(message.account, now.identity, sizeof(message.account));
	memcpy(message.root, root, sizeof(message.root));
	if ((st = move_sign(service, &message, arena, &freeze)) == DOM_OK)
		st = move_message_keep(txn, &now, MOVE_MESSAGE_FREEZE, &freeze);
	return st;
}

/* --- giving it away ---------------------------------------------- */

static enum dom_status
sign_handoff(struct move_asked *asked, const struct wire_signed_move *prepare,
    const struct wire_move *prepared, struct wire_signed_move *handoff_r)
{
	struct wire_move message = *prepared;
	enum dom_status st;

	message.kind = WIRE_MOVE_HANDOFF;
	message.epoch = prepared->epoch + 1;
	st = wire_move_digest(prepare, message.answers);
	return st == DOM_OK
	           ? move_sign(asked->call->service, &message, asked->call->arena, handoff_r)
	           : st;
}

/* The commit point: from here on the account lives at the target. */
static enum dom_status
give_away(struct move_asked *asked, const struct wire_signed_move *prepare,
    const struct wire_move *prepared, struct wire_signed_move *handoff_r)
{
	struct service_call *call = asked->call;
	struct store_move *move = &asked->move;
	enum dom_status st;

	st = store_account_turn(call->txn, move->account, STORE_ACCOUNT_FROZEN,
	    STORE_ACCOUNT_GONE, move->epoch + 1);
	if (st == DOM_OK)
		st = sign_handoff(asked, prepare, prepared, handoff_r);
	if (st == DOM_OK)
		st = move_message_keep(call->txn, move, MOVE_MESSAGE_PREPARE, prepare);
	if (st == DOM_OK)
		st = move_message_keep(call->txn, move, MOVE_MESSAGE_HANDOFF, handoff_r);
	if (st == DOM_OK) {
		move_enter(move, MOVE_SWITCH, call->now_ms);
		move_served_forget(call->service->served, move->number);
		move->due_ms = call->now_ms;
		st = store_move_update(call->txn, move);
	}
	return st > 0 ? DOM_ESTORE : st;
}

/* Said before: the same again, to the same prepare. */
static enum dom_status
answer_again(struct move_asked *asked, const struct wire_signed_move *prepare,
    struct wire_signed_move *handoff_r)
{
	struct service_call *call = asked->call;
	struct wire_signed_move kept;
	enum dom_status st;

	st = move_message(call->txn, &asked->move, MOVE_MESSAGE_PREPARE, call->arena, &kept);
	if (st == DOM_OK && !dom_slice_equal(kept.bytes, prepare->bytes))
		return move_refuse(
		    asked, "The account was given away to what was prepared otherwise.");
	if (st == DOM_OK)
		st = move_message(
		    call->txn, &asked->move, MOVE_MESSAGE_HANDOFF, call->arena, handoff_r);
	return st > 0 ? DOM_EINTEGRITY : st;
}

/* This attempt is over, and here is the proof, if it was ever told that it had begun. */
static enum dom_status
refuse_aborted(struct move_asked *asked, const struct wire_move *prepared)
{
	struct wire_signed_move abort;
	enum dom_status st;

	st = move_abort_of(
	    asked->call->txn, &asked->move, prepared->attempt, asked->call->arena, &abort);
	if (st < 0)
		return st;
	st = move_refuse(asked, "This attempt is over: the account is not given away for it.");
	asked->call->reply->abort = abort;
	return st;
}

static enum dom_status
switch_frozen(struct move_asked *asked, const struct wire_signed_move *prepare,
    const struct wire_move *prepared, struct wire_signed_move *handoff_r)
{
	struct wire_signed_move freeze;
	const char *why;
	enum dom_status st;

	st = move_message(
	    asked->call->txn, &asked->move, MOVE_MESSAGE_FREEZE, asked->call->arena, &freeze);
	if (st == DOM_OK)
		st = move_follows(&freeze, prepared, &why);
	if (st == DOM_ABSENT)
		return move_refuse(asked, "Nothing was frozen yet that this could answer.");
	if (st == DOM_EINTEGRITY)
		return move_refuse(asked, why);
	return st == DOM_OK ? give_away(asked, prepare, prepared, handoff_r) : st;
}

/* Its devices that wait, and who writes to it: both are told where it lives now. */
static void
announce_gone(struct move_asked *asked, uint64_t clock)
{
	asked->call->reply->wakes_mover = true;
	asked->call->reply->change = (struct service_change){.owner = asked->move.account,
	    .member = asked->move.account,
	    .clock = clock,
	    .gone = true};
}

enum dom_status
move_source_switch(struct move_asked *asked)
{
	struct wire_signed_move prepare, handoff;
	struct wire_move prepared;
	const char *why;
	enum dom_status st;

	if (!asked->known)
		return move_refuse(asked, "This region knows no such move.");
	if (wire_peer_message_decode(asked->peer.body, &prepare) != DOM_OK)
		return move_refuse(asked, "This is no message of a move.");
	if (move_open(asked->call->service, &asked->move, WIRE_MOVE_PREPARE, &prepare,
	        &prepared, &why) != DOM_OK)
		return move_refuse(asked, why);
	if (move_next(STORE_MOVE_SOURCE, asked->move.state, MOVE_SWITCH) == MOVE_REFUSED)
		return refuse_aborted(asked, &prepared);
	if (asked->move.state != WIRE_MOVE_FROZEN)
		st = answer_again(asked, &prepare, &handoff);
	else if (memcmp(prepared.attempt, asked->move.attempt, sizeof(prepared.attempt)) != 0)
		return refuse_aborted(asked, &prepared);
	else if ((st = switch_frozen(asked, &prepare, &prepared, &handoff)) == DOM_OK)
		announce_gone(asked, prepared.clock);
	if (st == DOM_OK)
		wire_peer_message_encode(&asked->call->reply->body, &handoff);
	return st;
}
