/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Messages and calls: the XML of SMS Backup & Restore, described in docs/formats.md. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/encode.h"

#include "formats/scan.h"
#include "formats/xml_scan.h"

enum {
	FIELD_SIZE = 256,
	DEPTH_MAX = 16,
};

enum element {
	ELEMENT_OTHER,
	ELEMENT_ROOT,
	ELEMENT_SMS,
	ELEMENT_MMS,
	ELEMENT_CALL,
	ELEMENT_PART
};

/* The attributes that are kept for a while; FIELD_TEXT is hashed instead. */
enum field {
	FIELD_DATE,
	FIELD_PEER,
	FIELD_BOX,
	FIELD_ID,
	FIELD_TRANSACTION,
	FIELD_DURATION,
	FIELD_COUNT, /* of the root; those before it are a record's */
	FIELD_END,
	FIELD_TEXT = FIELD_END,
};

static const struct {
	enum element element;
	enum field field;
	const char *name;
} wanted[] = {
    {ELEMENT_ROOT, FIELD_COUNT, "count"},
    {ELEMENT_SMS, FIELD_DATE, "date"},
    {ELEMENT_SMS, FIELD_PEER, "address"},
    {ELEMENT_SMS, FIELD_BOX, "type"},
    {ELEMENT_SMS, FIELD_TEXT, "body"},
    {ELEMENT_MMS, FIELD_DATE, "date"},
    {ELEMENT_MMS, FIELD_PEER, "address"},
    {ELEMENT_MMS, FIELD_BOX, "msg_box"},
    {ELEMENT_MMS, FIELD_ID, "m_id"},
    {ELEMENT_MMS, FIELD_TRANSACTION, "tr_id"},
    {ELEMENT_PART, FIELD_TEXT, "text"},
    {ELEMENT_CALL, FIELD_DATE, "date"},
    {ELEMENT_CALL, FIELD_PEER, "number"},
    {ELEMENT_CALL, FIELD_BOX, "type"},
    {ELEMENT_CALL, FIELD_DURATION, "duration"},
};

struct sms_scan {
	struct format_xml xml;
	const struct format_sink *sink;

	bool root_seen, in_root, text_told;
	char root[FORMAT_XML_NAME_SIZE];
	uint64_t root_line;
	uint64_t count; /* records begun in this root */

	enum element element;
	enum field field; /* whose value is coming */
	char values[FIELD_END][FIELD_SIZE];
	size_t sizes[FIELD_END];
	struct dom_sha256 *text;

	/* The record under way; each open element by its name's hash. */
	uint64_t names[DEPTH_MAX];
	unsigned depth;
	uint64_t offset, line;
	struct dom_buffer key;
	char what[256];
};

static enum element
element_of(const char *name)
{
	if (strcmp(name, "sms") == 0)
		return ELEMENT_SMS;
	if (strcmp(name, "mms") == 0)
		return ELEMENT_MMS;
	if (strcmp(name, "call") == 0)
		return ELEMENT_CALL;
	if (strcmp(name, "part") == 0)
		return ELEMENT_PART;
	if (strcmp(name, "smses") == 0 || strcmp(name, "calls") == 0)
		return ELEMENT_ROOT;
	return ELEMENT_OTHER;
}

static bool
is_record(enum element element)
{
	return element == ELEMENT_SMS || element == ELEMENT_MMS || element == ELEMENT_CALL;
}

static bool
is_start(const char *name, bool closing)
{
	enum element element = element_of(name);

	return closing ? element == ELEMENT_ROOT
	               : element == ELEMENT_ROOT || is_record(element);
}

static bool
value_begin(void *context, const char *name)
{
	struct sms_scan *scan = context;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (wanted[i].element == scan->element && strcmp(wanted[i].name, name) == 0) {
			scan->field = wanted[i].field;
			if (scan->field == FIELD_TEXT)
				dom_sha256_add(scan->text, dom_slice(FORMAT_KEY_BREAK, 1));
			return true;
		}
	}
	return false;
}

static void
value_part(void *context, struct dom_slice part)
{
	struct sms_scan *scan = context;
	size_t room;

	if (scan->field == FIELD_TEXT) {
		dom_sha256_add(scan->text, part);
		return;
	}
	room = FIELD_SIZE - scan->sizes[scan->field];
	if (part.size > room)
		part.size = room;
	memcpy(scan->values[scan->field] + scan->sizes[scan->field], part.data, part.size);
	scan->sizes[scan->field] += part.size;
}

