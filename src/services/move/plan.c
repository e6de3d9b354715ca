/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a move would be, and whether it may be ordered: asked before, and again by the order. */
#include "services/move/source.h"
#include "store/erase.h"

enum { ERASURES_PAGE = 100 };

enum dom_status
move_erasure_open(struct store_txn *txn, int64_t account, struct dom_arena *arena, bool *open_r)
{
	struct store_erasure *rows;
	int64_t after = 0;
	size_t count;
	enum dom_status st;

	*open_r = false;
	do {
		st = store_erasure_list(
		    txn, account, after, ERASURES_PAGE, arena, &rows, &count);
		for (size_t i = 0; st == DOM_OK && i < count; i++) {
			*open_r = *open_r || rows[i].state != STORE_ERASURE_ERASED;
			after = rows[i].number;
		}
	} while (st == DOM_OK && count != 0 && !*open_r);
	return st > 0 ? DOM_ESTORE : st;
}

static void
set_policy(struct wire_move_plan *plan, const struct wire_group_region *source,
    const struct wire_group_region *target)
{
	uint32_t min = source->grace_min_days, max = source->grace_max_days;

	plan->lets = (source->flags & WIRE_REGION_LETS) != 0;
	plan->takes = (target->flags & WIRE_REGION_TAKES) != 0;
	plan->grace_min_days = min > target->grace_min_days ? min : target->grace_min_days;
	plan->grace_max_days = max < target->grace_max_days ? max : target->grace_max_days;
}

/* Why the regions are against it; NULL: they are not. */
static const char *
policy_fault(struct service_call *call, struct dom_slice target, struct wire_move_plan *plan)
{
	const struct service_settings *settings = &call->service->settings;
	const struct wire_group_region *to = move_peer_region(call->service, target), *from;

	if (settings->group == NULL)
		return "This region belongs to no group of regions: accounts cannot move from"
		       " here.";
	if (dom_slice_is(target, settings->region))
		return "The account lives in this region already.";
	from = wire_group_find(settings->group, dom_slice_of(settings->region));
	if (from == NULL || to == NULL)
		return "The group of regions has no such region to move to.";
	set_policy(plan, from, to);
	if (!plan->lets)
		return "This region does not let accounts move away.";
	if (!plan->takes)
		return "That region does not take accounts of other regions.";
	if (plan->grace_min_days > plan->grace_max_days)
		return "The two regions do not agree on the days of grace: their operators have"
		       " to settle that first.";
	return NULL;
}

/* Why the account is not ready; NULL: it is. */
static enum dom_status
account_fault(struct service_call *call, const char **fault_r)
{
	struct store_move open;
	bool is_erasing;
	enum dom_status st;

	*fault_r = NULL;
	st = move_under_way(call->txn, call->account.number, call->arena, &open);
	if (st == DOM_OK)
		*fault_r = "The account is being moved already: cancel that first.";
	if (st != DOM_ABSENT)
		return st;
	st = move_erasure_open(call->txn, call->account.number, call->arena, &is_erasing);
	if (st == DOM_OK && is_erasing)
		*fault_r = "Something of the account is being erased: move when that is done.";
	return st;
}

enum dom_status
move_plan_make(
    struct service_call *call, struct dom_slice target, struct wire_move_plan *plan_r)
{
	struct store_sharing sharing;
	struct store_usage usage;
	const char *fault;
	enum dom_status st;

	*plan_r = (struct wire_move_plan){
	    .epoch = call->account.epoch, .now_ms = call->now_ms, .why = dom_slice("", 0)};
	if ((fault = policy_fault(call, target, plan_r)) == NULL) {
		if ((st = account_fault(call, &fault)) != DOM_OK)
			return st;
	}
	if (fault != NULL)
		plan_r->why = dom_slice_of(fault);
	st = store_account_sharing(call->txn, call->account.number, &sharing);
	if (st == DOM_OK)
		st = store_account_usage(call->txn, call->account.number, &usage);
	if (st != DOM_OK)
		return st > 0 ? DOM_ESTORE : st;
	plan_r->bytes = usage.chunk_bytes;
	plan_r->shared = sharing.shared;
	plan_r->memberships = sharing.memberships;
	return DOM_OK;
}

enum dom_status
move_plan(struct service_call *call)
{
	struct store_extent extent;
	struct wire_move_plan plan;
	enum dom_status st;

	if (call->request->region_to.data == NULL)
		return service_refuse(call, SERVICE_VALIDATION_ERROR,
		    "Say which region the account is to move to: ?to=REGION.");
	if ((st = move_plan_make(call, call->request->region_to, &plan)) != DOM_OK)
		return st;
	st = store_account_extent(call->txn, call->account.number, &extent);
	plan.items = extent.items;
	plan.chunks = extent.chunks;
	if (st == DOM_OK)
		wire_move_plan_encode(&call->reply->body, &plan);
	return st > 0 ? DOM_ESTORE : st;
}
