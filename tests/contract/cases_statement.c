/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Statements and what consents cover. */
#include "contract.h"

static enum dom_status
add_statement(struct store_txn *txn, int64_t account, uint64_t serial)
{
	struct store_statement statement = {
	    .serial = serial,
	    .clock = 10 * serial,
	    .kind = 2,
	    .accepted_ms = 500,
	    .service = dom_slice_of("contacts"),
	    .bytes = dom_slice_of("bytes"),
	    .signature = dom_slice_of("signature"),
	};

	return store_statement_add(txn, account, &statement);
}

static void
statements_have_serials_without_gaps(void **state)
{
	struct world *world = *state;
	struct store_statement last, *list;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2);
	size_t count;

	assert_status(store_statement_last(txn, ana, world->arena, &last), DOM_ABSENT);
	assert_status(add_statement(txn, ana, 2), DOM_CONFLICT);
	assert_status(add_statement(txn, ana, 0), DOM_CONFLICT);
	assert_status(add_statement(txn, ana, UINT64_MAX), DOM_CONFLICT);
	for (uint64_t serial = 1; serial <= 12; serial++)
		assert_status(add_statement(txn, ana, serial), DOM_OK);
	assert_status(add_statement(txn, ana, 12), DOM_CONFLICT);
	assert_status(add_statement(txn, ana, 14), DOM_CONFLICT);
	assert_status(add_statement(txn, bo, 1), DOM_OK);
	assert_status(add_statement(txn, 99, 1), DOM_ABSENT);
	write_commit(world);
	world_reopen(world);
	txn = read_begin(world);
	assert_status(store_statement_last(txn, ana, world->arena, &last), DOM_OK);
	assert_int_equal(last.serial, 12);
	assert_int_equal(last.clock, 120);
	assert_int_equal(last.kind, 2);
	assert_int_equal(last.accepted_ms, 500);
	assert_slice(last.service, "contacts");
	assert_slice(last.bytes, "bytes");
	assert_slice(last.signature, "signature");
	assert_status(
	    store_statement_list(txn, ana, 2, 9, world->arena, &list, &count), DOM_OK);
	assert_int_equal(count, 9);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(list[i].serial, 3 + i);
	assert_status(
	    store_statement_list(txn, ana, UINT64_MAX, 9, world->arena, &list, &count), DOM_OK);
	assert_int_equal(count, 0);
}

static enum dom_status
set_consent(struct store_txn *txn, int64_t account, const char *service, uint64_t serial,
    int64_t until_ms, const char *type)
{
	struct store_consent consent = {
	    .service = dom_slice_of(service), .serial = serial, .until_ms = until_ms};
	struct dom_slice types[] = {
	    dom_slice_of(type), dom_slice_of("both"), dom_slice_of(type)};

	return store_consent_set(txn, account, &consent, types, 3);
}

/* The first of what covers it. */
static enum dom_status
cover(struct store_txn *txn, int64_t account, struct dom_slice type, int64_t now_ms,
    struct dom_arena *arena, struct store_consent *found_r)
{
	struct store_consent *rows;
	enum dom_status st;
	size_t count;

	st = store_consent_covers(txn, account, type, now_ms, arena, &rows, &count);
	if (st == DOM_OK && count == 0)
		return DOM_ABSENT;
	if (st == DOM_OK)
		*found_r = rows[0];
	return st;
}

static void
a_consent_covers_its_types_of_its_account_only(void **state)
{
	struct world *world = *state;
	struct store_consent found;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2);

	assert_status(
	    cover(txn, ana, dom_slice_of("card"), 5, world->arena, &found), DOM_ABSENT);
	assert_status(set_consent(txn, ana, "contacts", 3, 0, "card"), DOM_OK);
	assert_status(set_consent(txn, 99, "contacts", 3, 0, "card"), DOM_ABSENT);
	write_commit(world);
	world_reopen(world);
	txn = read_begin(world);
	assert_status(cover(txn, ana, dom_slice_of("card"), 5, world->arena, &found), DOM_OK);
	assert_slice(found.service, "contacts");
	assert_int_equal(found.serial, 3);
	assert_int_equal(found.until_ms, 0);
	assert_false(found.any);
	assert_status(cover(txn, ana, dom_slice_of("both"), 5, world->arena, &found), DOM_OK);
	assert_status(
	    cover(txn, ana, dom_slice_of("event"), 5, world->arena, &found), DOM_ABSENT);
	assert_status(
	    cover(txn, bo, dom_slice_of("card"), 5, world->arena, &found), DOM_ABSENT);
}

static void
a_consent_ends_at_its_time(void **state)
{
	struct world *world = *state;
	struct store_consent found;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1);
	struct dom_slice card = dom_slice_of("card");

	assert_status(set_consent(txn, ana, "contacts", 1, 1000, "card"), DOM_OK);
	assert_status(cover(txn, ana, card, 999, world->arena, &found), DOM_OK);
	assert_status(cover(txn, ana, card, 1000, world->arena, &found), DOM_ABSENT);
	write_commit(world);
}

