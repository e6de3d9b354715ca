/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Login challenges: a region recognises its own without keeping them.
 *
 *    0 16  account id        16  8  issue time, ms since 1970, big-endian
 */
#include "crypto/roles.h"

enum {
	ACCOUNT_ID_SIZE = 16,
	PLAIN_SIZE = ACCOUNT_ID_SIZE + 8,
};

enum dom_status
dom_challenge_seal(const struct dom_region_key *key, const uint8_t account_id[16],
    int64_t issued_ms, const struct dom_random *random, uint8_t challenge_r[DOM_CHALLENGE_SIZE])
{
	uint8_t plain[PLAIN_SIZE];

	memcpy(plain, account_id, ACCOUNT_ID_SIZE);
	for (unsigned i = 0; i < 8; i++)
		plain[ACCOUNT_ID_SIZE + i] = (uint8_t)((uint64_t)issued_ms >> (56 - 8 * i));
	dom_seal(key->challenge_key, dom_slice(plain, sizeof(plain)), dom_slice(NULL, 0),
	    random, challenge_r);
	return DOM_OK;
}

enum dom_status
dom_challenge_open(const struct dom_region_key *key, struct dom_slice challenge,
    uint8_t account_id_r[16], int64_t *issued_ms_r)
{
	uint8_t plain[PLAIN_SIZE];
	uint64_t issued_ms = 0;
	enum dom_status st;

	st = dom_open_exact(
	    key->challenge_key, challenge, dom_slice(NULL, 0), plain, sizeof(plain));
	if (st != DOM_OK)
		return st;
	memcpy(account_id_r, plain, ACCOUNT_ID_SIZE);
	for (unsigned i = 0; i < 8; i++)
		issued_ms = issued_ms << 8 | plain[ACCOUNT_ID_SIZE + i];
	*issued_ms_r = (int64_t)issued_ms;
	return DOM_OK;
}
