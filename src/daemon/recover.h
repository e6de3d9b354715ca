/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_RECOVER_H
#define DAEMON_RECOVER_H

#include "daemon/configuration.h"
#include "daemon/journal.h"
#include "services/service.h"
#include "store/store.h"

/* The journal of this region's store, opened and followed. */
struct recovery {
	const struct configuration *configuration;
	const struct service *service; /* its key, clock and settings */
	struct store *store;
	bool forgets; /* begin with an empty journal: it is lost */
};

/*
 * Open the journal, and follow what the store does not know of it: after this
 * nothing that was erased or withdrawn is served, and the keeper has the rest
 * to do.  Before anybody is served.
 *
 *   followed_r  requests that were begun again
 *   message_r   on a failure what to do; else what an operator should know, or ""
 */
DOM_MUST_CHECK enum dom_status recover_journal(const struct recovery *recovery,
    struct journal_file **file_r, uint64_t *followed_r, char *message_r, size_t message_size);

/* After a restore: the same, and the keeper's work to its end, without a server. */
DOM_MUST_CHECK enum dom_status recover_restored(const struct configuration *configuration,
    bool forgets, uint64_t *followed_r, char *message_r, size_t message_size);

#endif
