/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A store with something in it, and what looks after it: see care.h. */
#include "care.h"

static const struct contract_row row = {"care", false, 0};
static const uint8_t owner_id[STORE_ID_SIZE] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
uint8_t care_file_bytes[CARE_FILE_SIZE];
char care_message[CARE_MESSAGE_SIZE];
char care_faults[CARE_FAULTS_MAX][CARE_MESSAGE_SIZE];

void
care_put_chunk(struct store_txn *txn, struct world *world, int64_t collection, const char *uid,
    struct dom_slice data, struct store_staged **staged_r)
{
	assert_status(store_chunk_stage(world->store, owner_id, data, staged_r), DOM_OK);
	assert_status(store_chunk_put(txn, collection, dom_slice_of(uid), *staged_r), DOM_OK);
}

static void
put_revision_of(struct store_txn *txn, int64_t account, int64_t collection)
{
	struct dom_slice uids[] = {dom_slice_of("small"), dom_slice_of("large")};
	struct store_item item = {.uid = dom_slice_of("i1"),
	    .version = 1,
	    .current = {.uid = dom_slice_of("e1"),
	        .meta = dom_slice_of("meta"),
	        .chunks = uids,
	        .chunk_count = 2}};

	assert_status(store_account_tick(txn, account, &item.current.clock), DOM_OK);
	assert_status(store_item_put(txn, collection, &item), DOM_OK);
}

int
care_set_up(void **state)
{
	struct store_staged *small, *large;
	struct store_session session = {.token_hash = {9}, .expires_ms = INT64_MAX};
	struct store_txn *txn;
	struct world *world;
	int64_t account, collection;

	world_row = &row;
	if (world_set_up(state) != 0)
		return -1;
	world = *state;
	txn = write_begin(world);
	account = session.account = add_account(txn, "ana", 1);
	collection = add_collection(txn, "c1", account);
	care_put_chunk(txn, world, collection, "small", dom_slice_of("bytes"), &small);
	care_put_chunk(txn, world, collection, "large",
	    dom_slice(care_file_bytes, CARE_FILE_SIZE), &large);
	put_revision_of(txn, account, collection);
	assert_status(store_session_add(txn, &session), DOM_OK);
	write_commit(world);
	store_staged_free(&small);
	store_staged_free(&large);
	return 0;
}

int
care_remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info;
	(void)kind;
	(void)where;
	return remove(path);
}

void
care_name_beside(const struct world *world, const char *suffix, char path_r[CARE_PATH_SIZE])
{
	snprintf(path_r, CARE_PATH_SIZE, "%s%s", world->folder, suffix);
}

int
care_tear_down(void **state)
{
	static const char *const suffixes[] = {
	    ".backup", ".backup.part", ".second", ".restored"};
	struct world *world = *state;
	char path[CARE_PATH_SIZE];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		care_name_beside(world, suffixes[i], path);
		nftw(path, care_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	}
	return world_tear_down(state);
}

struct store_care
care_of(const char *folder)
{
	return (struct store_care){.folder = folder};
}

uint64_t
care_tick(struct world *world)
{
	uint64_t clock = 0;

	assert_status(store_account_tick(write_begin(world), 1, &clock), DOM_OK);
	write_commit(world);
	return clock;
}

void
care_found(void *context, const char *sentence)
{
	unsigned *count = context;

	if (*count < CARE_FAULTS_MAX)
		snprintf(care_faults[*count], CARE_MESSAGE_SIZE, "%s", sentence);
	++*count;
}

unsigned
care_examine(struct world *world, struct store_fsck_report *report_r)
{
	struct store_care care = care_of(world->folder);
	unsigned count = 0;

	if (store_fsck(&care, care_found, &count, report_r, care_message,
	        sizeof(care_message)) != DOM_OK)
		fail_msg("%s", care_message);
	assert_int_equal(count, report_r->faults);
	return count;
}
