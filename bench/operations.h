/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef BENCH_OPERATIONS_H
#define BENCH_OPERATIONS_H

#include "crypto/keys.h"

#include "load.h"

/*
 * The commands of server_load.  Each prepares what it sends, runs it timed, and
 * prints one line; the opening comment of server_load.c lists them.
 */
enum { FILES_MAX = 20000, PAGES_MAX = 1000, LIMITS_MAX = 4, PATH_SIZE = 400 };

struct pages {
	unsigned limit, count;
	struct load_request *requests;
	struct dom_buffer *bodies;
};

struct bench {
	struct load_server server;
	struct load_account *account;
	struct load_account *visitor; /* logs in; the region ends its oldest sessions */
	int pids[LOAD_PIDS_MAX];
	unsigned pid_count;
	char filled[DOM_UID_SIZE_MAX + 1]; /* uid of the collection of 10,000 items, or "" */
	char stored[DOM_UID_SIZE_MAX + 1]; /* uid of the one with all chunks, or "" */
	struct pages pages[LIMITS_MAX];
};

/* connections at once, count in all */
void bench_login(struct bench *bench, unsigned connections, unsigned count);
void bench_upload(struct bench *bench, unsigned connections, unsigned count);
void bench_empty_sync(struct bench *bench, unsigned connections, unsigned count);
void bench_list_multi(struct bench *bench, unsigned connections, unsigned count);
void bench_chunk_upload(struct bench *bench, unsigned connections, unsigned count);
void bench_chunk_download(struct bench *bench, unsigned connections, unsigned count);
/* times for each connection */
void bench_sync(struct bench *bench, unsigned limit, unsigned connections, unsigned times);
/* path0, path1 .. by turns */
void bench_fetch(struct bench *bench, unsigned files, unsigned connections, unsigned count,
    const char *path);
/* Where the files of bench_save() come from, for another client, and its token. */
void bench_urls(struct bench *bench, const char *folder);
/* so many sockets that wait: push_sockets.c */
void bench_push(struct bench *bench, unsigned count);
/* so many clients, for so long: slow_clients.c */
void bench_attack(struct bench *bench, unsigned count, unsigned seconds);
void bench_save(struct bench *bench, const char *folder);

#endif
