/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Taking signed statements, and showing them again byte for byte. */
#include "wire/catalogue.h"
#include "wire/receipt.h"

#include "services/consent/consent.h"
#include "services/erasure/erasure.h"
#include "services/move/source.h"

enum { STATEMENTS_PAGE_MAX = 100, DAY_MS = 24 * 3600 * 1000 };

/* The login key vouches for the statement key, once. */
enum dom_status
consent_statement_key(struct service_call *call)
{
	struct dom_buffer expected = {0};
	struct wire_statement_key key;
	bool is_signed;
	uint64_t clock;
	enum dom_status st;

	st = wire_statement_key_decode(call->request->body, &key);
	if (st != DOM_OK)
		return service_refuse_body(call, st, call->request->body, NULL);
	wire_statement_key_response(&expected, call->account.identity_public, key.pubkey);
	is_signed = dom_buffer_finish(&expected) == DOM_OK &&
	            dom_slice_equal(dom_buffer_slice(&expected), key.response) &&
	            dom_verify(call->account.login_public, key.response, key.signature);
	dom_buffer_free(&expected);
	if (!is_signed)
		return service_refuse(call, SERVICE_STATEMENT_REFUSED,
		    "This statement key is not signed by the account's login key.");
	if (call->account.statement_public.size != 0) {
		if (dom_slice_equal(call->account.statement_public, key.pubkey))
			return DOM_OK;
		return service_refuse(call, SERVICE_STATEMENT_REFUSED,
		    "The account has another statement key already; it cannot be replaced.");
	}
	st = store_account_set_statement_key(call->txn, call->account.number, key.pubkey);
	if (st == DOM_OK)
		st = store_account_tick(call->txn, call->account.number, &clock);
	if (st == DOM_OK)
		st = service_position(call, call->account.number, call->account.clock);
	return st > 0 ? DOM_ESTORE : st;
}

/* Signed by this account, for this region, and about something we know how to do. */
static enum dom_status
check_statement(struct service_call *call, const struct wire_signed_statement *message,
    const struct wire_statement *statement)
{
	if (call->account.statement_public.size == 0)
		return service_refuse(call, SERVICE_STATEMENT_REFUSED,
		    "The account has no statement key yet: register one first.");
	if (statement->kind == WIRE_ORDER)
		return service_refuse(call, SERVICE_STATEMENT_REFUSED,
		    "An order is the operator's to sign, not a device's.");
	if (!dom_verify(call->account.statement_public, message->statement, message->signature))
		return service_refuse(call, SERVICE_STATEMENT_REFUSED,
		    "The statement is not signed by the account's statement key.");
	if (!dom_slice_equal(dom_slice(statement->account, sizeof(statement->account)),
	        call->account.identity_public))
		return service_refuse(
		    call, SERVICE_STATEMENT_REFUSED, "The statement is about another account.");
	if (!dom_slice_is(statement->region, call->service->settings.region))
		return service_refuse(call, SERVICE_STATEMENT_REFUSED,
		    "The statement was made for another region than this one.");
	return DOM_OK;
}

/*
 * DOM_OK: it is the next one.  DOM_CONFLICT: we have this very one, *same_r.
 * DOM_EDENIED: its number is not the next.
 */
static enum dom_status
check_serial(struct service_call *call, const struct wire_statement *statement,
    struct dom_slice bytes, struct store_statement *same_r)
{
	struct store_statement last, *same;
	size_t count = 0;
	uint64_t serial = 0;
	enum dom_status st;

	st = store_statement_last(call->txn, call->account.number, call->arena, &last);
	if (st < 0)
		return st;
	if (st == DOM_OK)
		serial = last.serial;
	if (statement->serial == serial + 1)
		return DOM_OK;
	if (statement->serial <= serial) {
		st = store_statement_list(call->txn, call->account.number,
		    statement->serial - 1, 1, call->arena, &same, &count);
		if (st < 0)
			return st;
	}
	if (count == 1 && same->serial == statement->serial &&
	    dom_slice_equal(same->bytes, bytes)) {
		*same_r = *same;
		return DOM_CONFLICT;
	}
	return service_refuse(call, SERVICE_STATEMENT_STALE,
	    dom_arena_print(call->arena,
	        "The next statement is number %llu, this one is number %llu: another device may"
	        " have been first. Fetch the statements and sign anew.",
	        (unsigned long long)serial + 1, (unsigned long long)statement->serial));
}

/*
 * The terms that were signed are those of the catalogue: a consent to anything
 * else would cover nothing, so it is not taken.
 */
