/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_HTTP2_PARTS_H
#define HTTP_HTTP2_PARTS_H

#include <nghttp2/nghttp2.h>

#include "http/exchange.h"
#include "http/fields.h"
#include "http/http2.h"

/*
 * For http2.c and http2_stream.c.
 *
 *   HEAD -> BODY -> PENDING -> REPLYING -> (DROPPING) -> gone
 *     `------`---------`-- reset: gone, but PENDING stays until its exchange is back
 *
 * DROPPING  the reply is out, but the request goes on.  Some of it is let in,
 *           since clients such as libcurl 7.88 lose a reply that a reset
 *           follows at once, and those that read it stop by themselves.
 */
enum http2_stream_state {
	HTTP2_HEAD,
	HTTP2_BODY,
	HTTP2_PENDING,
	HTTP2_REPLYING,
	HTTP2_DROPPING,
};

/* Fields beside enum http_field. */
enum {
	HTTP2_METHOD = HTTP_FIELD_COUNT,
	HTTP2_PATH,
	HTTP2_AUTHORITY,
	HTTP2_FIELD_COUNT,
};

/* Progress, looked at over a while: a fast start earns no slow end. */
struct http2_pace {
	int64_t since_ms;
	int64_t moved;
};

struct http2_stream {
	struct http_exchange_owner owner;
	struct http2 *http2;
	struct http2_stream *next, **link;
	int32_t id;
	enum http2_stream_state state;
	bool is_closed;       /* for the peer; waits for its exchange */
	bool request_is_over; /* no more bytes of it will come */
	struct http2_pace pace;

	struct dom_buffer head_bytes; /* the values of fields that we read */
	struct {
		size_t at, size;
		bool is_there;
	} values[HTTP2_FIELD_COUNT];
	size_t head_size;
	unsigned head_fields;
	enum http_fault fault; /* of the head */
	const char *detail;

	struct http_exchange *exchange;
	int64_t body_size; /* taken; in DROPPING: dropped */
	struct dom_buffer reply;
	size_t reply_at;
	int64_t reply_held; /* in core->reply_bytes */
};

struct http2 {
	struct http_loop *loop;
	struct http2_owner *owner;
	nghttp2_session *session;
	struct http2_stream *streams;
	unsigned stream_count;
	struct dom_buffer out;
	size_t out_at;          /* written of it */
	struct http2_pace pace; /* of writing */
	int64_t idle_since_ms;
	int64_t patience, patience_ms; /* when it was last filled */
	bool is_stopping;
};

/* NULL: no memory. */
struct http2_stream *http2_stream_new(struct http2 *http2, int32_t id);
void http2_stream_free(struct http2_stream *stream);
/* The peer will hear no more of it. */
void http2_stream_closed(struct http2_stream *stream);

void http2_stream_field(
    struct http2_stream *stream, struct dom_slice name, struct dom_slice value);
void http2_stream_head(struct http2_stream *stream, bool is_over);
void http2_stream_data(struct http2_stream *stream, struct dom_slice piece);
void http2_stream_end(struct http2_stream *stream);
/* The reply's last frame is out. */
void http2_stream_sent(struct http2_stream *stream);
/* Make that the reply to a request that is not over. */
void http2_stream_fault(struct http2_stream *stream, enum http_fault fault, const char *detail);
void http2_stream_reset(struct http2_stream *stream, uint32_t code);

/* For nghttp2: pieces of replies go from their buffer to http2->out. */
ssize_t http2_stream_read(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t size,
    uint32_t *flags, nghttp2_data_source *source, void *context);
int http2_stream_send(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
    size_t size, nghttp2_data_source *source, void *context);

#endif
