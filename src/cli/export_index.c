/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What an export consists of: every file with its digest, and what could not be had. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/export.h"

enum { INDEX_VERSION = 1 };

static const char *
keep(struct export *export, const char *text, bool *failed)
{
	struct dom_slice copy;

	if (text == NULL)
		return NULL;
	copy = dom_arena_copy(export->arena, dom_slice_of(text));
	*failed = *failed || copy.data == NULL;
	return (const char *)copy.data;
}

static enum dom_status
export_file(struct restore *restore, const struct restored *file)
{
	struct export *export = (struct export *)restore;
	struct export_entry *entry = dom_arena_take(export->arena, sizeof(*entry));
	bool failed = entry == NULL;

	if (failed)
		return DOM_ENOMEM;
	*entry = (struct export_entry){.path = keep(export, file->path, &failed),
	    .item = keep(export, file->item, &failed),
	    .size = file->size,
	    .mtime_ms = file->mtime_ms,
	    .records = file->item == NULL ? export->records : 0};
	if (export->known != NULL) {
		entry->collection = export->known->uid; /* lives as long as the list */
		entry->service = export->known->service == SERVICE_COUNT
		                     ? NULL
		                     : services[export->known->service].name;
	}
	memcpy(entry->digest, file->digest, sizeof(entry->digest));
	if (failed)
		return DOM_ENOMEM;
	export->records = 0;
	*export->entries_end = entry;
	export->entries_end = &entry->next;
	export->entry_count++;
	export->entry_bytes += file->size;
	return DOM_OK;
}

static enum dom_status
export_item(struct restore *restore, const struct dom_item_info *info)
{
	struct export *export = (struct export *)restore;
	struct json *json = &export->items_json;

	export->records++;
	json_open(json, NULL, '{');
	json_text(json, "collection", export->known->uid);
	json_text(json, "item", info->uid);
	if (info->name[0] != '\0')
		json_text(json, "name", info->name);
	if (info->source[0] != '\0') {
		json_text(json, "source", info->source);
		json_number(json, "order", info->order);
	}
	if (info->mtime_ms != 0)
		json_signed(json, "modified_ms", info->mtime_ms);
	json_number(json, "size", restore->item_bytes);
	if (info->extra.size > 0)
		json_pairs(json, "other", info->extra);
	json_close(json);
	return DOM_OK;
}

enum dom_status
export_loss(struct export *export, const char *item, const char *name, enum dom_status status)
{
	struct export_loss *loss = dom_arena_take(export->arena, sizeof(*loss));
	bool failed = loss == NULL;

	if (failed)
		return DOM_ENOMEM;
	*loss = (struct export_loss){.item = keep(export, item, &failed),
	    .name = keep(export, name, &failed),
	    .collection = export->known == NULL ? NULL : export->known->uid,
	    .why = dom_status_text(status)};
	*export->losses_end = loss;
	export->losses_end = &loss->next;
	return failed ? DOM_ENOMEM : DOM_OK;
}

static enum dom_status
export_left_out(
    struct restore *restore, const struct dom_item_info *info, enum dom_status status)
{
	return export_loss((struct export *)restore, info->uid, info->name, status);
}

const struct restore_watch export_watch = {export_file, export_item, export_left_out};

/* --- text files ------------------------------------------------------------------- */

static enum dom_status
fault(struct export *export, enum dom_status status)
{
	export->restore.error = errno != 0 ? errno : EIO;
	return status;
}

enum dom_status
export_text_begin(struct export *export, struct export_text *text)
{
	enum dom_status st;
	int fd;

	text->out = NULL;
	text->file.fd = -1;
	errno = 0;
	if ((st = restore_begin(&export->restore.folder, &text->file)) != DOM_OK)
		return fault(export, st);
	fd = dup(text->file.fd);
	text->out = fd < 0 ? NULL : fdopen(fd, "w");
	if (text->out != NULL)
		return DOM_OK;
	if (fd >= 0)
		close(fd);
	st = fault(export, restore_status(errno));
	export_text_drop(export, text);
	return st;
}

