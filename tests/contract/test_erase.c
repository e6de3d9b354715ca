/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What is erased is on no disk.  Two people's rows lie among each other; every
 * value of both is made of markers, of which each is planted once.  One
 * account is erased while the other goes on writing; then every file of the
 * folder is read raw.
 */
#include <dirent.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "../region_key.h"
#include "contract.h"
#include "store/erase.h"

enum {
	ITEMS = 150,
	COLLECTIONS = 5,
	STATEMENTS = 40,
	SESSIONS = 20,
	MARK_SIZE = 12, /* "MK", kind of owner, 9 digits */
	VALUE_SIZE_MAX = 6000,
	STEP_ROWS = 7,
	SEEDS = 8,
};

/* Whose it is: the one that is erased, the other one, what is sealed of either. */
enum planted { GOES = 'g', STAYS = 's', SEALED = 'x' };

static struct {
	unsigned planted[256];
	uint64_t dice;
} marks;

static unsigned
roll(unsigned bound)
{
	marks.dice = marks.dice * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(marks.dice >> 33) % bound;
}

/* A value of about this size that is markers all over, a new one for each. */
static struct dom_slice
mark(struct dom_arena *arena, enum planted whose, size_t size)
{
	size_t count = size < MARK_SIZE ? 1 : size / MARK_SIZE;
	char *text = dom_arena_take(arena, count * MARK_SIZE + 1);

	assert_non_null(text);
	for (size_t i = 0; i < count; i++)
		snprintf(text + i * MARK_SIZE, MARK_SIZE + 1, "MK%c%09u", (int)whose,
		    marks.planted[whose]++);
	return dom_slice(text, count * MARK_SIZE);
}

/* Sizes as they come: most small, some that fill a page, some that overflow. */
static size_t
some_size(void)
{
	unsigned kind = roll(10);

	return kind < 7 ? 12 + roll(120) : kind < 9 ? 200 + roll(1500) : roll(VALUE_SIZE_MAX);
}

struct person {
	int64_t number;
	uint8_t id[STORE_ID_SIZE];
	enum planted whose;
	int64_t collections[COLLECTIONS];
	struct dom_slice uids[COLLECTIONS];
};

static void
plant_account(
    struct store_txn *txn, struct dom_arena *arena, struct person *person, uint8_t tag)
{
	enum planted whose = person->whose;
	struct store_account account = {.name = mark(arena, SEALED, 36),
	    .email = mark(arena, SEALED, 36),
	    .salt = mark(arena, whose, 24),
	    .login_public = mark(arena, whose, 36),
	    .identity_public = mark(arena, whose, 36),
	    .encrypted_content = mark(arena, whose, 132),
	    .statement_public = mark(arena, whose, 36),
	    .initialised = true};

	for (size_t i = 0; i < sizeof(account.id); i++)
		account.id[i] = (uint8_t)(tag + 17 * i);
	memcpy(person->id, account.id, sizeof(person->id));
	assert_status(store_account_add(txn, &account, &person->number), DOM_OK);
	for (unsigned i = 0; i < SESSIONS; i++) {
		struct store_session session = {.account = person->number,
		    .token_hash = {tag, (uint8_t)i},
		    .id = {(uint8_t)i},
		    .expires_ms = INT64_MAX,
		    .device = mark(arena, SEALED, 12 + roll(40))};

		assert_status(store_session_add(txn, &session), DOM_OK);
	}
	for (unsigned i = 0; i < COLLECTIONS; i++) {
		struct store_member member = {.account = person->number,
		    .clock = i + 1,
		    .access_level = 1,
		    .collection_key = mark(arena, whose, 72),
		    .collection_type = mark(arena, whose, 36)};

		person->uids[i] = mark(arena, whose, 36);
		assert_status(store_collection_add(txn, person->uids[i], person->number,
		                  &person->collections[i]),
		    DOM_OK);
		member.collection = person->collections[i];
		assert_status(store_member_add(txn, &member), DOM_OK);
	}
}

static void
plant_statement(
    struct store_txn *txn, struct dom_arena *arena, struct person *person, unsigned serial)
{
	struct store_statement statement = {.serial = serial + 1,
	    .clock = 1000 + serial,
	    .service = mark(arena, person->whose, 12),
	    .bytes = mark(arena, person->whose, some_size()),
	    .signature = mark(arena, person->whose, 64),
	    .receipt = mark(arena, person->whose, 200),
	    .receipt_signature = mark(arena, person->whose, 64)};
	struct store_consent consent = {
	    .service = mark(arena, person->whose, 12 + roll(30)), .serial = serial + 1};
	struct dom_slice type = mark(arena, person->whose, 36);

