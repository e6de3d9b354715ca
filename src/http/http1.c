/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Where a request's parts begin and end.
 *
 * HEAD --blank line--> no body ------------------------------------> OVER
 *      |-> LENGTH --all bytes--------------------------------------> OVER
 *      `-> SIZE -> (EXTENSION) -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE
 *                                    `-size 0-> TRAILER ... -> TRAILER_END_LF -> OVER
 *
 * Any byte out of place leads to FAILED.
 */
#include "http/http1.h"

#include <assert.h>

#include "http/fields.h"
#include "http/limit.h"

enum {
	STATE_HEAD,
	STATE_LENGTH,
	STATE_SIZE,
	STATE_EXTENSION,
	STATE_SIZE_LF,
	STATE_DATA,
	STATE_DATA_CR,
	STATE_DATA_LF,
	STATE_TRAILER, /* at a line's start */
	STATE_TRAILER_NAME,
	STATE_TRAILER_VALUE,
	STATE_TRAILER_LF,
	STATE_TRAILER_END_LF,
	STATE_OVER,
	STATE_FAILED,
};

enum { CHUNK_DIGITS_MAX = 12 }; /* 48 bits: sums of sizes stay far from overflow */

void
http1_init(struct http1 *parser, size_t header_bytes_max, unsigned header_fields_max)
{
	*parser = (struct http1){
	    .header_bytes_max = header_bytes_max, .header_fields_max = header_fields_max};
	parser->bytes.size_max = header_bytes_max;
}

void
http1_free(struct http1 *parser)
{
	dom_buffer_free(&parser->bytes);
}

void
http1_next(struct http1 *parser)
{
	size_t bytes_max = parser->header_bytes_max;
	unsigned fields_max = parser->header_fields_max;

	http1_free(parser);
	http1_init(parser, bytes_max, fields_max);
}

bool
http1_is_idle(const struct http1 *parser)
{
	return parser->state == STATE_HEAD && parser->bytes.size == 0 && !parser->after_cr;
}

void
http1_set_body_max(struct http1 *parser, int64_t size_max)
{
	parser->body_size_max = size_max;
}

bool
http1_fail(struct http1 *parser, enum http_fault fault, const char *detail)
{
	parser->state = STATE_FAILED;
	parser->fault = fault;
	parser->detail = detail;
	return false;
}

/* One byte of a head; true at the LF of the blank line that ends it. */
static bool
scan_head_byte(struct http1 *parser, uint8_t c)
{
	if (c == '\n') {
		if (!parser->after_cr)
			return http1_fail(
			    parser, HTTP_FAULT_MALFORMED, "A line must end in CR LF.");
		parser->after_cr = false;
		if (parser->line_size == 0)
			return true;
		parser->line_size = 0;
		return false;
	}
	if (parser->after_cr)
		return http1_fail(parser, HTTP_FAULT_MALFORMED, "A CR must be followed by LF.");
	if (c == '\r') {
		parser->after_cr = true;
		return false;
	}
	if ((c < 0x20 && c != '\t') || c == 0x7f)
		return http1_fail(
		    parser, HTTP_FAULT_MALFORMED, "The head has a control character.");
	parser->line_size++;
	return false;
}

/* Take bytes up to the end of the head; true when it is there. */
static bool
take_head(struct http1 *parser, struct dom_slice *input)
{
	bool is_whole = false;
	size_t at = 0;

	/* Not past the limit: what is wrong behind it must not depend on how bytes arrive. */
	while (at < input->size && parser->bytes.size + at <= parser->header_bytes_max &&
	       !is_whole && parser->state != STATE_FAILED)
		is_whole = scan_head_byte(parser, input->data[at++]);
	if (parser->state == STATE_FAILED)
		return false;
	dom_buffer_append(&parser->bytes, input->data, at);
	*input = dom_slice(input->data + at, input->size - at);
	if (dom_buffer_finish(&parser->bytes) == DOM_ELIMIT)
		return http1_fail(parser, HTTP_FAULT_HEADER_SIZE, NULL);
	if (dom_buffer_finish(&parser->bytes) != DOM_OK)
		return http1_fail(parser, HTTP_FAULT_BUSY, NULL);
	if (is_whole && parser->bytes.size == 2) {
		/* One empty line may come before a request (RFC 9112, 2.2). */
		if (parser->skipped_line)
			return http1_fail(parser, HTTP_FAULT_MALFORMED,
			    "Empty lines come before the request.");
		parser->skipped_line = true;
		dom_buffer_clear(&parser->bytes);
		return false;
	}
	return is_whole;
}

static void
enter_body(struct http1 *parser)
{
	parser->body_size_max = INT64_MAX;
	if (parser->head.is_chunked) {
		parser->state = STATE_SIZE;
	} else if (parser->head.content_length > 0) {
		parser->state = STATE_LENGTH;
		parser->left = parser->head.content_length;
	} else {
		parser->state = STATE_OVER;
	}
}

