/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What people and operators ask of a region of a group around a move: each request with each
 * fault in turn, as in run.c, at the moment of the move at which it counts.  What the regions
 * ask of each other is in move.c.
 */
#include <string.h>

#include <sqlite3.h>

#include "base/encode.h"

#include "wire/moves.h"

#include "services/move/guard.h"
#include "services/move/proposal.h"
#include "sim/faults/move.h"
#include "sim/faults/sites.h"

enum { STEPS_MAX = 200, GUARD_STEPS = 30 };

static struct wire_statement statement; /* to sign, with the serial after ana's last */
static uint8_t move_id[STORE_MOVE_ID_SIZE];
static struct dom_slice handoff, handoff_signature;

static enum dom_status
ask_act(const struct scenario *scenario)
{
	(void)scenario;
	return region_send();
}

/* --- requests ----------------------------------------------------------------------------
 */

static void
statement_begin(const struct scenario *scenario)
{
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer bytes = {0};

	(void)scenario;
	ask(SERVICE_STATEMENT_ADD, &house.ana);
	wire_statement_encode(&bytes, &statement);
	dom_statement_sign(house.ana.account, dom_buffer_slice(&bytes), signature);
	wire_signed_statement_encode(
	    &house.body, &(struct wire_signed_statement){.statement = dom_buffer_slice(&bytes),
	                     .signature = dom_slice(signature, sizeof(signature))});
	dom_buffer_free(&bytes);
}

static void
state_that(enum wire_statement_kind kind)
{
	statement = (struct wire_statement){.kind = kind,
	    .serial = house.ana.serial + 1,
	    .issued_ms = house.now_ms,
	    .region = dom_slice_of(house.service.settings.region)};
	memcpy(statement.account, house.ana.identity_public, sizeof(statement.account));
	memset(statement.nonce, (int)kind, sizeof(statement.nonce));
	memcpy(statement.move, move_id, sizeof(statement.move));
}

static void
simple_begin(const struct scenario *scenario)
{
	ask((enum service_op)scenario->number, &house.ana);
	house.request.region_to = dom_slice_of(site_names[1]);
}

static void
certificate_begin(const struct scenario *scenario)
{
	static char hex[2 * STORE_MOVE_ID_SIZE + 1];

	(void)scenario;
	ask(SERVICE_MOVE_CERTIFICATE, &house.ana);
	dom_hex_encode(dom_slice(move_id, sizeof(move_id)), hex);
	house.request.move_id = dom_slice_of(hex);
}

static void
handoff_begin(const struct scenario *scenario)
{
	(void)scenario;
	ask(SERVICE_HANDOFF, NULL);
	wire_handoff_encode(&house.body,
	    &(struct wire_signed_move){.bytes = handoff, .signature = handoff_signature});
}

/* --- the operator's ------------------------------------------------------------------------
 */

static enum dom_status
run_tell(struct store_txn *txn, void *context)
{
	(void)context;
	return proposal_tell(txn, house.arena,
	    &(struct store_proposal){.account = number_of("ana"),
	        .phase = dom_slice_of("pilot"),
	        .target = dom_slice_of(site_names[1]),
	        .told_ms = 100,
	        .begins_ms = 200,
	        .grace_days = 1});
}

static enum dom_status
run_release(struct store_txn *txn, void *context)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct store_proposal *rows;
	enum dom_status st = DOM_ENOMEM;
	size_t count;

	(void)context;
	if (arena != NULL)
		st = store_proposal_list(txn, 0, 10, arena, &rows, &count);
	if (st == DOM_OK)
		st = count == 1 ? proposal_release(&house.service, txn, arena, &rows[0])
		                : DOM_ESTORE;
	dom_arena_free(&arena);
	return st;
}

static enum dom_status
release_act(const struct scenario *scenario)
{
	(void)scenario;
	return store_write(house.store, run_release, NULL);
}

static void
agreed_prepare(const struct scenario *scenario)
{
	if (store_write(house.store, run_tell, NULL) != DOM_OK)
		wrong("ana cannot be asked");
	statement_begin(scenario);
	if (region_send() != DOM_OK)
		wrong("ana cannot agree");
}

/* --- a backup of before the move
 * --------------------------------------------------------------
 */

static struct sim_disk *backup; /* of region 0 */

static void
mark_restored(void)
{
	sqlite3 *database = NULL;
	char path[128];

	snprintf(path, sizeof(path), "%s/store.sqlite3", house.folder);
	if (sqlite3_open(path, &database) != SQLITE_OK ||
	    sqlite3_exec(database, "INSERT INTO restored (restored_ms, floor) VALUES (1, 0)",
	        NULL, NULL, NULL) != SQLITE_OK)
		wrong("the backup cannot be marked");
	sqlite3_close(database);
}

