/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who waits: which of another region's reads, and writes until their account is not frozen. */
#include "services/move/parts.h"

/*
 * Signatures are not looked at: whoever asks in another's name is refused in a moment, and
 * need not wait for that.
 */
bool
service_may_wait(
    struct store_txn *txn, const struct service_request *request, struct dom_arena *arena)
{
	struct wire_peer_signed message;
	struct store_move move;
	struct wire_peer peer;

	if (wire_peer_signed_decode(request->body, &message) != DOM_OK ||
	    wire_peer_decode(message.request, &peer) != DOM_OK)
		return true;
	if (peer.op != WIRE_PEER_RECORDS && peer.op != WIRE_PEER_CHUNKS)
		return false;
	/* A person waits for the end of this, whatever it costs others. */
	return store_move_find(txn, peer.move, STORE_MOVE_SOURCE, arena, &move) != DOM_OK ||
	       move.state != WIRE_MOVE_FROZEN;
}

bool
service_hold_goes_on(
    struct store_txn *txn, const struct service_reply *reply, struct dom_arena *arena)
{
	struct store_account account;

	return reply->hold_account != 0 &&
	       store_account_by_number(txn, reply->hold_account, arena, &account) == DOM_OK &&
	       account.state == STORE_ACCOUNT_FROZEN;
}
