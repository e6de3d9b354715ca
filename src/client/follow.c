/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Following an account to the region that it has moved to; the picture is in the header. */
#include "client/follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <domicile/consent.h>

#include "base/encode.h"

#include "crypto/region.h"

#include "wire/moves.h"

#include "client/call.h"
#include "client/group.h"
#include "client/session.h"

enum { HANDOFF_TEXT_SIZE = 2 * WIRE_MOVE_HANDOFF_SIZE_MAX + 1 };

struct following {
	struct dom_session *session;
	char *username;
	struct dom_slice password; /* NULL data: the session has its key */
	struct dom_place origin;
	bool left;                             /* the origin is kept for the way back */
	char region[WIRE_REGION_SIZE_MAX + 1]; /* that says it has moved */
	uint64_t epoch;                        /* the highest that was shown */
	struct dom_buffer moved;               /* what it says */
	/* the hand-off in it, once it is checked */
	struct wire_signed_move signed_handoff; /* borrowed from moved */
	struct wire_move handoff;
	struct wire_group_region target; /* borrowed from the session's group */
};

static enum dom_status
no_memory(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
}

static enum dom_status
refuse(struct following *following, const char *why)
{
	return dom_session_fail(following->session, DOM_EINTEGRITY,
	    "%s says that the account has moved to another region, and does not prove it: %s. "
	    "Nothing was changed here; ask the region's operator",
	    following->session->server_url, why);
}

/* --- is it true? ----------------------------------------------------------------- */

/* The row of the group that a region has; the group is asked for once more if it has none. */
static enum dom_status
find_region(
    struct following *following, struct dom_slice name, struct wire_group_region *region_r)
{
	struct dom_session *session = following->session;
	const struct wire_group_region *found = NULL;
	const struct wire_group *group;
	enum dom_status st = dom_group_kept(session, &group);

	if (st == DOM_OK)
		found = wire_group_find(group, name);
	if (st >= 0 && found == NULL) {
		st = dom_group_learn(session, !following->left, &group);
		if (st < 0)
			return st;
		found = st == DOM_OK ? wire_group_find(group, name) : NULL;
	}
	if (st < 0)
		return st;
	if (found == NULL)
		return refuse(
		    following, "the region is not in the group that this device knows");
	*region_r = *found;
	return DOM_OK;
}

static enum dom_status
check_handoff(struct following *following)
{
	struct dom_session *session = following->session;
	struct wire_move *handoff = &following->handoff;
	struct wire_group_region source;
	struct wire_moved moved;
	enum dom_status st;

	if (wire_moved_decode(dom_buffer_slice(&following->moved), &moved) != DOM_OK)
		return refuse(following, "what it says cannot be read");
	following->signed_handoff = moved.handoff;
	if (wire_move_decode(moved.handoff.bytes, handoff) != DOM_OK ||
	    handoff->kind != WIRE_MOVE_HANDOFF)
		return refuse(following, "it shows no hand-off");
	if (!dom_slice_is(handoff->source, following->region))
		return refuse(following, "the hand-off it shows is of another region");
	if (session->account != NULL &&
	    memcmp(handoff->account, session->identity_public, sizeof(handoff->account)) != 0)
		return refuse(following, "the hand-off it shows is of another account");
	if ((st = find_region(following, handoff->source, &source)) != DOM_OK)
		return st;
	if (!dom_verify(dom_slice(source.key, sizeof(source.key)), moved.handoff.bytes,
	        moved.handoff.signature))
		return refuse(
		    following, "the hand-off it shows is not signed by the region that had it");
	if (handoff->epoch <= following->epoch)
		return refuse(following, "the hand-off it shows is from an earlier move");
	return find_region(following, handoff->target, &following->target);
}

/* --- there ----------------------------------------------------------------------- */

/*
 * Whoever has the hand-off may bring it: the source may not have reached the target.
 * That it is known there already is as good, and so is that the account has moved on.
 */
static enum dom_status
carry(struct following *following)
{
	struct dom_call *call =
	    dom_call_new(following->session, "POST", "domicile/v1/moves/handoff/");
	enum dom_status st;

	if (call == NULL)
		return no_memory(following->session);
	call->anonymous = call->stays = true;
	wire_handoff_encode(&call->body, &following->signed_handoff);
	st = dom_call_run(call);
	if (st != DOM_OK && st != DOM_ENOMEM && call->exchange.status != 0)
		st = DOM_OK;
	dom_call_free(&call);
	return st;
}

