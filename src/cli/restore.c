/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile restore: everything that is stored becomes files again. */
#include "cli/restore.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <domicile/collection.h>

#include "base/clock.h"
#include "base/encode.h"

#include "cli/account.h"
#include "cli/collections.h"
#include "cli/restore_run.h"
#include "cli/text.h"

enum cli_exit
restore_failed(struct restore *restore, enum dom_status status)
{
	struct cli *cli = restore->cli;
	const char *where = restore->folder.name;

	terminal_bar_end(&cli->terminal);
	if (restore->error != 0 && status == DOM_EFULL) {
		cli_say(cli,
		    "the disk that %s is on is full. What was restored completely is there, "
		    "the file being written was removed; free some space and run the same "
		    "command again: it finishes the job",
		    where);
		return CLI_FAILED;
	}
	if (restore->error != 0) {
		cli_say(cli,
		    "%s cannot be written into: %s. What was restored completely is there; "
		    "the same command again finishes the job",
		    where, strerror(restore->error));
		return CLI_FAILED;
	}
	return cli_fail(cli, status, "the restore stopped");
}

static bool
is_record_service(enum service_id service, enum format_kind *kind_r)
{
	for (unsigned kind = 0; kind < FORMAT_KIND_COUNT; kind++) {
		*kind_r = (enum format_kind)kind;
		if (service_of_kind(*kind_r) == service)
			return true;
	}
	return false;
}

/* All collections of one service. */
static enum cli_exit
restore_service(struct restore *restore, enum service_id service)
{
	enum format_kind kind;
	bool records = is_record_service(service, &kind);
	uint64_t bytes = 0, items = 0;
	char count[TEXT_SHORT], size[TEXT_SHORT], kept[TEXT_SHORT];
	enum dom_status st = DOM_OK;

	for (size_t at = 0; at < restore->all.count; at++) {
		if (restore->all.list[at].service == service) {
			bytes += restore->all.list[at].bytes;
			items += restore->all.list[at].items;
		}
	}
	if (items == 0)
		return CLI_DONE;
	restore->service = service;
	restore->done_items = restore->done_bytes = restore->kept = 0;
	terminal_bar(&restore->cli->terminal, services[service].name, bytes);
	if (records)
		st = restore_records_begin(restore);
	for (size_t at = 0; at < restore->all.count && st == DOM_OK; at++) {
		if (restore->all.list[at].service != service)
			continue;
		st = records ? restore_records_fetch(restore, restore->all.list[at].uid)
		             : restore_files_fetch(restore, restore->all.list[at].uid);
	}
	if (records && st == DOM_OK)
		st = restore_records_write(restore, kind);
	restore_records_end(restore);
	if (st != DOM_OK)
		return restore_failed(restore, st);
	terminal_bar_end(&restore->cli->terminal);
	printf("%-9s %s %s, %s", services[service].name, text_count(restore->done_items, count),
	    restore->done_items == 1 ? services[service].one : services[service].many,
	    text_bytes(restore->done_bytes, size));
	if (records)
		printf(": %s", restore->path);
	if (restore->kept > 0)
		printf(records ? ", was there already" : ", %s of them were there already",
		    text_count(restore->kept, kept));
	putchar('\n');
	fflush(stdout);
	if (records)
		restore->items += restore->done_items;
	else
		restore->files += restore->done_items;
	return CLI_DONE;
}

static enum cli_exit
restore_enter(struct restore *restore)
{
	struct cli *cli = restore->cli;
	const char *name = cli->options.words[0];
	char account[1024];
	uint8_t identity[32];
	char hex[2 * sizeof(identity) + 1];

	/* Whose it is, wherever the account lives by then. */
	dom_session_identity(cli->session, identity);
	dom_hex_encode(dom_slice(identity, sizeof(identity)), hex);
	snprintf(
	    account, sizeof(account), "%.900s %s", dom_session_username(cli->session), hex);
	switch (
	    restore_open(&restore->folder, name, account, options_has(&cli->options, "into"))) {
	case RESTORE_READY:
		return CLI_DONE;
	case RESTORE_NOT_EMPTY:
		cli_say(cli,
		    "%s is not empty; nothing was restored. Name a new folder, or give --into "
		    "to add to this one (no file is ever replaced)",
		    name);
		return CLI_USAGE;
	case RESTORE_OTHER_ACCOUNT:
		cli_say(cli,
		    "%s holds an unfinished restore of another account; nothing was "
		    "restored. Name a new folder",
		    name);
		return CLI_USAGE;
	case RESTORE_UNUSABLE:
		break;
	}
	cli_say(cli, "%s cannot be used: %s. Nothing was restored", name, strerror(errno));
	return CLI_FAILED;
}

