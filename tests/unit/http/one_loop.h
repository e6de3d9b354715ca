/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef TESTS_HTTP_ONE_LOOP_H
#define TESTS_HTTP_ONE_LOOP_H

#include "http/loop.h"

/*
 * A loop without a thread over a store in a temporary folder: whoever holds
 * it moves its clock, runs what is queued for the writer, and delivers what
 * comes back.
 */
struct one_loop {
	char folder[64];
	struct store *store;
	struct service service;
	struct http_core core;
	struct http_loop *loop;
	int64_t now_ms; /* of the service; the loop has its own */
};

/* Aborts if it cannot. */
void one_loop_open(struct one_loop *one);
void one_loop_close(struct one_loop *one);
/* Run and deliver until nothing is on its way; how many jobs there were. */
size_t one_loop_run(struct one_loop *one);

#endif