static enum dom_status
check_terms(struct service_call *call, const struct wire_statement *statement)
{
	const struct dom_catalogue_entry *entry =
	    wire_catalogue_find(call->service->settings.catalogue, statement->service);

	if (entry == NULL)
		return service_refuse(call, SERVICE_STATEMENT_REFUSED,
		    dom_arena_print(call->arena,
		        "This region offers no service %.*s: nothing was turned on. Its"
		        " catalogue lists what it offers.",
		        (int)statement->service.size, (const char *)statement->service.data));
	if (statement->catalogue_version == entry->version &&
	    memcmp(statement->terms, entry->terms, DOM_TERMS_SIZE) == 0 &&
	    dom_slice_is(statement->purpose, entry->purpose) &&
	    dom_slice_is(statement->retention, entry->retention))
		return DOM_OK;
	return service_refuse(call, SERVICE_STATEMENT_REFUSED,
	    dom_arena_print(call->arena,
	        "The consent is to other terms of %s than this region's, which changed on %s:"
	        " nothing was turned on. Read them and agree again.",
	        entry->name, entry->since));
}

static enum dom_status
check_times(struct service_call *call, const struct wire_statement *statement)
{
	int64_t now_ms;
	enum dom_status st = consent_now(call, &now_ms);

	if (st != DOM_OK)
		return st;
	/* A no counts whatever the clocks say: its number keeps it from being replayed. */
	if (statement->kind != WIRE_WITHDRAWAL && statement->kind != WIRE_MOVE_CANCEL &&
	    (statement->issued_ms < call->now_ms - CONSENT_ISSUED_SKEW_MS ||
	        statement->issued_ms > call->now_ms + CONSENT_ISSUED_SKEW_MS))
		return service_refuse(call, SERVICE_STATEMENT_REFUSED,
		    "The statement's time is more than a day from ours: check the device's"
		    " clock.");
	if (statement->until_ms != 0 && statement->until_ms <= statement->issued_ms)
		return service_refuse(call, SERVICE_STATEMENT_REFUSED,
		    "This consent would end before it begins.");
	if (statement->until_ms != 0 && statement->until_ms <= now_ms)
		return service_refuse(call, SERVICE_STATEMENT_REFUSED,
		    "This consent has ended already: nothing was turned on.");
	return DOM_OK;
}

/* Does it take back what was given, or everything?  There are no more of these than consents.
 */
static enum dom_status
check_says_no(
    struct service_call *call, const struct wire_statement *statement, bool *says_no_r)
{
	struct store_consent consent;
	enum dom_status st;

	/* A move is cancelled once, and it takes a statement to order the next. */
	*says_no_r =
	    statement->kind == WIRE_MOVE_CANCEL ||
	    (statement->kind == WIRE_ERASURE && statement->scope == WIRE_SCOPE_ACCOUNT);
	if (statement->kind != WIRE_WITHDRAWAL)
		return DOM_OK;
	st = store_consent_find(
	    call->txn, call->account.number, statement->service, call->arena, &consent);
	*says_no_r = st == DOM_OK;
	return st == DOM_ABSENT ? DOM_OK : st;
}

/*
 * Each is kept for ever, so there is a limit to how many there may be; but
 * nobody is kept from saying no.
 */
static enum dom_status
check_rate(struct service_call *call, const struct wire_statement *statement)
{
	int64_t most = call->service->settings.limits.statements_per_day, accepted_ms;
	bool says_no;
	enum dom_status st;

	if (most == 0)
		return DOM_OK;
	if ((st = check_says_no(call, statement, &says_no)) != DOM_OK || says_no)
		return st;
	st = store_statement_accepted(
	    call->txn, call->account.number, (uint64_t)most - 1, &accepted_ms);
	if (st == DOM_ABSENT || (st == DOM_OK && accepted_ms <= call->now_ms - DAY_MS))
		return DOM_OK;
	if (st != DOM_OK)
		return st;
	/* A clock that was set back closes nobody out for longer. */
	if (accepted_ms > call->now_ms)
		accepted_ms = call->now_ms;
	return service_refuse_until(call, SERVICE_TOO_MANY_REQUESTS,
	    "Too many statements in a day", accepted_ms + DAY_MS - call->now_ms);
}

