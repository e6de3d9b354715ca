/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What is left of an account here after it moved away, or of a copy that never
 * became home: it goes, and neither a crash nor an older backup brings it back,
 * nor takes it from an account that has returned.
 */
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "crypto/keys.h"

#include "erasing.h"
#include "services/move/parts.h"

enum { STEPS_MAX = 60, MARKERS = 12, EPOCH = 2 };

static const uint8_t root[STORE_ROOT_SIZE] = "the root that was given away ...";
static uint8_t subject[STORE_REQUEST_SIZE] = "the subject of the order .......";
static uint8_t found[MARKERS];

/* --- the account ------------------------------------------------------------------------ */

struct turn {
	enum store_account_state from, to;
	uint64_t epoch;
	int move_state; /* of a move at its side; below zero: none */
	int side;
};

static enum dom_status
run_turn(struct store_txn *txn, void *context)
{
	const struct turn *turn = context;
	struct store_move move = {.side = turn->side,
	    .state = turn->move_state,
	    .open = true,
	    .account = ana_number,
	    .peer = dom_slice_of("sg"),
	    .name = dom_slice_of("ana"),
	    .epoch = turn->epoch - 1};
	int64_t number;
	enum dom_status st;

	st = store_account_turn(txn, ana_number, turn->from, turn->to, turn->epoch);
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	memcpy(move.id, subject, sizeof(move.id));
	memcpy(move.identity, house.ana.identity_public, sizeof(move.identity));
	return turn->move_state < 0 ? DOM_OK : store_move_add(txn, &move, &number);
}

static void
turn(enum store_account_state from, enum store_account_state to, uint64_t epoch)
{
	assert_int_equal(
	    store_write(house.store, run_turn,
	        &(struct turn){.from = from, .to = to, .epoch = epoch, .move_state = -1}),
	    DOM_OK);
}

static void
turn_with_move(enum store_account_state to, uint64_t epoch, int side, int move_state)
{
	assert_int_equal(store_write(house.store, run_turn,
	                     &(struct turn){.from = STORE_ACCOUNT_HOME,
	                         .to = to,
	                         .epoch = epoch,
	                         .side = side,
	                         .move_state = move_state}),
	    DOM_OK);
}

/* It lives in sg. */
static void
move_away(void)
{
	turn_with_move(STORE_ACCOUNT_GONE, EPOCH, STORE_MOVE_SOURCE, WIRE_MOVE_LIVES);
}

static enum dom_status
run_source(struct store_txn *txn, void *context)
{
	struct erasure_order order = {.scope = WIRE_SCOPE_SOURCE,
	    .account = *(int64_t *)context,
	    .requested_ms = house.now_ms,
	    .clock = 77,
	    .root = root};
	enum dom_status st;

	memcpy(order.request, subject, sizeof(order.request));
	changes = (struct service_changes){0};
	st = erasure_source(txn, house.arena, &order, &changes);
	return st > 0 ? DOM_EDENIED - st : st;
}

static enum dom_status
run_staged(struct store_txn *txn, void *context)
{
	struct erasure_order order = {
	    .account = *(int64_t *)context, .requested_ms = house.now_ms};
	enum dom_status st;

	memcpy(order.request, subject, sizeof(order.request));
	st = erasure_staged(txn, house.arena, &order);
	return st > 0 ? DOM_EDENIED - st : st;
}

static enum dom_status
begin(enum dom_status (*run)(struct store_txn *txn, void *context), int64_t account)
{
	enum dom_status st = store_write(house.store, run, &account);

	memcpy(request, subject, sizeof(request));
	return st < DOM_EDENIED && st >= DOM_EDENIED - DOM_CONFLICT ? DOM_EDENIED - st : st;
}

static enum dom_status
ended(struct erasure_end *end_r)
{
	struct store_txn *txn;
	enum dom_status st;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	st = erasure_ended(txn, subject, house.arena, end_r);
	store_read_end(&txn);
	return st;
}

