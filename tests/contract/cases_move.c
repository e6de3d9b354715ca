/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The fence around what an account owns, moves and their messages, and copies. */
#include "contract.h"
#include "store/erase.h"
#include "store/move.h"

static struct store_move
sample_move(int64_t account)
{
	return (struct store_move){.id = {1},
	    .side = STORE_MOVE_SOURCE,
	    .state = 3,
	    .open = true,
	    .account = account,
	    .identity = {2},
	    .peer = dom_slice_of("sg"),
	    .name = dom_slice_of("ana"),
	    .epoch = 4,
	    .attempt = {5},
	    .attempts = 6,
	    .started_ms = 7,
	    .changed_ms = 8,
	    .due_ms = 9,
	    .clock = 10,
	    .bytes = 11,
	    .bytes_total = 12};
}

static void
a_move_is_found_by_its_id_its_account_and_the_name(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), number, other;
	struct store_move move = sample_move(ana), found, *rows;
	size_t count;

	assert_status(store_move_add(txn, &move, &number), DOM_OK);
	assert_status(store_move_add(txn, &move, &other), DOM_CONFLICT);
	move.side = STORE_MOVE_TARGET;
	move.name = dom_slice_of("bo");
	move.account = 0;
	move.open = false;
	assert_status(store_move_add(txn, &move, &other), DOM_OK);
	write_commit(world);
	world_reopen(world);
	txn = read_begin(world);
	assert_status(store_move_of(txn, ana, world->arena, &found), DOM_OK);
	assert_int_equal(found.number, number);
	assert_int_equal(found.state, 3);
	assert_true(found.open);
	assert_int_equal(found.identity[0], 2);
	assert_slice(found.peer, "sg");
	assert_int_equal(found.epoch, 4);
	assert_int_equal(found.attempt[0], 5);
	assert_int_equal(found.attempts, 6);
	assert_int_equal(found.started_ms, 7);
	assert_int_equal(found.changed_ms, 8);
	assert_int_equal(found.due_ms, 9);
	assert_int_equal(found.clock, 10);
	assert_int_equal(found.bytes, 11);
	assert_int_equal(found.bytes_total, 12);
	assert_status(
	    store_moves_by_name(txn, dom_slice_of("ana"), 9, world->arena, &rows, &count),
	    DOM_OK);
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].number, number);
	assert_status(
	    store_moves_by_name(txn, dom_slice_of("bo"), 9, world->arena, &rows, &count),
	    DOM_OK);
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].side, STORE_MOVE_TARGET);
	assert_status(
	    store_moves_by_name(txn, dom_slice_of("cy"), 9, world->arena, &rows, &count),
	    DOM_OK);
	assert_int_equal(count, 0);
	assert_status(store_moves_of(txn, ana, 9, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].number, number);
	assert_status(store_moves_of(txn, ana, 0, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 0);
	assert_status(
	    store_move_find(txn, move.id, STORE_MOVE_TARGET, world->arena, &found), DOM_OK);
	assert_int_equal(found.number, other);
	assert_int_equal(found.account, 0);
	assert_status(store_move_list(txn, 0, true, 9, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 1);
	assert_status(store_move_list(txn, 0, false, 9, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 2);
}

/* The tombstone: whoever asks for the name is told where it lives. */
static void
a_move_stays_when_its_account_is_erased(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), number;
	struct store_move move = sample_move(ana), *rows;
	struct store_erased sum = {0};
	struct dom_slice bytes, signature;
	size_t count;

	assert_status(store_move_add(txn, &move, &number), DOM_OK);
	assert_status(store_move_message_put(
	                  txn, number, 5, dom_slice_of("hand-off"), dom_slice_of("signed")),
	    DOM_OK);
	assert_status(store_account_begin_erase(txn, ana), DOM_OK);
	assert_status(store_erase_account(txn, ana, 100, &sum), DOM_ABSENT);
	write_commit(world);
	world_reopen(world);
	txn = read_begin(world);
	assert_status(
	    store_moves_by_name(txn, dom_slice_of("ana"), 9, world->arena, &rows, &count),
	    DOM_OK);
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].number, number);
	assert_int_equal(rows[0].account, 0);
	assert_int_equal(rows[0].identity[0], 2);
	assert_status(
	    store_move_message_get(txn, number, 5, world->arena, &bytes, &signature), DOM_OK);
	assert_slice(bytes, "hand-off");
}

