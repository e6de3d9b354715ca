/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include <stdatomic.h>

#include "daemon/control_wire.h"
#include "services/service.h"

/*
 * The operator's door: domicilectl's commands over the socket in the data
 * folder.  Each command has a thread of its own, so that a backup that takes
 * hours holds up nobody.
 */
struct control;

struct retention_desk;

struct control_options {
	const struct service *service;
	struct store *store;
	const char *data;      /* the folder */
	bool has_own_key_file; /* the region key is not in it */
	struct retention_desk *retention;
	/* After a commit that left work for the keeper, and changes for devices that wait. */
	void (*begun)(void *context, const struct service_changes *changes);
	void *context;
};

/* Serves until it is closed.  message_r: for an operator. */
DOM_MUST_CHECK enum dom_status control_open(const struct control_options *options,
    struct control **control_r, char *message_r, size_t message_size);
/* Stops what is under way and waits for it.  Before store_close(). */
void control_close(struct control **control);

/* A command under way; control_run.c. */
struct control_call {
	const struct control_options *options;
	int fd;
	atomic_bool *stop;
	struct dom_arena *arena;
	const char *const *words;
	size_t word_count;
	int64_t started_ms; /* of the server */
	void *counting;     /* what a list's pages add up; the command's own */
};
/* Runs it and says everything but the end; the exit code. */
int control_run(struct control_call *call);

#endif
