/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Bodies under /domicile/v1/: statements, consents, sessions, the region. */
#include "crypto/keys.h"

#include "wire/decode.h"
#include "wire/receipt.h"
#include "wire/statement.h"

enum {
	SIGNATURE_SIZE_MAX = 1024,
	RESPONSE_SIZE_MAX = 1024,
	SESSION_ID_SIZE_MAX = 64,
	DEVICE_SIZE_MAX = 256,
	RELEASE_SIZE_MAX = 64,
	LIST_MAX = 100000,
};

static void
put_optional(struct dom_buffer *body, struct dom_slice bytes)
{
	if (bytes.data == NULL)
		dom_pack_put_nil(body);
	else
		dom_pack_put_bin(body, bytes);
}

enum dom_status
wire_signed_statement_decode(struct dom_slice body, struct wire_signed_statement *signed_r)
{
	static const struct wire_field fields[] = {
	    {"statement", wire_read_bytes, offsetof(struct wire_signed_statement, statement), 0,
	        WIRE_STATEMENT_SIZE_MAX, false},
	    {"signature", wire_read_bytes, offsetof(struct wire_signed_statement, signature), 0,
	        SIGNATURE_SIZE_MAX, false},
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, NULL);

	*signed_r = (struct wire_signed_statement){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), signed_r);
	return wire_decoder_finish(&decoder);
}

void
wire_signed_statement_encode(
    struct dom_buffer *body, const struct wire_signed_statement *message)
{
	dom_pack_put_map(body, 2);
	dom_pack_put_text(body, "statement");
	dom_pack_put_bin(body, message->statement);
	dom_pack_put_text(body, "signature");
	dom_pack_put_bin(body, message->signature);
}

enum dom_status
wire_countersigned_decode(struct dom_slice body, struct wire_countersigned *countersigned_r)
{
	static const struct wire_field fields[] = {
	    {"receipt", wire_read_bytes, offsetof(struct wire_countersigned, receipt), 1,
	        WIRE_RECEIPT_SIZE_MAX, false},
	    {"signature", wire_read_bytes, offsetof(struct wire_countersigned, signature),
	        DOM_SIGNATURE_SIZE, DOM_SIGNATURE_SIZE, false},
	    {"request", wire_read_bytes, offsetof(struct wire_countersigned, request),
	        WIRE_SUBJECT_SIZE, WIRE_SUBJECT_SIZE, true},
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, NULL);

	*countersigned_r = (struct wire_countersigned){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), countersigned_r);
	return wire_decoder_finish(&decoder);
}

void
wire_countersigned_encode(
    struct dom_buffer *body, const struct wire_countersigned *countersigned)
{
	dom_pack_put_map(body, countersigned->request.data == NULL ? 2 : 3);
	dom_pack_put_text(body, "receipt");
	dom_pack_put_bin(body, countersigned->receipt);
	dom_pack_put_text(body, "signature");
	dom_pack_put_bin(body, countersigned->signature);
	if (countersigned->request.data == NULL)
		return;
	dom_pack_put_text(body, "request");
	dom_pack_put_bin(body, countersigned->request);
}

enum dom_status
wire_statement_key_decode(struct dom_slice body, struct wire_statement_key *key_r)
{
	static const struct wire_field fields[] = {
	    {"pubkey", wire_read_bytes, offsetof(struct wire_statement_key, pubkey),
	        DOM_PUBLIC_KEY_SIZE, DOM_PUBLIC_KEY_SIZE, false},
	    {"response", wire_read_bytes, offsetof(struct wire_statement_key, response), 0,
	        RESPONSE_SIZE_MAX, false},
	    {"signature", wire_read_bytes, offsetof(struct wire_statement_key, signature), 0,
	        SIGNATURE_SIZE_MAX, false},
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, NULL);

	*key_r = (struct wire_statement_key){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), key_r);
	return wire_decoder_finish(&decoder);
}

