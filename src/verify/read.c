/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Reading what is to be checked, and the keys to check it with. */
#include <errno.h>
#include <string.h>

#include "base/encode.h"

#include "verify/verify.h"

enum { KEY_FILE_SIZE_MAX = 256 };

bool
verify_read(const char *file, size_t size_max, struct dom_buffer *bytes_r, const char **why_r)
{
	bool is_input = strcmp(file, "-") == 0;
	FILE *in = is_input ? stdin : fopen(file, "rb");
	uint8_t piece[4096];
	size_t size;

	*why_r = NULL;
	if (in == NULL) {
		*why_r = strerror(errno);
		return false;
	}
	errno = 0;
	while (bytes_r->size <= size_max && (size = fread(piece, 1, sizeof(piece), in)) > 0)
		dom_buffer_append(bytes_r, piece, size);
	if (ferror(in))
		*why_r = strerror(errno);
	else if (dom_buffer_finish(bytes_r) != DOM_OK)
		*why_r = "There is not enough memory";
	else if (bytes_r->size > size_max)
		*why_r = "It is larger than what it should be can be";
	if (!is_input)
		fclose(in);
	return *why_r == NULL;
}

static bool
is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool
key_of(struct dom_slice text, uint8_t key_r[32])
{
	size_t size = 0;

	while (text.size > 0 && is_blank(text.data[text.size - 1]))
		text.size--;
	return text.size == 64 && dom_hex_decode(text, key_r, 32, &size) == DOM_OK;
}

bool
verify_key(const char *text, uint8_t key_r[32], const char **why_r)
{
	struct dom_buffer bytes = {0};
	bool found = key_of(dom_slice_of(text), key_r);

	if (!found && verify_read(text, KEY_FILE_SIZE_MAX, &bytes, why_r))
		found = key_of(dom_buffer_slice(&bytes), key_r);
	*why_r = "a public key is 64 hex digits, or a file that holds them";
	dom_buffer_free(&bytes);
	return found;
}
