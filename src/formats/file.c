/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The digest of a whole file, for those that are kept as they are. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/digest.h"

#include "formats/records.h"

enum { BLOCK_SIZE = 64 << 10 };

enum dom_status
format_file_digest(int fd, enum dom_status (*progress)(void *context, uint64_t offset),
    void *context, uint8_t digest_r[DOM_SHA256_SIZE], uint64_t *size_r)
{
	struct dom_sha256 *sha = dom_sha256_new();
	uint8_t *block = malloc(BLOCK_SIZE);
	uint64_t offset = 0;
	enum dom_status st = DOM_OK;

	if (sha == NULL || block == NULL) {
		st = DOM_ENOMEM;
		goto out;
	}
	for (;;) {
		ssize_t got = pread(fd, block, BLOCK_SIZE, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			st = DOM_EFILE;
			goto out;
		}
		if (got == 0)
			break;
		dom_sha256_add(sha, dom_slice(block, (size_t)got));
		offset += (uint64_t)got;
		if (progress != NULL && (st = progress(context, offset)) < 0)
			goto out;
	}
	*size_r = offset;
	st = dom_sha256_finish(sha, digest_r);
out:
	free(block);
	dom_sha256_free(&sha);
	return st;
}
