/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * domicilectl evacuate, inside the server: who there is, who is asked, whose
 * turn it is, and how far each phase of a plan has come.  Everything is in the
 * store: whoever runs a plan may stop and go on.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "wire/group.h"
#include "wire/peer.h"

#include "daemon/control_parts.h"
#include "services/move/proposal.h"

enum {
	PHASES_MAX = 64,
	TELL_JOB_ROWS = 100, /* told by one job: people write in between */
	PHASE_NAME_SIZE = 64,
	WITHDRAW_JOB_ROWS = 500,
};

/* --- who there is ----------------------------------------------------------------------- */

/* Accounts by the power of two of what they hold. */
struct survey {
	uint64_t accounts[65];
	double bytes[65];
};

static unsigned
class_of(uint64_t bytes)
{
	return bytes == 0 ? 0 : 64 - (unsigned)__builtin_clzll(bytes);
}

static bool
may_move(const struct store_account *account)
{
	return account->state == STORE_ACCOUNT_HOME && account->initialised;
}

static enum dom_status
survey_page(struct control_call *call, struct store_txn *txn, int64_t *after, size_t *count_r)
{
	struct survey *survey = call->counting;
	struct store_account *accounts;
	enum dom_status st =
	    store_account_scan(txn, *after, CONTROL_PAGE_ROWS, call->arena, &accounts, count_r);

	for (size_t i = 0; st == DOM_OK && i < *count_r; i++) {
		struct store_usage usage;
		unsigned class;

		*after = accounts[i].number;
		if (!may_move(&accounts[i]))
			continue;
		if ((st = store_account_usage(txn, accounts[i].number, &usage)) != DOM_OK)
			break;
		class = class_of(usage.chunk_bytes);
		survey->accounts[class]++;
		survey->bytes[class] += (double)usage.chunk_bytes;
	}
	return st;
}

int
control_evacuate_survey(struct control_call *call)
{
	struct survey survey = {0};
	int result;

	call->counting = &survey;
	if ((result = control_list(call, survey_page)) != CONTROL_DONE)
		return result;
	for (unsigned i = 0; i < sizeof(survey.accounts) / sizeof(survey.accounts[0]); i++) {
		if (survey.accounts[i] != 0)
			control_say(call, CONTROL_OUT, "class %" PRIu64 " %.0f",
			    survey.accounts[i], survey.bytes[i] / (double)survey.accounts[i]);
	}
	return CONTROL_DONE;
}

/* --- asking people ------------------------------------------------------------------------ */

struct candidate {
	int64_t account;
	uint64_t bytes;
};

struct telling {
	struct control_call *call;
	struct candidate *candidates; /* home, and not asked yet */
	size_t count, capacity;
	uint64_t asked; /* in any phase, so far */
	uint64_t told;
	struct store_proposal proposal; /* but for the account */
	size_t at;                      /* the next candidate of the job under way */
};

static enum dom_status
add_candidate(struct telling *telling, int64_t account, uint64_t bytes)
{
	if (telling->count == telling->capacity) {
		size_t capacity = telling->capacity == 0 ? 1024 : 2 * telling->capacity;
		struct candidate *more =
		    reallocarray(telling->candidates, capacity, sizeof(*telling->candidates));

		if (more == NULL)
			return DOM_ENOMEM;
		telling->candidates = more;
		telling->capacity = capacity;
	}
	telling->candidates[telling->count++] =
	    (struct candidate){.account = account, .bytes = bytes};
	return DOM_OK;
}

static enum dom_status
candidates_page(
    struct control_call *call, struct store_txn *txn, int64_t *after, size_t *count_r)
{
	struct telling *telling = call->counting;
	struct store_account *accounts;
	enum dom_status st =
	    store_account_scan(txn, *after, CONTROL_PAGE_ROWS, call->arena, &accounts, count_r);

