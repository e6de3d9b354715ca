/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The system calls that our code makes on files, for simulated disks: the
 * linker gives us every call of NAME() as __wrap_NAME() (sim/meson.build), and
 * what is not below /sim/ goes on to __real_NAME().  So the store, the journal
 * and all else run as they are.  Names end in 64 since that is what the calls
 * of a program with large files are.
 */
#include "sim/posix.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "sim/alloc.h"
#include "sim/wrapped.h"

enum { OPEN_ROOM = 16 };

static struct sim_open *opened;
static size_t opened_room;

/* --- descriptors ------------------------------------------------------------------ */

struct sim_open *
sim_open_at(int fd)
{
	size_t at = (size_t)(fd - SIM_FD_FIRST);

	if (fd < SIM_FD_FIRST || at >= opened_room || opened[at].disk == NULL) {
		errno = EBADF;
		return NULL;
	}
	if (opened[at].boot != opened[at].disk->boot) {
		errno = EIO;
		return NULL;
	}
	return &opened[at];
}

int
sim_open_new(struct sim_disk *disk, struct sim_node *node, int flags)
{
	size_t at = 0;

	while (at < opened_room && opened[at].disk != NULL)
		at++;
	if (at == opened_room) {
		size_t room = opened_room == 0 ? OPEN_ROOM : 2 * opened_room;

		opened = sim_retake(opened, room * sizeof(*opened));
		memset(opened + opened_room, 0, (room - opened_room) * sizeof(*opened));
		opened_room = room;
	}
	opened[at] = (struct sim_open){.disk = disk,
	    .node = sim_node_hold(node),
	    .boot = disk->boot,
	    .appends = (flags & O_APPEND) != 0};
	disk->open_count++;
	return SIM_FD_FIRST + (int)at;
}

static void
unlock(struct sim_open *open)
{
	if (open->holds_shared)
		open->node->locked_shared--;
	open->holds_shared = false;
	if (open->holds_alone)
		open->node->is_locked = false;
	open->holds_alone = false;
}

int
__wrap_close(int fd)
{
	size_t at = (size_t)(fd - SIM_FD_FIRST);

	if (!sim_is_fd(fd))
		return __real_close(fd);
	assert(at < opened_room && opened[at].disk != NULL);
	if (opened[at].boot == opened[at].disk->boot)
		unlock(&opened[at]);
	opened[at].disk->open_count--;
	sim_node_drop(&opened[at].node);
	opened[at].disk = NULL;
	return 0;
}

int
sim_answer(int code)
{
	if (code >= 0)
		return code;
	errno = -code;
	return -1;
}

/* --- contents --------------------------------------------------------------------- */

ssize_t
__wrap_read(int fd, void *data, size_t size)
{
	struct sim_open *open;
	int got;

	if (!sim_is_fd(fd))
		return __real_read(fd, data, size);
	if ((open = sim_open_at(fd)) == NULL)
		return -1;
	if ((got = sim_disk_read(open->disk, open->node, open->offset, data, size)) > 0)
		open->offset += (size_t)got;
	return sim_answer(got);
}

ssize_t
__wrap_pread64(int fd, void *data, size_t size, off_t offset)
{
	struct sim_open *open;

	if (!sim_is_fd(fd))
		return __real_pread64(fd, data, size, offset);
	if ((open = sim_open_at(fd)) == NULL)
		return -1;
	return sim_answer(sim_disk_read(open->disk, open->node, (size_t)offset, data, size));
}

ssize_t
__wrap_write(int fd, const void *data, size_t size)
{
	struct sim_open *open;
	int wrote;

	if (!sim_is_fd(fd))
		return __real_write(fd, data, size);
	if ((open = sim_open_at(fd)) == NULL)
		return -1;
	if (open->appends)
		open->offset = open->node->seen->size;
	wrote = sim_disk_write(open->disk, open->node, open->offset, data, size);
	if (wrote > 0)
		open->offset += (size_t)wrote;
	return sim_answer(wrote);
}

ssize_t
__wrap_pwrite64(int fd, const void *data, size_t size, off_t offset)
{
	struct sim_open *open;

	if (!sim_is_fd(fd))
		return __real_pwrite64(fd, data, size, offset);
	if ((open = sim_open_at(fd)) == NULL)
		return -1;
	return sim_answer(sim_disk_write(open->disk, open->node, (size_t)offset, data, size));
}

off_t
__wrap_lseek64(int fd, off_t offset, int whence)
{
	struct sim_open *open;

	if (!sim_is_fd(fd))
		return __real_lseek64(fd, offset, whence);
	if ((open = sim_open_at(fd)) == NULL)
		return -1;
	if (whence == SEEK_CUR)
		offset += (off_t)open->offset;
	else if (whence == SEEK_END)
		offset += (off_t)open->node->seen->size;
	open->offset = (size_t)offset;
	return offset;
}

