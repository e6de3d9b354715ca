/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which reads of another region may be put off while other people wait. */
#include "base/bytes.h"

#include "wire/peer.h"

#include "house.h"
#include "store/move.h"

static const uint8_t copied[STORE_MOVE_ID_SIZE] = "exporting.......";
static const uint8_t frozen[STORE_MOVE_ID_SIZE] = "frozen..........";
static const uint8_t unknown[STORE_MOVE_ID_SIZE] = "unknown.........";

static enum dom_status
add_moves(struct store_txn *txn, void *context)
{
	struct store_move move = {.side = STORE_MOVE_SOURCE,
	    .state = WIRE_MOVE_EXPORTING,
	    .open = true,
	    .account = 1,
	    .peer = dom_slice_of("lisbon"),
	    .name = dom_slice_of("ana"),
	    .epoch = 1};
	enum dom_status st;

	(void)context;
	memcpy(move.id, copied, sizeof(copied));
	if ((st = store_move_add(txn, &move, &move.number)) != DOM_OK)
		return st;
	memcpy(move.id, frozen, sizeof(frozen));
	move.state = WIRE_MOVE_FROZEN;
	return store_move_add(txn, &move, &move.number);
}

static bool
may_wait(enum wire_peer_op op, const uint8_t move[STORE_MOVE_ID_SIZE])
{
	struct wire_peer peer = {.op = op,
	    .from = dom_slice_of("lisbon"),
	    .to = dom_slice_of("home"),
	    .at_ms = house.now_ms};
	struct service_request request = {.op = SERVICE_PEER};
	struct dom_buffer signed_bytes = {0}, bytes = {0};
	struct store_txn *txn = NULL;
	static const uint8_t signature[64];
	bool may;

	memcpy(peer.move, move, sizeof(peer.move));
	wire_peer_encode(&bytes, &peer);
	dom_write_string(&signed_bytes, dom_buffer_slice(&bytes));
	dom_buffer_append(&signed_bytes, signature, sizeof(signature));
	assert_int_equal(dom_buffer_finish(&signed_bytes), DOM_OK);
	request.body = dom_buffer_slice(&signed_bytes);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	may = service_may_wait(txn, &request, house.arena);
	store_read_end(&txn);
	dom_buffer_free(&bytes);
	dom_buffer_free(&signed_bytes);
	return may;
}

static void
a_copy_may_wait_but_not_what_a_person_waits_for(void **state)
{
	(void)state;
	assert_int_equal(store_write(house.store, add_moves, NULL), DOM_OK);
	assert_true(may_wait(WIRE_PEER_RECORDS, copied));
	assert_true(may_wait(WIRE_PEER_CHUNKS, copied));
	assert_false(may_wait(WIRE_PEER_RECORDS, frozen));
	assert_false(may_wait(WIRE_PEER_CHUNKS, frozen));
	assert_true(may_wait(WIRE_PEER_RECORDS, unknown));
	/* These are small, and something hangs on them. */
	assert_false(may_wait(WIRE_PEER_STATUS, copied));
	assert_false(may_wait(WIRE_PEER_STATUS, unknown));
	assert_false(may_wait(WIRE_PEER_HOMES, unknown));
}

static void
what_is_no_request_may_wait(void **state)
{
	struct service_request request = {.op = SERVICE_PEER, .body = dom_slice_of("hello")};
	struct store_txn *txn = NULL;

	(void)state;
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_true(service_may_wait(txn, &request, house.arena));
	request.body = dom_slice(NULL, 0);
	assert_true(service_may_wait(txn, &request, house.arena));
	store_read_end(&txn);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_copy_may_wait_but_not_what_a_person_waits_for),
	    TEST(what_is_no_request_may_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
