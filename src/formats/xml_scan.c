/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The XML tokenizer: one pass, 64 KiB, no recursion, no entities of its own. */
#include "formats/xml_scan.h"

#include "base/utf8.h"

static enum format_xml_event
xml_bad(struct format_xml *xml, const char *wrong)
{
	xml->wrong = wrong;
	xml->in_tag = false;
	return FORMAT_XML_BAD;
}

static enum format_xml_event
xml_end(struct format_xml *xml)
{
	xml->in_tag = false;
	return FORMAT_XML_END;
}

static inline bool
is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

/* What cannot stand in a name; everything else is left to stricter readers. */
static inline bool
ends_name(uint8_t byte)
{
	return is_space(byte) || byte == '/' || byte == '>' || byte == '=' || byte == '<' ||
	       byte == '"' || byte == '\'' || byte == '&' || byte == '\0' || byte == '?' ||
	       byte == '!';
}

static void
xml_skip_space(struct format_window *window)
{
	while (format_window_fill(window, 1) > 0 && is_space(window->bytes[window->at]))
		window->at++;
}

/* A name from at + skip on; at moves behind it.  0: none, or too long. */
static size_t
xml_take_name(struct format_xml *xml, size_t skip)
{
	struct format_window *window = xml->window;
	size_t have = format_window_fill(window, skip + FORMAT_XML_NAME_SIZE);
	const uint8_t *from = window->bytes + window->at + skip;
	size_t size = 0;

	while (skip + size < have && size < FORMAT_XML_NAME_SIZE && !ends_name(from[size]))
		size++;
	if (size == FORMAT_XML_NAME_SIZE)
		size = 0;
	memcpy(xml->name, from, size);
	xml->name[size] = '\0';
	if (size > 0)
		window->at += skip + size;
	return size;
}

/* Pass over everything up to the last byte of mark.  False: the file ends first. */
static bool
xml_skip_past(struct format_window *window, const char *mark)
{
	size_t size = strlen(mark);

	for (;;) {
		size_t have = format_window_fill(window, size);
		const uint8_t *from = window->bytes + window->at;
		const uint8_t *found;

		if (have < size) {
			window->at += have;
			return false;
		}
		found = memmem(from, have, mark, size);
		if (found != NULL) {
			window->at += (size_t)(found - from) + size;
			return true;
		}
		window->at += have - (size - 1);
	}
}

/* "<!DOCTYPE ... [ ... ]>": brackets and quotation marks are all that is looked at. */
static bool
xml_skip_doctype(struct format_window *window)
{
	bool inner = false;
	uint8_t quote = 0;

	for (; format_window_fill(window, 1) > 0; window->at++) {
		uint8_t byte = window->bytes[window->at];

		if (quote != 0) {
			if (byte == quote)
				quote = 0;
		} else if (byte == '"' || byte == '\'') {
			quote = byte;
		} else if (byte == '[') {
			inner = true;
		} else if (byte == ']') {
			inner = false;
		} else if (byte == '>' && !inner) {
			window->at++;
			return true;
		}
	}
	return false;
}

static bool
window_has(struct format_window *window, const char *text)
{
	size_t size = strlen(text);

	return format_window_fill(window, size) >= size &&
	       memcmp(window->bytes + window->at, text, size) == 0;
}

/* A numeric reference's value; false: it has none. */
static bool
reference_number(const uint8_t *digits, size_t size, uint32_t *code_r)
{
	uint32_t base = 10;
	uint32_t code = 0;

	if (size > 0 && digits[0] == 'x') {
		base = 16;
		digits++;
		size--;
	}
	if (size == 0)
		return false;
	for (size_t i = 0; i < size; i++) {
		uint32_t digit = 99;

		if (digits[i] >= '0' && digits[i] <= '9')
			digit = digits[i] - '0';
		else if (base == 16 && (digits[i] | 0x20) >= 'a' && (digits[i] | 0x20) <= 'f')
			digit = (digits[i] | 0x20u) - 'a' + 10;
		if (digit >= base)
			return false;
		code = code * base + digit;
		if (code > 0x10FFFF)
			return false;
	}
	*code_r = code;
	return code != 0;
}

/* size bytes at the reading place, with '&' and ';'. */
static bool
reference_decode(const uint8_t *text, size_t size, uint32_t *code_r)
{
	static const struct {
		const char *text;
		uint8_t code;
	} named[] = {
	    {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};

	if (size > 3 && text[1] == '#')
		return reference_number(text + 2, size - 3, code_r);
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (size == strlen(named[i].text) && memcmp(text, named[i].text, size) == 0) {
			*code_r = named[i].code;
			return true;
		}
	}
	return false;
}