/* below zero: there is none */
static int
state_of_ana(uint64_t *epoch_r)
{
	struct store_account account;
	struct store_txn *txn;
	enum dom_status st;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	st = store_account_by_number(txn, ana_number, house.arena, &account);
	store_read_end(&txn);
	if (epoch_r != NULL)
		*epoch_r = st == DOM_OK ? account.epoch : 0;
	return st == DOM_OK ? account.state : -1;
}

static struct store_move
move_of_ana(void)
{
	struct store_move *rows;
	struct store_txn *txn;
	size_t count;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(
	    store_moves_by_name(txn, dom_slice_of("ana"), 1, house.arena, &rows, &count),
	    DOM_OK);
	assert_int_equal(count, 1);
	store_read_end(&txn);
	return rows[0];
}

/* --- markers ------------------------------------------------------------------------------ */

static void
print_marker(char *text, unsigned number)
{
	snprintf(text, 16, "MARKER-%05u-", number);
}

/* In metadata, in a row's chunk and in a file's; half of them are Ana's. */
static void
plant_markers(void)
{
	for (unsigned i = 0; i < MARKERS; i++) {
		const struct person *person = i < MARKERS / 2 ? &house.ana : &house.bob;
		unsigned collection = i < MARKERS / 2 ? 1 : 9;
		struct wire_item one = item(100 + i, 'm', NULL);
		size_t size = i % 2 == 0 ? 300 : 9000;
		char bytes[9000], marker[16];

		print_marker(marker, i);
		for (size_t at = 0; at < size; at += 13)
			memcpy(bytes + at, marker, size - at < 13 ? size - at : 13);
		if (i == MARKERS / 2)
			assert_int_equal(create(person, collection, "type one"), SERVICE_DONE);
		one.content.meta = dom_slice(bytes, 26);
		assert_int_equal(
		    put(person, SERVICE_ITEM_BATCH, collection, &one, 1), SERVICE_DONE);
		ask(SERVICE_CHUNK_PUT, person);
		house.request.collection_uid = dom_slice_of(uid('c', collection));
		house.request.item_uid = dom_slice_of(uid('i', 100 + i));
		house.request.chunk_uid = dom_slice_of(uid('k', 100 + i));
		dom_buffer_append(&house.body, bytes, size);
		assert_int_equal(send(), SERVICE_DONE);
	}
}

static int
scan_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	FILE *file;
	char *bytes, marker[16];

	(void)where;
	if (kind != FTW_F || info->st_size == 0)
		return 0;
	bytes = malloc((size_t)info->st_size);
	assert_non_null(bytes);
	assert_non_null(file = fopen(path, "rb"));
	assert_int_equal(fread(bytes, 1, (size_t)info->st_size, file), (size_t)info->st_size);
	fclose(file);
	for (unsigned i = 0; i < MARKERS; i++) {
		print_marker(marker, i);
		found[i] |= memmem(bytes, (size_t)info->st_size, marker, 13) != NULL;
	}
	free(bytes);
	return 0;
}

static void
expect_markers(bool of_ana)
{
	memset(found, 0, sizeof(found));
	assert_int_equal(nftw(house.folder, scan_entry, 16, FTW_PHYS), 0);
	for (unsigned i = 0; i < MARKERS; i++)
		assert_int_equal(found[i], i < MARKERS / 2 ? of_ana : true);
}

/* --- the source's copy ------------------------------------------------------------------ */

