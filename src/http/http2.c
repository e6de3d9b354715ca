/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The session of an HTTP/2 connection: frames in, frames out, and its limits. */
#include "http/http2.h"

#include <stdlib.h>

#include "http/http2_parts.h"

/* What a peer's moves cost; see HTTP2_PATIENCE. */
enum { COST_FRAME = 1, COST_RESET = 5 };

/* Eight; nghttp2 counts one for each piece in which the 9 bytes of its head come. */
enum { CONTINUATIONS_MAX = 8 * 9 };

/*
 * More than one read of shortest frames asks for once the purse is empty, so
 * that the peer hears ENHANCE_YOUR_CALM before nghttp2 gives up without a word.
 */
enum { ACKS_MAX = 2 * HTTP2_PATIENCE + HTTP_LOOP_INPUT_SIZE / 9 };

const struct dom_slice http2_preface = {
    .data = (const uint8_t *)NGHTTP2_CLIENT_MAGIC, .size = NGHTTP2_CLIENT_MAGIC_LEN};

static struct http2_stream *
stream_of(struct http2 *http2, int32_t id)
{
	return nghttp2_session_get_stream_user_data(http2->session, id);
}

/* An honest client never notices: it cancels rarely, and pings more rarely still. */
static void
spend(struct http2 *http2, int64_t cost)
{
	int64_t now_ms = http2->loop->now_ms;

	http2->patience += (now_ms - http2->patience_ms) * HTTP2_PATIENCE_SECOND / 1000;
	http2->patience_ms = now_ms;
	if (http2->patience > HTTP2_PATIENCE)
		http2->patience = HTTP2_PATIENCE;
	http2->patience -= cost;
	if (http2->patience < 0)
		(void)nghttp2_session_terminate_session(
		    http2->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct http2 *http2 = context;
	struct http_core *core = http2->loop->core;
	struct http2_stream *stream;

	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	/* Streams that the peer has reset count here until the writer is done with them. */
	if (http2->stream_count >= (unsigned)core->limits.of[HTTP_LIMIT_STREAMS] ||
	    (http2->stream_count != 0 && atomic_load(&core->reply_bytes) >
	                                     core->limits.of[HTTP_LIMIT_REPLY_MEMORY_BYTES]) ||
	    (stream = http2_stream_new(http2, frame->hd.stream_id)) == NULL) {
		spend(http2, COST_FRAME); /* one who reads no answers would pile them up */
		return nghttp2_submit_rst_stream(
		    session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
	}
	return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *context)
{
	struct http2_stream *stream = stream_of(context, frame->hd.stream_id);

	(void)session;
	(void)flags;
	/* Trailers are of no use to us. */
	if (stream != NULL && stream->state == HTTP2_HEAD &&
	    frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		http2_stream_field(
		    stream, dom_slice(name, name_size), dom_slice(value, value_size));
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t size,
    void *context)
{
	struct http2_stream *stream = stream_of(context, id);

	(void)session;
	(void)flags;
	if (stream != NULL)
		http2_stream_data(stream, dom_slice(data, size));
	return 0;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct http2 *http2 = context;
	struct http2_stream *stream = stream_of(http2, frame->hd.stream_id);
	bool is_over = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

	(void)session;
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		if (stream != NULL && stream->state == HTTP2_HEAD)
			http2_stream_head(stream, is_over);
		if (stream != NULL && is_over)
			http2_stream_end(stream);
		break;
	case NGHTTP2_DATA:
		if (stream != NULL && is_over)
			http2_stream_end(stream);
		else if (frame->hd.length == 0)
			spend(http2, COST_FRAME);
		break;
	case NGHTTP2_RST_STREAM:
		spend(http2, COST_RESET);
		break;
	case NGHTTP2_WINDOW_UPDATE: /* as many as our own bytes call for */
	case NGHTTP2_PRIORITY:      /* one for each request, from old browsers */
		break;
	default:
		spend(http2, COST_FRAME);
	}
	return 0;
}

static int
on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int code, void *context)
{
	(void)session;
	(void)frame;
	(void)code;
	spend(context, COST_RESET);
	return 0;
}

static int
on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct http2_stream *stream;

	(void)session;
	if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
		return 0;
	if ((stream = stream_of(context, frame->hd.stream_id)) != NULL)
		http2_stream_sent(stream);
	return 0;
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
	struct http2_stream *stream = stream_of(context, id);

	(void)session;
	(void)code;
	if (stream != NULL)
		http2_stream_closed(stream);
	return 0;
}

