/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef HTTP_LOG_H
#define HTTP_LOG_H

#include "base/buffer.h"

#include "services/service.h"

/*
 * One line for each request:
 *
 *   time=2026-11-21T03:06:18.123Z op=item_batch status=200 in=8123 out=0 us=912 loop=0
 *
 * Nothing in it says who asked, from where, or for what: no address, name,
 * uid or token can be written, since the line has no place for text from
 * outside.  Written in blocks, by one thread each.
 */
struct http_log {
	int fd; /* -1: nothing is written */
	bool is_socket;
	unsigned loop;
	struct dom_buffer pending;
};

struct http_log_line {
	enum service_op op;
	int status;
	uint64_t bytes_in, bytes_out, microseconds;
};

/* A pipe's or terminal's fd is best non-blocking; a socket's need not be. */
void http_log_init(struct http_log *log, int fd, unsigned loop);
void http_log_add(struct http_log *log, const struct http_log_line *line);
/*
 * Write what is pending.  Lines that the file does not take at once are lost:
 * nobody waits for a log whose reader sleeps or whose disk is full.
 */
void http_log_flush(struct http_log *log);
void http_log_free(struct http_log *log);

#endif
