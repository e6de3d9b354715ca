/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include "client/client.h"

/* Inside of session.c, login.c and password.c. */

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
 * Keep the region's public key, or compare it with the one that is kept:
 * DOM_EINTEGRITY if it is another.
 */
DOM_MUST_CHECK enum dom_status dom_session_pin(
    struct dom_session *session, struct dom_slice public_key);
/* Remove the files; the folder too if nothing else is in it. */
void dom_session_remove_files(const char *folder);
/* The session's error becomes the complaint, and the session is closed. */
void dom_session_give_up(struct dom_session **session, struct dom_complaint *complaint_r);
/* No control characters in it: it may be shown on a terminal. */
bool dom_session_text_plain(struct dom_slice text);
/* Replace a text that the session owns; false: no memory. */
bool dom_session_keep_text(char **text, struct dom_slice value);

#endif
