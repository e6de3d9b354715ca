/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The request log. */
#include "http/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "http/router.h"

enum { PENDING_BYTES_MAX = 32 << 10 };

void
http_log_add(struct http_log *log, const struct http_log_line *line)
{
	struct timespec now;
	struct tm utc;
	char second[32];

	if (log->fd < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(second, sizeof(second), "%Y-%m-%dT%H:%M:%S", &utc);
	dom_buffer_print(&log->pending,
	    "time=%s.%03ldZ op=%s status=%d in=%" PRIu64 " out=%" PRIu64 " us=%" PRIu64
	    " loop=%u\n",
	    second, now.tv_nsec / 1000000, route_op_name(line->op), line->status,
	    line->bytes_in, line->bytes_out, line->microseconds, log->loop);
	if (log->pending.size >= PENDING_BYTES_MAX)
		http_log_flush(log);
}

void
http_log_init(struct http_log *log, int fd, unsigned loop)
{
	struct stat info;

	*log = (struct http_log){.fd = fd, .loop = loop};
	log->is_socket = fd >= 0 && fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode);
}

/* A pipe takes so much whole or not at all: a lost piece cuts no line in two. */
static size_t
piece_size(const uint8_t *at, size_t left)
{
	const uint8_t *end;

	if (left <= PIPE_BUF)
		return left;
	end = memrchr(at, '\n', PIPE_BUF);
	return end == NULL ? PIPE_BUF : (size_t)(end - at) + 1;
}

void
http_log_flush(struct http_log *log)
{
	const uint8_t *at = log->pending.data;
	size_t left = log->pending.size;

	while (left != 0) {
		size_t size = piece_size(at, left);
		/* The journal's socket belongs to others too: only this call does not wait. */
		ssize_t written = log->is_socket
		                      ? send(log->fd, at, size, MSG_DONTWAIT | MSG_NOSIGNAL)
		                      : write(log->fd, at, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			break;
		at += written;
		left -= (size_t)written;
	}
	dom_buffer_clear(&log->pending);
}

void
http_log_free(struct http_log *log)
{
	http_log_flush(log);
	dom_buffer_free(&log->pending);
}
