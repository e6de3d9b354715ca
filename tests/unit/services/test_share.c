/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Members and invitations: who may, what is left behind, and what lists then say. */
#include "wire/share.h"

#include "house.h"

static struct wire_share_list members, invitations;

/* --- asking ------------------------------------------------------------------------ */

static enum service_code
invite(const struct person *from, unsigned collection, const char *to, int access_level,
    unsigned number)
{
	struct wire_invitation invitation = {.uid = dom_slice_of(uid('v', number)),
	    .version = 1,
	    .access_level = access_level,
	    .username = dom_slice_of(to),
	    .collection = dom_slice_of(uid('c', collection)),
	    .signed_key = dom_slice_of("boxed")};

	ask(SERVICE_INVITE, from);
	wire_invitation_encode(&house.body, &invitation, false);
	return send();
}

static enum service_code
about_invitation(enum service_op op, const struct person *person, unsigned number)
{
	ask(op, person);
	house.request.invitation_uid = dom_slice_of(uid('v', number));
	return send();
}

static enum service_code
accept(const struct person *person, unsigned number)
{
	ask(SERVICE_INCOMING_ACCEPT, person);
	house.request.invitation_uid = dom_slice_of(uid('v', number));
	wire_acceptance_encode(
	    &house.body, &(struct wire_acceptance){.collection_type = dom_slice_of("my type"),
	                     .collection_key = dom_slice_of("my key")});
	return send();
}

static enum service_code
about_member(
    enum service_op op, const struct person *person, unsigned collection, const char *name)
{
	ask(op, person);
	house.request.collection_uid = dom_slice_of(uid('c', collection));
	house.request.username = dom_slice_of(name);
	return send();
}

static enum service_code
set_access(const struct person *person, unsigned collection, const char *name, int access_level)
{
	ask(SERVICE_MEMBER_SET, person);
	house.request.collection_uid = dom_slice_of(uid('c', collection));
	house.request.username = dom_slice_of(name);
	wire_access_encode(&house.body, access_level);
	return send();
}

static enum service_code
leave(const struct person *person, unsigned collection)
{
	return about_member(SERVICE_MEMBER_LEAVE, person, collection, "");
}

static void
join(const struct person *from, const struct person *to, unsigned collection, int access_level)
{
	static unsigned number = 1000;

	assert_int_equal(
	    invite(from, collection, to->name, access_level, ++number), SERVICE_DONE);
	assert_int_equal(accept(to, number), SERVICE_DONE);
}

static enum service_code
list_members(
    const struct person *person, unsigned collection, int64_t limit, struct dom_slice iterator)
{
	enum service_code code;

	ask(SERVICE_MEMBER_LIST, person);
	house.request.collection_uid = dom_slice_of(uid('c', collection));
	house.request.limit = limit;
	house.request.iterator = iterator;
	if ((code = send()) == SERVICE_DONE)
		assert_int_equal(wire_member_list_decode(dom_buffer_slice(&house.reply.body),
		                     house.arena, &members),
		    DOM_OK);
	return code;
}

static enum service_code
list_invitations(
    enum service_op op, const struct person *person, int64_t limit, struct dom_slice iterator)
{
	enum service_code code;

	ask(op, person);
	house.request.limit = limit;
	if (iterator.data != NULL)
		house.request.iterator = dom_arena_copy(house.arena, iterator);
	if ((code = send()) == SERVICE_DONE)
		assert_int_equal(
		    wire_invitation_list_decode(
		        dom_arena_copy(house.arena, dom_buffer_slice(&house.reply.body)),
		        house.arena, &invitations),
		    DOM_OK);
	return code;
}

static const struct dom_slice none;

/* Ana has collection 1; all three are there. */
static void
move_in(void)
{
	turn_on(&house.ana);
	turn_on(&house.bob);
	sign_up(&house.cyd);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
}

static enum service_code
write_one(const struct person *person, unsigned collection, unsigned revision)
{
	struct wire_item one = item(1, 'a', NULL);

	one.content.uid = dom_slice_of(uid('r', revision));
	return put(person, SERVICE_ITEM_BATCH, collection, &one, 1);
}

/* --- invitations ------------------------------------------------------------------ */

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
	assert_int_equal(accept(&house.bob, 1), SERVICE_DONE);
	assert_int_equal(house.reply.body.size, 0);
	list_collections(&house.bob, "");
	assert_int_equal(house.list.count, 1);
	assert_int_equal(house.list.collections[0].access_level, 0);
	assert_true(dom_slice_is(house.list.collections[0].collection_key, "my key"));
	assert_true(dom_slice_is(house.list.collections[0].collection_type, "my type"));
	assert_int_equal(write_one(&house.bob, 1, 1), SERVICE_NO_WRITE_ACCESS);
	assert_int_equal(accept(&house.bob, 1), SERVICE_DOES_NOT_EXIST);
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
	assert_int_equal(accept(&house.bob, 1), SERVICE_DONE);
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
	assert_int_equal(accept(&house.cyd, 1), SERVICE_DONE);
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
	assert_int_equal(accept(&house.bob, 2), SERVICE_DOES_NOT_EXIST);
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
	assert_int_equal(accept(&house.cyd, 2), SERVICE_DONE);
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
	assert_int_equal(accept(&house.bob, 77), SERVICE_ALREADY_MEMBER);
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

/* --- members ------------------------------------------------------------------------ */

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
	assert_int_equal(accept(&house.cyd, 1), SERVICE_DOES_NOT_EXIST);
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
	assert_int_equal(accept(&house.bob, 1), SERVICE_TOO_LARGE);
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
	assert_int_equal(accept(&house.bob, 1), SERVICE_DONE);
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
	    TEST(only_admins_manage_members),
	    TEST(members_come_in_pages_and_a_new_level_moves_one_to_the_end),
	    TEST(a_collection_is_never_left_without_an_admin_while_others_are_in_it),
	    TEST(an_ended_membership_takes_its_invitations_along),
	    TEST(members_write_under_the_consent_of_an_owner_who_may_have_left),
	    TEST(a_removal_is_told_once_and_coming_back_ends_it),
	    TEST(more_removals_than_a_page_holds_come_on_the_next),
	    TEST(others_lists_stay_but_the_collection_has_a_new_token),
	    TEST(a_token_has_room_for_every_owner_and_so_there_is_a_most),
	    TEST(a_thousand_invitations_may_wait_and_no_more),
	};

	return cmocka_run_group_tests_name("sharing", tests, NULL, NULL);
}
