/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Two regions and what goes between them; see move_pair.h. */
#include "move_pair.h"

#include "base/bytes.h"

#include "crypto/group.h"

#include "services/root/root.h"

struct pair pair;
const char *pair_roots[PAIR_REGIONS];

static const char *const names[PAIR_REGIONS] = {"in", "sg"};
static const char *const keys[PAIR_REGIONS] = {
    "region key of the tests........", "another region's key............"};
static const char *const addresses[PAIR_REGIONS] = {"https://in.example", "https://sg.example"};

enum { STEPS_MAX = 5000, HOLDS_MAX = 20 };

/* --- setting up ----------------------------------------------------------------------------
 */

static struct house *
house_at(int region)
{
	return region == pair.at ? &house : &pair.houses[region];
}

void
be(int region)
{
	int64_t now_ms = house.now_ms;
	uint64_t seed = house.seed, serial = house.ana.serial;

	if (region == pair.at)
		return;
	pair.houses[pair.at] = house;
	house = pair.houses[region];
	house.now_ms = now_ms;
	house.seed = seed;
	house.ana.serial = serial;
	pair.at = region;
}

static void
make_group(void)
{
	static const uint8_t secret[32] = "the key of the group............";
	struct wire_group_region regions[PAIR_REGIONS];
	struct wire_group group = {.version = 1,
	    .issued_ms = 1,
	    .name = dom_slice_of("both"),
	    .regions = regions,
	    .region_count = PAIR_REGIONS};
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_group_key *key;
	const char *why = "";

	assert_int_equal(
	    dom_group_key_from_bytes(dom_slice(secret, sizeof(secret)), &key), DOM_OK);
	dom_group_public(key, group.key);
	for (int i = 0; i < PAIR_REGIONS; i++) {
		regions[i] = (struct wire_group_region){.name = dom_slice_of(names[i]),
		    .addresses = {dom_slice_of(addresses[i])},
		    .address_count = 1,
		    .flags = WIRE_REGION_TAKES | WIRE_REGION_LETS,
		    .grace_max_days = 365};
		dom_region_sign_public(house_at(i)->service.key, regions[i].key);
	}
	assert_int_equal(wire_group_check(&group, &why), DOM_OK);
	wire_group_encode(&pair.group_file, &group);
	dom_group_sign(key, dom_buffer_slice(&pair.group_file), signature);
	dom_buffer_append(&pair.group_file, signature, sizeof(signature));
	dom_group_key_free(&key);
	assert_int_equal(wire_group_decode(
	                     dom_buffer_slice(&pair.group_file), pair.arena, &pair.group, &why),
	    DOM_OK);
}

static enum dom_status ask_peers(void *context, struct mover_ask *asks, size_t count);

static void
open_workers(int region)
{
	struct journal journal = journal_in_memory();
	struct mover_options options = {.service = &pair.services[region],
	    .store = pair.services[region].store,
	    .role = MOVER_ANSWERS,
	    .lanes = 1,
	    .peer = {.ask = ask_peers}};

	journal.context = &pair.journals[region];
	assert_int_equal(mover_open(&options, &pair.answers[region]), DOM_OK);
	options.role = MOVER_ASKS;
	assert_int_equal(mover_open(&options, &pair.asks[region]), DOM_OK);
	assert_int_equal(keeper_open(&(struct keeper_options){.service = &pair.services[region],
	                                 .store = pair.services[region].store,
	                                 .journal = journal},
	                     &pair.keepers[region]),
	    DOM_OK);
}

static void
close_workers(int region)
{
	mover_close(&pair.asks[region]);
	mover_close(&pair.answers[region]);
	keeper_close(&pair.keepers[region]);
}

/* Both houses know it under its keys, each with a session of its own. */
static void
share_ana(void)
{
	person_free(&pair.houses[0].ana);
	pair.houses[0].ana = house.ana;
}

int
pair_set_up(void **state)
{
	(void)state;
	pair = (struct pair){0};
	if ((pair.arena = dom_arena_new(0)) == NULL)
		return -1;
	house_root = pair_roots[0];
	house_open(names[0], keys[0]);
	pair.houses[0] = house;
	pair.at = 1;
	house_root = pair_roots[1];
	house_open(names[1], keys[1]);
	share_ana();
	make_group();
	for (int i = 0; i < PAIR_REGIONS; i++) {
		struct house *one = house_at(i);

		one->service.settings.group = &pair.group;
		one->service.settings.group_file = dom_buffer_slice(&pair.group_file);
		pair.journals[i].stops_after = -1;
		pair.services[i] = one->service;
		open_workers(i);
	}
	be(0);
	return 0;
}