enum dom_status
export_text_end(struct export *export, struct export_text *text, const char *path)
{
	char placed[PATH_SIZE_MAX + 1];
	bool failed, kept;
	enum dom_status st;

	errno = 0;
	failed = fflush(text->out) != 0 || ferror(text->out);
	if (fclose(text->out) != 0 || failed) {
		text->out = NULL;
		st = fault(export, restore_status(errno));
		export_text_drop(export, text);
		return st;
	}
	text->out = NULL;
	st = restore_place(&export->restore, &text->file, path, NULL,
	    &(struct restored){.mtime_ms = 0}, placed, &kept);
	export_text_drop(export, text);
	return st;
}

void
export_text_drop(struct export *export, struct export_text *text)
{
	if (text->out != NULL)
		fclose(text->out);
	text->out = NULL;
	restore_drop(&export->restore.folder, &text->file);
}

enum dom_status
export_bytes(struct export *export, const char *path, struct dom_slice bytes)
{
	char placed[PATH_SIZE_MAX + 1];
	struct restore_file file;
	bool kept;
	enum dom_status st;

	errno = 0;
	if ((st = restore_begin(&export->restore.folder, &file)) != DOM_OK ||
	    (st = restore_write(&file, bytes.data, bytes.size)) != DOM_OK) {
		st = fault(export, st);
	} else {
		st = restore_place(&export->restore, &file, path, NULL,
		    &(struct restored){.mtime_ms = 0}, placed, &kept);
	}
	restore_drop(&export->restore.folder, &file);
	return st;
}

const char *
export_time(int64_t ms, char buffer[TEXT_SHORT])
{
	time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
	struct tm fields;

	buffer[0] = '\0';
	if (ms != 0 && gmtime_r(&seconds, &fields) != NULL &&
	    strftime(buffer, TEXT_SHORT, "%Y-%m-%dT%H:%M:%SZ", &fields) == 0)
		buffer[0] = '\0';
	return buffer;
}

/* --- index.json ---------------------------------------------------------------------- */

static void
index_entries(struct json *json, const struct export *export)
{
	json_open(json, "files", '[');
	for (const struct export_entry *at = export->entries; at != NULL; at = at->next) {
		json_open(json, NULL, '{');
		json_text(json, "path", at->path);
		json_number(json, "size", at->size);
		json_hex(json, "sha256", dom_slice(at->digest, sizeof(at->digest)));
		if (at->service != NULL)
			json_text(json, "service", at->service);
		if (at->collection != NULL)
			json_text(json, "collection", at->collection);
		if (at->item != NULL)
			json_text(json, "item", at->item);
		if (at->records > 0)
			json_number(json, "records", at->records);
		json_close(json);
	}
	json_close(json);
}

static void
index_losses(struct json *json, const struct export *export)
{
	json_open(json, "left_out", '[');
	for (const struct export_loss *at = export->losses; at != NULL; at = at->next) {
		json_open(json, NULL, '{');
		json_text(json, "collection", at->collection);
		json_text(json, "item", at->item);
		json_text(json, "name", at->name);
		json_text(json, "why", at->why);
		json_close(json);
	}
	json_close(json);
}

enum dom_status
export_index(struct export *export)
{
	struct export_text text;
	struct json json;
	char time[TEXT_SHORT];
	enum dom_status st = export_text_begin(export, &text);

	if (st != DOM_OK)
		return st;
	json = (struct json){.out = text.out};
	json_open(&json, NULL, '{');
	json_text(&json, "what", "everything that a domicile account held");
	json_number(&json, "version", INDEX_VERSION);
	json_text(&json, "account", dom_session_username(export->restore.cli->session));
	json_text(&json, "region", export->region);
	json_text(&json, "exported", export_time(export->now_ms, time));
	json_text(&json, "release", DOM_RELEASE);
	json_number(&json, "bytes", export->entry_bytes);
	index_entries(&json, export);
	index_losses(&json, export);
	json_finish(&json);
	return export_text_end(export, &text, "index.json");
}
