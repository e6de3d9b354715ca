/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The door: what each operation needs, and which function it is. */
#include "services/service.h"

#include <assert.h>

#include "wire/statement.h"

#include "services/account/account.h"
#include "services/consent/consent.h"
#include "services/erasure/erasure.h"
#include "services/move/guard.h"
#include "services/move/parts.h"
#include "services/move/proposal.h"
#include "services/push/push.h"
#include "services/retention/show.h"
#include "services/share/share.h"
#include "services/vault/vault.h"

enum { GUARD_RETRY_SECONDS = 2 };

typedef enum dom_status operation(struct service_call *call);

static enum dom_status
done(struct service_call *call)
{
	(void)call;
	return DOM_OK;
}

static enum dom_status
dashboard_url(struct service_call *call)
{
	return service_refuse(
	    call, SERVICE_NOT_SUPPORTED, "This server does not have a user dashboard.");
}

static enum dom_status
region(struct service_call *call)
{
	uint8_t public_key[DOM_PUBLIC_KEY_SIZE];

	dom_region_sign_public(call->service->key, public_key);
	wire_region_encode(&call->reply->body,
	    &(struct wire_region){.name = dom_slice_of(call->service->settings.region),
	        .release = dom_slice_of(DOM_RELEASE),
	        .public_key = dom_slice(public_key, sizeof(public_key)),
	        .signup_open = call->service->settings.signup == SERVICE_SIGNUP_OPEN});
	return DOM_OK;
}

/* Where a request writes and has a session, the session is touched on the way. */
#define OPEN                                                                                   \
	{                                                                                      \
		.needs_session = false                                                         \
	}
#define OPEN_BODY                                                                              \
	{                                                                                      \
		.takes_body = true                                                             \
	}
#define OPEN_WRITE                                                                             \
	{                                                                                      \
		.takes_body = true, .writes = true                                             \
	}
#define READ                                                                                   \
	{                                                                                      \
		.needs_session = true                                                          \
	}
#define READ_BODY                                                                              \
	{                                                                                      \
		.needs_session = true, .takes_body = true                                      \
	}
#define SOCKET                                                                                 \
	{                                                                                      \
		.opens_socket = true                                                           \
	}
#define WRITE                                                                                  \
	{                                                                                      \
		.needs_session = true, .writes = true                                          \
	}
#define WRITE_BODY                                                                             \
	{                                                                                      \
		.needs_session = true, .takes_body = true, .writes = true                      \
	}
#define OPEN_RAW                                                                               \
	{                                                                                      \
		.takes_body = true, .body_is_raw = true, .runs_aside = true                    \
	}
#define OPEN_WRITE_RAW                                                                         \
	{                                                                                      \
		.takes_body = true, .body_is_raw = true, .writes = true                        \
	}
#define WRITE_RAW                                                                              \
	{                                                                                      \
		.needs_session = true, .takes_body = true, .body_is_raw = true, .writes = true \
	}