int
pair_tear_down(void **state)
{
	for (int i = 0; i < PAIR_REGIONS; i++)
		close_workers(i);
	be(1);
	house.ana = (struct person){0};
	house_tear_down(state);
	house = pair.houses[0];
	house_tear_down(state);
	dom_buffer_free(&pair.group_file);
	dom_buffer_free(&pair.answer);
	dom_arena_free(&pair.arena);
	return 0;
}

static int64_t
clock_ms(void *context)
{
	return *(int64_t *)context;
}

void
restart(int region)
{
	restart_after(region, NULL);
}

void
restart_after(int region, void (*happens)(const char *folder))
{
	struct house *one = house_at(region);
	char message[200];

	close_workers(region);
	store_reader_close(&one->reader);
	store_close(&one->store);
	if (happens != NULL)
		happens(one->folder);
	if (store_open(&(struct store_options){.folder = one->folder,
	                   .region = names[region],
	                   .key = one->service.key,
	                   .clock = {clock_ms, &house.now_ms},
	                   .manual = true,
	                   .chunk_row_size_max = 4096},
	        &one->store, message, sizeof(message)) != DOM_OK)
		fail_msg("%s", message);
	assert_int_equal(store_reader_open(one->store, &one->reader), DOM_OK);
	one->service.store = pair.services[region].store = one->store;
	open_workers(region);
	pair.restarts++;
}

/* --- between the regions
 * ------------------------------------------------------------------------ */

struct serving {
	const struct service *service;
	struct service_request request;
	struct service_reply reply;
	struct dom_arena *arena;
};

static enum dom_status
run_request(struct store_txn *txn, void *context)
{
	struct serving *serving = context;

	return service_run(
	    serving->service, txn, &serving->request, NULL, serving->arena, &serving->reply);
}

static void
serve_once(struct serving *serving, int to)
{
	struct store_txn *txn;
	enum dom_status st;

	service_reply_free(&serving->reply);
	if (service_plan(serving->request.op)->writes) {
		st = store_write(pair.services[to].store, run_request, serving);
	} else {
		assert_int_equal(store_read_begin(house_at(to)->reader, &txn), DOM_OK);
		st = run_request(txn, serving);
		store_read_end(&txn);
	}
	if (st != DOM_OK && st != DOM_EDENIED)
		service_failure(st, &serving->reply);
}

static void
step_answers(int region)
{
	int64_t wait_ms;
	enum dom_status st = mover_step(pair.answers[region], &wait_ms);

	if (st < 0)
		fail_msg("answers of %s: %s", names[region], dom_status_text(st));
}

/* As http/ does: a code becomes a status and a body. */
static void
take_reply(struct mover_ask *ask, struct serving *serving)
{
	const struct service_reply *reply = &serving->reply;
	bool is_refused = reply->code == SERVICE_PEER_REFUSED,
	     is_untrusted = reply->code == SERVICE_PEER_UNTRUSTED;
	struct wire_error error = {.code = dom_slice_of(is_refused     ? "peer_refused"
	                                                : is_untrusted ? "peer_untrusted"
	                                                               : "unavailable"),
	    .detail = dom_slice_of(reply->detail == NULL ? "" : reply->detail),
	    .is_simple = true,
	    .abort = reply->abort.bytes,
	    .signature = reply->abort.signature};

	ask->failure = DOM_OK;
	ask->status = reply->code == SERVICE_DONE  ? 200
	              : is_refused || is_untrusted ? 409
	                                           : 503;
	ask->retry_after_seconds = reply->retry_after_seconds;
	if (reply->code == SERVICE_DONE)
		dom_buffer_append_slice(&ask->reply, dom_buffer_slice(&reply->body));
	else
		wire_error_encode(&ask->reply, &error);
	if (ask->reply.size > ask->reply_size_max)
		ask->failure = DOM_ELIMIT;
}

static void
serve(struct mover_ask *ask, int to)
{
	struct serving serving = {.service = &pair.services[to],
	    .request = {.op = ask->change ? SERVICE_PEER_CHANGE : SERVICE_PEER,
	        .limit = -1,
	        .body = ask->body},
	    .arena = dom_arena_new(0)};

	assert_non_null(serving.arena);
	serve_once(&serving, to);
	/* Held: whoever answers works on it. */
	for (int i = 0; i < HOLDS_MAX && serving.reply.hold_ms != 0; i++) {
		step_answers(to);
		serve_once(&serving, to);
	}
	take_reply(ask, &serving);
	service_reply_free(&serving.reply);
	dom_arena_free(&serving.arena);
}