	for (size_t i = 0; st == DOM_OK && i < *count_r; i++) {
		struct store_proposal proposal;
		struct store_usage usage;

		*after = accounts[i].number;
		if (!may_move(&accounts[i]))
			continue;
		st = store_proposal_of(txn, accounts[i].number, call->arena, &proposal);
		if (st == DOM_OK)
			continue;
		if (st == DOM_ABSENT &&
		    (st = store_account_usage(txn, accounts[i].number, &usage)) == DOM_OK)
			st = add_candidate(telling, accounts[i].number, usage.chunk_bytes);
	}
	return st;
}

static enum dom_status
asked_page(struct control_call *call, struct store_txn *txn, int64_t *after, size_t *count_r)
{
	struct telling *telling = call->counting;
	struct store_proposal *rows;
	enum dom_status st =
	    store_proposal_list(txn, *after, CONTROL_PAGE_ROWS, call->arena, &rows, count_r);

	for (size_t i = 0; st == DOM_OK && i < *count_r; i++) {
		*after = rows[i].number;
		telling->asked++;
	}
	return st;
}

static int
by_bytes(const void *a, const void *b)
{
	const struct candidate *one = a, *other = b;

	if (one->bytes != other->bytes)
		return one->bytes < other->bytes ? -1 : 1;
	return (one->account > other->account) - (one->account < other->account);
}

static int
by_most_bytes(const void *a, const void *b)
{
	return by_bytes(b, a);
}

static enum dom_status
run_tell(struct store_txn *txn, void *context)
{
	struct telling *telling = context;
	size_t end = telling->at + TELL_JOB_ROWS;
	uint64_t told = 0;

	for (size_t i = telling->at; i < end && i < telling->count; i++) {
		enum dom_status st;

		telling->proposal.account = telling->candidates[i].account;
		st = proposal_tell(txn, telling->call->arena, &telling->proposal);
		if (st < 0)
			return st;
		told += st == DOM_OK;
	}
	telling->told += told;
	return DOM_OK;
}