static enum dom_status
go_to(struct following *following, struct dom_slice address)
{
	struct dom_session *session = following->session;
	struct dom_place from = {0};
	char url[WIRE_ADDRESS_SIZE_MAX + 1];
	enum dom_status st;

	snprintf(url, sizeof(url), "%.*s", (int)address.size, (const char *)address.data);
	if ((st = dom_session_go(session, url, &from)) != DOM_OK)
		return st;
	if ((st = carry(following)) == DOM_OK)
		st = dom_group_check_here(session, &following->target);
	if (st != DOM_OK) {
		dom_session_return(session, &from);
		return st;
	}
	if (following->left) {
		dom_place_close(&from);
	} else {
		following->origin = from;
		following->left = true;
	}
	return DOM_OK;
}

static bool
is_unreachable(enum dom_status st)
{
	return st == DOM_ENETWORK || st == DOM_EUNCERTAIN || st == DOM_ESERVER;
}

/* At the first of its addresses that answers. */
static enum dom_status
arrive(struct following *following)
{
	struct dom_session *session = following->session;
	const struct wire_group_region *target = &following->target;
	char why[DOM_ERROR_SIZE];
	enum dom_status st = DOM_ENETWORK;

	for (size_t i = 0; i < target->address_count && is_unreachable(st); i++)
		st = go_to(following, target->addresses[i]);
	if (is_unreachable(st)) {
		snprintf(why, sizeof(why), "%s", session->error);
		dom_session_fail(session, st,
		    "The account has moved to region %.*s, which cannot be reached now: %.600s",
		    (int)target->name.size, (const char *)target->name.data, why);
	}
	return st;
}

/* Logged in there: DOM_EFENCED with what it says if the account has moved on. */
static enum dom_status
enter(struct following *following)
{
	struct dom_session *session = following->session;
	struct dom_buffer moved = {0};
	enum dom_status st;

	st = dom_session_enter(session, following->username, following->password, &moved);
	if (st == DOM_EFENCED && moved.size > 0) {
		snprintf(following->region, sizeof(following->region), "%.*s",
		    (int)following->target.name.size,
		    (const char *)following->target.name.data);
		following->epoch = following->handoff.epoch;
		dom_buffer_free(&following->moved);
		following->moved = moved;
		return st;
	}
	dom_buffer_free(&moved);
	if (st == DOM_OK && memcmp(following->handoff.account, session->identity_public,
	                        sizeof(following->handoff.account)) != 0)
		st = refuse(following, "the hand-off is of another account");
	return st;
}

/* --- kept ------------------------------------------------------------------------ */

/* The region's name and key, and the epoch, are the target's. */
static enum dom_status
keep_region(struct dom_session *session, const struct wire_group_region *target, uint64_t epoch)
{
	char number[24];
	enum dom_status st;

	snprintf(session->region, sizeof(session->region), "%.*s", (int)target->name.size,
	    (const char *)target->name.data);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)epoch);
	if ((st = dom_state_set(session->state, "region", target->name)) < 0 ||
	    (st = dom_state_set(session->state, "epoch", dom_slice_of(number))) < 0)
		return dom_session_fail_state(session, st);
	if ((st = dom_session_commit(session)) < 0)
		return st;
	return dom_session_pin_anew(session, target->key);
}

static enum dom_status
keep_handoff(struct following *following)
{
	struct dom_session *session = following->session;
	char text[HANDOFF_TEXT_SIZE];
	struct dom_buffer packed = {0};
	enum dom_status st;

	wire_handoff_pack(&packed, &following->signed_handoff);
	if ((st = dom_buffer_finish(&packed)) < 0) {
		dom_buffer_free(&packed);
		return no_memory(session);
	}
	dom_hex_encode(dom_buffer_slice(&packed), text);
	dom_buffer_free(&packed);
	if ((st = dom_state_known_take(session->state)) < 0 ||
	    (st = dom_state_set(session->state, "handoff", dom_slice_of(text))) < 0 ||
	    (st = dom_state_commit_for_good(session->state)) < 0) {
		dom_position_set(&session->position, "");
		return dom_session_fail_state(session, st);
	}
	return DOM_OK;
}

/* We are there; what a later run of the program needs. */
static enum dom_status
settle(struct following *following)
{
	struct dom_session *session = following->session;
	enum dom_status st = DOM_OK;

	session->home++;
	session->shut_out[0] = '\0';
	/* A device that knew nothing yet has nothing to look for. */
	if (following->password.data == NULL)
		st = keep_handoff(following);
	if (st == DOM_OK)
		st = dom_session_write(session);
	if (st == DOM_OK)
		st = keep_region(session, &following->target, following->handoff.epoch);
	return st;
}

/* --- all of it ------------------------------------------------------------------- */

static enum dom_status
hop(struct following *following)
{
	struct dom_session *session = following->session;
	enum dom_status st = DOM_EFENCED;

	for (unsigned hops = 0; st == DOM_EFENCED; hops++) {
		if (session->home + hops >= DOM_FOLLOW_MAX)
			return refuse(
			    following, "it is sent from region to region again and again");
		if ((st = check_handoff(following)) == DOM_OK &&
		    (st = arrive(following)) == DOM_OK)
			st = enter(following);
	}
	return st;
}

