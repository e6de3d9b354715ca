/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The handshake's answer, and frames in and out.  Source: RFC 6455, 4.2.2, 5.2 and 5.5. */
#include "http/websocket.h"

#include <assert.h>

#include "base/encode.h"
#include "base/utf8.h"

#include "crypto/digest.h"

enum {
	KEY_SIZE = 24, /* 16 bytes in Base64, with padding */
	NONCE_SIZE = 16,
	FIN = 0x80,
	RESERVED = 0x70,
	OPCODE = 0x0f,
	MASKED = 0x80,
	LENGTH = 0x7f,
	CONTROL = 0x08,
	LENGTH_16 = 126,
	LENGTH_64 = 127,
};

/* base/encode.h speaks the URL-safe alphabet (RFC 4648, 4 and 5). */
static void
swap_letters(char *text, size_t size, const char *from, const char *to)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] == from[0])
			text[i] = to[0];
		else if (text[i] == from[1])
			text[i] = to[1];
	}
}

static bool
is_key(struct dom_slice key)
{
	char text[KEY_SIZE - 2];
	uint8_t nonce[NONCE_SIZE];
	size_t size;

	if (key.size != KEY_SIZE || memcmp(key.data + sizeof(text), "==", 2) != 0)
		return false;
	memcpy(text, key.data, sizeof(text));
	for (size_t i = 0; i < sizeof(text); i++) {
		if (text[i] == '-' || text[i] == '_')
			return false;
	}
	swap_letters(text, sizeof(text), "+/", "-_");
	return dom_base64_decode(dom_slice(text, sizeof(text)), nonce, sizeof(nonce), &size) ==
	           DOM_OK &&
	       size == NONCE_SIZE;
}

enum dom_status
websocket_accept(struct dom_slice key, char accept_r[WEBSOCKET_ACCEPT_SIZE + 1])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	uint8_t joined[KEY_SIZE + sizeof(guid) - 1], digest[DOM_SHA1_SIZE];
	enum dom_status st;

	static_assert(DOM_BASE64_SIZE(DOM_SHA1_SIZE) + 1 == WEBSOCKET_ACCEPT_SIZE, "padded");
	if (!is_key(key))
		return DOM_EINPUT;
	memcpy(joined, key.data, KEY_SIZE);
	memcpy(joined + KEY_SIZE, guid, sizeof(guid) - 1);
	if ((st = dom_sha1(dom_slice(joined, sizeof(joined)), digest)) != DOM_OK)
		return st;
	dom_base64_encode(dom_slice(digest, sizeof(digest)), accept_r);
	swap_letters(accept_r, WEBSOCKET_ACCEPT_SIZE - 1, "-_", "+/");
	accept_r[WEBSOCKET_ACCEPT_SIZE - 1] = '=';
	accept_r[WEBSOCKET_ACCEPT_SIZE] = '\0';
	return DOM_OK;
}

size_t
websocket_put_header(
    uint8_t header_r[WEBSOCKET_HEADER_SIZE_MAX], enum websocket_opcode opcode, size_t size)
{
	unsigned digits = size < LENGTH_16 ? 0 : size <= UINT16_MAX ? 2 : 8;

	header_r[0] = (uint8_t)(FIN | opcode);
	header_r[1] = (uint8_t)(digits == 0 ? size : digits == 2 ? LENGTH_16 : LENGTH_64);
	for (unsigned i = 0; i < digits; i++)
		header_r[2 + i] = (uint8_t)((uint64_t)size >> (8 * (digits - 1 - i)));
	return 2 + digits;
}

void
websocket_put_control(
    struct dom_buffer *out, enum websocket_opcode opcode, struct dom_slice payload)
{
	uint8_t header[WEBSOCKET_HEADER_SIZE_MAX];

	assert(payload.size <= WEBSOCKET_CONTROL_SIZE_MAX);
	dom_buffer_append(out, header, websocket_put_header(header, opcode, payload.size));
	dom_buffer_append_slice(out, payload);
}

void
websocket_put_close(struct dom_buffer *out, enum websocket_reason reason)
{
	const uint8_t payload[] = {(uint8_t)((unsigned)reason >> 8), (uint8_t)reason};

	websocket_put_control(out, WEBSOCKET_CLOSE, dom_slice(payload, sizeof(payload)));
}

/* Codes that may be on the wire (RFC 6455, 7.4). */
static bool
is_close_payload(struct dom_slice payload)
{
	unsigned code;

	if (payload.size == 0)
		return true;
	if (payload.size == 1)
		return false;
	code = (unsigned)payload.data[0] << 8 | payload.data[1];
	if (code < 1000 || code > 4999 || (code >= 1004 && code <= 1006) ||
	    (code > 1014 && code < 3000))
		return false;
	return dom_utf8_valid(dom_slice(payload.data + 2, payload.size - 2));
}

/* What the first two bytes say; WEBSOCKET_MORE: go on. */
static enum websocket_step
look_at_header(const uint8_t *frame)
{
	unsigned opcode = frame[0] & OPCODE;

	if ((frame[0] & RESERVED) != 0 || (frame[1] & MASKED) == 0)
		return WEBSOCKET_FAILED;
	if (opcode <= WEBSOCKET_BINARY)
		return WEBSOCKET_DATA;
	if (opcode < WEBSOCKET_CLOSE || opcode > WEBSOCKET_PONG || (frame[0] & FIN) == 0 ||
	    (frame[1] & LENGTH) > WEBSOCKET_CONTROL_SIZE_MAX)
		return WEBSOCKET_FAILED;
	return WEBSOCKET_MORE;
}

static enum websocket_step
take_frame(struct websocket *socket, size_t size)
{
	uint8_t *mask = socket->frame + 2, *payload = mask + WEBSOCKET_MASK_SIZE;

	for (size_t i = 0; i < size; i++)
		payload[i] ^= mask[i % WEBSOCKET_MASK_SIZE];
	socket->opcode = (enum websocket_opcode)(socket->frame[0] & OPCODE);
	socket->payload = dom_slice(payload, size);
	socket->have = 0;
	if (socket->opcode == WEBSOCKET_CLOSE && !is_close_payload(socket->payload))
		return WEBSOCKET_FAILED;
	return WEBSOCKET_CONTROL;
}

enum websocket_step
websocket_feed(struct websocket *socket, struct dom_slice *input)
{
	for (;;) {
		size_t size = 2, room, take;

		if (socket->have >= 2) {
			enum websocket_step step = look_at_header(socket->frame);

			if (step != WEBSOCKET_MORE)
				return step;
			size = (socket->frame[1] & LENGTH) + 2 + (size_t)WEBSOCKET_MASK_SIZE;
			if (socket->have == size)
				return take_frame(socket, size - 2 - WEBSOCKET_MASK_SIZE);
		}
		if (input->size == 0)
			return WEBSOCKET_MORE;
		room = size - socket->have;
		take = input->size < room ? input->size : room;
		memcpy(socket->frame + socket->have, input->data, take);
		socket->have = (uint8_t)(socket->have + take);
		*input = dom_slice(input->data + take, input->size - take);
	}
}
