/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WIRE_STATEMENT_H
#define WIRE_STATEMENT_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/arena.h"
#include "base/buffer.h"

/*
 * Statements: signed, typed, versioned records.  Fixed order, big-endian,
 * strings with a 32-bit length in front; the signature is Ed25519 by the
 * account's statement key over exactly these bytes (an order's is by the
 * region's signing key).  docs/statements.md has an example to check by hand.
 *
 *   string  domain       "domicile/consent/v2", "domicile/withdrawal/v2",
 *                        "domicile/erasure/v1", "domicile/order/v1",
 *                        "domicile/move-order/v1", "domicile/move-cancel/v1"
 *                        or "domicile/move-ack/v1"
 *   32      account      the account's identity public key
 *   16      nonce        random: who knows a statement's digest cannot guess
 *                        the statement
 *   u64     serial       1 for the account's first statement, then +1 each;
 *                        0 in an order, which is none of the account's
 *   u64     issued       milliseconds since 1970, the signer's clock
 *   string  region       where it holds
 *   string  service      "contacts", ..., or "any" in the first two, else empty
 *  consent goes on:
 *   u32     catalogue    version of the service's entry that was shown
 *   32      terms        digest of that entry's terms (wire/catalogue.h)
 *   string  purpose      the sentence that was shown
 *   string  retention    ISO 8601 duration, empty: until withdrawn
 *   u64     until        milliseconds since 1970, 0: until withdrawn
 *   u32     count        of types, 0 only for "any"
 *   string  type ...     opaque Etebase collection types
 *  withdrawal goes on:
 *   u8      choice       0 keep, 1 erase
 *  erasure (by the person) and order (by the operator) go on:
 *   u8      scope        1 an item's history, 3 the account; an order: only 3
 *   string  collection   uid; empty for the account
 *   string  item         uid; empty for the account
 *  move order goes on (region is the source):
 *   string  target       region
 *   u64     epoch        in which the account lives at the source
 *   u64     expires      milliseconds since 1970: no new attempt after it
 *   u8      shared       collections that others are in: 0 then do not move,
 *                        1 they lose them
 *   u32     grace        days that the source keeps its copy without a device's
 *                        acknowledgement
 *  move cancel goes on (region is the source):
 *   16      move         the first bytes of the order's subject
 *  move ack goes on (region is the target):
 *   16      move
 *   u64     epoch        in which the account lives at the target
 *   32      root         that the hand-off names
 *   u64     revisions    that the device knew and has found there
 */
enum wire_statement_kind {
	WIRE_CONSENT = 1,
	WIRE_WITHDRAWAL = 2,
	WIRE_ERASURE = 3,
	WIRE_ORDER = 4, /* never taken from a device: the operator signs it */
	WIRE_MOVE_ORDER = 5,
	WIRE_MOVE_CANCEL = 6,
	WIRE_MOVE_ACK = 7,
};

/* What is erased.  A service's erasure is asked by a withdrawal. */
enum wire_scope {
	WIRE_SCOPE_ITEM = 1, /* the history of one item: all but its current revision */
	WIRE_SCOPE_SERVICE = 2,
	WIRE_SCOPE_ACCOUNT = 3,
	WIRE_SCOPE_SOURCE = 4, /* what a region held of an account that moved away */
};

enum {
	WIRE_STATEMENT_SIZE_MAX = 64 << 10,
	WIRE_STATEMENT_TYPES_MAX = 32,
	WIRE_NONCE_SIZE = 16,
	WIRE_SERVICE_SIZE_MAX = 32,
	WIRE_PURPOSE_SIZE_MAX = 1024,
	WIRE_REGION_SIZE_MAX = 64,
	WIRE_RETENTION_SIZE_MAX = 64,
	WIRE_MOVE_ID_SIZE = 16,
};

struct wire_statement {
	enum wire_statement_kind kind;
	uint8_t account[32];
	uint8_t nonce[WIRE_NONCE_SIZE];
	uint64_t serial;
	int64_t issued_ms;
	struct dom_slice region, service;
	/* consent */
	uint32_t catalogue_version;
	uint8_t terms[32];
	struct dom_slice purpose, retention;
	int64_t until_ms;
	struct dom_slice *types;
	size_t type_count;
	/* withdrawal */
	bool erase;
	/* erasure, order */
	enum wire_scope scope;
	struct dom_slice collection_uid, item_uid;
	/* move order */
	struct dom_slice target;
	int64_t expires_ms;
	bool leave_shared;
	uint32_t grace_days;
	/* move order, ack */
	uint64_t epoch;
	/* move cancel, ack */
	uint8_t move[WIRE_MOVE_ID_SIZE];
	uint8_t root[32];
	uint64_t revisions;
};

/* [a-z][a-z0-9-]{0,31} */
bool wire_service_valid(struct dom_slice service);

DOM_MUST_CHECK enum dom_status wire_statement_decode(
    struct dom_slice bytes, struct dom_arena *arena, struct wire_statement *statement_r);
