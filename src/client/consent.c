/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Giving and withdrawing consent: signed statements, numbered one after the
 * other for the account.  Two devices may want the same number; the server
 * takes one, and the other asks for the next.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "wire/statement.h"

#include "client/call.h"
#include "client/files.h"
#include "client/statement.h"

enum {
	STATEMENT_TRIES = 5,
	SAME_NAME_MAX = 1000,
};

static enum dom_status
no_memory(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
}

enum dom_status
dom_consents_ask(struct dom_session *session, struct dom_arena *arena,
    struct wire_consents *consents_r, struct dom_call **call_r)
{
	struct dom_call *call = dom_call_new(session, "GET", "domicile/v1/consents/");
	enum dom_status st;

	*call_r = call;
	if (call == NULL)
		return no_memory(session);
	st = dom_call_run(call);
	if (st == DOM_OK &&
	    wire_consents_decode(dom_call_reply(call), arena, consents_r) != DOM_OK)
		st = DOM_ABSENT;
	if (st == DOM_ABSENT)
		st = dom_session_fail(session, DOM_ESERVER,
		    "%s is not a domicile region (it may be another Etebase server): it cannot "
		    "keep consents",
		    session->server_url);
	return st;
}

static enum dom_status
register_key(struct dom_session *session)
{
	uint8_t public_key[DOM_PUBLIC_KEY_SIZE], signature[DOM_SIGNATURE_SIZE];
	struct dom_call *call = dom_call_new(session, "PUT", "domicile/v1/statement-key/");
	struct dom_buffer response = {0};
	enum dom_status st;

	if (call == NULL)
		return no_memory(session);
	dom_statement_public(session->account, public_key);
	wire_statement_key_response(&response,
	    dom_slice(session->identity_public, DOM_PUBLIC_KEY_SIZE),
	    dom_slice(public_key, sizeof(public_key)));
	if ((st = dom_buffer_finish(&response)) < 0) {
		no_memory(session);
		goto out;
	}
	dom_main_key_sign(session->main, dom_buffer_slice(&response), signature);
	wire_statement_key_encode(&call->body,
	    &(struct wire_statement_key){.pubkey = dom_slice(public_key, sizeof(public_key)),
	        .response = dom_buffer_slice(&response),
	        .signature = dom_slice(signature, sizeof(signature))});
	if ((st = dom_call_run(call)) == DOM_OK &&
	    (st = dom_session_wrote(session, call->exchange.position, 0)) == DOM_OK)
		st = dom_session_commit(session);
out:
	dom_buffer_free(&response);
	dom_call_free(&call);
	return st;
}

/*
 * What it is called among the receipts.  A region that was made out of a backup
 * numbers from where that one was; what proves the statement that had the number
 * before is kept.
 */
static void
name_it(struct dom_session *session, const struct wire_statement *statement,
    struct dom_statement_sent *sent_r)
{
	static const char *const kinds[] = {[WIRE_CONSENT] = "consent",
	    [WIRE_WITHDRAWAL] = "withdrawal",
	    [WIRE_ERASURE] = "erasure",
	    [WIRE_ORDER] = "order",
	    [WIRE_MOVE_ORDER] = "move-order",
	    [WIRE_MOVE_CANCEL] = "move-cancel",
	    [WIRE_MOVE_ACK] = "move-ack"};

	char folder[PATH_MAX], file[sizeof(sent_r->name) + sizeof(DOM_RECEIPT_SUFFIX)];
	size_t size;

	snprintf(sent_r->name, sizeof(sent_r->name), "%06llu-%s%s%.*s",
	    (unsigned long long)statement->serial, kinds[statement->kind],
	    statement->service.size == 0 ? "" : "-", (int)statement->service.size,
	    (const char *)statement->service.data);
	size = strlen(sent_r->name);
	snprintf(folder, sizeof(folder), "%s/" DOM_RECEIPTS_FOLDER, session->folder);
	for (unsigned n = 2; n <= SAME_NAME_MAX; n++) {
		snprintf(file, sizeof(file), "%s" DOM_RECEIPT_SUFFIX, sent_r->name);
		if (!dom_file_exists(folder, file))
			return;
		snprintf(sent_r->name + size, sizeof(sent_r->name) - size, "-%u", n);
	}
}

