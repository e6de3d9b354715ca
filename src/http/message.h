/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include <domicile/slice.h>

#include "base/buffer.h"

#include "http/websocket.h"

struct push_subscription;

/*
 * Requests and responses as the layer's parts hand them to each other, free
 * of how they travel: HTTP/1.1 is written and read by http1.h, another
 * version of HTTP would stand beside it.
 */

/*
 * What is said about a request that the rules of services/ never see, or that
 * they saw and the transport could not deliver.  Status, code and sentence
 * are in reply.c.
 */
enum http_fault {
	HTTP_FAULT_NONE,
	HTTP_FAULT_MALFORMED,       /* 400 */
	HTTP_FAULT_NOT_FOUND,       /* 404 */
	HTTP_FAULT_METHOD,          /* 405 */
	HTTP_FAULT_TIMEOUT,         /* 408 */
	HTTP_FAULT_BODY_SIZE,       /* 413 */
	HTTP_FAULT_MEDIA_TYPE,      /* 415 */
	HTTP_FAULT_EXPECTATION,     /* 417 */
	HTTP_FAULT_QUERY,           /* 422 */
	HTTP_FAULT_UPGRADE,         /* 426 */
	HTTP_FAULT_RATE,            /* 429 */
	HTTP_FAULT_HEADER_SIZE,     /* 431 */
	HTTP_FAULT_TRANSFER_CODING, /* 501 */
	HTTP_FAULT_BUSY,            /* 503 */
	HTTP_FAULT_VERSION,         /* 505 */
	HTTP_FAULT_COUNT,
};

/* A request's head.  Slices are borrowed; data NULL: the field was not sent. */
struct http_head {
	struct dom_slice method;
	struct dom_slice path;  /* as sent, without the query */
	struct dom_slice query; /* without the question mark */
	struct dom_slice host, authorization, content_type, device;
	struct dom_slice origin, cors_method, cors_headers;
	int64_t content_length; /* -1: none was sent */
	bool is_chunked;        /* then content_length is -1 */
	bool expects_continue;
	bool wants_close;
	bool wants_websocket; /* to be upgraded, version 13 */
	struct dom_slice websocket_key;
	size_t size; /* bytes of the head */
};

static inline bool
http_head_has_body(const struct http_head *head)
{
	return head->is_chunked || head->content_length > 0;
}

/* {0} is nothing yet.  Slices are borrowed from the exchange that made it. */
struct http_response {
	int status;
	const char *content_type; /* NULL: no body */
	struct dom_buffer body;   /* owned */
	bool omit_body;           /* the answer to a HEAD */
	unsigned retry_after_seconds;
	unsigned cache_seconds;    /* 0: nobody keeps it */
	const char *download_name; /* a file to be kept, by this name; NULL: no such */
	char allow[48];            /* empty: no such field */
	/* Domicile-Position: texts, "" for none; "before" only with an "after". */
	char position_before[48], position_after[48];
	struct dom_slice cors_origin; /* data NULL: not a request of another origin */
	bool is_preflight;
	struct dom_slice cors_headers; /* of a preflight: what it asked for */
	/* Of a 101: the handshake's answer, and what the socket follows; owned. */
	char websocket_accept[WEBSOCKET_ACCEPT_SIZE + 1];
	struct push_subscription *subscription;
};

#endif
