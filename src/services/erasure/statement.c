/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Requests: a statement that withdraws or erases, and what became of it. */
#include "base/encode.h"

#include "services/erasure/erasure.h"

enum { LIST_ROWS_MAX = 1000 };

static enum dom_status
clear_consent(struct service_call *call, struct dom_slice service)
{
	enum dom_status st = store_consent_clear(call->txn, call->account.number, service);

	/* Withdrawing what is off is no error: it is off now. */
	return st == DOM_ABSENT ? DOM_OK : st;
}

enum dom_status
erasure_statement(struct service_call *call, const struct wire_statement *statement,
    const uint8_t request[STORE_REQUEST_SIZE], uint64_t clock)
{
	struct erasure_order order = {.scope = ERASURE_SCOPE_KEEP,
	    .account = call->account.number,
	    .service = statement->service,
	    .requested_ms = call->now_ms,
	    .clock = clock};
	struct service_changes *changes;
	enum dom_status st = DOM_OK;

	if (statement->kind == WIRE_ERASURE) {
		order.scope = (int)statement->scope;
		order.collection_uid = statement->collection_uid;
		order.item_uid = statement->item_uid;
	} else {
		order.scope = statement->erase ? WIRE_SCOPE_SERVICE : ERASURE_SCOPE_KEEP;
		st = clear_consent(call, statement->service);
	}
	if (st != DOM_OK)
		return st;
	if ((changes = dom_arena_take(call->arena, sizeof(*changes))) == NULL)
		return DOM_ENOMEM;
	memcpy(order.request, request, sizeof(order.request));
	st = erasure_begin(call->txn, call->arena, &order, changes);
	if (st == DOM_ABSENT)
		return service_refuse(call, SERVICE_DOES_NOT_EXIST,
		    "There is no such item in a collection that you own: nothing was erased.");
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	call->reply->changes = changes;
	call->reply->wakes_keeper = true;
	return DOM_OK;
}

/* --- how far it is ------------------------------------------------------------------ */

static enum wire_erasure_state
state_of(const struct store_erasure *row)
{
	switch (row->state) {
	case STORE_ERASURE_WAITING:
	case STORE_ERASURE_NOTED:
		return WIRE_ERASURE_WAITING;
	case STORE_ERASURE_ERASING:
		return WIRE_ERASURE_ERASING;
	case STORE_ERASURE_SETTLING:
		return WIRE_ERASURE_SETTLING;
	default:
		return WIRE_ERASURE_ERASED;
	}
}

static struct dom_slice
text_or_none(struct dom_slice text)
{
	return text.size == 0 ? dom_slice(NULL, 0) : text;
}

static struct wire_erasure
show(const struct store_erasure *row)
{
	return (struct wire_erasure){
	    .request = dom_slice(row->request, sizeof(row->request)),
	    .scope = (enum wire_scope)row->scope,
	    .state = state_of(row),
	    .sum = {.collections = row->sum.collections,
	        .items = row->sum.items,
	        .revisions = row->sum.revisions,
	        .chunks = row->sum.chunks,
	        .bytes = row->sum.bytes},
	    .requested_ms = row->requested_ms,
	    .service = text_or_none(row->service),
	    .collection_uid = text_or_none(row->collection_uid),
	    .item_uid = text_or_none(row->item_uid),
	    .receipt = text_or_none(row->receipt),
	    .signature = text_or_none(row->receipt_signature),
	};
}

/* What nobody asked for, or what erases nothing, is no erasure to them. */
static bool
is_shown(const struct store_erasure *row)
{
	return row->scope != ERASURE_SCOPE_KEEP && row->scope != ERASURE_SCOPE_STAGED;
}

/*
 * Whoever knows the number may ask: after the account's erasure nobody can log
 * in any more.  It is a digest of a signed statement with a random nonce, so it
 * cannot be guessed, and what is not known, or no number, answers the same.
 */
enum dom_status
erasure_get(struct service_call *call)
{
	static const char unknown[] = "There is no erasure of this number.";
	uint8_t request[STORE_REQUEST_SIZE];
	struct store_erasure row;
	struct wire_erasure erasure;
	size_t size;
	enum dom_status st = DOM_ABSENT;

	if (call->request->erasure.size == 2 * sizeof(request) &&
	    dom_hex_decode(call->request->erasure, request, sizeof(request), &size) == DOM_OK)
		st = store_erasure_find(call->txn, request, call->arena, &row);
	if (st == DOM_ABSENT || (st == DOM_OK && !is_shown(&row)))
		return service_refuse(call, SERVICE_DOES_NOT_EXIST, unknown);
	if (st != DOM_OK)
		return st;
	erasure = show(&row);
	/* What was in it is for who owns it: erasure_list(). */
	erasure.service = erasure.collection_uid = erasure.item_uid = dom_slice(NULL, 0);
	wire_erasure_encode(&call->reply->body, &erasure);
	return DOM_OK;
}

enum dom_status
erasure_list(struct service_call *call)
{
	struct store_erasure *rows;
	struct wire_erasure *erasures;
	size_t count, shown = 0;
	enum dom_status st;

	st = store_erasure_list(
	    call->txn, call->account.number, 0, LIST_ROWS_MAX, call->arena, &rows, &count);
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	if ((erasures = dom_arena_array(call->arena, count + 1, sizeof(*erasures))) == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (is_shown(&rows[i]))
			erasures[shown++] = show(&rows[i]);
	}
	wire_erasures_encode(&call->reply->body, erasures, shown);
	return DOM_OK;
}
