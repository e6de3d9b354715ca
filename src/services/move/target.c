/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What others ask the region that an account moves to; see DESIGN.md beside this file. */
#include "services/move/target.h"

#include "base/bytes.h"

#include "services/account/account.h"
#include "services/erasure/erasure.h"
#include "store/fault.h"

static const char still_here[] = "This region still has a copy of the account from when it "
                                 "lived here, which is erased first.";

enum {
	/* That the disk has beside what comes: others write, too. */
	ROOM_SPARE_BYTES = 64 << 20,
	LIST_PAGE = 256,
	HOMES_SIZE = 1 << 20, /* of an answer, about */
	/*
	 * Copies that are being made, of all sources together and of one; the others are
	 * offered again.
	 */
	COPIES_MAX = 256,
	COPIES_OF_ONE_MAX = 128,
	COPIES_AGAIN_SECONDS = 10,
};

/* --- is there room ---------------------------------------------------------------------- */

struct room {
	struct dom_slice name, email;
	struct dom_slice identity; /* of who asks for room; NULL data: an offer, or not said */
	uint64_t bytes;
	const char *why;               /* it does not fit, for now or for good; NULL: it does */
	struct store_account occupant; /* number 0: nobody has the name */
};

static enum dom_status
look_for(struct service_call *call, struct room *room, struct dom_slice text, bool as_name)
{
	struct store_account other;
	enum dom_status st = as_name
	                         ? store_account_by_name(call->txn, text, call->arena, &other)
	                         : store_account_by_email(call->txn, text, call->arena, &other);

	if (st == DOM_OK && room->occupant.number == 0)
		room->occupant = other;
	return st == DOM_ABSENT ? DOM_OK : st;
}

/* A name may be somebody's address and the other way round: see account_create(). */
static enum dom_status
look_for_occupant(struct service_call *call, struct room *room)
{
	enum dom_status st;

	if ((st = look_for(call, room, room->name, true)) != DOM_OK ||
	    (st = look_for(call, room, room->name, false)) != DOM_OK || room->email.size == 0)
		return st;
	if ((st = look_for(call, room, room->email, true)) != DOM_OK)
		return st;
	return look_for(call, room, room->email, false);
}

static const char *
policy_fault(const struct service *service)
{
	const struct wire_group_region *self =
	    service->settings.group == NULL ? NULL
	                                    : wire_group_find(service->settings.group,
	                                          dom_slice_of(service->settings.region));

	return self != NULL && (self->flags & WIRE_REGION_TAKES) != 0
	           ? NULL
	           : "This region takes no accounts of other regions: nothing was changed.";
}

static const char *
size_fault(const struct service *service, uint64_t bytes)
{
	int64_t quota = service->settings.quota_bytes;
	uint64_t free_bytes;

	if (quota != 0 && bytes > (uint64_t)quota)
		return "The account holds more than this region gives an account: nothing was"
		       " changed. Ask its operator, or remove something.";
	if (service->store != NULL && store_free_bytes(service->store, &free_bytes) == DOM_OK &&
	    (free_bytes < ROOM_SPARE_BYTES || bytes > free_bytes - ROOM_SPARE_BYTES))
		return "This region's disk has no room for the account: nothing was changed. "
		       "Ask"
		       " its operator, or try again later.";
	return NULL;
}

static enum dom_status
look_for_room(struct service_call *call, struct room *room)
{
	enum dom_status st;

	room->why = policy_fault(call->service);
	if (room->why == NULL &&
	    (room->name.size == 0 || account_name_fault(room->name) != NULL ||
	        account_email_fault(room->email) != NULL))
		room->why = "No account of this name or address can be in this region: nothing"
		            " was changed.";
	if (room->why != NULL)
		return DOM_OK;
	if ((st = look_for_occupant(call, room)) != DOM_OK)
		return st;
	/* Of who asks, and gone from here: an offer has that erased first. */
	if (room->occupant.number != 0 &&
	    (room->occupant.state != STORE_ACCOUNT_GONE ||
	        !dom_slice_equal(room->occupant.identity_public, room->identity)))
		room->why =
		    "There is an account of this name or address in that region already:"
		    " nothing was changed.";
	else
		room->why = size_fault(call->service, room->bytes);
	return DOM_OK;
}

