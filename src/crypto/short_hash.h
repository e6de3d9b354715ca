/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CRYPTO_SHORT_HASH_H
#define CRYPTO_SHORT_HASH_H

#include <domicile/slice.h>

/*
 * SipHash-2-4 with 128 bits, for tables whose keys strangers choose: fast for
 * short input, and without the key nobody can aim at a place.  It proves
 * nothing about its input.  Source: https://www.aumasson.jp/siphash/siphash.pdf
 */
enum { DOM_SHORT_KEY_SIZE = 16, DOM_SHORT_HASH_SIZE = 16 };
void dom_short_hash(const uint8_t key[DOM_SHORT_KEY_SIZE], struct dom_slice bytes,
    uint8_t hash_r[DOM_SHORT_HASH_SIZE]);

#endif
