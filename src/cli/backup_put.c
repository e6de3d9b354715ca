/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* From a file of the export to the import of its service. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/backup.h"
#include "cli/paths.h"
#include "formats/photo.h"

enum { KEY_PREFIX_SIZE = 5 };

bool
backup_sends(const struct backup *backup, enum service_id service)
{
	return !backup->is_dry && consented_covers(&backup->consented, service);
}

static void
backup_bar(struct backup *backup, uint64_t offset)
{
	terminal_bar_at(&backup->cli->terminal, backup->bytes_done + offset, backup->items);
}

static enum dom_status
backup_import(struct backup *backup, enum service_id service)
{
	struct backup_service *part = &backup->services[service];
	struct dom_session *session = backup->cli->session;
	enum dom_status st;

	if (part->import != NULL)
		return DOM_OK;
	if (part->collection == NULL) {
		st = dom_collection_ensure(
		    session, services[service].name, services[service].type, &part->collection);
		if (st != DOM_OK)
			return st;
	}
	return dom_import_begin(part->collection, &part->import);
}

enum dom_status
backup_put(struct backup *backup, enum service_id service, const struct dom_record *record)
{
	struct backup_service *part = &backup->services[service];
	enum dom_record_outcome outcome;
	enum dom_status st = backup_import(backup, service);

	if (st == DOM_OK)
		st = dom_import_put(part->import, record, &outcome);
	if (st == DOM_OK)
		part->outcomes[outcome]++;
	return st;
}

enum dom_status
backup_finish(struct backup *backup, enum service_id service)
{
	struct backup_service *part = &backup->services[service];
	struct dom_import_counts counts;
	enum dom_status st = DOM_OK;

	if (part->import != NULL)
		st = dom_import_finish(part->import, &counts);
	if (st != DOM_OK)
		return st;
	dom_import_free(&part->import);
	part->is_done = true;
	return DOM_OK;
}

/* --- files of records ---------------------------------------------------------- */

struct record_source {
	struct backup *backup;
	const struct format_record *record;
	enum dom_status (*take)(void *context, struct dom_slice bytes);
	void *take_context;
};

static enum dom_status
record_take(void *context, struct dom_slice bytes)
{
	struct record_source *source = context;

	if (cli_stopping)
		return DOM_ESTOPPED;
	return source->take(source->take_context, bytes);
}

static enum dom_status
record_read(void *context, enum dom_status (*take)(void *take_context, struct dom_slice bytes),
    void *take_context)
{
	struct record_source *source = context;

	source->take = take;
	source->take_context = take_context;
	return format_record_read(source->backup->fd, source->record->pieces,
	    source->record->piece_count, record_take, source);
}

static enum dom_status
records_record(void *context, const struct format_record *record)
{
	struct backup *backup = context;
	enum service_id service = service_of_kind(record->kind);
	struct record_source source = {.backup = backup, .record = record};
	struct dom_record put = {
	    .key = record->key,
	    .key_is_uid = record->key_is_uid,
	    .size = record->size,
	    .source = backup->file->path,
	    .order = backup->records++,
	    .read = record_read,
	    .context = &source,
	};
	enum dom_status st;

	if (cli_stopping)
		return DOM_ESTOPPED;
	backup->services[service].read++;
	backup->items++;
	if (!backup_sends(backup, service)) {
		backup->services[service].not_sent++;
		return DOM_OK;
	}
	memcpy(put.digest, record->digest, sizeof(put.digest));
	st = backup_put(backup, service, &put);
	if (st == DOM_EINTEGRITY) {
		backup_problem(backup, service, record->line, true,
		    "the file changed while it was read: run the same command again");
		return DOM_OK;
	}
	if (st == DOM_EFILE) {
		backup_problem(backup, service, record->line, true, "it cannot be read");
		return DOM_OK;
	}
	return st;
}

/* The service that a file's problems are counted with. */
static enum service_id
service_of_file(enum format_file kind)
{
	switch (kind) {
	case FORMAT_FILE_VCARD:
		return SERVICE_CONTACTS;
	case FORMAT_FILE_ICALENDAR:
		return SERVICE_CALENDAR;
	case FORMAT_FILE_MESSAGES_XML:
		return SERVICE_MESSAGES;
	case FORMAT_FILE_CALLS_XML:
		return SERVICE_CALLS;
	case FORMAT_FILE_PHOTO:
		return SERVICE_PHOTOS;
	case FORMAT_FILE_OTHER:
		break;
	}
	return SERVICE_FILES;
}

