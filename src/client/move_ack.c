/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * After a move: is everything there that this device knew?  The regions' root says that
 * nothing was changed between them; only who was there before can tell that the source
 * kept nothing back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <domicile/collection.h>
#include <domicile/consent.h>

#include "base/encode.h"

#include "wire/certificate.h"
#include "wire/etebase.h"

#include "client/follow.h"
#include "client/move_parts.h"
#include "client/pages.h"
#include "client/statement.h"

enum {
	ITEMS_PAGE = 1000,
	REVISIONS_PAGE = 100,
};

struct looking {
	struct dom_session *session;
	struct dom_slice collection;
	struct dom_arena *arena; /* of a page */
	char token[8192];
};

static enum dom_status
no_memory(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
}

static enum dom_status
no_list(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ESERVER,
	    "%s sent a list that cannot be read; nothing was signed", session->server_url);
}

/* --- what this device came with -------------------------------------------------- */

/* The hand-off that was followed.  DOM_ABSENT: none waits. */
static enum dom_status
handoff_kept(struct dom_session *session, struct dom_arena *arena, struct wire_move *handoff_r)
{
	uint8_t *packed = dom_arena_take(arena, WIRE_MOVE_HANDOFF_SIZE_MAX);
	struct wire_signed_move message;
	struct dom_slice text;
	size_t size = 0;
	enum dom_status st;

	if (packed == NULL)
		return no_memory(session);
	if ((st = dom_state_get(session->state, "handoff", arena, &text)) < 0)
		return dom_session_fail_state(session, st);
	if (text.size == 0 ||
	    dom_hex_decode(text, packed, WIRE_MOVE_HANDOFF_SIZE_MAX, &size) != DOM_OK ||
	    wire_handoff_unpack(dom_slice(packed, size), &message) != DOM_OK ||
	    wire_move_decode(message.bytes, handoff_r) != DOM_OK)
		return dom_session_fail(
		    session, DOM_ABSENT, "No move waits for an acknowledgement");
	return DOM_OK;
}

bool
dom_move_pending(struct dom_session *session)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_move handoff;
	bool pending = arena != NULL && handoff_kept(session, arena, &handoff) == DOM_OK;

	if (!pending)
		session->error[0] = '\0';
	dom_arena_free(&arena);
	return pending;
}

/* Nothing is to be looked for any more. */
static enum dom_status
forget(struct dom_session *session)
{
	enum dom_status st;

	if ((st = dom_state_known_forget(session->state)) < 0 ||
	    (st = dom_state_set(session->state, "handoff", dom_slice("", 0))) < 0)
		return dom_session_fail_state(session, st);
	return dom_session_commit(session);
}

/* --- is it there? ---------------------------------------------------------------- */

/* The item has a newer revision now: the one that was known must be in its history. */
static enum dom_status
look_back(
    struct looking *looking, struct dom_slice item, struct dom_slice revision, bool *found_r)
{
	struct dom_session *session = looking->session;
	char iterator[DOM_UID_SIZE_MAX + 1] = "";
	struct dom_pages pages = {0};
	bool done = false;
	enum dom_status st = DOM_OK;

	while (st == DOM_OK && !done && !*found_r) {
		struct dom_arena *arena = dom_arena_new(0);
		struct dom_call *call = dom_call_new(session, "GET",
		    "api/v1/collection/%.*s/item/%.*s/revision/?limit=%d&prefetch=medium%s%s",
		    (int)looking->collection.size, (const char *)looking->collection.data,
		    (int)item.size, (const char *)item.data, REVISIONS_PAGE,
		    iterator[0] != '\0' ? "&iterator=" : "", iterator);
		struct wire_list list = {0};

		st = arena == NULL || call == NULL ? no_memory(session) : dom_call_run(call);
		if (st == DOM_OK && wire_list_decode(dom_call_reply(call), WIRE_LIST_REVISIONS,
		                        arena, &list) != DOM_OK)
			st = no_list(session);
		for (size_t i = 0; st == DOM_OK && i < list.count; i++)
			*found_r = *found_r || dom_slice_equal(list.revisions[i].uid, revision);
		done = list.done;
		if (st == DOM_OK && !done &&
		    (list.stoken.size == 0 || list.stoken.size >= sizeof(iterator) ||
		        !wire_uid_valid(list.stoken) || !dom_pages_more(&pages, list.stoken)))
			st = no_list(session);
		if (st == DOM_OK && !done)
			snprintf(iterator, sizeof(iterator), "%.*s", (int)list.stoken.size,
			    (const char *)list.stoken.data);
		dom_call_free(&call);
		dom_arena_free(&arena);
	}
	return st;
}

