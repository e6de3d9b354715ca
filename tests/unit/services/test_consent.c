/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Nothing is stored that was not turned on; statements are taken as signed or not at all. */
#include <ftw.h>

#include "house.h"
#include "services/keeper/keeper.h"

enum {
	LARGE = 8192,
	CONSENT_DAY_MS = 24 * 3600 * 1000
}; /* over the store's row size in these tests */

static uint8_t large[LARGE];

static enum service_code
put_chunk(const struct person *person, unsigned number, struct dom_slice content)
{
	ask(SERVICE_CHUNK_PUT, person);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	house.request.item_uid = dom_slice_of(uid('i', 1));
	house.request.chunk_uid = dom_slice_of(uid('k', number));
	house.request.body = content;
	return send();
}

/* Every way to store something, into collection 1. */
static void
expect_writes(const struct person *person, enum service_code code)
{
	static unsigned fresh;
	struct wire_item one = item(++fresh, 'r', NULL);

	assert_int_equal(put(person, SERVICE_ITEM_BATCH, 1, &one, 1), code);
	one = item(++fresh, 'r', NULL);
	assert_int_equal(put(person, SERVICE_ITEM_TRANSACTION, 1, &one, 1), code);
	assert_int_equal(put_chunk(person, ++fresh, dom_slice_of("small")), code);
	assert_int_equal(put_chunk(person, ++fresh, dom_slice(large, LARGE)), code);
	assert_int_equal(create(person, ++fresh + 100, "type one"), code);
	/* The job's own answer, without the question before the body. */
	one = item(++fresh, 'r', NULL);
	ask(SERVICE_ITEM_BATCH, person);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	wire_batch_encode(&house.body, &(struct wire_batch){.items = &one, .item_count = 1});
	assert_int_equal(send_without_admission(), code);
	ask(SERVICE_CHUNK_PUT, person);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	house.request.item_uid = dom_slice_of(uid('i', 1));
	house.request.chunk_uid = dom_slice_of(uid('k', ++fresh));
	house.request.body = dom_slice(large, LARGE);
	assert_int_equal(send_without_admission(), code);
}

static enum dom_status
count(struct store_txn *txn, void *context)
{
	return store_count(txn, context);
}

static void
nothing_is_stored_while_everything_is_off(void **state)
{
	struct store_counts counts;

	(void)state;
	sign_up(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_CONSENT_REQUIRED);
	assert_non_null(strstr(house.reply.detail, "nothing was stored"));
	register_statement_key(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_CONSENT_REQUIRED);
	assert_int_equal(consent(&house.ana, "calendar", "type two"), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_CONSENT_REQUIRED);
	assert_int_equal(store_write(house.store, count, &counts), DOM_OK);
	assert_int_equal(
	    counts.collections + counts.items + counts.revisions + counts.chunks, 0);
}

static void
what_is_on_is_stored_and_withdrawn_it_is_refused_at_once(void **state)
{
	struct store_counts before, after;

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	expect_writes(&house.ana, SERVICE_DONE);
	assert_int_equal(store_write(house.store, count, &before), DOM_OK);
	assert_int_equal(withdraw(&house.ana, "contacts"), SERVICE_DONE);
	expect_writes(&house.ana, SERVICE_CONSENT_REQUIRED);
	assert_int_equal(store_write(house.store, count, &after), DOM_OK);
	assert_memory_equal(&before, &after, sizeof(before));
	/* Reading never asks. */
	list_items(&house.ana, 1, "");
	assert_true(house.list.count > 0);
	assert_int_equal(consent(&house.ana, "contacts", "type one"), SERVICE_DONE);
	expect_writes(&house.ana, SERVICE_DONE);
}

static void
any_covers_every_type(void **state)
{
	(void)state;
	sign_up(&house.ana);
	register_statement_key(&house.ana);
	assert_int_equal(consent(&house.ana, "any", NULL), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 2, "type two"), SERVICE_DONE);
	assert_int_equal(withdraw(&house.ana, "any"), SERVICE_DONE);
	expect_writes(&house.ana, SERVICE_CONSENT_REQUIRED);
}

