/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Requests over the transport: retries, a new log-in, statuses and sentences. */
#include "client/call.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/utf8.h"
#include "base/wipe.h"

#include "wire/etebase.h"

#include "client/follow.h"

struct dom_call *
dom_call_new(struct dom_session *session, const char *method, const char *path_format, ...)
{
	struct dom_call *call = calloc(1, sizeof(*call));
	va_list args;
	int size;

	if (call == NULL)
		return NULL;
	va_start(args, path_format);
	size = vasprintf(&call->path, path_format, args);
	va_end(args);
	if (size < 0) {
		free(call);
		return NULL;
	}
	call->session = session;
	call->exchange.method = method;
	return call;
}

static void
call_destroy(struct dom_call *call)
{
	dom_buffer_free(&call->body);
	free(call->exchange.reply);
	free(call->path);
	dom_wipe(call->authorization, sizeof(call->authorization));
	free(call);
}

void
dom_call_free(struct dom_call **call)
{
	struct dom_call *old = *call;

	if (old == NULL)
		return;
	*call = NULL;
	if (old->finished || old->tries == 0)
		call_destroy(old);
	else
		old->orphan = true;
}

static void
call_end(struct dom_call *call)
{
	call->finished = true;
	if (call->orphan)
		call_destroy(call);
	else if (call->done != NULL)
		call->done(call);
}

static void
keep_code(char code_r[48], struct dom_slice code)
{
	snprintf(code_r, 48, "%.*s", code.size < 47 ? (int)code.size : 47,
	    code.size == 0 ? "" : (const char *)code.data);
}

static void
say(struct dom_call *call, enum dom_status status, const char *what, struct dom_slice detail)
{
	char clean[400];
	size_t size = 0;

	/* The detail is the server's text: it shall not drive a terminal. */
	for (size_t i = 0; i < detail.size && size < sizeof(clean) - 1; i++)
		if (detail.data[i] >= 0x20 && detail.data[i] != 0x7f)
			clean[size++] = (char)detail.data[i];
	clean[size] = '\0';
	if (!dom_utf8_valid(dom_slice_of(clean)))
		clean[0] = '\0';
	call->status = status;
	if (what == NULL)
		snprintf(call->message, sizeof(call->message), "%s", clean);
	else if (clean[0] == '\0')
		snprintf(call->message, sizeof(call->message), "%s", what);
	else
		snprintf(call->message, sizeof(call->message), "%s (the server says: %s)", what,
		    clean);
}

static void
judge_failure(struct dom_call *call, const struct wire_error *error)
{
	int status = call->exchange.status;

	if (status == 401) {
		say(call, DOM_EAUTH, "The server does not accept this log-in", error->detail);
	} else if (status == 403 && dom_slice_is(error->code, "consent_required")) {
		say(call, DOM_ECONSENT,
		    error->detail.size == 0
		        ? "The service this belongs to is off, so nothing was stored. Turn it "
		          "on, then try again"
		        : NULL,
		    error->detail);
	} else if (status == 403 && dom_slice_is(error->code, "account_moved")) {
		say(call, DOM_EFENCED, "The account lives in another region now",
		    error->detail);
	} else if (status == 403) {
		say(call, DOM_EDENIED, "The server refuses this; nothing was changed",
		    error->detail);
	} else if (status == 404) {
		say(call, DOM_ABSENT, "The server does not have this", error->detail);
	} else if (status == 409 && dom_slice_is(error->code, "move_refused")) {
		say(call, DOM_EDENIED,
		    error->detail.size == 0 ? "The region refuses this move" : NULL,
		    error->detail);
	} else if (status == 409) {
		say(call, DOM_CONFLICT, "Someone else was first", error->detail);
	} else if (status == 413) {
		say(call, DOM_ELIMIT, "This is larger than the server takes; it was not stored",
		    error->detail);
	} else if (status == 400) {
		say(call, DOM_EDENIED, "The server refuses this request; nothing was changed",
		    error->detail);
	} else if (status == 507) {
		say(call, DOM_EFULL,
		    "The region's disk is full: nothing more was stored, what was stored "
		    "before "
		    "is safe. Try again when its operator has made room",
		    error->detail);
	} else if (status == 429) {
		say(call, DOM_ESERVER, "The server asks to wait; nothing was changed",
		    error->detail);
	} else if (status == 503 && dom_slice_is(error->code, "account_frozen")) {
		say(call, DOM_ESERVER,
		    "The account is being handed over to another region, and that takes longer "
		    "than it should; nothing was changed. Try again in a moment",
		    error->detail);
	} else if (status == 503) {
		say(call, DOM_ESERVER,
		    "The server is too busy or refuses to write at the moment; nothing was "
		    "changed. Try again later",
		    error->detail);
	} else if (status >= 300 && status < 400) {
		say(call, DOM_ESERVER,
		    "The server sends us to another address. Give that address as the server's",
		    error->detail);
	} else {
		char text[120];

		snprintf(text, sizeof(text),
		    "The server failed (HTTP %d); what it had acknowledged is safe", status);
		say(call, DOM_ESERVER, text, error->detail);
	}
}

