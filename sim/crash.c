/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a crash leaves of what was not synced. */
#include <assert.h>
#include <string.h>

#include "sim/disk_parts.h"

const char *
sim_crash_name(enum sim_crash how)
{
	static const char *const names[] = {"keep", "lose", "prefix", "any"};

	_Static_assert(sizeof(names) / sizeof(names[0]) == SIM_CRASH_COUNT, "all named");
	return names[how];
}

/* How many of count changes are kept from the first on; *any_r: any of the rest, too. */
static size_t
first_kept(size_t count, enum sim_crash how, struct sim_random *random, bool *any_r)
{
	*any_r = false;
	switch (how) {
	case SIM_CRASH_KEEP:
		return count;
	case SIM_CRASH_LOSE:
		return 0;
	case SIM_CRASH_PREFIX:
		return sim_random_below(random, count + 1);
	case SIM_CRASH_ANY:
	case SIM_CRASH_COUNT:
		break;
	}
	/* All and nothing are to be met as well, however many changes there are. */
	switch (sim_random_below(random, 4)) {
	case 0:
		return 0;
	case 1:
		return count;
	default:
		*any_r = true;
		return 0;
	}
}

/* One write, as far as the sectors go that are drawn. */
static void
keep_sectors(struct sim_disk *disk, struct sim_node *node, const struct sim_change *change,
    size_t first, struct sim_random *random)
{
	const uint8_t *data = node->pending_bytes + change->at;
	size_t at = 0, sector = 0;

	while (at < change->size) {
		size_t size = SIM_SECTOR_SIZE - (change->offset + at) % SIM_SECTOR_SIZE;

		if (size > change->size - at)
			size = change->size - at;
		if (random == NULL ? sector < first : sim_random_one_in(random, 2))
			sim_bytes_write(&node->kept, change->offset + at, data + at, size);
		else
			disk->figures.sectors_lost++;
		at += size;
		sector++;
	}
}

static void
crash_file(
    struct sim_disk *disk, struct sim_node *node, enum sim_crash how, struct sim_random *random)
{
	bool any;
	size_t kept = first_kept(node->change_count, how, random, &any);

	for (size_t i = 0; i < node->change_count; i++) {
		const struct sim_change *change = &node->changes[i];
		size_t sectors = (change->size + SIM_SECTOR_SIZE - 1) / SIM_SECTOR_SIZE;

		if (change->truncates) {
			if (i < kept || (any && sim_random_one_in(random, 2)))
				sim_bytes_resize(&node->kept, change->offset);
		} else if (i < kept) {
			sim_bytes_write(&node->kept, change->offset,
			    node->pending_bytes + change->at, change->size);
		} else if (any) {
			keep_sectors(disk, node, change, 0, random);
		} else if (i == kept && how == SIM_CRASH_PREFIX) {
			keep_sectors(
			    disk, node, change, sim_random_below(random, sectors + 1), NULL);
		} else {
			disk->figures.sectors_lost += sectors;
		}
	}
}

static void
crash_folder(
    struct sim_disk *disk, struct sim_node *node, enum sim_crash how, struct sim_random *random)
{
	bool any;
	size_t kept = first_kept(node->naming_count, how, random, &any);

	for (size_t i = 0; i < node->naming_count; i++) {
		if (i < kept || (any && sim_random_one_in(random, 2)))
			sim_naming_apply(&node->names_kept, &node->namings[i]);
		else
			disk->figures.names_lost++;
	}
}

void
sim_crash_node(
    struct sim_disk *disk, struct sim_node *node, enum sim_crash how, struct sim_random *random)
{
	if (node->is_folder)
		crash_folder(disk, node, how, random);
	else
		crash_file(disk, node, how, random);
	sim_node_clear_pending(node);
}

void
sim_lose_written(struct sim_disk *disk, struct sim_node *node, struct sim_random *random)
{
	bool any;
	size_t kept = first_kept(node->change_count, SIM_CRASH_ANY, random, &any);

	if (node->is_folder)
		return;
	for (size_t i = 0; i < node->change_count; i++) {
		const struct sim_change *change = &node->changes[i];

		if (change->truncates)
			sim_bytes_resize(&node->kept, change->offset);
		else if (any)
			keep_sectors(disk, node, change, 0, random);
		else if (i < kept)
			sim_bytes_write(&node->kept, change->offset,
			    node->pending_bytes + change->at, change->size);
	}
	sim_node_clear_pending(node);
}

/* What is seen from here on: what is kept, but the machine's memory outlives a process. */
static void
start_again(
    struct sim_disk *disk, struct sim_node *node, enum sim_crash how, struct sim_random *random)
{
	if (node->mark == disk->boot)
		return;
	node->mark = disk->boot;
	if (how != SIM_CRASH_KEEP)
		sim_crash_node(disk, node, how, random);
	node->is_locked = false;
	node->locked_shared = node->db_shared = 0;
	node->db_reserved = node->db_pending = node->db_exclusive = NULL;
	assert(node->shm == NULL);
	if (how == SIM_CRASH_KEEP) {
		for (size_t i = 0; i < node->names.count; i++)
			start_again(disk, node->names.list[i].node, how, random);
		return;
	}
	if (!node->is_folder) {
		sim_bytes_drop(&node->seen);
		node->seen = sim_bytes_share(node->kept);
		return;
	}
	sim_names_clear(&node->names);
	for (size_t i = 0; i < node->names_kept.count; i++) {
		const struct sim_name *name = &node->names_kept.list[i];

		sim_names_put(&node->names, name->text, name->node);
		start_again(disk, name->node, how, random);
	}
}

void
sim_disk_crash(struct sim_disk *disk, enum sim_crash how, struct sim_random *random)
{
	assert(disk->open_count == 0);
	disk->boot++;
	disk->stopped = disk->stop_after = false;
	sim_disk_heal(disk);
	disk->figures.crashes++;
	start_again(disk, disk->root, how, random);
}
