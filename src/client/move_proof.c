/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The certificate of a move: fetched, checked, written to a file. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"

#include "wire/certificate.h"

#include "client/files.h"
#include "client/group.h"
#include "client/move_parts.h"
#include "client/statement.h"

static enum dom_status
no_memory(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
}

static enum dom_status
is_bad(struct dom_session *session, const char *why)
{
	return dom_session_fail(session, DOM_EINTEGRITY,
	    "The certificate that the region shows for this move proves nothing: %s. It was "
	    "not kept; ask the region's operator",
	    why);
}

/* Is it good, is it ours, and is it the one that was asked for? */
static enum dom_status
check(struct dom_session *session, const char *id, struct dom_slice bytes,
    struct dom_arena *arena, struct wire_certificate_view *view_r)
{
	uint8_t mine[DOM_PUBLIC_KEY_SIZE];
	char move[DOM_MOVE_ID_TEXT_SIZE + 1];
	const struct wire_group *group;
	const char *why;
	enum dom_status st = dom_group_kept(session, &group);

	if (st == DOM_ABSENT)
		st = dom_group_learn(session, true, &group);
	if (st != DOM_OK)
		return st < 0 ? st : is_bad(session, "The region is in no group");
	st = wire_certificate_check(
	    bytes, dom_slice(group->key, sizeof(group->key)), arena, view_r, &why);
	if (st != DOM_OK)
		return st == DOM_ENOMEM ? no_memory(session) : is_bad(session, why);
	if (memcmp(view_r->active.account, session->identity_public, DOM_PUBLIC_KEY_SIZE) != 0)
		return is_bad(session, "It is of another account");
	dom_statement_public(session->account, mine);
	if (!dom_slice_equal(
	        view_r->order.parts.statement_public, dom_slice(mine, sizeof(mine))))
		return is_bad(session, "The order in it is not signed by this account");
	dom_hex_encode(dom_slice(view_r->active.move, WIRE_MOVE_ID_SIZE), move);
	if (strcmp(move, id) != 0)
		return is_bad(session, "It is of another move");
	return DOM_OK;
}

enum dom_status
dom_move_ask_certificate(struct dom_session *session, const char *id, struct dom_arena *arena,
    struct wire_certificate_view *view_r, struct dom_call **call_r)
{
	uint8_t bytes[WIRE_MOVE_ID_SIZE];
	size_t size = 0;
	enum dom_status st;

	*call_r = NULL;
	if (strlen(id) != DOM_MOVE_ID_TEXT_SIZE ||
	    dom_hex_decode(dom_slice_of(id), bytes, sizeof(bytes), &size) != DOM_OK)
		return dom_session_fail(
		    session, DOM_EINPUT, "\"%.60s\" is not the number of a move", id);
	*call_r = dom_call_new(session, "GET", "domicile/v1/moves/%s/certificate/", id);
	if (*call_r == NULL)
		return no_memory(session);
	if ((st = dom_call_run(*call_r)) == DOM_ABSENT)
		return dom_session_fail(session, st,
		    "The region has no certificate of this move: it is not over, or another "
		    "region has it");
	return st == DOM_OK ? check(session, id, dom_call_reply(*call_r), arena, view_r) : st;
}

/* Is there a file of this name, and is it not an earlier certificate of the same move? */
static enum dom_status
check_place(struct dom_session *session, const char *folder, const char *name, const char *id)
{
	char move[DOM_MOVE_ID_TEXT_SIZE + 1] = "";
	struct wire_certificate parts;
	struct dom_buffer bytes = {0};
	struct wire_move handoff;
	enum dom_status st = dom_file_read(folder, name, WIRE_CERTIFICATE_SIZE_MAX, &bytes);

	if (st == DOM_OK &&
	    wire_certificate_decode(dom_buffer_slice(&bytes), &parts) == DOM_OK &&
	    wire_move_decode(parts.handoff.bytes, &handoff) == DOM_OK)
		dom_hex_encode(dom_slice(handoff.move, sizeof(handoff.move)), move);
	dom_buffer_free(&bytes);
	if (st == DOM_ABSENT || strcmp(move, id) == 0)
		return DOM_OK;
	return dom_session_fail(session, DOM_EFILE,
	    "%s/%s is there already and is not this move's certificate: name another file",
	    folder, name);
}

static enum dom_status
write_file(struct dom_session *session, const char *folder, const char *name,
    struct dom_slice bytes, const char *id, struct dom_move_certificate *certificate_r)
{
	char receipts[PATH_MAX], own[64];
	enum dom_status st;

	snprintf(receipts, sizeof(receipts), "%s/" DOM_RECEIPTS_FOLDER, session->folder);
	snprintf(own, sizeof(own), "move-%s" DOM_CERTIFICATE_SUFFIX, id);
	if (name == NULL) {
		folder = receipts;
		name = own;
	}
	if ((st = check_place(session, folder, name, id)) != DOM_OK)
		return st;
	if (folder == receipts && (st = dom_folder_make(folder)) < 0)
		goto failed;
	if ((st = dom_file_write(folder, name, bytes)) < 0)
		goto failed;
	snprintf(certificate_r->file, sizeof(certificate_r->file), "%s/%s", folder, name);
	return DOM_OK;
failed:
	return dom_session_fail(session, st, "The certificate cannot be written to %s/%s: %s",
	    folder, name, strerror(errno));
}

enum dom_status
dom_move_certificate(struct dom_session *session, const char *id, const char *folder,
    const char *name, struct dom_move_certificate *certificate_r)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_call *call = NULL;
	struct wire_certificate_view view;
	enum dom_status st;

	*certificate_r = (struct dom_move_certificate){0};
	if (arena == NULL)
		return no_memory(session);
	st = dom_move_ask_certificate(session, id, arena, &view, &call);
	if (st == DOM_OK)
		st = write_file(session, folder, name, dom_call_reply(call), id, certificate_r);
	if (st == DOM_OK) {
		const struct wire_move *active = &view.active;

		dom_move_text(
		    active->source, certificate_r->source, sizeof(certificate_r->source));
		dom_move_text(
		    active->target, certificate_r->target, sizeof(certificate_r->target));
		memcpy(certificate_r->root, active->root, sizeof(certificate_r->root));
		certificate_r->epoch = active->epoch;
		certificate_r->collections = active->sum.collections;
		certificate_r->items = active->sum.items;
		certificate_r->revisions = active->sum.revisions;
		certificate_r->chunks = active->sum.chunks;
		certificate_r->bytes = active->sum.bytes;
		certificate_r->frozen_ms = view.freeze.at_ms;
		certificate_r->handed_over_ms = view.handoff.at_ms;
		certificate_r->has_ack = view.has_ack;
		certificate_r->has_erased = view.has_erased;
	}
	dom_call_free(&call);
	dom_arena_free(&arena);
	return st;
}
