/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is on, as the region says now. */
#include "cli/consented.h"

#include <stdio.h>
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
		consented_r->given[service] = true;
		consented_r->worth[service] = states[at].worth;
		consented_r->on[service] = states[at].worth == DOM_CONSENT_ON;
		consented_r->until_ms[service] = states[at].until_ms;
	}
	free(states);
	return DOM_OK;
}

const char *
consented_word(const struct consented *consented, enum service_id service)
{
	static const char *const words[] = {[DOM_CONSENT_ON] = "on",
	    [DOM_CONSENT_ENDED] = "ended",
	    [DOM_CONSENT_CHANGED] = "changed",
	    [DOM_CONSENT_GONE] = "gone"};

	if (consented->given[service])
		return words[consented->worth[service]];
	return consented->on[SERVICE_ANY] ? "any" : "off";
}

const char *
consented_why(
    const struct consented *consented, enum service_id service, char why_r[CONSENTED_WHY_SIZE])
{
	char time[TEXT_SHORT];

	if (!consented->given[service])
		return NULL;
	switch (consented->worth[service]) {
	case DOM_CONSENT_ON:
		return NULL;
	case DOM_CONSENT_ENDED:
		snprintf(why_r, CONSENTED_WHY_SIZE, "it ended on %s",
		    text_time(consented->until_ms[service], time));
		break;
	case DOM_CONSENT_CHANGED:
		snprintf(why_r, CONSENTED_WHY_SIZE,
		    "what you agreed to has changed, it is off until you agree again: domicile"
		    " on %s",
		    services[service].name);
		break;
	case DOM_CONSENT_GONE:
		snprintf(why_r, CONSENTED_WHY_SIZE, "the region does not offer it any more");
		break;
	}
	return why_r;
}