static void
a_new_consent_replaces_what_the_service_covered(void **state)
{
	struct world *world = *state;
	struct store_consent found, *list;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1);
	size_t count;

	assert_status(set_consent(txn, ana, "contacts", 1, 0, "old"), DOM_OK);
	assert_status(set_consent(txn, ana, "calendar", 2, 0, "event"), DOM_OK);
	assert_status(set_consent(txn, ana, "contacts", 3, 7000, "new"), DOM_OK);
	assert_status(
	    cover(txn, ana, dom_slice_of("old"), 5, world->arena, &found), DOM_ABSENT);
	assert_status(cover(txn, ana, dom_slice_of("new"), 5, world->arena, &found), DOM_OK);
	assert_int_equal(found.serial, 3);
	assert_status(cover(txn, ana, dom_slice_of("event"), 5, world->arena, &found), DOM_OK);
	assert_status(store_consent_list(txn, ana, world->arena, &list, &count), DOM_OK);
	assert_int_equal(count, 2);
	assert_slice(list[0].service, "calendar");
	assert_slice(list[1].service, "contacts");
	assert_int_equal(list[1].until_ms, 7000);
	write_commit(world);
}

static void
a_withdrawn_consent_covers_nothing_and_can_come_back(void **state)
{
	struct world *world = *state;
	struct store_consent found, *list;
	struct dom_slice contacts = dom_slice_of("contacts");
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1);
	size_t count;

	assert_status(store_consent_clear(txn, ana, contacts), DOM_ABSENT);
	assert_status(set_consent(txn, ana, "contacts", 1, 0, "card"), DOM_OK);
	assert_status(store_consent_clear(txn, ana, contacts), DOM_OK);
	assert_status(
	    cover(txn, ana, dom_slice_of("card"), 5, world->arena, &found), DOM_ABSENT);
	assert_status(store_consent_clear(txn, ana, contacts), DOM_ABSENT);
	assert_status(store_consent_list(txn, ana, world->arena, &list, &count), DOM_OK);
	assert_int_equal(count, 0);
	assert_status(set_consent(txn, ana, "contacts", 2, 0, "event"), DOM_OK);
	assert_status(
	    cover(txn, ana, dom_slice_of("card"), 5, world->arena, &found), DOM_ABSENT);
	write_commit(world);
}

static void
a_consent_for_any_type_covers_all_but_the_named_one_is_told(void **state)
{
	struct world *world = *state;
	struct store_consent found;
	struct store_consent any = {.service = dom_slice_of("any"), .serial = 1, .any = true};
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1);

	assert_status(store_consent_set(txn, ana, &any, NULL, 0), DOM_OK);
	assert_status(set_consent(txn, ana, "contacts", 2, 0, "card"), DOM_OK);
	assert_status(cover(txn, ana, dom_slice_of(""), 5, world->arena, &found), DOM_OK);
	assert_slice(found.service, "any");
	assert_true(found.any);
	assert_status(cover(txn, ana, dom_slice_of("card"), 5, world->arena, &found), DOM_OK);
	assert_slice(found.service, "contacts");
	write_commit(world);
}

static void
when_a_statement_was_taken_is_told_from_the_newest_on(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2), ms;

	for (uint64_t serial = 1; serial <= 3; serial++)
		assert_status(store_statement_add(txn, ana,
		                  &(struct store_statement){
		                      .serial = serial, .accepted_ms = 100 * (int64_t)serial}),
		    DOM_OK);
	assert_status(store_statement_accepted(txn, ana, 0, &ms), DOM_OK);
	assert_int_equal(ms, 300);
	assert_status(store_statement_accepted(txn, ana, 2, &ms), DOM_OK);
	assert_int_equal(ms, 100);
	assert_status(store_statement_accepted(txn, ana, 3, &ms), DOM_ABSENT);
	assert_status(store_statement_accepted(txn, bo, 0, &ms), DOM_ABSENT);
	write_commit(world);
}

const struct CMUnitTest statement_cases[] = {
    CONTRACT_CASE(statements_have_serials_without_gaps),
    CONTRACT_CASE(a_consent_covers_its_types_of_its_account_only),
    CONTRACT_CASE(a_consent_ends_at_its_time),
    CONTRACT_CASE(a_new_consent_replaces_what_the_service_covered),
    CONTRACT_CASE(a_withdrawn_consent_covers_nothing_and_can_come_back),
    CONTRACT_CASE(a_consent_for_any_type_covers_all_but_the_named_one_is_told),
    CONTRACT_CASE(when_a_statement_was_taken_is_told_from_the_newest_on),
};
const size_t statement_case_count = sizeof(statement_cases) / sizeof(statement_cases[0]);
