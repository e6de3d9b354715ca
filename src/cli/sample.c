/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The first record that would be sent, shown before anything is. */
#include "cli/sample.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"

#include "cli/account.h"
#include "cli/entry.h"
#include "cli/text.h"

enum {
	SHOWN_SIZE_MAX = 4096,
	SHOWN_LINES_MAX = 12,
	SHOWN_LINE_MAX = 72,
};

static void
pass_over(void *context, const struct walk_root *root, const char *path, enum walk_skip why,
    int error)
{
	(void)context, (void)root, (void)path, (void)why, (void)error;
}

static bool
stop(void *context)
{
	(void)context;
	return cli_stopping != 0;
}

enum cli_exit
sample_open(struct cli *cli, struct sample *sample_r)
{
	const char *given = options_value(&cli->options, "sample");
	struct account_notes notes;
	const char *path = given;
	enum dom_status st;

	*sample_r = (struct sample){.walk = {.skip = pass_over, .stop = stop}};
	account_notes_read(cli->folder, &notes);
	if (path == NULL && notes.backup_path[0] != '\0')
		path = notes.backup_path;
	if (path == NULL)
		return CLI_DONE;
	st = walk_add(&sample_r->walk, path);
	sample_r->is_open = st == DOM_OK;
	/* A folder of an earlier backup may be gone; one that was named may not. */
	if (st == DOM_OK || (given == NULL && st == DOM_EFILE))
		return CLI_DONE;
	if (st == DOM_ESTOPPED)
		return CLI_STOPPED;
	cli_say(cli, "%s cannot be read: %s. Nothing was turned on", path,
	    st == DOM_EFILE ? strerror(errno) : dom_status_text(st));
	return CLI_FAILED;
}

void
sample_close(struct sample *sample)
{
	walk_free(&sample->walk);
}

struct looking {
	enum service_id service;
	int fd;
	struct dom_buffer content;
	uint64_t line, size;
	bool is_found;
};

static enum dom_status
take(void *context, struct dom_slice bytes)
{
	struct looking *looking = context;
	size_t room = SHOWN_SIZE_MAX - looking->content.size;

	dom_buffer_append(&looking->content, bytes.data, bytes.size < room ? bytes.size : room);
	return looking->content.size >= SHOWN_SIZE_MAX ? DOM_ESTOPPED : DOM_OK;
}

static enum dom_status
look_at_record(void *context, const struct format_record *record)
{
	struct looking *looking = context;
	enum dom_status st;

	if (service_of_kind(record->kind) != looking->service)
		return cli_stopping ? DOM_ESTOPPED : DOM_OK;
	st =
	    format_record_read(looking->fd, record->pieces, record->piece_count, take, looking);
	looking->is_found = st == DOM_OK || st == DOM_ESTOPPED;
	looking->line = record->line;
	looking->size = record->size;
	return DOM_ESTOPPED;
}

static enum dom_status
pass_problem(void *context, const struct format_problem *problem)
{
	(void)context, (void)problem;
	return DOM_OK;
}

static void
print_content(const struct looking *looking)
{
	const char *at = (const char *)looking->content.data;
	const char *end = at + looking->content.size - 1;
	char line[SHOWN_LINE_MAX + 1], clean[SHOWN_LINE_MAX + 1];
	unsigned lines = 0;

	while (at < end && lines++ < SHOWN_LINES_MAX) {
		const char *stop_at = memchr(at, '\n', (size_t)(end - at));
		size_t size = (size_t)((stop_at == NULL ? end : stop_at) - at);

		/* A long line goes on in the next one. */
		if (size > SHOWN_LINE_MAX) {
			size = text_cut(at, SHOWN_LINE_MAX);
			stop_at = at + size - 1;
		}
		snprintf(line, sizeof(line), "%.*s", (int)size, at);
		line[strcspn(line, "\r")] = '\0';
		printf("    | %s\n", text_clean(line, '?', clean, sizeof(clean)));
		at = stop_at == NULL ? end : stop_at + 1;
	}
	if (at < end || looking->content.size - 1 < looking->size)
		puts("    | ..");
}

/* The kind of file that records of the service stand in. */
static enum format_file
file_of(enum service_id service)
{
	switch (service) {
	case SERVICE_CONTACTS:
		return FORMAT_FILE_VCARD;
	case SERVICE_CALENDAR:
	case SERVICE_TASKS:
		return FORMAT_FILE_ICALENDAR;
	case SERVICE_MESSAGES:
		return FORMAT_FILE_MESSAGES_XML;
	case SERVICE_CALLS:
		return FORMAT_FILE_CALLS_XML;
	case SERVICE_PHOTOS:
		return FORMAT_FILE_PHOTO;
	default:
		return FORMAT_FILE_OTHER;
	}
}

/* True: it was shown. */
static bool
look_into(struct sample *sample, const struct walk_file *file, enum service_id service)
{
	struct looking looking = {.service = service, .fd = walk_open(&sample->walk, file)};
	const struct format_sink sink = {
	    .record = look_at_record, .problem = pass_problem, .context = &looking};
	char path[512], bytes[TEXT_SHORT];
	enum dom_status st;

	text_clean(file->path, '?', path, sizeof(path));
	if (looking.fd < 0)
		return false;
	if (file->kind == FORMAT_FILE_PHOTO || file->kind == FORMAT_FILE_OTHER) {
		entry_label("First of them");
		printf("%s, all of its %s\n", path, text_bytes(file->size, bytes));
		looking.is_found = true;
	} else {
		st = format_scan(looking.fd, file->kind, &sink);
		dom_buffer_append(&looking.content, "", 1); /* texts end in NUL */
		looking.is_found = looking.is_found && (st == DOM_OK || st == DOM_ESTOPPED) &&
		                   dom_buffer_finish(&looking.content) == DOM_OK;
		if (looking.is_found) {
			entry_label("First of them");
			printf("%s:%llu, %s, encrypted before it leaves this device:\n", path,
			    (unsigned long long)looking.line, text_bytes(looking.size, bytes));
			print_content(&looking);
		}
	}
	dom_buffer_free(&looking.content);
	close(looking.fd);
	return looking.is_found;
}

void
sample_print(struct cli *cli, struct sample *sample, enum service_id service)
{
	(void)cli;
	if (service == SERVICE_ANY || service == SERVICE_NOTES)
		return;
	if (!sample->is_open) {
		entry_paragraph("First of them",
		    "not known yet; --sample FOLDER shows it, with the folder of your export");
		return;
	}
	for (size_t at = 0; at < sample->walk.count && !cli_stopping; at++) {
		if (sample->walk.files[at].kind == file_of(service) &&
		    look_into(sample, &sample->walk.files[at], service))
			return;
	}
	entry_paragraph("First of them", "none: there is nothing of it in these files");
}
