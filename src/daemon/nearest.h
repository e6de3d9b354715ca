/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_NEAREST_H
#define DAEMON_NEAREST_H

#include <stddef.h>

/* The word that someone who typed this probably meant; NULL: none is near. */
const char *nearest_word(const char *typed, const char *const *words, size_t count);

#endif