enum { REFERENCE_SIZE_MAX = 16 };

/*
 * A reference at the reading place; two surrogates that make a pair are one
 * character.  0: it is none; the size to pass over otherwise.
 */
static size_t
xml_reference(struct format_window *window, uint32_t *code_r)
{
	size_t have = format_window_fill(window, 2 * REFERENCE_SIZE_MAX);
	const uint8_t *text = window->bytes + window->at;
	size_t one_max = have < REFERENCE_SIZE_MAX ? have : REFERENCE_SIZE_MAX;
	const uint8_t *stop = memchr(text, ';', one_max);
	const uint8_t *second;
	uint32_t low;
	size_t size;

	if (stop == NULL || !reference_decode(text, (size_t)(stop - text) + 1, code_r))
		return 0;
	size = (size_t)(stop - text) + 1;
	if (*code_r < 0xD800 || *code_r > 0xDBFF || have == size || text[size] != '&')
		return size;
	second = text + size;
	one_max = have - size < REFERENCE_SIZE_MAX ? have - size : REFERENCE_SIZE_MAX;
	stop = memchr(second, ';', one_max);
	if (stop == NULL || !reference_decode(second, (size_t)(stop - second) + 1, &low) ||
	    low < 0xDC00 || low > 0xDFFF)
		return size;
	*code_r = 0x10000 + ((*code_r - 0xD800) << 10) + (low - 0xDC00);
	return (size_t)(stop - text) + 1;
}

/* The bytes at which the inner loop over a value must look. */
static const bool value_stops[256] = {
    ['"'] = true, ['\''] = true, ['<'] = true, ['&'] = true, ['\0'] = true};

/* The value after its opening quotation mark. */
static enum format_xml_event
xml_value(struct format_xml *xml, uint8_t quote, bool wanted)
{
	struct format_window *window = xml->window;

	while (format_window_fill(window, 1) > 0) {
		const uint8_t *from = window->bytes + window->at;
		const uint8_t *end = window->bytes + window->size;
		const uint8_t *at = from;
		uint8_t utf8[4];
		uint32_t code;
		size_t size;

		while (at < end &&
		       (!value_stops[*at] || (*at != quote && (*at == '"' || *at == '\''))))
			at++;
		if (wanted && at > from)
			xml->value_part(xml->context, dom_slice(from, (size_t)(at - from)));
		window->at += (size_t)(at - from);
		if (at == end)
			continue;
		if (*at == quote) {
			window->at++;
			return FORMAT_XML_ATTRIBUTE;
		}
		if (*at == '<')
			return xml_bad(xml, "an attribute is not closed before the next '<'");
		if (*at == '\0')
			return xml_bad(xml, "it holds a NUL byte");
		if ((size = xml_reference(window, &code)) == 0) {
			if (window->ended && window->size - window->at < REFERENCE_SIZE_MAX) {
				window->at = window->size;
				return xml_end(xml);
			}
			return xml_bad(
			    xml, "an '&' does not begin one of XML's own references");
		}
		window->at += size;
		if (wanted)
			xml->value_part(
			    xml->context, dom_slice(utf8, dom_utf8_encode(code, utf8)));
	}
	return xml_end(xml);
}

/* Within a tag: an attribute or the tag's end. */
static enum format_xml_event
xml_in_tag(struct format_xml *xml)
{
	struct format_window *window = xml->window;
	uint8_t byte;
	bool wanted;

	xml_skip_space(window);
	if (format_window_fill(window, 2) < 2) {
		if (window->size - window->at == 1 && window->bytes[window->at] == '>') {
			window->at++;
			xml->in_tag = false;
			return FORMAT_XML_OPEN_END;
		}
		return xml_end(xml);
	}
	byte = window->bytes[window->at];
	if (byte == '>') {
		window->at++;
		xml->in_tag = false;
		return FORMAT_XML_OPEN_END;
	}
	if (byte == '/' && window->bytes[window->at + 1] == '>') {
		window->at += 2;
		xml->in_tag = false;
		return FORMAT_XML_OPEN_EMPTY;
	}
	if (xml_take_name(xml, 0) == 0)
		return xml_bad(xml, "something in a tag is neither an attribute nor its end");
	xml_skip_space(window);
	if (format_window_fill(window, 1) == 0)
		return xml_end(xml);
	if (window->bytes[window->at] != '=')
		return xml_bad(xml, "an attribute has no value");
	window->at++;
	xml_skip_space(window);
	if (format_window_fill(window, 1) == 0)
		return xml_end(xml);
	byte = window->bytes[window->at];
	if (byte != '"' && byte != '\'')
		return xml_bad(xml, "an attribute's value is not in quotation marks");
	window->at++;
	wanted = xml->value_begin != NULL && xml->value_begin(xml->context, xml->name);
	return xml_value(xml, byte, wanted);
}

