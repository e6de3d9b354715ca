/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a file is, by its first bytes and its name. */
#include <strings.h>

#include "formats/magic.h"
#include "formats/records.h"

static void
skip(struct dom_slice *head, size_t size)
{
	head->data += size;
	head->size -= size;
}

static bool
starts(struct dom_slice head, const char *text)
{
	size_t size = strlen(text);

	return head.size >= size && strncasecmp((const char *)head.data, text, size) == 0;
}

static void
skip_space(struct dom_slice *head)
{
	while (head->size > 0 && (head->data[0] == ' ' || head->data[0] == '\t' ||
	                             head->data[0] == '\r' || head->data[0] == '\n'))
		skip(head, 1);
}

/* Past mark, or to the end. */
static void
skip_past(struct dom_slice *head, const char *mark)
{
	size_t size = strlen(mark);
	const uint8_t *found = memmem(head->data, head->size, mark, size);

	skip(head, found == NULL ? head->size : (size_t)(found - head->data) + size);
}

static bool
ends_name(const char *name, const char *end)
{
	size_t size = strlen(name);
	size_t end_size = strlen(end);

	return size >= end_size && strcasecmp(name + size - end_size, end) == 0;
}

/* The root's name, then something that can follow a name. */
static bool
is_root(struct dom_slice head, const char *tag)
{
	size_t size = strlen(tag);

	if (!starts(head, tag))
		return false;
	return head.size == size || strchr(" \t\r\n/>", head.data[size]) != NULL;
}

static enum format_file
recognise_xml(struct dom_slice head, const char *name)
{
	while (head.size > 0) {
		skip_space(&head);
		if (starts(head, "<?"))
			skip_past(&head, "?>");
		else if (starts(head, "<!--"))
			skip_past(&head, "-->");
		else if (starts(head, "<!"))
			skip_past(&head, ">");
		else
			break;
	}
	if (is_root(head, "<smses"))
		return FORMAT_FILE_MESSAGES_XML;
	if (is_root(head, "<calls"))
		return FORMAT_FILE_CALLS_XML;
	/* Cut off before its root: the reader says that it is damaged. */
	if (head.size < 7 && ends_name(name, ".xml")) {
		if (strncasecmp(name, "sms-", 4) == 0)
			return FORMAT_FILE_MESSAGES_XML;
		if (strncasecmp(name, "calls-", 6) == 0)
			return FORMAT_FILE_CALLS_XML;
	}
	return FORMAT_FILE_OTHER;
}

static bool
named_as_photo(const char *name)
{
	static const char *const ends[] = {".jpg", ".jpeg", ".png", ".gif", ".webp", ".heic",
	    ".heif", ".avif", ".mp4", ".mov", ".3gp", ".dng", ".tif", ".tiff", ".bmp", ".webm",
	    ".mkv", ".avi"};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends_name(name, ends[i]))
			return true;
	return false;
}

enum format_file
format_recognise(struct dom_slice head, const char *name)
{
	struct dom_slice text = head;
	bool binary = head.size > 0 && memchr(head.data, 0, head.size) != NULL;

	if (format_magic(head) != NULL)
		return FORMAT_FILE_PHOTO;
	if (text.size >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0)
		skip(&text, 3);
	skip_space(&text);
	if (starts(text, "BEGIN:VCARD"))
		return FORMAT_FILE_VCARD;
	if (starts(text, "BEGIN:VCALENDAR"))
		return FORMAT_FILE_ICALENDAR;
	if (text.size == 0 || starts(text, "<")) {
		enum format_file file = recognise_xml(text, name);

		if (file != FORMAT_FILE_OTHER)
			return file;
	}
	if (!binary && (ends_name(name, ".vcf") || ends_name(name, ".vcard")))
		return FORMAT_FILE_VCARD;
	if (!binary && (ends_name(name, ".ics") || ends_name(name, ".ical") ||
	                   ends_name(name, ".vcs") || ends_name(name, ".ifb")))
		return FORMAT_FILE_ICALENDAR;
	return named_as_photo(name) ? FORMAT_FILE_PHOTO : FORMAT_FILE_OTHER;
}
