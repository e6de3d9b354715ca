/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Moves in a store that is older than the journal of erasures; see restored.h. */
#include "services/move/restored.h"

#include "services/move/states.h"

static enum dom_status
turn(struct store_txn *txn, struct store_account *account, enum store_account_state to,
    uint64_t epoch)
{
	enum dom_status st = DOM_OK;

	if (account->state != (int)to || account->epoch != epoch)
		st = store_account_turn(
		    txn, account->number, (enum store_account_state)account->state, to, epoch);
	if (st == DOM_OK) {
		account->state = to;
		account->epoch = epoch;
	}
	return st > 0 ? DOM_ESTORE : st;
}

/* The newest move of the account is over, unless it was. */
static enum dom_status
close_move(struct store_txn *txn, int64_t account, struct dom_arena *arena)
{
	struct store_move move;
	enum dom_status st = store_move_of(txn, account, arena, &move);

	if (st == DOM_ABSENT || (st == DOM_OK && !move.open))
		return DOM_OK;
	if (st != DOM_OK)
		return st;
	move.open = false;
	move.state = move.side == STORE_MOVE_SOURCE ? WIRE_MOVE_CANCELLED : WIRE_MOVE_DISCARDED;
	st = store_move_update(txn, &move);
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
move_restored_over(
    struct store_txn *txn, struct store_account *account, bool whole, struct dom_arena *arena)
{
	bool is_frozen = account->state == STORE_ACCOUNT_FROZEN;
	enum dom_status st = DOM_OK;

	if (account->state == STORE_ACCOUNT_ERASING)
		return DOM_OK;
	if (is_frozen || (whole && account->state != STORE_ACCOUNT_HOME))
		st = turn(txn, account, STORE_ACCOUNT_HOME, account->epoch);
	if (st == DOM_OK && (is_frozen || whole))
		st = close_move(txn, account->number, arena);
	return st;
}

/* A copy that was arriving, of which it is known that it has left again. */
static enum dom_status
restored_copy(struct store_txn *txn, struct store_account *account, uint64_t epoch,
    struct dom_arena *arena)
{
	struct store_move move;
	enum dom_status st = store_move_of(txn, account->number, arena, &move);

	if (st != DOM_OK)
		return st;
	/* It would live here in the next one. */
	if (move.epoch >= epoch)
		return DOM_ABSENT;
	if ((st = turn(txn, account, STORE_ACCOUNT_STAGING, account->epoch)) == DOM_OK)
		st = close_move(txn, account->number, arena);
	return st;
}

static enum dom_status
add_tombstone(struct store_txn *txn, struct store_account *account, const uint8_t *move_id,
    uint64_t epoch, int64_t now_ms, struct dom_arena *arena)
{
	struct store_move move = {.side = STORE_MOVE_SOURCE,
	    .state = WIRE_MOVE_ERASED,
	    .account = account->number,
	    .peer = dom_slice("", 0),
	    .epoch = epoch - 1,
	    .started_ms = now_ms,
	    .changed_ms = now_ms};
	int64_t number;
	enum dom_status st = store_account_names(txn, arena, account);

	memcpy(move.id, move_id, sizeof(move.id));
	if (account->identity_public.size == sizeof(move.identity))
		memcpy(move.identity, account->identity_public.data, sizeof(move.identity));
	move.name = account->name;
	return st == DOM_OK ? store_move_add(txn, &move, &number) : st;
}

/* As if the copy had just begun to go; who runs moves does the rest once it is gone. */
static enum dom_status
note_erasing(struct store_txn *txn, struct store_move *move, uint64_t epoch)
{
	if (move->state == WIRE_MOVE_ERASED)
		return DOM_OK;
	move->state = WIRE_MOVE_ERASING;
	move->epoch = epoch - 1;
	move->open = true;
	move->due_ms = 0;
	return store_move_update(txn, move);
}

enum dom_status
move_restored_source(struct store_txn *txn, struct store_account *account,
    const uint8_t move_id[STORE_MOVE_ID_SIZE], uint64_t epoch, int64_t now_ms,
    struct dom_arena *arena)
{
	struct store_move move;
	enum dom_status st;

	if (account->state == STORE_ACCOUNT_STAGING || account->state == STORE_ACCOUNT_PREPARED)
		return restored_copy(txn, account, epoch, arena);
	if (account->state == STORE_ACCOUNT_ERASING || account->epoch > epoch || epoch == 0)
		return DOM_ABSENT;
	st = store_move_find(txn, move_id, STORE_MOVE_SOURCE, arena, &move);
	if (st == DOM_ABSENT)
		st = add_tombstone(txn, account, move_id, epoch, now_ms, arena);
	else if (st == DOM_OK)
		st = note_erasing(txn, &move, epoch);
	if (st == DOM_OK)
		st = turn(txn, account, STORE_ACCOUNT_GONE, epoch);
	return st > 0 ? DOM_ESTORE : st;
}
