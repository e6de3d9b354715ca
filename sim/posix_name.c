/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* System calls that name files of simulated disks; see posix.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/posix.h"
#include "sim/wrapped.h"

/* --- paths ------------------------------------------------------------------------ */

bool
sim_place_of(int at, const char *path, struct sim_place *place_r)
{
	struct sim_node *from;
	struct sim_open *open;
	const char *last;

	*place_r = (struct sim_place){.code = -ENOENT};
	if (path[0] == '/') {
		if (strncmp(path, SIM_DISK_ROOT, sizeof(SIM_DISK_ROOT) - 1) != 0)
			return false;
		if ((place_r->disk = sim_disk_of(path, &path)) == NULL)
			return true;
		from = place_r->disk->root;
	} else {
		if (!sim_is_fd(at))
			return false;
		if ((open = sim_open_at(at)) == NULL) {
			place_r->code = -errno;
			return true;
		}
		place_r->disk = open->disk;
		from = open->node;
	}
	place_r->code = sim_disk_walk(from, path, &place_r->folder, &last, &place_r->node);
	snprintf(place_r->last, sizeof(place_r->last), "%.*s", (int)strcspn(last, "/"), last);
	return true;
}

/* The same for what only looks, or opens what is there. */
static int
look(const struct sim_place *place)
{
	int code = place->disk == NULL ? 0 : sim_disk_strike(place->disk, SIM_LOOK, NULL);

	return code < 0 ? code : place->code;
}

static int
open_place(struct sim_place *place, int flags, unsigned mode)
{
	int code, fd;

	if (place->code == -ENOENT && place->folder != NULL && (flags & O_CREAT) != 0) {
		struct sim_node *node;

		code =
		    sim_disk_make(place->disk, place->folder, place->last, false, mode, &node);
		fd = code < 0 ? -1 : sim_open_new(place->disk, node, flags);
		sim_node_drop(&node);
		return code < 0 ? sim_answer(code) : fd;
	}
	if ((code = look(place)) < 0)
		return sim_answer(code);
	if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0)
		return sim_answer(-EEXIST);
	if ((flags & O_DIRECTORY) != 0 && !place->node->is_folder)
		return sim_answer(-ENOTDIR);
	if ((flags & O_ACCMODE) != O_RDONLY && place->node->is_folder)
		return sim_answer(-EISDIR);
	if ((flags & O_TRUNC) != 0 && (code = sim_disk_resize(place->disk, place->node, 0)) < 0)
		return sim_answer(code);
	return sim_open_new(place->disk, place->node, flags);
}

int
__wrap_openat64(int at, const char *path, int flags, ...)
{
	struct sim_place place;
	unsigned mode = 0;
	va_list args;

	if ((flags & O_CREAT) != 0) {
		va_start(args, flags);
		mode = va_arg(args, unsigned);
		va_end(args);
	}
	if (!sim_place_of(at, path, &place))
		return __real_openat64(at, path, flags, mode);
	return open_place(&place, flags, mode);
}

int
__wrap_open64(const char *path, int flags, ...)
{
	unsigned mode = 0;
	va_list args;

	if ((flags & O_CREAT) != 0) {
		va_start(args, flags);
		mode = va_arg(args, unsigned);
		va_end(args);
	}
	return __wrap_openat64(AT_FDCWD, path, flags, mode);
}

int
__wrap_mkdirat(int at, const char *path, mode_t mode)
{
	struct sim_place place;
	struct sim_node *node;
	int code;

	/* Where all disks are: none of the real machine's. */
	if (strncmp(path, SIM_DISK_ROOT, sizeof(SIM_DISK_ROOT) - 2) == 0 &&
	    path[sizeof(SIM_DISK_ROOT) - 2] == '\0')
		return sim_answer(-EEXIST);
	if (!sim_place_of(at, path, &place))
		return __real_mkdirat(at, path, mode);
	if (place.code == 0)
		return sim_answer(-EEXIST);
	if (place.folder == NULL)
		return sim_answer(place.code);
	code = sim_disk_make(place.disk, place.folder, place.last, true, mode, &node);
	sim_node_drop(&node);
	return sim_answer(code);
}

int
__wrap_mkdir(const char *path, mode_t mode)
{
	return __wrap_mkdirat(AT_FDCWD, path, mode);
}

int
__wrap_faccessat(int at, const char *path, int mode, int flags)
{
	struct sim_place place;

	if (!sim_place_of(at, path, &place))
		return __real_faccessat(at, path, mode, flags);
	return sim_answer(look(&place));
}

