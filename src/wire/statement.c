/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Statements as the bytes that are signed; the layout is in the header. */
#include "wire/statement.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "base/utf8.h"

#include "crypto/keys.h"

#include "wire/etebase.h"
#include "wire/group.h"

static const char *const domains[] = {
    [WIRE_CONSENT] = "domicile/consent/v2",
    [WIRE_WITHDRAWAL] = "domicile/withdrawal/v2",
    [WIRE_ERASURE] = "domicile/erasure/v1",
    [WIRE_ORDER] = "domicile/order/v1",
    [WIRE_MOVE_ORDER] = "domicile/move-order/v1",
    [WIRE_MOVE_CANCEL] = "domicile/move-cancel/v1",
    [WIRE_MOVE_ACK] = "domicile/move-ack/v1",
};
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

static void
read_choice(struct dom_reader *in, struct wire_statement *statement)
{
	uint8_t choice = dom_read_u8(in);

	if (choice > 1)
		in->failed = DOM_EINPUT;
	statement->erase = choice == 1;
}

static void
read_scope(struct dom_reader *in, struct wire_statement *statement)
{
	uint8_t scope = dom_read_u8(in);
	bool fits;

	statement->collection_uid = dom_read_string(in, DOM_UID_SIZE_MAX);
	statement->item_uid = dom_read_string(in, DOM_UID_SIZE_MAX);
	if (scope == WIRE_SCOPE_ACCOUNT)
		fits = statement->collection_uid.size == 0 && statement->item_uid.size == 0;
	else
		fits = scope == WIRE_SCOPE_ITEM && statement->kind == WIRE_ERASURE &&
		       wire_uid_valid(statement->collection_uid) &&
		       wire_uid_valid(statement->item_uid);
	if (!fits)
		in->failed = DOM_EINPUT;
	statement->scope = (enum wire_scope)scope;
}

/* An epoch counts from 1, and so do rows in which it is kept. */
static void
read_epoch(struct dom_reader *in, struct wire_statement *statement)
{
	statement->epoch = dom_read_u64(in);
	if (statement->epoch == 0 || statement->epoch > INT64_MAX)
		in->failed = DOM_EINPUT;
}

static void
read_into(struct dom_reader *in, uint8_t *bytes_r, size_t size)
{
	struct dom_slice bytes = dom_read_bytes(in, size);

	if (in->failed == DOM_OK)
		memcpy(bytes_r, bytes.data, size);
}

static void
read_move_order(struct dom_reader *in, struct wire_statement *statement)
{
	uint8_t shared;

	statement->target = dom_read_string(in, WIRE_REGION_SIZE_MAX);
	read_epoch(in, statement);
	statement->expires_ms = read_time(in);
	shared = dom_read_u8(in);
	statement->leave_shared = shared == 1;
	statement->grace_days = dom_read_u32(in);
	if (shared > 1 || !wire_service_valid(statement->target) ||
	    dom_slice_equal(statement->target, statement->region) ||
	    statement->grace_days > WIRE_GRACE_DAYS_MAX)
		in->failed = DOM_EINPUT;
}

static void
read_move_ack(struct dom_reader *in, struct wire_statement *statement)
{
	read_into(in, statement->move, sizeof(statement->move));
	read_epoch(in, statement);
	read_into(in, statement->root, sizeof(statement->root));
	statement->revisions = dom_read_u64(in);
}

static enum dom_status
read_consent(struct dom_reader *in, struct dom_arena *arena, struct wire_statement *statement)
{
	statement->catalogue_version = dom_read_u32(in);
	read_into(in, statement->terms, sizeof(statement->terms));
	statement->purpose = read_text(in, WIRE_PURPOSE_SIZE_MAX);
	statement->retention = read_text(in, WIRE_RETENTION_SIZE_MAX);
	statement->until_ms = read_time(in);
	return read_types(in, arena, statement);
}

/* The fields that every statement begins with; false: it is none. */
static bool
read_head(struct dom_reader *in, struct wire_statement *statement)
{
	struct dom_slice domain = dom_read_string(in, DOMAIN_SIZE_MAX);
	struct dom_slice account = dom_read_bytes(in, sizeof(statement->account));
	struct dom_slice nonce = dom_read_bytes(in, sizeof(statement->nonce));
	bool of_service;

	if (in->failed != DOM_OK)
		return false;
	memcpy(statement->account, account.data, account.size);
	memcpy(statement->nonce, nonce.data, nonce.size);
	statement->serial = dom_read_u64(in);
	statement->issued_ms = read_time(in);
	statement->region = read_text(in, WIRE_REGION_SIZE_MAX);
	statement->service = dom_read_string(in, WIRE_SERVICE_SIZE_MAX);
	for (int kind = WIRE_CONSENT; kind <= WIRE_MOVE_ACK; kind++) {
		if (dom_slice_is(domain, domains[kind]))
			statement->kind = (enum wire_statement_kind)kind;
	}
	of_service = statement->kind == WIRE_CONSENT || statement->kind == WIRE_WITHDRAWAL;
	return in->failed == DOM_OK && statement->kind != 0 && statement->serial <= INT64_MAX &&
	       (statement->serial == 0) == (statement->kind == WIRE_ORDER) &&
	       (of_service ? wire_service_valid(statement->service)
	                   : statement->service.size == 0);
}

