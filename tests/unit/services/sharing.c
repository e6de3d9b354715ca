/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Requests of members and invitations, for the tests of services/share/. */
#include "sharing.h"

struct wire_share_list members, invitations;

/* --- asking ------------------------------------------------------------------------ */

enum service_code
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

enum service_code
about_invitation(enum service_op op, const struct person *person, unsigned number)
{
	ask(op, person);
	house.request.invitation_uid = dom_slice_of(uid('v', number));
	return send();
}

enum service_code
accept_it(const struct person *person, unsigned number)
{
	ask(SERVICE_INCOMING_ACCEPT, person);
	house.request.invitation_uid = dom_slice_of(uid('v', number));
	wire_acceptance_encode(
	    &house.body, &(struct wire_acceptance){.collection_type = dom_slice_of("my type"),
	                     .collection_key = dom_slice_of("my key")});
	return send();
}

enum service_code
about_member(
    enum service_op op, const struct person *person, unsigned collection, const char *name)
{
	ask(op, person);
	house.request.collection_uid = dom_slice_of(uid('c', collection));
	house.request.username = dom_slice_of(name);
	return send();
}

enum service_code
set_access(const struct person *person, unsigned collection, const char *name, int access_level)
{
	ask(SERVICE_MEMBER_SET, person);
	house.request.collection_uid = dom_slice_of(uid('c', collection));
	house.request.username = dom_slice_of(name);
	wire_access_encode(&house.body, access_level);
	return send();
}

enum service_code
leave(const struct person *person, unsigned collection)
{
	return about_member(SERVICE_MEMBER_LEAVE, person, collection, "");
}

void
join(const struct person *from, const struct person *to, unsigned collection, int access_level)
{
	static unsigned number = 1000;

	assert_int_equal(
	    invite(from, collection, to->name, access_level, ++number), SERVICE_DONE);
	assert_int_equal(accept_it(to, number), SERVICE_DONE);
}

enum service_code
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

enum service_code
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

const struct dom_slice none;

/* Ana has collection 1; all three are there. */
void
move_in(void)
{
	turn_on(&house.ana);
	turn_on(&house.bob);
	sign_up(&house.cyd);
	assert_int_equal(create(&house.ana, 1, "type one"), SERVICE_DONE);
}

enum service_code
write_one(const struct person *person, unsigned collection, unsigned revision)
{
	struct wire_item one = item(1, 'a', NULL);

	one.content.uid = dom_slice_of(uid('r', revision));
	return put(person, SERVICE_ITEM_BATCH, collection, &one, 1);
}
