/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* domicile help, and --help of each command. */
#include <string.h>

#include "cli/cli.h"

void
cli_help(FILE *out)
{
	fputs(
	    "domicile keeps a copy of your phone's data in the region you chose, encrypted so\n"
	    "that nobody but you can read it.  Everything is off until you turn it on.\n\n"
	    "usage: domicile COMMAND [OPTION...] [WORD...]\n\n",
	    out);
	for (size_t at = 0; cli_commands[at] != NULL; at++)
		fprintf(out, "  %-12s %s\n", cli_commands[at]->name, cli_commands[at]->summary);
	fputs(
	    "  help         what a command does, its options and examples\n\n"
	    "the first time:\n"
	    "  domicile signup ana --server https://region.example\n"
	    "  domicile on contacts photos\n"
	    "  domicile backup ~/phone-export\n"
	    "  domicile restore ~/restored\n\n"
	    "exit status:\n"
	    "  0 done   1 failed   2 some input was damaged, the rest is stored\n"
	    "  3 the services are off: nothing was sent   4 not logged in, or wrong password\n"
	    "  5 the server cannot be reached: the same command again finishes the job\n"
	    "  64 wrong usage   130 stopped by a signal\n\n"
	    "domicile help COMMAND and domicile(1) say more.\n",
	    out);
}

static void
help_options(FILE *out, const struct cli_option *options)
{
	for (; options != NULL && options->name != NULL; options++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", options->name,
		    options->value == NULL ? "" : " ",
		    options->value == NULL ? "" : options->value);
		fprintf(out, "  %-22s %s\n", left, options->help);
	}
}

void
cli_help_command(FILE *out, const struct cli_command *command)
{
	fprintf(out, "domicile %s: %s\n\nusage: domicile %s %s\n\n%s\noptions:\n",
	    command->name, command->summary, command->name, command->usage, command->about);
	help_options(out, command->options);
	help_options(out, cli_options_common);
	fprintf(out, "\nexamples:\n%s", command->examples);
}
