/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The contents of an export, collection by collection. */
#include <string.h>

#include "cli/export.h"

enum {
	PLACE_NAME_SIZE = 100,
	PLACE_UID_SIZE = 12, /* enough of a uid to tell collections apart */
};

void
export_place(
    char place_r[EXPORT_PLACE_SIZE], const char *top, const char *name, const char *uid)
{
	char joined[1024], safe[PATH_SIZE_MAX + 1];

	snprintf(joined, sizeof(joined), "%.*s", (int)text_cut(name, PLACE_NAME_SIZE), name);
	for (char *at = joined; *at != '\0'; at++) {
		if (*at == '/')
			*at = '_';
	}
	snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "-%.*s",
	    PLACE_UID_SIZE, uid);
	path_safe(joined, "collection", safe);
	snprintf(place_r, EXPORT_PLACE_SIZE, "%s/%.150s/", top, safe);
}

/* "calendar.ics" for our own collection, "Work.ics" for another app's second one. */
static const char *
records_name(
    const struct known_collection *known, enum format_kind kind, char name_r[PATH_SIZE_MAX + 1])
{
	const char *usual = format_kind_file(kind);
	char joined[1024];

	if (known->name[0] == '\0' || strcmp(known->name, services[known->service].name) == 0)
		return usual;
	snprintf(joined, sizeof(joined), "%.*s%s", (int)text_cut(known->name, PLACE_NAME_SIZE),
	    known->name, strchr(usual, '.'));
	for (char *at = joined; *at != '\0'; at++) {
		if (*at == '/')
			*at = '_';
	}
	path_safe(joined, usual, name_r);
	return name_r;
}

bool
export_is_records(enum service_id service, enum format_kind *kind_r)
{
	for (unsigned kind = 0; kind < FORMAT_KIND_COUNT; kind++) {
		*kind_r = (enum format_kind)kind;
		if (service_of_kind(*kind_r) == service)
			return true;
	}
	return false;
}

static enum dom_status
fetch_records(struct export *export, enum format_kind kind)
{
	struct restore *restore = &export->restore;
	char name[PATH_SIZE_MAX + 1];
	enum dom_status st = restore_records_begin(restore);

	if (st == DOM_OK)
		st = restore_records_fetch(restore, export->known->uid);
	restore->records_name = records_name(export->known, kind, name);
	if (st == DOM_OK && restore->size_count > 0)
		st = restore_records_write(restore, kind);
	restore->records_name = NULL;
	restore_records_end(restore);
	return st;
}

static void
say_collection(const struct export *export, bool records)
{
	const struct restore *restore = &export->restore;
	const struct known_collection *known = export->known;
	char count[TEXT_SHORT], size[TEXT_SHORT], name[80];

	if (export->is_json)
		return;
	printf("%-9s %s %s, %s: %s",
	    known->service == SERVICE_COUNT ? "other" : services[known->service].name,
	    text_count(restore->done_items, count),
	    restore->done_items == 1 ? services[restore->service].one
	                             : services[restore->service].many,
	    text_bytes(restore->done_bytes, size),
	    records && restore->done_items > 0 ? restore->path : export->place);
	if (known->service == SERVICE_COUNT)
		printf(" (%s)", text_clean(known->type, '?', name, sizeof(name)));
	putchar('\n');
	fflush(stdout);
}

static enum dom_status
export_collection(struct export *export)
{
	const struct known_collection *known = export->known;
	struct restore *restore = &export->restore;
	char place[EXPORT_PLACE_SIZE];
	enum format_kind kind;
	bool records = export_is_records(known->service, &kind);
	enum dom_status st;

	if (known->service == SERVICE_COUNT)
		export_place(place, "other", known->type, known->uid);
	else if (known->access_level != DOM_ACCESS_ADMIN)
		export_place(place, "shared",
		    known->name[0] == '\0' ? services[known->service].name : known->name,
		    known->uid);
	else
		snprintf(place, sizeof(place), "content/");
	export->place = restore->below = place;
	export->records = 0;
	restore->service = known->service == SERVICE_COUNT ? SERVICE_ANY : known->service;
	restore->done_items = restore->done_bytes = restore->kept = 0;
	terminal_bar(&restore->cli->terminal, services[restore->service].name, known->bytes);
	st = records ? fetch_records(export, kind) : restore_files_fetch(restore, known->uid);
	terminal_bar_end(&restore->cli->terminal);
	restore->below = NULL;
	if (st != DOM_OK)
		return st;
	say_collection(export, records);
	restore->items += restore->done_items;
	return DOM_OK;
}

enum dom_status
export_content(struct export *export)
{
	enum dom_status st = export_text_begin(export, &export->items);

	if (st != DOM_OK)
		return st;
	export->items_json = (struct json){.out = export->items.out};
	json_open(&export->items_json, NULL, '[');
	for (size_t at = 0; at < export->restore.all.count && st == DOM_OK; at++) {
		export->known = &export->restore.all.list[at];
		if (export->known->items > 0)
			st = export_collection(export);
	}
	export->known = NULL;
	if (st != DOM_OK) {
		export_text_drop(export, &export->items);
		return st;
	}
	json_finish(&export->items_json);
	export->records = 0;
	return export_text_end(export, &export->items, "account/items.json");
}