static enum dom_status
records_problem(void *context, const struct format_problem *problem)
{
	struct backup *backup = context;
	enum service_id service = service_of_file(backup->file->kind);
	enum service_id other = service == SERVICE_CALENDAR ? SERVICE_TASKS : service;

	/* What is off is counted, and that is all. */
	if (backup->is_dry || backup_sends(backup, service) || backup_sends(backup, other))
		backup_problem(backup, service, problem->line, problem->damaged, problem->what);
	return DOM_OK;
}

static void
records_progress(void *context, uint64_t offset)
{
	backup_bar(context, offset);
}

enum dom_status
backup_records(struct backup *backup)
{
	const struct format_sink sink = {
	    records_record, records_problem, records_progress, backup};
	enum dom_status st = format_scan(backup->fd, backup->file->kind, &sink);

	if (st == DOM_EFILE) {
		backup_problem(
		    backup, service_of_file(backup->file->kind), 0, true, strerror(errno));
		return DOM_OK;
	}
	return st;
}

/* --- photos and other files ----------------------------------------------------- */

static enum dom_status
whole_progress(void *context, uint64_t offset)
{
	if (cli_stopping)
		return DOM_ESTOPPED;
	/* Half of the work is the digest, half the sending. */
	backup_bar(context, offset / 2);
	return DOM_OK;
}

static enum dom_status
whole_read(void *context, enum dom_status (*take)(void *take_context, struct dom_slice bytes),
    void *take_context)
{
	enum { BLOCK = 64 << 10 };
	struct backup *backup = context;
	struct format_piece piece = {.size = BLOCK};
	uint64_t size = backup->file->size;

	for (uint64_t offset = 0; offset < size; offset += piece.size) {
		enum dom_status st;

		piece.offset = offset;
		piece.size = size - offset < BLOCK ? size - offset : BLOCK;
		if (cli_stopping)
			return DOM_ESTOPPED;
		st = format_record_read(backup->fd, &piece, 1, take, take_context);
		if (st < 0)
			return st;
		backup_bar(backup, size / 2 + offset / 2);
	}
	return DOM_OK;
}

/* What the photo says about itself is for the person only; its bytes are kept as they are. */
static void
whole_look(struct backup *backup)
{
	struct format_photo photo;

	if (format_photo_look(backup->fd, &photo) != DOM_OK)
		return;
	backup->photos_without_place += photo.place_removed;
	if (photo.damage != NULL) {
		char what[256];

		snprintf(what, sizeof(what), "%s; it is stored as it is", photo.damage);
		backup_problem(backup, SERVICE_PHOTOS, 0, true, what);
	}
}

enum dom_status
backup_whole(struct backup *backup, enum service_id service)
{
	char key[KEY_PREFIX_SIZE + PATH_SIZE_MAX + 1];
	struct walk_file current = *backup->file;
	struct dom_record put = {
	    .name = current.path,
	    .source = current.path,
	    .read = whole_read,
	    .context = backup,
	};
	struct stat about;
	enum dom_status st;

	backup->services[service].read++;
	backup->items++;
	if (!backup_sends(backup, service)) {
		backup->services[service].not_sent++;
		return DOM_OK;
	}
	if (service == SERVICE_PHOTOS)
		whole_look(backup);
	st = format_file_digest(backup->fd, whole_progress, backup, put.digest, &current.size);
	if (st == DOM_OK && fstat(backup->fd, &about) != 0)
		st = DOM_EFILE;
	if (st == DOM_OK) {
		put.size = current.size;
		put.mtime_ms =
		    (int64_t)about.st_mtim.tv_sec * 1000 + about.st_mtim.tv_nsec / 1000000;
		put.key =
		    dom_slice(key, (size_t)snprintf(key, sizeof(key), "path:%s", current.path));
		backup->file = &current; /* its size is what the digest saw */
		st = backup_put(backup, service, &put);
	}
	if (st == DOM_EFILE)
		backup_problem(backup, service, 0, true, strerror(errno));
	if (st == DOM_EINTEGRITY)
		backup_problem(backup, service, 0, true,
		    "the file changed while it was read: run the same command again");
	return st == DOM_EFILE || st == DOM_EINTEGRITY ? DOM_OK : st;
}
