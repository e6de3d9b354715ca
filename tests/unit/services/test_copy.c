/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * An account is read in passes while its owner goes on writing, and put down in another
 * region's store: once nobody writes, one more pass makes the roots equal.
 */
#include <ftw.h>
#include <unistd.h>

#include "base/bytes.h"

#include "house.h"
#include "services/move/copy.h"
#include "services/root/book.h"
#include "store/erase.h"
#include "store/move.h"

static struct target {
	char folder[64];
	struct dom_region_key *key;
	struct store *store;
	struct store_reader *reader;
	int64_t account;
	struct copy_cursor cursor;
	unsigned pages;                 /* that a pass took */
	struct store_staged *large[64]; /* which live until their job is done */
	size_t large_count;
} target;

static int64_t
another_time(void *context)
{
	(void)context;
	return 1600000000000; /* another region's */
}

static int
set_up(void **state)
{
	static const uint8_t region_key[32] = "another region's key............";
	char message[200];

	if (house_set_up(state) != 0)
		return -1;
	target = (struct target){0};
	assert_int_equal(
	    dom_region_key_from_bytes(dom_slice(region_key, sizeof(region_key)), &target.key),
	    DOM_OK);
	snprintf(target.folder, sizeof(target.folder), "/tmp/services-XXXXXX");
	assert_non_null(mkdtemp(target.folder));
	assert_int_equal(store_open(&(struct store_options){.folder = target.folder,
	                                .region = "sg",
	                                .key = target.key,
	                                .clock = {another_time, NULL},
	                                .manual = true,
	                                .chunk_row_size_max = 4096},
	                     &target.store, message, sizeof(message)),
	    DOM_OK);
	assert_int_equal(store_reader_open(target.store, &target.reader), DOM_OK);
	turn_on(&house.ana);
	assert_int_equal(consent(&house.ana, "any", NULL), SERVICE_DONE);
	return 0;
}

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

