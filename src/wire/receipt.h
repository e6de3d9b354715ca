/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WIRE_RECEIPT_H
#define WIRE_RECEIPT_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/arena.h"
#include "base/buffer.h"

#include "wire/statement.h"

/*
 * Receipts: what a region signs about a statement, with the key that
 * dom_region_sign_public() tells and GET region/ shows.  The same encoding as
 * statements; the signature is Ed25519 over exactly these bytes.
 *
 *   string  domain       "domicile/receipt/v1"
 *   u8      kind         1 taken, 2 erased
 *   string  region       its name, as in the statement
 *   32      key          the region's public key
 *   32      subject      the statement that it answers, see wire_subject()
 *   u64     accepted     milliseconds since 1970, the region's clock
 *   u64     clock        the account's clock: the number of this change
 *  erased goes on:
 *   u8      scope        enum wire_scope
 *   32      root         of what was erased, as it was before, see wire/root.h
 *   u64     collections, items, revisions, chunks, bytes: what was removed
 *   u64     ended        milliseconds since 1970: the last live copy was gone
 *   u64     backups      no backup that holds the ciphertext is kept after
 *                        this; 0: this region makes none
 */
enum wire_receipt_kind {
	WIRE_RECEIPT_TAKEN = 1,
	WIRE_RECEIPT_ERASED = 2,
};

enum {
	WIRE_RECEIPT_SIZE_MAX = 512,
	WIRE_SUBJECT_SIZE = 32,
	WIRE_ROOT_SIZE = 32,
};

struct wire_erased {
	uint64_t collections, items, revisions, chunks, bytes;
};

struct wire_receipt {
	enum wire_receipt_kind kind;
	struct dom_slice region;
	uint8_t region_public[32];
	uint8_t subject[WIRE_SUBJECT_SIZE];
	int64_t accepted_ms;
	uint64_t clock;
	/* erased */
	enum wire_scope scope;
	uint8_t root[WIRE_ROOT_SIZE];
	struct wire_erased sum;
	int64_t ended_ms, backups_ms;
};

/*
 * SHA-256 over the string "domicile/subject/v1", the statement's public key,
 * the statement and its signature, each with a 32-bit length in front.
 * DOM_ENOMEM.
 */
DOM_MUST_CHECK enum dom_status wire_subject(struct dom_slice statement_public,
    struct dom_slice statement, struct dom_slice signature,
    uint8_t subject_r[WIRE_SUBJECT_SIZE]);

/* Slices are borrowed from the input. */
DOM_MUST_CHECK enum dom_status wire_receipt_decode(
    struct dom_slice bytes, struct wire_receipt *receipt_r);
void wire_receipt_encode(struct dom_buffer *bytes, const struct wire_receipt *receipt);

/* --- bodies under /domicile/v1/ (MessagePack maps) -------------------------- */

/* "waiting", "erasing", "settling", "erased" */
enum wire_erasure_state {
	WIRE_ERASURE_WAITING,  /* taken; nothing is readable any more */
	WIRE_ERASURE_ERASING,  /* rows and files are being removed */
	WIRE_ERASURE_SETTLING, /* removed; waiting for the last byte to leave the disk */
	WIRE_ERASURE_ERASED,   /* there is a receipt */
};

/*
 * GET erasures/{request in hex}/: {request: bin, scope: int, state: str,
 * collections: int, items: int, revisions: int, chunks: int, bytes: int,
 * service: str?, collection: str?, item: str?, requested: int, receipt: bin?,
 * signature: bin?}; what is known of the account's erasure once it is done is
 * the receipt alone.  GET erasures/: {erasures: [the same]}, newest last.
 */
struct wire_erasure {
	struct dom_slice request; /* WIRE_SUBJECT_SIZE bytes */
	enum wire_scope scope;
	enum wire_erasure_state state;
	struct wire_erased sum; /* so far */
	int64_t requested_ms;
	struct dom_slice service, collection_uid, item_uid; /* NULL data: none */
	struct dom_slice receipt, signature;                /* NULL data: not yet */
};
DOM_MUST_CHECK enum dom_status wire_erasure_decode(
    struct dom_slice body, struct wire_erasure *erasure_r);
void wire_erasure_encode(struct dom_buffer *body, const struct wire_erasure *erasure);
DOM_MUST_CHECK enum dom_status wire_erasures_decode(struct dom_slice body,
    struct dom_arena *arena, struct wire_erasure **erasures_r, size_t *count_r);
void wire_erasures_encode(
    struct dom_buffer *body, const struct wire_erasure *erasures, size_t count);

#endif
