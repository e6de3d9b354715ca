/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Reading and checking the parts of a request's head. */
#include "http/fields.h"

#include <strings.h>

#include "http/limit.h"

static const char *const field_names[HTTP_FIELD_COUNT] = {
    [HTTP_FIELD_HOST] = "host",
    [HTTP_FIELD_AUTHORIZATION] = "authorization",
    [HTTP_FIELD_CONTENT_TYPE] = "content-type",
    [HTTP_FIELD_CONTENT_LENGTH] = "content-length",
    [HTTP_FIELD_TRANSFER_ENCODING] = "transfer-encoding",
    [HTTP_FIELD_EXPECT] = "expect",
    [HTTP_FIELD_ORIGIN] = "origin",
    [HTTP_FIELD_CORS_METHOD] = "access-control-request-method",
    [HTTP_FIELD_CORS_HEADERS] = "access-control-request-headers",
    [HTTP_FIELD_DEVICE] = "domicile-device",
    [HTTP_FIELD_UPGRADE] = "upgrade",
    [HTTP_FIELD_WEBSOCKET_KEY] = "sec-websocket-key",
    [HTTP_FIELD_WEBSOCKET_VERSION] = "sec-websocket-version",
};

bool
http_is_token_char(uint8_t c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return true;
	return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

bool
http_is_same_name(struct dom_slice name, const char *other)
{
	return name.size == strlen(other) &&
	       strncasecmp((const char *)name.data, other, name.size) == 0;
}

enum http_field
http_field_find(struct dom_slice name)
{
	for (unsigned i = 0; i < HTTP_FIELD_COUNT; i++) {
		if (http_is_same_name(name, field_names[i]))
			return (enum http_field)i;
	}
	return HTTP_FIELD_COUNT;
}

const char *
http_fields_add(struct http_fields *fields, enum http_field field, struct dom_slice value)
{
	if (fields->value[field].data != NULL)
		return "A header field that must be single comes twice.";
	fields->value[field] = value;
	return NULL;
}

const char *
http_check_method(struct dom_slice method)
{
	static const char detail[] = "This is not an HTTP request.";

	if (method.size == 0 || method.size > HTTP_METHOD_SIZE_MAX)
		return detail;
	for (size_t i = 0; i < method.size; i++) {
		if (!http_is_token_char(method.data[i]))
			return detail;
	}
	return NULL;
}

const char *
http_parse_target(struct dom_slice target, struct http_head *head)
{
	const uint8_t *mark;

	if (target.size == 0 || target.data[0] != '/')
		return "The request must name a path that begins with a slash.";
	for (size_t i = 0; i < target.size; i++) {
		uint8_t c = target.data[i];

		if (c <= 0x20 || c >= 0x7f || c == '#')
			return "The path has a character that must be percent-encoded.";
	}
	mark = memchr(target.data, '?', target.size);
	if (mark == NULL)
		mark = target.data + target.size;
	head->path = dom_slice(target.data, (size_t)(mark - target.data));
	head->query = dom_slice(mark, target.size - head->path.size);
	if (head->query.size != 0)
		head->query = dom_slice(head->query.data + 1, head->query.size - 1);
	return NULL;
}

bool
http_host_is_valid(struct dom_slice host)
{
	for (size_t i = 0; i < host.size; i++) {
		uint8_t c = host.data[i];

		if (c <= 0x20 || c >= 0x7f || strchr("/?#@,\\\"<>", c) != NULL)
			return false;
	}
	return true;
}

/* Digits only: no sign, no list, no space between (RFC 9112, 6.3). */
const char *
http_parse_content_length(struct dom_slice text, struct http_head *head)
{
	static const char detail[] = "Content-Length is not a number.";
	int64_t length = 0;

	if (text.size == 0 || text.size > 15)
		return detail;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return detail;
		length = length * 10 + (text.data[i] - '0');
	}
	head->content_length = length;
	return NULL;
}

void
http_fields_into_head(const struct http_fields *fields, struct http_head *head)
{
	head->host = fields->value[HTTP_FIELD_HOST];
	head->authorization = fields->value[HTTP_FIELD_AUTHORIZATION];
	head->content_type = fields->value[HTTP_FIELD_CONTENT_TYPE];
	head->origin = fields->value[HTTP_FIELD_ORIGIN];
	head->cors_method = fields->value[HTTP_FIELD_CORS_METHOD];
	head->cors_headers = fields->value[HTTP_FIELD_CORS_HEADERS];
	head->device = fields->value[HTTP_FIELD_DEVICE];
}

bool
http_parse_expectation(const struct http_fields *fields, struct http_head *head)
{
	struct dom_slice expect = fields->value[HTTP_FIELD_EXPECT];

	if (expect.data == NULL)
		return true;
	if (!http_is_same_name(expect, "100-continue"))
		return false;
	head->expects_continue = http_head_has_body(head);
	return true;
}