static enum dom_status
apply(struct service_call *call, const struct wire_statement *statement,
    const struct store_statement *row, const uint8_t request[WIRE_SUBJECT_SIZE])
{
	struct store_consent consent = {.service = statement->service,
	    .serial = statement->serial,
	    .until_ms = statement->until_ms,
	    .version = statement->catalogue_version,
	    .any = dom_slice_is(statement->service, "any")};

	if (statement->kind >= WIRE_MOVE_ORDER)
		return move_statement_after(call, statement, row, request);
	if (statement->kind != WIRE_CONSENT)
		return erasure_statement(call, statement, request, row->clock);
	memcpy(consent.terms, statement->terms, sizeof(consent.terms));
	return store_consent_set(
	    call->txn, call->account.number, &consent, statement->types, statement->type_count);
}

/* The same row always gives the same receipt, so a lost reply can be repeated. */
static enum dom_status
countersign(struct service_call *call, struct store_statement *row,
    uint8_t subject_r[WIRE_SUBJECT_SIZE])
{
	const struct service *service = call->service;
	struct wire_receipt receipt = {.kind = WIRE_RECEIPT_TAKEN,
	    .region = dom_slice_of(service->settings.region),
	    .accepted_ms = row->accepted_ms,
	    .clock = row->clock};
	uint8_t *signature = dom_arena_take(call->arena, DOM_SIGNATURE_SIZE);
	struct dom_buffer bytes = {0};
	enum dom_status st;

	if (signature == NULL)
		return DOM_ENOMEM;
	st = wire_subject(
	    call->account.statement_public, row->bytes, row->signature, receipt.subject);
	if (st != DOM_OK)
		return st;
	memcpy(subject_r, receipt.subject, WIRE_SUBJECT_SIZE);
	dom_region_sign_public(service->key, receipt.region_public);
	wire_receipt_encode(&bytes, &receipt);
	if ((st = dom_buffer_finish(&bytes)) == DOM_OK) {
		row->receipt = dom_arena_copy(call->arena, dom_buffer_slice(&bytes));
		if (row->receipt.data == NULL)
			st = DOM_ENOMEM;
		else
			dom_region_sign(service->key, row->receipt, signature);
		row->receipt_signature = dom_slice(signature, DOM_SIGNATURE_SIZE);
	}
	dom_buffer_free(&bytes);
	return st;
}

static bool
is_erasing(const struct wire_statement *statement)
{
	return statement->erase || statement->kind == WIRE_ERASURE;
}

static enum dom_status
answer(struct service_call *call, const struct wire_statement *statement,
    const struct store_statement *row, const uint8_t subject[WIRE_SUBJECT_SIZE])
{
	struct wire_countersigned answer = {
	    .receipt = row->receipt, .signature = row->receipt_signature};

	if (is_erasing(statement))
		answer.request = dom_slice(subject, WIRE_SUBJECT_SIZE);
	wire_countersigned_encode(&call->reply->body, &answer);
	return DOM_OK;
}

static enum dom_status
store_and_apply(struct service_call *call, const struct wire_signed_statement *message,
    const struct wire_statement *statement)
{
	struct store_statement row = {.serial = statement->serial,
	    .kind = (int)statement->kind,
	    .accepted_ms = call->now_ms,
	    .service = statement->service,
	    .bytes = message->statement,
	    .signature = message->signature};
	uint8_t subject[WIRE_SUBJECT_SIZE];
	enum dom_status st;

	if ((st = move_statement_before(call, statement)) == DOM_OK)
		st = store_account_tick(call->txn, call->account.number, &row.clock);
	if (st == DOM_OK)
		st = countersign(call, &row, subject);
	if (st == DOM_OK)
		st = store_statement_add(call->txn, call->account.number, &row);
	if (st == DOM_OK)
		st = apply(call, statement, &row, subject);
	/*
	 * What it erased was not the device's own write: it has to ask for the notes
	 * of what is gone, so it must not take the clock for seen.
	 */
	if (st == DOM_OK && !is_erasing(statement))
		st = service_position(call, call->account.number, call->account.clock);
	if (st == DOM_OK)
		st = answer(call, statement, &row, subject);
	return st > 0 ? DOM_ESTORE : st;
}

/* A reply was lost and the device asks again: it is done already. */
static enum dom_status
answer_again(struct service_call *call, const struct wire_statement *statement,
    struct store_statement *row)
{
	uint8_t subject[WIRE_SUBJECT_SIZE];
	enum dom_status st;

	/* One that an earlier release has taken has no receipt. */
	if (row->receipt.size == 0)
		st = countersign(call, row, subject);
	else
		st = wire_subject(
		    call->account.statement_public, row->bytes, row->signature, subject);
	return st == DOM_OK ? answer(call, statement, row, subject) : st;
}

