/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Removing blobs so that neither they nor their names come back after a power cut. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/encode.h"

#include "store/dir/dir.h"

enum { OWNER_TEXT_SIZE = 2 * BLOB_OWNER_SIZE + 1, NAME_TEXT_SIZE = 2 * BLOB_UNIQUE_SIZE + 1 };

/* A description of one's own, since a lock belongs to one. */
enum dom_status
blobs_hold(int folder, bool alone, int *hold_r)
{
	const int how = alone ? LOCK_EX | LOCK_NB : LOCK_SH;
	int fd = openat(folder, "chunks", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	*hold_r = -1;
	if (fd < 0)
		return errno == ENOENT ? DOM_ABSENT : DOM_ESTORE;
	while (flock(fd, how) != 0) {
		if (errno == EINTR)
			continue;
		close(fd);
		return errno == EWOULDBLOCK ? DOM_CONFLICT : DOM_ESTORE;
	}
	*hold_r = fd;
	return DOM_OK;
}

static int
open_folder(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What was unlinked in it stays so.  A sync that fails says nothing of the data. */
static enum dom_status
sync_folder(int fd)
{
	return fsync(fd) == 0 ? DOM_OK : DOM_ESTORE;
}

enum dom_status
blobs_forget(struct blobs *blobs, const struct blob_name *names, size_t count)
{
	char text[OWNER_TEXT_SIZE + 3], last[OWNER_TEXT_SIZE + 3] = "";
	enum dom_status st = DOM_OK;
	int folder = -1;

	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		char name[NAME_TEXT_SIZE];

		dom_hex_encode(dom_slice(names[i].owner, BLOB_OWNER_SIZE), text);
		text[OWNER_TEXT_SIZE - 1] = '/';
		dom_hex_encode(dom_slice(names[i].unique, 1), text + OWNER_TEXT_SIZE);
		if (strcmp(text, last) != 0) {
			if (folder >= 0 && (st = sync_folder(folder)) < 0)
				break;
			if (folder >= 0)
				close(folder);
			memcpy(last, text, sizeof(last));
			folder = open_folder(blobs->folder, text);
			if (folder < 0 && errno != ENOENT)
				st = DOM_ESTORE;
		}
		if (folder < 0)
			continue; /* it is gone, and so is what was in it */
		dom_hex_encode(dom_slice(names[i].unique, BLOB_UNIQUE_SIZE), name);
		if (unlinkat(folder, name, 0) != 0 && errno != ENOENT)
			st = DOM_ESTORE;
	}
	if (folder >= 0 && st == DOM_OK)
		st = sync_folder(folder);
	if (folder >= 0)
		close(folder);
	return st;
}

/* Every entry of a folder by unlinkat() with these flags; true: it is empty now. */
static bool
empty_folder(int fd, int (*remove_entry)(int folder, const char *name))
{
	DIR *list = fdopendir(fd);
	struct dirent *entry;
	bool is_empty = true;

	if (list == NULL) {
		close(fd);
		return false;
	}
	while ((entry = readdir(list)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    remove_entry(dirfd(list), entry->d_name) != 0)
			is_empty = false;
	}
	closedir(list);
	return is_empty;
}

static int
remove_file(int folder, const char *name)
{
	return unlinkat(folder, name, 0);
}

/* One of the folders of two digits, with what an upload that came too late left in it. */
static int
remove_folder(int folder, const char *name)
{
	int fd = open_folder(folder, name);

	if (fd < 0 || !empty_folder(fd, remove_file))
		return -1;
	return unlinkat(folder, name, AT_REMOVEDIR);
}

enum dom_status
blobs_forget_owner(struct blobs *blobs, const uint8_t owner[BLOB_OWNER_SIZE])
{
	char text[OWNER_TEXT_SIZE];
	enum dom_status st = DOM_OK;
	int fd;

	dom_hex_encode(dom_slice(owner, BLOB_OWNER_SIZE), text);
	if ((fd = open_folder(blobs->folder, text)) < 0)
		return errno == ENOENT ? DOM_OK : DOM_ESTORE;
	/* Nobody finds a folder that is about to go. */
	pthread_mutex_lock(&blobs->folders);
	if (!empty_folder(fd, remove_folder) ||
	    unlinkat(blobs->folder, text, AT_REMOVEDIR) != 0)
		st = DOM_ESTORE;
	pthread_mutex_unlock(&blobs->folders);
	return st == DOM_OK ? sync_folder(blobs->folder) : st;
}
