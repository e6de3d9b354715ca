/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Members: who may manage them, what is left behind, and what lists then say. */
#include "sharing.h"

static void
only_admins_manage_members(void **state)
{
	static const enum service_op ops[] = {
	    SERVICE_MEMBER_LIST, SERVICE_MEMBER_REMOVE, SERVICE_MEMBER_SET};

	(void)state;
	move_in();
	join(&house.ana, &house.bob, 1, WIRE_ACCESS_READ_WRITE);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
		    about_member(ops[i], &house.cyd, 1, "ana"), SERVICE_DOES_NOT_EXIST);
		assert_int_equal(
		    about_member(ops[i], &house.bob, 1, "ana"), SERVICE_ADMIN_ACCESS_REQUIRED);
		assert_int_equal(
		    about_member(ops[i], &house.ana, 9, "ana"), SERVICE_DOES_NOT_EXIST);
		assert_int_equal(
		    about_member(ops[i], NULL, 1, "ana"), SERVICE_NOT_AUTHENTICATED);
	}
	assert_int_equal(leave(&house.cyd, 1), SERVICE_DOES_NOT_EXIST);
	/* Roles come before bodies, bodies before members. */
	assert_int_equal(
	    about_member(SERVICE_MEMBER_SET, &house.ana, 1, "cyd"), SERVICE_MALFORMED_BODY);
	assert_int_equal(set_access(&house.ana, 1, "cyd", 7), SERVICE_VALIDATION_ERROR);
	assert_int_equal(set_access(&house.ana, 1, "cyd", 1), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(set_access(&house.ana, 1, "BOB", 1), SERVICE_DONE);
	assert_int_equal(list_members(&house.bob, 1, -1, none), SERVICE_DONE);
	assert_int_equal(members.count, 2);
	assert_true(dom_slice_is(members.members[1].username, "bob"));
	assert_int_equal(members.members[1].access_level, 1);
}

static void
members_come_in_pages_and_a_new_level_moves_one_to_the_end(void **state)
{
	struct dom_slice iterator;

	(void)state;
	move_in();
	join(&house.ana, &house.bob, 1, 0);
	join(&house.ana, &house.cyd, 1, 0);
	assert_int_equal(list_members(&house.ana, 1, 2, none), SERVICE_DONE);
	assert_int_equal(members.count, 2);
	assert_false(members.done);
	iterator = dom_arena_copy(house.arena, members.iterator);
	/* Bob was shown and is shown again where he is now; nobody is left out. */
	assert_int_equal(set_access(&house.ana, 1, "bob", 2), SERVICE_DONE);
	assert_int_equal(set_access(&house.ana, 1, "bob", 2), SERVICE_DONE);
	assert_int_equal(list_members(&house.ana, 1, 2, iterator), SERVICE_DONE);
	assert_int_equal(members.count, 2);
	assert_true(members.done);
	assert_true(dom_slice_is(members.members[0].username, "cyd"));
	assert_true(dom_slice_is(members.members[1].username, "bob"));
	iterator = dom_arena_copy(house.arena, members.iterator);
	assert_int_equal(list_members(&house.ana, 1, 2, iterator), SERVICE_DONE);
	assert_true(members.count == 0 && members.done);
	assert_true(dom_slice_equal(members.iterator, iterator));
	assert_int_equal(
	    list_members(&house.ana, 1, 2, dom_slice_of("bad")), SERVICE_BAD_STOKEN);
	assert_int_equal(list_members(&house.ana, 1, 0, dom_slice("", 0)), SERVICE_DONE);
	assert_true(members.count == 0 && !members.done);
	assert_null(members.iterator.data);
}

static void
a_collection_is_never_left_without_an_admin_while_others_are_in_it(void **state)
{
	(void)state;
	move_in();
	join(&house.ana, &house.bob, 1, WIRE_ACCESS_READ_WRITE);
	assert_int_equal(set_access(&house.ana, 1, "ana", 0), SERVICE_LAST_ADMIN);
	assert_int_equal(
	    about_member(SERVICE_MEMBER_REMOVE, &house.ana, 1, "ana"), SERVICE_LAST_ADMIN);
	assert_int_equal(leave(&house.ana, 1), SERVICE_LAST_ADMIN);
	assert_int_equal(set_access(&house.ana, 1, "bob", 1), SERVICE_DONE);
	assert_int_equal(set_access(&house.ana, 1, "ana", 0), SERVICE_DONE);
	assert_int_equal(leave(&house.bob, 1), SERVICE_LAST_ADMIN);
	assert_int_equal(
	    about_member(SERVICE_MEMBER_REMOVE, &house.bob, 1, "ana"), SERVICE_DONE);
	/* The last one may go; the uid stays taken. */
	assert_int_equal(leave(&house.bob, 1), SERVICE_DONE);
	assert_int_equal(leave(&house.bob, 1), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_UNIQUE_UID);
}

