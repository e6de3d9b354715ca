/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The file of the region's secret. */
#include "daemon/region_key.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/wipe.h"

#include "daemon/files.h"

enum { KEY_SIZE = 32 };

const char region_key_name[] = "region.key";
const char region_store_name[] = "store.sqlite3";

struct key_file {
	int folder;              /* of the file */
	const char *path, *name; /* name: its last part */
	const char *data;        /* the store's folder */
	char *message;
	size_t message_size;
};

static enum dom_status __attribute__((format(printf, 3, 4)))
refuse(const struct key_file *file, enum dom_status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(file->message, file->message_size, format, args);
	va_end(args);
	return status;
}

static enum dom_status
failed(const struct key_file *file, const char *what)
{
	return refuse(
	    file, DOM_EFILE, "%s cannot be %s: %s", file->path, what, strerror(errno));
}

static bool
has_store(const char *data)
{
	char path[PATH_MAX];

	return (size_t)snprintf(path, sizeof(path), "%s/%s", data, region_store_name) <
	           sizeof(path) &&
	       access(path, F_OK) == 0;
}

static enum dom_status
make(const struct key_file *file, const struct dom_random *random)
{
	uint8_t bytes[KEY_SIZE];
	bool is_written;

	if (has_store(file->data))
		return refuse(file, DOM_EFILE,
		    "%s is missing, although %s/%s exists. It belongs to that store: restore "
		    "it from its backup",
		    file->path, file->data, region_store_name);
	dom_random_fill(random, bytes, sizeof(bytes));
	is_written =
	    file_put(file->folder, file->name, dom_slice(bytes, sizeof(bytes)), 0600, false);
	dom_wipe(bytes, sizeof(bytes));
	return is_written ? DOM_OK : failed(file, "made");
}

static enum dom_status
check(const struct key_file *file, int fd)
{
	struct stat info;

	if (fstat(fd, &info) != 0)
		return failed(file, "read");
	if (!S_ISREG(info.st_mode) || info.st_size != KEY_SIZE)
		return refuse(file, DOM_EINPUT,
		    "%s is not a region key: it must be a file of %d bytes. Restore it from "
		    "its backup",
		    file->path, KEY_SIZE);
	if ((info.st_mode & 077) != 0 || info.st_uid != geteuid())
		return refuse(file, DOM_EDENIED,
		    "%s can be read by others than the user that domiciled runs as (mode "
		    "%04o, owner %lu). If nobody has read it, put it right: chown %lu it and "
		    "chmod 600 it",
		    file->path, info.st_mode & 07777u, (unsigned long)info.st_uid,
		    (unsigned long)geteuid());
	return DOM_OK;
}

static enum dom_status
read_key(const struct key_file *file, int fd, struct dom_region_key **key_r)
{
	uint8_t bytes[KEY_SIZE];
	enum dom_status st;

	if (read(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
		return failed(file, "read");
	st = dom_region_key_from_bytes(dom_slice(bytes, sizeof(bytes)), key_r);
	dom_wipe(bytes, sizeof(bytes));
	if (st != DOM_OK)
		return refuse(
		    file, st, "%s cannot be used: %s", file->path, dom_status_text(st));
	return DOM_OK;
}

static enum dom_status
make_data(const char *data, char *message_r, size_t message_size)
{
	if (mkdir(data, 0700) == 0 || errno == EEXIST)
		return DOM_OK;
	snprintf(message_r, message_size,
	    "the data folder %s cannot be made: %s. Make it by hand, owned by the user that "
	    "domiciled runs as",
	    data, strerror(errno));
	return DOM_EFILE;
}

static enum dom_status
open_folder(struct key_file *file)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(file->path, '/');

	/* The configuration takes paths from the root only. */
	assert(slash != NULL);
	file->name = slash + 1;
	if ((size_t)snprintf(folder, sizeof(folder), "%.*s/", (int)(slash - file->path),
	        file->path) >= sizeof(folder))
		errno = ENAMETOOLONG;
	else
		file->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (file->folder < 0)
		return refuse(file, DOM_EFILE,
		    "the folder of %s cannot be used: %s. It must belong to the user that "
		    "domiciled runs as",
		    file->path, strerror(errno));
	return DOM_OK;
}

static enum dom_status
open_key(const struct key_file *file, const struct dom_random *random, int *fd_r)
{
	/* O_NONBLOCK: what is no file must not make us wait. */
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	enum dom_status st;

	*fd_r = openat(file->folder, file->name, flags);
	if (*fd_r < 0 && errno == ENOENT && random != NULL) {
		if ((st = make(file, random)) != DOM_OK)
			return st;
		*fd_r = openat(file->folder, file->name, flags);
	}
	if (*fd_r < 0 && errno == ELOOP)
		return refuse(file, DOM_EINPUT,
		    "%s is a symbolic link: it must be the file itself", file->path);
	return *fd_r < 0 ? failed(file, "opened") : DOM_OK;
}

enum dom_status
region_key_load(const char *path, const char *data, const struct dom_random *random,
    struct dom_region_key **key_r, char *message_r, size_t message_size)
{
	struct key_file file = {.folder = -1,
	    .path = path,
	    .data = data,
	    .message = message_r,
	    .message_size = message_size};
	enum dom_status st;
	int fd = -1;

	if ((st = make_data(data, message_r, message_size)) == DOM_OK &&
	    (st = open_folder(&file)) == DOM_OK &&
	    (st = open_key(&file, random, &fd)) == DOM_OK && (st = check(&file, fd)) == DOM_OK)
		st = read_key(&file, fd, key_r);
	if (fd >= 0)
		close(fd);
	if (file.folder >= 0)
		close(file.folder);
	return st;
}
