/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef BASE_WIPE_H
#define BASE_WIPE_H

#include <string.h>

/* Overwrite with zeros, whatever the compiler thinks of it. */
static inline void
dom_wipe(void *data, size_t size)
{
	if (size != 0)
		explicit_bzero(data, size);
}

#endif