void wire_statement_encode(struct dom_buffer *bytes, const struct wire_statement *statement);

/* --- bodies under /domicile/v1/ (MessagePack maps) -------------------------- */

/* POST statements/: {statement: bin, signature: bin} */
struct wire_signed_statement {
	struct dom_slice statement, signature;
};
DOM_MUST_CHECK enum dom_status wire_signed_statement_decode(
    struct dom_slice body, struct wire_signed_statement *signed_r);
void wire_signed_statement_encode(
    struct dom_buffer *body, const struct wire_signed_statement *message);

/*
 * Its answer: {receipt: bin, signature: bin, request: bin?}, the region's
 * receipt (wire/receipt.h); request is there when the statement asked to erase:
 * the receipt's subject, under which erasures/ tells how far it is.
 */
struct wire_countersigned {
	struct dom_slice receipt, signature;
	struct dom_slice request; /* NULL data: nothing is erased */
};
DOM_MUST_CHECK enum dom_status wire_countersigned_decode(
    struct dom_slice body, struct wire_countersigned *countersigned_r);
void wire_countersigned_encode(
    struct dom_buffer *body, const struct wire_countersigned *countersigned);

/*
 * PUT statement-key/: {pubkey: bin, response: bin, signature: bin}; response is
 * the string "domicile/statement-key/v1", the account's identity key and the
 * statement key, each with a 32-bit length in front, signed by the login key.
 */
struct wire_statement_key {
	struct dom_slice pubkey, response, signature;
};
DOM_MUST_CHECK enum dom_status wire_statement_key_decode(
    struct dom_slice body, struct wire_statement_key *key_r);
void wire_statement_key_encode(struct dom_buffer *body, const struct wire_statement_key *key);
/* The bytes to sign. */
void wire_statement_key_response(struct dom_buffer *bytes, struct dom_slice identity_public,
    struct dom_slice statement_public);

/*
 * GET consents/: {region: str, serial: int, statementKey: bin?, consents:
 * [{service: str, serial: int, until: int, version: int, state: str}]}, those
 * that were not withdrawn; only what is "on" is stored.
 */
enum wire_consent_state {
	WIRE_CONSENT_ON,
	WIRE_CONSENT_ENDED,   /* "ended": its time is over */
	WIRE_CONSENT_CHANGED, /* "changed": the region's terms are others now */
	WIRE_CONSENT_GONE,    /* "gone": the region does not offer the service any more */
	WIRE_CONSENT_STATE_COUNT,
};
struct wire_consent_entry {
	struct dom_slice service;
	uint64_t serial;
	int64_t until_ms;
	uint64_t version; /* of the catalogue's entry that was agreed to */
	enum wire_consent_state state;
};
struct wire_consents {
	struct dom_slice region;
	uint64_t serial;                /* of the newest statement, 0: none */
	struct dom_slice statement_key; /* NULL data: none registered */
	struct wire_consent_entry *entries;
	size_t count;
};
DOM_MUST_CHECK enum dom_status wire_consents_decode(
    struct dom_slice body, struct dom_arena *arena, struct wire_consents *consents_r);
void wire_consents_encode(struct dom_buffer *body, const struct wire_consents *consents);

/*
 * GET statements/?after=serial: {statements: [{statement: bin, signature: bin,
 * accepted: int, receipt: bin?, receiptSignature: bin?}], done: bool}, by
 * ascending serial; what was signed, byte for byte, when the region took it and
 * what it signed then.
 */
struct wire_statement_entry {
	struct dom_slice statement, signature;
	int64_t accepted_ms;
	struct dom_slice receipt, receipt_signature; /* NULL data: none */
};
DOM_MUST_CHECK enum dom_status wire_statements_decode(struct dom_slice body,
    struct dom_arena *arena, struct wire_statement_entry **entries_r, size_t *count_r,
    bool *done_r);
void wire_statements_encode(struct dom_buffer *body, const struct wire_statement_entry *entries,
    size_t count, bool done);

/* GET sessions/: {sessions: [{id: str, device: str, created: int, used: int, current: bool}]}
 */
struct wire_session {
	struct dom_slice id; /* 22 characters */
	struct dom_slice device;
	int64_t created_ms, used_ms;
	bool is_current;
};
DOM_MUST_CHECK enum dom_status wire_sessions_decode(struct dom_slice body,
    struct dom_arena *arena, struct wire_session **sessions_r, size_t *count_r);
void wire_sessions_encode(
    struct dom_buffer *body, const struct wire_session *sessions, size_t count);

/* GET region/: {name: str, release: str, publicKey: bin, signup: bool} */
struct wire_region {
	struct dom_slice name, release;
	struct dom_slice public_key; /* the one that its receipts are signed with */
	bool signup_open;
};
DOM_MUST_CHECK enum dom_status wire_region_decode(
    struct dom_slice body, struct wire_region *region_r);
void wire_region_encode(struct dom_buffer *body, const struct wire_region *region);

#endif
