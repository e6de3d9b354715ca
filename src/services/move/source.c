/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the target of a move asks its source: to read the account, and how far the move is. */
#include "services/move/source.h"

#include "base/bytes.h"

#include "services/move/copy.h"
#include "services/move/served.h"

static enum dom_status
refuse_unknown(struct move_asked *asked)
{
	return move_refuse(asked, "This region knows no such move.");
}

/* The account, while it may be read by the target. */
static enum dom_status
open_account(struct move_asked *asked, struct store_account *account_r)
{
	enum dom_status st;

	if (!asked->known)
		return refuse_unknown(asked);
	if (asked->move.state != WIRE_MOVE_ORDERED &&
	    asked->move.state != WIRE_MOVE_EXPORTING && asked->move.state != WIRE_MOVE_FROZEN)
		return move_refuse(asked, "This account is not being copied: ask how far the"
		                          " move is.");
	st = store_account_by_number(
	    asked->call->txn, asked->move.account, asked->call->arena, account_r);
	if (st == DOM_OK && account_r->state != STORE_ACCOUNT_HOME &&
	    account_r->state != STORE_ACCOUNT_FROZEN)
		st = DOM_ABSENT;
	return st == DOM_ABSENT ? move_refuse(asked, "This account is not here any more.") : st;
}

enum dom_status
move_asked_cursor(struct move_asked *asked, struct copy_cursor *cursor_r)
{
	struct dom_slice text;

	if (wire_peer_string_decode(asked->peer.body, WIRE_PEER_CURSOR_SIZE_MAX, &text) !=
	        DOM_OK ||
	    copy_cursor_decode(text, cursor_r) != DOM_OK)
		return move_refuse(asked, "This is no cursor of this region.");
	return DOM_OK;
}

enum dom_status
move_page_read(struct move_asked *asked, const struct store_account *account,
    struct copy_cursor *cursor, struct move_page *page_r)
{
	enum dom_status st;

	*page_r = (struct move_page){0};
	st = copy_read(asked->call->txn, account, cursor, &page_r->records, &page_r->ended);
	if (st != DOM_OK)
		return st;
	copy_cursor_encode(&page_r->cursor, cursor);
	return dom_buffer_finish(&page_r->cursor);
}

void
move_page_free(struct move_page *page)
{
	dom_buffer_free(&page->cursor);
	dom_buffer_free(&page->records);
}

enum dom_status
move_source_records(struct move_asked *asked)
{
	struct service_call *call = asked->call;
	struct wire_peer_records records = {0};
	struct move_page page = {0};
	struct store_account account;
	struct store_usage usage;
	struct copy_cursor cursor;
	enum dom_status st;

	if ((st = move_asked_cursor(asked, &cursor)) != DOM_OK ||
	    (st = open_account(asked, &account)) != DOM_OK)
		return st;
	st = store_account_usage(call->txn, account.number, &usage);
	if (st == DOM_OK)
		st = move_page_read(asked, &account, &cursor, &page);
	if (st == DOM_OK) {
		records.clock = account.clock;
		records.bytes = usage.chunk_bytes;
		records.ended = page.ended;
		records.cursor = dom_buffer_slice(&page.cursor);
		records.records = dom_buffer_slice(&page.records);
		wire_peer_records_encode(&call->reply->body, &records);
	}
	move_page_free(&page);
	return st > 0 ? DOM_ESTORE : st;
}

/* One chunk as a string; an empty one: it is not there (any more). */
static enum dom_status
append_chunk(
    struct move_asked *asked, const struct wire_peer_chunk *chunk, struct dom_arena *page)
{
	struct service_call *call = asked->call;
	struct dom_buffer *body = &call->reply->body;
	struct store_collection collection;
	size_t begun = body->size;
	uint64_t size;
	enum dom_status st;

