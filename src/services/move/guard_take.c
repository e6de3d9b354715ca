/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What another region says lives there, against what the store shows here; see
 * guard.h.  A region is believed what we have signed ourselves: the hand-off of
 * what is home there; and of what it says that it is prepared for, our receipt for the
 * person's order.  So a region can keep waiting only who has ordered a move to it,
 * until the operator says otherwise.
 */
#include <stdlib.h>

#include "crypto/keys.h"

#include "services/move/guard_parts.h"
#include "services/move/source.h"

enum {
	PAGE_ROWS = 500,
	MOVES_LOOKED_AT = 32,
	/* Of a peer: it makes 256 copies at once, and an attempt is over after five seconds. */
	PREPARED_MAX = 1024,
};

struct taking {
	struct move_guard *guard;
	struct guard_peer *peer;
	const struct wire_peer_home *home;
	struct wire_move message; /* hand-off or prepare, checked */
	int64_t account;          /* number; 0: none here */
	/* of the job */
	struct dom_arena *arena;
	struct store_move move;
	bool has_move;
	int64_t later; /* the row that was made for a later hand-off */
};

/* --- what it says ------------------------------------------------------------------------- */

static bool
is_true(struct taking *taking)
{
	const struct service *service = taking->guard->service;
	const struct wire_peer_home *home = taking->home;
	const struct wire_group_region *region = taking->peer->region;
	struct wire_move *message = &taking->message;
	uint8_t own[DOM_PUBLIC_KEY_SIZE];

	if (wire_move_decode(home->message.bytes, message) != DOM_OK ||
	    message->kind != (home->prepared ? WIRE_MOVE_PREPARE : WIRE_MOVE_HANDOFF) ||
	    memcmp(message->account, home->identity, sizeof(home->identity)) != 0 ||
	    !dom_slice_is(message->source, service->settings.region) ||
	    !dom_slice_equal(message->target, region->name))
		return false;
	dom_region_sign_public(service->key, own);
	return dom_verify(home->prepared ? dom_slice(region->key, sizeof(region->key))
	                                 : dom_slice(own, sizeof(own)),
	    home->message.bytes, home->message.signature);
}

/* The order of that move, with our receipt for it; DOM_EINTEGRITY: there is none. */
static enum dom_status
open_order(const struct taking *taking, struct wire_evidence_view *view_r)
{
	const struct wire_move *message = &taking->message;
	const struct wire_statement *order = &view_r->statement;
	uint8_t own[DOM_PUBLIC_KEY_SIZE];
	const char *why;
	enum dom_status st;

	dom_region_sign_public(taking->guard->service->key, own);
	st = wire_evidence_check(
	    taking->home->order, dom_slice(own, sizeof(own)), taking->arena, view_r, &why);
	if (st != DOM_OK)
		return st == DOM_ENOMEM ? st : DOM_EINTEGRITY;
	return order->kind == WIRE_MOVE_ORDER && view_r->receipt.kind == WIRE_RECEIPT_TAKEN &&
	               memcmp(view_r->receipt.subject, message->move, WIRE_MOVE_ID_SIZE) == 0 &&
	               memcmp(order->account, message->account, sizeof(order->account)) == 0 &&
	               dom_slice_equal(order->target, message->target)
	           ? DOM_OK
	           : DOM_EINTEGRITY;
}

/* Who says that it is prepared could name anybody: DOM_ABSENT, nobody here has ordered that. */
static enum dom_status
check_prepared(const struct taking *taking)
{
	struct wire_evidence_view view;
	enum dom_status st;

	if (!taking->home->prepared)
		return DOM_OK;
	if ((st = open_order(taking, &view)) != DOM_OK)
		return st == DOM_EINTEGRITY ? DOM_ABSENT : st;
	return view.statement.epoch == taking->message.epoch ? DOM_OK : DOM_ABSENT;
}

