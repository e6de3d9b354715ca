/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Consents are to the terms of the region's catalogue and end with them; what
 * is taken is countersigned; deleting never needs consent.
 */
#include "wire/evidence.h"

#include "house.h"
#include "services/consent/consent.h"
#include "services/vault/vault.h"
#include "sharing.h"

/* The catalogue that is built in, with one text of one service replaced. */
static void
change_catalogue(const char *service, const char *from, const char *to)
{
	struct dom_slice built_in = consent_catalogue_built_in();
	struct dom_buffer text = {0}, changed = {0};
	char *start, *at;

	dom_buffer_append_slice(&text, built_in);
	dom_buffer_append(&text, "", 1);
	start = strstr((char *)text.data, service);
	assert_non_null(start);
	at = strstr(start, from);
	assert_non_null(at);
	dom_buffer_append(&changed, text.data, (size_t)(at - (char *)text.data));
	dom_buffer_append_text(&changed, to);
	dom_buffer_append(&changed, at + strlen(from), strlen(at + strlen(from)) + 1);
	set_catalogue((const char *)changed.data);
	dom_buffer_free(&text);
	dom_buffer_free(&changed);
}

/* Every way to store something, into collection 1. */
static void
expect_writes(const struct person *person, enum service_code code)
{
	static unsigned fresh = 1000;
	struct wire_item one = item(++fresh, 'r', NULL);

	assert_int_equal(put(person, SERVICE_ITEM_BATCH, 1, &one, 1), code);
	one = item(++fresh, 'r', NULL);
	assert_int_equal(put(person, SERVICE_ITEM_TRANSACTION, 1, &one, 1), code);
	assert_int_equal(create(person, ++fresh, "type one"), code);
	ask(SERVICE_CHUNK_PUT, person);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	house.request.item_uid = dom_slice_of(uid('i', 1));
	house.request.chunk_uid = dom_slice_of(uid('k', ++fresh));
	house.request.body = dom_slice_of("small");
	assert_int_equal(send(), code);
	/* The job's own answer, without the question before the body. */
	assert_int_equal(
	    send_without_admission(), code == SERVICE_DONE ? SERVICE_CHUNK_EXISTS : code);
}

static enum dom_status
count(struct store_txn *txn, void *context)
{
	return store_count(txn, context);
}

static enum wire_consent_state
state_of(const char *service)
{
	struct wire_consents consents;

	assert_int_equal(get(SERVICE_CONSENTS, &house.ana), SERVICE_DONE);
	assert_int_equal(
	    wire_consents_decode(dom_buffer_slice(&house.reply.body), house.arena, &consents),
	    DOM_OK);
	for (size_t i = 0; i < consents.count; i++) {
		if (dom_slice_is(consents.entries[i].service, service))
			return consents.entries[i].state;
	}
	return WIRE_CONSENT_STATE_COUNT;
}

static void
changed_terms_turn_a_service_off_until_the_person_agrees_again(void **state)
{
	static const char *const changes[][2] = {
	    {"Keep a copy of your contacts", "Sell your contacts"},
	    {"\"names\"", "\"names\", \"places\""},
	    {"\"retention\": \"\"", "\"retention\": \"P1Y\""},
	    {"never what it says", "and what it says"}};
	struct wire_statement before;

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(consent(&house.ana, "calendar", "type two"), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		before = consent_to_contacts();
		before.purpose = dom_arena_copy(house.arena, before.purpose);
		before.retention = dom_slice_of("");
		change_catalogue("\"contacts\"", changes[i][0], changes[i][1]);
		expect_writes(&house.ana, SERVICE_CONSENT_REQUIRED);
		assert_int_equal(create(&house.ana, 90, "type one"), SERVICE_CONSENT_REQUIRED);
		assert_non_null(strstr(house.reply.detail, "contacts"));
		assert_non_null(strstr(house.reply.detail, "changed on 2026-11-21"));
		assert_int_equal(state_of("contacts"), WIRE_CONSENT_CHANGED);
		/* Nobody else's terms changed. */
		assert_int_equal(
		    create(&house.ana, 50 + (unsigned)i, "type two"), SERVICE_DONE);
		assert_int_equal(state_of("calendar"), WIRE_CONSENT_ON);
		/* A consent to what is not so any more does not help. */
		assert_int_equal(state_it(&house.ana, &before), SERVICE_STATEMENT_REFUSED);
		assert_non_null(strstr(house.reply.detail, "other terms of contacts"));
		assert_int_equal(consent(&house.ana, "contacts", "type one"), SERVICE_DONE);
		expect_writes(&house.ana, SERVICE_DONE);
		assert_int_equal(state_of("contacts"), WIRE_CONSENT_ON);
		set_catalogue(NULL);
		expect_writes(&house.ana, SERVICE_CONSENT_REQUIRED);
		assert_int_equal(consent(&house.ana, "contacts", "type one"), SERVICE_DONE);
	}
}

