/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_DISK_PARTS_H
#define SIM_DISK_PARTS_H

#include "sim/disk.h"

/* What the files behind sim/disk.h share.  Functions that can fail answer -errno. */

/* Contents, shared until somebody writes. */
struct sim_bytes {
	unsigned refs;
	size_t size, room;
	uint8_t *data;
};

/* A change of a file that is not kept yet. */
struct sim_change {
	bool truncates; /* to offset */
	size_t offset, size;
	size_t at; /* of its bytes in the file's pending_bytes */
};

struct sim_name {
	char *text;
	struct sim_node *node;
};

struct sim_names {
	struct sim_name *list;
	size_t count, room;
};

/* A change of a folder that is not kept yet: removed goes, and put is there, at once. */
struct sim_naming {
	char *removed, *put; /* each may be NULL */
	struct sim_node *node;
};

struct sim_shm; /* vfs.c */

struct sim_node {
	unsigned refs; /* names (seen, kept, pending) and what is open */
	bool is_folder;
	unsigned mode;
	uint64_t mark; /* crash.c */
	/* a file */
	struct sim_bytes *seen, *kept;
	struct sim_change *changes;
	size_t change_count, change_room;
	uint8_t *pending_bytes;
	size_t pending_size, pending_room;
	/* a folder */
	struct sim_names names, names_kept;
	struct sim_naming *namings;
	size_t naming_count, naming_room;
	/* flock(), and SQLite's locks; see posix.c and vfs.c */
	bool is_locked;
	unsigned locked_shared;
	unsigned db_shared;
	const void *db_reserved, *db_pending, *db_exclusive;
	struct sim_shm *shm;
};

struct sim_disk {
	char *name;
	struct sim_disk *next;
	struct sim_node *root;
	struct sim_random random;
	uint64_t boot; /* what was opened before a crash is of no use after it */
	unsigned open_count;
	bool stopped, lies, is_paused;
	enum sim_fault fault;
	uint64_t fault_in; /* operations, 0: none is armed */
	bool fault_stays, stop_after;
	uint64_t struck;
	uint64_t operations[SIM_FAULT_COUNT];
	struct sim_disk_figures figures;
};

/* SIM_UNNAME: a name goes, which takes no room. */
enum sim_operation { SIM_LOOK, SIM_READ, SIM_WRITE, SIM_NAME, SIM_UNNAME, SIM_SYNC };

/*
 * Before an operation: 0, or the errno, negative, that it ends with; *partly_r:
 * (may be NULL) half of it happens nevertheless.  After one that changes
 * something: sim_disk_did() answers whether the caller lives to hear of it.
 */
int sim_disk_strike(struct sim_disk *disk, enum sim_operation operation, bool *partly_r);
int sim_disk_did(struct sim_disk *disk, int answer);

/* node.c: contents */
struct sim_bytes *sim_bytes_new(void);
struct sim_bytes *sim_bytes_share(struct sim_bytes *bytes);
void sim_bytes_drop(struct sim_bytes **bytes);
void sim_bytes_write(struct sim_bytes **bytes, size_t offset, const void *data, size_t size);
void sim_bytes_resize(struct sim_bytes **bytes, size_t size);

/* node.c: without faults and counting */
struct sim_node *sim_node_new(bool is_folder, unsigned mode);
struct sim_node *sim_node_hold(struct sim_node *node);
void sim_node_drop(struct sim_node **node);
void sim_node_write(struct sim_node *node, size_t offset, const void *data, size_t size);
void sim_node_resize(struct sim_node *node, size_t size);
void sim_node_keep(struct sim_node *node); /* what is pending is kept */
struct sim_node *sim_names_find(const struct sim_names *names, const char *text, size_t size);
void sim_names_put(struct sim_names *names, const char *text, struct sim_node *node);
void sim_names_remove(struct sim_names *names, const char *text);
void sim_names_clear(struct sim_names *names);
/* removed or put may be NULL; seen at once, pending until it is kept. */
void sim_node_name(
    struct sim_node *folder, const char *removed, const char *put, struct sim_node *node);
void sim_naming_apply(struct sim_names *names, const struct sim_naming *naming);
void sim_node_clear_pending(struct sim_node *node);

/* disk.c: with faults */
/*
 * What path, which may be empty or ".", leads to below from.  *folder_r and the
 * last name: where it is or would be; borrowed.  -ENOENT with *folder_r set: only the
 * last name is missing.
 */
int sim_disk_walk(struct sim_node *from, const char *path, struct sim_node **folder_r,
    const char **last_r, struct sim_node **node_r);
int sim_disk_read(
    struct sim_disk *disk, struct sim_node *node, size_t offset, void *data, size_t size);
int sim_disk_write(
    struct sim_disk *disk, struct sim_node *node, size_t offset, const void *data, size_t size);
int sim_disk_resize(struct sim_disk *disk, struct sim_node *node, size_t size);
int sim_disk_sync(struct sim_disk *disk, struct sim_node *node);
int sim_disk_sync_all(struct sim_disk *disk);
/* A new file or folder; the name is free. */
int sim_disk_make(struct sim_disk *disk, struct sim_node *folder, const char *name,
    bool is_folder, unsigned mode, struct sim_node **node_r);
int sim_disk_unname(struct sim_disk *disk, struct sim_node *folder, const char *name);
int sim_disk_link(
    struct sim_disk *disk, struct sim_node *folder, const char *name, struct sim_node *node);
int sim_disk_rename(struct sim_disk *disk, struct sim_node *from, const char *name,
    struct sim_node *to, const char *new_name);

/* crash.c: what was pending is kept or lost, and not pending any more. */
void sim_crash_node(struct sim_disk *disk, struct sim_node *node, enum sim_crash how,
    struct sim_random *random);

/*
 * A sync has failed: what was written is lost or kept, and not pending any more.  Names and
 * lengths are not lost in silence (a file system that cannot keep its journal stops), so
 * they are still pending, or done.
 */
void sim_lose_written(struct sim_disk *disk, struct sim_node *node, struct sim_random *random);

/* "/sim/NAME/rest": the disk, and rest; NULL: no such path, or no such disk. */
struct sim_disk *sim_disk_of(const char *path, const char **rest_r);

#endif
