/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Writing a blob, piece by piece.
 *
 *   begin --> ".new-<unique>" --add ..--> finish: fsync, rename to <unique>,
 *                   |                       fsync of the folder --> told
 *                   `--abandon, any failure--> removed
 *
 * A crash before the rename leaves a ".new-" file, one after it a blob that no
 * row knows; both are swept when the store opens, before anything is written.
 *
 * The bytes go past the page cache, if the file system can do that (open(2),
 * O_DIRECT): they are to be on the disk at once, a copy in the cache would
 * cost more than the rest of the work, and would push out what is being read.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"

#include "crypto/keys.h"

#include "store/dir/dir.h"

enum {
	ALIGNMENT = 4096,        /* what every disk accepts */
	ROOM = 256 << 10,        /* written at a time */
	BLOBS_TOGETHER = 1 << 9, /* that follow each other get the same folder of two digits */
};
static_assert(ROOM % ALIGNMENT == 0, "whole blocks");

struct blob_writer {
	struct blobs *blobs;
	struct blob_name name;
	int folder, fd;
	bool is_direct;
	size_t used; /* of room */
	uint8_t *room;
	char unfinished[BLOBS_NEW_TEXT_SIZE]; /* ends with the final name */
};

/*
 * Random, but for the folder: making one costs two syncs, so a device that
 * begins to store its photos should not meet 256 that are missing.
 */
static void
choose_name(struct blob_writer *writer, const uint8_t owner[BLOB_OWNER_SIZE])
{
	struct dom_random random = dom_random_system();
	struct blob_name *name = &writer->name;

	memcpy(name->owner, owner, BLOB_OWNER_SIZE);
	dom_random_fill(&random, name->unique, BLOB_UNIQUE_SIZE);
	name->unique[0] =
	    (uint8_t)(atomic_fetch_add(&writer->blobs->written, 1) / BLOBS_TOGETHER);
	memcpy(writer->unfinished, BLOBS_NEW_PREFIX, sizeof(BLOBS_NEW_PREFIX));
	dom_hex_encode(dom_slice(name->unique, BLOB_UNIQUE_SIZE),
	    writer->unfinished + sizeof(BLOBS_NEW_PREFIX) - 1);
}

static enum dom_status
open_file(struct blob_writer *writer)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	writer->fd = openat(writer->folder, writer->unfinished, flags | O_DIRECT, 0600);
	writer->is_direct = writer->fd >= 0;
	if (writer->fd < 0 && errno == EINVAL) {
		/* The flag is refused before the file is made, or after. */
		unlinkat(writer->folder, writer->unfinished, 0);
		writer->fd = openat(writer->folder, writer->unfinished, flags, 0600);
	}
	return writer->fd < 0 ? blobs_errno() : DOM_OK;
}

enum dom_status
blobs_begin(
    struct blobs *blobs, const uint8_t owner[BLOB_OWNER_SIZE], struct blob_writer **writer_r)
{
	struct blob_writer *writer = calloc(1, sizeof(*writer));
	enum dom_status st;

	*writer_r = NULL;
	if (writer == NULL)
		return DOM_ENOMEM;
	writer->blobs = blobs;
	writer->folder = writer->fd = -1;
	choose_name(writer, owner);
	if ((writer->room = aligned_alloc(ALIGNMENT, ROOM)) == NULL)
		st = DOM_ENOMEM;
	else if ((st = blobs_folder_ensure(blobs, &writer->name, &writer->folder)) == DOM_OK)
		st = open_file(writer);
	if (st < 0)
		blobs_abandon(&writer);
	*writer_r = writer;
	return st;
}

static enum dom_status
leave_direct(struct blob_writer *writer)
{
	int flags = fcntl(writer->fd, F_GETFL);

	if (flags < 0 || fcntl(writer->fd, F_SETFL, flags & ~O_DIRECT) != 0)
		return blobs_errno();
	writer->is_direct = false;
	return DOM_OK;
}

static enum dom_status
write_bytes(struct blob_writer *writer, const uint8_t *data, size_t size)
{
	while (size != 0) {
		enum dom_status st = DOM_OK;
		ssize_t wrote;

		/* Only whole blocks at whole places can go past the cache. */
		if (writer->is_direct &&
		    (size % ALIGNMENT != 0 || (uintptr_t)data % ALIGNMENT != 0))
			st = leave_direct(writer);
		if (st < 0)
			return st;
		wrote = write(writer->fd, data, size);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0 && errno == EINVAL && writer->is_direct) {
			/* This file system wants more than its open() said. */
			if ((st = leave_direct(writer)) < 0)
				return st;
			continue;
		}
		if (wrote <= 0)
			return blobs_errno();
		data += wrote;
		size -= (size_t)wrote;
	}
	return DOM_OK;
}

enum dom_status
blobs_add(struct blob_writer *writer, struct dom_slice piece)
{
	while (piece.size != 0) {
		size_t size = ROOM - writer->used;
		enum dom_status st;

		if (size > piece.size)
			size = piece.size;
		memcpy(writer->room + writer->used, piece.data, size);
		writer->used += size;
		piece = dom_slice(piece.data + size, piece.size - size);
		if (writer->used < ROOM)
			break;
		if ((st = write_bytes(writer, writer->room, ROOM)) < 0)
			return st;
		writer->used = 0;
	}
	return DOM_OK;
}

static enum dom_status
write_rest(struct blob_writer *writer)
{
	size_t whole = writer->used - writer->used % ALIGNMENT;
	enum dom_status st = write_bytes(writer, writer->room, whole);

	if (st == DOM_OK)
		st = write_bytes(writer, writer->room + whole, writer->used - whole);
	return st;
}

enum dom_status
blobs_finish(struct blob_writer **writer, struct blob_name *name_r)
{
	struct blob_writer *old = *writer;
	const char *final = old->unfinished + sizeof(BLOBS_NEW_PREFIX) - 1;
	enum dom_status st;
	int fd = old->fd;

	if ((st = write_rest(old)) == DOM_OK)
		st = blobs_sync(old->blobs, fd);
	old->fd = -1;
	if (close(fd) != 0 && st == DOM_OK)
		st = blobs_errno();
	if (st == DOM_OK && renameat(old->folder, old->unfinished, old->folder, final) != 0)
		st = blobs_errno();
	if (st == DOM_OK) {
		if ((st = blobs_sync(old->blobs, old->folder)) < 0)
			unlinkat(old->folder, final, 0);
		old->unfinished[0] = '\0'; /* there is no file of that name any more */
	}
	if (st == DOM_OK)
		*name_r = old->name;
	blobs_abandon(writer);
	return st;
}

void
blobs_abandon(struct blob_writer **writer)
{
	struct blob_writer *old = *writer;

	if (old == NULL)
		return;
	*writer = NULL;
	if (old->fd >= 0)
		close(old->fd);
	if (old->folder >= 0) {
		if (old->unfinished[0] != '\0')
			unlinkat(old->folder, old->unfinished, 0);
		close(old->folder);
	}
	free(old->room);
	free(old);
}