static enum cli_exit
restore_all(struct restore *restore, const bool wanted[SERVICE_COUNT + 1])
{
	char items[TEXT_SHORT], files[TEXT_SHORT], bad[TEXT_SHORT];
	struct dom_figures figures = {0};
	uint64_t unknown = 0;
	enum cli_exit outcome = CLI_DONE;

	for (unsigned at = 0; at < SERVICE_ANY && outcome == CLI_DONE; at++) {
		if (wanted[at])
			outcome = restore_service(restore, (enum service_id)at);
	}
	if (outcome != CLI_DONE)
		return outcome;
	for (size_t at = 0; at < restore->all.count && wanted[SERVICE_COUNT]; at++)
		unknown += restore->all.list[at].service == SERVICE_COUNT;
	if (unknown > 0)
		printf(
		    "%s collections of other apps hold kinds that this release does not know; "
		    "they stay stored\n",
		    text_count(unknown, items));
	dom_session_figures(restore->cli->session, &figures);
	printf("restored  %s items and %s files into %s\n", text_count(restore->items, items),
	    text_count(restore->files, files), restore->folder.name);
	printf("%s: %s received in %s requests, %s\n", restore->bad == 0 ? "done" : "not done",
	    text_bytes(figures.received_bytes, bad), text_count(figures.requests, items),
	    text_seconds(dom_monotonic_ms() - restore->started_ms, files));
	if (restore->bad > 0) {
		cli_say(restore->cli,
		    "%s items could not be restored, see above; everything else is "
		    "there. domicile verify tells what the region holds",
		    text_count(restore->bad, bad));
		return CLI_FAILED;
	}
	if (restore_finish(&restore->folder) != DOM_OK) {
		restore->error = errno;
		return restore_failed(restore, DOM_EFILE);
	}
	return CLI_DONE;
}

static enum cli_exit
restore_run(struct cli *cli)
{
	struct restore restore = {.cli = cli,
	    .folder.fd = -1,
	    .spool = -1,
	    .file.fd = -1,
	    .started_ms = dom_monotonic_ms()};
	bool wanted[SERVICE_COUNT + 1];
	enum cli_exit outcome = collections_wanted(cli, wanted);
	enum dom_status st;

	if (outcome == CLI_DONE)
		outcome = account_open(cli);
	if (outcome != CLI_DONE)
		return outcome;
	st = dom_sync(cli->session);
	if (st == DOM_OK)
		st = collections_list(cli->session, &restore.all);
	if (st != DOM_OK)
		outcome = cli_fail(cli, st, "the restore did not begin");
	if (outcome == CLI_DONE)
		outcome = restore_enter(&restore);
	if (outcome == CLI_DONE)
		outcome = restore_all(&restore, wanted);
	collections_free(&restore.all);
	restore_close(&restore.folder);
	return outcome;
}

static const struct cli_option restore_options[] = {
    {"service", "NAME", "only this service; may be given several times"},
    {"into", NULL, "DIR need not be empty; no file in it is replaced"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_restore = {
    .name = "restore",
    .usage = "DIR [--service NAME]... [--into]",
    .summary = "write everything that is stored into a folder",
    .about =
        "Writes contacts.vcf, calendar.ics, tasks.ics, messages.xml and calls.xml with every\n"
        "record as it was, and photos and files under their names with their times.  DIR must\n"
        "be new or empty.  Each file appears only when it is complete and checked.  If it is\n"
        "interrupted, the same command again finishes the job.\n",
    .examples = "  domicile restore ~/restored\n"
                "  domicile restore ~/restored --service contacts --service photos\n",
    .options = restore_options,
    .words_min = 1,
    .words_max = 1,
    .run = restore_run,
};
