/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The frames of a client over a real loop and store, as any bytes: after a
 * good beginning, or from the first byte on if it is odd; whole and in pieces.
 * Ready output keeps to its limit, and nothing stays held when the connection
 * is gone.
 */
#include <assert.h>
#include <stdlib.h>

#include "../../unit/http/one_loop.h"
#include "http/http2.h"

enum {
	FRAME_BYTES_MAX = 16384 + 9,
	TURNS = 4, /* of the clock, at the end */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct one_loop one;

static void
close_one(void)
{
	one_loop_close(&one);
}

static void
changed(struct http2_owner *owner)
{
	(void)owner;
	assert(!"nothing waits for the writer, which refuses all");
}

static void
take_output(struct http2 *http2)
{
	struct dom_slice output;

	while (http2_output(http2, &output) && output.size != 0) {
		assert(output.size <= HTTP2_OUT_BYTES_MAX + FRAME_BYTES_MAX);
		http2_wrote(http2, output.size);
	}
}

static bool
feed(struct http2 *http2, struct dom_slice input, size_t piece_size)
{
	for (size_t at = 0; at < input.size; at += piece_size) {
		size_t left = input.size - at;

		if (!http2_feed(http2,
		        dom_slice(input.data + at, left < piece_size ? left : piece_size)))
			return false;
	}
	return true;
}

static void
converse(struct dom_slice input, size_t piece_size)
{
	static const uint8_t settings[9] = {0, 0, 0, 4};
	struct http2_owner owner = {changed};
	struct http2 *http2;
	bool begins_well = input.size != 0 && input.data[0] % 2 == 0;

	one.loop->now_ms = 1000000;
	http2 = http2_open(one.loop, &owner);
	assert(http2 != NULL);
	if ((!begins_well || (feed(http2, http2_preface, piece_size) &&
	                         feed(http2, dom_slice(settings, 9), piece_size))) &&
	    feed(http2, input, piece_size)) {
		take_output(http2);
		for (unsigned i = 0; i < TURNS; i++) {
			one.loop->now_ms += INT64_C(2) * HTTP_RATE_GRACE_MS;
			if (!http2_sweep(http2))
				break;
			take_output(http2);
		}
		http2_stop(http2);
		take_output(http2);
	}
	http2_close(&http2);
	assert(atomic_load(&one.core.reply_bytes) == 0);
	assert(atomic_load(&one.core.body_bytes) == 0);
	assert(one.loop->running == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (one.loop == NULL) {
		one_loop_open(&one);
		atexit(close_one);
		atomic_store(&one.core.refuses_writes, true);
		one.core.limits.of[HTTP_LIMIT_STREAMS] = 8;
	}
	converse(dom_slice(data, size), SIZE_MAX / 2);
	converse(dom_slice(data, size), 1);
	return 0;
}
