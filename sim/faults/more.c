/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Operations that need something of before: push, codes, proposals, an erasure that is over. */
#include <string.h>

#include "base/encode.h"

#include "wire/moves.h"

#include "erasing.h"
#include "services/move/proposal.h"
#include "services/operator.h"
#include "services/push/push.h"
#include "sim/faults/faults.h"

static enum dom_status
send_act(const struct scenario *scenario)
{
	(void)scenario;
	return region_send();
}

static void
must(enum dom_status st, const char *what)
{
	if (st != DOM_OK)
		wrong("%s: %s", what, dom_status_text(st));
}

/* --- push ----------------------------------------------------------------------------- */

enum { MESSAGES_MAX = 100 };

static struct push_tickets *tickets;

/* Of the try, or what a try that failed has left: it goes on from there. */
static struct push_subscription *following;
static unsigned messages, messages_expected;

static void
no_lock(void *context)
{
	(void)context;
}

void
push_open(void)
{
	if (tickets == NULL)
		tickets = push_tickets_open(&(struct push_lock){no_lock, no_lock, NULL});
	house.service.tickets = tickets;
}

void
push_close(void)
{
	push_subscription_free(&following);
	push_tickets_close(&tickets);
	house.service.tickets = NULL;
}

static void
subscribe_begin(const struct scenario *scenario)
{
	static char ticket[PUSH_TICKET_SIZE + 1];
	const struct dom_buffer *body = &house.reply.body;

	(void)scenario;
	ask(SERVICE_PUSH_TICKET, &house.ana);
	house.request.collection_uid = dom_slice_of(uid('c', 1));
	if (region_send() != DOM_OK || body->size < PUSH_TICKET_SIZE) {
		wrong("there is no ticket");
		return;
	}
	/* The reply ends with it. */
	memcpy(ticket, body->data + body->size - PUSH_TICKET_SIZE, PUSH_TICKET_SIZE);
	ask(SERVICE_PUSH_SUBSCRIBE, NULL);
	house.request.ticket = dom_slice_of(ticket);
}

/* All that there is, as http/push.c reads it after the handshake and after each commit. */
static enum dom_status
follow(void)
{
	struct push_message message = {0};
	struct dom_arena *arena = dom_arena_new(0);
	enum dom_status st = arena == NULL ? DOM_ENOMEM : DOM_OK;
	bool moved;

	while (st == DOM_OK && messages < MESSAGES_MAX) {
		struct store_txn *txn = NULL;

		dom_arena_reset(arena);
		if ((st = store_read_begin(house.reader, &txn)) == DOM_OK &&
		    following->collection == 0)
			st = push_owners_renew(txn, following, arena, &moved);
		if (st == DOM_OK)
			st = push_next(
			    &house.service, txn, following, UINT64_MAX, arena, &message);
		store_read_end(&txn);
		messages += st == DOM_OK;
	}
	dom_buffer_free(&message.body);
	dom_arena_free(&arena);
	return st;
}

/* Nothing was passed over by a message that failed, and nothing is told twice. */
static void
finish_following(void)
{
	enum dom_status st = follow();

	if (st != DOM_ABSENT)
		wrong("who follows cannot go on: %s", dom_status_text(st));
	else if (messages != messages_expected)
		wrong("%u messages instead of %u", messages, messages_expected);
	push_subscription_free(&following);
}

static void
follow_begin(const struct scenario *scenario)
{
	if (following != NULL)
		finish_following();
	messages = 0;
	if (scenario->number == 0)
		subscribe_begin(scenario);
	else
		ask(SERVICE_PUSH_CHANGES, &house.ana);
	if (region_send() != DOM_OK)
		wrong("nobody can subscribe");
	following = house.reply.subscription;
	house.reply.subscription = NULL;
}

static enum dom_status
follow_act(const struct scenario *scenario)
{
	enum dom_status st = following == NULL ? DOM_ESTORE : follow();

	(void)scenario;
	if (st != DOM_ABSENT)
		return st < 0 ? st : DOM_ESTORE;
	push_subscription_free(&following);
	if (messages_expected == 0)
		messages_expected = messages;
	if (messages == 0 || messages != messages_expected)
		wrong("%u messages instead of %u", messages, messages_expected);
	return DOM_OK;
}

static void
follow_prepare(const struct scenario *scenario)
{
	(void)scenario;
	messages_expected = 0;
	large_put_by(&house.ana);
}

/* --- codes ---------------------------------------------------------------------------- */

static char code[OPERATOR_CODE_TEXT_SIZE + 1];

static enum dom_status
run_invite(struct store_txn *txn, void *context)
{
	const char *detail = NULL;
	int64_t number;

	(void)context;
	return operator_invite_add(&house.service, txn,
	    &(struct operator_invite){.uses_max = 1, .life_ms = DAY_MS, .quota_bytes = 5000},
	    code, &number, &detail);
}

static void
invite_prepare(const struct scenario *scenario)
{
	(void)scenario;
	must(store_write(house.store, run_invite, NULL), "there is no code");
}

