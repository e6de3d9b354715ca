/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Chunks in rows and in files. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/digest.h"

#include "contract.h"

static const uint8_t owner_id[STORE_ID_SIZE] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

static int64_t
chunk_world(struct world *world)
{
	struct store_txn *txn = write_begin(world);
	int64_t number = add_collection(txn, "c1", add_account(txn, "ana", 1));

	write_commit(world);
	return number;
}

static struct store_staged *
stage(struct world *world, struct dom_slice data)
{
	struct store_staged *staged;

	assert_status(store_chunk_stage(world->store, owner_id, data, &staged), DOM_OK);
	assert_non_null(staged);
	return staged;
}

static void
put_chunk(struct world *world, int64_t collection, const char *uid, struct dom_slice data)
{
	struct store_staged *staged = stage(world, data);
	struct store_txn *txn = write_begin(world);

	assert_status(store_chunk_put(txn, collection, dom_slice_of(uid), staged), DOM_OK);
	write_commit(world);
	store_staged_free(&staged);
	assert_null(staged);
}

static bool
in_files(const struct world *world)
{
	return world->row->chunk_row_size_max == 1;
}

static void
chunks_of_every_size_come_back_after_a_restart(void **state)
{
	static const size_t sizes[] = {
	    0, 1, 2, 4096, STORE_CHUNK_ROW_SIZE_MAX, STORE_CHUNK_ROW_SIZE_MAX + 1, 3 << 20};
	enum { SIZE_COUNT = sizeof(sizes) / sizeof(sizes[0]) };
	struct world *world = *state;
	int64_t collection = chunk_world(world);
	uint8_t *bytes = malloc(3 << 20);
	struct store_counts counts;
	struct store_txn *txn;
	struct dom_slice found;
	struct dom_buffer body = {0};
	uint64_t size, total = 0;
	char uid[8];

	assert_non_null(bytes);
	for (size_t i = 0; i < 3 << 20; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 251);
	for (size_t i = 0; i < SIZE_COUNT; i++) {
		snprintf(uid, sizeof(uid), "k%zu", i);
		put_chunk(world, collection, uid, dom_slice(bytes, sizes[i]));
		total += sizes[i];
	}
	assert_int_equal(count_files(world), in_files(world) ? 5 : 2);
	world_reopen(world);
	txn = read_begin(world);
	for (size_t i = 0; i < SIZE_COUNT; i++) {
		struct dom_slice key;

		snprintf(uid, sizeof(uid), "k%zu", i);
		key = dom_slice_of(uid);
		assert_status(store_chunk_has(txn, collection, key), DOM_OK);
		assert_status(store_chunk_size(txn, collection, key, &size), DOM_OK);
		assert_int_equal(size, sizes[i]);
		assert_status(
		    store_chunk_get(txn, collection, key, world->arena, &found), DOM_OK);
		assert_true(dom_slice_equal(found, dom_slice(bytes, sizes[i])));
		assert_non_null(found.data);
		dom_buffer_append_text(&body, "before");
		assert_status(
		    store_chunk_append(txn, collection, key, world->arena, &body), DOM_OK);
		assert_int_equal(body.size, 6 + sizes[i]);
		assert_memory_equal(body.data, "before", 6);
		assert_memory_equal(body.data + 6, bytes, sizes[i]);
		dom_buffer_clear(&body);
	}
	dom_buffer_free(&body);
	assert_status(store_count(txn, &counts), DOM_OK);
	assert_int_equal(counts.chunks, SIZE_COUNT);
	assert_int_equal(counts.chunk_bytes, total);
	free(bytes);
}

