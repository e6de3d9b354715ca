/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The contract, on every kind of store that lies on a real disk. */
#include "contract.h"

static const struct contract_row contract_rows[] = {
    {"sqlite", false, 0},
    {"sqlite, manual", true, 0},
    {"sqlite, chunks as files", false, 1},
};

int
main(void)
{
	return contract_run(contract_rows, sizeof(contract_rows) / sizeof(contract_rows[0])) !=
	       0;
}