static bool
open_session(struct http2 *http2)
{
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_option *option = NULL;
	bool is_open = false;

	if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&option) != 0)
		goto out;
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
	    callbacks, on_invalid_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	nghttp2_session_callbacks_set_send_data_callback(callbacks, http2_stream_send);
	/* Streams that are over are of no use: priorities are not theirs to give. */
	nghttp2_option_set_no_closed_streams(option, 1);
	nghttp2_option_set_max_continuations(option, CONTINUATIONS_MAX);
	nghttp2_option_set_max_outbound_ack(option, ACKS_MAX);
	is_open = nghttp2_session_server_new2(&http2->session, callbacks, http2, option) == 0;
out:
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	return is_open;
}

static bool
introduce(struct http2 *http2)
{
	const struct http_limits *limits = &http2->loop->core->limits;
	const nghttp2_settings_entry settings[] = {
	    {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)limits->of[HTTP_LIMIT_STREAMS]},
	    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP2_STREAM_WINDOW_BYTES},
	    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
	        (uint32_t)limits->of[HTTP_LIMIT_HEADER_BYTES]},
	    {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
	};

	return nghttp2_submit_settings(http2->session, NGHTTP2_FLAG_NONE, settings,
	           sizeof(settings) / sizeof(settings[0])) == 0 &&
	       nghttp2_session_set_local_window_size(
	           http2->session, NGHTTP2_FLAG_NONE, 0, HTTP2_CONNECTION_WINDOW_BYTES) == 0;
}

struct http2 *
http2_open(struct http_loop *loop, struct http2_owner *owner)
{
	struct http2 *http2 = calloc(1, sizeof(*http2));

	if (http2 == NULL)
		return NULL;
	http2->loop = loop;
	http2->owner = owner;
	http2->pace.since_ms = http2->idle_since_ms = http2->patience_ms = loop->now_ms;
	http2->patience = HTTP2_PATIENCE;
	if (!open_session(http2) || !introduce(http2))
		http2_close(&http2);
	return http2;
}

void
http2_close(struct http2 **http2)
{
	struct http2 *old = *http2;

	if (old == NULL)
		return;
	*http2 = NULL;
	nghttp2_session_del(old->session);
	while (old->streams != NULL)
		http2_stream_free(old->streams);
	dom_buffer_free(&old->out);
	free(old);
}

bool
http2_feed(struct http2 *http2, struct dom_slice input)
{
	return nghttp2_session_mem_recv(http2->session, input.data, input.size) ==
	       (ssize_t)input.size;
}

bool
http2_output(struct http2 *http2, struct dom_slice *output_r)
{
	const uint8_t *data;
	ssize_t size;

	if (http2->out_at == http2->out.size) {
		dom_buffer_clear(&http2->out);
		http2->out_at = 0;
	}
	while (http2->out.size < HTTP2_OUT_BYTES_MAX) {
		if ((size = nghttp2_session_mem_send(http2->session, &data)) < 0)
			return false;
		if (size == 0)
			break;
		dom_buffer_append(&http2->out, data, (size_t)size);
	}
	if (dom_buffer_finish(&http2->out) != DOM_OK)
		return false;
	*output_r = dom_slice(NULL, 0);
	if (http2->out_at == http2->out.size)
		dom_buffer_free(&http2->out); /* idle connections are many */
	else
		*output_r =
		    dom_slice(http2->out.data + http2->out_at, http2->out.size - http2->out_at);
	return true;
}

