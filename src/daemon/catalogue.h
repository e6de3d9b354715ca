/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_CATALOGUE_H
#define DAEMON_CATALOGUE_H

#include "wire/catalogue.h"

/*
 * The region's catalogue of services from a file, or the one that domiciled
 * carries if path is NULL.  message_r says what is wrong and where.
 * DOM_EFILE; DOM_EINPUT.
 */
DOM_MUST_CHECK enum dom_status catalogue_load(const char *path,
    struct wire_catalogue **catalogue_r, char *message_r, size_t message_size);

#endif