	assert_status(store_statement_add(txn, person->number, &statement), DOM_OK);
	assert_status(store_consent_set(txn, person->number, &consent, &type, 1), DOM_OK);
}

/* What goes with the account, though it is not in it: invitations, and its erasures. */
static void
plant_around(struct store_txn *txn, struct dom_arena *arena, const struct person *person,
    const struct person *other, uint8_t tag)
{
	struct store_erasure erasure = {.request = {tag},
	    .account = person->number,
	    .state = STORE_ERASURE_ERASED,
	    .service = dom_slice_of("contacts"),
	    .collection_uid = mark(arena, GOES, 36),
	    .item_uid = mark(arena, GOES, 36),
	    .statement_public = mark(arena, GOES, 36),
	    .statement = mark(arena, GOES, some_size()),
	    .signature = mark(arena, GOES, 60),
	    .receipt = mark(arena, STAYS, 200),
	    .receipt_signature = mark(arena, STAYS, 60)};
	int64_t number;

	for (unsigned i = 0; i < 2 * COLLECTIONS; i++) {
		const struct person *sender = i % 2 == 0 ? person : other;
		struct store_invitation invitation = {.uid = mark(arena, GOES, 36),
		    .collection = sender->collections[i / 2],
		    .sender = sender->number,
		    .recipient = i % 2 == 0 ? other->number : person->number,
		    .sender_clock = 1 + i,
		    .clock = 1 + i,
		    .signed_key = mark(arena, GOES, 180)};

		assert_status(store_invitation_add(txn, &invitation), DOM_OK);
	}
	assert_status(store_erasure_add(txn, &erasure, &number), DOM_OK);
}

static void
plant_chunk(struct world *world, struct person *person, int64_t collection, bool in_file,
    struct dom_slice *uid_r)
{
	struct dom_slice data =
	    mark(world->arena, person->whose, in_file ? 70000 : some_size());
	struct store_staged *staged;

	*uid_r = mark(world->arena, person->whose, 48);
	assert_status(store_chunk_stage(world->store, person->id, data, &staged), DOM_OK);
	assert_status(store_chunk_put(write_begin(world), collection, *uid_r, staged), DOM_OK);
	write_commit(world);
	store_staged_free(&staged);
}

/* An item with a chunk or not, and sometimes a revision before the current one. */
static void
plant_item(struct world *world, struct person *person)
{
	int64_t collection = person->collections[roll(COLLECTIONS)];
	struct dom_slice chunk = {0};
	struct store_item item = {.version = 1,
	    .uid = mark(world->arena, person->whose, 36),
	    .encryption_key = mark(world->arena, person->whose, 72),
	    .current = {.uid = mark(world->arena, person->whose, 24),
	        .meta = mark(world->arena, person->whose, some_size()),
	        .chunks = &chunk}};
	struct dom_slice etag;
	struct store_txn *txn;

	if (roll(3) == 0) {
		plant_chunk(world, person, collection, roll(8) == 0, &chunk);
		item.current.chunk_count = 1;
	}
	txn = write_begin(world);
	assert_status(store_account_tick(txn, person->number, &item.current.clock), DOM_OK);
	assert_status(store_item_put(txn, collection, &item), DOM_OK);
	if (roll(2) == 0) {
		assert_status(store_item_etag(
		                  txn, collection, item.uid, world->arena, &item.number, &etag),
		    DOM_OK);
		assert_status(
		    store_account_tick(txn, person->number, &item.current.clock), DOM_OK);
		item.current.uid = mark(world->arena, person->whose, 24);
		item.current.meta = mark(world->arena, person->whose, some_size());
		assert_status(store_item_put(txn, collection, &item), DOM_OK);
	}
	write_commit(world);
}

/* --- the disk ------------------------------------------------------------------- */

static struct {
	unsigned found[256];
	unsigned ids; /* of the erased account, raw or in hexadecimal digits */
	uint8_t id[STORE_ID_SIZE];
} disk;

