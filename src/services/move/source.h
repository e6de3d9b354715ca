/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_MOVE_SOURCE_H
#define SERVICES_MOVE_SOURCE_H

#include "services/move/copy.h"
#include "services/move/parts.h"

/* The side that an account moves away from: see DESIGN.md beside this file. */

/* --- statements (order.c), within consent_statement_add() -------- */

/*
 * May this statement about a move be taken, from this account, now?  DOM_EDENIED: the reply
 * says why not.
 */
DOM_MUST_CHECK enum dom_status move_statement_check(
    struct service_call *call, const struct wire_statement *statement);
/*
 * Before it is kept: one that cancels a move, or that erases something, ends the move that is
 * under way, so that the account is at home again and takes it.
 */
DOM_MUST_CHECK enum dom_status move_statement_before(
    struct service_call *call, const struct wire_statement *statement);
/* After it is kept: row is what was kept, subject its digest. */
DOM_MUST_CHECK enum dom_status move_statement_after(struct service_call *call,
    const struct wire_statement *statement, const struct store_statement *row,
    const uint8_t subject[WIRE_SUBJECT_SIZE]);

/* --- the plan (plan.c) ------------------------------------------- */

/* All but how many items and chunks there are; why is constant, empty: it may be ordered. */
DOM_MUST_CHECK enum dom_status move_plan_make(
    struct service_call *call, struct dom_slice target, struct wire_move_plan *plan_r);
/* Is something of the account being erased, now? */
DOM_MUST_CHECK enum dom_status move_erasure_open(
    struct store_txn *txn, int64_t account, struct dom_arena *arena, bool *open_r);

/* --- ending (end.c) ---------------------------------------------- */

/*
 * MOVE_ABORT, or MOVE_GIVEN_UP, MOVE_CANCEL or MOVE_DISCARD happens, in a job: an account that
 * is frozen is at home again, and the attempt's abort is signed and kept.  After an abort the
 * next attempt is due a while later; after the last one the move is given up.  The row is
 * written.
 *   why    a sentence for the person
 */
DOM_MUST_CHECK enum dom_status move_source_end(const struct service *service,
    struct store_txn *txn, struct dom_arena *arena, struct store_move *move,
    enum move_event event, const char *why);
/* What is kept of the end of this attempt; DOM_ABSENT: it has none. */
DOM_MUST_CHECK enum dom_status move_abort_of(struct store_txn *txn,
    const struct store_move *move, const uint8_t attempt[WIRE_MOVE_ID_SIZE],
    struct dom_arena *arena, struct wire_signed_move *abort_r);
/*
 * Whoever erases something of an account ends its move first, if one is under way and not over
 * yet.  In the job that erases.
 */
DOM_MUST_CHECK enum dom_status move_end_for_erasure(const struct service *service,
    struct store_txn *txn, int64_t account, struct dom_arena *arena);

/* --- sharing (unshare.c) ----------------------------------------- */

/*
 * Nobody else is in the account's collections any more, it is in nobody's, and no invitation is
 * from it or for it; each with the note that share/ would leave.  In a job.
 */
DOM_MUST_CHECK enum dom_status move_unshare(struct store_txn *txn, int64_t account,
    struct dom_arena *arena, struct service_changes *changes);

/* --- reading the account (source.c) ------------------------------ */

/* One answer's worth of the account's records. */
struct move_page {
	struct dom_buffer cursor, records; /* cursor: where the next page begins */
	bool ended;                        /* there is none */
};

/* The cursor that comes with a request; DOM_EDENIED: it is none, which was said. */
DOM_MUST_CHECK enum dom_status move_asked_cursor(
    struct move_asked *asked, struct copy_cursor *cursor_r);
/* From the cursor on.  Of a failure move_page_free() takes what there is. */
DOM_MUST_CHECK enum dom_status move_page_read(struct move_asked *asked,
    const struct store_account *account, struct copy_cursor *cursor, struct move_page *page_r);
void move_page_free(struct move_page *page);

/* --- freezing (answers.c) ---------------------------------------- */

/* Sign what the account is, in a job: keeps the freeze.  DOM_CONFLICT: it is not frozen any
 * more. */
DOM_MUST_CHECK enum dom_status move_freeze_sign(const struct service *service,
    struct store_txn *txn, struct dom_arena *arena, const struct store_move *move,
    uint64_t clock, const uint8_t root[WIRE_ROOT_SIZE], const struct wire_erased *sum);

#endif
