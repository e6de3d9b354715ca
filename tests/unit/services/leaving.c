/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The house as the source of a move, and another region that asks it. */
#include "leaving.h"

#include "base/bytes.h"

#include "crypto/digest.h"

struct leaving leaving;

static struct dom_region_key *
key_of(const char *letters)
{
	struct dom_region_key *key;

	assert_int_equal(dom_region_key_from_bytes(dom_slice(letters, 32), &key), DOM_OK);
	return key;
}

static struct wire_group_region
region(const char *name, const struct dom_region_key *key, const char *address)
{
	struct wire_group_region it = {.name = dom_slice_of(name),
	    .addresses = {dom_slice_of(address)},
	    .address_count = 1,
	    .flags = WIRE_REGION_TAKES | WIRE_REGION_LETS,
	    .grace_min_days = 3,
	    .grace_max_days = 30};

	dom_region_sign_public(key, it.key);
	return it;
}

static void
make_group(void)
{
	static struct wire_group group;
	struct dom_region_key *key = key_of("group key of the tests .........");
	struct wire_group_region regions[] = {
	    region("in", house.service.key, "https://in.example"),
	    region("sg", leaving.sg, "https://sg.example"),
	    region("us", leaving.us, "https://us.example")};
	struct wire_group plain = {.version = 1,
	    .issued_ms = 1,
	    .name = dom_slice_of("test"),
	    .regions = regions,
	    .region_count = 3};
	uint8_t signature[DOM_SIGNATURE_SIZE];
	const char *why;

	regions[2].flags = 0;
	dom_region_sign_public(key, plain.key);
	assert_int_equal(wire_group_check(&plain, &why), DOM_OK);
	wire_group_encode(&leaving.group_file, &plain);
	dom_region_sign(key, dom_buffer_slice(&leaving.group_file), signature);
	dom_buffer_append(&leaving.group_file, signature, sizeof(signature));
	dom_region_key_free(&key);
	assert_int_equal(wire_group_decode(dom_buffer_slice(&leaving.group_file), leaving.arena,
	                     &group, &why),
	    DOM_OK);
	house.service.settings.group = &group;
	house.service.settings.group_file = dom_buffer_slice(&leaving.group_file);
}

static void
woken(void *context)
{
	(void)context;
	leaving.wakes++;
}

static void
open_answers(void)
{
	const struct mover_options options = {.service = &house.service,
	    .store = house.store,
	    .role = MOVER_ANSWERS,
	    .lanes = 1,
	    .wake = woken};

	assert_int_equal(move_answers_open(&options, &leaving.answers), DOM_OK);
}

int
leaving_set_up(void **state)
{
	if (house_set_up(state) != 0)
		return -1;
	leaving = (struct leaving){.arena = dom_arena_new(0)};
	leaving.sg = key_of("key of region sg, of the tests..");
	leaving.us = key_of("key of region us, of the tests..");
	make_group();
	open_answers();
	/* Nothing is left of an attempt from before. */
	work();
	turn_on(&house.ana);
	return 0;
}

int
leaving_tear_down(void **state)
{
	move_answers_close(&leaving.answers);
	dom_buffer_free(&leaving.group_file);
	dom_buffer_free(&leaving.body);
	dom_buffer_free(&leaving.request);
	dom_region_key_free(&leaving.sg);
	dom_region_key_free(&leaving.us);
	dom_arena_free(&leaving.arena);
	return house_tear_down(state);
}

/* --- statements -------------------------------------------------- */

struct wire_statement
order_of_ana(void)
{
	struct wire_statement order = {.kind = WIRE_MOVE_ORDER,
	    .nonce = {7},
	    .serial = house.ana.serial + 1,
	    .issued_ms = house.now_ms,
	    .region = dom_slice_of("in"),
	    .service = dom_slice("", 0),
	    .target = dom_slice_of("sg"),
	    .epoch = 1,
	    .expires_ms = house.now_ms + 7LL * MOVE_DAY_MS,
	    .leave_shared = true,
	    .grace_days = 7};

	memcpy(order.account, house.ana.identity_public, sizeof(order.account));
	return order;
}