static void
nothing_is_left_and_the_receipt_says_what_was_given_away(void **state)
{
	uint8_t region_public[DOM_PUBLIC_KEY_SIZE];
	struct wire_receipt receipt;
	struct store_counts counts;
	struct erasure_end end;
	struct store_move move;

	(void)state;
	two_services();
	plant_markers();
	expect_markers(true);
	move_away();
	assert_int_equal(ended(&end), DOM_ABSENT);
	assert_int_equal(begin(run_source, ana_number), DOM_OK);
	/* From here on nothing of it is readable, and the name is nobody's. */
	assert_int_equal(state_of_ana(NULL), STORE_ACCOUNT_ERASING);
	assert_int_not_equal(read_collection(&house.ana, 1), SERVICE_DONE);
	assert_int_equal(ended(&end), DOM_CONFLICT);
	finish_all();
	assert_int_equal(ended(&end), DOM_OK);
	assert_int_equal(wire_receipt_decode(end.receipt, &receipt), DOM_OK);
	dom_region_sign_public(house.service.key, region_public);
	assert_true(dom_verify(
	    dom_slice(region_public, sizeof(region_public)), end.receipt, end.signature));
	assert_int_equal(receipt.kind, WIRE_RECEIPT_ERASED);
	assert_int_equal(receipt.scope, WIRE_SCOPE_SOURCE);
	assert_memory_equal(receipt.subject, subject, sizeof(subject));
	assert_memory_equal(receipt.root, root, sizeof(root));
	assert_int_equal(receipt.clock, 77);
	assert_int_equal(receipt.sum.collections, 2);
	assert_int_equal(receipt.sum.chunks, MARKERS / 2);
	expect_markers(false);
	counts = count_all();
	assert_int_equal(counts.accounts, 2);
	assert_int_equal(counts.collections, 1);
	assert_int_equal(state_of_ana(NULL), -1);
	/* What stays tells who asks for the name where it lives. */
	move = move_of_ana();
	assert_int_equal(move.account, 0);
	assert_memory_equal(move.id, subject, sizeof(move.id));
	assert_int_equal(memory_journal.count, 1);
	assert_int_equal(memory_journal.entries[0].kind, JOURNAL_SOURCE);
}

static void
whoever_knows_the_number_may_ask_how_far_it_is(void **state)
{
	struct wire_erasure erasure;
	char number[2 * STORE_REQUEST_SIZE + 1];

	(void)state;
	two_services();
	move_away();
	assert_int_equal(begin(run_source, ana_number), DOM_OK);
	dom_hex_encode(dom_slice(subject, sizeof(subject)), number);
	for (unsigned i = 0; i < 2; i++) {
		ask(SERVICE_ERASURE, NULL);
		house.request.erasure = dom_slice_of(number);
		assert_int_equal(send(), SERVICE_DONE);
		assert_int_equal(
		    wire_erasure_decode(dom_buffer_slice(&house.reply.body), &erasure), DOM_OK);
		assert_int_equal(erasure.scope, WIRE_SCOPE_SOURCE);
		assert_int_equal(erasure.receipt.size != 0, i == 1);
		finish_all();
	}
}

static void
only_what_lives_elsewhere_is_erased_so(void **state)
{
	static const enum store_account_state others[] = {STORE_ACCOUNT_HOME,
	    STORE_ACCOUNT_FROZEN, STORE_ACCOUNT_STAGING, STORE_ACCOUNT_PREPARED,
	    STORE_ACCOUNT_ERASING};

	(void)state;
	two_services();
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		turn(STORE_ACCOUNT_HOME, others[i], EPOCH);
		assert_int_equal(begin(run_source, ana_number), DOM_CONFLICT);
		assert_int_equal(state_of_ana(NULL), others[i]);
		turn(others[i], STORE_ACCOUNT_HOME, 1);
	}
	assert_int_equal(begin(run_source, 999), DOM_ABSENT);
	assert_int_equal(count_all().collections, 2);
	turn(STORE_ACCOUNT_HOME, STORE_ACCOUNT_GONE, EPOCH);
	assert_int_equal(begin(run_source, ana_number), DOM_OK);
	assert_int_equal(begin(run_source, ana_number), DOM_CONFLICT);
}

/* Whoever is in it is told; who has moved away as well is told there. */
static void
members_lose_it(void **state)
{
	char before[sizeof(house.stoken)];
	int64_t cyd;

	(void)state;
	two_services();
	cyd = number_of("cyd");
	join(&house.ana, &house.bob, 1, 2);
	join(&house.ana, &house.cyd, 1, 2);
	list_collections(&house.bob, NULL);
	snprintf(before, sizeof(before), "%s", house.stoken);
	move_away();
	ana_number = cyd;
	turn(STORE_ACCOUNT_HOME, STORE_ACCOUNT_FROZEN, EPOCH);
	ana_number = number_of("ana");
	assert_int_equal(begin(run_source, ana_number), DOM_EFENCED);
	assert_int_equal(state_of_ana(NULL), STORE_ACCOUNT_GONE);
	ana_number = cyd;
	turn(STORE_ACCOUNT_FROZEN, STORE_ACCOUNT_GONE, EPOCH);
	ana_number = number_of("ana");
	assert_int_equal(begin(run_source, ana_number), DOM_OK);
	list_collections(&house.bob, before);
	assert_int_equal(house.list.removed_count, 1);
	finish_all();
	assert_int_equal(count_all().collections, 0);
}