static enum dom_status
ask_peers(void *context, struct mover_ask *asks, size_t count)
{
	(void)context;
	assert_in_range(count, 1, MOVER_ASKS_MAX);
	for (size_t i = 0; i < count; i++) {
		int to = dom_slice_is(asks[i].region->name, names[0]) ? 0 : 1;
		struct wire_peer_signed message;
		struct wire_peer peer;

		assert_int_equal(wire_peer_signed_decode(asks[i].body, &message), DOM_OK);
		assert_int_equal(wire_peer_decode(message.request, &peer), DOM_OK);
		pair.asked++;
		asks[i].failure = DOM_ENETWORK;
		if (pair.deliver != NULL && !pair.deliver(&asks[i], peer.op, to))
			continue;
		serve(&asks[i], to);
		if (pair.answered != NULL && !pair.answered(&asks[i], peer.op, to)) {
			dom_buffer_free(&asks[i].reply);
			asks[i].status = 0;
			asks[i].failure = DOM_EUNCERTAIN;
		}
	}
	return DOM_OK;
}

enum service_code
ask_as(int from, enum wire_peer_op op, const uint8_t move[16], struct dom_slice body,
    int64_t at_ms)
{
	struct wire_peer peer = {.op = op,
	    .from = dom_slice_of(names[from]),
	    .to = dom_slice_of(names[1 - from]),
	    .at_ms = at_ms,
	    .body = body};
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer request_bytes = {0}, whole = {0};
	struct serving serving = {.service = &pair.services[1 - from],
	    .request = {.op = op == WIRE_PEER_HOMES ? SERVICE_PEER : SERVICE_PEER_CHANGE,
	        .limit = -1},
	    .arena = dom_arena_new(pair.arena_max)};
	enum service_code code;

	assert_non_null(serving.arena);
	memcpy(peer.move, move, sizeof(peer.move));
	wire_peer_encode(&request_bytes, &peer);
	dom_region_sign(pair.services[from].key, dom_buffer_slice(&request_bytes), signature);
	dom_write_string(&whole, dom_buffer_slice(&request_bytes));
	dom_buffer_append(&whole, signature, sizeof(signature));
	serving.request.body = dom_buffer_slice(&whole);
	serve_once(&serving, 1 - from);
	code = serving.reply.code;
	snprintf(pair.told, sizeof(pair.told), "%s",
	    serving.reply.detail == NULL ? "" : serving.reply.detail);
	dom_buffer_clear(&pair.answer);
	dom_buffer_append_slice(&pair.answer, dom_buffer_slice(&serving.reply.body));
	service_reply_free(&serving.reply);
	dom_buffer_free(&request_bytes);
	dom_buffer_free(&whole);
	dom_arena_free(&serving.arena);
	return code;
}

void
ask_again(const struct mover_ask *ask, int to)
{
	struct mover_ask again = *ask;

	again.reply = (struct dom_buffer){0};
	serve(&again, to);
	dom_buffer_free(&again.reply);
}

/* --- steps
 * ---------------------------------------------------------------------------------------- */

static bool
step_mover(struct mover *mover, const char *whose, int64_t *least_ms)
{
	int64_t wait_ms = 0;
	enum dom_status st = mover_step(mover, &wait_ms);

	if (st < 0)
		fail_msg("%s: %s", whose, dom_status_text(st));
	if (st == DOM_ABSENT && wait_ms < *least_ms)
		*least_ms = wait_ms;
	return st == DOM_OK;
}

bool
pair_step(void)
{
	int64_t least_ms = MOVER_WAIT_MS_MAX;
	bool did = false;

	for (int i = 0; i < PAIR_REGIONS; i++) {
		enum dom_status st = pair.rests[i] ? DOM_ABSENT : keeper_step(pair.keepers[i]);

		assert_true(st >= 0);
		did |= st == DOM_OK;
		did |= step_mover(pair.answers[i], names[i], &least_ms);
		did |= step_mover(pair.asks[i], names[i], &least_ms);
	}
	if (!did)
		house.now_ms += least_ms > 0 ? least_ms : 1;
	return did;
}

struct store_move
the_move(int region)
{
	struct store_move last = {.state = -1}, *rows;
	struct store_txn *txn;
	size_t count;

	assert_int_equal(store_read_begin(house_at(region)->reader, &txn), DOM_OK);
	assert_int_equal(
	    store_move_list(txn, 0, false, 1000, pair.arena, &rows, &count), DOM_OK);
	if (count != 0)
		last = rows[count - 1];
	store_read_end(&txn);
	return last;
}

struct store_move
move_of(int region, const struct person *person)
{
	struct store_move last = {.state = -1}, *rows;
	struct store_txn *txn;
	size_t count;

	assert_int_equal(store_read_begin(house_at(region)->reader, &txn), DOM_OK);
	assert_int_equal(
	    store_move_list(txn, 0, false, 1000, pair.arena, &rows, &count), DOM_OK);
	for (size_t i = 0; i < count; i++) {
		if (memcmp(rows[i].identity, person->identity_public, 32) == 0)
			last = rows[i];
	}
	store_read_end(&txn);
	return last;
}

