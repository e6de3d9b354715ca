/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include "http/message.h"

/*
 * What a head says, whatever version of HTTP brought it, so that every
 * version refuses the same and answers the same.  A refusal is a constant
 * sentence; NULL: good.
 */

/* Fields of a request that we read.  None of them may come twice. */
enum http_field {
	HTTP_FIELD_HOST,
	HTTP_FIELD_AUTHORIZATION,
	HTTP_FIELD_CONTENT_TYPE,
	HTTP_FIELD_CONTENT_LENGTH,
	HTTP_FIELD_TRANSFER_ENCODING,
	HTTP_FIELD_EXPECT,
	HTTP_FIELD_ORIGIN,
	HTTP_FIELD_CORS_METHOD,
	HTTP_FIELD_CORS_HEADERS,
	HTTP_FIELD_DEVICE,
	HTTP_FIELD_UPGRADE,
	HTTP_FIELD_WEBSOCKET_KEY,
	HTTP_FIELD_WEBSOCKET_VERSION,
	HTTP_FIELD_COUNT,
};

struct http_fields {
	struct dom_slice value[HTTP_FIELD_COUNT]; /* data NULL: was not sent */
};

/* RFC 9110, section 5.6.2. */
bool http_is_token_char(uint8_t c);
/* In any case of letters. */
bool http_is_same_name(struct dom_slice name, const char *other);

/* The name's field; HTTP_FIELD_COUNT: none that we read. */
enum http_field http_field_find(struct dom_slice name);
const char *http_fields_add(
    struct http_fields *fields, enum http_field field, struct dom_slice value);

const char *http_check_method(struct dom_slice method);
/* Sets head->path and head->query. */
const char *http_parse_target(struct dom_slice target, struct http_head *head);
bool http_host_is_valid(struct dom_slice host);
/* Sets head->content_length. */
const char *http_parse_content_length(struct dom_slice text, struct http_head *head);
/* Everything but host and framing. */
void http_fields_into_head(const struct http_fields *fields, struct http_head *head);
/* Once the framing is known; false: another expectation than 100-continue. */
bool http_parse_expectation(const struct http_fields *fields, struct http_head *head);

/* The fields of a response, in order.  Source: etebase-protocol 2.3. */
enum { HTTP_RESPONSE_FIELDS_MAX = 18 };

struct http_response_field {
	const char *name; /* as HTTP/1.1 writes it */
	struct dom_slice value;
};

/* Borrows from the response and from itself. */
struct http_response_fields {
	struct http_response_field at[HTTP_RESPONSE_FIELDS_MAX];
	char cache[24], disposition[64];
	size_t count;
	char length[24], retry_after[16], position[100];
};

void http_response_list_fields(
    const struct http_response *response, struct http_response_fields *fields_r);

#endif
