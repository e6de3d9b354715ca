/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A journal in memory, and requests to erase. */
#include "erasing.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

struct memory_journal memory_journal;
uint8_t request[STORE_REQUEST_SIZE];
struct service_changes changes;
struct erasure_ordered ordered;
int64_t ana_number;

/* --- the journal ------------------------------------------------------------------ */

static uint64_t
count_entries(void *context)
{
	const struct memory_journal *journal = context;

	return journal->count;
}

static enum dom_status
read_entry(void *context, uint64_t number, struct journal_entry *entry_r)
{
	const struct memory_journal *journal = context;

	assert_true(number >= 1 && number <= journal->count);
	*entry_r = journal->entries[number - 1];
	return DOM_OK;
}

static enum dom_status
append_entries(void *context, const struct journal_entry *entries, size_t count)
{
	struct memory_journal *journal = context;

	for (size_t i = 0; i < count; i++) {
		if (journal->stops_after == 0)
			return DOM_EFILE;
		journal->stops_after -= journal->stops_after > 0;
		assert_true(journal->count < JOURNAL_MAX);
		journal->entries[journal->count] = entries[i];
		journal->count++;
		journal->entries[journal->count - 1].number = journal->count;
	}
	return journal->stops_after == 0 ? DOM_EFILE : DOM_OK;
}

struct journal
journal_in_memory(void)
{
	return (struct journal){.count = count_entries,
	    .read = read_entry,
	    .append = append_entries,
	    .context = &memory_journal};
}

/* --- requests ---------------------------------------------------------------------- */

static void
fill_collection(const struct person *person, unsigned collection, const char *type)
{
	struct wire_item items[ITEMS];

	assert_int_equal(create(person, collection, type), SERVICE_DONE);
	for (unsigned i = 0; i < ITEMS; i++)
		items[i] = item(i + 1, 'a', NULL);
	assert_int_equal(
	    put(person, SERVICE_ITEM_BATCH, collection, items, ITEMS), SERVICE_DONE);
}

void
two_services(void)
{
	memory_journal = (struct memory_journal){.stops_after = -1};
	turn_on(&house.ana);
	turn_on(&house.bob);
	sign_up(&house.cyd);
	assert_int_equal(consent(&house.ana, "calendar", "type two"), SERVICE_DONE);
	fill_collection(&house.ana, 1, "type one");
	fill_collection(&house.ana, 2, "type two");
	ana_number = number_of("ana");
}

int64_t
number_of(const char *name)
{
	struct store_account account;
	struct store_txn *txn;
	enum dom_status st;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	st = store_account_by_name(txn, dom_slice_of(name), house.arena, &account);
	store_read_end(&txn);
	assert_int_equal(st, DOM_OK);
	return account.number;
}

static enum dom_status
run_begin(struct store_txn *txn, void *context)
{
	struct erasure_order *order = context;
	struct store_account account;
	enum dom_status st;

	changes = (struct service_changes){0};
	if (store_account_by_number(txn, order->account, house.arena, &account) == DOM_OK)
		order->clock = account.clock;
	if (order->scope == WIRE_SCOPE_SERVICE &&
	    (st = store_consent_clear(txn, order->account, order->service)) < 0)
		return st;
	st = erasure_begin(txn, house.arena, order, &changes);
	/* An answer must not keep what was written before it: as the callers do. */
	return st > 0 ? DOM_EDENIED - st : st;
}

enum dom_status
begin_erasing(int scope, int64_t account, const char *service, const char *collection,
    const char *item_uid)
{
	struct erasure_order order = {.scope = scope,
	    .account = account,
	    .service = dom_slice_of(service),
	    .collection_uid = dom_slice_of(collection),
	    .item_uid = dom_slice_of(item_uid),
	    .requested_ms = house.now_ms};
	enum dom_status st;

	dom_random_fill(&house.service.random, request, sizeof(request));
	memcpy(order.request, request, sizeof(request));
	st = store_write(house.store, run_begin, &order);
	return st < DOM_EDENIED && st >= DOM_EDENIED - DOM_CONFLICT ? DOM_EDENIED - st : st;
}

enum dom_status
erase_service(const struct person *person, const char *service)
{
	return begin_erasing(WIRE_SCOPE_SERVICE, number_of(person->name), service, "", "");
}

enum dom_status
erase_account(const struct person *person)
{
	return begin_erasing(WIRE_SCOPE_ACCOUNT, number_of(person->name), "", "", "");
}

static enum dom_status
run_order(struct store_txn *txn, void *context)
{
	enum dom_status st = erasure_order_name(
	    &house.service, txn, dom_slice_of(context), house.arena, &ordered, &changes);

	return st > 0 ? DOM_EDENIED - st : st;
}

enum dom_status
order_account(const char *name)
{
	char text[32];
	enum dom_status st;

	snprintf(text, sizeof(text), "%s", name);
	st = store_write(house.store, run_order, text);
	memcpy(request, ordered.request, sizeof(request));
	return st < DOM_EDENIED && st >= DOM_EDENIED - DOM_CONFLICT ? DOM_EDENIED - st : st;
}

/* --- the keeper ---------------------------------------------------------------------- */

void
finish_all(void)
{
	const struct keeper_options options = {
	    .service = &house.service, .store = house.store, .journal = journal_in_memory()};
	struct keeper *keeper;

	assert_int_equal(keeper_open(&options, &keeper), DOM_OK);
	assert_int_equal(keeper_finish(keeper, 0), DOM_OK);
	keeper_close(&keeper);
}

