/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Asking to erase, and hearing that it is done.  The receipt proves something
 * only together with the statement that it answers; that one lies in the folder
 * of receipts since it was sent, and is found there by its digest.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <domicile/erasure.h>

#include "base/clock.h"
#include "base/encode.h"

#include "wire/etebase.h"

#include "client/call.h"
#include "client/files.h"
#include "client/statement.h"

enum {
	LOOK_FIRST_MS = 50,
	LOOK_MOST_MS = 2000,
	NAME_SIZE = 96,
	FILES_MAX = 100000,
	WAITING_MAX = 1000,
};
static_assert((int)DOM_REQUEST_SIZE == (int)WIRE_SUBJECT_SIZE, "a request is a subject");

static enum dom_status
no_memory(struct dom_session *session)
{
	return dom_session_fail(session, DOM_ENOMEM, "There is not enough memory");
}

/* Has the region heard of it?  The session's error stays as it is. */
static bool
is_known(struct dom_session *session, const uint8_t request[DOM_REQUEST_SIZE])
{
	char number[2 * DOM_REQUEST_SIZE + 1];
	struct dom_call *call;
	bool known = false;

	dom_hex_encode(dom_slice(request, DOM_REQUEST_SIZE), number);
	if ((call = dom_call_new(session, "GET", "domicile/v1/erasures/%s/", number)) != NULL) {
		call->anonymous = true;
		if (dom_call_submit(call) == DOM_OK) {
			while (!call->finished && dom_session_work(session, 1000) >= 0)
				;
			known = call->finished && call->status == DOM_OK;
		}
	}
	dom_call_free(&call);
	return known;
}

static enum dom_status
send(struct dom_session *session, struct wire_statement *statement,
    uint8_t request_r[DOM_REQUEST_SIZE])
{
	static const uint8_t none[DOM_REQUEST_SIZE];
	struct dom_statement_sent sent;
	enum dom_status st = dom_statement_send(session, statement, false, &sent);
	bool is_asked = memcmp(sent.request, none, sizeof(none)) != 0;

	memcpy(request_r, sent.request, DOM_REQUEST_SIZE);
	/* The answer was lost: perhaps it is being erased, and only the answer was. */
	if (st < 0 && is_asked && is_known(session, request_r))
		return DOM_OK;
	if (st == DOM_OK && !is_asked)
		st = dom_session_fail(session, DOM_ESERVER,
		    "The region took the statement and does not say that it erases");
	return st;
}

enum dom_status
dom_erase_account(struct dom_session *session, uint8_t request_r[DOM_REQUEST_SIZE])
{
	struct wire_statement statement = {.kind = WIRE_ERASURE,
	    .service = dom_slice("", 0),
	    .scope = WIRE_SCOPE_ACCOUNT,
	    .collection_uid = dom_slice("", 0),
	    .item_uid = dom_slice("", 0)};

	return send(session, &statement, request_r);
}

enum dom_status
dom_erase_history(struct dom_session *session, const char *collection_uid, const char *item_uid,
    uint8_t request_r[DOM_REQUEST_SIZE])
{
	struct wire_statement statement = {.kind = WIRE_ERASURE,
	    .service = dom_slice("", 0),
	    .scope = WIRE_SCOPE_ITEM,
	    .collection_uid = dom_slice_of(collection_uid),
	    .item_uid = dom_slice_of(item_uid)};

	memset(request_r, 0, DOM_REQUEST_SIZE);
	if (!wire_uid_valid(statement.collection_uid) || !wire_uid_valid(statement.item_uid))
		return dom_session_fail(
		    session, DOM_EINPUT, "%s/%s is not an item", collection_uid, item_uid);
	return send(session, &statement, request_r);
}

/* --- the statement that was sent --------------------------------------------------- */

struct sent {
	char name[NAME_SIZE]; /* of its file, without the suffix */
	struct dom_buffer bytes;
	struct wire_evidence evidence; /* borrowed from the bytes */
};

/* What a file is called without what tells it from the others of its statement. */
static size_t
stem_of(const char *file)
{
	static const char *const ends[] = {(DOM_SENT_SUFFIX DOM_RECEIPT_SUFFIX),
	    ("-erased" DOM_RECEIPT_SUFFIX), DOM_RECEIPT_SUFFIX};
	size_t size = strlen(file);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t end = strlen(ends[i]);

		if (size > end && strcmp(file + size - end, ends[i]) == 0)
			return size - end;
	}
	return size;
}

/* Is it in this file?  What cannot be read is not it. */
static bool
is_sent(const char *folder, const char *file, const uint8_t *request, struct sent *sent)
{
	uint8_t subject[WIRE_SUBJECT_SIZE];

	dom_buffer_clear(&sent->bytes);
	return dom_file_read(folder, file, WIRE_EVIDENCE_SIZE_MAX, &sent->bytes) == DOM_OK &&
	       wire_evidence_decode(dom_buffer_slice(&sent->bytes), &sent->evidence) ==
	           DOM_OK &&
	       wire_subject(sent->evidence.statement_public, sent->evidence.statement,
	           sent->evidence.signature, subject) == DOM_OK &&
	       memcmp(subject, request, sizeof(subject)) == 0;
}

