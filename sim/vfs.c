/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * SQLite's files on a simulated disk.  It promises what the real one promises
 * on Linux (sectors of 4096 bytes, of which a torn write harms only what it
 * wrote), syncs the folder of a log that it has made, and keeps the log's
 * index, which is no matter of the disk, in the heap.
 * Source: https://www.sqlite.org/c3ref/io_methods.html, vfs.html.
 */
#include "sim/vfs.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "sim/alloc.h"
#include "sim/clock.h"
#include "sim/disk_parts.h"

enum {
	PATH_MAX_SIZE = 512,
	SECTOR_PROMISED = 4096,
	SHM_REGIONS_MAX = 64,
	SHM_REGION_SIZE = 32 << 10, /* SQLite's */
};

struct sim_shm {
	unsigned refs;
	void *regions[SHM_REGIONS_MAX];
	unsigned shared[SQLITE_SHM_NLOCK];
	const void *exclusive[SQLITE_SHM_NLOCK];
};

struct sim_file {
	sqlite3_file file; /* first, as SQLite wants it */
	struct sim_disk *disk;
	struct sim_node *node, *folder;
	uint64_t boot;
	bool syncs_folder, deletes;
	int level;
	char *name;
	bool has_shm;
	uint16_t shm_shared, shm_exclusive; /* locks that are held, a bit each */
};

static sqlite3_vfs *real;

static struct sim_file *
mine(sqlite3_file *file)
{
	return (struct sim_file *)file;
}

/* A machine that has crashed meanwhile is another one. */
static bool
is_stale(const struct sim_file *file)
{
	return file->boot != file->disk->boot;
}

static int
file_code(int code, int fallback)
{
	errno = -code;
	return code == -ENOSPC ? SQLITE_FULL : fallback;
}

/* --- the log's index -------------------------------------------------------------- */

static int
file_shm_map(sqlite3_file *file, int number, int size, int extend, void volatile **map_r)
{
	struct sim_file *my = mine(file);
	struct sim_node *node = my->node;

	*map_r = NULL;
	assert(size == SHM_REGION_SIZE);
	if (number >= SHM_REGIONS_MAX)
		return SQLITE_IOERR_SHMSIZE;
	if (!my->has_shm) {
		if (node->shm == NULL)
			node->shm = sim_take(sizeof(*node->shm));
		node->shm->refs++;
		my->has_shm = true;
	}
	if (node->shm->regions[number] == NULL) {
		if (!extend)
			return SQLITE_OK;
		node->shm->regions[number] = sim_take(SHM_REGION_SIZE);
	}
	*map_r = node->shm->regions[number];
	return SQLITE_OK;
}

static int
shm_release(struct sim_file *my, uint16_t bits)
{
	struct sim_shm *shm = my->node->shm;

	for (int i = 0; i < SQLITE_SHM_NLOCK; i++) {
		if ((bits & 1u << i) == 0)
			continue;
		if ((my->shm_shared & 1u << i) != 0)
			shm->shared[i]--;
		if ((my->shm_exclusive & 1u << i) != 0)
			shm->exclusive[i] = NULL;
	}
	my->shm_shared &= (uint16_t)~bits;
	my->shm_exclusive &= (uint16_t)~bits;
	return SQLITE_OK;
}

static int
file_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
	struct sim_file *my = mine(file);
	struct sim_shm *shm = my->node->shm;
	const uint16_t bits = (uint16_t)(((1u << count) - 1) << offset);

	if (shm == NULL)
		return SQLITE_IOERR_SHMLOCK;
	if ((flags & SQLITE_SHM_UNLOCK) != 0)
		return shm_release(my, bits);
	for (int i = offset; i < offset + count; i++) {
		bool own_share = (my->shm_shared & 1u << i) != 0;

		if (shm->exclusive[i] != NULL && shm->exclusive[i] != my)
			return SQLITE_BUSY;
		if ((flags & SQLITE_SHM_EXCLUSIVE) != 0 && shm->shared[i] > own_share)
			return SQLITE_BUSY;
	}
	for (int i = offset; i < offset + count; i++) {
		if ((flags & SQLITE_SHM_EXCLUSIVE) != 0) {
			shm->exclusive[i] = my;
			my->shm_exclusive |= (uint16_t)(1u << i);
		} else if ((my->shm_shared & 1u << i) == 0) {
			shm->shared[i]++;
			my->shm_shared |= (uint16_t)(1u << i);
		}
	}
	return SQLITE_OK;
}

