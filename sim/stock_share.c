/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sharing, as a stock phone does it: keys are opaque here. */
#include <stdio.h>

#include "wire/share.h"

#include "sim/phone.h"

/* Who knows of nothing yet looks first, and makes something. */
static bool
has_something(struct phone *phone)
{
	if (phone->collection_count == 0)
		(void)stock_sync(phone);
	if (phone->collection_count == 0)
		(void)stock_act(phone, ACTION_WRITE);
	return phone->collection_count != 0;
}

/* Somebody else's account here that has not been let in, if there is one; NULL: nobody at all.
 */
static struct person *
pick_guest(struct phone *phone, const struct o_collection *model)
{
	struct world *world = phone->world;
	unsigned first = (unsigned)sim_random_below(&phone->random, world->people_count);
	struct person *known = NULL;

	for (unsigned i = 0; i < world->people_count; i++) {
		struct person *person = &world->people[(first + i) % world->people_count];

		if (person == phone->person || !person->is_signed_up ||
		    person->region != phone->person->region)
			continue;
		if ((model->may_see >> person->account % 32 & 1) == 0)
			return person;
		known = person;
	}
	return known;
}

/* A collection of one's own, or one that is not; if shared: that others were let into. */
static struct o_collection *
pick_collection(struct phone *phone, bool is_own, bool is_shared)
{
	size_t count = phone->collection_count, first;

	if (count == 0)
		return NULL;
	first = sim_random_below(&phone->random, count);
	for (size_t i = 0; i < count; i++) {
		struct o_collection *model = oracle_collection(phone->world->oracle,
		    dom_slice_of(phone->collections[(first + i) % count].uid));

		if (model != NULL && (model->owner == phone->account) == is_own &&
		    (!is_shared ||
		        (model->may_see & ~(UINT32_C(1) << phone->account % 32)) != 0))
			return model;
	}
	return NULL;
}

/* They hear of it, and one of their phones answers when it comes to that. */
static void
tell(struct phone *phone, const struct person *person)
{
	struct world *world = phone->world;

	for (unsigned i = 0; i < world->phone_count; i++)
		if (world->phones[i]->person == person &&
		    sim_random_one_in(&phone->random, 2)) {
			(void)phone_order(
			    world->phones[i], ACTION_ANSWER, sim_random_next(&phone->random));
			return;
		}
}

static bool
share(struct phone *phone)
{
	/* Now and then by who may not. */
	struct o_collection *model =
	    has_something(phone)
	        ? pick_collection(phone, !sim_random_one_in(&phone->random, 8), false)
	        : NULL;
	struct person *with = model == NULL ? NULL : pick_guest(phone, model);
	char uid[ORACLE_UID_SIZE], invitation[ORACLE_UID_SIZE];
	struct dom_buffer body = {0};
	struct answer answer;
	bool was_done;
	int access_level;

	if (with == NULL)
		return false;
	memcpy(uid, model->uid, sizeof(uid));
	stock_uid(phone, invitation, 32);
	access_level = (int)sim_random_below(&phone->random, 3);
	/* From here on they may see it: also an answer that is lost may have been a yes. */
	oracle_let_in(model, with->account, access_level);
	wire_invitation_encode(&body,
	    &(struct wire_invitation){.uid = dom_slice_of(invitation),
	        .version = 1,
	        .access_level = access_level,
	        .username = dom_slice_of(with->name),
	        .collection = dom_slice_of(uid),
	        .signed_key = dom_slice_of("an opaque key in a box")},
	    false);
	phone_insist(phone, &answer, "POST", &body, "/api/v1/invitation/outgoing/");
	was_done = is_done(&answer);
	dom_buffer_free(&answer.body);
	dom_buffer_free(&body);
	if (was_done)
		tell(phone, with);
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

/* Of who may have been let in, from a random place on; NULL: nobody who is signed up. */
static const struct person *
pick_member(struct phone *phone, const struct o_collection *model)
{
	struct world *world = phone->world;
	unsigned first = (unsigned)sim_random_below(&phone->random, world->people_count);

	for (unsigned i = 0; i < world->people_count; i++) {
		const struct person *person = &world->people[(first + i) % world->people_count];

		if (person != phone->person && person->is_signed_up &&
		    (model->may_see >> person->account % 32 & 1) != 0)
			return person;
	}
	return NULL;
}

static bool
unshare(struct phone *phone)
{
	bool is_leaving = sim_random_one_in(&phone->random, 2);
	const struct o_collection *model =
	    has_something(phone) ? pick_collection(phone, !is_leaving, !is_leaving) : NULL;
	const struct person *who;
	char uid[ORACLE_UID_SIZE];
	struct answer answer;
	bool was_done;

	if (model == NULL)
		model = pick_collection(phone, is_leaving, is_leaving);
	if (model == NULL)
		return false;
	memcpy(uid, model->uid, sizeof(uid));
	/* Who leaves what nobody else is in abandons it, and that is erased in the end. */
	if (model->owner != phone->account)
		phone_insist(
		    phone, &answer, "POST", NULL, "/api/v1/collection/%s/member/leave/", uid);
	else if ((who = pick_member(phone, model)) != NULL)
		phone_insist(phone, &answer, "DELETE", NULL, "/api/v1/collection/%s/member/%s/",
		    uid, who->name);
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
