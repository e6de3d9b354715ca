/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef WIRE_EVIDENCE_H
#define WIRE_EVIDENCE_H

#include "wire/receipt.h"

/*
 * Evidence: a statement and the region's receipt for it, in one file
 * (*.domicile-receipt) that anybody can check without a network who has the
 * region's public key.  Strings with a 32-bit length in front:
 *
 *   string  domain             "domicile/evidence/v1"
 *   string  statement's key    public; of an order, the region's
 *   string  statement          wire/statement.h
 *   string  its signature
 *   string  receipt            wire/receipt.h
 *   string  its signature
 *
 * Key, statement and signature are under the receipt's subject, and that under
 * its signature, so no byte can be changed.
 */
enum { WIRE_EVIDENCE_SIZE_MAX = WIRE_STATEMENT_SIZE_MAX + 2048 };

/* Borrowed from whoever filled it. */
struct wire_evidence {
	struct dom_slice statement_public, statement, signature, receipt, receipt_signature;
};

/* What it says, once it has been checked; borrowed from the evidence and the arena. */
struct wire_evidence_view {
	struct wire_evidence parts;
	struct wire_statement statement;
	struct wire_receipt receipt;
};

void wire_evidence_encode(struct dom_buffer *bytes, const struct wire_evidence *evidence);
DOM_MUST_CHECK enum dom_status wire_evidence_decode(
    struct dom_slice bytes, struct wire_evidence *evidence_r);

/*
 * Do both signatures hold, under this region's key, and does the receipt answer
 * the statement?  An erased one needs a statement that asked for just that.
 *
 *   why_r       a sentence unless DOM_OK, constant
 *
 *   DOM_EINPUT      these are not the bytes of evidence
 *   DOM_EINTEGRITY  they are, and prove nothing
 *   DOM_ENOMEM
 */
DOM_MUST_CHECK enum dom_status wire_evidence_check(struct dom_slice bytes,
    struct dom_slice region_public, struct dom_arena *arena, struct wire_evidence_view *view_r,
    const char **why_r);
/* The same for parts that have not been put together. */
DOM_MUST_CHECK enum dom_status wire_evidence_check_parts(const struct wire_evidence *evidence,
    struct dom_slice region_public, struct dom_arena *arena, struct wire_evidence_view *view_r,
    const char **why_r);

#endif