static const struct entry {
	struct service_plan plan;
	operation *run;
} operations[SERVICE_OP_COUNT] = {
    [SERVICE_IS_ETEBASE] = {OPEN, done},
    [SERVICE_SIGNUP] = {OPEN_WRITE, account_signup},
    [SERVICE_LOGIN_CHALLENGE] = {OPEN_BODY, account_login_challenge},
    [SERVICE_LOGIN] = {OPEN_WRITE, account_login},
    [SERVICE_LOGOUT] = {WRITE, account_logout},
    [SERVICE_CHANGE_PASSWORD] = {WRITE_BODY, account_change_password},
    [SERVICE_DASHBOARD_URL] = {READ, dashboard_url},
    [SERVICE_COLLECTION_CREATE] = {WRITE_BODY, vault_collection_create},
    [SERVICE_COLLECTION_LIST_MULTI] = {READ_BODY, vault_collection_list_multi},
    [SERVICE_COLLECTION_LIST] = {READ, vault_collection_list},
    [SERVICE_COLLECTION_GET] = {READ, vault_collection_get},
    [SERVICE_ITEM_LIST] = {READ, vault_item_list},
    [SERVICE_ITEM_GET] = {READ, vault_item_get},
    [SERVICE_ITEM_FETCH_UPDATES] = {READ_BODY, vault_item_fetch_updates},
    [SERVICE_ITEM_BATCH] = {WRITE_BODY, vault_item_batch},
    [SERVICE_ITEM_TRANSACTION] = {WRITE_BODY, vault_item_transaction},
    [SERVICE_ITEM_REVISIONS] = {READ, vault_item_revisions},
    [SERVICE_CHUNK_PUT] = {WRITE_RAW, vault_chunk_put},
    [SERVICE_CHUNK_GET] = {READ, vault_chunk_get},
    [SERVICE_MEMBER_LIST] = {READ, share_member_list},
    [SERVICE_MEMBER_SET] = {WRITE_BODY, share_member_set},
    [SERVICE_MEMBER_REMOVE] = {WRITE, share_member_remove},
    [SERVICE_MEMBER_LEAVE] = {WRITE, share_member_leave},
    [SERVICE_PROFILE] = {READ, share_profile},
    [SERVICE_INVITE] = {WRITE_BODY, share_invite},
    [SERVICE_OUTGOING_LIST] = {READ, share_outgoing_list},
    [SERVICE_OUTGOING_WITHDRAW] = {WRITE, share_outgoing_withdraw},
    [SERVICE_INCOMING_LIST] = {READ, share_incoming_list},
    [SERVICE_INCOMING_GET] = {READ, share_incoming_get},
    [SERVICE_INCOMING_REJECT] = {WRITE, share_incoming_reject},
    [SERVICE_INCOMING_ACCEPT] = {WRITE_BODY, share_incoming_accept},
    [SERVICE_REGION] = {OPEN, region},
    [SERVICE_STATEMENT_KEY] = {WRITE_BODY, consent_statement_key},
    [SERVICE_STATEMENT_ADD] = {WRITE_BODY, consent_statement_add},
    [SERVICE_CATALOGUE] = {OPEN, consent_catalogue},
    [SERVICE_CONSENTS] = {READ, consent_list},
    [SERVICE_STATEMENTS] = {READ, consent_statement_list},
    [SERVICE_ERASURE] = {OPEN, erasure_get},
    [SERVICE_ERASURES] = {READ, erasure_list},
    [SERVICE_SESSIONS] = {READ, account_session_list},
    [SERVICE_SESSION_REVOKE] = {WRITE, account_session_revoke},
    [SERVICE_RETENTION] = {READ, retention_show},
    [SERVICE_PUSH_TICKET] = {READ, push_ticket},
    [SERVICE_PUSH_SUBSCRIBE] = {SOCKET, push_subscribe},
    [SERVICE_PUSH_CHANGES_TICKET] = {READ, push_changes_ticket},
    /* A ticket or a session: it looks by itself. */
    [SERVICE_PUSH_CHANGES] = {SOCKET, push_changes},
    [SERVICE_GROUP] = {OPEN, move_group},
    [SERVICE_MOVES] = {READ, move_list},
    [SERVICE_MOVE_PLAN] = {READ, move_plan},
    [SERVICE_MOVE_CERTIFICATE] = {READ, move_certificate},
    [SERVICE_MOVE_ROOM] = {OPEN_BODY, move_room},
    [SERVICE_PROPOSAL] = {READ, proposal_show},
    [SERVICE_PROPOSAL_ANSWER] = {WRITE_BODY, proposal_answer},
    [SERVICE_HANDOFF] = {OPEN_WRITE, move_handoff},
    /* Whoever asks is known by the signature. */
    [SERVICE_PEER] = {OPEN_RAW, move_peer_read},
    [SERVICE_PEER_CHANGE] = {OPEN_WRITE_RAW, move_peer_change},
#ifdef DOM_TEST_API
    [SERVICE_TEST_RESET] = {OPEN_WRITE, account_reset},
#endif
    [SERVICE_SESSION_TOUCH] = {WRITE, done},
};

static const struct entry *
entry_of(enum service_op op)
{
	assert(op >= 0 && op < SERVICE_OP_COUNT && operations[op].run != NULL);
	return &operations[op];
}

const struct service_plan *
service_plan(enum service_op op)
{
	return &entry_of(op)->plan;
}