static struct dom_slice
field_value(const struct sms_scan *scan, enum field field)
{
	struct dom_slice value = dom_slice(scan->values[field], scan->sizes[field]);

	/* The app writes the word for what is absent. */
	return dom_slice_is(value, "null") ? dom_slice(scan->values[field], 0) : value;
}

static enum dom_status
record_key(struct sms_scan *scan, enum element element)
{
	static const enum field order[] = {FIELD_DATE, FIELD_PEER, FIELD_BOX, FIELD_DURATION};
	struct dom_buffer *key = &scan->key;
	uint8_t digest[DOM_SHA256_SIZE];
	char hex[2 * DOM_SHA256_SIZE + 1];
	enum dom_status st;

	dom_buffer_clear(key);
	dom_buffer_append_text(key, element == ELEMENT_SMS   ? "sms:"
	                            : element == ELEMENT_MMS ? "mms:"
	                                                     : "call:");
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		dom_buffer_append_slice(key, field_value(scan, order[i]));
		dom_buffer_append_text(key, FORMAT_KEY_BREAK);
	}
	if (element == ELEMENT_MMS) {
		dom_sha256_add(scan->text, field_value(scan, FIELD_ID));
		dom_sha256_add(scan->text, dom_slice(FORMAT_KEY_BREAK, 1));
		dom_sha256_add(scan->text, field_value(scan, FIELD_TRANSACTION));
	}
	if ((st = dom_sha256_finish(scan->text, digest)) < 0)
		return st;
	if (element != ELEMENT_CALL) {
		dom_hex_encode(dom_slice(digest, sizeof(digest)), hex);
		dom_buffer_append_text(key, hex);
	}
	return format_key_finish(key, 0);
}

static enum dom_status
record_done(struct sms_scan *scan, enum element element)
{
	struct format_record record = {
	    .kind = element == ELEMENT_CALL ? FORMAT_CALL : FORMAT_MESSAGE,
	    .piece_count = 1,
	    .line = scan->line,
	};
	struct format_piece piece = {.offset = scan->offset};
	enum dom_status st;

	piece.size = format_window_offset(scan->xml.window) - scan->offset;
	record.pieces = &piece;
	record.size = piece.size;
	if ((st = format_window_hash_end(scan->xml.window, record.digest)) < 0 ||
	    (st = record_key(scan, element)) < 0)
		return st;
	record.key = dom_buffer_slice(&scan->key);
	return scan->sink->record(scan->sink->context, &record);
}

static enum dom_status
record_bad(struct sms_scan *scan, enum element element, const char *wrong)
{
	snprintf(scan->what, sizeof(scan->what), "%s was left out: %s",
	    element == ELEMENT_CALL ? "a call"
	    : is_record(element)    ? "a message"
	                            : "an element that is no message and no call",
	    wrong);
	return format_tell(scan->sink, scan->line, true, scan->what);
}

static enum dom_status
record_cut(struct sms_scan *scan, enum element element)
{
	if (scan->xml.window->failed < 0)
		return scan->xml.window->failed;
	scan->root_seen = true;
	scan->in_root = false; /* once is enough */
	snprintf(scan->what, sizeof(scan->what),
	    "the file ends in the middle of %s: it is damaged, export it again",
	    element == ELEMENT_CALL ? "a call"
	    : is_record(element)    ? "a message"
	                            : "a tag");
	return format_tell(scan->sink, scan->line, true, scan->what);
}

static uint64_t
name_hash(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * 0x100000001b3u;
	return hash;
}

