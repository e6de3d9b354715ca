/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Content lines of vCard and iCalendar, unfolded as they stream by. */
#include "formats/lines.h"

#include <assert.h>
#include <strings.h>

void
format_lines_open(struct format_lines *lines, struct format_window *window)
{
	lines->window = window;
	lines->number = 1;
	lines->lf_known = false;
	lines->kept = 0;
	if (format_window_fill(window, 3) >= 3 &&
	    memcmp(window->bytes + window->at, "\xEF\xBB\xBF", 3) == 0)
		window->at += 3;
}

static void
lines_take(
    struct format_lines *lines, struct format_line *line, const uint8_t *data, size_t size)
{
	size_t room = sizeof(lines->text) - lines->kept;
	size_t kept = size < room ? size : room;

	if (size == 0)
		return;
	memcpy(lines->text + lines->kept, data, kept);
	lines->kept += kept;
	line->text_size += size;
	if (!line->has_nul && memchr(data, 0, size) != NULL)
		line->has_nul = true;
}

/* Index of the next LF or the window's size; found once per LF, not once per CR before it. */
static size_t
lines_lf(struct format_lines *lines)
{
	struct format_window *window = lines->window;
	const uint8_t *found;

	if (lines->lf_known && lines->lf_offset == window->offset &&
	    lines->lf_size == window->size && lines->lf >= window->at)
		return lines->lf;
	found = memchr(window->bytes + window->at, '\n', window->size - window->at);
	lines->lf = found == NULL ? window->size : (size_t)(found - window->bytes);
	lines->lf_offset = window->offset;
	lines->lf_size = window->size;
	lines->lf_known = true;
	return lines->lf;
}

/* Take one line of the file; the last byte of its text goes to *last_r, or 0. */
static void
lines_take_physical(struct format_lines *lines, struct format_line *line, uint8_t *last_r)
{
	struct format_window *window = lines->window;

	*last_r = 0;
	line->ended = false;
	while (format_window_fill(window, 1) > 0) {
		const uint8_t *start = window->bytes + window->at;
		size_t end = lines_lf(lines);
		const uint8_t *cr = memchr(start, '\r', end - window->at);
		size_t size = cr == NULL ? end - window->at : (size_t)(cr - start);

		lines_take(lines, line, start, size);
		if (size > 0)
			*last_r = start[size - 1];
		window->at += size;
		if (window->at == window->size)
			continue;
		/* A CR may be the last byte of the window and its LF the first of the next. */
		if (window->bytes[window->at] == '\r') {
			if (format_window_fill(window, 2) >= 2 &&
			    window->bytes[window->at + 1] == '\n')
				window->at++;
		}
		window->at++;
		line->ended = true;
		lines->number++;
		return;
	}
}

/* The end of the name and the parameters: the first colon outside of quotation marks. */
static size_t
lines_colon(const struct format_lines *lines)
{
	bool quoted = false;

	for (size_t i = 0; i < lines->kept; i++) {
		if (lines->text[i] == '"')
			quoted = !quoted;
		else if (lines->text[i] == ':' && !quoted)
			return i;
	}
	return lines->kept;
}

static bool
slice_contains(struct dom_slice haystack, const char *word)
{
	size_t size = strlen(word);

	for (size_t i = 0; i + size <= haystack.size; i++)
		if (strncasecmp((const char *)haystack.data + i, word, size) == 0)
			return true;
	return false;
}

/*
 * After a soft line break: programs that end a text in '=' by mistake must not
 * lose the END line behind it.
 */
static bool
lines_at_frame(struct format_lines *lines)
{
	struct format_window *window = lines->window;
	size_t have = format_window_fill(window, 6);
	const char *next = (const char *)window->bytes + window->at;

	return (have >= 4 && strncasecmp(next, "END:", 4) == 0) ||
	       (have >= 6 && strncasecmp(next, "BEGIN:", 6) == 0);
}

