/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <domicile/slice.h>

/* Well-formed UTF-8: no overlong forms, no surrogates, at most U+10FFFF (RFC 3629). */
bool dom_utf8_valid(struct dom_slice text);

/*
 * Write one code point (at most U+10FFFF) as UTF-8; bytes written, 1 to 4.
 * A lone surrogate is written as three bytes all the same (WTF-8): the caller
 * decides whether that is acceptable.
 */
unsigned dom_utf8_encode(uint32_t code_point, uint8_t bytes_r[4]);

#endif
