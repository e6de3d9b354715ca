/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_COVER_H
#define SIM_COVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What people and operators do. */
enum action_kind {
	ACTION_WRITE,
	ACTION_TRANSACTION,
	ACTION_CHUNK,
	ACTION_READ,
	ACTION_LIST,
	ACTION_SYNC,
	ACTION_CREATE,
	ACTION_DELETE,
	ACTION_ON,
	ACTION_OFF,
	ACTION_ERASE_SERVICE,
	ACTION_ERASE_HISTORY,
	ACTION_ERASE_ACCOUNT,
	ACTION_SHARE,
	ACTION_ANSWER, /* an invitation */
	ACTION_UNSHARE,
	ACTION_PASSWORD,
	ACTION_LOGIN,
	ACTION_LOGOUT,
	ACTION_REVOKE,
	ACTION_SNOOP,
	ACTION_MOVE,
	ACTION_MOVE_CANCEL,
	ACTION_BACKUP,
	ACTION_RESTORE,
	ACTION_CATALOGUE,
	ACTION_RESTART,
	ACTION_WAIT,  /* hours or days go by: what expires, expires */
	ACTION_PROVE, /* ask for the certificates of moves; plans of moves only */
	ACTION_KIND_COUNT,
};
/* What goes wrong. */
enum fault_kind {
	FAULT_CRASH_KEEP, /* in the order of enum sim_crash */
	FAULT_CRASH_LOSE,
	FAULT_CRASH_PREFIX,
	FAULT_CRASH_ANY,
	FAULT_DISK_EIO, /* in the order of enum sim_fault, without none */
	FAULT_DISK_ENOSPC,
	FAULT_DISK_SYNC,
	FAULT_DISK_STOP,
	FAULT_DISK_STOP_AFTER,
	FAULT_DISK_STOP_AT_SYNC,
	FAULT_NETWORK_LOSE, /* in the order of enum net_fault */
	FAULT_NETWORK_DUPLICATE,
	FAULT_NETWORK_DELAY,
	FAULT_NETWORK_CUT,
	FAULT_PARTITION,
	FAULT_CLOCK,        /* a region's wall clock is set */
	FAULT_PHONE_KILLED, /* from here on: of a phone itself */
	FAULT_PHONE_POWER,
	FAULT_PHONE_EIO,
	FAULT_PHONE_ENOSPC,
	FAULT_PHONE_SYNC,
	FAULT_KIND_COUNT,
	FAULT_PHONE_FIRST = FAULT_PHONE_KILLED,
	FAULT_NETWORK_FIRST = FAULT_NETWORK_LOSE,
	FAULT_DISK_FIRST = FAULT_DISK_EIO,
};
const char *action_name(enum action_kind action);
const char *fault_name(enum fault_kind fault);

/* Plain numbers, so that it can lie in memory that processes share. */
struct cover {
	uint64_t seeds, steps, checks;
	uint64_t moves, moves_back;
	uint64_t acknowledged, uncertain, refused; /* writes */
	uint64_t lost_writes, double_homes;
	uint64_t simulated_us;
	uint64_t actions[ACTION_KIND_COUNT], done[ACTION_KIND_COUNT];
	uint64_t faults[FAULT_KIND_COUNT];
	uint64_t pairs[ACTION_KIND_COUNT][FAULT_KIND_COUNT];
};
uint64_t cover_faults(const struct cover *cover);
/* Pairs that have been met. */
unsigned cover_pairs(const struct cover *cover);
/* As a table; which is as Markdown. */
void cover_print(FILE *out, const struct cover *cover);

#endif
