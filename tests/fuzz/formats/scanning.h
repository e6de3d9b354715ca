/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef FUZZ_FORMATS_SCANNING_H
#define FUZZ_FORMATS_SCANNING_H

#include "formats/records.h"

int file_of(const uint8_t *data, size_t size);

/*
 * Scan the bytes, check what each record claims, write the records to files of
 * their own, and scan those: every contact, message and call must come back
 * with the same bytes, and no fewer events than were written.
 */
void scan_and_write_back(enum format_file file, const uint8_t *data, size_t size);

#endif
