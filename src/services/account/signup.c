/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Signing up: a new account, or the keys of one that an operator has made. */
#include "services/account/account.h"

static enum dom_status
refuse_fields(struct service_call *call, const char *name_fault, const char *email_fault)
{
	static const char detail[] = "The username or the e-mail address cannot be used.";
	struct wire_error_field *errors = dom_arena_array(call->arena, 2, sizeof(*errors));
	size_t count = 0;
	enum dom_status st;

	if (errors == NULL)
		return DOM_ENOMEM;
	if (name_fault != NULL)
		errors[count++] =
		    (struct wire_error_field){.field = dom_slice_of("user.username"),
		        .code = dom_slice_of("invalid"),
		        .detail = dom_slice_of(name_fault)};
	if (email_fault != NULL)
		errors[count++] = (struct wire_error_field){.field = dom_slice_of("user.email"),
		    .code = dom_slice_of("invalid"),
		    .detail = dom_slice_of(email_fault)};
	st = service_refuse(call, SERVICE_FIELD_ERRORS,
	    count == 2           ? detail
	    : name_fault != NULL ? name_fault
	                         : email_fault);
	if (st == DOM_EDENIED) {
		call->reply->errors = errors;
		call->reply->error_count = count;
	}
	return st;
}

/*
 * A name may be somebody's address and the other way round; since logging in
 * looks for both, neither may be taken by two accounts.
 */
static enum dom_status
refuse_if_taken(struct service_call *call, const struct store_account *account)
{
	struct store_account other;
	enum dom_status st;

	st = store_account_by_email(call->txn, account->name, call->arena, &other);
	if (st == DOM_OK)
		return service_refuse(call, SERVICE_USER_EXISTS,
		    "There is an account of this name already: log in, or choose another "
		    "name.");
	if (st != DOM_ABSENT)
		return st;
	if (account->email.size == 0)
		return DOM_OK;
	st = store_account_by_email(call->txn, account->email, call->arena, &other);
	if (st == DOM_ABSENT)
		st = store_account_by_name(call->txn, account->email, call->arena, &other);
	if (st == DOM_OK)
		return service_refuse(call, SERVICE_EMAIL_EXISTS,
		    "There is an account with this e-mail address already.");
	return st == DOM_ABSENT ? DOM_OK : st;
}

enum dom_status
account_create(struct service_call *call, struct store_account *account)
{
	const char *name_fault = account_name_fault(account->name);
	const char *email_fault = account_email_fault(account->email);
	enum dom_status st;

	if (account->name.size == 0)
		return service_refuse(
		    call, SERVICE_SIGNUP_REFUSED, "Please choose a username.");
	if (name_fault != NULL || email_fault != NULL)
		return refuse_fields(call, name_fault, email_fault);
	if ((st = refuse_if_taken(call, account)) != DOM_OK)
		return st;
	dom_random_fill(&call->service->random, account->id, sizeof(account->id));
	st = store_account_add(call->txn, account, &account->number);
	/* Names were looked at in this transaction: only the random id can be left. */
	return st == DOM_CONFLICT ? DOM_ESTORE : st;
}

/* A code that is no good is told, also where none is needed. */
static enum dom_status
create(struct service_call *call, struct store_account *account, struct dom_slice code)
{
	enum service_signup signup = call->service->settings.signup;
	struct store_invite invite;
	enum dom_status st;

	if (signup == SERVICE_SIGNUP_CLOSED)
		return service_refuse(call, SERVICE_SIGNUP_REFUSED,
		    "This region does not take new accounts by itself: ask its operator.");
	if (code.size == 0 && signup == SERVICE_SIGNUP_INVITATION)
		return service_refuse(call, SERVICE_SIGNUP_REFUSED,
		    "This region takes new accounts by invitation: ask its operator for a code,"
		    " then sign up with \"domicile signup NAME --invitation CODE\".");
	if (code.size == 0)
		return account_create(call, account);
	if ((st = account_invite_take(call, code, &invite)) != DOM_OK ||
	    (st = account_create(call, account)) != DOM_OK || invite.quota_bytes < 0)
		return st;
	return store_account_set_quota(call->txn, account->number, invite.quota_bytes);
}

/* The operator made the account; its owner brings the keys.  The address is kept. */
static enum dom_status
initialise(struct service_call *call, struct store_account *account,
    const struct store_account *existing)
{
	if (existing->initialised)
		return service_refuse(call, SERVICE_USER_EXISTS,
		    "There is an account of this name already: log in, or choose another "
		    "name.");
	if (existing->disabled)
		return service_refuse(call, SERVICE_SIGNUP_REFUSED,
		    "This account is disabled: ask the operator of this region.");
	account->number = existing->number;
	account->email = existing->email;
	return store_account_initialise(call->txn, account);
}

enum dom_status
account_signup(struct service_call *call)
{
	struct wire_reject reject;
	struct wire_signup signup;
	struct store_account account, existing;
	enum dom_status st;

	st = wire_signup_decode(call->request->body, &signup, &reject);
	if (st != DOM_OK)
		return service_refuse_body(call, st, call->request->body, &reject);
	account = (struct store_account){.created_ms = call->now_ms,
	    .initialised = true,
	    .salt = signup.salt,
	    .login_public = signup.login_public,
	    .identity_public = signup.identity_public,
	    .encrypted_content = signup.encrypted_content};
	if ((st = account_name_fold(call->arena, signup.username, &account.name)) != DOM_OK ||
	    (st = account_name_fold(call->arena, signup.email, &account.email)) != DOM_OK)
		return st;
	st = store_account_by_name(call->txn, account.name, call->arena, &existing);
	if (st == DOM_OK)
		st = initialise(call, &account, &existing);
	else if (st == DOM_ABSENT)
		st = create(call, &account, signup.invitation);
	if (st != DOM_OK)
		return st < 0 ? st : DOM_ESTORE;
	return account_session_start(call, &account);
}
