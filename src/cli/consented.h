/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_CONSENTED_H
#define CLI_CONSENTED_H

#include <domicile/consent.h>

#include "cli/services.h"
#include "cli/text.h"

/* What is on, as the region says now; one request. */
struct consented {
	bool on[SERVICE_COUNT];    /* by a consent of its own, which is enough now */
	bool given[SERVICE_COUNT]; /* a consent was given and not withdrawn .. */
	enum dom_consent_worth worth[SERVICE_COUNT]; /* .. and this became of it */
	int64_t until_ms[SERVICE_COUNT];             /* 0: until withdrawn */
};
DOM_MUST_CHECK enum dom_status consented_ask(
    struct dom_session *session, struct consented *consented_r);

/* Covered by its own consent or by "any". */
static inline bool
consented_covers(const struct consented *consented, enum service_id service)
{
	return consented->on[service] || consented->on[SERVICE_ANY];
}

/* "on", "off", "ended", "changed", "gone"; "any": only through that. */
const char *consented_word(const struct consented *consented, enum service_id service);

/*
 * Why a service that was given is off, a sentence: "its terms changed, so it is
 * off until you agree again"; NULL if there is nothing to say.
 */
enum { CONSENTED_WHY_SIZE = 128 };
const char *consented_why(
    const struct consented *consented, enum service_id service, char why_r[CONSENTED_WHY_SIZE]);

#endif