int
__wrap_access(const char *path, int mode)
{
	return __wrap_faccessat(AT_FDCWD, path, mode, 0);
}

int
__wrap_unlinkat(int at, const char *path, int flags)
{
	struct sim_place place;
	bool wants_folder = (flags & AT_REMOVEDIR) != 0;

	if (!sim_place_of(at, path, &place))
		return __real_unlinkat(at, path, flags);
	if (place.code < 0)
		return sim_answer(look(&place));
	if (place.node->is_folder != wants_folder)
		return sim_answer(wants_folder ? -ENOTDIR : -EISDIR);
	if (wants_folder && place.node->names.count != 0)
		return sim_answer(-ENOTEMPTY);
	return sim_answer(sim_disk_unname(place.disk, place.folder, place.last));
}

int
__wrap_unlink(const char *path)
{
	return __wrap_unlinkat(AT_FDCWD, path, 0);
}

int
__wrap_rmdir(const char *path)
{
	return __wrap_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int
__wrap_remove(const char *path)
{
	struct sim_place place;

	if (!sim_place_of(AT_FDCWD, path, &place))
		return __real_remove(path);
	return __wrap_unlinkat(
	    AT_FDCWD, path, place.node != NULL && place.node->is_folder ? AT_REMOVEDIR : 0);
}

int
__wrap_renameat2(int at, const char *path, int to_at, const char *to_path, unsigned flags)
{
	struct sim_place from, to;
	bool is_ours = sim_place_of(at, path, &from);

	if (sim_place_of(to_at, to_path, &to) != is_ours)
		return sim_answer(-EXDEV);
	if (!is_ours)
		return __real_renameat2(at, path, to_at, to_path, flags);
	if (from.code < 0)
		return sim_answer(look(&from));
	if (to.folder == NULL)
		return sim_answer(to.code < 0 ? to.code : -EBUSY);
	if (from.disk != to.disk)
		return sim_answer(-EXDEV);
	if (to.code == 0 && (flags & RENAME_NOREPLACE) != 0)
		return sim_answer(-EEXIST);
	if (to.code == 0 && to.node->is_folder && to.node->names.count != 0)
		return sim_answer(-ENOTEMPTY);
	return sim_answer(
	    sim_disk_rename(from.disk, from.folder, from.last, to.folder, to.last));
}

int
__wrap_renameat(int at, const char *path, int to_at, const char *to_path)
{
	return __wrap_renameat2(at, path, to_at, to_path, 0);
}

int
__wrap_rename(const char *path, const char *to_path)
{
	return __wrap_renameat2(AT_FDCWD, path, AT_FDCWD, to_path, 0);
}

int
__wrap_linkat(int at, const char *path, int to_at, const char *to_path, int flags)
{
	struct sim_place from, to;
	bool is_ours = sim_place_of(at, path, &from);

	if (sim_place_of(to_at, to_path, &to) != is_ours)
		return sim_answer(-EXDEV);
	if (!is_ours)
		return __real_linkat(at, path, to_at, to_path, flags);
	if (from.code < 0)
		return sim_answer(look(&from));
	if (to.code == 0)
		return sim_answer(-EEXIST);
	if (to.folder == NULL)
		return sim_answer(to.code);
	if (from.disk != to.disk)
		return sim_answer(-EXDEV);
	return sim_answer(sim_disk_link(to.disk, to.folder, to.last, from.node));
}

int
__wrap_link(const char *path, const char *to_path)
{
	return __wrap_linkat(AT_FDCWD, path, AT_FDCWD, to_path, 0);
}

int
__wrap_truncate64(const char *path, off_t size)
{
	struct sim_place place;
	int code;

	if (!sim_place_of(AT_FDCWD, path, &place))
		return __real_truncate64(path, size);
	if ((code = look(&place)) == 0)
		code = sim_disk_resize(place.disk, place.node, (size_t)size);
	return sim_answer(code);
}

int
__wrap_lstat64(const char *path, struct stat *info_r)
{
	struct sim_place place;
	int code;

	if (!sim_place_of(AT_FDCWD, path, &place))
		return __real_lstat64(path, info_r);
	if ((code = look(&place)) == 0)
		sim_tell(place.node, info_r);
	return sim_answer(code);
}

int
__wrap_stat64(const char *path, struct stat *info_r)
{
	struct sim_place place;

	if (!sim_place_of(AT_FDCWD, path, &place))
		return __real_stat64(path, info_r);
	return __wrap_lstat64(path, info_r); /* there are no links by name on our disks */
}
