/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Worlds for the contract's cases. */
#include "contract.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../region_key.h"

const struct contract_row *world_row;

/* A region's time begins here, and goes on as a case says. */
static int64_t
world_clock(void *context)
{
	(void)context;
	return WORLD_BEGAN_MS;
}

void
world_open(struct world *world)
{
	struct store_options options = {
	    .folder = world->folder,
	    .region = "in",
	    .key = test_region_key(),
	    .clock = {world_clock, NULL},
	    .manual = world->row->manual,
	    .chunk_row_size_max = world->row->chunk_row_size_max,
	};
	char message[200] = "";

	if (store_open(&options, &world->store, message, sizeof(message)) != DOM_OK)
		fail_msg("%s", message);
	assert_status(store_reader_open(world->store, &world->reader), DOM_OK);
}

void
world_close(struct world *world)
{
	if (world->held.open)
		write_end(world, DOM_ESTORE);
	store_read_end(&world->reading);
	store_reader_close(&world->reader);
	store_close(&world->store);
}

void
world_reopen(struct world *world)
{
	world_close(world);
	world_open(world);
}

int
world_set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	const char *root;

	assert_non_null(world);
	*state = world;
	world->row = world_row;
	root = world->row->root != NULL ? world->row->root : "/tmp";
	if (world->row->in_memory && access("/dev/shm", W_OK) == 0)
		root = "/dev/shm";
	snprintf(world->folder, sizeof(world->folder), "%s/contract-XXXXXX", root);
	assert_non_null(mkdtemp(world->folder));
	sem_init(&world->held.entered, 0, 0);
	sem_init(&world->held.leave, 0, 0);
	sem_init(&world->held.finished, 0, 0);
	assert_non_null(world->arena = dom_arena_new(0));
	world_open(world);
	return 0;
}

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info;
	(void)kind;
	(void)where;
	return remove(path);
}

int
world_tear_down(void **state)
{
	struct world *world = *state;

	world_close(world);
	nftw(world->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	dom_arena_free(&world->arena);
	sem_destroy(&world->held.entered);
	sem_destroy(&world->held.leave);
	sem_destroy(&world->held.finished);
	free(world);
	return 0;
}

/* --- transactions ----------------------------------------------------------- */

static enum dom_status
held_run(struct store_txn *txn, struct store_job *job)
{
	struct held_job *held = (struct held_job *)job;

	held->txn = txn;
	sem_post(&held->entered);
	sem_wait(&held->leave);
	return held->answer;
}

static void
held_done(struct store_job *job, enum dom_status status)
{
	struct held_job *held = (struct held_job *)job;

	held->outcome = status;
	sem_post(&held->finished);
}

static void *
pump_main(void *store)
{
	while (store_pump(store) == 0)
		;
	return NULL;
}

struct store_txn *
write_begin(struct world *world)
{
	struct held_job *held = &world->held;

	assert_false(held->open);
	held->job = (struct store_job){.run = held_run, .done = held_done};
	assert_status(store_submit(world->store, &held->job), DOM_OK);
	held->open = true;
	held->has_pump = world->row->manual;
	if (held->has_pump)
		assert_int_equal(pthread_create(&held->pump, NULL, pump_main, world->store), 0);
	sem_wait(&held->entered);
	return held->txn;
}

enum dom_status
write_end(struct world *world, enum dom_status answer)
{
	struct held_job *held = &world->held;

	held->answer = answer;
	held->open = false;
	sem_post(&held->leave);
	sem_wait(&held->finished);
	if (held->has_pump)
		pthread_join(held->pump, NULL);
	return held->outcome;
}

void
write_commit(struct world *world)
{
	assert_status(write_end(world, DOM_OK), DOM_OK);
}

struct store_txn *
read_begin(struct world *world)
{
	assert_status(store_read_begin(world->reader, &world->reading), DOM_OK);
	return world->reading;
}

void
read_end(struct world *world)
{
	store_read_end(&world->reading);
}

/* --- rows ------------------------------------------------------------------- */

struct store_account
sample_account(const char *name, uint8_t tag)
{
	struct store_account account = {
	    .created_ms = 1000 + tag,
	    .initialised = true,
	    .name = dom_slice_of(name),
	    .salt = dom_slice_of("salt"),
	    .login_public = dom_slice_of("login"),
	    .identity_public = dom_slice_of("identity"),
	    .encrypted_content = dom_slice_of("content"),
	};

	memset(account.id, tag, sizeof(account.id));
	return account;
}

int64_t
add_account(struct store_txn *txn, const char *name, uint8_t tag)
{
	struct store_account account = sample_account(name, tag);
	int64_t number = 0;

	assert_status(store_account_add(txn, &account, &number), DOM_OK);
	return number;
}

int64_t
add_collection(struct store_txn *txn, const char *uid, int64_t owner)
{
	int64_t number = 0;

	assert_status(store_collection_add(txn, dom_slice_of(uid), owner, &number), DOM_OK);
	return number;
}

enum dom_status
put_item(struct store_txn *txn, int64_t collection, const char *uid, const char *etag,
    uint64_t clock)
{
	struct store_item item = {
	    .uid = dom_slice_of(uid),
	    .version = 1,
	    .current = {.uid = dom_slice_of(etag),
	        .meta = dom_slice_of("meta"),
	        .clock = clock},
	};

	return store_item_put(txn, collection, &item);
}

enum dom_status
put_revision(
    struct store_txn *txn, int64_t collection, int64_t number, const char *etag, uint64_t clock)
{
	struct store_item item = {
	    .number = number,
	    .current = {.uid = dom_slice_of(etag),
	        .meta = dom_slice_of("meta"),
	        .clock = clock},
	};

	return store_item_put(txn, collection, &item);
}

/* --- files ------------------------------------------------------------------ */

static unsigned files_seen;
static char file_seen[256];

static int
see_file(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info;
	(void)where;
	if (kind == FTW_F) {
		files_seen++;
		snprintf(file_seen, sizeof(file_seen), "%s", path);
	}
	return 0;
}

unsigned
count_files(const struct world *world)
{
	char chunks[80];

	snprintf(chunks, sizeof(chunks), "%s/chunks", world->folder);
	files_seen = 0;
	file_seen[0] = '\0';
	nftw(chunks, see_file, 16, FTW_PHYS);
	return files_seen;
}

void
find_file(const struct world *world, char *path_r, size_t size)
{
	assert_int_not_equal(count_files(world), 0);
	snprintf(path_r, size, "%s", file_seen);
}
