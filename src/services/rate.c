/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A bucket is one time, when it will be full again: taking moves it an interval
 * ahead, and it may not be more than a burst ahead of now (the generic cell
 * rate algorithm).
 */
#include "services/rate.h"

#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"

#include "crypto/short_hash.h"

enum { WAYS = 4, NAME_SIZE_MAX = 64 };

struct bucket {
	uint64_t tag;
	int64_t full_us;
};

struct rate_table {
	uint8_t key[DOM_SHORT_KEY_SIZE]; /* so that nobody can choose who shares a set */
	size_t set_count;
	struct bucket sets[][WAYS];
};

struct rate_rule
rate_rule_of(int64_t burst, int64_t count, int64_t period_us)
{
	int64_t interval_us = period_us / count;

	if (interval_us < 1)
		interval_us = 1;
	return (struct rate_rule){.interval_us = interval_us, .burst_us = burst * interval_us};
}

struct rate_table *
rate_table_new(size_t sets, const struct dom_random *random)
{
	struct rate_table *table =
	    calloc(1, sizeof(*table) + sets * sizeof(struct bucket[WAYS]));

	if (table == NULL)
		return NULL;
	table->set_count = sets;
	dom_random_fill(random, table->key, sizeof(table->key));
	return table;
}

void
rate_table_free(struct rate_table **table)
{
	if (*table == NULL)
		return;
	dom_wipe((*table)->key, sizeof((*table)->key));
	free(*table);
	*table = NULL;
}

/* What names it; NULL: it has none. */
static struct bucket *
find(struct rate_table *table, char kind, struct dom_slice name, int64_t now_us)
{
	uint8_t text[1 + NAME_SIZE_MAX], hash[DOM_SHORT_HASH_SIZE];
	struct bucket *set, *chosen;
	uint64_t tag, place;

	if (name.size == 0 || name.size > NAME_SIZE_MAX)
		return NULL;
	text[0] = (uint8_t)kind;
	memcpy(text + 1, name.data, name.size);
	dom_short_hash(table->key, dom_slice(text, 1 + name.size), hash);
	memcpy(&tag, hash, sizeof(tag));
	memcpy(&place, hash + sizeof(tag), sizeof(place));
	chosen = set = table->sets[place % table->set_count];
	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].tag == tag)
			return &set[i];
		if (set[i].full_us < chosen->full_us)
			chosen = &set[i];
	}
	*chosen = (struct bucket){.tag = tag, .full_us = now_us};
	return chosen;
}

/* A host's clock that was set back must not close a bucket for longer than a burst. */
static void
settle(struct bucket *bucket, const struct rate_rule *rule, int64_t now_us)
{
	if (bucket->full_us < now_us)
		bucket->full_us = now_us;
	if (bucket->full_us > now_us + rule->burst_us)
		bucket->full_us = now_us + rule->burst_us;
}

static int64_t
wait_for(struct bucket *bucket, const struct rate_rule *rule, int64_t now_us)
{
	int64_t after_us;

	settle(bucket, rule, now_us);
	after_us = bucket->full_us + rule->interval_us - now_us - rule->burst_us;
	return after_us > 0 ? after_us : 0;
}

int64_t
rate_wait(struct rate_table *table, const struct rate_rule *rule, char kind,
    struct dom_slice name, int64_t now_us)
{
	struct bucket *bucket = find(table, kind, name, now_us);

	return bucket == NULL ? 0 : wait_for(bucket, rule, now_us);
}

int64_t
rate_take(struct rate_table *table, const struct rate_rule *rule, char kind,
    struct dom_slice name, int64_t now_us)
{
	struct bucket *bucket = find(table, kind, name, now_us);
	int64_t wait_us;

	if (bucket == NULL)
		return 0;
	if ((wait_us = wait_for(bucket, rule, now_us)) == 0)
		bucket->full_us += rule->interval_us;
	return wait_us;
}

void
rate_give_back(struct rate_table *table, const struct rate_rule *rule, char kind,
    struct dom_slice name, int64_t now_us)
{
	struct bucket *bucket = find(table, kind, name, now_us);

	if (bucket == NULL)
		return;
	settle(bucket, rule, now_us);
	bucket->full_us -= rule->interval_us;
}
