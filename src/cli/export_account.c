/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What an export tells of the account itself: facts, devices, collections, who shares. */
#include <stdlib.h>
#include <string.h>

#include <domicile/sharing.h>

#include "cli/export.h"

static const char *
access_text(int level)
{
	return level == DOM_ACCESS_ADMIN   ? "admin"
	       : level == DOM_ACCESS_WRITE ? "write"
	                                   : "read";
}

static enum dom_status
json_begin(struct export *export, struct export_text *text, struct json *json)
{
	enum dom_status st = export_text_begin(export, text);

	*json = (struct json){.out = text->out};
	return st;
}

static enum dom_status
put_facts(struct export *export)
{
	const struct dom_session *session = export->restore.cli->session;
	struct export_text text;
	struct json json;
	uint8_t identity[32];
	enum dom_status st = json_begin(export, &text, &json);

	if (st != DOM_OK)
		return st;
	dom_session_identity(session, identity);
	json_open(&json, NULL, '{');
	json_text(&json, "account", dom_session_username(session));
	json_text(&json, "email",
	    dom_session_email(session)[0] == '\0' ? NULL : dom_session_email(session));
	json_text(&json, "region", export->region);
	json_text(&json, "server", dom_session_server(session));
	json_hex(&json, "identity_key", dom_slice(identity, sizeof(identity)));
	json_time(&json, "exported_ms", export->now_ms);
	json_finish(&json);
	return export_text_end(export, &text, "account/account.json");
}

static enum dom_status
put_sessions(struct export *export)
{
	struct dom_device *devices = NULL;
	struct export_text text;
	struct json json;
	size_t count = 0;
	enum dom_status st = dom_devices(export->restore.cli->session, &devices, &count);

	if (st == DOM_OK)
		st = json_begin(export, &text, &json);
	if (st != DOM_OK)
		goto out;
	json_open(&json, NULL, '[');
	for (size_t at = 0; at < count; at++) {
		json_open(&json, NULL, '{');
		json_text(&json, "id", devices[at].id);
		json_text(
		    &json, "device", devices[at].name[0] == '\0' ? NULL : devices[at].name);
		json_time(&json, "created_ms", devices[at].created_ms);
		json_time(&json, "used_ms", devices[at].used_ms);
		json_bool(&json, "is_this", devices[at].is_this);
		json_close(&json);
	}
	json_finish(&json);
	st = export_text_end(export, &text, "account/sessions.json");
out:
	free(devices);
	return st;
}

/* Only who may know the members is told them. */
static enum dom_status
put_members(struct export *export, struct json *json, const struct known_collection *known)
{
	struct dom_member *members = NULL;
	size_t count = 0;
	enum dom_status st;

	if (known->access_level != DOM_ACCESS_ADMIN)
		return DOM_OK;
	st = dom_members(export->restore.cli->session, known->uid, &members, &count);
	if (st == DOM_EDENIED || st == DOM_ABSENT)
		return DOM_OK;
	if (st != DOM_OK)
		return st;
	json_open(json, "members", '[');
	for (size_t at = 0; at < count; at++) {
		json_open(json, NULL, '{');
		json_text(json, "name", members[at].name);
		json_text(json, "access", access_text(members[at].access_level));
		json_close(json);
	}
	json_close(json);
	free(members);
	return DOM_OK;
}

/* Its colour and the like, and what else its app stored of it. */
struct about {
	struct export *export;
	struct json *json;
	const struct known_collection *known;
};

static enum dom_status
put_about(void *context, const struct dom_collection_about *said)
{
	const struct about *about = context;
	char path[128];

	if (said->mtime_ms != 0)
		json_signed(about->json, "modified_ms", said->mtime_ms);
	if (said->extra.size > 0)
		json_pairs(about->json, "other", said->extra);
	if (said->content.size == 0)
		return DOM_OK;
	snprintf(path, sizeof(path), "account/collections/%.64s", about->known->uid);
	json_text(about->json, "content", path);
	return export_bytes(about->export, path, said->content);
}

static enum dom_status
ask_about(struct export *export, struct json *json, const struct known_collection *known)
{
	struct about about = {export, json, known};
	struct dom_collection *collection = NULL;
	enum dom_status st =
	    dom_collection_open(export->restore.cli->session, known->uid, &collection);

	if (st == DOM_OK)
		st = dom_collection_about(collection, put_about, &about);
	dom_collection_free(&collection);
	if (st != DOM_EINTEGRITY)
		return st;
	export->restore.bad++;
	return export_loss(export, known->uid, known->name, st);
}

static enum dom_status
put_collections(struct export *export)
{
	const struct known_collections *all = &export->restore.all;
	struct export_text text;
	struct json json;
	enum dom_status st = json_begin(export, &text, &json);

	if (st != DOM_OK)
		return st;
	json_open(&json, NULL, '[');
	for (size_t at = 0; at < all->count && st == DOM_OK; at++) {
		const struct known_collection *known = &all->list[at];

		json_open(&json, NULL, '{');
		json_text(&json, "collection", known->uid);
		json_text(&json, "type", known->type);
		json_text(&json, "name", known->name);
		json_text(&json, "service",
		    known->service == SERVICE_COUNT ? NULL : services[known->service].name);
		json_text(&json, "access", access_text(known->access_level));
		json_number(&json, "items", known->items);
		export->known = known;
		st = ask_about(export, &json, known);
		if (st == DOM_OK)
			st = put_members(export, &json, known);
		json_close(&json);
	}
	export->known = NULL;
	json_finish(&json);
	if (st == DOM_OK)
		return export_text_end(export, &text, "account/collections.json");
	export_text_drop(export, &text);
	return st;
}

static enum dom_status
put_invitations_of(struct export *export, struct json *json, bool incoming)
{
	struct dom_invitation *list = NULL;
	size_t count = 0;
	enum dom_status st =
	    dom_invitations(export->restore.cli->session, incoming, &list, &count);

	if (st != DOM_OK)
		return st;
	json_open(json, incoming ? "received" : "sent", '[');
	for (size_t at = 0; at < count; at++) {
		json_open(json, NULL, '{');
		json_text(json, incoming ? "from" : "to", list[at].name);
		json_text(json, "collection", list[at].collection);
		json_text(json, "access", access_text(list[at].access_level));
		json_close(json);
	}
	json_close(json);
	free(list);
	return DOM_OK;
}

static enum dom_status
put_invitations(struct export *export)
{
	struct export_text text;
	struct json json;
	enum dom_status st = json_begin(export, &text, &json);

	if (st != DOM_OK)
		return st;
	json_open(&json, NULL, '{');
	st = put_invitations_of(export, &json, true);
	if (st == DOM_OK)
		st = put_invitations_of(export, &json, false);
	json_finish(&json);
	if (st == DOM_OK)
		return export_text_end(export, &text, "account/invitations.json");
	export_text_drop(export, &text);
	return st;
}

enum dom_status
export_account(struct export *export)
{
	enum dom_status st = put_facts(export);

	if (st == DOM_OK)
		st = put_sessions(export);
	if (st == DOM_OK)
		st = put_collections(export);
	if (st == DOM_OK)
		st = put_invitations(export);
	return st;
}