enum dom_status
move_room(struct service_call *call)
{
	struct wire_room_ask ask;
	struct wire_room answer = {.now_ms = call->now_ms};
	struct room room = {0};
	enum dom_status st = wire_room_ask_decode(call->request->body, &ask);

	if (st != DOM_OK)
		return service_refuse_body(call, st, call->request->body, NULL);
	room.bytes = ask.bytes;
	room.identity = ask.identity;
	if ((st = account_name_fold(call->arena, ask.username, &room.name)) != DOM_OK ||
	    (st = account_name_fold(call->arena, ask.email, &room.email)) != DOM_OK ||
	    (st = look_for_room(call, &room)) != DOM_OK)
		return st;
	answer.takes = room.why == NULL;
	answer.why = dom_slice_of(room.why == NULL ? "" : room.why);
	wire_room_encode(&call->reply->body, &answer);
	return DOM_OK;
}

/* --- the offer ---------------------------------------------------------------------------- */

struct offered {
	struct wire_peer_offer offer;
	struct wire_evidence_view view;
};

/* Ordered by the person, taken by the source, and within what both regions do. */
static const char *
order_fault(const struct move_asked *asked, const struct offered *offered)
{
	const struct wire_statement *order = &offered->view.statement;

	if (order->kind != WIRE_MOVE_ORDER ||
	    offered->view.receipt.kind != WIRE_RECEIPT_TAKEN ||
	    memcmp(asked->peer.move, offered->view.receipt.subject, sizeof(asked->peer.move)) !=
	        0)
		return "What comes with the offer is not the order of this move.";
	if (!dom_slice_equal(order->region, asked->peer.from) ||
	    !dom_slice_is(order->target, asked->call->service->settings.region))
		return "The order is for a move between other regions.";
	if ((asked->from->flags & WIRE_REGION_LETS) == 0)
		return "The source region lets no account go, by the group file.";
	if (order->grace_days < asked->from->grace_min_days ||
	    order->grace_days > asked->from->grace_max_days)
		return "The days of grace in the order are not those that the group file "
		       "allows.";
	if (order->epoch == 0 || order->epoch >= INT64_MAX)
		return "The epoch in the order is none.";
	if (order->expires_ms <= asked->call->now_ms)
		return "The order has expired: order the move again.";
	/* Else a copy could be made for ever. */
	if (order->expires_ms - asked->call->now_ms >
	    MOVE_ORDER_DAYS_MAX * (int64_t)MOVE_DAY_MS + WIRE_PEER_SKEW_MS)
		return "The order expires later than any order may.";
	return NULL;
}

/* The id is somebody's: the account's own, of which the last bytes are going. */
static enum dom_status
refuse_id(struct move_asked *asked, const uint8_t id[STORE_ID_SIZE])
{
	struct store_account account;
	enum dom_status st =
	    store_account_by_id(asked->call->txn, id, asked->call->arena, &account);

	if (st < 0)
		return st;
	/* Nobody has it any more, but its files have not left the disk yet. */
	if (st == DOM_ABSENT || account.state == STORE_ACCOUNT_ERASING)
		return move_refuse_yet(asked, still_here, 1);
	return move_refuse(asked, "There is an account of this id here already.");
}

static enum dom_status
stage(struct move_asked *asked, const struct offered *offered)
{
	struct service_call *call = asked->call;
	const struct wire_statement *order = &offered->view.statement;
	struct store_account account = {.name = offered->offer.name,
	    .email = offered->offer.email,
	    .created_ms = call->now_ms,
	    .identity_public = dom_slice(order->account, sizeof(order->account))};
	struct store_move move = {.side = STORE_MOVE_TARGET,
	    .state = WIRE_MOVE_STAGING,
	    .open = true,
	    .peer = asked->peer.from,
	    .name = offered->offer.name,
	    .epoch = order->epoch,
	    .started_ms = call->now_ms,
	    .changed_ms = call->now_ms,
	    .bytes_total = offered->offer.bytes};
	enum dom_status st;

	memcpy(account.id, offered->offer.id, sizeof(account.id));
	memcpy(move.id, asked->peer.move, sizeof(move.id));
	memcpy(move.identity, order->account, sizeof(move.identity));
	st = store_account_stage(call->txn, &account, &move.account);
	if (st == DOM_CONFLICT)
		return refuse_id(asked, account.id);
	if (st == DOM_OK) {
		store_fault(wire_move_state_name(move.state));
		st = store_move_add(call->txn, &move, &move.number);
	}
	if (st == DOM_OK)
		st = move_message_keep(call->txn, &move, MOVE_MESSAGE_ORDER,
		    &(struct wire_signed_move){.bytes = offered->offer.order});
	call->reply->wakes_mover = true;
	return st > 0 ? DOM_ESTORE : st;
}

