/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_JOURNAL_H
#define DAEMON_JOURNAL_H

#include "services/journal.h"

/*
 * The file of services/journal.h: a header and records of one size, only ever
 * appended to, but for one thing: after a sync that failed the next append writes all of it
 * anew, into path + ".new", which then takes the file's place.  Each record's check covers the
 * check before it, so that one that is changed, left out or moved is found.  Integers are
 * big-endian.
 *
 *   header  0 32  "domicile erasures v1\n", then zeros
 *          32 32  the region, as its key hashes it
 *          64  8  base, the number before the first record's; then zeros
 *         160 32  SHA-256 of what stands before
 *   record  0  8  number      8  1  kind        9  7  zeros
 *          16  8  clock      24  8  accepted   32 32  request
 *          64 32  account    96 32  subject   128 32  item
 *         160 32  SHA-256 of the check before and of what stands before
 */
enum {
	JOURNAL_RECORD_SIZE = 192,
	JOURNAL_REGION_SIZE = 32,
};

struct journal_file;

struct journal_options {
	const char *path;
	uint8_t region[JOURNAL_REGION_SIZE]; /* one of another region is refused */
	uint64_t known; /* what the store has seen of it: a shorter one is refused */
	uint64_t base;  /* not 0: it is made, after another one was lost; see journal.h */
	bool read_only; /* it must be there, and nothing is cut */
};

/*
 * Made if it is missing and known is 0, or if base is not.  An append that was torn (at the
 * end, at most JOURNAL_APPEND_MAX records of one request) is cut; damage before that is
 * refused.  message_r: what is wrong and what to do, or what was cut, or "".
 */
DOM_MUST_CHECK enum dom_status journal_file_open(const struct journal_options *options,
    struct journal_file **file_r, char *message_r, size_t message_size);
void journal_file_close(struct journal_file **file);
/* The same, as the rules see it.  One thread at a time. */
struct journal journal_file_functions(struct journal_file *file);

#endif
