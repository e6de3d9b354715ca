/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Accounts as an operator sees them. */
#include "services/operator.h"

#include "services/account/account.h"

struct operator_call {
	struct service_call call;
	struct service_request request;
	struct service_reply reply;
};

static void
begin(struct operator_call *operator, const struct service * service, struct store_txn *txn,
    struct dom_arena *arena)
{
	*operator=(struct operator_call){.request = {.op = SERVICE_OP_COUNT}};
	operator->call =(struct service_call){.service = service,
	    .txn = txn,
	    .request = &operator->request,
	    .arena = arena,
	    .reply = &operator->reply,
	    .now_ms = dom_clock_now_ms(&service->clock)};
}

static enum dom_status
end(struct operator_call *operator, enum dom_status status, const char **detail_r)
{
	*detail_r = status == DOM_EDENIED ? operator->reply.detail : NULL;
	service_reply_free(&operator->reply);
	return status;
}

enum dom_status
operator_user_add(const struct service *service, struct store_txn *txn, struct dom_slice name,
    struct dom_slice email, struct dom_arena *arena, const char **detail_r)
{
	const struct dom_slice none = dom_slice("", 0);
	struct operator_call operator;
	struct store_account account, existing;
	enum dom_status st;

	begin(&operator, service, txn, arena);
	account = (struct store_account){.created_ms = operator.call.now_ms,
	    .salt = none,
	    .login_public = none,
	    .identity_public = none,
	    .encrypted_content = none,
	    .statement_public = none};
	if ((st = account_name_fold(arena, name, &account.name)) == DOM_OK &&
	    (st = account_name_fold(arena, email, &account.email)) == DOM_OK)
		st = store_account_by_name(txn, account.name, arena, &existing);
	if (st == DOM_OK)
		st = service_refuse(&operator.call, SERVICE_USER_EXISTS,
		    "There is an account of this name already.");
	else if (st == DOM_ABSENT)
		st = account_create(&operator.call, &account);
	return end(&operator, st, detail_r);
}

static enum dom_status
find(struct operator_call *operator, struct dom_slice name, struct store_account *account_r)
{
	struct service_call *call = &operator->call;
	enum dom_status st;

	if ((st = account_name_fold(call->arena, name, &account_r->name)) == DOM_OK)
		st = store_account_by_name(call->txn, account_r->name, call->arena, account_r);
	if (st == DOM_ABSENT)
		st = service_refuse(call, SERVICE_USER_NOT_FOUND,
		    "There is no account of this name: domicilectl user list shows all.");
	return st;
}

enum dom_status
operator_user_switch(const struct service *service, struct store_txn *txn,
    struct dom_slice name, bool disabled, struct dom_arena *arena, const char **detail_r)
{
	struct operator_call operator;
	struct store_account account;
	enum dom_status st;

	begin(&operator, service, txn, arena);
	if ((st = find(&operator, name, &account)) == DOM_OK)
		st = store_account_set_disabled(txn, account.number, disabled);
	return end(&operator, st, detail_r);
}

enum dom_status
operator_user_quota(const struct service *service, struct store_txn *txn, struct dom_slice name,
    int64_t quota_bytes, struct dom_arena *arena, const char **detail_r,
    struct store_usage *usage_r)
{
	struct operator_call operator;
	struct store_account account;
	enum dom_status st;

	begin(&operator, service, txn, arena);
	if ((st = find(&operator, name, &account)) == DOM_OK &&
	    (st = store_account_set_quota(txn, account.number, quota_bytes)) == DOM_OK)
		st = store_account_usage(txn, account.number, usage_r);
	return end(&operator, st, detail_r);
}
