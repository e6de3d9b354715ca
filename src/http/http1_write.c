/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A response's status line and fields. */
#include <inttypes.h>

#include "http/http1.h"

static const struct {
	int status;
	const char *reason;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {204, "No Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

static const char *
reason_of(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Other";
}

static void
put_field(struct dom_buffer *out, const char *name, struct dom_slice value)
{
	dom_buffer_append_text(out, name);
	dom_buffer_append_text(out, ": ");
	dom_buffer_append_slice(out, value);
	dom_buffer_append_text(out, "\r\n");
}

/* Credentials are never cookies here, but browsers want to hear it (etebase-protocol 2.3). */
static void
put_cors(struct dom_buffer *out, const struct http_response *response)
{
	if (response->cors_origin.data == NULL)
		return;
	put_field(out, "Access-Control-Allow-Origin", response->cors_origin);
	dom_buffer_append_text(out, "Access-Control-Allow-Credentials: true\r\n"
	                            "Vary: Origin\r\n");
	if (!response->is_preflight)
		return;
	dom_buffer_append_text(out,
	    "Access-Control-Allow-Methods: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT\r\n"
	    "Access-Control-Max-Age: 600\r\n");
	if (response->cors_headers.data != NULL)
		put_field(out, "Access-Control-Allow-Headers", response->cors_headers);
}

void
http1_put_response_head(
    struct dom_buffer *out, const struct http_response *response, bool keep_alive)
{
	dom_buffer_print(
	    out, "HTTP/1.1 %d %s\r\n", response->status, reason_of(response->status));
	dom_buffer_append_text(out, "Server: domicile\r\n"
	                            "X-Content-Type-Options: nosniff\r\n"
	                            "Cache-Control: no-store\r\n");
	if (response->content_type != NULL)
		put_field(out, "Content-Type", dom_slice_of(response->content_type));
	/* 204 must not have it (RFC 9110, 8.6). */
	if (response->status != 204)
		dom_buffer_print(out, "Content-Length: %zu\r\n", response->body.size);
	if (response->status == 401)
		dom_buffer_append_text(out, "WWW-Authenticate: Token\r\n");
	if (response->allow[0] != '\0')
		put_field(out, "Allow", dom_slice_of(response->allow));
	if (response->retry_after_seconds != 0)
		dom_buffer_print(out, "Retry-After: %u\r\n", response->retry_after_seconds);
	if (response->position_after[0] != '\0')
		dom_buffer_print(out, "Domicile-Position: %s%s%s\r\n",
		    response->position_before, response->position_before[0] == '\0' ? "" : " ",
		    response->position_after);
	put_cors(out, response);
	if (!keep_alive)
		dom_buffer_append_text(out, "Connection: close\r\n");
	dom_buffer_append_text(out, "\r\n");
}
