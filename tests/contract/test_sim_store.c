/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The contract on a simulated disk: what holds on a real one holds there, and the other way. */
#include "contract.h"
#include "sim/disk.h"
#include "sim/vfs.h"

int
main(void)
{
	static const struct contract_row rows[] = {
	    {.name = "simulated", .manual = true, .root = "/sim/contract"},
	    {.name = "simulated, chunks as files",
	        .manual = true,
	        .chunk_row_size_max = 1,
	        .root = "/sim/contract"},
	};
	struct sim_disk *disk = sim_disk_new("contract", 1);
	int failed;

	sim_vfs_install();
	failed = contract_run(rows, sizeof(rows) / sizeof(rows[0]));
	sim_disk_free(&disk);
	return failed != 0;
}
