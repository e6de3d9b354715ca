/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Memberships that ended, as collection lists report them.  Source: etebase-protocol 5.4. */
#include "services/vault/vault.h"

void
vault_stoken_prune(struct service_call *call, const struct store_account *owners,
    size_t owner_count, struct wire_stoken *stoken)
{
	size_t kept = 0;

	for (size_t i = 0; i < stoken->count; i++) {
		const uint8_t *id = stoken->entries[i].owner_id;
		bool is_known = memcmp(id, call->account.id, STORE_ID_SIZE) == 0;

		for (size_t j = 0; j < owner_count && !is_known; j++)
			is_known = memcmp(id, owners[j].id, STORE_ID_SIZE) == 0;
		if (is_known)
			stoken->entries[kept++] = stoken->entries[i];
	}
	stoken->count = kept;
}

enum dom_status
vault_removed_report(struct service_call *call, uint64_t seen, struct wire_stoken *stoken,
    bool *done, struct wire_list_end *end)
{
	uint64_t walked = wire_stoken_get(stoken, call->account.id);
	uint64_t reach = *done ? UINT64_MAX : walked;
	struct store_removed *rows;
	struct dom_slice *uids;
	size_t count;
	enum dom_status st;

	st = store_removed_scan(call->txn, call->account.number, seen, VAULT_REMOVED_MAX,
	    call->arena, &rows, &count);
	if (st != DOM_OK || count == 0)
		return st;
	/* There may be more of them: they are for the next page. */
	if (count == VAULT_REMOVED_MAX && rows[count - 1].clock < reach) {
		reach = rows[count - 1].clock;
		*done = false;
	}
	if ((uids = dom_arena_array(call->arena, count, sizeof(*uids))) == NULL)
		return DOM_ENOMEM;
	for (size_t i = 0; i < count && rows[i].clock <= reach; i++)
		uids[end->removed_count++] = rows[i].uid;
	end->removed = uids;
	if (*done)
		reach = rows[count - 1].clock > walked ? rows[count - 1].clock : walked;
	return reach == walked ? DOM_OK : wire_stoken_set(stoken, call->account.id, reach);
}
