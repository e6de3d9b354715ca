/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The folder that a restore writes into: nothing half, nothing replaced, nothing outside. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/restore.h"

#define RESTORE_MARKER ".domicile-restore"

enum {
	COMPARE_SIZE = 64 << 10,
	VARIANTS_MAX = 1000,
};

enum dom_status
restore_status(int error)
{
	if (error == ENOSPC || error == EDQUOT)
		return DOM_EFULL;
	return error == ENOMEM ? DOM_ENOMEM : DOM_EFILE;
}

static bool
is_part(const char *name)
{
	size_t size = strlen(name);

	return size > 15 && strncmp(name, ".domicile-", 10) == 0 &&
	       strcmp(name + size - 5, ".part") == 0;
}

/* What an earlier run wrote for: its account, or "" without an earlier run. */
static void
marker_read(int fd, char *account_r, size_t size)
{
	int marker = openat(fd, RESTORE_MARKER, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t got = marker < 0 ? 0 : read(marker, account_r, size - 1);

	account_r[got < 0 ? 0 : got] = '\0';
	account_r[strcspn(account_r, "\n")] = '\0';
	if (marker >= 0)
		close(marker);
}

/* Count what is in the folder, and clear what a kill left behind. */
static bool
folder_look(int fd, bool unfinished, size_t *count_r)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	*count_r = 0;
	if (folder == NULL) {
		if (copy >= 0)
			close(copy);
		return false;
	}
	while ((entry = readdir(folder)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unfinished && is_part(entry->d_name))
			unlinkat(fd, entry->d_name, 0);
		else
			++*count_r;
	}
	closedir(folder);
	return true;
}

enum restore_refusal
restore_open(struct restore_folder *folder, const char *name, const char *account, bool into)
{
	char before[1024], text[1024];
	size_t count;
	int marker;
	bool unfinished;

	*folder = (struct restore_folder){.name = name, .fd = -1};
	if (mkdir(name, 0700) != 0 && errno != EEXIST)
		return RESTORE_UNUSABLE;
	folder->fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder->fd < 0)
		return RESTORE_UNUSABLE;
	marker_read(folder->fd, before, sizeof(before));
	unfinished = before[0] != '\0';
	if (unfinished && strcmp(before, account) != 0)
		return RESTORE_OTHER_ACCOUNT;
	if (!folder_look(folder->fd, unfinished, &count))
		return RESTORE_UNUSABLE;
	if (count > 0 && !into && !unfinished)
		return RESTORE_NOT_EMPTY;
	if (unfinished)
		return RESTORE_READY;
	marker = openat(folder->fd, RESTORE_MARKER,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (marker < 0)
		return RESTORE_UNUSABLE;
	snprintf(text, sizeof(text), "%s\n", account);
	if (write(marker, text, strlen(text)) != (ssize_t)strlen(text) || fsync(marker) != 0) {
		int error = errno;

		close(marker);
		unlinkat(folder->fd, RESTORE_MARKER, 0);
		errno = error;
		return RESTORE_UNUSABLE;
	}
	close(marker);
	return RESTORE_READY;
}

enum dom_status
restore_finish(struct restore_folder *folder)
{
	if (fsync(folder->fd) != 0 || unlinkat(folder->fd, RESTORE_MARKER, 0) != 0)
		return DOM_EFILE;
	return DOM_OK;
}

void
restore_close(struct restore_folder *folder)
{
	for (size_t at = 0; at < folder->taken_room; at++)
		free(folder->taken[at]);
	free(folder->taken);
	if (folder->fd >= 0)
		close(folder->fd);
	*folder = (struct restore_folder){.fd = -1};
}

/* --- names of this run ---------------------------------------------------------- */

/* FNV-1a; only our own paths go in, after path_safe(), so a flood of equal sums costs time
 * only. */
static size_t
path_sum(const char *path)
{
	uint64_t sum = 1469598103934665603u;

	for (; *path != '\0'; path++)
		sum = (sum ^ (unsigned char)*path) * 1099511628211u;
	return (size_t)(sum ^ sum >> 32);
}

static size_t
taken_slot(const struct restore_folder *folder, const char *path)
{
	size_t at = path_sum(path) & (folder->taken_room - 1);

	while (folder->taken[at] != NULL && strcmp(folder->taken[at], path) != 0)
		at = (at + 1) & (folder->taken_room - 1);
	return at;
}

