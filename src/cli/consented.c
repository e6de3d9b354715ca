/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is on, as the region says now. */
#include "cli/consented.h"

#include <stdlib.h>

enum dom_status
consented_ask(struct dom_session *session, struct consented *consented_r)
{
	struct dom_consent_state *states = NULL;
	size_t count = 0;
	enum dom_status st = dom_consents(session, &states, &count);

	*consented_r = (struct consented){0};
	if (st != DOM_OK)
		return st;
	for (size_t at = 0; at < count; at++) {
		enum service_id service = service_find(states[at].service);

		/* A later release may know more services; they are not for us to show. */
		if (service == SERVICE_COUNT)
			continue;
		consented_r->on[service] = true;
		consented_r->until_ms[service] = states[at].until_ms;
	}
	free(states);
	return DOM_OK;
}
