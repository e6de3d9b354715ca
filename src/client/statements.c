/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Every statement of the account, as the region keeps it, checked one by one. */
#include "crypto/region.h"

#include "wire/statement.h"

#include "client/call.h"
#include "client/statement.h"

static enum dom_status
no_memory(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
}

static enum dom_status
bad(struct dom_session *session, uint64_t serial, const char *what)
{
	return dom_session_fail(session, DOM_EINTEGRITY,
	    "The region shows a history of statements that is not whole: number %llu %s. Ask "
	    "its"
	    " operator",
	    (unsigned long long)serial, what);
}

const char *
dom_statement_word(enum dom_statement_kind kind)
{
	static const char *const words[] = {[DOM_STATEMENT_CONSENT] = "consent",
	    [DOM_STATEMENT_WITHDRAWAL] = "withdrawal",
	    [DOM_STATEMENT_ERASURE] = "erasure",
	    [DOM_STATEMENT_MOVE_ORDER] = "move-order",
	    [DOM_STATEMENT_MOVE_CANCEL] = "move-cancel",
	    [DOM_STATEMENT_MOVE_ACK] = "move-ack"};
	const size_t count = sizeof(words) / sizeof(words[0]);

	return (size_t)kind < count && words[kind] != NULL ? words[kind] : "statement";
}

/* Texts that end in NUL; "" for what is not there. */
static const char *
text_of(struct dom_arena *arena, struct dom_slice slice)
{
	struct dom_slice copy = dom_arena_copy(arena, slice);

	return copy.data == NULL ? "" : (const char *)copy.data;
}

static struct dom_statement
shown(struct dom_arena *arena, const struct wire_statement *wire, int64_t accepted_ms)
{
	struct dom_statement statement = {.kind = (enum dom_statement_kind)wire->kind,
	    .serial = wire->serial,
	    .issued_ms = wire->issued_ms,
	    .accepted_ms = accepted_ms,
	    .region = text_of(arena, wire->region),
	    .service = text_of(arena, wire->service),
	    .version = wire->catalogue_version,
	    .purpose = text_of(arena, wire->purpose),
	    .retention = text_of(arena, wire->retention),
	    .until_ms = wire->until_ms,
	    .type_count = wire->type_count,
	    .choice = wire->erase ? DOM_ERASE : DOM_KEEP,
	    .whole_account = wire->scope == WIRE_SCOPE_ACCOUNT,
	    .target = text_of(arena, wire->target),
	    .grace_days = wire->grace_days,
	    .leave_shared = wire->leave_shared,
	    .epoch = wire->epoch};

	memcpy(statement.account, wire->account, sizeof(statement.account));
	memcpy(statement.terms, wire->terms, sizeof(statement.terms));
	return statement;
}

struct history {
	struct dom_session *session;
	uint8_t public_key[DOM_PUBLIC_KEY_SIZE]; /* that signs statements */
	uint64_t serial;                         /* of the last one */
	enum dom_status (*each)(void *context, const struct dom_statement *statement);
	void *context;
};

static enum dom_status
show(struct history *history, const struct wire_statement_entry *entry, struct dom_arena *arena)
{
	struct wire_evidence evidence = {
	    .statement_public = dom_slice(history->public_key, sizeof(history->public_key)),
	    .statement = entry->statement,
	    .signature = entry->signature,
	    .receipt = entry->receipt,
	    .receipt_signature = entry->receipt_signature};
	uint64_t serial = history->serial + 1;
	struct wire_statement wire;
	struct wire_evidence_view view;
	struct dom_statement statement;
	struct dom_buffer bytes = {0};
	enum dom_status st;

	if (!dom_verify(evidence.statement_public, entry->statement, entry->signature))
		return bad(history->session, serial, "is not signed by this account");
	if (wire_statement_decode(entry->statement, arena, &wire) != DOM_OK)
		return bad(history->session, serial, "is not one that this release can read");
	if (wire.serial != serial)
		return bad(history->session, serial, "is missing");
	if (memcmp(wire.account, history->session->identity_public, sizeof(wire.account)) != 0)
		return bad(history->session, serial, "is about another account");
	statement = shown(arena, &wire, entry->accepted_ms);
	st = wire_subject(
	    evidence.statement_public, entry->statement, entry->signature, statement.subject);
	if (st != DOM_OK)
		return no_memory(history->session);
	if (entry->receipt.data != NULL && entry->receipt_signature.data != NULL) {
		st = dom_evidence_check(history->session, &evidence, arena, &view);
		if (st != DOM_OK)
			return st;
		memcpy(statement.region_key, view.receipt.region_public,
		    sizeof(statement.region_key));
		wire_evidence_encode(&bytes, &evidence);
		if (dom_buffer_finish(&bytes) != DOM_OK) {
			dom_buffer_free(&bytes);
			return no_memory(history->session);
		}
		statement.evidence = dom_buffer_slice(&bytes);
	}
	history->serial = serial;
	st = history->each(history->context, &statement);
	dom_buffer_free(&bytes);
	return st;
}

/* One page; *done_r: it was the last. */
static enum dom_status
show_page(struct history *history, struct dom_arena *arena, bool *done_r)
{
	struct dom_session *session = history->session;
	struct dom_call *call = dom_call_new(session, "GET",
	    "domicile/v1/statements/?after=%llu", (unsigned long long)history->serial);
	struct wire_statement_entry *entries;
	size_t count = 0;
	enum dom_status st;

	if (call == NULL)
		return no_memory(session);
	if ((st = dom_call_run(call)) != DOM_OK)
		goto out;
	st = wire_statements_decode(dom_call_reply(call), arena, &entries, &count, done_r);
	if (st != DOM_OK || (count == 0 && !*done_r)) {
		st = dom_session_fail(
		    session, DOM_ESERVER, "The region's list of statements cannot be read");
		goto out;
	}
	for (size_t i = 0; i < count && st == DOM_OK; i++)
		st = show(history, &entries[i], arena);
out:
	dom_call_free(&call);
	return st;
}

enum dom_status
dom_statements(struct dom_session *session,
    enum dom_status (*each)(void *context, const struct dom_statement *statement),
    void *context)
{
	struct history history = {.session = session, .each = each, .context = context};
	struct dom_arena *arena = dom_arena_new(0);
	bool done = false;
	enum dom_status st = DOM_OK;

	if (arena == NULL)
		return no_memory(session);
	dom_statement_public(session->account, history.public_key);
	while (!done && st == DOM_OK) {
		st = show_page(&history, arena, &done);
		dom_arena_reset(arena);
	}
	dom_arena_free(&arena);
	return st;
}
