/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A response's status line and fields. */
#include "http/fields.h"
#include "http/http1.h"

static const struct {
	int status;
	const char *reason;
} reasons[] = {
    {101, "Switching Protocols"},
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
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
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

void
http1_put_response_head(
    struct dom_buffer *out, const struct http_response *response, bool keep_alive)
{
	struct http_response_fields fields;

	dom_buffer_print(
	    out, "HTTP/1.1 %d %s\r\n", response->status, reason_of(response->status));
	if (response->status == 101) {
		dom_buffer_print(out,
		    "Server: domicile\r\n"
		    "Upgrade: websocket\r\n"
		    "Connection: Upgrade\r\n"
		    "Sec-WebSocket-Accept: %s\r\n\r\n",
		    response->websocket_accept);
		return;
	}
	if (response->status == 426)
		dom_buffer_append_text(out, "Upgrade: websocket\r\n"
		                            "Connection: Upgrade\r\n"
		                            "Sec-WebSocket-Version: 13\r\n");
	http_response_list_fields(response, &fields);
	for (size_t i = 0; i < fields.count; i++) {
		dom_buffer_append_text(out, fields.at[i].name);
		dom_buffer_append_text(out, ": ");
		dom_buffer_append_slice(out, fields.at[i].value);
		dom_buffer_append_text(out, "\r\n");
	}
	if (!keep_alive)
		dom_buffer_append_text(out, "Connection: close\r\n");
	dom_buffer_append_text(out, "\r\n");
}
