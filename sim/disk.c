/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Simulated disks: their paths, their operations, and what strikes these. */
#include "sim/disk.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "sim/alloc.h"
#include "sim/digest.h"
#include "sim/disk_parts.h"

enum { DIGEST_SIZE_MAX = 128 };

static struct sim_disk *disks;

struct sim_disk *
sim_disk_named(const char *name, size_t size)
{
	struct sim_disk *disk = disks;

	while (
	    disk != NULL && (strncmp(disk->name, name, size) != 0 || disk->name[size] != '\0'))
		disk = disk->next;
	return disk;
}

struct sim_disk *
sim_disk_new(const char *name, uint64_t seed)
{
	struct sim_disk *disk = sim_take(sizeof(*disk));

	assert(sim_disk_named(name, strlen(name)) == NULL);
	disk->name = sim_take_text(name, strlen(name));
	disk->root = sim_node_new(true, 0700);
	sim_random_seed(&disk->random, seed);
	disk->next = disks;
	disks = disk;
	return disk;
}

void
sim_disk_free(struct sim_disk **disk)
{
	struct sim_disk *old = *disk, **at = &disks;

	if (old == NULL)
		return;
	*disk = NULL;
	assert(old->open_count == 0);
	while (*at != old)
		at = &(*at)->next;
	*at = old->next;
	sim_node_drop(&old->root);
	sim_drop(old->name);
	sim_drop(old);
}

struct sim_disk *
sim_disk_of(const char *path, const char **rest_r)
{
	static const char root[] = SIM_DISK_ROOT;
	struct sim_disk *disk;
	size_t size;

	if (path == NULL || strncmp(path, root, sizeof(root) - 1) != 0)
		return NULL;
	path += sizeof(root) - 1;
	size = strcspn(path, "/");
	disk = sim_disk_named(path, size);
	*rest_r = path + size + strspn(path + size, "/");
	return disk;
}

/* Depth is what our paths have: data/chunks/owner/two/name. */
static struct sim_node *
node_copy(const struct sim_node *from)
{
	struct sim_node *to = sim_node_new(from->is_folder, from->mode);

	if (!from->is_folder) {
		sim_bytes_drop(&to->seen);
		sim_bytes_drop(&to->kept);
		to->seen = sim_bytes_share(from->seen);
		to->kept = sim_bytes_share(from->seen);
	}
	for (size_t i = 0; i < from->names.count; i++) {
		const struct sim_name *name = &from->names.list[i];
		struct sim_node *copy = node_copy(name->node);

		sim_names_put(&to->names, name->text, copy);
		sim_names_put(&to->names_kept, name->text, copy);
		sim_node_drop(&copy);
	}
	return to;
}

void
sim_disk_copy(const struct sim_disk *from, struct sim_disk *to)
{
	assert(to->open_count == 0);
	sim_node_drop(&to->root);
	to->root = node_copy(from->root);
}

unsigned
sim_disk_open_count(const struct sim_disk *disk)
{
	return disk->open_count;
}

struct sim_disk_figures
sim_disk_figures(const struct sim_disk *disk)
{
	return disk->figures;
}

static bool
is_same(const struct sim_bytes *one, const struct sim_bytes *other)
{
	return one->size == other->size &&
	       (one->size == 0 || memcmp(one->data, other->data, one->size) == 0);
}

static void
node_each_file(const struct sim_node *node,
    void (*each)(void *context, const uint8_t *data, size_t size), void *context)
{
	if (!node->is_folder) {
		each(context, node->seen->data, node->seen->size);
		if (!is_same(node->seen, node->kept))
			each(context, node->kept->data, node->kept->size);
		return;
	}
	for (size_t i = 0; i < node->names.count; i++)
		node_each_file(node->names.list[i].node, each, context);
	/* One that is not seen any more comes back with a power cut. */
	for (size_t i = 0; i < node->names_kept.count; i++) {
		const struct sim_name *name = &node->names_kept.list[i];

		if (sim_names_find(&node->names, name->text, strlen(name->text)) != name->node)
			node_each_file(name->node, each, context);
	}
}

void
sim_disk_each_file(const struct sim_disk *disk,
    void (*each)(void *context, const uint8_t *data, size_t size), void *context)
{
	node_each_file(disk->root, each, context);
}

struct holding {
	const void *data;
	size_t size;
	bool holds;
};

static void
look_for(void *context, const uint8_t *data, size_t size)
{
	struct holding *holding = context;

	holding->holds =
	    holding->holds ||
	    (size >= holding->size && memmem(data, size, holding->data, holding->size) != NULL);
}

bool
sim_disk_holds(const struct sim_disk *disk, const void *data, size_t size)
{
	struct holding holding = {.data = data, .size = size};

	sim_disk_each_file(disk, look_for, &holding);
	return holding.holds;
}

/* --- faults ----------------------------------------------------------------------- */