static void
an_ended_membership_takes_its_invitations_along(void **state)
{
	(void)state;
	move_in();
	join(&house.ana, &house.bob, 1, WIRE_ACCESS_ADMIN);
	assert_int_equal(invite(&house.bob, 1, "cyd", 0, 1), SERVICE_DONE);
	assert_int_equal(set_access(&house.ana, 1, "bob", 0), SERVICE_DONE);
	assert_int_equal(about_invitation(SERVICE_INCOMING_GET, &house.cyd, 1), SERVICE_DONE);
	assert_int_equal(leave(&house.bob, 1), SERVICE_DONE);
	assert_int_equal(accept_it(&house.cyd, 1), SERVICE_DOES_NOT_EXIST);
}

static void
members_write_under_the_consent_of_an_owner_who_may_have_left(void **state)
{
	(void)state;
	move_in();
	join(&house.ana, &house.cyd, 1, WIRE_ACCESS_ADMIN);
	assert_int_equal(write_one(&house.cyd, 1, 1), SERVICE_DONE);
	assert_int_equal(leave(&house.ana, 1), SERVICE_DONE);
	assert_int_equal(write_one(&house.ana, 1, 2), SERVICE_DOES_NOT_EXIST);
	assert_int_equal(write_one(&house.cyd, 1, 2), SERVICE_DONE);
	assert_int_equal(withdraw(&house.ana, "contacts"), SERVICE_DONE);
	assert_int_equal(write_one(&house.cyd, 1, 3), SERVICE_CONSENT_REQUIRED);
	list_items(&house.cyd, 1, "");
	assert_int_equal(house.list.count, 1);
}

/* --- what lists say then ------------------------------------------------------------- */

static void
a_removal_is_told_once_and_coming_back_ends_it(void **state)
{
	char old[sizeof(house.stoken)];

	(void)state;
	move_in();
	join(&house.ana, &house.bob, 1, 0);
	list_collections(&house.bob, "");
	assert_int_equal(house.list.count, 1);
	snprintf(old, sizeof(old), "%s", house.stoken);
	assert_int_equal(
	    about_member(SERVICE_MEMBER_REMOVE, &house.ana, 1, "Bob"), SERVICE_DONE);
	list_collections(&house.bob, old);
	assert_int_equal(house.list.count, 0);
	assert_true(house.list.done);
	assert_int_equal(house.list.removed_count, 1);
	assert_true(dom_slice_is(house.list.removed[0], uid('c', 1)));
	assert_string_not_equal(house.stoken, old);
	list_collections(&house.bob, house.stoken);
	assert_int_equal(house.list.removed_count, 0);
	/* Who starts afresh has nothing to remove. */
	list_collections(&house.bob, "");
	assert_int_equal(house.list.removed_count, 0);
	join(&house.ana, &house.bob, 1, 2);
	list_collections(&house.bob, old);
	assert_int_equal(house.list.removed_count, 0);
	assert_int_equal(house.list.count, 1);
	assert_int_equal(house.list.collections[0].access_level, 2);
}

static void
more_removals_than_a_page_holds_come_on_the_next(void **state)
{
	enum { MANY = 1003 }; /* more than VAULT_REMOVED_MAX */
	char stoken[sizeof(house.stoken)];
	unsigned told = 0, pages = 0, collections = 0;

	(void)state;
	move_in();
	list_collections(&house.ana, "");
	snprintf(stoken, sizeof(stoken), "%s", house.stoken);
	for (unsigned i = 2; i < MANY + 2; i++) {
		assert_int_equal(create(&house.ana, i, "type one"), SERVICE_DONE);
		assert_int_equal(leave(&house.ana, i), SERVICE_DONE);
		dom_arena_reset(house.arena);
	}
	assert_int_equal(create(&house.ana, 9000, "type one"), SERVICE_DONE);
	do {
		char copy[sizeof(stoken)];

		snprintf(copy, sizeof(copy), "%s", stoken);
		list_collections(&house.ana, copy);
		snprintf(stoken, sizeof(stoken), "%s", house.stoken);
		told += (unsigned)house.list.removed_count;
		collections += (unsigned)house.list.count;
		assert_true(++pages < 5);
	} while (!house.list.done);
	assert_int_equal(told, MANY);
	assert_in_range(collections, 1, 2);
	list_collections(&house.ana, stoken);
	assert_true(house.list.count == 0 && house.list.removed_count == 0);
}