static void
what_is_no_part_of_the_terms_changes_nobodys_consent(void **state)
{
	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	change_catalogue("\"contacts\"", "\"version\": 1", "\"version\": 2");
	expect_writes(&house.ana, SERVICE_DONE);
	assert_int_equal(state_of("contacts"), WIRE_CONSENT_ON);
}

static void
a_service_that_the_region_does_not_offer_any_more_is_off(void **state)
{
	(void)state;
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	change_catalogue("\"contacts\"", "contacts", "people");
	expect_writes(&house.ana, SERVICE_CONSENT_REQUIRED);
	assert_int_equal(create(&house.ana, 90, "type one"), SERVICE_CONSENT_REQUIRED);
	assert_non_null(strstr(house.reply.detail, "does not offer contacts any more"));
	assert_int_equal(state_of("contacts"), WIRE_CONSENT_GONE);
	assert_int_equal(
	    consent(&house.ana, "contacts", "type one"), SERVICE_STATEMENT_REFUSED);
	assert_non_null(strstr(house.reply.detail, "no service contacts"));
	/* Without any catalogue nothing is on. */
	set_catalogue(NULL);
	house.service.settings.catalogue = NULL;
	expect_writes(&house.ana, SERVICE_CONSENT_REQUIRED);
	assert_int_equal(get(SERVICE_CATALOGUE, NULL), SERVICE_DOES_NOT_EXIST);
}

static void
a_consent_is_to_the_very_terms_of_the_catalogue(void **state)
{
	struct wire_statement statement;

	(void)state;
	sign_up(&house.ana);
	register_statement_key(&house.ana);
	statement = consent_to_contacts();
	statement.terms[31] ^= 1;
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_STATEMENT_REFUSED);
	statement = consent_to_contacts();
	statement.catalogue_version++;
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_STATEMENT_REFUSED);
	statement = consent_to_contacts();
	statement.purpose = dom_slice_of("Keep it.");
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_STATEMENT_REFUSED);
	statement = consent_to_contacts();
	statement.retention = dom_slice_of("P1D");
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_STATEMENT_REFUSED);
	statement = consent_to_contacts();
	statement.service = dom_slice_of("calendar");
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_STATEMENT_REFUSED);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_CONSENT_REQUIRED);
	statement = consent_to_contacts();
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
}

static void
the_catalogue_is_shown_to_everyone_as_it_stands(void **state)
{
	(void)state;
	assert_int_equal(get(SERVICE_CATALOGUE, NULL), SERVICE_DONE);
	assert_true(house.reply.body_is_raw);
	assert_true(
	    dom_slice_equal(dom_buffer_slice(&house.reply.body), consent_catalogue_built_in()));
}

/* --- receipts ---------------------------------------------------------------------- */

static void
every_statement_is_countersigned_and_the_same_again_gets_the_same_receipt(void **state)
{
	uint8_t region_public[32], statement_public[32], signature[64];
	struct wire_signed_statement message;
	struct wire_statement statement;
	struct wire_countersigned first, again;
	struct wire_evidence_view view;
	struct wire_evidence evidence;
	struct wire_statement_entry *entries;
	struct dom_buffer bytes = {0};
	const char *why = "";
	size_t shown;
	bool done;

	(void)state;
	turn_on(&house.ana);
	dom_region_sign_public(house.service.key, region_public);
	dom_statement_public(house.ana.account, statement_public);
	statement = consent_to_contacts();
	wire_statement_encode(&bytes, &statement);
	dom_statement_sign(house.ana.account, dom_buffer_slice(&bytes), signature);
	message = (struct wire_signed_statement){
	    dom_arena_copy(house.arena, dom_buffer_slice(&bytes)), dom_slice(signature, 64)};
	dom_buffer_free(&bytes);
	ask(SERVICE_STATEMENT_ADD, &house.ana);
	wire_signed_statement_encode(&house.body, &message);
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(
	    wire_countersigned_decode(
	        dom_arena_copy(house.arena, dom_buffer_slice(&house.reply.body)), &first),
	    DOM_OK);
	evidence = (struct wire_evidence){.statement_public = dom_slice(statement_public, 32),
	    .statement = message.statement,
	    .signature = message.signature,
	    .receipt = first.receipt,
	    .receipt_signature = first.signature};
	if (wire_evidence_check_parts(
	        &evidence, dom_slice(region_public, 32), house.arena, &view, &why) != DOM_OK)
		fail_msg("%s", why);
	assert_int_equal(view.receipt.kind, WIRE_RECEIPT_TAKEN);
	assert_true(view.receipt.accepted_ms == house.now_ms);
	house.now_ms += 1000;
	ask(SERVICE_STATEMENT_ADD, &house.ana);
	wire_signed_statement_encode(&house.body, &message);
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(
	    wire_countersigned_decode(dom_buffer_slice(&house.reply.body), &again), DOM_OK);
	assert_true(dom_slice_equal(first.receipt, again.receipt));
	assert_true(dom_slice_equal(first.signature, again.signature));
	ask(SERVICE_STATEMENTS, &house.ana);
	house.request.after = 1;
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(wire_statements_decode(dom_buffer_slice(&house.reply.body),
	                     house.arena, &entries, &shown, &done),
	    DOM_OK);
	assert_int_equal(shown, 1);
	assert_true(dom_slice_equal(entries[0].receipt, first.receipt));
	assert_true(dom_slice_equal(entries[0].receipt_signature, first.signature));
}

