/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Statements as signed bytes, and the bodies under /domicile/v1/. */

#include "base/bytes.h"

#include "wire/statement.h"

#include "testing.h"

static struct dom_arena *arena;
static struct dom_buffer buffer;

static int
set_up(void **state)
{
	(void)state;
	arena = dom_arena_new(0);
	buffer = (struct dom_buffer){0};
	return arena == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dom_buffer_free(&buffer);
	dom_arena_free(&arena);
	return 0;
}

static struct dom_slice types[] = {
    {(const uint8_t *)"\x00type one", 9}, {(const uint8_t *)"two", 3}};

static struct wire_statement
consent(void)
{
	struct wire_statement statement = {.kind = WIRE_CONSENT,
	    .serial = 7,
	    .issued_ms = 1700000000123,
	    .region = dom_slice_of("in"),
	    .service = dom_slice_of("contacts"),
	    .catalogue_version = 3,
	    .purpose = dom_slice_of("Keep my contacts"),
	    .retention = dom_slice_of("P1Y"),
	    .until_ms = 1800000000000,
	    .types = types,
	    .type_count = 2};

	memset(statement.account, 0x5a, sizeof(statement.account));
	memset(statement.nonce, 0x11, sizeof(statement.nonce));
	memset(statement.terms, 0x77, sizeof(statement.terms));
	return statement;
}

static void
a_consent_comes_back_as_it_was(void **state)
{
	struct wire_statement is = consent(), again;

	(void)state;
	wire_statement_encode(&buffer, &is);
	assert_int_equal(dom_buffer_finish(&buffer), DOM_OK);
	assert_int_equal(
	    wire_statement_decode(dom_buffer_slice(&buffer), arena, &again), DOM_OK);
	assert_int_equal(again.kind, WIRE_CONSENT);
	assert_memory_equal(again.account, is.account, 32);
	assert_memory_equal(again.nonce, is.nonce, sizeof(is.nonce));
	assert_memory_equal(again.terms, is.terms, sizeof(is.terms));
	assert_int_equal(again.serial, 7);
	assert_int_equal(again.issued_ms, is.issued_ms);
	assert_true(dom_slice_is(again.region, "in"));
	assert_true(dom_slice_is(again.service, "contacts"));
	assert_int_equal(again.catalogue_version, 3);
	assert_true(dom_slice_is(again.purpose, "Keep my contacts"));
	assert_true(dom_slice_is(again.retention, "P1Y"));
	assert_int_equal(again.until_ms, is.until_ms);
	assert_int_equal(again.type_count, 2);
	assert_true(dom_slice_equal(again.types[0], types[0]));
	assert_true(dom_slice_equal(again.types[1], types[1]));
}

static void
a_withdrawal_says_keep_or_erase_and_nothing_else(void **state)
{
	struct wire_statement is = consent(), again;

	(void)state;
	is.kind = WIRE_WITHDRAWAL;
	for (int erase = 0; erase < 2; erase++) {
		dom_buffer_clear(&buffer);
		is.erase = erase == 1;
		wire_statement_encode(&buffer, &is);
		assert_int_equal(
		    wire_statement_decode(dom_buffer_slice(&buffer), arena, &again), DOM_OK);
		assert_int_equal(again.kind, WIRE_WITHDRAWAL);
		assert_int_equal(again.erase, erase == 1);
	}
	buffer.data[buffer.size - 1] = 2;
	assert_int_equal(
	    wire_statement_decode(dom_buffer_slice(&buffer), arena, &again), DOM_EINPUT);
}

static enum dom_status
encoded_status(const struct wire_statement *is)
{
	struct wire_statement again;

	dom_buffer_clear(&buffer);
	wire_statement_encode(&buffer, is);
	return wire_statement_decode(dom_buffer_slice(&buffer), arena, &again);
}

static struct wire_statement
erasure(void)
{
	struct wire_statement statement = {.kind = WIRE_ERASURE,
	    .serial = 8,
	    .issued_ms = 1700000000123,
	    .region = dom_slice_of("in"),
	    .scope = WIRE_SCOPE_ITEM,
	    .collection_uid = dom_slice_of("cccccccccccccccccccc"),
	    .item_uid = dom_slice_of("iiiiiiiiiiiiiiiiiiii")};

	memset(statement.account, 0x5a, sizeof(statement.account));
	return statement;
}

