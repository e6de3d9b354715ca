/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The request parser and the router over any bytes.  Fed whole and byte by
 * byte they must say the same; what they hand out must lie inside the input,
 * and a chunked body must keep to its limit.
 */
#include <assert.h>
#include <stdlib.h>

#include "http/http1.h"
#include "http/router.h"

enum {
	HEADER_BYTES = 2048,
	HEADER_FIELDS = 20,
	BODY_MAX = 500,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
route(const struct http_head *head, struct dom_buffer *trace)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct service_request request = {0};
	struct route found;
	enum route_answer answer;

	assert(arena != NULL);
	answer = route_find("", head, arena, &found, &request);
	dom_buffer_print(trace, "[%d %s %s]", answer, route_op_name(found.op), found.allow);
	dom_buffer_append_slice(trace, request.collection_uid);
	dom_buffer_append_slice(trace, request.stoken);
	assert(answer != ROUTE_FOUND || request.op == found.op);
	assert(request.limit >= -1);
	dom_arena_free(&arena);
}

/* What came of the input, as bytes to compare; a body's cuts leave no trace. */
static void
parse(struct dom_slice input, size_t piece_size, struct dom_buffer *trace)
{
	struct http1 parser;
	enum http1_step step = HTTP1_MORE;
	size_t body_size = 0;

	http1_init(&parser, HEADER_BYTES, HEADER_FIELDS);
	for (size_t at = 0; at < input.size && step != HTTP1_FAILED; at += piece_size) {
		size_t left = input.size - at;
		struct dom_slice part =
		    dom_slice(input.data + at, left < piece_size ? left : piece_size);

		do {
			struct dom_slice piece;

			step = http1_feed(&parser, &part, &piece);
			if (step == HTTP1_HEAD) {
				http1_set_body_max(&parser, BODY_MAX);
				assert(!parser.head.is_chunked ||
				       parser.head.content_length == -1);
				assert(parser.head.path.data[0] == '/');
				dom_buffer_append_text(trace, "{");
				dom_buffer_append_slice(trace, parser.head.method);
				dom_buffer_append_slice(trace, parser.head.path);
				route(&parser.head, trace);
			} else if (step == HTTP1_BODY) {
				assert(piece.data >= input.data &&
				       piece.data + piece.size <= input.data + input.size);
				body_size += piece.size;
				assert(!parser.head.is_chunked || body_size <= BODY_MAX);
				dom_buffer_append_slice(trace, piece);
			} else if (step == HTTP1_END) {
				assert(parser.head.content_length < 0 ||
				       (int64_t)body_size == parser.head.content_length);
				body_size = 0;
				dom_buffer_append_text(trace, "}");
				http1_next(&parser);
			}
		} while (step != HTTP1_MORE && step != HTTP1_FAILED);
	}
	if (step == HTTP1_FAILED)
		dom_buffer_print(trace, "failed %d", parser.fault);
	http1_free(&parser);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dom_buffer whole = {0}, pieces = {0};

	parse(dom_slice(data, size), SIZE_MAX / 2, &whole);
	parse(dom_slice(data, size), 1, &pieces);
	assert(dom_slice_equal(dom_buffer_slice(&whole), dom_buffer_slice(&pieces)));
	dom_buffer_free(&whole);
	dom_buffer_free(&pieces);
	return 0;
}
