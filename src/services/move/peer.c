/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Another region asks: who it is, and which of the two sides answers. */
#include "services/move/guard.h"
#include "services/move/parts.h"

enum { GUARD_RETRY_SECONDS = 2 };

static const struct entry {
	bool is_change;
	int side; /* whose move it is about; -1: none */
	move_operation *run;
} entries[] = {
    [WIRE_PEER_OFFER] = {true, STORE_MOVE_TARGET, move_target_offer},
    [WIRE_PEER_RECORDS] = {false, STORE_MOVE_SOURCE, move_source_records},
    [WIRE_PEER_CHUNKS] = {false, STORE_MOVE_SOURCE, move_source_chunks},
    [WIRE_PEER_FREEZE] = {true, STORE_MOVE_SOURCE, move_source_freeze},
    [WIRE_PEER_STATUS] = {false, STORE_MOVE_SOURCE, move_source_status},
    [WIRE_PEER_SWITCH] = {true, STORE_MOVE_SOURCE, move_source_switch},
    [WIRE_PEER_ACTIVE] = {true, STORE_MOVE_SOURCE, move_source_active},
    [WIRE_PEER_ACK] = {true, STORE_MOVE_SOURCE, move_source_ack},
    [WIRE_PEER_DISCARD] = {true, STORE_MOVE_SOURCE, move_source_discard},
    [WIRE_PEER_ERASED] = {true, STORE_MOVE_TARGET, move_target_erased},
    [WIRE_PEER_HOMES] = {false, -1, move_target_homes},
};

enum dom_status
move_refuse(struct move_asked *asked, const char *detail)
{
	return service_refuse(asked->call, SERVICE_PEER_REFUSED, detail);
}

enum dom_status
move_refuse_yet(struct move_asked *asked, const char *detail, unsigned retry_after_seconds)
{
	enum dom_status st = service_refuse(asked->call, SERVICE_UNAVAILABLE, detail);

	if (st == DOM_EDENIED)
		asked->call->reply->retry_after_seconds = retry_after_seconds;
	return st;
}

/* An operator can mend that, so it is no answer to what was asked. */
static enum dom_status
distrust(struct move_asked *asked, const char *detail)
{
	return service_refuse(asked->call, SERVICE_PEER_UNTRUSTED, detail);
}

/* Nothing of the request is believed before this. */
static enum dom_status
authenticate(struct move_asked *asked)
{
	struct service_call *call = asked->call;
	struct wire_peer_signed message;
	int64_t off_ms;

	if (call->service->settings.group == NULL)
		return distrust(asked, "This region belongs to no group of regions: accounts"
		                       " neither come to it nor leave it.");
	if (wire_peer_signed_decode(call->request->body, &message) != DOM_OK ||
	    wire_peer_decode(message.request, &asked->peer) != DOM_OK)
		return move_refuse(
		    asked, "This is not a request that this release understands.");
	if (!dom_slice_is(asked->peer.to, call->service->settings.region))
		return move_refuse(asked, "The request is for another region than this one.");
	asked->from = move_peer_region(call->service, asked->peer.from);
	if (asked->from == NULL)
		return distrust(
		    asked, "The region that asks does not belong to this region's group.");
	if (!dom_verify(dom_slice(asked->from->key, sizeof(asked->from->key)), message.request,
	        message.signature))
		return distrust(
		    asked, "The request is not signed by the region that it names.");
	off_ms = asked->peer.at_ms > call->now_ms ? asked->peer.at_ms - call->now_ms
	                                          : call->now_ms - asked->peer.at_ms;
	if (off_ms > WIRE_PEER_SKEW_MS)
		return distrust(asked, "The clocks of the two regions are more than a day"
		                       " apart: an operator has to look.");
	return DOM_OK;
}

/* A region learns nothing about moves that are not its own. */
static enum dom_status
find(struct move_asked *asked, int side)
{
	enum dom_status st;

	if (side < 0)
		return DOM_OK;
	st = store_move_find(
	    asked->call->txn, asked->peer.move, side, asked->call->arena, &asked->move);
	asked->known = st == DOM_OK && dom_slice_equal(asked->move.peer, asked->peer.from);
	if (st == DOM_OK && !asked->known)
		return move_refuse(asked, "This move is between other regions.");
	return st == DOM_ABSENT ? DOM_OK : st;
}

static enum dom_status
run(struct move_asked *asked, bool is_change)
{
	const struct entry *entry = &entries[asked->peer.op];
	enum dom_status st;

	if (entry->is_change != is_change)
		return move_refuse(asked, is_change
		                              ? "This is only read: ask at peer/."
		                              : "This changes something: ask at peer/change/.");
	if (entry->run == NULL)
		return move_refuse(asked, "This release does not do that yet.");
	/* What two regions that wait for each other have to be able to ask. */
	if (asked->peer.op != WIRE_PEER_HOMES &&
	    move_guard_is_closed(asked->call->service->guard))
		return move_refuse_yet(asked,
		    "This region has just started and asks the others which accounts live "
		    "there.",
		    GUARD_RETRY_SECONDS);
	asked->call->reply->body_is_raw = true;
	st = find(asked, entry->side);
	return st == DOM_OK ? entry->run(asked) : st;
}

static enum dom_status
answer(struct service_call *call, bool is_change)
{
	struct move_asked asked = {.call = call};
	enum dom_status st;

	if ((st = authenticate(&asked)) != DOM_OK)
		return st;
	st = run(&asked, is_change);
	/* Refusing begins the reply anew. */
	call->reply->from_region = true;
	return st;
}

enum dom_status
move_peer_read(struct service_call *call)
{
	return answer(call, false);
}

enum dom_status
move_peer_change(struct service_call *call)
{
	return answer(call, true);
}