static void
a_statement_with_a_byte_changed_or_cut_off_changes_nothing(void **state)
{
	uint8_t signature[64];
	struct wire_statement statement;
	struct dom_buffer bytes = {0};
	struct store_counts before, after;

	(void)state;
	turn_on(&house.ana);
	assert_int_equal(store_write(house.store, count, &before), DOM_OK);
	statement = consent_to_contacts();
	statement.kind = WIRE_WITHDRAWAL;
	wire_statement_encode(&bytes, &statement);
	dom_statement_sign(house.ana.account, dom_buffer_slice(&bytes), signature);
	for (size_t i = 0; i < bytes.size * 2; i++) {
		bool cuts = i >= bytes.size;
		size_t at = i % bytes.size;

		if (!cuts)
			bytes.data[at] ^= 1;
		ask(SERVICE_STATEMENT_ADD, &house.ana);
		wire_signed_statement_encode(
		    &house.body, &(struct wire_signed_statement){
		                     dom_slice(bytes.data, cuts ? at : bytes.size),
		                     dom_slice(signature, 64)});
		assert_int_equal(send(), SERVICE_STATEMENT_REFUSED);
		if (!cuts)
			bytes.data[at] ^= 1;
	}
	assert_int_equal(state_of("contacts"), WIRE_CONSENT_ON);
	assert_int_equal(store_write(house.store, count, &after), DOM_OK);
	assert_memory_equal(&before, &after, sizeof(before));
	/* As it was, it is good. */
	ask(SERVICE_STATEMENT_ADD, &house.ana);
	wire_signed_statement_encode(
	    &house.body, &(struct wire_signed_statement){
	                     dom_buffer_slice(&bytes), dom_slice(signature, 64)});
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(state_of("contacts"), WIRE_CONSENT_STATE_COUNT);
	dom_buffer_free(&bytes);
}

/* --- erasing needs no consent ------------------------------------------------------- */

static struct wire_item
deletion(unsigned number, char revision)
{
	struct wire_item one = item(number, revision, NULL);

	one.content.deleted = true;
	return one;
}

/* The answer before the body, if it says that it has this size. */
static enum service_code
admit_with_body(int64_t size)
{
	struct store_txn *txn = NULL;
	enum dom_status st;

	house.request.body_size_expected = size;
	service_reply_free(&house.reply);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	st = service_admit(&house.service, txn, &house.request, house.arena, &house.reply);
	store_read_end(&txn);
	assert_true(st == DOM_OK || st == DOM_EDENIED);
	return house.reply.code;
}

