/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A connection, over HTTP/1.1 unless TLS settled on HTTP/2 or the client
 * begins as HTTP/2 does; then it is MULTIPLEXED, and http2.h has its states.
 *
 *   READING --request--> RUNNING --ready--> WRITING --keep--> READING
 *      |  `--at once, or refused-------------^   `--close--> LINGERING --> closed
 *      |--idle, dead--> closed
 *      `--HTTP/2--> MULTIPLEXED --over--> LINGERING
 *
 * LINGERING  our side has ended; what the client still sends is dropped, since
 *            closing a socket with unread input would destroy the reply on
 *            its way (RFC 9112, 9.6).
 * A body that nobody wants any more is read in READING with is_dropping, if
 * it is short, so that the connection can be used again.
 */
#include "http/connection.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "http/exchange.h"
#include "http/http1.h"
#include "http/http2.h"
#include "http/push.h"
#include "services/push/push.h"

enum state {
	READING,
	RUNNING,
	WRITING,
	LINGERING,
	MULTIPLEXED,
};

enum {
	/* Before other connections get their turn. */
	STEPS_MAX = 64,
	TURN_BYTES_MAX = 256 << 10, /* written; the last step may go over it */
};

struct http_connection {
	struct http_watch watch;
	struct http_exchange_owner owner;
	struct http_loop *loop;
	struct http_connection *next, **link; /* in loop->connections */
	struct http_connection *again;        /* in loop->again */
	bool is_again;

	struct http_transport transport;
	uint32_t interest; /* what epoll knows */
	enum state state;
	bool keeps_alive; /* after the present reply */
	bool is_dropping;
	int64_t since_ms; /* when this state, or this part of a request, began */
	uint64_t moved;   /* bytes since then */
	size_t turn;      /* bytes written in this turn */

	bool is_fresh; /* nothing has shown the version of HTTP yet */
	struct http2 *http2;
	struct http2_owner http2_owner;
	struct http1 parser;
	struct dom_buffer pending; /* read, not parsed yet */
	struct http_exchange *exchange;
	struct dom_buffer out, out_body;        /* in this order */
	size_t out_at;                          /* written of both */
	struct push_subscription *subscription; /* of a 101, until it is out */
	int64_t reply_held;                     /* for out_body, in core->reply_bytes */
};

static void connection_advance(struct http_connection *connection);

static void
connection_close(struct http_connection *connection)
{
	struct http_loop *loop = connection->loop;

	if (connection->state == RUNNING)
		http_exchange_abandon(&connection->exchange);
	else
		http_exchange_free(&connection->exchange);
	if (connection->is_again) {
		struct http_connection **at = &loop->again;

		while (*at != connection)
			at = &(*at)->again;
		*at = connection->again;
	}
	*connection->link = connection->next;
	if (connection->next != NULL)
		connection->next->link = connection->link;
	http2_close(&connection->http2);
	http_transport_close(&connection->transport);
	push_subscription_free(&connection->subscription);
	http1_free(&connection->parser);
	dom_buffer_free(&connection->pending);
	dom_buffer_free(&connection->out);
	dom_buffer_free(&connection->out_body);
	http_reply_release(loop->core, &connection->reply_held);
	free(connection);
	atomic_fetch_sub(&loop->load, 1);
	atomic_fetch_sub(&loop->core->connections, 1);
}

static void
enter(struct http_connection *connection, enum state state)
{
	connection->state = state;
	connection->since_ms = connection->loop->now_ms;
	connection->moved = 0;
}

/* Wait for these events; false and closed if even that fails. */
static bool
wait_for(struct http_connection *connection, uint32_t interest)
{
	struct epoll_event event = {.events = interest, .data.ptr = &connection->watch};

	if (interest == connection->interest)
		return true;
	connection->interest = interest;
	if (epoll_ctl(connection->loop->epoll_fd, EPOLL_CTL_MOD, connection->transport.fd,
	        &event) != 0) {
		connection_close(connection);
		return false;
	}
	return true;
}

static bool
is_idle(const struct http_connection *connection)
{
	return connection->state == READING && connection->exchange == NULL &&
	       !connection->is_dropping && connection->pending.size == 0 &&
	       http1_is_idle(&connection->parser);
}

/* The exchange's response goes out; what is left of the request decides what then. */
static void
begin_reply(struct http_connection *connection, bool request_is_over)
{
	const struct http_head *head = &connection->parser.head;
	struct http_response *response = &connection->exchange->response;

	if (connection->loop->is_stopping)
		connection->keeps_alive = false;
	connection->is_dropping = false;
	if (!request_is_over && connection->keeps_alive) {
		/* One who waits for "100 Continue" may never send the body at all. */
		connection->is_dropping = !head->expects_continue && !head->is_chunked &&
		                          head->content_length <= HTTP_DISCARD_BYTES_MAX;
		connection->keeps_alive = connection->is_dropping;
	}
	http1_put_response_head(&connection->out, response, connection->keeps_alive);
	connection->subscription = response->subscription;
	response->subscription = NULL;
	if (response->omit_body) {
		dom_buffer_clear(&response->body);
	} else if (response->body.size <= HTTP_JOIN_BYTES_MAX) {
		dom_buffer_append_slice(&connection->out, dom_buffer_slice(&response->body));
	} else {
		connection->out_body = response->body;
		response->body = (struct dom_buffer){0};
		connection->reply_held = connection->exchange->reply_held;
		connection->exchange->reply_held = 0;
	}
	http_exchange_free(&connection->exchange);
	enter(connection, WRITING);
}

static void
owner_ready(struct http_exchange_owner *owner)
{
	struct http_connection *connection =
	    (struct http_connection *)((char *)owner - offsetof(struct http_connection, owner));

	begin_reply(connection, true);
	connection_advance(connection);
}

static void
take_step(struct http_connection *connection, enum http_exchange_step step, bool is_over)
{
	if (step == HTTP_EXCHANGE_REPLY)
		begin_reply(connection, is_over);
	else if (step == HTTP_EXCHANGE_PENDING)
		enter(connection, RUNNING);
}

/* False and closed if there is no memory to say anything. */
static bool
begin_fault(struct http_connection *connection, enum http_fault fault, const char *detail)
{
	if (connection->exchange == NULL)
		connection->exchange = http_exchange_new(connection->loop, &connection->owner);
	if (connection->exchange == NULL) {
		connection_close(connection);
		return false;
	}
	connection->keeps_alive = false;
	http_exchange_fault(connection->exchange, fault, detail);
	begin_reply(connection, false);
	return true;
}

static bool
take_head(struct http_connection *connection)
{
	struct http1 *parser = &connection->parser;

	connection->keeps_alive = !parser->head.wants_close;
	connection->exchange = http_exchange_new(connection->loop, &connection->owner);
	if (connection->exchange == NULL) {
		connection_close(connection);
		return false;
	}
	take_step(connection, http_exchange_head(connection->exchange, &parser->head),
	    !http_head_has_body(&parser->head));
	if (connection->state != READING)
		return true;
	enter(connection, READING); /* the body's time begins */
	http1_set_body_max(parser, connection->exchange->body_size_max);
	if (parser->head.expects_continue) {
		static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

		ssize_t written;

		/* What is not taken now goes out in front of the reply. */
		dom_buffer_append_text(&connection->out, go_on);
		written = http_transport_write(
		    &connection->transport, dom_buffer_slice(&connection->out));
		if (written > 0)
			dom_buffer_drop(&connection->out, (size_t)written);
	}
	return true;
}

/* The request is over: run it, or, if it has its reply, be ready for the next. */
static void
take_end(struct http_connection *connection)
{
	if (connection->is_dropping) {
		connection->is_dropping = false;
		http1_next(&connection->parser);
		enter(connection, READING);
		return;
	}
	take_step(connection, http_exchange_end(connection->exchange), true);
}

/* Parse until the input is used up or the state changes; false: it is closed. */
static bool
parse(struct http_connection *connection, struct dom_slice *input)
{
	struct http1 *parser = &connection->parser;

	while (connection->state == READING) {
		bool was_idle = http1_is_idle(parser) && connection->exchange == NULL;
		struct dom_slice piece;

		if (was_idle && input->size != 0)
			enter(connection, READING); /* the head's time begins */
		switch (http1_feed(parser, input, &piece)) {
		case HTTP1_MORE:
			return true;
		case HTTP1_HEAD:
			if (!take_head(connection))
				return false;
			break;
		case HTTP1_BODY:
			connection->moved += piece.size;
			if (!connection->is_dropping)
				take_step(connection,
				    http_exchange_body(connection->exchange, piece), false);
			break;
		case HTTP1_END:
			take_end(connection);
			break;
		case HTTP1_FAILED:
			return begin_fault(connection, parser->fault, parser->detail);
		}
	}
	return true;
}

/* By the first bytes, in pending, unless they are too few; false and closed: no memory. */
static bool
choose_version(struct http_connection *connection)
{
	struct dom_slice begun = dom_buffer_slice(&connection->pending);
	bool is_http2 = http_transport_is_http2(&connection->transport);

	if (connection->transport.ssl == NULL) {
		size_t size = begun.size < http2_preface.size ? begun.size : http2_preface.size;

		is_http2 = memcmp(begun.data, http2_preface.data, size) == 0;
		if (is_http2 && size < http2_preface.size)
			return true;
	}
	connection->is_fresh = false;
	if (!is_http2)
		return true;
	connection->http2 = http2_open(connection->loop, &connection->http2_owner);
	if (connection->http2 == NULL) {
		connection_close(connection);
		return false;
	}
	if (connection->loop->is_stopping)
		http2_stop(connection->http2);
	enter(connection, MULTIPLEXED);
	return true;
}

/* True: try again at once.  False: it waits for an event, or is closed. */
static bool
step_reading(struct http_connection *connection)
{
	struct http_loop *loop = connection->loop;
	struct dom_slice input = dom_buffer_slice(&connection->pending);
	ssize_t taken;

	if (input.size != 0 && !connection->is_fresh) {
		size_t before = input.size;

		if (!parse(connection, &input))
			return false;
		dom_buffer_drop(&connection->pending, before - input.size);
		if (connection->pending.size == 0)
			dom_buffer_free(&connection->pending);
		return true;
	}
	if (loop->is_stopping && is_idle(connection)) {
		connection_close(connection);
		return false;
	}
	taken = http_transport_read(&connection->transport, loop->input, sizeof(loop->input));
	if (taken == HTTP_TRANSPORT_AGAIN) {
		(void)wait_for(connection, connection->transport.read_wants);
		return false;
	}
	if (taken <= 0) {
		connection_close(connection);
		return false;
	}
	input = dom_slice(loop->input, (size_t)taken);
	if (!connection->is_fresh && !parse(connection, &input))
		return false;
	dom_buffer_append_slice(&connection->pending, input);
	if (dom_buffer_finish(&connection->pending) != DOM_OK) {
		connection_close(connection);
		return false;
	}
	return !connection->is_fresh || choose_version(connection);
}

/* What this was goes on as a socket, and is none of ours any more. */
static void
hand_over(struct http_connection *connection)
{
	struct http_loop *loop = connection->loop;
	struct http_transport transport = connection->transport;
	struct push_subscription *subscription = connection->subscription;
	struct dom_buffer pending = connection->pending;

	connection->transport = (struct http_transport){.fd = -1};
	connection->subscription = NULL;
	connection->pending = (struct dom_buffer){0};
	/* It goes on counting as one. */
	atomic_fetch_add(&loop->load, 1);
	atomic_fetch_add(&loop->core->connections, 1);
	connection_close(connection);
	http_push_adopt(loop, &transport, dom_buffer_slice(&pending), &subscription);
	dom_buffer_free(&pending);
}

static void
end_reply(struct http_connection *connection)
{
	dom_buffer_free(&connection->out);
	dom_buffer_free(&connection->out_body);
	http_reply_release(connection->loop->core, &connection->reply_held);
	connection->out_at = 0;
	if (!connection->keeps_alive) {
		http_transport_end(&connection->transport);
		enter(connection, LINGERING);
		return;
	}
	if (!connection->is_dropping)
		http1_next(&connection->parser);
	enter(connection, READING);
}

static bool
step_writing(struct http_connection *connection)
{
	size_t head_size = connection->out.size;
	size_t size = head_size + connection->out_body.size;
	ssize_t written;

	if (dom_buffer_finish(&connection->out) != DOM_OK) {
		connection_close(connection);
		return false;
	}
	if (connection->out_at == size && connection->subscription != NULL) {
		hand_over(connection);
		return false;
	}
	if (connection->out_at == size) {
		end_reply(connection);
		return true;
	}
	if (connection->out_at < head_size)
		written = http_transport_write(
		    &connection->transport, dom_slice(connection->out.data + connection->out_at,
		                                head_size - connection->out_at));
	else
		written = http_transport_write(&connection->transport,
		    dom_slice(connection->out_body.data + (connection->out_at - head_size),
		        size - connection->out_at < TURN_BYTES_MAX ? size - connection->out_at
		                                                   : TURN_BYTES_MAX));
	if (written == HTTP_TRANSPORT_AGAIN) {
		(void)wait_for(connection, connection->transport.write_wants);
		return false;
	}
	if (written <= 0) {
		connection_close(connection);
		return false;
	}
	connection->out_at += (size_t)written;
	connection->moved += (size_t)written;
	connection->turn += (size_t)written;
	return true;
}

static bool
step_lingering(struct http_connection *connection)
{
	struct http_loop *loop = connection->loop;
	ssize_t taken =
	    http_transport_read(&connection->transport, loop->input, sizeof(loop->input));

	if (taken == HTTP_TRANSPORT_AGAIN) {
		(void)wait_for(connection, EPOLLIN);
		return false;
	}
	if (taken <= 0)
		connection_close(connection);
	return taken > 0;
}

/* False and closed if there is nobody to talk to. */
static bool
feed_http2(struct http_connection *connection, struct dom_slice input)
{
	if (http2_feed(connection->http2, input))
		return true;
	connection_close(connection);
	return false;
}

/* It reads on while the client reads nothing: who writes and waits must not wait for us. */
static bool
step_multiplexed(struct http_connection *connection)
{
	struct http_transport *transport = &connection->transport;
	struct http_loop *loop = connection->loop;
	struct dom_slice output;
	ssize_t moved = 0;

	if (connection->pending.size != 0) {
		if (!feed_http2(connection, dom_buffer_slice(&connection->pending)))
			return false;
		dom_buffer_free(&connection->pending);
	}
	if (!http2_output(connection->http2, &output))
		goto broken;
	if (output.size != 0) {
		moved = http_transport_write(transport, output);
		if (moved > 0) {
			connection->turn += (size_t)moved;
			http2_wrote(connection->http2, (size_t)moved);
			return true;
		}
		if (moved != HTTP_TRANSPORT_AGAIN)
			goto broken;
	} else if (http2_is_over(connection->http2)) {
		http_transport_end(transport);
		enter(connection, LINGERING);
		return true;
	}
	moved = http_transport_read(transport, loop->input, sizeof(loop->input));
	if (moved == HTTP_TRANSPORT_AGAIN) {
		(void)wait_for(connection,
		    transport->read_wants | (output.size != 0 ? transport->write_wants : 0));
		return false;
	}
	if (moved > 0)
		return feed_http2(connection, dom_slice(loop->input, (size_t)moved));
broken:
	connection_close(connection);
	return false;
}

static void
http2_changed(struct http2_owner *owner)
{
	connection_advance(
	    (struct http_connection *)((char *)owner -
	                               offsetof(struct http_connection, http2_owner)));
}

static void
connection_advance(struct http_connection *connection)
{
	struct http_loop *loop = connection->loop;
	bool goes_on = !connection->is_again; /* else its turn comes */

	connection->turn = 0;
	for (unsigned steps = 0; goes_on; steps++) {
		if (steps == STEPS_MAX || connection->turn >= TURN_BYTES_MAX) {
			connection->is_again = true;
			connection->again = loop->again;
			loop->again = connection;
			return;
		}
		switch (connection->state) {
		case READING:
			goes_on = step_reading(connection);
			break;
		case WRITING:
			goes_on = step_writing(connection);
			break;
		case LINGERING:
			goes_on = step_lingering(connection);
			break;
		case MULTIPLEXED:
			goes_on = step_multiplexed(connection);
			break;
		case RUNNING:
			/* Only its death is of interest now. */
			(void)wait_for(connection, 0);
			return;
		}
	}
}

static void
connection_event(struct http_watch *watch, uint32_t events)
{
	struct http_connection *connection =
	    (struct http_connection *)((char *)watch - offsetof(struct http_connection, watch));

	if (connection->state == RUNNING) {
		if ((events & (EPOLLHUP | EPOLLERR)) != 0)
			connection_close(connection);
		return;
	}
	connection_advance(connection);
}

void
http_connection_open(struct http_loop *loop, int fd, struct http_tls *tls)
{
	const struct http_limits *limits = &loop->core->limits;
	struct http_connection *connection = calloc(1, sizeof(*connection));
	struct epoll_event event = {.events = EPOLLIN};
	struct http_transport unopened = {.fd = fd};

	if (connection == NULL ||
	    http_transport_open(&connection->transport, fd, tls) != DOM_OK) {
		http_transport_close(&unopened);
		free(connection);
		atomic_fetch_sub(&loop->load, 1);
		atomic_fetch_sub(&loop->core->connections, 1);
		return;
	}
	connection->loop = loop;
	connection->watch.event = connection_event;
	connection->owner.ready = owner_ready;
	connection->http2_owner.changed = http2_changed;
	connection->is_fresh = true;
	connection->owner.peer = http_peer_of_socket(fd, &loop->core->trusted);
	connection->http2_owner.peer = connection->owner.peer;
	connection->interest = EPOLLIN;
	connection->next = loop->connections;
	connection->link = &loop->connections;
	if (connection->next != NULL)
		connection->next->link = &connection->next;
	loop->connections = connection;
	http1_init(&connection->parser, (size_t)limits->of[HTTP_LIMIT_HEADER_BYTES],
	    (unsigned)limits->of[HTTP_LIMIT_HEADER_FIELDS]);
	enter(connection, READING);
	event.data.ptr = &connection->watch;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
		connection_close(connection);
		return;
	}
	connection_advance(connection);
}

void
http_connections_again(struct http_loop *loop)
{
	struct http_connection *connection = loop->again;

	/* Those that need yet another turn form a new list. */
	loop->again = NULL;
	while (connection != NULL) {
		struct http_connection *next = connection->again;

		connection->is_again = false;
		connection_advance(connection);
		connection = next;
	}
}

/* Has moved at least rate bytes a second since, after a time of grace? */
static bool
is_slow(const struct http_connection *connection, int64_t rate)
{
	int64_t spent_ms = connection->loop->now_ms - connection->since_ms - HTTP_RATE_GRACE_MS;

	return spent_ms > 0 && (int64_t)connection->moved < spent_ms / 1000 * rate + 1;
}

static bool
is_over_time(const struct http_connection *connection)
{
	const struct http_limits *limits = &connection->loop->core->limits;
	int64_t spent_ms = connection->loop->now_ms - connection->since_ms;

	switch (connection->state) {
	case READING:
		if (connection->exchange != NULL || connection->is_dropping)
			return is_slow(connection, limits->of[HTTP_LIMIT_BODY_RATE]);
		if (is_idle(connection) && !http_transport_is_opening(&connection->transport))
			return spent_ms >= limits->of[HTTP_LIMIT_IDLE_SECONDS] * 1000;
		return spent_ms >= limits->of[HTTP_LIMIT_HEADER_SECONDS] * 1000;
	case WRITING:
		return is_slow(connection, limits->of[HTTP_LIMIT_BODY_RATE]);
	case LINGERING:
		return spent_ms >= (connection->loop->is_stopping ? HTTP_LINGER_STOPPING_MS
		                                                  : HTTP_LINGER_MS);
	case RUNNING:
		break; /* bounded by the disk, not by the client */
	case MULTIPLEXED:
		return !http2_sweep(connection->http2);
	}
	return false;
}

void
http_connections_sweep(struct http_loop *loop)
{
	bool is_over = loop->is_stopping && loop->now_ms >= loop->stop_by_ms;
	struct http_connection *connection, *next;

	for (connection = loop->connections; connection != NULL; connection = next) {
		next = connection->next;
		if (is_over) {
			connection_close(connection);
		} else if (is_over_time(connection)) {
			if (connection->state == READING && !is_idle(connection) &&
			    !connection->is_dropping &&
			    !http_transport_is_opening(&connection->transport)) {
				if (begin_fault(connection, HTTP_FAULT_TIMEOUT, NULL))
					connection_advance(connection);
			} else {
				connection_close(connection);
			}
		} else if (connection->state == MULTIPLEXED &&
		           http2_wants_write(connection->http2)) {
			connection_advance(connection);
		}
	}
}

void
http_connections_stop(struct http_loop *loop)
{
	struct http_connection *connection, *next;

	for (connection = loop->connections; connection != NULL; connection = next) {
		next = connection->next;
		if (connection->state == MULTIPLEXED) {
			http2_stop(connection->http2);
			connection_advance(connection);
		} else if (is_idle(connection) && !connection->is_again) {
			connection_close(connection);
		}
	}
}
