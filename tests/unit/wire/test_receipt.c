/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Receipts, evidence files and what erasures/ answers. */
#include "base/bytes.h"

#include "crypto/keys.h"
#include "crypto/region.h"

#include "wire/evidence.h"

#include "testing.h"

static struct dom_arena *arena;
static struct dom_buffer buffer;
static struct dom_region_key *region;
static struct dom_account_key *account;

/* What the parts of a piece of evidence live in. */
static struct parts {
	struct dom_buffer statement, receipt;
	uint8_t statement_public[DOM_PUBLIC_KEY_SIZE], region_public[DOM_PUBLIC_KEY_SIZE];
	uint8_t signature[DOM_SIGNATURE_SIZE], receipt_signature[DOM_SIGNATURE_SIZE];
	struct wire_evidence evidence;
} parts;

static int
set_up(void **state)
{
	static const uint8_t bytes[DOM_KEY_SIZE] = "a key of the region, for tests.";

	(void)state;
	arena = dom_arena_new(0);
	buffer = (struct dom_buffer){0};
	parts = (struct parts){0};
	if (dom_region_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &region) != DOM_OK ||
	    dom_account_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &account) != DOM_OK)
		return -1;
	return arena == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dom_buffer_free(&buffer);
	dom_buffer_free(&parts.statement);
	dom_buffer_free(&parts.receipt);
	dom_region_key_free(&region);
	dom_account_key_free(&account);
	dom_arena_free(&arena);
	return 0;
}

static struct wire_receipt
erased(void)
{
	struct wire_receipt receipt = {.kind = WIRE_RECEIPT_ERASED,
	    .region = dom_slice_of("in"),
	    .accepted_ms = 1700000000123,
	    .clock = 42,
	    .scope = WIRE_SCOPE_SERVICE,
	    .sum = {1, 2, 3, 4, 5},
	    .ended_ms = 1700000001000,
	    .backups_ms = 1702592001000};

	dom_region_sign_public(region, receipt.region_public);
	memset(receipt.subject, 0x5b, sizeof(receipt.subject));
	memset(receipt.root, 0x70, sizeof(receipt.root));
	return receipt;
}

static struct wire_statement
withdrawal(void)
{
	struct wire_statement statement = {.kind = WIRE_WITHDRAWAL,
	    .serial = 2,
	    .issued_ms = 1700000000000,
	    .region = dom_slice_of("in"),
	    .service = dom_slice_of("contacts"),
	    .erase = true};

	memset(statement.account, 0x5a, sizeof(statement.account));
	memset(statement.nonce, 0x11, sizeof(statement.nonce));
	return statement;
}

/* A true receipt for what the parts hold, right or wrong. */
static void
sign_receipt(struct wire_receipt *receipt)
{
	assert_int_equal(wire_subject(dom_slice(parts.statement_public, DOM_PUBLIC_KEY_SIZE),
	                     dom_buffer_slice(&parts.statement),
	                     dom_slice(parts.signature, DOM_SIGNATURE_SIZE), receipt->subject),
	    DOM_OK);
	dom_buffer_clear(&parts.receipt);
	wire_receipt_encode(&parts.receipt, receipt);
	dom_region_sign(region, dom_buffer_slice(&parts.receipt), parts.receipt_signature);
	parts.evidence.receipt = dom_buffer_slice(&parts.receipt);
}

/* Sign the statement by the account (an order: by the region), the receipt by the region. */
static void
put_together(const struct wire_statement *statement, struct wire_receipt *receipt)
{
	bool is_order = statement->kind == WIRE_ORDER;

	dom_buffer_clear(&parts.statement);
	dom_region_sign_public(region, parts.region_public);
	wire_statement_encode(&parts.statement, statement);
	if (is_order) {
		dom_region_sign_public(region, parts.statement_public);
		dom_region_sign(region, dom_buffer_slice(&parts.statement), parts.signature);
	} else {
		dom_statement_public(account, parts.statement_public);
		dom_statement_sign(
		    account, dom_buffer_slice(&parts.statement), parts.signature);
	}
	sign_receipt(receipt);
	parts.evidence = (struct wire_evidence){
	    .statement_public = dom_slice(parts.statement_public, DOM_PUBLIC_KEY_SIZE),
	    .statement = dom_buffer_slice(&parts.statement),
	    .signature = dom_slice(parts.signature, DOM_SIGNATURE_SIZE),
	    .receipt = dom_buffer_slice(&parts.receipt),
	    .receipt_signature = dom_slice(parts.receipt_signature, DOM_SIGNATURE_SIZE)};
}

