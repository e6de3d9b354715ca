/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_DIR_DIR_H
#define STORE_DIR_DIR_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/blobs.h"

/* What the files of store/dir/ share. */
#define BLOBS_NEW_PREFIX ".new-" /* of a file that is still being written */

struct blobs {
	int folder; /* chunks/ */
	/*
	 * Held while a folder is looked for, made and synced: whoever finds one
	 * must find it on the disk.
	 */
	pthread_mutex_t folders;
	atomic_bool failed;
};

#endif
