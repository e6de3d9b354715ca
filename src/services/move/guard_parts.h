/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_MOVE_GUARD_PARTS_H
#define SERVICES_MOVE_GUARD_PARTS_H

#include <stdatomic.h>

#include "services/move/guard.h"
#include "services/move/parts.h"

/* What guard.c (whom it asks) and guard_take.c (what an answer means) share. */

struct guard_peer {
	const struct wire_group_region *region;
	_Atomic int answer; /* enum move_guard_answer */
	bool is_done;       /* nothing is left to ask */
	bool is_tried;
	int64_t due_ms;
	unsigned failures; /* in a row */
	uint64_t after;    /* what of its answer is known */
	/* Moves that it is prepared for, of this round of questions. */
	uint8_t (*prepared)[WIRE_MOVE_ID_SIZE];
	size_t prepared_count, prepared_room;
};

/* An account by its public key. */
struct guard_known {
	uint8_t identity[32];
	int64_t number; /* the account's, or a move's */
	bool has_come;  /* by that move */
	uint64_t epoch; /* in which it lived before that move */
};

struct guard_index {
	struct guard_known *rows; /* by identity, then number */
	size_t count;
};

struct move_guard {
	const struct service *service;
	struct store *store;
	struct store_reader *reader;
	struct dom_arena *arena; /* of a step */
	atomic_bool is_closed;
	atomic_bool is_restored; /* since the peers have answered last */
	bool may_hold;           /* of a step: a look at all accounts has not said no yet */
	uint64_t restores;
	int64_t opened_ms;
	struct guard_peer *peers;
	size_t peer_count;
	/* Made when it is needed, and kept for a round. */
	struct guard_index accounts, left;
	bool has_known;
};

/* An account of the peer's answer; what it says that is not true changes nothing. */
DOM_MUST_CHECK enum dom_status guard_take(
    struct move_guard *guard, struct guard_peer *peer, const struct wire_peer_home *home);
/*
 * Accounts that waited for this peer, and that it does not tell of any more, are at home
 * again; peer NULL: all that wait.
 */
DOM_MUST_CHECK enum dom_status guard_release(
    struct move_guard *guard, const struct guard_peer *peer);
/* guard_known.c: who is here, and who has left, as one snapshot shows it; 0: nobody. */
DOM_MUST_CHECK enum dom_status guard_know(struct move_guard *guard, struct store_txn *txn);
void guard_forget_known(struct move_guard *guard);
int64_t guard_account_of(const struct move_guard *guard, const uint8_t identity[32]);
/*
 * The move by which it left here last, if it has not come back since, and if this hand-off is
 * of a later move; that one is the last from then on.
 */
int64_t guard_left_by(const struct move_guard *guard, const struct wire_move *handoff);
void guard_left_later(
    struct move_guard *guard, const struct wire_move *handoff, int64_t number);

#endif
