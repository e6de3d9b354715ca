/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Buckets of attempts.  A bucket is one time, when it will be full again: taking
 * moves it an interval ahead, and it may not be more than a burst ahead of now
 * (the generic cell rate algorithm).  A bucket that is full needs no memory.
 */
#include "services/account/attempts.h"

#include <stdlib.h>

#include "base/wipe.h"

#include "crypto/digest.h"

enum {
	WAYS = 4,
	SETS = 4096,
	SALT_SIZE = 32,
	HOUR_MS = 3600 * 1000,
	TEXT_SIZE = SALT_SIZE + 1 + 64,
};

struct bucket {
	uint64_t tag;
	int64_t full_ms;
};

struct rate {
	int64_t interval_ms, burst_ms;
};

struct login_attempts {
	struct rate account, address;
	uint8_t salt[SALT_SIZE]; /* so that nobody can choose who shares a set */
	struct bucket sets[SETS][WAYS];
};

static struct rate
rate_of(int64_t burst, int64_t per_hour)
{
	int64_t interval_ms = HOUR_MS / per_hour;

	if (interval_ms < 1)
		interval_ms = 1;
	return (struct rate){.interval_ms = interval_ms, .burst_ms = burst * interval_ms};
}

struct login_attempts *
login_attempts_new(const struct login_limits *limits, const struct dom_random *random)
{
	struct login_attempts *attempts = calloc(1, sizeof(*attempts));

	if (attempts == NULL)
		return NULL;
	attempts->account = rate_of(limits->burst, limits->per_hour);
	attempts->address = rate_of(limits->address_burst, limits->address_per_hour);
	dom_random_fill(random, attempts->salt, sizeof(attempts->salt));
	return attempts;
}

void
login_attempts_free(struct login_attempts **attempts)
{
	if (*attempts == NULL)
		return;
	dom_wipe((*attempts)->salt, SALT_SIZE);
	free(*attempts);
	*attempts = NULL;
}

/* What names it; NULL: it has none. */
static struct bucket *
find(struct login_attempts *attempts, char kind, struct dom_slice name, int64_t now_ms)
{
	uint8_t text[TEXT_SIZE], digest[DOM_SHA256_SIZE];
	struct bucket *set, *chosen;
	uint64_t tag, place;

	if (name.size == 0 || name.size > sizeof(text) - SALT_SIZE - 1)
		return NULL;
	memcpy(text, attempts->salt, SALT_SIZE);
	text[SALT_SIZE] = (uint8_t)kind;
	memcpy(text + SALT_SIZE + 1, name.data, name.size);
	if (dom_sha256(dom_slice(text, SALT_SIZE + 1 + name.size), digest) != DOM_OK)
		return NULL;
	memcpy(&tag, digest, sizeof(tag));
	memcpy(&place, digest + sizeof(tag), sizeof(place));
	chosen = set = attempts->sets[place % SETS];
	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].tag == tag)
			return &set[i];
		if (set[i].full_ms < chosen->full_ms)
			chosen = &set[i];
	}
	*chosen = (struct bucket){.tag = tag, .full_ms = now_ms};
	return chosen;
}

/* A host's clock that was set back must not close a bucket for longer than a burst. */
static void
settle(struct bucket *bucket, const struct rate *rate, int64_t now_ms)
{
	if (bucket->full_ms < now_ms)
		bucket->full_ms = now_ms;
	if (bucket->full_ms > now_ms + rate->burst_ms)
		bucket->full_ms = now_ms + rate->burst_ms;
}

static int64_t
wait_for(struct bucket *bucket, const struct rate *rate, int64_t now_ms)
{
	int64_t after_ms;

	if (bucket == NULL)
		return 0;
	settle(bucket, rate, now_ms);
	after_ms = bucket->full_ms + rate->interval_ms - now_ms - rate->burst_ms;
	return after_ms > 0 ? after_ms : 0;
}

static void
move(struct bucket *bucket, const struct rate *rate, int64_t now_ms, int64_t by_ms)
{
	if (bucket == NULL)
		return;
	settle(bucket, rate, now_ms);
	bucket->full_ms += by_ms;
}

static struct dom_slice
name_of(const uint8_t *account)
{
	return dom_slice(account, account == NULL ? 0 : STORE_ID_SIZE);
}

int64_t
login_attempts_take(struct login_attempts *attempts, const uint8_t *account,
    struct dom_slice peer, int64_t now_ms)
{
	struct bucket *own = find(attempts, 'a', name_of(account), now_ms);
	int64_t wait_ms = wait_for(own, &attempts->account, now_ms), peer_ms;
	struct bucket *shared;

	/* Taken before the other is looked for, which may forget a full one. */
	if (wait_ms == 0)
		move(own, &attempts->account, now_ms, attempts->account.interval_ms);
	shared = find(attempts, 'p', peer, now_ms);
	peer_ms = wait_for(shared, &attempts->address, now_ms);
	if (wait_ms == 0 && peer_ms == 0) {
		move(shared, &attempts->address, now_ms, attempts->address.interval_ms);
		return 0;
	}
	if (wait_ms == 0)
		move(find(attempts, 'a', name_of(account), now_ms), &attempts->account, now_ms,
		    -attempts->account.interval_ms);
	return wait_ms > peer_ms ? wait_ms : peer_ms;
}

void
login_attempts_give_back(struct login_attempts *attempts, const uint8_t *account,
    struct dom_slice peer, int64_t now_ms)
{
	move(find(attempts, 'a', name_of(account), now_ms), &attempts->account, now_ms,
	    -attempts->account.interval_ms);
	move(find(attempts, 'p', peer, now_ms), &attempts->address, now_ms,
	    -attempts->address.interval_ms);
}