static void
items_can_be_deleted_while_the_service_is_off_and_nothing_else(void **state)
{
	static char long_meta[VAULT_REMOVAL_META_SIZE_MAX + 1];
	struct wire_chunk chunk = {
	    .uid = dom_slice_of(uid('k', 1)), .content = dom_slice_of("content")};
	struct wire_item items[2];

	(void)state;
	memset(long_meta, 'm', sizeof(long_meta));
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	for (unsigned i = 1; i <= 4; i++) {
		items[0] = item(i, 'r', NULL);
		assert_int_equal(
		    put(&house.ana, SERVICE_ITEM_BATCH, 1, items, 1), SERVICE_DONE);
	}
	assert_int_equal(withdraw(&house.ana, "contacts"), SERVICE_DONE);
	/* What looks like a deletion and stores something. */
	items[0] = deletion(1, 'd');
	items[0].content.deleted = false;
	assert_int_equal(
	    put(&house.ana, SERVICE_ITEM_BATCH, 1, items, 1), SERVICE_CONSENT_REQUIRED);
	items[0] = deletion(1, 'd');
	items[0].content.chunks = &chunk;
	items[0].content.chunk_count = 1;
	assert_int_equal(
	    put(&house.ana, SERVICE_ITEM_BATCH, 1, items, 1), SERVICE_CONSENT_REQUIRED);
	items[0] = deletion(1, 'd');
	items[0].content.meta = dom_slice(long_meta, sizeof(long_meta));
	assert_int_equal(
	    put(&house.ana, SERVICE_ITEM_BATCH, 1, items, 1), SERVICE_CONSENT_REQUIRED);
	items[0] = deletion(99, 'd');
	assert_int_equal(
	    put(&house.ana, SERVICE_ITEM_BATCH, 1, items, 1), SERVICE_CONSENT_REQUIRED);
	items[0] = deletion(1, 'd');
	items[1] = item(98, 'r', NULL);
	assert_int_equal(
	    put(&house.ana, SERVICE_ITEM_BATCH, 1, items, 2), SERVICE_CONSENT_REQUIRED);
	items[0] = deletion(1, 'd');
	items[1] = deletion(1, 'e');
	assert_int_equal(
	    put(&house.ana, SERVICE_ITEM_BATCH, 1, items, 2), SERVICE_CONSENT_REQUIRED);
	list_items(&house.ana, 1, "");
	for (size_t i = 0; i < house.list.count; i++)
		assert_false(house.list.items[i].content.deleted);
	/* Deletions; the reply to one may be lost. */
	items[0] = deletion(1, 'd');
	items[1] = deletion(2, 'd');
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, items, 2), SERVICE_DONE);
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, items, 2), SERVICE_DONE);
	items[0] = item(3, 'd', uid('r', 3));
	items[0].content.deleted = true;
	assert_int_equal(put(&house.ana, SERVICE_ITEM_TRANSACTION, 1, items, 1), SERVICE_DONE);
	/* Nobody stores by deleting the same again and again. */
	items[0] = deletion(1, 'f');
	assert_int_equal(
	    put(&house.ana, SERVICE_ITEM_BATCH, 1, items, 1), SERVICE_CONSENT_REQUIRED);
	/* A body whose size is not known is not read. */
	items[0] = deletion(4, 'd');
	ask(SERVICE_ITEM_BATCH, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	wire_batch_encode(&house.body, &(struct wire_batch){.items = items, .item_count = 1});
	assert_int_equal(admit_with_body(0), SERVICE_CONSENT_REQUIRED);
	assert_int_equal(
	    admit_with_body(VAULT_REMOVAL_BODY_SIZE_MAX + 1), SERVICE_CONSENT_REQUIRED);
	assert_int_equal(admit_with_body(VAULT_REMOVAL_BODY_SIZE_MAX), SERVICE_DONE);
}

static void
members_hear_that_it_is_off_for_the_owner_and_no_more(void **state)
{
	struct wire_item one = item(1, 'r', NULL);

	(void)state;
	turn_on(&house.ana);
	sign_up(&house.bob);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	join(&house.ana, &house.bob, 1, WIRE_ACCESS_READ_WRITE);
	assert_int_equal(put(&house.bob, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_DONE);
	change_catalogue("\"contacts\"", "Keep a copy", "Keep copies");
	one = item(2, 'r', NULL);
	assert_int_equal(
	    put(&house.bob, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_CONSENT_REQUIRED);
	assert_non_null(strstr(house.reply.detail, "off for the owner"));
	assert_null(strstr(house.reply.detail, "contacts"));
	/* Who may write may delete. */
	one = deletion(1, 'd');
	assert_int_equal(put(&house.bob, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_DONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(changed_terms_turn_a_service_off_until_the_person_agrees_again),
	    TEST(what_is_no_part_of_the_terms_changes_nobodys_consent),
	    TEST(a_service_that_the_region_does_not_offer_any_more_is_off),
	    TEST(a_consent_is_to_the_very_terms_of_the_catalogue),
	    TEST(the_catalogue_is_shown_to_everyone_as_it_stands),
	    TEST(every_statement_is_countersigned_and_the_same_again_gets_the_same_receipt),
	    TEST(a_statement_with_a_byte_changed_or_cut_off_changes_nothing),
	    TEST(items_can_be_deleted_while_the_service_is_off_and_nothing_else),
	    TEST(members_hear_that_it_is_off_for_the_owner_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