static void
restored_prepare(const struct scenario *scenario)
{
	(void)scenario;
	region_close();
	mark_restored();
	if (region_open() != DOM_OK)
		wrong("what was restored does not open: %s", region_message);
}

/* Until it serves people. */
static enum dom_status
ask_around(struct move_guard *guard)
{
	const struct mover_peer peer = site_peer();

	for (int i = 0; i < GUARD_STEPS && move_guard_is_closed(guard); i++) {
		int64_t wait_ms = 0;
		enum dom_status st = move_guard_step(guard, &peer, &wait_ms);

		if (st < 0)
			return st;
		/* It would ask again later; what it writes then has another time. */
		if (st == DOM_ABSENT && move_guard_is_closed(guard))
			return DOM_ENETWORK;
	}
	return move_guard_is_closed(guard) ? DOM_ENETWORK : DOM_OK;
}

/* number: the operator does not wait for the others. */
static enum dom_status
restored_act(const struct scenario *scenario)
{
	struct move_guard *guard = NULL;
	enum dom_status st = move_guard_open(&house.service, house.store, &guard);

	if (st == DOM_OK && !move_guard_is_closed(guard) && store_failed(house.store))
		st = DOM_ESTORE;
	if (st == DOM_OK)
		st = scenario->number != 0 ? move_guard_trust(guard) : ask_around(guard);
	move_guard_close(&guard);
	return st;
}

/* Of an account that has moved there is nothing to serve here, but for what may be trusted. */
static void
restored_look(const struct scenario *scenario)
{
	const int expected = scenario->number != 0 ? STORE_ACCOUNT_HOME : STORE_ACCOUNT_GONE;
	struct store_account account;
	struct store_txn *txn = NULL;
	enum dom_status st = store_read_begin(house.reader, &txn);

	if (st == DOM_OK)
		st = store_account_by_name(txn, dom_slice_of("ana"), house.arena, &account);
	store_read_end(&txn);
	if (st != DOM_OK)
		wrong("ana is not found: %s", dom_status_text(st));
	else if (account.state != expected)
		wrong("ana's account is in state %d", account.state);
}

/* --- moments of a move ---------------------------------------------------------------------
 */

static void
take_disk(const struct sim_disk *from)
{
	sim_disk_free(&region_disk);
	region_disk = sim_disk_new("region", 1);
	sim_disk_copy(from, region_disk);
}

/* Copies the disk of the region that `house` is, while it is closed. */
static void
capture(const char *folder)
{
	(void)folder;
	take_disk(site_disks[pair.at]);
	if (backup == NULL) {
		backup = sim_disk_new("backup", 1);
		sim_disk_copy(region_disk, backup);
	}
}

/* Runs these on the region as it is now, or as it was then; the move goes on from here
 * afterwards. */
static void
run_here(const struct scenario *list, size_t count, const struct fault_options *options,
    const struct sim_disk *from)
{
	struct house kept;
	const char *rest;

	dom_buffer_free(&house.body);
	service_reply_free(&house.reply);
	restart_after(pair.at, capture);
	kept = house;
	rest = strchr(kept.folder + sizeof(SIM_DISK_ROOT) - 1, '/');
	snprintf(house.folder, sizeof(house.folder), SIM_DISK_ROOT "region%s", rest);
	house.store = NULL;
	house.reader = NULL;
	if (from != NULL)
		take_disk(from);
	push_open();
	for (size_t i = 0; i < count; i++)
		faults_of(&list[i], options);
	faults_forget();
	dom_buffer_free(&house.body);
	service_reply_free(&house.reply);
	push_close();
	sim_disk_free(&region_disk);
	house = kept;
}

static void
before_it(const struct fault_options *options)
{
	static const struct scenario list[] = {
	    {.name = "asked: GROUP",
	        .reads_only = true,
	        .begin = simple_begin,
	        .act = ask_act,
	        .number = SERVICE_GROUP},
	    {.name = "asked: MOVE_PLAN",
	        .reads_only = true,
	        .begin = simple_begin,
	        .act = ask_act,
	        .number = SERVICE_MOVE_PLAN},
	    {.name = "asked: an order", .begin = statement_begin, .act = ask_act},
	    {.name = "operator: an order that waits",
	        .prepare = agreed_prepare,
	        .act = release_act},
	};

	state_that(WIRE_MOVE_ORDER);
	memset(statement.move, 0, sizeof(statement.move));
	statement.target = dom_slice_of(site_names[1]);
	statement.epoch = 1;
	statement.expires_ms = house.now_ms + 7 * DAY_MS;
	statement.grace_days = 1;
	run_here(list, sizeof(list) / sizeof(list[0]), options, NULL);
}

