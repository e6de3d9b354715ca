/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The region of the fault loops: made once, copied for each run, opened and closed. */
#include <string.h>

#include "sim/clock.h"
#include "sim/faults/faults.h"
#include "sim/vfs.h"

struct sim_disk *region_disk;
char region_message[300];
static struct sim_random chance;

enum dom_status
region_open(void)
{
	char message[300] = "";
	enum dom_status st = store_open(&(struct store_options){.folder = house.folder,
	                                    .region = house.service.settings.region,
	                                    .key = house.service.key,
	                                    .clock = house.service.clock,
	                                    .random = house.service.random,
	                                    .manual = true,
	                                    .chunk_row_size_max = 4096},
	    &house.store, message, sizeof(message));

	if (st < 0 && message[0] == '\0')
		wrong("a store that cannot be opened says nothing");
	memcpy(region_message, message, sizeof(region_message));
	if (st == DOM_OK && (st = store_reader_open(house.store, &house.reader)) != DOM_OK)
		store_close(&house.store);
	house.service.store = house.store;
	return st;
}

void
region_close(void)
{
	state_close();
	store_reader_close(&house.reader);
	store_close(&house.store);
	house.service.store = NULL;
}

void
region_world(void)
{
	sim_random_seed(&chance, 1);
	sim_random_install(&chance);
	sim_vfs_install();
	sim_clock_set_ms(1700000000000);
	region_disk = sim_disk_new("region", 1);
	house_root = "/sim/region";
	if (world_set_up(NULL) != 0)
		abort();
	assert_memory_equal(house.folder, SIM_DISK_ROOT, strlen(SIM_DISK_ROOT));
	push_open();
	region_close();
}

void
region_free(void)
{
	push_close();
	world_tear_down(NULL);
	sim_disk_free(&region_disk);
}

static bool done[SERVICE_OP_COUNT];

void
region_did(enum service_op op)
{
	done[op] = true;
}

bool
region_has_done(enum service_op op)
{
	return done[op];
}

/* --- requests ----------------------------------------------------------------------- */

struct sending {
	struct dom_arena *arena;
	struct service_staged *staged;
};

static enum dom_status
run(struct store_txn *txn, void *context)
{
	struct sending *sending = context;

	return service_run(
	    &house.service, txn, &house.request, sending->staged, sending->arena, &house.reply);
}

static enum dom_status
admit(struct sending *sending)
{
	struct store_txn *txn = NULL;
	enum dom_status st = store_read_begin(house.reader, &txn);

	if (st != DOM_OK)
		return st;
	st = service_admit(&house.service, txn, &house.request, sending->arena, &house.reply);
	store_read_end(&txn);
	return st;
}

static enum dom_status
stage(struct sending *sending)
{
	struct dom_slice body = house.request.body;
	struct store_txn *txn = NULL;
	size_t half = body.size / 2;
	enum dom_status st;

	if (house.request.op != SERVICE_CHUNK_PUT)
		return service_stage_blocks(&house.service, &house.request)
		           ? service_stage(&house.service, &house.request, sending->arena,
		                 &sending->staged)
		           : DOM_OK;
	/* A chunk's own body comes piece by piece. */
	if ((st = store_read_begin(house.reader, &txn)) != DOM_OK)
		return st;
	st = service_stage_begin(
	    &house.service, txn, &house.request, body.size, sending->arena, &sending->staged);
	store_read_end(&txn);
	if (st != DOM_OK || sending->staged == NULL)
		return st;
	if ((st = service_stage_add(sending->staged, dom_slice(body.data, half))) == DOM_OK &&
	    (st = service_stage_add(
	         sending->staged, dom_slice(body.data + half, body.size - half))) == DOM_OK)
		st = service_stage_end(sending->staged);
	return st;
}

enum dom_status
region_send(void)
{
	struct sending sending = {.arena = dom_arena_new(0)};
	struct store_txn *txn = NULL;
	enum dom_status st;

	if (sending.arena == NULL)
		return DOM_ENOMEM;
	service_reply_free(&house.reply);
	if (house.request.body.data == NULL)
		house.request.body = dom_buffer_slice(&house.body);
	house.request.body_size_expected = (int64_t)house.request.body.size;
	st = admit(&sending);
	if (st == DOM_OK)
		st = stage(&sending);
	if (st != DOM_OK) {
		/* refused, or failed */
	} else if (service_plan(house.request.op)->writes) {
		st = store_write(house.store, run, &sending);
	} else if ((st = store_read_begin(house.reader, &txn)) == DOM_OK) {
		st = run(txn, &sending);
		store_read_end(&txn);
	}
	if (st == DOM_OK)
		region_did(house.request.op);
	service_drop(&sending.staged);
	if (st < 0 && st != DOM_EDENIED)
		service_failure(st, &house.reply);
	dom_arena_free(&sending.arena);
	return st;
}
