/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include "client/client.h"

/* Inside of session.c, login.c, follow.c and what asks other regions. */

enum { DOM_STORAGE_KEY_SIZE = 32 };

/*
 * A session without keys: its folder made and locked, its transport ready.
 * fresh: for signup and login; DOM_CONFLICT if the folder has a session.
 * Whatever comes out, the options' transport is taken.
 */
DOM_MUST_CHECK enum dom_status dom_session_prepare(const struct dom_session_options *options,
    bool fresh, struct dom_session **session_r, struct dom_complaint *complaint_r);
/* Connect to url (copied), over options' transport or libcurl. */
DOM_MUST_CHECK enum dom_status dom_session_connect(
    struct dom_session *session, const char *url, const struct dom_session_options *options);

/*
 * Another server, for a while or for good.  What is asked there is sent without a
 * token.  Only while nothing is in flight.
 */
struct dom_place {
	struct dom_transport *transport;
	char *server_url, *host;
};
/* On failure the session stays where it is. */
DOM_MUST_CHECK enum dom_status dom_session_go(
    struct dom_session *session, const char *url, struct dom_place *from_r);
/* Back: what came since is closed. */
void dom_session_return(struct dom_session *session, struct dom_place *from);
/* For good: what was before is closed. */
void dom_place_close(struct dom_place *place);

/*
 * Log in with the session's key, or the password if it has none yet; what is learned
 * is the session's on DOM_OK alone, and no file is written.
 *
 *   moved_r      NULL, or gets the server's answer if the account has moved
 *
 *   DOM_EFENCED  it has moved
 */
DOM_MUST_CHECK enum dom_status dom_session_enter(struct dom_session *session,
    const char *username, struct dom_slice password, struct dom_buffer *moved_r);
/*
 * Keep the region's public key, or compare it with the one that is kept:
 * DOM_EINTEGRITY if it is another.
 */
DOM_MUST_CHECK enum dom_status dom_session_pin(
    struct dom_session *session, struct dom_slice public_key);
/*
 * Remove the files; the folder too if nothing else is in it.  DOM_EFILE, with errno: who reads
 * what is left may be logged in.
 */
enum dom_status dom_session_remove_files(const char *folder);
/* The session's error becomes the complaint, and the session is closed. */
void dom_session_give_up(struct dom_session **session, struct dom_complaint *complaint_r);
/* No control characters in it: it may be shown on a terminal. */
bool dom_session_text_plain(struct dom_slice text);
/* Replace the pinned key, whatever it was. */
DOM_MUST_CHECK enum dom_status dom_session_pin_anew(
    struct dom_session *session, const uint8_t public_key[DOM_PUBLIC_KEY_SIZE]);
/* Replace a text that the session owns; false: no memory. */
bool dom_session_keep_text(char **text, struct dom_slice value);

#endif