static enum dom_status
find_move(struct taking *taking, struct store_txn *txn, struct dom_arena *arena)
{
	enum dom_status st =
	    store_move_find(txn, taking->message.move, STORE_MOVE_SOURCE, arena, &taking->move);

	taking->has_move = st == DOM_OK;
	if (taking->has_move && taking->account == 0)
		taking->account = taking->move.account;
	return st == DOM_ABSENT ? DOM_OK : st;
}

static bool
is_given_away(const struct taking *taking)
{
	return taking->has_move && move_is_given_away(&taking->move);
}

static bool
is_held(const struct taking *taking, const struct store_account *account)
{
	return taking->has_move && account->state == STORE_ACCOUNT_FROZEN &&
	       taking->move.state == WIRE_MOVE_CANCELLED &&
	       memcmp(taking->move.attempt, taking->message.attempt,
	           sizeof(taking->move.attempt)) == 0;
}

/* --- it lives there ------------------------------------------------------------------------
 */

/* The person's order, if it is one that we have taken; days of grace count from now. */
static enum dom_status
keep_order(struct taking *taking, struct store_txn *txn)
{
	const struct wire_signed_move order = {.bytes = taking->home->order};
	struct wire_evidence_view view;
	int64_t now_ms;
	enum dom_status st;

	taking->move.due_ms = INT64_MAX;
	/* Without it the copy stays until an operator erases it. */
	if ((st = open_order(taking, &view)) != DOM_OK)
		return st == DOM_EINTEGRITY ? DOM_OK : st;
	if ((st = store_region_time(txn, &now_ms)) != DOM_OK)
		return st;
	taking->move.due_ms = now_ms + (int64_t)view.statement.grace_days * MOVE_DAY_MS;
	return move_message_keep(txn, &taking->move, MOVE_MESSAGE_ORDER, &order);
}

/* The row that tells whoever asks for the account where it lives. */
static enum dom_status
keep_move(struct taking *taking, struct store_txn *txn, struct store_account *account)
{
	const struct wire_move *handoff = &taking->message;
	struct store_move *move = &taking->move;
	int64_t now_ms = dom_clock_now_ms(&taking->guard->service->clock);
	enum dom_status st = DOM_OK;

	if (!taking->has_move) {
		*move = (struct store_move){.side = STORE_MOVE_SOURCE,
		    .state = WIRE_MOVE_ORDERED,
		    .started_ms = now_ms,
		    .bytes_total = handoff->sum.bytes};
		memcpy(move->id, handoff->move, sizeof(move->id));
		st = store_account_names(txn, taking->arena, account);
		move->name = account->name;
	}
	move->peer = handoff->target;
	move->epoch = handoff->epoch - 1;
	move->clock = handoff->clock;
	memcpy(move->identity, handoff->account, sizeof(move->identity));
	memcpy(move->attempt, handoff->attempt, sizeof(move->attempt));
	if (account != NULL)
		move->account = account->number;
	move_enter(move, MOVE_PROVEN, now_ms);
	if (st == DOM_OK && !taking->has_move)
		st = store_move_add(txn, move, &move->number);
	if (st == DOM_OK)
		st = move_message_keep(txn, move, MOVE_MESSAGE_HANDOFF, &taking->home->message);
	if (st == DOM_OK && move->state == WIRE_MOVE_LIVES)
		st = keep_order(taking, txn);
	return st == DOM_OK ? store_move_update(txn, move) : st;
}

/* Who shared with it loses it, as when it moved; somebody else's fence holds up nothing. */
static enum dom_status
leave(struct taking *taking, struct store_txn *txn, const struct store_account *account)
{
	struct service_changes *changes = dom_arena_take(taking->arena, sizeof(*changes));
	enum dom_status st;

	if (changes == NULL)
		return DOM_ENOMEM;
	st = move_unshare(txn, account->number, taking->arena, changes);
	return st == DOM_EFENCED ? DOM_OK : st;
}

