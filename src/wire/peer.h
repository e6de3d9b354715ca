/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WIRE_PEER_H
#define WIRE_PEER_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/arena.h"
#include "base/buffer.h"

#include "wire/move.h"
#include "wire/statement.h"
#include "wire/stoken.h"

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
 * record (wire/record.h).  An answer is the raw bytes; a refusal is an error body:
 * 409 peer_refused for good, with abort and signature if this attempt is over; 409
 * peer_untrusted until an operator has put a group file or a clock right; 503: later.
 */
enum wire_peer_op {
	/*
	 * change, source to target: string order's evidence, string name, string e-mail, 16 the
	 * account's id, u64 bytes of chunks -> nothing
	 */
	WIRE_PEER_OFFER = 1,
	/*
	 * string cursor -> u64 clock, u64 bytes in all, u8 ended, string cursor, records: of
	 * the account, but not what a chunk contains.  ended: this pass is over; with the
	 * cursor begins the next one, which brings what has changed since this one began
	 */
	WIRE_PEER_RECORDS = 2,
	/*
	 * u32 count, then as often string collection's uid, string chunk's uid -> their bytes,
	 * each a string, empty if it is not there any more; perhaps of the first ones only
	 */
	WIRE_PEER_CHUNKS = 3,
	/*
	 * change: string cursor, where the target's last pass ended -> string freeze, string
	 * signature, u8 complete, string cursor, records: writes have stopped, and here is what
	 * was left; complete 0: there is more of it, from the cursor on
	 */
	WIRE_PEER_FREEZE = 4,
	/*
	 * -> u8 the source's state (enum wire_move_state), then three times string message,
	 * string signature, empty if there is none: freeze, abort, hand-off; each the last one
	 */
	WIRE_PEER_STATUS = 5,
	/* change: string prepare, string signature -> string hand-off, string signature */
	WIRE_PEER_SWITCH = 6,
	/* change: string activation, string signature -> nothing */
	WIRE_PEER_ACTIVE = 7,
	/* change: string acknowledgement's evidence -> nothing */
	WIRE_PEER_ACK = 8,
	/* change: string discard, string signature -> nothing */
	WIRE_PEER_DISCARD = 9,
	/* change, source to target: string receipt, string signature -> nothing */
	WIRE_PEER_ERASED = 10,
	/*
	 * u64 after -> u8 ended, then to the end u64 number, 32 identity, u8 prepared, string
	 * message, string signature, string order's evidence: accounts that came from the
	 * region that asks and are home here (the message is its hand-off), or are prepared (1;
	 * the prepare), with number > after.  The move is zeros.
	 */
	WIRE_PEER_HOMES = 11,
};

enum {
	WIRE_PEER_BODY_SIZE_MAX = WIRE_STATEMENT_SIZE_MAX + 8192,
	WIRE_PEER_CURSOR_SIZE_MAX = 256,
	WIRE_PEER_CHUNKS_MAX = 256,
	/* An answer ends early once it holds so much; one chunk always fits. */
	WIRE_PEER_ANSWER_SIZE = 8 << 20,
	WIRE_PEER_HOMES_MAX = 1000,
	/* How far the clocks of two regions may be apart. */
	WIRE_PEER_SKEW_MS = 24 * 60 * 60 * 1000,
};