	st = store_collection_find(call->txn, chunk->collection_uid, page, &collection);
	if (st == DOM_OK && collection.owner != asked->move.account)
		st = DOM_ABSENT;
	if (st == DOM_OK)
		st = store_chunk_size(call->txn, collection.number, chunk->uid, &size);
	if (st == DOM_OK && size > UINT32_MAX)
		st = DOM_ELIMIT;
	if (st == DOM_OK) {
		dom_write_u32(body, (uint32_t)size);
		st = store_chunk_append(call->txn, collection.number, chunk->uid, page, body);
	}
	if (st == DOM_OK && body->size - begun != size + 4)
		st = DOM_EINTEGRITY;
	if (st != DOM_ABSENT)
		return st;
	dom_buffer_cut(body, begun);
	dom_write_string(body, dom_slice("", 0));
	return DOM_OK;
}

enum dom_status
move_source_chunks(struct move_asked *asked)
{
	struct dom_buffer *body = &asked->call->reply->body;
	struct wire_peer_chunk *chunks;
	struct store_account account;
	struct dom_arena *page;
	size_t count;
	enum dom_status st;

	st = wire_peer_chunks_decode(asked->peer.body, asked->call->arena, &chunks, &count);
	if (st == DOM_EINPUT)
		return move_refuse(asked, "This is no list of chunks.");
	if (st != DOM_OK || (st = open_account(asked, &account)) != DOM_OK)
		return st;
	if ((page = dom_arena_new(0)) == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; st == DOM_OK && i < count && body->size < WIRE_PEER_ANSWER_SIZE;
	     i++) {
		dom_arena_reset(page);
		st = append_chunk(asked, &chunks[i], page);
	}
	dom_arena_free(&page);
	if (st == DOM_OK)
		move_served_add(asked->call->service->served, asked->move.number, body->size);
	return st;
}

/* The end of the newest attempt that has ended. */
static enum dom_status
last_abort(struct move_asked *asked, struct wire_signed_move *abort_r)
{
	enum dom_status st = DOM_ABSENT;

	for (unsigned n = asked->move.attempts; st == DOM_ABSENT && n > 0; n--)
		st = move_message(asked->call->txn, &asked->move, MOVE_MESSAGE_ABORTS + (int)n,
		    asked->call->arena, abort_r);
	return st == DOM_ABSENT ? DOM_OK : st;
}

enum dom_status
move_source_status(struct move_asked *asked)
{
	struct wire_peer_status status = {0};
	struct store_txn *txn = asked->call->txn;
	struct dom_arena *arena = asked->call->arena;
	enum dom_status st;

	if (!asked->known)
		return refuse_unknown(asked);
	status.state = (enum wire_move_state)asked->move.state;
	st = move_message(txn, &asked->move, MOVE_MESSAGE_FREEZE, arena, &status.freeze);
	if (st >= 0)
		st = move_message(
		    txn, &asked->move, MOVE_MESSAGE_HANDOFF, arena, &status.handoff);
	if (st >= 0)
		st = last_abort(asked, &status.abort);
	if (st >= 0)
		wire_peer_status_encode(&asked->call->reply->body, &status);
	return st < 0 ? st : DOM_OK;
}

/* --- what the target says ---------------------------------------- */

/* The message in the body, of this kind and about this move; DOM_EDENIED. */
static enum dom_status
take_message(struct move_asked *asked, enum wire_move_kind kind,
    struct wire_signed_move *signed_r, struct wire_move *message_r)
{
	const char *why;

	if (!asked->known)
		return refuse_unknown(asked);
	if (wire_peer_message_decode(asked->peer.body, signed_r) != DOM_OK)
		return move_refuse(asked, "This is no message of a move.");
	if (move_open(asked->call->service, &asked->move, kind, signed_r, message_r, &why) !=
	    DOM_OK)
		return move_refuse(asked, why);
	return DOM_OK;
}