static enum dom_status
turn(struct store_txn *txn, struct store_account *account, enum store_account_state to,
    uint64_t epoch)
{
	enum dom_status st = store_account_turn(
	    txn, account->number, (enum store_account_state)account->state, to, epoch);

	account->state = to;
	return st;
}

static enum dom_status
give_away(struct taking *taking, struct store_txn *txn, struct store_account *account)
{
	enum dom_status st = DOM_OK;

	if (account->state == STORE_ACCOUNT_FROZEN)
		st = turn(txn, account, STORE_ACCOUNT_HOME, account->epoch);
	if (st == DOM_OK && account->state == STORE_ACCOUNT_HOME)
		st = leave(taking, txn, account);
	if (st == DOM_OK)
		st = turn(txn, account, STORE_ACCOUNT_GONE, taking->message.epoch);
	return st == DOM_OK ? keep_move(taking, txn, account) : st;
}

/*
 * It has left once more since the hand-off that is known here: what it left then is gone, and
 * whoever asks for it is to hear of the newest.  Its name is only known as that move's.
 */
static enum dom_status
keep_later(struct taking *taking, struct store_txn *txn)
{
	const struct wire_move *handoff = &taking->message;
	int64_t now_ms = dom_clock_now_ms(&taking->guard->service->clock);
	int64_t earlier = guard_left_by(taking->guard, handoff);
	struct store_move move = {.side = STORE_MOVE_SOURCE,
	    .state = WIRE_MOVE_ERASED,
	    .peer = handoff->target,
	    .epoch = handoff->epoch - 1,
	    .clock = handoff->clock,
	    .started_ms = now_ms,
	    .changed_ms = now_ms};
	enum dom_status st;

	if (earlier == 0)
		return DOM_OK;
	memcpy(move.id, handoff->move, sizeof(move.id));
	memcpy(move.identity, handoff->account, sizeof(move.identity));
	memcpy(move.attempt, handoff->attempt, sizeof(move.attempt));
	st = store_move_add(txn, &move, &move.number);
	taking->later = move.number;
	if (st == DOM_OK)
		st = store_move_name_as(txn, move.number, earlier);
	return st == DOM_OK
	           ? move_message_keep(txn, &move, MOVE_MESSAGE_HANDOFF, &taking->home->message)
	           : st;
}

static enum dom_status
take_home(struct taking *taking, struct store_txn *txn)
{
	struct wire_signed_move kept;
	struct store_account account;
	enum dom_status st = DOM_ABSENT;

	if (taking->account != 0)
		st = store_account_by_number(txn, taking->account, taking->arena, &account);
	if (st < 0)
		return st;
	if (st == DOM_OK && account.epoch < taking->message.epoch &&
	    (account.state == STORE_ACCOUNT_HOME || account.state == STORE_ACCOUNT_FROZEN ||
	        account.state == STORE_ACCOUNT_GONE))
		return give_away(taking, txn, &account);
	if (!taking->has_move && (st == DOM_ABSENT || account.state == STORE_ACCOUNT_ERASING))
		return keep_later(taking, txn);
	/* A row that was made out of the journal does not know yet where it lives. */
	if (!is_given_away(taking))
		return DOM_OK;
	st = move_message(txn, &taking->move, MOVE_MESSAGE_HANDOFF, taking->arena, &kept);
	return st == DOM_ABSENT ? keep_move(taking, txn, NULL) : st;
}

/* --- it is prepared there -------------------------------------------------------------------
 */

static enum dom_status
sign_abort(struct taking *taking, struct store_txn *txn)
{
	const struct wire_move *prepare = &taking->message;
	struct wire_move abort = *prepare;
	struct wire_signed_move message;
	enum dom_status st;

	abort.kind = WIRE_MOVE_ABORT;
	/* It answers what the prepare answered: the freeze. */
	st = move_sign(taking->guard->service, &abort, taking->arena, &message);
	return st == DOM_OK ? move_message_keep(txn, &taking->move,
	                          MOVE_MESSAGE_ABORTS + (int)taking->move.attempts, &message)
	                    : st;
}

