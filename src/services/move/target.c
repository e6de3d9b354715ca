/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The region that an account moves to. */
#include "services/move/parts.h"

enum dom_status
move_room(struct service_call *call)
{
	return service_refuse(call, SERVICE_MOVE_REFUSED,
	    "This region takes no accounts of other regions: nothing was changed.");
}

enum dom_status
move_handoff(struct service_call *call)
{
	return service_refuse(call, SERVICE_MOVE_REFUSED,
	    "This region takes no accounts of other regions: nothing was changed.");
}
