/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_REGION_H
#define SIM_REGION_H

#include "daemon/configuration.h"
#include "daemon/journal.h"
#include "daemon/retention.h"
#include "services/keeper/keeper.h"
#include "services/service.h"
#include "sim/disk.h"
#include "sim/network.h"
#include "sim/random.h"

/*
 * A region's server: the rules, the store, the keeper and the journal as the
 * daemon runs them, on a disk in memory.  Requests come from the network and go
 * the way of http/exchange_run.c: routed and answered by http/'s own tables.
 *
 *   down --region_start--> up --region_stop--> down
 *                           `---region_crash--> down, after what was not synced is gone
 */
struct region {
	struct world *world;
	unsigned index;
	char name[16], host[32], folder[48], journal_path[64];
	struct configuration configuration;
	struct wire_catalogue *catalogue;
	unsigned catalogue_version; /* 0: what is built in; else which change of it */
	struct sim_disk *disk;      /* keeps the data */
	struct sim_disk *vault;     /* keeps the backups */
	struct sim_random random;   /* what its server draws */
	struct dom_region_key *key;
	uint8_t public_key[32];

	bool is_up;
	uint64_t life; /* counts its starts */
	struct store *store;
	struct store_reader *reader, *keeper_reader;
	struct service service;
	struct journal_file *journal;
	struct retention_desk *retention;
	struct keeper *keeper;
	struct keeper_time keeper_time;
	int64_t ticked_us;
	bool pump_is_due, crash_is_due, keeper_is_due;
	/* A fault waits on its disk: what the oracle reads might meet it, so it looks later. */
	bool is_armed;
	enum sim_fault armed;
	uint64_t armed_number, struck;        /* seen of the disk's count */
	uint64_t looked_life, looked_changes; /* the oracle's: nothing has happened since */
	struct serving *servings;
	uint64_t serving_count;
	struct movers *movers;
	struct move_guard *guard;
	bool is_closing;

	unsigned backups; /* made so far; the newest has this number */
	int64_t backup_us;
	uint64_t starts, crashes, restores;
	int64_t clock_off_ms; /* its wall clock is that much ahead */
};

/* Before the first world of a process: what all of them begin with, whichever comes first. */
void region_make_images(struct sim_random *random);
/* Its key, folder and names; it is down and its store is empty. */
void region_make(struct region *region, struct world *world, unsigned index);
void region_free(struct region *region);

/* DOM_OK, or why it cannot start: a world without faults on its disk must start. */
enum dom_status region_start(struct region *region, char *message_r, size_t message_size);
/* The same for a machine that comes up: again and again while its disk is at fault. */
void region_begin(struct region *region);
/* As SIGTERM does. */
void region_stop(struct region *region);
/* The machine or the process dies: how says what becomes of what was not synced. */
void region_crash(struct region *region, enum sim_crash how);
bool region_is_up(const struct region *region);

/* A call has arrived; its reference is the region's now. */
void region_take(struct region *region, struct net_call *call);
/* The nth operation from now fails; after so long the disk is well again. */
void region_arm(
    struct region *region, enum sim_fault fault, uint64_t nth, bool stays, int64_t us);
void region_heal(struct region *region);
/* After anything that may have struck its disk: die if the disk has stopped, or the store
 * failed. */
void region_look(struct region *region);
/* Calls that wait for an account to be given away, or kept: look again. */
void serving_retry_held(struct region *region);
/* There is nothing left that the keeper wants to do. */
bool region_is_settled(struct region *region);

/* --- operate.c: what its operator does ------------------------------------------- */

/* Beside the server.  False: it failed and left nothing. */
bool operate_backup(struct region *region);
/* Down, then a store out of the newest backup, then up. */
void operate_restore(struct region *region);
/* New terms: another catalogue, and a restart. */
void operate_catalogue(struct region *region, unsigned version);

#endif