static int
tear_down(void **state)
{
	store_reader_close(&target.reader);
	store_close(&target.store);
	dom_region_key_free(&target.key);
	(void)nftw(target.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return house_tear_down(state);
}

static struct store_account
source_account(struct store_txn *txn)
{
	struct store_account account;

	assert_int_equal(
	    store_account_by_name(txn, dom_slice_of("ana"), house.arena, &account), DOM_OK);
	return account;
}

static enum dom_status
run_stage(struct store_txn *txn, void *context)
{
	return store_account_stage(txn, context, &target.account);
}

/* What one job puts down. */
struct page {
	struct dom_slice records;
	bool begins;
};

/* Its bytes, from the one store to the other. */
static enum dom_status
bring_chunk(struct store_txn *txn, const struct wire_record_chunk *chunk)
{
	static const uint8_t id[STORE_ID_SIZE] = {9};
	struct store_collection here, there;
	struct store_staged *staged;
	struct store_txn *reading;
	struct dom_slice bytes;
	enum dom_status st;

	assert_int_equal(
	    store_collection_find(txn, chunk->collection_uid, house.arena, &here), DOM_OK);
	if (store_chunk_has(txn, here.number, chunk->uid) == DOM_OK)
		return DOM_OK;
	assert_int_equal(store_read_begin(house.reader, &reading), DOM_OK);
	assert_int_equal(
	    store_collection_find(reading, chunk->collection_uid, house.arena, &there), DOM_OK);
	assert_int_equal(
	    store_chunk_get(reading, there.number, chunk->uid, house.arena, &bytes), DOM_OK);
	assert_int_equal(bytes.size, chunk->size);
	store_read_end(&reading);
	assert_int_equal(store_chunk_stage(target.store, id, bytes, &staged), DOM_OK);
	st = store_chunk_put(txn, here.number, chunk->uid, staged);
	if (store_chunk_stage_blocks(target.store, bytes.size)) {
		assert_true(
		    target.large_count < sizeof(target.large) / sizeof(target.large[0]));
		target.large[target.large_count++] = staged;
	} else {
		store_staged_free(&staged);
	}
	return st;
}

static enum dom_status
run_put(struct store_txn *txn, void *context)
{
	const struct page *page = context;
	struct dom_reader in = dom_reader_over(page->records);
	enum dom_status st = page->begins ? copy_begin_pass(txn, target.account) : DOM_OK;

	while (st == DOM_OK && in.at != in.end) {
		struct wire_record record;

		st = wire_record_decode(
		    dom_read_string(&in, WIRE_RECORD_SIZE_MAX), house.arena, &record);
		if (st == DOM_OK && record.type == WIRE_RECORD_CHUNK)
			st = bring_chunk(txn, &record.of.chunk);
		if (st == DOM_OK)
			st = copy_put(txn, target.account, &record);
	}
	return st;
}

/* between: what happens while it is read. */
static void
one_pass(void (*between)(void))
{
	struct dom_buffer records = {0};
	bool ended = false;

	for (target.pages = 0; !ended && target.pages < 1000; target.pages++) {
		struct page page = {.begins = target.pages == 0};
		struct store_account account;
		struct store_txn *txn;

		dom_buffer_clear(&records);
		assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
		account = source_account(txn);
		assert_int_equal(
		    copy_read(txn, &account, &target.cursor, &records, &ended), DOM_OK);
		store_read_end(&txn);
		if (target.account == 0)
			assert_int_equal(
			    store_write(target.store, run_stage, &account), DOM_OK);
		page.records = dom_buffer_slice(&records);
		assert_int_equal(store_write(target.store, run_put, &page), DOM_OK);
		while (target.large_count > 0)
			store_staged_free(&target.large[--target.large_count]);
		if (between != NULL)
			between();
	}
	assert_true(ended);
	dom_buffer_free(&records);
}

static void
root_of(struct store_reader *reader, uint64_t clock, uint8_t root_r[WIRE_ROOT_SIZE],
    struct wire_erased *sum_r)
{
	struct root_options options = {.scope = WIRE_SCOPE_ACCOUNT, .clock = clock};
	struct store_account account;
	struct store_txn *txn;

	assert_int_equal(store_read_begin(reader, &txn), DOM_OK);
	assert_int_equal(
	    store_account_by_name(txn, dom_slice_of("ana"), house.arena, &account), DOM_OK);
	options.account = account.number;
	assert_int_equal(root_compute(txn, &options, root_r, sum_r), DOM_OK);
	store_read_end(&txn);
}

static void
assert_same_root(void)
{
	uint8_t here[WIRE_ROOT_SIZE], there[WIRE_ROOT_SIZE];
	struct wire_erased of_here, of_there;

	root_of(house.reader, 7, here, &of_here);
	root_of(target.reader, 7, there, &of_there);
	assert_int_equal(of_here.collections, of_there.collections);
	assert_int_equal(of_here.revisions, of_there.revisions);
	assert_int_equal(of_here.chunks, of_there.chunks);
	assert_int_equal(of_here.bytes, of_there.bytes);
	assert_memory_equal(here, there, sizeof(here));
}

static void
write_items(unsigned collection, unsigned from, unsigned count, char revision)
{
	for (unsigned i = from; i < from + count; i++) {
		struct wire_item one = item(i, revision, NULL);

		assert_int_equal(
		    put(&house.ana, SERVICE_ITEM_BATCH, collection, &one, 1), SERVICE_DONE);
	}
}

static void
put_chunk(unsigned collection, unsigned number, size_t size)
{
	char bytes[8192];

	memset(bytes, (int)('a' + number % 26), size);
	ask(SERVICE_CHUNK_PUT, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', collection));
	house.request.item_uid = dom_slice_of(uid('i', 1));
	house.request.chunk_uid = dom_slice_of(uid('k', number));
	dom_buffer_append(&house.body, bytes, size);
	assert_int_equal(send(), SERVICE_DONE);
}

static void
fill_account(void)
{
	create(&house.ana, 1, "type one");
	create(&house.ana, 2, "type two");
	write_items(1, 1, 20, 'a');
	write_items(1, 1, 10, 'b');
	write_items(2, 1, 5, 'a');
	put_chunk(1, 1, 100);
	put_chunk(1, 2, 8000);
	put_chunk(2, 3, 300);
}

static void
what_was_copied_has_the_same_root(void **state)
{
	(void)state;
	fill_account();
	one_pass(NULL);
	assert_same_root();
	/* And again nothing changes, though nearly nothing is sent. */
	one_pass(NULL);
	assert_same_root();
}

static enum dom_status
run_set_clock(struct store_txn *txn, void *context)
{
	const uint64_t *clock = context;

	return store_account_set_clock(txn, target.account, *clock, 1);
}

/* What a target does after each pass, so that its book reads on from there. */
static void
assert_book_of_copy(struct root_book *book)
{
	struct root_options options = {
	    .scope = WIRE_SCOPE_ACCOUNT, .account = target.account, .clock = 7};
	uint8_t computed[WIRE_ROOT_SIZE], kept[WIRE_ROOT_SIZE];
	struct wire_erased of_computed, of_kept;
	struct store_txn *txn;

	assert_int_equal(
	    store_write(target.store, run_set_clock, &target.cursor.since_clock), DOM_OK);
	root_of(target.reader, 7, computed, &of_computed);
	assert_int_equal(store_read_begin(target.reader, &txn), DOM_OK);
	assert_int_equal(root_book_root(book, txn, &options, kept, &of_kept), DOM_OK);
	store_read_end(&txn);
	assert_memory_equal(&of_kept, &of_computed, sizeof(of_kept));
	assert_memory_equal(kept, computed, sizeof(kept));
}

static unsigned written;

static void
write_on(void)
{
	house.now_ms += 60000;
	write_items(1, 1 + written % 20, 1, (char)('c' + written / 20));
	write_items(2, 100 + written, 1, 'a');
	put_chunk(1, 10 + written, 50);
	if (written == 1)
		create(&house.ana, 3, "type three");
	if (written == 2)
		write_items(3, 1, 3, 'a');
	if (written == 3)
		assert_int_equal(withdraw(&house.ana, "contacts"), SERVICE_DONE);
	written++;
}

static void
writing_on_during_passes_is_caught_up_with(void **state)
{
	(void)state;
	written = 0;
	fill_account();
	assert_int_equal(consent(&house.ana, "contacts", "x"), SERVICE_DONE);
	for (int pass = 0; pass < 5; pass++)
		one_pass(write_on);
	one_pass(NULL);
	assert_same_root();
}

static void
a_book_of_the_copy_follows_it(void **state)
{
	struct root_book *book = NULL;

	(void)state;
	written = 0;
	fill_account();
	assert_int_equal(consent(&house.ana, "contacts", "x"), SERVICE_DONE);
	for (int pass = 0; pass < 5; pass++) {
		one_pass(pass == 4 ? NULL : write_on);
		if (book == NULL)
			book = root_book_new(target.account, 0);
		assert_non_null(book);
		assert_book_of_copy(book);
	}
	assert_same_root();
	root_book_free(&book);
}

static void
write_many(void)
{
	struct wire_item items[50];

	create(&house.ana, 1, "type");
	for (unsigned batch = 0; batch < 40; batch++) {
		for (unsigned i = 0; i < 50; i++) {
			static char meta[1000];

			memset(meta, 'm', sizeof(meta));
			items[i] = item(batch * 50 + i, 'a', NULL);
			items[i].content.meta = dom_slice(meta, sizeof(meta));
		}
		assert_int_equal(
		    put(&house.ana, SERVICE_ITEM_BATCH, 1, items, 50), SERVICE_DONE);
	}
}

static void
a_large_account_comes_in_pages(void **state)
{
	(void)state;
	write_many();
	one_pass(NULL);
	assert_true(target.pages > 1);
	assert_same_root();
	one_pass(NULL);
	assert_int_equal(target.pages, 1);
}

static void
make_collection(void)
{
	if (written++ != 0)
		return;
	create(&house.ana, 2, "type two");
	write_items(2, 1, 3, 'a');
	put_chunk(2, 3, 300);
}

/* Its record would come after its items: all of it comes with the next pass. */
static void
a_collection_that_is_made_between_two_pages_comes_whole(void **state)
{
	(void)state;
	written = 0;
	write_many();
	one_pass(make_collection);
	assert_true(target.pages > 1);
	one_pass(NULL);
	assert_same_root();
}

static struct store_erasure
past_erasure(int64_t account)
{
	return (struct store_erasure){.request = {7},
	    .account = account,
	    .scope = WIRE_SCOPE_ITEM,
	    .state = STORE_ERASURE_ERASED,
	    .collection_uid = dom_slice_of(account == 0 ? "" : "collectioncollection"),
	    .item_uid = dom_slice_of(account == 0 ? "" : "itemitemitemitemitem"),
	    .requested_ms = 1,
	    .ended_ms = 2,
	    .receipt = dom_slice_of("receipt"),
	    .receipt_signature = dom_slice_of("signature-signature-signature-signature-"
	                                      "signature-signature-sign")};
}

static enum dom_status
add_erasure(struct store_txn *txn, void *context)
{
	int64_t number;

	return store_erasure_add(txn, context, &number);
}

/* Its receipt stayed when the account moved away. */
static void
an_erasure_that_an_earlier_stay_left_is_the_accounts_again(void **state)
{
	struct store_erasure left = past_erasure(0), own;
	struct store_txn *txn;

	(void)state;
	fill_account();
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	own = past_erasure(source_account(txn).number);
	store_read_end(&txn);
	assert_int_equal(store_write(house.store, add_erasure, &own), DOM_OK);
	assert_int_equal(store_write(target.store, add_erasure, &left), DOM_OK);
	one_pass(NULL);
	assert_same_root();
	one_pass(NULL);
	assert_same_root();
}

struct putting {
	const struct wire_record *record;
	enum dom_status answer;
};

static enum dom_status
put_one(struct store_txn *txn, void *context)
{
	struct putting *putting = context;

	putting->answer = copy_put(txn, target.account, putting->record);
	return DOM_OK;
}

/* What somebody else was given for an erasure here stays as it was signed. */
static void
a_receipt_that_is_here_is_not_replaced(void **state)
{
	struct store_erasure left = past_erasure(0), is;
	struct wire_record record = {.type = WIRE_RECORD_ERASURE,
	    .of.erasure = {.request = {7},
	        .scope = WIRE_SCOPE_ITEM,
	        .requested_ms = 1,
	        .ended_ms = 2,
	        .receipt = dom_slice_of("another"),
	        .receipt_signature = left.receipt_signature}};
	struct putting putting = {.record = &record};
	struct store_txn *txn;

	(void)state;
	fill_account();
	one_pass(NULL);
	assert_int_equal(store_write(target.store, add_erasure, &left), DOM_OK);
	assert_int_equal(store_write(target.store, put_one, &putting), DOM_OK);
	assert_int_equal(putting.answer, DOM_EINPUT);
	record.of.erasure.receipt = left.receipt;
	record.of.erasure.receipt_signature =
	    dom_slice_of("another-signature-another-signature-another-signature-another-si");
	assert_int_equal(record.of.erasure.receipt_signature.size, 64);
	assert_int_equal(store_write(target.store, put_one, &putting), DOM_OK);
	assert_int_equal(putting.answer, DOM_EINPUT);
	assert_int_equal(store_read_begin(target.reader, &txn), DOM_OK);
	assert_int_equal(
	    store_erasure_find(txn, record.of.erasure.request, house.arena, &is), DOM_OK);
	store_read_end(&txn);
	assert_int_equal(is.account, 0);
	assert_true(dom_slice_is(is.receipt, "receipt"));
}

/* In the middle of a move its owner leaves a collection to nobody. */
static void
a_collection_that_its_owner_has_left_is_left_there_too(void **state)
{
	(void)state;
	fill_account();
	one_pass(NULL);
	ask(SERVICE_MEMBER_LEAVE, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 2));
	assert_int_equal(send(), SERVICE_DONE);
	one_pass(NULL);
	assert_same_root();
}

/* --- what no client could have stored ----------------------------- */

static struct wire_record good[8];
static uint8_t many[2 << 20];
static struct dom_slice list[1];

static void
make_good(void)
{
	struct dom_slice key = dom_slice(many, 32), sealed = dom_slice(many, DOM_SECRETS_SIZE),
	                 signature = dom_slice(many, 64), c = dom_slice_of(uid('c', 1)),
	                 i = dom_slice_of(uid('i', 1)), r = dom_slice_of(uid('r', 1)),
	                 k = dom_slice_of(uid('k', 1)), some = dom_slice_of("some");

	list[0] = k;
	good[0] = (struct wire_record){.type = WIRE_RECORD_ACCOUNT,
	    .of.account = {.name = some,
	        .email = some,
	        .salt = key,
	        .login_public = key,
	        .identity_public = key,
	        .encrypted_content = sealed,
	        .statement_public = key}};
	good[1] = (struct wire_record){.type = WIRE_RECORD_COLLECTION,
	    .of.collection = {
	        .uid = c, .is_member = true, .collection_key = some, .collection_type = some}};
	good[2] = (struct wire_record){.type = WIRE_RECORD_REVISION,
	    .of.revision = {.collection_uid = c,
	        .item_uid = i,
	        .uid = r,
	        .clock = 5,
	        .is_current = true,
	        .encryption_key = some,
	        .meta = some,
	        .chunks = list,
	        .chunk_count = 1}};
	good[3] = (struct wire_record){
	    .type = WIRE_RECORD_CHUNK, .of.chunk = {.collection_uid = c, .uid = k}};
	good[4] = (struct wire_record){.type = WIRE_RECORD_STATEMENT,
	    .of.statement = {.serial = 1,
	        .service = some,
	        .bytes = some,
	        .signature = signature,
	        .receipt = some,
	        .receipt_signature = signature}};
	good[5] = (struct wire_record){.type = WIRE_RECORD_CONSENT,
	    .of.consent = {.service = some, .types = list, .type_count = 1}};
	good[6] = (struct wire_record){
	    .type = WIRE_RECORD_REMOVED, .of.removed = {.uid = c, .collection_type = some}};
	good[7] = (struct wire_record){.type = WIRE_RECORD_ERASURE,
	    .of.erasure = {.scope = WIRE_SCOPE_ITEM,
	        .collection_uid = c,
	        .item_uid = i,
	        .receipt = some,
	        .receipt_signature = signature}};
}

/* One record is not valid as it is now.  The list is that of a consent, too. */
static void
expect_one_invalid(void)
{
	const size_t count = sizeof(good) / sizeof(good[0]);
	size_t valid = 0;

	for (size_t i = 0; i < count; i++)
		valid += copy_valid(&good[i]);
	assert_int_equal(valid, count - 1);
}

/* Fields with the most, or the only, bytes that they may have. */
static void
what_no_client_could_have_stored_is_not_put_down(void **state)
{
	struct {
		struct dom_slice *field;
		size_t size; /* 0: a uid */
		bool exactly;
	} fields[] = {
	    {&good[0].of.account.name, WIRE_NAME_SIZE_MAX, false},
	    {&good[0].of.account.email, WIRE_EMAIL_SIZE_MAX, false},
	    {&good[0].of.account.salt, 1024, false},
	    {&good[0].of.account.login_public, 32, true},
	    {&good[0].of.account.identity_public, 32, true},
	    {&good[0].of.account.encrypted_content, 64 << 10, false},
	    {&good[0].of.account.statement_public, 32, true},
	    {&good[1].of.collection.uid, 0, false},
	    {&good[1].of.collection.collection_key, 1024, false},
	    {&good[1].of.collection.collection_type, 1024, false},
	    {&good[2].of.revision.collection_uid, 0, false},
	    {&good[2].of.revision.item_uid, 0, false},
	    {&good[2].of.revision.uid, 0, false},
	    {&good[2].of.revision.encryption_key, 1024, false},
	    {&good[2].of.revision.meta, 1 << 20, false},
	    {&list[0], 0, false},
	    {&good[3].of.chunk.collection_uid, 0, false},
	    {&good[3].of.chunk.uid, 0, false},
	    {&good[4].of.statement.service, 32, false},
	    {&good[4].of.statement.bytes, 64 << 10, false},
	    {&good[4].of.statement.signature, 64, true},
	    {&good[4].of.statement.receipt, 512, false},
	    {&good[4].of.statement.receipt_signature, 64, true},
	    {&good[6].of.removed.uid, 0, false},
	    {&good[6].of.removed.collection_type, 1024, false},
	    {&good[7].of.erasure.service, 32, false},
	    {&good[7].of.erasure.collection_uid, 0, false},
	    {&good[7].of.erasure.item_uid, 0, false},
	    {&good[7].of.erasure.receipt, 512, false},
	    {&good[7].of.erasure.receipt_signature, 64, true},
	};

	(void)state;
	make_good();
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(copy_valid(&good[i]));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct dom_slice was = *fields[i].field;

		*fields[i].field = fields[i].size == 0
		                       ? dom_slice_of("no uid/at all, not this one")
		                       : dom_slice(many, fields[i].size + 1);
		expect_one_invalid();
		if (fields[i].exactly) {
			*fields[i].field = dom_slice(many, fields[i].size - 1);
			expect_one_invalid();
		}
		*fields[i].field = was;
	}
}

