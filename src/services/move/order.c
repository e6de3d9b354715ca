/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a person signs about moving: the order, that it is cancelled, what was found there. */
#include "services/consent/consent.h"
#include "services/move/proposal.h"
#include "services/move/source.h"
#include "store/fault.h"

/* Refused with nothing changed. */
static enum dom_status
refuse(struct service_call *call, const char *detail)
{
	return service_refuse(call, SERVICE_MOVE_REFUSED, detail);
}

static enum dom_status
check_order(struct service_call *call, const struct wire_statement *order)
{
	struct wire_move_plan plan;
	enum dom_status st;

	if ((st = move_plan_make(call, order->target, &plan)) != DOM_OK)
		return st;
	if (plan.why.size != 0)
		return refuse(call, (const char *)plan.why.data);
	if (order->epoch != plan.epoch)
		return refuse(call,
		    dom_arena_print(call->arena,
		        "The order was made for epoch %llu of the account, which lives in epoch"
		        " %llu: look again and order anew. Nothing was changed.",
		        (unsigned long long)order->epoch, (unsigned long long)plan.epoch));
	if (order->grace_days < plan.grace_min_days || order->grace_days > plan.grace_max_days)
		return refuse(call,
		    dom_arena_print(call->arena,
		        "The days of grace must be %llu to %llu between these regions. Nothing"
		        " was changed.",
		        (unsigned long long)plan.grace_min_days,
		        (unsigned long long)plan.grace_max_days));
	if (order->expires_ms <= call->now_ms ||
	    order->expires_ms > call->now_ms + MOVE_ORDER_DAYS_MAX * (int64_t)MOVE_DAY_MS +
	                            CONSENT_ISSUED_SKEW_MS)
		return refuse(call,
		    "An order expires at most 120 days from now, and not before now: check the"
		    " device's clock. Nothing was changed.");
	if (!order->leave_shared && plan.shared + plan.memberships != 0)
		return refuse(call,
		    "The account shares collections with people who stay here, and the order"
		    " does not say that it leaves them. Nothing was changed.");
	return DOM_OK;
}

/* Only a move that is this account's, and that it can still be taken back. */
static enum dom_status
check_cancel(struct service_call *call, const struct wire_statement *cancel)
{
	struct store_move move;
	enum dom_status st;

	st = store_move_find(call->txn, cancel->move, STORE_MOVE_SOURCE, call->arena, &move);
	if (st < 0)
		return st;
	if (st == DOM_ABSENT || move.account != call->account.number)
		return refuse(call, "There is no such move of this account.");
	if (move.state == WIRE_MOVE_CANCELLED)
		return refuse(call, "This move is cancelled already: the account stays here.");
	if (move_next(STORE_MOVE_SOURCE, move.state, MOVE_CANCEL) == MOVE_REFUSED)
		return refuse(call, "This move is done: to come back, move the account back.");
	return DOM_OK;
}

/* At the target: about the hand-off that made this region home. */
static enum dom_status
check_ack(struct service_call *call, const struct wire_statement *ack)
{
	struct wire_signed_move kept;
	struct wire_move handoff;
	struct store_move move;
	enum dom_status st;

	st = store_move_find(call->txn, ack->move, STORE_MOVE_TARGET, call->arena, &move);
	if (st < 0)
		return st;
	if (st == DOM_ABSENT || move.account != call->account.number ||
	    (move.state != WIRE_MOVE_HOME && move.state != WIRE_MOVE_SETTLED))
		return refuse(call, "There is no such move that brought this account here.");
	st = move_message(call->txn, &move, MOVE_MESSAGE_HANDOFF, call->arena, &kept);
	if (st != DOM_OK || wire_move_decode(kept.bytes, &handoff) != DOM_OK)
		return st < 0 ? st : DOM_EINTEGRITY;
	if (ack->epoch != handoff.epoch ||
	    memcmp(ack->root, handoff.root, sizeof(ack->root)) != 0)
		return refuse(call, "The acknowledgement names another epoch or another root"
		                    " than the hand-off: something is not as it was.");
	return DOM_OK;
}

enum dom_status
move_statement_check(struct service_call *call, const struct wire_statement *statement)
{
	switch (statement->kind) {
	case WIRE_MOVE_ORDER:
		return check_order(call, statement);
	case WIRE_MOVE_CANCEL:
		return check_cancel(call, statement);
	case WIRE_MOVE_ACK:
		return check_ack(call, statement);
	default:
		return DOM_OK;
	}
}

