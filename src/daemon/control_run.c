/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What domicilectl's commands do, inside the server. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "daemon/control_parts.h"
#include "daemon/control_retention.h"
#include "daemon/region_key.h"
#include "daemon/report.h"
#include "services/operator.h"

enum { MESSAGE_SIZE = 1024 };

/* --- user ------------------------------------------------------------------- */

struct user_change {
	struct control_call *call;
	const char *detail;
	bool disabled;
	int64_t quota_bytes;
	struct store_usage usage;
};

static enum dom_status
run_user_add(struct store_txn *txn, void *context)
{
	struct user_change *change = context;

	return operator_user_add(change->call->options->service, txn,
	    dom_slice_of(change->call->words[1]), dom_slice_of(change->call->words[2]),
	    change->call->arena, &change->detail);
}

static int
user_add(struct control_call *call)
{
	struct user_change change = {.call = call};
	enum dom_status st = store_write(call->options->store, run_user_add, &change);

	if (st != DOM_OK)
		return control_fail(call, st, change.detail);
	control_say(call, CONTROL_OUT,
	    "account %s made; it belongs to whoever signs up with this name first",
	    call->words[1]);
	return CONTROL_DONE;
}

static enum dom_status
run_user_switch(struct store_txn *txn, void *context)
{
	struct user_change *change = context;

	return operator_user_switch(change->call->options->service, txn,
	    dom_slice_of(change->call->words[1]), change->disabled, change->call->arena,
	    &change->detail);
}

static int
user_switch(struct control_call *call, bool disabled)
{
	struct user_change change = {.call = call, .disabled = disabled};
	enum dom_status st = store_write(call->options->store, run_user_switch, &change);

	if (st != DOM_OK)
		return control_fail(call, st, change.detail);
	control_say(call, CONTROL_OUT,
	    disabled ? "account %s disabled: its sessions and logins are refused from now on"
	             : "account %s enabled",
	    call->words[1]);
	return CONTROL_DONE;
}

static int
user_disable(struct control_call *call)
{
	return user_switch(call, true);
}

static int
user_enable(struct control_call *call)
{
	return user_switch(call, false);
}

static enum dom_status
run_user_quota(struct store_txn *txn, void *context)
{
	struct user_change *change = context;

	return operator_user_quota(change->call->options->service, txn,
	    dom_slice_of(change->call->words[1]), change->quota_bytes, change->call->arena,
	    &change->detail, &change->usage);
}

/* "default", or bytes in digits; domicilectl has made them of what was typed. */
static int
user_quota(struct control_call *call)
{
	const char *text = call->words[2];
	struct user_change change = {.call = call, .quota_bytes = -1};
	enum dom_status st;
	char *end = NULL;

	if (strcmp(text, "default") != 0) {
		errno = 0;
		change.quota_bytes = strtoll(text, &end, 10);
		if (errno != 0 || end == text || *end != '\0' || change.quota_bytes < 0) {
			control_say(call, CONTROL_ERR,
			    "a quota is a number of bytes, or default, not \"%s\"", text);
			return CONTROL_WRONG;
		}
	}
	if ((st = store_write(call->options->store, run_user_quota, &change)) != DOM_OK)
		return control_fail(call, st, change.detail);
	control_say(call, CONTROL_OUT, "account %s has %" PRIu64 " bytes and may have %s",
	    call->words[1], change.usage.chunk_bytes, text);
	return CONTROL_DONE;
}

static enum dom_status
user_page(struct control_call *call, struct store_txn *txn, int64_t *after, size_t *count_r)
{
	struct store_account *accounts;
	enum dom_status st =
	    store_account_scan(txn, *after, CONTROL_PAGE_ROWS, call->arena, &accounts, count_r);

	for (size_t i = 0; st == DOM_OK && i < *count_r; i++) {
		const struct store_account *account = &accounts[i];
		char created[CONTROL_TIME_SIZE];

		control_time(account->created_ms, created);
		control_say(call, CONTROL_OUT, "%.*s\t%.*s\t%s\t%s", (int)account->name.size,
		    (const char *)account->name.data, (int)account->email.size,
		    (const char *)account->email.data, created,
		    account->disabled       ? "disabled"
		    : !account->initialised ? "no-keys"
		                            : "active");
		*after = account->number;
	}
	return st;
}