static void
others_lists_stay_but_the_collection_has_a_new_token(void **state)
{
	char of_collection[sizeof(house.stoken)];

	(void)state;
	move_in();
	list_collections(&house.ana, "");
	snprintf(of_collection, sizeof(of_collection), "%.*s",
	    (int)house.list.collections[0].stoken.size,
	    (const char *)house.list.collections[0].stoken.data);
	join(&house.ana, &house.bob, 1, 0);
	list_collections(&house.ana, house.stoken);
	assert_int_equal(house.list.count, 0);
	/* So a write that stands on the old token is stale. */
	ask(SERVICE_ITEM_BATCH, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	house.request.stoken = dom_slice_of(of_collection);
	wire_batch_encode(&house.body, &(struct wire_batch){0});
	assert_int_equal(send(), SERVICE_STALE_STOKEN);
	assert_int_equal(leave(&house.bob, 1), SERVICE_DONE);
	house.request.op = SERVICE_ITEM_BATCH;
	ask(SERVICE_ITEM_BATCH, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	house.request.stoken = dom_slice_of(of_collection);
	wire_batch_encode(&house.body, &(struct wire_batch){0});
	assert_int_equal(send(), SERVICE_DONE);
}

/* --- limits --------------------------------------------------------------------------- */

enum { OWNERS = WIRE_STOKEN_OWNERS_MAX - 1 }; /* others than oneself */

/* Many owners share one collection each with bob. */
static enum dom_status
plant_owners(struct store_txn *txn, void *context)
{
	struct store_account bob;

	(void)context;
	assert_int_equal(
	    store_account_by_name(txn, dom_slice_of("bob"), house.arena, &bob), DOM_OK);
	for (unsigned i = 0; i < OWNERS; i++) {
		struct store_account owner = {
		    .id = {(uint8_t)i, (uint8_t)(i >> 8), 7}, .initialised = true};
		struct store_item main_item = {.uid = dom_slice_of(uid('c', 100 + i)),
		    .version = 1,
		    .current = {.uid = dom_slice_of(uid('m', 100 + i)),
		        .meta = dom_slice_of("meta"),
		        .clock = 1}};
		struct store_member member = {.clock = 2,
		    .access_level = WIRE_ACCESS_READ_ONLY,
		    .collection_key = dom_slice_of("key"),
		    .collection_type = dom_slice_of("type one")};
		int64_t number;

		owner.name = dom_slice_of(uid('o', 100 + i));
		assert_int_equal(store_account_add(txn, &owner, &number), DOM_OK);
		assert_int_equal(store_account_tick(txn, number, &member.clock), DOM_OK);
		assert_int_equal(store_account_tick(txn, number, &member.clock), DOM_OK);
		assert_int_equal(
		    store_collection_add(txn, main_item.uid, number, &member.collection),
		    DOM_OK);
		assert_int_equal(store_item_put(txn, member.collection, &main_item), DOM_OK);
		member.account = bob.number;
		assert_int_equal(store_member_add(txn, &member), DOM_OK);
	}
	return DOM_OK;
}

static void
a_token_has_room_for_every_owner_and_so_there_is_a_most(void **state)
{
	struct wire_list list = {0};
	size_t seen = 0;

	(void)state;
	move_in();
	assert_int_equal(create(&house.bob, 2, "type one"), SERVICE_DONE);
	assert_int_equal(store_write(house.store, plant_owners, NULL), DOM_OK);
	assert_int_equal(invite(&house.ana, 1, "bob", 0, 1), SERVICE_DONE);
	assert_int_equal(accept_it(&house.bob, 1), SERVICE_TOO_LARGE);
	do {
		struct dom_slice stoken = list.stoken;

		ask(SERVICE_COLLECTION_LIST, &house.bob);
		house.request.stoken = stoken;
		assert_int_equal(send(), SERVICE_DONE);
		assert_int_equal(wire_list_decode(dom_arena_copy(house.arena,
		                                      dom_buffer_slice(&house.reply.body)),
		                     WIRE_LIST_COLLECTIONS, house.arena, &list),
		    DOM_OK);
		seen += list.count;
	} while (!list.done);
	assert_int_equal(seen, OWNERS + 1);
	assert_int_equal(list.stoken.size, WIRE_STOKEN_SIZE(WIRE_STOKEN_OWNERS_MAX));
	/* Room again; the token of who is gone makes place for who comes. */
	assert_int_equal(leave(&house.bob, 100), SERVICE_DONE);
	assert_int_equal(accept_it(&house.bob, 1), SERVICE_DONE);
	ask(SERVICE_COLLECTION_LIST, &house.bob);
	house.request.stoken = list.stoken;
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(wire_list_decode(dom_buffer_slice(&house.reply.body),
	                     WIRE_LIST_COLLECTIONS, house.arena, &list),
	    DOM_OK);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.removed_count, 1);
	assert_true(dom_slice_is(list.removed[0], uid('c', 100)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(only_admins_manage_members),
	    TEST(members_come_in_pages_and_a_new_level_moves_one_to_the_end),
	    TEST(a_collection_is_never_left_without_an_admin_while_others_are_in_it),
	    TEST(an_ended_membership_takes_its_invitations_along),
	    TEST(members_write_under_the_consent_of_an_owner_who_may_have_left),
	    TEST(a_removal_is_told_once_and_coming_back_ends_it),
	    TEST(more_removals_than_a_page_holds_come_on_the_next),
	    TEST(others_lists_stay_but_the_collection_has_a_new_token),
	    TEST(a_token_has_room_for_every_owner_and_so_there_is_a_most),
	};

	return cmocka_run_group_tests_name("members", tests, NULL, NULL);
}
