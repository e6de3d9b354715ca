/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Consent and withdrawal as the bytes that are signed; the layout is in the header. */
#include "wire/statement.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "base/utf8.h"

#include "crypto/keys.h"

#include "wire/etebase.h"

static const char domain_consent[] = "domicile/consent/v1";
static const char domain_withdrawal[] = "domicile/withdrawal/v1";
static const char domain_statement_key[] = "domicile/statement-key/v1";

enum { DOMAIN_SIZE_MAX = 64 };

bool
wire_service_valid(struct dom_slice service)
{
	if (service.size == 0 || service.size > WIRE_SERVICE_SIZE_MAX)
		return false;
	for (size_t i = 0; i < service.size; i++) {
		uint8_t byte = service.data[i];
		bool is_letter = byte >= 'a' && byte <= 'z';

		if (!is_letter && (i == 0 || !((byte >= '0' && byte <= '9') || byte == '-')))
			return false;
	}
	return true;
}

/* Milliseconds: what has the top bit set is no time. */
static int64_t
read_time(struct dom_reader *in)
{
	uint64_t ms = dom_read_u64(in);

	if (ms > INT64_MAX)
		in->failed = DOM_EINPUT;
	return in->failed == DOM_OK ? (int64_t)ms : 0;
}

static struct dom_slice
read_text(struct dom_reader *in, size_t size_max)
{
	struct dom_slice text = dom_read_string(in, size_max);

	if (in->failed == DOM_OK && !dom_utf8_valid(text))
		in->failed = DOM_EINPUT;
	return text;
}

static enum dom_status
read_types(struct dom_reader *in, struct dom_arena *arena, struct wire_statement *statement)
{
	uint32_t count = dom_read_u32(in);

	if (in->failed != DOM_OK || count > WIRE_STATEMENT_TYPES_MAX)
		return DOM_EINPUT;
	/* Nothing listed would cover nothing; "any" needs no list. */
	if ((count == 0) != dom_slice_is(statement->service, "any"))
		return DOM_EINPUT;
	statement->types =
	    dom_arena_array(arena, count == 0 ? 1 : count, sizeof(struct dom_slice));
	if (statement->types == NULL)
		return DOM_ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		statement->types[i] = dom_read_string(in, WIRE_TYPE_SIZE_MAX);
		if (in->failed != DOM_OK || statement->types[i].size == 0)
			return DOM_EINPUT;
	}
	statement->type_count = count;
	return DOM_OK;
}

enum dom_status
wire_statement_decode(
    struct dom_slice bytes, struct dom_arena *arena, struct wire_statement *statement_r)
{
	struct dom_reader in = dom_reader_over(bytes);
	struct dom_slice domain = dom_read_string(&in, DOMAIN_SIZE_MAX);
	struct dom_slice account = dom_read_bytes(&in, sizeof(statement_r->account));
	enum dom_status st;
	uint8_t choice;

	*statement_r = (struct wire_statement){0};
	if (bytes.size > WIRE_STATEMENT_SIZE_MAX || in.failed != DOM_OK)
		return DOM_EINPUT;
	memcpy(statement_r->account, account.data, sizeof(statement_r->account));
	statement_r->serial = dom_read_u64(&in);
	statement_r->issued_ms = read_time(&in);
	statement_r->region = read_text(&in, WIRE_REGION_SIZE_MAX);
	statement_r->service = dom_read_string(&in, WIRE_SERVICE_SIZE_MAX);
	if (in.failed != DOM_OK || !wire_service_valid(statement_r->service) ||
	    statement_r->serial == 0 || statement_r->serial > INT64_MAX)
		return DOM_EINPUT;
	if (dom_slice_is(domain, domain_consent)) {
		statement_r->kind = WIRE_CONSENT;
		statement_r->catalogue_version = dom_read_u32(&in);
		statement_r->purpose = read_text(&in, WIRE_PURPOSE_SIZE_MAX);
		statement_r->retention = read_text(&in, WIRE_RETENTION_SIZE_MAX);
		statement_r->until_ms = read_time(&in);
		st = read_types(&in, arena, statement_r);
		if (st != DOM_OK)
			return st;
	} else if (dom_slice_is(domain, domain_withdrawal)) {
		statement_r->kind = WIRE_WITHDRAWAL;
		choice = dom_read_u8(&in);
		if (choice > 1)
			return DOM_EINPUT;
		statement_r->erase = choice == 1;
	} else {
		return DOM_EINPUT;
	}
	return dom_reader_finish(&in);
}

void
wire_statement_encode(struct dom_buffer *bytes, const struct wire_statement *statement)
{
	bool is_consent = statement->kind == WIRE_CONSENT;

	assert(is_consent || statement->kind == WIRE_WITHDRAWAL);
	dom_write_string(bytes, dom_slice_of(is_consent ? domain_consent : domain_withdrawal));
	dom_buffer_append(bytes, statement->account, sizeof(statement->account));
	dom_write_u64(bytes, statement->serial);
	dom_write_u64(bytes, (uint64_t)statement->issued_ms);
	dom_write_string(bytes, statement->region);
	dom_write_string(bytes, statement->service);
	if (!is_consent) {
		dom_write_u8(bytes, statement->erase ? 1 : 0);
		return;
	}
	dom_write_u32(bytes, statement->catalogue_version);
	dom_write_string(bytes, statement->purpose);
	dom_write_string(bytes, statement->retention);
	dom_write_u64(bytes, (uint64_t)statement->until_ms);
	assert(statement->type_count <= WIRE_STATEMENT_TYPES_MAX);
	dom_write_u32(bytes, (uint32_t)statement->type_count);
	for (size_t i = 0; i < statement->type_count; i++)
		dom_write_string(bytes, statement->types[i]);
}

void
wire_statement_key_response(struct dom_buffer *bytes, struct dom_slice identity_public,
    struct dom_slice statement_public)
{
	dom_write_string(bytes, dom_slice_of(domain_statement_key));
	dom_write_string(bytes, identity_public);
	dom_write_string(bytes, statement_public);
}
