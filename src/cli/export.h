/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_EXPORT_H
#define CLI_EXPORT_H

#include "base/arena.h"

#include "cli/json.h"
#include "cli/restore_run.h"
#include "cli/text.h"

/*
 * One run of `domicile export`: everything that the account holds becomes plain
 * files with an index.
 *
 *   DIR/index.html        what a person opens
 *   DIR/index.json        every other file with its SHA-256
 *   DIR/content/          what is mine; `domicile backup DIR/content` stores it again
 *   DIR/shared/NAME/      what others share with me
 *   DIR/other/NAME/       kinds of items that this release does not know, as they are
 *   DIR/history/          earlier revisions, only with --history
 *   DIR/account/          the account, its devices, collections and items
 *   DIR/consents/         statements and receipts, for domicile-verify
 *
 * All of it is written to DIR.unfinished, which then gets the name DIR: an
 * export is whole or it is not there.
 */
struct export_entry {
	const char *path; /* below DIR */
	const char *item; /* uid, NULL: none */
	const char *collection;
	const char *service;
	uint64_t size, records; /* records: items that the file gathers, 0: none */
	int64_t mtime_ms;
	uint8_t digest[32];
	struct export_entry *next;
};

/* An item that could not be had. */
struct export_loss {
	const char *item, *collection, *name, *why;
	struct export_loss *next;
};

/* A text file of the export while it is written. */
struct export_text {
	struct restore_file file;
	FILE *out;
};

struct export
{
	struct restore restore; /* first: what the watch is told of */
	struct dom_arena *arena;
	char folder[4096], unfinished[4096 + 16];
	const char *region;
	int64_t now_ms;
	struct export_entry *entries, **entries_end;
	struct export_loss *losses, **losses_end;
	uint64_t entry_count, entry_bytes, revisions, statements, receipts;
	/* the collection at hand */
	const struct known_collection *known;
	const char *place; /* "content/" */
	uint64_t records;  /* items gathered for the next file */
	/* account/items.json, which grows beside the contents */
	struct export_text items;
	struct json items_json;
	bool is_json; /* what is printed */
};

/* What stands in a file is told to the index. */
extern const struct restore_watch export_watch;
DOM_MUST_CHECK enum dom_status export_loss(
    struct export *export, const char *item, const char *name, enum dom_status status);

/* DOM_EFILE, DOM_EFULL: restore.error says why. */
DOM_MUST_CHECK enum dom_status export_text_begin(
    struct export *export, struct export_text *text);
/* Complete under its name; the text is let go whatever comes out. */
DOM_MUST_CHECK enum dom_status export_text_end(
    struct export *export, struct export_text *text, const char *path);
void export_text_drop(struct export *export, struct export_text *text);
/* Bytes as a file. */
DOM_MUST_CHECK enum dom_status export_bytes(
    struct export *export, const char *path, struct dom_slice bytes);

/* "2026-11-21T03:10:00Z"; "" for 0. */
const char *export_time(int64_t ms, char buffer[TEXT_SHORT]);

DOM_MUST_CHECK enum dom_status export_content(struct export *export);
/* A collection's own folder below top, whatever its name is: "shared/NAME-UID/". */
enum { EXPORT_PLACE_SIZE = 200 };
void export_place(
    char place_r[EXPORT_PLACE_SIZE], const char *top, const char *name, const char *uid);
/* What a collection holds is one file with many records. */
bool export_is_records(enum service_id service, enum format_kind *kind_r);
DOM_MUST_CHECK enum dom_status export_history(struct export *export);
DOM_MUST_CHECK enum dom_status export_account(struct export *export);
DOM_MUST_CHECK enum dom_status export_consents(struct export *export);
/* index.html, then index.json, which has its digest. */
DOM_MUST_CHECK enum dom_status export_index(struct export *export);
DOM_MUST_CHECK enum dom_status export_page(struct export *export);

#endif
