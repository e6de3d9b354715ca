/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What was tried: every action, every fault, and which met which. */
#include "sim/cover.h"

#include <assert.h>
#include <inttypes.h>

static const char *const action_names[] = {
    [ACTION_WRITE] = "write",
    [ACTION_TRANSACTION] = "transaction",
    [ACTION_CHUNK] = "large chunk",
    [ACTION_READ] = "read",
    [ACTION_LIST] = "list",
    [ACTION_SYNC] = "sync",
    [ACTION_CREATE] = "create",
    [ACTION_DELETE] = "delete",
    [ACTION_ON] = "on",
    [ACTION_OFF] = "off",
    [ACTION_ERASE_SERVICE] = "erase service",
    [ACTION_ERASE_HISTORY] = "erase history",
    [ACTION_ERASE_ACCOUNT] = "erase account",
    [ACTION_SHARE] = "share",
    [ACTION_ANSWER] = "answer",
    [ACTION_UNSHARE] = "unshare",
    [ACTION_PASSWORD] = "password",
    [ACTION_LOGIN] = "login",
    [ACTION_LOGOUT] = "logout",
    [ACTION_REVOKE] = "revoke",
    [ACTION_SNOOP] = "snoop",
    [ACTION_MOVE] = "move",
    [ACTION_MOVE_CANCEL] = "cancel move",
    [ACTION_BACKUP] = "backup",
    [ACTION_RESTORE] = "restore",
    [ACTION_CATALOGUE] = "catalogue",
    [ACTION_RESTART] = "restart",
    [ACTION_WAIT] = "wait",
    [ACTION_PROVE] = "certificate",
};
static_assert(sizeof(action_names) / sizeof(action_names[0]) == ACTION_KIND_COUNT, "named");

static const char *const fault_names[] = {
    [FAULT_CRASH_KEEP] = "killed",
    [FAULT_CRASH_LOSE] = "power cut",
    [FAULT_CRASH_PREFIX] = "torn power cut",
    [FAULT_CRASH_ANY] = "reordered power cut",
    [FAULT_DISK_EIO] = "EIO",
    [FAULT_DISK_ENOSPC] = "ENOSPC",
    [FAULT_DISK_SYNC] = "failed sync",
    [FAULT_DISK_STOP] = "stop",
    [FAULT_DISK_STOP_AFTER] = "stop after",
    [FAULT_DISK_STOP_AT_SYNC] = "stop at sync",
    [FAULT_NETWORK_LOSE] = "loss",
    [FAULT_NETWORK_DUPLICATE] = "duplicate",
    [FAULT_NETWORK_DELAY] = "delay",
    [FAULT_NETWORK_CUT] = "cut",
    [FAULT_PARTITION] = "partition",
    [FAULT_CLOCK] = "clock set",
    [FAULT_PHONE_KILLED] = "phone killed",
    [FAULT_PHONE_POWER] = "phone power cut",
    [FAULT_PHONE_EIO] = "phone EIO",
    [FAULT_PHONE_ENOSPC] = "phone ENOSPC",
    [FAULT_PHONE_SYNC] = "phone failed sync",
};
static_assert(sizeof(fault_names) / sizeof(fault_names[0]) == FAULT_KIND_COUNT, "named");

const char *
action_name(enum action_kind action)
{
	return action_names[action];
}

const char *
fault_name(enum fault_kind fault)
{
	return fault_names[fault];
}

uint64_t
cover_faults(const struct cover *cover)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < FAULT_KIND_COUNT; i++)
		sum += cover->faults[i];
	return sum;
}

unsigned
cover_pairs(const struct cover *cover)
{
	unsigned count = 0;

	for (unsigned i = 0; i < ACTION_KIND_COUNT; i++)
		for (unsigned j = 0; j < FAULT_KIND_COUNT; j++)
			count += cover->pairs[i][j] != 0;
	return count;
}

void
cover_print(FILE *out, const struct cover *cover)
{
	fprintf(out, "| action | done of begun |");
	for (unsigned j = 0; j < FAULT_KIND_COUNT; j++)
		fprintf(out, " %s |", fault_names[j]);
	fprintf(out, "\n|---|---|");
	for (unsigned j = 0; j < FAULT_KIND_COUNT; j++)
		fprintf(out, "---|");
	for (unsigned i = 0; i < ACTION_KIND_COUNT; i++) {
		fprintf(out, "\n| %s | %" PRIu64 " of %" PRIu64 " |", action_names[i],
		    cover->done[i], cover->actions[i]);
		for (unsigned j = 0; j < FAULT_KIND_COUNT; j++)
			fprintf(out, " %" PRIu64 " |", cover->pairs[i][j]);
	}
	fprintf(out, "\n| all | |");
	for (unsigned j = 0; j < FAULT_KIND_COUNT; j++)
		fprintf(out, " %" PRIu64 " |", cover->faults[j]);
	fprintf(out, "\n");
}
