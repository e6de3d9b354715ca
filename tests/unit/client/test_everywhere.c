/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a device does, with each allocation failing once, or all from one on, and each
 * operation of its disk failing, or being the last one: it says so, and the same again then
 * finishes the job.  The region behind it meets none of that.
 */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/digest.h"

#include "client/client.h"
#include "facade.h"
#include "sim/alloc.h"
#include "sim/disk.h"
#include "sim/vfs.h"

#define STATE SIM_DISK_ROOT "phone/state"

static const struct phone_record records[] = {
    {.key = "a", .name = "a", .source = "s", .order = 1, .seed = 1, .size = 100},
    {.key = "b", .name = "b", .source = "s", .order = 2, .seed = 2, .size = 90000},
};
enum { RECORDS = sizeof(records) / sizeof(records[0]) };

static struct sim_disk *model, *disk;
static unsigned number; /* of the run: each writes something of its own */

/* --- a way to the region on which nothing fails --------------------------------------------
 */

static int64_t theirs, since; /* blocks that the region's side has, and the transport's */

static void
go_there(void)
{
	sim_alloc_pause(true);
	since = sim_alloc_live();
}

static void
come_back(void)
{
	theirs += sim_alloc_live() - since;
	sim_alloc_pause(false);
}

struct way {
	struct dom_transport api;
	struct dom_transport *behind;
};
struct crossing {
	struct dom_exchange *exchange;
	void (*done)(struct dom_exchange *exchange);
	void *context;
};

static void
crossed(struct dom_exchange *exchange)
{
	struct crossing crossing = *(struct crossing *)exchange->context;

	free(exchange->context);
	exchange->done = crossing.done;
	exchange->context = crossing.context;
	theirs -= exchange->reply != NULL; /* it is the library's from here on */
	come_back();
	exchange->done(exchange);
	go_there();
}

static enum dom_status
way_submit(struct dom_transport *api, struct dom_exchange *exchange)
{
	struct way *way = (struct way *)api;
	struct crossing *crossing;
	enum dom_status st;

	go_there();
	crossing = malloc(sizeof(*crossing));
	assert_non_null(crossing);
	*crossing = (struct crossing){exchange, exchange->done, exchange->context};
	exchange->done = crossed;
	exchange->context = crossing;
	st = way->behind->submit(way->behind, exchange);
	come_back();
	return st;
}

static enum dom_status
way_poll(struct dom_transport *api, int timeout_ms)
{
	struct way *way = (struct way *)api;
	enum dom_status st;

	go_there();
	st = way->behind->poll(way->behind, timeout_ms);
	come_back();
	return st;
}

static void
way_close(struct dom_transport *api)
{
	struct way *way = (struct way *)api;

	go_there();
	way->behind->close(way->behind);
	free(way);
	come_back();
}

static struct dom_transport *
way_to(void *context, const char *server_url)
{
	struct way *way;

	go_there();
	way = calloc(1, sizeof(*way));
	assert_non_null(way);
	way->api =
	    (struct dom_transport){.submit = way_submit, .poll = way_poll, .close = way_close};
	way->behind = facade_connect(context, server_url);
	come_back();
	return &way->api;
}

/* --- what it does ---------------------------------------------------------------------- */

static struct dom_session_options
options_of(const char *folder)
{
	return (struct dom_session_options){.state_folder = folder,
	    .server_url = facades[FACADE_SG].url,
	    .device = "phone",
	    .connect = way_to};
}

static enum dom_status
put(struct dom_session *session)
{
	struct dom_collection *collection = NULL;
	char uid[33], text[24];
	struct dom_item_new item = {.uid = "an-item-of-this-very-uid", .name = "an item"};
	enum dom_status st;

	snprintf(text, sizeof(text), "run %u", number);
	item.content = dom_slice_of(text);
	if ((st = dom_collection_ensure(session, "things", "sim.things", &collection)) ==
	    DOM_OK)
		st = dom_item_put(collection, &item, uid);
	dom_collection_free(&collection);
	return st;
}

static uint8_t large[90000];

