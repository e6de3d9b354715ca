/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WIRE_PEER_H
#define WIRE_PEER_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/buffer.h"

#include "wire/statement.h"

/*
 * What regions ask each other while an account moves: POST /domicile/v1/peer/,
 * or peer/change/ for what writes, with the body
 *
 *   string  request      the bytes below
 *   64      signature    Ed25519 by the asking region's signing key
 *
 * and as request, in fixed order, big-endian:
 *
 *   string  domain       "domicile/peer/v1"
 *   u8      operation
 *   string  from         region that asks
 *   string  to           region that is asked
 *   16      move         the first bytes of the order's subject
 *   u64     at           milliseconds since 1970, the asking region's clock
 *   ..      what the operation needs, see enum wire_peer_op
 *
 * Every operation may be repeated.  "cursor" is an opaque string of the
 * answering region, empty to begin; "records" are strings to the end, each a
 * record (wire/record.h).
 */
enum wire_peer_op {
	/* change, source to target: string order's evidence -> nothing */
	WIRE_PEER_OFFER = 1,
	/*
	 * string cursor -> u64 clock, u64 bytes in all, u8 ended, string cursor, records: of
	 * the account, but not what a chunk contains.  ended: this pass is over; with the
	 * cursor begins the next one, which brings what has changed since this one began
	 */
	WIRE_PEER_RECORDS = 2,
	/* string collection's uid, string chunk's uid -> its bytes */
	WIRE_PEER_CHUNK = 3,
	/* change -> nothing: writes stop; an attempt begins */
	WIRE_PEER_FREEZE = 4,
	/* -> u8 the source's state, then four times string message, string
	 * signature, empty if there is none: freeze, abort, hand-off, order's evidence */
	WIRE_PEER_STATUS = 5,
	/* change: string prepare, string signature -> string hand-off, string signature */
	WIRE_PEER_SWITCH = 6,
	/* change: string activation, string signature -> nothing */
	WIRE_PEER_ACTIVE = 7,
	/* change: string acknowledgement's evidence -> nothing */
	WIRE_PEER_ACK = 8,
	/* change: string discard, string signature -> nothing */
	WIRE_PEER_DISCARD = 9,
};

enum {
	WIRE_PEER_BODY_SIZE_MAX = WIRE_STATEMENT_SIZE_MAX + 8192,
	WIRE_PEER_CURSOR_SIZE_MAX = 256,
};

struct wire_peer {
	enum wire_peer_op op;
	struct dom_slice from, to;
	uint8_t move[WIRE_MOVE_ID_SIZE];
	int64_t at_ms;
	struct dom_slice body; /* what follows */
};

/* What was signed, and by whom it claims to be: the signature is the caller's question. */
struct wire_peer_signed {
	struct dom_slice request, signature;
};
DOM_MUST_CHECK enum dom_status wire_peer_signed_decode(
    struct dom_slice bytes, struct wire_peer_signed *signed_r);
DOM_MUST_CHECK enum dom_status wire_peer_decode(
    struct dom_slice request, struct wire_peer *peer_r);
/* The request, appended. */
void wire_peer_encode(struct dom_buffer *bytes, const struct wire_peer *peer);

#endif