/* One step within a record: NULL to go on, or what is wrong with it. */
static const char *
record_step(struct sms_scan *scan, enum format_xml_event event)
{
	struct format_xml *xml = &scan->xml;

	switch (event) {
	case FORMAT_XML_OPEN:
		scan->element = element_of(xml->name);
		if (scan->depth > 0 &&
		    (is_record(scan->element) || scan->element == ELEMENT_ROOT)) {
			format_xml_again(xml);
			return "it is not closed before the next one begins";
		}
		if (scan->depth == DEPTH_MAX)
			return "its elements are nested too deeply";
		scan->names[scan->depth++] = name_hash(xml->name);
		return NULL;
	case FORMAT_XML_OPEN_EMPTY:
		scan->depth--;
		return NULL;
	case FORMAT_XML_CLOSE:
		if (scan->names[scan->depth - 1] == name_hash(xml->name)) {
			scan->depth--;
			return NULL;
		}
		if (element_of(xml->name) == ELEMENT_ROOT)
			format_xml_again(xml);
		return "its tags do not match";
	case FORMAT_XML_BAD:
		return xml->wrong;
	case FORMAT_XML_DOCTYPE:
		return "it holds a DOCTYPE";
	case FORMAT_XML_OPEN_END:
	case FORMAT_XML_ATTRIBUTE:
	case FORMAT_XML_TEXT:
	case FORMAT_XML_END:
		break;
	}
	return NULL;
}

/* OPEN of something that is not the root was seen; read it to its end. */
static enum dom_status
scan_record(struct sms_scan *scan, bool *resume_r)
{
	struct format_xml *xml = &scan->xml;
	enum element element = element_of(xml->name);
	uint8_t unused[DOM_SHA256_SIZE];
	enum dom_status st;

	scan->offset = xml->offset;
	scan->line = xml->line;
	scan->depth = 0;
	scan->count += is_record(element);
	memset(scan->sizes, 0, FIELD_COUNT * sizeof(scan->sizes[0]));
	if ((st = dom_sha256_finish(scan->text, unused)) < 0)
		return st;
	format_xml_again(xml);
	format_window_hash_begin(xml->window);
	do {
		enum format_xml_event event = format_xml_next(xml);
		const char *wrong;

		if (event == FORMAT_XML_END)
			return record_cut(scan, element);
		if ((wrong = record_step(scan, event)) != NULL) {
			*resume_r = true;
			return record_bad(scan, element, wrong);
		}
	} while (scan->depth > 0);
	if (!is_record(element))
		return record_bad(scan, element, "it is unknown");
	return record_done(scan, element);
}

/* The root's tag was opened; read its attributes. */
static enum dom_status
scan_root(struct sms_scan *scan, bool *resume_r)
{
	struct format_xml *xml = &scan->xml;
	enum format_xml_event event;

	scan->root_seen = true;
	scan->in_root = true;
	scan->text_told = false;
	scan->root_line = xml->line;
	scan->line = xml->line;
	scan->count = 0;
	scan->element = ELEMENT_ROOT;
	memcpy(scan->root, xml->name, sizeof(scan->root));
	scan->sizes[FIELD_COUNT] = 0;
	while ((event = format_xml_next(xml)) == FORMAT_XML_ATTRIBUTE)
		;
	if (event == FORMAT_XML_END)
		return DOM_OK; /* the caller meets it again, and tells */
	if (event == FORMAT_XML_OPEN_EMPTY)
		scan->in_root = false;
	if (event != FORMAT_XML_BAD)
		return DOM_OK;
	*resume_r = true;
	return format_tell(scan->sink, scan->root_line, false, "the first tag is damaged");
}

static enum dom_status
root_close(struct sms_scan *scan)
{
	struct dom_slice claim = dom_slice(scan->values[FIELD_COUNT], scan->sizes[FIELD_COUNT]);
	uint64_t claimed = 0;

	if (!scan->in_root || strcmp(scan->xml.name, scan->root) != 0)
		return format_tell(
		    scan->sink, scan->xml.line, false, "an end tag has nothing to close");
	scan->in_root = false;
	for (size_t i = 0; i < claim.size; i++) {
		if (claim.data[i] < '0' || claim.data[i] > '9' || i == 18)
			return format_tell(scan->sink, scan->root_line, false,
			    "the file's count is not a number");
		claimed = claimed * 10 + (claim.data[i] - '0');
	}
	if (claim.size == 0 || claimed == scan->count)
		return DOM_OK;
	snprintf(scan->what, sizeof(scan->what),
	    "the file says that it holds %llu, but it holds %llu", (unsigned long long)claimed,
	    (unsigned long long)scan->count);
	return format_tell(scan->sink, scan->root_line, false, scan->what);
}

static enum dom_status
scan_end(struct sms_scan *scan)
{
	uint64_t line = format_window_line(scan->xml.window);

	if (scan->xml.window->failed < 0)
		return scan->xml.window->failed;
	if (!scan->root_seen)
		return format_tell(
		    scan->sink, line, true, "there is no <smses> or <calls> in the file");
	if (scan->in_root)
		return format_tell(scan->sink, line, true,
		    "the file ends too early: it is damaged, export it again");
	return DOM_OK;
}

