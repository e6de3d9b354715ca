/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_WEBSOCKET_H
#define HTTP_WEBSOCKET_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/buffer.h"

/*
 * WebSocket frames of a server whose clients only listen: whole binary
 * messages and control frames go out, control frames come in, and data that
 * comes in is a reason to close.  No extensions, no fragments, no I/O; the
 * state of an idle socket is one control frame.  Source: RFC 6455.
 */
enum {
	WEBSOCKET_HEADER_SIZE_MAX = 10, /* of what a server sends */
	WEBSOCKET_CONTROL_SIZE_MAX = 125,
	WEBSOCKET_ACCEPT_SIZE = 28,
	WEBSOCKET_MASK_SIZE = 4,
};

enum websocket_opcode {
	WEBSOCKET_BINARY = 2,
	WEBSOCKET_CLOSE = 8,
	WEBSOCKET_PING = 9,
	WEBSOCKET_PONG = 10,
};

/* Why a socket closes (RFC 6455, 7.4.1, and its registry). */
enum websocket_reason {
	WEBSOCKET_NORMAL = 1000,
	WEBSOCKET_GOING_AWAY = 1001,
	WEBSOCKET_PROTOCOL = 1002,
	WEBSOCKET_POLICY = 1008,
	WEBSOCKET_FAULT = 1011,
	WEBSOCKET_TRY_AGAIN = 1013,
};

/*
 * Sec-WebSocket-Accept for a Sec-WebSocket-Key; accept_r is NUL-terminated.
 * DOM_EINPUT: the key is not 16 bytes in Base64.
 */
DOM_MUST_CHECK enum dom_status websocket_accept(
    struct dom_slice key, char accept_r[WEBSOCKET_ACCEPT_SIZE + 1]);

/* The header of a frame whose payload of size bytes follows; its size. */
size_t websocket_put_header(
    uint8_t header_r[WEBSOCKET_HEADER_SIZE_MAX], enum websocket_opcode opcode, size_t size);
/* A whole control frame; payload of at most WEBSOCKET_CONTROL_SIZE_MAX. */
void websocket_put_control(
    struct dom_buffer *out, enum websocket_opcode opcode, struct dom_slice payload);
void websocket_put_close(struct dom_buffer *out, enum websocket_reason reason);

enum websocket_step {
	WEBSOCKET_MORE,    /* all input is used */
	WEBSOCKET_CONTROL, /* opcode and payload are ready, until the next feed */
	WEBSOCKET_DATA,    /* a data frame begins; nothing can be read after it */
	WEBSOCKET_FAILED,  /* not WebSocket; the same */
};

/* {0} is the beginning. */
struct websocket {
	enum websocket_opcode opcode;
	struct dom_slice payload; /* unmasked; of a close: valid, or empty */

	/* private */
	uint8_t have; /* bytes of the frame that are here */
	uint8_t frame[2 + WEBSOCKET_MASK_SIZE + WEBSOCKET_CONTROL_SIZE_MAX];
};

/* Takes bytes from the front of *input; any cut of the input gives the same steps. */
enum websocket_step websocket_feed(struct websocket *socket, struct dom_slice *input);

#endif
