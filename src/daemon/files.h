/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_FILES_H
#define DAEMON_FILES_H

#include <sys/types.h>

#include "base/buffer.h"

/* Small files, by their name in an open folder. */

/*
 * The name appears, or is replaced, only once the bytes are on the disk.
 * False: errno says why; EEXIST, if it may not be replaced.
 */
bool file_put(
    int folder, const char *name, struct dom_slice bytes, mode_t mode, bool may_replace);
/*
 * All of a file, appended.  DOM_ABSENT: there is none.  DOM_EFILE: errno says
 * why; EINVAL: it is no file, or larger than size_max.  flags: O_NOFOLLOW, or 0.
 */
DOM_MUST_CHECK enum dom_status file_get(
    int folder, const char *name, int flags, size_t size_max, struct dom_buffer *bytes);

#endif