static enum dom_status
keep_cancelled(struct taking *taking, struct store_txn *txn, struct store_account *account)
{
	const struct wire_move *prepare = &taking->message;
	struct store_move *move = &taking->move;
	int64_t now_ms = dom_clock_now_ms(&taking->guard->service->clock);
	enum dom_status st = DOM_OK;

	if (!taking->has_move) {
		*move = (struct store_move){.side = STORE_MOVE_SOURCE, .started_ms = now_ms};
		memcpy(move->id, prepare->move, sizeof(move->id));
		st = store_account_names(txn, taking->arena, account);
		move->name = account->name;
	}
	if (memcmp(move->attempt, prepare->attempt, sizeof(move->attempt)) != 0 ||
	    move->attempts == 0)
		move->attempts += move->attempts < MOVE_ATTEMPTS_MAX;
	move->state = WIRE_MOVE_CANCELLED;
	move->open = false;
	move->account = account->number;
	move->peer = prepare->target;
	move->epoch = prepare->epoch;
	move->changed_ms = now_ms;
	memcpy(move->identity, prepare->account, sizeof(move->identity));
	memcpy(move->attempt, prepare->attempt, sizeof(move->attempt));
	if (st == DOM_OK && !taking->has_move)
		st = store_move_add(txn, move, &move->number);
	if (st == DOM_OK)
		st = sign_abort(taking, txn);
	if (st == DOM_OK)
		st = move_message_keep(
		    txn, move, MOVE_MESSAGE_HELD, &(struct wire_signed_move){0});
	if (st == DOM_OK)
		st = move_why_keep(txn, move,
		    "This region was restored from a backup while the account moved: the "
		    "account"
		    " stays here. Order the move again if you still want it.");
	return st == DOM_OK ? store_move_update(txn, move) : st;
}

static bool
is_listed(const struct guard_peer *peer, const uint8_t move[WIRE_MOVE_ID_SIZE])
{
	for (size_t i = 0; i < peer->prepared_count; i++) {
		if (memcmp(peer->prepared[i], move, WIRE_MOVE_ID_SIZE) == 0)
			return true;
	}
	return false;
}

static enum dom_status
note_prepared(struct taking *taking)
{
	struct guard_peer *peer = taking->peer;

	if (is_listed(peer, taking->message.move))
		return DOM_OK;
	if (peer->prepared_count == peer->prepared_room) {
		size_t room = peer->prepared_room == 0 ? 16 : 2 * peer->prepared_room;
		uint8_t(*wider)[WIRE_MOVE_ID_SIZE] =
		    realloc(peer->prepared, room * sizeof(*wider));

		if (wider == NULL)
			return DOM_ENOMEM;
		peer->prepared = wider;
		peer->prepared_room = room;
	}
	memcpy(peer->prepared[peer->prepared_count++], taking->message.move, WIRE_MOVE_ID_SIZE);
	return DOM_OK;
}

/* Has this store begun that attempt?  Else it is older than what it has done. */
static bool
is_known_attempt(struct taking *taking, struct store_txn *txn)
{
	struct wire_signed_move abort;

	return taking->has_move &&
	       (memcmp(taking->move.attempt, taking->message.attempt,
	            sizeof(taking->move.attempt)) == 0 ||
	           move_abort_of(txn, &taking->move, taking->message.attempt, taking->arena,
	               &abort) == DOM_OK);
}