static void
a_consent_ends_when_it_says(void **state)
{
	struct wire_statement statement;
	struct wire_consents consents;

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	statement = consent_to_contacts();
	statement.until_ms = house.now_ms + 1000;
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_DONE);
	house.now_ms += 999;
	expect_writes(&house.ana, SERVICE_DONE);
	house.now_ms += 1;
	expect_writes(&house.ana, SERVICE_CONSENT_REQUIRED);
	assert_int_equal(get(SERVICE_CONSENTS, &house.ana), SERVICE_DONE);
	assert_int_equal(
	    wire_consents_decode(dom_buffer_slice(&house.reply.body), house.arena, &consents),
	    DOM_OK);
	assert_int_equal(consents.count, 1);
	assert_int_equal(consents.entries[0].state, WIRE_CONSENT_ENDED);
	assert_int_equal(consents.serial, 2);
	assert_int_equal(create(&house.ana, 9, "type one"), SERVICE_CONSENT_REQUIRED);
	assert_non_null(strstr(house.reply.detail, "contacts ended on 2023-11-14"));
	/* One that has ended before it is taken is not taken. */
	statement = consent_to_contacts();
	statement.issued_ms = house.now_ms - 5000;
	statement.until_ms = house.now_ms;
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_STATEMENT_REFUSED);
	assert_non_null(strstr(house.reply.detail, "ended already"));
}

static void
one_that_has_ended_stays_so_when_the_clock_is_set_back(void **state)
{
	struct keeper_time time = {.monotonic_ms = 1};
	struct wire_statement statement;
	struct wire_consents consents;

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	statement = consent_to_contacts();
	statement.until_ms = house.now_ms + 60000;
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_DONE);
	house.now_ms += 60000;
	assert_int_equal(keeper_tick(&time, house.store, house.now_ms, 60001), DOM_OK);
	expect_writes(&house.ana, SERVICE_CONSENT_REQUIRED);
	house.now_ms -= 30000;
	expect_writes(&house.ana, SERVICE_CONSENT_REQUIRED);
	assert_int_equal(create(&house.ana, 9, "type one"), SERVICE_CONSENT_REQUIRED);
	assert_non_null(strstr(house.reply.detail, "contacts ended on"));
	assert_int_equal(get(SERVICE_CONSENTS, &house.ana), SERVICE_DONE);
	assert_int_equal(
	    wire_consents_decode(dom_buffer_slice(&house.reply.body), house.arena, &consents),
	    DOM_OK);
	assert_int_equal(consents.entries[0].state, WIRE_CONSENT_ENDED);
	/* And one that would have ended before is not taken. */
	statement = consent_to_contacts();
	statement.until_ms = house.now_ms + 1000;
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_STATEMENT_REFUSED);
	assert_non_null(strstr(house.reply.detail, "ended already"));
}

static unsigned files;

static int
count_file(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)where;
	if (kind == FTW_F && info->st_size >= LARGE && strstr(path, "/chunks/") != NULL)
		files++;
	return 0;
}