static void
take_subject(void)
{
	struct wire_countersigned answer;
	struct wire_receipt receipt;

	assert_int_equal(
	    wire_countersigned_decode(dom_buffer_slice(&house.reply.body), &answer), DOM_OK);
	assert_int_equal(wire_receipt_decode(answer.receipt, &receipt), DOM_OK);
	memcpy(leaving.subject, receipt.subject, sizeof(leaving.subject));
	memcpy(leaving.move, receipt.subject, sizeof(leaving.move));
}

enum service_code
order_it(struct wire_statement *order)
{
	enum service_code code = state_it(&house.ana, order);

	if (code == SERVICE_DONE)
		take_subject();
	return code;
}

enum service_code
cancel_it(void)
{
	struct wire_statement cancel = order_of_ana();

	cancel.kind = WIRE_MOVE_CANCEL;
	memcpy(cancel.move, leaving.move, sizeof(cancel.move));
	return state_it(&house.ana, &cancel);
}

/* --- the other region -------------------------------------------- */

enum service_code
peer_asks_as(enum wire_peer_op op, struct wire_peer *peer, const struct dom_region_key *key)
{
	static const bool changes[] = {[WIRE_PEER_OFFER] = true,
	    [WIRE_PEER_FREEZE] = true,
	    [WIRE_PEER_SWITCH] = true,
	    [WIRE_PEER_ACTIVE] = true,
	    [WIRE_PEER_ACK] = true,
	    [WIRE_PEER_DISCARD] = true,
	    [WIRE_PEER_ERASED] = true,
	    [WIRE_PEER_HOMES] = false};
	uint8_t signature[DOM_SIGNATURE_SIZE];

	peer->op = op;
	dom_buffer_clear(&leaving.request);
	wire_peer_encode(&leaving.request, peer);
	dom_region_sign(key, dom_buffer_slice(&leaving.request), signature);
	ask(changes[op] ? SERVICE_PEER_CHANGE : SERVICE_PEER, NULL);
	dom_write_string(&house.body, dom_buffer_slice(&leaving.request));
	dom_buffer_append(&house.body, signature, sizeof(signature));
	return send();
}

enum service_code
peer_asks(enum wire_peer_op op)
{
	struct wire_peer peer = {.from = dom_slice_of("sg"),
	    .to = dom_slice_of("in"),
	    .at_ms = house.now_ms,
	    .body = dom_buffer_slice(&leaving.body)};

	memcpy(peer.move, leaving.move, sizeof(peer.move));
	return peer_asks_as(op, &peer, leaving.sg);
}

enum service_code
ask_cursor(enum wire_peer_op op, struct dom_slice cursor)
{
	dom_buffer_clear(&leaving.body);
	dom_write_string(&leaving.body, cursor);
	return peer_asks(op);
}

enum service_code
ask_message(enum wire_peer_op op, const struct wire_signed_move *message)
{
	dom_buffer_clear(&leaving.body);
	wire_peer_message_encode(&leaving.body, message);
	return peer_asks(op);
}

enum wire_move_state
status(void)
{
	dom_buffer_clear(&leaving.body);
	assert_int_equal(peer_asks(WIRE_PEER_STATUS), SERVICE_DONE);
	assert_int_equal(
	    wire_peer_status_decode(dom_buffer_slice(&house.reply.body), &leaving.status),
	    DOM_OK);
	leaving.status.freeze = keep_message(&leaving.status.freeze);
	leaving.status.abort = keep_message(&leaving.status.abort);
	leaving.status.handoff = keep_message(&leaving.status.handoff);
	return leaving.status.state;
}

struct wire_signed_move
keep_message(const struct wire_signed_move *message)
{
	return (struct wire_signed_move){dom_arena_copy(leaving.arena, message->bytes),
	    dom_arena_copy(leaving.arena, message->signature)};
}

struct wire_signed_move
sign_move(const struct wire_move *message, const struct dom_region_key *key)
{
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct wire_signed_move it;

	dom_buffer_clear(&leaving.request);
	wire_move_encode(&leaving.request, message);
	dom_region_sign(key, dom_buffer_slice(&leaving.request), signature);
	it = (struct wire_signed_move){
	    dom_buffer_slice(&leaving.request), dom_slice(signature, sizeof(signature))};
	return keep_message(&it);
}

