/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Paths and queries as they are escaped in a request. */
#include "http/uri.h"

#include "base/encode.h"

enum dom_status
uri_decode(struct dom_slice text, bool plus_is_space, struct dom_arena *arena,
    struct dom_slice *decoded_r)
{
	uint8_t *decoded;
	size_t size = 0;

	*decoded_r = text;
	if (text.size == 0 ||
	    (memchr(text.data, '%', text.size) == NULL &&
	        (!plus_is_space || memchr(text.data, '+', text.size) == NULL)))
		return DOM_OK;
	if ((decoded = dom_arena_take(arena, text.size)) == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];
		size_t one;

		if (c == '+' && plus_is_space) {
			c = ' ';
		} else if (c == '%') {
			char digits[2];

			if (text.size - i < 3)
				return DOM_EINPUT;
			/* Either case is allowed here; our decoder knows lower only. */
			for (unsigned k = 0; k < 2; k++) {
				char digit = (char)text.data[i + 1 + k];

				digits[k] =
				    digit >= 'A' && digit <= 'F' ? (char)(digit | 0x20) : digit;
			}
			if (dom_hex_decode(dom_slice(digits, 2), &c, 1, &one) != DOM_OK ||
			    c == 0)
				return DOM_EINPUT;
			i += 2;
		}
		decoded[size++] = c;
	}
	*decoded_r = dom_slice(decoded, size);
	return DOM_OK;
}

enum dom_status
uri_query_next(struct dom_slice *query, struct dom_arena *arena, struct dom_slice *name_r,
    struct dom_slice *value_r)
{
	struct dom_slice pair;
	const uint8_t *at;
	enum dom_status st;

	do {
		if (query->size == 0)
			return DOM_ABSENT;
		at = memchr(query->data, '&', query->size);
		pair = dom_slice(
		    query->data, at == NULL ? query->size : (size_t)(at - query->data));
		*query = at == NULL ? dom_slice(query->data + query->size, 0)
		                    : dom_slice(at + 1, query->size - pair.size - 1);
	} while (pair.size == 0);
	at = memchr(pair.data, '=', pair.size);
	*name_r = dom_slice(pair.data, at == NULL ? pair.size : (size_t)(at - pair.data));
	*value_r = at == NULL ? dom_slice(pair.data + pair.size, 0)
	                      : dom_slice(at + 1, pair.size - name_r->size - 1);
	if ((st = uri_decode(*name_r, true, arena, name_r)) != DOM_OK)
		return st;
	return uri_decode(*value_r, true, arena, value_r);
}
