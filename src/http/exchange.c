/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* From a request's head to the moment that its body is there. */
#include "http/exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/utf8.h"

#include "http/cors.h"
#include "http/held.h"
#include "http/rates.h"
#include "http/reply.h"
#include "services/push/push.h"

enum { SPARE_MAX = 16 };

struct http_exchange *
http_exchange_new(struct http_loop *loop, struct http_exchange_owner *owner)
{
	struct http_exchange *exchange = loop->spare;
	struct dom_arena *arena;

	if (exchange != NULL) {
		loop->spare = exchange->next;
		loop->spare_count--;
		arena = exchange->arena;
	} else {
		exchange = malloc(sizeof(*exchange));
		arena = exchange == NULL ? NULL : dom_arena_new(HTTP_ARENA_BYTES_MAX);
		if (arena == NULL) {
			free(exchange);
			return NULL;
		}
	}
	*exchange = (struct http_exchange){
	    .loop = loop,
	    .owner = owner,
	    .arena = arena,
	    .began_us = dom_monotonic_us(),
	    .route.op = SERVICE_OP_COUNT,
	};
	return exchange;
}

static void
release_body(struct http_exchange *exchange)
{
	dom_buffer_free(&exchange->body);
	if (exchange->body_held != 0)
		atomic_fetch_sub(&exchange->loop->core->body_bytes, exchange->body_held);
	exchange->body_held = 0;
}

void
http_exchange_free(struct http_exchange **exchange)
{
	struct http_exchange *old = *exchange;
	struct http_loop *loop;

	if (old == NULL)
		return;
	*exchange = NULL;
	if (http_exchange_stage_drop(old))
		return;
	loop = old->loop;
	http_held_end(old);
	dom_arena_free(&old->held.arena);
	release_body(old);
	http_reply_release(loop->core, &old->reply_held);
	service_drop(&old->staged);
	service_reply_free(&old->reply);
	dom_buffer_free(&old->response.body);
	push_subscription_free(&old->response.subscription);
	dom_arena_reset(old->arena);
	if (loop->spare_count < SPARE_MAX) {
		old->next = loop->spare;
		loop->spare = old;
		loop->spare_count++;
		return;
	}
	dom_arena_free(&old->arena);
	free(old);
}

void
http_exchange_free_spares(struct http_loop *loop)
{
	while (loop->spare != NULL) {
		struct http_exchange *old = loop->spare;

		loop->spare = old->next;
		dom_arena_free(&old->arena);
		free(old);
	}
	loop->spare_count = 0;
}

void
http_exchange_abandon(struct http_exchange **exchange)
{
	struct http_exchange *old = *exchange;

	*exchange = NULL;
	old->owner = NULL;
	if (old->held.is_parked)
		http_exchange_free(&old);
}

/* The reply is made: note it once, without a word about whose it is. */
static void
note(struct http_exchange *exchange)
{
	const struct http_log_line line = {
	    .op = exchange->route.op,
	    .status = exchange->response.status,
	    .bytes_in = exchange->bytes_in,
	    .bytes_out = exchange->response.body.size,
	    .microseconds = (uint64_t)(dom_monotonic_us() - exchange->began_us),
	};

	http_log_add(&exchange->loop->log, &line);
	http_metrics_add(&exchange->loop->core->metrics, line.op, line.status, line.bytes_in,
	    line.bytes_out, line.microseconds);
}

void
http_exchange_fault(struct http_exchange *exchange, enum http_fault fault, const char *detail)
{
	if (!exchange->is_staged) /* else the pool may still read it */
		release_body(exchange);
	reply_from_fault(fault, detail, &exchange->response);
	note(exchange);
}

void
http_reply_release(struct http_core *core, int64_t *held)
{
	if (*held != 0)
		atomic_fetch_sub(&core->reply_bytes, *held);
	*held = 0;
}

/*
 * Count a large reply against what all replies together may take: clients
 * that ask for much and read none of it would else use up the memory.  False
 * if there is no room for it.  What writes has small replies, and must not be
 * told that nothing was written.
 */
