/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_POSITION_H
#define CLIENT_POSITION_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Where in the account's order of changes this device stands, so that its own
 * writes do not come back with the next sync.  After a full sync the server
 * names the position of the snapshot; each write is answered with the
 * positions before and after it.  A write that starts where we stand moves us;
 * one that starts elsewhere waits for the writes between.  If another device
 * wrote in between, the chain has a gap, we stay, and the next sync closes it.
 * Tokens are text that is only compared.
 */
enum {
	DOM_POSITION_TEXT_MAX = 255, /* longer ones are as good as none */
	DOM_POSITION_EDGES_MAX = 64,
};

struct dom_position_edge {
	char before[DOM_POSITION_TEXT_MAX + 1];
	char after[DOM_POSITION_TEXT_MAX + 1];
};

struct dom_position {
	char at[DOM_POSITION_TEXT_MAX + 1]; /* "": unknown */
	size_t edge_count;
	struct dom_position_edge edges[DOM_POSITION_EDGES_MAX];
};

/* header: of a complete list, one token; "" or nonsense makes it unknown. */
void dom_position_set(struct dom_position *position, const char *header);
/* header: of a write, "BEFORE AFTER".  True if we moved. */
bool dom_position_wrote(struct dom_position *position, const char *header);

#endif
