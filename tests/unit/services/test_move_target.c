/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a region takes from others, and what it refuses; what a lying one can do to it. */
#include "base/bytes.h"

#include "crypto/region.h"

#include "wire/moves.h"

#include "move_pair.h"
#include "services/move/parts.h"

/* --- offers --------------------------------------------------------------------------------
 */

static struct store_move the_order;
static struct wire_peer_offer offer;

/* Ana's offer, as her region would send it. */
static void
make_offer(void)
{
	struct store_account account;
	struct dom_slice signature;
	struct store_txn *txn;

	pair_fill();
	assert_int_equal(order_move(1), SERVICE_DONE);
	the_order = the_move(0);
	offer = (struct wire_peer_offer){
	    .name = dom_slice_of("ana"), .email = dom_slice_of(""), .bytes = 8400};
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(store_move_message_get(txn, the_order.number, MOVE_MESSAGE_ORDER,
	                     pair.arena, &offer.order, &signature),
	    DOM_OK);
	assert_int_equal(
	    store_account_by_name(txn, dom_slice_of("ana"), pair.arena, &account), DOM_OK);
	store_read_end(&txn);
	memcpy(offer.id, account.id, sizeof(offer.id));
}

static enum service_code
send_offer_at(int64_t at_ms)
{
	struct dom_buffer body = {0};
	enum service_code code;

	wire_peer_offer_encode(&body, &offer);
	code = ask_as(0, WIRE_PEER_OFFER, the_order.id, dom_buffer_slice(&body), at_ms);
	dom_buffer_free(&body);
	return code;
}

static enum service_code
send_offer(void)
{
	return send_offer_at(house.now_ms);
}

#define assert_refused(words)                                                                  \
	do {                                                                                   \
		assert_int_equal(send_offer(), SERVICE_PEER_REFUSED);                          \
		if (strstr(pair.told, words) == NULL)                                          \
			fail_msg("%s", pair.told);                                             \
		assert_int_equal(the_move(1).state, -1);                                       \
	} while (0)

static struct wire_group_region *
in_group(int region)
{
	return &pair.group.regions[region];
}

static void
an_offer_is_taken_once(void **state)
{
	(void)state;
	make_offer();
	assert_int_equal(send_offer(), SERVICE_DONE);
	assert_int_equal(the_move(1).state, WIRE_MOVE_STAGING);
	assert_int_equal(send_offer(), SERVICE_DONE);
	assert_int_equal(the_move(1).number, 1);
	assert_int_equal(account_state(1), STORE_ACCOUNT_STAGING);
}

static void
only_what_the_person_ordered_is_taken(void **state)
{
	struct wire_peer_offer good;
	uint8_t bytes[WIRE_EVIDENCE_SIZE_MAX];

	(void)state;
	make_offer();
	good = offer;
	/* No byte of the order may be another. */
	for (size_t i = 0; i < good.order.size; i += 7) {
		memcpy(bytes, good.order.data, good.order.size);
		bytes[i] ^= 1;
		offer.order = dom_slice(bytes, good.order.size);
		assert_int_equal(send_offer(), SERVICE_PEER_REFUSED);
	}
	offer.order = dom_slice(good.order.data, good.order.size - 1);
	assert_int_equal(send_offer(), SERVICE_PEER_REFUSED);
	offer = good;
	the_order.id[0] ^= 1;
	assert_refused("not the order of this move");
	the_order.id[0] ^= 1;
	house.now_ms += 7 * DAY_MS;
	assert_refused("expired");
	/* The source may be a liar that takes any order. */
	house.now_ms -= 122 * DAY_MS;
	assert_refused("later than any order");
}

static void
policies_and_limits_hold(void **state)
{
	(void)state;
	make_offer();
	in_group(1)->flags = WIRE_REGION_LETS;
	assert_refused("takes no accounts");
	in_group(1)->flags = WIRE_REGION_TAKES;
	in_group(0)->flags = WIRE_REGION_TAKES;
	assert_refused("lets no account go");
	in_group(0)->flags = WIRE_REGION_LETS;
	in_group(0)->grace_min_days = 2;
	assert_refused("days of grace");
	in_group(0)->grace_min_days = 0;
	pair.services[1].settings.quota_bytes = 8399;
	assert_refused("more than this region gives");
	pair.services[1].settings.quota_bytes = 8400;
	/* More than any disk has. */
	offer.bytes = INT64_MAX;
	pair.services[1].settings.quota_bytes = 0;
	assert_refused("no room");
	offer.bytes = 8400;
	assert_int_equal(send_offer_at(house.now_ms - DAY_MS - 1), SERVICE_PEER_UNTRUSTED);
	assert_int_equal(send_offer_at(house.now_ms + DAY_MS + 1), SERVICE_PEER_UNTRUSTED);
	offer.name = dom_slice_of("Ana");
	assert_refused("not in the form");
	offer.name = dom_slice_of("");
	assert_refused("No account of this name");
	offer.name = dom_slice_of("ana");
	assert_int_equal(send_offer(), SERVICE_DONE);
}

