/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a phone that runs libdomicile does with its account: by the public functions alone. */
#include "sim/ours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <domicile/collection.h>
#include <domicile/consent.h>
#include <domicile/erasure.h>
#include <domicile/move.h>
#include <domicile/session.h>

static bool
turn_on(struct phone *phone)
{
	static const char *const types[] = {"sim.contacts", "sim.calendar", "sim.messages"};
	unsigned which = (unsigned)sim_random_below(&phone->random, ORACLE_SERVICES);
	struct dom_catalogue *catalogue = NULL;
	struct dom_consent consent = {
	    .types = &types[which % 3], .type_count = which == ORACLE_SERVICES - 1 ? 0 : 1};
	bool was_done = ours_said(phone, dom_catalogue_ask(phone->session, &catalogue));

	if (was_done) {
		consent.entry = dom_catalogue_find(catalogue, oracle_services[which]);
		was_done = ours_said(phone, dom_consent_give(phone->session, &consent));
	}
	dom_catalogue_free(&catalogue);
	return was_done;
}

static bool
turn_off(struct phone *phone, bool erase)
{
	/* What "any" had let in depends on the rest; its erasing is the unit tests'. */
	const char *service = oracle_services[sim_random_below(
	    &phone->random, ORACLE_SERVICES - (erase ? 1 : 0))];

	return ours_said(phone,
	    dom_consent_withdraw(phone->session, service, erase ? DOM_ERASE : DOM_KEEP, NULL));
}

/* From here on there is nothing to log in to. */
static bool
erase_account(struct phone *phone)
{
	uint8_t request[DOM_REQUEST_SIZE];

	return ours_said(phone, dom_erase_account(phone->session, request));
}

/* Whichever holds after a try that was not answered is found by logging in again. */
static bool
change_password(struct phone *phone)
{
	struct person *person = phone->person;
	unsigned number = ++person->password_last;
	char old[64], new[64];

	person_password(person, person->password, old);
	person_password(person, number, new);
	if (!ours_said(phone,
	        dom_change_password(phone->session, dom_slice_of(old), dom_slice_of(new))))
		return false;
	person->password = number;
	return true;
}

/* One of the others is logged out by this one. */
static bool
revoke(struct phone *phone)
{
	struct dom_device *devices = NULL;
	size_t count = 0, at;
	bool was_done = ours_said(phone, dom_devices(phone->session, &devices, &count));

	at = count == 0 ? 0 : sim_random_below(&phone->random, count);
	was_done = was_done && count != 0 && !devices[at].is_this &&
	           ours_said(phone, dom_device_revoke(phone->session, devices[at].id));
	free(devices);
	return was_done;
}

static bool
synchronise(struct phone *phone)
{
	struct dom_move_found found;
	bool was_done = ours_said(phone, dom_sync(phone->session));

	if (was_done)
		ours_check_index(phone);
	if (was_done && dom_move_pending(phone->session))
		(void)ours_said(phone, dom_move_acknowledge(phone->session, &found));
	return was_done;
}

static bool
order_move(struct phone *phone)
{
	struct world *world = phone->world;
	struct dom_move_order order = {
	    .target =
	        world->regions[sim_random_below(&phone->random, world->region_count)].name,
	    .leave_shared = true};
	char id[DOM_MOVE_ID_TEXT_SIZE + 1];

	return ours_said(phone, dom_move_order(phone->session, &order, id));
}

bool
ours_act(struct phone *phone, enum action_kind action)
{
	if (!ours_open(phone))
		return false;
	switch (action) {
	case ACTION_ON:
		return turn_on(phone);
	case ACTION_OFF:
		return turn_off(phone, false);
	case ACTION_ERASE_SERVICE:
		return turn_off(phone, true);
	case ACTION_ERASE_ACCOUNT:
		return erase_account(phone);
	case ACTION_PASSWORD:
		return change_password(phone);
	case ACTION_SYNC:
		return synchronise(phone);
	case ACTION_LOGIN:
		return ours_restart(phone);
	case ACTION_LOGOUT:
		return ours_log_out(phone);
	case ACTION_REVOKE:
		return revoke(phone);
	case ACTION_MOVE:
		return order_move(phone);
	case ACTION_MOVE_CANCEL:
		return ours_said(phone, dom_move_cancel(phone->session, NULL));
	case ACTION_SHARE:
	case ACTION_ANSWER:
	case ACTION_UNSHARE:
		return ours_share_act(phone, action);
	default:
		return ours_item_act(phone, action);
	}
}