static void
file_shm_barrier(sqlite3_file *file)
{
	(void)file;
}

static int
file_shm_unmap(sqlite3_file *file, int remove)
{
	struct sim_file *my = mine(file);
	struct sim_shm *shm = my->node->shm;

	(void)remove;
	if (!my->has_shm)
		return SQLITE_OK;
	shm_release(my, UINT16_MAX >> (16 - SQLITE_SHM_NLOCK));
	my->has_shm = false;
	if (--shm->refs == 0) {
		for (int i = 0; i < SHM_REGIONS_MAX; i++)
			sim_drop(shm->regions[i]);
		sim_drop(shm);
		my->node->shm = NULL;
	}
	return SQLITE_OK;
}

/* --- locks of the database -------------------------------------------------------- */

static int
file_unlock(sqlite3_file *file, int level)
{
	struct sim_file *my = mine(file);
	struct sim_node *node = my->node;

	if (is_stale(my) || level >= my->level)
		return SQLITE_OK;
	if (node->db_exclusive == my)
		node->db_exclusive = NULL;
	if (node->db_pending == my)
		node->db_pending = NULL;
	if (node->db_reserved == my)
		node->db_reserved = NULL;
	if (level == SQLITE_LOCK_NONE && my->level >= SQLITE_LOCK_SHARED)
		node->db_shared--;
	my->level = level;
	return SQLITE_OK;
}

static int
file_lock(sqlite3_file *file, int level)
{
	struct sim_file *my = mine(file);
	struct sim_node *node = my->node;

	if (level <= my->level)
		return SQLITE_OK;
	if (level == SQLITE_LOCK_SHARED) {
		if (node->db_pending != NULL || node->db_exclusive != NULL)
			return SQLITE_BUSY;
		node->db_shared++;
		my->level = level;
		return SQLITE_OK;
	}
	if ((node->db_reserved != NULL && node->db_reserved != my) ||
	    (node->db_pending != NULL && node->db_pending != my) ||
	    (node->db_exclusive != NULL && node->db_exclusive != my))
		return SQLITE_BUSY;
	if (level == SQLITE_LOCK_RESERVED) {
		node->db_reserved = my;
		my->level = level;
		return SQLITE_OK;
	}
	node->db_pending = my;
	if (node->db_shared > 1) {
		my->level = SQLITE_LOCK_PENDING;
		return SQLITE_BUSY;
	}
	node->db_exclusive = my;
	my->level = SQLITE_LOCK_EXCLUSIVE;
	return SQLITE_OK;
}

static int
file_check_lock(sqlite3_file *file, int *is_r)
{
	const struct sim_node *node = mine(file)->node;

	*is_r =
	    node->db_reserved != NULL || node->db_pending != NULL || node->db_exclusive != NULL;
	return SQLITE_OK;
}

/* --- contents --------------------------------------------------------------------- */

static int
file_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
	struct sim_file *my = mine(file);
	int got = is_stale(my)
	              ? -EIO
	              : sim_disk_read(my->disk, my->node, (size_t)offset, data, (size_t)size);

	if (got < 0)
		return SQLITE_IOERR_READ;
	if (got == size)
		return SQLITE_OK;
	memset((uint8_t *)data + got, 0, (size_t)(size - got));
	return SQLITE_IOERR_SHORT_READ;
}