static enum dom_status
take_prepared(struct taking *taking, struct store_txn *txn)
{
	struct store_account account;
	enum dom_status st = DOM_ABSENT;

	/* Nobody is prepared for so many: it makes them up. */
	if (taking->peer->prepared_count >= PREPARED_MAX)
		return DOM_EINPUT;
	/* One that this store knows is in the ordinary course of its move. */
	if (is_given_away(taking))
		return DOM_OK;
	if (taking->account != 0)
		st = store_account_by_number(txn, taking->account, taking->arena, &account);
	if (st != DOM_OK)
		return st == DOM_ABSENT ? DOM_OK : st;
	if (is_held(taking, &account))
		return note_prepared(taking);
	if (!atomic_load(&taking->guard->is_restored) && is_known_attempt(taking, txn))
		return DOM_OK;
	/* It has come back since. */
	if (account.epoch > taking->message.epoch ||
	    (account.state != STORE_ACCOUNT_HOME && account.state != STORE_ACCOUNT_FROZEN))
		return DOM_OK;
	taking->guard->may_hold = true;
	if (account.state == STORE_ACCOUNT_HOME)
		st = turn(txn, &account, STORE_ACCOUNT_FROZEN, account.epoch);
	if (st == DOM_OK)
		st = keep_cancelled(taking, txn, &account);
	return st == DOM_OK ? note_prepared(taking) : st;
}

/* --- one of the answer
 * ------------------------------------------------------------------------ */

static enum dom_status
run_take(struct store_txn *txn, void *context)
{
	struct taking *taking = context;
	enum dom_status st = find_move(taking, txn, taking->arena);

	if (st == DOM_OK)
		st = taking->home->prepared ? take_prepared(taking, txn)
		                            : take_home(taking, txn);
	return st > 0 ? DOM_ESTORE : st;
}

/* Most are what the store shows, too: those take no job.  DOM_ABSENT: nothing is to be done. */
static enum dom_status
look(struct taking *taking)
{
	struct move_guard *guard = taking->guard;
	struct wire_signed_move kept;
	struct store_txn *txn = NULL;
	enum dom_status st;

	if ((st = store_read_begin(guard->reader, &txn)) != DOM_OK)
		return st;
	st = find_move(taking, txn, taking->arena);
	if (st == DOM_OK && is_given_away(taking)) {
		st = taking->home->prepared ? DOM_OK
		                            : move_message(txn, &taking->move,
		                                  MOVE_MESSAGE_HANDOFF, taking->arena, &kept);
		if (st >= 0)
			st = st == DOM_OK ? DOM_ABSENT : DOM_OK;
	} else if (st == DOM_OK && taking->account == 0) {
		st = guard_know(guard, txn);
		taking->account = guard_account_of(guard, taking->home->identity);
		if (st == DOM_OK && taking->account == 0 && !taking->has_move &&
		    guard_left_by(guard, &taking->message) == 0)
			st = DOM_ABSENT;
	}
	store_read_end(&txn);
	return st;
}

enum dom_status
guard_take(struct move_guard *guard, struct guard_peer *peer, const struct wire_peer_home *home)
{
	struct taking taking = {.guard = guard, .peer = peer, .home = home};
	enum dom_status st;

	if (!is_true(&taking))
		return DOM_OK;
	if ((taking.arena = dom_arena_new(0)) == NULL)
		return DOM_ENOMEM;
	st = check_prepared(&taking);
	if (st == DOM_OK)
		st = look(&taking);
	if (st == DOM_OK)
		st = store_write(guard->store, run_take, &taking);
	if (st == DOM_OK && taking.later != 0)
		guard_left_later(guard, &taking.message, taking.later);
	dom_arena_free(&taking.arena);
	return st == DOM_ABSENT ? DOM_OK : st;
}

/* --- who waits no longer
 * ------------------------------------------------------------------------ */

struct releasing {
	const struct guard_peer *peer; /* NULL: whichever */
	struct dom_arena *arena;
	int64_t account;
};

/* Does this move still wait?  It does not from now on if it is the peer's and not listed. */
static enum dom_status
look_at_hold(const struct releasing *releasing, struct store_txn *txn,
    const struct store_move *move, bool *ends, bool *goes_on)
{
	const struct guard_peer *peer = releasing->peer;
	struct wire_signed_move held;
	enum dom_status st =
	    move_message(txn, move, MOVE_MESSAGE_HELD, releasing->arena, &held);

	if (st != DOM_OK)
		return st == DOM_ABSENT ? DOM_OK : st;
	if (peer != NULL &&
	    (!dom_slice_equal(move->peer, peer->region->name) || is_listed(peer, move->id))) {
		*goes_on = true;
		return DOM_OK;
	}
	*ends = true;
	return move_message_forget(txn, move, MOVE_MESSAGE_HELD);
}

