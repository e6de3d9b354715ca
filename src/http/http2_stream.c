/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A stream: fields to a head, an exchange's response to frames. */
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/http2_parts.h"

enum { FRAME_HEAD_SIZE = 9, FIELD_OVERHEAD = 32 /* RFC 9113, 6.5.2 */ };

static void stream_ready(struct http_exchange_owner *owner);

static void
enter(struct http2_stream *stream, enum http2_stream_state state)
{
	stream->state = state;
	stream->pace = (struct http2_pace){.since_ms = stream->http2->loop->now_ms};
}

struct http2_stream *
http2_stream_new(struct http2 *http2, int32_t id)
{
	struct http2_stream *stream = calloc(1, sizeof(*stream));

	if (stream == NULL)
		return NULL;
	stream->owner.ready = stream_ready;
	stream->owner.peer = http2->owner->peer;
	stream->http2 = http2;
	stream->id = id;
	stream->next = http2->streams;
	stream->link = &http2->streams;
	if (stream->next != NULL)
		stream->next->link = &stream->next;
	http2->streams = stream;
	http2->stream_count++;
	enter(stream, HTTP2_HEAD);
	return stream;
}

static void
free_reply(struct http2_stream *stream)
{
	dom_buffer_free(&stream->reply);
	http_reply_release(stream->http2->loop->core, &stream->reply_held);
}

void
http2_stream_free(struct http2_stream *stream)
{
	struct http2 *http2 = stream->http2;

	if (stream->state == HTTP2_PENDING)
		http_exchange_abandon(&stream->exchange);
	else
		http_exchange_free(&stream->exchange);
	*stream->link = stream->next;
	if (stream->next != NULL)
		stream->next->link = stream->link;
	if (--http2->stream_count == 0)
		http2->idle_since_ms = http2->loop->now_ms;
	dom_buffer_free(&stream->head_bytes);
	free_reply(stream);
	free(stream);
}

void
http2_stream_closed(struct http2_stream *stream)
{
	stream->is_closed = true;
	if (stream->state != HTTP2_PENDING || stream->exchange->held.is_parked)
		http2_stream_free(stream);
}

void
http2_stream_reset(struct http2_stream *stream, uint32_t code)
{
	/* Fails for want of memory only; then the sweep comes by again. */
	(void)nghttp2_submit_rst_stream(
	    stream->http2->session, NGHTTP2_FLAG_NONE, stream->id, code);
}

static unsigned
find_field(struct dom_slice name)
{
	if (dom_slice_is(name, ":method"))
		return HTTP2_METHOD;
	if (dom_slice_is(name, ":path"))
		return HTTP2_PATH;
	if (dom_slice_is(name, ":authority"))
		return HTTP2_AUTHORITY;
	if (name.size != 0 && name.data[0] == ':')
		return HTTP2_FIELD_COUNT; /* :scheme, which the listener has decided */
	return http_field_find(name) == HTTP_FIELD_COUNT ? HTTP2_FIELD_COUNT
	                                                 : http_field_find(name);
}

static void
note_fault(struct http2_stream *stream, enum http_fault fault, const char *detail)
{
	if (stream->fault != HTTP_FAULT_NONE)
		return;
	stream->fault = fault;
	stream->detail = detail;
}

void
http2_stream_field(struct http2_stream *stream, struct dom_slice name, struct dom_slice value)
{
	const struct http_limits *limits = &stream->http2->loop->core->limits;
	unsigned field = find_field(name);

	stream->head_size += name.size + value.size + FIELD_OVERHEAD;
	if (name.size == 0 || name.data[0] != ':')
		stream->head_fields++;
	if (stream->head_size > (size_t)limits->of[HTTP_LIMIT_HEADER_BYTES] ||
	    stream->head_fields > (unsigned)limits->of[HTTP_LIMIT_HEADER_FIELDS])
		note_fault(stream, HTTP_FAULT_HEADER_SIZE, NULL);
	if (stream->fault != HTTP_FAULT_NONE || field == HTTP2_FIELD_COUNT)
		return;
	if (stream->values[field].is_there) {
		note_fault(stream, HTTP_FAULT_MALFORMED,
		    "A header field that must be single comes twice.");
		return;
	}
	stream->values[field].is_there = true;
	stream->values[field].at = stream->head_bytes.size;
	stream->values[field].size = value.size;
	dom_buffer_append_slice(&stream->head_bytes, value);
	if (dom_buffer_finish(&stream->head_bytes) != DOM_OK)
		note_fault(stream, HTTP_FAULT_BUSY, NULL);
}

