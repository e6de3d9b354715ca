/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_SHARE_INVITATION_H
#define SERVICES_SHARE_INVITATION_H

#include "wire/share.h"

#include "services/call.h"

/* What both ends of an invitation do with it; only share/ includes this. */

/*
 * The invitation of the request's path; 404 unless the caller has received
 * (else: sent) it.
 */
DOM_MUST_CHECK enum dom_status share_invitation_find(
    struct service_call *call, bool received, struct store_invitation *invitation_r);
/* Oldest first. */
DOM_MUST_CHECK enum dom_status share_invitation_list(struct service_call *call, bool received);
void share_invitation_put(struct dom_buffer *body, const struct store_invitation *invitation);

#endif
