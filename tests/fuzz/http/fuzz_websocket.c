/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * WebSocket frames over any bytes.  Fed whole and byte by byte they must say
 * the same; a payload has at most the size of a control frame, and a close's
 * can be sent back.
 */
#include <assert.h>
#include <stdlib.h>

#include "http/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_frames(struct dom_slice input, size_t piece_size, struct dom_buffer *trace)
{
	struct websocket socket = {0};

	for (size_t at = 0; at < input.size; at += piece_size) {
		size_t left = input.size - at;
		struct dom_slice part =
		    dom_slice(input.data + at, left < piece_size ? left : piece_size);
		enum websocket_step step;

		while ((step = websocket_feed(&socket, &part)) == WEBSOCKET_CONTROL) {
			assert(socket.payload.size <= WEBSOCKET_CONTROL_SIZE_MAX);
			assert(socket.opcode != WEBSOCKET_CLOSE || socket.payload.size != 1);
			websocket_put_control(trace, socket.opcode, socket.payload);
		}
		if (step != WEBSOCKET_MORE) {
			dom_buffer_print(trace, "[%d]", step);
			return;
		}
		assert(part.size == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dom_buffer whole = {0}, pieces = {0};
	char accept[WEBSOCKET_ACCEPT_SIZE + 1];

	read_frames(dom_slice(data, size), size == 0 ? 1 : size, &whole);
	read_frames(dom_slice(data, size), 1, &pieces);
	assert(dom_slice_equal(dom_buffer_slice(&whole), dom_buffer_slice(&pieces)));
	if (websocket_accept(dom_slice(data, size), accept) == DOM_OK)
		assert(strlen(accept) == WEBSOCKET_ACCEPT_SIZE);
	dom_buffer_free(&whole);
	dom_buffer_free(&pieces);
	return 0;
}
