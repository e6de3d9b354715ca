/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* From what is stored to files: whole files as they come, records gathered into one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/restore_run.h"
#include "cli/text.h"

enum { BLOCK_SIZE = 64 << 10 };

#define ENDING_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* A failure of our own writing; errno is kept for the message. */
static enum dom_status
our_failure(struct restore *restore, enum dom_status status)
{
	if (status < 0)
		restore->error = errno != 0 ? errno : EIO;
	return status;
}

enum dom_status
restore_place(struct restore *restore, struct restore_file *file, const char *path,
    const char *other, const struct restored *about, char path_r[PATH_SIZE_MAX + 1],
    bool *kept_r)
{
	const char *below = restore->below == NULL ? "" : restore->below;
	char full[PATH_SIZE_MAX + 1], plain[PATH_SIZE_MAX + 1];
	struct restored done = *about;
	enum dom_status st = DOM_OK;

	/* path_safe() leaves room for the folder. */
	snprintf(full, sizeof(full), "%s%.*s", below, PATH_SIZE_MAX - PATH_NAME_SIZE_MAX, path);
	if (other != NULL)
		snprintf(plain, sizeof(plain), "%s%.*s", below, PATH_NAME_SIZE_MAX, other);
	errno = 0;
	/* Read back: what is told is what stands there. */
	if (restore->watch != NULL)
		st = format_file_digest(file->fd, NULL, NULL, done.digest, &done.size);
	if (st == DOM_OK)
		st = restore_end(&restore->folder, file, full, other == NULL ? NULL : plain,
		    about->mtime_ms, path_r, kept_r);
	if (st != DOM_OK)
		return our_failure(restore, st);
	done.path = path_r;
	return restore->watch == NULL ? DOM_OK : restore->watch->file(restore, &done);
}

static enum dom_status
bad_item(struct restore *restore, const struct dom_item_info *info, enum dom_status status)
{
	restore->bad++;
	if (restore->watch != NULL && restore->watch->left_out(restore, info, status) != DOM_OK)
		return DOM_ENOMEM;
	cli_say(restore->cli, "%s, item %.64s%s%.200s: left out: %s",
	    services[restore->service].name, info->uid, info->name[0] == '\0' ? "" : " ",
	    info->name, dom_status_text(status));
	return DOM_OK;
}

static void
good_item(struct restore *restore)
{
	restore->done_items++;
	restore->done_bytes += restore->item_bytes;
}

static enum dom_status
tell_item(struct restore *restore, const struct dom_item_info *info)
{
	return restore->watch == NULL ? DOM_OK : restore->watch->item(restore, info);
}

static void
item_progress(struct restore *restore, size_t size)
{
	restore->item_bytes += size;
	terminal_bar_at(&restore->cli->terminal, restore->done_bytes + restore->item_bytes,
	    restore->done_items);
}

static enum dom_status
fetch(struct restore *restore, const char *uid, struct dom_fetch_sink sink)
{
	struct dom_collection *collection = NULL;
	enum dom_status st = dom_collection_open(restore->cli->session, uid, &collection);

	sink.context = restore;
	if (st == DOM_OK)
		st = dom_collection_fetch(collection, &sink);
	dom_collection_free(&collection);
	restore_drop(&restore->folder, &restore->file);
	return st == DOM_ABSENT ? DOM_EINPUT : st;
}

/* --- photos and files ------------------------------------------------------------ */

static enum dom_status
file_begin(void *context, const struct dom_item_info *info)
{
	struct restore *restore = context;

	(void)info;
	restore->item_bytes = 0;
	if (cli_stopping)
		return DOM_ESTOPPED;
	errno = 0;
	return our_failure(restore, restore_begin(&restore->folder, &restore->file));
}

static enum dom_status
file_data(void *context, struct dom_slice bytes)
{
	struct restore *restore = context;

	if (cli_stopping)
		return DOM_ESTOPPED;
	item_progress(restore, bytes.size);
	errno = 0;
	return our_failure(restore, restore_write(&restore->file, bytes.data, bytes.size));
}

static bool
ends_with(const char *path, const char *name)
{
	size_t size = strlen(path), tail = strlen(name);

	return size >= tail && strcmp(path + size - tail, name) == 0;
}

static enum dom_status
file_end(void *context, const struct dom_item_info *info, enum dom_status status)
{
	struct restore *restore = context;
	char other[64], name[PATH_SIZE_MAX + 1], path[PATH_SIZE_MAX + 1];
	const char *dot;
	bool is_note = restore->service == SERVICE_NOTES, kept;
	enum dom_status st;

	if (status != DOM_OK) {
		restore_drop(&restore->folder, &restore->file);
		return bad_item(restore, info, status);
	}
	/* Notes have titles, not paths: a folder of their own keeps them apart. */
	snprintf(other, sizeof(other), "%s-%.40s", services[restore->service].one, info->uid);
	path_safe(info->name, other, name);
	if (is_note) {
		char *slash;

		while ((slash = strchr(name, '/')) != NULL)
			*slash = '_';
		snprintf(path, sizeof(path), "notes/%.*s.md", (int)text_cut(name, 200), name);
		memcpy(name, path, sizeof(name));
	}
	dot = strrchr(name, '.');
	if (dot != NULL && strlen(dot) > 1 &&
	    strspn(dot + 1, ENDING_CHARACTERS) == strlen(dot + 1))
		snprintf(other + strlen(other), sizeof(other) - strlen(other), "%.8s", dot);
	st = tell_item(restore, info);
	if (st == DOM_OK)
		st = restore_place(restore, &restore->file, name, other,
		    &(struct restored){.item = info->uid, .mtime_ms = info->mtime_ms}, path,
		    &kept);
	if (st != DOM_OK)
		return st;
	if (ends_with(path, other) && !ends_with(path, name))
		cli_say(
		    restore->cli, "%.300s could not have its name there: it is %s", name, path);
	restore->kept += kept;
	good_item(restore);
	return DOM_OK;
}

