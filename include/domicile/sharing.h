/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DOMICILE_SHARING_H
#define DOMICILE_SHARING_H

#include <domicile/collection.h>

/*
 * With whom collections are shared, as the region says now.  Texts are plain:
 * without control characters, cut to their room.
 */
enum { DOM_NAME_ROOM = 601 };

struct dom_member {
	char name[DOM_NAME_ROOM];
	int access_level; /* enum dom_access */
};
/* *members_r: free() it.  DOM_EDENIED: only its administrators may know. */
DOM_MUST_CHECK enum dom_status dom_members(struct dom_session *session,
    const char *collection_uid, struct dom_member **members_r, size_t *count_r);

/* An invitation that waits for an answer. */
struct dom_invitation {
	char uid[65];
	char collection[65];
	char name[DOM_NAME_ROOM]; /* who invites us, or whom we invited */
	int access_level;
};
/* *invitations_r: free() it. */
DOM_MUST_CHECK enum dom_status dom_invitations(struct dom_session *session, bool incoming,
    struct dom_invitation **invitations_r, size_t *count_r);

#endif