/* The region's answer: checked, kept, and what is erased by it. */
static enum dom_status
take_receipt(struct dom_session *session, struct wire_evidence *evidence,
    struct dom_slice reply, struct dom_statement_sent *sent_r)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_countersigned answer;
	struct wire_evidence_view view;
	enum dom_status st;

	if (arena == NULL)
		return no_memory(session);
	if (wire_countersigned_decode(reply, &answer) != DOM_OK) {
		st = dom_session_fail(session, DOM_ESERVER,
		    "The region took the statement and gave no receipt that can be read");
		goto out;
	}
	evidence->receipt = answer.receipt;
	evidence->receipt_signature = answer.signature;
	if ((st = dom_evidence_check(session, evidence, arena, &view)) != DOM_OK)
		goto out;
	if (view.receipt.kind != WIRE_RECEIPT_TAKEN) {
		st = dom_session_fail(session, DOM_EINTEGRITY,
		    "The region's receipt is not good: it does not say that the statement was"
		    " taken");
		goto out;
	}
	if (answer.request.size == sizeof(sent_r->request))
		memcpy(sent_r->request, answer.request.data, sizeof(sent_r->request));
	st = dom_evidence_keep(session, evidence, sent_r->name);
out:
	dom_arena_free(&arena);
	return st;
}

static bool
is_erasing(const struct wire_statement *statement)
{
	return statement->erase || statement->kind == WIRE_ERASURE;
}

/*
 * Before it is sent: if the answer is lost, the statement is what the region's
 * receipt can be asked for and checked with, also when nobody can log in any more.
 */
static enum dom_status
keep_sent(struct dom_session *session, const struct wire_statement *statement,
    const struct wire_evidence *evidence, struct dom_statement_sent *sent_r)
{
	char sent[sizeof(sent_r->name) + sizeof(DOM_SENT_SUFFIX)];

	if (!is_erasing(statement))
		return DOM_OK;
	if (wire_subject(evidence->statement_public, evidence->statement, evidence->signature,
	        sent_r->request) != DOM_OK)
		return no_memory(session);
	snprintf(sent, sizeof(sent), "%s" DOM_SENT_SUFFIX, sent_r->name);
	return dom_evidence_keep(session, evidence, sent);
}

/* Its answer is here, or it was refused. */
static void
drop_sent(struct dom_session *session, const struct wire_statement *statement,
    enum dom_status st, struct dom_statement_sent *sent_r)
{
	if (!is_erasing(statement))
		return;
	if (st != DOM_OK)
		memset(sent_r->request, 0, sizeof(sent_r->request));
	dom_evidence_drop_sent(session, sent_r->name);
}

/* After these it is not known whether the region has it. */
static bool
is_in_doubt(enum dom_status st)
{
	return st == DOM_EUNCERTAIN || st == DOM_ENETWORK || st == DOM_EAUTH ||
	       st == DOM_ESERVER || st == DOM_ESTOPPED || st == DOM_ENOMEM;
}

static enum dom_status
post_statement(struct dom_session *session, const struct wire_statement *statement,
    struct dom_statement_sent *sent_r)
{
	uint8_t signature[DOM_SIGNATURE_SIZE], public_key[DOM_PUBLIC_KEY_SIZE];
	struct dom_call *call = dom_call_new(session, "POST", "domicile/v1/statements/");
	struct dom_buffer bytes = {0};
	struct wire_evidence evidence;
	enum dom_status st;

