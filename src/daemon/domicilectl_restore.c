/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * domicilectl restore: the store out of a backup, then the journal of erasures
 * over it, so that what was erased since does not come back.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#include "daemon/domicilectl.h"
#include "daemon/recover.h"
#include "daemon/region_key.h"
#include "daemon/report.h"

enum { MESSAGE_SIZE = 1024, COPY_SIZE = 64 << 10 };

static void
complain(const char *message)
{
	fprintf(stderr, "domicilectl: %s\n", message);
}

/* The journal's name if it lies in the data folder, else NULL. */
static const char *
name_in_data(const struct configuration *configuration)
{
	size_t size = strlen(configuration->data);
	const char *path = configuration->erasure_journal;

	if (strncmp(path, configuration->data, size) != 0 || path[size] != '/' ||
	    strchr(path + size + 1, '/') != NULL)
		return NULL;
	return path + size + 1;
}

/* Before anything is written: where will the journal come from? */
static bool
journal_is_said(const struct ctl *ctl, const struct configuration *configuration)
{
	const char *place = configuration->erasure_journal;
	bool is_there = access(place, F_OK) == 0;

	if (ctl->journal != NULL && ctl->without_journal) {
		complain("--journal and --without-journal exclude each other");
		return false;
	}
	if (is_there && (ctl->journal != NULL || ctl->without_journal)) {
		fprintf(stderr,
		    "domicilectl: there is a journal of erasures at %s, which a restore uses: "
		    "leave the option out, or move that file away first\n",
		    place);
		return false;
	}
	if (ctl->journal != NULL && access(ctl->journal, R_OK) != 0) {
		fprintf(stderr, "domicilectl: %s cannot be read: %s\n", ctl->journal,
		    strerror(errno));
		return false;
	}
	if (is_there || ctl->journal != NULL || ctl->without_journal)
		return true;
	fprintf(stderr,
	    "domicilectl: the journal of erasures is not at %s. Without it, what people erased "
	    "or withdrew after the backup would come back. Put the newest copy there, or name "
	    "it with --journal FILE. If it is lost for good: --without-journal, and tell "
	    "people\n",
	    place);
	return false;
}

static bool
copy_bytes(int from, int to)
{
	char piece[COPY_SIZE];
	ssize_t size;

	while ((size = read(from, piece, sizeof(piece))) > 0) {
		if (write(to, piece, (size_t)size) != size)
			return false;
	}
	return size == 0 && fsync(to) == 0;
}

static bool
bring_journal(const char *from_path, const char *to_path)
{
	int from = open(from_path, O_RDONLY | O_CLOEXEC);
	int to = from < 0 ? -1 : open(to_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool is_copied = to >= 0 && copy_bytes(from, to);

	if (!is_copied)
		fprintf(stderr, "domicilectl: %s cannot be copied to %s: %s\n", from_path,
		    to_path, strerror(errno));
	/* A part of it must not be taken for all of it. */
	if (!is_copied && to >= 0)
		unlink(to_path);
	if (to >= 0)
		close(to);
	if (from >= 0)
		close(from);
	return is_copied;
}

static int
follow_journal(const struct ctl *ctl, const struct configuration *configuration)
{
	char message[MESSAGE_SIZE];
	uint64_t followed;
	enum dom_status st;

	if (ctl->journal != NULL &&
	    !bring_journal(ctl->journal, configuration->erasure_journal))
		return CTL_FAILED;
	st = recover_restored(
	    configuration, ctl->without_journal, &followed, message, sizeof(message));
	if (message[0] != '\0')
		complain(message);
	if (st != DOM_OK)
		return CTL_FAILED;
	if (ctl->without_journal)
		puts("What was erased or withdrawn after the backup is back, since the journal "
		     "of erasures is lost:\ntell people to look at what is on, and to erase "
		     "again.");
	else
		printf("journal: %" PRIu64 " erasures and withdrawals since the backup are "
		       "done again\n",
		    followed);
	return CTL_DONE;
}

int
ctl_restore(const struct ctl *ctl)
{
	const struct dom_clock clock = dom_clock_system();
	struct configuration configuration;
	struct store_restore_report report;
	char message[MESSAGE_SIZE], text[REPORT_SIZE];
	int result;

	if (ctl->socket != NULL) {
		complain(
		    "restore works on the folder of a region whose server does not run: name "
		    "its configuration with -c");
		return CTL_WRONG;
	}
	if (!ctl_configure(ctl, &configuration))
		return CTL_WRONG;
	if (!ctl_is_ours(configuration.data))
		return CTL_FAILED;
	if (!journal_is_said(ctl, &configuration))
		return CTL_WRONG;
	if (store_restore(ctl->argument, configuration.data, configuration.region,
	        configuration.has_own_key_file ? NULL : region_key_name,
	        name_in_data(&configuration), dom_clock_now_ms(&clock), &report, message,
	        sizeof(message)) != DOM_OK) {
		complain(message);
		return CTL_FAILED;
	}
	printf("restored: %" PRIu64 " accounts, %" PRIu64 " files of %" PRIu64
	       " bytes; %" PRIu64 " sessions ended, so everyone logs in again\n",
	    report.accounts, report.files, report.file_bytes, report.sessions_ended);
	result = follow_journal(ctl, &configuration);
	puts("What was stored and turned on after the backup is lost: tell people to look at "
	     "what is on.\nCheck the store with: domicilectl fsck");
	if (report.missing == 0)
		return result;
	report_missing(report.missing, text);
	complain(text);
	return CTL_FAILED;
}
