/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sim/history.h"

#include <stdlib.h>

struct operation {
	uint32_t reg;
	uint64_t value;
	int64_t began, ended;
	bool is_write;
};

struct history {
	struct operation *at;
	size_t count, room;
};

/*
 * A write and the reads of its value.  first_end: when one of them was surely
 * over; last_begin: when one of them had surely not begun.  If first_end is
 * before last_begin the value was there all the time between: a "forward" zone.  Else
 * one moment in [last_begin, first_end] is enough for all of them.
 */
struct cluster {
	uint64_t value;
	int64_t first_end, last_begin;
	int64_t write_began;
	bool is_written, is_read;
};

struct history *
history_new(void)
{
	return calloc(1, sizeof(struct history));
}

void
history_free(struct history **history)
{
	struct history *old = *history;

	if (old == NULL)
		return;
	*history = NULL;
	free(old->at);
	free(old);
}

static bool
add(struct history *history, struct operation operation)
{
	if (history->count == history->room) {
		size_t room = history->room == 0 ? 256 : history->room * 2;
		struct operation *at = realloc(history->at, room * sizeof(*at));

		if (at == NULL)
			return false;
		history->at = at;
		history->room = room;
	}
	history->at[history->count++] = operation;
	return true;
}

bool
history_write(
    struct history *history, uint32_t reg, uint64_t value, int64_t began, int64_t ended)
{
	return add(history, (struct operation){reg, value, began, ended, true});
}

bool
history_read(
    struct history *history, uint32_t reg, uint64_t value, int64_t began, int64_t ended)
{
	return add(history, (struct operation){reg, value, began, ended, false});
}

static int
by_register(const void *a, const void *b)
{
	const struct operation *x = a, *y = b;

	if (x->reg != y->reg)
		return x->reg < y->reg ? -1 : 1;
	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->began < y->began ? -1 : x->began > y->began;
}

/*
 * Retries of one write: it happened in one of the attempts.  The last answer
 * bounds it only if it came for an attempt; an open one may still be under way,
 * but the value was there once any attempt was acknowledged.
 */
static struct cluster
cluster_of(const struct operation *at, size_t count)
{
	struct cluster cluster = {.value = at->value,
	    .first_end = HISTORY_OPEN,
	    .last_begin = INT64_MIN,
	    .write_began = HISTORY_OPEN};
	int64_t write_ended = HISTORY_OPEN;

	for (size_t i = 0; i < count; i++) {
		if (at[i].is_write) {
			cluster.is_written = true;
			if (at[i].began < cluster.write_began)
				cluster.write_began = at[i].began;
			if (at[i].ended < write_ended)
				write_ended = at[i].ended;
			continue;
		}
		cluster.is_read = true;
		if (at[i].ended < cluster.first_end)
			cluster.first_end = at[i].ended;
		if (at[i].began > cluster.last_begin)
			cluster.last_begin = at[i].began;
	}
	if (cluster.value == 0) {
		/* It was so before anything began. */
		cluster.is_written = true;
		cluster.write_began = write_ended = INT64_MIN;
	}
	if (write_ended < cluster.first_end)
		cluster.first_end = write_ended;
	if (cluster.write_began > cluster.last_begin)
		cluster.last_begin = cluster.write_began;
	return cluster;
}

/* A write that nobody read and that may never have happened bounds nothing. */
static bool
may_be_left_out(const struct cluster *cluster)
{
	return !cluster->is_read && cluster->first_end == HISTORY_OPEN;
}

static bool
is_forward(const struct cluster *cluster)
{
	return cluster->first_end < cluster->last_begin;
}

/* Each needs its zone to itself, but for two that want one moment each. */
static bool
clash(const struct cluster *a, const struct cluster *b)
{
	return (is_forward(a) || is_forward(b)) && a->first_end < b->last_begin &&
	       b->first_end < a->last_begin;
}

static bool
check_register(const struct operation *at, size_t count, struct history_anomaly *anomaly_r)
{
	struct cluster *clusters = calloc(count, sizeof(*clusters));
	size_t cluster_count = 0, begin, end;
	bool is_good = true;

	if (clusters == NULL)
		abort();
	for (begin = 0; begin < count && is_good; begin = end) {
		struct cluster cluster;

		for (end = begin; end < count && at[end].value == at[begin].value; end++)
			;
		cluster = cluster_of(at + begin, end - begin);
		*anomaly_r = (struct history_anomaly){.reg = at->reg, .value = cluster.value};
		if (!cluster.is_written) {
			anomaly_r->what = "a value that nobody wrote was read";
			is_good = false;
		} else if (cluster.first_end < cluster.write_began) {
			anomaly_r->what = "a value was read before it was written";
			is_good = false;
		} else if (!may_be_left_out(&cluster)) {
			clusters[cluster_count++] = cluster;
		}
	}
	for (size_t i = 0; i < cluster_count && is_good; i++) {
		for (size_t j = i + 1; j < cluster_count && is_good; j++) {
			is_good = !clash(&clusters[i], &clusters[j]);
			anomaly_r->value = clusters[i].value;
			anomaly_r->other = clusters[j].value;
			anomaly_r->what = "two writes and their reads have no order";
		}
	}
	free(clusters);
	return is_good;
}

bool
history_check(struct history *history, struct history_anomaly *anomaly_r)
{
	size_t begin, end;

	if (history->count == 0)
		return true;
	qsort(history->at, history->count, sizeof(*history->at), by_register);
	for (begin = 0; begin < history->count; begin = end) {
		for (end = begin;
		     end < history->count && history->at[end].reg == history->at[begin].reg;
		     end++)
			;
		if (!check_register(history->at + begin, end - begin, anomaly_r))
			return false;
	}
	return true;
}