const char *
sim_fault_name(enum sim_fault fault)
{
	static const char *const names[] = {
	    "none", "EIO", "ENOSPC", "failed sync", "stop", "stop after", "stop at sync"};

	_Static_assert(sizeof(names) / sizeof(names[0]) == SIM_FAULT_COUNT, "all named");
	return names[fault];
}

void
sim_disk_fail(struct sim_disk *disk, enum sim_fault fault, uint64_t nth, bool stays)
{
	assert(nth != 0 && fault != SIM_FAULT_NONE && fault < SIM_FAULT_COUNT);
	disk->fault = fault;
	disk->fault_in = nth;
	disk->fault_stays = stays;
	disk->struck = 0;
}

void
sim_disk_pause(struct sim_disk *disk, bool is_paused)
{
	disk->is_paused = is_paused;
}

uint64_t
sim_disk_struck(const struct sim_disk *disk)
{
	return disk->struck;
}

void
sim_disk_heal(struct sim_disk *disk)
{
	disk->fault = SIM_FAULT_NONE;
	disk->fault_in = 0;
}

uint64_t
sim_disk_operations(const struct sim_disk *disk, enum sim_fault fault)
{
	return disk->operations[fault];
}

void
sim_disk_lie(struct sim_disk *disk, bool lies)
{
	disk->lies = lies;
}

void
sim_disk_stop(struct sim_disk *disk)
{
	disk->stopped = true;
}

bool
sim_disk_is_stopped(const struct sim_disk *disk)
{
	return disk->stopped;
}

static bool
can_strike(enum sim_fault fault, enum sim_operation operation)
{
	switch (fault) {
	case SIM_FAULT_EIO:
		return operation != SIM_SYNC;
	case SIM_FAULT_ENOSPC:
		return operation == SIM_WRITE || operation == SIM_NAME;
	case SIM_FAULT_SYNC:
	case SIM_FAULT_STOP_AT_SYNC:
		return operation == SIM_SYNC;
	case SIM_FAULT_STOP:
	case SIM_FAULT_STOPPED_AFTER:
		return operation != SIM_LOOK && operation != SIM_READ;
	case SIM_FAULT_NONE:
	case SIM_FAULT_COUNT:
		break;
	}
	return false;
}

static void
count_operation(struct sim_disk *disk, enum sim_operation operation)
{
	for (unsigned fault = 1; fault < SIM_FAULT_COUNT; fault++)
		disk->operations[fault] += can_strike(fault, operation);
	disk->figures.reads += operation == SIM_READ;
	disk->figures.writes += operation == SIM_WRITE;
	disk->figures.syncs += operation == SIM_SYNC;
	disk->figures.names += operation == SIM_NAME || operation == SIM_UNNAME;
}

int
sim_disk_strike(struct sim_disk *disk, enum sim_operation operation, bool *partly_r)
{
	bool partly;

	if (partly_r == NULL)
		partly_r = &partly;
	*partly_r = false;
	if (disk->stopped)
		return -EIO;
	if (disk->is_paused)
		return 0;
	/* Disks of a world differ in their first letters. */
	sim_digest_number((uint64_t)operation << 8 | (uint8_t)disk->name[0]);
	count_operation(disk, operation);
	if (disk->fault_in == 0 || !can_strike(disk->fault, operation))
		return 0;
	if (disk->fault_in > 1) {
		disk->fault_in--;
		return 0;
	}
	if (!disk->fault_stays)
		disk->fault_in = 0;
	disk->struck++;
	switch (disk->fault) {
	case SIM_FAULT_STOP:
	case SIM_FAULT_STOP_AT_SYNC:
		disk->stopped = true;
		return -EIO;
	case SIM_FAULT_STOPPED_AFTER:
		disk->stop_after = true;
		return 0;
	case SIM_FAULT_ENOSPC:
		*partly_r = true;
		return -ENOSPC;
	default:
		*partly_r = true;
		return -EIO;
	}
}

int
sim_disk_did(struct sim_disk *disk, int answer)
{
	if (!disk->stop_after)
		return answer;
	disk->stop_after = false;
	disk->stopped = true;
	return -EIO;
}

/* --- operations ------------------------------------------------------------------- */

int
sim_disk_walk(struct sim_node *from, const char *path, struct sim_node **folder_r,
    const char **last_r, struct sim_node **node_r)
{
	struct sim_node *node = from;

	*folder_r = NULL;
	*last_r = path;
	*node_r = NULL;
	while (*path != '\0') {
		size_t size = strcspn(path, "/");
		const char *rest = path + size + strspn(path + size, "/");

		if (!node->is_folder)
			return -ENOTDIR;
		if (size == 1 && path[0] == '.') {
			path = rest;
			continue;
		}
		*last_r = path;
		*folder_r = node;
		if ((node = sim_names_find(&node->names, path, size)) == NULL) {
			if (*rest != '\0')
				*folder_r = NULL;
			return -ENOENT;
		}
		path = rest;
	}
	*node_r = node;
	return 0;
}

int
sim_disk_read(
    struct sim_disk *disk, struct sim_node *node, size_t offset, void *data, size_t size)
{
	int code = sim_disk_strike(disk, SIM_READ, NULL);