static enum dom_status
run_add(struct store_txn *txn, void *context)
{
	int64_t number;

	return store_account_add(txn, context, &number);
}

static void
add_account(const char *name, const char *email, uint8_t id)
{
	struct store_account account = {
	    .id = {id}, .name = dom_slice_of(name), .email = dom_slice_of(email)};

	assert_int_equal(store_write(pair.services[1].store, run_add, &account), DOM_OK);
}

static void
names_addresses_and_ids_are_nobody_elses(void **state)
{
	(void)state;
	make_offer();
	add_account("bob", "ana", 1);
	assert_refused("name or address in that region");
	offer.name = dom_slice_of("bob");
	assert_refused("name or address in that region");
	offer.name = dom_slice_of("eve");
	add_account("eve@example.org", "kim@example.org", 3);
	offer.email = dom_slice_of("eve@example.org");
	assert_refused("name or address in that region");
	offer.email = dom_slice_of("kim@example.org");
	assert_refused("name or address in that region");
	offer.email = dom_slice_of("");
	memset(offer.id, 0, sizeof(offer.id));
	offer.id[0] = 1;
	assert_refused("account of this id");
	offer.id[0] = 2;
	assert_int_equal(send_offer(), SERVICE_DONE);
}

struct crowd {
	const char *of;
	int state;
	unsigned count;
};

static enum dom_status
run_crowd(struct store_txn *txn, void *context)
{
	struct store_move move = {
	    .side = STORE_MOVE_TARGET, .open = true, .epoch = 1, .due_ms = INT64_MAX};
	const struct crowd *crowd = context;
	enum dom_status st = DOM_OK;

	move.peer = dom_slice_of(crowd->of);
	move.state = crowd->state;
	for (unsigned i = 1; st == DOM_OK && i <= crowd->count; i++) {
		memcpy(move.id, &i, sizeof(i));
		move.id[8] = (uint8_t)crowd->state;
		move.id[9] = (uint8_t)crowd->of[0];
		st = store_move_add(txn, &move, &move.number);
	}
	return st;
}

static void
come(const char *of, int state, unsigned count)
{
	struct crowd crowd = {.of = of, .state = state, .count = count};

	assert_int_equal(store_write(pair.services[1].store, run_crowd, &crowd), DOM_OK);
}

static void
so_many_copies_are_made_at_once_and_no_more(void **state)
{
	(void)state;
	make_offer();
	come("us", WIRE_MOVE_STAGING, 256);
	assert_int_equal(send_offer(), SERVICE_UNAVAILABLE);
	assert_int_equal(account_state(1), -1);
}

/* A region that offers a lot and ends nothing leaves room for the others. */
static void
one_source_does_not_take_all_the_room(void **state)
{
	make_offer();
	come("in", WIRE_MOVE_STAGING, 100);
	come("in", WIRE_MOVE_PREPARED, 27);
	come("in", WIRE_MOVE_FREEZING, 1);
	assert_int_equal(send_offer(), SERVICE_UNAVAILABLE);
	assert_int_equal(account_state(1), -1);
	pair_tear_down(state);
	pair_set_up(state);
	make_offer();
	come("us", WIRE_MOVE_STAGING, 128);
	come("in", WIRE_MOVE_STAGING, 100);
	come("in", WIRE_MOVE_PREPARED, 27);
	assert_int_equal(send_offer(), SERVICE_DONE);
}