static void
a_chunk_is_looked_up_within_its_collection_only(void **state)
{
	struct world *world = *state;
	int64_t collection = chunk_world(world);
	struct dom_slice uid = dom_slice_of("k1"), found;
	struct store_staged *staged;
	struct store_txn *txn;
	uint64_t size;

	put_chunk(world, collection, "k1", dom_slice_of("data"));
	txn = read_begin(world);
	assert_status(store_chunk_has(txn, collection + 1, uid), DOM_ABSENT);
	assert_status(store_chunk_size(txn, collection + 1, uid, &size), DOM_ABSENT);
	assert_status(
	    store_chunk_get(txn, collection + 1, uid, world->arena, &found), DOM_ABSENT);
	assert_status(store_chunk_has(txn, collection, dom_slice_of("k2")), DOM_ABSENT);
	read_end(world);
	staged = stage(world, dom_slice_of("data"));
	txn = write_begin(world);
	assert_status(store_chunk_put(txn, 99, uid, staged), DOM_ABSENT);
	write_commit(world);
	store_staged_free(&staged);
	assert_int_equal(count_files(world), in_files(world) ? 1 : 0);
}

static void
a_chunk_is_never_replaced(void **state)
{
	struct world *world = *state;
	int64_t collection = chunk_world(world);
	uint8_t digest[DOM_SHA256_SIZE];
	struct store_staged *staged;
	struct dom_slice found;
	struct store_txn *txn;

	put_chunk(world, collection, "k1", dom_slice_of("first"));
	staged = stage(world, dom_slice_of("second"));
	assert_status(dom_sha256(dom_slice_of("second"), digest), DOM_OK);
	assert_memory_equal(store_staged_digest(staged), digest, sizeof(digest));
	txn = write_begin(world);
	assert_status(
	    store_chunk_put(txn, collection, dom_slice_of("k1"), staged), DOM_CONFLICT);
	assert_status(
	    store_chunk_get(txn, collection, dom_slice_of("k1"), world->arena, &found), DOM_OK);
	assert_slice(found, "first");
	write_commit(world);
	store_staged_free(&staged);
	assert_int_equal(count_files(world), in_files(world) ? 1 : 0);
}

static void
a_staged_chunk_that_no_job_keeps_leaves_nothing(void **state)
{
	struct world *world = *state;
	int64_t collection = chunk_world(world);
	struct store_staged *never = stage(world, dom_slice_of("never"));
	struct store_staged *undone = stage(world, dom_slice_of("undone"));
	struct store_txn *txn = write_begin(world);

	assert_int_equal(count_files(world), in_files(world) ? 2 : 0);
	assert_status(store_chunk_put(txn, collection, dom_slice_of("k1"), undone), DOM_OK);
	assert_status(store_chunk_has(txn, collection, dom_slice_of("k1")), DOM_OK);
	assert_status(write_end(world, DOM_EDENIED), DOM_EDENIED);
	store_staged_free(&never);
	store_staged_free(&undone);
	assert_int_equal(count_files(world), 0);
	txn = read_begin(world);
	assert_status(store_chunk_has(txn, collection, dom_slice_of("k1")), DOM_ABSENT);
}

static void
a_chunk_that_a_job_undid_can_be_put_by_another(void **state)
{
	struct world *world = *state;
	int64_t collection = chunk_world(world);
	struct store_staged *staged = stage(world, dom_slice_of("data"));
	struct dom_slice uid = dom_slice_of("k1"), found;
	struct store_txn *txn = write_begin(world);

	assert_status(store_chunk_put(txn, collection, uid, staged), DOM_OK);
	assert_status(write_end(world, DOM_ELIMIT), DOM_ELIMIT);
	txn = write_begin(world);
	assert_status(store_chunk_put(txn, collection, uid, staged), DOM_OK);
	write_commit(world);
	store_staged_free(&staged);
	txn = read_begin(world);
	assert_status(store_chunk_get(txn, collection, uid, world->arena, &found), DOM_OK);
	assert_slice(found, "data");
}

static void
only_large_chunks_block_when_staged(void **state)
{
	struct world *world = *state;
	size_t limit = in_files(world) ? 1 : STORE_CHUNK_ROW_SIZE_MAX;

	assert_false(store_chunk_stage_blocks(world->store, 0));
	assert_false(store_chunk_stage_blocks(world->store, limit));
	assert_true(store_chunk_stage_blocks(world->store, limit + 1));
}

