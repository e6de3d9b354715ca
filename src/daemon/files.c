/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Small files that are there as a whole or not at all. */
#include "daemon/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
write_all(int fd, struct dom_slice bytes)
{
	size_t at = 0;

	while (at < bytes.size) {
		ssize_t written = write(fd, bytes.data + at, bytes.size - at);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		at += (size_t)written;
	}
	return true;
}

bool
file_put(int folder, const char *name, struct dom_slice bytes, mode_t mode, bool may_replace)
{
	char temporary[NAME_MAX + 1];
	bool is_done;
	int fd, saved;

	if ((size_t)snprintf(temporary, sizeof(temporary), ".%s.new", name) >=
	    sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (!may_replace && faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return false;
	}
	unlinkat(folder, temporary, 0);
	fd = openat(
	    folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return false;
	is_done = write_all(fd, bytes) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
	is_done = close(fd) == 0 && is_done;
	is_done =
	    is_done && renameat(folder, temporary, folder, name) == 0 && fsync(folder) == 0;
	if (!is_done) {
		saved = errno;
		unlinkat(folder, temporary, 0);
		errno = saved;
	}
	return is_done;
}

static bool
read_all(int fd, size_t size, struct dom_buffer *bytes)
{
	uint8_t *room = dom_buffer_room(bytes, size);
	size_t at = 0;

	/* The buffer tells of a lack of memory by itself. */
	while (room != NULL && at < size) {
		ssize_t got = read(fd, room + at, size - at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		if (got == 0)
			break;
		at += (size_t)got;
	}
	if (room != NULL)
		dom_buffer_grew(bytes, at);
	return true;
}

enum dom_status
file_get(int folder, const char *name, int flags, size_t size_max, struct dom_buffer *bytes)
{
	/* O_NONBLOCK: what is no file must not make us wait. */
	int fd = openat(folder, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | flags);
	enum dom_status st = DOM_EFILE;
	struct stat info;
	int saved;

	if (fd < 0)
		return errno == ENOENT ? DOM_ABSENT : DOM_EFILE;
	if (fstat(fd, &info) != 0)
		goto out;
	errno = EINVAL;
	if (!S_ISREG(info.st_mode) || info.st_size < 0 || (uint64_t)info.st_size > size_max)
		goto out;
	if (read_all(fd, (size_t)info.st_size, bytes))
		st = dom_buffer_finish(bytes);
out:
	saved = errno;
	close(fd);
	errno = saved;
	return st;
}
