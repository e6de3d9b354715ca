/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Members who come, change and go, the notes they leave, and invitations. */
#include "contract.h"

static void
add_member(
    struct store_txn *txn, int64_t collection, int64_t account, uint64_t clock, int access)
{
	struct store_member member = {.collection = collection,
	    .account = account,
	    .clock = clock,
	    .access_level = access,
	    .collection_key = dom_slice_of("key"),
	    .collection_type = dom_slice_of("type")};

	assert_status(store_member_add(txn, &member), DOM_OK);
}

static enum dom_status
invite(struct store_txn *txn, const char *uid, int64_t collection, int64_t sender,
    int64_t recipient, uint64_t clock)
{
	struct store_invitation invitation = {.uid = dom_slice_of(uid),
	    .collection = collection,
	    .sender = sender,
	    .recipient = recipient,
	    .sender_clock = clock,
	    .clock = clock + 100,
	    .version = 1,
	    .access_level = 2,
	    .signed_key = dom_slice_of("boxed")};

	return store_invitation_add(txn, &invitation);
}

static uint64_t
members_clock(struct world *world, struct store_txn *txn, const char *uid)
{
	struct store_collection found;

	assert_status(
	    store_collection_find(txn, dom_slice_of(uid), world->arena, &found), DOM_OK);
	return found.members_clock;
}

static void
a_member_that_goes_lowers_the_newest_number_and_takes_its_invitations(void **state)
{
	struct world *world = *state;
	struct store_member found;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2),
	        cy = add_account(txn, "cy", 3), one = add_collection(txn, "c1", ana),
	        two = add_collection(txn, "c2", ana);
	uint64_t members, admins;

	add_member(txn, one, ana, 2, 1);
	add_member(txn, one, bo, 5, 0);
	add_member(txn, two, bo, 9, 1);
	assert_status(invite(txn, "v1", one, bo, cy, 1), DOM_OK);
	assert_status(invite(txn, "v2", one, ana, cy, 2), DOM_OK);
	assert_status(invite(txn, "v3", two, bo, cy, 3), DOM_OK);
	assert_int_equal(members_clock(world, txn, "c1"), 5);
	assert_status(store_member_count(txn, one, &members, &admins), DOM_OK);
	assert_int_equal(members, 2);
	assert_int_equal(admins, 1);
	assert_status(store_member_remove(txn, one, bo), DOM_OK);
	assert_status(store_member_remove(txn, one, bo), DOM_ABSENT);
	assert_status(store_member_remove(txn, one, cy), DOM_ABSENT);
	write_commit(world);
	txn = read_begin(world);
	assert_int_equal(members_clock(world, txn, "c1"), 2);
	assert_int_equal(members_clock(world, txn, "c2"), 9);
	assert_status(store_member_find(txn, one, bo, world->arena, &found), DOM_ABSENT);
	assert_status(store_member_find(txn, two, bo, world->arena, &found), DOM_OK);
	assert_status(store_invitation_pending(txn, one, bo, cy), DOM_ABSENT);
	assert_status(store_invitation_pending(txn, one, ana, cy), DOM_OK);
	assert_status(store_invitation_pending(txn, two, bo, cy), DOM_OK);
}

static void
the_last_member_can_go_and_the_collection_is_marked(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), one = add_collection(txn, "c1", ana);
	uint64_t members = 9, admins = 9;

	add_member(txn, one, ana, 2, 1);
	assert_status(store_member_remove(txn, one, ana), DOM_OK);
	assert_status(store_member_count(txn, one, &members, &admins), DOM_OK);
	assert_int_equal(members, 0);
	assert_int_equal(admins, 0);
	assert_int_equal(members_clock(world, txn, "c1"), 0);
	assert_status(store_collection_abandon(txn, one, 0), DOM_OK);
	assert_status(store_collection_abandon(txn, 99, 0), DOM_ABSENT);
	write_commit(world);
}

