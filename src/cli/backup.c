/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile backup: what a phone exported goes in, if it is turned on. */
#include "cli/backup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#include "cli/account.h"
#include "cli/text.h"

/* The kinds of files in the order in which they are taken, and where they belong. */
static const struct {
	enum format_file kind;
	enum service_id service, other; /* other: a calendar holds tasks too */
} backup_kinds[] = {
    {FORMAT_FILE_VCARD, SERVICE_CONTACTS, SERVICE_COUNT},
    {FORMAT_FILE_ICALENDAR, SERVICE_CALENDAR, SERVICE_TASKS},
    {FORMAT_FILE_MESSAGES_XML, SERVICE_MESSAGES, SERVICE_COUNT},
    {FORMAT_FILE_CALLS_XML, SERVICE_CALLS, SERVICE_COUNT},
    {FORMAT_FILE_PHOTO, SERVICE_PHOTOS, SERVICE_COUNT},
    {FORMAT_FILE_OTHER, SERVICE_FILES, SERVICE_COUNT},
};

static bool
backup_stop(void *context)
{
	(void)context;
	return cli_stopping != 0;
}

static enum dom_status
backup_file(struct backup *backup, const struct walk_file *file, enum service_id service)
{
	bool is_whole = file->kind == FORMAT_FILE_PHOTO || file->kind == FORMAT_FILE_OTHER;
	enum dom_status st;

	backup->file = file;
	backup->records = 0;
	/* A file of a service that is off is not even opened again. */
	if (is_whole && !backup_sends(backup, service))
		return backup_whole(backup, service);
	backup->fd = walk_open(&backup->walk, file);
	if (backup->fd < 0) {
		backup_problem(backup, service, 0, true, strerror(errno));
		backup_problems_end(backup);
		return DOM_OK;
	}
	st = is_whole ? backup_whole(backup, service) : backup_records(backup);
	backup->file = file;
	backup_problems_end(backup);
	close(backup->fd);
	backup->fd = -1;
	return st;
}

static enum dom_status
backup_kind(struct backup *backup, size_t which)
{
	enum service_id service = backup_kinds[which].service,
	                other = backup_kinds[which].other;
	uint64_t bytes = 0;
	enum dom_status st = DOM_OK;

	for (size_t at = 0; at < backup->walk.count; at++) {
		if (backup->walk.files[at].kind == backup_kinds[which].kind)
			bytes += backup->walk.files[at].size;
	}
	backup->bytes_done = backup->items = 0;
	terminal_bar(&backup->cli->terminal, services[service].name, bytes);
	for (size_t at = 0; at < backup->walk.count && st == DOM_OK; at++) {
		const struct walk_file *file = &backup->walk.files[at];

		if (file->kind != backup_kinds[which].kind)
			continue;
		if (cli_stopping)
			return DOM_ESTOPPED;
		st = backup_file(backup, file, service);
		backup->bytes_done += file->size;
	}
	if (st == DOM_OK)
		st = backup_finish(backup, service);
	if (st == DOM_OK && other != SERVICE_COUNT)
		st = backup_finish(backup, other);
	if (st != DOM_OK)
		return st;
	terminal_bar_end(&backup->cli->terminal);
	backup_report(backup, service);
	if (other != SERVICE_COUNT)
		backup_report(backup, other);
	return DOM_OK;
}

/* Everything that was named is there before anything is sent. */
static enum cli_exit
backup_walk(struct backup *backup)
{
	struct options *options = &backup->cli->options;
	char files[TEXT_SHORT], bytes[TEXT_SHORT];

	for (size_t at = 0; at < options->word_count; at++) {
		enum dom_status st = walk_add(&backup->walk, options->words[at]);

		if (st == DOM_EFILE) {
			cli_say(backup->cli, "%s cannot be read: %s. Nothing was sent",
			    options->words[at], strerror(errno));
			return CLI_FAILED;
		}
		if (st == DOM_ENOMEM) {
			cli_say(backup->cli,
			    "there is not enough memory for so many files; name "
			    "fewer folders at a time. Nothing was sent");
			return CLI_FAILED;
		}
		if (st != DOM_OK) {
			cli_say(backup->cli, "stopped because you asked; nothing was sent");
			return CLI_STOPPED;
		}
	}
	if (!backup->is_json) {
		printf("found     %s file%s, %s\n", text_count(backup->walk.count, files),
		    backup->walk.count == 1 ? "" : "s", text_bytes(backup->walk.bytes, bytes));
		fflush(stdout);
	}
	return CLI_DONE;
}

/* `domicile on` shows a record of what was named last; a path with a line's end is none. */
static void
backup_note_path(struct backup *backup)
{
	char *path = realpath(backup->cli->options.words[0], NULL);
	struct account_notes notes;

	account_notes_read(backup->cli->folder, &notes);
	if (path != NULL && strchr(path, '\n') == NULL &&
	    strlen(path) < sizeof(notes.backup_path) && strcmp(path, notes.backup_path) != 0) {
		snprintf(notes.backup_path, sizeof(notes.backup_path), "%s", path);
		/* Only a convenience: nothing is lost without it. */
		(void)account_notes_write(backup->cli->folder, &notes);
	}
	free(path);
}

