/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The request line and the fields of a head whose end has been found. */
#include <stddef.h>
#include <strings.h>

#include "http/http1.h"
#include "http/limit.h"

/* Fields that we read.  None of them may come twice. */
enum field {
	FIELD_HOST,
	FIELD_AUTHORIZATION,
	FIELD_CONTENT_TYPE,
	FIELD_CONTENT_LENGTH,
	FIELD_TRANSFER_ENCODING,
	FIELD_EXPECT,
	FIELD_ORIGIN,
	FIELD_CORS_METHOD,
	FIELD_CORS_HEADERS,
	FIELD_DEVICE,
	FIELD_COUNT,
};

static const char *const field_names[FIELD_COUNT] = {
    [FIELD_HOST] = "host",
    [FIELD_AUTHORIZATION] = "authorization",
    [FIELD_CONTENT_TYPE] = "content-type",
    [FIELD_CONTENT_LENGTH] = "content-length",
    [FIELD_TRANSFER_ENCODING] = "transfer-encoding",
    [FIELD_EXPECT] = "expect",
    [FIELD_ORIGIN] = "origin",
    [FIELD_CORS_METHOD] = "access-control-request-method",
    [FIELD_CORS_HEADERS] = "access-control-request-headers",
    [FIELD_DEVICE] = "domicile-device",
};

struct fields {
	struct dom_slice value[FIELD_COUNT];
	bool wants_close;
	bool is_old; /* HTTP/1.0 */
};

bool
http_is_token_char(uint8_t c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return true;
	return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool
is_same_name(struct dom_slice name, const char *other)
{
	return name.size == strlen(other) &&
	       strncasecmp((const char *)name.data, other, name.size) == 0;
}

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

static bool
parse_target(struct http1 *parser, struct dom_slice target)
{
	struct http_head *head = &parser->head;

	if (target.size == 0 || target.data[0] != '/')
		return http1_fail(parser, HTTP_FAULT_MALFORMED,
		    "The request must name a path that begins with a slash.");
	for (size_t i = 0; i < target.size; i++) {
		uint8_t c = target.data[i];

		if (c <= 0x20 || c >= 0x7f || c == '#')
			return http1_fail(parser, HTTP_FAULT_MALFORMED,
			    "The path has a character that must be percent-encoded.");
	}
	head->path = cut(&target, '?');
	head->query = target;
	return true;
}

static bool
parse_request_line(struct http1 *parser, struct dom_slice line, bool *is_old_r)
{
	struct dom_slice rest = line, method = cut(&rest, ' '), target = cut(&rest, ' ');

	if (method.size == 0 || method.size > HTTP_METHOD_SIZE_MAX)
		return http1_fail(parser, HTTP_FAULT_MALFORMED, "This is not an HTTP request.");
	for (size_t i = 0; i < method.size; i++) {
		if (!http_is_token_char(method.data[i]))
			return http1_fail(
			    parser, HTTP_FAULT_MALFORMED, "This is not an HTTP request.");
	}
	if (rest.size != 8 || memcmp(rest.data, "HTTP/", 5) != 0 || rest.data[6] != '.' ||
	    rest.data[5] < '0' || rest.data[5] > '9' || rest.data[7] < '0' ||
	    rest.data[7] > '9')
		return http1_fail(parser, HTTP_FAULT_MALFORMED,
		    "The request line is not METHOD PATH HTTP/1.1.");
	if (!dom_slice_is(rest, "HTTP/1.1") && !dom_slice_is(rest, "HTTP/1.0"))
		return http1_fail(parser, HTTP_FAULT_VERSION, NULL);
	*is_old_r = rest.data[7] == '0';
	parser->head.method = method;
	return parse_target(parser, target);
}

static void
read_connection(struct dom_slice value, struct fields *fields)
{
	while (value.size != 0) {
		if (is_same_name(trim(cut(&value, ',')), "close"))
			fields->wants_close = true;
	}
}

static bool
parse_field(struct http1 *parser, struct dom_slice line, struct fields *fields)
{
	struct dom_slice value = line, name;

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
	if (is_same_name(name, "connection")) {
		read_connection(value, fields);
		return true;
	}
	for (unsigned i = 0; i < FIELD_COUNT; i++) {
		if (!is_same_name(name, field_names[i]))
			continue;
		if (fields->value[i].data != NULL)
			return http1_fail(parser, HTTP_FAULT_MALFORMED,
			    "A header field that must be single comes twice.");
		fields->value[i] = value;
		break;
	}
	return true;
}

/* Digits only: no sign, no list, no space between (RFC 9112, 6.3). */
static bool
parse_content_length(struct http1 *parser, struct dom_slice text)
{
	int64_t length = 0;

	if (text.size == 0 || text.size > 15)
		return http1_fail(
		    parser, HTTP_FAULT_MALFORMED, "Content-Length is not a number.");
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return http1_fail(
			    parser, HTTP_FAULT_MALFORMED, "Content-Length is not a number.");
		length = length * 10 + (text.data[i] - '0');
	}
	parser->head.content_length = length;
	return true;
}

