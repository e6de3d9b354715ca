/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* All cases of the contract, for whoever has a kind of store. */
#include "contract.h"

int
contract_run(const struct contract_row *rows, size_t count)
{
	int failed = 0;

	for (size_t i = 0; i < count; i++) {
		const struct {
			const char *name;
			const struct CMUnitTest *cases;
			size_t count;
		} groups[] = {
		    {"open", open_cases, open_case_count},
		    {"transactions", txn_cases, txn_case_count},
		    {"accounts", account_cases, account_case_count},
		    {"collections", collection_cases, collection_case_count},
		    {"sharing", share_cases, share_case_count},
		    {"items", item_cases, item_case_count},
		    {"chunks", chunk_cases, chunk_case_count},
		    {"statements", statement_cases, statement_case_count},
		    {"erasing", erase_cases, erase_case_count},
		    {"what is due", due_cases, due_case_count},
		    {"invites", invite_cases, invite_case_count},
		    {"scans", scan_cases, scan_case_count},
		    {"moves", move_cases, move_case_count},
		    {"proposals", proposal_cases, proposal_case_count},
		};

		world_row = &rows[i];
		for (size_t j = 0; j < sizeof(groups) / sizeof(groups[0]); j++) {
			char name[80];

			snprintf(name, sizeof(name), "%s: %s", world_row->name, groups[j].name);
			failed += _cmocka_run_group_tests(
			    name, groups[j].cases, groups[j].count, NULL, NULL);
		}
	}
	return failed;
}
