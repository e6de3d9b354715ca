/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_DOMICILECTL_H
#define DAEMON_DOMICILECTL_H

#include "base/arena.h"

#include "daemon/configuration.h"

/* What domicilectl was told; its commands answer the exit status. */
enum { CTL_DONE = 0, CTL_FAILED = 1, CTL_WRONG = 2 };

struct ctl {
	const char *configuration; /* path */
	const char *socket;        /* path; NULL: the configuration's */
	const char *email;         /* NULL: none */
	bool with_key;
	bool yes;
	const char *journal;  /* path of the erasures' journal; NULL: where it belongs */
	bool without_journal; /* it is lost */
	const char *uses, *life, *quota; /* of an invitation; NULL: not said */
	/* Of a new region; NULL: not said. */
	const char *name, *listen, *address, *group, *certificate, *certificate_key;
	const char *plan, *to, *plot, *from; /* of an evacuation; NULL: not said */
	bool dry_run, withdraw;
	bool json, watch, all; /* of moves */
	const char *command, *argument, *second; /* NULL: it has none */
	struct dom_arena *arena;
	/* A line that the server says: true, it is not to be printed.  NULL: all are. */
	bool (*heard)(void *context, const char *line);
	void *context;
};

/* What they share; domicilectl_run.c. */
int ctl_ask_server(const struct ctl *ctl, const char *const *words, size_t count);
/* False: it has been said why not. */
bool ctl_configure(const struct ctl *ctl, struct configuration *configuration_r);
bool ctl_is_ours(const char *folder);

/* Over the socket: the command as it stands. */
int ctl_plain(const struct ctl *ctl);
int ctl_user_add(const struct ctl *ctl);
int ctl_user_quota(const struct ctl *ctl);
int ctl_invite(const struct ctl *ctl);
int ctl_evacuate(const struct ctl *ctl);
int ctl_moves(const struct ctl *ctl);
/* The same; asks before, and writes the receipt to a file here. */
int ctl_user_erase(const struct ctl *ctl);
/* Over the socket, or on the folder if no server runs. */
int ctl_fsck(const struct ctl *ctl);
int ctl_backup(const struct ctl *ctl);
/* On the folder. */
int ctl_restore(const struct ctl *ctl);
/* On a group's files; words: what follows "group". */
int ctl_group(struct ctl *ctl, char **words, size_t count);
/* On a region's files; words: what follows "region". */
int ctl_region(struct ctl *ctl, char **words, size_t count);

#endif