static bool
parse_framing(struct http1 *parser, const struct fields *fields)
{
	struct dom_slice length = fields->value[FIELD_CONTENT_LENGTH];
	struct dom_slice coding = fields->value[FIELD_TRANSFER_ENCODING];

	parser->head.content_length = -1;
	if (coding.data == NULL)
		return length.data == NULL || parse_content_length(parser, length);
	if (length.data != NULL)
		return http1_fail(parser, HTTP_FAULT_MALFORMED,
		    "Content-Length and Transfer-Encoding exclude each other.");
	if (fields->is_old)
		return http1_fail(
		    parser, HTTP_FAULT_MALFORMED, "HTTP/1.0 has no Transfer-Encoding.");
	if (!is_same_name(coding, "chunked"))
		return http1_fail(parser, HTTP_FAULT_TRANSFER_CODING, NULL);
	parser->head.is_chunked = true;
	return true;
}

static bool
is_host(struct dom_slice host)
{
	for (size_t i = 0; i < host.size; i++) {
		uint8_t c = host.data[i];

		if (c <= 0x20 || c >= 0x7f || strchr("/?#@,\\\"<>", c) != NULL)
			return false;
	}
	return true;
}

static bool
use_fields(struct http1 *parser, const struct fields *fields)
{
	struct http_head *head = &parser->head;
	struct dom_slice expect = fields->value[FIELD_EXPECT];

	head->host = fields->value[FIELD_HOST];
	head->authorization = fields->value[FIELD_AUTHORIZATION];
	head->content_type = fields->value[FIELD_CONTENT_TYPE];
	head->origin = fields->value[FIELD_ORIGIN];
	head->cors_method = fields->value[FIELD_CORS_METHOD];
	head->cors_headers = fields->value[FIELD_CORS_HEADERS];
	head->device = fields->value[FIELD_DEVICE];
	head->wants_close = fields->wants_close || fields->is_old;
	if ((head->host.data == NULL && !fields->is_old) || !is_host(head->host))
		return http1_fail(
		    parser, HTTP_FAULT_MALFORMED, "The request needs one valid Host field.");
	if (!parse_framing(parser, fields))
		return false;
	if (expect.data != NULL && !fields->is_old) {
		if (!is_same_name(expect, "100-continue"))
			return http1_fail(parser, HTTP_FAULT_EXPECTATION, NULL);
		head->expects_continue = http_head_has_body(head);
	}
	return true;
}

bool
http1_parse_head(struct http1 *parser)
{
	struct dom_slice rest = dom_buffer_slice(&parser->bytes);
	struct fields fields = {0};
	unsigned count = 0;

	parser->head.size = rest.size;
	if (!parse_request_line(parser, next_line(&rest), &fields.is_old))
		return false;
	while (rest.size > 2) {
		if (++count > parser->header_fields_max)
			return http1_fail(parser, HTTP_FAULT_HEADER_SIZE, NULL);
		if (!parse_field(parser, next_line(&rest), &fields))
			return false;
	}
	return use_fields(parser, &fields);
}