static void
lines_split(struct format_lines *lines, struct format_line *line)
{
	const uint8_t *text = lines->text;
	size_t colon = lines_colon(lines);
	size_t name_end = 0;
	size_t name_at = 0;

	line->blank = true;
	for (size_t i = 0; i < lines->kept && line->blank; i++)
		line->blank = text[i] == ' ' || text[i] == '\t';
	line->name[0] = '\0';
	line->params = dom_slice(text, 0);
	line->value = dom_slice(text, 0);
	if (colon == lines->kept)
		return;
	while (name_end < colon && text[name_end] != ';')
		name_end++;
	line->params = dom_slice(text + name_end, colon - name_end);
	line->value = dom_slice(text + colon + 1, lines->kept - colon - 1);
	for (size_t i = 0; i < name_end; i++)
		if (text[i] == '.')
			name_at = i + 1;
	while (name_at < name_end && (text[name_at] == ' ' || text[name_at] == '\t'))
		name_at++;
	while (name_end > name_at && (text[name_end - 1] == ' ' || text[name_end - 1] == '\t'))
		name_end--;
	if (name_end - name_at >= sizeof(line->name))
		return;
	for (size_t i = name_at; i < name_end; i++) {
		uint8_t byte = text[i];

		line->name[i - name_at] = (char)(byte >= 'a' && byte <= 'z' ? byte - 32 : byte);
	}
	line->name[name_end - name_at] = '\0';
	/* Whoever writes these lines later looks for them as plain lines: only such ones count.
	 */
	if ((strcmp(line->name, "BEGIN") == 0 || strcmp(line->name, "END") == 0) &&
	    (line->joined || name_at > 0 || text[name_end] != ':' ||
	        line->text_size > FORMAT_FRAME_SIZE_MAX))
		line->name[0] = '\0';
}

enum dom_status
format_lines_next(struct format_lines *lines, struct format_line *line)
{
	struct format_window *window = lines->window;
	uint8_t last;

	memset(line, 0, sizeof(*line));
	if (format_window_fill(window, 1) == 0)
		return window->failed < 0 ? window->failed : DOM_ABSENT;
	line->offset = format_window_offset(window);
	line->number = lines->number;
	lines->kept = 0;
	for (;; line->joined = true) {
		lines_take_physical(lines, line, &last);
		if (last == '=' && !line->quoted_printable)
			line->quoted_printable = slice_contains(
			    dom_slice(lines->text, lines_colon(lines)), "QUOTED-PRINTABLE");
		if (!line->ended || format_window_fill(window, 1) == 0)
			break;
		if (last == '=' && line->quoted_printable) {
			if (lines_at_frame(lines))
				break;
			if (lines->kept == line->text_size)
				lines->kept--;
			line->text_size--;
			continue;
		}
		if (window->bytes[window->at] != ' ' && window->bytes[window->at] != '\t')
			break;
		window->at++;
	}
	lines_split(lines, line);
	if (!line->quoted_printable)
		line->quoted_printable = slice_contains(line->params, "QUOTED-PRINTABLE");
	return window->failed < 0 ? window->failed : DOM_OK;
}

void
format_lines_again(struct format_lines *lines, const struct format_line *line)
{
	lines->number = line->number;
	lines->lf_known = false;
	format_window_seek(lines->window, line->offset);
}

static bool
is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

bool
format_value_is(struct dom_slice value, const char *word)
{
	size_t size = strlen(word);

	while (value.size > 0 && is_space(value.data[0])) {
		value.data++;
		value.size--;
	}
	while (value.size > 0 && is_space(value.data[value.size - 1]))
		value.size--;
	return value.size == size && strncasecmp((const char *)value.data, word, size) == 0;
}

struct dom_slice
format_line_param(const struct format_line *line, const char *name)
{
	const uint8_t *text = line->params.data;
	size_t size = line->params.size;
	size_t name_size = strlen(name);

	for (size_t at = 0; at < size;) {
		size_t start = at + 1; /* after the ';' */
		bool quoted = false;

		for (at = start; at < size && (quoted || text[at] != ';'); at++)
			if (text[at] == '"')
				quoted = !quoted;
		if (at - start > name_size && text[start + name_size] == '=' &&
		    strncasecmp((const char *)text + start, name, name_size) == 0) {
			struct dom_slice value =
			    dom_slice(text + start + name_size + 1, at - start - name_size - 1);

			if (value.size >= 2 && value.data[0] == '"' &&
			    value.data[value.size - 1] == '"')
				return dom_slice(value.data + 1, value.size - 2);
			return value;
		}
	}
	return dom_slice(NULL, 0);
}

static int
hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

void
format_value_normalise(const struct format_line *line, struct dom_buffer *out)
{
	struct dom_slice value = line->value;
	size_t start = out->size;
	bool space = false;

	for (size_t i = 0; i < value.size; i++) {
		uint8_t byte = value.data[i];

		if (byte == '=' && line->quoted_printable && i + 2 < value.size &&
		    hex_digit(value.data[i + 1]) >= 0 && hex_digit(value.data[i + 2]) >= 0) {
			byte = (uint8_t)(hex_digit(value.data[i + 1]) << 4 |
			                 hex_digit(value.data[i + 2]));
			i += 2;
		} else if (byte == '\\' && i + 1 < value.size) {
			byte = value.data[++i];
			if (byte == 'n' || byte == 'N')
				byte = ' ';
		}
		if (is_space(byte)) {
			space = true;
			continue;
		}
		if (space && out->size > start)
			dom_buffer_append(out, " ", 1);
		space = false;
		dom_buffer_append(out, &byte, 1);
	}
}