/*
 * Writes are acknowledged with no body or with msgpack.  A network's log-in
 * page says 200 to everything: data must not count as stored because of it.
 */
static bool
is_acknowledgement(struct dom_slice reply)
{
	uint8_t first = reply.size == 0 ? 0 : reply.data[0];

	return reply.size == 0 || (first >= 0x80 && first <= 0x9f) || first == 0xc0 ||
	       (first >= 0xdc && first <= 0xdf);
}

static void
judge(struct dom_call *call)
{
	const struct dom_exchange *exchange = &call->exchange;
	struct dom_arena *arena;
	struct wire_error error = {0};
	char text[400];

	call->code[0] = call->nested[0] = call->message[0] = '\0';
	call->status = DOM_OK;
	if (exchange->status >= 200 && exchange->status < 300) {
		if (strcmp(exchange->method, "GET") != 0 &&
		    !is_acknowledgement(dom_call_reply(call))) {
			snprintf(text, sizeof(text),
			    "%.200s does not answer like an Etebase server: perhaps a "
			    "network's "
			    "log-in page is in between. This was not acknowledged; try again",
			    call->session->server_url);
			say(call, DOM_ESERVER, text, dom_slice(NULL, 0));
		}
		return;
	}
	if (exchange->status == 0) {
		bool sent = exchange->failure != DOM_ENETWORK;

		snprintf(text, sizeof(text),
		    sent ? "The connection to %s broke before the answer came: %s. Perhaps the "
		           "request was carried out; running the same command again is safe"
		         : "The server %s cannot be reached: %s. Nothing was sent; try again "
		           "when "
		           "the connection works",
		    call->session->server_url, exchange->reason);
		say(call, exchange->failure < 0 ? exchange->failure : DOM_EUNCERTAIN, text,
		    dom_slice(NULL, 0));
		return;
	}
	/* Without its code an answer may be taken for another one. */
	if ((arena = dom_arena_new(4 << 20)) == NULL ||
	    wire_error_decode(dom_call_reply(call), arena, &error) == DOM_ENOMEM) {
		say(call, DOM_ENOMEM,
		    "There is not enough memory to read what the server answered. What is "
		    "stored is safe; running the same command again is safe, too",
		    dom_slice(NULL, 0));
	} else {
		keep_code(call->code, error.code);
		if (error.error_count > 0)
			keep_code(call->nested, error.errors[0].code);
		judge_failure(call, &error);
	}
	dom_arena_free(&arena);
}

