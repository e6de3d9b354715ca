/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a region's operator does: backups, restores, new terms. */
#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "sim/oracle.h"
#include "sim/region.h"
#include "sim/time.h"
#include "sim/world.h"
#include "store/care.h"

static void
backup_path(const struct region *region, unsigned number, char path_r[96])
{
	snprintf(path_r, 96, SIM_DISK_ROOT "%s-vault/backup-%u", region->name, number);
}

bool
operate_backup(struct region *region)
{
	struct store_backup_report report;
	char path[96], message[256];
	enum dom_status st;

	backup_path(region, region->backups + 1, path);
	oracle_backup_begins(region);
	st = store_backup(&(struct store_care){.folder = region->folder}, path, NULL, &report,
	    message, sizeof(message));
	region_look(region);
	if (st != DOM_OK) {
		world_say(region->world, "%s: no backup: %s", region->name, message);
		return false;
	}
	region->backups++;
	region->backup_us = time_now_us();
	oracle_backup_made(region);
	return true;
}

void
operate_restore(struct region *region)
{
	struct store_restore_report report;
	char from[96], message[256];

	if (region->backups == 0 || !region->is_up)
		return;
	/* Who came while its disk was armed has not been seen yet. */
	region_heal(region);
	oracle_pumped(region);
	if (!oracle_may_restore(region))
		return;
	/* What was asked to be erased is in the journal by then, else no backup could know of
	 * it. */
	if (keeper_finish(region->keeper, 100) != DOM_OK)
		return;
	region_stop(region);
	region->restores++;
	snprintf(region->folder, sizeof(region->folder), SIM_DISK_ROOT "%s/data-%u",
	    region->name, (unsigned)region->restores);
	backup_path(region, region->backups, from);
	if (store_restore(from, region->folder, region->name, NULL, NULL, time_now_ms(),
	        &report, message, sizeof(message)) != DOM_OK)
		world_broken(
		    region->world, "a backup can be restored", "%s: %s", region->name, message);
	world_say(region->world, "%s is restored", region->name);
	oracle_restored(region);
	if (region_start(region, message, sizeof(message)) != DOM_OK)
		world_broken(
		    region->world, "a restored region starts", "%s: %s", region->name, message);
}

void
operate_catalogue(struct region *region, unsigned version)
{
	char message[256];

	if (!region->is_up)
		return;
	region_heal(region);
	region_stop(region);
	region->catalogue_version = version;
	if (region_start(region, message, sizeof(message)) != DOM_OK)
		world_broken(region->world, "a region starts with new terms", "%s: %s",
		    region->name, message);
}
