/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_CONSENTED_H
#define CLI_CONSENTED_H

#include <domicile/session.h>

#include "cli/services.h"

/* What is on, as the region says now; one request. */
struct consented {
	bool on[SERVICE_COUNT];          /* by a consent of its own */
	int64_t until_ms[SERVICE_COUNT]; /* 0: until withdrawn */
};
DOM_MUST_CHECK enum dom_status consented_ask(
    struct dom_session *session, struct consented *consented_r);

/* Covered by its own consent or by "any". */
static inline bool
consented_covers(const struct consented *consented, enum service_id service)
{
	return consented->on[service] || consented->on[SERVICE_ANY];
}

#endif
