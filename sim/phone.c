/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A phone's life: one order after the other. */
#include "sim/phone.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"

#include "crypto/digest.h"

/* The uids of chunks of stock phones begin so, and go on with their digest. */
static const char chunk_mark[] = "stock-";

struct phone *
world_phone(struct world *world, unsigned node)
{
	if (node < WORLD_REGIONS_MAX || node - WORLD_REGIONS_MAX >= world->phone_count)
		return NULL;
	return world->phones[node - WORLD_REGIONS_MAX];
}

void
phone_check_chunk(struct world *world, struct dom_slice uid, struct dom_slice data)
{
	uint8_t digest[DOM_SHA256_SIZE];
	char text[DOM_BASE64_SIZE(DOM_SHA256_SIZE) + 1];

	if (uid.size < 7 || memcmp(uid.data, chunk_mark, 6) != 0)
		return;
	if (dom_sha256(data, digest) != DOM_OK)
		abort();
	dom_base64_encode(dom_slice(digest, sizeof(digest)), text);
	if (memcmp(uid.data + 6, text, uid.size - 6) != 0)
		world_broken(world, "no write is changed", "chunk %.*s", (int)uid.size,
		    (const char *)uid.data);
}

static bool
do_it(struct phone *phone, enum action_kind action)
{
	return phone->person->uses_ours ? ours_act(phone, action) : stock_act(phone, action);
}

/* What is done by a phone that has died is done by nobody. */
static bool
try_it(struct phone *phone, enum action_kind action)
{
	bool was_done;

	phone_start_again(phone);
	was_done = do_it(phone, action);
	phone_look(phone);
	return was_done && !phone_is_dead(phone);
}

static void
act(struct phone *phone, const struct phone_step *step)
{
	int64_t began_us = time_now_us();
	bool was_done;

	phone_start_again(phone);
	/* Another phone of this person has begun a new account meanwhile. */
	if (phone->account != phone->person->account) {
		phone->token[0] = '\0';
		stock_forget(phone);
		ours_forget(phone);
	}
	phone->account = phone->person->account;
	sim_random_seed(&phone->random, step->seed);
	phone->world->cover->actions[step->action]++;
	world_say(phone->world, "%s: %s", phone->name, action_name(step->action));
	was_done = try_it(phone, step->action);
	/* Another phone of this person may have been about to change what it needs. */
	for (unsigned try = 0; phone->must_do && !was_done && try < 3; try++) {
		time_sleep(10 * TIME_SECOND_US);
		was_done = try_it(phone, step->action);
	}
	if (was_done)
		phone->world->cover->done[step->action]++;
	world_say(phone->world, "%s: %s %s", phone->name, action_name(step->action),
	    was_done ? "is done" : "is not done");
	if (phone->must_do && !was_done)
		world_broken(phone->world, "when faults stop everything finishes", "%s: %s",
		    phone->name, action_name(step->action));
	world_did(phone->world, step->action, began_us);
	audit_account(phone->world->oracle, phone->account, false);
}

static void
live(void *context)
{
	struct phone *phone = context;

	while (!phone->is_ending || phone->queued != 0) {
		struct phone_step step;

		if (phone->queued == 0) {
			(void)time_wait(&phone->gate, TIME_DAY_US * 365);
			continue;
		}
		step = phone->queue[0];
		memmove(phone->queue, phone->queue + 1, --phone->queued * sizeof(step));
		phone->is_busy = true;
		act(phone, &step);
		phone->is_busy = false;
	}
	phone_start_again(phone);
	ours_close(phone);
}

struct phone *
phone_new(struct world *world, unsigned index, struct person *person)
{
	struct phone *phone = calloc(1, sizeof(*phone));

	if (phone == NULL || (phone->collections = calloc(
	                          PHONE_COLLECTIONS_MAX, sizeof(*phone->collections))) == NULL)
		abort();
	phone->world = world;
	phone->person = person;
	phone->index = index;
	phone->node = WORLD_REGIONS_MAX + index;
	snprintf(phone->name, sizeof(phone->name), "%.12s-%u", person->name, index);
	if (person->uses_ours)
		phone->disk = sim_disk_new(phone->name, world->seed * 47 + index);
	time_spawn(live, phone);
	return phone;
}

void
phone_free(struct phone **phone)
{
	struct phone *old = *phone;

	if (old == NULL)
		return;
	*phone = NULL;
	sim_disk_free(&old->disk);
	free(old->collections);
	free(old);
}

bool
phone_order(struct phone *phone, enum action_kind action, uint64_t seed)
{
	if (phone->queued == PHONE_QUEUE_MAX || phone->is_ending)
		return false;
	phone->queue[phone->queued++] = (struct phone_step){.action = action, .seed = seed};
	time_open(&phone->gate);
	return true;
}

void
phone_end(struct phone *phone)
{
	phone->is_ending = true;
	time_open(&phone->gate);
}