static int
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static void
scan_size(struct http1 *parser, uint8_t c)
{
	int digit = hex_digit(c);

	if (digit >= 0 && parser->digits < CHUNK_DIGITS_MAX) {
		parser->left = parser->left << 4 | digit;
		parser->digits++;
	} else if (parser->digits == 0 || digit >= 0) {
		http1_fail(parser, HTTP_FAULT_MALFORMED, "A chunk's size is not a number.");
	} else if (c == ';') {
		parser->state = STATE_EXTENSION;
	} else if (c == '\r') {
		parser->state = STATE_SIZE_LF;
	} else {
		http1_fail(parser, HTTP_FAULT_MALFORMED, "A chunk's size is not a number.");
	}
}

static void
enter_chunk(struct http1 *parser)
{
	parser->digits = 0;
	if (parser->left == 0) {
		parser->state = STATE_TRAILER;
	} else if (parser->left > parser->body_size_max - parser->body_size) {
		http1_fail(parser, HTTP_FAULT_BODY_SIZE, NULL);
	} else {
		parser->body_size += parser->left;
		parser->state = STATE_DATA;
	}
}

/* expected leads to the next state, anything else fails. */
static void
scan_exact(struct http1 *parser, uint8_t c, uint8_t expected, int next)
{
	if (c == expected)
		parser->state = next;
	else
		http1_fail(parser, HTTP_FAULT_MALFORMED, "A chunk does not end where it says.");
}

static bool
is_field_byte(uint8_t c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

/* Extensions and trailers: checked for their form, bounded, and forgotten. */
static void
scan_extra(struct http1 *parser, uint8_t c)
{
	if (++parser->extra_bytes > HTTP_CHUNK_EXTRA_BYTES_MAX) {
		http1_fail(parser, HTTP_FAULT_HEADER_SIZE, NULL);
		return;
	}
	switch (parser->state) {
	case STATE_EXTENSION:
	case STATE_TRAILER_VALUE:
		if (c == '\r')
			parser->state =
			    parser->state == STATE_EXTENSION ? STATE_SIZE_LF : STATE_TRAILER_LF;
		else if (!is_field_byte(c))
			break;
		return;
	case STATE_TRAILER:
		if (c == '\r')
			parser->state = STATE_TRAILER_END_LF;
		else if (http_is_token_char(c))
			parser->state = STATE_TRAILER_NAME;
		else
			break;
		return;
	case STATE_TRAILER_NAME:
		if (c == ':')
			parser->state = STATE_TRAILER_VALUE;
		else if (!http_is_token_char(c))
			break;
		return;
	case STATE_TRAILER_LF:
		scan_exact(parser, c, '\n', STATE_TRAILER);
		return;
	case STATE_TRAILER_END_LF:
		scan_exact(parser, c, '\n', STATE_OVER);
		return;
	default:
		assert(!"a state of extras");
	}
	http1_fail(parser, HTTP_FAULT_MALFORMED, "A trailer is not a field.");
}

static void
scan_chunked_byte(struct http1 *parser, uint8_t c)
{
	switch (parser->state) {
	case STATE_SIZE:
		scan_size(parser, c);
		break;
	case STATE_SIZE_LF:
		scan_exact(parser, c, '\n', STATE_DATA);
		if (parser->state == STATE_DATA)
			enter_chunk(parser);
		break;
	case STATE_DATA_CR:
		scan_exact(parser, c, '\r', STATE_DATA_LF);
		break;
	case STATE_DATA_LF:
		scan_exact(parser, c, '\n', STATE_SIZE);
		break;
	default:
		scan_extra(parser, c);
	}
}

static enum http1_step
take_data(struct http1 *parser, struct dom_slice *input, struct dom_slice *piece_r)
{
	size_t size = input->size;

	if ((int64_t)size > parser->left)
		size = (size_t)parser->left;
	*piece_r = dom_slice(input->data, size);
	*input = dom_slice(input->data + size, input->size - size);
	parser->left -= (int64_t)size;
	if (parser->left == 0)
		parser->state = parser->state == STATE_DATA ? STATE_DATA_CR : STATE_OVER;
	return HTTP1_BODY;
}

enum http1_step
http1_feed(struct http1 *parser, struct dom_slice *input, struct dom_slice *piece_r)
{
	*piece_r = dom_slice(NULL, 0);
	for (;;) {
		if (parser->state == STATE_FAILED)
			return HTTP1_FAILED;
		if (parser->state == STATE_OVER)
			return HTTP1_END;
		if (input->size == 0)
			return HTTP1_MORE;
		if (parser->state == STATE_HEAD) {
			if (!take_head(parser, input))
				continue;
			if (!http1_parse_head(parser))
				return HTTP1_FAILED;
			enter_body(parser);
			return HTTP1_HEAD;
		}
		if (parser->state == STATE_LENGTH || parser->state == STATE_DATA)
			return take_data(parser, input, piece_r);
		scan_chunked_byte(parser, input->data[0]);
		*input = dom_slice(input->data + 1, input->size - 1);
	}
}