/* What the move cannot do in its state, told to a region whose message is well formed. */
static enum dom_status
refuse_state(struct move_asked *asked)
{
	return move_refuse(
	    asked, dom_arena_print(asked->call->arena,
	               "The move is %s here: this does not go with it. Ask how far it is.",
	               wire_move_state_name(asked->move.state)));
}

static bool
may(const struct move_asked *asked, enum move_event event)
{
	return move_next(STORE_MOVE_SOURCE, asked->move.state, event) != MOVE_REFUSED;
}

/* When the copy here may go without anybody's acknowledgement, in T. */
static enum dom_status
grace_end(struct move_asked *asked, int64_t *end_ms_r)
{
	uint8_t digest[WIRE_SUBJECT_SIZE];
	struct wire_statement order;
	enum dom_status st;

	st = move_order(asked->call->txn, &asked->move, asked->call->arena, &order, digest);
	if (st == DOM_OK)
		st = store_region_time(asked->call->txn, end_ms_r);
	if (st == DOM_OK)
		*end_ms_r += order.grace_days * (int64_t)MOVE_DAY_MS;
	return st;
}

enum dom_status
move_source_active(struct move_asked *asked)
{
	struct wire_signed_move active, handoff, ack;
	struct service_call *call = asked->call;
	struct wire_move message;
	bool is_first = asked->move.state == WIRE_MOVE_GONE;
	const char *why;
	enum dom_status st;

	if ((st = take_message(asked, WIRE_MOVE_ACTIVE, &active, &message)) != DOM_OK)
		return st;
	if (!may(asked, MOVE_ACTIVE))
		return refuse_state(asked);
	st = move_message(call->txn, &asked->move, MOVE_MESSAGE_HANDOFF, call->arena, &handoff);
	if (st != DOM_OK)
		return st > 0 ? DOM_EINTEGRITY : st;
	st = move_follows(&handoff, &message, &why);
	if (st == DOM_EINTEGRITY)
		return move_refuse(asked, why);
	if (st != DOM_OK || !is_first)
		return st;
	move_enter(&asked->move, MOVE_ACTIVE, call->now_ms);
	st = grace_end(asked, &asked->move.due_ms);
	if (st == DOM_OK)
		st = move_message(call->txn, &asked->move, MOVE_MESSAGE_ACK, call->arena, &ack);
	/* A device was faster than the region itself. */
	if (st == DOM_OK)
		asked->move.due_ms = 0;
	else if (st == DOM_ABSENT)
		st = DOM_OK;
	if (st == DOM_OK)
		st = move_message_keep(call->txn, &asked->move, MOVE_MESSAGE_ACTIVE, &active);
	if (st == DOM_OK)
		st = store_move_update(call->txn, &asked->move);
	if (st == DOM_OK)
		call->reply->wakes_mover = true;
	return st > 0 ? DOM_ESTORE : st;
}

/* The statement is the account's own, and says what the hand-off says. */
static const char *
ack_fault(const struct move_asked *asked, const struct wire_evidence_view *ack,
    const struct wire_evidence *order, const struct wire_move *handoff)
{
	const struct wire_statement *statement = &ack->statement;

	if (statement->kind != WIRE_MOVE_ACK || ack->receipt.kind != WIRE_RECEIPT_TAKEN)
		return "This is no acknowledgement of a move.";
	if (!dom_slice_equal(ack->parts.statement_public, order->statement_public) ||
	    memcmp(statement->account, asked->move.identity, sizeof(statement->account)) != 0)
		return "The acknowledgement is not signed by the account that has moved.";
	if (memcmp(statement->move, asked->move.id, sizeof(statement->move)) != 0 ||
	    !dom_slice_equal(statement->region, asked->move.peer))
		return "The acknowledgement is about another move.";
	if (statement->epoch != handoff->epoch ||
	    memcmp(statement->root, handoff->root, sizeof(statement->root)) != 0)
		return "The acknowledgement names another epoch or root than the hand-off.";
	return NULL;
}

