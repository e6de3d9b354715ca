/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The copy that is left at the source goes, and its receipt is kept with the move. */
#include "services/erasure/erasure.h"
#include "services/move/answers_parts.h"

enum { ERASING_ROWS = 1000 };

static enum dom_status
begin_erasure(struct answers_work *work, struct store_txn *txn, struct store_move *move)
{
	struct dom_arena *arena = work->answers->arena;
	struct erasure_order order = {.scope = WIRE_SCOPE_SOURCE,
	    .account = move->account,
	    .requested_ms = answers_now(work->answers)};
	struct service_changes changes = {0};
	struct wire_signed_move kept;
	struct wire_statement statement;
	struct wire_move handoff;
	enum dom_status st;

	st = move_order(txn, move, arena, &statement, order.request);
	if (st == DOM_OK)
		st = move_message(txn, move, MOVE_MESSAGE_HANDOFF, arena, &kept);
	if (st == DOM_OK && wire_move_decode(kept.bytes, &handoff) != DOM_OK)
		st = DOM_EINTEGRITY;
	if (st != DOM_OK)
		return st > 0 ? DOM_EINTEGRITY : st;
	order.clock = handoff.clock;
	order.root = handoff.root;
	return erasure_source(txn, arena, &order, &changes);
}

static enum dom_status
run_erase(struct store_txn *txn, void *context)
{
	struct answers_work *work = context;
	struct store_move move;
	enum dom_status st = answers_reload(txn, work, &move);

	if (st == DOM_CONFLICT)
		return DOM_ESTOPPED;
	if (st == DOM_OK)
		st = begin_erasure(work, txn, &move);
	/* Begun already, for a move back, or by who follows the journal. */
	if (st == DOM_CONFLICT || st == DOM_ABSENT)
		st = DOM_OK;
	if (st != DOM_OK)
		return st;
	move_enter(&move, MOVE_ERASE, answers_now(work->answers));
	/* Until there is a receipt to tell of, see run_erased(). */
	move.due_ms = answers_now(work->answers) + MOVER_WAIT_MS_MAX;
	st = store_move_update(txn, &move);
	return st > 0 ? DOM_ESTORE : st;
}

/* The first that can go; one that cannot keeps nobody else's. */
static enum dom_status
erase_first(
    struct move_answers *answers, const struct store_move *rows, size_t count, int64_t time_ms)
{
	struct answers_work work = {.answers = answers};
	enum dom_status failure = DOM_ABSENT;

	for (size_t i = 0; i < count && rows[i].due_ms <= time_ms; i++) {
		enum dom_status st;

		work.move = &rows[i];
		st = answers_write(&work, run_erase);
		if (st == DOM_EFENCED)
			/* Somebody who is in one of its collections is being handed over. */
			answers_wait(answers, ANSWERS_AGAIN_MS);
		else if (st == DOM_EINTEGRITY)
			failure = st;
		else
			return st == DOM_ESTOPPED ? DOM_OK : st;
	}
	return failure;
}

enum dom_status
answers_step_lives(struct move_answers *answers, struct store_txn **txn)
{
	struct store_move *rows;
	int64_t time_ms;
	size_t count;
	enum dom_status st =
	    answers_list(answers, *txn, ANSWERS_STATE(WIRE_MOVE_LIVES), &rows, &count);

	if (st == DOM_OK)
		st = store_region_time(*txn, &time_ms);
	if (st != DOM_OK || count == 0)
		return st == DOM_OK ? DOM_ABSENT : st;
	if (rows[0].due_ms > time_ms) {
		/* The region's time goes on once a minute. */
		answers_wait(answers, rows[0].due_ms - time_ms < ANSWERS_AGAIN_MS
		                          ? ANSWERS_AGAIN_MS
		                          : rows[0].due_ms - time_ms);
		return DOM_ABSENT;
	}
	store_read_end(txn);
	return erase_first(answers, rows, count, time_ms);
}

static enum dom_status
run_erased(struct store_txn *txn, void *context)
{
	struct answers_work *work = context;
	struct store_move move;
	enum dom_status st = answers_reload(txn, work, &move);

	if (st == DOM_CONFLICT)
		return DOM_ESTOPPED;
	if (st == DOM_OK)
		st = move_message_keep(txn, &move, MOVE_MESSAGE_ERASED, &work->receipt);
	if (st != DOM_OK)
		return st;
	move.due_ms = answers_now(work->answers);
	st = store_move_update(txn, &move);
	return st > 0 ? DOM_ESTORE : st;
}

/* The receipt of its erasure, once there is one that is not kept yet; DOM_ABSENT. */
static enum dom_status
find_receipt(struct move_answers *answers, struct store_txn *txn, const struct store_move *move,
    struct wire_signed_move *receipt_r)
{
	uint8_t subject[WIRE_SUBJECT_SIZE];
	struct wire_statement order;
	struct erasure_end end;
	enum dom_status st;

	st = move_message(txn, move, MOVE_MESSAGE_ERASED, answers->arena, receipt_r);
	if (st != DOM_ABSENT)
		return st == DOM_OK ? DOM_ABSENT : st;
	answers_wait(answers, ANSWERS_AGAIN_MS);
	st = move_order(txn, move, answers->arena, &order, subject);
	if (st == DOM_OK)
		st = erasure_ended(txn, subject, answers->arena, &end);
	if (st == DOM_OK)
		*receipt_r = (struct wire_signed_move){end.receipt, end.signature};
	return st == DOM_CONFLICT ? DOM_ABSENT : st;
}

enum dom_status
answers_step_erasing(struct move_answers *answers, struct store_txn **txn)
{
	struct answers_work work = {.answers = answers};
	struct store_move *rows;
	size_t count;
	enum dom_status st = store_move_due(*txn, ANSWERS_STATE(WIRE_MOVE_ERASING), 0, 1,
	    ERASING_ROWS, answers->arena, &rows, &count);

	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		st = find_receipt(answers, *txn, &rows[i], &work.receipt);
		if (st == DOM_OK) {
			store_read_end(txn);
			work.move = &rows[i];
			st = answers_write(&work, run_erased);
			return st == DOM_ESTOPPED ? DOM_OK : st;
		}
		if (st == DOM_ABSENT)
			st = DOM_OK;
	}
	return st == DOM_OK ? DOM_ABSENT : st;
}