static int
file_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
	struct sim_file *my = mine(file);
	int wrote = is_stale(my) ? -EIO
	                         : sim_disk_write(
	                               my->disk, my->node, (size_t)offset, data, (size_t)size);

	if (wrote == size)
		return SQLITE_OK;
	return wrote < 0 ? file_code(wrote, SQLITE_IOERR_WRITE) : SQLITE_FULL;
}

static int
file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct sim_file *my = mine(file);
	int code = is_stale(my) ? -EIO : sim_disk_resize(my->disk, my->node, (size_t)size);

	return code == 0 ? SQLITE_OK : file_code(code, SQLITE_IOERR_TRUNCATE);
}

static int
file_sync(sqlite3_file *file, int flags)
{
	struct sim_file *my = mine(file);

	(void)flags;
	if (is_stale(my) || sim_disk_sync(my->disk, my->node) < 0)
		return file_code(-EIO, SQLITE_IOERR_FSYNC);
	if (my->syncs_folder) {
		if (sim_disk_sync(my->disk, my->folder) < 0)
			return file_code(-EIO, SQLITE_IOERR_DIR_FSYNC);
		my->syncs_folder = false;
	}
	return SQLITE_OK;
}

static int
file_size(sqlite3_file *file, sqlite3_int64 *size_r)
{
	struct sim_file *my = mine(file);

	if (is_stale(my) || sim_disk_strike(my->disk, SIM_LOOK, NULL) < 0)
		return SQLITE_IOERR_FSTAT;
	*size_r = (sqlite3_int64)my->node->seen->size;
	return SQLITE_OK;
}

static int
file_control(sqlite3_file *file, int operation, void *argument)
{
	(void)file;
	(void)operation;
	(void)argument;
	return SQLITE_NOTFOUND;
}

static int
file_sector(sqlite3_file *file)
{
	(void)file;
	return SECTOR_PROMISED;
}

static int
file_device(sqlite3_file *file)
{
	(void)file;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int
file_close(sqlite3_file *file)
{
	struct sim_file *my = mine(file);

	file_shm_unmap(file, 0);
	file_unlock(file, SQLITE_LOCK_NONE);
	if (my->deletes)
		sim_names_remove(&my->folder->names, my->name);
	my->disk->open_count--;
	sim_drop(my->name);
	sim_node_drop(&my->folder);
	sim_node_drop(&my->node);
	my->file.pMethods = NULL;
	return SQLITE_OK;
}

static const sqlite3_io_methods methods = {.iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_device,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap};

/* --- files by name ---------------------------------------------------------------- */

static bool
is_ours(const char *path)
{
	return path != NULL && strncmp(path, SIM_DISK_ROOT, sizeof(SIM_DISK_ROOT) - 1) == 0;
}

static int
make_file(struct sim_file *my, const char *last, int flags)
{
	int code;

	if ((flags & SQLITE_OPEN_CREATE) == 0)
		return -ENOENT;
	code = sim_disk_make(my->disk, my->folder, last, false, 0600, &my->node);
	my->syncs_folder = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL |
	                                SQLITE_OPEN_SUPER_JOURNAL)) != 0;
	return code;
}

static int
vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *flags_r)
{
	struct sim_file *my = mine(file);
	struct sim_node *folder, *node;
	const char *rest, *last;
	int code;

	(void)vfs;
	if (!is_ours(path))
		return real->xOpen(real, path, file, flags, flags_r);
	memset(my, 0, sizeof(*my));
	if ((my->disk = sim_disk_of(path, &rest)) == NULL)
		return SQLITE_CANTOPEN;
	if ((code = sim_disk_strike(my->disk, SIM_LOOK, NULL)) == 0)
		code = sim_disk_walk(my->disk->root, rest, &folder, &last, &node);
	if (code == 0 && node->is_folder)
		return SQLITE_CANTOPEN_ISDIR;
	if (code == 0) {
		my->node = sim_node_hold(node);
		my->folder = sim_node_hold(folder);
	} else if (code == -ENOENT && folder != NULL) {
		my->folder = sim_node_hold(folder);
		code = make_file(my, last, flags);
	}
	if (code < 0) {
		sim_node_drop(&my->node);
		sim_node_drop(&my->folder);
		return file_code(code, SQLITE_CANTOPEN);
	}
	my->boot = my->disk->boot;
	my->name = sim_take_text(last, strlen(last));
	my->deletes = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
	my->disk->open_count++;
	my->file.pMethods = &methods;
	if (flags_r != NULL)
		*flags_r = flags;
	return SQLITE_OK;
}