void
service_reply_free(struct service_reply *reply)
{
	dom_buffer_free(&reply->body);
	push_subscription_free(&reply->subscription);
	*reply = (struct service_reply){0};
}

static struct service_call
call_of(const struct service *service, struct store_txn *txn,
    const struct service_request *request, struct dom_arena *arena,
    struct service_reply *reply_r)
{
	*reply_r = (struct service_reply){0};
	return (struct service_call){.service = service,
	    .txn = txn,
	    .request = request,
	    .arena = arena,
	    .reply = reply_r,
	    .now_ms = dom_clock_now_ms(&service->clock)};
}

/* Does it store content in a collection that exists? */
static bool
writes_to_collection(enum service_op op)
{
	return op == SERVICE_ITEM_BATCH || op == SERVICE_ITEM_TRANSACTION ||
	       op == SERVICE_CHUNK_PUT;
}

/* Small enough to be looked into without consent. */
static bool
may_remove(const struct service_request *request)
{
	return (request->op == SERVICE_ITEM_BATCH || request->op == SERVICE_ITEM_TRANSACTION) &&
	       request->body_size_expected > 0 &&
	       request->body_size_expected <= VAULT_REMOVAL_BODY_SIZE_MAX;
}

static bool
is_about_collection(enum service_op op)
{
	return writes_to_collection(op) || op == SERVICE_COLLECTION_GET ||
	       op == SERVICE_ITEM_LIST || op == SERVICE_ITEM_GET ||
	       op == SERVICE_ITEM_FETCH_UPDATES || op == SERVICE_ITEM_REVISIONS ||
	       op == SERVICE_CHUNK_GET || op == SERVICE_MEMBER_LEAVE;
}

/* Only for those who may manage who is in the collection. */
static bool
is_for_admins(enum service_op op)
{
	return op == SERVICE_MEMBER_LIST || op == SERVICE_MEMBER_SET ||
	       op == SERVICE_MEMBER_REMOVE;
}

/* Until it is known which accounts live elsewhere there is nothing to say about any. */
static bool
waits_for_guard(const struct service *service, enum service_op op)
{
	if (!move_guard_is_closed(service->guard))
		return false;
	return op != SERVICE_IS_ETEBASE && op != SERVICE_REGION && op != SERVICE_CATALOGUE &&
	       op != SERVICE_GROUP && op != SERVICE_PEER && op != SERVICE_PEER_CHANGE;
}

static enum dom_status
refuse_for_guard(struct service_call *call)
{
	enum dom_status st = service_refuse(call, SERVICE_UNAVAILABLE,
	    "This region has just started and asks the other regions which accounts live"
	    " there now; nobody is served before. Nothing was stored; please try again in"
	    " a moment.");

	call->reply->retry_after_seconds = GUARD_RETRY_SECONDS;
	return st;
}

enum dom_status
service_admit(const struct service *service, struct store_txn *txn,
    const struct service_request *request, struct dom_arena *arena,
    struct service_reply *reply_r)
{
	struct service_call call = call_of(service, txn, request, arena, reply_r);
	const struct consent_handle *consent;
	struct vault_place place;
	enum dom_status st = DOM_OK;

	if (waits_for_guard(service, request->op))
		return refuse_for_guard(&call);
	if (service_plan(request->op)->needs_session)
		st = service_authenticate(&call);
	if (st == DOM_OK && is_about_collection(request->op))
		st = vault_open(&call, writes_to_collection(request->op), &place);
	if (st == DOM_OK && is_for_admins(request->op))
		st = share_open(&call, &place);
	/* What is off is refused before its bytes are read, let alone kept .. */
	if (st == DOM_OK && writes_to_collection(request->op))
		st = vault_consent(&call, &place, &consent);
	/* .. but for what may be deletions, which its body shows. */
	if (st == DOM_EDENIED && reply_r->code == SERVICE_CONSENT_REQUIRED &&
	    may_remove(request)) {
		service_reply_free(reply_r);
		return DOM_OK;
	}
	return st;
}

bool
service_stage_blocks(const struct service *service, const struct service_request *request)
{
	return (writes_to_collection(request->op) ||
	           request->op == SERVICE_COLLECTION_CREATE) &&
	       store_chunk_stage_blocks(service->store, request->body.size);
}

