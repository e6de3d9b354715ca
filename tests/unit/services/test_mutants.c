/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Statements that somebody has changed on the way, or made up, in great number:
 * none is taken, and none changes anything.  Evidence that somebody has changed
 * proves nothing.  STATEMENT_MUTANTS says how many, MUTANTS_SEED from where on.
 */
#include <stdlib.h>

#include "crypto/keys.h"

#include "wire/evidence.h"

#include "house.h"
#include "services/consent/consent.h"

enum { SAMPLES = 5, STATEMENT_SIZE_MAX = 1024, MUTANTS = 2000 };

static uint64_t dice;

static unsigned
roll(unsigned bound)
{
	dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(dice >> 33) % bound;
}

/* Bytes and who signed them. */
struct sample {
	uint8_t bytes[STATEMENT_SIZE_MAX];
	size_t size;
	uint8_t signature[DOM_SIGNATURE_SIZE];
};
static struct sample samples[SAMPLES]; /* each would be taken as it is */

static void
encode(
    const struct person *person, const struct wire_statement *statement, struct sample *sample)
{
	struct dom_buffer bytes = {0};

	wire_statement_encode(&bytes, statement);
	assert_true(bytes.size <= sizeof(sample->bytes));
	memcpy(sample->bytes, bytes.data, bytes.size);
	sample->size = bytes.size;
	dom_statement_sign(person->account, dom_buffer_slice(&bytes), sample->signature);
	dom_buffer_free(&bytes);
}

static struct dom_slice types[2];

/* Number `number` of the samples: what Ana may say next. */
static struct wire_statement
next_statement(unsigned number)
{
	struct wire_statement statement = {.kind = WIRE_CONSENT,
	    .serial = house.ana.serial + 1,
	    .issued_ms = house.now_ms,
	    .region = dom_slice_of("in"),
	    .service = dom_slice_of(number == 0 ? "any" : "contacts"),
	    .types = types,
	    .type_count = number == 0 ? 0 : 2};

	types[0] = dom_slice_of("type one");
	types[1] = dom_slice_of("type two");
	memcpy(statement.account, house.ana.identity_public, sizeof(statement.account));
	memset(statement.nonce, (int)number, sizeof(statement.nonce));
	fill_terms(&statement);
	if (number < 2)
		return statement;
	statement.kind = number < 4 ? WIRE_WITHDRAWAL : WIRE_ERASURE;
	statement.erase = number == 3;
	if (number == 4) {
		statement.service = dom_slice_of("");
		statement.scope = WIRE_SCOPE_ITEM;
		statement.collection_uid = dom_slice_of(uid('c', 1));
		statement.item_uid = dom_slice_of(uid('i', 1));
	}
	return statement;
}

static enum service_code
post(struct dom_slice statement, struct dom_slice signature)
{
	ask(SERVICE_STATEMENT_ADD, &house.ana);
	wire_signed_statement_encode(
	    &house.body, &(struct wire_signed_statement){statement, signature});
	return send();
}

/* Whatever is taken takes a number of the account's clock. */
static uint64_t
clock_now(void)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct store_account account;
	struct store_txn *txn;

	assert_non_null(arena);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(
	    store_account_by_name(txn, dom_slice_of(house.ana.name), arena, &account), DOM_OK);
	store_read_end(&txn);
	dom_arena_free(&arena);
	return account.clock;
}

/* --- changes of bytes --------------------------------------------------------------- */