static void
members_are_walked_by_number_and_a_new_level_moves_one_to_the_end(void **state)
{
	struct world *world = *state;
	struct store_member_name *rows;
	struct store_member found;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2),
	        cy = add_account(txn, "cy", 3), one = add_collection(txn, "c1", ana);
	size_t count;

	add_member(txn, one, ana, 2, 1);
	add_member(txn, one, bo, 3, 0);
	add_member(txn, one, cy, 4, 0);
	assert_status(store_member_set_access(txn, one, bo, 2, 7), DOM_OK);
	assert_status(store_member_set_access(txn, 99, bo, 2, 8), DOM_ABSENT);
	assert_int_equal(members_clock(world, txn, "c1"), 7);
	write_commit(world);
	txn = read_begin(world);
	assert_status(store_member_find(txn, one, bo, world->arena, &found), DOM_OK);
	assert_int_equal(found.access_level, 2);
	assert_int_equal(found.clock, 7);
	assert_slice(found.collection_key, "key");
	assert_status(store_member_scan(txn, one, 0, 9, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 3);
	assert_slice(rows[0].name, "ana");
	assert_int_equal(rows[0].access_level, 1);
	assert_slice(rows[2].name, "bo");
	assert_int_equal(rows[2].clock, 7);
	assert_status(store_member_scan(txn, one, 2, 1, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 1);
	assert_slice(rows[0].name, "cy");
	assert_status(store_member_scan(txn, one, 7, 9, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 0);
}

static void
notes_of_ended_memberships_are_walked_by_number(void **state)
{
	struct world *world = *state;
	struct store_removed note = {.uid = dom_slice_of("c1"),
	                         .clock = 4,
	                         .collection_type = dom_slice_of("t")},
	                     found, *rows;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2);
	size_t count;

	assert_status(store_removed_put(txn, ana, &note), DOM_OK);
	assert_status(store_removed_put(txn, bo, &note), DOM_OK);
	assert_status(store_removed_put(txn, 99, &note), DOM_ABSENT);
	note.uid = dom_slice_of("c2");
	note.clock = 6;
	assert_status(store_removed_put(txn, ana, &note), DOM_OK);
	note.uid = dom_slice_of("c1");
	note.clock = 8;
	note.collection_type = dom_slice_of("u");
	assert_status(store_removed_put(txn, ana, &note), DOM_OK);
	write_commit(world);
	world_reopen(world);
	txn = read_begin(world);
	assert_status(store_removed_scan(txn, ana, 0, 9, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 2);
	assert_slice(rows[0].uid, "c2");
	assert_slice(rows[1].uid, "c1");
	assert_int_equal(rows[1].clock, 8);
	assert_status(store_removed_scan(txn, ana, 0, 1, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 1);
	assert_status(store_removed_scan(txn, ana, 6, 9, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 1);
	assert_slice(rows[0].uid, "c1");
	assert_status(
	    store_removed_find(txn, ana, dom_slice_of("c1"), world->arena, &found), DOM_OK);
	assert_slice(found.collection_type, "u");
	read_end(world);
	txn = write_begin(world);
	assert_status(store_removed_clear(txn, ana, dom_slice_of("c1")), DOM_OK);
	assert_status(store_removed_clear(txn, ana, dom_slice_of("c1")), DOM_ABSENT);
	assert_status(
	    store_removed_find(txn, ana, dom_slice_of("c1"), world->arena, &found), DOM_ABSENT);
	assert_status(
	    store_removed_find(txn, bo, dom_slice_of("c1"), world->arena, &found), DOM_OK);
	write_commit(world);
}

static void
an_invitation_says_who_invites_whom_to_what(void **state)
{
	struct world *world = *state;
	struct store_invitation found;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2),
	        one = add_collection(txn, "c1", ana), two = add_collection(txn, "c2", ana);

	assert_status(invite(txn, "v1", one, ana, bo, 5), DOM_OK);
	assert_status(invite(txn, "v1", two, ana, bo, 6), DOM_CONFLICT);
	assert_status(invite(txn, "v2", one, ana, bo, 6), DOM_CONFLICT);
	assert_status(invite(txn, "v2", one, bo, bo, 6), DOM_OK);
	assert_status(invite(txn, "v3", 99, ana, bo, 7), DOM_ABSENT);
	assert_status(invite(txn, "v3", two, ana, 99, 7), DOM_ABSENT);
	write_commit(world);
	world_reopen(world);
	txn = read_begin(world);
	assert_status(
	    store_invitation_find(txn, dom_slice_of("v1"), world->arena, &found), DOM_OK);
	assert_slice(found.uid, "v1");
	assert_int_equal(found.collection, one);
	assert_int_equal(found.sender, ana);
	assert_int_equal(found.recipient, bo);
	assert_int_equal(found.sender_clock, 5);
	assert_int_equal(found.clock, 105);
	assert_int_equal(found.version, 1);
	assert_int_equal(found.access_level, 2);
	assert_slice(found.signed_key, "boxed");
	assert_slice(found.collection_uid, "c1");
	assert_slice(found.sender_name, "ana");
	assert_int_equal(
	    found.sender_public.size, sample_account("ana", 1).identity_public.size);
	assert_slice(found.recipient_name, "bo");
	assert_status(
	    store_invitation_find(txn, dom_slice_of("v3"), world->arena, &found), DOM_ABSENT);
}

static void
invitations_are_walked_from_both_ends_and_removed(void **state)
{
	struct world *world = *state;
	struct store_invitation *rows;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2),
	        cy = add_account(txn, "cy", 3), one = add_collection(txn, "c1", ana),
	        two = add_collection(txn, "c2", ana);
	uint64_t sent;
	size_t count;

	assert_status(invite(txn, "v1", one, ana, cy, 7), DOM_OK);
	assert_status(invite(txn, "v2", two, ana, cy, 5), DOM_OK);
	assert_status(invite(txn, "v3", one, bo, cy, 6), DOM_OK);
	assert_status(
	    store_invitation_scan_sent(txn, ana, 0, 9, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 2);
	assert_slice(rows[0].uid, "v2");
	assert_slice(rows[1].uid, "v1");
	assert_status(
	    store_invitation_scan_sent(txn, ana, 5, 9, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 1);
	assert_status(
	    store_invitation_scan_received(txn, cy, 0, 2, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 2);
	assert_slice(rows[1].uid, "v3");
	assert_status(store_invitation_scan_received(
	                  txn, cy, rows[1].clock, 9, world->arena, &rows, &count),
	    DOM_OK);
	assert_int_equal(count, 1);
	assert_slice(rows[0].uid, "v1");
	assert_status(store_invitation_count(txn, ana, &sent), DOM_OK);
	assert_int_equal(sent, 2);
	assert_status(store_invitation_remove_all(txn, one, cy), DOM_OK);
	assert_status(store_invitation_count(txn, ana, &sent), DOM_OK);
	assert_int_equal(sent, 1);
	assert_status(store_invitation_remove(txn, dom_slice_of("v3")), DOM_ABSENT);
	assert_status(store_invitation_remove(txn, dom_slice_of("v2")), DOM_OK);
	assert_status(store_invitation_count(txn, ana, &sent), DOM_OK);
	assert_int_equal(sent, 0);
	write_commit(world);
}

const struct CMUnitTest share_cases[] = {
    CONTRACT_CASE(a_member_that_goes_lowers_the_newest_number_and_takes_its_invitations),
    CONTRACT_CASE(the_last_member_can_go_and_the_collection_is_marked),
    CONTRACT_CASE(members_are_walked_by_number_and_a_new_level_moves_one_to_the_end),
    CONTRACT_CASE(notes_of_ended_memberships_are_walked_by_number),
    CONTRACT_CASE(an_invitation_says_who_invites_whom_to_what),
    CONTRACT_CASE(invitations_are_walked_from_both_ends_and_removed),
};
const size_t share_case_count = sizeof(share_cases) / sizeof(share_cases[0]);
