/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Cross-origin requests. */
#include "http/cors.h"

#include <strings.h>

#include "http/reply.h"

static bool
begins_with(struct dom_slice text, const char *start)
{
	size_t size = strlen(start);

	return text.size > size && strncasecmp((const char *)text.data, start, size) == 0;
}

enum dom_status
cors_note(const struct http_head *head, struct dom_arena *arena, struct http_response *response)
{
	if (!begins_with(head->origin, "https://") && !begins_with(head->origin, "http://"))
		return DOM_OK;
	response->cors_origin = dom_arena_copy(arena, head->origin);
	if (response->cors_origin.data == NULL)
		return DOM_ENOMEM;
	if (head->cors_headers.data == NULL)
		return DOM_OK;
	response->cors_headers = dom_arena_copy(arena, head->cors_headers);
	return response->cors_headers.data == NULL ? DOM_ENOMEM : DOM_OK;
}

bool
cors_preflight(const struct http_head *head, struct http_response *response)
{
	if (!dom_slice_is(head->method, "OPTIONS") || head->origin.data == NULL ||
	    head->cors_method.data == NULL)
		return false;
	if (response->cors_origin.data == NULL) {
		reply_with_text(400, "Disallowed CORS origin", response);
		return true;
	}
	response->is_preflight = true;
	reply_with_text(200, "OK", response);
	return true;
}