static bool
taken_has(const struct restore_folder *folder, const char *path)
{
	return folder->taken_room > 0 && folder->taken[taken_slot(folder, path)] != NULL;
}

static bool
taken_add(struct restore_folder *folder, const char *path)
{
	if (folder->taken_count * 2 >= folder->taken_room) {
		struct restore_folder larger = *folder;

		larger.taken_room = folder->taken_room == 0 ? 64 : folder->taken_room * 2;
		larger.taken = calloc(larger.taken_room, sizeof(*larger.taken));
		if (larger.taken == NULL)
			return false;
		for (size_t at = 0; at < folder->taken_room; at++) {
			if (folder->taken[at] != NULL)
				larger.taken[taken_slot(&larger, folder->taken[at])] =
				    folder->taken[at];
		}
		free(folder->taken);
		*folder = larger;
	}
	if (taken_has(folder, path))
		return true;
	folder->taken[taken_slot(folder, path)] = strdup(path);
	folder->taken_count++;
	return taken_has(folder, path);
}

/* --- one file -------------------------------------------------------------------- */

enum dom_status
restore_begin(struct restore_folder *folder, struct restore_file *file_r)
{
	snprintf(file_r->part, sizeof(file_r->part), ".domicile-%u.part", ++folder->parts);
	file_r->fd = openat(
	    folder->fd, file_r->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return file_r->fd < 0 ? restore_status(errno) : DOM_OK;
}

enum dom_status
restore_write(struct restore_file *file, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t wrote = write(file->fd, at, size);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return restore_status(wrote == 0 ? ENOSPC : errno);
		at += wrote;
		size -= (size_t)wrote;
	}
	return DOM_OK;
}

void
restore_drop(struct restore_folder *folder, struct restore_file *file)
{
	int error = errno;

	if (file->fd >= 0) {
		close(file->fd);
		unlinkat(folder->fd, file->part, 0);
	}
	file->fd = -1;
	errno = error;
}

int
restore_nameless(struct restore_folder *folder)
{
	struct restore_file file;
	int fd = openat(folder->fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	/* Not every file system can; a name that is gone at once does the same. */
	if (restore_begin(folder, &file) != DOM_OK)
		return -1;
	unlinkat(folder->fd, file.part, 0);
	return file.fd;
}

/* The folder that the path's last component goes into, made if it is missing.  -1: errno. */
static int
folder_for(struct restore_folder *folder, const char *path, const char **last_r)
{
	int at = fcntl(folder->fd, F_DUPFD_CLOEXEC, 0);
	const char *slash;

	while (at >= 0 && (slash = strchr(path, '/')) != NULL) {
		char part[PATH_NAME_SIZE_MAX + 1];
		int next;

		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdirat(at, part, 0700) != 0 && errno != EEXIST)
			next = -1;
		else /* a link that someone put here leads nowhere */
			next =
			    openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0) {
			int error = errno;
			close(at);
			errno = error;
			return -1;
		}
		close(at);
		at = next;
		path = slash + 1;
	}
	*last_r = path;
	return at;
}

static bool
same_content(int one, int other)
{
	static char a[COMPARE_SIZE], b[COMPARE_SIZE];
	struct stat about_one, about_other;

	if (fstat(one, &about_one) != 0 || fstat(other, &about_other) != 0 ||
	    !S_ISREG(about_other.st_mode) || about_one.st_size != about_other.st_size)
		return false;
	for (off_t at = 0; at < about_one.st_size;) {
		ssize_t got = pread(one, a, sizeof(a), at);

		if (got <= 0 || pread(other, b, (size_t)got, at) != got ||
		    memcmp(a, b, (size_t)got) != 0)
			return false;
		at += got;
	}
	return true;
}

enum naming {
	NAME_GIVEN,
	NAME_SAME,         /* the very same bytes have it already */
	NAME_TAKEN,        /* other bytes have it */
	NAME_FOLDER_TAKEN, /* a file stands where a folder is needed */
	NAME_FAILED,       /* errno */
};