static void
change_bytes(struct sample *mutant)
{
	size_t at = roll((unsigned)mutant->size), length;
	const struct sample *other = &samples[roll(SAMPLES)];

	switch (roll(8)) {
	case 0: /* a bit */
		mutant->bytes[at] ^= (uint8_t)(1u << roll(8));
		break;
	case 1: /* a byte */
		mutant->bytes[at] = (uint8_t)roll(256);
		break;
	case 2: /* cut off */
		mutant->size = at;
		break;
	case 3: /* longer */
		length = 1 + roll(40);
		memset(mutant->bytes + mutant->size, (int)roll(256), length);
		mutant->size += length;
		break;
	case 4: /* taken out of the middle */
		length = 1 + roll((unsigned)(mutant->size - at));
		memmove(mutant->bytes + at, mutant->bytes + at + length,
		    mutant->size - at - length);
		mutant->size -= length;
		break;
	case 5: /* put into the middle */
		memmove(mutant->bytes + at + 1, mutant->bytes + at, mutant->size - at);
		mutant->bytes[at] = (uint8_t)roll(256);
		mutant->size++;
		break;
	case 6: /* the end of another one */
		if (other->size > at) {
			memcpy(mutant->bytes + at, other->bytes + at, other->size - at);
			mutant->size = other->size;
		}
		break;
	default: /* a number all ones, or nothing */
		length = mutant->size - at < 8 ? mutant->size - at : 8;
		memset(mutant->bytes + at, roll(2) == 0 ? 0xff : 0, length);
		break;
	}
}

static bool
is_sample(const struct sample *mutant)
{
	for (unsigned i = 0; i < SAMPLES; i++) {
		if (mutant->size == samples[i].size &&
		    memcmp(mutant->bytes, samples[i].bytes, mutant->size) == 0 &&
		    memcmp(mutant->signature, samples[i].signature, DOM_SIGNATURE_SIZE) == 0)
			return true;
	}
	return false;
}

/* --- changes of meaning, signed anew --------------------------------------------------- */

static void
change_meaning(struct sample *mutant)
{
	struct wire_statement statement = next_statement(roll(SAMPLES));
	const struct person *signer = &house.ana;
	char text[2] = {0};

	text[0] = (char)('a' + roll(26));
	switch (roll(10)) {
	case 0:
		statement.region = dom_slice_of(text);
		break;
	case 1:
		statement.account[roll(32)] ^= (uint8_t)(1 + roll(255));
		break;
	case 2:
		statement.serial += 1 + roll(1000);
		break;
	case 3: /* a number that is used up */
		statement.serial = 1 + roll((unsigned)house.ana.serial);
		break;
	case 4: /* a withdrawal may be of any time */
		statement = next_statement(roll(2));
		statement.issued_ms +=
		    (roll(2) == 0 ? -1 : 1) *
		    ((int64_t)CONSENT_ISSUED_SKEW_MS + 1 + (int64_t)roll(100000));
		break;
	case 5:
		statement = next_statement(roll(2));
		statement.until_ms = statement.issued_ms - (int64_t)roll(100000);
		break;
	case 6:
		statement = next_statement(roll(2));
		statement.terms[roll(32)] ^= (uint8_t)(1 + roll(255));
		break;
	case 7:
		statement = next_statement(roll(2));
		statement.catalogue_version += 1 + roll(9);
		break;
	case 8: /* what only the operator may say */
		statement = next_statement(4);
		statement.kind = WIRE_ORDER;
		statement.serial = 0;
		statement.scope = WIRE_SCOPE_ACCOUNT;
		statement.collection_uid = statement.item_uid = dom_slice_of("");
		break;
	default:
		signer = &house.bob;
		break;
	}
	encode(signer, &statement, mutant);
}

static struct sample
make_mutant(void)
{
	struct sample mutant = samples[roll(SAMPLES)];

	switch (roll(4)) {
	case 0:
		change_meaning(&mutant);
		break;
	case 1: /* signed, but not so */
		if (roll(2) == 0)
			mutant.signature[roll(DOM_SIGNATURE_SIZE)] ^= (uint8_t)(1 + roll(255));
		else
			memcpy(mutant.signature, samples[roll(SAMPLES)].signature,
			    DOM_SIGNATURE_SIZE);
		break;
	default:
		for (unsigned changes = 1 + roll(3); changes > 0 && mutant.size > 0;
		     changes--) {
			if (mutant.size > STATEMENT_SIZE_MAX - 64)
				break;
			change_bytes(&mutant);
		}
		break;
	}
	return mutant;
}

/* --- the tests --------------------------------------------------------------------------- */

static unsigned
mutant_count(void)
{
	const char *count = getenv("STATEMENT_MUTANTS");
	const char *seed = getenv("MUTANTS_SEED");

	dice = seed == NULL ? 1 : strtoull(seed, NULL, 10);
	return count == NULL ? MUTANTS : (unsigned)strtoul(count, NULL, 10);
}