static enum dom_status
check_ack(struct move_asked *asked, struct dom_slice evidence)
{
	struct service_call *call = asked->call;
	struct wire_signed_move order_kept, handoff_kept;
	struct wire_evidence_view ack;
	struct wire_evidence order;
	struct wire_move handoff;
	const char *why;
	enum dom_status st;

	st = wire_evidence_check(evidence,
	    dom_slice(asked->from->key, sizeof(asked->from->key)), call->arena, &ack, &why);
	if (st == DOM_EINPUT || st == DOM_EINTEGRITY)
		return move_refuse(asked, why);
	if (st == DOM_OK)
		st = move_message(
		    call->txn, &asked->move, MOVE_MESSAGE_ORDER, call->arena, &order_kept);
	if (st == DOM_OK)
		st = move_message(
		    call->txn, &asked->move, MOVE_MESSAGE_HANDOFF, call->arena, &handoff_kept);
	if (st == DOM_OK && (wire_evidence_decode(order_kept.bytes, &order) != DOM_OK ||
	                        wire_move_decode(handoff_kept.bytes, &handoff) != DOM_OK))
		st = DOM_EINTEGRITY;
	if (st != DOM_OK)
		return st > 0 ? DOM_EINTEGRITY : st;
	why = ack_fault(asked, &ack, &order, &handoff);
	return why == NULL ? DOM_OK : move_refuse(asked, why);
}

enum dom_status
move_source_ack(struct move_asked *asked)
{
	struct service_call *call = asked->call;
	struct wire_signed_move kept;
	struct dom_slice evidence;
	enum dom_status st;

	if (!asked->known)
		return refuse_unknown(asked);
	if (wire_peer_string_decode(asked->peer.body, WIRE_EVIDENCE_SIZE_MAX, &evidence) !=
	    DOM_OK)
		return move_refuse(asked, "This is no acknowledgement.");
	if (!may(asked, MOVE_ACK))
		return refuse_state(asked);
	if ((st = check_ack(asked, evidence)) != DOM_OK)
		return st;
	/* The first one counts. */
	st = move_message(call->txn, &asked->move, MOVE_MESSAGE_ACK, call->arena, &kept);
	if (st != DOM_ABSENT)
		return st;
	st = move_message_keep(call->txn, &asked->move, MOVE_MESSAGE_ACK,
	    &(struct wire_signed_move){.bytes = evidence});
	if (st == DOM_OK && asked->move.state == WIRE_MOVE_LIVES) {
		asked->move.due_ms = 0;
		st = store_move_update(call->txn, &asked->move);
	}
	if (st == DOM_OK)
		call->reply->wakes_mover = true;
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
move_source_discard(struct move_asked *asked)
{
	struct service_call *call = asked->call;
	uint8_t digest[WIRE_SUBJECT_SIZE];
	struct wire_signed_move discard;
	struct wire_statement order;
	struct wire_move message;
	enum dom_status st;

	if ((st = take_message(asked, WIRE_MOVE_DISCARD, &discard, &message)) != DOM_OK)
		return st;
	if (!may(asked, MOVE_DISCARD))
		return refuse_state(asked);
	st = move_order(call->txn, &asked->move, call->arena, &order, digest);
	if (st != DOM_OK)
		return st;
	if (memcmp(message.answers, digest, sizeof(message.answers)) != 0)
		return move_refuse(asked, "The message answers another order.");
	st = move_message_keep(call->txn, &asked->move, MOVE_MESSAGE_DISCARD, &discard);
	if (st == DOM_OK && asked->move.state != WIRE_MOVE_CANCELLED) {
		st = move_source_end(call->service, call->txn, call->arena, &asked->move,
		    MOVE_DISCARD,
		    "The other region has dropped what it had copied: the account stays here.");
		call->reply->wakes_mover = true;
	}
	return st > 0 ? DOM_ESTORE : st;
}
