/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "http/limit.h"

#include <assert.h>

#define MEBI (INT64_C(1) << 20)

/* limit_body_bytes: clients send all chunks of an item inline (etebase-protocol 2.2). */
const struct http_limit_entry http_limit_table[] = {
    [HTTP_LIMIT_HEADER_BYTES] = {"limit_header_bytes", 16 << 10, 1 << 10, MEBI},
    [HTTP_LIMIT_HEADER_FIELDS] = {"limit_header_fields", 100, 8, 1000},
    [HTTP_LIMIT_BODY_BYTES] = {"limit_body_bytes", 64 * MEBI, 1 << 10, 1024 * MEBI},
    [HTTP_LIMIT_CHUNK_BYTES] = {"limit_chunk_bytes", 16 * MEBI, 1 << 10, 128 * MEBI},
    [HTTP_LIMIT_OPEN_BODY_BYTES] = {"limit_open_body_bytes", 64 << 10, 1 << 10, MEBI},
    [HTTP_LIMIT_BODY_MEMORY_BYTES] = {"limit_body_memory_bytes", 512 * MEBI, MEBI, MEBI *MEBI},
    [HTTP_LIMIT_REPLY_MEMORY_BYTES] = {"limit_reply_memory_bytes", 512 * MEBI, MEBI,
        MEBI *MEBI},
    [HTTP_LIMIT_BODY_RATE] = {"limit_body_rate", 1 << 10, 1, MEBI},
    [HTTP_LIMIT_HEADER_SECONDS] = {"limit_header_seconds", 10, 1, 600},
    [HTTP_LIMIT_IDLE_SECONDS] = {"limit_idle_seconds", 75, 1, 86400},
    [HTTP_LIMIT_STOP_SECONDS] = {"limit_stop_seconds", 10, 0, 600},
    [HTTP_LIMIT_CONNECTIONS] = {"limit_connections", 10000, 1, 1000000},
    [HTTP_LIMIT_REQUESTS] = {"limit_requests", 4096, 1, 4096},
    [HTTP_LIMIT_HELD_REQUESTS] = {"limit_held_requests", 256, 0, 4096},
    [HTTP_LIMIT_PEER_READS] = {"limit_peer_reads", 4, 1, HTTP_ASIDE_READS_MAX},
    [HTTP_LIMIT_STREAMS] = {"limit_streams", 100, 1, 1000},
    [HTTP_LIMIT_PING_SECONDS] = {"limit_ping_seconds", 20, 1, 3600},
    [HTTP_LIMIT_LOGIN_BURST] = {"limit_login_burst", 20, 1, 1000000},
    [HTTP_LIMIT_LOGIN_PER_HOUR] = {"limit_login_per_hour", 60, 1, 1000000},
    [HTTP_LIMIT_LOGIN_ADDRESS_BURST] = {"limit_login_address_burst", 100, 1, 1000000},
    [HTTP_LIMIT_LOGIN_ADDRESS_PER_HOUR] = {"limit_login_address_per_hour", 600, 1, 1000000},
    /* A first backup over a fast network asks hundreds of times a second. */
    [HTTP_LIMIT_REQUEST_ADDRESS_BURST] = {"limit_request_address_burst", 20000, 1, 1000000},
    [HTTP_LIMIT_REQUEST_ADDRESS_PER_SECOND] = {"limit_request_address_per_second", 1000, 1,
        1000000},
    [HTTP_LIMIT_SIGNUP_ADDRESS_BURST] = {"limit_signup_address_burst", 20, 1, 1000000},
    [HTTP_LIMIT_SIGNUP_ADDRESS_PER_HOUR] = {"limit_signup_address_per_hour", 60, 1, 1000000},
    [HTTP_LIMIT_CHALLENGE_ADDRESS_BURST] = {"limit_challenge_address_burst", 300, 1, 1000000},
    [HTTP_LIMIT_CHALLENGE_ADDRESS_PER_HOUR] = {"limit_challenge_address_per_hour", 3600, 1,
        1000000},
    [HTTP_LIMIT_COLLECTIONS] = {"limit_collections", 1000, 1, 1000000},
    [HTTP_LIMIT_MEMBERS] = {"limit_members", 1000, 1, 1000000},
    [HTTP_LIMIT_INVITATIONS] = {"limit_invitations", 1000, 1, 1000000},
    [HTTP_LIMIT_SESSIONS] = {"limit_sessions", 100, 1, 1000000},
    [HTTP_LIMIT_STATEMENTS_PER_DAY] = {"limit_statements_per_day", 500, 1, 1000000},
};
static_assert(sizeof(http_limit_table) / sizeof(http_limit_table[0]) == HTTP_LIMIT_COUNT,
    "every limit has its row");

struct http_limits
http_limits_standard(void)
{
	struct http_limits limits;

	for (unsigned i = 0; i < HTTP_LIMIT_COUNT; i++)
		limits.of[i] = http_limit_table[i].standard;
	return limits;
}