static enum dom_status
call_send(struct dom_call *call)
{
	struct dom_session *session = call->session;
	size_t count = 0;
	enum dom_status st;

	free(call->exchange.reply);
	call->exchange.reply = NULL;
	call->exchange.reply_size = 0;
	call->exchange.status = 0;
	call->exchange.failure = DOM_EUNCERTAIN;
	call->exchange.reason[0] = call->exchange.position[0] = '\0';
	call->exchange.retry_after_seconds = 0;
	call->exchange.sent_bytes = call->exchange.received_bytes = 0;
	call->exchange.path = call->path;
	call->exchange.body = dom_buffer_slice(&call->body);
	call->headers[count++] = "Accept: application/msgpack";
	call->headers[count++] = "Content-Type: application/msgpack";
	if (!call->anonymous) {
		snprintf(call->authorization, sizeof(call->authorization),
		    "Authorization: Token %s", session->token);
		call->headers[count++] = call->authorization;
		call->token_generation = session->token_generation;
	}
	if (call->sends_device && session->device != NULL && session->device[0] != '\0') {
		char text[DOM_BASE64_SIZE(64) + 1];

		dom_base64_encode(
		    dom_slice(session->device, strnlen(session->device, 64)), text);
		snprintf(call->device, sizeof(call->device), "Domicile-Device: %s", text);
		call->headers[count++] = call->device;
	}
	call->home = session->home;
	call->headers[count] = NULL;
	call->exchange.headers = call->headers;
	st = session->transport->submit(session->transport, &call->exchange);
	if (st < 0) {
		say(call, st, dom_status_text(st), dom_slice(NULL, 0));
		return st;
	}
	session->in_flight++;
	session->figures.requests++;
	call->tries++;
	return DOM_OK;
}

/* Nothing was done, and soon it may be. */
static bool
may_be_repeated(const struct dom_call *call)
{
	const struct dom_exchange *exchange = &call->exchange;

	return exchange->status == 503 ||
	       (exchange->status == 429 && strcmp(call->code, "too_many_requests") == 0 &&
	           exchange->retry_after_seconds <= DOM_CALL_WAIT_SECONDS_MAX);
}

static bool
has_moved(const struct dom_call *call)
{
	return call->exchange.status == 403 && strcmp(call->code, "account_moved") == 0;
}

static void
wait_in(struct dom_call **list, struct dom_call *call)
{
	call->next = *list;
	*list = call;
}

/* From the transport's poll(): no request may be waited for in here. */
static void
exchange_done(struct dom_exchange *exchange)
{
	struct dom_call *call = exchange->context;
	struct dom_session *session = call->session;

	session->in_flight--;
	session->figures.sent_bytes += exchange->sent_bytes;
	session->figures.received_bytes += exchange->received_bytes;
	judge(call);
	if (may_be_repeated(call) && call->tries <= DOM_CALL_RETRIES && !session->closing) {
		call->not_before_ms = dom_monotonic_ms() +
		                      ((int64_t)session->retry_first_ms << (call->tries - 1));
		if (exchange->status == 429)
			call->not_before_ms += (int64_t)exchange->retry_after_seconds * 1000;
		wait_in(&session->delayed, call);
		return;
	}
	if (exchange->status == 401 && !call->anonymous && !call->renewed &&
	    session->main != NULL && !session->closing) {
		call->renewed = true;
		wait_in(&session->unauthorised, call);
		return;
	}
	if (has_moved(call) && !call->stays && session->main != NULL && !session->closing) {
		wait_in(&session->moved, call);
		return;
	}
	call_end(call);
}

enum dom_status
dom_call_submit(struct dom_call *call)
{
	enum dom_status st;

	if ((st = dom_buffer_finish(&call->body)) < 0) {
		say(call, st, "There is not enough memory", dom_slice(NULL, 0));
		return st;
	}
	call->exchange.context = call;
	call->exchange.done = exchange_done;
	if (call->session->draining) {
		call->home = call->session->home;
		call->tries++; /* it is somebody's: freeing it lets it go */
		wait_in(&call->session->moved, call);
		return DOM_OK;
	}
	return call_send(call);
}

static void
send_again(struct dom_call *call)
{
	if (call_send(call) < 0)
		call_end(call);
}

/* Milliseconds until the next delayed call, or -1. */
static int64_t
send_delayed(struct dom_session *session)
{
	struct dom_call *waiting = session->delayed;
	int64_t now_ms = dom_monotonic_ms();
	int64_t next_ms = -1;

	session->delayed = NULL;
	while (waiting != NULL) {
		struct dom_call *call = waiting;

		waiting = call->next;
		if (call->not_before_ms <= now_ms) {
			send_again(call);
			continue;
		}
		if (next_ms < 0 || call->not_before_ms - now_ms < next_ms)
			next_ms = call->not_before_ms - now_ms;
		wait_in(&session->delayed, call);
	}
	return next_ms;
}