/* The reason for which the parts prove nothing; NULL: they hold. */
static const char *
refused(void)
{
	struct wire_evidence_view view;
	const char *why = NULL;
	enum dom_status st = wire_evidence_check_parts(&parts.evidence,
	    dom_slice(parts.region_public, DOM_PUBLIC_KEY_SIZE), arena, &view, &why);

	assert_true((st == DOM_OK) == (why == NULL));
	return why;
}

static void
a_receipt_comes_back_as_it_was(void **state)
{
	struct wire_receipt is = erased(), again;

	(void)state;
	wire_receipt_encode(&buffer, &is);
	assert_int_equal(wire_receipt_decode(dom_buffer_slice(&buffer), &again), DOM_OK);
	assert_int_equal(again.kind, WIRE_RECEIPT_ERASED);
	assert_true(dom_slice_is(again.region, "in"));
	assert_memory_equal(again.region_public, is.region_public, 32);
	assert_memory_equal(again.subject, is.subject, 32);
	assert_memory_equal(again.root, is.root, 32);
	assert_memory_equal(&again.sum, &is.sum, sizeof(is.sum));
	assert_true(again.accepted_ms == is.accepted_ms && again.clock == 42);
	assert_true(again.ended_ms == is.ended_ms && again.backups_ms == is.backups_ms);
	assert_int_equal(again.scope, WIRE_SCOPE_SERVICE);
	for (size_t size = 0; size < buffer.size; size++)
		assert_int_equal(
		    wire_receipt_decode(dom_slice(buffer.data, size), &again), DOM_EINPUT);
	dom_buffer_append(&buffer, "", 1);
	assert_int_equal(wire_receipt_decode(dom_buffer_slice(&buffer), &again), DOM_EINPUT);
	dom_buffer_clear(&buffer);
	is.sum.bytes = (uint64_t)INT64_MAX + 1; /* no number of SQLite's, or of JSON's */
	wire_receipt_encode(&buffer, &is);
	assert_int_equal(wire_receipt_decode(dom_buffer_slice(&buffer), &again), DOM_EINPUT);
	dom_buffer_clear(&buffer);
	is.kind = WIRE_RECEIPT_TAKEN;
	wire_receipt_encode(&buffer, &is);
	assert_int_equal(wire_receipt_decode(dom_buffer_slice(&buffer), &again), DOM_OK);
	assert_int_equal(again.kind, WIRE_RECEIPT_TAKEN);
	assert_int_equal(again.scope, 0);
}

static void
evidence_holds_for_the_region_that_signed_it(void **state)
{
	struct wire_receipt receipt = erased();
	struct wire_statement statement = withdrawal();
	struct wire_evidence_view view;
	uint8_t other[DOM_PUBLIC_KEY_SIZE];
	const char *why;

	(void)state;
	put_together(&statement, &receipt);
	wire_evidence_encode(&buffer, &parts.evidence);
	assert_int_equal(wire_evidence_check(dom_buffer_slice(&buffer),
	                     dom_slice(parts.region_public, 32), arena, &view, &why),
	    DOM_OK);
	assert_int_equal(view.statement.serial, 2);
	assert_int_equal(view.receipt.clock, 42);
	assert_true(dom_slice_equal(view.parts.statement, parts.evidence.statement));
	dom_statement_public(account, other);
	assert_int_equal(wire_evidence_check(dom_buffer_slice(&buffer), dom_slice(other, 32),
	                     arena, &view, &why),
	    DOM_EINTEGRITY);
	assert_non_null(strstr(why, "another region's"));
	assert_int_equal(wire_evidence_check(dom_slice_of("no evidence"), dom_slice(other, 32),
	                     arena, &view, &why),
	    DOM_EINPUT);
}