static struct dom_slice
value_of(const struct http2_stream *stream, unsigned field)
{
	if (!stream->values[field].is_there)
		return dom_slice(NULL, 0);
	if (stream->values[field].size == 0)
		return dom_slice_of("");
	return dom_slice(
	    stream->head_bytes.data + stream->values[field].at, stream->values[field].size);
}

/* A sentence about what is wrong, or NULL. */
static const char *
read_host(const struct http2_stream *stream, struct http_fields *fields)
{
	static const char detail[] = "The request needs one valid Host field.";
	struct dom_slice authority = value_of(stream, HTTP2_AUTHORITY);
	struct dom_slice *host = &fields->value[HTTP_FIELD_HOST];

	if (authority.data != NULL && host->data != NULL && !dom_slice_equal(authority, *host))
		return detail;
	if (authority.data != NULL)
		*host = authority;
	return host->data != NULL && http_host_is_valid(*host) ? NULL : detail;
}

static void
read_head(struct http2_stream *stream, struct http_head *head)
{
	struct http_fields fields;
	const char *detail;

	for (unsigned i = 0; i < HTTP_FIELD_COUNT; i++)
		fields.value[i] = value_of(stream, i);
	head->size = stream->head_size;
	head->content_length = -1;
	head->method = value_of(stream, HTTP2_METHOD);
	if ((detail = http_check_method(head->method)) == NULL &&
	    (detail = http_parse_target(value_of(stream, HTTP2_PATH), head)) == NULL &&
	    (detail = read_host(stream, &fields)) == NULL &&
	    fields.value[HTTP_FIELD_CONTENT_LENGTH].data != NULL)
		detail =
		    http_parse_content_length(fields.value[HTTP_FIELD_CONTENT_LENGTH], head);
	if (detail != NULL) {
		note_fault(stream, HTTP_FAULT_MALFORMED, detail);
		return;
	}
	/* A body of unknown size; nghttp2 holds others to what they said. */
	head->is_chunked = !stream->request_is_over && head->content_length < 0;
	http_fields_into_head(&fields, head);
	if (!http_parse_expectation(&fields, head))
		note_fault(stream, HTTP_FAULT_EXPECTATION, NULL);
}

/* Count what HTTP/1.1 need not count: there, one connection holds one reply. */
static void
hold_small_reply(struct http2_stream *stream)
{
	if (stream->reply_held != 0 || stream->reply.size == 0)
		return;
	stream->reply_held = (int64_t)stream->reply.size;
	atomic_fetch_add(&stream->http2->loop->core->reply_bytes, stream->reply_held);
}

static void
begin_reply(struct http2_stream *stream)
{
	struct http_response *response = &stream->exchange->response;
	struct http_response_fields fields;
	nghttp2_nv nv[HTTP_RESPONSE_FIELDS_MAX + 1];
	const nghttp2_data_provider body = {
	    .source.ptr = stream, .read_callback = http2_stream_read};
	char status[16];
	bool has_body = !response->omit_body && response->body.size != 0;
	size_t count = 0;

	snprintf(status, sizeof(status), "%d", response->status);
	http_response_list_fields(response, &fields);
	nv[count++] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t) ":status",
	    .namelen = 7,
	    .value = (uint8_t *)status,
	    .valuelen = strlen(status)};
	for (size_t i = 0; i < fields.count; i++)
		nv[count++] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)fields.at[i].name,
		    .namelen = strlen(fields.at[i].name),
		    .value = (uint8_t *)(uintptr_t)fields.at[i].value.data,
		    .valuelen = fields.at[i].value.size};
	enter(stream, HTTP2_REPLYING);
	/* Names and values are copied, names in lower case. */
	if (nghttp2_submit_response(
	        stream->http2->session, stream->id, nv, count, has_body ? &body : NULL) != 0)
		http2_stream_reset(stream, NGHTTP2_INTERNAL_ERROR);
	if (has_body) {
		stream->reply = response->body;
		response->body = (struct dom_buffer){0};
		stream->reply_held = stream->exchange->reply_held;
		stream->exchange->reply_held = 0;
		hold_small_reply(stream);
	}
	http_exchange_free(&stream->exchange);
}

