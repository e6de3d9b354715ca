/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicilectl moves and peers, inside the server: a line for each. */
#include <inttypes.h>
#include <string.h>

#include "base/encode.h"

#include "wire/peer.h"

#include "daemon/control_parts.h"
#include "daemon/pause.h"
#include "services/move/guard.h"
#include "services/move/parts.h"

enum { RECENT_MS = 24 * 60 * 60 * 1000 };

/* No blank that a reader would take for the end of a column. */
static const char *
column(struct dom_arena *arena, struct dom_slice text)
{
	char *copy = dom_arena_print(arena, "%.*s", (int)text.size, (const char *)text.data);

	for (char *at = copy; at != NULL && *at != '\0'; at++)
		if ((unsigned char)*at < 0x20)
			*at = ' ';
	return copy == NULL ? "" : copy;
}

/* Whose it is; empty, once nobody here knows any more. */
static enum dom_status
find_name(struct store_txn *txn, const struct store_move *move, struct dom_arena *arena,
    struct dom_slice *name_r)
{
	struct store_account account;
	enum dom_status st;

	*name_r = dom_slice(NULL, 0);
	if (move->account == 0)
		return DOM_OK;
	st = store_account_by_number(txn, move->account, arena, &account);
	if (st == DOM_OK && (st = store_account_names(txn, arena, &account)) == DOM_OK)
		*name_r = account.name;
	return st == DOM_ABSENT ? DOM_OK : st;
}

static enum dom_status
say_move(struct control_call *call, struct store_txn *txn, const struct store_move *move)
{
	char id[2 * STORE_MOVE_ID_SIZE + 1];
	const char *state = wire_move_state_name(move->state);
	struct dom_slice name, ignored, why = {0};
	int64_t pause_ms;
	enum dom_status st;

	if ((st = find_name(txn, move, call->arena, &name)) < 0 ||
	    (st = pause_of(txn, move, call->arena, &pause_ms)) < 0 ||
	    (st = store_move_message_get(
	         txn, move->number, MOVE_MESSAGE_WHY, call->arena, &why, &ignored)) < 0)
		return st;
	dom_hex_encode(dom_slice(move->id, sizeof(move->id)), id);
	control_say(call, CONTROL_OUT,
	    "%" PRId64 "\t%s\t%s\t%s\t%s\t%s\t%" PRIu64 "\t%u\t%" PRIu64 "\t%" PRIu64
	    "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%s",
	    move->number, id, move->side == STORE_MOVE_SOURCE ? "source" : "target",
	    state == NULL ? "?" : state, column(call->arena, name),
	    column(call->arena, move->peer), move->epoch, move->attempts, move->bytes,
	    move->bytes_total, move->started_ms, move->changed_ms, pause_ms,
	    column(call->arena, why));
	return DOM_OK;
}

/* The second word: "all", or those that are open or were of late. */
static enum dom_status
moves_page(struct control_call *call, struct store_txn *txn, int64_t *after, size_t *count_r)
{
	int64_t since_ms = dom_clock_now_ms(&call->options->service->clock) - RECENT_MS;
	bool wants_all = strcmp(call->words[1], "all") == 0;
	struct store_move *rows;
	enum dom_status st =
	    store_move_list(txn, *after, false, CONTROL_PAGE_ROWS, call->arena, &rows, count_r);

	for (size_t i = 0; st == DOM_OK && i < *count_r; i++) {
		*after = rows[i].number;
		if (wants_all || rows[i].open || rows[i].changed_ms >= since_ms)
			st = say_move(call, txn, &rows[i]);
	}
	return st;
}

int
control_moves(struct control_call *call)
{
	return control_list(call, moves_page);
}

/* --- peers ------------------------------------------------------------------------------ */

int
control_peers(struct control_call *call)
{
	static const char *const answers[] = {[MOVE_GUARD_ASKED] = "not heard of yet",
	    [MOVE_GUARD_MISSING] = "nobody is served before it answers",
	    [MOVE_GUARD_HOLDS] = "answered; accounts wait for it",
	    [MOVE_GUARD_ANSWERED] = "answered"};
	enum move_guard_answer answer;
	struct dom_slice name;

	for (size_t i = 0; move_guard_show(call->options->service->guard, i, &name, &answer);
	     i++)
		control_say(
		    call, CONTROL_OUT, "%s\t%s", column(call->arena, name), answers[answer]);
	return CONTROL_DONE;
}

int
control_peers_confirm(struct control_call *call)
{
	struct move_guard *guard = call->options->service->guard;
	enum dom_status st = guard == NULL ? DOM_OK : move_guard_trust(guard);

	if (st != DOM_OK)
		return control_fail(call, st, NULL);
	control_say(call, CONTROL_OUT,
	    "accounts are served: those that live in a region that did not answer are served"
	    " here too");
	return CONTROL_DONE;
}