static bool
search(const char *folder, const uint8_t *request, struct sent *sent)
{
	const size_t suffix = strlen(DOM_RECEIPT_SUFFIX);
	DIR *list = opendir(folder);
	struct dirent *entry;
	bool found = false;

	for (unsigned files = 0; list != NULL && !found && files < FILES_MAX; files++) {
		size_t size;

		if ((entry = readdir(list)) == NULL)
			break;
		size = strlen(entry->d_name);
		if (size <= suffix || size - suffix >= sizeof(sent->name) ||
		    strcmp(entry->d_name + size - suffix, DOM_RECEIPT_SUFFIX) != 0)
			continue;
		found = is_sent(folder, entry->d_name, request, sent);
		if (found)
			snprintf(sent->name, sizeof(sent->name), "%.*s",
			    (int)stem_of(entry->d_name), entry->d_name);
	}
	if (list != NULL)
		closedir(list);
	return found;
}

static enum dom_status
find_sent(struct dom_session *session, const uint8_t *request, struct sent *sent)
{
	char folder[PATH_MAX];

	if (snprintf(folder, sizeof(folder), "%s/" DOM_RECEIPTS_FOLDER, session->folder) <
	        (int)sizeof(folder) &&
	    search(folder, request, sent))
		return DOM_OK;
	return dom_session_fail(session, DOM_EFILE,
	    "The statement that asked for this erasure is not in %s/" DOM_RECEIPTS_FOLDER
	    ": without it the region's receipt proves nothing. The device that sent it has it",
	    session->folder);
}

/* --- what waits for a receipt --------------------------------------------------------------
 */

/* Does it ask to erase?  Its number, if the region's receipt for that is not there yet. */
static bool
is_waiting(const char *folder, const char *file, struct dom_arena *arena, struct sent *sent,
    struct dom_erasure_waiting *waiting_r)
{
	struct wire_statement statement;
	char answered[NAME_SIZE + 32];

	dom_buffer_clear(&sent->bytes);
	if (dom_file_read(folder, file, WIRE_EVIDENCE_SIZE_MAX, &sent->bytes) != DOM_OK ||
	    wire_evidence_decode(dom_buffer_slice(&sent->bytes), &sent->evidence) != DOM_OK ||
	    wire_statement_decode(sent->evidence.statement, arena, &statement) != DOM_OK ||
	    (!statement.erase && statement.kind != WIRE_ERASURE))
		return false;
	snprintf(answered, sizeof(answered), "%.*s-erased" DOM_RECEIPT_SUFFIX,
	    (int)stem_of(file), file);
	if (dom_file_exists(folder, answered))
		return false;
	*waiting_r = (struct dom_erasure_waiting){
	    .whole_account = statement.scope == WIRE_SCOPE_ACCOUNT};
	if (wire_subject(sent->evidence.statement_public, sent->evidence.statement,
	        sent->evidence.signature, waiting_r->request) != DOM_OK)
		return false;
	snprintf(waiting_r->service, sizeof(waiting_r->service), "%.*s",
	    (int)statement.service.size, (const char *)statement.service.data);
	return true;
}

enum dom_status
dom_erasures_waiting(
    struct dom_session *session, struct dom_erasure_waiting **waiting_r, size_t *count_r)
{
	const size_t suffix = strlen(DOM_RECEIPT_SUFFIX);
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_erasure_waiting *waiting = calloc(WAITING_MAX, sizeof(*waiting));
	struct sent sent = {.name = ""};
	char folder[PATH_MAX];
	struct dirent *entry;
	DIR *list = NULL;

	*waiting_r = waiting;
	*count_r = 0;
	if (arena == NULL || waiting == NULL) {
		free(waiting);
		*waiting_r = NULL;
		dom_arena_free(&arena);
		return no_memory(session);
	}
	if (snprintf(folder, sizeof(folder), "%s/" DOM_RECEIPTS_FOLDER, session->folder) <
	    (int)sizeof(folder))
		list = opendir(folder);
	while (list != NULL && *count_r < WAITING_MAX && (entry = readdir(list)) != NULL) {
		size_t size = strlen(entry->d_name);

		if (size <= suffix || size - suffix >= NAME_SIZE ||
		    strcmp(entry->d_name + size - suffix, DOM_RECEIPT_SUFFIX) != 0)
			continue;
		dom_arena_reset(arena);
		*count_r += is_waiting(folder, entry->d_name, arena, &sent, &waiting[*count_r]);
	}
	if (list != NULL)
		closedir(list);
	dom_buffer_free(&sent.bytes);
	dom_arena_free(&arena);
	return DOM_OK;
}

/* --- the receipt ------------------------------------------------------------------------ */