static void
an_erasure_names_an_item_or_nothing(void **state)
{
	struct wire_statement is = erasure(), again;

	(void)state;
	wire_statement_encode(&buffer, &is);
	assert_int_equal(
	    wire_statement_decode(dom_buffer_slice(&buffer), arena, &again), DOM_OK);
	assert_int_equal(again.kind, WIRE_ERASURE);
	assert_int_equal(again.scope, WIRE_SCOPE_ITEM);
	assert_true(dom_slice_equal(again.collection_uid, is.collection_uid));
	assert_true(dom_slice_equal(again.item_uid, is.item_uid));
	is.item_uid = dom_slice_of("");
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
	is = erasure();
	is.collection_uid = dom_slice_of("no uid, with blanks in");
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
	is = erasure();
	is.scope = WIRE_SCOPE_SERVICE;
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
	is.scope = WIRE_SCOPE_ACCOUNT;
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
	is.collection_uid = is.item_uid = dom_slice_of("");
	assert_int_equal(encoded_status(&is), DOM_OK);
	is.service = dom_slice_of("contacts");
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
}

static void
an_order_is_about_the_account_and_has_no_number(void **state)
{
	struct wire_statement is = erasure();

	(void)state;
	is.kind = WIRE_ORDER;
	is.serial = 0;
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
	is.scope = WIRE_SCOPE_ACCOUNT;
	is.collection_uid = is.item_uid = dom_slice_of("");
	assert_int_equal(encoded_status(&is), DOM_OK);
	is.serial = 1;
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
}

static struct wire_statement
move(enum wire_statement_kind kind)
{
	return (struct wire_statement){.kind = kind,
	    .account = {0x5a},
	    .serial = 9,
	    .issued_ms = 1700000000123,
	    .region = dom_slice_of(kind == WIRE_MOVE_ACK ? "sg" : "in"),
	    .target = dom_slice_of("sg"),
	    .expires_ms = 1700009000000,
	    .leave_shared = true,
	    .grace_days = 30,
	    .epoch = 3,
	    .move = {1, 2},
	    .root = {3, 4},
	    .revisions = 5};
}

static void
what_a_person_signs_for_a_move_comes_back(void **state)
{
	struct wire_statement is, again;

	(void)state;
	for (int kind = WIRE_MOVE_ORDER; kind <= WIRE_MOVE_ACK; kind++) {
		bool is_order = kind == WIRE_MOVE_ORDER, is_ack = kind == WIRE_MOVE_ACK;

		is = move((enum wire_statement_kind)kind);
		dom_buffer_clear(&buffer);
		wire_statement_encode(&buffer, &is);
		assert_int_equal(
		    wire_statement_decode(dom_buffer_slice(&buffer), arena, &again), DOM_OK);
		assert_int_equal(again.kind, kind);
		assert_true(dom_slice_is(again.target, is_order ? "sg" : ""));
		assert_int_equal(again.expires_ms, is_order ? is.expires_ms : 0);
		assert_int_equal(again.leave_shared, is_order);
		assert_int_equal(again.grace_days, is_order ? 30 : 0);
		assert_int_equal(again.epoch, is_order || is_ack ? 3 : 0);
		assert_int_equal(again.move[1], is_order ? 0 : 2);
		assert_int_equal(again.root[1], is_ack ? 4 : 0);
		assert_int_equal(again.revisions, is_ack ? 5 : 0);
	}
}

static void
an_order_that_leads_nowhere_is_refused(void **state)
{
	struct wire_statement is = move(WIRE_MOVE_ORDER);

	(void)state;
	assert_int_equal(encoded_status(&is), DOM_OK);
	is.target = is.region;
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
	is.target = dom_slice_of("SG");
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
	is = move(WIRE_MOVE_ORDER);
	is.epoch = 0;
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
	is = move(WIRE_MOVE_ORDER);
	is.grace_days = 3651;
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
	is = move(WIRE_MOVE_ORDER);
	is.expires_ms = -1;
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
	is = move(WIRE_MOVE_ORDER);
	is.service = dom_slice_of("contacts");
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
	is = move(WIRE_MOVE_ACK);
	is.epoch = 0;
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
}

