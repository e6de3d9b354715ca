/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* System calls on folders of simulated disks, and what the C library makes of files. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>

#include "sim/alloc.h"
#include "sim/posix.h"
#include "sim/wrapped.h"

/* --- folders ---------------------------------------------------------------------- */

struct sim_list {
	struct sim_list *next;
	int fd;
	struct sim_name *names; /* as they were when it was opened */
	size_t count, at;
	struct dirent entry;
};

static struct sim_list *lists; /* a DIR * is one of these, or the system's */

static struct sim_list *
list_of(const DIR *folder)
{
	struct sim_list *list = lists;

	while (list != NULL && (const void *)list != (const void *)folder)
		list = list->next;
	return list;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct sim_name *)a)->text, ((const struct sim_name *)b)->text);
}

DIR *
__wrap_fdopendir(int fd)
{
	struct sim_open *open;
	struct sim_list *list;
	int code;

	if (!sim_is_fd(fd))
		return __real_fdopendir(fd);
	if ((open = sim_open_at(fd)) == NULL)
		return NULL;
	code = open->node->is_folder ? sim_disk_strike(open->disk, SIM_LOOK, NULL) : -ENOTDIR;
	if (code < 0) {
		errno = -code;
		return NULL;
	}
	list = sim_take(sizeof(*list));
	list->fd = fd;
	list->count = open->node->names.count;
	list->names = sim_take((list->count + 1) * sizeof(*list->names));
	for (size_t i = 0; i < list->count; i++) {
		const struct sim_name *name = &open->node->names.list[i];

		list->names[i] =
		    (struct sim_name){.text = sim_take_text(name->text, strlen(name->text)),
		        .node = sim_node_hold(name->node)};
	}
	/* So that a run is the same again. */
	qsort(list->names, list->count, sizeof(*list->names), by_name);
	list->next = lists;
	lists = list;
	return (DIR *)list;
}

DIR *
__wrap_opendir(const char *path)
{
	struct sim_place place;
	DIR *folder;
	int fd;

	if (!sim_place_of(AT_FDCWD, path, &place))
		return __real_opendir(path);
	if ((fd = __wrap_open64(path, O_RDONLY | O_DIRECTORY)) < 0)
		return NULL;
	if ((folder = __wrap_fdopendir(fd)) == NULL)
		__wrap_close(fd);
	return folder;
}

struct dirent *
__wrap_readdir64(DIR *folder)
{
	struct sim_list *list = list_of(folder);
	const struct sim_name *name;
	struct sim_open *open;
	int code;

	if (list == NULL)
		return __real_readdir64(folder);
	if ((open = sim_open_at(list->fd)) == NULL)
		return NULL;
	if ((code = sim_disk_strike(open->disk, SIM_LOOK, NULL)) < 0) {
		errno = -code;
		return NULL;
	}
	if (list->at == list->count)
		return NULL;
	name = &list->names[list->at++];
	memset(&list->entry, 0, sizeof(list->entry));
	list->entry.d_type = name->node->is_folder ? DT_DIR : DT_REG;
	snprintf(list->entry.d_name, sizeof(list->entry.d_name), "%s", name->text);
	return &list->entry;
}

int
__wrap_dirfd(DIR *folder)
{
	struct sim_list *list = list_of(folder);

	return list == NULL ? __real_dirfd(folder) : list->fd;
}

int
__wrap_closedir(DIR *folder)
{
	struct sim_list *list = list_of(folder), **at = &lists;

	if (list == NULL)
		return __real_closedir(folder);
	while (*at != list)
		at = &(*at)->next;
	*at = list->next;
	for (size_t i = 0; i < list->count; i++) {
		sim_drop(list->names[i].text);
		sim_node_drop(&list->names[i].node);
	}
	sim_drop(list->names);
	__wrap_close(list->fd);
	sim_drop(list);
	return 0;
}

/* --- walks ------------------------------------------------------------------------ */

/* As nftw(FTW_DEPTH) on a tree that it may remove. */
static int
walk(const char *path, const struct sim_node *node, nftw_call *call, int level)
{
	struct stat info = {.st_mode = (node->is_folder ? S_IFDIR : S_IFREG) | node->mode,
	    .st_size = node->is_folder ? 0 : (off_t)node->seen->size};
	struct FTW where = {.base = (int)(strrchr(path, '/') - path) + 1, .level = level};
	struct sim_names names = {0};
	int answer = 0;

	for (size_t i = 0; i < node->names.count; i++)
		sim_names_put(&names, node->names.list[i].text, node->names.list[i].node);
	for (size_t i = 0; answer == 0 && i < names.count; i++) {
		char below[1024];
		int size = snprintf(below, sizeof(below), "%s/%s", path, names.list[i].text);

		assert(size > 0 && (size_t)size < sizeof(below));
		answer = walk(below, names.list[i].node, call, level + 1);
	}
	sim_names_clear(&names);
	return answer != 0 ? answer
	                   : call(path, &info, node->is_folder ? FTW_DP : FTW_F, &where);
}

int
__wrap_nftw64(const char *path, nftw_call *call, int fds, int flags)
{
	struct sim_place place;
	struct sim_node *held;
	int answer;

	if (!sim_place_of(AT_FDCWD, path, &place))
		return __real_nftw64(path, call, fds, flags);
	if (place.code < 0)
		return sim_answer(place.code);
	held = sim_node_hold(place.node);
	answer = walk(path, held, call, 0);
	sim_node_drop(&held);
	return answer;
}

char *
__wrap_mkdtemp(char *path)
{
	struct sim_place place;
	size_t size = strlen(path);

	if (!sim_place_of(AT_FDCWD, path, &place))
		return __real_mkdtemp(path);
	assert(size > 6);
	for (unsigned i = 0; i < 1000000; i++) {
		snprintf(path + size - 6, 7, "%06u", i);
		if (__wrap_mkdir(path, 0700) == 0)
			return path;
		if (errno != EEXIST)
			break;
	}
	return NULL;
}

/* --- streams ---------------------------------------------------------------------- */

static int
fd_of(void *cookie)
{
	return (int)(intptr_t)cookie;
}

static ssize_t
stream_read(void *cookie, char *data, size_t size)
{
	return __wrap_read(fd_of(cookie), data, size);
}

static ssize_t
stream_write(void *cookie, const char *data, size_t size)
{
	ssize_t wrote = __wrap_write(fd_of(cookie), data, size);

	return wrote < 0 ? 0 : wrote; /* fopencookie(3) has it so */
}

static int
stream_seek(void *cookie, off64_t *offset, int whence)
{
	off_t at = __wrap_lseek64(fd_of(cookie), *offset, whence);

	*offset = at;
	return at < 0 ? -1 : 0;
}

static int
stream_close(void *cookie)
{
	return __wrap_close(fd_of(cookie));
}

FILE *
__wrap_fopen64(const char *path, const char *mode)
{
	static const cookie_io_functions_t calls = {.read = stream_read,
	    .write = stream_write,
	    .seek = stream_seek,
	    .close = stream_close};
	struct sim_place place;
	int fd, flags = mode[0] == 'r'   ? 0
	                : mode[0] == 'w' ? O_CREAT | O_TRUNC
	                                 : O_CREAT | O_APPEND;

	if (!sim_place_of(AT_FDCWD, path, &place))
		return __real_fopen64(path, mode);
	flags |= mode[0] == 'r' && strchr(mode, '+') == NULL ? O_RDONLY : O_RDWR;
	if ((fd = __wrap_open64(path, flags, 0600)) < 0)
		return NULL;
	return fopencookie((void *)(intptr_t)fd, mode, calls);
}