static enum naming
give_name(struct restore_folder *folder, struct restore_file *file, const char *path)
{
	const char *last;
	enum naming outcome = NAME_FAILED;
	int at = folder_for(folder, path, &last), there;

	if (at < 0)
		return errno == ENOTDIR || errno == ELOOP ? NAME_FOLDER_TAKEN : NAME_FAILED;
	if (renameat2(folder->fd, file->part, at, last, RENAME_NOREPLACE) == 0) {
		outcome = fsync(at) == 0 ? NAME_GIVEN : NAME_FAILED;
		goto out;
	}
	if (errno == EINVAL || errno == ENOSYS) {
		/* An old file system: a second link refuses a taken name as well. */
		if (linkat(folder->fd, file->part, at, last, 0) == 0) {
			unlinkat(folder->fd, file->part, 0);
			outcome = NAME_GIVEN;
			goto out;
		}
		/* FAT has no links; what it says of the name counts. */
		if (errno != EEXIST)
			errno = EINVAL;
	}
	if (errno != EEXIST)
		goto out;
	there = openat(at, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	outcome = there >= 0 && same_content(file->fd, there) ? NAME_SAME : NAME_TAKEN;
	if (there >= 0)
		close(there);
out:
	there = errno;
	close(at);
	errno = there;
	return outcome;
}

/* 2: "a/b (2).c", or "a (2)/b.c" where a file has the folder's name. */
static void
variant(const char *path, unsigned number, bool of_folder, char path_r[PATH_SIZE_MAX + 1])
{
	const char *slash = strchr(path, '/');
	char top[PATH_NAME_SIZE_MAX + 1], renamed[PATH_SIZE_MAX + 1];

	if (number < 2) {
		snprintf(path_r, PATH_SIZE_MAX + 1, "%s", path);
	} else if (!of_folder || slash == NULL) {
		path_variant(path, number, path_r);
	} else {
		snprintf(top, sizeof(top), "%.*s", (int)(slash - path), path);
		path_variant(top, number, renamed);
		/* path_safe() leaves room for the mark. */
		snprintf(path_r, PATH_SIZE_MAX + 1, "%.*s%.*s", PATH_NAME_SIZE_MAX, renamed,
		    PATH_SIZE_MAX - PATH_NAME_SIZE_MAX, slash);
	}
}

/* The first name that is free, or that the same bytes have. */
static enum naming
find_name(struct restore_folder *folder, struct restore_file *file, const char *path,
    char path_r[PATH_SIZE_MAX + 1])
{
	bool of_folder = false;

	for (unsigned number = 1; number < VARIANTS_MAX; number++) {
		enum naming outcome;

		variant(path, number, of_folder, path_r);
		if (taken_has(folder, path_r))
			continue;
		outcome = give_name(folder, file, path_r);
		if (outcome != NAME_TAKEN && outcome != NAME_FOLDER_TAKEN)
			return outcome;
		of_folder = of_folder || outcome == NAME_FOLDER_TAKEN;
	}
	errno = EEXIST;
	return NAME_FAILED;
}

/* The name cannot be had here: too many have it, or the disk's file system refuses it. */
static bool
is_name_refused(int error)
{
	return error == EEXIST || error == EINVAL || error == ENAMETOOLONG || error == EILSEQ;
}

enum dom_status
restore_end(struct restore_folder *folder, struct restore_file *file, const char *path,
    const char *other, int64_t mtime_ms, char path_r[PATH_SIZE_MAX + 1], bool *kept_r)
{
	const struct timespec times[2] = {
	    {.tv_nsec = UTIME_OMIT}, {.tv_sec = mtime_ms / 1000 - (mtime_ms % 1000 < 0),
	                                 .tv_nsec = (mtime_ms % 1000 + 1000) % 1000 * 1000000}};
	enum naming outcome = NAME_FAILED;

	*kept_r = false;
	if (mtime_ms != 0)
		(void)futimens(file->fd, times); /* some file systems cannot hold every time */
	if (fsync(file->fd) == 0)
		outcome = find_name(folder, file, path, path_r);
	if (outcome == NAME_FAILED && other != NULL && is_name_refused(errno))
		outcome = find_name(folder, file, other, path_r);
	if (outcome == NAME_FAILED) {
		enum dom_status st = restore_status(errno);

		restore_drop(folder, file);
		return st;
	}
	*kept_r = outcome == NAME_SAME;
	if (outcome == NAME_GIVEN) {
		close(file->fd);
		file->fd = -1;
	}
	restore_drop(folder, file);
	return taken_add(folder, path_r) ? DOM_OK : DOM_ENOMEM;
}