static void
scan_bytes(const char *bytes, size_t size)
{
	char digits[2 * STORE_ID_SIZE + 1];
	const char *at = bytes, *end = bytes + size;

	while ((at = memmem(at, (size_t)(end - at), "MK", 2)) != NULL) {
		/* Half of a marker is enough to tell, and what a boundary cuts off counts. */
		if (end - at >= MARK_SIZE / 2 && at[3] >= '0' && at[3] <= '9' && at[4] >= '0' &&
		    at[4] <= '9')
			disk.found[(uint8_t)at[2]]++;
		at += 2;
	}
	for (unsigned i = 0; i < STORE_ID_SIZE; i++)
		snprintf(digits + 2 * i, 3, "%02x", disk.id[i]);
	disk.ids += memmem(bytes, size, disk.id, sizeof(disk.id)) != NULL ||
	            memmem(bytes, size, digits, sizeof(digits) - 1) != NULL;
}

static int
scan_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	size_t size = (size_t)info->st_size;
	FILE *file;
	char *bytes;

	(void)where;
	scan_bytes(path, strlen(path));
	if (kind != FTW_F)
		return 0;
	assert_non_null(file = fopen(path, "rb"));
	assert_non_null(bytes = malloc(size + 1));
	size = fread(bytes, 1, size, file);
	scan_bytes(bytes, size);
	free(bytes);
	fclose(file);
	return 0;
}

static void
scan(const struct world *world, const struct person *person)
{
	memset(&disk, 0, sizeof(disk));
	memcpy(disk.id, person->id, sizeof(disk.id));
	assert_int_equal(nftw(world->folder, scan_entry, 16, FTW_PHYS), 0);
}

/* --- erasing ---------------------------------------------------------------------- */

static void
erase_person(struct world *world, struct person *person, struct person *other)
{
	struct store_erased sum = {0};
	struct store_txn *txn = write_begin(world);
	enum dom_status st;

	for (unsigned i = 0; i < COLLECTIONS; i++) {
		assert_status(
		    store_member_remove(txn, person->collections[i], person->number), DOM_OK);
		assert_status(
		    store_removed_put(txn, person->number,
		        &(struct store_removed){.uid = person->uids[i],
		            .clock = 5000 + i,
		            .collection_type = mark(world->arena, person->whose, 36)}),
		    DOM_OK);
		assert_status(store_collection_abandon(txn, person->collections[i], 0), DOM_OK);
	}
	assert_status(store_account_begin_erase(txn, person->number), DOM_OK);
	write_commit(world);
	for (unsigned i = 0; i < COLLECTIONS; i++) {
		for (st = DOM_OK; st == DOM_OK;) {
			st = store_erase_collection(
			    write_begin(world), person->collections[i], STEP_ROWS, &sum);
			assert_true(st >= 0);
			write_commit(world);
			if (roll(4) == 0)
				plant_item(world, other);
		}
	}
	for (st = DOM_OK; st == DOM_OK;) {
		st = store_erase_account(write_begin(world), person->number, STEP_ROWS, &sum);
		assert_true(st >= 0);
		write_commit(world);
	}
	assert_int_equal(sum.collections, COLLECTIONS);
	assert_int_equal(sum.items, ITEMS);
}

static void
a_stolen_disk_names_nobody_and_what_was_erased_is_on_it_nowhere(void **state)
{
	struct world *world = *state;
	struct person ana = {.whose = GOES}, bo = {.whose = STAYS};

	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		marks.dice = seed;
		plant_account(write_begin(world), world->arena, &ana, (uint8_t)(2 * seed));
		write_commit(world);
		plant_account(write_begin(world), world->arena, &bo, (uint8_t)(2 * seed + 1));
		write_commit(world);
		for (unsigned i = 0; i < 2 * ITEMS; i++)
			plant_item(world, i % 2 == 0 ? &ana : &bo);
		plant_around(write_begin(world), world->arena, &ana, &bo, (uint8_t)seed);
		write_commit(world);
		for (unsigned i = 0; i < 2 * STATEMENTS; i++) {
			plant_statement(
			    write_begin(world), world->arena, i % 2 == 0 ? &ana : &bo, i / 2);
			write_commit(world);
		}
		scan(world, &ana);
		assert_true(marks.planted[GOES] > 1000);
		assert_true(disk.found[GOES] > 1000);
		assert_true(disk.ids > 0);
		assert_true(marks.planted[SEALED] > 40);
		assert_int_equal(disk.found[SEALED], 0);
		erase_person(world, &ana, &bo);
		assert_status(store_settle(world->store), DOM_OK);
		scan(world, &ana);
		if (disk.found[GOES] != 0)
			fail_msg("seed %u: %u of %u markers are left", seed, disk.found[GOES],
			    marks.planted[GOES]);
		assert_int_equal(disk.ids, 0);
		assert_true(disk.found[STAYS] > 1000);
		/* Nor does anything come back with what is written next. */
		for (unsigned i = 0; i < 30; i++)
			plant_item(world, &bo);
		scan(world, &ana);
		assert_int_equal(disk.found[GOES], 0);
		assert_int_equal(disk.ids, 0);
		dom_arena_reset(world->arena);
	}
}

