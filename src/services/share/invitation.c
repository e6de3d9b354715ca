/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Invitations as both ends see them. */
#include "services/share/invitation.h"

#include "services/share/share.h"

enum dom_status
share_invitation_find(
    struct service_call *call, bool received, struct store_invitation *invitation_r)
{
	enum dom_status st = DOM_ABSENT;

	if (wire_uid_valid(call->request->invitation_uid))
		st = store_invitation_find(
		    call->txn, call->request->invitation_uid, call->arena, invitation_r);
	if (st == DOM_ABSENT ||
	    (st == DOM_OK && (received ? invitation_r->recipient : invitation_r->sender) !=
	                         call->account.number))
		return service_refuse(call, SERVICE_DOES_NOT_EXIST,
		    "There is no such invitation, or not any more.");
	return st;
}

void
share_invitation_put(struct dom_buffer *body, const struct store_invitation *invitation)
{
	wire_invitation_encode(body,
	    &(struct wire_invitation){.uid = invitation->uid,
	        .version = invitation->version,
	        .access_level = invitation->access_level,
	        .username = invitation->recipient_name,
	        .collection = invitation->collection_uid,
	        .signed_key = invitation->signed_key,
	        .from_username = invitation->sender_name,
	        .from_public = invitation->sender_public},
	    true);
}

static enum dom_status
scan(struct share_list *list, bool received, unsigned limit, struct store_invitation **rows_r,
    size_t *count_r)
{
	struct service_call *call = list->page.call;

	dom_arena_reset(list->page.rows);
	if (received)
		return store_invitation_scan_received(call->txn, call->account.number,
		    list->after, limit, list->page.rows, rows_r, count_r);
	return store_invitation_scan_sent(call->txn, call->account.number, list->after, limit,
	    list->page.rows, rows_r, count_r);
}

static enum dom_status
put_all(struct share_list *list, bool received)
{
	struct store_invitation *rows;
	size_t count;
	unsigned room;
	enum dom_status st;

	for (;;) {
		room = vault_page_room(&list->page);
		st = scan(list, received, room == 0 ? 1 : room, &rows, &count);
		if (st != DOM_OK)
			return st;
		if (room == 0 || count == 0)
			return share_list_finish(list, count == 0);
		for (size_t i = 0; i < count; i++) {
			share_invitation_put(&list->page.values, &rows[i]);
			st = share_list_put(
			    list, received ? rows[i].clock : rows[i].sender_clock);
			if (st != DOM_OK)
				return st;
		}
	}
}

enum dom_status
share_invitation_list(struct service_call *call, bool received)
{
	struct share_list list;
	enum dom_status st;

	st = share_list_open(call, call->account.id, SERVICE_DOES_NOT_EXIST, false, &list);
	if (st == DOM_OK)
		st = put_all(&list, received);
	share_list_close(&list);
	return st;
}
