/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Any body for any operation by anybody, through the rules.  The first byte
 * chooses the operation (of tests/unit/services/requests.c, as it is there),
 * the second who asks; the rest is the body, after what the operation's good
 * request says in its path, or, with the third byte's lowest bit, is signed
 * first.  Whatever is written is rolled back.
 *
 * It must neither crash nor fail in a way that is our fault.
 */
#include "../../unit/services/requests.h"
#include "services/push/push.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_SIZE = 3 };

static void
no_lock(void *context)
{
	(void)context;
}

static const struct push_lock unlocked = {.take = no_lock, .give = no_lock};
static struct service_staged *staged;
static enum dom_status answered;

static void
close_world(void)
{
	push_tickets_close(&house.service.tickets);
	(void)world_tear_down(NULL);
}

static void
open_world(void)
{
	static bool is_open;

	if (is_open)
		return;
	is_open = true;
	if (world_set_up(NULL) != 0)
		abort();
	if ((house.service.tickets = push_tickets_open(&unlocked)) == NULL)
		abort();
	atexit(close_world);
}

static enum dom_status
job(struct store_txn *txn, void *context)
{
	(void)context;
	answered = service_run(
	    &house.service, txn, &house.request, staged, house.arena, &house.reply);
	return answered == DOM_OK ? DOM_EDENIED : answered;
}

static enum dom_status
read_only(bool admits)
{
	struct store_txn *txn = NULL;
	enum dom_status st = store_read_begin(house.reader, &txn);

	service_reply_free(&house.reply);
	if (st == DOM_OK && admits)
		st = service_admit(
		    &house.service, txn, &house.request, house.arena, &house.reply);
	else if (st == DOM_OK)
		st = service_run(
		    &house.service, txn, &house.request, NULL, house.arena, &house.reply);
	store_read_end(&txn);
	return st;
}

static enum dom_status
run(void)
{
	enum dom_status st = read_only(true);

	if (st != DOM_OK)
		return st;
	if (!service_plan(house.request.op)->writes)
		return read_only(false);
	service_reply_free(&house.reply);
	if (service_stage_blocks(&house.service, &house.request) &&
	    (st = service_stage(&house.service, &house.request, house.arena, &staged)) !=
	        DOM_OK)
		return st;
	answered = DOM_ESTORE;
	if ((st = store_write(house.store, job, NULL)) == DOM_OK)
		abort();
	service_drop(&staged);
	return answered;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct person *const people[] = {
	    &house.ana, &house.bob, &house.cyd, &dan, &eve};
	const struct endpoint *endpoint;
	const struct person *who;
	enum dom_status st;

	if (size < HEAD_SIZE)
		return 0;
	open_world();
	endpoint = &endpoints[data[0] % endpoint_count];
	who = people[data[1] % (sizeof(people) / sizeof(people[0]))];
	dom_arena_reset(house.arena);
	ask(endpoint->op, who);
	endpoint->build(who);
	dom_buffer_clear(&house.body);
	dom_buffer_append(&house.body, data + HEAD_SIZE, size - HEAD_SIZE);
	if (endpoint->wrap != NULL && (data[2] & 1) != 0)
		endpoint->wrap(who);
	house.request.body = dom_buffer_slice(&house.body);
	st = run();
	if ((st != DOM_OK && st != DOM_EDENIED) ||
	    house.reply.code == SERVICE_STORAGE_FULL ||
	    house.reply.code == SERVICE_UNAVAILABLE ||
	    house.reply.code == SERVICE_CHUNK_DAMAGED)
		abort();
	return 0;
}