static void
anybody_may_ask_whether_there_is_room(void **state)
{
	struct wire_room room;

	(void)state;
	be(1);
	add_account("bob", "bob@example.org", 1);
	for (int i = 0; i < 4; i++) {
		struct wire_room_ask question = {
		    .username = dom_slice_of(i == 1 ? "Bob" : "ana"),
		    .email = dom_slice_of(i == 2 ? "bob@example.org" : NULL),
		    .bytes = i == 3 ? INT64_MAX : 100};

		ask(SERVICE_MOVE_ROOM, NULL);
		wire_room_ask_encode(&house.body, &question);
		assert_int_equal(send(), SERVICE_DONE);
		assert_int_equal(
		    wire_room_decode(dom_buffer_slice(&house.reply.body), &room), DOM_OK);
		assert_int_equal(room.takes, i == 0);
		assert_int_equal(room.why.size == 0, i == 0);
		assert_int_equal(room.now_ms, house.now_ms);
	}
	ask(SERVICE_MOVE_ROOM, NULL);
	dom_buffer_append_text(&house.body, "nonsense");
	assert_int_equal(send(), SERVICE_MALFORMED_BODY);
}

/* --- hand-offs ------------------------------------------------------------------------------
 */

static enum service_code
carry(struct dom_slice bytes, struct dom_slice signature)
{
	be(1);
	ask(SERVICE_HANDOFF, NULL);
	wire_handoff_encode(
	    &house.body, &(struct wire_signed_move){.bytes = bytes, .signature = signature});
	return send();
}

static enum wire_peer_op lost;

static bool
lose(const struct mover_ask *one, enum wire_peer_op op, int to)
{
	(void)one, (void)to;
	return op != lost;
}

static struct wire_signed_move
kept_at(int region, int kind)
{
	struct wire_signed_move message;
	struct store_move move = the_move(region);
	struct store_txn *txn;

	be(region);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(store_move_message_get(txn, move.number, kind, pair.arena,
	                     &message.bytes, &message.signature),
	    DOM_OK);
	store_read_end(&txn);
	return message;
}

/* Signed by that region, with something changed. */
static enum service_code
carry_other(int signer, const struct wire_move *view)
{
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer bytes = {0};
	enum service_code code;

	wire_move_encode(&bytes, view);
	dom_region_sign(pair.services[signer].key, dom_buffer_slice(&bytes), signature);
	code = carry(dom_buffer_slice(&bytes), dom_slice(signature, sizeof(signature)));
	dom_buffer_free(&bytes);
	return code;
}

static void
only_the_hand_off_of_what_was_promised_counts(void **state)
{
	struct wire_signed_move prepare;
	struct wire_move view, other;

	(void)state;
	pair_fill();
	assert_int_equal(order_move(1), SERVICE_DONE);
	lost = WIRE_PEER_SWITCH;
	pair.deliver = lose;
	pair_run_until(1, WIRE_MOVE_PREPARED);
	prepare = kept_at(1, MOVE_MESSAGE_PREPARE);
	assert_int_equal(wire_move_decode(prepare.bytes, &view), DOM_OK);
	view.kind = WIRE_MOVE_HANDOFF;
	view.epoch++;
	assert_int_equal(wire_move_digest(&prepare, view.answers), DOM_OK);
	/* By the target itself; with each field changed in turn. */
	assert_int_equal(carry_other(1, &view), SERVICE_MOVE_REFUSED);
	for (int i = 0; i < 8; i++) {
		other = view;
		switch (i) {
		case 0:
			other.epoch++;
			break;
		case 1:
			other.root[0] ^= 1;
			break;
		case 2:
			other.answers[0] ^= 1;
			break;
		case 3:
			other.attempt[0] ^= 1;
			break;
		case 4:
			other.move[0] ^= 1;
			break;
		case 5:
			other.account[0] ^= 1;
			break;
		case 6:
			other.sum.items++;
			break;
		default:
			other.kind = WIRE_MOVE_FREEZE;
			break;
		}
		assert_int_equal(carry_other(0, &other), SERVICE_MOVE_REFUSED);
	}
	assert_int_equal(the_move(1).state, WIRE_MOVE_PREPARED);
	assert_int_equal(account_state(1), STORE_ACCOUNT_PREPARED);
	/* The source is trusted with its own account: what it signs counts. */
	assert_int_equal(carry_other(0, &view), SERVICE_DONE);
	assert_int_equal(account_state(1), STORE_ACCOUNT_HOME);
}

static void
an_old_hand_off_does_not_bring_an_account_back(void **state)
{
	struct wire_signed_move first;

	(void)state;
	pair_fill();
	assert_int_equal(order_move(1), SERVICE_DONE);
	pair_run_until(1, WIRE_MOVE_HOME);
	first = kept_at(1, MOVE_MESSAGE_HANDOFF);
	be(1);
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
	assert_int_equal(order_move(2), SERVICE_DONE);
	pair_run_until(0, WIRE_MOVE_HOME);
	assert_int_equal(account_state(1), STORE_ACCOUNT_GONE);
	assert_int_equal(carry(first.bytes, first.signature), SERVICE_DONE);
	assert_int_equal(account_state(1), STORE_ACCOUNT_GONE);
	assert_int_equal(homes(), 1);
}

