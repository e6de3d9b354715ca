/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_GROUP_H
#define CLIENT_GROUP_H

#include "wire/group.h"

#include "client/client.h"

/*
 * The group of regions that the account's region belongs to, as this device has
 * first met it.  Its file is kept whole in the state folder; its key is pinned by
 * that, and it never goes back to a lower version.
 */

/* DOM_ABSENT: none is kept, or it is damaged.  Borrowed from the session. */
DOM_MUST_CHECK enum dom_status dom_group_kept(
    struct dom_session *session, const struct wire_group **group_r);

/*
 * Ask the server for its group file; keep it if it is newer.
 *
 *   is_ours  the server is the account's region: the group must know it by the name
 *            and the key that this device has pinned
 *
 *   DOM_ABSENT      the region is in no group
 *   DOM_EINTEGRITY  another group's, an older one, or not signed by the group's key
 */
DOM_MUST_CHECK enum dom_status dom_group_learn(
    struct dom_session *session, bool is_ours, const struct wire_group **group_r);

/* A copy of the one that is kept, which lives as long as the arena.  DOM_ABSENT. */
DOM_MUST_CHECK enum dom_status dom_group_copy(
    struct dom_session *session, struct dom_arena *arena, struct wire_group *group_r);

/*
 * Is the server that is asked now this region, with the name and the key that the
 * group has for it?  DOM_EINTEGRITY: it is another.
 */
DOM_MUST_CHECK enum dom_status dom_group_check_here(
    struct dom_session *session, const struct wire_group_region *region);

void dom_group_free(struct dom_group **group);

#endif