enum dom_status
consent_statement_add(struct service_call *call)
{
	struct wire_signed_statement message;
	struct wire_statement statement;
	struct store_statement same;
	enum dom_status st;

	st = wire_signed_statement_decode(call->request->body, &message);
	if (st != DOM_OK)
		return service_refuse_body(call, st, call->request->body, NULL);
	st = wire_statement_decode(message.statement, call->arena, &statement);
	if (st == DOM_ENOMEM)
		return st;
	if (st != DOM_OK)
		return service_refuse(call, SERVICE_STATEMENT_REFUSED,
		    "This is not a statement that this release understands.");
	if ((st = check_statement(call, &message, &statement)) != DOM_OK)
		return st;
	st = check_serial(call, &statement, message.statement, &same);
	if (st == DOM_CONFLICT)
		return answer_again(call, &statement, &same);
	if (st == DOM_OK)
		st = check_times(call, &statement);
	if (st == DOM_OK && statement.kind == WIRE_CONSENT)
		st = check_terms(call, &statement);
	if (st == DOM_OK)
		st = move_statement_check(call, &statement);
	if (st != DOM_OK)
		return st;
	if ((st = check_rate(call, &statement)) != DOM_OK)
		return st;
	return store_and_apply(call, &message, &statement);
}

/* Absent, not empty, if there is none. */
static struct dom_slice
given(struct dom_slice slice)
{
	return slice.size == 0 ? dom_slice(NULL, 0) : slice;
}

enum dom_status
consent_statement_list(struct service_call *call)
{
	unsigned limit = STATEMENTS_PAGE_MAX;
	struct store_statement *rows;
	struct wire_statement_entry *entries;
	size_t count, shown;
	enum dom_status st;

	if (call->request->after > INT64_MAX)
		return service_refuse(
		    call, SERVICE_VALIDATION_ERROR, "\"after\" must be a statement's number.");
	if (call->request->limit >= 0 && call->request->limit < STATEMENTS_PAGE_MAX)
		limit = (unsigned)call->request->limit;
	st = store_statement_list(call->txn, call->account.number, call->request->after,
	    limit + 1, call->arena, &rows, &count);
	if (st < 0)
		return st;
	shown = count > limit ? limit : count;
	entries = dom_arena_array(call->arena, shown + 1, sizeof(*entries));
	if (entries == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; i < shown; i++)
		entries[i] = (struct wire_statement_entry){.statement = rows[i].bytes,
		    .signature = rows[i].signature,
		    .accepted_ms = rows[i].accepted_ms,
		    .receipt = given(rows[i].receipt),
		    .receipt_signature = given(rows[i].receipt_signature)};
	wire_statements_encode(&call->reply->body, entries, shown, count <= limit);
	return DOM_OK;
}

enum dom_status
consent_list(struct service_call *call)
{
	static const enum wire_consent_state states[] = {[CONSENT_LIVE] = WIRE_CONSENT_ON,
	    [CONSENT_ENDED] = WIRE_CONSENT_ENDED,
	    [CONSENT_CHANGED] = WIRE_CONSENT_CHANGED,
	    [CONSENT_GONE] = WIRE_CONSENT_GONE};
	struct wire_consents consents = {
	    .region = dom_slice_of(call->service->settings.region)};
	struct store_statement last;
	struct store_consent *rows;
	int64_t now_ms;
	size_t count;
	enum dom_status st;

	if ((st = consent_now(call, &now_ms)) != DOM_OK)
		return st;
	st = store_statement_last(call->txn, call->account.number, call->arena, &last);
	if (st == DOM_OK)
		consents.serial = last.serial;
	if (st >= 0)
		st = store_consent_list(
		    call->txn, call->account.number, call->arena, &rows, &count);
	if (st < 0)
		return st;
	if (call->account.statement_public.size != 0)
		consents.statement_key = call->account.statement_public;
	consents.entries = dom_arena_array(call->arena, count + 1, sizeof(*consents.entries));
	if (consents.entries == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; i < count; i++)
		consents.entries[consents.count++] =
		    (struct wire_consent_entry){.service = rows[i].service,
		        .serial = rows[i].serial,
		        .until_ms = rows[i].until_ms,
		        .version = rows[i].version,
		        .state = states[consent_worth(call, &rows[i], now_ms)]};
	wire_consents_encode(&call->reply->body, &consents);
	return DOM_OK;
}
