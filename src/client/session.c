/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Opening and closing sessions, and what they know about themselves. */
#include "crypto/session.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/wipe.h"

#include "wire/statement.h"

#include "client/call.h"
#include "client/files.h"
#include "client/follow.h"
#include "client/group.h"
#include "client/session.h"
#include "client/statement.h"

enum { SESSION_FILE_SIZE_MAX = 64 << 10 };

/* The first two in this order: dom_session_remove_files(). */
static const char *const state_files[] = {"session", "storage.key", "session.new",
    "storage.key.new", "region.pub", "region.pub.new", "group", "group.new", "state.db",
    "state.db-wal", "state.db-shm", "state.db-journal", "lock"};

static void complain(struct dom_complaint *complaint, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
complain(struct dom_complaint *complaint, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(complaint->text, sizeof(complaint->text), format, args);
	va_end(args);
}

enum dom_status
dom_session_fail(struct dom_session *session, enum dom_status status, const char *format, ...)
{
	char text[DOM_ERROR_SIZE];
	va_list args;

	/* Not in place: an argument may be the error of before. */
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	memcpy(session->error, text, sizeof(text));
	return status;
}

enum dom_status
dom_session_fail_state(struct dom_session *session, enum dom_status status)
{
	if (dom_state_damaged(session->state))
		return dom_session_fail(session, status,
		    "The index in %s is damaged (%s). It only remembers what the region holds, "
		    "and that is safe: run the same command again, it makes a new one",
		    session->folder, dom_state_message(session->state));
	return dom_session_fail(session, status,
	    "The local state in %s cannot be used: %s. What the region holds is safe",
	    session->folder, dom_state_message(session->state));
}

bool
dom_session_keep_text(char **text, struct dom_slice value)
{
	char *copy = strndup(value.data == NULL ? "" : (const char *)value.data, value.size);

	if (copy == NULL)
		return false;
	free(*text);
	*text = copy;
	return true;
}

bool
dom_session_text_plain(struct dom_slice text)
{
	for (size_t i = 0; i < text.size; i++) {
		uint8_t byte = text.data[i];

		/* U+0080 to U+009F steer terminals too. */
		if (byte < 0x20 || byte == 0x7f ||
		    (byte == 0xc2 && i + 1 < text.size && text.data[i + 1] < 0xa0))
			return false;
	}
	return true;
}

static void
cannot_use(const char *folder, struct dom_complaint *complaint_r)
{
	complain(complaint_r, "The folder %s cannot be used: %s. What the region holds is safe",
	    folder, strerror(errno));
}

static enum dom_status
lock_folder(struct dom_session *session, const char *folder, bool fresh,
    struct dom_complaint *complaint_r)
{
	enum dom_status st;

	/* What cannot be looked at is not gone: nobody logs in anew over it. */
	if (!fresh && (st = dom_file_find(folder, ".")) != DOM_OK) {
		if (st == DOM_ABSENT)
			complain(complaint_r, "This device is not logged in (there is no %s)",
			    folder);
		else
			cannot_use(folder, complaint_r);
		return st;
	}
	if ((fresh && (st = dom_folder_make(folder)) < 0) ||
	    (st = dom_folder_lock(folder, &session->lock_fd)) < 0) {
		cannot_use(folder, complaint_r);
		return st;
	}
	if (st == DOM_CONFLICT) {
		complain(complaint_r,
		    "Another domicile is using %s at the moment; wait for it or stop it",
		    folder);
		return st;
	}
	st = dom_file_find(folder, "session");
	if (st < 0) {
		cannot_use(folder, complaint_r);
	} else if (fresh && st == DOM_OK) {
		complain(complaint_r,
		    "This device is logged in already (in %s). Log out first, or use another "
		    "folder",
		    folder);
		st = DOM_CONFLICT;
	} else if (fresh) {
		st = DOM_OK;
	} else if (st == DOM_ABSENT) {
		complain(complaint_r, "This device is not logged in (in %s)", folder);
	}
	return st;
}

static void
remove_index(const char *folder)
{
	for (size_t i = 0; i < sizeof(state_files) / sizeof(state_files[0]); i++)
		if (strncmp(state_files[i], "state.db", 8) == 0)
			(void)dom_file_remove(folder, state_files[i]);
}

static enum dom_status
open_state(struct dom_session *session, bool fresh, struct dom_complaint *complaint_r)
{
	char path[PATH_MAX], why[256] = "";
	enum dom_status st;

	if (fresh)
		for (size_t i = 0; i + 1 < sizeof(state_files) / sizeof(state_files[0]); i++)
			(void)dom_file_remove(session->folder, state_files[i]);
	if (snprintf(path, sizeof(path), "%s/state.db", session->folder) >= (int)sizeof(path))
		return DOM_EFILE;
	st = dom_state_open(path, &session->state, why, sizeof(why));
	if (st == DOM_EINTEGRITY) {
		/* It can be learned again from the region, so nobody need be asked. */
		remove_index(session->folder);
		st = dom_state_open(path, &session->state, why, sizeof(why));
	}
	if (st < 0)
		complain(complaint_r,
		    "The local state %s cannot be opened: %s. What the region holds is safe",
		    path, why);
	return st;
}

enum dom_status
dom_session_prepare(const struct dom_session_options *options, bool fresh,
    struct dom_session **session_r, struct dom_complaint *complaint_r)
{
	struct dom_session *session = NULL;
	enum dom_status st;

	*session_r = NULL;
	complain(complaint_r, "There is not enough memory");
	if ((st = dom_crypto_start()) < 0 || (session = calloc(1, sizeof(*session))) == NULL) {
		if (options->transport != NULL)
			options->transport->close(options->transport);
		return DOM_ENOMEM;
	}
	session->transport = options->transport;
	session->lock_fd = -1;
	session->random = dom_random_system();
	session->retry_first_ms = DOM_CALL_RETRY_FIRST_MS;
	session->folder = strdup(options->state_folder);
	if (session->folder == NULL ||
	    !dom_session_keep_text(&session->device, dom_slice_of(options->device))) {
		st = DOM_ENOMEM;
		goto out;
	}
	if ((st = lock_folder(session, options->state_folder, fresh, complaint_r)) != DOM_OK)
		goto out;
	if ((st = open_state(session, fresh, complaint_r)) < 0)
		goto out;
	*session_r = session;
	session = NULL;
out:
	dom_session_close(&session);
	return st;
}

void
dom_session_give_up(struct dom_session **session, struct dom_complaint *complaint_r)
{
	if (*session != NULL && (*session)->error[0] != '\0')
		complain(
		    complaint_r, "%.*s", (int)sizeof(complaint_r->text) - 1, (*session)->error);
	dom_session_close(session);
}

static enum dom_status
load_keys(
    struct dom_session *session, struct dom_arena *arena, struct dom_saved_session *saved_r)
{
	struct dom_buffer text = {0}, key = {0};
	enum dom_status st;

	if ((st = dom_file_read(session->folder, "session", SESSION_FILE_SIZE_MAX, &text)) !=
	        DOM_OK ||
	    (st = dom_file_read(session->folder, "storage.key", 4096, &key)) != DOM_OK)
		goto out;
	st = DOM_EINPUT;
	if (key.size != DOM_STORAGE_KEY_SIZE)
		goto out;
	if ((st = dom_session_restore(dom_buffer_slice(&text), dom_buffer_slice(&key), arena,
	         saved_r, &session->main)) < 0)
		goto out;
	st = dom_account_open(
	    session->main, saved_r->encrypted_content, &session->account, &session->identity);
	if (st == DOM_OK)
		dom_identity_public(session->identity, session->identity_public);
out:
	dom_buffer_free(&text);
	dom_buffer_free(&key);
	return st;
}

static enum dom_status
recall(struct dom_session *session, struct dom_arena *arena,
    const struct dom_session_options *options, const struct dom_saved_session *saved)
{
	struct dom_session_options remembered = *options;
	struct dom_slice position, region, ca_file, url;
	enum dom_status st;

	if ((st = dom_state_get(session->state, "position", arena, &position)) < 0 ||
	    (st = dom_state_get(session->state, "region", arena, &region)) < 0 ||
	    (st = dom_state_get(session->state, "ca_file", arena, &ca_file)) < 0)
		return dom_session_fail_state(session, st);
	dom_position_set(&session->position, (const char *)position.data);
	snprintf(session->region, sizeof(session->region), "%s", (const char *)region.data);
	if (remembered.ca_file == NULL && ca_file.size > 0)
		remembered.ca_file = (const char *)ca_file.data;
	url = dom_arena_copy(arena, saved->server_url);
	if (url.data == NULL || !dom_session_keep_text(&session->username, saved->username) ||
	    !dom_session_keep_text(&session->email, saved->email))
		return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
	dom_buffer_append_slice(&session->encrypted_content, saved->encrypted_content);
	snprintf(session->token, sizeof(session->token), "%.*s", (int)saved->auth_token.size,
	    saved->auth_token.data == NULL ? "" : (const char *)saved->auth_token.data);
	if ((st = dom_session_connect(session, (const char *)url.data, &remembered)) < 0)
		return st;
	return dom_follow_mend(session);
}

enum dom_status
dom_session_open(const struct dom_session_options *options, struct dom_session **session_r,
    struct dom_complaint *complaint_r)
{
	struct dom_saved_session saved;
	struct dom_session *session;
	struct dom_arena *arena = NULL;
	enum dom_status st;

	*session_r = NULL;
	if ((st = dom_session_prepare(options, false, &session, complaint_r)) != DOM_OK)
		return st;
	if ((arena = dom_arena_new(0)) == NULL) {
		st = dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
		goto out;
	}
	if ((st = load_keys(session, arena, &saved)) == DOM_EFILE) {
		st = dom_session_fail(session, st,
		    "The saved session in %s cannot be read at the moment: %s. What the region "
		    "holds is safe; try again",
		    session->folder, strerror(errno));
		goto out;
	}
	if (st != DOM_OK) {
		st = dom_session_fail(session, st < 0 ? st : DOM_EFILE,
		    "The saved session in %s cannot be read: it is damaged or storage.key is "
		    "not "
		    "its key. What the region holds is safe; log out and log in again",
		    session->folder);
		goto out;
	}
	if ((st = recall(session, arena, options, &saved)) < 0)
		goto out;
	*session_r = session;
	session = NULL;
out:
	dom_arena_free(&arena);
	dom_session_give_up(&session, complaint_r);
	return st;
}

void
dom_session_close(struct dom_session **session)
{
	struct dom_session *old = *session;
	bool damaged;

	if (old == NULL)
		return;
	*session = NULL;
	old->closing = true;
	if (old->transport != NULL)
		old->transport->close(old->transport);
	dom_session_drop_calls(old);
	damaged = old->state != NULL && dom_state_damaged(old->state);
	dom_state_close(&old->state);
	if (damaged && old->folder != NULL)
		remove_index(old->folder);
	dom_identity_key_free(&old->identity);
	dom_account_key_free(&old->account);
	dom_main_key_free(&old->main);
	dom_buffer_free(&old->encrypted_content);
	if (old->lock_fd >= 0)
		close(old->lock_fd);
	free(old->folder);
	free(old->server_url);
	free(old->host);
	free(old->username);
	free(old->email);
	free(old->device);
	free(old->ca_file);
	dom_group_free(&old->group);
	dom_wipe(old->token, sizeof(old->token));
	free(old);
}

enum dom_status
dom_session_forget(const char *state_folder, struct dom_complaint *complaint_r)
{
	enum dom_status st;
	int lock_fd = -1;

	if ((st = dom_folder_lock(state_folder, &lock_fd)) != DOM_OK) {
		complain(complaint_r,
		    st == DOM_CONFLICT ? "Another domicile is using %s at the moment"
		                       : "The folder %s cannot be used",
		    state_folder);
		return st;
	}
	if ((st = dom_session_remove_files(state_folder)) < 0)
		complain(complaint_r,
		    "Who reads the files in %s is logged in, and they cannot be removed: %s. "
		    "Try again, or remove the folder",
		    state_folder, strerror(errno));
	close(lock_fd);
	return st;
}

enum dom_status
dom_session_remove_files(const char *folder)
{
	char receipts[PATH_MAX];
	enum dom_status st = DOM_OK;
	int saved;

	/*
	 * Whoever logs out is logged out, after a power cut too; and one between the two leaves
	 * a key to nothing, not a session that nobody can open.
	 */
	for (size_t i = 0; i < 2 && st == DOM_OK; i++) {
		st = dom_file_remove(folder, state_files[i]);
		if (st == DOM_OK)
			st = dom_folder_sync(folder);
		if (st < 0 && errno == ENOENT)
			st = DOM_OK;
	}
	saved = errno;
	for (size_t i = 0; i < sizeof(state_files) / sizeof(state_files[0]); i++)
		(void)dom_file_remove(folder, state_files[i]);
	if (snprintf(receipts, sizeof(receipts), "%s/" DOM_RECEIPTS_FOLDER, folder) <
	    (int)sizeof(receipts)) {
		dom_folder_remove(receipts, DOM_SHOWN_SUFFIX);
		dom_folder_remove(receipts, DOM_CERTIFICATE_SUFFIX);
		dom_folder_remove(receipts, DOM_RECEIPT_SUFFIX);
	}
	(void)rmdir(folder);
	errno = saved;
	return st;
}

enum dom_status
dom_session_write(struct dom_session *session)
{
	const struct dom_saved_session saved = {
	    .username = dom_slice_of(session->username),
	    .email = dom_slice_of(session->email),
	    .pubkey = dom_slice(session->identity_public, DOM_PUBLIC_KEY_SIZE),
	    .encrypted_content = dom_buffer_slice(&session->encrypted_content),
	    .server_url = dom_slice_of(session->server_url),
	    .auth_token = dom_slice_of(session->token),
	};
	struct dom_buffer text = {0}, key = {0};
	enum dom_status st;

	st = dom_file_read(session->folder, "storage.key", 4096, &key);
	if (st == DOM_ABSENT) {
		uint8_t *room = dom_buffer_room(&key, DOM_STORAGE_KEY_SIZE);

		st = DOM_ENOMEM;
		if (room == NULL)
			goto out;
		dom_random_fill(&session->random, room, DOM_STORAGE_KEY_SIZE);
		dom_buffer_grew(&key, DOM_STORAGE_KEY_SIZE);
		st = dom_file_write(session->folder, "storage.key", dom_buffer_slice(&key));
	}
	if (st < 0)
		goto out;
	if ((st = dom_session_save(
	         &saved, session->main, dom_buffer_slice(&key), &session->random, &text)) < 0)
		goto out;
	st = dom_file_write(session->folder, "session", dom_buffer_slice(&text));
out:
	if (st < 0)
		dom_session_fail(session, st, "The session cannot be saved in %s: %s",
		    session->folder, strerror(errno));
	dom_buffer_free(&text);
	dom_buffer_free(&key);
	return st;
}

enum dom_status
dom_session_commit(struct dom_session *session)
{
	enum dom_status st = dom_state_commit(session->state);

	if (st < 0) {
		dom_position_set(&session->position, "");
		return dom_session_fail_state(session, st);
	}
	return DOM_OK;
}

enum dom_status
dom_session_wrote(struct dom_session *session, const char *header, int64_t collection)
{
	struct dom_slice at;
	enum dom_status st;

	if (!dom_position_wrote(&session->position, header))
		return DOM_OK;
	at = dom_slice_of(session->position.at);
	if ((st = dom_state_set(session->state, "token", at)) < 0 ||
	    (st = dom_state_set(session->state, "position", at)) < 0 ||
	    (collection != 0 &&
	        (st = dom_state_collection_token(session->state, collection, at)) < 0))
		return dom_session_fail_state(session, st);
	return DOM_OK;
}

const char *
dom_session_username(const struct dom_session *session)
{
	return session->username;
}

const char *
dom_session_address(struct dom_session *session)
{
	snprintf(session->address, sizeof(session->address), "%.1000s%s%s", session->username,
	    session->region[0] == '\0' ? "" : "@", session->region);
	return session->address;
}

const char *
dom_session_server(const struct dom_session *session)
{
	return session->server_url;
}

const char *
dom_session_email(const struct dom_session *session)
{
	return session->email == NULL ? "" : session->email;
}

void
dom_session_identity(const struct dom_session *session, uint8_t public_key_r[32])
{
	memcpy(public_key_r, session->identity_public, DOM_PUBLIC_KEY_SIZE);
}

const char *
dom_session_error(const struct dom_session *session)
{
	return session->error;
}

void
dom_session_figures(const struct dom_session *session, struct dom_figures *figures_r)
{
	*figures_r = session->figures;
}

enum dom_status
dom_session_region(struct dom_session *session, const char **region_r)
{
	struct wire_region region;
	struct dom_call *call;
	enum dom_status st;

	*region_r = session->region;
	if (session->region[0] != '\0')
		return DOM_OK;
	if ((call = dom_call_new(session, "GET", "domicile/v1/region/")) == NULL)
		return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
	call->anonymous = true;
	call->stays = true;
	if ((st = dom_call_run(call)) == DOM_OK)
		st = wire_region_decode(dom_call_reply(call), &region);
	if (st == DOM_OK &&
	    (region.name.size == 0 || region.name.size >= sizeof(session->region) ||
	        !dom_session_text_plain(region.name)))
		st = DOM_EINPUT;
	if (st == DOM_OK)
		st = dom_session_pin(session, region.public_key);
	if (st == DOM_OK) {
		snprintf(session->region, sizeof(session->region), "%.*s",
		    (int)region.name.size, (const char *)region.name.data);
		st = dom_state_set(session->state, "region", region.name);
		st = st < 0 ? dom_session_fail_state(session, st) : dom_session_commit(session);
	} else if (st == DOM_ABSENT || st == DOM_EINPUT) {
		st = dom_session_fail(session, DOM_ESERVER,
		    "%s is not a domicile region (it may be another Etebase server): it cannot "
		    "keep consents",
		    session->server_url);
	}
	dom_call_free(&call);
	return st;
}
