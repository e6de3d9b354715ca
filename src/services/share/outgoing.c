/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Inviting: whom, to what, and taking it back. */
#include "services/account/account.h"
#include "services/share/invitation.h"
#include "services/share/share.h"

enum dom_status
share_profile(struct service_call *call)
{
	struct store_account account;
	enum dom_status st;

	if (call->request->username.data == NULL)
		return service_refuse(
		    call, SERVICE_VALIDATION_ERROR, "\"username\" must say whose profile.");
	st = account_find(call, call->request->username, &account);
	if (st == DOM_OK && !account_lives_here(&account))
		st = DOM_ABSENT;
	if (st == DOM_ABSENT || (st == DOM_OK && !account.initialised))
		return service_refuse(
		    call, SERVICE_DOES_NOT_EXIST, "There is no such user, or not yet.");
	if (st == DOM_OK)
		wire_profile_encode(&call->reply->body, account.identity_public);
	return st;
}

/* May the caller invite this account here? */
static enum dom_status
check_invitation(struct service_call *call, const struct vault_place *place,
    const struct store_account *recipient)
{
	struct store_member member;
	int64_t most = call->service->settings.limits.invitations;
	uint64_t sent;
	enum dom_status st;

	if (recipient->number == call->account.number)
		return service_refuse(
		    call, SERVICE_NO_SELF_INVITE, "You cannot invite yourself.");
	if (place->member.access_level != WIRE_ACCESS_ADMIN)
		return service_refuse(call, SERVICE_ADMIN_ACCESS_REQUIRED,
		    "Only an administrator of this collection may invite.");
	st = store_member_find(
	    call->txn, place->collection.number, recipient->number, call->arena, &member);
	if (st != DOM_ABSENT)
		return st < 0 ? st
		              : service_refuse(call, SERVICE_ALREADY_MEMBER,
		                    "This person is a member of the collection already.");
	st = store_invitation_pending(
	    call->txn, place->collection.number, call->account.number, recipient->number);
	if (st != DOM_ABSENT)
		return st < 0 ? st
		              : service_refuse(call, SERVICE_INVITATION_EXISTS,
		                    "You have invited this person to this collection already.");
	if ((st = share_check_members(call, place->collection.number)) != DOM_OK)
		return st;
	st = store_invitation_count(call->txn, call->account.number, &sent);
	if (st == DOM_OK && most != 0 && sent >= (uint64_t)most)
		return service_refuse(call, SERVICE_TOO_LARGE,
		    "Too many of your invitations wait for an answer: withdraw some first.");
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
share_invite(struct service_call *call)
{
	struct vault_place place;
	struct store_account recipient;
	struct store_invitation row;
	struct wire_invitation wire;
	struct wire_reject reject;
	enum dom_status st;

	st = wire_invitation_decode(call->request->body, &wire, &reject);
	if (st != DOM_OK)
		return service_refuse_body(call, st, call->request->body, &reject);
	if ((st = vault_open_uid(call, wire.collection, &place)) != DOM_OK)
		return st;
	st = account_find(call, wire.username, &recipient);
	if (st == DOM_OK && !account_lives_here(&recipient))
		st = DOM_ABSENT;
	if (st == DOM_ABSENT)
		return service_refuse(call, SERVICE_DOES_NOT_EXIST, "There is no such user.");
	if (st == DOM_OK)
		st = check_invitation(call, &place, &recipient);
	if (st != DOM_OK)
		return st;
	row = (struct store_invitation){.uid = wire.uid,
	    .collection = place.collection.number,
	    .sender = call->account.number,
	    .recipient = recipient.number,
	    .version = wire.version,
	    .access_level = wire.access_level,
	    .signed_key = wire.signed_key};
	st = store_account_tick(call->txn, row.sender, &row.sender_clock);
	if (st == DOM_OK)
		st = store_account_tick(call->txn, row.recipient, &row.clock);
	if (st == DOM_OK)
		st = store_invitation_add(call->txn, &row);
	if (st == DOM_CONFLICT)
		return service_refuse(
		    call, SERVICE_UNIQUE_UID, "There is an invitation with this uid already.");
	return st > 0 ? DOM_ESTORE : st;
}

enum dom_status
share_outgoing_list(struct service_call *call)
{
	return share_invitation_list(call, false);
}

enum dom_status
share_outgoing_withdraw(struct service_call *call)
{
	struct store_invitation invitation;
	enum dom_status st;

	st = share_invitation_find(call, false, &invitation);
	if (st == DOM_OK)
		st = store_invitation_remove(call->txn, invitation.uid);
	return st > 0 ? DOM_ESTORE : st;
}