/* --- a copy that is dropped ------------------------------------------------------------- */

static void
a_copy_is_dropped_without_a_trace(void **state)
{
	struct erasure_end end;
	char number[2 * STORE_REQUEST_SIZE + 1];

	(void)state;
	two_services();
	plant_markers();
	turn_with_move(STORE_ACCOUNT_STAGING, 1, STORE_MOVE_TARGET, WIRE_MOVE_STAGING);
	assert_int_equal(begin(run_staged, ana_number), DOM_OK);
	assert_int_equal(ended(&end), DOM_CONFLICT);
	dom_hex_encode(dom_slice(subject, sizeof(subject)), number);
	ask(SERVICE_ERASURE, NULL);
	house.request.erasure = dom_slice_of(number);
	assert_int_equal(send(), SERVICE_DOES_NOT_EXIST);
	finish_all();
	assert_int_equal(ended(&end), DOM_OK);
	assert_int_equal(end.receipt.size, 0);
	assert_int_equal(end.sum.chunks, MARKERS / 2);
	expect_markers(false);
	assert_int_equal(state_of_ana(NULL), -1);
	assert_int_equal(memory_journal.count, 0);
	/* The name may be had again. */
	person_free(&house.ana);
	person_make(&house.ana, "ana");
	sign_up(&house.ana);
}

static void
only_a_copy_is_dropped_so(void **state)
{
	static const enum store_account_state others[] = {STORE_ACCOUNT_HOME,
	    STORE_ACCOUNT_FROZEN, STORE_ACCOUNT_GONE, STORE_ACCOUNT_PREPARED,
	    STORE_ACCOUNT_ERASING};

	(void)state;
	two_services();
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		turn(STORE_ACCOUNT_HOME, others[i], EPOCH);
		assert_int_equal(begin(run_staged, ana_number), DOM_CONFLICT);
		turn(others[i], STORE_ACCOUNT_HOME, 1);
	}
}

/* --- crashes and backups ---------------------------------------------------------------- */

static void
fresh_house(void)
{
	void *state = NULL;

	assert_int_equal(house_tear_down(&state), 0);
	assert_int_equal(house_set_up(&state), 0);
	two_services();
}

static void
a_crash_after_any_step_loses_nothing_and_repeats_nothing(void **state)
{
	(void)state;
	for (unsigned is_staged = 0; is_staged < 2; is_staged++) {
		bool finished = false;

		for (unsigned crash = 0; !finished; crash++) {
			struct erasure_end end;

			assert_true(crash < STEPS_MAX);
			fresh_house();
			if (is_staged)
				turn(STORE_ACCOUNT_HOME, STORE_ACCOUNT_STAGING, 1);
			else
				move_away();
			assert_int_equal(
			    begin(is_staged ? run_staged : run_source, ana_number), DOM_OK);
			for (unsigned at = 0; at < crash && !finished; at++)
				finished = step() == DOM_ABSENT;
			copy_folder();
			live_in_copy();
			assert_int_equal(replay(), 0);
			finish_all();
			assert_int_equal(ended(&end), DOM_OK);
			assert_int_equal(end.receipt.size == 0, is_staged);
			assert_int_equal(count_all().collections, 0);
			assert_int_equal(memory_journal.count, !is_staged);
		}
	}
}