static void
what_a_peer_has_answered_is_kept(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	uint64_t restores = 99;

	assert_status(store_peer_answer(txn, dom_slice_of("sg"), &restores), DOM_ABSENT);
	assert_status(store_peer_answer_set(txn, dom_slice_of("sg"), 0), DOM_OK);
	assert_status(store_peer_answer_set(txn, dom_slice_of("sg"), 3), DOM_OK);
	assert_status(store_peer_answer_set(txn, dom_slice_of("us"), 1), DOM_OK);
	write_commit(world);
	world_reopen(world);
	txn = read_begin(world);
	assert_status(store_peer_answer(txn, dom_slice_of("sg"), &restores), DOM_OK);
	assert_int_equal(restores, 3);
	assert_status(store_peer_answer(txn, dom_slice_of("us"), &restores), DOM_OK);
	assert_int_equal(restores, 1);
}

static void
what_is_due_comes_first(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	struct store_move *rows;
	int64_t numbers[4];
	size_t count;

	for (unsigned i = 0; i < 4; i++) {
		struct store_move move = sample_move(0);

		move.id[1] = (uint8_t)i;
		move.state = i == 3 ? 21 : 3;
		move.due_ms = 100 - i;
		move.open = i != 2;
		assert_status(store_move_add(txn, &move, &numbers[i]), DOM_OK);
	}
	write_commit(world);
	txn = read_begin(world);
	assert_status(
	    store_move_due(txn, 1 << 3 | 1 << 21, 0, 1, 9, world->arena, &rows, &count),
	    DOM_OK);
	assert_int_equal(count, 3);
	assert_int_equal(rows[0].number, numbers[3]);
	assert_int_equal(rows[1].number, numbers[1]);
	assert_int_equal(rows[2].number, numbers[0]);
	assert_status(
	    store_move_due(txn, 1 << 3, 0, 1, 1, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].number, numbers[1]);
	/* Each in one lane. */
	for (unsigned lane = 0; lane < 2; lane++) {
		assert_status(
		    store_move_due(txn, 1 << 3, lane, 2, 9, world->arena, &rows, &count),
		    DOM_OK);
		assert_int_equal(count, 1);
		assert_int_equal(rows[0].number % 2, lane);
	}
	read_end(world);
}

static size_t
due_in(struct world *world, struct store_txn *txn, unsigned state, unsigned lane)
{
	struct store_move *rows;
	size_t count;

	assert_status(
	    store_move_due(txn, UINT64_C(1) << state, lane, 2, 9, world->arena, &rows, &count),
	    DOM_OK);
	return count;
}

static void
what_is_new_is_found_by_the_next_look(void **state)
{
	struct world *world = *state;
	struct store_move move = sample_move(0);
	uint64_t there, elsewhere;
	struct store_txn *txn;
	unsigned lane;

	move.state = 16;
	/* Looked at while nothing was there, in both lanes and again. */
	txn = read_begin(world);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(due_in(world, txn, 3, i % 2), 0);
	read_end(world);
	there = store_move_news(world->store, 1 << 3);
	txn = write_begin(world);
	assert_status(store_move_add(txn, &move, &move.number), DOM_OK);
	write_commit(world);
	lane = move.number % 2;
	assert_int_equal(store_move_news(world->store, 1 << 3), there);
	elsewhere = store_move_news(world->store, 1 << 16);
	assert_int_not_equal(elsewhere, there);
	assert_int_equal(store_move_news(world->store, 1 << 3 | 1 << 16), elsewhere);

	txn = read_begin(world);
	assert_int_equal(due_in(world, txn, 3, lane), 0);
	assert_int_equal(due_in(world, txn, 16, lane), 1);
	read_end(world);
	move.state = 3;
	txn = write_begin(world);
	assert_status(store_move_update(txn, &move), DOM_OK);
	write_commit(world);
	assert_int_not_equal(store_move_news(world->store, 1 << 3), there);
	assert_int_equal(store_move_news(world->store, 1 << 16), elsewhere);
	txn = read_begin(world);
	assert_int_equal(due_in(world, txn, 16, lane), 0);
	assert_int_equal(due_in(world, txn, 3, lane), 1);
	assert_int_equal(due_in(world, txn, 3, 1 - lane), 0);
	read_end(world);
}