static void
with_code_begin(const struct scenario *scenario)
{
	(void)scenario;
	ask(SERVICE_SIGNUP, NULL);
	wire_signup_encode(&house.body,
	    &(struct wire_signup){.username = dom_slice_of("new"),
	        .email = dom_slice_of("new@example.org"),
	        .salt = dom_slice(house.ana.secrets, 32),
	        .login_public = dom_slice(house.ana.login_public, 32),
	        .identity_public = dom_slice(house.ana.identity_public, 32),
	        .encrypted_content = dom_slice(house.ana.secrets, DOM_SECRETS_SIZE),
	        .invitation = dom_slice_of(code)});
}

static enum dom_status
run_revoke(struct store_txn *txn, void *context)
{
	const char *detail = NULL;

	(void)context;
	return operator_invite_revoke(&house.service, txn, dom_slice_of(code), &detail);
}

/* --- what operators ask, and what they set ---------------------------------------------- */

static enum dom_status
run_tell(struct store_txn *txn, void *context)
{
	struct store_proposal proposal = {.account = *(const int64_t *)context,
	    .phase = dom_slice_of("pilot"),
	    .target = dom_slice_of("sg"),
	    .told_ms = 100,
	    .begins_ms = 200,
	    .grace_days = 30};
	struct dom_arena *arena = dom_arena_new(0);
	enum dom_status st = arena == NULL ? DOM_ENOMEM : proposal_tell(txn, arena, &proposal);

	dom_arena_free(&arena);
	return st;
}

static int64_t told_account;

static void
number_prepare(const struct scenario *scenario)
{
	(void)scenario;
	told_account = number_of("ana");
}

static void
told_prepare(const struct scenario *scenario)
{
	number_prepare(scenario);
	must(store_write(house.store, run_tell, &told_account), "ana cannot be asked");
}

static enum dom_status
run_withdraw(struct store_txn *txn, void *context)
{
	uint64_t removed;

	(void)context;
	return store_proposal_withdraw(txn, 100, &removed);
}

static enum dom_status
run_confirm(struct store_txn *txn, void *context)
{
	(void)context;
	return store_region_time_set(txn, house.now_ms + DAY_MS);
}

/* After the journal was lost: see daemon/recover.c. */
static enum dom_status
run_forget(struct store_txn *txn, void *context)
{
	(void)context;
	return store_region_journal_set(txn, 1000);
}

static enum dom_status
job_act(const struct scenario *scenario)
{
	static enum dom_status (*const jobs[])(struct store_txn *, void *) = {
	    run_revoke, run_tell, run_withdraw, run_confirm, run_forget};

	return store_write(house.store, jobs[scenario->number], &told_account);
}

static void
proposal_begin(const struct scenario *scenario)
{
	(void)scenario;
	ask(SERVICE_PROPOSAL, &house.ana);
}

static void
answer_begin(const struct scenario *scenario)
{
	(void)scenario;
	ask(SERVICE_PROPOSAL_ANSWER, &house.ana);
	wire_proposal_answer_encode(&house.body, true);
}

/* --- an erasure that is over ---------------------------------------------------------------
 */

static void
erased_prepare(const struct scenario *scenario)
{
	(void)scenario;
	must(begin_erasing(WIRE_SCOPE_SERVICE, number_of("ana"), "contacts", "", ""), "ana's");
	must(keep_house(1), "the keeper");
}

static void
erased_begin(const struct scenario *scenario)
{
	static char hex[2 * STORE_REQUEST_SIZE + 1];

	(void)scenario;
	ask(SERVICE_ERASURE, NULL);
	dom_hex_encode(dom_slice(request, sizeof(request)), hex);
	house.request.erasure = dom_slice_of(hex);
}

const struct scenario more_scenarios[] = {
    {.name = "PUSH_SUBSCRIBE", .reads_only = true, .begin = subscribe_begin, .act = send_act},
    {.name = "push: items",
        .reads_only = true,
        .prepare = follow_prepare,
        .begin = follow_begin,
        .act = follow_act,
        .number = 0},
    {.name = "push: changes",
        .reads_only = true,
        .prepare = follow_prepare,
        .begin = follow_begin,
        .act = follow_act,
        .number = 1},
    {.name = "SIGNUP with a code",
        .prepare = invite_prepare,
        .begin = with_code_begin,
        .act = send_act},
    {.name = "PROPOSAL",
        .reads_only = true,
        .prepare = told_prepare,
        .begin = proposal_begin,
        .act = send_act},
    {.name = "PROPOSAL_ANSWER",
        .prepare = told_prepare,
        .begin = answer_begin,
        .act = send_act},
    {.name = "ERASURE",
        .reads_only = true,
        .prepare = erased_prepare,
        .begin = erased_begin,
        .act = send_act},
    {.name = "operator: a code that ends",
        .prepare = invite_prepare,
        .act = job_act,
        .number = 0},
    {.name = "operator: a proposal", .prepare = number_prepare, .act = job_act, .number = 1},
    {.name = "operator: proposals withdrawn",
        .prepare = told_prepare,
        .act = job_act,
        .number = 2},
    {.name = "operator: the clock is right", .act = job_act, .number = 3},
    {.name = "operator: a journal was lost", .act = job_act, .number = 4},
};
const size_t more_scenario_count = sizeof(more_scenarios) / sizeof(more_scenarios[0]);
