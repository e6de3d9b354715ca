/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_DIR_DIR_H
#define STORE_DIR_DIR_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/blobs.h"

/* What the files of store/dir/ share. */
#define BLOBS_NEW_PREFIX ".new-" /* of a file that is still being written */

enum {
	BLOBS_NAME_TEXT_SIZE = 2 * BLOB_UNIQUE_SIZE + 1,
	BLOBS_NEW_TEXT_SIZE = sizeof(BLOBS_NEW_PREFIX) - 1 + BLOBS_NAME_TEXT_SIZE,
};

struct blobs {
	int folder; /* chunks/ */
	/*
	 * Held while a folder is looked for, made and synced: whoever finds one
	 * must find it on the disk.
	 */
	pthread_mutex_t folders;
	atomic_uint written; /* blobs that were begun; the first is a random number */
	atomic_bool failed;
};

/* Below zero for errno. */
enum dom_status blobs_errno(void);
/* A failed sync may have lost pages for good, and the next one would not tell. */
enum dom_status blobs_sync(struct blobs *blobs, int fd);
/* The folder of a blob that is to be, on the disk with all that lead to it. */
enum dom_status blobs_folder_ensure(
    struct blobs *blobs, const struct blob_name *name, int *fd_r);

#endif