static bool
hold_reply(struct http_exchange *exchange)
{
	struct http_core *core = exchange->loop->core;
	int64_t size = (int64_t)exchange->reply.body.size, others;

	if (size <= HTTP_JOIN_BYTES_MAX || service_plan(exchange->route.op)->writes)
		return true;
	others = atomic_fetch_add(&core->reply_bytes, size);
	/* One alone always goes, however large. */
	if (others != 0 && others + size > core->limits.of[HTTP_LIMIT_REPLY_MEMORY_BYTES]) {
		atomic_fetch_sub(&core->reply_bytes, size);
		return false;
	}
	exchange->reply_held = size;
	return true;
}

void
http_exchange_answer(struct http_exchange *exchange)
{
	if (!hold_reply(exchange)) {
		http_exchange_fault(exchange, HTTP_FAULT_BUSY,
		    "The server has too many replies on their way. Please try again.");
		return;
	}
	reply_from_service(exchange->route.op, &exchange->reply, &exchange->response);
	note(exchange);
}

static bool
is_same(struct dom_slice text, const char *word)
{
	return text.size == strlen(word) &&
	       strncasecmp((const char *)text.data, word, text.size) == 0;
}

/* "Token x" or "Bearer x"; anything else is malformed (etebase-protocol 2.2). */
static void
read_authorization(struct dom_slice value, struct service_request *request)
{
	const uint8_t *space = memchr(value.data, ' ', value.size);
	struct dom_slice scheme, token;

	if (space == NULL) {
		request->token_malformed = true;
		return;
	}
	scheme = dom_slice(value.data, (size_t)(space - value.data));
	while (space < value.data + value.size && *space == ' ')
		space++;
	token = dom_slice(space, (size_t)(value.data + value.size - space));
	if ((!is_same(scheme, "Token") && !is_same(scheme, "Bearer")) || token.size == 0 ||
	    memchr(token.data, ' ', token.size) != NULL)
		request->token_malformed = true;
	else
		request->token = token;
}

/* The device's name is UTF-8 in Base64, since fields are ASCII. */
static bool
read_device(struct http_exchange *exchange, struct dom_slice value)
{
	uint8_t *name;
	size_t size;

	if ((name = dom_arena_take(exchange->arena, SERVICE_DEVICE_SIZE_MAX)) == NULL)
		return false;
	if (dom_base64_decode(value, name, SERVICE_DEVICE_SIZE_MAX, &size) != DOM_OK ||
	    !dom_utf8_valid(dom_slice(name, size)))
		return false;
	exchange->request.device = dom_slice(name, size);
	return true;
}

static bool
copy(struct http_exchange *exchange, struct dom_slice *slice)
{
	if (slice->data == NULL)
		return true;
	*slice = dom_arena_copy(exchange->arena, *slice);
	return slice->data != NULL;
}

/* The head goes away before the body is there: with it, whatever the route has read. */
static bool
keep_request(struct http_exchange *exchange)
{
	struct service_request *request = &exchange->request;
	struct dom_slice *const kept[] = {&request->token, &request->host,
	    &request->collection_uid, &request->item_uid, &request->chunk_uid,
	    &request->session_id, &request->erasure, &request->invitation_uid,
	    &request->username, &request->ticket, &request->stoken, &request->iterator,
	    &request->move_id, &request->region_to};

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (!copy(exchange, kept[i]))
			return false;
	}
	return true;
}

static bool
is_msgpack(struct dom_slice type)
{
	const uint8_t *end = type.data == NULL ? NULL : memchr(type.data, ';', type.size);

	if (end != NULL)
		type.size = (size_t)(end - type.data);
	while (type.size != 0 &&
	       (type.data[type.size - 1] == ' ' || type.data[type.size - 1] == '\t'))
		type.size--;
	return is_same(type, "application/msgpack") || is_same(type, "application/x-msgpack");
}

/* Count bytes against what all bodies together may take. */
static bool
hold(struct http_exchange *exchange, int64_t size)
{
	struct http_core *core = exchange->loop->core;

	if (atomic_fetch_add(&core->body_bytes, size) + size >
	    core->limits.of[HTTP_LIMIT_BODY_MEMORY_BYTES]) {
		atomic_fetch_sub(&core->body_bytes, size);
		return false;
	}
	exchange->body_held += size;
	return true;
}

