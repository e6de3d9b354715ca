/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

#include "base/arena.h"

#include "http/message.h"

/*
 * Requests of web pages of other origins (etebase-protocol 2.3).  Every page
 * served over HTTP or HTTPS may ask: what it can do here depends on the token
 * that it has, never on cookies.
 */

/* Note the request's origin in the response, which lasts longer than the head. */
DOM_MUST_CHECK enum dom_status cors_note(
    const struct http_head *head, struct dom_arena *arena, struct http_response *response);

/* True if this is a preflight; then the response is ready. */
bool cors_preflight(const struct http_head *head, struct http_response *response);

#endif