struct store_erasure
the_erasure(void)
{
	struct store_erasure row;
	struct store_txn *txn;
	enum dom_status st;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	st = store_erasure_find(txn, request, house.arena, &row);
	store_read_end(&txn);
	assert_int_equal(st, DOM_OK);
	return row;
}

struct store_counts
count_all(void)
{
	struct store_counts counts;
	struct store_txn *txn;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(store_count(txn, &counts), DOM_OK);
	store_read_end(&txn);
	return counts;
}

size_t
abandoned_of(const char *name)
{
	int64_t number = number_of(name);
	struct store_owned *rows;
	struct store_txn *txn;
	size_t count, abandoned = 0;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(
	    store_collections_owned(txn, number, 0, 100, house.arena, &rows, &count), DOM_OK);
	store_read_end(&txn);
	for (size_t i = 0; i < count; i++)
		abandoned += rows[i].abandoned;
	return abandoned;
}

enum service_code
read_collection(const struct person *person, unsigned collection)
{
	ask(SERVICE_COLLECTION_GET, person);
	house.request.collection_uid = dom_slice_of(uid('c', collection));
	return send();
}

void
write_revisions(unsigned count)
{
	const char *etag = uid('a', 1);

	for (unsigned i = 0; i < count; i++) {
		struct wire_item one = item(1, 'a', etag);

		one.content.uid = dom_slice_of(uid('r', i + 1));
		assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_DONE);
		etag = uid('r', i + 1);
	}
}

size_t
revisions_of(const struct person *person, unsigned collection, unsigned number)
{
	struct wire_list list;

	ask(SERVICE_ITEM_REVISIONS, person);
	house.request.collection_uid = dom_slice_of(uid('c', collection));
	house.request.item_uid = dom_slice_of(uid('i', number));
	assert_int_equal(send(), SERVICE_DONE);
	assert_int_equal(wire_list_decode(dom_buffer_slice(&house.reply.body),
	                     WIRE_LIST_REVISIONS, house.arena, &list),
	    DOM_OK);
	return list.count;
}

void
put_with_chunk(char revision, unsigned chunk, const char *etag)
{
	struct wire_chunk chunks[] = {{.uid = dom_slice_of(uid('k', chunk)),
	    .content = dom_slice_of("what the chunk holds")}};
	struct wire_item one = item(50, revision, etag);

	one.content.chunks = chunks;
	one.content.chunk_count = 1;
	assert_int_equal(put(&house.ana, SERVICE_ITEM_BATCH, 1, &one, 1), SERVICE_DONE);
}

enum service_code
read_chunk(const struct person *person, unsigned chunk)
{
	ask(SERVICE_CHUNK_GET, person);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	house.request.item_uid = dom_slice_of(uid('i', 50));
	house.request.chunk_uid = dom_slice_of(uid('k', chunk));
	return send();
}

/* --- what a crash, or a backup, leaves ------------------------------------------------- */

static char copied_folder[64];

static int
copy_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	char target[512], command[1200];

	(void)where;
	snprintf(target, sizeof(target), "%s%s", copied_folder, path + strlen(house.folder));
	if (kind == FTW_D)
		return mkdir(target, info->st_mode & 0777) != 0 && access(target, F_OK) != 0;
	snprintf(command, sizeof(command), "cp '%s' '%s'", path, target);
	return system(command);
}

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

void
remove_copy(void)
{
	if (copied_folder[0] != '\0')
		(void)nftw(copied_folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	copied_folder[0] = '\0';
}

/* The files as they are now: no job runs, so this is what a kill would leave. */
void
copy_folder(void)
{
	remove_copy();
	snprintf(copied_folder, sizeof(copied_folder), "/tmp/keeper-XXXXXX");
	assert_non_null(mkdtemp(copied_folder));
	assert_int_equal(nftw(house.folder, copy_entry, 16, FTW_PHYS), 0);
}

static void
open_at(const char *folder)
{
	char message[200];

	if (store_open(&(struct store_options){.folder = folder,
	                   .region = "in",
	                   .key = house.service.key,
	                   .clock = house.service.clock,
	                   .manual = true,
	                   .chunk_row_size_max = 4096},
	        &house.store, message, sizeof(message)) != DOM_OK)
		fail_msg("%s", message);
	house.service.store = house.store;
	assert_int_equal(store_reader_open(house.store, &house.reader), DOM_OK);
}

/* From now on the house is what was copied. */
void
live_in_copy(void)
{
	store_reader_close(&house.reader);
	store_close(&house.store);
	(void)nftw(house.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	memcpy(house.folder, copied_folder, sizeof(house.folder));
	copied_folder[0] = '\0';
	open_at(house.folder);
}

uint64_t
replay(void)
{
	const struct journal journal = journal_in_memory();
	uint64_t followed;

	assert_int_equal(
	    erasure_replay(&house.service, house.store, &journal, &followed), DOM_OK);
	return followed;
}

enum dom_status
step(void)
{
	const struct keeper_options options = {
	    .service = &house.service, .store = house.store, .journal = journal_in_memory()};
	struct keeper *keeper;
	enum dom_status st;

	assert_int_equal(keeper_open(&options, &keeper), DOM_OK);
	st = keeper_step(keeper);
	keeper_close(&keeper);
	return st;
}