static int
user_list(struct control_call *call)
{
	return control_list(call, user_page);
}

/* --- invite ----------------------------------------------------------------- */

struct invite_change {
	struct control_call *call;
	const char *detail;
	struct operator_invite wanted;
	char code[OPERATOR_CODE_TEXT_SIZE + 1];
	int64_t number;
};

static enum dom_status
run_invite(struct store_txn *txn, void *context)
{
	struct invite_change *change = context;

	return operator_invite_add(change->call->options->service, txn, &change->wanted,
	    change->code, &change->number, &change->detail);
}

/* Digits alone; false: it is not. */
static bool
read_digits(const char *text, int64_t *number_r)
{
	char *end;

	errno = 0;
	*number_r = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *number_r >= 0;
}

/* The words: how many accounts, for how long in ms, bytes or default. */
static int
invite(struct control_call *call)
{
	struct invite_change change = {.call = call, .wanted = {.quota_bytes = -1}};
	enum service_signup signup = call->options->service->settings.signup;
	char ends[CONTROL_TIME_SIZE];
	enum dom_status st;

	if (!read_digits(call->words[1], &change.wanted.uses_max) ||
	    !read_digits(call->words[2], &change.wanted.life_ms) ||
	    (strcmp(call->words[3], "default") != 0 &&
	        !read_digits(call->words[3], &change.wanted.quota_bytes))) {
		control_say(call, CONTROL_ERR, "an invitation takes whole numbers");
		return CONTROL_WRONG;
	}
	if ((st = store_write(call->options->store, run_invite, &change)) != DOM_OK) {
		control_fail(call, st, change.detail);
		return st == DOM_EDENIED ? CONTROL_WRONG : CONTROL_FAILED;
	}
	control_time(
	    dom_clock_now_ms(&call->options->service->clock) + change.wanted.life_ms, ends);
	control_say(call, CONTROL_OUT, "%s", change.code);
	control_say(call, CONTROL_OUT,
	    "number %" PRId64 ", good for %" PRId64
	    " account%s until %s; it is not shown again. "
	    "To sign up: domicile signup NAME --server URL --invitation CODE",
	    change.number, change.wanted.uses_max, change.wanted.uses_max == 1 ? "" : "s",
	    ends);
	if (signup == SERVICE_SIGNUP_CLOSED)
		control_say(call, CONTROL_ERR,
		    "signup is closed in domiciled.conf: nobody can use it until that says "
		    "invitation");
	return CONTROL_DONE;
}

static enum dom_status
run_invite_revoke(struct store_txn *txn, void *context)
{
	struct invite_change *change = context;

	return operator_invite_revoke(change->call->options->service, txn,
	    dom_slice_of(change->call->words[1]), &change->detail);
}

static int
invite_revoke(struct control_call *call)
{
	struct invite_change change = {.call = call};
	enum dom_status st = store_write(call->options->store, run_invite_revoke, &change);

	if (st != DOM_OK)
		return control_fail(call, st, change.detail);
	control_say(call, CONTROL_OUT, "nobody can sign up with it any more");
	return CONTROL_DONE;
}

static void
say_invite(struct control_call *call, const struct store_invite *row)
{
	int64_t now_ms = dom_clock_now_ms(&call->options->service->clock);
	char made[CONTROL_TIME_SIZE], ends[CONTROL_TIME_SIZE], quota[32] = "default";

	control_time(row->created_ms, made);
	control_time(row->expires_ms, ends);
	if (row->quota_bytes >= 0)
		snprintf(quota, sizeof(quota), "%" PRId64, row->quota_bytes);
	control_say(call, CONTROL_OUT, "%" PRId64 "\t%s\t%s\t%" PRId64 "/%" PRId64 "\t%s\t%s",
	    row->number, made, ends, row->uses, row->uses_max, quota,
	    row->uses >= row->uses_max  ? "used"
	    : row->expires_ms <= now_ms ? "expired"
	                                : "open");
}

