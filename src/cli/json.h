/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <domicile/slice.h>

/*
 * JSON written as it comes, so that a million problems need no memory.  Keys
 * are NULL inside of arrays.  Bytes that are not UTF-8 become U+FFFD.
 */
enum { JSON_DEPTH_MAX = 16 };

struct json {
	FILE *out;
	unsigned depth;
	bool some[JSON_DEPTH_MAX]; /* something stands before, at this depth */
	char closing[JSON_DEPTH_MAX];
};

void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json);
/* Everything that is still open, and the line's end. */
void json_finish(struct json *json);

void json_text(struct json *json, const char *key, const char *text); /* NULL: null */
void json_number(struct json *json, const char *key, uint64_t number);
void json_signed(struct json *json, const char *key, int64_t number);
void json_real(struct json *json, const char *key, double number); /* finite */
void json_bool(struct json *json, const char *key, bool value);
void json_bytes(struct json *json, const char *key, struct dom_slice bytes); /* Base64 URL */
void json_hex(struct json *json, const char *key, struct dom_slice bytes);
/*
 * MessagePack of another app as an object: keys and values in turn, bytes as
 * Base64, what JSON cannot say as {"msgpack": Base64}.
 */
void json_pairs(struct json *json, const char *key, struct dom_slice pairs);
/* Milliseconds since 1970, null if 0. */
void json_time(struct json *json, const char *key, int64_t ms);

#endif