/* Frozen by the guard, and not by an attempt that is on; and not for another peer, too. */
static enum dom_status
end_holds(const struct releasing *releasing, struct store_txn *txn,
    const struct store_move *rows, size_t count, bool *is_free_r)
{
	bool ends = releasing->peer == NULL, goes_on = false;
	enum dom_status st = DOM_OK;

	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		if (rows[i].side != STORE_MOVE_SOURCE)
			continue;
		goes_on |= rows[i].state == WIRE_MOVE_FROZEN;
		st = look_at_hold(releasing, txn, &rows[i], &ends, &goes_on);
	}
	*is_free_r = ends && !goes_on;
	return st;
}

static enum dom_status
run_release(struct store_txn *txn, void *context)
{
	const struct releasing *releasing = context;
	struct store_account account;
	struct store_move *rows;
	bool is_free = false;
	size_t count = 0;
	enum dom_status st;

	st = store_account_by_number(txn, releasing->account, releasing->arena, &account);
	if (st == DOM_OK && account.state != STORE_ACCOUNT_FROZEN)
		return DOM_OK;
	if (st == DOM_OK)
		st = store_moves_of(
		    txn, account.number, MOVES_LOOKED_AT, releasing->arena, &rows, &count);
	if (st == DOM_OK)
		st = end_holds(releasing, txn, rows, count, &is_free);
	if (st != DOM_OK)
		return st == DOM_ABSENT ? DOM_OK : st;
	if (is_free)
		st = turn(txn, &account, STORE_ACCOUNT_HOME, account.epoch);
	return st > 0 ? DOM_ESTORE : st;
}

/* All that are frozen; *any_r: there were some. */
static enum dom_status
release_all(struct move_guard *guard, struct releasing *releasing, struct store_reader *reader,
    struct dom_arena *page, bool *any_r)
{
	struct store_txn *txn = NULL;
	struct store_account *rows;
	int64_t after = 0;
	size_t count = 0;
	enum dom_status st;

	do {
		if ((st = store_read_begin(reader, &txn)) != DOM_OK)
			break;
		dom_arena_reset(page);
		st = store_account_scan(txn, after, PAGE_ROWS, page, &rows, &count);
		store_read_end(&txn);
		for (size_t i = 0; st == DOM_OK && i < count; i++) {
			after = releasing->account = rows[i].number;
			if (rows[i].state != STORE_ACCOUNT_FROZEN)
				continue;
			*any_r = true;
			dom_arena_reset(releasing->arena);
			st = store_write(guard->store, run_release, releasing);
		}
	} while (st == DOM_OK && count != 0);
	return st;
}

enum dom_status
guard_release(struct move_guard *guard, const struct guard_peer *peer)
{
	struct releasing releasing = {.peer = peer};
	struct store_reader *reader = NULL;
	struct dom_arena *page = NULL;
	bool any = false;
	enum dom_status st = DOM_ENOMEM;

	/* However many peers end their answers: once is enough, if there are none. */
	if (peer != NULL && !guard->may_hold)
		return DOM_OK;
	/* A reader of its own: the operator may ask from another thread. */
	if ((releasing.arena = dom_arena_new(0)) != NULL && (page = dom_arena_new(0)) != NULL &&
	    (st = store_reader_open(guard->store, &reader)) == DOM_OK)
		st = release_all(guard, &releasing, reader, page, &any);
	if (peer != NULL && st == DOM_OK && !any)
		guard->may_hold = false;
	store_reader_close(&reader);
	dom_arena_free(&page);
	dom_arena_free(&releasing.arena);
	return st > 0 ? DOM_ESTORE : st;
}
