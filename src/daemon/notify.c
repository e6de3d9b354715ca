/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The ready file, and systemd's notification socket. */
#include "daemon/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool
notify_ready_file(const char *path, const struct http_server *server)
{
	const char *url;
	bool is_written;
	char *new_path;
	FILE *file;

	if (asprintf(&new_path, "%s.new", path) < 0)
		return false;
	file = fopen(new_path, "we");
	if (file != NULL) {
		fprintf(file, "%ld\n", (long)getpid());
		for (size_t i = 0; (url = http_server_url(server, i)) != NULL; i++)
			fprintf(file, "%s\n", url);
	}
	is_written = file != NULL && fclose(file) == 0 && rename(new_path, path) == 0;
	free(new_path);
	return is_written;
}

void
notify_supervisor(const char *state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t size = path == NULL ? 0 : strlen(path);
	int fd;

	if (size == 0 || size >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, size);
	if (path[0] == '@')
		address.sun_path[0] = '\0'; /* of the abstract kind */
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return;
	/* Nobody there to hear it is no reason to stop. */
	(void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
	close(fd);
}
