/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Zeroing the room that b-tree pages have left, on their way to the disk.
 * Source: https://www.sqlite.org/fileformat2.html, 1.6 "B-tree Pages".
 *
 * Pages of other kinds (overflow, free list) begin with a page's number, whose
 * first byte looks like a b-tree's only beyond 128 GiB.  A page is scrubbed
 * only if its cells, free blocks and fragments fill it to the byte, so that
 * even there nothing else is taken for one.
 */
#include "store/sqlite/scrub.h"

#include <pthread.h>
#include <string.h>

#include <sqlite3.h>

enum {
	INTERIOR_INDEX = 2,
	INTERIOR_TABLE = 5,
	LEAF_INDEX = 10,
	LEAF_TABLE = 13,
	USABLE = SCRUB_PAGE_SIZE, /* our databases reserve nothing */
	/* Source: 1.6, "the amount of payload that spills onto overflow pages". */
	TABLE_LOCAL_MAX = USABLE - 35,
	INDEX_LOCAL_MAX = (USABLE - 12) * 64 / 255 - 23,
	LOCAL_MIN = (USABLE - 12) * 32 / 255 - 23,
	CELL_MIN = 4,
	VARINT_MAX = 9,
	FILE_HEADER = 100,
};

static unsigned
two(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* Its size; 0: it does not end on the page. */
static unsigned
varint(const uint8_t *page, unsigned at, uint64_t *value_r)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < VARINT_MAX && at + i < USABLE; i++) {
		uint8_t byte = page[at + i];

		if (i == VARINT_MAX - 1) {
			*value_r = value << 8 | byte;
			return i + 1;
		}
		value = value << 7 | (byte & 0x7f);
		if ((byte & 0x80) == 0) {
			*value_r = value;
			return i + 1;
		}
	}
	return 0;
}

/* Bytes of the cell on the page; 0: it is none. */
static unsigned
cell_size(const uint8_t *page, unsigned type, unsigned at)
{
	const unsigned local_max = type == LEAF_TABLE ? TABLE_LOCAL_MAX : INDEX_LOCAL_MAX;
	unsigned size = type == INTERIOR_INDEX || type == INTERIOR_TABLE ? 4 : 0, used;
	uint64_t payload, row, local;

	if ((used = varint(page, at + size, &payload)) == 0)
		return 0;
	size += used;
	if (type == INTERIOR_TABLE)
		return size;
	if (type == LEAF_TABLE) {
		if ((used = varint(page, at + size, &row)) == 0)
			return 0;
		size += used;
	}
	if (payload <= local_max) {
		size += (unsigned)payload;
	} else {
		local = LOCAL_MIN + (payload - LOCAL_MIN) % (USABLE - 4);
		size += (unsigned)(local <= local_max ? local : LOCAL_MIN) + 4;
	}
	return size < CELL_MIN ? CELL_MIN : size;
}

/* Bytes of all cells; 0 also if one of them is out of place. */
static unsigned
cells_size(
    const uint8_t *page, unsigned type, unsigned pointers, unsigned count, unsigned begin)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned at = two(page + pointers + 2 * i), size;

		if (at < begin || at > USABLE - CELL_MIN)
			return 0;
		size = cell_size(page, type, at);
		if (size == 0 || size > USABLE - at)
			return 0;
		sum += size;
	}
	return sum;
}

/* Walks the free blocks, zeroing them if asked; their bytes, or above USABLE. */
static unsigned
free_blocks(uint8_t *page, unsigned first, unsigned begin, bool zero)
{
	unsigned at = first, sum = 0, least = begin;

	while (at != 0) {
		unsigned next, size;

		if (at < least || at > USABLE - 4)
			return USABLE + 1;
		next = two(page + at);
		size = two(page + at + 2);
		if (size < 4 || size > USABLE - at)
			return USABLE + 1;
		if (zero)
			memset(page + at + 4, 0, size - 4);
		sum += size;
		least = at + size;
		at = next;
	}
	return sum;
}

bool
scrub_page(uint8_t page[SCRUB_PAGE_SIZE], unsigned at)
{
	const unsigned type = page[at];
	unsigned header, count, begin, end, fill;

	if (type != LEAF_TABLE && type != LEAF_INDEX && type != INTERIOR_TABLE &&
	    type != INTERIOR_INDEX)
		return false;
	header = type == LEAF_TABLE || type == LEAF_INDEX ? 8 : 12;
	count = two(page + at + 3);
	begin = two(page + at + 5);
	end = at + header + 2 * count;
	if (end > USABLE || begin < end || begin > USABLE)
		return false;
	fill = cells_size(page, type, at + header, count, begin);
	if (count != 0 && fill == 0)
		return false;
	fill += free_blocks(page, two(page + at + 1), begin, false) + page[at + 7];
	if (fill != USABLE - begin)
		return false;
	free_blocks(page, two(page + at + 1), begin, true);
	memset(page + end, 0, begin - end);
	return true;
}

