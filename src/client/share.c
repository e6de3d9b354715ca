/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sharing: inviting, accepting, ending it. */
#include "crypto/share.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include <domicile/share.h>

#include "base/arena.h"

#include "wire/share.h"

#include "client/call.h"
#include "client/client.h"

static_assert((int)DOM_FINGERPRINT_ROOM == (int)DOM_FINGERPRINT_SIZE, "fits");
static_assert(sizeof(((struct dom_person *)NULL)->public_key) == DOM_PUBLIC_KEY_SIZE, "fits");

#define OUTGOING "api/v1/invitation/outgoing/"
#define INCOMING "api/v1/invitation/incoming/"

static enum dom_status
no_memory(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
}

static enum dom_status
unreadable(struct dom_session *session)
{
	return dom_session_fail(
	    session, DOM_ESERVER, "%s sent an answer that cannot be read", session->server_url);
}

/* Another person's text: it shall not drive a terminal. */
static void
keep_text(char *text_r, size_t room, struct dom_slice text)
{
	size_t size = 0;

	for (size_t i = 0; i < text.size && size + 1 < room; i++) {
		if (text.data[i] >= 0x20 && text.data[i] != 0x7f)
			text_r[size++] = (char)text.data[i];
	}
	text_r[size] = '\0';
}

static void
keep_person(struct dom_person *person_r, struct dom_slice name, const uint8_t *public_key)
{
	*person_r = (struct dom_person){.name = ""};
	keep_text(person_r->name, sizeof(person_r->name), name);
	memcpy(person_r->public_key, public_key, sizeof(person_r->public_key));
	dom_fingerprint(person_r->public_key, person_r->fingerprint);
}

/* A text as part of a path or query; NULL: no memory, and it has been said. */
static const char *
escaped(struct dom_session *session, struct dom_arena *arena, const char *text)
{
	const char *result = arena == NULL ? NULL : dom_url_escape(arena, dom_slice_of(text));

	if (result == NULL)
		no_memory(session);
	return result;
}

/* Without a body, and with nothing to learn from the answer. */
static enum dom_status
ask(struct dom_session *session, const char *method, const char *path)
{
	struct dom_call *call = dom_call_new(session, method, "%s", path);
	enum dom_status st = call == NULL ? no_memory(session) : dom_call_run(call);

	dom_call_free(&call);
	return st;
}

enum dom_status
dom_person_find(struct dom_session *session, const char *name, struct dom_person *person_r)
{
	struct dom_arena *arena = dom_arena_new(0);
	const char *text = escaped(session, arena, name);
	struct dom_call *call = NULL;
	struct dom_slice public_key;
	enum dom_status st = DOM_ENOMEM;

	if (text == NULL)
		goto out;
	call = dom_call_new(session, "GET", OUTGOING "fetch_user_profile/?username=%s", text);
	if (call == NULL) {
		st = no_memory(session);
		goto out;
	}
	if ((st = dom_call_run(call)) == DOM_ABSENT)
		dom_session_fail(
		    session, st, "There is nobody called %s in this region, or not yet", name);
	if (st != DOM_OK)
		goto out;
	if (wire_profile_decode(dom_call_reply(call), &public_key) != DOM_OK)
		st = unreadable(session);
	else
		keep_person(person_r, dom_slice_of(name), public_key.data);
out:
	dom_call_free(&call);
	dom_arena_free(&arena);
	return st;
}

void
dom_person_self(const struct dom_session *session, struct dom_person *person_r)
{
	keep_person(person_r, dom_slice_of(session->username), session->identity_public);
}

/* --- inviting --------------------------------------------------------------------- */