void
wire_statement_key_encode(struct dom_buffer *body, const struct wire_statement_key *key)
{
	dom_pack_put_map(body, 3);
	dom_pack_put_text(body, "pubkey");
	dom_pack_put_bin(body, key->pubkey);
	dom_pack_put_text(body, "response");
	dom_pack_put_bin(body, key->response);
	dom_pack_put_text(body, "signature");
	dom_pack_put_bin(body, key->signature);
}

static void
read_service(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct dom_slice service = {0};

	wire_read_text(decoder, field, &service);
	if (!wire_service_valid(service))
		wire_decoder_fail(decoder, DOM_EINPUT, "must be the name of a service");
	*(struct dom_slice *)target = service;
}

static const char *const consent_states[WIRE_CONSENT_STATE_COUNT] = {
    "on", "ended", "changed", "gone"};

static void
read_consent_state(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct dom_slice word = {0};
	unsigned state = 0;

	wire_read_text(decoder, field, &word);
	while (state < WIRE_CONSENT_STATE_COUNT && !dom_slice_is(word, consent_states[state]))
		state++;
	if (state == WIRE_CONSENT_STATE_COUNT)
		wire_decoder_fail(decoder, DOM_EINPUT, "must be on, ended, changed or gone");
	*(enum wire_consent_state *)target = (enum wire_consent_state)state;
}

static void
take_consent(struct wire_decoder *decoder, void *element)
{
	static const struct wire_field fields[] = {
	    {"service", read_service, offsetof(struct wire_consent_entry, service), 1,
	        WIRE_SERVICE_SIZE_MAX, false},
	    {"serial", wire_read_uint64, offsetof(struct wire_consent_entry, serial), 1,
	        INT64_MAX, false},
	    {"until", wire_read_int64, offsetof(struct wire_consent_entry, until_ms), 0,
	        INT64_MAX, false},
	    {"version", wire_read_uint64, offsetof(struct wire_consent_entry, version), 0,
	        UINT32_MAX, false},
	    {"state", read_consent_state, offsetof(struct wire_consent_entry, state), 1, 16,
	        false},
	};

	wire_read_map(decoder, fields, WIRE_COUNT(fields), element);
}

static void
read_consents(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct wire_consents *consents = target;

	(void)field;
	consents->entries = wire_read_array(
	    decoder, sizeof(*consents->entries), 1, LIST_MAX, take_consent, &consents->count);
}

enum dom_status
wire_consents_decode(
    struct dom_slice body, struct dom_arena *arena, struct wire_consents *consents_r)
{
	static const struct wire_field fields[] = {
	    {"region", wire_read_text, offsetof(struct wire_consents, region), 0,
	        WIRE_REGION_SIZE_MAX, false},
	    {"serial", wire_read_uint64, offsetof(struct wire_consents, serial), 0, INT64_MAX,
	        false},
	    {"statementKey", wire_read_bytes, offsetof(struct wire_consents, statement_key),
	        DOM_PUBLIC_KEY_SIZE, DOM_PUBLIC_KEY_SIZE, true},
	    {"consents", read_consents, 0, 0, 0, false},
	};
	struct wire_decoder decoder = wire_decoder_over(body, arena, NULL);

	*consents_r = (struct wire_consents){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), consents_r);
	return wire_decoder_finish(&decoder);
}