	if (code < 0)
		return code;
	if (offset >= node->seen->size)
		return 0;
	if (size > node->seen->size - offset)
		size = node->seen->size - offset;
	memcpy(data, node->seen->data + offset, size);
	return (int)size;
}

int
sim_disk_write(
    struct sim_disk *disk, struct sim_node *node, size_t offset, const void *data, size_t size)
{
	bool partly;
	int code = sim_disk_strike(disk, SIM_WRITE, &partly);

	if (code < 0 && !partly)
		return code;
	if (code < 0 && (size /= 2) == 0)
		return code;
	sim_node_write(node, offset, data, size);
	/*
	 * Of a page its beginning: its sum, which is that of all before it as well, is in the
	 * log, and the bytes of chunks have come as calls.
	 */
	sim_digest_number(offset);
	sim_digest_number(size);
	sim_digest_bytes(data, size < DIGEST_SIZE_MAX ? size : DIGEST_SIZE_MAX);
	disk->figures.bytes_written += size;
	if (code < 0)
		return code == -ENOSPC ? (int)size : code;
	return sim_disk_did(disk, (int)size);
}

int
sim_disk_resize(struct sim_disk *disk, struct sim_node *node, size_t size)
{
	int code = sim_disk_strike(disk, SIM_WRITE, NULL);

	if (code < 0)
		return code;
	sim_digest_number(size);
	if (size != node->seen->size)
		sim_node_resize(node, size);
	return sim_disk_did(disk, 0);
}

static bool
is_pending(const struct sim_node *node)
{
	return node->change_count != 0 || node->naming_count != 0;
}

/* A sync that fails: the system takes all of it for written, whatever the medium has. */
static void
lose_some(struct sim_disk *disk, struct sim_node *node)
{
	if (is_pending(node))
		sim_lose_written(disk, node, &disk->random);
}

int
sim_disk_sync(struct sim_disk *disk, struct sim_node *node)
{
	bool partly;
	int code = sim_disk_strike(disk, SIM_SYNC, &partly);

	if (code < 0) {
		if (partly)
			lose_some(disk, node);
		return code;
	}
	if (!disk->lies)
		sim_node_keep(node);
	return sim_disk_did(disk, 0);
}

/* Calls each() for all that can be reached by what is seen. */
static void
each_node(struct sim_disk *disk, struct sim_node *node,
    void (*each)(struct sim_disk *, struct sim_node *))
{
	each(disk, node);
	for (size_t i = 0; i < node->names.count; i++)
		each_node(disk, node->names.list[i].node, each);
}

static void
keep_one(struct sim_disk *disk, struct sim_node *node)
{
	(void)disk;
	if (is_pending(node))
		sim_node_keep(node);
}

int
sim_disk_sync_all(struct sim_disk *disk)
{
	bool partly;
	int code = sim_disk_strike(disk, SIM_SYNC, &partly);

	if ((code == 0 && !disk->lies) || partly)
		each_node(disk, disk->root, code == 0 ? keep_one : lose_some);
	return code < 0 ? code : sim_disk_did(disk, 0);
}

int
sim_disk_make(struct sim_disk *disk, struct sim_node *folder, const char *name, bool is_folder,
    unsigned mode, struct sim_node **node_r)
{
	int code = sim_disk_strike(disk, SIM_NAME, NULL);

	*node_r = NULL;
	if (code < 0)
		return code;
	sim_digest_text(name);
	*node_r = sim_node_new(is_folder, mode);
	sim_node_name(folder, NULL, name, *node_r);
	return sim_disk_did(disk, 0);
}

int
sim_disk_unname(struct sim_disk *disk, struct sim_node *folder, const char *name)
{
	int code = sim_disk_strike(disk, SIM_UNNAME, NULL);

	if (code < 0)
		return code;
	sim_digest_text(name);
	sim_node_name(folder, name, NULL, NULL);
	return sim_disk_did(disk, 0);
}

int
sim_disk_link(
    struct sim_disk *disk, struct sim_node *folder, const char *name, struct sim_node *node)
{
	int code = sim_disk_strike(disk, SIM_NAME, NULL);

	if (code < 0)
		return code;
	sim_digest_text(name);
	sim_node_name(folder, NULL, name, node);
	return sim_disk_did(disk, 0);
}

/* Within a folder it is one change; between two it is two, as with all file systems. */
int
sim_disk_rename(struct sim_disk *disk, struct sim_node *from, const char *name,
    struct sim_node *to, const char *new_name)
{
	struct sim_node *node;
	int code = sim_disk_strike(disk, SIM_NAME, NULL);

	if (code < 0)
		return code;
	sim_digest_text(new_name);
	node = sim_node_hold(sim_names_find(&from->names, name, strlen(name)));
	if (from == to) {
		sim_node_name(from, name, new_name, node);
	} else {
		sim_node_name(to, NULL, new_name, node);
		sim_node_name(from, name, NULL, NULL);
	}
	sim_node_drop(&node);
	return sim_disk_did(disk, 0);
}