static void
every_changed_bit_and_every_cut_fails(void **state)
{
	struct wire_receipt receipt = erased();
	struct wire_statement statement = withdrawal();
	struct wire_evidence_view view;
	const char *why;

	(void)state;
	put_together(&statement, &receipt);
	wire_evidence_encode(&buffer, &parts.evidence);
	for (size_t bit = 0; bit < 8 * buffer.size; bit++) {
		buffer.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (wire_evidence_check(dom_buffer_slice(&buffer),
		        dom_slice(parts.region_public, 32), arena, &view, &why) == DOM_OK)
			fail_msg("bit %zu of byte %zu counts for nothing", bit % 8, bit / 8);
		buffer.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t size = 0; size < buffer.size; size++)
		assert_int_not_equal(
		    wire_evidence_check(dom_slice(buffer.data, size),
		        dom_slice(parts.region_public, 32), arena, &view, &why),
		    DOM_OK);
	dom_buffer_append(&buffer, "", 1);
	assert_int_not_equal(wire_evidence_check(dom_buffer_slice(&buffer),
	                         dom_slice(parts.region_public, 32), arena, &view, &why),
	    DOM_OK);
}

static void
an_erasure_is_proven_only_for_who_asked_for_it(void **state)
{
	struct wire_receipt receipt = erased();
	struct wire_statement statement = withdrawal();

	(void)state;
	put_together(&statement, &receipt);
	assert_null(refused());
	receipt.scope = WIRE_SCOPE_ACCOUNT;
	put_together(&statement, &receipt);
	assert_non_null(strstr(refused(), "did not ask"));
	receipt.scope = WIRE_SCOPE_SERVICE;
	statement.erase = false;
	put_together(&statement, &receipt);
	assert_non_null(strstr(refused(), "did not ask"));
	receipt.kind = WIRE_RECEIPT_TAKEN;
	put_together(&statement, &receipt);
	assert_null(refused());
	receipt = erased();
	statement.kind = WIRE_ERASURE;
	statement.service = dom_slice_of("");
	statement.scope = WIRE_SCOPE_ACCOUNT;
	put_together(&statement, &receipt);
	assert_non_null(strstr(refused(), "did not ask"));
	receipt.scope = WIRE_SCOPE_ACCOUNT;
	put_together(&statement, &receipt);
	assert_null(refused());
}

static void
a_receipt_answers_its_own_statement_and_no_other(void **state)
{
	struct wire_receipt receipt = erased();
	struct wire_statement statement = withdrawal();
	uint8_t first_signature[DOM_SIGNATURE_SIZE], first[WIRE_RECEIPT_SIZE_MAX];
	struct dom_slice old;

	(void)state;
	put_together(&statement, &receipt);
	memcpy(first, parts.receipt.data, parts.receipt.size);
	memcpy(first_signature, parts.receipt_signature, sizeof(first_signature));
	old = dom_slice(first, parts.receipt.size);
	statement.nonce[0] ^= 1;
	put_together(&statement, &receipt);
	assert_null(refused());
	parts.evidence.receipt = old;
	parts.evidence.receipt_signature = dom_slice(first_signature, sizeof(first_signature));
	assert_non_null(strstr(refused(), "another statement"));
	statement.region = dom_slice_of("sg");
	put_together(&statement, &receipt);
	assert_non_null(strstr(refused(), "another region"));
}

static void
the_operator_cannot_speak_for_a_person(void **state)
{
	struct wire_receipt receipt = erased();
	struct wire_statement statement = withdrawal();

	(void)state;
	/* An order is signed by the region ... */
	statement.kind = WIRE_ORDER;
	statement.serial = 0;
	statement.service = dom_slice_of("");
	receipt.scope = statement.scope = WIRE_SCOPE_ACCOUNT;
	put_together(&statement, &receipt);
	assert_null(refused());
	/* ... and by nobody else; nor does the region sign anything but that. */
	dom_statement_public(account, parts.statement_public);
	dom_statement_sign(account, parts.evidence.statement, parts.signature);
	sign_receipt(&receipt);
	assert_non_null(strstr(refused(), "order"));
	statement = withdrawal();
	receipt = erased();
	put_together(&statement, &receipt);
	assert_null(refused());
	dom_region_sign_public(region, parts.statement_public);
	dom_region_sign(region, parts.evidence.statement, parts.signature);
	sign_receipt(&receipt);
	assert_non_null(strstr(refused(), "what a person has to sign"));
	/* And its receipt for a statement that nobody signed is worth nothing. */
	put_together(&statement, &receipt);
	parts.signature[9] ^= 1;
	sign_receipt(&receipt);
	assert_non_null(strstr(refused(), "not signed by the key"));
}

