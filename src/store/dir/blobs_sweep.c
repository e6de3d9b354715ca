/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The sweep of a folder of blobs: what a crash left is removed, nothing else is touched. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/encode.h"

#include "crypto/keys.h"

#include "store/dir/dir.h"

struct sweep {
	struct blobs_sweep *sweep;
	unsigned looked;
	struct blob_name name;
};

/* size bytes of lower-case hex and nothing else; other names are not ours. */
static bool
sweep_name(const char *text, uint8_t *bytes_r, size_t size)
{
	size_t got;

	return strlen(text) == 2 * size &&
	       dom_hex_decode(dom_slice_of(text), bytes_r, size, &got) == DOM_OK && got == size;
}

static DIR *
sweep_list(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *list;

	if (fd < 0)
		return NULL;
	if ((list = fdopendir(fd)) == NULL)
		close(fd);
	return list;
}

static enum dom_status
sweep_file(struct sweep *sweep, int folder, const char *text)
{
	size_t prefix = strlen(BLOBS_NEW_PREFIX);
	uint8_t unique[BLOB_UNIQUE_SIZE];
	enum dom_status st = DOM_ABSENT;

	if (strncmp(text, BLOBS_NEW_PREFIX, prefix) == 0) {
		if (!sweep_name(text + prefix, unique, sizeof(unique)))
			return DOM_OK;
	} else {
		if (!sweep_name(text, sweep->name.unique, sizeof(sweep->name.unique)))
			return DOM_OK;
		st = sweep->sweep->wanted(sweep->sweep->context, &sweep->name);
	}
	sweep->looked++;
	if (st == DOM_ABSENT && unlinkat(folder, text, 0) == 0)
		sweep->sweep->removed++;
	return st < 0 ? st : DOM_OK;
}

/* chunks/<owner>/<2 digits>/ */
static enum dom_status
sweep_folder(struct sweep *sweep, int owner, const char *text)
{
	DIR *list = sweep_list(owner, text);
	enum dom_status st = DOM_OK;
	struct dirent *entry;

	if (list == NULL)
		return DOM_OK;
	while (st == DOM_OK && sweep->looked < sweep->sweep->files_max &&
	       (entry = readdir(list)) != NULL)
		st = sweep_file(sweep, dirfd(list), entry->d_name);
	closedir(list);
	return st;
}

/* chunks/<owner>/ */
static enum dom_status
sweep_owner(struct sweep *sweep, int chunks, const char *text)
{
	DIR *list = sweep_list(chunks, text);
	enum dom_status st = DOM_OK;
	struct dirent *entry;
	uint8_t digits;

	if (list == NULL)
		return DOM_OK;
	while (st == DOM_OK && (entry = readdir(list)) != NULL) {
		if (sweep_name(entry->d_name, &digits, 1))
			st = sweep_folder(sweep, dirfd(list), entry->d_name);
	}
	closedir(list);
	return st;
}

/* One pass over the owners that come before, or not before, the pivot. */
static enum dom_status
sweep_pass(struct sweep *sweep, int chunks, const uint8_t *pivot, bool before)
{
	DIR *list = sweep_list(chunks, ".");
	enum dom_status st = DOM_OK;
	struct dirent *entry;

	if (list == NULL)
		return DOM_ESTORE;
	while (st == DOM_OK && sweep->looked < sweep->sweep->files_max &&
	       (entry = readdir(list)) != NULL) {
		uint8_t *owner = sweep->name.owner;

		if (sweep_name(entry->d_name, owner, BLOB_OWNER_SIZE) &&
		    (memcmp(owner, pivot, BLOB_OWNER_SIZE) < 0) == before)
			st = sweep_owner(sweep, dirfd(list), entry->d_name);
	}
	closedir(list);
	return st;
}

enum dom_status
blobs_sweep(struct blobs *blobs, struct blobs_sweep *options)
{
	struct sweep sweep = {.sweep = options};
	struct dom_random random = dom_random_system();
	uint8_t pivot[BLOB_OWNER_SIZE];
	enum dom_status st;

	dom_random_fill(&random, pivot, sizeof(pivot));
	if ((st = sweep_pass(&sweep, blobs->folder, pivot, false)) == DOM_OK)
		st = sweep_pass(&sweep, blobs->folder, pivot, true);
	return st;
}
