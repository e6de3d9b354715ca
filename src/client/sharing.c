/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who shares collections with whom: lists that come page by page. */
#include <stdio.h>
#include <stdlib.h>

#include <domicile/sharing.h>

#include "base/arena.h"

#include "wire/share.h"

#include "client/call.h"
#include "client/pages.h"

enum { PAGE_SIZE = 100 };

/* What both lists are gathered into. */
struct gathered {
	char *rows;
	size_t size; /* of a row */
	size_t count, room;
};

static void *
gathered_next(struct gathered *gathered)
{
	if (gathered->count == gathered->room) {
		size_t room = gathered->room == 0 ? 16 : 2 * gathered->room;
		char *grown = reallocarray(gathered->rows, room, gathered->size);

		if (grown == NULL)
			return NULL;
		gathered->rows = grown;
		gathered->room = room;
	}
	return memset(gathered->rows + gathered->count++ * gathered->size, 0, gathered->size);
}

/* Another person's text: it shall not drive a terminal. */
static void
keep_text(char *text_r, size_t room, struct dom_slice text)
{
	size_t size = 0;

	for (size_t i = 0; i < text.size && size + 1 < room; i++)
		if (text.data[i] >= 0x20 && text.data[i] != 0x7f)
			text_r[size++] = (char)text.data[i];
	text_r[size] = '\0';
}

static bool
take_members(struct gathered *gathered, const struct wire_share_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct dom_member *member = gathered_next(gathered);

		if (member == NULL)
			return false;
		keep_text(member->name, sizeof(member->name), list->members[i].username);
		member->access_level = list->members[i].access_level;
	}
	return true;
}

static bool
take_invitations(struct gathered *gathered, const struct wire_share_list *list, bool incoming)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct wire_invitation *wire = &list->invitations[i];
		struct dom_invitation *invitation = gathered_next(gathered);

		if (invitation == NULL)
			return false;
		keep_text(invitation->uid, sizeof(invitation->uid), wire->uid);
		keep_text(
		    invitation->collection, sizeof(invitation->collection), wire->collection);
		keep_text(invitation->name, sizeof(invitation->name),
		    incoming ? wire->from_username : wire->username);
		invitation->access_level = wire->access_level;
	}
	return true;
}

enum list_kind {
	LIST_MEMBERS,
	LIST_INCOMING,
	LIST_OUTGOING,
};

/* One page; iterator_r is that of the next, "" at the end. */
static enum dom_status
ask_page(struct dom_session *session, enum list_kind kind, const char *path,
    struct dom_arena *arena, struct gathered *gathered, const char **iterator)
{
	const char *after = *iterator;
	struct dom_call *call = dom_call_new(session, "GET", "%s?limit=%d%s%s", path, PAGE_SIZE,
	    *after == '\0' ? "" : "&iterator=", after);
	struct wire_share_list list = {.done = true};
	enum dom_status st;

	*iterator = "";
	if (call == NULL)
		return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
	if ((st = dom_call_run(call)) != DOM_OK)
		goto out;
	st = kind == LIST_MEMBERS
	         ? wire_member_list_decode(dom_call_reply(call), arena, &list)
	         : wire_invitation_list_decode(dom_call_reply(call), arena, &list);
	if (st == DOM_EINPUT)
		st = dom_session_fail(session, DOM_ESERVER,
		    "%s sent a list that cannot be read", session->server_url);
	if (st != DOM_OK)
		goto out;
	if (!(kind == LIST_MEMBERS
	            ? take_members(gathered, &list)
	            : take_invitations(gathered, &list, kind == LIST_INCOMING)) ||
	    (!list.done && (*iterator = dom_url_escape(arena, list.iterator)) == NULL))
		st = dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
out:
	dom_call_free(&call);
	return st;
}

static enum dom_status
ask_list(struct dom_session *session, enum list_kind kind, const char *path, size_t row_size,
    void **rows_r, size_t *count_r)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct gathered gathered = {.size = row_size};
	struct dom_pages pages = {0};
	const char *iterator = "";
	enum dom_status st;

	*rows_r = NULL;
	*count_r = 0;
	if (arena == NULL)
		return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
	do {
		st = ask_page(session, kind, path, arena, &gathered, &iterator);
		if (st == DOM_OK && *iterator != '\0' &&
		    !dom_pages_more(&pages, dom_slice_of(iterator)))
			st = dom_session_fail(session, DOM_ESERVER,
			    "%s sends the same lists again and again", session->server_url);
	} while (st == DOM_OK && *iterator != '\0');
	dom_arena_free(&arena);
	if (st != DOM_OK) {
		free(gathered.rows);
		return st;
	}
	*rows_r = gathered.rows;
	*count_r = gathered.count;
	return DOM_OK;
}

enum dom_status
dom_members(struct dom_session *session, const char *collection_uid,
    struct dom_member **members_r, size_t *count_r)
{
	char path[160];
	void *rows;
	enum dom_status st;

	snprintf(path, sizeof(path), "api/v1/collection/%.64s/member/", collection_uid);
	st = ask_list(session, LIST_MEMBERS, path, sizeof(**members_r), &rows, count_r);
	*members_r = rows;
	return st;
}

enum dom_status
dom_invitations(struct dom_session *session, bool incoming,
    struct dom_invitation **invitations_r, size_t *count_r)
{
	void *rows;
	enum dom_status st = ask_list(session, incoming ? LIST_INCOMING : LIST_OUTGOING,
	    incoming ? "api/v1/invitation/incoming/" : "api/v1/invitation/outgoing/",
	    sizeof(**invitations_r), &rows, count_r);

	*invitations_r = rows;
	return st;
}
