/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_URI_H
#define HTTP_URI_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/arena.h"

/*
 * Percent-decoding (RFC 3986, 2.1) into the arena; a text without escapes is
 * returned as it stands.  DOM_EINPUT: a broken escape, or one of a NUL byte.
 */
DOM_MUST_CHECK enum dom_status uri_decode(struct dom_slice text, bool plus_is_space,
    struct dom_arena *arena, struct dom_slice *decoded_r);

/*
 * The next name=value of a query, both decoded as forms encode them
 * (etebase-protocol 2.1: "+" is a space).  DOM_ABSENT: no more.
 */
DOM_MUST_CHECK enum dom_status uri_query_next(struct dom_slice *query, struct dom_arena *arena,
    struct dom_slice *name_r, struct dom_slice *value_r);

#endif