/*
 * It moves back to where it was: the copy that is left here goes first, since whoever
 * ordered this has seen that it is not needed.
 */
static enum dom_status
make_room(struct move_asked *asked, const struct offered *offered, const struct room *room)
{
	const struct store_account *left = &room->occupant;
	struct service_call *call = asked->call;
	struct store_move old;
	enum dom_status st;

	if (left->state != STORE_ACCOUNT_GONE ||
	    !dom_slice_equal(
	        left->identity_public, dom_slice(offered->view.statement.account,
	                                   sizeof(offered->view.statement.account))))
		return move_refuse(asked, room->why);
	st = store_move_of(call->txn, left->number, call->arena, &old);
	if (st != DOM_OK)
		return st > 0 ? move_refuse(asked, room->why) : st;
	if (old.side == STORE_MOVE_SOURCE && old.state == WIRE_MOVE_LIVES &&
	    offered->view.statement.epoch > old.epoch) {
		st = move_message_keep(
		    call->txn, &old, MOVE_MESSAGE_WANTED_BACK, &(struct wire_signed_move){0});
		old.due_ms = 0;
		if (st == DOM_OK)
			st = store_move_update(call->txn, &old);
	}
	if (st == DOM_OK)
		st = service_refuse_and_keep(call, SERVICE_UNAVAILABLE, still_here);
	call->reply->retry_after_seconds = 1;
	call->reply->wakes_mover = true;
	return st > 0 ? DOM_ESTORE : st;
}

static enum dom_status
check_offer(struct move_asked *asked, struct offered *offered)
{
	struct service_call *call = asked->call;
	const char *why;
	enum dom_status st;

	if (wire_peer_offer_decode(asked->peer.body, &offered->offer) != DOM_OK)
		return move_refuse(asked, "This is no offer that this release understands.");
	st = wire_evidence_check(offered->offer.order,
	    dom_slice(asked->from->key, sizeof(asked->from->key)), call->arena, &offered->view,
	    &why);
	if (st == DOM_EINPUT || st == DOM_EINTEGRITY)
		return move_refuse(asked, dom_arena_print(call->arena, "%s.", why));
	if (st != DOM_OK)
		return st;
	why = order_fault(asked, offered);
	return why == NULL ? DOM_OK : move_refuse(asked, why);
}

/* Whoever is in the group may offer as many as it likes, and need not go on with them. */
static enum dom_status
look_for_copies(struct move_asked *asked, bool *is_crowded_r)
{
	static const uint64_t copied = UINT64_C(1) << WIRE_MOVE_STAGING |
	                               UINT64_C(1) << WIRE_MOVE_FREEZING |
	                               UINT64_C(1) << WIRE_MOVE_PREPARED;
	struct store_move *rows;
	size_t count, of_one = 0;
	enum dom_status st;

	st = store_move_due(
	    asked->call->txn, copied, 0, 1, COPIES_MAX, asked->call->arena, &rows, &count);
	for (size_t i = 0; st == DOM_OK && i < count; i++)
		of_one += dom_slice_equal(rows[i].peer, asked->peer.from);
	*is_crowded_r = count >= COPIES_MAX || of_one >= COPIES_OF_ONE_MAX;
	return st;
}

