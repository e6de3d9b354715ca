/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/random.h"

/*
 * A disk in memory that tells apart what a program sees and what is on the
 * platter.  Below /sim/NAME/ the whole of our code meets it instead of the real
 * one: SQLite through sim/vfs.h, everything else because its system calls are
 * wrapped when the program is linked (sim/posix.c).
 *
 *   write, truncate --> seen at once, remembered as pending --fsync(file)--> kept
 *   create, rename, link, unlink --> the same for the folder --fsync(folder)--> kept
 *
 * What is not kept when the machine crashes is there or not, for each sector of
 * 512 bytes and each name, as sim_disk_crash() draws.  fsync() of a new file
 * says nothing about its name.
 *
 * One thread at a time.
 */
struct sim_disk;

#define SIM_DISK_ROOT "/sim/"

enum { SIM_SECTOR_SIZE = 512 };

/* Empty, under /sim/NAME/; seed: for what it draws itself.  The name is not taken yet. */
struct sim_disk *sim_disk_new(const char *name, uint64_t seed);
/* Nothing is open on it any more.  NULL is fine. */
void sim_disk_free(struct sim_disk **disk);
struct sim_disk *sim_disk_named(const char *name, size_t size); /* NULL: there is none */

/*
 * to gets what is seen on from, all of it kept; to is as sim_disk_new() made it.
 * Costs little: contents are shared until one of them writes.
 */
void sim_disk_copy(const struct sim_disk *from, struct sim_disk *to);

/* --- faults ----------------------------------------------------------------------- */

enum sim_fault {
	SIM_FAULT_NONE,
	SIM_FAULT_EIO,    /* any operation: the medium */
	SIM_FAULT_ENOSPC, /* what takes room: writing, making a name; half of it is written */
	SIM_FAULT_SYNC, /* a sync: what was pending is lost or kept, and never pending again */
	SIM_FAULT_STOP, /* what changes anything, and syncs: the machine stops before it .. */
	SIM_FAULT_STOPPED_AFTER, /* .. or right after it */
	SIM_FAULT_STOP_AT_SYNC,  /* before a sync */
	SIM_FAULT_COUNT,
};
const char *sim_fault_name(enum sim_fault fault);

/*
 * The nth operation from now (from 1) that this can strike fails; stays: and
 * every later one, until sim_disk_heal().  One fault at a time.
 */
void sim_disk_fail(struct sim_disk *disk, enum sim_fault fault, uint64_t nth, bool stays);
/* Whoever looks at it from outside: nothing strikes or counts until it is off again. */
void sim_disk_pause(struct sim_disk *disk, bool is_paused);
/* How often it has struck. */
uint64_t sim_disk_struck(const struct sim_disk *disk);
void sim_disk_heal(struct sim_disk *disk);
/* Operations so far that this could have struck. */
uint64_t sim_disk_operations(const struct sim_disk *disk, enum sim_fault fault);

/* A disk that says it has synced and has not: what a program without syncs would see. */
void sim_disk_lie(struct sim_disk *disk, bool lies);

/*
 * A machine that has stopped: every operation fails, nothing changes any more.
 * Whoever runs on it is closed, then comes a crash.
 */
void sim_disk_stop(struct sim_disk *disk);
bool sim_disk_is_stopped(const struct sim_disk *disk);

enum sim_crash {
	SIM_CRASH_KEEP,   /* a process was killed, the machine was not: all is seen as before,
	                     and what was pending still is */
	SIM_CRASH_LOSE,   /* what was synced and nothing else */
	SIM_CRASH_PREFIX, /* of each file's and folder's changes the first ones, the last torn
	                   */
	SIM_CRASH_ANY,    /* any of the pending sectors and names */
	SIM_CRASH_COUNT,
};
const char *sim_crash_name(enum sim_crash how);

/* The machine starts again, well: what is kept is what is seen.  Nothing may be open. */
void sim_disk_crash(struct sim_disk *disk, enum sim_crash how, struct sim_random *random);

/* Are these bytes in any file that it has, seen or kept? */
bool sim_disk_holds(const struct sim_disk *disk, const void *data, size_t size);

/* Each file's bytes, as they are seen, and as they are kept if that is something else. */
void sim_disk_each_file(const struct sim_disk *disk,
    void (*each)(void *context, const uint8_t *data, size_t size), void *context);

/* Descriptors and database files that are open on it: none, once all is closed. */
unsigned sim_disk_open_count(const struct sim_disk *disk);

struct sim_disk_figures {
	uint64_t reads, writes, syncs, names; /* operations; names: made, removed, renamed */
	uint64_t bytes_written;
	uint64_t crashes, sectors_lost, names_lost;
};
struct sim_disk_figures sim_disk_figures(const struct sim_disk *disk);

#endif