static enum dom_status
invite_page(struct control_call *call, struct store_txn *txn, int64_t *after, size_t *count_r)
{
	struct store_invite *rows;
	enum dom_status st =
	    store_invite_scan(txn, *after, CONTROL_PAGE_ROWS, call->arena, &rows, count_r);

	for (size_t i = 0; st == DOM_OK && i < *count_r; i++) {
		say_invite(call, &rows[i]);
		*after = rows[i].number;
	}
	return st;
}

static int
invite_list(struct control_call *call)
{
	return control_list(call, invite_page);
}

/* --- stats ------------------------------------------------------------------ */

static void
say_disk(struct control_call *call)
{
	static const char *const suffixes[] = {"", "-wal"};
	const char *data = call->options->data;
	uint64_t bytes = 0;
	struct statvfs disk;
	struct stat info;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char *path = dom_arena_print(
		    call->arena, "%s/%s%s", data, region_store_name, suffixes[i]);

		if (path != NULL && stat(path, &info) == 0)
			bytes += (uint64_t)info.st_size;
	}
	control_say(call, CONTROL_OUT, "database_bytes %" PRIu64, bytes);
	if (statvfs(data, &disk) == 0)
		control_say(call, CONTROL_OUT, "disk_free_bytes %" PRIu64,
		    (uint64_t)disk.f_bavail * disk.f_frsize);
}

static enum dom_status
count(struct control_call *call, struct store_counts *counts_r, uint64_t *restores_r,
    int64_t *restored_ms_r)
{
	struct store_reader *reader;
	struct store_txn *txn;
	enum dom_status st;

	if ((st = store_reader_open(call->options->store, &reader)) != DOM_OK)
		return st;
	if ((st = store_read_begin(reader, &txn)) == DOM_OK &&
	    (st = store_count(txn, counts_r)) == DOM_OK)
		st = store_restores(txn, restores_r, restored_ms_r);
	store_read_end(&txn);
	store_reader_close(&reader);
	return st;
}

static int
stats(struct control_call *call)
{
	const struct service *service = call->options->service;
	int64_t up_ms = dom_clock_now_ms(&service->clock) - call->started_ms, restored_ms = 0;
	const char *failure = store_failure(call->options->store);
	struct store_counts counts = {0};
	uint64_t restores = 0;
	char restored[CONTROL_TIME_SIZE];
	enum dom_status st;

	if ((st = count(call, &counts, &restores, &restored_ms)) != DOM_OK)
		return control_fail(call, st, NULL);
	control_say(call, CONTROL_OUT, "region %s", service->settings.region);
	control_say(call, CONTROL_OUT, "release %s", DOM_RELEASE);
	control_say(call, CONTROL_OUT, "up_seconds %" PRId64, up_ms < 0 ? 0 : up_ms / 1000);
	control_say(call, CONTROL_OUT, "accounts %" PRIu64, counts.accounts);
	control_say(call, CONTROL_OUT, "collections %" PRIu64, counts.collections);
	control_say(call, CONTROL_OUT, "items %" PRIu64, counts.items);
	control_say(call, CONTROL_OUT, "revisions %" PRIu64, counts.revisions);
	control_say(call, CONTROL_OUT, "chunks %" PRIu64, counts.chunks);
	control_say(call, CONTROL_OUT, "chunk_bytes %" PRIu64, counts.chunk_bytes);
	say_disk(call);
	control_say(call, CONTROL_OUT, "restores %" PRIu64, restores);
	if (restores != 0) {
		control_time(restored_ms, restored);
		control_say(call, CONTROL_OUT, "restored_last %s", restored);
	}
	if (failure == NULL)
		return CONTROL_DONE;
	control_say(
	    call, CONTROL_ERR, "the store refuses every write until a restart: %s", failure);
	return CONTROL_FAILED;
}