static enum dom_status
read_large(void *context, enum dom_status (*take)(void *take_context, struct dom_slice bytes),
    void *take_context)
{
	(void)context;
	return take(take_context, dom_slice(large, sizeof(large)));
}

static enum dom_status
import_into(struct dom_collection *collection)
{
	struct dom_record record = {.key = dom_slice_of("b"),
	    .size = sizeof(large),
	    .name = "b",
	    .source = "s",
	    .order = 2,
	    .read = read_large};
	struct dom_import *import = NULL;
	struct dom_import_counts counts;
	enum dom_record_outcome outcome;
	enum dom_status st;

	memset(large, (int)number, sizeof(large));
	sim_alloc_pause(true);
	assert_int_equal(dom_sha256(dom_slice(large, sizeof(large)), record.digest), DOM_OK);
	sim_alloc_pause(false);
	if ((st = dom_import_begin(collection, &import)) == DOM_OK &&
	    (st = dom_import_put(import, &record, &outcome)) == DOM_OK)
		st = dom_import_finish(import, &counts);
	dom_import_free(&import);
	return st;
}

static enum dom_status
import(struct dom_session *session)
{
	struct dom_collection *collection = NULL;
	enum dom_status st = dom_sync(session);

	if (st == DOM_OK)
		st = dom_collection_find(session, "things", &collection);
	if (st == DOM_OK)
		st = import_into(collection);
	dom_collection_free(&collection);
	return st;
}

/* One that fails does not stop the others. */
static enum dom_status
fetch_end(void *context, const struct dom_item_info *info, enum dom_status status)
{
	enum dom_status *worst = context;

	(void)info;
	if (status < 0)
		*worst = status;
	return DOM_OK;
}

static enum dom_status
fetch_begin(void *context, const struct dom_item_info *info)
{
	(void)context, (void)info;
	return DOM_OK;
}

static enum dom_status
fetch_data(void *context, struct dom_slice bytes)
{
	(void)context, (void)bytes;
	return DOM_OK;
}

static enum dom_status
fetch(struct dom_session *session)
{
	enum dom_status worst = DOM_OK;
	const struct dom_fetch_sink sink = {fetch_begin, fetch_data, fetch_end, &worst};
	struct dom_collection *collection = NULL;
	enum dom_status st = dom_collection_find(session, "things", &collection);

	if (st == DOM_OK)
		st = dom_collection_fetch(collection, &sink);
	dom_collection_free(&collection);
	assert_int_not_equal(worst, DOM_EINTEGRITY);
	return st == DOM_OK && worst < 0 ? dom_session_fail(session, worst, "an item") : st;
}

struct scenario {
	const char *name;
	enum dom_status (*run)(struct dom_session *session);
	bool moves;
};
static const struct scenario scenarios[] = {
    {"sync", dom_sync, false},
    {"put", put, false},
    {"import", import, false},
    {"fetch", fetch, false},
    {"follow", dom_sync, true},
};

static enum dom_status
run(const struct scenario *scenario, struct dom_complaint *complaint_r)
{
	const struct dom_session_options options = options_of(STATE);
	struct dom_session *session = NULL;
	int64_t ours = sim_alloc_live() - theirs;
	enum dom_status st = dom_session_open(&options, &session, complaint_r);

	if (st == DOM_OK) {
		st = scenario->run(session);
		snprintf(complaint_r->text, sizeof(complaint_r->text), "%s",
		    st == DOM_OK ? "" : dom_session_error(session));
	}
	dom_session_close(&session);
	if (sim_alloc_live() - theirs != ours)
		fail_msg("%s: %d blocks are not freed (run %u)", scenario->name,
		    (int)(sim_alloc_live() - theirs - ours), number);
	return st;
}

/* --- everywhere ------------------------------------------------------------------------- */

