/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The iCalendar reader, and the writer that merges calendars, over any bytes. */
#include "scanning.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scan_and_write_back(FORMAT_FILE_ICALENDAR, data, size);
	return 0;
}