static void
renew(struct dom_session *session)
{
	session->logging_in = true;
	while (session->unauthorised != NULL) {
		struct dom_call *call = session->unauthorised;
		enum dom_status st = DOM_OK;

		session->unauthorised = call->next;
		/* Refused once, it would be refused for each request that is under way. */
		if (session->shut_out[0] != '\0')
			st = dom_session_fail(session, DOM_EAUTH, "%s", session->shut_out);
		else if (call->token_generation == session->token_generation)
			st = dom_session_log_in(session);
		if (st == DOM_OK) {
			send_again(call);
			continue;
		}
		say(call, st, session->error, dom_slice(NULL, 0));
		call_end(call);
	}
	session->logging_in = false;
}

enum dom_status
dom_session_drain(struct dom_session *session)
{
	enum dom_status st = DOM_OK;

	session->draining = true;
	while (session->in_flight > 0 && st >= 0)
		st = session->transport->poll(session->transport, 1000);
	session->draining = false;
	while (session->delayed != NULL) {
		struct dom_call *call = session->delayed;

		session->delayed = call->next;
		wait_in(&session->moved, call);
	}
	return st < 0 ? dom_session_fail(session, st, "The connection cannot be used any more")
	              : DOM_OK;
}

/* The account has moved: it is followed once for all calls that were told so. */
static void
follow(struct dom_session *session)
{
	char why[DOM_ERROR_SIZE];
	enum dom_status failed = DOM_OK;

	session->logging_in = true;
	while (session->moved != NULL) {
		struct dom_call *call = session->moved;

		session->moved = call->next;
		if (call->home == session->home && failed == DOM_OK) {
			failed = dom_follow(session, session->username, dom_slice(NULL, 0),
			    dom_call_reply(call));
			snprintf(why, sizeof(why), "%s", session->error);
		}
		if (failed == DOM_OK) {
			send_again(call);
			continue;
		}
		say(call, failed, why, dom_slice(NULL, 0));
		call_end(call);
	}
	session->logging_in = false;
}

enum dom_status
dom_session_work(struct dom_session *session, int timeout_ms)
{
	int64_t next_ms = send_delayed(session);

	if (session->moved != NULL && !session->logging_in) {
		follow(session);
		return DOM_OK;
	}
	if (session->unauthorised != NULL && !session->logging_in) {
		renew(session);
		return DOM_OK;
	}
	if (next_ms >= 0 && next_ms < timeout_ms)
		timeout_ms = (int)next_ms;
	if (session->in_flight == 0) {
		const struct timespec pause = {
		    .tv_sec = timeout_ms / 1000, .tv_nsec = (timeout_ms % 1000) * 1000000L};

		if (next_ms >= 0)
			nanosleep(&pause, NULL);
		return DOM_OK;
	}
	return session->transport->poll(session->transport, timeout_ms);
}

enum dom_status
dom_call_fail(struct dom_call *call)
{
	if (call->message[0] == '\0')
		return dom_session_fail(
		    call->session, call->status, "%s", dom_status_text(call->status));
	return dom_session_fail(call->session, call->status, "%s", call->message);
}

enum dom_status
dom_call_run(struct dom_call *call)
{
	enum dom_status st;

	assert(call->done == NULL);
	if ((st = dom_call_submit(call)) < 0) {
		call->status = st;
		return dom_call_fail(call);
	}
	while (!call->finished)
		if ((st = dom_session_work(call->session, 1000)) < 0)
			return dom_session_fail(
			    call->session, st, "The connection cannot be used any more");
	return call->status == DOM_OK ? DOM_OK : dom_call_fail(call);
}

void
dom_session_drop_calls(struct dom_session *session)
{
	struct dom_call **const lists[] = {
	    &session->delayed, &session->unauthorised, &session->moved};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		while (*lists[i] != NULL) {
			struct dom_call *call = *lists[i];

			*lists[i] = call->next;
			say(call, DOM_EUNCERTAIN, "The session was closed", dom_slice(NULL, 0));
			call_end(call);
		}
	}
}
