/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a region that was restored asks all others: which accounts went from it to them? */
#include "base/bytes.h"

#include "services/move/parts.h"

enum {
	LIST_PAGE = 256,
	ANSWER_SIZE = 1 << 20, /* about */
};

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
	size_t count = 0, row_count = 0, room = ANSWER_SIZE;
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