/* --- who lives here
 * ---------------------------------------------------------------------------- */

static void
a_region_that_was_restored_hears_what_it_gave_away(void **state)
{
	static const uint8_t none_of_them[16] = {0};
	uint8_t after[8] = {0};
	struct wire_peer_home *homes_told;
	size_t count;
	bool ended;

	(void)state;
	pair_fill();
	assert_int_equal(order_move(1), SERVICE_DONE);
	for (int i = 0; i < 3; i++) {
		if (i == 1) {
			lost = WIRE_PEER_SWITCH;
			pair.deliver = lose;
			pair_run_until(1, WIRE_MOVE_PREPARED);
		} else if (i == 2) {
			pair.deliver = NULL;
			pair_run_until(1, WIRE_MOVE_HOME);
		}
		assert_int_equal(ask_as(0, WIRE_PEER_HOMES, none_of_them,
		                     dom_slice(after, sizeof(after)), house.now_ms),
		    SERVICE_DONE);
		assert_int_equal(wire_peer_homes_decode(dom_buffer_slice(&pair.answer),
		                     pair.arena, &ended, &homes_told, &count),
		    DOM_OK);
		assert_true(ended);
		assert_int_equal(count, i == 0 ? 0 : 1);
		if (count == 1)
			assert_int_equal(homes_told[0].prepared, i == 1);
	}
	after[7] = 1;
	assert_int_equal(ask_as(0, WIRE_PEER_HOMES, none_of_them,
	                     dom_slice(after, sizeof(after)), house.now_ms),
	    SERVICE_DONE);
	assert_int_equal(pair.answer.size, 1);
	assert_int_equal(
	    ask_as(0, WIRE_PEER_HOMES, none_of_them, dom_slice(after, 7), house.now_ms),
	    SERVICE_PEER_REFUSED);
}

static enum dom_status
run_add_moves(struct store_txn *txn, void *context)
{
	struct store_move move = {.side = STORE_MOVE_SOURCE,
	    .state = WIRE_MOVE_CANCELLED,
	    .peer = dom_slice_of("a region of a long name"),
	    .name = dom_slice_of("somebody")};
	enum dom_status st = DOM_OK;

	(void)context;
	for (int i = 0; st == DOM_OK && i < 10000; i++) {
		memcpy(move.id, &i, sizeof(i));
		st = store_move_add(txn, &move, &move.number);
	}
	return st;
}

/* What a region has to remember of others does not count against who asks. */
static void
a_region_with_many_moves_can_tell_which_it_has_at_home(void **state)
{
	static const uint8_t none_of_them[16] = {0}, after[8] = {0};
	struct wire_peer_home *homes_told;
	size_t count;
	bool ended;

	(void)state;
	pair_fill();
	assert_int_equal(order_move(1), SERVICE_DONE);
	pair_run_until(1, WIRE_MOVE_HOME);
	be(1);
	assert_int_equal(store_write(house.store, run_add_moves, NULL), DOM_OK);
	be(0);
	pair.arena_max = 1 << 20;
	assert_int_equal(ask_as(0, WIRE_PEER_HOMES, none_of_them,
	                     dom_slice(after, sizeof(after)), house.now_ms),
	    SERVICE_DONE);
	assert_int_equal(wire_peer_homes_decode(dom_buffer_slice(&pair.answer), pair.arena,
	                     &ended, &homes_told, &count),
	    DOM_OK);
	assert_int_equal(count, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PAIR_TEST(an_offer_is_taken_once),
	    PAIR_TEST(only_what_the_person_ordered_is_taken),
	    PAIR_TEST(policies_and_limits_hold),
	    PAIR_TEST(names_addresses_and_ids_are_nobody_elses),
	    PAIR_TEST(so_many_copies_are_made_at_once_and_no_more),
	    PAIR_TEST(one_source_does_not_take_all_the_room),
	    PAIR_TEST(anybody_may_ask_whether_there_is_room),
	    PAIR_TEST(only_the_hand_off_of_what_was_promised_counts),
	    PAIR_TEST(an_old_hand_off_does_not_bring_an_account_back),
	    PAIR_TEST(a_region_that_was_restored_hears_what_it_gave_away),
	    PAIR_TEST(a_region_with_many_moves_can_tell_which_it_has_at_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