/* --- care ------------------------------------------------------------------- */

static void
found(void *context, const char *sentence)
{
	control_say(context, CONTROL_OUT, "%s", sentence);
}

static int
fsck(struct control_call *call)
{
	const struct store_care care = {.folder = call->options->data, .stop = call->stop};
	struct store_fsck_report report;
	char message[MESSAGE_SIZE], text[REPORT_SIZE];

	if (store_fsck(&care, found, call, &report, message, sizeof(message)) != DOM_OK) {
		control_say(call, CONTROL_ERR, "%s", message);
		return CONTROL_FAILED;
	}
	report_fsck(&report, text);
	control_say(call, CONTROL_OUT, "%s", text);
	return report.faults == 0 ? CONTROL_DONE : CONTROL_FAILED;
}

static int
backup(struct control_call *call)
{
	const struct store_care care = {.folder = call->options->data, .stop = call->stop};
	const char *target = call->words[1];
	const char *also = strcmp(call->words[2], "with-key") == 0 ? region_key_name : NULL;
	struct store_backup_report report;
	char message[MESSAGE_SIZE], text[REPORT_SIZE];

	if (target[0] != '/') {
		control_say(
		    call, CONTROL_ERR, "the backup's folder must be given from the root");
		return CONTROL_WRONG;
	}
	if (also != NULL && call->options->has_own_key_file) {
		control_say(call, CONTROL_ERR, "%s", report_key_apart);
		return CONTROL_WRONG;
	}
	if (store_backup(&care, target, also, &report, message, sizeof(message)) != DOM_OK) {
		control_say(call, CONTROL_ERR, "%s", message);
		return CONTROL_FAILED;
	}
	report_backup(&report, also != NULL, text);
	control_say(call, CONTROL_OUT, "%s", text);
	if (dom_duration_is_zero(&call->options->service->settings.backup_keep))
		control_say(call, CONTROL_ERR, "%s", report_untold);
	if (report.missing == 0)
		return CONTROL_DONE;
	report_missing(report.missing, text);
	control_say(call, CONTROL_ERR, "%s", text);
	return CONTROL_FAILED;
}

int
control_run(struct control_call *call)
{
	static const struct {
		const char *name;
		size_t words; /* with the name */
		int (*run)(struct control_call *call);
	} commands[] = {
	    {"user add", 3, user_add},
	    {"user list", 1, user_list},
	    {"user disable", 2, user_disable},
	    {"user enable", 2, user_enable},
	    {"user quota", 3, user_quota},
	    {"invite", 4, invite},
	    {"invite list", 1, invite_list},
	    {"invite revoke", 2, invite_revoke},
	    {"retention", 1, control_retention_rules},
	    {"retention report", 1, control_retention_report},
	    {"retention notices", 1, control_retention_notices},
	    {"user erase", 2, control_user_erase},
	    {"erasures", 1, control_erasures},
	    {"clock", 1, control_clock},
	    {"clock confirm", 1, control_clock_confirm},
	    {"evacuate survey", 1, control_evacuate_survey},
	    {"evacuate tell", 7, control_evacuate_tell},
	    {"evacuate release", 3, control_evacuate_release},
	    {"evacuate phases", 1, control_evacuate_phases},
	    {"evacuate withdraw", 1, control_evacuate_withdraw},
	    {"moves", 2, control_moves},
	    {"peers", 1, control_peers},
	    {"peers confirm", 1, control_peers_confirm},
	    {"stats", 1, stats},
	    {"fsck", 1, fsck},
	    {"backup", 3, backup},
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(call->words[0], commands[i].name) == 0 &&
		    call->word_count == commands[i].words)
			return commands[i].run(call);
	}
	control_say(call, CONTROL_ERR,
	    "this server does not know the command \"%s\": it is release %s, and domicilectl "
	    "is "
	    "of another",
	    call->words[0], DOM_RELEASE);
	return CONTROL_WRONG;
}
