/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DOMICILE_SLICE_H
#define DOMICILE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Borrowed bytes: whoever made it says how long they live.  data may be NULL
 * only when size is 0, so "absent" (NULL) and "empty" (not NULL) differ where
 * a function says so.
 */
struct dom_slice {
	const uint8_t *data;
	size_t size;
};

static inline struct dom_slice
dom_slice(const void *data, size_t size)
{
	return (struct dom_slice){.data = (const uint8_t *)data, .size = size};
}

/* The bytes of a C string without its terminator; NULL gives the absent slice. */
static inline struct dom_slice
dom_slice_of(const char *text)
{
	return dom_slice(text, text == NULL ? 0 : strlen(text));
}

/* Equal bytes.  Not for secrets: the time taken depends on them. */
static inline bool
dom_slice_equal(struct dom_slice a, struct dom_slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool
dom_slice_is(struct dom_slice slice, const char *text)
{
	return dom_slice_equal(slice, dom_slice_of(text));
}

#endif
