/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef SERVICES_RETENTION_SHOW_H
#define SERVICES_RETENTION_SHOW_H

#include "services/call.h"
#include "services/retention/rules.h"

/*
 * The rules, and whether the account was told that it will be erased; after
 * service_authenticate().
 */
DOM_MUST_CHECK enum dom_status retention_show(struct service_call *call);

#endif
