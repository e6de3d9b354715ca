/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Signed statements in the order of their serials, and what live consents cover. */
#include <assert.h>

#include "store/sqlite/engine.h"

static void
get_statement(
    struct sql_call *call, struct dom_arena *arena, struct store_statement *statement_r)
{
	*statement_r = (struct store_statement){0};
	statement_r->serial = sql_get_clock(call);
	statement_r->clock = sql_get_clock(call);
	statement_r->kind = (int)sql_get_number(call);
	statement_r->accepted_ms = sql_get_number(call);
	statement_r->service = sql_get_slice(call, arena);
	statement_r->bytes = sql_get_slice(call, arena);
	statement_r->signature = sql_get_slice(call, arena);
	statement_r->receipt = sql_get_slice(call, arena);
	statement_r->receipt_signature = sql_get_slice(call, arena);
}

/* Serials have no gaps: each statement stands on the one before it. */
static enum dom_status
check_serial(struct store_txn *txn, int64_t account, uint64_t serial)
{
	struct sql_call call = sql_call(txn->connection, SQL_STATEMENT_LAST_SERIAL);
	uint64_t last = 0;
	enum dom_status st;

	sql_put_number(&call, account);
	if (sql_step(&call) == DOM_OK)
		last = sql_get_clock(&call);
	if ((st = sql_end(&call)) < 0)
		return st;
	return serial == last + 1 ? DOM_OK : DOM_CONFLICT;
}

enum dom_status
store_statement_add(
    struct store_txn *txn, int64_t account, const struct store_statement *statement)
{
	struct sql_call call;
	enum dom_status st;

	assert(txn->writes);
	if ((st = check_serial(txn, account, statement->serial)) != DOM_OK)
		return st;
	call = sql_call(txn->connection, SQL_STATEMENT_ADD);
	sql_put_number(&call, account);
	sql_put_clock(&call, statement->serial);
	sql_put_clock(&call, statement->clock);
	sql_put_number(&call, statement->kind);
	sql_put_number(&call, statement->accepted_ms);
	sql_put_slice(&call, statement->service);
	sql_put_slice(&call, statement->bytes);
	sql_put_slice(&call, statement->signature);
	sql_put_slice(&call, statement->receipt);
	sql_put_slice(&call, statement->receipt_signature);
	return sql_run(&call);
}

enum dom_status
store_statement_last(struct store_txn *txn, int64_t account, struct dom_arena *arena,
    struct store_statement *statement_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_STATEMENT_LAST);
	enum dom_status st;

	sql_put_number(&call, account);
	if ((st = sql_step(&call)) != DOM_OK) {
		sql_end(&call);
		return st;
	}
	get_statement(&call, arena, statement_r);
	return sql_end(&call);
}

enum dom_status
store_statement_list(struct store_txn *txn, int64_t account, uint64_t after, unsigned limit,
    struct dom_arena *arena, struct store_statement **statements_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_STATEMENT_LIST);
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_statement)};

	sql_put_number(&call, account);
	sql_put_bound(&call, after);
	sql_put_number(&call, limit);
	while (sql_step(&call) == DOM_OK) {
		struct store_statement *statement = sql_rows_next(&rows);

		if (statement == NULL) {
			sql_fail(&call, DOM_ENOMEM);
			break;
		}
		get_statement(&call, arena, statement);
	}
	*statements_r = rows.rows;
	*count_r = rows.count;
	return sql_end(&call);
}

static enum dom_status
consent_upsert(struct store_txn *txn, int64_t account, const struct store_consent *consent,
    int64_t *number_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_CONSENT_SET);
	enum dom_status st;

	sql_put_number(&call, account);
	sql_put_slice(&call, consent->service);
	sql_put_clock(&call, consent->serial);
	sql_put_number(&call, consent->until_ms);
	sql_put_number(&call, consent->any);
	sql_put_number(&call, consent->version);
	sql_put_slice(&call, dom_slice(consent->terms, sizeof(consent->terms)));
	if ((st = sql_step(&call)) == DOM_OK) {
		*number_r = sql_get_number(&call);
		st = sql_step(&call); /* a reference to a missing account shows here */
		st = st == DOM_ABSENT && call.failed == DOM_OK ? DOM_OK : st;
	}
	sql_end(&call);
	return st;
}

