/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_SQLITE_SEAL_H
#define STORE_SQLITE_SEAL_H

#include "crypto/rest.h"

#include "store/sqlite/engine.h"

/* Whose key opens it: the account's id, and the key as it is stored. */
struct sealed_of {
	uint8_t account_id[STORE_ID_SIZE];
	struct dom_slice wrapped;
};
_Static_assert((int)STORE_ID_SIZE == (int)DOM_REST_ID_SIZE, "the same id");

/* What is stored of an account's names. */
struct sealed_account {
	uint8_t wrapped[DOM_REST_WRAPPED_SIZE];
	uint8_t name_hash[DOM_INDEX_SIZE], email_hash[DOM_INDEX_SIZE];
	struct dom_slice name, email;
	bool has_email;
};

DOM_MUST_CHECK enum dom_status seal_key_open(const struct store *store,
    const uint8_t account_id[STORE_ID_SIZE], struct dom_slice wrapped,
    struct dom_rest_key *key_r);
/* Nothing opens to nothing.  DOM_EINTEGRITY: it was sealed for something else. */
DOM_MUST_CHECK enum dom_status seal_open(const struct store *store, const struct sealed_of *of,
    enum dom_rest_kind kind, struct dom_slice sealed, struct dom_arena *arena,
    struct dom_slice *plain_r);
/* With a new key. */
DOM_MUST_CHECK enum dom_status seal_account(const struct store *store,
    const struct store_account *account, struct dom_arena *arena,
    struct sealed_account *sealed_r);
DOM_MUST_CHECK enum dom_status seal_device(const struct store *store,
    const struct sealed_of *of, struct dom_slice device, struct dom_arena *arena,
    struct dom_slice *sealed_r);
/* What tells this region key from others. */
void seal_check(const struct store *store, uint8_t check_r[DOM_INDEX_SIZE]);

/* In the transaction of MIGRATION_SEALS: seal what is in the clear, start the clocks. */
DOM_MUST_CHECK enum dom_status seal_migrate(
    const struct store *store, struct sql_connection *writer, int64_t now_ms);

/*
 * Gets three columns of an account (key at rest, name, address) after
 * row_get_account(), or the id, key and name of one, and opens what is sealed.
 */
void row_get_names(struct store_txn *txn, struct sql_call *call, struct dom_arena *arena,
    struct store_account *account);
struct dom_slice row_get_name(
    struct store_txn *txn, struct sql_call *call, struct dom_arena *arena);

#endif