/* Large chunks go to the disk before their job runs: not these. */
static unsigned
files_while_staged(void)
{
	struct service_staged *staged;

	ask(SERVICE_CHUNK_PUT, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	house.request.item_uid = dom_slice_of(uid('i', 1));
	house.request.chunk_uid = dom_slice_of(uid('k', 1));
	house.request.body = dom_slice(large, LARGE);
	assert_true(service_stage_blocks(&house.service, &house.request));
	assert_int_equal(
	    service_stage(&house.service, &house.request, house.arena, &staged), DOM_OK);
	files = 0;
	assert_int_equal(nftw(house.folder, count_file, 16, FTW_PHYS), 0);
	service_drop(&staged);
	return files;
}

static void
what_is_off_does_not_reach_the_disk_even_for_a_moment(void **state)
{
	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	assert_int_equal(files_while_staged(), 1);
	/* Dropped without a job: gone. */
	assert_int_equal(nftw(house.folder, count_file, 16, FTW_PHYS), 0);
	assert_int_equal(files, 1);
	assert_int_equal(withdraw(&house.ana, "contacts"), SERVICE_DONE);
	assert_int_equal(files_while_staged(), 0);
}

static void
another_persons_consent_covers_nothing_of_mine(void **state)
{
	(void)state;
	turn_on(&house.ana);
	sign_up(&house.bob);
	assert_int_equal(create(&house.bob, 1, "type one"), SERVICE_CONSENT_REQUIRED);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	expect_writes(&house.ana, SERVICE_DONE);
}

static void
no_clock_keeps_anybody_from_withdrawing(void **state)
{
	static const int64_t wrong_ms[] = {-3 * CONSENT_DAY_MS, 3 * CONSENT_DAY_MS};

	(void)state;
	turn_on(&house.ana);
	for (size_t i = 0; i < sizeof(wrong_ms) / sizeof(wrong_ms[0]); i++) {
		struct wire_statement statement = {.kind = WIRE_WITHDRAWAL,
		    .serial = house.ana.serial + 1,
		    .issued_ms = house.now_ms + wrong_ms[i],
		    .region = dom_slice_of("in"),
		    .service = dom_slice_of("contacts")};

		memcpy(statement.account, house.ana.identity_public, sizeof(statement.account));
		assert_int_equal(state_it(&house.ana, &statement), SERVICE_DONE);
		assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_CONSENT_REQUIRED);
		assert_int_equal(consent(&house.ana, "contacts", "type one"), SERVICE_DONE);
	}
}

static void
statements_that_are_not_right_change_nothing(void **state)
{
	struct wire_statement statement;

	(void)state;
	sign_up(&house.ana);
	statement = consent_to_contacts();
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_STATEMENT_REFUSED);
	register_statement_key(&house.ana);
	statement.account[0] ^= 1;
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_STATEMENT_REFUSED);
	statement = consent_to_contacts();
	statement.region = dom_slice_of("sg");
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_STATEMENT_REFUSED);
	statement = consent_to_contacts();
	statement.issued_ms = house.now_ms - CONSENT_DAY_MS - 1;
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_STATEMENT_REFUSED);
	statement.issued_ms = house.now_ms + CONSENT_DAY_MS + 1;
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_STATEMENT_REFUSED);
	statement = consent_to_contacts();
	statement.until_ms = statement.issued_ms;
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_STATEMENT_REFUSED);
	/* By a clock that is an hour ahead: it would end before it was given. */
	statement.issued_ms = house.now_ms + 3600 * 1000;
	statement.until_ms = house.now_ms + 1800 * 1000;
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_STATEMENT_REFUSED);
	assert_non_null(strstr(house.reply.detail, "before it begins"));
	statement = consent_to_contacts();
	statement.serial = 2;
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_STATEMENT_STALE);
	/* Signed by somebody else's key. */
	statement = consent_to_contacts();
	{
		struct person forger = house.bob;

		memcpy(forger.token, house.ana.token, sizeof(forger.token));
		assert_int_equal(state_it(&forger, &statement), SERVICE_STATEMENT_REFUSED);
	}
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_CONSENT_REQUIRED);
	ask(SERVICE_STATEMENT_ADD, &house.ana);
	wire_signed_statement_encode(&house.body,
	    &(struct wire_signed_statement){dom_slice_of("garbage"), dom_slice_of("x")});
	assert_int_equal(send(), SERVICE_STATEMENT_REFUSED);
	ask(SERVICE_STATEMENT_ADD, &house.ana);
	assert_int_equal(send(), SERVICE_MALFORMED_BODY);
}

static void
the_same_statement_again_is_done_and_another_under_its_number_is_stale(void **state)
{
	struct wire_statement statement;

	(void)state;
	turn_on(&house.ana);
	statement = consent_to_contacts();
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_DONE);
	assert_int_equal(withdraw(&house.ana, "contacts"), SERVICE_DONE);
	/* An old consent, replayed long after, does not turn it on again. */
	house.now_ms += 10 * CONSENT_DAY_MS;
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_CONSENT_REQUIRED);
	statement.service = dom_slice_of("calendar");
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_STATEMENT_STALE);
}