static void
messages_go_with_their_move(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t number;
	struct store_move move = sample_move(0);
	struct dom_slice bytes, signature;

	assert_status(store_move_add(txn, &move, &number), DOM_OK);
	assert_status(
	    store_move_message_put(txn, number, 3, dom_slice_of("first"), dom_slice_of("by S")),
	    DOM_OK);
	assert_status(store_move_message_put(
	                  txn, number, 3, dom_slice_of("second"), dom_slice_of("by D")),
	    DOM_OK);
	assert_status(
	    store_move_message_get(txn, number, 3, world->arena, &bytes, &signature), DOM_OK);
	assert_slice(bytes, "second");
	assert_slice(signature, "by D");
	assert_status(store_move_message_get(txn, number, 4, world->arena, &bytes, &signature),
	    DOM_ABSENT);
	assert_status(store_move_message_put(txn, 99, 3, bytes, signature), DOM_ABSENT);
	assert_status(store_move_remove(txn, number), DOM_OK);
	assert_status(store_move_message_get(txn, number, 3, world->arena, &bytes, &signature),
	    DOM_ABSENT);
	write_commit(world);
}

/* Every kind of write to what an account owns. */
static void
assert_fenced(struct world *world, int64_t ana, int64_t collection)
{
	static const uint8_t id[STORE_ID_SIZE] = {1};
	struct dom_slice any = dom_slice_of("0123456789abcdef0123456789abcdef");
	struct store_staged *staged;
	struct store_txn *txn;
	uint64_t clock;

	txn = write_begin(world);
	assert_int_equal(store_txn_fenced(txn), 0);
	assert_status(store_account_tick(txn, ana, &clock), DOM_EFENCED);
	assert_int_equal(store_txn_fenced(txn), ana);
	assert_status(store_account_set_login(txn, ana, any, any), DOM_EFENCED);
	assert_status(store_account_set_statement_key(txn, ana, any), DOM_EFENCED);
	assert_status(
	    store_chunk_stage(world->store, id, dom_slice_of("chunk"), &staged), DOM_OK);
	assert_status(store_chunk_put(txn, collection, dom_slice_of("k"), staged), DOM_EFENCED);
	assert_status(write_end(world, DOM_EFENCED), DOM_EFENCED);
	store_staged_free(&staged);
}

static void
who_is_not_at_home_takes_no_write(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), mine = add_collection(txn, "c1", ana);
	uint64_t clock;

	write_commit(world);
	static const enum store_account_state states[] = {
	    STORE_ACCOUNT_FROZEN, STORE_ACCOUNT_GONE, STORE_ACCOUNT_PREPARED};
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		txn = write_begin(world);
		assert_status(
		    store_account_turn(txn, ana, STORE_ACCOUNT_HOME, states[i], 7), DOM_OK);
		write_commit(world);
		assert_fenced(world, ana, mine);
		txn = write_begin(world);
		assert_status(store_account_turn(txn, ana, STORE_ACCOUNT_HOME, states[i], 7),
		    DOM_CONFLICT);
		assert_status(
		    store_account_turn(txn, ana, states[i], STORE_ACCOUNT_HOME, 7), DOM_OK);
		assert_status(store_account_tick(txn, ana, &clock), DOM_OK);
		write_commit(world);
	}
	txn = write_begin(world);
	assert_status(store_account_tick(txn, 99, &clock), DOM_ABSENT);
	assert_int_equal(store_txn_fenced(txn), 0);
	write_commit(world);
}

static struct store_item
item(const char *uid, const char *etag, uint64_t clock)
{
	return (struct store_item){.uid = dom_slice_of(uid),
	    .version = 1,
	    .current = {
	        .uid = dom_slice_of(etag), .meta = dom_slice_of("meta"), .clock = clock}};
}

