/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* JSON written as it comes, for --json. */
#include "cli/json.h"

#include <assert.h>
#include <string.h>

#include "base/utf8.h"

static void
json_string(struct json *json, const char *text)
{
	size_t left = strlen(text);

	putc('"', json->out);
	while (left > 0) {
		unsigned char lead = (unsigned char)*text;
		size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

		if (size > left || !dom_utf8_valid(dom_slice(text, size))) {
			fputs("\\ufffd", json->out);
			size = 1;
		} else if (lead == '"' || lead == '\\') {
			fprintf(json->out, "\\%c", lead);
		} else if (lead < 0x20 || lead == 0x7f) {
			fprintf(json->out, "\\u%04x", lead);
		} else {
			fwrite(text, 1, size, json->out);
		}
		text += size;
		left -= size;
	}
	putc('"', json->out);
}

static void
json_key(struct json *json, const char *key)
{
	if (json->depth > 0) {
		fputs(json->some[json->depth - 1] ? ",\n" : "\n", json->out);
		json->some[json->depth - 1] = true;
		for (unsigned at = 0; at < json->depth; at++)
			fputs("  ", json->out);
	}
	if (key != NULL) {
		json_string(json, key);
		fputs(": ", json->out);
	}
}

void
json_open(struct json *json, const char *key, char bracket)
{
	json_key(json, key);
	assert(json->depth < JSON_DEPTH_MAX);
	putc(bracket, json->out);
	json->some[json->depth] = false;
	json->closing[json->depth++] = bracket == '{' ? '}' : ']';
}

void
json_close(struct json *json)
{
	assert(json->depth > 0);
	json->depth--;
	if (json->some[json->depth]) {
		putc('\n', json->out);
		for (unsigned at = 0; at < json->depth; at++)
			fputs("  ", json->out);
	}
	putc(json->closing[json->depth], json->out);
}

void
json_finish(struct json *json)
{
	while (json->depth > 0)
		json_close(json);
	putc('\n', json->out);
	fflush(json->out);
}

void
json_text(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	if (text == NULL)
		fputs("null", json->out);
	else
		json_string(json, text);
}

void
json_number(struct json *json, const char *key, uint64_t number)
{
	json_key(json, key);
	fprintf(json->out, "%llu", (unsigned long long)number);
}

void
json_signed(struct json *json, const char *key, int64_t number)
{
	json_key(json, key);
	fprintf(json->out, "%lld", (long long)number);
}

void
json_real(struct json *json, const char *key, double number)
{
	json_key(json, key);
	fprintf(json->out, "%.17g", number);
}

void
json_bool(struct json *json, const char *key, bool value)
{
	json_key(json, key);
	fputs(value ? "true" : "false", json->out);
}

void
json_time(struct json *json, const char *key, int64_t ms)
{
	json_key(json, key);
	if (ms == 0)
		fputs("null", json->out);
	else
		fprintf(json->out, "%lld", (long long)ms);
}