void
wire_consents_encode(struct dom_buffer *body, const struct wire_consents *consents)
{
	dom_pack_put_map(body, 4);
	dom_pack_put_text(body, "region");
	dom_pack_put_str(body, consents->region);
	dom_pack_put_text(body, "serial");
	dom_pack_put_int(body, (int64_t)consents->serial);
	dom_pack_put_text(body, "statementKey");
	put_optional(body, consents->statement_key);
	dom_pack_put_text(body, "consents");
	dom_pack_put_array(body, consents->count);
	for (size_t i = 0; i < consents->count; i++) {
		dom_pack_put_map(body, 5);
		dom_pack_put_text(body, "service");
		dom_pack_put_str(body, consents->entries[i].service);
		dom_pack_put_text(body, "serial");
		dom_pack_put_int(body, (int64_t)consents->entries[i].serial);
		dom_pack_put_text(body, "until");
		dom_pack_put_int(body, consents->entries[i].until_ms);
		dom_pack_put_text(body, "version");
		dom_pack_put_int(body, (int64_t)consents->entries[i].version);
		dom_pack_put_text(body, "state");
		dom_pack_put_text(body, consent_states[consents->entries[i].state]);
	}
}

struct statements {
	struct wire_statement_entry *entries;
	size_t count;
	bool done;
};

static void
take_statement(struct wire_decoder *decoder, void *element)
{
	static const struct wire_field fields[] = {
	    {"statement", wire_read_bytes, offsetof(struct wire_statement_entry, statement), 0,
	        WIRE_STATEMENT_SIZE_MAX, false},
	    {"signature", wire_read_bytes, offsetof(struct wire_statement_entry, signature), 0,
	        SIGNATURE_SIZE_MAX, false},
	    {"accepted", wire_read_int64, offsetof(struct wire_statement_entry, accepted_ms), 0,
	        INT64_MAX, false},
	    {"receipt", wire_read_bytes, offsetof(struct wire_statement_entry, receipt), 1,
	        WIRE_RECEIPT_SIZE_MAX, true},
	    {"receiptSignature", wire_read_bytes,
	        offsetof(struct wire_statement_entry, receipt_signature), DOM_SIGNATURE_SIZE,
	        DOM_SIGNATURE_SIZE, true},
	};

	wire_read_map(decoder, fields, WIRE_COUNT(fields), element);
}

static void
read_statements(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct statements *statements = target;

	(void)field;
	statements->entries = wire_read_array(decoder, sizeof(*statements->entries), 1,
	    LIST_MAX, take_statement, &statements->count);
}

enum dom_status
wire_statements_decode(struct dom_slice body, struct dom_arena *arena,
    struct wire_statement_entry **entries_r, size_t *count_r, bool *done_r)
{
	static const struct wire_field fields[] = {
	    {"statements", read_statements, 0, 0, 0, false},
	    {"done", wire_read_bool, offsetof(struct statements, done), 0, 0, false},
	};
	struct wire_decoder decoder = wire_decoder_over(body, arena, NULL);
	struct statements statements = {0};

	wire_read_map(&decoder, fields, WIRE_COUNT(fields), &statements);
	*entries_r = statements.entries;
	*count_r = statements.count;
	*done_r = statements.done;
	return wire_decoder_finish(&decoder);
}

void
wire_statements_encode(struct dom_buffer *body, const struct wire_statement_entry *entries,
    size_t count, bool done)
{
	dom_pack_put_map(body, 2);
	dom_pack_put_text(body, "statements");
	dom_pack_put_array(body, count);
	for (size_t i = 0; i < count; i++) {
		dom_pack_put_map(body, 5);
		dom_pack_put_text(body, "statement");
		dom_pack_put_bin(body, entries[i].statement);
		dom_pack_put_text(body, "signature");
		dom_pack_put_bin(body, entries[i].signature);
		dom_pack_put_text(body, "accepted");
		dom_pack_put_int(body, entries[i].accepted_ms);
		dom_pack_put_text(body, "receipt");
		put_optional(body, entries[i].receipt);
		dom_pack_put_text(body, "receiptSignature");
		put_optional(body, entries[i].receipt_signature);
	}
	dom_pack_put_text(body, "done");
	dom_pack_put_bool(body, done);
}

struct sessions {
	struct wire_session *sessions;
	size_t count;
};

