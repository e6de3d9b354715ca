/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DOMICILE_RETENTION_H
#define DOMICILE_RETENTION_H

#include <domicile/session.h>

/*
 * How long the region keeps what nobody needs any more, and whether it has
 * told this account that it will be erased for lack of use.
 */
struct dom_retention_rule {
	const char *what;    /* "history", "unreferenced-chunks", "erased-collections" .. */
	const char *service; /* "contacts" .., or "all" */
	bool at_least;       /* kept for so long, since a law orders it; else at most */
	const char *keep;    /* ISO 8601 duration */
	const char *notice;  /* so long before an account is erased; "": it is not about that */
	const char *reason;  /* of at_least: which law; else "" */
};

struct dom_retention {
	const struct dom_retention_rule *rules;
	size_t count;
	int64_t told_ms; /* milliseconds since 1970; 0: it was not told */
	int64_t end_ms;  /* when it is erased unless it is used; 0: a use has ended that */
};

/* DOM_ABSENT: the region says nothing about it.  *retention_r: dom_retention_free() it. */
DOM_MUST_CHECK enum dom_status dom_retention_ask(
    struct dom_session *session, struct dom_retention **retention_r);
void dom_retention_free(struct dom_retention **retention);

#endif
