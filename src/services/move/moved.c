/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What people are told while their account is handed over, and once it lives elsewhere. */
#include "services/move/parts.h"

enum { MOVES_LOOKED_AT = 16 };

bool
move_is_given_away(const struct store_move *move)
{
	return move->side == STORE_MOVE_SOURCE && move->state >= WIRE_MOVE_GONE &&
	       move->state <= WIRE_MOVE_ERASED;
}

/* Where the account of this move lives now. */
static enum dom_status
refuse_moved(struct service_call *call, const struct store_move *move)
{
	const struct wire_group_region *region = move_peer_region(call->service, move->peer);
	struct wire_moved *moved = dom_arena_take(call->arena, sizeof(*moved));
	struct wire_signed_move handoff;
	const char *detail;
	enum dom_status st;

	st = move_message(call->txn, move, MOVE_MESSAGE_HANDOFF, call->arena, &handoff);
	if (st < 0)
		return st;
	if (moved == NULL)
		return DOM_ENOMEM;
	*moved = (struct wire_moved){.handoff = handoff, .region = move->peer};
	moved->address = region == NULL ? dom_slice("", 0) : region->addresses[0];
	detail = dom_arena_print(call->arena,
	    "This account lives in region %.*s now%s%.*s%s. Sign in there; nothing was stored"
	    " here.",
	    (int)move->peer.size, (const char *)move->peer.data,
	    moved->address.size == 0 ? "" : " (", (int)moved->address.size,
	    moved->address.size == 0 ? "" : (const char *)moved->address.data,
	    moved->address.size == 0 ? "" : ")");
	st = service_refuse(call, SERVICE_ACCOUNT_MOVED, detail);
	if (st == DOM_EDENIED) {
		moved->detail = dom_slice_of(detail);
		call->reply->moved = moved;
	}
	return st;
}

enum dom_status
move_refuse_gone(struct service_call *call, int64_t account)
{
	struct store_move *rows;
	size_t count;
	enum dom_status st;

	st = store_moves_of(call->txn, account, MOVES_LOOKED_AT, call->arena, &rows, &count);
	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		if (move_is_given_away(&rows[i]))
			return refuse_moved(call, &rows[i]);
	}
	/* The row is written in the job that gives an account away. */
	return st == DOM_OK ? DOM_EINTEGRITY : st;
}

enum dom_status
move_refuse_name(struct service_call *call, struct dom_slice folded)
{
	struct store_move *rows;
	size_t count;
	enum dom_status st;

	st =
	    store_moves_by_name(call->txn, folded, MOVES_LOOKED_AT, call->arena, &rows, &count);
	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		if (move_is_given_away(&rows[i]))
			return refuse_moved(call, &rows[i]);
		/* It came back after that, and went in another way. */
		if (rows[i].state == WIRE_MOVE_HOME || rows[i].state == WIRE_MOVE_SETTLED)
			break;
	}
	return st == DOM_OK ? DOM_ABSENT : st;
}

enum dom_status
move_refuse_fenced(struct service_call *call)
{
	int64_t number = store_txn_fenced(call->txn);
	bool from_region = call->reply->from_region;
	struct store_account account;
	enum dom_status st;

	st = store_account_by_number(call->txn, number, call->arena, &account);
	if (st < 0)
		return st;
	if (st == DOM_OK && account.state == STORE_ACCOUNT_FROZEN) {
		st = service_refuse(call, SERVICE_ACCOUNT_FROZEN,
		    number == call->account.number
		        ? "Your account is being handed over to another region. Nothing was"
		          " stored; please try again in a moment."
		        : "An account that this is about is being handed over to another "
		          "region."
		          " Nothing was stored; please try again in a moment.");
		call->reply->from_region = from_region;
		call->reply->hold_ms = SERVICE_HOLD_WRITE_MS;
		call->reply->hold_account = number;
		call->reply->retry_after_seconds = 1;
		return st;
	}
	if (st == DOM_OK && account.state == STORE_ACCOUNT_GONE &&
	    number == call->account.number)
		return move_refuse_gone(call, number);
	return service_refuse(call, SERVICE_DOES_NOT_EXIST,
	    "There is no such account here (any more): nothing was stored.");
}
