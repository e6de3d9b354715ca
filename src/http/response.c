/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The fields of a response, the same in every version of HTTP. */
#include <assert.h>
#include <stdio.h>

#include "http/fields.h"

static void
put(struct http_response_fields *fields, const char *name, struct dom_slice value)
{
	assert(fields->count < HTTP_RESPONSE_FIELDS_MAX);
	fields->at[fields->count++] = (struct http_response_field){name, value};
}

static void
put_text(struct http_response_fields *fields, const char *name, const char *value)
{
	put(fields, name, dom_slice_of(value));
}

/* Credentials are never cookies here, but browsers want to hear it (etebase-protocol 2.3). */
static void
put_cors(struct http_response_fields *fields, const struct http_response *response)
{
	if (response->cors_origin.data == NULL)
		return;
	put(fields, "Access-Control-Allow-Origin", response->cors_origin);
	put_text(fields, "Access-Control-Allow-Credentials", "true");
	put_text(fields, "Vary", "Origin");
	if (!response->is_preflight)
		return;
	put_text(fields, "Access-Control-Allow-Methods",
	    "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
	put_text(fields, "Access-Control-Max-Age", "600");
	if (response->cors_headers.data != NULL)
		put(fields, "Access-Control-Allow-Headers", response->cors_headers);
}

void
http_response_list_fields(
    const struct http_response *response, struct http_response_fields *fields_r)
{
	fields_r->count = 0;
	put_text(fields_r, "Server", "domicile");
	put_text(fields_r, "X-Content-Type-Options", "nosniff");
	snprintf(
	    fields_r->cache, sizeof(fields_r->cache), "max-age=%u", response->cache_seconds);
	put_text(fields_r, "Cache-Control",
	    response->cache_seconds == 0 ? "no-store" : fields_r->cache);
	if (response->content_type != NULL)
		put_text(fields_r, "Content-Type", response->content_type);
	/* 204 must not have it (RFC 9110, 8.6). */
	if (response->status != 204) {
		snprintf(
		    fields_r->length, sizeof(fields_r->length), "%zu", response->body.size);
		put_text(fields_r, "Content-Length", fields_r->length);
	}
	if (response->download_name != NULL) {
		snprintf(fields_r->disposition, sizeof(fields_r->disposition),
		    "attachment; filename=\"%s\"", response->download_name);
		put_text(fields_r, "Content-Disposition", fields_r->disposition);
	}
	if (response->status == 401)
		put_text(fields_r, "WWW-Authenticate", "Token");
	if (response->allow[0] != '\0')
		put_text(fields_r, "Allow", response->allow);
	if (response->retry_after_seconds != 0) {
		snprintf(fields_r->retry_after, sizeof(fields_r->retry_after), "%u",
		    response->retry_after_seconds);
		put_text(fields_r, "Retry-After", fields_r->retry_after);
	}
	if (response->position_after[0] != '\0') {
		static_assert(
		    sizeof(fields_r->position) >=
		        sizeof(response->position_before) + sizeof(response->position_after),
		    "fits");
		snprintf(fields_r->position, sizeof(fields_r->position), "%s%s%s",
		    response->position_before, response->position_before[0] == '\0' ? "" : " ",
		    response->position_after);
		put_text(fields_r, "Domicile-Position", fields_r->position);
	}
	put_cors(fields_r, response);
}
