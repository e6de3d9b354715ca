/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One device's socket.
 *
 *   OPEN --client's close, its fault, ours--> is_closing --written--> has_ended --> freed
 *     `-- dead, or too slow -----------------------------------------------------^
 */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "http/push_hub.h"

enum {
	READS_A_TURN = 16,
	/* Pongs wait behind at most so many bytes; the newest ping is what counts. */
	PONG_ROOM = 4 << 10,
};

static void
release(struct push_socket *socket)
{
	if (socket->held != 0)
		atomic_fetch_sub(&socket->push->loop->core->reply_bytes, socket->held);
	socket->held = 0;
}

void
push_socket_free(struct push_socket *socket)
{
	struct http_push *push = socket->push;

	push_socket_unready(socket);
	push_socket_unfollow(socket);
	*socket->link = socket->next;
	if (socket->next != NULL)
		socket->next->link = socket->link;
	http_transport_close(&socket->transport);
	dom_buffer_free(&socket->out);
	release(socket);
	push_subscription_free(&socket->subscription);
	free(socket);
	atomic_fetch_sub(&push->socket_count, 1);
	atomic_fetch_sub(&push->loop->load, 1);
	atomic_fetch_sub(&push->loop->core->connections, 1);
}

bool
push_socket_is_full(const struct push_socket *socket)
{
	return socket->is_closing || socket->out.size != 0;
}

/* False: it is gone. */
static bool
wait_for_more(struct push_socket *socket)
{
	uint32_t interest = socket->transport.read_wants;
	struct epoll_event event = {.data.ptr = &socket->watch};

	if (socket->out.size != 0)
		interest |= socket->transport.write_wants;
	if (interest == socket->interest)
		return true;
	event.events = socket->interest = interest;
	if (epoll_ctl(
	        socket->push->loop->epoll_fd, EPOLL_CTL_MOD, socket->transport.fd, &event) == 0)
		return true;
	push_socket_free(socket);
	return false;
}

/* Bytes taken now; below zero: it is broken, and still there. */
static ssize_t
write_some(struct push_socket *socket, struct dom_slice bytes)
{
	size_t done = 0;

	while (done < bytes.size) {
		ssize_t written = http_transport_write(
		    &socket->transport, dom_slice(bytes.data + done, bytes.size - done));

		if (written == HTTP_TRANSPORT_AGAIN)
			break;
		if (written <= 0)
			return -1;
		done += (size_t)written;
	}
	return (ssize_t)done;
}

/* All of out is written. */
static void
drained(struct push_socket *socket)
{
	const struct http_loop *loop = socket->push->loop;

	dom_buffer_free(&socket->out);
	socket->out_at = 0;
	release(socket);
	if (socket->is_closing) {
		if (!socket->has_ended)
			http_transport_end(&socket->transport);
		socket->has_ended = true;
		return;
	}
	/* While it took its time, no ping could reach it. */
	if (loop->now_ms != socket->since_ms)
		socket->pinged_ms = socket->heard_ms = loop->now_ms;
	if (socket->is_behind)
		push_socket_ready(socket);
}

static bool
flush(struct push_socket *socket)
{
	ssize_t written;

	if (socket->out.size != 0) {
		written = write_some(socket, dom_slice(socket->out.data + socket->out_at,
		                                 socket->out.size - socket->out_at));
		if (written < 0 || dom_buffer_finish(&socket->out) != DOM_OK) {
			push_socket_free(socket);
			return false;
		}
		socket->out_at += (size_t)written;
		if (socket->out_at == socket->out.size)
			drained(socket);
	}
	return wait_for_more(socket);
}

/* A control frame: behind whatever is on its way. */
static bool
send_control(struct push_socket *socket, enum websocket_opcode opcode, struct dom_slice payload)
{
	if (socket->out.size == 0)
		socket->since_ms = socket->push->loop->now_ms;
	websocket_put_control(&socket->out, opcode, payload);
	return flush(socket);
}

static bool
send_close(struct push_socket *socket, struct dom_slice payload)
{
	if (socket->is_closing)
		return true;
	push_socket_unready(socket);
	socket->is_closing = true;
	socket->is_behind = false;
	if (!send_control(socket, WEBSOCKET_CLOSE, payload))
		return false;
	socket->since_ms = socket->push->loop->now_ms;
	return true;
}

bool
push_socket_close(struct push_socket *socket, enum websocket_reason reason, const char *words)
{
	uint8_t payload[2 + PUSH_WORDS_SIZE_MAX] = {
	    (uint8_t)((unsigned)reason >> 8), (uint8_t)reason};
	size_t size = strlen(words);

	assert(size <= PUSH_WORDS_SIZE_MAX);
	memcpy(payload + 2, words, size);
	return send_close(socket, dom_slice(payload, 2 + size));
}

/* What is large counts against what all replies together may take. */
static bool
hold(struct push_socket *socket, size_t size)
{
	struct http_core *core = socket->push->loop->core;
	int64_t others;

	if (size <= HTTP_JOIN_BYTES_MAX)
		return true;
	others = atomic_fetch_add(&core->reply_bytes, (int64_t)size);
	if (others != 0 &&
	    others + (int64_t)size > core->limits.of[HTTP_LIMIT_REPLY_MEMORY_BYTES]) {
		atomic_fetch_sub(&core->reply_bytes, (int64_t)size);
		return false;
	}
	socket->held += (int64_t)size;
	return true;
}

bool
push_socket_send(struct push_socket *socket, struct dom_slice body)
{
	struct dom_buffer *frame = &socket->push->frame;
	uint8_t header[WEBSOCKET_HEADER_SIZE_MAX];
	ssize_t written;

	/* The message is lost to this socket, but not to the client: its token is older. */
	if (!hold(socket, body.size))
		return push_socket_close(socket, WEBSOCKET_TRY_AGAIN, "");
	/* In one piece, so that a small one is one packet and one TLS record. */
	dom_buffer_clear(frame);
	dom_buffer_append(
	    frame, header, websocket_put_header(header, WEBSOCKET_BINARY, body.size));
	dom_buffer_append_slice(frame, body);
	if (dom_buffer_finish(frame) != DOM_OK ||
	    (written = write_some(socket, dom_buffer_slice(frame))) < 0) {
		push_socket_free(socket);
		return false;
	}
	if ((size_t)written == frame->size) {
		release(socket);
		return wait_for_more(socket);
	}
	dom_buffer_append(&socket->out, frame->data + written, frame->size - (size_t)written);
	socket->since_ms = socket->push->loop->now_ms;
	return flush(socket);
}

/* False: it is gone. */
static bool
take_control(struct push_socket *socket)
{
	struct dom_slice payload = socket->in.payload;

	if (socket->in.opcode == WEBSOCKET_CLOSE) {
		socket->is_deaf = true;
		if (socket->has_ended) {
			push_socket_free(socket);
			return false;
		}
		/* The reason comes back without its words (RFC 6455, 5.5.1). */
		return send_close(
		    socket, dom_slice(payload.data, payload.size < 2 ? payload.size : 2));
	}
	if (socket->in.opcode == WEBSOCKET_PING && !socket->is_closing &&
	    socket->out.size - socket->out_at < PONG_ROOM)
		return send_control(socket, WEBSOCKET_PONG, payload);
	return true;
}

/* False: it is gone. */
static bool
take_input(struct push_socket *socket, struct dom_slice input)
{
	socket->heard_ms = socket->push->loop->now_ms;
	while (!socket->is_deaf) {
		switch (websocket_feed(&socket->in, &input)) {
		case WEBSOCKET_MORE:
			return true;
		case WEBSOCKET_CONTROL:
			if (!take_control(socket))
				return false;
			break;
		case WEBSOCKET_DATA:
			socket->is_deaf = true;
			return push_socket_close(
			    socket, WEBSOCKET_POLICY, "Nothing is taken here.");
		case WEBSOCKET_FAILED:
			socket->is_deaf = true;
			return push_socket_close(socket, WEBSOCKET_PROTOCOL, "");
		}
	}
	return true;
}

static void
socket_event(struct http_watch *watch, uint32_t events)
{
	struct push_socket *socket =
	    (struct push_socket *)((char *)watch - offsetof(struct push_socket, watch));
	struct http_loop *loop = socket->push->loop;

	(void)events;
	for (unsigned i = 0; i < READS_A_TURN; i++) {
		ssize_t taken =
		    http_transport_read(&socket->transport, loop->input, sizeof(loop->input));

		if (taken == HTTP_TRANSPORT_AGAIN)
			break;
		if (taken <= 0) {
			push_socket_free(socket);
			return;
		}
		if (!take_input(socket, dom_slice(loop->input, (size_t)taken)))
			return;
	}
	(void)flush(socket);
}

void
push_socket_look(struct push_socket *socket)
{
	const struct http_loop *loop = socket->push->loop;
	const int64_t *limits = loop->core->limits.of;
	int64_t ping_ms = limits[HTTP_LIMIT_PING_SECONDS] * 1000;
	int64_t waited_ms = loop->now_ms - socket->since_ms;

	if (socket->is_closing) {
		if (waited_ms >= (loop->is_stopping ? HTTP_LINGER_STOPPING_MS : HTTP_LINGER_MS))
			push_socket_free(socket);
	} else if (socket->out.size != 0) {
		/* It takes what it is sent, and at the rate of any other reply? */
		waited_ms -= HTTP_RATE_GRACE_MS;
		if (waited_ms > 0 && (int64_t)socket->out_at <
		                         waited_ms / 1000 * limits[HTTP_LIMIT_BODY_RATE] + 1)
			push_socket_free(socket);
	} else if (loop->now_ms - socket->pinged_ms >= ping_ms) {
		if (socket->heard_ms < socket->pinged_ms) {
			push_socket_free(socket);
			return;
		}
		socket->pinged_ms = loop->now_ms;
		(void)send_control(socket, WEBSOCKET_PING, dom_slice(NULL, 0));
	}
}

static struct push_socket *
socket_new(struct http_push *push, struct http_transport *transport)
{
	struct http_loop *loop = push->loop;
	struct push_socket *socket = calloc(1, sizeof(*socket));

	if (socket == NULL)
		return NULL;
	socket->watch.event = socket_event;
	socket->push = push;
	socket->transport = *transport;
	*transport = (struct http_transport){.fd = -1};
	socket->since_ms = socket->heard_ms = socket->pinged_ms = loop->now_ms;
	socket->next = push->sockets;
	socket->link = &push->sockets;
	if (socket->next != NULL)
		socket->next->link = &socket->next;
	push->sockets = socket;
	atomic_fetch_add(&push->socket_count, 1);
	return socket;
}

void
http_push_adopt(struct http_loop *loop, struct http_transport *transport,
    struct dom_slice input, struct push_subscription **subscription)
{
	struct push_socket *socket = socket_new(loop->push, transport);

	if (socket == NULL) {
		http_transport_close(transport);
		push_subscription_free(subscription);
		atomic_fetch_sub(&loop->load, 1);
		atomic_fetch_sub(&loop->core->connections, 1);
		return;
	}
	socket->subscription = *subscription;
	*subscription = NULL;
	socket->upto = UINT64_MAX;
	socket->is_behind = true;
	socket->has_moved = true;
	if (!wait_for_more(socket))
		return;
	if (loop->is_stopping) {
		(void)push_socket_close(socket, WEBSOCKET_GOING_AWAY, "");
		return;
	}
	if (!push_socket_follow(socket)) {
		(void)push_socket_close(socket, WEBSOCKET_TRY_AGAIN, "");
		return;
	}
	push_socket_ready(socket);
	if (take_input(socket, input))
		(void)flush(socket);
}