static enum dom_status
look_at(struct looking *looking, const struct wire_item *item)
{
	struct dom_session *session = looking->session;
	struct dom_slice known, revision;
	bool found;
	enum dom_status st =
	    dom_state_known_find(session->state, looking->collection, item->uid, &known);

	if (st == DOM_ABSENT)
		return DOM_OK; /* another device wrote it */
	if (st < 0)
		return dom_session_fail_state(session, st);
	found = dom_slice_equal(known, item->content.uid);
	if (!found) {
		if (!wire_uid_valid(item->uid))
			return no_list(session);
		revision = dom_arena_copy(looking->arena, known);
		if (revision.data == NULL)
			return no_memory(session);
		st = look_back(looking, item->uid, revision, &found);
		if (st == DOM_ABSENT)
			st = DOM_OK;
	}
	if (st == DOM_OK && found &&
	    (st = dom_state_known_found(session->state, looking->collection, item->uid)) < 0)
		return dom_session_fail_state(session, st);
	return st;
}

/* A page of everything that the region has in the collection. */
static enum dom_status
look_through_page(struct looking *looking, struct dom_pages *pages, bool *done_r)
{
	struct dom_session *session = looking->session;
	struct dom_call *call = NULL;
	struct wire_list list = {0};
	const char *escaped = dom_url_escape(looking->arena, dom_slice_of(looking->token));
	enum dom_status st;

	if (escaped != NULL)
		call = dom_call_new(session, "GET",
		    "api/v1/collection/%.*s/item/?prefetch=medium&limit=%d%s%s",
		    (int)looking->collection.size, (const char *)looking->collection.data,
		    ITEMS_PAGE, looking->token[0] != '\0' ? "&stoken=" : "", escaped);
	if (call == NULL)
		return no_memory(session);
	if ((st = dom_call_run(call)) != DOM_OK)
		goto out;
	st = wire_list_decode(dom_call_reply(call), WIRE_LIST_ITEMS, looking->arena, &list);
	if (st != DOM_OK) {
		st = st == DOM_ENOMEM ? no_memory(session) : no_list(session);
		goto out;
	}
	for (size_t i = 0; i < list.count && st == DOM_OK; i++)
		st = look_at(looking, &list.items[i]);
	*done_r = list.done;
	if (st != DOM_OK || list.done)
		goto out;
	if (list.count == 0 || list.stoken.size == 0 ||
	    list.stoken.size >= sizeof(looking->token) || !dom_pages_more(pages, list.stoken)) {
		st = no_list(session);
		goto out;
	}
	snprintf(looking->token, sizeof(looking->token), "%.*s", (int)list.stoken.size,
	    (const char *)list.stoken.data);
out:
	dom_call_free(&call);
	return st;
}

/* DOM_ABSENT: the account is not in it (any more). */
static enum dom_status
look_through(struct dom_session *session, struct dom_slice collection)
{
	struct looking looking = {
	    .session = session, .collection = collection, .arena = dom_arena_new(0)};
	struct dom_pages pages = {0};
	bool done = false;
	enum dom_status st = DOM_OK;

	if (looking.arena == NULL)
		return no_memory(session);
	while (st == DOM_OK && !done) {
		dom_arena_reset(looking.arena);
		st = look_through_page(&looking, &pages, &done);
	}
	dom_arena_free(&looking.arena);
	return st;
}

/* Has this account ever asked to erase what a service had stored? */
static enum dom_status
note_erasing(void *context, const struct dom_statement *statement)
{
	bool *erases = context;

	*erases = *erases || (statement->kind == DOM_STATEMENT_WITHDRAWAL &&
	                         statement->choice == DOM_ERASE);
	return DOM_OK;
}

/*
 * A collection that was known and is not there.  It may have been somebody else's, if
 * the order left what is shared behind, or another device had its service erased, which
 * is signed; and the list says that it is gone.  Else it is lost.
 */
static enum dom_status
judge_missing(struct dom_session *session, struct dom_arena *arena, struct dom_slice uid,
    bool leaves_shared, struct dom_move_found *found)
{
	struct dom_collection_row row;
	bool may_be_gone = leaves_shared;
	enum dom_status st = dom_state_collection_find(session->state, uid, arena, &row);

	if (st == DOM_OK)
		return DOM_OK;
	if (st < 0)
		return dom_session_fail_state(session, st);
	if (!may_be_gone &&
	    (st = dom_statements(session, note_erasing, &may_be_gone)) != DOM_OK)
		return st;
	if (!may_be_gone)
		return DOM_OK;
	found->left++;
	if ((st = dom_state_known_left(session->state, uid)) < 0)
		return dom_session_fail_state(session, st);
	return DOM_OK;
}

/* Every collection that was known. */
static enum dom_status
look_everywhere(struct dom_session *session, struct dom_arena *arena, bool leaves_shared,
    struct dom_move_found *found)
{
	struct dom_slice *uids;
	size_t count;
	enum dom_status st;

