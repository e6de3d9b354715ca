/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Sweeps against a model: people write, time passes, and after every sweep what
 * is left is what a few lines over all that was ever written say.
 */
#include "sweeping.h"

enum {
	COLLECTIONS = 3,
	ITEMS = 12, /* in each */
	REVISIONS_MAX = 4000,
	CHUNKS_MAX = 4000,
	ROUNDS = 120,
};

struct model_revision {
	unsigned collection, item, chunks[2];
	size_t chunk_count;
	int64_t replaced_ms; /* 0: current */
	bool is_gone;
};
struct model_chunk {
	unsigned collection;
	int64_t stored_ms;
	bool is_loosened; /* a revision that named it is gone */
	bool is_gone;
};

static struct model_revision revisions[REVISIONS_MAX];
static struct model_chunk chunks[CHUNKS_MAX];
static unsigned revision_count, chunk_count;
static uint64_t seed;

static unsigned
draw(unsigned bound)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((seed >> 33) % bound);
}

static struct model_revision *
current_of(unsigned collection, unsigned number)
{
	for (unsigned i = revision_count; i-- > 0;)
		if (revisions[i].collection == collection && revisions[i].item == number)
			return &revisions[i];
	return NULL;
}

static unsigned
new_chunk(unsigned collection)
{
	assert_true(chunk_count < CHUNKS_MAX);
	chunks[chunk_count] =
	    (struct model_chunk){.collection = collection, .stored_ms = region_time()};
	return chunk_count++;
}

/* A new revision, with a chunk of its own and perhaps one that is there. */
static void
revise_one(unsigned collection, unsigned number)
{
	struct model_revision *last = current_of(collection, number), *made;
	struct wire_item one;
	struct wire_chunk list[2];

	assert_true(revision_count < REVISIONS_MAX);
	made = &revisions[revision_count];
	*made = (struct model_revision){.collection = collection, .item = number};
	one =
	    item(number, 'r', last == NULL ? NULL : uid('r', (unsigned)(last - revisions) + 1));
	one.content.uid = dom_slice_of(uid('r', ++revision_count));
	made->chunks[made->chunk_count++] = new_chunk(collection);
	list[0] = (struct wire_chunk){.uid = dom_slice_of(uid('k', made->chunks[0] + 1)),
	    .content = dom_slice_of("content")};
	for (unsigned i = draw(chunk_count); i < chunk_count && made->chunk_count < 2; i++) {
		if (chunks[i].is_gone || chunks[i].collection != collection ||
		    i == made->chunks[0])
			continue;
		made->chunks[made->chunk_count++] = i;
		list[1] = (struct wire_chunk){.uid = dom_slice_of(uid('k', i + 1))};
	}
	one.content.chunks = list;
	one.content.chunk_count = made->chunk_count;
	assert_int_equal(
	    put(&house.ana, SERVICE_ITEM_TRANSACTION, collection, &one, 1), SERVICE_DONE);
	if (last != NULL)
		last->replaced_ms = region_time();
}

static void
put_loose(unsigned collection)
{
	ask(SERVICE_CHUNK_PUT, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', collection));
	house.request.item_uid = dom_slice_of(uid('i', 1));
	house.request.chunk_uid = dom_slice_of(uid('k', new_chunk(collection) + 1));
	house.request.body = dom_slice_of("loose");
	assert_int_equal(send(), SERVICE_DONE);
}

/* --- the few lines ------------------------------------------------------------------ */

static const int64_t history_days[COLLECTIONS + 1] = {0, 40, 10, 25}, chunk_days = 7;

static bool
is_named(unsigned chunk)
{
	for (unsigned i = 0; i < revision_count; i++)
		for (size_t j = 0; !revisions[i].is_gone && j < revisions[i].chunk_count; j++)
			if (revisions[i].chunks[j] == chunk)
				return true;
	return false;
}

static void
model_sweep(void)
{
	int64_t time_ms = region_time();

	for (unsigned i = 0; i < revision_count; i++) {
		struct model_revision *it = &revisions[i];

		if (it->is_gone || it->replaced_ms == 0 ||
		    it->replaced_ms >= time_ms - history_days[it->collection] * day_ms)
			continue;
		it->is_gone = true;
		for (size_t j = 0; j < it->chunk_count; j++)
			chunks[it->chunks[j]].is_loosened = true;
	}
	for (unsigned i = 0; i < chunk_count; i++) {
		struct model_chunk *it = &chunks[i];

		if (is_named(i))
			it->is_loosened = false;
		else if (it->is_loosened || it->stored_ms < time_ms - chunk_days * day_ms)
			it->is_gone = true;
	}
}

static void
compare(void)
{
	struct store_counts found = counts();
	uint64_t revisions_left = COLLECTIONS, chunks_left = 0; /* with the main items' own */

	for (unsigned i = 0; i < revision_count; i++)
		revisions_left += !revisions[i].is_gone;
	for (unsigned i = 0; i < chunk_count; i++)
		chunks_left += !chunks[i].is_gone;
	assert_int_equal(found.revisions, revisions_left);
	assert_int_equal(found.chunks, chunks_left);
}

/* Every chunk, one by one, is there or not as the model says. */
static void
compare_chunks(void)
{
	for (unsigned i = 0; i < chunk_count; i++) {
		ask(SERVICE_CHUNK_GET, &house.ana);
		house.request.collection_uid = dom_slice_of(uid('c', chunks[i].collection));
		house.request.item_uid = dom_slice_of(uid('i', 1));
		house.request.chunk_uid = dom_slice_of(uid('k', i + 1));
		assert_int_equal(
		    send(), chunks[i].is_gone ? SERVICE_DOES_NOT_EXIST : SERVICE_DONE);
	}
}

static void
after_every_sweep_what_is_left_is_what_the_model_says(void **state)
{
	(void)state;
	seed = 20261121;
	revision_count = chunk_count = 0;
	start();
	assert_int_equal(consent(&house.ana, "calendar", "type two"), SERVICE_DONE);
	assert_int_equal(consent(&house.ana, "tasks", "type three"), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 2, "type two"), SERVICE_DONE);
	assert_int_equal(create(&house.ana, 3, "type three"), SERVICE_DONE);
	RULES("history all at-most P40D", "history calendar at-most P10D",
	    "history tasks at-most P25D", "history tasks at-least P20D an Act");
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned writes = draw(8); writes != 0; writes--)
			revise_one(1 + draw(COLLECTIONS), 1 + draw(ITEMS));
		if (draw(3) == 0)
			put_loose(1 + draw(COLLECTIONS));
		pass(day_ms + (int64_t)draw(100) * 3600 * 1000);
		sweep();
		model_sweep();
		compare();
	}
	compare_chunks();
	assert_true(figures()->removed[RETENTION_HISTORY] > 100);
	assert_true(figures()->removed[RETENTION_CHUNKS] > 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RTEST(after_every_sweep_what_is_left_is_what_the_model_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
