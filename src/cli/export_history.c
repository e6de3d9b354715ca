/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Earlier revisions, a file each: history/COLLECTION/ITEM/AGE.vcf, and what is known of them.
 */
#include <errno.h>
#include <string.h>

#include "cli/export.h"

struct history {
	struct export *export;
	struct json json;
	bool is_records;
	enum format_kind kind;
	uint64_t bytes;
	uint64_t items; /* of the collections before */
};

static enum dom_status
history_begin(void *context, const struct dom_revision_info *info)
{
	struct history *history = context;
	struct restore *restore = &history->export->restore;
	enum dom_status st;

	if (cli_stopping)
		return DOM_ESTOPPED;
	history->bytes = 0;
	if (info->deleted)
		return DOM_OK;
	errno = 0;
	if ((st = restore_begin(&restore->folder, &restore->file)) != DOM_OK)
		restore->error = errno != 0 ? errno : EIO;
	return st;
}

static enum dom_status
history_data(void *context, struct dom_slice bytes)
{
	struct history *history = context;
	struct restore *restore = &history->export->restore;
	enum dom_status st;

	if (cli_stopping)
		return DOM_ESTOPPED;
	history->bytes += bytes.size;
	errno = 0;
	if ((st = restore_write(&restore->file, bytes.data, bytes.size)) != DOM_OK)
		restore->error = errno != 0 ? errno : EIO;
	return st;
}

/* ITEM/0001.vcf, ITEM/0001-IMG_1.jpg */
static void
history_path(const struct history *history, const struct dom_revision_info *info,
    char path_r[PATH_SIZE_MAX + 1])
{
	const char *slash = strrchr(info->name, '/');
	const char *last = slash == NULL ? info->name : slash + 1;
	char raw[PATH_SIZE_MAX + 1];

	if (history->is_records)
		snprintf(raw, sizeof(raw), "%s/%04llu%s", info->item,
		    (unsigned long long)info->age,
		    strchr(format_kind_file(history->kind), '.'));
	else
		snprintf(raw, sizeof(raw), "%s/%04llu%s%.*s", info->item,
		    (unsigned long long)info->age, *last == '\0' ? "" : "-",
		    (int)text_cut(last, PATH_NAME_SIZE_MAX - 40), last);
	path_safe(raw, info->item, path_r);
}

static enum dom_status
history_end(void *context, const struct dom_revision_info *info, enum dom_status status)
{
	struct history *history = context;
	struct export *export = history->export;
	struct restore *restore = &export->restore;
	char path[PATH_SIZE_MAX + 1], placed[PATH_SIZE_MAX + 1];
	bool kept;
	enum dom_status st;

	if (status != DOM_OK) {
		restore_drop(&restore->folder, &restore->file);
		restore->bad++;
		return export_loss(export, info->item, info->name, status);
	}
	export->revisions++;
	json_open(&history->json, NULL, '{');
	json_text(&history->json, "collection", export->known->uid);
	json_text(&history->json, "item", info->item);
	json_text(&history->json, "revision", info->uid);
	json_number(&history->json, "age", info->age);
	if (info->name[0] != '\0')
		json_text(&history->json, "name", info->name);
	if (info->mtime_ms != 0)
		json_signed(&history->json, "modified_ms", info->mtime_ms);
	json_bool(&history->json, "deleted", info->deleted);
	if (!info->deleted) {
		history_path(history, info, path);
		st = restore_place(restore, &restore->file, path, NULL,
		    &(struct restored){.item = info->item, .mtime_ms = info->mtime_ms}, placed,
		    &kept);
		restore_drop(&restore->folder, &restore->file);
		if (st != DOM_OK)
			return st;
		json_number(&history->json, "size", history->bytes);
		json_text(&history->json, "path", placed);
	}
	json_close(&history->json);
	return DOM_OK;
}

static void
history_progress(void *context, uint64_t items)
{
	struct history *history = context;

	terminal_bar_at(&history->export->restore.cli->terminal, history->items + items, items);
}

static enum dom_status
history_collection(struct history *history)
{
	struct export *export = history->export;
	struct restore *restore = &export->restore;
	const struct known_collection *known = export->known;
	const struct dom_history_sink sink = {
	    history_begin, history_data, history_end, history_progress, history};
	struct dom_collection *collection = NULL;
	char place[EXPORT_PLACE_SIZE];
	enum dom_status st =
	    dom_collection_open(restore->cli->session, known->uid, &collection);

	history->is_records = export_is_records(known->service, &history->kind);
	export_place(place, "history",
	    known->service == SERVICE_COUNT ? known->type : services[known->service].name,
	    known->uid);
	restore->below = place;
	if (st == DOM_OK)
		st = dom_collection_history(collection, &sink);
	history->items += known->items;
	restore->below = NULL;
	restore_drop(&restore->folder, &restore->file);
	dom_collection_free(&collection);
	return st;
}

enum dom_status
export_history(struct export *export)
{
	struct history history = {.export = export};
	struct export_text text;
	char count[TEXT_SHORT];
	uint64_t all = 0;
	enum dom_status st = export_text_begin(export, &text);

	if (st != DOM_OK)
		return st;
	history.json = (struct json){.out = text.out};
	json_open(&history.json, NULL, '[');
	for (size_t at = 0; at < export->restore.all.count; at++)
		all += export->restore.all.list[at].items;
	terminal_bar_count(&export->restore.cli->terminal, "history", all);
	for (size_t at = 0; at < export->restore.all.count && st == DOM_OK; at++) {
		export->known = &export->restore.all.list[at];
		st = history_collection(&history);
	}
	terminal_bar_end(&export->restore.cli->terminal);
	export->known = NULL;
	json_finish(&history.json);
	if (st != DOM_OK) {
		export_text_drop(export, &text);
		return st == DOM_ABSENT ? DOM_EINPUT : st;
	}
	if (!export->is_json)
		printf(
		    "history   %s earlier revisions\n", text_count(export->revisions, count));
	return export_text_end(export, &text, "history/history.json");
}