static void
the_first_form_of_a_statement_is_not_taken(void **state)
{
	struct wire_statement is = consent(), again;

	(void)state;
	wire_statement_encode(&buffer, &is);
	assert_int_equal(
	    wire_statement_decode(dom_buffer_slice(&buffer), arena, &again), DOM_OK);
	/* The last character of "domicile/consent/v2", behind the length. */
	assert_int_equal(buffer.data[4 + 18], '2');
	buffer.data[4 + 18] = '1';
	assert_int_equal(
	    wire_statement_decode(dom_buffer_slice(&buffer), arena, &again), DOM_EINPUT);
}

static void
every_cut_and_every_added_byte_is_refused(void **state)
{
	struct wire_statement is = consent(), again;

	(void)state;
	wire_statement_encode(&buffer, &is);
	for (size_t size = 0; size < buffer.size; size++) {
		uint8_t *cut = malloc(size + 1); /* its own, so that a sanitizer sees its end */

		assert_non_null(cut);
		memcpy(cut, buffer.data, size);
		assert_int_equal(
		    wire_statement_decode(dom_slice(cut, size), arena, &again), DOM_EINPUT);
		free(cut);
	}
	dom_buffer_append(&buffer, "", 1);
	assert_int_equal(
	    wire_statement_decode(dom_buffer_slice(&buffer), arena, &again), DOM_EINPUT);
}

static void
only_any_has_no_types_and_any_has_none(void **state)
{
	struct wire_statement is = consent();

	(void)state;
	is.type_count = 0;
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
	is.service = dom_slice_of("any");
	assert_int_equal(encoded_status(&is), DOM_OK);
	is.type_count = 1;
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
}

static void
values_out_of_range_are_refused(void **state)
{
	struct wire_statement is = consent();

	(void)state;
	is.serial = 0;
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
	is = consent();
	is.issued_ms = -1;
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
	is = consent();
	is.service = dom_slice_of("Contacts");
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
	is = consent();
	is.purpose = dom_slice("\xff", 1);
	assert_int_equal(encoded_status(&is), DOM_EINPUT);
}

static void
names_of_services_start_with_a_letter(void **state)
{
	(void)state;
	assert_true(wire_service_valid(dom_slice_of("a")));
	assert_true(wire_service_valid(dom_slice_of("call-log2")));
	assert_false(wire_service_valid(dom_slice_of("")));
	assert_false(wire_service_valid(dom_slice_of("-a")));
	assert_false(wire_service_valid(dom_slice_of("2a")));
	assert_false(wire_service_valid(dom_slice_of("a b")));
	assert_true(wire_service_valid(dom_slice_of("abcdefghijklmnopqrstuvwxyzabcdef")));
	assert_false(wire_service_valid(dom_slice_of("abcdefghijklmnopqrstuvwxyzabcdefg")));
}

static void
the_statement_key_is_bound_to_the_identity(void **state)
{
	struct dom_reader in;

	(void)state;
	wire_statement_key_response(&buffer, dom_slice_of("identity"), dom_slice_of("key"));
	in = dom_reader_over(dom_buffer_slice(&buffer));
	assert_true(dom_slice_is(dom_read_string(&in, 64), "domicile/statement-key/v1"));
	assert_true(dom_slice_is(dom_read_string(&in, 64), "identity"));
	assert_true(dom_slice_is(dom_read_string(&in, 64), "key"));
	assert_int_equal(dom_reader_finish(&in), DOM_OK);
}

static uint8_t bytes32[32] = {1}, bytes64[64] = {2};

static void
consents_come_back(void **state)
{
	struct wire_consent_entry entries[] = {
	    {dom_slice_of("contacts"), 1, 0}, {dom_slice_of("any"), 9, 1800000000000}};
	struct wire_consents is = {.region = dom_slice_of("sg"),
	    .serial = 9,
	    .statement_key = dom_slice(bytes32, 32),
	    .entries = entries,
	    .count = 2};
	struct wire_consents again;

	(void)state;
	wire_consents_encode(&buffer, &is);
	assert_int_equal(
	    wire_consents_decode(dom_buffer_slice(&buffer), arena, &again), DOM_OK);
	assert_true(dom_slice_is(again.region, "sg"));
	assert_int_equal(again.serial, 9);
	assert_int_equal(again.statement_key.size, 32);
	assert_int_equal(again.count, 2);
	assert_true(dom_slice_is(again.entries[1].service, "any"));
	assert_int_equal(again.entries[1].serial, 9);
	assert_int_equal(again.entries[1].until_ms, 1800000000000);
	dom_buffer_clear(&buffer);
	is.statement_key = dom_slice(NULL, 0);
	wire_consents_encode(&buffer, &is);
	assert_int_equal(
	    wire_consents_decode(dom_buffer_slice(&buffer), arena, &again), DOM_OK);
	assert_null(again.statement_key.data);
}

