/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SIM_VFS_H
#define SIM_VFS_H

/*
 * Make simulated disks (sim/disk.h) known to SQLite, as its default: databases
 * below /sim/ lie on them, all others where they always did.  Before the first
 * database is opened; again is fine.
 */
void sim_vfs_install(void);

#endif
