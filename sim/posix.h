/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_POSIX_H
#define SIM_POSIX_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "sim/disk_parts.h"

/* What the files behind the wrapped system calls share. */
struct sim_open {
	struct sim_disk *disk; /* NULL: free */
	struct sim_node *node;
	uint64_t boot;
	size_t offset;
	bool appends, holds_shared, holds_alone;
};

enum { SIM_FD_FIRST = 1 << 24 }; /* descriptors from here on are ours */

/* NULL with errno: not open, or opened before a crash. */
struct sim_open *sim_open_at(int fd);
static inline bool
sim_is_fd(int fd)
{
	return fd >= SIM_FD_FIRST;
}

/* Where a path of a system call leads to, if it is ours. */
struct sim_place {
	struct sim_disk *disk;
	struct sim_node *folder, *node;
	char last[256];
	int code; /* 0, or -errno: -ENOENT with folder set: only the last name is missing */
};
bool sim_place_of(int at, const char *path, struct sim_place *place_r);
/* -1 with errno, or 0, as system calls have it. */
int sim_answer(int code);
/* A descriptor of the node. */
int sim_open_new(struct sim_disk *disk, struct sim_node *node, int flags);

/* What stat() says. */
void sim_tell(const struct sim_node *node, struct stat *info_r);

#endif