static enum dom_status
invite(struct dom_collection *collection, const struct dom_collection_row *row,
    const struct dom_person *with, enum dom_access access, struct dom_buffer *sealed)
{
	struct dom_session *session = collection->session;
	struct dom_call *call = dom_call_new(session, "POST", OUTGOING);
	char uid[DOM_UID_TEXT_SIZE + 1];
	enum dom_status st;

	if (call == NULL)
		return no_memory(session);
	st = dom_invitation_seal(session->identity, with->public_key, collection->key,
	    row->type, &session->random, sealed);
	if (st != DOM_OK) {
		st = dom_session_fail(session, st == DOM_EINPUT ? DOM_EINTEGRITY : st,
		    "The region says that %s has a key which is no one's. Nothing was sent;"
		    " tell its operator",
		    with->name);
		goto out;
	}
	dom_uid_create(&session->random, uid);
	wire_invitation_encode(&call->body,
	    &(struct wire_invitation){.uid = dom_slice_of(uid),
	        .version = WIRE_VERSION,
	        .access_level = (int)access,
	        .username = dom_slice_of(with->name),
	        .collection = dom_slice_of(collection->uid),
	        .signed_key = dom_buffer_slice(sealed)},
	    false);
	st = dom_call_run(call);
	if (st == DOM_CONFLICT)
		dom_session_fail(session, st, "%s is in this collection already", with->name);
	if (st == DOM_EDENIED && strcmp(call->code, "invitation_exists") == 0)
		st = dom_session_fail(session, DOM_CONFLICT,
		    "%s is invited already, and has not answered yet", with->name);
	if (st == DOM_EDENIED && strcmp(call->code, "no_self_invite") == 0)
		dom_session_fail(session, st, "You cannot share with yourself");
out:
	dom_call_free(&call);
	return st;
}

enum dom_status
dom_share(
    struct dom_collection *collection, const struct dom_person *with, enum dom_access access)
{
	struct dom_session *session = collection->session;
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_buffer sealed = {0};
	struct dom_collection_row row;
	enum dom_status st;

	if (arena == NULL)
		return no_memory(session);
	st = dom_state_collection_find(
	    session->state, dom_slice_of(collection->uid), arena, &row);
	if (st == DOM_OK)
		st = invite(collection, &row, with, access, &sealed);
	else
		st = dom_session_fail_state(session, st > 0 ? DOM_ESTORE : st);
	dom_buffer_free(&sealed);
	dom_arena_free(&arena);
	return st;
}

/* Ours for this person to this collection; DOM_ABSENT: there is none. */
static enum dom_status
withdraw(struct dom_session *session, const char *collection_uid, const char *name)
{
	struct dom_invitation *sent;
	enum dom_status st;
	char path[160];
	size_t count;
	bool any = false;

	if ((st = dom_invitations(session, false, &sent, &count)) != DOM_OK)
		return st;
	for (size_t i = 0; i < count && st >= 0; i++) {
		if (strcmp(sent[i].collection, collection_uid) != 0 ||
		    strcasecmp(sent[i].name, name) != 0)
			continue;
		snprintf(path, sizeof(path), OUTGOING "%.64s/", sent[i].uid);
		st = ask(session, "DELETE", path);
		any = true;
	}
	free(sent);
	return st == DOM_OK && !any ? DOM_ABSENT : st;
}

enum dom_status
dom_unshare(struct dom_session *session, const char *collection_uid, const char *name)
{
	enum dom_status withdrawn = withdraw(session, collection_uid, name), st;
	struct dom_arena *arena;
	struct dom_call *call;
	const char *text;

	if (withdrawn < 0)
		return withdrawn;
	arena = dom_arena_new(0);
	if ((text = escaped(session, arena, name)) == NULL) {
		dom_arena_free(&arena);
		return DOM_ENOMEM;
	}
	call = dom_call_new(
	    session, "DELETE", "api/v1/collection/%.64s/member/%s/", collection_uid, text);
	dom_arena_free(&arena);
	st = call == NULL ? no_memory(session) : dom_call_run(call);
	dom_call_free(&call);
	if (st != DOM_ABSENT)
		return st;
	return withdrawn == DOM_OK
	           ? DOM_OK
	           : dom_session_fail(session, DOM_ABSENT, "It is not shared with %s", name);
}

enum dom_status
dom_unshare_self(struct dom_session *session, const char *collection_uid)
{
	char path[160];

	snprintf(path, sizeof(path), "api/v1/collection/%.64s/member/leave/", collection_uid);
	return ask(session, "POST", path);
}

/* --- being invited ------------------------------------------------------------------ */

/* What an invitation holds, opened. */
struct opened {
	struct dom_call *call; /* the slices of wire lie in its reply */
	struct wire_invitation wire;
	struct dom_collection_key *key;
	struct dom_buffer type;
};

