/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_RESET_H
#define STORE_RESET_H

#include "store/store.h"

/* Only in a build with -Dtest_api=true: see services/account/reset.c. */

/* The five key fields of account->number become these, whatever they were. */
DOM_MUST_CHECK enum dom_status store_account_replace_keys(
    struct store_txn *txn, const struct store_account *account);

#endif