static bool
read_u64(const char *text, uint64_t *number_r)
{
	char *end;

	errno = 0;
	*number_r = strtoull(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && text[0] != '-' &&
	       *number_r <= INT64_MAX;
}

/* "200", "5%", "rest": of those that there are and those that were asked already. */
static bool
read_cohort(const char *text, const struct telling *telling, uint64_t *count_r)
{
	double percent;
	char *end;

	if (strcmp(text, "rest") == 0) {
		*count_r = telling->count;
		return true;
	}
	if (read_u64(text, count_r))
		return true;
	percent = strtod(text, &end);
	if (end == text || strcmp(end, "%") != 0 || !(percent >= 0 && percent <= 100))
		return false;
	*count_r = (uint64_t)((double)(telling->count + telling->asked) * percent / 100 + 0.5);
	return true;
}

static int
tell_all(struct telling *telling, uint64_t wanted, const char *order)
{
	if (strcmp(order, "smallest") == 0)
		qsort(telling->candidates, telling->count, sizeof(*telling->candidates),
		    by_bytes);
	else if (strcmp(order, "largest") == 0)
		qsort(telling->candidates, telling->count, sizeof(*telling->candidates),
		    by_most_bytes);
	if (wanted < telling->count)
		telling->count = (size_t)wanted;
	for (telling->at = 0; telling->at < telling->count && !atomic_load(telling->call->stop);
	     telling->at += TELL_JOB_ROWS) {
		enum dom_status st;

		dom_arena_reset(telling->call->arena);
		st = store_write(telling->call->options->store, run_tell, telling);
		if (st != DOM_OK)
			return control_fail(telling->call, st, NULL);
	}
	control_say(telling->call, CONTROL_OUT, "told %" PRIu64, telling->told);
	return CONTROL_DONE;
}

static bool
is_other_region(const struct control_call *call, const char *name)
{
	const struct service_settings *settings = &call->options->service->settings;

	return settings->group != NULL && strcmp(name, settings->region) != 0 &&
	       wire_group_find(settings->group, dom_slice_of(name)) != NULL;
}

/* Words: phase, target, when it begins, days of grace, cohort, order. */
int
control_evacuate_tell(struct control_call *call)
{
	/* The call's own words live in the arena, which is used up meanwhile. */
	char phase[PHASE_NAME_SIZE], target[WIRE_REGION_SIZE_MAX + 1];
	struct telling telling = {.call = call};
	uint64_t begins_ms, grace, wanted;
	char *cohort = strdup(call->words[5]), *order = strdup(call->words[6]);
	int result = CONTROL_WRONG;

	if (cohort == NULL || order == NULL || strlen(call->words[1]) >= sizeof(phase) ||
	    !read_u64(call->words[3], &begins_ms) || !read_u64(call->words[4], &grace) ||
	    grace > WIRE_GRACE_DAYS_MAX) {
		control_say(call, CONTROL_ERR, "these words tell nobody anything");
	} else if (!is_other_region(call, call->words[2])) {
		control_say(call, CONTROL_ERR,
		    "%s is no other region of this one's group: nobody was told",
		    call->words[2]);
	} else {
		strcpy(phase, call->words[1]);
		strcpy(target, call->words[2]);
		telling.proposal = (struct store_proposal){.phase = dom_slice_of(phase),
		    .target = dom_slice_of(target),
		    .told_ms = dom_clock_now_ms(&call->options->service->clock),
		    .begins_ms = (int64_t)begins_ms,
		    .grace_days = (uint32_t)grace};
		call->counting = &telling;
		if ((result = control_list(call, asked_page)) == CONTROL_DONE &&
		    (result = control_list(call, candidates_page)) == CONTROL_DONE &&
		    !read_cohort(cohort, &telling, &wanted)) {
			control_say(call, CONTROL_ERR, "this is no cohort: %s", cohort);
			result = CONTROL_WRONG;
		}
		if (result == CONTROL_DONE)
			result = tell_all(&telling, wanted, order);
	}
	free(telling.candidates);
	free(cohort);
	free(order);
	return result;
}

/* --- whose turn it is ----------------------------------------------------------------------
 */

struct releasing {
	struct control_call *call;
	char phase[PHASE_NAME_SIZE];
	uint64_t left, released;
	struct store_proposal *rows;
	size_t count;
};

static enum dom_status
run_release(struct store_txn *txn, void *context)
{
	struct releasing *releasing = context;
	uint64_t released = 0;

	for (size_t i = 0; i < releasing->count && released < releasing->left; i++) {
		struct store_proposal row = releasing->rows[i];
		enum dom_status st;

		if (row.state != STORE_PROPOSAL_AGREED ||
		    !dom_slice_is(row.phase, releasing->phase))
			continue;
		st = proposal_release(
		    releasing->call->options->service, txn, releasing->call->arena, &row);
		if (st < 0)
			return st;
		released += st == DOM_OK;
	}
	releasing->left -= released;
	releasing->released += released;
	return DOM_OK;
}

static enum dom_status
release_page(struct control_call *call, struct store_txn *txn, int64_t *after, size_t *count_r)
{
	struct releasing *releasing = call->counting;
	enum dom_status st = store_proposal_list(
	    txn, *after, CONTROL_PAGE_ROWS, call->arena, &releasing->rows, count_r);

	if (st != DOM_OK || *count_r == 0)
		return st;
	*after = releasing->rows[*count_r - 1].number;
	releasing->count = *count_r;
	if (releasing->left == 0)
		*count_r = 0;
	else
		st = store_write(call->options->store, run_release, releasing);
	return st;
}

/* Words: phase, how many. */
int
control_evacuate_release(struct control_call *call)
{
	struct releasing releasing = {.call = call};
	int result;

	if (strlen(call->words[1]) >= sizeof(releasing.phase) ||
	    !read_u64(call->words[2], &releasing.left)) {
		control_say(call, CONTROL_ERR, "these words release nothing");
		return CONTROL_WRONG;
	}
	strcpy(releasing.phase, call->words[1]);
	call->counting = &releasing;
	if ((result = control_list(call, release_page)) != CONTROL_DONE)
		return result;
	if (releasing.released != 0)
		call->options->begun(call->options->context, &(struct service_changes){0});
	control_say(call, CONTROL_OUT, "released %" PRIu64, releasing.released);
	return CONTROL_DONE;
}

/* --- how far it is ---------------------------------------------------------------------------
 */

struct phase_count {
	char name[PHASE_NAME_SIZE];
	int64_t begins_ms;
	uint64_t told, refused, waiting, moving, moved, failed, bytes, bytes_total;
};

struct phases {
	struct phase_count at[PHASES_MAX];
	size_t count;
};

static struct phase_count *
phase_of(struct phases *phases, const struct store_proposal *row)
{
	size_t i = 0;

	while (i < phases->count && !dom_slice_is(row->phase, phases->at[i].name))
		i++;
	if (i == PHASES_MAX || row->phase.size >= PHASE_NAME_SIZE)
		return NULL;
	if (i == phases->count) {
		phases->count++;
		memcpy(phases->at[i].name, row->phase.data, row->phase.size);
		phases->at[i].begins_ms = row->begins_ms;
	}
	return &phases->at[i];
}

static enum dom_status
count_move(struct store_txn *txn, struct dom_arena *arena, const struct store_proposal *row,
    struct phase_count *count)
{
	struct store_move move;
	enum dom_status st = store_move_find(txn, row->move, STORE_MOVE_SOURCE, arena, &move);

	if (st == DOM_ABSENT) {
		count->failed++;
		return DOM_OK;
	}
	if (st != DOM_OK)
		return st;
	if (move.state == WIRE_MOVE_CANCELLED)
		count->failed++;
	else if (move.state >= WIRE_MOVE_LIVES)
		count->moved++;
	else
		count->moving++;
	count->bytes += move.bytes;
	count->bytes_total += move.bytes_total;
	return DOM_OK;
}

static enum dom_status
phases_page(struct control_call *call, struct store_txn *txn, int64_t *after, size_t *count_r)
{
	struct store_proposal *rows;
	enum dom_status st =
	    store_proposal_list(txn, *after, CONTROL_PAGE_ROWS, call->arena, &rows, count_r);

	for (size_t i = 0; st == DOM_OK && i < *count_r; i++) {
		struct phase_count *count = phase_of(call->counting, &rows[i]);

		*after = rows[i].number;
		if (count == NULL)
			continue;
		count->told++;
		count->refused += rows[i].state == STORE_PROPOSAL_REFUSED;
		count->waiting += rows[i].state == STORE_PROPOSAL_AGREED;
		if (rows[i].state == STORE_PROPOSAL_RELEASED)
			st = count_move(txn, call->arena, &rows[i], count);
	}
	return st;
}

/* A line for each: name, begins, told, refused, waiting, moving, moved, failed, bytes, of. */
int
control_evacuate_phases(struct control_call *call)
{
	struct phases phases = {0};
	int result;

	call->counting = &phases;
	if ((result = control_list(call, phases_page)) != CONTROL_DONE)
		return result;
	for (size_t i = 0; i < phases.count; i++) {
		const struct phase_count *count = &phases.at[i];

		control_say(call, CONTROL_OUT,
		    "phase %s\t%" PRId64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
		    "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64,
		    count->name, count->begins_ms, count->told, count->refused, count->waiting,
		    count->moving, count->moved, count->failed, count->bytes,
		    count->bytes_total);
	}
	return CONTROL_DONE;
}

static enum dom_status
run_withdraw(struct store_txn *txn, void *context)
{
	return store_proposal_withdraw(txn, WITHDRAW_JOB_ROWS, context);
}

int
control_evacuate_withdraw(struct control_call *call)
{
	uint64_t removed, all = 0;
	enum dom_status st;

	do {
		st = store_write(call->options->store, run_withdraw, &removed);
		all += removed;
	} while (st == DOM_OK && removed != 0 && !atomic_load(call->stop));
	if (st != DOM_OK)
		return control_fail(call, st, NULL);
	control_say(call, CONTROL_OUT,
	    "%" PRIu64 " proposals withdrawn; who has agreed moves when a plan goes on", all);
	return CONTROL_DONE;
}