static void
a_copy_can_be_made_twice_and_in_any_order(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	struct store_account copy = sample_account("ana", 1), found;
	struct store_item first = item("i", "i1", 5), second = item("i", "i2", 8);
	struct store_history history = {
	    .item_uid = dom_slice_of("i"), .revision = first.current, .replaced_ms = 77};
	struct store_history *rows;
	struct store_item is;
	int64_t ana, bo = add_account(txn, "bo", 2), taken = add_collection(txn, "taken", bo);
	int64_t mine, again;
	uint64_t clock;
	size_t count;

	assert_status(store_account_stage(txn, &copy, &ana), DOM_OK);
	assert_status(
	    store_copy_collection(txn, ana, dom_slice_of("c"), 8, 2, 0, &mine), DOM_OK);
	assert_status(
	    store_copy_collection(txn, ana, dom_slice_of("c"), 8, 2, 0, &again), DOM_OK);
	assert_int_equal(again, mine);
	/* What is another account's is not taken. */
	assert_status(store_copy_collection(txn, ana, dom_slice_of("taken"), 1, 1, 0, &again),
	    DOM_CONFLICT);
	assert_status(store_copy_item(txn, taken, &first), DOM_EFENCED);
	for (int round = 0; round < 2; round++) {
		assert_status(store_copy_item(txn, mine, &first), DOM_OK);
		assert_status(store_copy_item(txn, mine, &second), DOM_OK);
		assert_status(store_copy_history(txn, mine, &history), DOM_OK);
	}
	history.item_uid = dom_slice_of("nobody");
	assert_status(store_copy_history(txn, mine, &history), DOM_ABSENT);
	history.item_uid = dom_slice_of("i");
	history.revision = second.current;
	assert_status(store_copy_history(txn, mine, &history), DOM_CONFLICT);
	/* Only those who make the copy write to it. */
	assert_status(store_account_tick(txn, ana, &clock), DOM_EFENCED);
	assert_status(store_account_set_clock(txn, ana, 8, 4), DOM_OK);
	assert_status(
	    store_account_turn(txn, ana, STORE_ACCOUNT_STAGING, STORE_ACCOUNT_HOME, 5), DOM_OK);
	assert_status(store_copy_item(txn, mine, &first), DOM_EFENCED);
	assert_status(store_account_tick(txn, ana, &clock), DOM_OK);
	assert_int_equal(clock, 9);
	write_commit(world);
	txn = read_begin(world);
	assert_status(
	    store_account_by_name(txn, dom_slice_of("ana"), world->arena, &found), DOM_OK);
	assert_int_equal(found.epoch, 5);
	assert_status(store_item_find(txn, mine, dom_slice_of("i"), world->arena, &is), DOM_OK);
	assert_slice(is.current.uid, "i2");
	assert_status(store_history_scan(txn, mine, (struct store_history_at){0}, 9,
	                  world->arena, &rows, &count),
	    DOM_OK);
	assert_int_equal(count, 1);
	assert_slice(rows[0].revision.uid, "i1");
	assert_int_equal(rows[0].replaced_ms, 77);
}

static void
chunks_are_read_in_the_order_in_which_they_came(void **state)
{
	static const char *const uids[] = {"zz", "aa", "mm"};
	static const uint8_t id[STORE_ID_SIZE] = {1};
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), mine = add_collection(txn, "c", ana);
	struct store_staged *staged[3];
	struct store_chunk_entry *rows;
	int64_t after = 0;
	size_t count;

	for (size_t i = 0; i < 3; i++) {
		assert_status(
		    store_chunk_stage(world->store, id, dom_slice_of("bytes"), &staged[i]),
		    DOM_OK);
		assert_status(
		    store_chunk_put(txn, mine, dom_slice_of(uids[i]), staged[i]), DOM_OK);
	}
	assert_status(store_copy_chunk_time(txn, mine, dom_slice_of("aa"), 55), DOM_OK);
	write_commit(world);
	for (size_t i = 0; i < 3; i++)
		store_staged_free(&staged[i]);
	txn = read_begin(world);
	for (size_t i = 0; i < 3; i++) {
		assert_status(
		    store_chunk_log(txn, mine, after, 1, world->arena, &rows, &count), DOM_OK);
		assert_int_equal(count, 1);
		assert_slice(rows[0].uid, uids[i]);
		assert_int_equal(rows[0].size, 5);
		assert_int_equal(rows[0].stored_ms, i == 1 ? 55 : WORLD_BEGAN_MS);
		after = rows[0].number;
	}
	assert_status(
	    store_chunk_log(txn, mine, after, 1, world->arena, &rows, &count), DOM_OK);
	assert_int_equal(count, 0);
}

