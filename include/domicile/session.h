/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DOMICILE_SESSION_H
#define DOMICILE_SESSION_H

#include <domicile/slice.h>
#include <domicile/status.h>
#include <domicile/transport.h>

/*
 * An account on this device: its keys in guarded memory, its connection, its
 * local state in one SQLite file.  A session is used by one thread at a time.
 *
 * The state folder (mode 0700) holds
 *   state.db     what was synced: ids, tokens, digests; never a key in the clear.
 *                If it is damaged it is removed, and the next sync makes it anew.
 *   session      the saved session (Etebase format), sealed under storage.key
 *   storage.key  32 random bytes, mode 0600: who reads both files is logged in
 *   region.pub   the region's public key, pinned at the first log-in
 *   group        the regions that trust each other, signed; see <domicile/move.h>
 * One session at a time opens a folder; a second one gets DOM_CONFLICT.
 *
 * An account that has moved to another region of the group is followed there by
 * whatever function meets that first: it checks what the old region signed, logs in at
 * the new one, and goes on (<domicile/move.h>).
 *
 * A function that fails leaves a sentence for the person: dom_session_error().
 */
struct dom_session;

struct dom_session_options {
	const char *state_folder;        /* made if missing */
	const char *server_url;          /* signup and login; later it is remembered */
	const char *ca_file;             /* NULL: the system's certificates */
	const char *device;              /* what this device is called; NULL: no name */
	struct dom_transport *transport; /* NULL: libcurl; else it is the session's now */
	/*
	 * How to reach another region, once the account has moved there: a transport that is
	 * the session's from then on, or NULL.  NULL: libcurl.
	 */
	struct dom_transport *(*connect)(void *context, const char *server_url);
	void *connect_context;
};

/* A failure before there is a session: size message_size, a sentence. */
struct dom_complaint {
	char text[512];
};

struct dom_credentials {
	const char *username; /* name, or e-mail at login */
	const char *email;    /* signup; "" for none */
	struct dom_slice password;
	const char *invitation; /* signup: a code from the operator; NULL: none */
};

/*
 * Make an account: new keys, nothing turned on.  DOM_CONFLICT: the name or the
 * state folder is taken.  About half a second goes into the password's key.
 */
DOM_MUST_CHECK enum dom_status dom_signup(const struct dom_session_options *options,
    const struct dom_credentials *credentials, struct dom_session **session_r,
    struct dom_complaint *complaint_r);
/* DOM_EAUTH: no such name, or another password. */
DOM_MUST_CHECK enum dom_status dom_login(const struct dom_session_options *options,
    const struct dom_credentials *credentials, struct dom_session **session_r,
    struct dom_complaint *complaint_r);
/* From the state folder, without a password and without a request.  DOM_ABSENT: not logged in.
 */
DOM_MUST_CHECK enum dom_status dom_session_open(const struct dom_session_options *options,
    struct dom_session **session_r, struct dom_complaint *complaint_r);
/* Ends the use; the device stays logged in. */
void dom_session_close(struct dom_session **session);
/*
 * Tell the server, then remove the state folder's files, whatever it answers.
 * DOM_ENETWORK: the server was not told, the files are gone.  DOM_EFILE: they cannot be
 * removed; the session is closed in any case.
 */
DOM_MUST_CHECK enum dom_status dom_logout(
    struct dom_session **session, struct dom_complaint *complaint_r);

/*
 * Remove the files of a session that cannot be opened.  The server is not told:
 * another device can end the session there.  DOM_CONFLICT: it is in use.  DOM_EFILE: they
 * cannot be removed.
 */
DOM_MUST_CHECK enum dom_status dom_session_forget(
    const char *state_folder, struct dom_complaint *complaint_r);

/*
 * The server then ends all other sessions of the account.  DOM_EAUTH: the old
 * password is not right, or it was changed on another device before.
 */
DOM_MUST_CHECK enum dom_status dom_change_password(
    struct dom_session *session, struct dom_slice old_password, struct dom_slice new_password);

/* Borrowed until the session closes. */
const char *dom_session_username(const struct dom_session *session);
const char *dom_session_server(const struct dom_session *session);
/* "" if the account has none. */
const char *dom_session_email(const struct dom_session *session);
/* The account's identity: an Ed25519 public key, the same on all its devices. */
void dom_session_identity(const struct dom_session *session, uint8_t public_key_r[32]);
/* The region's name, asked once and remembered. */
DOM_MUST_CHECK enum dom_status dom_session_region(
    struct dom_session *session, const char **region_r);
/*
 * What a person calls the account: "ana@lisbon", the name and its region; the name alone
 * where the region is not known.  Asks nobody.  Borrowed until the next call.
 */
const char *dom_session_address(struct dom_session *session);
/* What went wrong last, for a person; "" if nothing did. */
const char *dom_session_error(const struct dom_session *session);

struct dom_figures {
	uint64_t requests;
	uint64_t sent_bytes, received_bytes; /* HTTP, headers included, TLS not */
};
void dom_session_figures(const struct dom_session *session, struct dom_figures *figures_r);

/* --- devices ---------------------------------------------------------------- */

struct dom_device {
	char id[23];
	char name[65];
	int64_t created_ms, used_ms;
	bool is_this;
};
/* *devices_r: free() it. */
DOM_MUST_CHECK enum dom_status dom_devices(
    struct dom_session *session, struct dom_device **devices_r, size_t *count_r);
/* DOM_ABSENT: no session has this id. */
DOM_MUST_CHECK enum dom_status dom_device_revoke(struct dom_session *session, const char *id);

#endif