enum dom_status
move_target_offer(struct move_asked *asked)
{
	struct service_call *call = asked->call;
	struct offered offered;
	struct room room = {0};
	struct dom_slice folded;
	bool is_crowded;
	enum dom_status st;

	if (asked->known)
		return move_next(STORE_MOVE_TARGET, asked->move.state, MOVE_OFFER) !=
		               MOVE_REFUSED
		           ? DOM_OK
		           : move_refuse(asked, "This move is over: order it again.");
	if ((st = check_offer(asked, &offered)) != DOM_OK)
		return st;
	room = (struct room){.name = offered.offer.name,
	    .email = offered.offer.email,
	    .bytes = offered.offer.bytes};
	if ((st = account_name_fold(call->arena, room.name, &folded)) != DOM_OK)
		return st;
	if (!dom_slice_equal(folded, room.name))
		return move_refuse(
		    asked, "The account's name is not in the form that names have.");
	if ((st = look_for_room(call, &room)) != DOM_OK)
		return st;
	if (room.occupant.number != 0)
		return make_room(asked, &offered, &room);
	if (room.why != NULL)
		return move_refuse(asked, room.why);
	if ((st = look_for_copies(asked, &is_crowded)) != DOM_OK)
		return st;
	return is_crowded
	           ? move_refuse_yet(asked, "This region is making many copies: a while later.",
	                 COPIES_AGAIN_SECONDS)
	           : stage(asked, &offered);
}

/* --- the hand-off ---------------------------------------------------------------------------
 */

static enum dom_status
sign_active(const struct service *service, struct store_txn *txn, const struct store_move *move,
    const struct wire_signed_move *handoff, const struct wire_move *view,
    struct dom_arena *arena)
{
	struct wire_move active = *view;
	struct wire_signed_move signed_active;
	enum dom_status st = wire_move_digest(handoff, active.answers);

	active.kind = WIRE_MOVE_ACTIVE;
	if (st == DOM_OK)
		st = move_sign(service, &active, arena, &signed_active);
	if (st == DOM_OK)
		st = move_message_keep(txn, move, MOVE_MESSAGE_ACTIVE, &signed_active);
	return st;
}

