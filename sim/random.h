/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"

/* A stream of numbers that one seed decides (xoshiro256**, seeded by splitmix64). */
struct sim_random {
	uint64_t state[4];
};

void sim_random_seed(struct sim_random *random, uint64_t seed);
uint64_t sim_random_next(struct sim_random *random);
/* Uniform in [0, bound), bound > 0. */
uint64_t sim_random_below(struct sim_random *random, uint64_t bound);
/* True once in so many times. */
bool sim_random_one_in(struct sim_random *random, uint64_t count);
void sim_random_fill(struct sim_random *random, void *data, size_t size);

/* As what services and the store are handed; random is borrowed. */
struct dom_random sim_random_source(struct sim_random *random);

/*
 * Make it the source behind libsodium, and so of every key, nonce and name of
 * this process; before dom_crypto_start().  random is borrowed for good.
 */
void sim_random_install(struct sim_random *random);

#endif
