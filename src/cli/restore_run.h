/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_RESTORE_RUN_H
#define CLI_RESTORE_RUN_H

#include "cli/cli.h"
#include "cli/collections.h"
#include "cli/restore.h"

/* One run of `domicile restore`, service by service. */
struct restore {
	struct cli *cli;
	struct restore_folder folder;
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

/* Say what failed, ours or the library's. */
enum cli_exit restore_failed(struct restore *restore, enum dom_status status);

#endif
