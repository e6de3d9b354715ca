/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "client/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum dom_status
file_failure(void)
{
	return errno == ENOSPC || errno == EDQUOT ? DOM_EFULL : DOM_EFILE;
}

static enum dom_status
join(char path_r[PATH_MAX], const char *folder, const char *name)
{
	if (snprintf(path_r, PATH_MAX, "%s/%s", folder, name) < PATH_MAX)
		return DOM_OK;
	errno = ENAMETOOLONG;
	return DOM_EFILE;
}

static bool
sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return good;
}

/*
 * A name in its parent that outlasts a power cut.  One that is there already may have been
 * made a moment ago by a process that was killed before it synced; whose parent cannot be
 * opened was not.
 */
static enum dom_status
make_one(const char *path, bool syncs_anyway)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	bool is_new = mkdir(path, 0700) == 0;
	int saved;

	if (!is_new && errno != EEXIST)
		return file_failure();
	if (!is_new && !syncs_anyway)
		return DOM_OK;
	if (slash == NULL)
		snprintf(parent, sizeof(parent), ".");
	else
		snprintf(parent, sizeof(parent), "%.*s",
		    slash == path ? 1 : (int)(slash - path), path);
	if (sync_folder(parent) || (!is_new && errno == EACCES))
		return DOM_OK;
	saved = errno;
	/* Else whoever tries again would take it for one that was always there. */
	if (is_new)
		(void)rmdir(path);
	errno = saved;
	return file_failure();
}

enum dom_status
dom_folder_make(const char *folder)
{
	char path[PATH_MAX];
	struct stat status;
	enum dom_status st;

	if (snprintf(path, sizeof(path), "%s", folder) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return DOM_EFILE;
	}
	for (char *at = path + 1; *at != '\0'; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if ((st = make_one(path, false)) < 0)
			return st;
		*at = '/';
	}
	if ((st = make_one(path, true)) < 0)
		return st;
	if (stat(path, &status) != 0)
		return DOM_EFILE;
	if (!S_ISDIR(status.st_mode)) {
		errno = ENOTDIR;
		return DOM_EFILE;
	}
	return DOM_OK;
}

enum dom_status
dom_folder_lock(const char *folder, int *fd_r)
{
	char path[PATH_MAX];
	enum dom_status st;
	int fd;

	if ((st = join(path, folder, "lock")) < 0)
		return st;
	if ((fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
		return file_failure();
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		st = errno == EWOULDBLOCK ? DOM_CONFLICT : DOM_EFILE;
		close(fd);
		return st;
	}
	*fd_r = fd;
	return DOM_OK;
}

static bool
write_all(int fd, struct dom_slice content)
{
	while (content.size > 0) {
		ssize_t written = write(fd, content.data, content.size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		content.data += written;
		content.size -= (size_t)written;
	}
	return true;
}

enum dom_status
dom_file_write(const char *folder, const char *name, struct dom_slice content)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	enum dom_status st = DOM_OK;
	int fd, saved;

	if ((st = join(path, folder, name)) < 0)
		return st;
	if (snprintf(temporary, sizeof(temporary), "%s/%s.new", folder, name) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return DOM_EFILE;
	}
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return file_failure();
	if (!write_all(fd, content) || fsync(fd) != 0)
		st = file_failure();
	saved = errno;
	close(fd);
	if (st == DOM_OK && (rename(temporary, path) != 0 || !sync_folder(folder))) {
		st = file_failure();
		saved = errno;
	}
	if (st < 0) {
		unlink(temporary);
		errno = saved;
	}
	return st;
}

enum dom_status
dom_file_read(const char *folder, const char *name, size_t size_max, struct dom_buffer *content)
{
	char path[PATH_MAX];
	enum dom_status st;
	size_t size = 0;
	int fd;

	if ((st = join(path, folder, name)) < 0)
		return st;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) < 0)
		return errno == ENOENT ? DOM_ABSENT : DOM_EFILE;
	for (;;) {
		uint8_t *room = dom_buffer_room(content, 4096);
		ssize_t got;

		if (room == NULL) {
			st = dom_buffer_finish(content);
			break;
		}
		got = read(fd, room, 4096);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			st = DOM_EFILE;
			break;
		}
		if (got == 0)
			break;
		dom_buffer_grew(content, (size_t)got);
		if ((size += (size_t)got) > size_max) {
			st = DOM_ELIMIT;
			break;
		}
	}
	close(fd);
	return st;
}

enum dom_status
dom_file_find(const char *folder, const char *name)
{
	char path[PATH_MAX];
	enum dom_status st = join(path, folder, name);

	if (st == DOM_OK && access(path, F_OK) != 0)
		st = errno == ENOENT || errno == ENOTDIR ? DOM_ABSENT : DOM_EFILE;
	return st;
}

bool
dom_file_exists(const char *folder, const char *name)
{
	return dom_file_find(folder, name) == DOM_OK;
}

void
dom_folder_remove(const char *folder, const char *suffix)
{
	DIR *entries = opendir(folder);
	size_t suffix_size = strlen(suffix);
	struct dirent *entry;

	if (entries == NULL)
		return;
	while ((entry = readdir(entries)) != NULL) {
		size_t size = strlen(entry->d_name);

		if (size > suffix_size &&
		    strcmp(entry->d_name + size - suffix_size, suffix) == 0)
			(void)unlinkat(dirfd(entries), entry->d_name, 0);
	}
	closedir(entries);
	(void)rmdir(folder);
}

enum dom_status
dom_file_remove(const char *folder, const char *name)
{
	char path[PATH_MAX];
	enum dom_status st = join(path, folder, name);

	if (st == DOM_OK && unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR)
		st = DOM_EFILE;
	return st;
}

enum dom_status
dom_folder_sync(const char *folder)
{
	return sync_folder(folder) ? DOM_OK : DOM_EFILE;
}