static enum dom_status
scan_event(struct sms_scan *scan, enum format_xml_event event, bool *resume_r)
{
	switch (event) {
	case FORMAT_XML_OPEN:
		if (element_of(scan->xml.name) == ELEMENT_ROOT)
			return scan_root(scan, resume_r);
		return scan_record(scan, resume_r);
	case FORMAT_XML_CLOSE:
		return root_close(scan);
	case FORMAT_XML_BAD:
		*resume_r = true;
		snprintf(scan->what, sizeof(scan->what),
		    "something between the records was left out: %s", scan->xml.wrong);
		return format_tell(scan->sink, scan->xml.line, true, scan->what);
	case FORMAT_XML_DOCTYPE:
		return format_tell(scan->sink, scan->xml.line, false,
		    "a DOCTYPE was passed over, its entities are not known");
	case FORMAT_XML_TEXT:
		if (scan->text_told)
			return DOM_OK;
		scan->text_told = true;
		return format_tell(
		    scan->sink, scan->xml.line, true, "text between the records was left out");
	case FORMAT_XML_ATTRIBUTE:
	case FORMAT_XML_OPEN_END:
	case FORMAT_XML_OPEN_EMPTY:
	case FORMAT_XML_END:
		break;
	}
	return DOM_OK;
}

/* UTF-16 cannot be read; another one-byte encoding can, but its accents will look wrong. */
static enum dom_status
scan_encoding(struct sms_scan *scan, bool *stop_r)
{
	struct format_window *window = scan->xml.window;
	size_t size = format_window_fill(window, 256);
	const uint8_t *head = window->bytes;
	const uint8_t *end, *at;

	*stop_r = false;
	if (size >= 2 &&
	    (memcmp(head, "\xFF\xFE", 2) == 0 || memcmp(head, "\xFE\xFF", 2) == 0 ||
	        head[0] == '\0' || head[1] == '\0')) {
		*stop_r = true;
		return format_tell(
		    scan->sink, 1, true, "the file is not in UTF-8: export it again in UTF-8");
	}
	if (size >= 3 && memcmp(head, "\xEF\xBB\xBF", 3) == 0) {
		window->at += 3;
		head += 3;
		size -= 3;
	}
	size = size < 256 ? size : 256;
	if (size < 6 || memcmp(head, "<?xml", 5) != 0 ||
	    (end = memmem(head, size, "?>", 2)) == NULL ||
	    (at = memmem(head, (size_t)(end - head), "encoding=", 9)) == NULL)
		return DOM_OK;
	at += 10;
	if (strncasecmp((const char *)at, "utf-8", 5) == 0 ||
	    strncasecmp((const char *)at, "us-ascii", 8) == 0)
		return DOM_OK;
	return format_tell(scan->sink, 1, false,
	    "the file says that it is not in UTF-8: its bytes are kept, but letters may look "
	    "wrong");
}

static enum dom_status
scan_all(struct sms_scan *scan)
{
	enum format_xml_event event;
	enum dom_status st;
	bool stop;

	if ((st = scan_encoding(scan, &stop)) < 0 || stop)
		return st;
	while ((event = format_xml_next(&scan->xml)) != FORMAT_XML_END) {
		bool resume = false;

		if ((st = scan_event(scan, event, &resume)) < 0)
			return st;
		if (resume && !format_xml_resume(&scan->xml, is_start))
			break;
	}
	return scan_end(scan);
}

enum dom_status
format_scan_sms_xml(struct format_window *window, const struct format_sink *sink)
{
	struct sms_scan *scan = calloc(1, sizeof(*scan));
	enum dom_status st = DOM_ENOMEM;

	if (scan == NULL)
		return DOM_ENOMEM;
	scan->xml.window = window;
	scan->xml.value_begin = value_begin;
	scan->xml.value_part = value_part;
	scan->xml.context = scan;
	scan->sink = sink;
	if ((scan->text = dom_sha256_new()) != NULL)
		st = scan_all(scan);
	dom_sha256_free(&scan->text);
	dom_buffer_free(&scan->key);
	free(scan);
	return st;
}
