/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sim/digest.h"

#include <string.h>

enum { LANES = 4 };

static uint64_t own, *digest = &own;

void
sim_digest_keep_at(uint64_t *place)
{
	*place = *digest;
	digest = place;
}

void
sim_digest_reset(void)
{
	*digest = 0;
}

uint64_t
sim_digest(void)
{
	return *digest;
}

static uint64_t
mixed(uint64_t state, uint64_t word)
{
	state = (state ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return state ^ state >> 29;
}

void
sim_digest_number(uint64_t number)
{
	*digest = mixed(*digest + 1, number);
}

/* Pages are most of it: four sums at once take a third of the time of one. */
void
sim_digest_bytes(const void *data, size_t size)
{
	uint64_t lanes[LANES] = {1, 2, 3, 4}, words[LANES] = {0};
	const uint8_t *at = data;
	size_t left = size;

	for (; left >= sizeof(words); at += sizeof(words), left -= sizeof(words)) {
		memcpy(words, at, sizeof(words));
		for (unsigned i = 0; i < LANES; i++)
			lanes[i] = mixed(lanes[i], words[i]);
	}
	if (left != 0) {
		memset(words, 0, sizeof(words));
		memcpy(words, at, left);
		for (unsigned i = 0; i < LANES; i++)
			lanes[i] = mixed(lanes[i], words[i]);
	}
	sim_digest_number(size);
	for (unsigned i = 0; i < LANES; i++)
		sim_digest_number(lanes[i]);
}

void
sim_digest_text(const char *text)
{
	sim_digest_bytes(text, strlen(text));
}