static void
sessions_statements_keys_and_the_region_come_back(void **state)
{
	struct wire_session session = {
	    dom_slice_of("abcdefghijklmnopqrstuv"), dom_slice_of("Ana's phone"), 5, 6, true};
	struct wire_session *sessions;
	struct wire_statement_entry entry = {dom_slice_of("statement"),
	    dom_slice_of("signature"), 1700000000000, dom_slice_of("receipt"),
	    dom_slice(bytes64, 64)};
	struct wire_statement_entry *entries;
	struct wire_statement_key key = {
	    dom_slice(bytes32, 32), dom_slice_of("response"), dom_slice_of("signature")};
	struct wire_statement_key key_again;
	struct wire_signed_statement message = {dom_slice_of("s"), dom_slice_of("g")};
	struct wire_signed_statement message_again;
	struct wire_region region = {.name = dom_slice_of("in"),
	    .release = dom_slice_of("0.1.0"),
	    .public_key = dom_slice(bytes32, 32),
	    .signup_open = true};
	struct wire_region region_again;
	size_t count;
	bool done;

	(void)state;
	wire_sessions_encode(&buffer, &session, 1);
	assert_int_equal(
	    wire_sessions_decode(dom_buffer_slice(&buffer), arena, &sessions, &count), DOM_OK);
	assert_int_equal(count, 1);
	assert_true(dom_slice_is(sessions->device, "Ana's phone"));
	assert_true(
	    sessions->created_ms == 5 && sessions->used_ms == 6 && sessions->is_current);
	dom_buffer_clear(&buffer);
	wire_statements_encode(&buffer, &entry, 1, true);
	assert_int_equal(
	    wire_statements_decode(dom_buffer_slice(&buffer), arena, &entries, &count, &done),
	    DOM_OK);
	assert_true(done && count == 1 && entries->accepted_ms == 1700000000000);
	assert_true(dom_slice_is(entries->signature, "signature"));
	assert_true(dom_slice_is(entries->receipt, "receipt"));
	assert_memory_equal(entries->receipt_signature.data, bytes64, 64);
	dom_buffer_clear(&buffer);
	entry.receipt = entry.receipt_signature = dom_slice(NULL, 0);
	wire_statements_encode(&buffer, &entry, 1, true);
	assert_int_equal(
	    wire_statements_decode(dom_buffer_slice(&buffer), arena, &entries, &count, &done),
	    DOM_OK);
	assert_true(entries->receipt.data == NULL && entries->receipt_signature.data == NULL);
	dom_buffer_clear(&buffer);
	wire_statement_key_encode(&buffer, &key);
	assert_int_equal(
	    wire_statement_key_decode(dom_buffer_slice(&buffer), &key_again), DOM_OK);
	assert_true(dom_slice_is(key_again.response, "response"));
	dom_buffer_clear(&buffer);
	wire_signed_statement_encode(&buffer, &message);
	assert_int_equal(
	    wire_signed_statement_decode(dom_buffer_slice(&buffer), &message_again), DOM_OK);
	assert_true(dom_slice_is(message_again.signature, "g"));
	dom_buffer_clear(&buffer);
	wire_region_encode(&buffer, &region);
	assert_int_equal(wire_region_decode(dom_buffer_slice(&buffer), &region_again), DOM_OK);
	assert_true(region_again.signup_open && dom_slice_is(region_again.release, "0.1.0"));
	assert_memory_equal(region_again.public_key.data, bytes32, 32);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_consent_comes_back_as_it_was, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_withdrawal_says_keep_or_erase_and_nothing_else, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        an_erasure_names_an_item_or_nothing, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        an_order_is_about_the_account_and_has_no_number, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        what_a_person_signs_for_a_move_comes_back, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        an_order_that_leads_nowhere_is_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        the_first_form_of_a_statement_is_not_taken, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        every_cut_and_every_added_byte_is_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        only_any_has_no_types_and_any_has_none, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(values_out_of_range_are_refused, set_up, tear_down),
	    cmocka_unit_test(names_of_services_start_with_a_letter),
	    cmocka_unit_test_setup_teardown(
	        the_statement_key_is_bound_to_the_identity, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(consents_come_back, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        sessions_statements_keys_and_the_region_come_back, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
