/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Where the request log goes. */
#include "daemon/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* O_NONBLOCK: a pipe that nobody reads must not hold up who is served. */
static int
open_log_file(const char *path)
{
	return open(
	    path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

/*
 * Standard error may be shared with other programs, which expect it to block:
 * a pipe or terminal is opened again, so that only ours does not.
 */
static int
open_log_stderr(void)
{
	struct stat info;
	int fd = -1;

	if (fstat(STDERR_FILENO, &info) == 0 &&
	    (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode)))
		fd = open(
		    "/proc/self/fd/2", O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd >= 0 ? fd : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
}

enum dom_status
log_file_open(const char *log, int *fd_r, char *message_r, size_t message_size)
{
	*fd_r = -1;
	if (strcmp(log, "none") == 0)
		return DOM_OK;
	*fd_r = strcmp(log, "stderr") == 0 ? open_log_stderr() : open_log_file(log);
	if (*fd_r >= 0)
		return DOM_OK;
	snprintf(
	    message_r, message_size, "the log %s cannot be written: %s", log, strerror(errno));
	return DOM_EFILE;
}

void
log_file_reopen(const char *log, int log_fd)
{
	int fd;

	if (log_fd < 0 || strcmp(log, "stderr") == 0)
		return;
	fd = open_log_file(log);
	if (fd < 0 || dup3(fd, log_fd, O_CLOEXEC) < 0)
		fprintf(stderr, "domiciled: the log %s cannot be opened again: %s\n", log,
		    strerror(errno));
	if (fd >= 0)
		close(fd);
}
