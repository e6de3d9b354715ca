/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Contacts: the cards of a vCard stream, versions 2.1, 3.0 and 4.0 alike. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

#include "formats/lines.h"
#include "formats/scan.h"

/* What a card without a UID is known by, in this order. */
enum card_part { CARD_N, CARD_FN, CARD_ORG, CARD_TEL, CARD_EMAIL, CARD_UID, CARD_PART_COUNT };

static const char *const card_part_names[CARD_PART_COUNT] = {
    [CARD_N] = "N",
    [CARD_FN] = "FN",
    [CARD_ORG] = "ORG",
    [CARD_TEL] = "TEL",
    [CARD_EMAIL] = "EMAIL",
    [CARD_UID] = "UID",
};

/*
 *            BEGIN:VCARD                 END:VCARD at depth 1
 *   OUTSIDE ------------> INSIDE (depth 1 and more) -----------> OUTSIDE, a record
 *      ^                    |  NUL byte, or a line over the limit
 *      +---- END, BEGIN ----+---------> inside, but `bad`: no record at its end
 *
 * A card within a card is its AGENT (2.1); any other BEGIN:VCARD inside one
 * means that the first was never closed.
 */
struct card_scan {
	struct format_lines lines;
	const struct format_sink *sink;
	unsigned depth;     /* 0: outside */
	bool agent_follows; /* the last line was AGENT with nothing after it */
	bool bad;
	bool junk;             /* text outside of cards was reported already */
	uint64_t offset, line; /* of the card */
	struct dom_buffer parts[CARD_PART_COUNT];
	struct dom_buffer key;
};

static void
card_begin(struct card_scan *scan, const struct format_line *line)
{
	scan->depth = 1;
	scan->agent_follows = false;
	scan->bad = false;
	scan->junk = false;
	scan->offset = line->offset;
	scan->line = line->number;
	for (unsigned i = 0; i < CARD_PART_COUNT; i++)
		dom_buffer_clear(&scan->parts[i]);
}

/* Separators alone, as in "N:;;;;", say nothing. */
static bool
part_is_empty(const struct dom_buffer *part)
{
	for (size_t i = 0; i < part->size; i++)
		if (part->data[i] != ';' && part->data[i] != ' ' && part->data[i] != ',')
			return false;
	return true;
}

static enum dom_status
card_key(struct card_scan *scan, const uint8_t *digest, bool *is_uid_r)
{
	struct dom_buffer *key = &scan->key;
	struct dom_buffer *parts = scan->parts;
	char hex[2 * DOM_SHA256_SIZE + 1];
	bool named = !part_is_empty(&parts[CARD_N]) || !part_is_empty(&parts[CARD_FN]) ||
	             !part_is_empty(&parts[CARD_ORG]);

	dom_buffer_clear(key);
	for (unsigned i = 0; i < CARD_PART_COUNT; i++)
		if (parts[i].failed < 0)
			return parts[i].failed;
	*is_uid_r = parts[CARD_UID].size > 0;
	if (*is_uid_r) {
		dom_buffer_append_text(key, "uid:");
		dom_buffer_append_slice(key, dom_buffer_slice(&parts[CARD_UID]));
		return format_key_finish(key, 4);
	}
	if (named) {
		dom_buffer_append_text(key, "name:");
		for (unsigned i = CARD_N; i <= CARD_ORG; i++) {
			if (!part_is_empty(&parts[i]))
				dom_buffer_append_slice(key, dom_buffer_slice(&parts[i]));
			dom_buffer_append_text(key, FORMAT_KEY_BREAK);
		}
		return format_key_finish(key, 5);
	}
	if (parts[CARD_TEL].size > 0 || parts[CARD_EMAIL].size > 0) {
		dom_buffer_append_text(key, "at:");
		dom_buffer_append_slice(key, dom_buffer_slice(&parts[CARD_TEL]));
		dom_buffer_append_text(key, FORMAT_KEY_BREAK);
		if (parts[CARD_TEL].size == 0)
			dom_buffer_append_slice(key, dom_buffer_slice(&parts[CARD_EMAIL]));
		return format_key_finish(key, 3);
	}
	dom_hex_encode(dom_slice(digest, DOM_SHA256_SIZE), hex);
	dom_buffer_append_text(key, "bytes:");
	dom_buffer_append_text(key, hex);
	return dom_buffer_finish(key);
}

