/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile verify: download and check every revision and chunk that the region holds. */
#include <stdlib.h>
#include <string.h>

#include <domicile/collection.h>

#include "cli/account.h"
#include "cli/collections.h"
#include "cli/text.h"

struct verify {
	struct cli *cli;
	const char *service;
	uint64_t items_all;
};

static void
verify_progress(void *context, const struct dom_verify_counts *counts, uint64_t items_all)
{
	struct verify *verify = context;

	verify->items_all = items_all;
	terminal_bar_at(&verify->cli->terminal, counts->bytes, counts->items);
}

static void
verify_problem(void *context, const char *item_uid, const char *what)
{
	struct verify *verify = context;

	cli_say(verify->cli, "%s, item %.64s: %s", verify->service, item_uid, what);
}

static enum cli_exit
verify_one(struct cli *cli, const struct known_collection *known, struct dom_verify_counts *sum)
{
	struct verify verify = {.cli = cli,
	    .service =
	        known->service == SERVICE_COUNT ? "other" : services[known->service].name};
	const struct dom_verify_sink sink = {verify_progress, verify_problem, &verify};
	struct dom_verify_counts counts = {0};
	struct dom_collection *collection = NULL;
	char items[TEXT_SHORT], revisions[TEXT_SHORT], bytes[TEXT_SHORT];
	enum dom_status st = dom_collection_open(cli->session, known->uid, &collection);

	terminal_bar(&cli->terminal, verify.service, known->bytes);
	if (st == DOM_OK)
		st = dom_collection_verify(collection, &sink, &counts);
	terminal_bar_end(&cli->terminal);
	dom_collection_free(&collection);
	sum->items += counts.items;
	sum->revisions += counts.revisions;
	sum->chunks += counts.chunks;
	sum->bytes += counts.bytes;
	sum->bad += counts.bad;
	if (st != DOM_OK)
		return cli_fail(cli, st, "the check stopped");
	printf("%-9s %s items in %s revisions, %s: %s\n", verify.service,
	    text_count(counts.items, items), text_count(counts.revisions, revisions),
	    text_bytes(counts.bytes, bytes),
	    counts.bad == 0 ? "all good" : "damaged, see above");
	return CLI_DONE;
}

static enum cli_exit
verify_run(struct cli *cli)
{
	struct known_collections all = {0};
	struct dom_verify_counts sum = {0};
	char items[TEXT_SHORT], chunks[TEXT_SHORT], bytes[TEXT_SHORT], bad[TEXT_SHORT];
	bool wanted[SERVICE_COUNT + 1];
	enum cli_exit outcome = collections_wanted(cli, wanted);
	enum dom_status st;

	if (outcome == CLI_DONE)
		outcome = account_open(cli);
	if (outcome != CLI_DONE)
		return outcome;
	st = dom_sync(cli->session);
	if (st == DOM_OK)
		st = collections_list(cli->session, &all);
	if (st != DOM_OK)
		outcome = cli_fail(cli, st, "the check did not begin");
	for (size_t at = 0; at < all.count && outcome == CLI_DONE; at++) {
		if (wanted[all.list[at].service])
			outcome = verify_one(cli, &all.list[at], &sum);
	}
	collections_free(&all);
	if (outcome != CLI_DONE)
		return outcome;
	printf("verified  %s items, %s chunks, %s: %s\n", text_count(sum.items, items),
	    text_count(sum.chunks, chunks), text_bytes(sum.bytes, bytes),
	    sum.bad == 0 ? "everything is what was stored" : "there is damage");
	if (sum.bad > 0)
		cli_say(cli,
		    "%s problems: the region holds something else than was stored; back up "
		    "again from a device that still has it, and tell the operator",
		    text_count(sum.bad, bad));
	return sum.bad == 0 ? CLI_DONE : CLI_FAILED;
}

static const struct cli_option verify_options[] = {
    {"service", "NAME", "only this service; may be given several times"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_verify = {
    .name = "verify",
    .usage = "[--service NAME]...",
    .summary = "download and check everything that the region holds",
    .about = "Downloads every revision of every item with all its chunks and checks their\n"
             "authentication with your keys: the region can neither change, swap nor shorten\n"
             "anything unseen.  Nothing is written to this device.\n",
    .examples = "  domicile verify\n  domicile verify --service contacts\n",
    .options = verify_options,
    .words_min = 0,
    .words_max = 0,
    .run = verify_run,
};
