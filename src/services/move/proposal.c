/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What an operator asks, and what becomes of the answer. */
#include "services/move/proposal.h"

#include "services/move/parts.h"

static const char no_proposal[] = "This region's operator has not asked you to move.";

/* Of a plan that has not come to it: far beyond every plan. */
static const int64_t not_yet_ms = INT64_MAX;

static const char *
answer_word(int state)
{
	switch (state) {
	case STORE_PROPOSAL_REFUSED:
		return "refused";
	case STORE_PROPOSAL_AGREED:
		return "agreed";
	case STORE_PROPOSAL_RELEASED:
		return "released";
	default:
		return "none";
	}
}

enum dom_status
proposal_show(struct service_call *call)
{
	struct store_proposal row;
	enum dom_status st =
	    store_proposal_of(call->txn, call->account.number, call->arena, &row);

	if (st == DOM_ABSENT)
		return service_refuse(call, SERVICE_DOES_NOT_EXIST, no_proposal);
	if (st != DOM_OK)
		return st;
	wire_proposal_encode(
	    &call->reply->body, &(struct wire_proposal){.target = row.target,
	                            .told_ms = row.told_ms,
	                            .begins_ms = row.begins_ms,
	                            .grace_days = row.grace_days,
	                            .answer = dom_slice_of(answer_word(row.state))});
	return DOM_OK;
}

/* Is there an order that says yes?  One that has expired or failed says nothing any more. */
static enum dom_status
is_agreed(struct service_call *call, const struct store_proposal *row, bool *is_agreed_r)
{
	struct store_move move;
	enum dom_status st = DOM_OK;

	*is_agreed_r = false;
	if (row->state == STORE_PROPOSAL_AGREED || row->state == STORE_PROPOSAL_RELEASED) {
		st = store_move_find(
		    call->txn, row->move, STORE_MOVE_SOURCE, call->arena, &move);
		*is_agreed_r = st == DOM_OK && move.open;
	}
	return st < 0 ? st : DOM_OK;
}

enum dom_status
proposal_answer(struct service_call *call)
{
	struct store_proposal row;
	bool refuses, agreed;
	enum dom_status st = wire_proposal_answer_decode(call->request->body, &refuses);

	if (st != DOM_OK)
		return service_refuse_body(call, st, call->request->body, NULL);
	st = store_proposal_of(call->txn, call->account.number, call->arena, &row);
	if (st == DOM_ABSENT)
		return service_refuse(call, SERVICE_DOES_NOT_EXIST, no_proposal);
	if (st != DOM_OK || (st = is_agreed(call, &row, &agreed)) != DOM_OK)
		return st;
	if (agreed)
		return service_refuse(call, SERVICE_MOVE_REFUSED,
		    "You have signed an order for this move: cancel that, and nothing moves.");
	row.state = refuses ? STORE_PROPOSAL_REFUSED : STORE_PROPOSAL_ASKED;
	return store_proposal_update(call->txn, &row);
}

enum dom_status
proposal_take_order(struct service_call *call, struct store_move *move, struct dom_slice target)
{
	struct store_proposal row;
	enum dom_status st =
	    store_proposal_of(call->txn, call->account.number, call->arena, &row);

	/* An order of the person's own, or to somewhere else, does not wait for a plan. */
	if (st == DOM_ABSENT || (st == DOM_OK && (row.state == STORE_PROPOSAL_RELEASED ||
	                                             !dom_slice_equal(row.target, target))))
		return DOM_OK;
	if (st != DOM_OK)
		return st;
	row.state = STORE_PROPOSAL_AGREED;
	memcpy(row.move, move->id, sizeof(row.move));
	move->due_ms = not_yet_ms;
	return store_proposal_update(call->txn, &row);
}

enum dom_status
proposal_take_cancel(struct service_call *call, const struct store_move *move)
{
	struct store_proposal row;
	enum dom_status st =
	    store_proposal_of(call->txn, call->account.number, call->arena, &row);

	if (st != DOM_OK || row.state != STORE_PROPOSAL_AGREED ||
	    memcmp(row.move, move->id, sizeof(row.move)) != 0)
		return st == DOM_ABSENT ? DOM_OK : st;
	row.state = STORE_PROPOSAL_REFUSED;
	return store_proposal_update(call->txn, &row);
}

enum dom_status
proposal_tell(
    struct store_txn *txn, struct dom_arena *arena, const struct store_proposal *proposal)
{
	struct store_account account;
	struct store_move move;
	int64_t number;
	enum dom_status st;

	st = store_account_by_number(txn, proposal->account, arena, &account);
	if (st != DOM_OK)
		return st;
	if (account.state != STORE_ACCOUNT_HOME || !account.initialised)
		return DOM_ABSENT;
	if ((st = move_under_way(txn, account.number, arena, &move)) != DOM_ABSENT)
		return st == DOM_OK ? DOM_CONFLICT : st;
	return store_proposal_add(txn, proposal, &number);
}

enum dom_status
proposal_release(const struct service *service, struct store_txn *txn, struct dom_arena *arena,
    struct store_proposal *proposal)
{
	struct store_move move;
	enum dom_status st;

	st = store_move_find(txn, proposal->move, STORE_MOVE_SOURCE, arena, &move);
	if (st != DOM_OK)
		return st;
	if (move.open && move.due_ms == not_yet_ms) {
		move.due_ms = dom_clock_now_ms(&service->clock);
		if ((st = store_move_update(txn, &move)) != DOM_OK)
			return st;
	}
	proposal->state = STORE_PROPOSAL_RELEASED;
	return store_proposal_update(txn, proposal);
}