static int
vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
	struct sim_node *folder, *node;
	const char *rest, *last;
	struct sim_disk *disk;
	int code;

	(void)vfs;
	if (!is_ours(path))
		return real->xDelete(real, path, sync_folder);
	if ((disk = sim_disk_of(path, &rest)) == NULL)
		return SQLITE_IOERR_DELETE;
	code = sim_disk_walk(disk->root, rest, &folder, &last, &node);
	if (code == -ENOENT)
		return SQLITE_IOERR_DELETE_NOENT;
	if (code == 0)
		code = sim_disk_unname(disk, folder, last);
	if (code < 0)
		return file_code(code, SQLITE_IOERR_DELETE);
	if (sync_folder && sim_disk_sync(disk, folder) < 0)
		return file_code(-EIO, SQLITE_IOERR_DIR_FSYNC);
	return SQLITE_OK;
}

static int
vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *is_r)
{
	struct sim_node *folder, *node = NULL;
	const char *rest, *last;
	struct sim_disk *disk;

	(void)vfs;
	if (!is_ours(path))
		return real->xAccess(real, path, flags, is_r);
	disk = sim_disk_of(path, &rest);
	if (disk != NULL && sim_disk_strike(disk, SIM_LOOK, NULL) < 0)
		return SQLITE_IOERR_ACCESS;
	/* A journal that is empty is none, as the real one has it. */
	*is_r = disk != NULL && sim_disk_walk(disk->root, rest, &folder, &last, &node) == 0 &&
	        (flags != SQLITE_ACCESS_EXISTS || node->is_folder || node->seen->size > 0);
	return SQLITE_OK;
}

static int
vfs_full_path(sqlite3_vfs *vfs, const char *path, int size, char *full_r)
{
	(void)vfs;
	if (!is_ours(path))
		return real->xFullPathname(real, path, size, full_r);
	return snprintf(full_r, (size_t)size, "%s", path) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

/* Nobody needs it to be another one in each run. */
static int
vfs_random(sqlite3_vfs *vfs, int size, char *data_r)
{
	(void)vfs;
	memset(data_r, 7, (size_t)size);
	return size;
}

static int
vfs_sleep(sqlite3_vfs *vfs, int time_us)
{
	(void)vfs;
	return time_us;
}

/* Julian days are what it counts in. */
static int
vfs_time(sqlite3_vfs *vfs, sqlite3_int64 *time_ms_r)
{
	(void)vfs;
	*time_ms_r = INT64_C(210866760000000) + sim_clock_now_ms();
	return SQLITE_OK;
}

void
sim_vfs_install(void)
{
	static sqlite3_vfs vfs;

	if (real != NULL)
		return;
	/* As the store would, if it came first. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	real = sqlite3_vfs_find(NULL);
	assert(real != NULL);
	vfs = *real;
	vfs.pNext = NULL;
	vfs.zName = "sim";
	vfs.mxPathname = PATH_MAX_SIZE;
	if (vfs.szOsFile < (int)sizeof(struct sim_file))
		vfs.szOsFile = (int)sizeof(struct sim_file);
	vfs.xOpen = vfs_open;
	vfs.xDelete = vfs_delete;
	vfs.xAccess = vfs_access;
	vfs.xFullPathname = vfs_full_path;
	vfs.xRandomness = vfs_random;
	vfs.xSleep = vfs_sleep;
	vfs.xCurrentTimeInt64 = vfs_time;
	sqlite3_vfs_register(&vfs, 1);
}