static void
numbers_that_no_client_could_have_are_not_put_down(void **state)
{
	uint64_t *const clocks[] = {&good[1].of.collection.items_clock,
	    &good[1].of.collection.members_clock, &good[1].of.collection.member_clock,
	    &good[2].of.revision.clock, &good[4].of.statement.serial,
	    &good[4].of.statement.clock, &good[5].of.consent.serial, &good[6].of.removed.clock};

	(void)state;
	make_good();
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		uint64_t was = *clocks[i];

		*clocks[i] = INT64_MAX;
		expect_one_invalid();
		*clocks[i] = was;
	}
	good[5].of.consent.service = dom_slice_of("No service");
	assert_false(copy_valid(&good[5]));
	good[7].of.erasure.scope = 0;
	assert_false(copy_valid(&good[7]));
	good[0].type = (enum wire_record_type)9;
	assert_false(copy_valid(&good[0]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        what_was_copied_has_the_same_root, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        writing_on_during_passes_is_caught_up_with, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        what_no_client_could_have_stored_is_not_put_down, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        numbers_that_no_client_could_have_are_not_put_down, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_book_of_the_copy_follows_it, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_large_account_comes_in_pages, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_collection_that_is_made_between_two_pages_comes_whole, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_collection_that_its_owner_has_left_is_left_there_too, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        an_erasure_that_an_earlier_stay_left_is_the_accounts_again, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_receipt_that_is_here_is_not_replaced, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
