/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The files that a backup is about. */
#include "cli/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/paths.h"

enum {
	WALK_PATH_SIZE_MAX =
	    PATH_SIZE_MAX - PATH_NAME_SIZE_MAX - 1, /* what a restore can write again */
};

/* One open folder with the names in it, in order. */
struct level {
	int fd;
	char **names;
	size_t count, at;
	size_t path_size; /* of the path up to and with this folder */
};

const char *
walk_skip_text(enum walk_skip why)
{
	switch (why) {
	case WALK_LINK:
		return "a symbolic link";
	case WALK_SPECIAL:
		return "neither a file nor a folder";
	case WALK_HIDDEN:
		return "a hidden folder";
	case WALK_SYSTEM:
		return "a file that systems leave behind";
	case WALK_DEEP:
		return "too many folders deep, or too long a name";
	case WALK_UNREADABLE:
		return "it cannot be read";
	case WALK_SKIP_COUNT:
		break;
	}
	return "skipped";
}

static void
walk_skip(struct walk *walk, const char *path, enum walk_skip why, int error)
{
	walk->skipped[why]++;
	if (walk->skip != NULL)
		walk->skip(walk->context, &walk->roots[walk->root_count - 1], path, why, error);
}

static bool
is_left_behind(const char *name)
{
	static const char *const names[] = {
	    ".DS_Store", "Thumbs.db", "ehthumbs.db", "desktop.ini", ".nomedia", ".localized"};

	for (size_t at = 0; at < sizeof(names) / sizeof(names[0]); at++) {
		if (strcmp(name, names[at]) == 0)
			return true;
	}
	return false;
}

static enum dom_status
walk_file_add(struct walk *walk, int fd, uint64_t size, const char *path)
{
	uint8_t head[FORMAT_HEAD_SIZE];
	struct dom_slice name;
	const char *slash = strrchr(path, '/');
	ssize_t got;

	do
		got = pread(fd, head, sizeof(head), 0);
	while (got < 0 && errno == EINTR);
	if (got < 0) {
		walk_skip(walk, path, WALK_UNREADABLE, errno);
		return DOM_OK;
	}
	if (walk->count == walk->capacity) {
		size_t capacity = walk->capacity == 0 ? 64 : walk->capacity * 2;
		struct walk_file *files = reallocarray(walk->files, capacity, sizeof(*files));

		if (files == NULL)
			return DOM_ENOMEM;
		walk->files = files;
		walk->capacity = capacity;
	}
	name = dom_arena_copy(walk->names, dom_slice_of(path));
	if (name.data == NULL)
		return DOM_ENOMEM;
	walk->files[walk->count++] = (struct walk_file){
	    .path = (const char *)name.data,
	    .argument = (unsigned)walk->root_count - 1,
	    .kind = format_recognise(
	        dom_slice(head, (size_t)got), slash == NULL ? path : slash + 1),
	    .size = size,
	};
	walk->bytes += size;
	return DOM_OK;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
level_close(struct level *level)
{
	for (size_t at = 0; at < level->count; at++)
		free(level->names[at]);
	free(level->names);
	if (level->fd >= 0)
		close(level->fd);
}

/* Takes fd, whatever the outcome. */
static enum dom_status
level_open(struct level *level, int fd, size_t path_size)
{
	size_t capacity = 0;
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	*level = (struct level){.fd = fd, .path_size = path_size};
	if (folder == NULL) {
		if (copy >= 0)
			close(copy);
		return DOM_EFILE;
	}
	while ((entry = readdir(folder)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (level->count == capacity) {
			char **names;

			capacity = capacity == 0 ? 32 : capacity * 2;
			names = reallocarray(level->names, capacity, sizeof(*names));
			if (names == NULL)
				goto memory;
			level->names = names;
		}
		level->names[level->count] = strdup(entry->d_name);
		if (level->names[level->count] == NULL)
			goto memory;
		level->count++;
	}
	closedir(folder);
	if (level->count > 0)
		qsort(level->names, level->count, sizeof(*level->names), by_name);
	return DOM_OK;
memory:
	closedir(folder);
	return DOM_ENOMEM;
}

/* A folder below: one level more, or passed over. */
static enum dom_status
walk_enter(struct walk *walk, struct level *levels, size_t *depth, const char *name,
    const char *path, size_t path_size)
{
	enum dom_status st;
	int fd;

	if (name[0] == '.') {
		walk_skip(walk, path, WALK_HIDDEN, 0);
		return DOM_OK;
	}
	if (*depth == PATH_DEPTH_MAX) {
		walk_skip(walk, path, WALK_DEEP, 0);
		return DOM_OK;
	}
	fd = openat(
	    levels[*depth - 1].fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		walk_skip(walk, path, WALK_UNREADABLE, errno);
		return DOM_OK;
	}
	st = level_open(&levels[*depth], fd, path_size);
	if (st == DOM_OK) {
		++*depth;
		return DOM_OK;
	}
	level_close(&levels[*depth]);
	if (st == DOM_EFILE) {
		walk_skip(walk, path, WALK_UNREADABLE, errno);
		return DOM_OK;
	}
	return st;
}

static enum dom_status
walk_regular(struct walk *walk, int folder, const char *name, const char *path)
{
	struct stat about;
	enum dom_status st = DOM_OK;
	int fd;

	if (is_left_behind(name)) {
		walk_skip(walk, path, WALK_SYSTEM, 0);
		return DOM_OK;
	}
	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &about) != 0)
		walk_skip(walk, path, WALK_UNREADABLE, errno);
	else if (!S_ISREG(about.st_mode))
		walk_skip(walk, path, WALK_SPECIAL, 0);
	else
		st = walk_file_add(walk, fd, (uint64_t)about.st_size, path);
	if (fd >= 0)
		close(fd);
	return st;
}

