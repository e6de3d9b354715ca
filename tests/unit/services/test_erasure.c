/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Erasing, from the request's job to the receipt, step by step. */
#include "erasing.h"

/* --- a service --------------------------------------------------------------------- */

static void
what_is_erased_is_unreadable_at_once_and_then_gone(void **state)
{
	struct store_counts counts;
	struct store_erasure row;

	(void)state;
	two_services();
	join(&house.ana, &house.bob, 1, WIRE_ACCESS_READ_WRITE);
	assert_int_equal(erase_service(&house.ana, "contacts"), DOM_OK);
	/* Nothing has been removed yet. */
	assert_int_equal(read_collection(&house.ana, 1), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(read_collection(&house.bob, 1), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(write_one(&house.bob, 1, 77), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(read_collection(&house.ana, 2), SERVICE_DONE);
	finish_all();
	row = the_erasure();
	assert_int_equal(row.state, STORE_ERASURE_ERASED);
	assert_int_equal(row.sum.collections, 1);
	assert_int_equal(row.sum.items, 1 + ITEMS);
	/* Each has its current one. */
	assert_int_equal(row.sum.revisions, 1 + ITEMS);
	assert_int_equal(row.sum.chunks, 0);
	counts = count_all();
	assert_int_equal(counts.collections, 1);
	assert_int_equal(read_collection(&house.ana, 2), SERVICE_DONE);
}

static void
all_devices_and_members_see_it_as_removed(void **state)
{
	char ana_before[sizeof(house.stoken)], bob_before[sizeof(house.stoken)];

	(void)state;
	two_services();
	join(&house.ana, &house.bob, 1, WIRE_ACCESS_READ_WRITE);
	list_collections(&house.ana, "");
	memcpy(ana_before, house.stoken, sizeof(ana_before));
	list_collections(&house.bob, "");
	memcpy(bob_before, house.stoken, sizeof(bob_before));
	assert_int_equal(erase_service(&house.ana, "contacts"), DOM_OK);
	for (unsigned done = 0; done < 2; done++) {
		list_collections(&house.ana, ana_before);
		assert_int_equal(house.list.removed_count, 1);
		assert_true(dom_slice_is(house.list.removed[0], uid('c', 1)));
		list_collections(&house.bob, bob_before);
		assert_int_equal(house.list.removed_count, 1);
		/* And when the last byte of it is gone. */
		finish_all();
	}
}

static void
an_invitation_to_what_is_erased_lets_nobody_in(void **state)
{
	(void)state;
	two_services();
	join(&house.ana, &house.bob, 1, WIRE_ACCESS_ADMIN);
	assert_int_equal(invite(&house.ana, 1, "cyd", 0, 7), SERVICE_DONE);
	assert_int_equal(invite(&house.bob, 1, "cyd", 0, 8), SERVICE_DONE);
	assert_int_equal(erase_service(&house.ana, "contacts"), DOM_OK);
	assert_int_equal(accept_it(&house.cyd, 7), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(accept_it(&house.cyd, 8), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(read_collection(&house.cyd, 1), SERVICE_DOES_NOT_EXIST);
	finish_all();
	assert_int_equal(the_erasure().state, STORE_ERASURE_ERASED);
}

static void
those_who_wait_are_told_which_collections_changed(void **state)
{
	bool ana = false, bob = false;

	(void)state;
	two_services();
	join(&house.ana, &house.bob, 1, WIRE_ACCESS_READ_WRITE);
	assert_int_equal(erase_service(&house.ana, "contacts"), DOM_OK);
	assert_false(changes.overflowed);
	for (size_t i = 0; i < changes.count; i++) {
		ana |=
		    changes.at[i].member == number_of("ana") && changes.at[i].collection != 0;
		bob |=
		    changes.at[i].member == number_of("bob") && changes.at[i].collection != 0;
	}
	assert_true(ana && bob);
}

static void
a_type_of_a_consent_that_was_replaced_belongs_to_the_service_too(void **state)
{
	(void)state;
	two_services();
	assert_int_equal(consent(&house.ana, "contacts", "type three"), SERVICE_DONE);
	assert_int_equal(erase_service(&house.ana, "contacts"), DOM_OK);
	assert_int_equal(read_collection(&house.ana, 1), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(read_collection(&house.ana, 2), SERVICE_DONE);
}

static void
erasing_any_leaves_what_a_service_that_is_on_covers(void **state)
{
	(void)state;
	two_services();
	assert_int_equal(consent(&house.ana, "any", NULL), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 3, "type of an app"), SERVICE_DONE);
	assert_int_equal(withdraw(&house.ana, "any"), SERVICE_DONE);
	assert_int_equal(erase_service(&house.ana, "any"), DOM_OK);
	assert_int_equal(read_collection(&house.ana, 3), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(read_collection(&house.ana, 1), SERVICE_DONE);
	assert_int_equal(read_collection(&house.ana, 2), SERVICE_DONE);
}

static void
the_receipt_says_what_was_erased_and_answers_the_request(void **state)
{
	struct wire_receipt receipt;
	struct store_erasure row;
	uint8_t public[DOM_PUBLIC_KEY_SIZE];

	(void)state;
	two_services();
	assert_int_equal(erase_service(&house.ana, "contacts"), DOM_OK);
	house.now_ms += 5000;
	finish_all();
	row = the_erasure();
	assert_int_equal(wire_receipt_decode(row.receipt, &receipt), DOM_OK);
	dom_region_sign_public(house.service.key, public);
	assert_true(
	    dom_verify(dom_slice(public, sizeof(public)), row.receipt, row.receipt_signature));
	assert_int_equal(receipt.kind, WIRE_RECEIPT_ERASED);
	assert_int_equal(receipt.scope, WIRE_SCOPE_SERVICE);
	assert_memory_equal(receipt.subject, row.request, sizeof(receipt.subject));
	assert_int_equal(receipt.sum.items, 1 + ITEMS);
	assert_true(receipt.sum.bytes > 0);
	assert_int_equal(receipt.accepted_ms, house.now_ms - 5000);
	assert_int_equal(receipt.ended_ms, house.now_ms);
	assert_int_equal(receipt.backups_ms, 0);
}

static void
the_receipt_says_when_the_last_backup_is_gone(void **state)
{
	struct wire_receipt receipt;
	struct store_erasure row;

	(void)state;
	two_services();
	house.service.settings.backup_keep = (struct dom_duration){.ms = 90 * DAY_MS};
	assert_int_equal(erase_service(&house.ana, "contacts"), DOM_OK);
	finish_all();
	row = the_erasure();
	assert_int_equal(wire_receipt_decode(row.receipt, &receipt), DOM_OK);
	assert_int_equal(receipt.backups_ms, house.now_ms + 90 * DAY_MS);
}

static void
what_was_erased_can_be_made_anew_and_is_no_more_gone(void **state)
{
	char before[sizeof(house.stoken)];

	(void)state;
	two_services();
	list_collections(&house.ana, "");
	memcpy(before, house.stoken, sizeof(before));
	assert_int_equal(erase_service(&house.ana, "contacts"), DOM_OK);
	finish_all();
	assert_int_equal(consent(&house.ana, "contacts", "type one"), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
	list_collections(&house.ana, before);
	assert_int_equal(house.list.removed_count, 0);
	assert_int_equal(house.list.count, 1);
}

/* --- an account ------------------------------------------------------------------------ */

static void
an_erased_account_is_out_at_once_and_leaves_nothing(void **state)
{
	struct store_counts counts;

	(void)state;
	two_services();
	join(&house.ana, &house.bob, 1, WIRE_ACCESS_READ_WRITE);
	assert_int_equal(erase_account(&house.ana), DOM_OK);
	assert_int_equal(read_collection(&house.ana, 2), SERVICE_AUTHENTICATION_FAILED);
	assert_int_equal(read_collection(&house.bob, 1), SERVICE_DOES_NOT_EXIST);
	ask(SERVICE_LOGIN_CHALLENGE, NULL);
	finish_all();
	counts = count_all();
	assert_int_equal(counts.accounts, 2);
	assert_int_equal(counts.collections, 0);
	assert_int_equal(counts.items, 0);
	assert_int_equal(the_erasure().account, 0);
	assert_int_equal(the_erasure().statement_public.size, 0); /* no id of it either */
	assert_int_equal(the_erasure().sum.collections, 2);
}

static void
the_name_of_an_erased_account_can_be_taken_by_another_person(void **state)
{
	(void)state;
	two_services();
	assert_int_equal(erase_account(&house.ana), DOM_OK);
	house.ana.token[0] = '\0';
	sign_up(&house.ana);
	finish_all();
	assert_int_equal(count_all().accounts, 3);
	list_collections(&house.ana, "");
	assert_int_equal(house.list.count, 0);
	assert_int_equal(house.list.removed_count, 0);
}

static void
who_shares_with_an_erased_account_goes_on_without_it(void **state)
{
	(void)state;
	two_services();
	assert_int_equal(create(&house.bob, 5, "type one"), SERVICE_DONE);
	join(&house.bob, &house.ana, 5, WIRE_ACCESS_READ_WRITE);
	assert_int_equal(create(&house.bob, 6, "type one"), SERVICE_DONE);
	join(&house.bob, &house.ana, 6, WIRE_ACCESS_ADMIN);
	assert_int_equal(leave(&house.bob, 6), SERVICE_DONE);
	assert_int_equal(invite(&house.ana, 1, "cyd", 0, 7), SERVICE_DONE);
	assert_int_equal(erase_account(&house.ana), DOM_OK);
	finish_all();
	assert_int_equal(list_members(&house.bob, 5, -1, none), SERVICE_DONE);
	assert_int_equal(members.count, 1);
	assert_int_equal(accept_it(&house.cyd, 7), SERVICE_DOES_NOT_EXIST);
	/* Nobody is left in 6; it is Bob's, and waits for retention. */
	assert_int_equal(count_all().collections, 2);
	assert_int_equal(abandoned_of("bob"), 1);
}

static void
an_account_goes_after_its_services_and_their_receipts_forget_it(void **state)
{
	struct store_erasure row;
	uint8_t first[STORE_REQUEST_SIZE];

	(void)state;
	two_services();
	assert_int_equal(erase_service(&house.ana, "contacts"), DOM_OK);
	memcpy(first, request, sizeof(first));
	assert_int_equal(erase_account(&house.ana), DOM_OK);
	finish_all();
	assert_int_equal(the_erasure().sum.collections, 1);
	memcpy(request, first, sizeof(first));
	row = the_erasure();
	assert_int_equal(row.state, STORE_ERASURE_ERASED);
	assert_int_equal(row.sum.collections, 1);
	assert_true(row.receipt.size != 0);
	assert_int_equal(row.account, 0);
	assert_int_equal(row.service.size, 0);
}

static void
an_account_is_erased_once(void **state)
{
	(void)state;
	two_services();
	assert_int_equal(erase_account(&house.ana), DOM_OK);
	assert_int_equal(
	    begin_erasing(WIRE_SCOPE_ACCOUNT, ana_number, "", "", ""), DOM_CONFLICT);
	finish_all();
	assert_int_equal(begin_erasing(WIRE_SCOPE_ACCOUNT, ana_number, "", "", ""), DOM_ABSENT);
}

static void
an_order_of_the_operator_is_signed_by_the_region(void **state)
{
	struct wire_evidence_view view;
	struct store_erasure row;
	uint8_t public[DOM_PUBLIC_KEY_SIZE];
	const char *why;

	(void)state;
	two_services();
	assert_int_equal(order_account("nobody"), DOM_ABSENT);
	assert_int_equal(order_account("ANA"), DOM_OK);
	assert_int_equal(read_collection(&house.ana, 1), SERVICE_AUTHENTICATION_FAILED);
	finish_all();
	row = the_erasure();
	dom_region_sign_public(house.service.key, public);
	if (wire_evidence_check_parts(
	        &(struct wire_evidence){.statement_public = ordered.statement_public,
	            .statement = ordered.statement,
	            .signature = ordered.signature,
	            .receipt = row.receipt,
	            .receipt_signature = row.receipt_signature},
	        dom_slice(public, sizeof(public)), house.arena, &view, &why) != DOM_OK)
		fail_msg("%s", why);
	assert_int_equal(view.statement.kind, WIRE_ORDER);
	assert_memory_equal(view.statement.account, house.ana.identity_public, 32);
}

/* --- an item's history -------------------------------------------------------------------- */

static void
an_items_history_goes_and_its_current_revision_stays(void **state)
{
	(void)state;
	two_services();
	write_revisions(5);
	assert_int_equal(count_all().revisions, 2 * (1 + ITEMS) + 5);
	assert_int_equal(
	    begin_erasing(WIRE_SCOPE_ITEM, number_of("ana"), "", uid('c', 1), uid('i', 1)),
	    DOM_OK);
	finish_all();
	assert_int_equal(the_erasure().sum.revisions, 5);
	assert_int_equal(the_erasure().sum.items, 0);
	assert_int_equal(count_all().revisions, 2 * (1 + ITEMS));
	assert_int_equal(revisions_of(&house.ana, 1, 1), 1);
	assert_int_equal(count_all().items, 2 * (1 + ITEMS));
}

/* The keeper comes a while after the request. */
static void
what_is_written_after_the_request_is_not_meant(void **state)
{
	struct wire_item one;

	(void)state;
	two_services();
	write_revisions(2);
	assert_int_equal(
	    begin_erasing(WIRE_SCOPE_ITEM, number_of("ana"), "", uid('c', 1), uid('i', 1)),
	    DOM_OK);
	one = item(1, 'a', uid('r', 2));
	one.content.uid = dom_slice_of(uid('n', 1));
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_DONE);
	one = item(1, 'a', uid('n', 1));
	one.content.uid = dom_slice_of(uid('n', 2));
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_DONE);
	finish_all();
	assert_int_equal(the_erasure().sum.revisions, 2);
	/* The one that was current then, the one after it, and the one that is now. */
	assert_int_equal(revisions_of(&house.ana, 1, 1), 3);
}

static void
chunks_that_only_the_history_named_go_with_it(void **state)
{
	(void)state;
	two_services();
	put_with_chunk('a', 1, NULL);
	put_with_chunk('b', 2, uid('a', 50));
	put_with_chunk('d', 2, uid('b', 50));
	assert_int_equal(count_all().chunks, 2);
	assert_int_equal(
	    begin_erasing(WIRE_SCOPE_ITEM, number_of("ana"), "", uid('c', 1), uid('i', 50)),
	    DOM_OK);
	finish_all();
	assert_int_equal(the_erasure().sum.revisions, 2);
	assert_int_equal(the_erasure().sum.chunks, 1);
	assert_int_equal(count_all().chunks, 1);
	assert_int_equal(read_chunk(&house.ana, 2), SERVICE_DONE);
	assert_int_equal(read_chunk(&house.ana, 1), SERVICE_DOES_NOT_EXIST);
}

static void
only_the_owner_erases_and_only_what_is_there(void **state)
{
	(void)state;
	two_services();
	join(&house.ana, &house.bob, 1, WIRE_ACCESS_ADMIN);
	assert_int_equal(
	    begin_erasing(WIRE_SCOPE_ITEM, number_of("bob"), "", uid('c', 1), uid('i', 1)),
	    DOM_ABSENT);
	assert_int_equal(
	    begin_erasing(WIRE_SCOPE_ITEM, number_of("ana"), "", uid('c', 1), uid('i', 999)),
	    DOM_ABSENT);
	assert_int_equal(
	    begin_erasing(WIRE_SCOPE_ITEM, number_of("ana"), "", uid('c', 9), uid('i', 1)),
	    DOM_ABSENT);
	assert_int_equal(erase_service(&house.bob, "contacts"), DOM_OK);
	assert_int_equal(read_collection(&house.ana, 1), SERVICE_DONE);
	assert_int_equal(read_collection(&house.bob, 1), SERVICE_DONE);
}

/* --- by statements ------------------------------------------------------------------------ */

/* Its answer says under which number; the same statement again says the same. */
static void
take_request(struct person *person, struct wire_statement *statement)
{
	struct wire_countersigned answer;

	for (unsigned times = 0; times < 2; times++) {
		statement->serial = person->serial + (times == 0);
		if (times != 0 && statement->scope == WIRE_SCOPE_ACCOUNT)
			break;
		assert_int_equal(state_it(person, statement), SERVICE_DONE);
		/* Its device must not take the notes of what is gone for seen. */
		assert_string_equal(house.reply.position_after, "");
		assert_int_equal(
		    wire_countersigned_decode(dom_buffer_slice(&house.reply.body), &answer),
		    DOM_OK);
		assert_int_equal(answer.request.size, sizeof(request));
		assert_true(
		    times == 0 || memcmp(request, answer.request.data, sizeof(request)) == 0);
		memcpy(request, answer.request.data, sizeof(request));
	}
}

static struct wire_statement
statement_to(enum wire_statement_kind kind)
{
	struct wire_statement statement = {.kind = kind,
	    .issued_ms = house.now_ms,
	    .region = dom_slice_of("in"),
	    .service = dom_slice_of(kind == WIRE_WITHDRAWAL ? "contacts" : ""),
	    .collection_uid = dom_slice("", 0),
	    .item_uid = dom_slice("", 0)};

	memcpy(statement.account, house.ana.identity_public, 32);
	return statement;
}

static void
a_withdrawal_that_erases_turns_off_and_erases(void **state)
{
	struct wire_statement statement = statement_to(WIRE_WITHDRAWAL);

	(void)state;
	two_services();
	statement.erase = true;
	take_request(&house.ana, &statement);
	assert_int_equal(read_collection(&house.ana, 1), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(create(&house.ana, 7, "type one"), SERVICE_CONSENT_REQUIRED);
	assert_int_equal(read_collection(&house.ana, 2), SERVICE_DONE);
	finish_all();
	assert_int_equal(the_erasure().state, STORE_ERASURE_ERASED);
	assert_int_equal(memory_journal.count, 2);
	/* On again: what was erased stays erased. */
	assert_int_equal(consent(&house.ana, "contacts", "type one"), SERVICE_DONE);
	assert_int_equal(read_collection(&house.ana, 1), SERVICE_DOES_NOT_EXIST);
}

static void
a_withdrawal_that_keeps_erases_nothing(void **state)
{
	struct wire_countersigned answer;

	(void)state;
	two_services();
	assert_int_equal(withdraw(&house.ana, "contacts"), SERVICE_DONE);
	assert_int_equal(
	    wire_countersigned_decode(dom_buffer_slice(&house.reply.body), &answer), DOM_OK);
	assert_int_equal(answer.request.size, 0);
	assert_true(house.reply.wakes_keeper);
	finish_all();
	assert_int_equal(read_collection(&house.ana, 1), SERVICE_DONE);
	assert_int_equal(memory_journal.count, 1);
}

static void
a_statement_erases_an_items_history(void **state)
{
	struct wire_statement statement = statement_to(WIRE_ERASURE);

	(void)state;
	two_services();
	write_revisions(3);
	statement.scope = WIRE_SCOPE_ITEM;
	statement.collection_uid = dom_slice_of(uid('c', 1));
	statement.item_uid = dom_slice_of(uid('i', 1));
	take_request(&house.ana, &statement);
	finish_all();
	assert_int_equal(the_erasure().sum.revisions, 3);
	/* Another's, or nobody's: refused, and the number is not used up. */
	statement.item_uid = dom_slice_of(uid('i', 77));
	statement.serial = house.ana.serial + 1;
	assert_int_equal(state_it(&house.ana, &statement), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(consent(&house.ana, "any", NULL), SERVICE_DONE);
}

static void
a_statement_erases_its_account(void **state)
{
	struct wire_statement statement = statement_to(WIRE_ERASURE);

	(void)state;
	two_services();
	statement.scope = WIRE_SCOPE_ACCOUNT;
	take_request(&house.ana, &statement);
	assert_int_equal(read_collection(&house.ana, 1), SERVICE_AUTHENTICATION_FAILED);
	finish_all();
	assert_int_equal(the_erasure().state, STORE_ERASURE_ERASED);
	assert_int_equal(count_all().accounts, 2);
}

/* --- who may ask ----------------------------------------------------------------------------
 */

static enum service_code
ask_about(const struct person *person, const char *number)
{
	ask(SERVICE_ERASURE, person);
	house.request.erasure = dom_slice_of(number);
	return send();
}

static void
who_knows_the_number_may_ask_and_nothing_else_answers(void **state)
{
	char number[2 * STORE_REQUEST_SIZE + 1];
	struct wire_erasure erasure;

	(void)state;
	two_services();
	assert_int_equal(erase_service(&house.ana, "contacts"), DOM_OK);
	dom_hex_encode(dom_slice(request, sizeof(request)), number);
	assert_int_equal(ask_about(NULL, number), SERVICE_DONE);
	assert_int_equal(
	    wire_erasure_decode(dom_buffer_slice(&house.reply.body), &erasure), DOM_OK);
	assert_int_equal(erasure.state, WIRE_ERASURE_WAITING);
	/* Not even to whom it belongs, or what it was. */
	assert_null(erasure.service.data);
	finish_all();
	assert_int_equal(ask_about(NULL, number), SERVICE_DONE);
	assert_int_equal(
	    wire_erasure_decode(dom_buffer_slice(&house.reply.body), &erasure), DOM_OK);
	assert_int_equal(erasure.state, WIRE_ERASURE_ERASED);
	assert_true(erasure.receipt.size != 0 && erasure.sum.items == 1 + ITEMS);
	number[63] = number[63] == '0' ? '1' : '0';
	assert_int_equal(ask_about(NULL, number), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(ask_about(NULL, ""), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(ask_about(NULL, "zz"), SERVICE_DOES_NOT_EXIST);
	number[62] = '\0';
	assert_int_equal(ask_about(NULL, number), SERVICE_DOES_NOT_EXIST);
}

static void
an_account_lists_its_own_erasures_alone(void **state)
{
	struct wire_erasure *erasures;
	size_t count;

	(void)state;
	two_services();
	assert_int_equal(erase_service(&house.ana, "contacts"), DOM_OK);
	assert_int_equal(erase_service(&house.bob, "contacts"), DOM_OK);
	finish_all();
	assert_int_equal(get(SERVICE_ERASURES, NULL), SERVICE_NOT_AUTHENTICATED);
	assert_int_equal(get(SERVICE_ERASURES, &house.ana), SERVICE_DONE);
	assert_int_equal(wire_erasures_decode(dom_buffer_slice(&house.reply.body), house.arena,
	                     &erasures, &count),
	    DOM_OK);
	assert_int_equal(count, 1);
	assert_true(dom_slice_is(erasures[0].service, "contacts"));
	assert_int_equal(erasures[0].sum.collections, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_erased_is_unreadable_at_once_and_then_gone),
	    TEST(all_devices_and_members_see_it_as_removed),
	    TEST(an_invitation_to_what_is_erased_lets_nobody_in),
	    TEST(those_who_wait_are_told_which_collections_changed),
	    TEST(a_type_of_a_consent_that_was_replaced_belongs_to_the_service_too),
	    TEST(erasing_any_leaves_what_a_service_that_is_on_covers),
	    TEST(the_receipt_says_what_was_erased_and_answers_the_request),
	    TEST(the_receipt_says_when_the_last_backup_is_gone),
	    TEST(what_was_erased_can_be_made_anew_and_is_no_more_gone),
	    TEST(an_erased_account_is_out_at_once_and_leaves_nothing),
	    TEST(the_name_of_an_erased_account_can_be_taken_by_another_person),
	    TEST(who_shares_with_an_erased_account_goes_on_without_it),
	    TEST(an_account_goes_after_its_services_and_their_receipts_forget_it),
	    TEST(an_account_is_erased_once),
	    TEST(an_order_of_the_operator_is_signed_by_the_region),
	    TEST(an_items_history_goes_and_its_current_revision_stays),
	    TEST(what_is_written_after_the_request_is_not_meant),
	    TEST(chunks_that_only_the_history_named_go_with_it),
	    TEST(only_the_owner_erases_and_only_what_is_there),
	    TEST(a_withdrawal_that_erases_turns_off_and_erases),
	    TEST(a_withdrawal_that_keeps_erases_nothing),
	    TEST(a_statement_erases_an_items_history),
	    TEST(a_statement_erases_its_account),
	    TEST(who_knows_the_number_may_ask_and_nothing_else_answers),
	    TEST(an_account_lists_its_own_erasures_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
