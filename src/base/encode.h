/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include <domicile/slice.h>
#include <domicile/status.h>

/*
 * URL-safe Base64 without padding (RFC 4648, section 5) and lower-case hex.
 * Decoding is strict: other characters, padding, and bits that would be lost
 * are DOM_EINPUT.
 */

/* Characters for size bytes, without the terminator. */
#define DOM_BASE64_SIZE(size) (((size)*4 + 2) / 3)

/* text_r: DOM_BASE64_SIZE(data.size) + 1 bytes, NUL-terminated. */
void dom_base64_encode(struct dom_slice data, char *text_r);

/* data_r has room for capacity bytes; DOM_ELIMIT if that is too little. */
DOM_MUST_CHECK enum dom_status dom_base64_decode(
    struct dom_slice text, uint8_t *data_r, size_t capacity, size_t *size_r);

/* text_r: 2 * data.size + 1 bytes, NUL-terminated. */
void dom_hex_encode(struct dom_slice data, char *text_r);

DOM_MUST_CHECK enum dom_status dom_hex_decode(
    struct dom_slice text, uint8_t *data_r, size_t capacity, size_t *size_r);

#endif