/* Everything below an open folder, without recursion. */
static enum dom_status
walk_folder(struct walk *walk, int root)
{
	struct level *levels = calloc(PATH_DEPTH_MAX, sizeof(*levels));
	char path[WALK_PATH_SIZE_MAX + 1];
	size_t depth = 0;
	enum dom_status st = DOM_ENOMEM;
	int fd = fcntl(root, F_DUPFD_CLOEXEC, 0);

	if (levels == NULL || fd < 0)
		goto out;
	st = level_open(&levels[depth++], fd, 0);
	fd = -1;
	while (st == DOM_OK && depth > 0) {
		struct level *level = &levels[depth - 1];
		const char *name;
		size_t size = level->path_size;
		struct stat about;

		if (walk->stop != NULL && walk->stop(walk->context)) {
			st = DOM_ESTOPPED;
			break;
		}
		if (level->at == level->count) {
			level_close(level);
			depth--;
			continue;
		}
		name = level->names[level->at++];
		if (size + 1 + strlen(name) > WALK_PATH_SIZE_MAX) {
			/* There is no room for its name: its folder's must do. */
			path[size] = '\0';
			walk_skip(walk, path, WALK_DEEP, 0);
			continue;
		}
		if (size > 0)
			path[size++] = '/';
		memcpy(path + size, name, strlen(name) + 1);
		size += strlen(name);
		if (fstatat(level->fd, name, &about, AT_SYMLINK_NOFOLLOW) != 0)
			walk_skip(walk, path, WALK_UNREADABLE, errno);
		else if (S_ISLNK(about.st_mode))
			walk_skip(walk, path, WALK_LINK, 0);
		else if (S_ISDIR(about.st_mode))
			st = walk_enter(walk, levels, &depth, name, path, size);
		else if (S_ISREG(about.st_mode))
			st = walk_regular(walk, level->fd, name, path);
		else
			walk_skip(walk, path, WALK_SPECIAL, 0);
	}
out:
	while (levels != NULL && depth > 0)
		level_close(&levels[--depth]);
	if (fd >= 0)
		close(fd);
	free(levels);
	return st;
}

enum dom_status
walk_add(struct walk *walk, const char *argument)
{
	struct walk_root *roots;
	struct stat about;
	const char *slash = strrchr(argument, '/');
	enum dom_status st;
	int fd = open(argument, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return DOM_EFILE;
	if (walk->names == NULL)
		walk->names = dom_arena_new(0);
	roots = reallocarray(walk->roots, walk->root_count + 1, sizeof(*roots));
	if (roots == NULL || walk->names == NULL) {
		close(fd);
		walk->roots = roots == NULL ? walk->roots : roots;
		return DOM_ENOMEM;
	}
	walk->roots = roots;
	roots[walk->root_count++] = (struct walk_root){.name = argument, .folder = -1};
	if (fstat(fd, &about) != 0) {
		st = DOM_EFILE;
	} else if (S_ISDIR(about.st_mode)) {
		roots[walk->root_count - 1].folder = fd;
		return walk_folder(walk, fd);
	} else if (S_ISREG(about.st_mode)) {
		st = walk_file_add(
		    walk, fd, (uint64_t)about.st_size, slash == NULL ? argument : slash + 1);
	} else {
		walk_skip(walk, slash == NULL ? argument : slash + 1, WALK_SPECIAL, 0);
		st = DOM_OK;
	}
	close(fd);
	return st;
}

void
walk_free(struct walk *walk)
{
	for (size_t at = 0; at < walk->root_count; at++) {
		if (walk->roots[at].folder >= 0)
			close(walk->roots[at].folder);
	}
	free(walk->roots);
	free(walk->files);
	dom_arena_free(&walk->names);
	*walk = (struct walk){0};
}

int
walk_open(const struct walk *walk, const struct walk_file *file)
{
	const struct walk_root *root = &walk->roots[file->argument];
	const int how = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
	const char *path = file->path, *slash;
	int folder = root->folder, fd;

	if (folder < 0)
		return open(root->name, how);
	/* Component by component: a folder that became a link since is not followed. */
	while ((slash = strchr(path, '/')) != NULL) {
		char part[PATH_NAME_SIZE_MAX + 1];

		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		fd = openat(folder, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (folder != root->folder) {
			int error = errno;
			close(folder);
			errno = error;
		}
		if (fd < 0)
			return -1;
		folder = fd;
		path = slash + 1;
	}
	fd = openat(folder, path, how | O_NOFOLLOW);
	if (folder != root->folder) {
		int error = errno;
		close(folder);
		errno = error;
	}
	return fd;
}
