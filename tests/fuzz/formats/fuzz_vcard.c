/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The vCard reader, and the writer behind it, over any bytes. */
#include "scanning.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scan_and_write_back(FORMAT_FILE_VCARD, data, size);
	return 0;
}
