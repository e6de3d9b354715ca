/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Pages of members and of invitations.  The iterator is a position in the
 * order of one account's changes, so what it was taken from may be gone.
 */
#include "services/share/share.h"

enum dom_status
share_list_open(struct service_call *call, const uint8_t account_id[STORE_ID_SIZE],
    enum service_code garbage, bool empty_is_start, struct share_list *list_r)
{
	struct dom_slice iterator = call->request->iterator;
	struct wire_stoken stoken;
	enum dom_status st;

	*list_r = (struct share_list){.account_id = account_id};
	if (iterator.data != NULL && !(iterator.size == 0 && empty_is_start)) {
		st = wire_stoken_decode(iterator, &stoken);
		if (st == DOM_EINPUT)
			return service_refuse(call, garbage,
			    "This iterator is not one of this list: start it again.");
		if (st != DOM_OK)
			return st;
		list_r->after = wire_stoken_get(&stoken, account_id);
	}
	return vault_page_open(call, &list_r->page);
}

enum dom_status
share_list_put(struct share_list *list, uint64_t clock)
{
	list->page.count++;
	list->after = clock;
	list->moved = true;
	return dom_buffer_finish(&list->page.values);
}

enum dom_status
share_list_finish(struct share_list *list, bool done)
{
	struct service_call *call = list->page.call;
	struct wire_list_end end = {.is_iterator = true, .done = done};
	char *text;
	enum dom_status st;

	if (list->moved) {
		if ((text = dom_arena_take(call->arena, WIRE_STOKEN_SIZE(1) + 1)) == NULL)
			return DOM_ENOMEM;
		st = service_stoken_one(list->account_id, list->after, text);
		if (st != DOM_OK)
			return st;
		end.stoken = dom_slice_of(text);
	} else if (call->request->iterator.size != 0) {
		end.stoken = call->request->iterator;
	}
	return vault_page_finish(&list->page, &end);
}

void
share_list_close(struct share_list *list)
{
	vault_page_close(&list->page);
}
