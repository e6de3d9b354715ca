/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The group file: fetched, compared with the one that is kept, kept. */
#include "client/group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <domicile/consent.h>

#include "wire/statement.h"

#include "client/call.h"
#include "client/files.h"
#include "client/session.h"

static const char group_name[] = "group";

struct dom_group {
	struct dom_arena *arena;
	struct dom_buffer file;
	struct wire_group group; /* borrowed from both */
};

static enum dom_status
no_memory(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
}

void
dom_group_free(struct dom_group **group)
{
	struct dom_group *old = *group;

	if (old == NULL)
		return;
	*group = NULL;
	dom_arena_free(&old->arena);
	dom_buffer_free(&old->file);
	free(old);
}

/* A copy of the file, decoded.  DOM_EINPUT, DOM_EINTEGRITY, DOM_ENOMEM. */
static enum dom_status
group_of(struct dom_slice file, struct dom_group **group_r, const char **why_r)
{
	struct dom_group *group = calloc(1, sizeof(*group));
	enum dom_status st = DOM_ENOMEM;

	*group_r = NULL;
	*why_r = "There is not enough memory";
	if (group != NULL && (group->arena = dom_arena_new(4 << 20)) != NULL) {
		dom_buffer_append_slice(&group->file, file);
		if ((st = dom_buffer_finish(&group->file)) == DOM_OK)
			st = wire_group_decode(
			    dom_buffer_slice(&group->file), group->arena, &group->group, why_r);
	}
	if (st != DOM_OK)
		dom_group_free(&group);
	*group_r = group;
	return st;
}

enum dom_status
dom_group_kept(struct dom_session *session, const struct wire_group **group_r)
{
	struct dom_buffer file = {0};
	const char *why;
	enum dom_status st = DOM_OK;

	*group_r = NULL;
	if (session->group == NULL) {
		st = dom_file_read(session->folder, group_name, WIRE_GROUP_SIZE_MAX, &file);
		if (st == DOM_OK)
			st = group_of(dom_buffer_slice(&file), &session->group, &why);
		dom_buffer_free(&file);
	}
	if (st == DOM_OK)
		*group_r = &session->group->group;
	else if (st == DOM_EINPUT || st == DOM_EINTEGRITY || st == DOM_ELIMIT)
		return dom_session_fail(session, DOM_EFILE,
		    "The group of regions that is kept in %s/%s is damaged. Log out and log in "
		    "again to learn it anew",
		    session->folder, group_name);
	else if (st == DOM_ENOMEM)
		return no_memory(session);
	else if (st < 0)
		return dom_session_fail(session, st, "%s/%s cannot be read: %s",
		    session->folder, group_name, strerror(errno));
	return st;
}

enum dom_status
dom_group_copy(struct dom_session *session, struct dom_arena *arena, struct wire_group *group_r)
{
	const struct wire_group *kept;
	struct dom_slice file;
	const char *why;
	enum dom_status st = dom_group_kept(session, &kept);

	if (st != DOM_OK)
		return st;
	file = dom_arena_copy(arena, dom_buffer_slice(&session->group->file));
	if (file.data == NULL)
		return no_memory(session);
	st = wire_group_decode(file, arena, group_r, &why);
	return st == DOM_OK ? DOM_OK : no_memory(session);
}

/* Does it go on from the one that is kept? */
static enum dom_status
check_next(struct dom_session *session, const struct dom_group *next)
{
	const struct dom_group *kept = session->group;

	if (kept == NULL)
		return DOM_OK;
	if (memcmp(kept->group.key, next->group.key, sizeof(kept->group.key)) != 0)
		return dom_session_fail(session, DOM_EINTEGRITY,
		    "%s shows the group file of another group of regions than the one that "
		    "this device knows: it was not used, and nothing was changed. Ask its "
		    "operator; if the group has a new key, log out and log in again",
		    session->server_url);
	if (next->group.version < kept->group.version)
		return dom_session_fail(session, DOM_EINTEGRITY,
		    "%s shows an older group file (version %llu) than this device has seen "
		    "(version %llu): it was not used, and nothing was changed. Tell its "
		    "operator",
		    session->server_url, (unsigned long long)next->group.version,
		    (unsigned long long)kept->group.version);
	if (next->group.version == kept->group.version &&
	    !dom_slice_equal(dom_buffer_slice(&next->file), dom_buffer_slice(&kept->file)))
		return dom_session_fail(session, DOM_EINTEGRITY,
		    "%s shows another group file of version %llu than this device has seen: "
		    "whoever signs for the group signed two of one number. It was not used",
		    session->server_url, (unsigned long long)kept->group.version);
	return DOM_OK;
}