static bool
erases(const struct wire_statement *statement)
{
	return statement->kind == WIRE_ERASURE ||
	       (statement->kind == WIRE_WITHDRAWAL && statement->erase);
}

enum dom_status
move_statement_before(struct service_call *call, const struct wire_statement *statement)
{
	struct store_move move;
	enum dom_status st;

	if (erases(statement))
		st = move_end_for_erasure(
		    call->service, call->txn, call->account.number, call->arena);
	else if (statement->kind == WIRE_MOVE_CANCEL) {
		st = store_move_find(
		    call->txn, statement->move, STORE_MOVE_SOURCE, call->arena, &move);
		if (st == DOM_OK)
			st = move_source_end(call->service, call->txn, call->arena, &move,
			    MOVE_CANCEL, "You cancelled it: the account stays here.");
		if (st == DOM_OK)
			st = proposal_take_cancel(call, &move);
	} else {
		return DOM_OK;
	}
	if (st == DOM_OK)
		call->reply->wakes_mover = true;
	return st > 0 ? DOM_ESTORE : st;
}

/* What anybody can check: the statement with our receipt for it. */
static enum dom_status
keep_evidence(struct service_call *call, const struct store_move *move, int kind,
    const struct store_statement *row)
{
	struct dom_buffer bytes = {0};
	enum dom_status st;

	wire_evidence_encode(
	    &bytes, &(struct wire_evidence){.statement_public = call->account.statement_public,
	                .statement = row->bytes,
	                .signature = row->signature,
	                .receipt = row->receipt,
	                .receipt_signature = row->receipt_signature});
	if ((st = dom_buffer_finish(&bytes)) == DOM_OK)
		st = move_message_keep(call->txn, move, kind,
		    &(struct wire_signed_move){.bytes = dom_buffer_slice(&bytes)});
	dom_buffer_free(&bytes);
	return st;
}

static enum dom_status
begin(struct service_call *call, const struct wire_statement *order,
    const struct store_statement *row, const uint8_t subject[WIRE_SUBJECT_SIZE])
{
	struct store_account account = call->account;
	struct store_move move = {.side = STORE_MOVE_SOURCE,
	    .state = WIRE_MOVE_ORDERED,
	    .open = true,
	    .account = account.number,
	    .peer = order->target,
	    .epoch = order->epoch,
	    .started_ms = call->now_ms,
	    .changed_ms = call->now_ms,
	    .due_ms = call->now_ms};
	struct store_usage usage;
	enum dom_status st;

	memcpy(move.id, subject, sizeof(move.id));
	memcpy(move.identity, order->account, sizeof(move.identity));
	st = store_account_names(call->txn, call->arena, &account);
	if (st == DOM_OK)
		st = store_account_usage(call->txn, account.number, &usage);
	if (st == DOM_OK) {
		move.name = account.name;
		move.bytes_total = usage.chunk_bytes;
		st = proposal_take_order(call, &move, order->target);
	}
	if (st == DOM_OK) {
		store_fault(wire_move_state_name(move.state));
		st = store_move_add(call->txn, &move, &move.number);
	}
	if (st == DOM_OK)
		st = keep_evidence(call, &move, MOVE_MESSAGE_ORDER, row);
	return st;
}

static enum dom_status
keep_ack(struct service_call *call, const struct wire_statement *ack,
    const struct store_statement *row)
{
	struct store_move move;
	enum dom_status st =
	    store_move_find(call->txn, ack->move, STORE_MOVE_TARGET, call->arena, &move);

	if (st != DOM_OK || (st = keep_evidence(call, &move, MOVE_MESSAGE_ACK, row)) != DOM_OK)
		return st;
	/* The source waits for it. */
	move.due_ms = call->now_ms;
	return store_move_update(call->txn, &move);
}

enum dom_status
move_statement_after(struct service_call *call, const struct wire_statement *statement,
    const struct store_statement *row, const uint8_t subject[WIRE_SUBJECT_SIZE])
{
	enum dom_status st = DOM_OK;

	if (statement->kind == WIRE_MOVE_ORDER)
		st = begin(call, statement, row, subject);
	else if (statement->kind == WIRE_MOVE_ACK)
		st = keep_ack(call, statement, row);
	if (st == DOM_OK)
		call->reply->wakes_mover = true;
	return st > 0 ? DOM_ESTORE : st;
}
