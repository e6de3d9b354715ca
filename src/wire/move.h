/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WIRE_MOVE_H
#define WIRE_MOVE_H

#include "wire/receipt.h"

/*
 * What the two regions of a move sign.  Every message names the one that it
 * answers, by the SHA-256 of its bytes and signature, so that they make a chain
 * which begins at the person's order:
 *
 *   order (person) <- freeze (S) <- prepare (D) <- hand-off (S) <- activation (D)
 *                        ^------- abort (S)    order <- discard (D)
 *
 * Fixed order, big-endian, strings with a 32-bit length in front; Ed25519 by
 * the region's signing key over exactly these bytes.
 *
 *   string  domain       "domicile/move/v1"
 *   u8      kind
 *   16      move         the first bytes of the order's subject
 *   16      attempt      random, of each freeze anew; zeros in a discard
 *   32      account      the account's identity public key
 *   string  source       region
 *   string  target       region
 *   u64     epoch        in which the account lives: e before, e + 1 from the
 *                        hand-off on
 *   u64     at           milliseconds since 1970, the signer's clock
 *   32      answers      see above
 *  freeze, prepare, hand-off and activation go on:
 *   u64     clock        the account's, when it was frozen
 *   32      root         of its state, see wire/root.h
 *   u64     collections, items, revisions, chunks, bytes
 */
enum wire_move_kind {
	WIRE_MOVE_FREEZE = 1,
	WIRE_MOVE_PREPARE = 2,
	WIRE_MOVE_ABORT = 3,
	WIRE_MOVE_HANDOFF = 4,
	WIRE_MOVE_ACTIVE = 5,
	WIRE_MOVE_DISCARD = 6,
};

enum {
	WIRE_MOVE_SIZE_MAX = 512,
};

struct wire_move {
	enum wire_move_kind kind;
	uint8_t move[WIRE_MOVE_ID_SIZE], attempt[WIRE_MOVE_ID_SIZE];
	uint8_t account[32];
	struct dom_slice source, target;
	uint64_t epoch;
	int64_t at_ms;
	uint8_t answers[32];
	uint64_t clock;
	uint8_t root[WIRE_ROOT_SIZE];
	struct wire_erased sum; /* what there is; nothing was erased */
};

/* Is it the source that signs messages of this kind? */
bool wire_move_is_source(enum wire_move_kind kind);

/* Slices are borrowed from the input. */
DOM_MUST_CHECK enum dom_status wire_move_decode(
    struct dom_slice bytes, struct wire_move *move_r);
void wire_move_encode(struct dom_buffer *bytes, const struct wire_move *move);

/* A message and who vouches for it. */
struct wire_signed_move {
	struct dom_slice bytes, signature;
};
/* How the next message names this one: SHA-256 of bytes and signature.  DOM_ENOMEM. */
DOM_MUST_CHECK enum dom_status wire_move_digest(
    const struct wire_signed_move *message, uint8_t digest_r[32]);

/*
 * Does `next` follow `before` in one move: the kinds, the digest, the same
 * move, attempt, account and regions, the epoch that the kind demands, and the
 * same clock, root and counts?  Signatures are the caller's question.  NULL:
 * yes; else a sentence (constant).
 */
const char *wire_move_follows(
    const struct wire_move *before, const uint8_t digest[32], const struct wire_move *next);

#endif
