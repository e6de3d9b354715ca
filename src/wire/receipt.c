/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Receipts as the bytes that are signed; the layout is in the header. */
#include "wire/receipt.h"

#include <assert.h>

#include "base/bytes.h"
#include "base/utf8.h"

#include "crypto/digest.h"

static const char domain_receipt[] = "domicile/receipt/v1";
static const char domain_subject[] = "domicile/subject/v1";

enum { DOMAIN_SIZE_MAX = 64 };

static_assert((int)WIRE_SUBJECT_SIZE == (int)DOM_SHA256_SIZE, "a subject is a digest");

enum dom_status
wire_subject(struct dom_slice statement_public, struct dom_slice statement,
    struct dom_slice signature, uint8_t subject_r[WIRE_SUBJECT_SIZE])
{
	struct dom_buffer bytes = {0};
	enum dom_status st;

	dom_write_string(&bytes, dom_slice_of(domain_subject));
	dom_write_string(&bytes, statement_public);
	dom_write_string(&bytes, statement);
	dom_write_string(&bytes, signature);
	if ((st = dom_buffer_finish(&bytes)) == DOM_OK)
		st = dom_sha256(dom_buffer_slice(&bytes), subject_r);
	dom_buffer_free(&bytes);
	return st;
}

/* A time or a count: what has the top bit set is none, and no database would hold it. */
static int64_t
read_number(struct dom_reader *in)
{
	uint64_t number = dom_read_u64(in);

	if (number > INT64_MAX && in->failed == DOM_OK)
		in->failed = DOM_EINPUT;
	return in->failed == DOM_OK ? (int64_t)number : 0;
}

static void
read_digest(struct dom_reader *in, uint8_t digest_r[32])
{
	struct dom_slice bytes = dom_read_bytes(in, 32);

	if (bytes.size == 32)
		memcpy(digest_r, bytes.data, 32);
}

static void
read_erased(struct dom_reader *in, struct wire_receipt *receipt)
{
	uint8_t scope = dom_read_u8(in);

	if (scope < WIRE_SCOPE_ITEM || scope > WIRE_SCOPE_SOURCE)
		in->failed = DOM_EINPUT;
	receipt->scope = (enum wire_scope)scope;
	read_digest(in, receipt->root);
	receipt->sum.collections = (uint64_t)read_number(in);
	receipt->sum.items = (uint64_t)read_number(in);
	receipt->sum.revisions = (uint64_t)read_number(in);
	receipt->sum.chunks = (uint64_t)read_number(in);
	receipt->sum.bytes = (uint64_t)read_number(in);
	receipt->ended_ms = read_number(in);
	receipt->backups_ms = read_number(in);
}

enum dom_status
wire_receipt_decode(struct dom_slice bytes, struct wire_receipt *receipt_r)
{
	struct dom_reader in = dom_reader_over(bytes);
	struct dom_slice domain = dom_read_string(&in, DOMAIN_SIZE_MAX);
	uint8_t kind = dom_read_u8(&in);

	*receipt_r = (struct wire_receipt){0};
	if (bytes.size > WIRE_RECEIPT_SIZE_MAX || !dom_slice_is(domain, domain_receipt) ||
	    (kind != WIRE_RECEIPT_TAKEN && kind != WIRE_RECEIPT_ERASED))
		return DOM_EINPUT;
	receipt_r->kind = (enum wire_receipt_kind)kind;
	receipt_r->region = dom_read_string(&in, WIRE_REGION_SIZE_MAX);
	if (!dom_utf8_valid(receipt_r->region))
		return DOM_EINPUT;
	read_digest(&in, receipt_r->region_public);
	read_digest(&in, receipt_r->subject);
	receipt_r->accepted_ms = read_number(&in);
	receipt_r->clock = (uint64_t)read_number(&in);
	if (kind == WIRE_RECEIPT_ERASED)
		read_erased(&in, receipt_r);
	return dom_reader_finish(&in);
}

void
wire_receipt_encode(struct dom_buffer *bytes, const struct wire_receipt *receipt)
{
	assert(receipt->kind == WIRE_RECEIPT_TAKEN || receipt->kind == WIRE_RECEIPT_ERASED);
	dom_write_string(bytes, dom_slice_of(domain_receipt));
	dom_write_u8(bytes, (uint8_t)receipt->kind);
	dom_write_string(bytes, receipt->region);
	dom_buffer_append(bytes, receipt->region_public, sizeof(receipt->region_public));
	dom_buffer_append(bytes, receipt->subject, sizeof(receipt->subject));
	dom_write_u64(bytes, (uint64_t)receipt->accepted_ms);
	dom_write_u64(bytes, receipt->clock);
	if (receipt->kind == WIRE_RECEIPT_TAKEN)
		return;
	assert(receipt->scope >= WIRE_SCOPE_ITEM && receipt->scope <= WIRE_SCOPE_SOURCE);
	dom_write_u8(bytes, (uint8_t)receipt->scope);
	dom_buffer_append(bytes, receipt->root, sizeof(receipt->root));
	dom_write_u64(bytes, receipt->sum.collections);
	dom_write_u64(bytes, receipt->sum.items);
	dom_write_u64(bytes, receipt->sum.revisions);
	dom_write_u64(bytes, receipt->sum.chunks);
	dom_write_u64(bytes, receipt->sum.bytes);
	dom_write_u64(bytes, (uint64_t)receipt->ended_ms);
	dom_write_u64(bytes, (uint64_t)receipt->backups_ms);
}
