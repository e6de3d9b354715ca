/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_PAGES_H
#define CLIENT_PAGES_H

#include <domicile/slice.h>

/*
 * Following a list page by page until the server says that it is done.  One
 * that never says so sends us in circles: its tokens repeat.  Every token is
 * compared with one from earlier (Brent's way: the one kept is renewed at
 * powers of two), so a circle of n pages is seen within 3n.
 */
enum { DOM_PAGES_MAX = 1000000 };

struct dom_pages {
	uint64_t kept; /* a sum of the token: an equal one is the same */
	uint32_t taken, renew_at;
};

/* There is a page more, behind this token.  False: it would go on for ever. */
static inline bool
dom_pages_more(struct dom_pages *pages, struct dom_slice token)
{
	uint64_t sum =
	    14695981039346656037u; /* FNV-1a; a server that makes sums meet is left */

	for (size_t i = 0; i < token.size; i++)
		sum = (sum ^ token.data[i]) * 1099511628211u;
	if (pages->taken > 0 && sum == pages->kept)
		return false;
	if (pages->taken == pages->renew_at) {
		pages->kept = sum;
		pages->renew_at = 2 * pages->taken + 1;
	}
	return ++pages->taken < DOM_PAGES_MAX;
}

#endif
