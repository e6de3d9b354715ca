/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Two regions of which either may fail and start again, and what goes between them. */
#include "sim/faults/sites.h"

#include <string.h>

#include "sim/alloc.h"

enum { HOLDS_MAX = 20 };

struct sim_disk *site_disks[PAIR_REGIONS];
const char *const site_names[PAIR_REGIONS] = {"in", "sg"};
struct sim_random site_chance;
unsigned site_failures;

/* --- regions ----------------------------------------------------------------------------- */

static struct house *
at(int region)
{
	return region == pair.at ? &house : &pair.houses[region];
}

void
site_close(int region)
{
	struct house *one = at(region);

	mover_close(&pair.asks[region]);
	mover_close(&pair.answers[region]);
	keeper_close(&pair.keepers[region]);
	store_reader_close(&one->reader);
	store_close(&one->store);
}

static enum dom_status ask_peers(void *context, struct mover_ask *asks, size_t count);

static enum dom_status
open_workers(int region)
{
	struct mover_options options = {.service = &pair.services[region],
	    .store = pair.services[region].store,
	    .role = MOVER_ANSWERS,
	    .lanes = 1,
	    .peer = {.ask = ask_peers}};
	struct keeper_options keeper = {.service = &pair.services[region],
	    .store = pair.services[region].store,
	    .journal = journal_in_memory()};
	enum dom_status st;

	keeper.journal.context = &pair.journals[region];
	if ((st = mover_open(&options, &pair.answers[region])) != DOM_OK)
		return st;
	options.role = MOVER_ASKS;
	if ((st = mover_open(&options, &pair.asks[region])) != DOM_OK)
		return st;
	return keeper_open(&keeper, &pair.keepers[region]);
}

enum dom_status
site_open(int region)
{
	struct house *one = at(region);
	char message[300] = "";
	enum dom_status st = store_open(&(struct store_options){.folder = one->folder,
	                                    .region = site_names[region],
	                                    .key = one->service.key,
	                                    .clock = one->service.clock,
	                                    .manual = true,
	                                    .chunk_row_size_max = 4096},
	    &one->store, message, sizeof(message));

	if (st == DOM_OK)
		st = store_reader_open(one->store, &one->reader);
	one->service.store = pair.services[region].store = one->store;
	return st == DOM_OK ? open_workers(region) : st;
}

/* In whatever state a move is, its stores are whole. */
static void
site_examine(int region)
{
	int was = pair.at;

	be(region);
	state_close();
	(void)state_look();
	state_close();
	be(was);
}

/* What requests have left, which the next run does not know of. */
void
sites_empty(void)
{
	for (int i = 0; i < PAIR_REGIONS; i++) {
		be(i);
		service_reply_free(&house.reply);
		dom_buffer_free(&house.body);
	}
	be(0);
}

/* The fault is found and mended, and the region starts again. */
void
site_restart(int region, enum sim_crash how)
{
	site_close(region);
	if (sim_disk_open_count(site_disks[region]) != 0) {
		wrong("%u descriptors are left open", sim_disk_open_count(site_disks[region]));
		exit(1);
	}
	sim_alloc_pause(true);
	sim_disk_crash(site_disks[region], how, &site_chance);
	if (site_open(region) != DOM_OK) {
		wrong("region %s does not start again", site_names[region]);
		exit(1);
	}
	site_examine(region);
	sim_alloc_pause(false);
}

bool
site_is_down(int region)
{
	return sim_disk_is_stopped(site_disks[region]) || store_failed(at(region)->store);
}

void
sites_pause(bool is_paused)
{
	sim_alloc_pause(is_paused);
	for (int i = 0; i < PAIR_REGIONS; i++)
		sim_disk_pause(site_disks[i], is_paused);
}

/* --- between the regions ------------------------------------------------------------------ */

struct serving {
	int to;
	struct service_request request;
	struct service_reply reply;
	struct dom_arena *arena;
};

static enum dom_status
run_request(struct store_txn *txn, void *context)
{
	struct serving *serving = context;

	return service_run(&pair.services[serving->to], txn, &serving->request, NULL,
	    serving->arena, &serving->reply);
}

static void
serve_once(struct serving *serving)
{
	struct store_txn *txn = NULL;
	enum dom_status st;

	service_reply_free(&serving->reply);
	if (service_plan(serving->request.op)->writes) {
		st = store_write(at(serving->to)->store, run_request, serving);
	} else if ((st = store_read_begin(at(serving->to)->reader, &txn)) == DOM_OK) {
		st = run_request(txn, serving);
		store_read_end(&txn);
	}
	if (st != DOM_OK && st != DOM_EDENIED)
		service_failure(st, &serving->reply);
}

/* As http/ does: a code becomes a status and a body. */
static void
take_reply(struct mover_ask *ask, const struct service_reply *reply)
{
	bool is_refused = reply->code == SERVICE_PEER_REFUSED;
	struct wire_error error = {
	    .code = dom_slice_of(is_refused ? "peer_refused" : "unavailable"),
	    .detail = dom_slice_of(reply->detail == NULL ? "" : reply->detail),
	    .is_simple = true,
	    .abort = reply->abort.bytes,
	    .signature = reply->abort.signature};

	ask->failure = DOM_OK;
	ask->status = reply->code == SERVICE_DONE ? 200 : is_refused ? 409 : 503;
	ask->retry_after_seconds = reply->retry_after_seconds;
	if (reply->code == SERVICE_DONE)
		dom_buffer_append_slice(&ask->reply, dom_buffer_slice(&reply->body));
	else
		wire_error_encode(&ask->reply, &error);
	if (dom_buffer_finish(&ask->reply) != DOM_OK)
		ask->failure = DOM_ENOMEM;
}

static void
serve(struct mover_ask *ask, int to)
{
	struct serving serving = {.to = to,
	    .request = {.op = ask->change ? SERVICE_PEER_CHANGE : SERVICE_PEER,
	        .limit = -1,
	        .body = ask->body},
	    .arena = dom_arena_new(0)};
	int64_t wait_ms;

	if (serving.arena == NULL)
		return;
	serve_once(&serving);
	/* Held: whoever answers works on it. */
	for (int i = 0; i < HOLDS_MAX && serving.reply.hold_ms != 0; i++) {
		site_failures += mover_step(pair.answers[to], &wait_ms) < 0;
		serve_once(&serving);
	}
	/* Nobody hears a machine that has stopped. */
	if (serving.reply.code == SERVICE_DONE)
		region_did(serving.request.op);
	if (sim_disk_is_stopped(site_disks[to]))
		ask->failure = DOM_EUNCERTAIN;
	else
		take_reply(ask, &serving.reply);
	service_reply_free(&serving.reply);
	dom_arena_free(&serving.arena);
}

static enum dom_status
ask_peers(void *context, struct mover_ask *asks, size_t count)
{
	(void)context;
	for (size_t i = 0; i < count; i++) {
		int to = dom_slice_is(asks[i].region->name, site_names[0]) ? 0 : 1;

		asks[i].failure = DOM_ENETWORK;
		if (!site_is_down(to))
			serve(&asks[i], to);
	}
	return DOM_OK;
}

struct mover_peer
site_peer(void)
{
	return (struct mover_peer){.ask = ask_peers};
}
