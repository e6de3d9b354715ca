/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_SQLITE_MIGRATIONS_H
#define STORE_SQLITE_MIGRATIONS_H

/*
 * The schema's history: migrations[n - 1] is the SQL that makes version n out
 * of version n - 1.  A script that was ever released is never changed.
 */
enum {
	MIGRATION_COUNT = 12,
	/* What makes this version also seals what the rows name, with the region key: seal.c.
	 */
	MIGRATION_SEALS = 5,
};
extern const char *const migrations[MIGRATION_COUNT];

#endif
