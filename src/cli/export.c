/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile export: everything that an account holds, as plain files with an index. */
#include "cli/export.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <domicile/collection.h>

#include "base/clock.h"
#include "base/encode.h"

#include "cli/account.h"

static_assert(offsetof(struct export, restore) == 0, "the watch finds the export by it");

/* --- the folder -------------------------------------------------------------------- */

/* Remove a folder of our own with all that is in it; links are removed, not followed. */
static bool
remove_tree(char *folder)
{
	char *const paths[] = {folder, NULL};
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	bool removed = walk != NULL;
	FTSENT *entry;

	while (walk != NULL && (entry = fts_read(walk)) != NULL) {
		if (entry->fts_info == FTS_D)
			continue;
		if (entry->fts_info == FTS_DP)
			removed = rmdir(entry->fts_accpath) == 0 && removed;
		else
			removed = unlink(entry->fts_accpath) == 0 && removed;
	}
	if (walk != NULL)
		fts_close(walk);
	return removed;
}

static bool
is_empty(const char *name)
{
	DIR *folder = opendir(name);
	struct dirent *entry;
	bool empty = folder != NULL;

	while (empty && (entry = readdir(folder)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	if (folder != NULL)
		closedir(folder);
	return empty;
}

/* export->folder and export->unfinished, from the word. */
static enum cli_exit
export_name(struct export *export)
{
	struct cli *cli = export->restore.cli;
	const char *name = cli->options.words[0], *last;
	size_t size = strlen(name);
	struct stat about;

	while (size > 1 && name[size - 1] == '/')
		size--;
	if (size == 0 || size >= sizeof(export->folder))
		return cli_usage(cli, "the folder's name is empty or too long");
	snprintf(export->folder, sizeof(export->folder), "%.*s", (int)size, name);
	last = strrchr(export->folder, '/');
	last = last == NULL ? export->folder : last + 1;
	if (*last == '\0' || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
		return cli_usage(cli, "name a new folder for the export");
	snprintf(
	    export->unfinished, sizeof(export->unfinished), "%s.unfinished", export->folder);
	if (lstat(export->folder, &about) != 0 || is_empty(export->folder))
		return CLI_DONE;
	cli_say(cli,
	    "%s is there already and not an empty folder; nothing was written. Name a new "
	    "folder",
	    export->folder);
	return CLI_USAGE;
}

/* The folder that is written into; what an earlier export left half is removed first. */
static enum cli_exit
export_enter(struct export *export)
{
	struct restore *restore = &export->restore;
	struct cli *cli = restore->cli;
	char account[1024];
	uint8_t identity[32];
	char hex[2 * sizeof(identity) + 1];
	struct stat about;
	bool is_left = lstat(export->unfinished, &about) == 0;

	/* Whose it is, wherever the account lives by then. */
	dom_session_identity(cli->session, identity);
	dom_hex_encode(dom_slice(identity, sizeof(identity)), hex);
	snprintf(account, sizeof(account), "export %.900s %s",
	    dom_session_username(cli->session), hex);
	for (int round = 0; round < 2; round++) {
		switch (restore_open(&restore->folder, export->unfinished, account, false)) {
		case RESTORE_READY:
			if (!is_left)
				return CLI_DONE;
			break;
		case RESTORE_NOT_EMPTY:
		case RESTORE_OTHER_ACCOUNT:
			cli_say(cli,
			    "%s is in the way: it is not what an interrupted export of this "
			    "account left. Nothing was written; move it away",
			    export->unfinished);
			return CLI_USAGE;
		case RESTORE_UNUSABLE:
			cli_say(cli, "%s cannot be made: %s. Nothing was written",
			    export->unfinished, strerror(errno));
			return CLI_FAILED;
		}
		is_left = false;
		restore_close(&restore->folder);
		if (!remove_tree(export->unfinished)) {
			cli_say(cli,
			    "%s, which an interrupted export left, cannot be removed: %s",
			    export->unfinished, strerror(errno));
			return CLI_FAILED;
		}
	}
	return CLI_FAILED;
}

/* The export gets its name. */
static enum cli_exit
export_finish(struct export *export)
{
	struct cli *cli = export->restore.cli;
	char parent[sizeof(export->folder) + 2];
	char *slash;
	int fd;

	if (restore_finish(&export->restore.folder) == DOM_OK &&
	    rename(export->unfinished, export->folder) == 0) {
		snprintf(parent, sizeof(parent), "%s", export->folder);
		slash = strrchr(parent, '/');
		if (slash == NULL)
			snprintf(parent, sizeof(parent), ".");
		else
			slash[slash == parent] = '\0';
		fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0) {
			(void)fsync(fd); /* the files themselves are on the disk */
			close(fd);
		}
		return CLI_DONE;
	}
	cli_say(cli, "%s could not get its name: %s. The export is complete in %s",
	    export->folder, strerror(errno), export->unfinished);
	return CLI_FAILED;
}

/* --- the run --------------------------------------------------------------------------- */

/* Nothing half is left behind. */
static enum cli_exit
export_failed(struct export *export, enum dom_status status)
{
	struct restore *restore = &export->restore;
	struct cli *cli = restore->cli;
	bool removed;

	terminal_bar_end(&cli->terminal);
	restore_close(&restore->folder);
	removed = remove_tree(export->unfinished);
	if (cli_stopping || status == DOM_ESTOPPED) {
		cli_say(cli, "the export stopped because you asked; %s",
		    removed ? "nothing was left behind" : "what it wrote is not complete");
		return CLI_STOPPED;
	}
	if (restore->error != 0)
		cli_say(cli, "%s %s. The export was not made; what was written is removed",
		    status == DOM_EFULL ? "the disk is full:" : "a file cannot be written:",
		    strerror(restore->error));
	else
		return cli_fail(cli, status, "the export was not made");
	return CLI_FAILED;
}

static enum dom_status
export_all(struct export *export)
{
	enum dom_status st = export_content(export);

	if (st == DOM_OK && options_has(&export->restore.cli->options, "history"))
		st = export_history(export);
	if (st == DOM_OK)
		st = export_account(export);
	if (st == DOM_OK)
		st = export_consents(export);
	if (st == DOM_OK)
		st = export_page(export);
	return st == DOM_OK ? export_index(export) : st;
}

static void
export_report(const struct export *export)
{
	const struct restore *restore = &export->restore;
	char files[TEXT_SHORT], bytes[TEXT_SHORT], bad[TEXT_SHORT];
	struct json json = {.out = stdout};

	if (export->is_json) {
		json_open(&json, NULL, '{');
		json_text(&json, "folder", export->folder);
		json_number(&json, "files", export->entry_count);
		json_number(&json, "bytes", export->entry_bytes);
		json_number(&json, "items", restore->items);
		json_number(&json, "revisions", export->revisions);
		json_number(&json, "statements", export->statements);
		json_number(&json, "receipts", export->receipts);
		json_number(&json, "left_out", restore->bad);
		json_finish(&json);
	} else {
		printf("exported  %s files, %s into %s\n",
		    text_count(export->entry_count, files),
		    text_bytes(export->entry_bytes, bytes), export->folder);
		printf("open %s/index.html; nothing in it is encrypted, so keep it safe\n",
		    export->folder);
	}
	fflush(stdout);
	if (restore->bad > 0)
		cli_say(restore->cli,
		    "%s items are not in it: what the region sent for them is damaged. "
		    "index.json lists them, domicile verify says more",
		    text_count(restore->bad, bad));
}

static enum cli_exit
export_into(struct export *export)
{
	struct cli *cli = export->restore.cli;
	enum cli_exit outcome;
	enum dom_status st = dom_sync(cli->session);

	if (st == DOM_OK)
		st = dom_session_region(cli->session, &export->region);
	if (st == DOM_OK)
		st = collections_list(cli->session, &export->restore.all);
	if (st != DOM_OK)
		return cli_fail(cli, st, "the export did not begin");
	outcome = export_enter(export);
	if (outcome != CLI_DONE)
		return outcome;
	st = export_all(export);
	if (st != DOM_OK)
		return export_failed(export, st);
	outcome = export_finish(export);
	if (outcome != CLI_DONE)
		return outcome;
	export_report(export);
	return export->restore.bad == 0 ? CLI_DONE : CLI_FAILED;
}

static enum cli_exit
export_run(struct cli *cli)
{
	const struct dom_clock clock = dom_clock_system();
	struct export export = {
	    .restore = {.cli = cli,
	        .folder.fd = -1,
	        .spool = -1,
	        .file.fd = -1,
	        .watch = &export_watch},
	    .arena = dom_arena_new(0),
	    .now_ms = dom_clock_now_ms(&clock),
	    .is_json = options_has(&cli->options, "json"),
	};
	enum cli_exit outcome = export_name(&export);

	export.entries_end = &export.entries;
	export.losses_end = &export.losses;
	if (export.arena == NULL)
		outcome = cli_fail(cli, DOM_ENOMEM, "the export did not begin");
	if (outcome == CLI_DONE)
		outcome = account_open(cli);
	if (outcome == CLI_DONE)
		outcome = export_into(&export);
	collections_free(&export.restore.all);
	restore_close(&export.restore.folder);
	dom_arena_free(&export.arena);
	return outcome;
}

static const struct cli_option export_options[] = {
    {"history", NULL, "also every earlier revision that the region still holds"},
    {"json", NULL, "for programs"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_export = {
    .name = "export",
    .usage = "DIR [--history] [--json]",
    .summary = "everything that the account holds, as plain files with an index",
    .about =
        "Writes all there is into a new folder: contents in formats that other programs read,\n"
        "what others share with you, what other apps stored, the account, its devices and\n"
        "collections, consents with receipts.  DIR/index.html is for you, DIR/index.json "
        "lists\n"
        "every file with its SHA-256.  The export is whole or it is not there.  To store it\n"
        "again, also elsewhere: domicile backup DIR/content.\n",
    .examples = "  domicile export ~/my-data\n  domicile export ~/my-data --history\n",
    .options = export_options,
    .words_min = 1,
    .words_max = 1,
    .run = export_run,
};
