/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_WALK_H
#define CLI_WALK_H

#include <domicile/status.h>

#include "base/arena.h"

#include "formats/records.h"

/*
 * The files that a backup is about: what was named, and everything below the
 * folders that were named, in a fixed order.  Symbolic links below a folder are
 * never followed, so a folder leads only to what it holds.
 */
enum walk_skip {
	WALK_LINK,       /* a symbolic link */
	WALK_SPECIAL,    /* a device, pipe or socket */
	WALK_HIDDEN,     /* a folder whose name begins with a dot: thumbnails, trash */
	WALK_SYSTEM,     /* .DS_Store, Thumbs.db and the like */
	WALK_DEEP,       /* more than PATH_DEPTH_MAX folders deep, or too long a name */
	WALK_UNREADABLE, /* errno */
	WALK_SKIP_COUNT,
};

struct walk_file {
	const char *path;  /* below its argument, with '/'; or the argument's own name */
	unsigned argument; /* index of the root */
	enum format_file kind;
	uint64_t size;
};

struct walk_root {
	const char *name; /* as it was given */
	int folder;       /* open, or -1: the argument is a file */
};

struct walk {
	struct walk_root *roots;
	size_t root_count;
	struct walk_file *files;
	size_t count, capacity;
	uint64_t bytes;
	uint64_t skipped[WALK_SKIP_COUNT];
	struct dom_arena *names;
	/* Told of each that is passed over; error is errno or 0. */
	void (*skip)(void *context, const struct walk_root *root, const char *path,
	    enum walk_skip why, int error);
	/* True: stop.  May be NULL. */
	bool (*stop)(void *context);
	void *context;
};

/*
 * Add what an argument names.  DOM_EFILE: it cannot be opened, errno says why;
 * DOM_ESTOPPED; DOM_ENOMEM.
 */
DOM_MUST_CHECK enum dom_status walk_add(struct walk *walk, const char *argument);
void walk_free(struct walk *walk);

/* Open a file that was found, without following links.  -1: errno. */
int walk_open(const struct walk *walk, const struct walk_file *file);

/* "a symbolic link" */
const char *walk_skip_text(enum walk_skip why);

#endif
