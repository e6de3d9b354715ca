/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_HTTP1_H
#define HTTP_HTTP1_H

#include "http/message.h"

/*
 * HTTP/1.1 requests, strictly (RFC 9112): origin-form, Content-Length or
 * chunked, nothing folded, nothing repeated that must be single, no bare CR
 * or LF.  What two parsers could read in two ways is refused, so that a proxy
 * in front and this one never disagree where a request ends.  HTTP/1.0 is
 * understood for the sake of old proxies.  No I/O; bytes come in any pieces.
 */
enum http1_step {
	HTTP1_MORE,   /* all input is used */
	HTTP1_HEAD,   /* parser->head is ready, until http1_next() */
	HTTP1_BODY,   /* piece_r holds some of the body, borrowed from the input */
	HTTP1_END,    /* the request is over; http1_next() comes next */
	HTTP1_FAILED, /* parser->fault and detail say why; the connection is lost */
};

struct http1 {
	size_t header_bytes_max;
	unsigned header_fields_max;

	struct http_head head;
	enum http_fault fault;
	const char *detail; /* a sentence; constant */

	/* private */
	int state;
	bool after_cr;
	bool skipped_line;
	size_t line_size;
	struct dom_buffer bytes; /* of the head */
	int64_t body_size, body_size_max;
	int64_t left;       /* of the body or of its present chunk */
	unsigned digits;    /* of a chunk's size */
	size_t extra_bytes; /* chunk extensions and trailers */
};

void http1_init(struct http1 *parser, size_t header_bytes_max, unsigned header_fields_max);
void http1_free(struct http1 *parser);

/*
 * Take bytes from the front of *input and say what came of them.  After
 * HTTP1_END and HTTP1_FAILED nothing is taken any more.
 */
enum http1_step http1_feed(
    struct http1 *parser, struct dom_slice *input, struct dom_slice *piece_r);

/* After HTTP1_HEAD: a chunked body that grows over this fails with HTTP_FAULT_BODY_SIZE. */
void http1_set_body_max(struct http1 *parser, int64_t size_max);

/* Ready for the next request on the same connection; gives memory back. */
void http1_next(struct http1 *parser);

/* True before the first byte of a request. */
bool http1_is_idle(const struct http1 *parser);

/*
 * Append the status line and the fields of a response; the body follows by
 * other means.  Source: RFC 9112, sections 4 and 9.6; etebase-protocol 2.3.
 */
void http1_put_response_head(
    struct dom_buffer *out, const struct http_response *response, bool keep_alive);

/* For http1_head.c: false with the fault noted. */
bool http1_parse_head(struct http1 *parser);
bool http1_fail(struct http1 *parser, enum http_fault fault, const char *detail);

#endif
