/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Moving, as the owner of a stock phone goes about it: in a browser, say. */
#include <stdio.h>
#include <stdlib.h>

#include "wire/moves.h"
#include "wire/statement.h"

#include "sim/phone.h"

enum { OLD_ONE_IN = 4, OLD_CARRIED = 3, OLD_WAIT_US = 150 * 1000 };

static void
carry(struct phone *phone, const struct dom_buffer *handoff)
{
	struct answer answer;

	phone_ask(phone, &answer, "POST", handoff, "/domicile/v1/moves/handoff/");
	dom_buffer_free(&answer.body);
}

/*
 * A device that was away for long still has the hand-off of an earlier visit, and takes it to
 * the region while the next move there is under way: that one it must not complete.
 */
static void
carry_old(struct phone *phone, unsigned target)
{
	unsigned home = phone->region;

	for (unsigned i = 0; i < OLD_CARRIED && phone->person->handoffs[target].size != 0;
	     i++) {
		time_sleep((int64_t)sim_random_below(&phone->random, OLD_WAIT_US));
		phone->region = target;
		carry(phone, &phone->person->handoffs[target]);
		phone->region = home;
	}
}

/* Away, or back. */
static bool
order(struct phone *phone)
{
	struct world *world = phone->world;
	unsigned target = (phone->region + 1 +
	                      (unsigned)sim_random_below(&phone->random,
	                          world->region_count > 1 ? world->region_count - 1 : 1)) %
	                  world->region_count;
	struct wire_statement statement = {.kind = WIRE_MOVE_ORDER};
	struct wire_move_plan plan;
	struct answer answer;
	bool is_good, may_be;

	if (target == phone->region)
		return false;
	phone_insist(phone, &answer, "GET", NULL, "/domicile/v1/moves/plan/?to=%s",
	    world->regions[target].name);
	is_good = is_done(&answer) &&
	          wire_move_plan_decode(dom_buffer_slice(&answer.body), &plan) == DOM_OK;
	if (is_good) {
		statement.service = dom_slice_of("");
		statement.target = dom_slice_of(world->regions[target].name);
		statement.epoch = plan.epoch;
		statement.expires_ms =
		    time_now_ms() +
		    (int64_t)(1 + sim_random_below(&phone->random, 48)) * 3600000;
		statement.leave_shared = sim_random_one_in(&phone->random, 2);
		statement.grace_days = (uint32_t)sim_random_below(&phone->random, 2);
	}
	dom_buffer_free(&answer.body);
	if (!is_good || !stock_state(phone, &statement, &may_be))
		return false;
	if (sim_random_one_in(&phone->random, OLD_ONE_IN))
		carry_old(phone, target);
	return true;
}

/* The move that is under way, if there is one. */
static bool
find_open(struct phone *phone, struct wire_statement *statement_r)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_moves_entry *entries;
	struct answer answer;
	size_t count = 0;
	bool is_open;

	phone_insist(phone, &answer, "GET", NULL, "/domicile/v1/moves/");
	is_open = is_done(&answer) &&
	          wire_moves_decode(dom_buffer_slice(&answer.body), arena, &entries, &count) ==
	              DOM_OK &&
	          count != 0 && !entries[0].is_target;
	*statement_r =
	    (struct wire_statement){.kind = WIRE_MOVE_CANCEL, .service = dom_slice_of("")};
	if (is_open)
		memcpy(statement_r->move, entries[0].move.data, sizeof(statement_r->move));
	dom_buffer_free(&answer.body);
	dom_arena_free(&arena);
	return is_open;
}

/* A move takes a moment: most that are cancelled are so as soon as they were asked for. */
static bool
cancel(struct phone *phone)
{
	struct wire_statement statement;
	bool may_be;

	if (!find_open(phone, &statement) && (!order(phone) || !find_open(phone, &statement)))
		return false;
	return stock_state(phone, &statement, &may_be);
}

/* A device has looked at the target: the source need not keep its copy. */
static void
acknowledge(struct phone *phone, const struct wire_move *handoff)
{
	struct wire_statement statement = {.kind = WIRE_MOVE_ACK, .epoch = handoff->epoch};
	bool may_be;

	statement.service = dom_slice_of("");
	memcpy(statement.move, handoff->move, sizeof(statement.move));
	memcpy(statement.root, handoff->root, sizeof(statement.root));
	(void)stock_state(phone, &statement, &may_be);
}

bool
stock_follow(struct phone *phone, const struct answer *answer)
{
	struct world *world = phone->world;
	struct person *person = phone->person;
	struct wire_moved moved;
	struct wire_move handoff;
	struct dom_buffer kept = {0};
	unsigned target = 0;
	bool was_done;

	dom_buffer_append_slice(&kept, dom_buffer_slice(&answer->body));
	if (wire_moved_decode(dom_buffer_slice(&kept), &moved) != DOM_OK ||
	    wire_move_decode(moved.handoff.bytes, &handoff) != DOM_OK)
		world_broken(world, "who has moved is told where to", "%s", phone->name);
	while (target < world->region_count &&
	       !dom_slice_is(moved.region, world->regions[target].name))
		target++;
	if (target == world->region_count)
		world_broken(world, "who has moved is told where to", "%s", phone->name);
	(void)stock_learns(person, &handoff, target);
	phone->region = person->region;
	phone->token[0] = '\0';
	dom_buffer_free(&person->handoffs[target]);
	wire_handoff_encode(&person->handoffs[target], &moved.handoff);
	if (sim_random_one_in(&phone->random, 2))
		carry(phone, &person->handoffs[target]);
	was_done = stock_log_in(phone);
	if (was_done && phone->region == target && sim_random_one_in(&phone->random, 2))
		acknowledge(phone, &handoff);
	dom_buffer_free(&kept);
	return was_done;
}

bool
stock_move_act(struct phone *phone, enum action_kind action)
{
	return action == ACTION_MOVE ? order(phone) : cancel(phone);
}