/* Of a move, on both sides.  Never renumber: stored and sent. */
enum wire_move_state {
	/* at the source */
	WIRE_MOVE_ORDERED = 0,   /* the target has not accepted it yet */
	WIRE_MOVE_EXPORTING = 1, /* the target copies; writes go on */
	WIRE_MOVE_FROZEN = 2,    /* nobody writes; an attempt is on */
	WIRE_MOVE_GONE = 3,      /* given away; the target has not said that it is home */
	WIRE_MOVE_LIVES = 4,     /* the target is home; the copy here is kept */
	WIRE_MOVE_ERASING = 5,   /* the copy goes */
	WIRE_MOVE_ERASED = 6,
	WIRE_MOVE_CANCELLED = 7,
	/* at the target */
	WIRE_MOVE_STAGING = 16,
	WIRE_MOVE_FREEZING = 17, /* has asked for the freeze */
	WIRE_MOVE_PREPARED = 18,
	WIRE_MOVE_HOME = 19,
	WIRE_MOVE_SETTLED = 20, /* and the source has erased its copy */
	WIRE_MOVE_DISCARDED = 21,
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
/* As GET moves/ calls it: "ordered", "exporting", ..; NULL: there is no such state. */
const char *wire_move_state_name(int state);

/* The request, appended. */
void wire_peer_encode(struct dom_buffer *bytes, const struct wire_peer *peer);

/*
 * What the operations ask and answer; see enum wire_peer_op for the order.  Slices are borrowed
 * from the input.  DOM_EINPUT: it is none.
 */
struct wire_peer_offer {
	struct dom_slice order, name, email;
	uint8_t id[WIRE_OWNER_ID_SIZE]; /* the account's, that sync tokens name */
	uint64_t bytes;
};
DOM_MUST_CHECK enum dom_status wire_peer_offer_decode(
    struct dom_slice body, struct wire_peer_offer *offer_r);
void wire_peer_offer_encode(struct dom_buffer *body, const struct wire_peer_offer *offer);

struct wire_peer_records {
	uint64_t clock, bytes;
	bool ended;
	struct dom_slice cursor;
	struct dom_slice records; /* strings, to be read with dom_read_string() */
};
DOM_MUST_CHECK enum dom_status wire_peer_records_decode(
    struct dom_slice answer, struct wire_peer_records *records_r);
void wire_peer_records_encode(
    struct dom_buffer *answer, const struct wire_peer_records *records);

struct wire_peer_chunk {
	struct dom_slice collection_uid, uid;
};
/* At most WIRE_PEER_CHUNKS_MAX, at least one; the array lies in the arena. */
DOM_MUST_CHECK enum dom_status wire_peer_chunks_decode(struct dom_slice body,
    struct dom_arena *arena, struct wire_peer_chunk **chunks_r, size_t *count_r);
void wire_peer_chunks_encode(
    struct dom_buffer *body, const struct wire_peer_chunk *chunks, size_t count);

struct wire_peer_frozen {
	struct wire_signed_move freeze;
	bool complete;
	struct dom_slice cursor, records;
};
DOM_MUST_CHECK enum dom_status wire_peer_frozen_decode(
    struct dom_slice answer, struct wire_peer_frozen *frozen_r);
void wire_peer_frozen_encode(struct dom_buffer *answer, const struct wire_peer_frozen *frozen);

struct wire_peer_status {
	enum wire_move_state state;
	struct wire_signed_move freeze, abort, handoff; /* empty: none */
};
DOM_MUST_CHECK enum dom_status wire_peer_status_decode(
    struct dom_slice answer, struct wire_peer_status *status_r);
void wire_peer_status_encode(struct dom_buffer *answer, const struct wire_peer_status *status);

/* A message and its signature alone: both sides of SWITCH, ACTIVE, DISCARD, ERASED. */
DOM_MUST_CHECK enum dom_status wire_peer_message_decode(
    struct dom_slice body, struct wire_signed_move *message_r);
void wire_peer_message_encode(struct dom_buffer *body, const struct wire_signed_move *message);
/* One string alone: FREEZE, RECORDS (a cursor), ACK (evidence); of at most size_max bytes. */
DOM_MUST_CHECK enum dom_status wire_peer_string_decode(
    struct dom_slice body, size_t size_max, struct dom_slice *string_r);

struct wire_peer_home {
	uint64_t number;
	uint8_t identity[32];
	bool prepared;
	struct wire_signed_move message; /* hand-off, or prepare */
	struct dom_slice order; /* its evidence: whoever was restored may not have it */
};
/* At most WIRE_PEER_HOMES_MAX; the array lies in the arena. */
DOM_MUST_CHECK enum dom_status wire_peer_homes_decode(struct dom_slice answer,
    struct dom_arena *arena, bool *ended_r, struct wire_peer_home **homes_r, size_t *count_r);
void wire_peer_homes_encode(
    struct dom_buffer *answer, bool ended, const struct wire_peer_home *homes, size_t count);

#endif