static void
set_up_samples(void)
{
	struct wire_item row;

	sign_up(&house.bob);
	turn_on(&house.ana);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	row = item(1, 'r', NULL);
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, &row, 1), SERVICE_DONE);
	for (unsigned i = 0; i < SAMPLES; i++) {
		struct wire_statement statement = next_statement(i);

		encode(&house.ana, &statement, &samples[i]);
	}
}

static void
no_mutant_of_a_statement_is_taken(void **state)
{
	unsigned count = mutant_count(), tried = 0;
	uint64_t before;

	(void)state;
	set_up_samples();
	before = clock_now();
	while (tried < count) {
		uint64_t from = dice;
		struct sample mutant = make_mutant();
		enum service_code code;

		if (is_sample(&mutant))
			continue;
		code = post(dom_slice(mutant.bytes, mutant.size),
		    dom_slice(mutant.signature, DOM_SIGNATURE_SIZE));
		if (code == SERVICE_DONE || house.reply.detail == NULL ||
		    (tried % 64 == 0 && clock_now() != before))
			fail_msg("mutant %u, MUTANTS_SEED=%llu, was answered %d", tried,
			    (unsigned long long)from, (int)code);
		tried++;
	}
	assert_int_equal(clock_now(), before);
	/* And they are mutants of something that is taken; what erases comes last. */
	for (unsigned i = 0; i < SAMPLES; i++) {
		static const unsigned order[SAMPLES] = {0, 1, 4, 2, 3};
		struct wire_statement statement = next_statement(order[i]);

		assert_int_equal(state_it(&house.ana, &statement), SERVICE_DONE);
	}
}

static void
no_mutant_of_evidence_proves_anything(void **state)
{
	unsigned count = mutant_count();
	uint8_t region_public[DOM_PUBLIC_KEY_SIZE], statement_public[DOM_PUBLIC_KEY_SIZE];
	struct wire_evidence_view view;
	struct wire_countersigned answer;
	struct dom_buffer whole = {0};
	struct dom_arena *arena = dom_arena_new(0);
	const char *why;

	(void)state;
	assert_non_null(arena);
	set_up_samples();
	dom_region_sign_public(house.service.key, region_public);
	dom_statement_public(house.ana.account, statement_public);
	assert_int_equal(post(dom_slice(samples[1].bytes, samples[1].size),
	                     dom_slice(samples[1].signature, DOM_SIGNATURE_SIZE)),
	    SERVICE_DONE);
	assert_int_equal(
	    wire_countersigned_decode(dom_buffer_slice(&house.reply.body), &answer), DOM_OK);
	wire_evidence_encode(&whole,
	    &(struct wire_evidence){
	        .statement_public = dom_slice(statement_public, sizeof(statement_public)),
	        .statement = dom_slice(samples[1].bytes, samples[1].size),
	        .signature = dom_slice(samples[1].signature, DOM_SIGNATURE_SIZE),
	        .receipt = answer.receipt,
	        .receipt_signature = answer.signature});
	assert_int_equal(wire_evidence_check(dom_buffer_slice(&whole),
	                     dom_slice(region_public, 32), arena, &view, &why),
	    DOM_OK);
	assert_true(whole.size <= STATEMENT_SIZE_MAX - 64);
	for (unsigned i = 0; i < count; i++) {
		struct sample mutant = {.size = whole.size};

		memcpy(mutant.bytes, whole.data, whole.size);
		change_bytes(&mutant);
		if (dom_slice_equal(
		        dom_slice(mutant.bytes, mutant.size), dom_buffer_slice(&whole)))
			continue;
		if (wire_evidence_check(dom_slice(mutant.bytes, mutant.size),
		        dom_slice(region_public, 32), arena, &view, &why) == DOM_OK)
			fail_msg("mutant %u of the evidence is valid", i);
		dom_arena_reset(arena);
	}
	dom_buffer_free(&whole);
	dom_arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(no_mutant_of_a_statement_is_taken),
	    TEST(no_mutant_of_evidence_proves_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
