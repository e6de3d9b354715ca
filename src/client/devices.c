/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The account's sessions on this and other devices. */
#include <stdio.h>
#include <stdlib.h>

#include "wire/etebase.h"
#include "wire/statement.h"

#include "client/call.h"
#include "client/session.h"

/* A device's name is another device's text: it shall not drive a terminal. */
static void
keep_name(char name_r[65], struct dom_slice name)
{
	size_t size = 0;

	for (size_t i = 0; i < name.size && size < 64; i++)
		if (name.data[i] >= 0x20 && name.data[i] != 0x7f)
			name_r[size++] = (char)name.data[i];
	name_r[size] = '\0';
}

enum dom_status
dom_devices(struct dom_session *session, struct dom_device **devices_r, size_t *count_r)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_call *call = dom_call_new(session, "GET", "domicile/v1/sessions/");
	struct wire_session *sessions = NULL;
	struct dom_device *devices = NULL;
	size_t count = 0;
	enum dom_status st = DOM_ENOMEM;

	*devices_r = NULL;
	*count_r = 0;
	if (arena == NULL || call == NULL) {
		dom_session_fail(session, st, "There is not enough memory");
		goto out;
	}
	if ((st = dom_call_run(call)) == DOM_OK)
		st = wire_sessions_decode(dom_call_reply(call), arena, &sessions, &count);
	for (size_t i = 0; i < count && st == DOM_OK; i++)
		if (!dom_session_text_plain(sessions[i].id))
			st = DOM_EINPUT;
	if (st == DOM_ABSENT || st == DOM_EINPUT)
		st = dom_session_fail(session, DOM_ESERVER,
		    "%s does not list sessions: it is not a domicile region",
		    session->server_url);
	if (st != DOM_OK)
		goto out;
	if ((devices = calloc(count + 1, sizeof(*devices))) == NULL) {
		st = dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
		goto out;
	}
	for (size_t i = 0; i < count; i++) {
		snprintf(devices[i].id, sizeof(devices[i].id), "%.*s", (int)sessions[i].id.size,
		    (const char *)sessions[i].id.data);
		keep_name(devices[i].name, sessions[i].device);
		devices[i].created_ms = sessions[i].created_ms;
		devices[i].used_ms = sessions[i].used_ms;
		devices[i].is_this = sessions[i].is_current;
	}
	*devices_r = devices;
	*count_r = count;
out:
	dom_call_free(&call);
	dom_arena_free(&arena);
	return st;
}

enum dom_status
dom_device_revoke(struct dom_session *session, const char *id)
{
	struct dom_call *call;
	enum dom_status st;

	if (id[0] == '\0' ||
	    strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") !=
	        strlen(id))
		return dom_session_fail(session, DOM_ABSENT, "There is no session \"%s\"", id);
	if ((call = dom_call_new(session, "DELETE", "domicile/v1/sessions/%s/", id)) == NULL)
		return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
	if ((st = dom_call_run(call)) == DOM_ABSENT)
		dom_session_fail(session, st, "There is no session \"%s\"", id);
	dom_call_free(&call);
	return st;
}