static enum dom_status
keep_copy(struct dom_session *session, const struct wire_evidence *evidence,
    const struct dom_erasure_wait *wait)
{
	struct dom_buffer bytes = {0};
	enum dom_status st;

	wire_evidence_encode(&bytes, evidence);
	if ((st = dom_buffer_finish(&bytes)) == DOM_OK) {
		errno = EEXIST;
		st = DOM_EFILE;
		if (!dom_file_exists(wait->folder, wait->name))
			st = dom_file_write(wait->folder, wait->name, dom_buffer_slice(&bytes));
	}
	dom_buffer_free(&bytes);
	if (st < 0)
		return dom_session_fail(session, st,
		    "It is erased, but the receipt cannot be kept as %s/%s: %s", wait->folder,
		    wait->name, strerror(errno));
	return DOM_OK;
}

static enum dom_status
take_receipt(struct dom_session *session, const struct dom_erasure_wait *wait,
    const struct wire_erasure *answer, struct dom_erasure *erasure_r)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct wire_evidence_view view;
	struct sent sent = {.name = ""};
	char name[NAME_SIZE + 8];
	enum dom_status st;

	if (arena == NULL)
		return no_memory(session);
	if ((st = find_sent(session, wait->request, &sent)) != DOM_OK)
		goto out;
	sent.evidence.receipt = answer->receipt;
	sent.evidence.receipt_signature = answer->signature;
	if ((st = dom_evidence_check(session, &sent.evidence, arena, &view)) != DOM_OK)
		goto out;
	if (view.receipt.kind != WIRE_RECEIPT_ERASED) {
		st = dom_session_fail(session, DOM_EINTEGRITY,
		    "The region's receipt is not good: it does not say that anything was "
		    "erased");
		goto out;
	}
	erasure_r->ended_ms = view.receipt.ended_ms;
	erasure_r->backups_ms = view.receipt.backups_ms;
	snprintf(name, sizeof(name), "%s-erased", sent.name);
	snprintf(erasure_r->receipt, sizeof(erasure_r->receipt), "%s" DOM_RECEIPT_SUFFIX, name);
	st = dom_evidence_keep(session, &sent.evidence, name);
	if (st == DOM_OK)
		dom_evidence_drop_sent(session, sent.name);
	if (st == DOM_OK && wait->folder != NULL)
		st = keep_copy(session, &sent.evidence, wait);
out:
	dom_buffer_free(&sent.bytes);
	dom_arena_free(&arena);
	return st;
}

/* --- waiting --------------------------------------------------------------------------- */

/* DOM_CONFLICT: not yet. */
static enum dom_status
look(struct dom_session *session, const struct dom_erasure_wait *wait,
    struct dom_erasure *erasure_r)
{
	char number[2 * DOM_REQUEST_SIZE + 1];
	struct dom_call *call;
	struct wire_erasure answer;
	enum dom_status st;

	dom_hex_encode(dom_slice(wait->request, DOM_REQUEST_SIZE), number);
	if ((call = dom_call_new(session, "GET", "domicile/v1/erasures/%s/", number)) == NULL)
		return no_memory(session);
	/* After an account's erasure nobody is logged in. */
	call->anonymous = true;
	st = dom_call_run(call);
	if (st == DOM_OK &&
	    (wire_erasure_decode(dom_call_reply(call), &answer) != DOM_OK ||
	        !dom_slice_equal(answer.request, dom_slice(wait->request, DOM_REQUEST_SIZE))))
		st = dom_session_fail(session, DOM_ESERVER,
		    "The region's answer about the erasure cannot be read");
	if (st == DOM_OK) {
		*erasure_r = (struct dom_erasure){.state = (enum dom_erasure_state)answer.state,
		    .collections = answer.sum.collections,
		    .items = answer.sum.items,
		    .revisions = answer.sum.revisions,
		    .chunks = answer.sum.chunks,
		    .bytes = answer.sum.bytes};
		st = answer.state == WIRE_ERASURE_ERASED
		         ? take_receipt(session, wait, &answer, erasure_r)
		         : DOM_CONFLICT;
	}
	dom_call_free(&call);
	return st;
}

/* A signal ends it early: whoever waits looks at it between two pauses. */
static void
rest(int64_t ms)
{
	const struct timespec pause = {
	    .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&pause, NULL);
}

enum dom_status
dom_erasure_wait(struct dom_session *session, const struct dom_erasure_wait *wait,
    struct dom_erasure *erasure_r)
{
	int64_t until_ms = dom_monotonic_ms() + wait->wait_ms, pause_ms = LOOK_FIRST_MS;
	enum dom_status st;

	*erasure_r = (struct dom_erasure){.state = DOM_ERASURE_WAITING};
	while ((st = look(session, wait, erasure_r)) == DOM_CONFLICT) {
		if (wait->progress != NULL && !wait->progress(wait->context, erasure_r))
			break;
		if (wait->wait_ms >= 0 && dom_monotonic_ms() + pause_ms > until_ms)
			break;
		rest(pause_ms);
		if ((pause_ms *= 2) > LOOK_MOST_MS)
			pause_ms = LOOK_MOST_MS;
	}
	return st;
}