static void
the_statement_key_is_registered_once(void **state)
{
	struct person other = house.ana;

	(void)state;
	sign_up(&house.ana);
	register_statement_key(&house.ana);
	register_statement_key(&house.ana);
	/* A second key, signed by the same login key as it must be. */
	memcpy(other.token, house.ana.token, sizeof(other.token));
	{
		uint8_t public[32], signature[64];
		struct dom_buffer response = {0};

		dom_statement_public(house.bob.account, public);
		wire_statement_key_response(
		    &response, dom_slice(house.ana.identity_public, 32), dom_slice(public, 32));
		dom_main_key_sign(house.ana.main, dom_buffer_slice(&response), signature);
		ask(SERVICE_STATEMENT_KEY, &house.ana);
		wire_statement_key_encode(
		    &house.body, &(struct wire_statement_key){dom_slice(public, 32),
		                     dom_buffer_slice(&response), dom_slice(signature, 64)});
		assert_int_equal(send(), SERVICE_STATEMENT_REFUSED);
		/* And one that a thief of the session made, without the login key. */
		dom_main_key_sign(house.bob.main, dom_buffer_slice(&response), signature);
		ask(SERVICE_STATEMENT_KEY, &house.ana);
		wire_statement_key_encode(
		    &house.body, &(struct wire_statement_key){dom_slice(public, 32),
		                     dom_buffer_slice(&response), dom_slice(signature, 64)});
		assert_int_equal(send(), SERVICE_STATEMENT_REFUSED);
		dom_buffer_free(&response);
	}
}

static void
statements_are_shown_as_they_were_signed(void **state)
{
	struct wire_statement_entry *entries;
	struct wire_statement statement;
	struct wire_consents consents;
	uint8_t public[32];
	size_t shown;
	bool done;

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(withdraw(&house.ana, "contacts"), SERVICE_DONE);
	assert_int_equal(consent(&house.ana, "calendar", "type two"), SERVICE_DONE);
	dom_statement_public(house.ana.account, public);
	ask(SERVICE_STATEMENTS, &house.ana);
	house.request.after = 1;
	house.request.limit = 1;
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(wire_statements_decode(dom_buffer_slice(&house.reply.body),
	                     house.arena, &entries, &shown, &done),
	    DOM_OK);
	assert_true(shown == 1 && !done && entries->accepted_ms == house.now_ms);
	assert_true(dom_verify(dom_slice(public, 32), entries->statement, entries->signature));
	assert_int_equal(
	    wire_statement_decode(entries->statement, house.arena, &statement), DOM_OK);
	assert_true(statement.kind == WIRE_WITHDRAWAL && statement.serial == 2);
	assert_int_equal(get(SERVICE_CONSENTS, &house.ana), SERVICE_DONE);
	assert_int_equal(
	    wire_consents_decode(dom_buffer_slice(&house.reply.body), house.arena, &consents),
	    DOM_OK);
	assert_int_equal(consents.count, 1);
	assert_true(dom_slice_is(consents.entries[0].service, "calendar"));
	assert_int_equal(consents.serial, 3);
	assert_memory_equal(consents.statement_key.data, public, 32);
	assert_true(dom_slice_is(consents.region, "in"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nothing_is_stored_while_everything_is_off),
	    TEST(what_is_on_is_stored_and_withdrawn_it_is_refused_at_once),
	    TEST(any_covers_every_type),
	    TEST(a_consent_ends_when_it_says),
	    TEST(one_that_has_ended_stays_so_when_the_clock_is_set_back),
	    TEST(what_is_off_does_not_reach_the_disk_even_for_a_moment),
	    TEST(another_persons_consent_covers_nothing_of_mine),
	    TEST(no_clock_keeps_anybody_from_withdrawing),
	    TEST(statements_that_are_not_right_change_nothing),
	    TEST(the_same_statement_again_is_done_and_another_under_its_number_is_stale),
	    TEST(the_statement_key_is_registered_once),
	    TEST(statements_are_shown_as_they_were_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