void
http2_wrote(struct http2 *http2, size_t size)
{
	http2->out_at += size;
	http2->pace.moved += (int64_t)size;
}

bool
http2_is_over(struct http2 *http2)
{
	return http2->out_at == http2->out.size &&
	       nghttp2_session_want_read(http2->session) == 0 &&
	       nghttp2_session_want_write(http2->session) == 0;
}

bool
http2_wants_write(struct http2 *http2)
{
	return nghttp2_session_want_write(http2->session) != 0;
}

void
http2_stop(struct http2 *http2)
{
	if (http2->is_stopping)
		return;
	http2->is_stopping = true;
	(void)nghttp2_submit_goaway(http2->session, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(http2->session), NGHTTP2_NO_ERROR, NULL, 0);
}

/* True once in a while, if less than rate bytes a second moved in it. */
static bool
is_slow(struct http2_pace *pace, int64_t now_ms, int64_t rate)
{
	bool is_low = pace->moved < rate * HTTP_RATE_GRACE_MS / 1000 + 1;

	/* The rate is asked for half of the time: the other half is the grace. */
	if (now_ms - pace->since_ms < INT64_C(2) * HTTP_RATE_GRACE_MS)
		return false;
	*pace = (struct http2_pace){.since_ms = now_ms};
	return is_low;
}

/* The streams share the rate that is asked of a connection.  True: it waits for the socket. */
static bool
sweep_stream(struct http2_stream *stream)
{
	struct http2 *http2 = stream->http2;
	const struct http_limits *limits = &http2->loop->core->limits;
	int64_t now_ms = http2->loop->now_ms;
	int64_t rate = limits->of[HTTP_LIMIT_BODY_RATE] / http2->stream_count;

	switch (stream->state) {
	case HTTP2_HEAD:
		if (now_ms - stream->pace.since_ms >=
		    limits->of[HTTP_LIMIT_HEADER_SECONDS] * 1000)
			(void)nghttp2_session_terminate_session(
			    http2->session, NGHTTP2_ENHANCE_YOUR_CALM);
		break;
	case HTTP2_BODY:
		if (is_slow(&stream->pace, now_ms, rate))
			http2_stream_fault(stream, HTTP_FAULT_TIMEOUT, NULL);
		break;
	case HTTP2_DROPPING:
		if (is_slow(&stream->pace, now_ms, rate))
			http2_stream_reset(stream, NGHTTP2_NO_ERROR);
		break;
	case HTTP2_REPLYING:
		/* While its window is open it waits for its turn, not for the client. */
		if (nghttp2_session_get_stream_remote_window_size(http2->session, stream->id) >
		    0)
			return true;
		if (is_slow(&stream->pace, now_ms, rate))
			http2_stream_reset(stream, NGHTTP2_CANCEL);
		break;
	case HTTP2_PENDING:
		break; /* bounded by the disk, not by the client */
	}
	return false;
}

bool
http2_sweep(struct http2 *http2)
{
	const struct http_limits *limits = &http2->loop->core->limits;
	int64_t now_ms = http2->loop->now_ms;
	bool waits_for_socket = http2->out_at != http2->out.size;
	struct http2_stream *stream, *next;

	for (stream = http2->streams; stream != NULL; stream = next) {
		next = stream->next;
		waits_for_socket = sweep_stream(stream) || waits_for_socket;
	}
	if (!waits_for_socket)
		http2->pace = (struct http2_pace){.since_ms = now_ms};
	else if (is_slow(&http2->pace, now_ms, limits->of[HTTP_LIMIT_BODY_RATE]))
		return false;
	if (http2->stream_count == 0 &&
	    now_ms - http2->idle_since_ms >= limits->of[HTTP_LIMIT_IDLE_SECONDS] * 1000)
		(void)nghttp2_session_terminate_session(http2->session, NGHTTP2_NO_ERROR);
	return true;
}
