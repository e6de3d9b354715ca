/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The file of the region's secret. */
#include "daemon/region_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/wipe.h"

enum { KEY_SIZE = 32 };

const char region_key_name[] = "region.key";
static const char key_new_name[] = "region.key.new";
const char region_store_name[] = "store.sqlite3";

static enum dom_status
failed(const char *data, const char *what, char *message_r, size_t message_size)
{
	snprintf(message_r, message_size, "%s/%s cannot be %s: %s", data, region_key_name, what,
	    strerror(errno));
	return DOM_EFILE;
}

/* The name appears only once its bytes are on the disk. */
static enum dom_status
make(int folder, const char *data, const struct dom_random *random, char *message_r,
    size_t message_size)
{
	uint8_t bytes[KEY_SIZE];
	bool is_written;
	int fd;

	if (faccessat(folder, region_store_name, F_OK, 0) == 0) {
		snprintf(message_r, message_size,
		    "%s/%s is missing, although %s/%s exists. It belongs to that store: "
		    "restore "
		    "it from the backup of this folder",
		    data, region_key_name, data, region_store_name);
		return DOM_EFILE;
	}
	unlinkat(folder, key_new_name, 0); /* of a start that was cut short */
	fd = openat(
	    folder, key_new_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(data, "made", message_r, message_size);
	dom_random_fill(random, bytes, sizeof(bytes));
	is_written =
	    write(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes) && fsync(fd) == 0;
	dom_wipe(bytes, sizeof(bytes));
	if (close(fd) != 0 || !is_written ||
	    renameat(folder, key_new_name, folder, region_key_name) != 0 || fsync(folder) != 0)
		return failed(data, "written", message_r, message_size);
	return DOM_OK;
}

static enum dom_status
check(int fd, const char *data, char *message_r, size_t message_size)
{
	struct stat info;

	if (fstat(fd, &info) != 0)
		return failed(data, "read", message_r, message_size);
	if (!S_ISREG(info.st_mode) || info.st_size != KEY_SIZE) {
		snprintf(message_r, message_size,
		    "%s/%s is not a region key: it must be a file of %d bytes. Restore it from "
		    "the backup of this folder",
		    data, region_key_name, KEY_SIZE);
		return DOM_EINPUT;
	}
	if ((info.st_mode & 077) != 0 || info.st_uid != geteuid()) {
		snprintf(message_r, message_size,
		    "%s/%s can be read by others than the user that domiciled runs as (mode "
		    "%04o, "
		    "owner %lu). If nobody has read it, put it right: chown %lu it and chmod "
		    "600 it",
		    data, region_key_name, info.st_mode & 07777u, (unsigned long)info.st_uid,
		    (unsigned long)geteuid());
		return DOM_EDENIED;
	}
	return DOM_OK;
}

static enum dom_status
read_key(int fd, const char *data, struct dom_region_key **key_r, char *message_r,
    size_t message_size)
{
	uint8_t bytes[KEY_SIZE];
	enum dom_status st;

	if (read(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
		return failed(data, "read", message_r, message_size);
	st = dom_region_key_from_bytes(dom_slice(bytes, sizeof(bytes)), key_r);
	dom_wipe(bytes, sizeof(bytes));
	if (st != DOM_OK)
		snprintf(message_r, message_size, "%s/%s cannot be used: %s", data,
		    region_key_name, dom_status_text(st));
	return st;
}

enum dom_status
region_key_load(const char *data, const struct dom_random *random,
    struct dom_region_key **key_r, char *message_r, size_t message_size)
{
	/* O_NONBLOCK: what is no file must not make us wait. */
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	enum dom_status st = DOM_OK;
	int folder, fd = -1;

	if (mkdir(data, 0700) != 0 && errno != EEXIST) {
		snprintf(message_r, message_size,
		    "the data folder %s cannot be made: %s. Make it by hand, owned by the user "
		    "that domiciled runs as",
		    data, strerror(errno));
		return DOM_EFILE;
	}
	if ((folder = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		snprintf(message_r, message_size,
		    "the data folder %s cannot be used: %s. It must belong to the user that "
		    "domiciled runs as",
		    data, strerror(errno));
		return DOM_EFILE;
	}
	fd = openat(folder, region_key_name, flags);
	if (fd < 0 && errno == ENOENT &&
	    (st = make(folder, data, random, message_r, message_size)) == DOM_OK)
		fd = openat(folder, region_key_name, flags);
	if (st == DOM_OK && fd < 0 && errno == ELOOP) {
		snprintf(message_r, message_size,
		    "%s/%s is a symbolic link: it must be the file itself", data,
		    region_key_name);
		st = DOM_EINPUT;
	} else if (st == DOM_OK && fd < 0) {
		st = failed(data, "opened", message_r, message_size);
	}
	if (st == DOM_OK)
		st = check(fd, data, message_r, message_size);
	if (st == DOM_OK)
		st = read_key(fd, data, key_r, message_r, message_size);
	if (fd >= 0)
		close(fd);
	close(folder);
	return st;
}
