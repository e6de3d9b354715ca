/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef TESTS_CONTRACT_CARE_H
#define TESTS_CONTRACT_CARE_H

#include <ftw.h>

#include "contract.h"
#include "store/care.h"

/*
 * A world whose store has an account, "ana", with an item of two chunks: one in a row and one
 * in a file; and what is made of it beside its folder.
 */

enum {
	CARE_FILE_SIZE = STORE_CHUNK_ROW_SIZE_MAX + 1,
	CARE_MESSAGE_SIZE = 400,
	CARE_FAULTS_MAX = 16,
	CARE_PATH_SIZE = 128,
};

extern uint8_t care_file_bytes[CARE_FILE_SIZE]; /* of the large chunk */
extern char care_message[CARE_MESSAGE_SIZE];    /* of the last failure */
/* What the last examination found. */
extern char care_faults[CARE_FAULTS_MAX][CARE_MESSAGE_SIZE];

int care_set_up(void **state);
/* Also what lies beside the folder. */
int care_tear_down(void **state);
#define CARE_CASE(function)                                                                    \
	cmocka_unit_test_setup_teardown(function, care_set_up, care_tear_down)

void care_put_chunk(struct store_txn *txn, struct world *world, int64_t collection,
    const char *uid, struct dom_slice data, struct store_staged **staged_r);
/* The world's folder with a suffix: ".backup", ".restored", "/some/file". */
void care_name_beside(
    const struct world *world, const char *suffix, char path_r[CARE_PATH_SIZE]);
struct store_care care_of(const char *folder);
/* For store_fsck(): keeps a fault in care_faults; context is the unsigned that counts them. */
void care_found(void *context, const char *sentence);
/* How many faults: care_faults. */
unsigned care_examine(struct world *world, struct store_fsck_report *report_r);
/* A write of ana's; her clock after it. */
uint64_t care_tick(struct world *world);
/* For nftw(). */
int care_remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where);

#endif
