/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Evidence files: put together, taken apart, checked. */
#include "wire/evidence.h"

#include "base/bytes.h"

#include "crypto/keys.h"
#include "crypto/region.h"

static const char domain_evidence[] = "domicile/evidence/v1";

enum { DOMAIN_SIZE_MAX = 64 };

void
wire_evidence_encode(struct dom_buffer *bytes, const struct wire_evidence *evidence)
{
	dom_write_string(bytes, dom_slice_of(domain_evidence));
	dom_write_string(bytes, evidence->statement_public);
	dom_write_string(bytes, evidence->statement);
	dom_write_string(bytes, evidence->signature);
	dom_write_string(bytes, evidence->receipt);
	dom_write_string(bytes, evidence->receipt_signature);
}

enum dom_status
wire_evidence_decode(struct dom_slice bytes, struct wire_evidence *evidence_r)
{
	struct dom_reader in = dom_reader_over(bytes);
	struct dom_slice domain = dom_read_string(&in, DOMAIN_SIZE_MAX);

	*evidence_r = (struct wire_evidence){0};
	if (!dom_slice_is(domain, domain_evidence))
		return DOM_EINPUT;
	evidence_r->statement_public = dom_read_string(&in, DOM_PUBLIC_KEY_SIZE);
	evidence_r->statement = dom_read_string(&in, WIRE_STATEMENT_SIZE_MAX);
	evidence_r->signature = dom_read_string(&in, DOM_SIGNATURE_SIZE);
	evidence_r->receipt = dom_read_string(&in, WIRE_RECEIPT_SIZE_MAX);
	evidence_r->receipt_signature = dom_read_string(&in, DOM_SIGNATURE_SIZE);
	return dom_reader_finish(&in);
}

/* Did the statement ask for what the receipt says was erased? */
static bool
asked_for(const struct wire_statement *statement, const struct wire_receipt *receipt)
{
	if (statement->kind == WIRE_WITHDRAWAL)
		return statement->erase && receipt->scope == WIRE_SCOPE_SERVICE;
	if (statement->kind == WIRE_MOVE_ORDER)
		return receipt->scope == WIRE_SCOPE_SOURCE;
	return (statement->kind == WIRE_ERASURE || statement->kind == WIRE_ORDER) &&
	       statement->scope == receipt->scope;
}

static const char *
check_receipt(const struct wire_evidence_view *view, struct dom_slice region_public,
    const uint8_t subject[WIRE_SUBJECT_SIZE])
{
	const struct wire_receipt *receipt = &view->receipt;
	struct dom_slice key =
	    dom_slice(receipt->region_public, sizeof(receipt->region_public));

	if (!dom_slice_equal(key, region_public))
		return "The receipt is another region's: it names another public key";
	if (!dom_verify(region_public, view->parts.receipt, view->parts.receipt_signature))
		return "The receipt is not signed by this region";
	if (memcmp(receipt->subject, subject, WIRE_SUBJECT_SIZE) != 0)
		return "The receipt answers another statement than the one in this file";
	if (!dom_slice_equal(receipt->region, view->statement.region))
		return "The statement was made for another region than the one that signed";
	return NULL;
}

static const char *
check_statement(const struct wire_evidence_view *view, struct dom_slice region_public)
{
	bool is_regions = dom_slice_equal(view->parts.statement_public, region_public);

	/* An operator who signs in a person's name has proven nothing about the person. */
	if (is_regions != (view->statement.kind == WIRE_ORDER))
		return is_regions ? "The region itself signed what a person has to sign"
		                  : "An operator's order is signed by the region, this is not";
	if (!dom_verify(
	        view->parts.statement_public, view->parts.statement, view->parts.signature))
		return "The statement is not signed by the key that this file names";
	if (view->receipt.kind == WIRE_RECEIPT_ERASED &&
	    !asked_for(&view->statement, &view->receipt))
		return "The statement did not ask for the erasure that the receipt tells of";
	return NULL;
}

enum dom_status
wire_evidence_check_parts(const struct wire_evidence *evidence, struct dom_slice region_public,
    struct dom_arena *arena, struct wire_evidence_view *view_r, const char **why_r)
{
	uint8_t subject[WIRE_SUBJECT_SIZE];
	enum dom_status st;

	*view_r = (struct wire_evidence_view){.parts = *evidence};
	st = wire_statement_decode(evidence->statement, arena, &view_r->statement);
	*why_r = "It holds no statement that this release understands";
	if (st == DOM_OK) {
		st = wire_receipt_decode(evidence->receipt, &view_r->receipt);
		*why_r = "It holds no receipt that this release understands";
	}
	if (st == DOM_OK)
		st = wire_subject(evidence->statement_public, evidence->statement,
		    evidence->signature, subject);
	if (st == DOM_OK) {
		*why_r = check_receipt(view_r, region_public, subject);
		if (*why_r == NULL)
			*why_r = check_statement(view_r, region_public);
		if (*why_r != NULL)
			st = DOM_EINTEGRITY;
	}
	if (st == DOM_ENOMEM)
		*why_r = "There is not enough memory";
	return st;
}

enum dom_status
wire_evidence_check(struct dom_slice bytes, struct dom_slice region_public,
    struct dom_arena *arena, struct wire_evidence_view *view_r, const char **why_r)
{
	struct wire_evidence evidence;
	enum dom_status st = wire_evidence_decode(bytes, &evidence);

	if (st == DOM_OK)
		return wire_evidence_check_parts(
		    &evidence, region_public, arena, view_r, why_r);
	*view_r = (struct wire_evidence_view){0};
	*why_r = "This is not evidence of domicile, or it is cut short";
	return st;
}
