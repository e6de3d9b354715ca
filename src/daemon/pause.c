/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a move cost whoever writes. */
#include "daemon/pause.h"

#include "wire/move.h"

#include "services/move/parts.h"

static enum dom_status
signed_ms(struct store_txn *txn, const struct store_move *move, enum move_message kind,
    struct dom_arena *arena, int64_t *at_ms_r)
{
	struct wire_signed_move kept;
	struct wire_move message;
	enum dom_status st = move_message(txn, move, kind, arena, &kept);

	if (st != DOM_OK)
		return st;
	if (wire_move_decode(kept.bytes, &message) != DOM_OK)
		return DOM_ABSENT;
	*at_ms_r = message.at_ms;
	return DOM_OK;
}

enum dom_status
pause_of(struct store_txn *txn, const struct store_move *move, struct dom_arena *arena,
    int64_t *pause_ms_r)
{
	bool is_source = move->side == STORE_MOVE_SOURCE;
	int64_t frozen_ms, over_ms;
	enum dom_status st;

	*pause_ms_r = -1;
	if ((st = signed_ms(txn, move, MOVE_MESSAGE_FREEZE, arena, &frozen_ms)) != DOM_OK ||
	    (st = signed_ms(txn, move, is_source ? MOVE_MESSAGE_HANDOFF : MOVE_MESSAGE_ACTIVE,
	         arena, &over_ms)) != DOM_OK)
		return st;
	if (over_ms < frozen_ms)
		return DOM_ABSENT;
	*pause_ms_r = over_ms - frozen_ms;
	return DOM_OK;
}
