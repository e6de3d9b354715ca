/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* HTTP/1.1 as our server and nginx speak it: every reply has a Content-Length. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "load.h"

enum { HEAD_SIZE_MAX = 8 << 10 };

struct state {
	char head[HEAD_SIZE_MAX + 1];
	size_t head_size;
	size_t left; /* of the body; only once the head is complete */
	bool has_head;
};

static void
http1_prepare(struct load_request *request, const struct load_ask *ask)
{
	struct dom_buffer *out = &request->wire;

	dom_buffer_clear(out);
	dom_buffer_print(
	    out, "%s %s HTTP/1.1\r\nHost: %s\r\n", ask->method, ask->path, ask->host);
	if (ask->token != NULL)
		dom_buffer_print(out, "Authorization: Token %s\r\n", ask->token);
	if (ask->body.data != NULL)
		dom_buffer_print(out,
		    "Content-Type: application/msgpack\r\nContent-Length: %zu\r\n",
		    ask->body.size);
	dom_buffer_append_text(out, "\r\n");
	dom_buffer_append_slice(out, ask->body);
	if (dom_buffer_finish(out) < 0)
		load_die("there is not enough memory for a request");
}

static void *
http1_open(void)
{
	return calloc(1, sizeof(struct state));
}

static struct dom_slice
http1_begin(void *context, const struct load_request *request)
{
	struct state *state = context;

	state->head_size = 0;
	state->has_head = false;
	return dom_buffer_slice(&request->wire);
}

/* From the status line and Content-Length; 204 and 304 have no body. */
static enum dom_status
read_head(struct state *state, struct load_reply *reply)
{
	const char *line;

	state->head[state->head_size] = '\0';
	if (sscanf(state->head, "HTTP/1.1 %d", &reply->status) != 1)
		return DOM_EINPUT;
	state->left = 0;
	if (reply->status == 204 || reply->status == 304)
		return DOM_OK;
	for (line = strstr(state->head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n"))
		if (strncasecmp(line + 2, "Content-Length:", 15) == 0) {
			state->left = strtoul(line + 17, NULL, 10);
			return DOM_OK;
		}
	return DOM_EINPUT;
}

static enum dom_status
http1_feed(void *context, struct dom_slice bytes, struct load_reply *reply)
{
	struct state *state = context;
	size_t taken;

	if (!state->has_head) {
		size_t before = state->head_size;
		size_t room = HEAD_SIZE_MAX - before;
		size_t from = before < 3 ? 0 : before - 3;
		const char *end;

		taken = bytes.size < room ? bytes.size : room;
		memcpy(state->head + before, bytes.data, taken);
		end = memmem(state->head + from, before + taken - from, "\r\n\r\n", 4);
		if (end == NULL) {
			state->head_size += taken;
			return taken < bytes.size ? DOM_EINPUT : DOM_ABSENT;
		}
		state->head_size = (size_t)(end - state->head) + 4;
		taken = state->head_size - before;
		bytes = dom_slice(bytes.data + taken, bytes.size - taken);
		if (read_head(state, reply) < 0)
			return DOM_EINPUT;
		state->has_head = true;
	}
	if (bytes.size > state->left)
		return DOM_EINPUT;
	if (reply->keeps_body)
		dom_buffer_append_slice(&reply->body, bytes);
	reply->size += bytes.size;
	state->left -= bytes.size;
	return state->left == 0 ? DOM_OK : DOM_ABSENT;
}

const struct load_protocol load_http1 = {
    .name = "http1",
    .alpn = "\x08http/1.1",
    .prepare = http1_prepare,
    .open = http1_open,
    .close = free,
    .begin = http1_begin,
    .feed = http1_feed,
};

const struct load_protocol *
load_protocol_named(const char *name)
{
	static const struct load_protocol *const all[] = {&load_http1};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}