static void
while_it_copies(const struct fault_options *options)
{
	static const struct scenario list[] = {
	    {.name = "asked: MOVES",
	        .reads_only = true,
	        .begin = simple_begin,
	        .act = ask_act,
	        .number = SERVICE_MOVES},
	    {.name = "asked: to cancel it", .begin = statement_begin, .act = ask_act},
	};

	assert_int_equal(order_move(1), SERVICE_DONE);
	pair_run_until(1, WIRE_MOVE_STAGING);
	memcpy(move_id, the_move(0).id, sizeof(move_id));
	state_that(WIRE_MOVE_CANCEL);
	run_here(list, sizeof(list) / sizeof(list[0]), options, NULL);
}

static bool
lose_answers(struct mover_ask *ask, enum wire_peer_op op, int to)
{
	(void)ask, (void)op, (void)to;
	return false;
}

/* The source has given it away and cannot tell the target, but a device can. */
static void
between_homes(const struct fault_options *options)
{
	static const struct scenario list[] = {
	    {.name = "asked: a hand-off", .begin = handoff_begin, .act = ask_act},
	};
	struct store_txn *txn;
	struct store_move gone;

	pair_run_until(1, WIRE_MOVE_PREPARED);
	pair.answered = lose_answers;
	for (int i = 0; i < STEPS_MAX && the_move(0).state != WIRE_MOVE_GONE; i++)
		(void)pair_step();
	gone = the_move(0);
	assert_int_equal(gone.state, WIRE_MOVE_GONE);
	assert_int_equal(the_move(1).state, WIRE_MOVE_PREPARED);
	assert_int_equal(store_read_begin(house.reader, &txn), DOM_OK);
	assert_int_equal(store_move_message_get(
	                     txn, gone.number, 5, pair.arena, &handoff, &handoff_signature),
	    DOM_OK);
	store_read_end(&txn);
	be(1);
	run_here(list, sizeof(list) / sizeof(list[0]), options, NULL);
	be(0);
	pair.answered = NULL;
}

/* What the region signed of what it gave away, which she has compared. */
static void
acknowledge_begin(void)
{
	struct wire_move given;

	assert_int_equal(wire_move_decode(handoff, &given), DOM_OK);
	state_that(WIRE_MOVE_ACK);
	memcpy(statement.root, given.root, sizeof(statement.root));
	statement.epoch = 2;
	statement.revisions = given.sum.revisions;
}

static void
at_home(const struct fault_options *options)
{
	static const struct scenario acks[] = {
	    {.name = "asked: an acknowledgement", .begin = statement_begin, .act = ask_act},
	};
	static const struct scenario restored[] = {
	    {.name = "asked: a restored region, who lives there",
	        .promise = RESUMES,
	        .prepare = restored_prepare,
	        .act = restored_act,
	        .look = restored_look,
	        .number = 0},
	    {.name = "asked: a restored region that is trusted",
	        .promise = RESUMES,
	        .prepare = restored_prepare,
	        .act = restored_act,
	        .look = restored_look,
	        .number = 1},
	};
	static const struct scenario certificates[] = {
	    {.name = "asked: MOVE_CERTIFICATE",
	        .reads_only = true,
	        .begin = certificate_begin,
	        .act = ask_act},
	};

	pair_run_until(1, WIRE_MOVE_HOME);
	run_here(restored, sizeof(restored) / sizeof(restored[0]), options, backup);
	be(1);
	assert_int_equal(log_in(&house.ana), SERVICE_DONE);
	acknowledge_begin();
	run_here(acks, 1, options, NULL);
	assert_int_equal(acknowledge(2), SERVICE_DONE);
	pair_run_until(1, WIRE_MOVE_SETTLED);
	run_here(certificates, 1, options, NULL);
	be(0);
}

void
asked_faults(const struct fault_options *options)
{
	if (options->only != NULL &&
	    strstr("asked: operator: an order that waits", options->only) == NULL &&
	    strncmp(options->only, "asked", 5) != 0)
		return;
	faults_scenario("asked");
	faults_try("no fault", 0, "");
	totals.scenarios--;
	for (int i = 0; i < PAIR_REGIONS; i++)
		site_disks[i] = sim_disk_new(site_names[i], 1);
	pair_roots[0] = SIM_DISK_ROOT "in";
	pair_roots[1] = SIM_DISK_ROOT "sg";
	if (pair_set_up(NULL) != 0)
		abort();
	pair_fill();
	before_it(options);
	while_it_copies(options);
	between_homes(options);
	at_home(options);
	pair_tear_down(NULL);
	sim_disk_free(&backup);
	for (int i = 0; i < PAIR_REGIONS; i++)
		sim_disk_free(&site_disks[i]);
}
