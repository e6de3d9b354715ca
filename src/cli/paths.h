/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

#include <stdbool.h>
#include <stddef.h>

/* Names that came from elsewhere, made into names that are safe here. */

enum {
	PATH_NAME_SIZE_MAX = 255, /* of one component, as file systems have it */
	PATH_SIZE_MAX = 3000,     /* of a path below the folder that is restored into */
	PATH_DEPTH_MAX = 64,
};

/*
 * A relative path below a folder, whatever the name was: no root, no "..", no
 * empty component, no control characters, valid UTF-8, bounded.  A name that
 * leaves nothing gives `other`.
 */
void path_safe(const char *name, const char *other, char path_r[PATH_SIZE_MAX + 1]);

/* "photos/a.jpg", 2 gives "photos/a (2).jpg". */
void path_variant(const char *path, unsigned number, char path_r[PATH_SIZE_MAX + 1]);

/*
 * An account's folder: "ana@region.example_8443" for ana and
 * https://region.example:8443.  False: too long, or no host.
 */
bool path_account(const char *name, const char *server_url, char *folder_r, size_t size);

#endif
