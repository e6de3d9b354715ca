/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The same for programs. */
#include <jansson.h>

#include "base/encode.h"
#include "base/utf8.h"

#include "wire/etebase.h"

#include "verify/verify.h"

static const char *const kinds[] = {
    [WIRE_CONSENT] = "consent",
    [WIRE_WITHDRAWAL] = "withdrawal",
    [WIRE_ERASURE] = "erasure",
    [WIRE_ORDER] = "order",
    [WIRE_MOVE_ORDER] = "move-order",
    [WIRE_MOVE_CANCEL] = "move-cancel",
    [WIRE_MOVE_ACK] = "move-ack",
};
static const char *const scopes[] = {
    [WIRE_SCOPE_ITEM] = "item",
    [WIRE_SCOPE_SERVICE] = "service",
    [WIRE_SCOPE_ACCOUNT] = "account",
    [WIRE_SCOPE_SOURCE] = "source",
};

/* A file's name may be any bytes; what is no text is null. */
static json_t *
text(struct dom_slice slice)
{
	return dom_utf8_valid(slice) ? json_stringn((const char *)slice.data, slice.size)
	                             : json_null();
}

/* Up to 64 bytes; what the evidence holds, wire/ has bounded. */
static json_t *
hex(const uint8_t *bytes, size_t size)
{
	char digits[2 * 64 + 1];

	if (size > 64)
		return NULL;
	dom_hex_encode(dom_slice(bytes, size), digits);
	return json_string(digits);
}

static json_t *
base64(struct dom_slice bytes)
{
	char digits[DOM_BASE64_SIZE(WIRE_TYPE_SIZE_MAX) + 1];

	if (bytes.size > WIRE_TYPE_SIZE_MAX)
		return NULL;
	dom_base64_encode(bytes, digits);
	return json_string(digits);
}

/* Each of these fails for good if one value was NULL: json_object_set_new() says so. */
static int
put_consent(json_t *into, const struct wire_statement *statement)
{
	json_t *types = json_array();
	int failed = 0;

	for (size_t i = 0; i < statement->type_count; i++)
		failed |= json_array_append_new(types, base64(statement->types[i]));
	failed |= json_object_set_new(into, "types", types);
	failed |= json_object_set_new(into, "purpose", text(statement->purpose));
	failed |= json_object_set_new(into, "retention", text(statement->retention));
	failed |= json_object_set_new(into, "until_ms", json_integer(statement->until_ms));
	failed |= json_object_set_new(
	    into, "catalogue_version", json_integer(statement->catalogue_version));
	failed |= json_object_set_new(into, "terms", hex(statement->terms, 32));
	return failed;
}

static int
put_move(json_t *into, const struct wire_statement *statement)
{
	int failed = 0;

	if (statement->kind != WIRE_MOVE_ORDER)
		failed |= json_object_set_new(
		    into, "move", hex(statement->move, sizeof(statement->move)));
	if (statement->kind != WIRE_MOVE_CANCEL)
		failed |= json_object_set_new(
		    into, "epoch", json_integer((json_int_t)statement->epoch));
	if (statement->kind == WIRE_MOVE_ACK) {
		failed |= json_object_set_new(into, "root", hex(statement->root, 32));
		failed |= json_object_set_new(
		    into, "revisions", json_integer((json_int_t)statement->revisions));
	}
	if (statement->kind == WIRE_MOVE_ORDER) {
		failed |= json_object_set_new(into, "target", text(statement->target));
		failed |= json_object_set_new(
		    into, "expires_ms", json_integer(statement->expires_ms));
		failed |= json_object_set_new(
		    into, "leave_shared", json_boolean(statement->leave_shared));
		failed |= json_object_set_new(
		    into, "grace_days", json_integer(statement->grace_days));
	}
	return failed;
}

static int
put_scope(json_t *into, const struct wire_statement *statement)
{
	int failed = json_object_set_new(into, "scope", json_string(scopes[statement->scope]));

	if (statement->scope != WIRE_SCOPE_ITEM)
		return failed;
	failed |= json_object_set_new(into, "collection", text(statement->collection_uid));
	return failed | json_object_set_new(into, "item", text(statement->item_uid));
}