static void
take_session(struct wire_decoder *decoder, void *element)
{
	static const struct wire_field fields[] = {
	    {"id", wire_read_text, offsetof(struct wire_session, id), 1, SESSION_ID_SIZE_MAX,
	        false},
	    {"device", wire_read_text, offsetof(struct wire_session, device), 0,
	        DEVICE_SIZE_MAX, false},
	    {"created", wire_read_int64, offsetof(struct wire_session, created_ms), 0,
	        INT64_MAX, false},
	    {"used", wire_read_int64, offsetof(struct wire_session, used_ms), 0, INT64_MAX,
	        false},
	    {"current", wire_read_bool, offsetof(struct wire_session, is_current), 0, 0, false},
	};

	wire_read_map(decoder, fields, WIRE_COUNT(fields), element);
}

static void
read_sessions(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct sessions *sessions = target;

	(void)field;
	sessions->sessions = wire_read_array(
	    decoder, sizeof(*sessions->sessions), 1, LIST_MAX, take_session, &sessions->count);
}

enum dom_status
wire_sessions_decode(struct dom_slice body, struct dom_arena *arena,
    struct wire_session **sessions_r, size_t *count_r)
{
	static const struct wire_field fields[] = {
	    {"sessions", read_sessions, 0, 0, 0, false},
	};
	struct wire_decoder decoder = wire_decoder_over(body, arena, NULL);
	struct sessions sessions = {0};

	wire_read_map(&decoder, fields, WIRE_COUNT(fields), &sessions);
	*sessions_r = sessions.sessions;
	*count_r = sessions.count;
	return wire_decoder_finish(&decoder);
}

void
wire_sessions_encode(struct dom_buffer *body, const struct wire_session *sessions, size_t count)
{
	dom_pack_put_map(body, 1);
	dom_pack_put_text(body, "sessions");
	dom_pack_put_array(body, count);
	for (size_t i = 0; i < count; i++) {
		dom_pack_put_map(body, 5);
		dom_pack_put_text(body, "id");
		dom_pack_put_str(body, sessions[i].id);
		dom_pack_put_text(body, "device");
		dom_pack_put_str(body, sessions[i].device);
		dom_pack_put_text(body, "created");
		dom_pack_put_int(body, sessions[i].created_ms);
		dom_pack_put_text(body, "used");
		dom_pack_put_int(body, sessions[i].used_ms);
		dom_pack_put_text(body, "current");
		dom_pack_put_bool(body, sessions[i].is_current);
	}
}

enum dom_status
wire_region_decode(struct dom_slice body, struct wire_region *region_r)
{
	static const struct wire_field fields[] = {
	    {"name", wire_read_text, offsetof(struct wire_region, name), 1,
	        WIRE_REGION_SIZE_MAX, false},
	    {"release", wire_read_text, offsetof(struct wire_region, release), 0,
	        RELEASE_SIZE_MAX, false},
	    {"publicKey", wire_read_bytes, offsetof(struct wire_region, public_key),
	        DOM_PUBLIC_KEY_SIZE, DOM_PUBLIC_KEY_SIZE, false},
	    {"signup", wire_read_bool, offsetof(struct wire_region, signup_open), 0, 0, false},
	};
	struct wire_decoder decoder = wire_decoder_over(body, NULL, NULL);

	*region_r = (struct wire_region){0};
	wire_read_map(&decoder, fields, WIRE_COUNT(fields), region_r);
	return wire_decoder_finish(&decoder);
}

void
wire_region_encode(struct dom_buffer *body, const struct wire_region *region)
{
	dom_pack_put_map(body, 4);
	dom_pack_put_text(body, "name");
	dom_pack_put_str(body, region->name);
	dom_pack_put_text(body, "release");
	dom_pack_put_str(body, region->release);
	dom_pack_put_text(body, "publicKey");
	dom_pack_put_bin(body, region->public_key);
	dom_pack_put_text(body, "signup");
	dom_pack_put_bool(body, region->signup_open);
}