struct wire_move
answer_to(const struct wire_signed_move *before, enum wire_move_kind kind)
{
	struct wire_move message;

	assert_int_equal(wire_move_decode(before->bytes, &message), DOM_OK);
	message.kind = kind;
	message.at_ms = house.now_ms;
	assert_int_equal(wire_move_digest(before, message.answers), DOM_OK);
	return message;
}

/* --- work -------------------------------------------------------- */

enum dom_status
answer_step(void)
{
	int64_t wait_ms;
	enum dom_status st = move_answers_step(leaving.answers, &wait_ms);

	assert_true(st == DOM_OK || st == DOM_ABSENT);
	assert_true(wait_ms >= 0 && wait_ms <= MOVER_WAIT_MS_MAX);
	return st;
}

void
work(void)
{
	for (int i = 0; i < 1000; i++) {
		if (answer_step() == DOM_ABSENT)
			return;
	}
	fail_msg("the source's work has no end");
}

static int64_t
clock_now(void *context)
{
	return *(int64_t *)context;
}

void
restart(void)
{
	char message[200];

	move_answers_close(&leaving.answers);
	store_reader_close(&house.reader);
	store_close(&house.store);
	assert_int_equal(store_open(&(struct store_options){.folder = house.folder,
	                                .region = "in",
	                                .key = house.service.key,
	                                .clock = {clock_now, &house.now_ms},
	                                .manual = true,
	                                .chunk_row_size_max = 4096},
	                     &house.store, message, sizeof(message)),
	    DOM_OK);
	assert_int_equal(store_reader_open(house.store, &house.reader), DOM_OK);
	house.service.store = house.store;
	open_answers();
}

/* --- getting there ----------------------------------------------- */

static enum dom_status
run_accepted(struct store_txn *txn, void *context)
{
	struct store_move move;
	enum dom_status st;

	(void)context;
	st = store_move_find(txn, leaving.move, STORE_MOVE_SOURCE, house.arena, &move);
	assert_int_equal(st, DOM_OK);
	move_enter(&move, MOVE_ACCEPTED, house.now_ms);
	return store_move_update(txn, &move);
}

void
accepted(void)
{
	struct wire_statement order = order_of_ana();

	assert_int_equal(order_it(&order), SERVICE_DONE);
	assert_int_equal(store_write(house.store, run_accepted, NULL), DOM_OK);
}

struct wire_signed_move
frozen(void)
{
	struct wire_peer_frozen answer;

	assert_int_equal(ask_cursor(WIRE_PEER_FREEZE, dom_slice("", 0)), SERVICE_UNAVAILABLE);
	work();
	assert_int_equal(ask_cursor(WIRE_PEER_FREEZE, dom_slice("", 0)), SERVICE_DONE);
	assert_int_equal(
	    wire_peer_frozen_decode(dom_buffer_slice(&house.reply.body), &answer), DOM_OK);
	return keep_message(&answer.freeze);
}

struct wire_signed_move
given_away(struct wire_signed_move *prepare_r)
{
	struct wire_signed_move freeze = frozen(), handoff;
	struct wire_move prepare = answer_to(&freeze, WIRE_MOVE_PREPARE);

	*prepare_r = sign_move(&prepare, leaving.sg);
	assert_int_equal(ask_message(WIRE_PEER_SWITCH, prepare_r), SERVICE_DONE);
	assert_int_equal(
	    wire_peer_message_decode(dom_buffer_slice(&house.reply.body), &handoff), DOM_OK);
	return keep_message(&handoff);
}

struct store_move
the_move(void)
{
	struct store_txn *txn;
	struct store_move move;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(
	    store_move_find(txn, leaving.move, STORE_MOVE_SOURCE, leaving.arena, &move),
	    DOM_OK);
	store_read_end(&txn);
	return move;
}

struct store_account
the_account(const struct person *person)
{
	struct store_account account;
	struct store_txn *txn;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(
	    store_account_by_name(txn, dom_slice_of(person->name), leaving.arena, &account),
	    DOM_OK);
	store_read_end(&txn);
	return account;
}

/* --- what several tests ask ---------------------------------------- */

void
list_moves(struct wire_moves_entry **entries_r, size_t *count_r)
{
	assert_int_equal(get(SERVICE_MOVES, &house.ana), SERVICE_DONE);
	assert_int_equal(wire_moves_decode(dom_buffer_slice(&house.reply.body), house.arena,
	                     entries_r, count_r),
	    DOM_OK);
}

