/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The region's catalogue of services, as a person is shown it. */
#include "wire/catalogue.h"

#include <stdlib.h>

#include <domicile/consent.h>

#include "client/call.h"

struct shown {
	struct dom_catalogue public;
	struct wire_catalogue *wire;
};

enum dom_status
dom_catalogue_ask(struct dom_session *session, struct dom_catalogue **catalogue_r)
{
	struct dom_call *call = dom_call_new(session, "GET", "domicile/v1/catalogue/");
	struct shown *shown = calloc(1, sizeof(*shown));
	char why[256] = "";
	enum dom_status st;

	*catalogue_r = NULL;
	if (call == NULL || shown == NULL) {
		st = dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
		goto out;
	}
	call->anonymous = true;
	st = dom_call_run(call);
	if (st == DOM_ABSENT)
		st = dom_session_fail(session, DOM_ESERVER,
		    "%s has no catalogue of services (it may be another Etebase server): "
		    "nothing"
		    " can be turned on there",
		    session->server_url);
	if (st != DOM_OK)
		goto out;
	st = wire_catalogue_read(dom_call_reply(call), &shown->wire, why, sizeof(why));
	if (st != DOM_OK) {
		st = dom_session_fail(session, st == DOM_ENOMEM ? st : DOM_ESERVER,
		    "The region's catalogue of services cannot be read: %s", why);
		goto out;
	}
	shown->public = (struct dom_catalogue){.entries = shown->wire->entries,
	    .count = shown->wire->count,
	    .text = shown->wire->text};
	*catalogue_r = &shown->public;
	shown = NULL;
out:
	free(shown);
	dom_call_free(&call);
	return st;
}

void
dom_catalogue_free(struct dom_catalogue **catalogue)
{
	/* It is the first member of what we made. */
	struct shown *old = (struct shown *)*catalogue;

	if (old == NULL)
		return;
	*catalogue = NULL;
	wire_catalogue_free(&old->wire);
	free(old);
}

const struct dom_catalogue_entry *
dom_catalogue_find(const struct dom_catalogue *catalogue, const char *service)
{
	for (size_t i = 0; i < catalogue->count; i++) {
		if (strcmp(catalogue->entries[i].name, service) == 0)
			return &catalogue->entries[i];
	}
	return NULL;
}