/* The region that we are in: the group's word for it is what we have pinned. */
static enum dom_status
check_ours(struct dom_session *session, const struct wire_group *group)
{
	const struct wire_group_region *ours;
	uint8_t pinned[DOM_PUBLIC_KEY_SIZE];
	const char *region;
	enum dom_status st;

	if ((st = dom_session_region(session, &region)) != DOM_OK ||
	    (st = dom_region_key(session, pinned)) != DOM_OK)
		return st;
	ours = wire_group_find(group, dom_slice_of(region));
	if (ours == NULL || memcmp(ours->key, pinned, sizeof(pinned)) != 0)
		return dom_session_fail(session, DOM_EINTEGRITY,
		    "The group file that %s shows does not have this region with the key that "
		    "this device knows: it was not used. Tell its operator",
		    session->server_url);
	return DOM_OK;
}

static enum dom_status
keep(struct dom_session *session, struct dom_group **next)
{
	enum dom_status st = DOM_OK;

	if (session->group == NULL || (*next)->group.version > session->group->group.version)
		st = dom_file_write(
		    session->folder, group_name, dom_buffer_slice(&(*next)->file));
	if (st < 0)
		return dom_session_fail(session, st, "%s/%s cannot be written: %s",
		    session->folder, group_name, strerror(errno));
	dom_group_free(&session->group);
	session->group = *next;
	*next = NULL;
	return DOM_OK;
}

enum dom_status
dom_group_learn(struct dom_session *session, bool is_ours, const struct wire_group **group_r)
{
	struct dom_call *call = NULL;
	struct dom_group *next = NULL;
	const char *why;
	enum dom_status st = dom_group_kept(session, group_r);

	if (st < 0)
		return st;
	if ((call = dom_call_new(session, "GET", "domicile/v1/group/")) == NULL)
		return no_memory(session);
	call->anonymous = call->stays = true;
	if ((st = dom_call_run(call)) != DOM_OK) {
		if (st == DOM_ABSENT)
			dom_session_fail(session, st,
			    "The region at %s belongs to no group of regions, so accounts "
			    "cannot move from or to it",
			    session->server_url);
		goto out;
	}
	if ((st = group_of(dom_call_reply(call), &next, &why)) != DOM_OK) {
		st = dom_session_fail(session, st == DOM_ENOMEM ? st : DOM_EINTEGRITY,
		    "The group file that %s shows is not good: %s", session->server_url, why);
		goto out;
	}
	if ((st = check_next(session, next)) == DOM_OK &&
	    (!is_ours || (st = check_ours(session, &next->group)) == DOM_OK))
		st = keep(session, &next);
out:
	*group_r = st == DOM_OK ? &session->group->group : NULL;
	dom_group_free(&next);
	dom_call_free(&call);
	return st;
}

enum dom_status
dom_group_check_here(struct dom_session *session, const struct wire_group_region *region)
{
	struct dom_call *call = dom_call_new(session, "GET", "domicile/v1/region/");
	struct wire_region told;
	enum dom_status st;

	if (call == NULL)
		return no_memory(session);
	call->anonymous = call->stays = true;
	st = dom_call_run(call);
	if (st == DOM_OK &&
	    (wire_region_decode(dom_call_reply(call), &told) != DOM_OK ||
	        !dom_slice_equal(told.name, region->name) ||
	        !dom_slice_equal(told.public_key, dom_slice(region->key, sizeof(region->key)))))
		st = dom_session_fail(session, DOM_EINTEGRITY,
		    "%s does not answer as region %.*s, with the key that the group has for "
		    "it. Nothing was changed; tell its operator",
		    session->server_url, (int)region->name.size,
		    (const char *)region->name.data);
	dom_call_free(&call);
	return st;
}