/* What a damaged disk does to the one chunk's file. */
static enum dom_status
get_after(struct world *world, void (*damage)(const char *path))
{
	int64_t collection = chunk_world(world);
	struct dom_slice found;
	struct dom_buffer body = {0};
	enum dom_status st;
	char path[256];
	uint8_t bytes[STORE_CHUNK_ROW_SIZE_MAX + 1] = {3};

	put_chunk(world, collection, "k1", dom_slice(bytes, sizeof(bytes)));
	find_file(world, path, sizeof(path));
	damage(path);
	st = store_chunk_append(
	    read_begin(world), collection, dom_slice_of("k1"), world->arena, &body);
	assert_int_equal(body.size, 0);
	dom_buffer_free(&body);
	assert_status(store_chunk_get(
	                  world->reading, collection, dom_slice_of("k1"), world->arena, &found),
	    st);
	return st;
}

static void
flip(const char *path)
{
	FILE *file = fopen(path, "r+b");

	assert_non_null(file);
	fseek(file, 500, SEEK_SET);
	fputc(1, file);
	fclose(file);
}

static void
shorten(const char *path)
{
	assert_int_equal(truncate(path, 500), 0);
}

static void
lose(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static void
a_chunk_that_comes_in_pieces_is_the_same_chunk(void **state)
{
	struct world *world = *state;
	int64_t collection = chunk_world(world);
	static uint8_t bytes[3 * STORE_CHUNK_ROW_SIZE_MAX + 5];
	struct store_staged *staged, *left;
	struct dom_slice found;
	enum dom_status st;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 3 + i / 256);
	assert_status(store_chunk_stage_begin(world->store, owner_id, &staged), DOM_OK);
	for (size_t at = 0; at < sizeof(bytes); at += 1001)
		assert_status(store_chunk_stage_add(staged,
		                  dom_slice(bytes + at,
		                      sizeof(bytes) - at < 1001 ? sizeof(bytes) - at : 1001)),
		    DOM_OK);
	assert_status(store_chunk_stage_end(staged), DOM_OK);
	/* One that never came to its end leaves nothing. */
	assert_status(store_chunk_stage_begin(world->store, owner_id, &left), DOM_OK);
	assert_status(store_chunk_stage_add(left, dom_slice(bytes, 1001)), DOM_OK);
	assert_int_equal(count_files(world), 2);
	store_staged_free(&left);
	assert_int_equal(count_files(world), 1);
	st = store_chunk_put(write_begin(world), collection, dom_slice_of("k1"), staged);
	assert_status(write_end(world, st), DOM_OK);
	store_staged_free(&staged);
	/* The digest is checked when it is read. */
	assert_status(store_chunk_get(read_begin(world), collection, dom_slice_of("k1"),
	                  world->arena, &found),
	    DOM_OK);
	assert_int_equal(found.size, sizeof(bytes));
	assert_memory_equal(found.data, bytes, sizeof(bytes));
	read_end(world);
}

/* Freed once their job is over. */
static struct store_staged *small[16];
static size_t small_count;

static uint64_t
put_small(struct world *world, struct store_txn *txn, int64_t collection, const char *uid,
    const char *data)
{
	struct store_staged *staged = stage(world, dom_slice_of(data));

	assert_true(small_count < sizeof(small) / sizeof(small[0]));
	small[small_count++] = staged;
	assert_status(store_chunk_put(txn, collection, dom_slice_of(uid), staged), DOM_OK);
	return store_chunk_usage(txn)->chunk_bytes;
}

static void
free_small(void)
{
	while (small_count != 0)
		store_staged_free(&small[--small_count]);
}

static void
assert_usage(struct world *world, int64_t account, uint64_t expected)
{
	struct store_usage usage;

	assert_status(store_account_usage(read_begin(world), account, &usage), DOM_OK);
	read_end(world);
	assert_int_equal(usage.chunk_bytes, expected);
}

