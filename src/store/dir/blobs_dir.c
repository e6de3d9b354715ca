/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Blobs as files: chunks/<owner, hex>/<2 hex digits>/<unique, hex>.  Here: the
 * folders, reading, removing; blobs_write.c writes them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"

#include "crypto/keys.h"

#include "store/dir/dir.h"

enum { BLOBS_FOLDER_TEXT_SIZE = 2 * BLOB_OWNER_SIZE + 1 + 2 + 1 };

enum dom_status
blobs_errno(void)
{
	return errno == ENOSPC || errno == EDQUOT ? DOM_EFULL : DOM_ESTORE;
}

enum dom_status
blobs_sync(struct blobs *blobs, int fd)
{
	enum dom_status st;

	if (fsync(fd) == 0)
		return DOM_OK;
	if ((st = blobs_errno()) == DOM_ESTORE)
		atomic_store(&blobs->failed, true);
	return st;
}

enum dom_status
blobs_open(int folder, struct blobs **blobs_r)
{
	struct blobs *blobs = calloc(1, sizeof(*blobs));
	struct dom_random random = dom_random_system();
	enum dom_status st = DOM_OK;
	unsigned first;

	if (blobs == NULL)
		return DOM_ENOMEM;
	blobs->folder = -1;
	dom_random_fill(&random, &first, sizeof(first));
	atomic_init(&blobs->written, first);
	pthread_mutex_init(&blobs->folders, NULL);
	if (mkdirat(folder, "chunks", 0700) != 0 && errno != EEXIST)
		st = blobs_errno();
	blobs->folder =
	    openat(folder, "chunks", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (st == DOM_OK && blobs->folder < 0)
		st = blobs_errno();
	/*
	 * Folders that an earlier process made but did not live to sync must not
	 * be taken for durable.
	 */
	if (st == DOM_OK && syncfs(blobs->folder) != 0)
		st = blobs_errno();
	if (st < 0)
		blobs_close(&blobs);
	*blobs_r = blobs;
	return st;
}

void
blobs_close(struct blobs **blobs)
{
	struct blobs *old = *blobs;

	if (old == NULL)
		return;
	*blobs = NULL;
	if (old->folder >= 0)
		close(old->folder);
	pthread_mutex_destroy(&old->folders);
	free(old);
}

bool
blobs_failed(const struct blobs *blobs)
{
	return atomic_load(&blobs->failed);
}

/* "<owner>/<2 digits>"; cut at the slash it names the owner's folder. */
static void
blobs_folder_text(const struct blob_name *name, char text_r[BLOBS_FOLDER_TEXT_SIZE])
{
	dom_hex_encode(dom_slice(name->owner, BLOB_OWNER_SIZE), text_r);
	text_r[2 * BLOB_OWNER_SIZE] = '/';
	dom_hex_encode(dom_slice(name->unique, 1), text_r + 2 * BLOB_OWNER_SIZE + 1);
}

static int
blobs_folder_open(const struct blobs *blobs, const struct blob_name *name)
{
	char text[BLOBS_FOLDER_TEXT_SIZE];

	blobs_folder_text(name, text);
	return openat(blobs->folder, text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Make a folder that may exist, and sync the one that it is in. */
static enum dom_status
blobs_folder_make(struct blobs *blobs, const char *text, const char *parent)
{
	enum dom_status st;
	int fd;

	if (mkdirat(blobs->folder, text, 0700) != 0)
		return errno == EEXIST ? DOM_OK : blobs_errno();
	if ((fd = openat(blobs->folder, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		st = blobs_errno();
	else
		st = blobs_sync(blobs, fd);
	if (fd >= 0)
		close(fd);
	/* One that stays would be taken for one that is on the disk, until the next start. */
	if (st < 0 && unlinkat(blobs->folder, text, AT_REMOVEDIR) != 0)
		atomic_store(&blobs->failed, true);
	return st;
}

static enum dom_status
blobs_folder_ensure_locked(struct blobs *blobs, const struct blob_name *name, int *fd_r)
{
	char text[BLOBS_FOLDER_TEXT_SIZE], owner[BLOBS_FOLDER_TEXT_SIZE];
	enum dom_status st;

	if ((*fd_r = blobs_folder_open(blobs, name)) >= 0)
		return DOM_OK;
	if (errno != ENOENT)
		return blobs_errno();
	blobs_folder_text(name, text);
	memcpy(owner, text, sizeof(owner));
	owner[2 * BLOB_OWNER_SIZE] = '\0';
	if ((st = blobs_folder_make(blobs, owner, ".")) < 0)
		return st;
	if ((st = blobs_folder_make(blobs, text, owner)) < 0)
		return st;
	*fd_r = blobs_folder_open(blobs, name);
	return *fd_r < 0 ? blobs_errno() : DOM_OK;
}

enum dom_status
blobs_folder_ensure(struct blobs *blobs, const struct blob_name *name, int *fd_r)
{
	enum dom_status st;

	pthread_mutex_lock(&blobs->folders);
	st = blobs_folder_ensure_locked(blobs, name, fd_r);
	pthread_mutex_unlock(&blobs->folders);
	return st;
}

static enum dom_status
blobs_read_all(int fd, uint8_t *data, size_t size)
{
	struct stat info;
	size_t at = 0;

	if (fstat(fd, &info) != 0)
		return DOM_ESTORE;
	if (!S_ISREG(info.st_mode) || (uint64_t)info.st_size != size)
		return DOM_EINTEGRITY;
	while (at < size) {
		ssize_t got = read(fd, data + at, size - at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return DOM_ESTORE;
		if (got == 0)
			return DOM_EINTEGRITY;
		at += (size_t)got;
	}
	return DOM_OK;
}

enum dom_status
blobs_read_into(struct blobs *blobs, const struct blob_name *name, uint8_t *data, size_t size)
{
	char text[BLOBS_NAME_TEXT_SIZE];
	enum dom_status st;
	int folder, fd;

	if ((folder = blobs_folder_open(blobs, name)) < 0)
		return errno == ENOENT ? DOM_EINTEGRITY : DOM_ESTORE;
	dom_hex_encode(dom_slice(name->unique, BLOB_UNIQUE_SIZE), text);
	fd = openat(folder, text, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	st = fd >= 0 ? DOM_OK : errno == ENOENT ? DOM_EINTEGRITY : DOM_ESTORE;
	close(folder);
	if (st < 0)
		return st;
	st = blobs_read_all(fd, data, size);
	close(fd);
	return st;
}

enum dom_status
blobs_read(struct blobs *blobs, const struct blob_name *name, size_t size,
    struct dom_arena *arena, struct dom_slice *data_r)
{
	uint8_t *data = dom_arena_take(arena, size);
	enum dom_status st;

	if (data == NULL)
		return DOM_ENOMEM;
	if ((st = blobs_read_into(blobs, name, data, size)) == DOM_OK)
		*data_r = dom_slice(data, size);
	return st;
}

void
blobs_remove(struct blobs *blobs, const struct blob_name *name)
{
	char text[BLOBS_NAME_TEXT_SIZE];
	int folder = blobs_folder_open(blobs, name);

	if (folder < 0)
		return;
	dom_hex_encode(dom_slice(name->unique, BLOB_UNIQUE_SIZE), text);
	unlinkat(folder, text, 0); /* if it stays, the next sweep takes it */
	close(folder);
}