/* "<" has been seen, not taken. */
static enum format_xml_event
xml_markup(struct format_xml *xml, bool *again_r)
{
	struct format_window *window = xml->window;
	uint8_t second;

	xml->offset = format_window_offset(window);
	xml->line = format_window_line(window);
	if (format_window_fill(window, 2) < 2) {
		window->at = window->size;
		return xml_end(xml);
	}
	second = window->bytes[window->at + 1];
	*again_r = true;
	if (second == '?')
		return xml_skip_past(window, "?>") ? FORMAT_XML_TEXT : xml_end(xml);
	if (window_has(window, "<!--")) {
		window->at += 4;
		return xml_skip_past(window, "-->") ? FORMAT_XML_TEXT : xml_end(xml);
	}
	if (window_has(window, "<![CDATA["))
		return xml_skip_past(window, "]]>") ? FORMAT_XML_TEXT : xml_end(xml);
	*again_r = false;
	if (window_has(window, "<!DOCTYPE"))
		return xml_skip_doctype(window) ? FORMAT_XML_DOCTYPE : xml_end(xml);
	if (second == '/') {
		if (xml_take_name(xml, 2) == 0) {
			window->at += 2;
			return xml_bad(xml, "an end tag has no name");
		}
		xml_skip_space(window);
		if (format_window_fill(window, 1) == 0)
			return xml_end(xml);
		if (window->bytes[window->at] != '>')
			return xml_bad(xml, "an end tag is not closed");
		window->at++;
		return FORMAT_XML_CLOSE;
	}
	if (xml_take_name(xml, 1) == 0) {
		window->at++;
		return xml_bad(xml, "a '<' begins no tag");
	}
	xml->in_tag = true;
	return FORMAT_XML_OPEN;
}

enum format_xml_event
format_xml_next(struct format_xml *xml)
{
	struct format_window *window = xml->window;

	if (xml->in_tag)
		return xml_in_tag(xml);
	while (format_window_fill(window, 1) > 0) {
		enum format_xml_event event;
		bool again = false;

		if (window->bytes[window->at] == '<') {
			event = xml_markup(xml, &again);
			if (!again || event != FORMAT_XML_TEXT)
				return event;
			continue;
		}
		if (!is_space(window->bytes[window->at])) {
			const uint8_t *from = window->bytes + window->at;
			const uint8_t *found = memchr(from, '<', window->size - window->at);

			xml->line = format_window_line(window);
			window->at =
			    found == NULL ? window->size : (size_t)(found - window->bytes);
			if (memchr(from, '\0', (size_t)(window->bytes + window->at - from)) !=
			    NULL)
				return xml_bad(xml, "it holds a NUL byte");
			return FORMAT_XML_TEXT;
		}
		window->at++;
	}
	return xml_end(xml);
}

bool
format_xml_resume(struct format_xml *xml, bool (*is_start)(const char *name, bool closing))
{
	struct format_window *window = xml->window;

	xml->in_tag = false;
	while (format_window_fill(window, 1) > 0) {
		const uint8_t *from = window->bytes + window->at;
		const uint8_t *found = memchr(from, '<', window->size - window->at);
		uint64_t offset;
		bool closing;

		if (found == NULL) {
			window->at = window->size;
			continue;
		}
		window->at = (size_t)(found - window->bytes);
		(void)format_window_line(window);
		offset = format_window_offset(window);
		closing =
		    format_window_fill(window, 2) >= 2 && window->bytes[window->at + 1] == '/';
		if (xml_take_name(xml, closing ? 2 : 1) > 0 && is_start(xml->name, closing)) {
			format_window_seek(window, offset);
			return true;
		}
		/* A name holds no '<', so nothing is missed behind it. */
		if (format_window_offset(window) == offset)
			window->at++;
	}
	return false;
}

void
format_xml_again(struct format_xml *xml)
{
	xml->in_tag = false;
	format_window_seek(xml->window, xml->offset);
}
