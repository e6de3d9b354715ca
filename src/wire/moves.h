/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WIRE_MOVES_H
#define WIRE_MOVES_H

#include "wire/move.h"

/*
 * What a person's device asks about moving, under /domicile/v1/, and what it
 * is told when the account has moved (MessagePack maps).  Times are
 * milliseconds since 1970, sizes bytes.  "why" is a sentence for a person, or
 * empty.  Slices are borrowed from the input.
 */
enum {
	WIRE_MOVES_MAX = 1000,
	WIRE_MOVE_WORD_SIZE_MAX = 16,
	WIRE_MOVE_WHY_SIZE_MAX = 512,
	WIRE_MOVE_HANDOFF_SIZE_MAX = WIRE_MOVE_SIZE_MAX + 64 + 8, /* packed */
};

/*
 * GET moves/: {moves: [{move: bin, side: "source" | "target", state: str, source: str,
 * target: str, epoch: int, bytes: int, bytesTotal: int, attempts: int, started: int,
 * changed: int, why: str}]}, newest first.  state: in lower case, as services/move/ names it.
 */
struct wire_moves_entry {
	struct dom_slice move; /* WIRE_MOVE_ID_SIZE bytes */
	bool is_target;
	struct dom_slice state, source, target;
	uint64_t epoch; /* in which the account lived at the source */
	uint64_t bytes, bytes_total;
	uint64_t attempts;
	int64_t started_ms, changed_ms;
	struct dom_slice why;
};
DOM_MUST_CHECK enum dom_status wire_moves_decode(struct dom_slice body, struct dom_arena *arena,
    struct wire_moves_entry **entries_r, size_t *count_r);
void wire_moves_encode(
    struct dom_buffer *body, const struct wire_moves_entry *entries, size_t count);

/*
 * GET moves/plan/?to=REGION, at the source: {lets: bool, takes: bool, why: str, bytes: int,
 * items: int, chunks: int, shared: int, memberships: int, epoch: int, graceMin: int,
 * graceMax: int, now: int}.
 */
struct wire_move_plan {
	bool lets, takes; /* the source's policy, the target's, by the group file */
	struct dom_slice why;
	uint64_t bytes, items, chunks;
	uint64_t shared;      /* own collections that others are in */
	uint64_t memberships; /* in the collections of others */
	uint64_t epoch;
	uint64_t grace_min_days, grace_max_days;
	int64_t now_ms;
};
DOM_MUST_CHECK enum dom_status wire_move_plan_decode(
    struct dom_slice body, struct wire_move_plan *plan_r);
void wire_move_plan_encode(struct dom_buffer *body, const struct wire_move_plan *plan);

/*
 * POST moves/room/, at the target, by anybody: {username: str, email: str?, identity: bin?,
 * bytes: int}; identity: the account's public key, so that what a region has left of the
 * account itself is not in its way.
 */
struct wire_room_ask {
	struct dom_slice username, email, identity; /* the last two: NULL data: none */
	uint64_t bytes;
};
DOM_MUST_CHECK enum dom_status wire_room_ask_decode(
    struct dom_slice body, struct wire_room_ask *ask_r);
void wire_room_ask_encode(struct dom_buffer *body, const struct wire_room_ask *ask);
/* Its answer: {takes: bool, why: str, now: int} */
struct wire_room {
	bool takes;
	struct dom_slice why;
	int64_t now_ms;
};
DOM_MUST_CHECK enum dom_status wire_room_decode(
    struct dom_slice body, struct wire_room *room_r);
void wire_room_encode(struct dom_buffer *body, const struct wire_room *room);

/*
 * GET moves/proposal/: {target: str, told: int, begins: int, grace: int, answer: str}; 404 if
 * the operator has asked nothing.  answer: "none", "refused", "agreed", or "released" once the
 * move may begin.
 */
struct wire_proposal {
	struct dom_slice target; /* region */
	int64_t told_ms, begins_ms;
	uint64_t grace_days; /* that the order must name */
	struct dom_slice answer;
};
DOM_MUST_CHECK enum dom_status wire_proposal_decode(
    struct dom_slice body, struct wire_proposal *proposal_r);
void wire_proposal_encode(struct dom_buffer *body, const struct wire_proposal *proposal);
/* POST moves/proposal/: {refuse: bool}; who agrees signs an order. */
DOM_MUST_CHECK enum dom_status wire_proposal_answer_decode(
    struct dom_slice body, bool *refuse_r);
void wire_proposal_answer_encode(struct dom_buffer *body, bool refuse);

/* POST moves/handoff/: {handoff: bin, signature: bin} */
DOM_MUST_CHECK enum dom_status wire_handoff_decode(
    struct dom_slice body, struct wire_signed_move *handoff_r);
void wire_handoff_encode(struct dom_buffer *body, const struct wire_signed_move *handoff);

/*
 * A hand-off in one piece: string hand-off, string its signature, each with a
 * 32-bit length in front.
 */
DOM_MUST_CHECK enum dom_status wire_handoff_unpack(
    struct dom_slice packed, struct wire_signed_move *handoff_r);
void wire_handoff_pack(struct dom_buffer *bytes, const struct wire_signed_move *handoff);

/*
 * The body of 403 account_moved: {code: "account_moved", detail: str, handoff: bin, packed,
 * address: str, region: str}, a simple error to who does not know the rest.
 */
struct wire_moved {
	struct dom_slice detail;
	struct wire_signed_move handoff;
	struct dom_slice address, region; /* where the account lives now */
};
DOM_MUST_CHECK enum dom_status wire_moved_decode(
    struct dom_slice body, struct wire_moved *moved_r);
void wire_moved_encode(struct dom_buffer *body, const struct wire_moved *moved);

#endif
