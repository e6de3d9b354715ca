/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The look into photos, and the recognition of files, over any bytes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/photo.h"
#include "scanning.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t head_size = size < FORMAT_HEAD_SIZE ? size : FORMAT_HEAD_SIZE;
	struct format_photo photo;
	int fd = file_of(data, size);

	(void)format_recognise(dom_slice(data, head_size), "sms-1.xml");
	if (format_photo_look(fd, &photo) != DOM_OK || photo.mime == NULL ||
	    photo.orientation > 8)
		abort();
	if (memchr(photo.make, 0, sizeof(photo.make)) == NULL ||
	    memchr(photo.model, 0, sizeof(photo.model)) == NULL)
		abort();
	close(fd);
	return 0;
}
