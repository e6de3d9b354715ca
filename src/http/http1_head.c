/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The request line and the fields of a head whose end has been found. */
#include <stddef.h>

#include "http/fields.h"
#include "http/http1.h"

struct lines {
	struct http_fields fields;
	bool wants_close;
	bool wants_upgrade;
	bool is_old; /* HTTP/1.0 */
};

/* The next line without its CR LF; the caller knows that there is one. */
static struct dom_slice
next_line(struct dom_slice *bytes)
{
	const uint8_t *end = memchr(bytes->data, '\r', bytes->size);
	struct dom_slice line = dom_slice(bytes->data, (size_t)(end - bytes->data));

	*bytes = dom_slice(end + 2, bytes->size - line.size - 2);
	return line;
}

static struct dom_slice
trim(struct dom_slice text)
{
	while (text.size != 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
		text = dom_slice(text.data + 1, text.size - 1);
	while (text.size != 0 &&
	       (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
		text.size--;
	return text;
}

/* The text before the next separator; what follows it stays in *text. */
static struct dom_slice
cut(struct dom_slice *text, char separator)
{
	const uint8_t *end = memchr(text->data, separator, text->size);
	struct dom_slice before = *text;

	if (end == NULL) {
		*text = dom_slice(text->data + text->size, 0);
		return before;
	}
	before.size = (size_t)(end - text->data);
	*text = dom_slice(end + 1, text->size - before.size - 1);
	return before;
}

/* True for no detail; else the head is malformed. */
static bool
accept(struct http1 *parser, const char *detail)
{
	return detail == NULL || http1_fail(parser, HTTP_FAULT_MALFORMED, detail);
}

static bool
parse_request_line(struct http1 *parser, struct dom_slice line, bool *is_old_r)
{
	struct dom_slice rest = line, method = cut(&rest, ' '), target = cut(&rest, ' ');

	if (!accept(parser, http_check_method(method)))
		return false;
	if (rest.size != 8 || memcmp(rest.data, "HTTP/", 5) != 0 || rest.data[6] != '.' ||
	    rest.data[5] < '0' || rest.data[5] > '9' || rest.data[7] < '0' ||
	    rest.data[7] > '9')
		return http1_fail(parser, HTTP_FAULT_MALFORMED,
		    "The request line is not METHOD PATH HTTP/1.1.");
	if (!dom_slice_is(rest, "HTTP/1.1") && !dom_slice_is(rest, "HTTP/1.0"))
		return http1_fail(parser, HTTP_FAULT_VERSION, NULL);
	*is_old_r = rest.data[7] == '0';
	parser->head.method = method;
	return accept(parser, http_parse_target(target, &parser->head));
}

static void
read_connection(struct dom_slice value, struct lines *lines)
{
	while (value.size != 0) {
		struct dom_slice option = trim(cut(&value, ','));

		if (http_is_same_name(option, "close"))
			lines->wants_close = true;
		else if (http_is_same_name(option, "upgrade"))
			lines->wants_upgrade = true;
	}
}

static bool
parse_field(struct http1 *parser, struct dom_slice line, struct lines *lines)
{
	struct dom_slice value = line, name;
	enum http_field field;

	if (line.data[0] == ' ' || line.data[0] == '\t')
		return http1_fail(parser, HTTP_FAULT_MALFORMED, "A header field is folded.");
	if (memchr(line.data, ':', line.size) == NULL)
		return http1_fail(parser, HTTP_FAULT_MALFORMED, "A header field has no colon.");
	name = cut(&value, ':');
	value = trim(value);
	if (name.size == 0)
		return http1_fail(parser, HTTP_FAULT_MALFORMED, "A header field has no name.");
	for (size_t i = 0; i < name.size; i++) {
		if (!http_is_token_char(name.data[i]))
			return http1_fail(parser, HTTP_FAULT_MALFORMED,
			    "A header field's name is malformed.");
	}
	if (http_is_same_name(name, "connection")) {
		read_connection(value, lines);
		return true;
	}
	if ((field = http_field_find(name)) == HTTP_FIELD_COUNT)
		return true;
	return accept(parser, http_fields_add(&lines->fields, field, value));
}

static bool
parse_framing(struct http1 *parser, const struct lines *lines)
{
	struct dom_slice length = lines->fields.value[HTTP_FIELD_CONTENT_LENGTH];
	struct dom_slice coding = lines->fields.value[HTTP_FIELD_TRANSFER_ENCODING];

	parser->head.content_length = -1;
	if (coding.data == NULL)
		return length.data == NULL ||
		       accept(parser, http_parse_content_length(length, &parser->head));
	if (length.data != NULL)
		return http1_fail(parser, HTTP_FAULT_MALFORMED,
		    "Content-Length and Transfer-Encoding exclude each other.");
	if (lines->is_old)
		return http1_fail(
		    parser, HTTP_FAULT_MALFORMED, "HTTP/1.0 has no Transfer-Encoding.");
	if (!http_is_same_name(coding, "chunked"))
		return http1_fail(parser, HTTP_FAULT_TRANSFER_CODING, NULL);
	parser->head.is_chunked = true;
	return true;
}

/* RFC 6455, 4.2.1; of several protocols offered, WebSocket is the one we know. */
static bool
wants_websocket(const struct lines *lines)
{
	struct dom_slice offered = lines->fields.value[HTTP_FIELD_UPGRADE];

	if (!lines->wants_upgrade || lines->is_old ||
	    !dom_slice_is(lines->fields.value[HTTP_FIELD_WEBSOCKET_VERSION], "13"))
		return false;
	while (offered.size != 0) {
		if (http_is_same_name(trim(cut(&offered, ',')), "websocket"))
			return true;
	}
	return false;
}

static bool
use_lines(struct http1 *parser, const struct lines *lines)
{
	struct http_head *head = &parser->head;

	http_fields_into_head(&lines->fields, head);
	head->wants_close = lines->wants_close || lines->is_old;
	head->websocket_key = lines->fields.value[HTTP_FIELD_WEBSOCKET_KEY];
	head->wants_websocket = wants_websocket(lines);
	if ((head->host.data == NULL && !lines->is_old) || !http_host_is_valid(head->host))
		return http1_fail(
		    parser, HTTP_FAULT_MALFORMED, "The request needs one valid Host field.");
	if (!parse_framing(parser, lines))
		return false;
	if (!lines->is_old && !http_parse_expectation(&lines->fields, head))
		return http1_fail(parser, HTTP_FAULT_EXPECTATION, NULL);
	return true;
}

bool
http1_parse_head(struct http1 *parser)
{
	struct dom_slice rest = dom_buffer_slice(&parser->bytes);
	struct lines lines = {0};
	unsigned count = 0;

	parser->head.size = rest.size;
	if (!parse_request_line(parser, next_line(&rest), &lines.is_old))
		return false;
	while (rest.size > 2) {
		if (++count > parser->header_fields_max)
			return http1_fail(parser, HTTP_FAULT_HEADER_SIZE, NULL);
		if (!parse_field(parser, next_line(&rest), &lines))
			return false;
	}
	return use_lines(parser, &lines);
}