static void
begin(const struct scenario *scenario)
{
	const struct dom_session_options options = options_of(STATE);
	struct dom_complaint complaint = {""};
	struct dom_session *session = NULL;
	struct wire_move handoff;

	number++;
	facade_reset();
	disk = sim_disk_new("phone", number);
	sim_disk_copy(model, disk);
	if (!scenario->moves)
		return;
	assert_int_equal(dom_session_open(&options, &session, &complaint), DOM_OK);
	handoff = facade_handoff(session, FACADE_SG, FACADE_IN, 2);
	facade_move(FACADE_SG, &handoff, facades[FACADE_SG].key);
	dom_session_close(&session);
}

static void
again(const struct scenario *scenario, const char *fault, unsigned at)
{
	struct dom_complaint complaint = {""};
	enum dom_status st = run(scenario, &complaint);

	if (st != DOM_OK)
		fail_msg("%s, %s %u, then again: %d %s", scenario->name, fault, at, st,
		    complaint.text);
	sim_disk_free(&disk);
}

/* Some of the places are tried each time, all of them with DEVICE_STRIDE=1 (make check-long).
 */
static unsigned
stride(unsigned otherwise)
{
	const char *text = getenv("DEVICE_STRIDE");
	int wanted = text == NULL ? 0 : atoi(text);

	return wanted < 1 ? otherwise : (unsigned)wanted;
}

static void
no_memory(const struct scenario *scenario, bool stays)
{
	unsigned at;

	for (at = 1;; at += stride(23)) {
		struct dom_complaint complaint = {""};
		enum dom_status st;

		begin(scenario);
		sim_alloc_fail(at, stays);
		st = run(scenario, &complaint);
		if (sim_alloc_heal() == 0) {
			assert_int_equal(st, DOM_OK);
			again(scenario, "allocation", at);
			break;
		}
		if (st > DOM_OK)
			fail_msg("%s, allocation %u: %d", scenario->name, at, st);
		if (st < DOM_OK && complaint.text[0] == '\0')
			fail_msg("%s, allocation %u: no word", scenario->name, at);
		again(scenario, "allocation", at);
	}
	print_message("%s: %u allocations\n", scenario->name, at - 1);
}

static void
memory_that_runs_out_harms_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		no_memory(&scenarios[i], false);
		no_memory(&scenarios[i], true);
	}
}

static void
bad_disk(const struct scenario *scenario, enum sim_fault fault)
{
	unsigned at;

	for (at = 1;; at += stride(4)) {
		struct dom_complaint complaint = {""};
		struct sim_random random;
		enum dom_status st;
		bool was_struck;

		begin(scenario);
		sim_disk_fail(disk, fault, at, false);
		st = run(scenario, &complaint);
		was_struck = sim_disk_struck(disk) != 0;
		if (st > DOM_OK)
			fail_msg("%s, %s %u: %d %s", scenario->name, sim_fault_name(fault), at,
			    st, complaint.text);
		sim_disk_heal(disk);
		sim_random_seed(&random, at);
		sim_disk_crash(disk, at % 2 == 0 ? SIM_CRASH_LOSE : SIM_CRASH_ANY, &random);
		again(scenario, sim_fault_name(fault), at);
		if (!was_struck)
			break;
	}
	print_message("%s: %u times %s\n", scenario->name, at - 1, sim_fault_name(fault));
}

static void
a_disk_that_fails_harms_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		for (int fault = 1; fault < SIM_FAULT_COUNT; fault++)
			bad_disk(&scenarios[i], (enum sim_fault)fault);
}

static int
set_up(void **state)
{
	const struct dom_session_options options = options_of(SIM_DISK_ROOT "model/state");
	struct dom_complaint complaint = {""};
	struct dom_import_counts counts;
	struct dom_session *session;

	(void)state;
	sim_alloc_install();
	sim_vfs_install();
	facade_start();
	model = sim_disk_new("model", 1);
	if (dom_signup(&options, &phone_credentials, &session, &complaint) != DOM_OK)
		fail_msg("%s", complaint.text);
	phone_turn_on(session);
	assert_ok(session, phone_backup(session, "things", records, RECORDS, &counts));
	dom_session_close(&session);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_disk_free(&model);
	facade_stop();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(memory_that_runs_out_harms_nothing),
	    cmocka_unit_test(a_disk_that_fails_harms_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