/* However many chunks a job puts, and by turns where. */
static void
what_a_job_puts_counts_for_the_owners_of_the_collections(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2);
	int64_t first = add_collection(txn, "c1", ana), second = add_collection(txn, "c2", ana);
	int64_t other = add_collection(txn, "c3", bo);
	struct store_usage usage;

	assert_int_equal(put_small(world, txn, first, "k1", "1"), 1);
	assert_int_equal(put_small(world, txn, first, "k2", "22"), 3);
	assert_int_equal(put_small(world, txn, second, "k1", "4444"), 7);
	assert_int_equal(put_small(world, txn, other, "k1", "88888888"), 8);
	assert_int_equal(put_small(world, txn, other, "k2", ""), 8);
	assert_int_equal(put_small(world, txn, other, "k3", "1"), 9);
	assert_int_equal(put_small(world, txn, first, "k3", "1"), 8);
	assert_int_equal(put_small(world, txn, first, "k4", "1"), 9);
	assert_status(store_account_usage(txn, ana, &usage), DOM_OK);
	assert_int_equal(usage.chunk_bytes, 9);
	assert_int_equal(put_small(world, txn, first, "k5", "1"), 10);
	write_commit(world);
	free_small();
	assert_usage(world, ana, 10);
	assert_usage(world, bo, 9);
	/* The next begins where this one ended; what is undone counts for nobody. */
	txn = write_begin(world);
	assert_int_equal(put_small(world, txn, first, "k6", "1"), 11);
	assert_int_equal(put_small(world, txn, first, "k7", "1"), 12);
	write_end(world, DOM_EDENIED);
	free_small();
	assert_usage(world, ana, 10);
	txn = write_begin(world);
	assert_int_equal(put_small(world, txn, second, "k2", "22"), 12);
	assert_int_equal(put_small(world, txn, second, "k3", "22"), 14);
	write_commit(world);
	free_small();
	assert_usage(world, ana, 14);
}

static void
a_changed_file_is_noticed(void **state)
{
	assert_status(get_after(*state, flip), DOM_EINTEGRITY);
}

static void
a_shortened_file_is_noticed(void **state)
{
	assert_status(get_after(*state, shorten), DOM_EINTEGRITY);
}

static void
a_lost_file_is_noticed(void **state)
{
	assert_status(get_after(*state, lose), DOM_EINTEGRITY);
}

static enum dom_status
get_once(struct world *world, int64_t collection, const char *uid)
{
	struct dom_slice found;
	enum dom_status st = store_chunk_get(
	    read_begin(world), collection, dom_slice_of(uid), world->arena, &found);

	read_end(world);
	return st;
}

/* What was good when it was read before is looked at again, every time. */
static void
a_file_that_changes_after_it_was_read_is_noticed(void **state)
{
	struct world *world = *state;
	int64_t collection = chunk_world(world);
	uint8_t bytes[STORE_CHUNK_ROW_SIZE_MAX + 1] = {3};
	char path[256], last[256];
	FILE *file;

	put_chunk(world, collection, "k1", dom_slice(bytes, sizeof(bytes)));
	find_file(world, path, sizeof(path));
	for (unsigned i = 0; i < 3; i++)
		assert_status(get_once(world, collection, "k1"), DOM_OK);
	flip(path);
	for (unsigned i = 0; i < 3; i++)
		assert_status(get_once(world, collection, "k1"), DOM_EINTEGRITY);
	assert_non_null(file = fopen(path, "r+b"));
	assert_int_equal(fwrite(bytes, 1, sizeof(bytes), file), sizeof(bytes));
	fclose(file);
	assert_status(get_once(world, collection, "k1"), DOM_OK);
	/* Another chunk's bytes are good ones, but not this chunk's. */
	bytes[0]++;
	assert_int_equal(rename(path, strcat(strcpy(last, path), "-")), 0);
	put_chunk(world, collection, "k2", dom_slice(bytes, sizeof(bytes)));
	assert_status(get_once(world, collection, "k2"), DOM_OK);
	assert_non_null(file = fopen(path, "wb"));
	assert_int_equal(fwrite(bytes, 1, sizeof(bytes), file), sizeof(bytes));
	fclose(file);
	assert_status(get_once(world, collection, "k1"), DOM_EINTEGRITY);
	assert_int_equal(rename(last, path), 0);
	assert_status(get_once(world, collection, "k1"), DOM_OK);
	shorten(path);
	assert_status(get_once(world, collection, "k1"), DOM_EINTEGRITY);
	lose(path);
	assert_status(get_once(world, collection, "k1"), DOM_EINTEGRITY);
}

