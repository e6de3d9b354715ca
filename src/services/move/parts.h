/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_MOVE_PARTS_H
#define SERVICES_MOVE_PARTS_H

#include "wire/evidence.h"
#include "wire/group.h"
#include "wire/moves.h"
#include "wire/peer.h"

#include "services/call.h"
#include "services/move/states.h"

/*
 * What the two sides of a move and whoever runs it share: see DESIGN.md beside this file.
 * Source: source.c (requests), answers.c (its work behind them); target: target*.c; mover.c
 * asks.
 */

/* What is kept of a move, byte for byte (store_move_message_put()).  Never renumber: stored. */
enum move_message {
	MOVE_MESSAGE_ORDER = 1, /* evidence; no signature beside it */
	MOVE_MESSAGE_FREEZE = 2,
	MOVE_MESSAGE_PREPARE = 3,
	MOVE_MESSAGE_ABORT = 4, /* at the target; the source: MOVE_MESSAGE_ABORTS */
	MOVE_MESSAGE_HANDOFF = 5,
	MOVE_MESSAGE_ACTIVE = 6,
	MOVE_MESSAGE_ACK = 7, /* evidence; no signature beside it */
	MOVE_MESSAGE_DISCARD = 8,
	MOVE_MESSAGE_ERASED = 9,  /* the source's receipt */
	MOVE_MESSAGE_WHY = 10,    /* a sentence for the person; no signature */
	MOVE_MESSAGE_CURSOR = 11, /* the target's, in the source's words; no signature */
	MOVE_MESSAGE_ABORTS =
	    16, /* and n: of the source's attempt n, from 1 to MOVE_ATTEMPTS_MAX */
	/* Of one that left here: it comes back, so the copy that is kept may go; empty. */
	MOVE_MESSAGE_WANTED_BACK = 32,
	/* At the target: the source has heard that the copy has gone; empty. */
	MOVE_MESSAGE_DISCARD_TOLD = 33,
	/* Cancelled, but its target is prepared: the account is frozen for that; empty. */
	MOVE_MESSAGE_HELD = 34,
};

enum {
	MOVE_FROZEN_MS_MAX = 5000, /* then the source aborts by itself */
	MOVE_ATTEMPTS_MAX = 3,     /* of an order */
	MOVE_ATTEMPT_PAUSE_MS = 60 * 1000,
	MOVE_ORDER_DAYS_MAX = 120, /* until it expires */
	MOVE_DAY_MS = 24 * 60 * 60 * 1000,
};

/* --- for both sides and for the mover; none of them needs a request --- */

/* The group's region of this name, which is not this one; NULL: none, or in no group. */
const struct wire_group_region *move_peer_region(
    const struct service *service, struct dom_slice name);

/*
 * Sign, with what the region knows of itself filled in: at_ms.  The bytes and the signature
 * live in the arena.
 */
DOM_MUST_CHECK enum dom_status move_sign(const struct service *service,
    struct wire_move *message, struct dom_arena *arena, struct wire_signed_move *signed_r);
/* The body of a request to another region (wire/peer.h), signed; it lives in the arena. */
DOM_MUST_CHECK enum dom_status move_sign_request(const struct service *service,
    const struct wire_peer *request, struct dom_arena *arena, struct dom_slice *body_r);
/*
 * Is it a message of this kind, about this move, signed by who signs such messages?  DOM_OK,
 * or DOM_EINTEGRITY with a sentence in *why_r (constant).
 */
DOM_MUST_CHECK enum dom_status move_open(const struct service *service,
    const struct store_move *move, enum wire_move_kind kind,
    const struct wire_signed_move *message, struct wire_move *message_r, const char **why_r);
/* DOM_OK: next answers before, as wire_move_follows() says. */
DOM_MUST_CHECK enum dom_status move_follows(
    const struct wire_signed_move *before, const struct wire_move *next, const char **why_r);

/* What is kept of it; DOM_ABSENT.  put with an empty message removes nothing: see below. */
DOM_MUST_CHECK enum dom_status move_message(struct store_txn *txn,
    const struct store_move *move, int kind, struct dom_arena *arena,
    struct wire_signed_move *message_r);
DOM_MUST_CHECK enum dom_status move_message_keep(struct store_txn *txn,
    const struct store_move *move, int kind, const struct wire_signed_move *message);