static void
opened_free(struct opened *opened)
{
	dom_call_free(&opened->call);
	dom_collection_key_free(&opened->key);
	dom_buffer_free(&opened->type);
}

static enum dom_status
open_box(struct dom_session *session, const char *uid, struct opened *opened)
{
	enum dom_status st;

	opened->call = dom_call_new(session, "GET", INCOMING "%.64s/", uid);
	if (opened->call == NULL)
		return no_memory(session);
	if ((st = dom_call_run(opened->call)) == DOM_ABSENT)
		return dom_session_fail(
		    session, st, "There is no such invitation, or not any more");
	if (st != DOM_OK)
		return st;
	if (wire_invitation_reply_decode(dom_call_reply(opened->call), &opened->wire) != DOM_OK)
		return unreadable(session);
	st = dom_invitation_open(session->identity, opened->wire.from_public.data,
	    opened->wire.signed_key, &opened->key, &opened->type);
	if (st == DOM_EINTEGRITY)
		dom_session_fail(session, st,
		    "This invitation is damaged, or was not made for you by who it says."
		    " Nothing was taken");
	else if (st != DOM_OK)
		no_memory(session);
	return st;
}

enum dom_status
dom_offer_open(
    struct dom_session *session, const char *invitation_uid, struct dom_offer *offer_r)
{
	struct opened opened = {0};
	enum dom_status st = open_box(session, invitation_uid, &opened);

	if (st == DOM_OK) {
		*offer_r = (struct dom_offer){.access_level = opened.wire.access_level};
		keep_text(offer_r->uid, sizeof(offer_r->uid), opened.wire.uid);
		keep_text(
		    offer_r->collection, sizeof(offer_r->collection), opened.wire.collection);
		keep_text(offer_r->type, sizeof(offer_r->type), dom_buffer_slice(&opened.type));
		keep_person(
		    &offer_r->from, opened.wire.from_username, opened.wire.from_public.data);
	}
	opened_free(&opened);
	return st;
}

/* Sealed for us, as if the collection were our own. */
static enum dom_status
accept_with(struct dom_session *session, const struct dom_offer *offer, struct opened *opened)
{
	struct dom_call *call =
	    dom_call_new(session, "POST", INCOMING "%.64s/accept/", offer->uid);
	uint8_t sealed_key[DOM_WRAPPED_KEY_SIZE];
	struct dom_buffer type = {0};
	enum dom_status st;

	if (call == NULL ||
	    (st = dom_collection_type_seal(
	         session->account, dom_buffer_slice(&opened->type), &type)) < 0 ||
	    (st = dom_collection_key_seal(session->account, opened->key,
	         dom_buffer_slice(&type), &session->random, sealed_key)) < 0) {
		st = no_memory(session);
	} else {
		wire_acceptance_encode(&call->body,
		    &(struct wire_acceptance){.collection_type = dom_buffer_slice(&type),
		        .collection_key = dom_slice(sealed_key, sizeof(sealed_key))});
		st = dom_call_run(call);
	}
	dom_buffer_free(&type);
	dom_call_free(&call);
	return st;
}

enum dom_status
dom_offer_accept(struct dom_session *session, const struct dom_offer *offer)
{
	struct opened opened = {0};
	enum dom_status st = open_box(session, offer->uid, &opened);

	if (st == DOM_OK && (memcmp(opened.wire.from_public.data, offer->from.public_key,
	                         DOM_PUBLIC_KEY_SIZE) != 0 ||
	                        !dom_slice_is(opened.wire.collection, offer->collection)))
		st = dom_session_fail(session, DOM_EINTEGRITY,
		    "The invitation is not the one that was shown any more. Nothing was "
		    "accepted");
	if (st == DOM_OK)
		st = accept_with(session, offer, &opened);
	opened_free(&opened);
	return st;
}

enum dom_status
dom_offer_reject(struct dom_session *session, const char *invitation_uid)
{
	char path[160];
	enum dom_status st;

	snprintf(path, sizeof(path), INCOMING "%.64s/", invitation_uid);
	st = ask(session, "DELETE", path);
	return st == DOM_ABSENT ? dom_session_fail(session, st,
	                              "There is no such invitation, or not any more")
	                        : st;
}