void
pair_run_until(int region, int state)
{
	for (int i = 0; i < STEPS_MAX && the_move(region).state != state; i++) {
		(void)pair_step();
		assert_in_range(homes(), 0, 1);
	}
	assert_int_equal(the_move(region).state, state);
}

/* --- the account
 * -------------------------------------------------------------------------------- */

static enum dom_status
find_ana(struct store_txn *txn, struct store_account *account_r)
{
	return store_account_by_name(txn, dom_slice_of("ana"), pair.arena, account_r);
}

int
account_state(int region)
{
	struct store_account account;
	struct store_txn *txn;
	enum dom_status st;

	assert_int_equal(store_read_begin(house_at(region)->reader, &txn), DOM_OK);
	st = find_ana(txn, &account);
	store_read_end(&txn);
	assert_true(st >= 0);
	return st == DOM_OK ? account.state : -1;
}

unsigned
homes(void)
{
	unsigned count = 0;

	for (int i = 0; i < PAIR_REGIONS; i++)
		count += account_state(i) == STORE_ACCOUNT_HOME;
	return count;
}

void
root_at(int region, uint8_t root_r[32], struct wire_erased *sum_r)
{
	struct root_options options = {.scope = WIRE_SCOPE_ACCOUNT};
	struct store_account account;
	struct store_txn *txn;

	assert_int_equal(store_read_begin(house_at(region)->reader, &txn), DOM_OK);
	assert_int_equal(find_ana(txn, &account), DOM_OK);
	options.account = account.number;
	options.clock = account.clock;
	memcpy(options.identity_public, house.ana.identity_public, 32);
	assert_int_equal(root_compute(txn, &options, root_r, sum_r), DOM_OK);
	store_read_end(&txn);
}

void
write_items(unsigned collection, unsigned from, unsigned count, char revision)
{
	for (unsigned i = from; i < from + count; i++) {
		struct wire_item one = item(i, revision, NULL);

		assert_int_equal(
		    put(&house.ana, SERVICE_ITEM_BATCH, collection, &one, 1), SERVICE_DONE);
	}
}

void
write_chunk(unsigned collection, unsigned number, size_t size)
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

void
pair_fill(void)
{
	turn_on(&house.ana);
	assert_int_equal(consent(&house.ana, "any", NULL), SERVICE_DONE);
	create(&house.ana, 1, "type one");
	create(&house.ana, 2, "type two");
	write_items(1, 1, 10, 'a');
	write_items(1, 1, 5, 'b');
	write_items(2, 1, 3, 'a');
	write_chunk(1, 1, 100);
	write_chunk(1, 2, 8000);
	write_chunk(2, 3, 300);
}

/* --- statements
 * ----------------------------------------------------------------------------------- */

static struct wire_statement
statement_here(const struct person *person, enum wire_statement_kind kind)
{
	struct wire_statement statement = {.kind = kind,
	    .serial = person->serial + 1,
	    .issued_ms = house.now_ms,
	    .region = dom_slice_of(names[pair.at])};

	memcpy(statement.account, person->identity_public, sizeof(statement.account));
	dom_random_fill(&house.service.random, statement.nonce, sizeof(statement.nonce));
	return statement;
}

enum service_code
order_move_of(struct person *person, uint64_t epoch)
{
	struct wire_statement order = statement_here(person, WIRE_MOVE_ORDER);

	order.target = dom_slice_of(names[1 - pair.at]);
	order.epoch = epoch;
	order.expires_ms = house.now_ms + 7 * DAY_MS;
	order.grace_days = 1;
	return state_it(person, &order);
}

enum service_code
order_move(uint64_t epoch)
{
	return order_move_of(&house.ana, epoch);
}

enum service_code
cancel_move(void)
{
	struct wire_statement cancel = statement_here(&house.ana, WIRE_MOVE_CANCEL);
	struct store_move move = the_move(pair.at);

	memcpy(cancel.move, move.id, sizeof(cancel.move));
	return state_it(&house.ana, &cancel);
}

enum service_code
acknowledge(uint64_t epoch)
{
	struct wire_statement ack = statement_here(&house.ana, WIRE_MOVE_ACK);
	struct store_move move = the_move(pair.at);
	struct dom_slice bytes, signature;
	struct wire_move handoff;
	struct store_txn *txn;

	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(
	    store_move_message_get(txn, move.number, 5, pair.arena, &bytes, &signature),
	    DOM_OK);
	store_read_end(&txn);
	assert_int_equal(wire_move_decode(bytes, &handoff), DOM_OK);
	memcpy(ack.move, move.id, sizeof(ack.move));
	memcpy(ack.root, handoff.root, sizeof(ack.root));
	ack.epoch = epoch;
	ack.revisions = handoff.sum.revisions;
	return state_it(&house.ana, &ack);
}
