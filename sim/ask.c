/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A phone's requests, and what it does when they fail. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/phone.h"

enum { TRIES = 4, FOLLOWS = 3 };

struct asking {
	struct answer *answer;
	struct time_gate gate;
};

static void
answered(struct net_call *call)
{
	struct asking *asking = call->context;
	struct answer *answer = asking->answer;

	answer->status = call->status;
	answer->failure = call->failure;
	answer->body = call->reply;
	call->reply = (struct dom_buffer){0};
	time_open(&asking->gate);
}

static void
read_code(struct answer *answer)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_error error;

	answer->code[0] = '\0';
	if (answer->status >= 400) {
		wire_error_decode(dom_buffer_slice(&answer->body), arena, &error);
		snprintf(answer->code, sizeof(answer->code), "%.*s", (int)error.code.size,
		    error.code.size == 0 ? "" : (const char *)error.code.data);
	}
	dom_arena_free(&arena);
}

static void
ask_once(struct phone *phone, struct answer *answer, const char *method,
    const struct dom_buffer *body, const char *path)
{
	struct asking asking = {.answer = answer};
	struct net_call *call;

	dom_buffer_free(&answer->body);
	answer->status = 0;
	answer->code[0] = '\0';
	answer->failure = DOM_ENETWORK;
	if (phone_meets_call(phone))
		return;
	call = net_call_new(phone->world, phone->node, phone->region, method, path,
	    body == NULL ? dom_slice(NULL, 0) : dom_buffer_slice(body));
	call->account = phone->account;
	if (phone->token[0] != '\0' &&
	    asprintf(&call->authorization, "Token %s", phone->token) < 0)
		abort();
	call->done = answered;
	call->context = &asking;
	net_send(call);
	while (!time_wait(&asking.gate, TIME_HOUR_US))
		;
	if (phone_meets_call(phone)) {
		dom_buffer_free(&answer->body);
		answer->status = 0;
		answer->failure = DOM_EUNCERTAIN;
	}
	read_code(answer);
}

void
phone_ask(struct phone *phone, struct answer *answer_r, const char *method,
    const struct dom_buffer *body, const char *path, ...)
{
	char text[1024];
	va_list args;

	va_start(args, path);
	vsnprintf(text, sizeof(text), path, args);
	va_end(args);
	*answer_r = (struct answer){0};
	ask_once(phone, answer_r, method, body, text);
}

void
phone_insist(struct phone *phone, struct answer *answer_r, const char *method,
    const struct dom_buffer *body, const char *path, ...)
{
	char text[1024];
	bool logged_in = false;
	unsigned follows = 0;
	va_list args;

	va_start(args, path);
	vsnprintf(text, sizeof(text), path, args);
	va_end(args);
	*answer_r = (struct answer){0};
	for (unsigned try = 0; try < TRIES; try++) {
		ask_once(phone, answer_r, method, body, text);
		if (answer_r->status == 401 && !logged_in && phone->token[0] != '\0') {
			logged_in = true;
			if (!stock_log_in(phone))
				return;
			continue;
		}
		/* Logging in follows by itself. */
		if (strcmp(answer_r->code, "account_moved") == 0 &&
		    strstr(text, "/authentication/") == NULL && follows++ < FOLLOWS) {
			if (!stock_follow(phone, answer_r))
				return;
			continue;
		}
		if (answer_r->status != 0 && answer_r->status != 503)
			return;
		answer_r->may_be_done = true;
		if (phone_is_dead(phone))
			return;
		time_sleep((int64_t)(1 + sim_random_below(&phone->random, 5)) * TIME_SECOND_US);
		if (phone->token[0] == '\0')
			return;
	}
}
