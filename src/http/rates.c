/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Tables with a lock each, so that the loops seldom meet. */
#include "http/rates.h"

#include <pthread.h>
#include <stdlib.h>

#include "services/rate.h"

enum {
	SHARDS = 8,
	SHARD_SETS = 1024,
	REQUEST = 'r',
	SIGNUP = 's',
	CHALLENGE = 'c',
	STRANGER = 'p', /* in a region's name */
};
#define SECOND_US INT64_C(1000000)
#define HOUR_US (3600 * SECOND_US)

struct http_rates {
	struct rate_rule request, signup, challenge;
	struct shard {
		pthread_mutex_t lock; /* a leaf: nothing else is locked under it */
		struct rate_table *table;
	} shards[SHARDS];
};

struct http_rates *
http_rates_new(const struct http_limits *limits, const struct dom_random *random)
{
	struct http_rates *rates = malloc(sizeof(*rates));
	const int64_t *of = limits->of;
	bool is_whole = true;

	if (rates == NULL)
		return NULL;
	rates->request = rate_rule_of(of[HTTP_LIMIT_REQUEST_ADDRESS_BURST],
	    of[HTTP_LIMIT_REQUEST_ADDRESS_PER_SECOND], SECOND_US);
	rates->signup = rate_rule_of(of[HTTP_LIMIT_SIGNUP_ADDRESS_BURST],
	    of[HTTP_LIMIT_SIGNUP_ADDRESS_PER_HOUR], HOUR_US);
	rates->challenge = rate_rule_of(of[HTTP_LIMIT_CHALLENGE_ADDRESS_BURST],
	    of[HTTP_LIMIT_CHALLENGE_ADDRESS_PER_HOUR], HOUR_US);
	for (unsigned i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&rates->shards[i].lock, NULL);
		rates->shards[i].table = rate_table_new(SHARD_SETS, random);
		is_whole = is_whole && rates->shards[i].table != NULL;
	}
	if (!is_whole)
		http_rates_free(&rates);
	return rates;
}

void
http_rates_free(struct http_rates **rates)
{
	struct http_rates *old = *rates;

	if (old == NULL)
		return;
	*rates = NULL;
	for (unsigned i = 0; i < SHARDS; i++) {
		rate_table_free(&old->shards[i].table);
		pthread_mutex_destroy(&old->shards[i].lock);
	}
	free(old);
}

typedef int64_t rate_ask(struct rate_table *table, const struct rate_rule *rule, char kind,
    struct dom_slice name, int64_t now_us);

static int64_t
look(struct http_rates *rates, rate_ask *ask, const struct rate_rule *rule, char kind,
    const struct http_peer *peer, int64_t now_us)
{
	struct shard *shard;
	uint8_t mixed = 0;
	int64_t wait_us;

	if (peer->size == 0)
		return 0;
	for (unsigned i = 0; i < peer->size; i++)
		mixed ^= peer->bytes[i];
	shard = &rates->shards[mixed % SHARDS];
	pthread_mutex_lock(&shard->lock);
	wait_us = ask(shard->table, rule, kind, http_peer_slice(peer), now_us);
	pthread_mutex_unlock(&shard->lock);
	return wait_us;
}

static int64_t
take(struct http_rates *rates, const struct rate_rule *rule, char kind,
    const struct http_peer *peer, int64_t now_us)
{
	return look(rates, rate_take, rule, kind, peer, now_us);
}

bool
http_rates_is_peer(enum service_op op)
{
	return op == SERVICE_PEER || op == SERVICE_PEER_CHANGE;
}

int64_t
http_rates_request(struct http_rates *rates, const struct http_peer *peer, int64_t now_us)
{
	return rates == NULL ? 0 : take(rates, &rates->request, REQUEST, peer, now_us);
}

int64_t
http_rates_stranger_wait(struct http_rates *rates, const struct http_peer *peer, int64_t now_us)
{
	if (rates == NULL)
		return 0;
	return look(rates, rate_wait, &rates->request, STRANGER, peer, now_us);
}

void
http_rates_stranger(struct http_rates *rates, const struct http_peer *peer, int64_t now_us)
{
	if (rates != NULL)
		(void)take(rates, &rates->request, STRANGER, peer, now_us);
}

int64_t
http_rates_operation(
    struct http_rates *rates, const struct http_peer *peer, enum service_op op, int64_t now_us)
{
	if (rates == NULL)
		return 0;
	if (op == SERVICE_SIGNUP)
		return take(rates, &rates->signup, SIGNUP, peer, now_us);
	/* Both say something about a name to anybody. */
	if (op == SERVICE_LOGIN_CHALLENGE || op == SERVICE_MOVE_ROOM)
		return take(rates, &rates->challenge, CHALLENGE, peer, now_us);
	return 0;
}
