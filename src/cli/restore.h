/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_RESTORE_H
#define CLI_RESTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <domicile/status.h>

#include "cli/paths.h"

/*
 * The folder that a restore writes into.
 *
 * Every file is written under a temporary name in the folder itself, synced,
 * and renamed without ever replacing anything:
 *
 *   .domicile-restore      there while a restore is unfinished; names the account
 *   .domicile-N.part       a file being written; left behind only by a kill, and
 *                          removed when the restore is run again
 *
 * A name that is taken by the very same bytes counts as restored; taken by
 * others, " (2)" and so on is added.
 */
struct restore_folder {
	const char *name; /* as it was given */
	int fd;
	unsigned parts; /* temporary names used */
	char **taken;   /* paths of this run, a hash table: two items never share one */
	size_t taken_count, taken_room;
};

enum restore_refusal {
	RESTORE_READY,
	RESTORE_NOT_EMPTY,     /* something is in it, and --into was not given */
	RESTORE_OTHER_ACCOUNT, /* an unfinished restore of another account is */
	RESTORE_UNUSABLE,      /* errno */
};

/* Make or enter the folder; `account` is the name of what is restored. */
enum restore_refusal restore_open(
    struct restore_folder *folder, const char *name, const char *account, bool into);
/* Everything was restored: the marker goes.  DOM_EFILE: errno. */
DOM_MUST_CHECK enum dom_status restore_finish(struct restore_folder *folder);
void restore_close(struct restore_folder *folder);

/* A file that is being written. */
struct restore_file {
	int fd; /* -1: none */
	char part[40];
};

/* DOM_EFILE, DOM_EFULL: errno says why; nothing is left behind. */
DOM_MUST_CHECK enum dom_status restore_begin(
    struct restore_folder *folder, struct restore_file *file_r);
DOM_MUST_CHECK enum dom_status restore_write(
    struct restore_file *file, const void *data, size_t size);
/*
 * Give it its name (a safe path) and time; mtime_ms 0 leaves the time.  other
 * (may be NULL): a plain name to fall back to where the disk cannot hold the
 * first, or a thousand files have it.
 * path_r: the name that it has now; *kept_r: it was there already.
 */
DOM_MUST_CHECK enum dom_status restore_end(struct restore_folder *folder,
    struct restore_file *file, const char *path, const char *other, int64_t mtime_ms,
    char path_r[PATH_SIZE_MAX + 1], bool *kept_r);
void restore_drop(struct restore_folder *folder, struct restore_file *file);

/* A file without a name, gone when it is closed.  -1: errno. */
int restore_nameless(struct restore_folder *folder);

/* errno of a failed write as a status. */
enum dom_status restore_status(int error);

#endif
