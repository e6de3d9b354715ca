/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Whether an account may come here, and the copy that is begun: see DESIGN.md beside this file.
 */
#include "services/account/account.h"
#include "services/move/parts.h"
#include "store/fault.h"

static const char still_here[] = "This region still has a copy of the account from when it "
                                 "lived here, which is erased first.";

enum {
	/* That the disk has beside what comes: others write, too. */
	ROOM_SPARE_BYTES = 64 << 20,
	/*
	 * Copies that are being made, of all sources together and of one; the others are
	 * offered again.
	 */
	COPIES_MAX = 256,
	COPIES_OF_ONE_MAX = 128,
	COPIES_AGAIN_SECONDS = 10,
};

/* --- is there room --------------------------------------------------------- */

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

/* --- the offer ------------------------------------------------------------- */

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