/* --- the layer ------------------------------------------------------------------- */

struct scrub_file {
	sqlite3_file file; /* first, as SQLite wants it */
	bool is_database;
	sqlite3_file *inner; /* behind this one in memory */
};

static sqlite3_file *
inner(sqlite3_file *file)
{
	return ((struct scrub_file *)file)->inner;
}

static int
scrub_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
	uint8_t page[SCRUB_PAGE_SIZE];

	if (((struct scrub_file *)file)->is_database && size == SCRUB_PAGE_SIZE &&
	    offset % SCRUB_PAGE_SIZE == 0) {
		memcpy(page, data, sizeof(page));
		scrub_page(page, offset == 0 ? FILE_HEADER : 0);
		data = page;
	}
	return inner(file)->pMethods->xWrite(inner(file), data, size, offset);
}

static int
scrub_close(sqlite3_file *file)
{
	return inner(file)->pMethods->xClose(inner(file));
}

static int
scrub_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
	return inner(file)->pMethods->xRead(inner(file), data, size, offset);
}

static int
scrub_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return inner(file)->pMethods->xTruncate(inner(file), size);
}

static int
scrub_sync(sqlite3_file *file, int flags)
{
	return inner(file)->pMethods->xSync(inner(file), flags);
}

static int
scrub_size(sqlite3_file *file, sqlite3_int64 *size_r)
{
	return inner(file)->pMethods->xFileSize(inner(file), size_r);
}

static int
scrub_lock(sqlite3_file *file, int level)
{
	return inner(file)->pMethods->xLock(inner(file), level);
}

static int
scrub_unlock(sqlite3_file *file, int level)
{
	return inner(file)->pMethods->xUnlock(inner(file), level);
}

static int
scrub_check_lock(sqlite3_file *file, int *is_r)
{
	return inner(file)->pMethods->xCheckReservedLock(inner(file), is_r);
}

static int
scrub_control(sqlite3_file *file, int operation, void *argument)
{
	return inner(file)->pMethods->xFileControl(inner(file), operation, argument);
}

static int
scrub_sector(sqlite3_file *file)
{
	return inner(file)->pMethods->xSectorSize(inner(file));
}

static int
scrub_device(sqlite3_file *file)
{
	return inner(file)->pMethods->xDeviceCharacteristics(inner(file));
}

static int
scrub_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **map_r)
{
	return inner(file)->pMethods->xShmMap(inner(file), region, size, extend, map_r);
}

static int
scrub_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
	return inner(file)->pMethods->xShmLock(inner(file), offset, count, flags);
}

static void
scrub_shm_barrier(sqlite3_file *file)
{
	inner(file)->pMethods->xShmBarrier(inner(file));
}

static int
scrub_shm_unmap(sqlite3_file *file, int remove)
{
	return inner(file)->pMethods->xShmUnmap(inner(file), remove);
}

/* Version 2: what maps the database into memory would pass us by. */
static const sqlite3_io_methods scrub_methods = {.iVersion = 2,
    .xClose = scrub_close,
    .xRead = scrub_read,
    .xWrite = scrub_write,
    .xTruncate = scrub_truncate,
    .xSync = scrub_sync,
    .xFileSize = scrub_size,
    .xLock = scrub_lock,
    .xUnlock = scrub_unlock,
    .xCheckReservedLock = scrub_check_lock,
    .xFileControl = scrub_control,
    .xSectorSize = scrub_sector,
    .xDeviceCharacteristics = scrub_device,
    .xShmMap = scrub_shm_map,
    .xShmLock = scrub_shm_lock,
    .xShmBarrier = scrub_shm_barrier,
    .xShmUnmap = scrub_shm_unmap};

static sqlite3_vfs *below; /* the default when ours was registered */
static sqlite3_vfs layer;
static int registered = SQLITE_ERROR;

static int
scrub_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_r)
{
	struct scrub_file *mine = (struct scrub_file *)file;
	int code;

	(void)vfs;
	mine->inner = (sqlite3_file *)(mine + 1);
	mine->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
	code = below->xOpen(below, name, mine->inner, flags, flags_r);
	/* It is to be closed if there are methods, even if it failed. */
	mine->file.pMethods = mine->inner->pMethods == NULL ? NULL : &scrub_methods;
	return code;
}

static void
scrub_register(void)
{
	if ((below = sqlite3_vfs_find(NULL)) == NULL)
		return;
	/* All but opening is done by those below, who look at no more than pAppData. */
	layer = *below;
	layer.pNext = NULL;
	layer.zName = "domicile";
	layer.szOsFile = (int)sizeof(struct scrub_file) + below->szOsFile;
	layer.xOpen = scrub_open;
	registered = sqlite3_vfs_register(&layer, 0);
}

const char *
scrub_vfs(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, scrub_register);
	return registered == SQLITE_OK ? layer.zName : NULL;
}