/* What is known before anything is believed. */
static enum dom_status
begin(struct following *following)
{
	struct dom_session *session = following->session;
	const struct wire_group *group;
	const char *region;
	enum dom_status st;

	if ((st = dom_session_drain(session)) != DOM_OK ||
	    (st = dom_session_region(session, &region)) != DOM_OK ||
	    (st = dom_follow_epoch(session, &following->epoch)) != DOM_OK)
		return st;
	snprintf(following->region, sizeof(following->region), "%s", region);
	/* The newest if there is one; the one that is kept will do. */
	if ((st = dom_group_learn(session, true, &group)) != DOM_OK && st != DOM_ENOMEM) {
		char why[DOM_ERROR_SIZE];

		snprintf(why, sizeof(why), "%s", session->error);
		if (dom_group_kept(session, &group) == DOM_OK)
			return DOM_OK;
		return dom_session_fail(session, st < 0 ? st : DOM_EINTEGRITY, "%s", why);
	}
	return st;
}

enum dom_status
dom_follow(struct dom_session *session, const char *username, struct dom_slice password,
    struct dom_slice moved)
{
	struct following following = {
	    .session = session, .username = strdup(username), .password = password};
	bool was_logging_in = session->logging_in;
	enum dom_status st = DOM_ENOMEM;

	dom_buffer_append_slice(&following.moved, moved);
	if (following.username == NULL || dom_buffer_finish(&following.moved) < 0) {
		no_memory(session);
		goto out;
	}
	session->logging_in = true;
	if ((st = begin(&following)) == DOM_OK)
		st = hop(&following);
	if (st == DOM_OK) {
		dom_place_close(&following.origin);
		st = settle(&following);
	} else if (following.left) {
		dom_session_return(session, &following.origin);
	}
	session->logging_in = was_logging_in;
out:
	free(following.username);
	dom_buffer_free(&following.moved);
	return st;
}

enum dom_status
dom_follow_epoch(struct dom_session *session, uint64_t *epoch_r)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_slice text;
	enum dom_status st;

	*epoch_r = 0;
	if (arena == NULL)
		return no_memory(session);
	if ((st = dom_state_get(session->state, "epoch", arena, &text)) < 0)
		dom_session_fail_state(session, st);
	else
		*epoch_r = strtoull((const char *)text.data, NULL, 10);
	dom_arena_free(&arena);
	return st;
}

/* --- after a stop ---------------------------------------------------------------- */

/* A URL as it stands in the session file, which ends with a slash. */
static bool
is_address(struct dom_slice address, const char *server_url)
{
	size_t size = strlen(server_url);

	if (size > 0 && server_url[size - 1] == '/' &&
	    (address.size == 0 || address.data[address.size - 1] != '/'))
		size--;
	return dom_slice_equal(address, dom_slice(server_url, size));
}

static bool
lives_at(const struct wire_group_region *region, const char *server_url)
{
	for (size_t i = 0; i < region->address_count; i++) {
		if (is_address(region->addresses[i], server_url))
			return true;
	}
	return false;
}

static enum dom_status
mend(struct dom_session *session, struct dom_slice text)
{
	uint8_t packed[WIRE_MOVE_HANDOFF_SIZE_MAX], pinned[DOM_PUBLIC_KEY_SIZE];
	const struct wire_group_region *target = NULL;
	const struct wire_group *group;
	struct wire_signed_move message;
	struct wire_move handoff;
	size_t size = 0;

	if (dom_hex_decode(text, packed, sizeof(packed), &size) != DOM_OK ||
	    wire_handoff_unpack(dom_slice(packed, size), &message) != DOM_OK ||
	    wire_move_decode(message.bytes, &handoff) != DOM_OK)
		return DOM_OK;
	if (dom_group_kept(session, &group) == DOM_OK)
		target = wire_group_find(group, handoff.target);
	if (target == NULL || !lives_at(target, session->server_url))
		return DOM_OK;
	if (dom_slice_is(target->name, session->region) &&
	    dom_region_key(session, pinned) == DOM_OK &&
	    memcmp(pinned, target->key, sizeof(pinned)) == 0)
		return DOM_OK;
	return keep_region(session, target, handoff.epoch);
}

enum dom_status
dom_follow_mend(struct dom_session *session)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_slice text;
	enum dom_status st;

	if (arena == NULL)
		return no_memory(session);
	if ((st = dom_state_get(session->state, "handoff", arena, &text)) < 0)
		dom_session_fail_state(session, st);
	else if (text.size > 0)
		st = mend(session, text);
	dom_arena_free(&arena);
	return st;
}
