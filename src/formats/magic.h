/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef FORMATS_MAGIC_H
#define FORMATS_MAGIC_H

#include <domicile/slice.h>

/* The media type of an image or a video by its first bytes; NULL: it is none that we know. */
const char *format_magic(struct dom_slice head);

#endif
