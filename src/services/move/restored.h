/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_MOVE_RESTORED_H
#define SERVICES_MOVE_RESTORED_H

#include "store/move.h"

/*
 * What a store that was made out of a backup holds of moves, when the journal of
 * erasures says what happened to their accounts since; see services/erasure/replay.c.
 * In its job, before anybody is served.
 */

/*
 * The account's owner erased it, or a part of it, here and after the backup: so it was at home
 * here once more, and whatever move the backup shows is over.  FROZEN becomes HOME, and with
 * `whole` every state does; open moves are closed.
 */
DOM_MUST_CHECK enum dom_status move_restored_over(
    struct store_txn *txn, struct store_account *account, bool whole, struct dom_arena *arena);

/*
 * What was left here of the account after it moved away was erased: it becomes GONE in
 * this epoch, and its move, the first bytes of whose order's subject are known, is one whose
 * copy is going (or a new one, that only tells who asks for the name).
 *
 *   DOM_OK      erase it: GONE, or STAGING, a copy of an earlier arrival
 *   DOM_ABSENT  it came back since then, or is being erased already: leave it alone
 */
DOM_MUST_CHECK enum dom_status move_restored_source(struct store_txn *txn,
    struct store_account *account, const uint8_t move_id[STORE_MOVE_ID_SIZE], uint64_t epoch,
    int64_t now_ms, struct dom_arena *arena);

#endif
