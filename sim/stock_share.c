/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sharing, as a stock phone does it: keys are opaque here. */
#include <stdio.h>

#include "wire/share.h"

#include "sim/phone.h"

static bool
share(struct phone *phone)
{
	struct world *world = phone->world;
	struct phone_collection *collection = stock_pick(phone, true);
	struct person *with =
	    &world->people[sim_random_below(&phone->random, world->people_count)];
	struct o_collection *model;
	char uid[ORACLE_UID_SIZE], invitation[ORACLE_UID_SIZE];
	struct dom_buffer body = {0};
	struct answer answer;
	bool was_done;

	if (collection == NULL || with == phone->person || !with->is_signed_up ||
	    with->region != phone->person->region)
		return false;
	memcpy(uid, collection->uid, sizeof(uid));
	stock_uid(phone, invitation, 32);
	/* From here on they may see it: also an answer that is lost may have been a yes. */
	model = oracle_collection(world->oracle, dom_slice_of(uid));
	if (model == NULL)
		return false;
	model->may_see |= UINT32_C(1) << with->account % 32;
	wire_invitation_encode(&body,
	    &(struct wire_invitation){.uid = dom_slice_of(invitation),
	        .version = 1,
	        .access_level = (int)sim_random_below(&phone->random, 3),
	        .username = dom_slice_of(with->name),
	        .collection = dom_slice_of(uid),
	        .signed_key = dom_slice_of("an opaque key in a box")},
	    false);
	phone_insist(phone, &answer, "POST", &body, "/api/v1/invitation/outgoing/");
	was_done = is_done(&answer);
	dom_buffer_free(&answer.body);
	dom_buffer_free(&body);
	return was_done;
}

static bool
accept_or_reject(struct phone *phone, const struct wire_invitation *invitation)
{
	struct dom_buffer body = {0}, type = {0};
	struct answer answer;
	bool was_done;

	if (sim_random_one_in(&phone->random, 4)) {
		phone_insist(phone, &answer, "DELETE", NULL,
		    "/api/v1/invitation/incoming/%.*s/", (int)invitation->uid.size,
		    (const char *)invitation->uid.data);
	} else {
		if (dom_collection_type_seal(
		        phone->person->key, dom_slice_of("sim.shared"), &type) != DOM_OK)
			return false;
		wire_acceptance_encode(
		    &body, &(struct wire_acceptance){.collection_type = dom_buffer_slice(&type),
		               .collection_key = dom_slice_of("an opaque key")});
		phone_insist(phone, &answer, "POST", &body,
		    "/api/v1/invitation/incoming/%.*s/accept/", (int)invitation->uid.size,
		    (const char *)invitation->uid.data);
	}
	was_done = is_done(&answer);
	dom_buffer_free(&answer.body);
	dom_buffer_free(&type);
	dom_buffer_free(&body);
	return was_done;
}

static bool
answer_invitation(struct phone *phone)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_share_list list;
	struct answer answer;
	bool was_done = false;

	phone_insist(phone, &answer, "GET", NULL, "/api/v1/invitation/incoming/");
	if (is_done(&answer) &&
	    wire_invitation_list_decode(dom_buffer_slice(&answer.body), arena, &list) ==
	        DOM_OK &&
	    list.count != 0)
		was_done = accept_or_reject(
		    phone, &list.invitations[sim_random_below(&phone->random, list.count)]);
	dom_buffer_free(&answer.body);
	dom_arena_free(&arena);
	return was_done;
}

static bool
unshare(struct phone *phone)
{
	struct world *world = phone->world;
	struct phone_collection *collection = stock_pick(phone, false);
	struct o_collection *model = collection == NULL ? NULL
	                                                : oracle_collection(world->oracle,
	                                                      dom_slice_of(collection->uid));
	const struct person *who =
	    &world->people[sim_random_below(&phone->random, world->people_count)];
	struct answer answer;
	bool was_done;

	if (model == NULL)
		return false;
	/* Who leaves what nobody else is in abandons it, and that is erased in the end. */
	if (model->owner != phone->account)
		phone_insist(phone, &answer, "POST", NULL,
		    "/api/v1/collection/%s/member/leave/", collection->uid);
	else if (who != phone->person)
		phone_insist(phone, &answer, "DELETE", NULL, "/api/v1/collection/%s/member/%s/",
		    collection->uid, who->name);
	else
		return false;
	was_done = is_done(&answer);
	dom_buffer_free(&answer.body);
	return was_done;
}

bool
stock_share_act(struct phone *phone, enum action_kind action)
{
	switch (action) {
	case ACTION_SHARE:
		return share(phone);
	case ACTION_ANSWER:
		return answer_invitation(phone);
	default:
		return unshare(phone);
	}
}
