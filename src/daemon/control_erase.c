/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The operator's commands about erasing, and about the region's time. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/encode.h"

#include "wire/evidence.h"

#include "daemon/control_parts.h"
#include "services/erasure/erasure.h"

enum { LOOK_MS = 100 };

/* --- user erase -------------------------------------------------------------------- */

struct user_erasing {
	struct control_call *call;
	struct erasure_ordered ordered;
	struct service_changes changes;
};

static enum dom_status
run_user_erase(struct store_txn *txn, void *context)
{
	struct user_erasing *erasing = context;
	enum dom_status st;

	erasing->changes = (struct service_changes){0};
	st = erasure_order_name(erasing->call->options->service, txn,
	    dom_slice_of(erasing->call->words[1]), erasing->call->arena, &erasing->ordered,
	    &erasing->changes);
	/* An ordinary answer must not be committed with what came before it. */
	return st > 0 ? DOM_EDENIED : st;
}

/* DOM_ABSENT: not yet. */
static enum dom_status
look(struct user_erasing *erasing, struct store_reader *reader, struct store_erasure *row_r)
{
	struct store_txn *txn = NULL;
	enum dom_status st;

	if ((st = store_read_begin(reader, &txn)) == DOM_OK)
		st = store_erasure_find(
		    txn, erasing->ordered.request, erasing->call->arena, row_r);
	store_read_end(&txn);
	if (st == DOM_OK && row_r->state != STORE_ERASURE_ERASED)
		st = DOM_ABSENT;
	return st;
}

static enum dom_status
wait_for(struct user_erasing *erasing, struct store_erasure *row_r)
{
	const struct timespec look_again = {.tv_nsec = LOOK_MS * 1000000};
	struct store_reader *reader;
	enum dom_status st;

	if ((st = store_reader_open(erasing->call->options->store, &reader)) != DOM_OK)
		return st;
	while ((st = look(erasing, reader, row_r)) == DOM_ABSENT &&
	       !atomic_load(erasing->call->stop))
		nanosleep(&look_again, NULL);
	store_reader_close(&reader);
	return st;
}

/* What domicilectl writes to a file: the order, and the receipt. */
static enum dom_status
say_evidence(struct user_erasing *erasing, const struct store_erasure *row)
{
	const struct erasure_ordered *ordered = &erasing->ordered;
	struct dom_arena *arena = erasing->call->arena;
	struct dom_buffer bytes = {0};
	char *line = NULL;
	enum dom_status st;

	wire_evidence_encode(
	    &bytes, &(struct wire_evidence){.statement_public = ordered->statement_public,
	                .statement = ordered->statement,
	                .signature = ordered->signature,
	                .receipt = row->receipt,
	                .receipt_signature = row->receipt_signature});
	st = dom_buffer_finish(&bytes);
	if (st == DOM_OK &&
	    (line = dom_arena_take(arena, sizeof("evidence ") + 2 * bytes.size)) == NULL)
		st = DOM_ENOMEM;
	if (st == DOM_OK) {
		memcpy(line, "evidence ", sizeof("evidence ") - 1);
		dom_hex_encode(dom_buffer_slice(&bytes), line + sizeof("evidence ") - 1);
		control_say(erasing->call, CONTROL_OUT, "%s", line);
	}
	dom_buffer_free(&bytes);
	return st;
}

static void
say_end(struct user_erasing *erasing, const struct store_erasure *row)
{
	char *line = dom_arena_print(erasing->call->arena,
	    "erased: %" PRIu64 " collections, %" PRIu64 " items, %" PRIu64
	    " revisions, %" PRIu64 " chunks, %" PRIu64 " bytes",
	    row->sum.collections, row->sum.items, row->sum.revisions, row->sum.chunks,
	    row->sum.bytes);

	if (line != NULL)
		control_say(erasing->call, CONTROL_OUT, "%s", line);
}

int
control_user_erase(struct control_call *call)
{
	struct user_erasing erasing = {.call = call};
	char number[2 * STORE_REQUEST_SIZE + 1];
	struct store_erasure row;
	char *line;
	enum dom_status st = store_write(call->options->store, run_user_erase, &erasing);

	if (st == DOM_EDENIED) {
		control_say(call, CONTROL_ERR,
		    "there is no account of this name: domicilectl user list shows all");
		return CONTROL_FAILED;
	}
	if (st != DOM_OK)
		return control_fail(call, st, NULL);
	call->options->begun(call->options->context, &erasing.changes);
	dom_hex_encode(
	    dom_slice(erasing.ordered.request, sizeof(erasing.ordered.request)), number);
	line = dom_arena_print(
	    call->arena, "nobody can log in or read any more; erasing, number %s", number);
	if (line != NULL)
		control_say(call, CONTROL_OUT, "%s", line);
	st = wait_for(&erasing, &row);
	if (st == DOM_ABSENT) {
		control_say(call, CONTROL_ERR,
		    "the server stops: it goes on erasing when it starts again");
		return CONTROL_FAILED;
	}
	if (st == DOM_OK)
		say_end(&erasing, &row);
	if (st == DOM_OK)
		st = say_evidence(&erasing, &row);
	return st == DOM_OK ? CONTROL_DONE : control_fail(call, st, NULL);
}

