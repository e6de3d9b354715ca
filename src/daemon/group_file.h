/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_GROUP_FILE_H
#define DAEMON_GROUP_FILE_H

#include "crypto/region.h"

#include "wire/group.h"

/*
 * The group that this region belongs to ("group = FILE"): read at the start,
 * and pinned.  What was accepted last lies in the data folder, as group.seen,
 * byte for byte; a file by another key, of a lower version, or another one of
 * the same version is refused from then on.
 */
struct group_file_options {
	const char *path;   /* NULL: in no group */
	const char *data;   /* the folder with group.seen */
	const char *region; /* our name */
	/* Ours, which the group must say of us; NULL: not looked at, and nothing is pinned. */
	const struct dom_region_key *key;
};

struct group_file {
	struct wire_group group; /* points into bytes, and the arena */
	struct dom_slice bytes;  /* of the file; in the arena */
};

/*
 * DOM_OK: *file_r lies in the arena; NULL: in no group, and message_r is what
 * an operator should know of that, or "".  On a failure message_r says what it
 * means and what to do.
 */
DOM_MUST_CHECK enum dom_status group_file_load(const struct group_file_options *options,
    struct dom_arena *arena, struct group_file **file_r, char *message_r, size_t message_size);

#endif