static void
what_is_sent_whole_is_forgotten_of_copies_only(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	struct store_account copy = sample_account("ana", 1);
	struct store_statement statement = {.serial = 1,
	    .service = dom_slice_of("s"),
	    .bytes = dom_slice_of("b"),
	    .signature = dom_slice_of("g")};
	struct store_removed removed = {.uid = dom_slice_of("u"), .clock = 1}, found;
	int64_t ana, bo = add_account(txn, "bo", 2);

	assert_status(store_account_stage(txn, &copy, &ana), DOM_OK);
	for (int round = 0; round < 2; round++) {
		assert_status(store_copy_clear_small(txn, ana), DOM_OK);
		assert_status(store_statement_add(txn, ana, &statement), DOM_OK);
		assert_status(store_removed_put(txn, ana, &removed), DOM_OK);
	}
	assert_status(store_removed_put(txn, bo, &removed), DOM_OK);
	assert_status(store_copy_clear_small(txn, bo), DOM_EFENCED);
	assert_status(
	    store_removed_find(txn, bo, dom_slice_of("u"), world->arena, &found), DOM_OK);
	assert_status(store_copy_clear_small(txn, 99), DOM_ABSENT);
	write_commit(world);
}

static void
it_is_known_how_much_there_is_and_who_shares(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = write_begin(world);
	int64_t ana = add_account(txn, "ana", 1), bo = add_account(txn, "bo", 2);
	int64_t alone = add_collection(txn, "c1", ana), shared = add_collection(txn, "c2", ana),
	        others = add_collection(txn, "c3", bo);
	struct store_staged *staged;
	struct store_extent extent;
	struct store_sharing sharing;

	for (int64_t n = alone; n <= others; n++)
		assert_status(store_member_add(txn, &(struct store_member){.collection = n,
		                                        .account = n == others ? bo : ana,
		                                        .clock = 1,
		                                        .collection_key = dom_slice_of("k"),
		                                        .collection_type = dom_slice_of("t")}),
		    DOM_OK);
	for (int64_t n = shared; n <= others; n++)
		assert_status(store_member_add(txn, &(struct store_member){.collection = n,
		                                        .account = n == others ? ana : bo,
		                                        .clock = 2,
		                                        .collection_key = dom_slice_of("k"),
		                                        .collection_type = dom_slice_of("t")}),
		    DOM_OK);
	assert_status(put_item(txn, alone, "i1", "r1", 3), DOM_OK);
	assert_status(put_item(txn, shared, "i2", "r2", 4), DOM_OK);
	assert_status(put_item(txn, others, "i3", "r3", 1), DOM_OK);
	assert_status(store_chunk_stage(world->store, (uint8_t[STORE_ID_SIZE]){1},
	                  dom_slice_of("x"), &staged),
	    DOM_OK);
	assert_status(store_chunk_put(txn, shared, dom_slice_of("k1"), staged), DOM_OK);
	write_commit(world);
	store_staged_free(&staged);
	txn = read_begin(world);
	assert_status(store_account_extent(txn, ana, &extent), DOM_OK);
	assert_int_equal(extent.collections, 2);
	assert_int_equal(extent.items, 2);
	assert_int_equal(extent.chunks, 1);
	assert_status(store_account_sharing(txn, ana, &sharing), DOM_OK);
	assert_int_equal(sharing.shared, 1);
	assert_int_equal(sharing.memberships, 1);
	assert_status(store_account_sharing(txn, 99, &sharing), DOM_OK);
	assert_int_equal(sharing.shared + sharing.memberships, 0);
}

const struct CMUnitTest move_cases[] = {
    CONTRACT_CASE(a_move_is_found_by_its_id_its_account_and_the_name),
    CONTRACT_CASE(a_move_stays_when_its_account_is_erased),
    CONTRACT_CASE(what_a_peer_has_answered_is_kept),
    CONTRACT_CASE(what_is_due_comes_first),
    CONTRACT_CASE(what_is_new_is_found_by_the_next_look),
    CONTRACT_CASE(it_is_known_how_much_there_is_and_who_shares),
    CONTRACT_CASE(messages_go_with_their_move),
    CONTRACT_CASE(who_is_not_at_home_takes_no_write),
    CONTRACT_CASE(a_copy_can_be_made_twice_and_in_any_order),
    CONTRACT_CASE(chunks_are_read_in_the_order_in_which_they_came),
    CONTRACT_CASE(what_is_sent_whole_is_forgotten_of_copies_only),
};
const size_t move_case_count = sizeof(move_cases) / sizeof(move_cases[0]);