enum service_code
ask_chunk(unsigned collection, unsigned chunk)
{
	const struct wire_peer_chunk chunks[] = {
	    {dom_slice_of(uid('c', collection)), dom_slice_of(uid('k', chunk))}};

	dom_buffer_clear(&leaving.body);
	wire_peer_chunks_encode(&leaving.body, chunks, 1);
	return peer_asks(WIRE_PEER_CHUNKS);
}

void
store_chunk(const struct person *person, unsigned collection, unsigned number)
{
	struct wire_item one[] = {item(number, 'r', NULL)};
	struct wire_chunk chunk = {
	    .uid = dom_slice_of(uid('k', number)), .content = dom_slice_of("ciphertext")};

	one[0].content.chunks = &chunk;
	one[0].content.chunk_count = 1;
	assert_int_equal(put(person, SERVICE_ITEM_BATCH, collection, one, 1), SERVICE_DONE);
}

void
expect_moved(enum service_code code)
{
	assert_int_equal(code, SERVICE_ACCOUNT_MOVED);
	assert_non_null(house.reply.moved);
	assert_true(dom_slice_is(house.reply.moved->region, "sg"));
	assert_true(dom_slice_is(house.reply.moved->address, "https://sg.example"));
	assert_true(house.reply.moved->handoff.bytes.size > 100);
	assert_non_null(strstr(house.reply.detail, "https://sg.example"));
}

struct wire_signed_move
active_for(const struct wire_signed_move *handoff)
{
	struct wire_move message = answer_to(handoff, WIRE_MOVE_ACTIVE);

	return sign_move(&message, leaving.sg);
}

/* Ana's, taken by sg. */
struct dom_slice
ack_for(const struct wire_signed_move *handoff, void (*change)(struct wire_statement *ack))
{
	struct wire_statement ack = order_of_ana();
	uint8_t public[DOM_PUBLIC_KEY_SIZE], signature[DOM_SIGNATURE_SIZE],
	    receipt_signature[DOM_SIGNATURE_SIZE];
	struct wire_receipt receipt = {.kind = WIRE_RECEIPT_TAKEN,
	    .region = dom_slice_of("sg"),
	    .accepted_ms = house.now_ms,
	    .clock = 9};
	struct dom_buffer statement = {0}, taken = {0}, evidence = {0};
	struct wire_move given;
	struct dom_slice kept;

	assert_int_equal(wire_move_decode(handoff->bytes, &given), DOM_OK);
	ack.kind = WIRE_MOVE_ACK;
	ack.region = dom_slice_of("sg");
	memcpy(ack.move, leaving.move, sizeof(ack.move));
	ack.epoch = given.epoch;
	memcpy(ack.root, given.root, sizeof(ack.root));
	if (change != NULL)
		change(&ack);
	wire_statement_encode(&statement, &ack);
	dom_statement_public(house.ana.account, public);
	dom_statement_sign(house.ana.account, dom_buffer_slice(&statement), signature);
	assert_int_equal(wire_subject(dom_slice(public, 32), dom_buffer_slice(&statement),
	                     dom_slice(signature, sizeof(signature)), receipt.subject),
	    DOM_OK);
	dom_region_sign_public(leaving.sg, receipt.region_public);
	wire_receipt_encode(&taken, &receipt);
	dom_region_sign(leaving.sg, dom_buffer_slice(&taken), receipt_signature);
	wire_evidence_encode(&evidence,
	    &(struct wire_evidence){.statement_public = dom_slice(public, 32),
	        .statement = dom_buffer_slice(&statement),
	        .signature = dom_slice(signature, sizeof(signature)),
	        .receipt = dom_buffer_slice(&taken),
	        .receipt_signature = dom_slice(receipt_signature, sizeof(receipt_signature))});
	kept = dom_arena_copy(leaving.arena, dom_buffer_slice(&evidence));
	dom_buffer_free(&statement);
	dom_buffer_free(&taken);
	dom_buffer_free(&evidence);
	return kept;
}

enum service_code
ask_ack(struct dom_slice evidence)
{
	return ask_cursor(WIRE_PEER_ACK, evidence);
}