enum dom_status
service_stage(const struct service *service, const struct service_request *request,
    struct dom_arena *arena, struct service_staged **staged_r)
{
	struct store_reader *reader = NULL;
	struct store_txn *txn = NULL;
	struct service_reply refusal = {0};
	struct service_call call;
	enum dom_status st;

	*staged_r = NULL;
	if (!service_stage_blocks(service, request))
		return DOM_OK;
	if ((st = store_reader_open(service->store, &reader)) != DOM_OK)
		return st;
	if ((st = store_read_begin(reader, &txn)) == DOM_OK) {
		call = call_of(service, txn, request, arena, &refusal);
		st = service_authenticate(&call);
		if (st == DOM_OK)
			st = vault_stage(&call, staged_r);
		else if (st == DOM_EDENIED)
			st = DOM_OK;
		store_read_end(&txn);
	}
	store_reader_close(&reader);
	service_reply_free(&refusal);
	return st;
}

enum dom_status
service_stage_begin(const struct service *service, struct store_txn *txn,
    const struct service_request *request, size_t body_size, struct dom_arena *arena,
    struct service_staged **staged_r)
{
	struct service_reply refusal = {0};
	struct service_call call;
	enum dom_status st;

	*staged_r = NULL;
	if (request->op != SERVICE_CHUNK_PUT ||
	    !store_chunk_stage_blocks(service->store, body_size))
		return DOM_OK;
	call = call_of(service, txn, request, arena, &refusal);
	st = service_authenticate(&call);
	if (st == DOM_OK)
		st = vault_stage_begin(&call, staged_r);
	service_reply_free(&refusal);
	return st == DOM_EDENIED ? DOM_OK : st;
}

enum dom_status
service_run(const struct service *service, struct store_txn *txn,
    const struct service_request *request, struct service_staged *staged,
    struct dom_arena *arena, struct service_reply *reply_r)
{
	const struct entry *entry = entry_of(request->op);
	struct service_call call = call_of(service, txn, request, arena, reply_r);
	enum dom_status st = DOM_OK;

	call.staged = staged;
	if (waits_for_guard(service, request->op))
		return refuse_for_guard(&call);
	if (entry->plan.needs_session) {
		st = service_authenticate(&call);
		if (st == DOM_OK && entry->plan.writes)
			st = account_session_touch(&call);
	}
	if (st == DOM_OK)
		st = entry->run(&call);
	if (st == DOM_EFENCED)
		st = move_refuse_fenced(&call);
	if (st == DOM_OK)
		st = dom_buffer_finish(&reply_r->body);
	/* An ordinary answer that nobody expected is a fault of ours. */
	if (st > 0)
		st = DOM_ESTORE;
	if (st == DOM_OK && entry->plan.needs_session && !entry->plan.writes)
		reply_r->touch_session = account_session_wants_touch(&call);
	if (st != DOM_OK && st != DOM_EDENIED)
		service_reply_free(reply_r);
	return st;
}

void
service_failure(enum dom_status status, struct service_reply *reply_r)
{
	service_reply_free(reply_r);
	switch (status) {
	case DOM_EFULL:
		reply_r->code = SERVICE_STORAGE_FULL;
		reply_r->detail =
		    "The region's disk is full: nothing was stored. Reading goes on;"
		    " try to write again later.";
		break;
	case DOM_EUNCERTAIN:
		reply_r->code = SERVICE_UNAVAILABLE;
		reply_r->detail =
		    "The region's disk failed while this was stored: perhaps it is"
		    " there, perhaps not. Look before you try again.";
		break;
	case DOM_ELIMIT:
		reply_r->code = SERVICE_TOO_LARGE;
		reply_r->detail = "This is larger than the region allows: nothing was stored.";
		break;
	case DOM_EINTEGRITY:
		reply_r->code = SERVICE_CHUNK_DAMAGED;
		reply_r->detail = "The disk of this region has damaged what was asked for. Its"
		                  " operator must restore it.";
		break;
	default:
		reply_r->code = SERVICE_UNAVAILABLE;
		reply_r->detail =
		    "The region cannot do this now: nothing was stored. Try again later.";
		break;
	}
}