enum dom_status
move_target_take(const struct service *service, struct store_txn *txn, struct store_move *move,
    const struct wire_signed_move *handoff, struct dom_arena *arena, const char **why_r)
{
	struct wire_signed_move prepare;
	struct wire_move view;
	enum dom_status st;

	*why_r = "The account is not complete in this region yet.";
	if (move_next(STORE_MOVE_TARGET, move->state, MOVE_HANDOFF) == MOVE_REFUSED)
		return DOM_EINTEGRITY;
	if ((st = move_open(service, move, WIRE_MOVE_HANDOFF, handoff, &view, why_r)) != DOM_OK)
		return st;
	if ((st = move_message(txn, move, MOVE_MESSAGE_PREPARE, arena, &prepare)) != DOM_OK)
		return st > 0 ? DOM_ESTORE : st; /* it was kept with the state */
	if ((st = move_follows(&prepare, &view, why_r)) != DOM_OK ||
	    move->state != WIRE_MOVE_PREPARED)
		return st;
	if ((st = move_message_keep(txn, move, MOVE_MESSAGE_HANDOFF, handoff)) == DOM_OK)
		st = sign_active(service, txn, move, handoff, &view, arena);
	if (st == DOM_OK)
		st = store_account_turn(
		    txn, move->account, STORE_ACCOUNT_PREPARED, STORE_ACCOUNT_HOME, view.epoch);
	/* What somebody may have here is not for another region's operator to say. */
	if (st == DOM_OK)
		st = store_account_set_quota(txn, move->account, -1);
	if (st == DOM_OK)
		st = move_message_forget(txn, move, MOVE_MESSAGE_CURSOR);
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	move_enter(move, MOVE_HANDOFF, dom_clock_now_ms(&service->clock));
	move->due_ms = 0;
	st = store_move_update(txn, move);
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
move_target_abort(const struct service *service, struct store_txn *txn, struct store_move *move,
    const struct wire_signed_move *abort, struct dom_arena *arena, const char **why_r)
{
	struct wire_signed_move freeze;
	struct wire_move view;
	enum dom_status st;

	*why_r = "No attempt is on.";
	if (move->state != WIRE_MOVE_PREPARED)
		return DOM_EINTEGRITY;
	if ((st = move_open(service, move, WIRE_MOVE_ABORT, abort, &view, why_r)) != DOM_OK)
		return st;
	if ((st = move_message(txn, move, MOVE_MESSAGE_FREEZE, arena, &freeze)) != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	if ((st = move_follows(&freeze, &view, why_r)) != DOM_OK)
		return st;
	if ((st = move_message_keep(txn, move, MOVE_MESSAGE_ABORT, abort)) == DOM_OK)
		st = move_message_forget(txn, move, MOVE_MESSAGE_FREEZE);
	if (st == DOM_OK)
		st = move_message_forget(txn, move, MOVE_MESSAGE_PREPARE);
	if (st == DOM_OK)
		st = store_account_turn(txn, move->account, STORE_ACCOUNT_PREPARED,
		    STORE_ACCOUNT_STAGING, move->epoch);
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	move_enter(move, MOVE_ABORTED, dom_clock_now_ms(&service->clock));
	move->attempts++;
	move->due_ms = 0;
	st = store_move_update(txn, move);
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
move_handoff(struct service_call *call)
{
	struct wire_signed_move handoff;
	struct wire_move view;
	struct store_move move;
	const char *why;
	enum dom_status st = wire_handoff_decode(call->request->body, &handoff);

	if (st != DOM_OK)
		return service_refuse_body(call, st, call->request->body, NULL);
	if (wire_move_decode(handoff.bytes, &view) != DOM_OK || view.kind != WIRE_MOVE_HANDOFF)
		return service_refuse(
		    call, SERVICE_MOVE_REFUSED, "This is not what gives an account away.");
	st = store_move_find(call->txn, view.move, STORE_MOVE_TARGET, call->arena, &move);
	if (st == DOM_ABSENT)
		return service_refuse(
		    call, SERVICE_MOVE_REFUSED, "This region knows nothing of this move.");
	if (st == DOM_OK)
		st = move_target_take(
		    call->service, call->txn, &move, &handoff, call->arena, &why);
	if (st == DOM_EINTEGRITY)
		return service_refuse(call, SERVICE_MOVE_REFUSED,
		    dom_arena_print(call->arena, "%s Nothing was changed.", why));
	call->reply->wakes_mover = true;
	return st;
}

/* --- the end --------------------------------------------------------------------------------
 */

static const char *
receipt_fault(const struct move_asked *asked, const struct wire_signed_move *message,
    const uint8_t subject[WIRE_SUBJECT_SIZE], const struct wire_signed_move *handoff)
{
	struct dom_slice key = dom_slice(asked->from->key, sizeof(asked->from->key));
	struct wire_receipt receipt;
	struct wire_move view;

	if (wire_receipt_decode(message->bytes, &receipt) != DOM_OK ||
	    !dom_verify(key, message->bytes, message->signature))
		return "This is no receipt that the source region has signed.";
	if (wire_move_decode(handoff->bytes, &view) != DOM_OK ||
	    receipt.kind != WIRE_RECEIPT_ERASED || receipt.scope != WIRE_SCOPE_SOURCE ||
	    memcmp(receipt.subject, subject, WIRE_SUBJECT_SIZE) != 0 ||
	    memcmp(receipt.root, view.root, sizeof(view.root)) != 0 ||
	    !dom_slice_equal(receipt.region, asked->peer.from) ||
	    !dom_slice_equal(
	        dom_slice(receipt.region_public, sizeof(receipt.region_public)), key))
		return "The receipt is not of what was given away in this move.";
	return NULL;
}

enum dom_status
move_target_erased(struct move_asked *asked)
{
	struct service_call *call = asked->call;
	struct wire_signed_move message, handoff;
	struct wire_statement order;
	uint8_t subject[WIRE_SUBJECT_SIZE];
	const char *why;
	enum dom_status st;

	if (wire_peer_message_decode(asked->peer.body, &message) != DOM_OK)
		return move_refuse(asked, "This is no receipt that this release understands.");
	if (!asked->known ||
	    move_next(STORE_MOVE_TARGET, asked->move.state, MOVE_SETTLE) == MOVE_REFUSED)
		return move_refuse(asked, "No account has come to this region by this move.");
	st = move_order(call->txn, &asked->move, call->arena, &order, subject);
	if (st == DOM_OK)
		st = move_message(
		    call->txn, &asked->move, MOVE_MESSAGE_HANDOFF, call->arena, &handoff);
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	if ((why = receipt_fault(asked, &message, subject, &handoff)) != NULL)
		return move_refuse(asked, why);
	if (asked->move.state == WIRE_MOVE_SETTLED)
		return DOM_OK;
	st = move_message_keep(call->txn, &asked->move, MOVE_MESSAGE_ERASED, &message);
	move_enter(&asked->move, MOVE_SETTLE, call->now_ms);
	asked->move.open = false;
	if (st == DOM_OK)
		st = store_move_update(call->txn, &asked->move);
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
move_target_drop(const struct service *service, struct store_txn *txn, struct store_move *move,
    struct dom_arena *arena, const char *why)
{
	struct erasure_order order = {
	    .account = move->account, .requested_ms = dom_clock_now_ms(&service->clock)};
	struct wire_statement said;
	enum dom_status st = move_order(txn, move, arena, &said, order.request);

	if (st == DOM_OK)
		st = erasure_staged(txn, arena, &order);
	if (st == DOM_OK)
		st = move_message_forget(txn, move, MOVE_MESSAGE_CURSOR);
	if (st == DOM_OK)
		st = move_why_keep(txn, move, why);
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	move_enter(move, MOVE_DROP, order.requested_ms);
	/* Until it is gone and the source knows. */
	move->open = true;
	move->due_ms = 0;
	st = store_move_update(txn, move);
	return st > 0 ? DOM_ESTORE : st;
}

/* --- who lives here
 * ---------------------------------------------------------------------------- */

/* Of those that came from the region that asks; DOM_ABSENT: this one says nothing. */
static enum dom_status
home_of(struct move_asked *asked, const struct store_move *move, struct wire_peer_home *home_r)
{
	struct service_call *call = asked->call;
	struct wire_signed_move order;
	bool is_prepared = move->state == WIRE_MOVE_PREPARED;
	enum dom_status st;

	if (move->side != STORE_MOVE_TARGET || !dom_slice_equal(move->peer, asked->peer.from) ||
	    (!is_prepared && move->state != WIRE_MOVE_HOME && move->state != WIRE_MOVE_SETTLED))
		return DOM_ABSENT;
	*home_r =
	    (struct wire_peer_home){.number = (uint64_t)move->number, .prepared = is_prepared};
	memcpy(home_r->identity, move->identity, sizeof(home_r->identity));
	st = move_message(call->txn, move,
	    is_prepared ? MOVE_MESSAGE_PREPARE : MOVE_MESSAGE_HANDOFF, call->arena,
	    &home_r->message);
	if (st == DOM_OK)
		st = move_message(call->txn, move, MOVE_MESSAGE_ORDER, call->arena, &order);
	home_r->order = order.bytes;
	return st > 0 ? DOM_ESTORE : st;
}

/* Bytes that the answer has left after this one, of so many; 0: it is the last. */
static size_t
room_after(const struct wire_peer_home *home, size_t room, size_t count)
{
	size_t size = home->message.bytes.size + home->order.size;

	return count >= WIRE_PEER_HOMES_MAX || size >= room ? 0 : room - size;
}

/*
 * Also those that have moved on from here: whoever asks gave them away all the
 * same, and the epoch of the hand-off says when.
 */
enum dom_status
move_target_homes(struct move_asked *asked)
{
	struct service_call *call = asked->call;
	struct dom_reader in = dom_reader_over(asked->peer.body);
	uint64_t after = dom_read_u64(&in);
	struct wire_peer_home *homes =
	    dom_arena_array(call->arena, WIRE_PEER_HOMES_MAX, sizeof(*homes));
	struct dom_arena *page;
	struct store_move *rows;
	size_t count = 0, row_count = 0, room = HOMES_SIZE;
	enum dom_status st = DOM_OK;

	if (dom_reader_finish(&in) != DOM_OK || after > INT64_MAX)
		return move_refuse(
		    asked, "This is not a request that this release understands.");
	if (homes == NULL || (page = dom_arena_new(0)) == NULL)
		return DOM_ENOMEM;
	do {
		/* Of moves to and from others there may be millions. */
		dom_arena_reset(page);
		st = store_move_list(
		    call->txn, (int64_t)after, false, LIST_PAGE, page, &rows, &row_count);
		for (size_t i = 0; st == DOM_OK && i < row_count && room != 0; i++) {
			after = (uint64_t)rows[i].number;
			st = home_of(asked, &rows[i], &homes[count]);
			if (st == DOM_OK) {
				count++;
				room = room_after(&homes[count - 1], room, count);
			} else if (st == DOM_ABSENT) {
				st = DOM_OK;
			}
		}
	} while (st == DOM_OK && row_count != 0 && room != 0);
	dom_arena_free(&page);
	if (st == DOM_OK)
		wire_peer_homes_encode(&call->reply->body, room != 0, homes, count);
	return st;
}