enum dom_status
store_consent_set(struct store_txn *txn, int64_t account, const struct store_consent *consent,
    const struct dom_slice *types, size_t type_count)
{
	struct sql_call call;
	enum dom_status st;
	int64_t number;

	assert(txn->writes);
	if ((st = consent_upsert(txn, account, consent, &number)) != DOM_OK)
		return st;
	call = sql_call(txn->connection, SQL_CONSENT_TYPES_CLEAR);
	sql_put_number(&call, number);
	if ((st = sql_run(&call)) != DOM_OK)
		return st;
	for (size_t i = 0; i < type_count; i++) {
		call = sql_call(txn->connection, SQL_CONSENT_TYPE_ADD);
		sql_put_number(&call, number);
		sql_put_slice(&call, types[i]);
		if ((st = sql_run(&call)) != DOM_OK)
			return st;
	}
	return DOM_OK;
}

enum dom_status
store_consent_clear(struct store_txn *txn, int64_t account, struct dom_slice service)
{
	struct sql_call call = sql_call(txn->connection, SQL_CONSENT_CLEAR);

	assert(txn->writes);
	sql_put_number(&call, account);
	sql_put_slice(&call, service);
	return sql_change(&call);
}

static void
get_consent(struct sql_call *call, struct dom_arena *arena, struct store_consent *consent_r)
{
	*consent_r = (struct store_consent){0};
	consent_r->service = sql_get_slice(call, arena);
	consent_r->serial = sql_get_clock(call);
	consent_r->until_ms = sql_get_number(call);
	consent_r->any = sql_get_bool(call);
	consent_r->version = (uint32_t)sql_get_number(call);
	sql_get_bytes(call, consent_r->terms, sizeof(consent_r->terms));
}

/* Every row of a call that is ready to be stepped. */
static enum dom_status
get_consents(struct sql_call *call, struct dom_arena *arena, struct store_consent **consents_r,
    size_t *count_r)
{
	struct sql_rows rows = {.arena = arena, .size = sizeof(struct store_consent)};

	while (sql_step(call) == DOM_OK) {
		struct store_consent *consent = sql_rows_next(&rows);

		if (consent == NULL) {
			sql_fail(call, DOM_ENOMEM);
			break;
		}
		get_consent(call, arena, consent);
	}
	*consents_r = rows.rows;
	*count_r = rows.count;
	return sql_end(call);
}

enum dom_status
store_consent_covers(struct store_txn *txn, int64_t account, struct dom_slice type,
    int64_t now_ms, struct dom_arena *arena, struct store_consent **consents_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_CONSENT_COVERS);

	sql_put_number(&call, account);
	sql_put_slice(&call, type);
	sql_put_number(&call, now_ms);
	return get_consents(&call, arena, consents_r, count_r);
}

enum dom_status
store_consent_list(struct store_txn *txn, int64_t account, struct dom_arena *arena,
    struct store_consent **consents_r, size_t *count_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_CONSENT_LIST);

	sql_put_number(&call, account);
	return get_consents(&call, arena, consents_r, count_r);
}

enum dom_status
store_consent_find(struct store_txn *txn, int64_t account, struct dom_slice service,
    struct dom_arena *arena, struct store_consent *consent_r)
{
	struct sql_call call = sql_call(txn->connection, SQL_CONSENT_FIND);
	enum dom_status st;

	sql_put_number(&call, account);
	sql_put_slice(&call, service);
	if ((st = sql_step(&call)) == DOM_OK)
		get_consent(&call, arena, consent_r);
	return sql_end(&call) < 0 ? call.failed : st;
}
