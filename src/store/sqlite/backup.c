/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A backup is a folder like the store's own:
 *
 *   TARGET.part: database (one snapshot) --> files that it names --> synced
 *     --> renamed to TARGET, the folder above synced
 *
 * The database comes first: a chunk's file is on the disk before its row, and
 * rows of the snapshot do not change any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/care_parts.h"

struct backup {
	const struct store_care *care;
	struct care_message message;
	struct store_backup_report *report;
	struct care_place place;
	char *database;             /* path of the store's */
	char *target, *part, *copy; /* the last: path of the new database */
	int folder;                 /* of part; -1 until it is made */
	int hold;                   /* nothing is unlinked meanwhile; -1: not held */
};

static enum dom_status
make_part(struct backup *backup)
{
	struct stat info;

	if (lstat(backup->target, &info) == 0)
		return care_fail(&backup->message, DOM_EDENIED,
		    "%s exists already: name a folder that does not exist yet", backup->target);
	if (mkdir(backup->part, 0700) != 0 && errno == EEXIST)
		return care_fail(&backup->message, DOM_EDENIED,
		    "%s is left from a backup that was cut short, or another backup is writing "
		    "it: remove it if none is",
		    backup->part);
	backup->folder = open(backup->part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (backup->folder < 0)
		return care_fail(&backup->message, DOM_EFILE, "%s cannot be made: %s",
		    backup->part, strerror(errno));
	return DOM_OK;
}

static enum dom_status
copy_database(struct backup *backup)
{
	sqlite3 *from = NULL;
	enum dom_status st;

	/* Before the snapshot: what that names stays until it is copied. */
	st = blobs_hold(backup->place.folder, false, &backup->hold);
	if (st < 0)
		return care_fail(&backup->message, DOM_EFILE, "%s/chunks cannot be held: %s",
		    backup->care->folder, strerror(errno));
	st = care_database(backup->database, &from, &backup->message);
	if (st == DOM_OK)
		st = care_copy_database(from, backup->copy, backup->care, &backup->message);
	sqlite3_close(from);
	return st;
}

static enum dom_status
copy_chunks(struct backup *backup)
{
	struct care_copy copy = {.may_link = true};
	struct blobs *from = NULL;
	sqlite3 *database = NULL;
	enum dom_status st;

	if ((st = blobs_look(backup->place.folder, &from)) < 0)
		return care_fail(&backup->message, st, "%s/chunks cannot be opened: %s",
		    backup->care->folder, strerror(errno));
	copy.from = from;
	if ((st = blobs_open(backup->folder, &copy.to)) < 0)
		care_fail(&backup->message, st, "%s/chunks cannot be made: %s", backup->part,
		    strerror(errno));
	else if ((st = care_database(backup->copy, &database, &backup->message)) == DOM_OK)
		st = care_copy_chunks(database, &copy, backup->care, &backup->message);
	sqlite3_close(database);
	blobs_close(&copy.to);
	blobs_close(&from);
	*backup->report = (struct store_backup_report){.files = copy.files,
	    .file_bytes = copy.bytes,
	    .linked = copy.linked,
	    .missing = copy.missing};
	return st;
}

static enum dom_status
copy_also(struct backup *backup, const char *also)
{
	enum dom_status st;

	if (also == NULL)
		return DOM_OK;
	st = care_copy_small(backup->place.folder, backup->folder, also);
	if (st == DOM_ABSENT)
		return care_fail(&backup->message, DOM_EFILE, "%s/%s is missing",
		    backup->care->folder, also);
	if (st < 0)
		return care_fail(&backup->message, st, "%s/%s cannot be copied: %s",
		    backup->care->folder, also, strerror(errno));
	return DOM_OK;
}

/* The name appears once all of it is on the disk. */
static enum dom_status
publish(struct backup *backup)
{
	char *slash = strrchr(backup->target, '/');
	enum dom_status st;
	int above;

	if ((st = care_sync_tree(backup->folder, backup->part, &backup->message)) < 0)
		return st;
	if (renameat2(AT_FDCWD, backup->part, AT_FDCWD, backup->target, RENAME_NOREPLACE) != 0)
		return care_fail(&backup->message, DOM_EFILE, "%s cannot be named %s: %s",
		    backup->part, backup->target, strerror(errno));
	if (slash == NULL) {
		above = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	} else {
		*slash = '\0';
		above = open(slash == backup->target ? "/" : backup->target,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		*slash = '/';
	}
	if (above < 0 || fsync(above) != 0)
		st = care_fail(&backup->message, DOM_EUNCERTAIN,
		    "%s is complete, but the folder above it cannot be synced: %s",
		    backup->target, strerror(errno));
	if (above >= 0)
		close(above);
	return st;
}

static enum dom_status
name_paths(struct backup *backup, const char *target)
{
	size_t size = strlen(target);

	while (size > 1 && target[size - 1] == '/')
		size--;
	if (size == 0 || strcmp(target, "/") == 0)
		return care_fail(
		    &backup->message, DOM_EINPUT, "a backup needs the name of a new folder");
	if ((backup->target = strndup(target, size)) == NULL ||
	    asprintf(&backup->part, "%s.part", backup->target) < 0 ||
	    asprintf(&backup->copy, "%s/" CARE_DATABASE, backup->part) < 0 ||
	    asprintf(&backup->database, "%s/" CARE_DATABASE, backup->care->folder) < 0)
		return care_fail(&backup->message, DOM_ENOMEM, "no memory");
	return DOM_OK;
}

enum dom_status
store_backup(const struct store_care *care, const char *target, const char *also,
    struct store_backup_report *report_r, char *message_r, size_t message_size)
{
	struct backup backup = {.care = care,
	    .message = {message_r, message_size},
	    .report = report_r,
	    .place = {.folder = -1, .lock = -1},
	    .folder = -1,
	    .hold = -1};
	bool is_published = false;
	enum dom_status st;

	*report_r = (struct store_backup_report){0};
	if ((st = name_paths(&backup, target)) == DOM_OK &&
	    (st = care_folder(care, &backup.place, &backup.message)) == DOM_OK &&
	    (st = make_part(&backup)) == DOM_OK && (st = copy_database(&backup)) == DOM_OK &&
	    (st = copy_chunks(&backup)) == DOM_OK &&
	    (st = copy_also(&backup, also)) == DOM_OK) {
		st = publish(&backup);
		is_published = st == DOM_OK || st == DOM_EUNCERTAIN;
	}
	if (backup.folder >= 0) {
		close(backup.folder);
		if (!is_published)
			care_remove_tree(backup.part);
	}
	if (backup.hold >= 0)
		close(backup.hold);
	care_leave(&backup.place);
	free(backup.database);
	free(backup.copy);
	free(backup.part);
	free(backup.target);
	return st;
}
