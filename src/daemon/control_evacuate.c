/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicilectl evacuate, inside the server: who there is. */
#include <inttypes.h>

#include "daemon/control_parts.h"

/* Accounts by the power of two of what they hold. */
struct survey {
	uint64_t accounts[65];
	double bytes[65];
};

static unsigned
class_of(uint64_t bytes)
{
	return bytes == 0 ? 0 : 64 - (unsigned)__builtin_clzll(bytes);
}

static enum dom_status
survey_page(struct control_call *call, struct store_txn *txn, int64_t *after, size_t *count_r)
{
	struct survey *survey = call->counting;
	struct store_account *accounts;
	enum dom_status st =
	    store_account_scan(txn, *after, CONTROL_PAGE_ROWS, call->arena, &accounts, count_r);

	for (size_t i = 0; st == DOM_OK && i < *count_r; i++) {
		struct store_usage usage;
		unsigned class;

		*after = accounts[i].number;
		if (accounts[i].state != STORE_ACCOUNT_HOME || !accounts[i].initialised)
			continue;
		if ((st = store_account_usage(txn, accounts[i].number, &usage)) != DOM_OK)
			break;
		class = class_of(usage.chunk_bytes);
		survey->accounts[class]++;
		survey->bytes[class] += (double)usage.chunk_bytes;
	}
	return st;
}

int
control_evacuate_survey(struct control_call *call)
{
	struct survey survey = {0};
	int result;

	call->counting = &survey;
	if ((result = control_list(call, survey_page)) != CONTROL_DONE)
		return result;
	for (unsigned i = 0; i < sizeof(survey.accounts) / sizeof(survey.accounts[0]); i++) {
		if (survey.accounts[i] != 0)
			control_say(call, CONTROL_OUT, "class %" PRIu64 " %.0f",
			    survey.accounts[i], survey.bytes[i] / (double)survey.accounts[i]);
	}
	return CONTROL_DONE;
}