/* --- erasures ------------------------------------------------------------------------ */

static void
say_erasure(struct control_call *call, const struct store_erasure *row)
{
	static const char *const scopes[] = {[ERASURE_SCOPE_KEEP] = "withdrawal",
	    [WIRE_SCOPE_ITEM] = "history",
	    [WIRE_SCOPE_SERVICE] = "service",
	    [WIRE_SCOPE_ACCOUNT] = "account",
	    [WIRE_SCOPE_SOURCE] = "moved",
	    [ERASURE_SCOPE_STAGED] = "copy"};
	static const char *const states[] = {
	    "waiting", "erasing", "settling", "erased", "waiting"};
	char number[2 * STORE_REQUEST_SIZE + 1], requested[CONTROL_TIME_SIZE], *line;

	if (row->scope < 0 || (size_t)row->scope >= sizeof(scopes) / sizeof(scopes[0]) ||
	    scopes[row->scope] == NULL || row->state < 0 || row->state > 4)
		return;
	dom_hex_encode(dom_slice(row->request, sizeof(row->request)), number);
	control_time(row->requested_ms, requested);
	line = dom_arena_print(call->arena,
	    "%s\t%s\t%s\t%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64, number,
	    requested, scopes[row->scope], states[row->state], row->sum.collections,
	    row->sum.items, row->sum.chunks, row->sum.bytes);
	if (line != NULL)
		control_say(call, CONTROL_OUT, "%s", line);
}

static enum dom_status
erasures_page(struct control_call *call, struct store_txn *txn, int64_t *after, size_t *count_r)
{
	struct store_erasure *rows;
	enum dom_status st =
	    store_erasure_list(txn, 0, *after, CONTROL_PAGE_ROWS, call->arena, &rows, count_r);

	for (size_t i = 0; st == DOM_OK && i < *count_r; i++) {
		say_erasure(call, &rows[i]);
		*after = rows[i].number;
	}
	return st;
}

int
control_erasures(struct control_call *call)
{
	return control_list(call, erasures_page);
}

/* --- clock ---------------------------------------------------------------------------- */

static enum dom_status
read_time(struct control_call *call, int64_t *time_ms_r)
{
	struct store_reader *reader;
	struct store_txn *txn = NULL;
	enum dom_status st;

	if ((st = store_reader_open(call->options->store, &reader)) != DOM_OK)
		return st;
	if ((st = store_read_begin(reader, &txn)) == DOM_OK)
		st = store_region_time(txn, time_ms_r);
	store_read_end(&txn);
	store_reader_close(&reader);
	return st;
}

int
control_clock(struct control_call *call)
{
	int64_t now_ms = dom_clock_now_ms(&call->options->service->clock), time_ms;
	char region[CONTROL_TIME_SIZE], machine[CONTROL_TIME_SIZE], *line;
	enum dom_status st = read_time(call, &time_ms);

	if (st != DOM_OK)
		return control_fail(call, st, NULL);
	control_time(time_ms, region);
	control_time(now_ms, machine);
	line = dom_arena_print(call->arena, "region %s\nmachine %s\nbehind_seconds %" PRId64,
	    region, machine, (now_ms - time_ms) / 1000);
	control_say(call, CONTROL_OUT, "%s", line == NULL ? "no memory" : line);
	return CONTROL_DONE;
}

struct clock_set {
	int64_t now_ms;
};

static enum dom_status
run_confirm(struct store_txn *txn, void *context)
{
	const struct clock_set *set = context;

	return store_region_time_set(txn, set->now_ms);
}

int
control_clock_confirm(struct control_call *call)
{
	struct clock_set set = {.now_ms = dom_clock_now_ms(&call->options->service->clock)};
	char text[CONTROL_TIME_SIZE], *line;
	enum dom_status st = store_write(call->options->store, run_confirm, &set);

	if (st == DOM_CONFLICT) {
		control_say(call, CONTROL_ERR,
		    "the machine's clock is behind the region's time, which never goes back: "
		    "nothing was changed");
		return CONTROL_FAILED;
	}
	if (st != DOM_OK)
		return control_fail(call, st, NULL);
	control_time(set.now_ms, text);
	line = dom_arena_print(call->arena, "the region's time is now %s", text);
	control_say(call, CONTROL_OUT, "%s", line == NULL ? "no memory" : line);
	return CONTROL_DONE;
}
