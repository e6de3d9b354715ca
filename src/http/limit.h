/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_LIMIT_H
#define HTTP_LIMIT_H

#include <stdint.h>

/*
 * Every limit that clients are held to, in one table.  An operator
 * sets them by key in domiciled.conf; domiciled.conf(5) lists them all.
 */
enum http_limit {
	HTTP_LIMIT_HEADER_BYTES,
	HTTP_LIMIT_HEADER_FIELDS,
	HTTP_LIMIT_BODY_BYTES,
	HTTP_LIMIT_CHUNK_BYTES,
	HTTP_LIMIT_OPEN_BODY_BYTES,
	HTTP_LIMIT_BODY_MEMORY_BYTES,
	HTTP_LIMIT_REPLY_MEMORY_BYTES,
	HTTP_LIMIT_BODY_RATE,
	HTTP_LIMIT_HEADER_SECONDS,
	HTTP_LIMIT_IDLE_SECONDS,
	HTTP_LIMIT_STOP_SECONDS,
	HTTP_LIMIT_CONNECTIONS,
	HTTP_LIMIT_REQUESTS,
	HTTP_LIMIT_HELD_REQUESTS,
	HTTP_LIMIT_PEER_READS,
	HTTP_LIMIT_STREAMS,
	HTTP_LIMIT_PING_SECONDS,
	/* Held by services/account/attempts.h. */
	HTTP_LIMIT_LOGIN_BURST,
	HTTP_LIMIT_LOGIN_PER_HOUR,
	HTTP_LIMIT_LOGIN_ADDRESS_BURST,
	HTTP_LIMIT_LOGIN_ADDRESS_PER_HOUR,
	/* Of one address, see http/rates.h. */
	HTTP_LIMIT_REQUEST_ADDRESS_BURST,
	HTTP_LIMIT_REQUEST_ADDRESS_PER_SECOND,
	HTTP_LIMIT_SIGNUP_ADDRESS_BURST,
	HTTP_LIMIT_SIGNUP_ADDRESS_PER_HOUR,
	HTTP_LIMIT_CHALLENGE_ADDRESS_BURST,
	HTTP_LIMIT_CHALLENGE_ADDRESS_PER_HOUR,
	/* Held by the rules, see struct service_limits. */
	HTTP_LIMIT_COLLECTIONS,
	HTTP_LIMIT_MEMBERS,
	HTTP_LIMIT_INVITATIONS,
	HTTP_LIMIT_SESSIONS,
	HTTP_LIMIT_STATEMENTS_PER_DAY,
	HTTP_LIMIT_COUNT,
};

struct http_limits {
	int64_t of[HTTP_LIMIT_COUNT];
};

struct http_limit_entry {
	const char *key;
	int64_t standard, least, most;
};

/* By enum http_limit; HTTP_LIMIT_COUNT of them. */
extern const struct http_limit_entry http_limit_table[];

struct http_limits http_limits_standard(void);

/* Those that nobody needs to change. */
enum {
	/* A body that nobody wants is read and dropped up to here, else the connection closes.
	 */
	HTTP_DISCARD_BYTES_MAX = 64 << 10,
	/* Extensions and trailers of one chunked body: we use neither. */
	HTTP_CHUNK_EXTRA_BYTES_MAX = 4 << 10,
	HTTP_METHOD_SIZE_MAX = 16,
	/* What one request may take for decoding and answering, its body aside. */
	HTTP_ARENA_BYTES_MAX = 256 << 20,
	/* Replies up to here are sent in one piece with their head. */
	HTTP_JOIN_BYTES_MAX = 16 << 10,
	/* A client that still sends after its reply is listened to for so long. */
	HTTP_LINGER_MS = 5000,
	HTTP_LINGER_STOPPING_MS = 1000,
	/* Before the minimal rate of a body or of a reply is asked for. */
	HTTP_RATE_GRACE_MS = 5000,
	HTTP_RETRY_AFTER_SECONDS = 2,
	HTTP_FROZEN_RETRY_SECONDS = 1,
	HTTP_GROUP_CACHE_SECONDS = 60,
	HTTP_HELD_MS = 50,      /* between two tries of a request that is held */
	HTTP_HELD_REGIONS = 64, /* of other regions, over the limit of those */
	/* Of other regions: a request's body; reads that run or wait for a thread .. */
	HTTP_PEER_BODY_BYTES_MAX = 80 << 10,
	HTTP_ASIDE_READS_MAX = 16,
	/* .. which people come before who wait so long, or so many of them; but not for ever.
	 */
	HTTP_BEHIND_US = 5000,
	HTTP_BEHIND_JOBS = 64,
	HTTP_ASIDE_MS = 1000,
	HTTP_PEOPLE_MS = 1000, /* after their last request they are there still */
	/* And then after each read it rests so many times as long, but not longer than that. */
	HTTP_ASIDE_RESTS = 4,
	HTTP_ASIDE_REST_MS_MAX = 250,
	/* Of a body that is on its way, in HTTP/2: of one stream, of all streams. */
	HTTP2_STREAM_WINDOW_BYTES = 1 << 20,
	HTTP2_CONNECTION_WINDOW_BYTES = 4 << 20,
	/* What is made ready for a socket at once; a frame may go over it. */
	HTTP2_OUT_BYTES_MAX = 64 << 10,
	/* For a ping 1, for a reset 5; so much is there, and so much comes back a second. */
	HTTP2_PATIENCE = 1000,
	HTTP2_PATIENCE_SECOND = 100,
	HTTP_LOOPS_MAX = 64,
	HTTP_LISTENERS_MAX = 16,
	HTTP_POOL_THREADS = 4, /* they wait for the disk most of the time */
	/* Of a chunk that is on its way: so much goes to the disk at a time. */
	HTTP_STAGE_BYTES = 256 << 10,
	/* So many chunks at once have a file before they are there as a whole. */
	HTTP_STAGED_MAX = 64,
};

#endif