	if (call == NULL)
		return no_memory(session);
	wire_statement_encode(&bytes, statement);
	if ((st = dom_buffer_finish(&bytes)) < 0) {
		no_memory(session);
		goto out;
	}
	dom_statement_public(session->account, public_key);
	dom_statement_sign(session->account, dom_buffer_slice(&bytes), signature);
	evidence = (struct wire_evidence){
	    .statement_public = dom_slice(public_key, sizeof(public_key)),
	    .statement = dom_buffer_slice(&bytes),
	    .signature = dom_slice(signature, sizeof(signature))};
	wire_signed_statement_encode(
	    &call->body, &(struct wire_signed_statement){
	                     .statement = evidence.statement, .signature = evidence.signature});
	name_it(session, statement, sent_r);
	if (wire_subject(evidence.statement_public, evidence.statement, evidence.signature,
	        sent_r->subject) != DOM_OK) {
		st = no_memory(session);
		goto out;
	}
	if ((st = keep_sent(session, statement, &evidence, sent_r)) != DOM_OK ||
	    (st = dom_call_run(call)) != DOM_OK) {
		if (!is_in_doubt(st))
			drop_sent(session, statement, st, sent_r);
		goto out;
	}
	if ((st = dom_session_wrote(session, call->exchange.position, 0)) == DOM_OK &&
	    (st = dom_session_commit(session)) == DOM_OK)
		st = take_receipt(session, &evidence, dom_call_reply(call), sent_r);
	if (st == DOM_OK)
		drop_sent(session, statement, st, sent_r);
out:
	dom_buffer_free(&bytes);
	dom_call_free(&call);
	return st;
}

/* The next number, and nothing in the way of using it. */
static enum dom_status
check_ground(struct dom_session *session, const struct wire_consents *consents,
    const struct wire_statement *statement, bool must_be_on)
{
	uint8_t mine[DOM_PUBLIC_KEY_SIZE];
	bool is_on = false;

	for (size_t i = 0; i < consents->count; i++)
		is_on =
		    is_on || dom_slice_equal(consents->entries[i].service, statement->service);
	if (must_be_on && !is_on)
		return dom_session_fail(session, DOM_ABSENT, "This service is off already");
	if (consents->statement_key.data == NULL)
		return register_key(session);
	dom_statement_public(session->account, mine);
	if (!dom_slice_equal(consents->statement_key, dom_slice(mine, sizeof(mine))))
		return dom_session_fail(session, DOM_EINTEGRITY,
		    "The server holds a statement key that is not this account's. Nothing was"
		    " signed; tell its operator");
	return DOM_OK;
}

enum dom_status
dom_statement_send(struct dom_session *session, struct wire_statement *statement,
    bool must_be_on, struct dom_statement_sent *sent_r)
{
	const struct dom_clock clock = dom_clock_system();
	struct dom_arena *arena = dom_arena_new(0);
	enum dom_status st = DOM_CONFLICT;

	*sent_r = (struct dom_statement_sent){{0}};
	if (arena == NULL)
		return no_memory(session);
	memcpy(statement->account, session->identity_public, DOM_PUBLIC_KEY_SIZE);
	for (int try = 0; try < STATEMENT_TRIES && st == DOM_CONFLICT; try++) {
		struct wire_consents consents;
		struct dom_call *call;
		unsigned home;

		st = dom_consents_ask(session, arena, &consents, &call);
		home = session->home;
		if (st == DOM_OK)
			st = check_ground(session, &consents, statement, must_be_on);
		if (st == DOM_OK) {
			statement->serial = consents.serial + 1;
			dom_random_fill(
			    &session->random, statement->nonce, sizeof(statement->nonce));
			statement->issued_ms = dom_clock_now_ms(&clock);
			statement->region = consents.region;
			st = post_statement(session, statement, sent_r);
			/* It was for a region that the account has left meanwhile. */
			if (st < 0 && session->home != home)
				st = DOM_CONFLICT;
		}
		dom_call_free(&call);
		dom_arena_reset(arena);
	}
	if (st == DOM_CONFLICT)
		st = dom_session_fail(session, DOM_EUNCERTAIN,
		    "Other devices keep signing statements at the same time; nothing was"
		    " changed by this one. Try again");
	dom_arena_free(&arena);
	return st;
}

