/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_RESTORE_RUN_H
#define CLI_RESTORE_RUN_H

#include "cli/cli.h"
#include "cli/collections.h"
#include "cli/restore.h"

/*
 * One run of `domicile restore`, service by service; `domicile export` does the
 * same collection by collection, and wants to hear of each file and item.
 */
struct restore;

/* A file that stands complete under its name. */
struct restored {
	const char *path; /* below the folder */
	const char *item; /* uid of the item that it is, NULL: it gathers many */
	uint64_t size;
	int64_t mtime_ms; /* 0: unknown */
	uint8_t digest[32];
};

struct restore_watch {
	enum dom_status (*file)(struct restore *restore, const struct restored *file);
	/* Each good item, before the file that it is or goes into. */
	enum dom_status (*item)(struct restore *restore, const struct dom_item_info *info);
	enum dom_status (*left_out)(
	    struct restore *restore, const struct dom_item_info *info, enum dom_status status);
};

struct restore {
	struct cli *cli;
	struct restore_folder folder;
	const struct restore_watch *watch; /* NULL: nobody */
	const char *below;                 /* paths begin with it: "" or "content/" */
	const char *records_name;          /* NULL: what the kind of record is called */
	struct known_collections all;
	int64_t started_ms;
	uint64_t items, files, bad;
	int error; /* errno of our own writing, 0: it was not that */
	/* the service at hand */
	enum service_id service;
	uint64_t done_items, done_bytes, kept;
	/* the item at hand */
	uint64_t item_bytes;
	struct restore_file file;
	/*
	 * Records are gathered in a file without a name until all are checked: only
	 * then their number is known, and a record may be larger than memory.
	 */
	int spool; /* -1: none */
	uint64_t spool_size;
	uint64_t *sizes; /* of each record */
	size_t size_count, size_room;
	char path[PATH_SIZE_MAX + 1]; /* what the records' file is called */
};

DOM_MUST_CHECK enum dom_status restore_files_fetch(struct restore *restore, const char *uid);

DOM_MUST_CHECK enum dom_status restore_records_begin(struct restore *restore);
DOM_MUST_CHECK enum dom_status restore_records_fetch(struct restore *restore, const char *uid);
DOM_MUST_CHECK enum dom_status restore_records_write(
    struct restore *restore, enum format_kind kind);
void restore_records_end(struct restore *restore);

/*
 * Give the file that was written its name below `below`, and tell the watch;
 * like restore_end().
 */
DOM_MUST_CHECK enum dom_status restore_place(struct restore *restore, struct restore_file *file,
    const char *path, const char *other, const struct restored *about,
    char path_r[PATH_SIZE_MAX + 1], bool *kept_r);

/* Say what failed, ours or the library's. */
enum cli_exit restore_failed(struct restore *restore, enum dom_status status);

#endif