ssize_t
__wrap_copy_file_range(
    int from, off_t *from_at, int to, off_t *to_at, size_t size, unsigned flags)
{
	struct sim_open *source, *target;
	uint8_t piece[4096];
	int got;

	if (!sim_is_fd(from) && !sim_is_fd(to))
		return __real_copy_file_range(from, from_at, to, to_at, size, flags);
	assert(from_at == NULL && to_at == NULL);
	if ((source = sim_open_at(from)) == NULL || (target = sim_open_at(to)) == NULL)
		return -1;
	if (size > sizeof(piece))
		size = sizeof(piece);
	got = sim_disk_read(source->disk, source->node, source->offset, piece, size);
	if (got > 0)
		got = sim_disk_write(
		    target->disk, target->node, target->offset, piece, (size_t)got);
	if (got > 0) {
		source->offset += (size_t)got;
		target->offset += (size_t)got;
	}
	return sim_answer(got);
}

int
__wrap_ftruncate64(int fd, off_t size)
{
	struct sim_open *open;

	if (!sim_is_fd(fd))
		return __real_ftruncate64(fd, size);
	if ((open = sim_open_at(fd)) == NULL)
		return -1;
	return sim_answer(sim_disk_resize(open->disk, open->node, (size_t)size));
}

int
__wrap_fsync(int fd)
{
	struct sim_open *open;

	if (!sim_is_fd(fd))
		return __real_fsync(fd);
	if ((open = sim_open_at(fd)) == NULL)
		return -1;
	return sim_answer(sim_disk_sync(open->disk, open->node));
}

int
__wrap_fdatasync(int fd)
{
	return sim_is_fd(fd) ? __wrap_fsync(fd) : __real_fdatasync(fd);
}

int
__wrap_syncfs(int fd)
{
	struct sim_open *open;

	if (!sim_is_fd(fd))
		return __real_syncfs(fd);
	if ((open = sim_open_at(fd)) == NULL)
		return -1;
	return sim_answer(sim_disk_sync_all(open->disk));
}

/* --- the rest --------------------------------------------------------------------- */

static int
lock_node(struct sim_open *open, int how)
{
	struct sim_node *node = open->node;

	unlock(open);
	if ((how & LOCK_UN) != 0)
		return 0;
	if (node->is_locked || ((how & LOCK_EX) != 0 && node->locked_shared != 0)) {
		/* Nobody else runs who could let it go. */
		assert((how & LOCK_NB) != 0);
		return -EWOULDBLOCK;
	}
	if ((how & LOCK_EX) != 0) {
		node->is_locked = true;
		open->holds_alone = true;
	} else {
		node->locked_shared++;
		open->holds_shared = true;
	}
	return 0;
}

int
__wrap_flock(int fd, int how)
{
	struct sim_open *open;

	if (!sim_is_fd(fd))
		return __real_flock(fd, how);
	if ((open = sim_open_at(fd)) == NULL)
		return -1;
	return sim_answer(lock_node(open, how));
}

int
__wrap_fcntl64(int fd, int command, ...)
{
	long argument;
	va_list args;

	va_start(args, command);
	argument = va_arg(args, long);
	va_end(args);
	if (!sim_is_fd(fd))
		return __real_fcntl64(fd, command, argument);
	return sim_open_at(fd) == NULL ? -1 : 0;
}

int
__wrap_fchmod(int fd, mode_t mode)
{
	struct sim_open *open;

	if (!sim_is_fd(fd))
		return __real_fchmod(fd, mode);
	if ((open = sim_open_at(fd)) == NULL)
		return -1;
	open->node->mode = mode;
	return 0;
}

void
sim_tell(const struct sim_node *node, struct stat *info_r)
{
	memset(info_r, 0, sizeof(*info_r));
	info_r->st_mode = (node->is_folder ? S_IFDIR : S_IFREG) | node->mode;
	info_r->st_nlink = 1;
	info_r->st_size = node->is_folder ? 0 : (off_t)node->seen->size;
}

int
__wrap_fstat64(int fd, struct stat *info_r)
{
	struct sim_open *open;
	int code;

	if (!sim_is_fd(fd))
		return __real_fstat64(fd, info_r);
	if ((open = sim_open_at(fd)) == NULL)
		return -1;
	if ((code = sim_disk_strike(open->disk, SIM_LOOK, NULL)) < 0)
		return sim_answer(code);
	sim_tell(open->node, info_r);
	return 0;
}

int
__wrap___dprintf_chk(int fd, int flag, const char *format, ...)
{
	char text[512];
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)flag;
	assert(size >= 0 && (size_t)size < sizeof(text));
	return (int)__wrap_write(fd, text, (size_t)size);
}

int
__wrap_dprintf(int fd, const char *format, ...)
{
	char text[512];
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert(size >= 0 && (size_t)size < sizeof(text));
	return (int)__wrap_write(fd, text, (size_t)size);
}
