/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* From a file to its reader, and from a record to its bytes. */
#include "formats/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/wipe.h"

enum dom_status
format_tell(const struct format_sink *sink, uint64_t line, bool damaged, const char *what)
{
	struct format_problem problem = {.line = line, .damaged = damaged, .what = what};

	return sink->problem(sink->context, &problem);
}

enum dom_status
format_key_finish(struct dom_buffer *key, size_t prefix_size)
{
	uint8_t digest[DOM_SHA256_SIZE];
	char hex[2 * DOM_SHA256_SIZE + 1];
	enum dom_status st;

	if ((st = dom_buffer_finish(key)) < 0 || key->size <= FORMAT_KEY_SIZE_MAX)
		return st;
	if ((st = dom_sha256(dom_buffer_slice(key), digest)) < 0)
		return st;
	dom_hex_encode(dom_slice(digest, sizeof(digest)), hex);
	key->size = prefix_size;
	dom_buffer_append_text(key, hex);
	return dom_buffer_finish(key);
}

enum dom_status
format_scan(int fd, enum format_file file, const struct format_sink *sink)
{
	struct format_window *window;
	enum dom_status st = DOM_EINPUT;

	if (file == FORMAT_FILE_OTHER || file == FORMAT_FILE_PHOTO)
		return DOM_EINPUT;
	if ((window = format_window_new(fd, sink)) == NULL)
		return DOM_ENOMEM;
	switch (file) {
	case FORMAT_FILE_VCARD:
		st = format_scan_vcard(window, sink);
		break;
	case FORMAT_FILE_ICALENDAR:
		st = format_scan_icalendar(window, sink);
		break;
	case FORMAT_FILE_MESSAGES_XML:
	case FORMAT_FILE_CALLS_XML:
		st = format_scan_sms_xml(window, sink);
		break;
	case FORMAT_FILE_OTHER:
	case FORMAT_FILE_PHOTO:
		break;
	}
	if (st >= 0 && window->failed < 0)
		st = window->failed;
	format_window_free(&window);
	return st;
}

static enum dom_status
piece_read(int fd, const struct format_piece *piece, uint8_t *block,
    enum dom_status (*take)(void *context, struct dom_slice bytes), void *context)
{
	enum dom_status st = DOM_OK;

	for (uint64_t done = 0; done < piece->size && st >= 0;) {
		uint64_t left = piece->size - done;
		size_t want = left < FORMAT_WINDOW_SIZE ? (size_t)left : FORMAT_WINDOW_SIZE;
		ssize_t got = pread(fd, block, want, (off_t)(piece->offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = EIO;
		if (got <= 0)
			return DOM_EFILE;
		done += (uint64_t)got;
		st = take(context, dom_slice(block, (size_t)got));
	}
	return st;
}

enum dom_status
format_record_read(int fd, const struct format_piece *pieces, size_t piece_count,
    enum dom_status (*take)(void *context, struct dom_slice bytes), void *context)
{
	size_t size = 1;
	uint8_t *block;
	enum dom_status st = DOM_OK;
	int kept_errno;

	/* No larger than needed: most records are small, and it is wiped. */
	for (size_t i = 0; i < piece_count; i++)
		if (pieces[i].literal == NULL && pieces[i].size > size)
			size = pieces[i].size < FORMAT_WINDOW_SIZE ? (size_t)pieces[i].size
			                                           : FORMAT_WINDOW_SIZE;
	if ((block = malloc(size)) == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; i < piece_count && st >= 0; i++) {
		if (pieces[i].literal != NULL)
			st = take(context, dom_slice(pieces[i].literal, pieces[i].size));
		else
			st = piece_read(fd, &pieces[i], block, take, context);
	}
	kept_errno = errno;
	dom_wipe(block, size);
	free(block);
	errno = kept_errno;
	return st;
}

const char *
format_kind_file(enum format_kind kind)
{
	static const char *const names[FORMAT_KIND_COUNT] = {
	    [FORMAT_CONTACT] = "contacts.vcf",
	    [FORMAT_EVENT] = "calendar.ics",
	    [FORMAT_TASK] = "tasks.ics",
	    [FORMAT_MESSAGE] = "messages.xml",
	    [FORMAT_CALL] = "calls.xml",
	};

	return names[kind];
}
