/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Stopping in good order. */
#include "cli/cli.h"

volatile sig_atomic_t cli_stopping;

static void
stop_by_signal(int number)
{
	(void)number;
	cli_stopping = 1;
}

void
cli_catch_signals(void)
{
	/* Once only: who asks twice means it.  Without SA_RESTART a question ends. */
	struct sigaction action = {.sa_handler = stop_by_signal, .sa_flags = (int)SA_RESETHAND};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}
