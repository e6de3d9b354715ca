/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a person's device asks about moving. */
#include "services/move/parts.h"

static const char no_group[] =
    "This region belongs to no group of regions: accounts cannot move from here.";

enum dom_status
move_group(struct service_call *call)
{
	if (call->service->settings.group == NULL)
		return service_refuse(call, SERVICE_DOES_NOT_EXIST,
		    "This region belongs to no group of regions.");
	dom_buffer_append_slice(&call->reply->body, call->service->settings.group_file);
	call->reply->body_is_raw = true;
	return DOM_OK;
}

enum dom_status
move_list(struct service_call *call)
{
	wire_moves_encode(&call->reply->body, NULL, 0);
	return DOM_OK;
}

enum dom_status
move_plan(struct service_call *call)
{
	return service_refuse(call, SERVICE_MOVE_REFUSED, no_group);
}

enum dom_status
move_certificate(struct service_call *call)
{
	return service_refuse(
	    call, SERVICE_DOES_NOT_EXIST, "There is no move of this number of your account.");
}