enum dom_status
wire_statement_decode(
    struct dom_slice bytes, struct dom_arena *arena, struct wire_statement *statement_r)
{
	struct dom_reader in = dom_reader_over(bytes);
	enum dom_status st;

	*statement_r = (struct wire_statement){0};
	if (bytes.size > WIRE_STATEMENT_SIZE_MAX || !read_head(&in, statement_r))
		return DOM_EINPUT;
	switch (statement_r->kind) {
	case WIRE_CONSENT:
		if ((st = read_consent(&in, arena, statement_r)) != DOM_OK)
			return st;
		break;
	case WIRE_WITHDRAWAL:
		read_choice(&in, statement_r);
		break;
	case WIRE_ERASURE:
	case WIRE_ORDER:
		read_scope(&in, statement_r);
		break;
	case WIRE_MOVE_ORDER:
		read_move_order(&in, statement_r);
		break;
	case WIRE_MOVE_CANCEL:
		read_into(&in, statement_r->move, sizeof(statement_r->move));
		break;
	case WIRE_MOVE_ACK:
		read_move_ack(&in, statement_r);
		break;
	}
	return dom_reader_finish(&in);
}

void
wire_statement_encode(struct dom_buffer *bytes, const struct wire_statement *statement)
{
	assert(statement->kind >= WIRE_CONSENT && statement->kind <= WIRE_MOVE_ACK);
	dom_write_string(bytes, dom_slice_of(domains[statement->kind]));
	dom_buffer_append(bytes, statement->account, sizeof(statement->account));
	dom_buffer_append(bytes, statement->nonce, sizeof(statement->nonce));
	dom_write_u64(bytes, statement->serial);
	dom_write_u64(bytes, (uint64_t)statement->issued_ms);
	dom_write_string(bytes, statement->region);
	dom_write_string(bytes, statement->service);
	switch (statement->kind) {
	case WIRE_CONSENT:
		dom_write_u32(bytes, statement->catalogue_version);
		dom_buffer_append(bytes, statement->terms, sizeof(statement->terms));
		dom_write_string(bytes, statement->purpose);
		dom_write_string(bytes, statement->retention);
		dom_write_u64(bytes, (uint64_t)statement->until_ms);
		assert(statement->type_count <= WIRE_STATEMENT_TYPES_MAX);
		dom_write_u32(bytes, (uint32_t)statement->type_count);
		for (size_t i = 0; i < statement->type_count; i++)
			dom_write_string(bytes, statement->types[i]);
		break;
	case WIRE_WITHDRAWAL:
		dom_write_u8(bytes, statement->erase ? 1 : 0);
		break;
	case WIRE_ERASURE:
	case WIRE_ORDER:
		dom_write_u8(bytes, (uint8_t)statement->scope);
		dom_write_string(bytes, statement->collection_uid);
		dom_write_string(bytes, statement->item_uid);
		break;
	case WIRE_MOVE_ORDER:
		dom_write_string(bytes, statement->target);
		dom_write_u64(bytes, statement->epoch);
		dom_write_u64(bytes, (uint64_t)statement->expires_ms);
		dom_write_u8(bytes, statement->leave_shared ? 1 : 0);
		dom_write_u32(bytes, statement->grace_days);
		break;
	case WIRE_MOVE_CANCEL:
		dom_buffer_append(bytes, statement->move, sizeof(statement->move));
		break;
	case WIRE_MOVE_ACK:
		dom_buffer_append(bytes, statement->move, sizeof(statement->move));
		dom_write_u64(bytes, statement->epoch);
		dom_buffer_append(bytes, statement->root, sizeof(statement->root));
		dom_write_u64(bytes, statement->revisions);
		break;
	}
}

void
wire_statement_key_response(struct dom_buffer *bytes, struct dom_slice identity_public,
    struct dom_slice statement_public)
{
	dom_write_string(bytes, dom_slice_of(domain_statement_key));
	dom_write_string(bytes, identity_public);
	dom_write_string(bytes, statement_public);
}
