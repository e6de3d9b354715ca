/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Randomness that can be had again. */
#include "sim/random.h"

#include <string.h>

#include <sodium.h>

static uint64_t
splitmix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void
sim_random_seed(struct sim_random *random, uint64_t seed)
{
	for (unsigned i = 0; i < 4; i++)
		random->state[i] = splitmix(&seed);
}

static uint64_t
rotated(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

/* Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021. */
uint64_t
sim_random_next(struct sim_random *random)
{
	uint64_t *s = random->state;
	uint64_t result = rotated(s[1] * 5, 7) * 9, shifted = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = rotated(s[3], 45);
	return result;
}

uint64_t
sim_random_below(struct sim_random *random, uint64_t bound)
{
	/* Below this the remainders are not equally many. */
	uint64_t least = (0 - bound) % bound, value;

	do
		value = sim_random_next(random);
	while (value < least);
	return value % bound;
}

bool
sim_random_one_in(struct sim_random *random, uint64_t count)
{
	return sim_random_below(random, count) == 0;
}

void
sim_random_fill(struct sim_random *random, void *data, size_t size)
{
	uint8_t *at = data;

	while (size != 0) {
		uint64_t value = sim_random_next(random);
		size_t part = size < sizeof(value) ? size : sizeof(value);

		memcpy(at, &value, part);
		at += part;
		size -= part;
	}
}

static void
source_fill(void *context, void *data, size_t size)
{
	sim_random_fill(context, data, size);
}

struct dom_random
sim_random_source(struct sim_random *random)
{
	return (struct dom_random){.fill = source_fill, .context = random};
}

/* --- libsodium's ------------------------------------------------------------------ */

static struct sim_random *installed;

static const char *
sodium_name(void)
{
	return "sim";
}

static uint32_t
sodium_number(void)
{
	return (uint32_t)sim_random_next(installed);
}

static void
sodium_fill(void *const data, const size_t size)
{
	sim_random_fill(installed, data, size);
}

void
sim_random_install(struct sim_random *random)
{
	static struct randombytes_implementation ours = {
	    .implementation_name = sodium_name, .random = sodium_number, .buf = sodium_fill};

	installed = random;
	randombytes_set_implementation(&ours);
}