enum dom_status
restore_files_fetch(struct restore *restore, const char *uid)
{
	return fetch(restore, uid,
	    (struct dom_fetch_sink){.begin = file_begin, .data = file_data, .end = file_end});
}

/* --- records ----------------------------------------------------------------------- */

enum dom_status
restore_records_begin(struct restore *restore)
{
	errno = 0;
	restore->spool = restore_nameless(&restore->folder);
	restore->spool_size = restore->size_count = 0;
	return restore->spool < 0 ? our_failure(restore, restore_status(errno)) : DOM_OK;
}

void
restore_records_end(struct restore *restore)
{
	if (restore->spool >= 0)
		close(restore->spool);
	restore->spool = -1;
	free(restore->sizes);
	restore->sizes = NULL;
	restore->size_count = restore->size_room = 0;
	restore_drop(&restore->folder, &restore->file);
}

static enum dom_status
record_begin(void *context, const struct dom_item_info *info)
{
	struct restore *restore = context;

	(void)info;
	restore->item_bytes = 0;
	return cli_stopping ? DOM_ESTOPPED : DOM_OK;
}

static enum dom_status
record_data(void *context, struct dom_slice bytes)
{
	struct restore *restore = context;
	uint64_t at = restore->spool_size + restore->item_bytes;
	size_t written = 0;

	if (cli_stopping)
		return DOM_ESTOPPED;
	while (written < bytes.size) {
		ssize_t wrote = pwrite(restore->spool, bytes.data + written,
		    bytes.size - written, (off_t)(at + written));

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return our_failure(
			    restore, restore_status(wrote == 0 ? (errno = ENOSPC) : errno));
		written += (size_t)wrote;
	}
	item_progress(restore, bytes.size);
	return DOM_OK;
}

static enum dom_status
record_end(void *context, const struct dom_item_info *info, enum dom_status status)
{
	struct restore *restore = context;

	/* The next record overwrites what a bad one left in the spool. */
	if (status != DOM_OK)
		return bad_item(restore, info, status);
	if (restore->size_count == restore->size_room) {
		size_t room = restore->size_room == 0 ? 256 : restore->size_room * 2;
		uint64_t *sizes = reallocarray(restore->sizes, room, sizeof(*sizes));

		if (sizes == NULL)
			return DOM_ENOMEM;
		restore->sizes = sizes;
		restore->size_room = room;
	}
	restore->sizes[restore->size_count++] = restore->item_bytes;
	restore->spool_size += restore->item_bytes;
	good_item(restore);
	return tell_item(restore, info);
}

enum dom_status
restore_records_fetch(struct restore *restore, const char *uid)
{
	return fetch(restore, uid,
	    (struct dom_fetch_sink){
	        .begin = record_begin, .data = record_data, .end = record_end});
}

static enum dom_status
records_output(void *context, struct dom_slice bytes)
{
	struct restore *restore = context;

	return our_failure(restore, restore_write(&restore->file, bytes.data, bytes.size));
}

static enum dom_status
records_copy(struct restore *restore, struct format_writer *writer, uint8_t *block)
{
	uint64_t offset = 0;

	for (size_t at = 0; at < restore->size_count; at++) {
		uint64_t left = restore->sizes[at];
		enum dom_status st;

		if (cli_stopping)
			return DOM_ESTOPPED;
		while (left > 0) {
			size_t want = left < BLOCK_SIZE ? (size_t)left : BLOCK_SIZE;
			ssize_t got = pread(restore->spool, block, want, (off_t)offset);

			if (got < 0 && errno == EINTR)
				continue;
			if (got <= 0)
				return our_failure(restore, DOM_EFILE);
			st = format_writer_add(writer, dom_slice(block, (size_t)got));
			if (st != DOM_OK)
				return st;
			offset += (uint64_t)got;
			left -= (uint64_t)got;
		}
		st = format_writer_end(writer);
		if (st != DOM_OK)
			return st;
	}
	return format_writer_finish(writer);
}

enum dom_status
restore_records_write(struct restore *restore, enum format_kind kind)
{
	const struct format_writer_options options = {
	    .kind = kind,
	    .count = restore->size_count,
	    .write = records_output,
	    .context = restore,
	};
	struct format_writer *writer = NULL;
	uint8_t *block = malloc(BLOCK_SIZE);
	bool kept = false;
	enum dom_status st;

	errno = 0;
	st = block == NULL
	         ? DOM_ENOMEM
	         : our_failure(restore, restore_begin(&restore->folder, &restore->file));
	if (st == DOM_OK)
		st = format_writer_open(&options, &writer);
	if (st == DOM_OK)
		st = records_copy(restore, writer, block);
	if (st == DOM_OK)
		st = restore_place(restore, &restore->file,
		    restore->records_name == NULL ? format_kind_file(kind)
		                                  : restore->records_name,
		    NULL, &(struct restored){.item = NULL}, restore->path, &kept);
	restore->kept = kept;
	format_writer_free(&writer);
	free(block);
	return st;
}
