/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Invitations: who may, what both ends see, and how they end. */
#include "sharing.h"

static void
an_invited_person_accepts_and_reads_with_own_key_and_level(void **state)
{
	(void)state;
	move_in();
	assert_int_equal(invite(&house.ana, 1, "BOB", 0, 1), SERVICE_DONE);
	assert_int_equal(
	    list_invitations(SERVICE_INCOMING_LIST, &house.bob, -1, none), SERVICE_DONE);
	assert_int_equal(invitations.count, 1);
	assert_true(invitations.done);
	assert_true(dom_slice_is(invitations.invitations[0].uid, uid('v', 1)));
	assert_true(dom_slice_is(invitations.invitations[0].username, "bob"));
	assert_true(dom_slice_is(invitations.invitations[0].from_username, "ana"));
	assert_memory_equal(
	    invitations.invitations[0].from_public.data, house.ana.identity_public, 32);
	assert_true(dom_slice_is(invitations.invitations[0].collection, uid('c', 1)));
	assert_true(dom_slice_is(invitations.invitations[0].signed_key, "boxed"));
	assert_int_equal(
	    list_invitations(SERVICE_OUTGOING_LIST, &house.ana, -1, none), SERVICE_DONE);
	assert_int_equal(invitations.count, 1);
	assert_int_equal(
	    list_invitations(SERVICE_OUTGOING_LIST, &house.bob, -1, none), SERVICE_DONE);
	assert_int_equal(invitations.count, 0);
	assert_int_equal(about_invitation(SERVICE_INCOMING_GET, &house.bob, 1), SERVICE_DONE);
	list_collections(&house.bob, "");
	assert_int_equal(house.list.count, 0);
	assert_int_equal(accept_it(&house.bob, 1), SERVICE_DONE);
	assert_int_equal(house.reply.body.size, 0);
	list_collections(&house.bob, "");
	assert_int_equal(house.list.count, 1);
	assert_int_equal(house.list.collections[0].access_level, 0);
	assert_true(dom_slice_is(house.list.collections[0].collection_key, "my key"));
	assert_true(dom_slice_is(house.list.collections[0].collection_type, "my type"));
	assert_int_equal(write_one(&house.bob, 1, 1), SERVICE_NO_WRITE_ACCESS);
	assert_int_equal(accept_it(&house.bob, 1), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(
	    list_invitations(SERVICE_OUTGOING_LIST, &house.ana, -1, none), SERVICE_DONE);
	assert_int_equal(invitations.count, 0);
}

static void
what_cannot_be_invited_is_refused_in_order(void **state)
{
	(void)state;
	move_in();
	assert_int_equal(create(&house.bob, 2, "type one"), SERVICE_DONE);
	/* Strangers learn nothing about collections, not even of themselves. */
	assert_int_equal(invite(&house.bob, 1, "bob", 0, 1), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(invite(&house.ana, 9, "bob", 0, 1), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(invite(&house.ana, 1, "nobody", 0, 1), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(invite(&house.ana, 1, "ANA", 0, 1), SERVICE_NO_SELF_INVITE);
	assert_int_equal(invite(&house.ana, 1, "bob", 3, 1), SERVICE_VALIDATION_ERROR);
	assert_int_equal(invite(&house.ana, 1, "bob", 0, 1), SERVICE_DONE);
	assert_int_equal(invite(&house.ana, 1, "bob", 2, 2), SERVICE_INVITATION_EXISTS);
	assert_int_equal(invite(&house.ana, 1, "cyd", 2, 1), SERVICE_UNIQUE_UID);
	assert_int_equal(accept_it(&house.bob, 1), SERVICE_DONE);
	assert_int_equal(invite(&house.ana, 1, "bob", 2, 2), SERVICE_ALREADY_MEMBER);
	assert_int_equal(invite(&house.bob, 1, "bob", 2, 2), SERVICE_NO_SELF_INVITE);
	assert_int_equal(invite(&house.bob, 1, "cyd", 2, 2), SERVICE_ADMIN_ACCESS_REQUIRED);
	ask(SERVICE_INVITE, &house.ana);
	dom_buffer_append_text(&house.body, "\x81");
	assert_int_equal(send(), SERVICE_MALFORMED_BODY);
}

static void
an_own_address_is_oneself_too(void **state)
{
	static const uint8_t salt[32] = "salt";

	(void)state;
	move_in();
	ask(SERVICE_SIGNUP, NULL);
	wire_signup_encode(&house.body,
	    &(struct wire_signup){.username = dom_slice_of("eve"),
	        .email = dom_slice_of("eve@example.org"),
	        .salt = dom_slice(salt, sizeof(salt)),
	        .login_public = dom_slice(house.cyd.login_public, 32),
	        .identity_public = dom_slice(house.cyd.identity_public, 32),
	        .encrypted_content = dom_slice(house.cyd.secrets, DOM_SECRETS_SIZE)});
	assert_int_equal(send(), SERVICE_DONE);
	house.cyd.name = "eve";
	assert_int_equal(log_in(&house.cyd), SERVICE_DONE);
	assert_int_equal(invite(&house.ana, 1, "Eve@Example.org", 1, 1), SERVICE_DONE);
	assert_int_equal(about_invitation(SERVICE_INCOMING_GET, &house.cyd, 1), SERVICE_DONE);
	assert_int_equal(accept_it(&house.cyd, 1), SERVICE_DONE);
	assert_int_equal(
	    invite(&house.cyd, 1, "EVE@example.org", 1, 2), SERVICE_NO_SELF_INVITE);
	assert_int_equal(about_member(SERVICE_MEMBER_REMOVE, &house.ana, 1, "eve@example.org"),
	    SERVICE_DOES_NOT_EXIST);
	ask(SERVICE_PROFILE, &house.bob);
	house.request.username = dom_slice_of("EVE@example.org");
	assert_int_equal(send(), SERVICE_DONE);
}

static void
only_the_two_ends_see_an_invitation(void **state)
{
	static const enum service_op received[] = {
	    SERVICE_INCOMING_GET, SERVICE_INCOMING_REJECT, SERVICE_INCOMING_ACCEPT};

	(void)state;
	move_in();
	assert_int_equal(invite(&house.ana, 1, "bob", 0, 1), SERVICE_DONE);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
		    about_invitation(received[i], &house.cyd, 1), SERVICE_DOES_NOT_EXIST);
		assert_int_equal(
		    about_invitation(received[i], &house.ana, 1), SERVICE_DOES_NOT_EXIST);
		assert_int_equal(
		    about_invitation(received[i], &house.bob, 2), SERVICE_DOES_NOT_EXIST);
	}
	assert_int_equal(
	    about_invitation(SERVICE_OUTGOING_WITHDRAW, &house.bob, 1), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(
	    about_invitation(SERVICE_OUTGOING_WITHDRAW, &house.ana, 1), SERVICE_DONE);
	assert_int_equal(
	    about_invitation(SERVICE_INCOMING_GET, &house.bob, 1), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(invite(&house.ana, 1, "bob", 0, 2), SERVICE_DONE);
	assert_int_equal(
	    about_invitation(SERVICE_INCOMING_REJECT, &house.bob, 2), SERVICE_DONE);
	assert_int_equal(accept_it(&house.bob, 2), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(
	    about_invitation(SERVICE_INCOMING_GET, NULL, 2), SERVICE_NOT_AUTHENTICATED);
}

static void
accepting_one_invitation_ends_the_others_to_that_collection(void **state)
{
	(void)state;
	move_in();
	join(&house.ana, &house.bob, 1, WIRE_ACCESS_ADMIN);
	assert_int_equal(create(&house.ana, 2, "type one"), SERVICE_DONE);
	assert_int_equal(invite(&house.ana, 1, "cyd", 0, 1), SERVICE_DONE);
	assert_int_equal(invite(&house.bob, 1, "cyd", 2, 2), SERVICE_DONE);
	assert_int_equal(invite(&house.ana, 2, "cyd", 0, 3), SERVICE_DONE);
	assert_int_equal(accept_it(&house.cyd, 2), SERVICE_DONE);
	assert_int_equal(
	    list_invitations(SERVICE_INCOMING_LIST, &house.cyd, -1, none), SERVICE_DONE);
	assert_int_equal(invitations.count, 1);
	assert_true(dom_slice_is(invitations.invitations[0].uid, uid('v', 3)));
	assert_int_equal(write_one(&house.cyd, 1, 1), SERVICE_DONE);
}

static enum dom_status
plant(struct store_txn *txn, void *context)
{
	struct store_invitation row = {.uid = dom_slice_of(uid('v', 77)),
	    .version = 1,
	    .signed_key = dom_slice_of("boxed")};
	struct store_collection collection;
	struct store_account ana, bob;

	(void)context;
	assert_int_equal(
	    store_collection_find(txn, dom_slice_of(uid('c', 1)), house.arena, &collection),
	    DOM_OK);
	assert_int_equal(
	    store_account_by_name(txn, dom_slice_of("ana"), house.arena, &ana), DOM_OK);
	assert_int_equal(
	    store_account_by_name(txn, dom_slice_of("bob"), house.arena, &bob), DOM_OK);
	row.collection = collection.number;
	row.sender = ana.number;
	row.recipient = bob.number;
	row.sender_clock = row.clock = 1;
	return store_invitation_add(txn, &row);
}

static void
a_member_who_accepts_again_is_told_and_the_invitation_is_gone(void **state)
{
	(void)state;
	move_in();
	join(&house.ana, &house.bob, 1, 2);
	/* As older data may have it: our own rules do not let it come to this. */
	assert_int_equal(store_write(house.store, plant, NULL), DOM_OK);
	assert_int_equal(about_invitation(SERVICE_INCOMING_GET, &house.bob, 77), SERVICE_DONE);
	assert_int_equal(accept_it(&house.bob, 77), SERVICE_ALREADY_MEMBER);
	assert_int_equal(
	    about_invitation(SERVICE_INCOMING_GET, &house.bob, 77), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(write_one(&house.bob, 1, 1), SERVICE_DONE);
}

static void
pages_of_invitations_go_on_where_an_invitation_was_deleted(void **state)
{
	(void)state;
	move_in();
	for (unsigned i = 1; i <= 40; i++) {
		assert_int_equal(create(&house.ana, 100 + i, "type one"), SERVICE_DONE);
		assert_int_equal(invite(&house.ana, 100 + i, "bob", 0, i), SERVICE_DONE);
	}
	for (int received = 0; received < 2; received++) {
		enum service_op op = received ? SERVICE_INCOMING_LIST : SERVICE_OUTGOING_LIST;
		const struct person *who = received ? &house.bob : &house.ana;
		unsigned seen = received ? 1 : 0; /* the first round withdraws 1 and 7 */

		invitations.iterator = none;
		do {
			assert_int_equal(
			    list_invitations(op, who, 7, invitations.iterator), SERVICE_DONE);
			for (size_t i = 0; i < invitations.count; i++) {
				seen += received && seen == 6 ? 2 : 1;
				assert_true(dom_slice_is(
				    invitations.invitations[i].uid, uid('v', seen)));
			}
			if (!received && seen == 7) {
				struct dom_slice iterator =
				    dom_arena_copy(house.arena, invitations.iterator);

				assert_int_equal(
				    about_invitation(SERVICE_OUTGOING_WITHDRAW, &house.ana, 7),
				    SERVICE_DONE);
				assert_int_equal(
				    about_invitation(SERVICE_OUTGOING_WITHDRAW, &house.ana, 1),
				    SERVICE_DONE);
				assert_int_equal(
				    invite(&house.ana, 101, "bob", 0, 41), SERVICE_DONE);
				invitations.iterator = iterator;
				invitations.done = false;
			}
		} while (!invitations.done);
		assert_int_equal(seen, 41);
	}
	assert_int_equal(list_invitations(SERVICE_INCOMING_LIST, &house.bob, -1,
	                     dom_slice_of("not one of ours")),
	    SERVICE_DOES_NOT_EXIST);
	assert_int_equal(
	    list_invitations(SERVICE_INCOMING_LIST, &house.bob, -1, dom_slice("", 0)),
	    SERVICE_DOES_NOT_EXIST);
}

static void
a_profile_is_found_by_name_or_not_at_all(void **state)
{
	struct dom_slice public;

	(void)state;
	move_in();
	ask(SERVICE_PROFILE, &house.ana);
	assert_int_equal(send(), SERVICE_VALIDATION_ERROR);
	house.request.username = dom_slice_of("Bob");
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(
	    wire_profile_decode(dom_buffer_slice(&house.reply.body), &public), DOM_OK);
	assert_memory_equal(public.data, house.bob.identity_public, 32);
	house.request.username = dom_slice_of("nobody");
	assert_int_equal(send(), SERVICE_DOES_NOT_EXIST);
	house.request.username = dom_slice_of("");
	assert_int_equal(send(), SERVICE_DOES_NOT_EXIST);
	house.request.token = none;
	assert_int_equal(send(), SERVICE_NOT_AUTHENTICATED);
}

static enum dom_status
plant_invitations(struct store_txn *txn, void *context)
{
	struct store_collection collection;
	struct store_account ana;

	(void)context;
	assert_int_equal(
	    store_collection_find(txn, dom_slice_of(uid('c', 1)), house.arena, &collection),
	    DOM_OK);
	assert_int_equal(
	    store_account_by_name(txn, dom_slice_of("ana"), house.arena, &ana), DOM_OK);
	for (unsigned i = 0; i < 1000; i++) {
		struct store_account guest = {.id = {(uint8_t)i, (uint8_t)(i >> 8), 9},
		    .name = dom_slice_of(uid('g', 1 + i))};
		struct store_invitation row = {.uid = dom_slice_of(uid('v', 5000 + i)),
		    .collection = collection.number,
		    .sender = ana.number,
		    .sender_clock = i + 1,
		    .clock = 1,
		    .version = 1,
		    .signed_key = dom_slice_of("boxed")};

		assert_int_equal(store_account_add(txn, &guest, &row.recipient), DOM_OK);
		assert_int_equal(store_invitation_add(txn, &row), DOM_OK);
	}
	return DOM_OK;
}

static void
a_thousand_invitations_may_wait_and_no_more(void **state)
{
	(void)state;
	move_in();
	house.service.settings.limits.invitations = 1000;
	assert_int_equal(store_write(house.store, plant_invitations, NULL), DOM_OK);
	assert_int_equal(invite(&house.ana, 1, "bob", 0, 1), SERVICE_TOO_LARGE);
	assert_int_equal(
	    about_invitation(SERVICE_OUTGOING_WITHDRAW, &house.ana, 5000), SERVICE_DONE);
	assert_int_equal(invite(&house.ana, 1, "bob", 0, 1), SERVICE_DONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_invited_person_accepts_and_reads_with_own_key_and_level),
	    TEST(what_cannot_be_invited_is_refused_in_order),
	    TEST(an_own_address_is_oneself_too),
	    TEST(only_the_two_ends_see_an_invitation),
	    TEST(accepting_one_invitation_ends_the_others_to_that_collection),
	    TEST(a_member_who_accepts_again_is_told_and_the_invitation_is_gone),
	    TEST(pages_of_invitations_go_on_where_an_invitation_was_deleted),
	    TEST(a_profile_is_found_by_name_or_not_at_all),
	    TEST(a_thousand_invitations_may_wait_and_no_more),
	};

	return cmocka_run_group_tests_name("invitations", tests, NULL, NULL);
}
