/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Waiting until something is erased, and saying what the region signed. */
#include "cli/erasing.h"

#include <inttypes.h>
#include <string.h>

#include "cli/text.h"

static bool
show(void *context, const struct dom_erasure *so_far)
{
	struct erasing *erasing = context;

	terminal_bar_at(&erasing->cli->terminal, so_far->bytes, so_far->items);
	return !cli_stopping;
}

static void
say_backups(const struct dom_erasure *erasure)
{
	char day[TEXT_SHORT];

	if (erasure->backups_ms == 0) {
		puts("The region says that it makes no backups.");
		return;
	}
	printf("Backups of the region may hold it, encrypted, until %s at the latest.\n",
	    text_time(erasure->backups_ms, day));
}

/* Each collection has an item of its own that is no record. */
static void
say_end(const struct erasing *erasing, const struct dom_erasure *erasure)
{
	printf("%s: erased, and nothing of it is left in the region: %" PRIu64
	       " records and files with %" PRIu64 " revisions, %" PRIu64 " bytes\n",
	    erasing->what, erasure->items - erasure->collections, erasure->revisions,
	    erasure->bytes);
	say_backups(erasure);
	if (erasing->name != NULL)
		printf("The region has signed this: %s. Check it with domicile-verify.\n",
		    erasing->name);
	else
		printf("The region has signed this: %s/receipts/%s. Check it with "
		       "domicile-verify.\n",
		    erasing->cli->folder, erasure->receipt);
}

enum cli_exit
erasing_wait(struct erasing *erasing)
{
	struct cli *cli = erasing->cli;
	struct dom_erasure_wait wait = {.wait_ms = -1,
	    .progress = show,
	    .context = erasing,
	    .folder = erasing->folder,
	    .name = erasing->name};
	struct dom_erasure erasure;
	enum dom_status st;

	memcpy(wait.request, erasing->request, sizeof(wait.request));
	terminal_bar(&cli->terminal, "erasing", 0);
	st = dom_erasure_wait(cli->session, &wait, &erasure);
	terminal_bar_end(&cli->terminal);
	if (st == DOM_OK) {
		say_end(erasing, &erasure);
		return CLI_DONE;
	}
	if (cli_is_away(st))
		(void)cli_fail(cli, st, "the receipt is not here");
	if (st == DOM_CONFLICT || cli_is_away(st)) {
		cli_say(cli,
		    "%s: nobody can read it any more; the region goes on erasing by "
		    "itself. Its receipt is fetched by: domicile erase receipts",
		    erasing->what);
		return st == DOM_CONFLICT ? CLI_STOPPED : cli_exit_of(st);
	}
	return cli_fail(cli, st, "the receipt is not here");
}