static void
what_erasures_answers_comes_back(void **state)
{
	static const uint8_t request[WIRE_SUBJECT_SIZE] = {7}, signature[64] = {8};
	struct wire_erasure is[2] = {{.request = dom_slice(request, sizeof(request)),
	                                 .scope = WIRE_SCOPE_SERVICE,
	                                 .state = WIRE_ERASURE_ERASING,
	                                 .sum = {1, 2, 3, 4, 5},
	                                 .requested_ms = 9,
	                                 .service = dom_slice_of("contacts")},
	    {.request = dom_slice(request, sizeof(request)),
	        .scope = WIRE_SCOPE_ACCOUNT,
	        .state = WIRE_ERASURE_ERASED,
	        .receipt = dom_slice_of("receipt"),
	        .signature = dom_slice(signature, sizeof(signature))}};
	struct wire_erasure *again, one;
	size_t count;

	(void)state;
	wire_erasures_encode(&buffer, is, 2);
	assert_int_equal(
	    wire_erasures_decode(dom_buffer_slice(&buffer), arena, &again, &count), DOM_OK);
	assert_int_equal(count, 2);
	assert_memory_equal(again[0].request.data, request, sizeof(request));
	assert_true(again[0].scope == WIRE_SCOPE_SERVICE && again[0].requested_ms == 9);
	assert_int_equal(again[0].state, WIRE_ERASURE_ERASING);
	assert_memory_equal(&again[0].sum, &is[0].sum, sizeof(is[0].sum));
	assert_true(dom_slice_is(again[0].service, "contacts"));
	assert_true(again[0].item_uid.data == NULL && again[0].receipt.data == NULL);
	assert_int_equal(again[1].state, WIRE_ERASURE_ERASED);
	assert_true(dom_slice_is(again[1].receipt, "receipt"));
	dom_buffer_clear(&buffer);
	is[1].state = WIRE_ERASURE_SETTLING;
	wire_erasure_encode(&buffer, &is[1]);
	assert_int_equal(wire_erasure_decode(dom_buffer_slice(&buffer), &one), DOM_EINPUT);
	dom_buffer_clear(&buffer);
	is[1].state = WIRE_ERASURE_ERASED;
	is[1].receipt = is[1].signature = dom_slice(NULL, 0);
	wire_erasure_encode(&buffer, &is[1]);
	assert_int_equal(wire_erasure_decode(dom_buffer_slice(&buffer), &one), DOM_EINPUT);
}

static void
a_countersigned_answer_comes_back(void **state)
{
	static const uint8_t request[WIRE_SUBJECT_SIZE] = {7}, signature[64] = {8};
	struct wire_countersigned again,
	    is = {dom_slice_of("r"), dom_slice(signature, 64), dom_slice(NULL, 0)};

	(void)state;
	wire_countersigned_encode(&buffer, &is);
	assert_int_equal(wire_countersigned_decode(dom_buffer_slice(&buffer), &again), DOM_OK);
	assert_true(dom_slice_is(again.receipt, "r") && again.request.data == NULL);
	dom_buffer_clear(&buffer);
	is.request = dom_slice(request, sizeof(request));
	wire_countersigned_encode(&buffer, &is);
	assert_int_equal(wire_countersigned_decode(dom_buffer_slice(&buffer), &again), DOM_OK);
	assert_memory_equal(again.request.data, request, sizeof(request));
	dom_buffer_clear(&buffer);
	is.signature.size = 63;
	wire_countersigned_encode(&buffer, &is);
	assert_int_not_equal(
	    wire_countersigned_decode(dom_buffer_slice(&buffer), &again), DOM_OK);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_receipt_comes_back_as_it_was),
	    TEST(evidence_holds_for_the_region_that_signed_it),
	    TEST(every_changed_bit_and_every_cut_fails),
	    TEST(an_erasure_is_proven_only_for_who_asked_for_it),
	    TEST(a_receipt_answers_its_own_statement_and_no_other),
	    TEST(the_operator_cannot_speak_for_a_person),
	    TEST(what_erasures_answers_comes_back),
	    TEST(a_countersigned_answer_comes_back),
	};

	if (dom_crypto_start() != DOM_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