/* --- an item's history -------------------------------------------------------------- */

enum { VERSIONS = 5 };

/* Items of which the last version stays and those before go, each with its own chunk. */
static void
plant_versions(struct world *world, struct person *bo, int64_t collection)
{
	for (unsigned i = 0; i < ITEMS * VERSIONS; i++) {
		unsigned version = i % VERSIONS;
		enum planted whose = version == VERSIONS - 1 ? STAYS : GOES;
		struct person planter = {.whose = whose};
		struct dom_slice chunk, etag;
		struct store_item item = {.version = 1, .current = {.chunks = &chunk}};
		struct store_txn *txn;
		char uid[16];

		memcpy(planter.id, bo->id, sizeof(planter.id));
		snprintf(
		    uid, sizeof(uid), "item%u-%" PRIu64, i / VERSIONS, (uint64_t)collection);
		item.uid = dom_slice_of(uid);
		item.current.uid = mark(world->arena, whose, 24);
		item.current.meta = mark(world->arena, whose, some_size());
		if (roll(2) == 0) {
			plant_chunk(world, &planter, collection, roll(8) == 0, &chunk);
			item.current.chunk_count = 1;
		}
		txn = write_begin(world);
		if (version != 0)
			assert_status(store_item_etag(txn, collection, item.uid, world->arena,
			                  &item.number, &etag),
			    DOM_OK);
		assert_status(store_account_tick(txn, bo->number, &item.current.clock), DOM_OK);
		assert_status(store_item_put(txn, collection, &item), DOM_OK);
		write_commit(world);
	}
}

static void
erase_histories(struct world *world, int64_t collection)
{
	struct store_erased sum = {0};
	struct store_chunk_due *due;
	size_t found = 1, done;
	uint64_t clock;

	for (unsigned i = 0; i < ITEMS; i++) {
		enum dom_status st = DOM_OK;

		while (st == DOM_OK) {
			struct store_txn *txn = write_begin(world);
			struct dom_slice etag;
			char uid[16];
			int64_t item;

			snprintf(uid, sizeof(uid), "item%u-%" PRIu64, i, (uint64_t)collection);
			assert_status(store_item_etag(txn, collection, dom_slice_of(uid),
			                  world->arena, &item, &etag),
			    DOM_OK);
			st = store_erase_history(txn, item, UINT64_MAX, STEP_ROWS, &sum);
			assert_true(st >= 0);
			write_commit(world);
		}
	}
	assert_int_equal(sum.revisions, ITEMS * (VERSIONS - 1));
	while (found != 0) {
		assert_status(store_chunks_due(read_begin(world), collection, 0, 50,
		                  world->arena, &due, &found, &clock),
		    DOM_OK);
		read_end(world);
		assert_status(store_erase_chunks(write_begin(world), collection, due, found,
		                  clock, &done, &sum),
		    DOM_OK);
		write_commit(world);
	}
}

static void
what_only_an_items_history_held_is_nowhere(void **state)
{
	struct world *world = *state;
	struct person bo = {.whose = STAYS};

	for (unsigned seed = 1; seed <= SEEDS / 2; seed++) {
		marks.dice = seed;
		plant_account(write_begin(world), world->arena, &bo, (uint8_t)(100 + seed));
		write_commit(world);
		plant_versions(world, &bo, bo.collections[0]);
		scan(world, &bo);
		assert_true(disk.found[GOES] > 1000);
		erase_histories(world, bo.collections[0]);
		assert_status(store_settle(world->store), DOM_OK);
		scan(world, &bo);
		assert_int_equal(disk.found[GOES], 0);
		assert_true(disk.found[STAYS] > 1000);
		dom_arena_reset(world->arena);
	}
}

static const struct contract_row row = {.name = "sqlite", .in_memory = true};

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CONTRACT_CASE(what_only_an_items_history_held_is_nowhere),
	    CONTRACT_CASE(a_stolen_disk_names_nobody_and_what_was_erased_is_on_it_nowhere),
	};

	world_row = &row;
	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