	if ((st = dom_state_known_begin(session->state)) < 0 ||
	    (st = dom_state_known_collections(session->state, arena, &uids, &count)) < 0)
		return dom_session_fail_state(session, st);
	for (size_t i = 0; i < count && st == DOM_OK; i++) {
		st = look_through(session, uids[i]);
		if (st == DOM_ABSENT || st == DOM_EDENIED)
			st = judge_missing(session, arena, uids[i], leaves_shared, found);
	}
	if (st == DOM_OK &&
	    (st = dom_state_known_count(session->state, &found->revisions, &found->lost)) < 0)
		return dom_session_fail_state(session, st);
	return st;
}

/* --- all of it ------------------------------------------------------------------- */

/* What the regions signed is what this device came with. */
static enum dom_status
check_proof(struct dom_session *session, const struct wire_move *handoff,
    const struct wire_certificate_view *view)
{
	if (view->order.statement.epoch + 1 != view->active.epoch ||
	    view->active.epoch != handoff->epoch ||
	    memcmp(view->active.root, handoff->root, sizeof(handoff->root)) != 0 ||
	    memcmp(view->active.attempt, handoff->attempt, sizeof(handoff->attempt)) != 0)
		return dom_session_fail(session, DOM_EINTEGRITY,
		    "The region's certificate is not of the hand-off that this device was "
		    "shown: nothing was signed, and the old region keeps its copy until its "
		    "days of grace are over. Ask both operators");
	if (!dom_slice_is(view->active.target, session->region))
		return dom_session_fail(session, DOM_ABSENT,
		    "The account has moved on since: that move is not acknowledged any more");
	return DOM_OK;
}

/* Said until somebody can do something about it: as long as the old copy is there. */
static enum dom_status
say_lost(struct dom_session *session, const struct dom_move_found *found, bool is_erased)
{
	enum dom_status st = is_erased ? forget(session) : DOM_OK;

	if (st != DOM_OK)
		return st;
	return dom_session_fail(session, DOM_EINTEGRITY,
	    "%llu of %llu revisions that this device knew are not in region %s: nothing was "
	    "acknowledged, %s %s. Do not remove anything from this device; ask both operators, "
	    "or move back",
	    (unsigned long long)found->lost,
	    (unsigned long long)(found->lost + found->revisions), found->target,
	    is_erased ? "but the old copy is erased already in"
	              : "and the old copy is kept until"
	                " the days of grace are over in",
	    found->source);
}

static enum dom_status
sign(struct dom_session *session, const struct wire_move *handoff, uint64_t revisions)
{
	struct wire_statement statement = {.kind = WIRE_MOVE_ACK,
	    .service = dom_slice("", 0),
	    .epoch = handoff->epoch,
	    .revisions = revisions};
	struct dom_statement_sent sent;

	memcpy(statement.move, handoff->move, sizeof(statement.move));
	memcpy(statement.root, handoff->root, sizeof(statement.root));
	return dom_statement_send(session, &statement, false, &sent);
}

static enum dom_status
acknowledge(struct dom_session *session, struct dom_arena *arena, struct dom_call **call,
    struct dom_move_found *found)
{
	struct wire_certificate_view view;
	struct wire_move handoff;
	enum dom_status st;

	/* The list first: it may follow the account once more. */
	if ((st = dom_sync(session)) != DOM_OK ||
	    (st = handoff_kept(session, arena, &handoff)) != DOM_OK)
		return st;
	dom_hex_encode(dom_slice(handoff.move, sizeof(handoff.move)), found->id);
	dom_move_text(handoff.source, found->source, sizeof(found->source));
	dom_move_text(handoff.target, found->target, sizeof(found->target));
	found->epoch = handoff.epoch;
	memcpy(found->root, handoff.root, sizeof(found->root));
	if ((st = dom_move_ask_certificate(session, found->id, arena, &view, call)) != DOM_OK)
		return st == DOM_ABSENT ? DOM_ESERVER : st;
	if ((st = check_proof(session, &handoff, &view)) != DOM_OK ||
	    (st = look_everywhere(session, arena, view.order.statement.leave_shared, found)) !=
	        DOM_OK)
		return st;
	found->by_another = view.has_ack;
	if (found->lost > 0)
		return say_lost(session, found, view.has_erased);
	if (!found->by_another && (st = sign(session, &handoff, found->revisions)) != DOM_OK)
		return st;
	return forget(session);
}

enum dom_status
dom_move_acknowledge(struct dom_session *session, struct dom_move_found *found_r)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_call *call = NULL;
	enum dom_status st;

	*found_r = (struct dom_move_found){0};
	if (arena == NULL)
		return no_memory(session);
	st = acknowledge(session, arena, &call, found_r);
	if (st < 0)
		dom_state_rollback(session->state);
	dom_call_free(&call);
	dom_arena_free(&arena);
	return st;
}
