/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_HTTP2_H
#define HTTP_HTTP2_H

#include "http/loop.h"

/*
 * A connection over HTTP/2 (RFC 9113): one exchange for each stream.  No I/O:
 * bytes come in and go out through whoever owns it, on the loop's thread.
 *
 * What a peer can make us hold is bounded: open streams count until their
 * exchange is back, even after the peer has reset them; bodies and replies
 * count as those of HTTP/1.1 do; resets, pings and settings are paid from a
 * purse that fills slowly, and an empty one ends the connection with
 * ENHANCE_YOUR_CALM.
 */
struct http2;

struct http2_owner {
	/* There may be something to write; never from within a call. */
	void (*changed)(struct http2_owner *owner);
	struct http_peer peer;
};

/* NULL: no memory. */
struct http2 *http2_open(struct http_loop *loop, struct http2_owner *owner);
/* Lets go of what is with the writer or the pool. */
void http2_close(struct http2 **http2);

/* All of input is taken.  False: no more can be said to this peer; close. */
DOM_MUST_CHECK bool http2_feed(struct http2 *http2, struct dom_slice input);
/* What to write next, borrowed until the next call; false: as above.  Empty: nothing now. */
DOM_MUST_CHECK bool http2_output(struct http2 *http2, struct dom_slice *output_r);
/* So many bytes of it are written. */
void http2_wrote(struct http2 *http2, size_t size);

/* Nothing more will come of it: all replies are out, and one side said goodbye. */
bool http2_is_over(struct http2 *http2);
/* No streams any more after those under way (GOAWAY). */
void http2_stop(struct http2 *http2);
bool http2_wants_write(struct http2 *http2);
/* Keep time limits; false: close. */
DOM_MUST_CHECK bool http2_sweep(struct http2 *http2);

/* How a client that knows what we speak begins (RFC 9113, 3.4). */
extern const struct dom_slice http2_preface;

#endif
