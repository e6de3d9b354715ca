/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The region's catalogue of services, as everyone may read it. */
#include "wire/catalogue.h"

#include "services/consent/consent.h"

/* packaging/services.json, made into C by the build. */
extern const uint8_t consent_services_json[];
extern const size_t consent_services_json_size;

struct dom_slice
consent_catalogue_built_in(void)
{
	return dom_slice(consent_services_json, consent_services_json_size);
}

enum dom_status
consent_catalogue(struct service_call *call)
{
	const struct wire_catalogue *catalogue = call->service->settings.catalogue;

	if (catalogue == NULL)
		return service_refuse(
		    call, SERVICE_DOES_NOT_EXIST, "This region has no catalogue of services.");
	dom_buffer_append_slice(&call->reply->body, catalogue->text);
	call->reply->body_is_raw = true;
	return DOM_OK;
}
