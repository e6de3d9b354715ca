/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sharing, by libdomicile: keys go to others in boxes that they alone open. */
#include <stdio.h>
#include <stdlib.h>

#include <domicile/share.h>

#include "client/client.h"
#include "sim/ours.h"

/* Somebody else who is in the same region, as far as people know. */
static const struct person *
other(struct phone *phone, char name_r[32])
{
	struct world *world = phone->world;
	size_t first = sim_random_below(&phone->random, world->people_count);

	for (size_t i = 0; i < world->people_count; i++) {
		const struct person *person = &world->people[(first + i) % world->people_count];

		if (person == phone->person || !person->is_signed_up)
			continue;
		snprintf(name_r, 32, "%s%u", person->name, person->generation);
		return person;
	}
	return NULL;
}

static bool
share(struct phone *phone)
{
	struct oracle *oracle = phone->world->oracle;
	char name[32];
	const struct person *with = other(phone, name);
	struct dom_collection *collection = NULL;
	struct dom_person person;
	struct o_collection *model;
	bool was_done = false;

	if (with == NULL || (collection = ours_collection(phone, false)) == NULL)
		return false;
	/* From here on they may see it: an answer that is lost may have been a yes.
	 * What they may do is drawn later. */
	if ((model = oracle_collection(oracle, dom_slice_of(collection->uid))) != NULL) {
		oracle_let_in(model, with->account, WIRE_ACCESS_READ_WRITE);
		was_done =
		    ours_said(phone, dom_person_find(phone->session, name, &person)) &&
		    ours_said(phone, dom_share(collection, &person,
		                         (enum dom_access)sim_random_below(&phone->random, 3)));
	}
	dom_collection_free(&collection);
	return was_done;
}

static bool
answer(struct phone *phone)
{
	struct dom_invitation *invitations = NULL;
	struct dom_offer offer;
	size_t count = 0, at;
	bool was_done =
	    ours_said(phone, dom_invitations(phone->session, true, &invitations, &count));

	if (!was_done || count == 0) {
		free(invitations);
		return false;
	}
	at = sim_random_below(&phone->random, count);
	if (sim_random_one_in(&phone->random, 4))
		was_done =
		    ours_said(phone, dom_offer_reject(phone->session, invitations[at].uid));
	else
		was_done = ours_said(phone,
		               dom_offer_open(phone->session, invitations[at].uid, &offer)) &&
		           ours_said(phone, dom_offer_accept(phone->session, &offer)) &&
		           ours_said(phone, dom_sync(phone->session));
	free(invitations);
	return was_done;
}

static bool
unshare(struct phone *phone)
{
	bool leaves = sim_random_one_in(&phone->random, 2);
	struct dom_collection *collection = ours_collection(phone, leaves);
	char name[32];
	bool was_done = false;

	if (collection == NULL)
		return false;
	if (leaves)
		was_done = ours_said(phone, dom_unshare_self(phone->session, collection->uid));
	else if (other(phone, name) != NULL)
		was_done = ours_said(phone, dom_unshare(phone->session, collection->uid, name));
	dom_collection_free(&collection);
	return was_done;
}

bool
ours_share_act(struct phone *phone, enum action_kind action)
{
	switch (action) {
	case ACTION_SHARE:
		return share(phone);
	case ACTION_ANSWER:
		return answer(phone);
	default:
		return unshare(phone);
	}
}