enum dom_status
dom_consent_give(struct dom_session *session, const struct dom_consent *consent)
{
	const struct dom_catalogue_entry *entry = consent->entry;
	struct wire_statement statement = {
	    .kind = WIRE_CONSENT,
	    .service = dom_slice_of(entry->name),
	    .catalogue_version = entry->version,
	    .purpose = dom_slice_of(entry->purpose),
	    .retention = dom_slice_of(entry->retention),
	    .until_ms = consent->until_ms,
	    .type_count = consent->type_count,
	};
	struct dom_slice types[WIRE_STATEMENT_TYPES_MAX];
	struct dom_buffer sealed[WIRE_STATEMENT_TYPES_MAX] = {{0}};
	struct dom_statement_sent sent;
	enum dom_status st = DOM_OK;

	memcpy(statement.terms, entry->terms, sizeof(statement.terms));
	if (consent->type_count > WIRE_STATEMENT_TYPES_MAX ||
	    (consent->type_count == 0) != (strcmp(entry->name, "any") == 0))
		return dom_session_fail(session, DOM_EINPUT,
		    "A consent to %s must name from 1 to %d collection types", entry->name,
		    WIRE_STATEMENT_TYPES_MAX);
	for (size_t i = 0; i < consent->type_count && st == DOM_OK; i++) {
		st = dom_collection_type_seal(
		    session->account, dom_slice_of(consent->types[i]), &sealed[i]);
		types[i] = dom_buffer_slice(&sealed[i]);
	}
	statement.types = types;
	st = st == DOM_OK ? dom_statement_send(session, &statement, false, &sent)
	                  : no_memory(session);
	if (st == DOM_OK && consent->catalogue != NULL)
		st = dom_shown_keep(session, consent->catalogue->text, sent.name);
	for (size_t i = 0; i < consent->type_count; i++)
		dom_buffer_free(&sealed[i]);
	return st;
}

enum dom_status
dom_consent_withdraw(struct dom_session *session, const char *service,
    enum dom_withdrawal choice, uint8_t request_r[DOM_REQUEST_SIZE])
{
	struct wire_statement statement = {.kind = WIRE_WITHDRAWAL,
	    .service = dom_slice_of(service),
	    .erase = choice == DOM_ERASE};
	struct dom_statement_sent sent = {{0}};
	enum dom_status st;

	if (wire_service_valid(statement.service))
		st = dom_statement_send(session, &statement, choice == DOM_KEEP, &sent);
	else
		st = dom_session_fail(session, DOM_EINPUT, "\"%s\" is not a service", service);
	if (request_r != NULL)
		memcpy(request_r, sent.request, DOM_REQUEST_SIZE);
	return st;
}

enum dom_status
dom_consents(struct dom_session *session, struct dom_consent_state **states_r, size_t *count_r)
{
	static const enum dom_consent_worth worths[WIRE_CONSENT_STATE_COUNT] = {
	    [WIRE_CONSENT_ON] = DOM_CONSENT_ON,
	    [WIRE_CONSENT_ENDED] = DOM_CONSENT_ENDED,
	    [WIRE_CONSENT_CHANGED] = DOM_CONSENT_CHANGED,
	    [WIRE_CONSENT_GONE] = DOM_CONSENT_GONE};
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_call *call = NULL;
	struct wire_consents consents;
	enum dom_status st;

	*states_r = NULL;
	*count_r = 0;
	if (arena == NULL)
		return no_memory(session);
	if ((st = dom_consents_ask(session, arena, &consents, &call)) != DOM_OK)
		goto out;
	if ((*states_r = calloc(consents.count + 1, sizeof(**states_r))) == NULL) {
		st = no_memory(session);
		goto out;
	}
	for (size_t i = 0; i < consents.count; i++) {
		struct dom_consent_state *state = &(*states_r)[*count_r];

		if (!wire_service_valid(consents.entries[i].service))
			continue;
		snprintf(state->service, sizeof(state->service), "%.*s",
		    (int)consents.entries[i].service.size,
		    (const char *)consents.entries[i].service.data);
		state->worth = worths[consents.entries[i].state];
		state->until_ms = consents.entries[i].until_ms;
		state->version = (uint32_t)consents.entries[i].version;
		state->serial = consents.entries[i].serial;
		(*count_r)++;
	}
out:
	dom_call_free(&call);
	dom_arena_free(&arena);
	return st;
}