static int
put_statement(json_t *into, const struct wire_evidence_view *view)
{
	const struct wire_statement *statement = &view->statement;
	struct dom_slice key = view->parts.statement_public;
	int failed = 0;

	failed |= json_object_set_new(into, "kind", json_string(kinds[statement->kind]));
	failed |= json_object_set_new(into, "account", hex(statement->account, 32));
	failed |= json_object_set_new(into, "statement_key", hex(key.data, key.size));
	failed |=
	    json_object_set_new(into, "serial", json_integer((json_int_t)statement->serial));
	failed |= json_object_set_new(into, "issued_ms", json_integer(statement->issued_ms));
	failed |= json_object_set_new(into, "region", text(statement->region));
	if (statement->service.size != 0)
		failed |= json_object_set_new(into, "service", text(statement->service));
	switch (statement->kind) {
	case WIRE_CONSENT:
		return failed | put_consent(into, statement);
	case WIRE_WITHDRAWAL:
		return failed |
		       json_object_set_new(into, "erase", json_boolean(statement->erase));
	case WIRE_ERASURE:
	case WIRE_ORDER:
		return failed | put_scope(into, statement);
	case WIRE_MOVE_ORDER:
	case WIRE_MOVE_CANCEL:
	case WIRE_MOVE_ACK:
		return failed | put_move(into, statement);
	}
	return failed;
}

static int
put_receipt(json_t *into, const struct wire_receipt *receipt)
{
	const struct wire_erased *sum = &receipt->sum;
	json_t *erased;
	int failed = 0;

	failed |= json_object_set_new(into, "subject", hex(receipt->subject, 32));
	failed |= json_object_set_new(into, "accepted_ms", json_integer(receipt->accepted_ms));
	failed |= json_object_set_new(into, "clock", json_integer((json_int_t)receipt->clock));
	if (receipt->kind != WIRE_RECEIPT_ERASED)
		return failed;
	erased = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "scope",
	    scopes[receipt->scope], "collections", (json_int_t)sum->collections, "items",
	    (json_int_t)sum->items, "revisions", (json_int_t)sum->revisions, "chunks",
	    (json_int_t)sum->chunks, "bytes", (json_int_t)sum->bytes, "ended_ms",
	    (json_int_t)receipt->ended_ms, "backups_ms", (json_int_t)receipt->backups_ms,
	    "root", hex(receipt->root, 32));
	return failed | json_object_set_new(into, "erased", erased);
}

static int
put_certificate(json_t *into, const struct wire_certificate_view *view)
{
	const struct wire_move *state = &view->active;
	struct dom_slice key = view->order.parts.statement_public;
	int failed = json_object_set_new(into, "kind", json_string("move-certificate"));

	failed |= json_object_set_new(into, "account", hex(state->account, 32));
	failed |= json_object_set_new(into, "statement_key", hex(key.data, key.size));
	failed |= json_object_set_new(into, "source", text(view->source->name));
	failed |= json_object_set_new(into, "target", text(view->target->name));
	failed |= json_object_set_new(into, "move", hex(state->move, sizeof(state->move)));
	failed |= json_object_set_new(into, "epoch", json_integer((json_int_t)state->epoch));
	failed |= json_object_set_new(into, "root", hex(state->root, 32));
	failed |= json_object_set_new(
	    into, "revisions", json_integer((json_int_t)state->sum.revisions));
	failed |=
	    json_object_set_new(into, "bytes", json_integer((json_int_t)state->sum.bytes));
	failed |= json_object_set_new(into, "given_ms", json_integer(view->handoff.at_ms));
	failed |= json_object_set_new(into, "acknowledged", json_boolean(view->has_ack));
	return failed | json_object_set_new(into, "erased", json_boolean(view->has_erased));
}

enum dom_status
verify_json(FILE *out, const struct verify_finding *findings, size_t count)
{
	json_t *files = json_array();
	json_t *document = NULL;
	int failed = 0;

	for (size_t i = 0; i < count && failed == 0; i++) {
		const struct verify_finding *finding = &findings[i];
		json_t *file = json_object();

		failed |= json_object_set_new(file, "file", text(dom_slice_of(finding->file)));
		failed |= json_object_set_new(file, "valid", json_boolean(!finding->why));
		if (finding->why != NULL)
			failed |= json_object_set_new(file, "why", json_string(finding->why));
		else if (finding->is_certificate)
			failed |= put_certificate(file, &finding->certificate);
		else
			failed |= put_statement(file, &finding->view) |
			          put_receipt(file, &finding->view.receipt);
		failed |= json_array_append_new(files, file);
	}
	document = json_pack("{s:o}", "files", files);
	if (document == NULL)
		failed = 1;
	if (failed == 0)
		failed = json_dumpf(document, out, JSON_INDENT(2)) != 0 || fputc('\n', out) < 0;
	json_decref(document);
	return failed == 0 ? DOM_OK : DOM_ENOMEM;
}