static void
stream_ready(struct http_exchange_owner *owner)
{
	struct http2_stream *stream =
	    (struct http2_stream *)((char *)owner - offsetof(struct http2_stream, owner));
	struct http2 *http2 = stream->http2;

	if (stream->is_closed) {
		stream->state = HTTP2_REPLYING; /* the exchange is ours again */
		http2_stream_free(stream);
	} else {
		begin_reply(stream);
	}
	http2->owner->changed(http2->owner);
}

static void
take_step(struct http2_stream *stream, enum http_exchange_step step)
{
	if (step == HTTP_EXCHANGE_REPLY)
		begin_reply(stream);
	else if (step == HTTP_EXCHANGE_PENDING)
		enter(stream, HTTP2_PENDING);
}

void
http2_stream_fault(struct http2_stream *stream, enum http_fault fault, const char *detail)
{
	http_exchange_fault(stream->exchange, fault, detail);
	begin_reply(stream);
}

static void
say_continue(struct http2_stream *stream)
{
	const nghttp2_nv nv = {.name = (uint8_t *)(uintptr_t) ":status",
	    .namelen = 7,
	    .value = (uint8_t *)(uintptr_t) "100",
	    .valuelen = 3};

	/* Without it the client sends the body after a while. */
	(void)nghttp2_submit_headers(
	    stream->http2->session, NGHTTP2_FLAG_NONE, stream->id, NULL, &nv, 1, NULL);
}

void
http2_stream_head(struct http2_stream *stream, bool is_over)
{
	struct http_head head = {0};

	stream->request_is_over = is_over;
	stream->exchange = http_exchange_new(stream->http2->loop, &stream->owner);
	if (stream->exchange == NULL) {
		http2_stream_reset(stream, NGHTTP2_REFUSED_STREAM);
		return;
	}
	if (stream->fault == HTTP_FAULT_NONE)
		read_head(stream, &head);
	if (stream->fault != HTTP_FAULT_NONE) {
		http2_stream_fault(stream, stream->fault, stream->detail);
	} else {
		take_step(stream, http_exchange_head(stream->exchange, &head));
		if (stream->state == HTTP2_HEAD) {
			enter(stream, HTTP2_BODY);
			if (head.expects_continue)
				say_continue(stream);
		}
	}
	dom_buffer_free(&stream->head_bytes);
}

void
http2_stream_data(struct http2_stream *stream, struct dom_slice piece)
{
	stream->pace.moved += (int64_t)piece.size;
	stream->body_size += (int64_t)piece.size;
	if (stream->state == HTTP2_DROPPING && stream->body_size > HTTP2_STREAM_WINDOW_BYTES)
		http2_stream_reset(stream, NGHTTP2_NO_ERROR);
	if (stream->state != HTTP2_BODY)
		return;
	if (stream->body_size > stream->exchange->body_size_max)
		http2_stream_fault(stream, HTTP_FAULT_BODY_SIZE, NULL);
	else
		take_step(stream, http_exchange_body(stream->exchange, piece));
}

void
http2_stream_end(struct http2_stream *stream)
{
	stream->request_is_over = true;
	if (stream->state == HTTP2_BODY)
		take_step(stream, http_exchange_end(stream->exchange));
}

void
http2_stream_sent(struct http2_stream *stream)
{
	free_reply(stream);
	if (stream->request_is_over)
		return;
	enter(stream, HTTP2_DROPPING);
	stream->body_size = 0;
}

ssize_t
http2_stream_read(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t size,
    uint32_t *flags, nghttp2_data_source *source, void *context)
{
	const struct http2_stream *stream = source->ptr;
	size_t left = stream->reply.size - stream->reply_at;

	(void)session;
	(void)id;
	(void)buffer;
	(void)context;
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (left <= size) {
		size = left;
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	}
	return (ssize_t)size;
}

int
http2_stream_send(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
    size_t size, nghttp2_data_source *source, void *context)
{
	struct http2_stream *stream = source->ptr;
	struct http2 *http2 = context;

	(void)session;
	(void)frame;
	if (http2->out.size >= HTTP2_OUT_BYTES_MAX)
		return NGHTTP2_ERR_WOULDBLOCK;
	assert(size <= stream->reply.size - stream->reply_at);
	dom_buffer_append(&http2->out, head, FRAME_HEAD_SIZE);
	dom_buffer_append(&http2->out, stream->reply.data + stream->reply_at, size);
	stream->reply_at += size;
	stream->pace.moved += (int64_t)size;
	return dom_buffer_finish(&http2->out) == DOM_OK ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}