/* Everything was refused because it is off. */
static bool
backup_refused(const struct backup *backup)
{
	uint64_t read = 0, not_sent = 0;

	for (size_t at = 0; at < SERVICE_ANY; at++) {
		read += backup->services[at].read;
		not_sent += backup->services[at].not_sent;
	}
	return !backup->is_dry && read > 0 && read == not_sent;
}

static enum cli_exit
backup_all(struct backup *backup)
{
	struct account_notes notes;
	struct dom_clock clock = dom_clock_system();
	enum dom_status st = DOM_OK;

	for (size_t at = 0; at < sizeof(backup_kinds) / sizeof(backup_kinds[0]); at++) {
		st = backup_kind(backup, at);
		if (st != DOM_OK)
			break;
	}
	terminal_bar_end(&backup->cli->terminal);
	if (cli_stopping || st == DOM_ESTOPPED)
		return cli_fail(backup->cli, DOM_ESTOPPED, "the backup stopped");
	if (st == DOM_ECONSENT) {
		cli_say(backup->cli,
		    "a service was turned off while the backup ran: the region refused what "
		    "belongs to it. What was acknowledged before is kept");
		return cli_fail(backup->cli, st, "the backup stopped");
	}
	if (st != DOM_OK)
		return cli_fail(backup->cli, st, "the backup stopped");
	if (backup_refused(backup)) {
		cli_say(backup->cli, "nothing was sent: everything that was found belongs to "
		                     "services that are off");
		return CLI_REFUSED;
	}
	if (!backup->is_dry) {
		account_notes_read(backup->cli->folder, &notes);
		notes.backup_ms = dom_clock_now_ms(&clock);
		if (!account_notes_write(backup->cli->folder, &notes))
			cli_say(backup->cli, "the time of this backup could not be noted: %s",
			    strerror(errno));
	}
	return backup->damaged > 0 ? CLI_DAMAGED : CLI_DONE;
}

static enum cli_exit
backup_begin(struct backup *backup)
{
	enum cli_exit outcome = account_open(backup->cli);
	enum dom_status st;

	if (outcome != CLI_DONE)
		return outcome;
	outcome = backup_walk(backup);
	if (backup->is_json) {
		json_close(&backup->json); /* skipped */
		json_open(&backup->json, "problems", '[');
	}
	if (outcome != CLI_DONE)
		return outcome;
	backup_note_path(backup);
	st = dom_sync(backup->cli->session);
	if (st == DOM_OK)
		st = consented_ask(backup->cli->session, &backup->consented);
	if (st != DOM_OK)
		return cli_fail(backup->cli, st, "the backup did not begin");
	return CLI_DONE;
}

static enum cli_exit
backup_run(struct cli *cli)
{
	struct backup backup = {
	    .cli = cli,
	    .is_dry = options_has(&cli->options, "dry-run"),
	    .is_json = options_has(&cli->options, "json"),
	    .json = {.out = stdout},
	    .fd = -1,
	};
	int64_t started_ms = dom_monotonic_ms();
	enum cli_exit outcome;

	backup.walk.skip = backup_skipped;
	backup.walk.stop = backup_stop;
	backup.walk.context = &backup;
	if (backup.is_json) {
		json_open(&backup.json, NULL, '{');
		json_open(&backup.json, "skipped", '[');
	}
	outcome = backup_begin(&backup);
	if (outcome == CLI_DONE)
		outcome = backup_all(&backup);
	if (cli->session != NULL)
		backup_close(&backup, started_ms, outcome);
	else if (backup.is_json)
		json_finish(&backup.json);
	for (size_t at = 0; at < SERVICE_COUNT; at++) {
		dom_import_free(&backup.services[at].import);
		dom_collection_free(&backup.services[at].collection);
	}
	walk_free(&backup.walk);
	return outcome;
}

static const struct cli_option backup_options[] = {
    {"dry-run", NULL, "read everything, say what was found, send nothing"},
    {"json", NULL, "for programs; lists every problem"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_backup = {
    .name = "backup",
    .usage = "PATH... [--dry-run] [--json]",
    .summary = "store what a phone exported, as far as it is on",
    .about =
        "Reads files and folders and stores what belongs to services that are on:\n"
        "contacts (.vcf), calendars and tasks (.ics), messages and calls (SMS Backup & "
        "Restore\n"
        "XML), photos and videos, other files.  The same again sends nothing, an edited file\n"
        "only what changed; nothing is ever removed because it is missing here.  Damaged\n"
        "records are listed as FILE:LINE and left out; the good ones beside them are stored.\n"
        "Always name the same folder: photos and files are known by their path below it.\n",
    .examples = "  domicile backup ~/phone-export\n"
                "  domicile backup contacts.vcf sms-20240101.xml\n"
                "  domicile backup --dry-run ~/phone-export\n",
    .options = backup_options,
    .words_min = 1,
    .words_max = 10000,
    .run = backup_run,
};
