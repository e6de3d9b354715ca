/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Blobs on their way between folders: for backups and for what is made out of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"

#include "store/dir/dir.h"

enum { COPY_SIZE_MAX = 1 << 30 }; /* in one call */

enum dom_status
blobs_look(int folder, struct blobs **blobs_r)
{
	struct blobs *blobs = calloc(1, sizeof(*blobs));

	*blobs_r = NULL;
	if (blobs == NULL)
		return DOM_ENOMEM;
	pthread_mutex_init(&blobs->folders, NULL);
	blobs->folder =
	    openat(folder, "chunks", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (blobs->folder < 0) {
		enum dom_status st = errno == ENOENT ? DOM_ABSENT : DOM_EFILE;

		blobs_close(&blobs);
		return st;
	}
	*blobs_r = blobs;
	return DOM_OK;
}

/* "<owner>/<2 digits>/<unique>"; it makes the two folders in to. */
static bool
make_folders(const struct blobs *to, char *path)
{
	char *slash = strchr(path, '/');

	for (; slash != NULL; slash = strchr(slash + 1, '/')) {
		int made;

		*slash = '\0';
		made = mkdirat(to->folder, path, 0700);
		*slash = '/';
		if (made != 0 && errno != EEXIST)
			return false;
	}
	return true;
}

/* errno says why not. */
static bool
copy_bytes(int from, int to, uint64_t size)
{
	while (size != 0) {
		ssize_t got = copy_file_range(
		    from, NULL, to, NULL, size > COPY_SIZE_MAX ? COPY_SIZE_MAX : size, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = EIO; /* it became shorter meanwhile */
		if (got <= 0)
			return false;
		size -= (uint64_t)got;
	}
	return true;
}

static enum dom_status
copy_file(int from, const struct blobs *to, const char *path, uint64_t size)
{
	int fd = openat(
	    to->folder, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool copied;

	if (fd < 0)
		return DOM_EFILE;
	copied = copy_bytes(from, fd, size);
	if (close(fd) != 0 || !copied)
		return DOM_EFILE;
	return DOM_OK;
}

enum dom_status
blobs_bring(const struct blobs *from, struct blobs *to, const struct blob_name *name,
    uint64_t size, bool may_link, bool *linked_r)
{
	char path[2 * BLOB_OWNER_SIZE + 1 + 2 + 1 + 2 * BLOB_UNIQUE_SIZE + 1];
	struct stat info;
	enum dom_status st;
	int fd;

	*linked_r = false;
	dom_hex_encode(dom_slice(name->owner, BLOB_OWNER_SIZE), path);
	path[2 * BLOB_OWNER_SIZE] = '/';
	dom_hex_encode(dom_slice(name->unique, 1), path + 2 * BLOB_OWNER_SIZE + 1);
	path[2 * BLOB_OWNER_SIZE + 3] = '/';
	dom_hex_encode(
	    dom_slice(name->unique, BLOB_UNIQUE_SIZE), path + 2 * BLOB_OWNER_SIZE + 4);
	fd = openat(from->folder, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? DOM_ABSENT : DOM_EFILE;
	if (fstat(fd, &info) != 0)
		st = DOM_EFILE;
	else if (!S_ISREG(info.st_mode) || (uint64_t)info.st_size != size)
		st = DOM_ABSENT;
	else if (!make_folders(to, path))
		st = DOM_EFILE;
	else if (may_link && linkat(from->folder, path, to->folder, path, 0) == 0)
		st = DOM_OK, *linked_r = true;
	else
		st = copy_file(fd, to, path, size);
	close(fd);
	return st;
}
