/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DAEMON_RETENTION_H
#define DAEMON_RETENTION_H

#include "daemon/configuration.h"
#include "services/retention/retention.h"

/*
 * The rules of this region, and the sweeps that hold them.  The rules never
 * change while it serves; one thread, the keeper's, takes steps; any thread
 * gets figures.
 */
struct retention_desk;

/*
 * DOM_EINPUT, DOM_ELIMIT: message_r says what is wrong with the rules.  Rules
 * that conflict are no failure: retention_desk_conflicts() says them.
 */
DOM_MUST_CHECK enum dom_status retention_desk_open(const struct configuration *configuration,
    const struct wire_catalogue *catalogue, struct retention_desk **desk_r, char *message_r,
    size_t message_size);
void retention_desk_close(struct retention_desk **desk);

const struct retention_rules *retention_desk_rules(const struct retention_desk *desk);
/* Each conflict as a sentence; how many there are. */
size_t retention_desk_conflicts(const struct retention_desk *desk,
    void (*say)(void *context, const char *sentence), void *context);

/*
 * Who is called, on the keeper's thread, when a rule has begun to erase an
 * account: for the devices that wait.  NULL: nobody; once this returns, nobody
 * is being called any more.  Any thread.
 */
void retention_desk_announce(struct retention_desk *desk,
    void (*begun)(void *context, const struct service_changes *changes), void *context);

/*
 * Look for one thing that is due and do it, in a job.  The service and its
 * store are the same in every call; reader is this thread's own.
 *   DOM_OK      done, or looked: call again, after a pause if others wait
 *   DOM_ABSENT  nothing is due for now
 *   below zero  it failed and was rolled back: call again later
 */
DOM_MUST_CHECK enum dom_status retention_desk_step(
    struct retention_desk *desk, const struct service *service, struct store_reader *reader);
void retention_desk_figures(struct retention_desk *desk, struct retention_figures *figures_r);

#endif