static enum dom_status
card_end(struct card_scan *scan)
{
	struct format_record record = {.kind = FORMAT_CONTACT, .line = scan->line};
	struct format_piece piece = {.offset = scan->offset};
	enum dom_status st;

	scan->depth = 0;
	scan->agent_follows = false;
	if (scan->bad)
		return DOM_OK;
	piece.size = format_window_offset(scan->lines.window) - scan->offset;
	record.pieces = &piece;
	record.piece_count = 1;
	record.size = piece.size;
	if ((st = format_window_hash_end(scan->lines.window, record.digest)) < 0 ||
	    (st = card_key(scan, record.digest, &record.key_is_uid)) < 0)
		return st;
	record.key = dom_buffer_slice(&scan->key);
	return scan->sink->record(scan->sink->context, &record);
}

static enum dom_status
card_outside(struct card_scan *scan, const struct format_line *line)
{
	if (strcmp(line->name, "BEGIN") == 0 && format_value_is(line->value, "VCARD")) {
		card_begin(scan, line);
		return DOM_OK;
	}
	if (line->blank || scan->junk)
		return DOM_OK;
	scan->junk = true;
	return format_tell(
	    scan->sink, line->number, true, "text that belongs to no contact was left out");
}

static enum dom_status
card_spoil(struct card_scan *scan, const char *what)
{
	scan->bad = true;
	return format_tell(scan->sink, scan->line, true, what);
}

static enum dom_status
card_inside(struct card_scan *scan, const struct format_line *line)
{
	enum dom_status st = DOM_OK;
	bool agent_follows = scan->agent_follows;

	if (line->blank && !line->has_nul)
		return DOM_OK;
	scan->agent_follows = false;
	if (strcmp(line->name, "BEGIN") == 0 && format_value_is(line->value, "VCARD")) {
		if (agent_follows) {
			scan->depth++;
			return DOM_OK;
		}
		if (!scan->bad)
			st = card_spoil(
			    scan, "a contact has no END:VCARD before the next one begins");
		scan->depth = 0;
		format_lines_again(&scan->lines, line);
		return st;
	}
	if (!scan->bad && line->has_nul &&
	    (st = card_spoil(scan, "a contact holds NUL bytes")) < 0)
		return st;
	if (!scan->bad && line->text_size > FORMAT_LINE_SIZE_MAX &&
	    (st = card_spoil(scan, "a contact has a line of more than 64 MiB")) < 0)
		return st;
	if (strcmp(line->name, "END") == 0 && format_value_is(line->value, "VCARD"))
		return --scan->depth > 0 ? DOM_OK : card_end(scan);
	if (strcmp(line->name, "AGENT") == 0) {
		if (format_value_is(line->value, "BEGIN:VCARD"))
			scan->depth++;
		else
			scan->agent_follows = format_value_is(line->value, "");
		return DOM_OK;
	}
	if (scan->depth > 1 || scan->bad)
		return DOM_OK;
	for (unsigned i = 0; i < CARD_PART_COUNT; i++)
		if (scan->parts[i].size == 0 && strcmp(line->name, card_part_names[i]) == 0)
			format_value_normalise(line, &scan->parts[i]);
	return DOM_OK;
}

static enum dom_status
card_scan_all(struct card_scan *scan)
{
	struct format_line line;
	bool blank_only = true;
	enum dom_status st;

	do {
		if (scan->depth == 0)
			format_window_hash_begin(scan->lines.window);
		if ((st = format_lines_next(&scan->lines, &line)) != DOM_OK)
			break;
		blank_only = blank_only && line.blank;
		st = scan->depth == 0 ? card_outside(scan, &line) : card_inside(scan, &line);
	} while (st >= 0);
	if (st < 0)
		return st;
	if (scan->depth > 0 && !scan->bad)
		return card_spoil(scan,
		    "the file ends in the middle of a contact: it is damaged, export it again");
	if (blank_only)
		return format_tell(scan->sink, 1, false, "the file is empty");
	return DOM_OK;
}

enum dom_status
format_scan_vcard(struct format_window *window, const struct format_sink *sink)
{
	struct card_scan *scan = calloc(1, sizeof(*scan));
	enum dom_status st;

	if (scan == NULL)
		return DOM_ENOMEM;
	scan->sink = sink;
	format_lines_open(&scan->lines, window);
	st = card_scan_all(scan);
	for (unsigned i = 0; i < CARD_PART_COUNT; i++)
		dom_buffer_free(&scan->parts[i]);
	dom_buffer_free(&scan->key);
	free(scan);
	return st;
}
