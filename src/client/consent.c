/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Giving and withdrawing consent: signed statements, numbered one after the
 * other for the account.  Two devices may want the same number; the server
 * takes one, and the other asks for the next.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#include "wire/statement.h"

#include "client/call.h"

enum { STATEMENT_TRIES = 5 };

static enum dom_status
no_memory(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
}

static enum dom_status
ask_consents(struct dom_session *session, struct dom_arena *arena,
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

static enum dom_status
post_statement(struct dom_session *session, const struct wire_statement *statement)
{
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_call *call = dom_call_new(session, "POST", "domicile/v1/statements/");
	struct dom_buffer bytes = {0};
	enum dom_status st;

	if (call == NULL)
		return no_memory(session);
	wire_statement_encode(&bytes, statement);
	if ((st = dom_buffer_finish(&bytes)) < 0) {
		no_memory(session);
		goto out;
	}
	dom_statement_sign(session->account, dom_buffer_slice(&bytes), signature);
	wire_signed_statement_encode(
	    &call->body, &(struct wire_signed_statement){.statement = dom_buffer_slice(&bytes),
	                     .signature = dom_slice(signature, sizeof(signature))});
	if ((st = dom_call_run(call)) == DOM_OK &&
	    (st = dom_session_wrote(session, call->exchange.position, 0)) == DOM_OK)
		st = dom_session_commit(session);
out:
	dom_buffer_free(&bytes);
	dom_call_free(&call);
	return st;
}

/* statement: all but account, serial, time and region. */
static enum dom_status
sign_and_send(struct dom_session *session, struct wire_statement *statement, bool must_be_on)
{
	const struct dom_clock clock = dom_clock_system();
	uint8_t mine[DOM_PUBLIC_KEY_SIZE];
	struct dom_arena *arena = dom_arena_new(0);
	enum dom_status st = DOM_CONFLICT;

	if (arena == NULL)
		return no_memory(session);
	dom_statement_public(session->account, mine);
	memcpy(statement->account, session->identity_public, DOM_PUBLIC_KEY_SIZE);
	for (int try = 0; try < STATEMENT_TRIES && st == DOM_CONFLICT; try++) {
		struct wire_consents consents;
		struct dom_call *call;
		bool is_on = false;

		if ((st = ask_consents(session, arena, &consents, &call)) != DOM_OK) {
			dom_call_free(&call);
			break;
		}
		for (size_t i = 0; i < consents.count; i++)
			is_on = is_on || dom_slice_equal(
			                     consents.entries[i].service, statement->service);
		if (must_be_on && !is_on)
			st = dom_session_fail(
			    session, DOM_ABSENT, "This service is off already");
		else if (consents.statement_key.data == NULL)
			st = register_key(session);
		else if (!dom_slice_equal(
		             consents.statement_key, dom_slice(mine, sizeof(mine))))
			st = dom_session_fail(session, DOM_EINTEGRITY,
			    "The server holds a statement key that is not this account's. "
			    "Nothing "
			    "was signed; tell its operator");
		if (st == DOM_OK) {
			statement->serial = consents.serial + 1;
			dom_random_fill(
			    &session->random, statement->nonce, sizeof(statement->nonce));
			statement->issued_ms = dom_clock_now_ms(&clock);
			statement->region = consents.region;
			st = post_statement(session, statement);
		}
		dom_call_free(&call);
		dom_arena_reset(arena);
	}
	if (st == DOM_CONFLICT)
		st = dom_session_fail(session, DOM_EUNCERTAIN,
		    "Other devices keep signing statements at the same time; nothing was "
		    "changed "
		    "by this one. Try again");
	dom_arena_free(&arena);
	return st;
}

enum dom_status
dom_consent_give(struct dom_session *session, const struct dom_consent *consent)
{
	struct wire_statement statement = {
	    .kind = WIRE_CONSENT,
	    .service = dom_slice_of(consent->service),
	    .catalogue_version = consent->catalogue_version,
	    .purpose = dom_slice_of(consent->purpose),
	    .retention = dom_slice_of(consent->retention == NULL ? "" : consent->retention),
	    .until_ms = consent->until_ms,
	    .type_count = consent->type_count,
	};
	struct dom_slice types[WIRE_STATEMENT_TYPES_MAX];
	struct dom_buffer sealed[WIRE_STATEMENT_TYPES_MAX] = {{0}};
	enum dom_status st = DOM_OK;

	if (!wire_service_valid(statement.service) ||
	    consent->type_count > WIRE_STATEMENT_TYPES_MAX)
		return dom_session_fail(
		    session, DOM_EINPUT, "\"%s\" is not a service", consent->service);
	for (size_t i = 0; i < consent->type_count && st == DOM_OK; i++) {
		st = dom_collection_type_seal(
		    session->account, dom_slice_of(consent->types[i]), &sealed[i]);
		types[i] = dom_buffer_slice(&sealed[i]);
	}
	statement.types = types;
	st = st == DOM_OK ? sign_and_send(session, &statement, false) : no_memory(session);
	for (size_t i = 0; i < consent->type_count; i++)
		dom_buffer_free(&sealed[i]);
	return st;
}

enum dom_status
dom_consent_withdraw(struct dom_session *session, const char *service)
{
	struct wire_statement statement = {
	    .kind = WIRE_WITHDRAWAL, .service = dom_slice_of(service)};

	if (!wire_service_valid(statement.service))
		return dom_session_fail(
		    session, DOM_EINPUT, "\"%s\" is not a service", service);
	return sign_and_send(session, &statement, true);
}

enum dom_status
dom_consents(struct dom_session *session, struct dom_consent_state **states_r, size_t *count_r)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_call *call = NULL;
	struct wire_consents consents;
	enum dom_status st;

	*states_r = NULL;
	*count_r = 0;
	if (arena == NULL)
		return no_memory(session);
	if ((st = ask_consents(session, arena, &consents, &call)) != DOM_OK)
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
		state->until_ms = consents.entries[i].until_ms;
		(*count_r)++;
	}
out:
	dom_call_free(&call);
	dom_arena_free(&arena);
	return st;
}
