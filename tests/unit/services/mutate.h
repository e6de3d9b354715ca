/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef MUTATE_H
#define MUTATE_H

#include "requests.h"

/* One change to a body, at the place that a field's path names. */
enum change_kind {
	KEEP,
	REPLACE,
	OMIT,
	DUPLICATE,
	ADD_UNKNOWN, /* to the map that is there */
};

struct change {
	enum change_kind kind;
	const char *path;
	struct dom_slice value; /* MessagePack, for REPLACE */
};

/* The body with the change; false: it has no such place, or is no MessagePack any more. */
bool mutate(struct dom_slice body, const struct change *change, struct dom_buffer *out);

/* A replacement for a field, and whether nobody may get away with it. */
struct replacement {
	const char *name;
	struct dom_slice value;
	bool is_refused;
};
enum { REPLACEMENTS_MAX = 40 };
/* All that are worth a try, in the house's arena. */
size_t replacements(const struct field *field, struct replacement list_r[REPLACEMENTS_MAX]);

/* The same for a parameter, whose bytes they are; data NULL: it is not there. */
size_t texts(struct dom_slice list_r[REPLACEMENTS_MAX]);

#endif
