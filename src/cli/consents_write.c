/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A consent in the words of two standards: Kantara Consent Receipt
 * Specification 1.1, and the record of ISO/IEC TS 27560:2023 (its sections
 * header, PII processing, events, party identification).
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/encode.h"

#include "cli/consents.h"
#include "cli/json.h"

enum { UUID_SIZE = 36 + 1, DATE_SIZE = 32 };

/*
 * Both want an id of their own: a UUID of version 8 (RFC 9562, section 5.8),
 * made of the statement's digest, so that it is the same in every export.
 */
static void
uuid_of(const uint8_t subject[32], char text_r[UUID_SIZE])
{
	uint8_t id[16];
	char hex[33];

	memcpy(id, subject, sizeof(id));
	id[6] = (uint8_t)((id[6] & 0x0f) | 0x80);
	id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
	dom_hex_encode(dom_slice(id, sizeof(id)), hex);
	snprintf(text_r, UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
	    hex + 16, hex + 20);
}

/* "2026-11-21T06:00:00Z" */
static const char *
date_of(int64_t ms, char text_r[DATE_SIZE])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm parts;

	if (gmtime_r(&seconds, &parts) == NULL ||
	    strftime(text_r, DATE_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		return NULL;
	return text_r;
}

/* The entry that was agreed to, if the region still has it; NULL: its terms have changed. */
static const struct dom_catalogue_entry *
entry_of(const struct consents_context *context, const struct dom_statement *statement)
{
	const struct dom_catalogue_entry *entry =
	    dom_catalogue_find(context->catalogue, statement->service);

	return entry != NULL && memcmp(entry->terms, statement->terms, DOM_TERMS_SIZE) == 0
	           ? entry
	           : NULL;
}

static void
put_hex(struct json *json, const char *key, const uint8_t bytes[32])
{
	json_hex(json, key, dom_slice(bytes, 32));
}

/* What was shown is the region's catalogue. */
static void
put_policy(struct json *json, const char *key, const struct consents_context *context)
{
	char url[2048];
	size_t size = strlen(context->server);

	snprintf(url, sizeof(url), "%s%sdomicile/v1/catalogue/", context->server,
	    size > 0 && context->server[size - 1] == '/' ? "" : "/");
	json_text(json, key, url);
}

/* When the person's word ends, in words. */
static void
put_termination(struct json *json, const char *key, const struct dom_statement *statement)
{
	char text[256], date[DATE_SIZE];
	const char *until =
	    statement->until_ms == 0 ? NULL : date_of(statement->until_ms, date);

	snprintf(text, sizeof(text),
	    "Withdrawn at any time with \"domicile off %s\"%s%s; what is stored is kept until "
	    "it "
	    "is erased%s%s",
	    statement->service, until == NULL ? "" : "; ends on ", until == NULL ? "" : until,
	    statement->retention[0] == '\0' ? "" : ", what was replaced or deleted for ",
	    statement->retention);
	json_text(json, key, text);
}

static void
put_classes(struct json *json, const char *key, const struct dom_catalogue_entry *entry)
{
	json_open(json, key, '[');
	for (size_t i = 0; entry != NULL && i < entry->data_class_count; i++)
		json_text(json, NULL, entry->data_classes[i]);
	json_close(json);
}

static void
write_kantara(struct json *json, const struct consents_context *context,
    const struct dom_statement *statement, const char *id)
{
	const struct dom_catalogue_entry *entry = entry_of(context, statement);

	json_text(json, "version", "KI-CR-v1.1.0");
	json_text(json, "jurisdiction", context->region);
	json_number(json, "consentTimestamp", (uint64_t)statement->issued_ms / 1000);
	json_text(json, "collectionMethod",
	    "the person's device showed the region's catalogue and signed");
	json_text(json, "consentReceiptID", id);
	put_hex(json, "publicKey", context->region_public);
	json_text(json, "language", "en");
	put_hex(json, "piiPrincipalId", statement->account);
	json_open(json, "piiControllers", '[');
	json_open(json, NULL, '{');
	json_text(json, "piiController", context->region);
	json_bool(json, "onBehalf", false);
	json_text(json, "contact", context->region);
	json_text(json, "piiControllerUrl", context->server);
	json_close(json);
	json_close(json);
	put_policy(json, "policyUrl", context);
	json_open(json, "services", '[');
	json_open(json, NULL, '{');
	json_text(json, "service", statement->service);
	json_open(json, "purposes", '[');
	json_open(json, NULL, '{');
	json_text(json, "purpose", statement->purpose);
	json_open(json, "purposeCategory", '[');
	json_text(json, NULL, "Core Function");
	json_close(json);
	json_text(json, "consentType", "EXPLICIT");
	put_classes(json, "piiCategory", entry);
	json_bool(json, "primaryPurpose", true);
	put_termination(json, "termination", statement);
	json_bool(json, "thirdPartyDisclosure", false);
	json_close(json);
	json_close(json);
	json_close(json);
	json_close(json);
	/* What it is, only the person can read. */
	json_bool(json, "sensitive", false);
	json_open(json, "spiCat", '[');
	json_close(json);
}

static void
put_event(struct json *json, int64_t ms, const char *type, const char *state, int64_t until_ms)
{
	char date[DATE_SIZE];

	json_open(json, NULL, '{');
	json_text(json, "event_time", date_of(ms, date));
	if (until_ms != 0)
		json_text(json, "validity_until", date_of(until_ms, date));
	json_text(json, "event_type", type);
	json_text(json, "event_state", state);
	json_text(json, "entity_id", "pii_principal");
	json_close(json);
}

static void
put_processing(struct json *json, const struct consents_context *context,
    const struct dom_statement *statement)
{
	const struct dom_catalogue_entry *entry = entry_of(context, statement);

	json_open(json, "pii_processing", '{');
	put_policy(json, "privacy_notice", context);
	json_text(json, "language", "en");
	json_open(json, "purposes", '[');
	json_open(json, NULL, '{');
	json_text(json, "purpose", statement->purpose);
	json_text(json, "purpose_type", "service provision");
	json_text(json, "lawful_basis", "consent");
	json_open(json, "services", '[');
	json_text(json, NULL, statement->service);
	json_close(json);
	json_open(json, "pii_information", '[');
	for (size_t i = 0; entry != NULL && i < entry->data_class_count; i++) {
		json_open(json, NULL, '{');
		json_text(json, "pii_type", entry->data_classes[i]);
		json_bool(json, "pii_optional", true);
		json_close(json);
	}
	json_close(json);
	json_open(json, "pii_controllers", '[');
	json_text(json, NULL, "region");
	json_close(json);
	json_text(json, "collection_method", "backup or sync by the person's own devices");
	json_text(json, "processing_method",
	    "storage of what is encrypted on the person's devices; the region has no key");
	json_open(json, "storage_locations", '[');
	json_text(json, NULL, context->region);
	json_close(json);
	put_termination(json, "retention_period", statement);
	json_open(json, "recipients", '[');
	for (size_t i = 0; entry != NULL && i < entry->reader_count; i++) {
		json_open(json, NULL, '{');
		json_text(json, "recipient", entry->readers[i].who);
		json_text(json, "information", entry->readers[i].what);
		json_close(json);
	}
	json_close(json);
	json_text(json, "withdrawal_method", "domicile off, with the same number of steps");
	json_close(json);
	json_close(json);
	json_close(json);
}

static void
write_iso27560(struct json *json, const struct consents_context *context,
    const struct dom_statement *statement, const char *id)
{
	json_open(json, "record_header", '{');
	json_text(json, "schema_version", "ISO/IEC TS 27560:2023");
	json_text(json, "record_id", id);
	put_hex(json, "pii_principal_id", statement->account);
	json_close(json);
	put_processing(json, context, statement);
	json_open(json, "consent_events", '[');
	put_event(json, statement->issued_ms, "explicit", "consent given", statement->until_ms);
	if (context->withdrawn_ms != 0)
		put_event(json, context->withdrawn_ms, "explicit", "withdrawn or replaced", 0);
	json_close(json);
	json_open(json, "party_identification", '[');
	json_open(json, NULL, '{');
	json_text(json, "party_id", "region");
	json_text(json, "party_type", "pii_controller");
	json_text(json, "party_name", context->region);
	json_text(json, "party_url", context->server);
	put_hex(json, "party_public_key", context->region_public);
	json_close(json);
	json_open(json, NULL, '{');
	json_text(json, "party_id", "pii_principal");
	json_text(json, "party_type", "pii_principal");
	json_text(json, "party_name", context->account);
	json_close(json);
	json_close(json);
}

bool
consents_write(FILE *out, enum consents_format format, const struct consents_context *context,
    const struct dom_statement *statement)
{
	struct json json = {.out = out};
	char id[UUID_SIZE];

	uuid_of(statement->subject, id);
	json_open(&json, NULL, '{');
	if (format == CONSENTS_KANTARA)
		write_kantara(&json, context, statement, id);
	else
		write_iso27560(&json, context, statement, id);
	/* What only we have: where it stands among the account's statements. */
	json_open(&json, "domicile", '{');
	json_number(&json, "serial", statement->serial);
	json_number(&json, "catalogue_version", statement->version);
	put_hex(&json, "terms", statement->terms);
	json_time(&json, "accepted_ms", statement->accepted_ms);
	put_hex(&json, "subject", statement->subject);
	json_finish(&json);
	return ferror(out) == 0;
}
