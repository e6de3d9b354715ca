/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLIENT_FILES_H
#define CLIENT_FILES_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/buffer.h"

/*
 * Files of the state folder.  DOM_EFILE: errno says why; DOM_EFULL.
 */

/* With the folders above it, mode 0700; it outlasts a power cut. */
DOM_MUST_CHECK enum dom_status dom_folder_make(const char *folder);
/* DOM_CONFLICT: another process has it.  Close fd_r to let go. */
DOM_MUST_CHECK enum dom_status dom_folder_lock(const char *folder, int *fd_r);
/* All of it or what was there before: a file beside it, synced and renamed, mode 0600. */
DOM_MUST_CHECK enum dom_status dom_file_write(
    const char *folder, const char *name, struct dom_slice content);
/* Appended.  DOM_ABSENT; DOM_ELIMIT: over size_max. */
DOM_MUST_CHECK enum dom_status dom_file_read(
    const char *folder, const char *name, size_t size_max, struct dom_buffer *content);
/* DOM_ABSENT: there is none.  DOM_EFILE: the disk does not say. */
DOM_MUST_CHECK enum dom_status dom_file_find(const char *folder, const char *name);
bool dom_file_exists(const char *folder, const char *name);
/* What is not there is removed already. */
enum dom_status dom_file_remove(const char *folder, const char *name);
/* What was removed stays so after a power cut. */
DOM_MUST_CHECK enum dom_status dom_folder_sync(const char *folder);
/* The files of this suffix, and the folder if nothing else is in it. */
void dom_folder_remove(const char *folder, const char *suffix);

#endif