/* It need not be there. */
DOM_MUST_CHECK enum dom_status move_message_forget(
    struct store_txn *txn, const struct store_move *move, int kind);
DOM_MUST_CHECK enum dom_status move_why_keep(
    struct store_txn *txn, const struct store_move *move, const char *sentence);

/*
 * The event happens: state, open and changed_ms become what the table says.  Only for what can
 * happen (an assertion); ask move_next() before, where others decide.  The row is written by
 * store_move_update().
 */
void move_enter(struct store_move *move, enum move_event event, int64_t now_ms);

/* The order, checked when it was kept: what it says, out of its evidence. */
DOM_MUST_CHECK enum dom_status move_order(struct store_txn *txn, const struct store_move *move,
    struct dom_arena *arena, struct wire_statement *order_r,
    uint8_t digest_r[WIRE_SUBJECT_SIZE]);

/*
 * Is a move of the account under way, in which its content may not change by itself: ordered
 * and not over at the source, or not complete at the target?  DOM_OK: yes, *move_r; DOM_ABSENT.
 */
DOM_MUST_CHECK enum dom_status move_under_way(
    struct store_txn *txn, int64_t account, struct dom_arena *arena, struct store_move *move_r);

/*
 * Must what the account holds be left as it is, but for its owner's own writes: is a copy of it
 * being made, or may one begin at any moment?  DOM_OK: yes; DOM_ABSENT: no.
 */
DOM_MUST_CHECK enum dom_status move_holds(
    struct store_txn *txn, int64_t account, struct dom_arena *arena);

/* --- what people are told (moved.c): each DOM_EDENIED, or a failure --- */

/* By this move it left here, and nothing has taken that back. */
bool move_is_given_away(const struct store_move *move);
/*
 * 403 account_moved, for an account that is STORE_ACCOUNT_GONE: where it lives now, with the
 * proof.
 */
DOM_MUST_CHECK enum dom_status move_refuse_gone(struct service_call *call, int64_t account);
/*
 * The same for a name, folded, that no account has here: somebody may have moved away with it,
 * and be erased.  DOM_ABSENT: nobody has.
 */
DOM_MUST_CHECK enum dom_status move_refuse_name(
    struct service_call *call, struct dom_slice folded);
/* A job met the fence (DOM_EFENCED). */
DOM_MUST_CHECK enum dom_status move_refuse_fenced(struct service_call *call);

/* --- a peer's request -------------------------------------------- */

/* What a region asks, once it is known who it is. */
struct move_asked {
	struct service_call *call;
	struct wire_peer peer;
	const struct wire_group_region *from;
	bool known; /* there is such a move on the side that the operation is for, */
	struct store_move move; /* with the region that asks */
};
/* DOM_OK: the reply's body is the answer; DOM_EDENIED: refused, see below. */
typedef enum dom_status move_operation(struct move_asked *asked);

/* For good: 409 peer_refused.  detail is constant or in the arena. */
DOM_MUST_CHECK enum dom_status move_refuse(struct move_asked *asked, const char *detail);
/* For now: 503 unavailable. */
DOM_MUST_CHECK enum dom_status move_refuse_yet(
    struct move_asked *asked, const char *detail, unsigned retry_after_seconds);

/* At the source: source.c. */
move_operation move_source_records, move_source_chunks, move_source_freeze, move_source_status,
    move_source_switch, move_source_active, move_source_ack, move_source_discard;
/* At the target: target_offer.c, target.c; and about all its accounts (target_homes.c). */
move_operation move_target_offer, move_target_erased, move_target_homes;

/* --- operations -------------------------------------------------- */

DOM_MUST_CHECK enum dom_status move_group(struct service_call *call);
DOM_MUST_CHECK enum dom_status move_list(struct service_call *call);
DOM_MUST_CHECK enum dom_status move_plan(struct service_call *call);
DOM_MUST_CHECK enum dom_status move_certificate(struct service_call *call);
DOM_MUST_CHECK enum dom_status move_peer_read(struct service_call *call);
DOM_MUST_CHECK enum dom_status move_peer_change(struct service_call *call);
/* target_offer.c, target.c */
DOM_MUST_CHECK enum dom_status move_room(struct service_call *call);
DOM_MUST_CHECK enum dom_status move_handoff(struct service_call *call);

#endif