static enum http_exchange_step
refuse(struct http_exchange *exchange, enum http_fault fault, const char *detail)
{
	http_exchange_fault(exchange, fault, detail);
	return HTTP_EXCHANGE_REPLY;
}

static enum http_exchange_step
expect_body(struct http_exchange *exchange, const struct http_head *head)
{
	const struct http_limits *limits = &exchange->loop->core->limits;
	const struct service_plan *plan = service_plan(exchange->route.op);

	if (!plan->takes_body)
		exchange->body_size_max = HTTP_DISCARD_BYTES_MAX;
	else if (http_rates_is_peer(exchange->route.op))
		exchange->body_size_max = HTTP_PEER_BODY_BYTES_MAX;
	else if (plan->body_is_raw)
		exchange->body_size_max = limits->of[HTTP_LIMIT_CHUNK_BYTES];
	else if (!plan->needs_session)
		exchange->body_size_max = limits->of[HTTP_LIMIT_OPEN_BODY_BYTES];
	else
		exchange->body_size_max = limits->of[HTTP_LIMIT_BODY_BYTES];
	if (head->content_length > exchange->body_size_max)
		return refuse(exchange, HTTP_FAULT_BODY_SIZE, NULL);
	if (!plan->takes_body || !http_head_has_body(head))
		return HTTP_EXCHANGE_BODY;
	if (!plan->body_is_raw && !is_msgpack(head->content_type))
		return refuse(exchange, HTTP_FAULT_MEDIA_TYPE, NULL);
	exchange->keeps_body = true;
	if (head->content_length > 0) {
		size_t size = (size_t)head->content_length;

		if (!hold(exchange, head->content_length) ||
		    dom_buffer_room(&exchange->body, size) == NULL)
			return refuse(exchange, HTTP_FAULT_BUSY, NULL);
		http_exchange_stage_begin(exchange, size);
	}
	return HTTP_EXCHANGE_BODY;
}

static enum http_exchange_step
refuse_route(struct http_exchange *exchange, enum route_answer answer)
{
	switch (answer) {
	case ROUTE_MALFORMED:
		return refuse(exchange, HTTP_FAULT_MALFORMED,
		    "The path or the query has a broken percent-encoding.");
	case ROUTE_METHOD:
		memcpy(exchange->response.allow, exchange->route.allow,
		    sizeof(exchange->response.allow));
		return refuse(exchange, HTTP_FAULT_METHOD, NULL);
	case ROUTE_NO_MEMORY:
		return refuse(exchange, HTTP_FAULT_BUSY, NULL);
	default:
		return refuse(exchange, HTTP_FAULT_NOT_FOUND, NULL);
	}
}

/* what: more of it than an address may ask. */
static enum http_exchange_step
refuse_rate(struct http_exchange *exchange, const char *what, int64_t wait_us)
{
	int64_t seconds = (wait_us + 999999) / 1000000;
	const char *detail = dom_arena_print(exchange->arena,
	    "Too many %s from your network: please try again in %lld %s.", what,
	    (long long)(seconds < 120 ? seconds : (seconds + 59) / 60),
	    seconds == 1    ? "second"
	    : seconds < 120 ? "seconds"
	                    : "minutes");

	http_exchange_fault(exchange, HTTP_FAULT_RATE, detail);
	exchange->response.retry_after_seconds = (unsigned)seconds;
	return HTTP_EXCHANGE_REPLY;
}

/* Of requests of whatever kind. */
static int64_t
wait_for_rate(const struct http_exchange *exchange)
{
	struct http_loop *loop = exchange->loop;

	if (http_rates_is_peer(exchange->route.op))
		return http_rates_stranger_wait(
		    loop->core->rates, &exchange->peer, exchange->began_us);
	atomic_store(&loop->core->asked_ms[loop->index], loop->now_ms);
	return http_rates_request(loop->core->rates, &exchange->peer, exchange->began_us);
}