static void
what_a_crash_left_is_swept_and_nothing_else(void **state)
{
	struct world *world = *state;
	int64_t collection = chunk_world(world);
	uint8_t bytes[STORE_CHUNK_ROW_SIZE_MAX + 1] = {3};
	char path[256], other[300];
	struct dom_slice found;
	char *name;

	put_chunk(world, collection, "k1", dom_slice(bytes, sizeof(bytes)));
	find_file(world, path, sizeof(path));
	name = strrchr(path, '/') + 1;
	snprintf(other, sizeof(other), "%.*s.new-%s", (int)(name - path), path, name);
	assert_int_equal(link(path, other), 0); /* unfinished */
	snprintf(other, sizeof(other), "%s", path);
	other[strlen(other) - 1] = other[strlen(other) - 1] == '0' ? '1' : '0';
	assert_int_equal(link(path, other), 0); /* no row has it */
	snprintf(other, sizeof(other), "%.*sREADME", (int)(name - path), path);
	assert_int_equal(link(path, other), 0); /* not ours */
	assert_int_equal(count_files(world), 4);
	world_reopen(world);
	assert_int_equal(count_files(world), 2);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(access(other, F_OK), 0);
	assert_status(store_chunk_get(read_begin(world), collection, dom_slice_of("k1"),
	                  world->arena, &found),
	    DOM_OK);
}

static void
files_are_for_their_owner_only(void **state)
{
	struct world *world = *state;
	uint8_t bytes[STORE_CHUNK_ROW_SIZE_MAX + 1] = {3};
	char path[256];
	struct stat info;

	put_chunk(world, chunk_world(world), "k1", dom_slice(bytes, sizeof(bytes)));
	find_file(world, path, sizeof(path));
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	while (strlen(path) > strlen(world->folder)) {
		*strrchr(path, '/') = '\0';
		assert_int_equal(stat(path, &info), 0);
		assert_int_equal(info.st_mode & 07777, 0700);
	}
}

const struct CMUnitTest chunk_cases[] = {
    CONTRACT_CASE(chunks_of_every_size_come_back_after_a_restart),
    CONTRACT_CASE(a_chunk_is_looked_up_within_its_collection_only),
    CONTRACT_CASE(a_chunk_is_never_replaced),
    CONTRACT_CASE(a_staged_chunk_that_no_job_keeps_leaves_nothing),
    CONTRACT_CASE(a_chunk_that_a_job_undid_can_be_put_by_another),
    CONTRACT_CASE(only_large_chunks_block_when_staged),
    CONTRACT_CASE(a_chunk_that_comes_in_pieces_is_the_same_chunk),
    CONTRACT_CASE(what_a_job_puts_counts_for_the_owners_of_the_collections),
    CONTRACT_CASE(a_changed_file_is_noticed),
    CONTRACT_CASE(a_shortened_file_is_noticed),
    CONTRACT_CASE(a_lost_file_is_noticed),
    CONTRACT_CASE(a_file_that_changes_after_it_was_read_is_noticed),
    CONTRACT_CASE(what_a_crash_left_is_swept_and_nothing_else),
    CONTRACT_CASE(files_are_for_their_owner_only),
};
const size_t chunk_case_count = sizeof(chunk_cases) / sizeof(chunk_cases[0]);