/* Backups of any time before: whatever they say of the account, it does not come back. */
static void
an_older_backup_does_not_bring_it_back(void **state)
{
	static const struct {
		enum store_account_state state;
		uint64_t epoch;
		int side, move; /* move below zero: it knows of none */
	} backups[] = {
	    {STORE_ACCOUNT_HOME, 1, STORE_MOVE_SOURCE, -1},
	    {STORE_ACCOUNT_HOME, 1, STORE_MOVE_SOURCE, WIRE_MOVE_ORDERED},
	    {STORE_ACCOUNT_FROZEN, 1, STORE_MOVE_SOURCE, WIRE_MOVE_FROZEN},
	    {STORE_ACCOUNT_GONE, 2, STORE_MOVE_SOURCE, WIRE_MOVE_GONE},
	    {STORE_ACCOUNT_GONE, 2, STORE_MOVE_SOURCE, WIRE_MOVE_LIVES},
	    /* Of how it had come here, before it left again. */
	    {STORE_ACCOUNT_STAGING, 1, STORE_MOVE_TARGET, WIRE_MOVE_STAGING},
	    {STORE_ACCOUNT_PREPARED, 1, STORE_MOVE_TARGET, WIRE_MOVE_PREPARED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(backups) / sizeof(backups[0]); i++) {
		bool is_copy = backups[i].side == STORE_MOVE_TARGET;
		struct erasure_end end;

		fresh_house();
		assert_int_equal(store_write(house.store, run_turn,
		                     &(struct turn){.from = STORE_ACCOUNT_HOME,
		                         .to = backups[i].state,
		                         .epoch = backups[i].epoch,
		                         .side = backups[i].side,
		                         .move_state = backups[i].move}),
		    DOM_OK);
		copy_folder();
		turn(backups[i].state, STORE_ACCOUNT_GONE, EPOCH);
		assert_int_equal(begin(run_source, ana_number), DOM_OK);
		finish_all();
		live_in_copy();
		assert_int_equal(replay(), 1);
		assert_int_equal(state_of_ana(NULL), STORE_ACCOUNT_ERASING);
		finish_all();
		assert_int_equal(ended(&end), DOM_OK);
		assert_int_equal(end.receipt.size == 0, is_copy);
		assert_int_equal(count_all().collections, 0);
		assert_int_equal(state_of_ana(NULL), -1);
		if (!is_copy) {
			struct wire_receipt receipt;
			struct store_move move = move_of_ana();

			assert_int_equal(wire_receipt_decode(end.receipt, &receipt), DOM_OK);
			assert_memory_equal(receipt.root, root, sizeof(root));
			assert_memory_equal(move.id, subject, sizeof(move.id));
			assert_int_equal(move.epoch, EPOCH - 1);
			assert_int_equal(move.state,
			    backups[i].move < 0 ? WIRE_MOVE_ERASED : WIRE_MOVE_ERASING);
		}
		assert_int_equal(replay(), 0);
	}
}

/* The store counts no entry: the journal is followed from its beginning. */
static enum dom_status
run_count(struct store_txn *txn, void *context)
{
	(void)context;
	return store_region_journal_set(txn, 0);
}

static void
an_account_that_came_back_is_left_alone(void **state)
{
	static const struct {
		enum store_account_state state;
		uint64_t epoch;
		int side, move;
	} returns[] = {
	    {STORE_ACCOUNT_HOME, 3, 0, -1},
	    {STORE_ACCOUNT_FROZEN, 3, 0, -1},
	    {STORE_ACCOUNT_GONE, 4, 0, -1},
	    {STORE_ACCOUNT_STAGING, 3, STORE_MOVE_TARGET, WIRE_MOVE_STAGING},
	    {STORE_ACCOUNT_PREPARED, 3, STORE_MOVE_TARGET, WIRE_MOVE_PREPARED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(returns) / sizeof(returns[0]); i++) {
		uint64_t epoch;

		fresh_house();
		copy_folder();
		move_away();
		assert_int_equal(begin(run_source, ana_number), DOM_OK);
		finish_all();
		live_in_copy();
		/* Home again in epoch 3, or about to be. */
		subject[0]++;
		assert_int_equal(store_write(house.store, run_turn,
		                     &(struct turn){.from = STORE_ACCOUNT_HOME,
		                         .to = returns[i].state,
		                         .epoch = returns[i].epoch,
		                         .side = returns[i].side,
		                         .move_state = returns[i].move}),
		    DOM_OK);
		subject[0]--;
		assert_int_equal(store_write(house.store, run_count, NULL), DOM_OK);
		replay();
		finish_all();
		assert_int_equal(state_of_ana(&epoch), returns[i].state);
		assert_int_equal(epoch, returns[i].epoch);
		assert_int_equal(count_all().collections, 2);
	}
}

/* What a person erased where the account lived is not done because a backup is older. */
static void
what_a_person_erased_is_followed_in_every_state(void **state)
{
	static const enum store_account_state states[] = {STORE_ACCOUNT_FROZEN,
	    STORE_ACCOUNT_GONE, STORE_ACCOUNT_STAGING, STORE_ACCOUNT_PREPARED};
	static const int sides[] = {
	    STORE_MOVE_SOURCE, STORE_MOVE_SOURCE, STORE_MOVE_TARGET, STORE_MOVE_TARGET};
	static const int moves[] = {
	    WIRE_MOVE_FROZEN, WIRE_MOVE_GONE, WIRE_MOVE_STAGING, WIRE_MOVE_PREPARED};

	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		struct store_move *rows;
		struct store_txn *txn;
		size_t count;

		fresh_house();
		turn_with_move(states[i], 1, sides[i], moves[i]);
		copy_folder();
		turn(states[i], STORE_ACCOUNT_HOME, 1);
		assert_int_equal(erase_account(&house.ana), DOM_OK);
		finish_all();
		live_in_copy();
		assert_int_equal(replay(), 1);
		finish_all();
		assert_int_equal(state_of_ana(NULL), -1);
		assert_int_equal(count_all().collections, 0);
		assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
		assert_int_equal(
		    store_move_list(txn, 0, true, 9, house.arena, &rows, &count), DOM_OK);
		store_read_end(&txn);
		assert_int_equal(count, 0);
	}
}

static void
a_service_that_was_erased_goes_from_what_was_frozen_or_prepared(void **state)
{
	static const enum store_account_state states[] = {
	    STORE_ACCOUNT_FROZEN, STORE_ACCOUNT_PREPARED};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		bool is_prepared = states[i] == STORE_ACCOUNT_PREPARED;

		fresh_house();
		turn_with_move(states[i], 1,
		    is_prepared ? STORE_MOVE_TARGET : STORE_MOVE_SOURCE,
		    is_prepared ? WIRE_MOVE_PREPARED : WIRE_MOVE_FROZEN);
		copy_folder();
		turn(states[i], STORE_ACCOUNT_HOME, 1);
		assert_int_equal(erase_service(&house.ana, "contacts"), DOM_OK);
		finish_all();
		live_in_copy();
		assert_int_equal(replay(), 1);
		finish_all();
		assert_int_equal(count_all().collections, 1);
		assert_int_equal(state_of_ana(NULL),
		    is_prepared ? STORE_ACCOUNT_PREPARED : STORE_ACCOUNT_HOME);
	}
}

static int
tear_down(void **state)
{
	remove_copy();
	return house_tear_down(state);
}

int
main(void)
{
#define MOVED(name) cmocka_unit_test_setup_teardown(name, house_set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    MOVED(nothing_is_left_and_the_receipt_says_what_was_given_away),
	    MOVED(whoever_knows_the_number_may_ask_how_far_it_is),
	    MOVED(only_what_lives_elsewhere_is_erased_so),
	    MOVED(members_lose_it),
	    MOVED(a_copy_is_dropped_without_a_trace),
	    MOVED(only_a_copy_is_dropped_so),
	    MOVED(a_crash_after_any_step_loses_nothing_and_repeats_nothing),
	    MOVED(an_older_backup_does_not_bring_it_back),
	    MOVED(an_account_that_came_back_is_left_alone),
	    MOVED(what_a_person_erased_is_followed_in_every_state),
	    MOVED(a_service_that_was_erased_goes_from_what_was_frozen_or_prepared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