enum http_exchange_step
http_exchange_head(struct http_exchange *exchange, const struct http_head *head)
{
	struct service_request *request = &exchange->request;
	const struct service_plan *plan;
	enum route_answer answer;
	int64_t wait_us;

	exchange->bytes_in = head->size;
	exchange->response.omit_body = dom_slice_is(head->method, "HEAD");
	if (exchange->owner != NULL)
		exchange->peer = exchange->owner->peer;
	if (cors_note(head, exchange->arena, &exchange->response) != DOM_OK)
		return refuse(exchange, HTTP_FAULT_BUSY, NULL);
	answer = route_find(
	    exchange->loop->core->prefix, head, exchange->arena, &exchange->route, request);
	wait_us = wait_for_rate(exchange);
	if (wait_us != 0)
		return refuse_rate(exchange, "requests", wait_us);
	if (cors_preflight(head, &exchange->response)) {
		note(exchange);
		return HTTP_EXCHANGE_REPLY;
	}
	if (answer != ROUTE_FOUND)
		return refuse_route(exchange, answer);
	plan = service_plan(exchange->route.op);
	wait_us = http_rates_operation(exchange->loop->core->rates, &exchange->peer,
	    exchange->route.op, exchange->began_us);
	if (wait_us != 0)
		return refuse_rate(exchange,
		    exchange->route.op == SERVICE_SIGNUP      ? "sign-ups"
		    : exchange->route.op == SERVICE_MOVE_ROOM ? "questions"
		                                              : "logins",
		    wait_us);
	request->host = head->host;
	request->body_size_expected = head->content_length > 0 ? head->content_length : 0;
	if (plan->opens_socket &&
	    (!head->wants_websocket || websocket_accept(head->websocket_key,
	                                   exchange->response.websocket_accept) != DOM_OK))
		return refuse(exchange, HTTP_FAULT_UPGRADE, NULL);
	request->peer = http_peer_slice(&exchange->peer);
	if ((plan->needs_session || plan->opens_socket) && head->authorization.data != NULL)
		read_authorization(head->authorization, request);
	if (!plan->needs_session && head->device.data != NULL &&
	    !read_device(exchange, head->device))
		return refuse(exchange, HTTP_FAULT_MALFORMED,
		    "Domicile-Device must be a short UTF-8 name in Base64.");
	if (!keep_request(exchange))
		return refuse(exchange, HTTP_FAULT_BUSY, NULL);
	/* A read that takes nothing in is admitted while it runs. */
	if (plan->needs_session &&
	    (plan->takes_body || plan->writes || exchange->route.query_fault != NULL) &&
	    http_exchange_admit(exchange) != DOM_OK) {
		http_exchange_answer(exchange);
		return HTTP_EXCHANGE_REPLY;
	}
	if (exchange->route.query_fault != NULL)
		return refuse(exchange, HTTP_FAULT_QUERY, exchange->route.query_fault);
	return expect_body(exchange, head);
}

enum http_exchange_step
http_exchange_body(struct http_exchange *exchange, struct dom_slice piece)
{
	exchange->bytes_in += piece.size;
	exchange->body_size += (int64_t)piece.size;
	assert(exchange->body_size <= exchange->body_size_max);
	if (!exchange->keeps_body)
		return HTTP_EXCHANGE_BODY;
	if (exchange->body_size > exchange->body_held &&
	    !hold(exchange, exchange->body_size - exchange->body_held))
		return refuse(exchange, HTTP_FAULT_BUSY, NULL);
	/* More than was announced would move what the pool reads. */
	if (exchange->is_staged && piece.size > exchange->body.capacity - exchange->body.size)
		return refuse(exchange, HTTP_FAULT_BODY_SIZE, NULL);
	dom_buffer_append_slice(&exchange->body, piece);
	if (dom_buffer_finish(&exchange->body) != DOM_OK)
		return refuse(exchange, HTTP_FAULT_BUSY, NULL);
	if (exchange->is_staged)
		http_exchange_stage_more(exchange, piece.size);
	return HTTP_EXCHANGE_BODY;
}

enum http_exchange_step
http_exchange_end(struct http_exchange *exchange)
{
	exchange->request.body = dom_buffer_slice(&exchange->body);
	return http_exchange_run(exchange);
}
