/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* See facade.h. */
#include "facade.h"

#include <stdio.h>
#include <stdlib.h>

#include "crypto/group.h"
#include "crypto/region.h"

#include "wire/group.h"
#include "wire/moves.h"

#include "client/client.h"

struct facade facades[FACADE_COUNT] = {
    [FACADE_SG] = {.name = "sg", .url = "http://127.0.0.1:8031"},
    [FACADE_PT] = {.name = "pt", .url = "http://127.0.0.1:8032"},
    [FACADE_IN] = {.name = "in", .url = "http://127.0.0.1:8037"},
};
struct dom_buffer facade_group;

/* Of the account that a certificate is about. */
static uint8_t statement_public[DOM_PUBLIC_KEY_SIZE];

struct facade_transport {
	struct dom_transport api;
	struct facade *facade;
	struct dom_transport *behind;
	struct dom_exchange *waiting; /* answered here */
};

/* --- what the regions sign ------------------------------------------------------- */

void
facade_sign_group(uint64_t version, bool other_key)
{
	static const uint8_t secrets[2][DOM_KEY_SIZE] = {{7}, {8}};
	struct wire_group_region regions[FACADE_COUNT];
	struct wire_group group = {.version = version,
	    .issued_ms = 1700000000000,
	    .name = dom_slice_of("Our family"),
	    .regions = regions,
	    .region_count = FACADE_COUNT};
	static const enum facade_name order[FACADE_COUNT] = {FACADE_IN, FACADE_PT, FACADE_SG};
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_group_key *key;
	const char *why;

	for (size_t i = 0; i < FACADE_COUNT; i++) {
		const struct facade *facade = &facades[order[i]];

		regions[i] = (struct wire_group_region){.name = dom_slice_of(facade->name),
		    .country = dom_slice_of("IN"),
		    .addresses = {dom_slice_of(facade->url)},
		    .address_count = 1,
		    .flags = WIRE_REGION_TAKES | WIRE_REGION_LETS,
		    .grace_max_days = 30};
		dom_region_sign_public(facade->key, regions[i].key);
	}
	assert_int_equal(
	    dom_group_key_from_bytes(dom_slice(secrets[other_key], DOM_KEY_SIZE), &key),
	    DOM_OK);
	dom_group_public(key, group.key);
	assert_int_equal(wire_group_check(&group, &why), DOM_OK);
	dom_buffer_clear(&facade_group);
	wire_group_encode(&facade_group, &group);
	dom_group_sign(key, dom_buffer_slice(&facade_group), signature);
	dom_buffer_append(&facade_group, signature, sizeof(signature));
	assert_int_equal(dom_buffer_finish(&facade_group), DOM_OK);
	dom_group_key_free(&key);
}

struct wire_move
facade_handoff(
    struct dom_session *session, enum facade_name from, enum facade_name to, uint64_t epoch)
{
	struct wire_move handoff = {.kind = WIRE_MOVE_HANDOFF,
	    .move = {1},
	    .attempt = {2},
	    .source = dom_slice_of(facades[from].name),
	    .target = dom_slice_of(facades[to].name),
	    .epoch = epoch,
	    .at_ms = 1700000000000,
	    .clock = 5,
	    .root = {3}};

	dom_session_identity(session, handoff.account);
	return handoff;
}

void
facade_move(
    enum facade_name from, const struct wire_move *handoff, const struct dom_region_key *signer)
{
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer bytes = {0};

	wire_move_encode(&bytes, handoff);
	assert_int_equal(dom_buffer_finish(&bytes), DOM_OK);
	dom_region_sign(signer, dom_buffer_slice(&bytes), signature);
	dom_buffer_clear(&facades[from].moved);
	wire_moved_encode(&facades[from].moved,
	    &(struct wire_moved){.detail = dom_slice_of("This account has moved."),
	        .handoff = {dom_buffer_slice(&bytes), dom_slice(signature, sizeof(signature))},
	        .address = dom_slice_of("http://127.0.0.1:9"), /* nobody believes it */
	        .region = handoff->target});
	assert_int_equal(dom_buffer_finish(&facades[from].moved), DOM_OK);
	facades[from].has_moved = true;
	dom_buffer_free(&bytes);
}

/* A message of the move, signed, into bytes_r; its digest is what the next one answers. */
static struct wire_signed_move
sign_move(struct wire_move *move, enum wire_move_kind kind, const struct dom_region_key *key,
    struct dom_buffer *bytes_r, uint8_t signature_r[DOM_SIGNATURE_SIZE])
{
	struct wire_signed_move message;

	move->kind = kind;
	wire_move_encode(bytes_r, move);
	assert_int_equal(dom_buffer_finish(bytes_r), DOM_OK);
	dom_region_sign(key, dom_buffer_slice(bytes_r), signature_r);
	message = (struct wire_signed_move){
	    dom_buffer_slice(bytes_r), dom_slice(signature_r, DOM_SIGNATURE_SIZE)};
	assert_int_equal(wire_move_digest(&message, move->answers), DOM_OK);
	return message;
}

/* The order, signed by the account, with the source's receipt. */
static void
make_order(struct dom_session *session, const struct wire_move *handoff, bool leave_shared,
    const struct dom_region_key *source, struct dom_buffer *evidence_r,
    uint8_t subject_r[WIRE_SUBJECT_SIZE])
{
	uint8_t signature[DOM_SIGNATURE_SIZE], receipt_signature[DOM_SIGNATURE_SIZE];
	struct dom_buffer bytes = {0}, receipt_bytes = {0};
	struct wire_statement order = {.kind = WIRE_MOVE_ORDER,
	    .serial = 1,
	    .region = handoff->source,
	    .service = dom_slice("", 0),
	    .target = handoff->target,
	    .epoch = handoff->epoch - 1,
	    .expires_ms = 1800000000000,
	    .leave_shared = leave_shared};
	struct wire_receipt receipt = {
	    .kind = WIRE_RECEIPT_TAKEN, .region = handoff->source, .clock = 1};
	struct wire_evidence evidence = {
	    .statement_public = dom_slice(statement_public, sizeof(statement_public)),
	    .signature = dom_slice(signature, sizeof(signature)),
	    .receipt_signature = dom_slice(receipt_signature, sizeof(receipt_signature))};

	dom_statement_public(session->account, statement_public);
	memcpy(order.account, handoff->account, sizeof(order.account));
	wire_statement_encode(&bytes, &order);
	evidence.statement = dom_buffer_slice(&bytes);
	dom_statement_sign(session->account, evidence.statement, signature);
	assert_int_equal(wire_subject(evidence.statement_public, evidence.statement,
	                     evidence.signature, receipt.subject),
	    DOM_OK);
	memcpy(subject_r, receipt.subject, WIRE_SUBJECT_SIZE);
	dom_region_sign_public(source, receipt.region_public);
	wire_receipt_encode(&receipt_bytes, &receipt);
	evidence.receipt = dom_buffer_slice(&receipt_bytes);
	dom_region_sign(source, evidence.receipt, receipt_signature);
	wire_evidence_encode(evidence_r, &evidence);
	assert_int_equal(dom_buffer_finish(evidence_r), DOM_OK);
	dom_buffer_free(&bytes);
	dom_buffer_free(&receipt_bytes);
}

void
facade_move_whole(struct dom_session *session, enum facade_name from, enum facade_name to,
    uint64_t epoch, bool leave_shared)
{
	const struct dom_region_key *source = facades[from].key, *target = facades[to].key;
	struct wire_move move = facade_handoff(session, from, to, epoch), handoff;
	uint8_t signatures[4][DOM_SIGNATURE_SIZE], subject[WIRE_SUBJECT_SIZE];
	struct dom_buffer bytes[4] = {{0}}, order = {0};
	struct wire_certificate all = {.group = dom_buffer_slice(&facade_group)};

	make_order(session, &move, leave_shared, source, &order, subject);
	all.order = dom_buffer_slice(&order);
	memcpy(move.move, subject, sizeof(move.move));
	memcpy(move.answers, subject, sizeof(move.answers));
	move.epoch = epoch - 1;
	all.freeze = sign_move(&move, WIRE_MOVE_FREEZE, source, &bytes[0], signatures[0]);
	all.prepare = sign_move(&move, WIRE_MOVE_PREPARE, target, &bytes[1], signatures[1]);
	move.epoch = epoch;
	handoff = move;
	handoff.kind = WIRE_MOVE_HANDOFF;
	all.handoff = sign_move(&move, WIRE_MOVE_HANDOFF, source, &bytes[2], signatures[2]);
	all.active = sign_move(&move, WIRE_MOVE_ACTIVE, target, &bytes[3], signatures[3]);
	dom_buffer_clear(&facades[to].certificate);
	wire_certificate_encode(&facades[to].certificate, &all);
	assert_int_equal(dom_buffer_finish(&facades[to].certificate), DOM_OK);
	facade_move(from, &handoff, source);
	for (size_t i = 0; i < 4; i++)
		dom_buffer_free(&bytes[i]);
	dom_buffer_free(&order);
}

void
facade_start(void)
{
	static const uint8_t bytes[FACADE_COUNT][32] = {"the key of the region sg",
	    "the key of the region pt", "region key of the client's tests"};

	region_start();
	for (int i = 0; i < FACADE_COUNT; i++)
		assert_int_equal(dom_region_key_from_bytes(
		                     dom_slice(bytes[i], sizeof(bytes[i])), &facades[i].key),
		    DOM_OK);
	facade_sign_group(1, false);
}

void
facade_reset(void)
{
	for (int i = 0; i < FACADE_COUNT; i++) {
		dom_buffer_free(&facades[i].moved);
		dom_buffer_free(&facades[i].certificate);
		facades[i] = (struct facade){
		    .name = facades[i].name, .url = facades[i].url, .key = facades[i].key};
	}
	facade_sign_group(1, false);
}

void
facade_copy_device(const char *from, const char *to)
{
	char command[600];

	snprintf(command, sizeof(command), "rm -rf '%s' && cp -r '%s' '%s'", region_device(to),
	    region_device(from), region_device(to));
	assert_int_equal(system(command), 0);
}

void
facade_stop(void)
{
	facade_reset();
	for (int i = 0; i < FACADE_COUNT; i++)
		dom_region_key_free(&facades[i].key);
	dom_buffer_free(&facade_group);
	region_stop();
}

/* --- answering ------------------------------------------------------------------- */

static void
answer(struct dom_exchange *exchange, int status, struct dom_slice body)
{
	exchange->status = status;
	exchange->reply = malloc(body.size + 1);
	assert_non_null(exchange->reply);
	if (body.size > 0)
		memcpy(exchange->reply, body.data, body.size);
	exchange->reply_size = body.size;
}

static void
answer_region(struct facade *facade, struct dom_exchange *exchange)
{
	uint8_t public_key[DOM_PUBLIC_KEY_SIZE];
	struct dom_buffer body = {0};

	dom_region_sign_public(facade->key, public_key);
	wire_region_encode(&body, &(struct wire_region){.name = dom_slice_of(facade->name),
	                              .release = dom_slice_of("1"),
	                              .public_key = dom_slice(public_key, sizeof(public_key))});
	answer(exchange, 200, dom_buffer_slice(&body));
	dom_buffer_free(&body);
}

/* An acknowledgement is taken, as any statement is. */
static bool
answer_ack(struct facade *facade, struct dom_exchange *exchange)
{
	uint8_t signature[DOM_SIGNATURE_SIZE];
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_buffer bytes = {0}, body = {0};
	struct wire_signed_statement message;
	struct wire_statement statement;
	struct wire_receipt receipt = {
	    .kind = WIRE_RECEIPT_TAKEN, .region = dom_slice_of(facade->name), .clock = 1};
	bool is_ack;

	assert_non_null(arena);
	assert_int_equal(wire_signed_statement_decode(exchange->body, &message), DOM_OK);
	assert_int_equal(wire_statement_decode(message.statement, arena, &statement), DOM_OK);
	is_ack = statement.kind == WIRE_MOVE_ACK;
	if (is_ack) {
		facade->acknowledged++;
		assert_true(dom_slice_is(statement.region, facade->name));
		dom_region_sign_public(facade->key, receipt.region_public);
		assert_int_equal(
		    wire_subject(dom_slice(statement_public, sizeof(statement_public)),
		        message.statement, message.signature, receipt.subject),
		    DOM_OK);
		wire_receipt_encode(&bytes, &receipt);
		dom_region_sign(facade->key, dom_buffer_slice(&bytes), signature);
		wire_countersigned_encode(
		    &body, &(struct wire_countersigned){.receipt = dom_buffer_slice(&bytes),
		               .signature = dom_slice(signature, sizeof(signature))});
		answer(exchange, 200, dom_buffer_slice(&body));
	}
	dom_buffer_free(&bytes);
	dom_buffer_free(&body);
	dom_arena_free(&arena);
	return is_ack;
}

static bool
is(const struct dom_exchange *exchange, const char *method, const char *path)
{
	return strcmp(exchange->method, method) == 0 &&
	       strncmp(exchange->path, path, strlen(path)) == 0;
}

/* Ours, or the region's behind? */
static bool
answer_here(struct facade *facade, struct dom_exchange *exchange)
{
	facade->asked++;
	if (facade->moves_at > 0 && --facade->moves_at == 0)
		facade->has_moved = true;
	if (is(exchange, "GET", "domicile/v1/region/")) {
		answer_region(facade, exchange);
	} else if (is(exchange, "GET", "domicile/v1/group/")) {
		answer(exchange, facade_group.size == 0 ? 404 : 200,
		    dom_buffer_slice(&facade_group));
	} else if (is(exchange, "POST", "domicile/v1/moves/handoff/")) {
		facade->carried++;
		answer(exchange, 204, dom_slice(NULL, 0));
	} else if (facade->has_erased && !is(exchange, "POST", "api/v1/authentication/login")) {
		answer(exchange, 401, dom_slice(NULL, 0));
	} else if (facade->has_moved) {
		answer(exchange, 403, dom_buffer_slice(&facade->moved));
	} else if (is(exchange, "GET", "domicile/v1/moves/") &&
	           strstr(exchange->path, "/certificate/") != NULL) {
		answer(exchange, facade->certificate.size == 0 ? 404 : 200,
		    dom_buffer_slice(&facade->certificate));
	} else if (is(exchange, "POST", "domicile/v1/statements/")) {
		return answer_ack(facade, exchange);
	} else {
		return false;
	}
	return true;
}

static enum dom_status
facade_submit(struct dom_transport *api, struct dom_exchange *exchange)
{
	struct facade_transport *transport = (struct facade_transport *)api;
	struct dom_exchange **at = &transport->waiting;

	if (transport->facade->is_down) {
		exchange->failure = DOM_ENETWORK;
		snprintf(exchange->reason, sizeof(exchange->reason), "the test cut it");
	} else if (!answer_here(transport->facade, exchange)) {
		return transport->behind->submit(transport->behind, exchange);
	}
	exchange->next = NULL;
	while (*at != NULL)
		at = &(*at)->next;
	*at = exchange;
	return DOM_OK;
}

static enum dom_status
facade_poll(struct dom_transport *api, int timeout_ms)
{
	struct facade_transport *transport = (struct facade_transport *)api;
	struct dom_exchange *exchange = transport->waiting;

	if (exchange == NULL)
		return transport->behind->poll(transport->behind, timeout_ms);
	transport->waiting = exchange->next;
	exchange->done(exchange);
	return DOM_OK;
}

static void
facade_close(struct dom_transport *api)
{
	struct facade_transport *transport = (struct facade_transport *)api;

	assert_null(transport->waiting);
	transport->behind->close(transport->behind);
	free(transport);
}

struct dom_transport *
facade_connect(void *context, const char *server_url)
{
	struct facade_transport *transport = calloc(1, sizeof(*transport));

	(void)context;
	assert_non_null(transport);
	transport->api = (struct dom_transport){
	    .submit = facade_submit, .poll = facade_poll, .close = facade_close};
	for (int i = 0; i < FACADE_COUNT; i++) {
		if (strncmp(server_url, facades[i].url, strlen(facades[i].url)) == 0)
			transport->facade = &facades[i];
	}
	if (transport->facade == NULL)
		fail_msg("nobody is at %s", server_url);
	transport->behind = region_connect();
	return &transport->api;
}

struct dom_session *
facade_log_in(const char *device, enum facade_name at, struct dom_complaint *complaint_r)
{
	const struct dom_session_options options = {.state_folder = region_device(device),
	    .server_url = facades[at].url,
	    .device = device,
	    .connect = facade_connect};
	struct dom_session *session;

	complaint_r->text[0] = '\0';
	if (dom_login(&options, &phone_credentials, &session, complaint_r) != DOM_OK)
		return NULL;
	return session;
}

struct dom_session *
facade_open(const char *device)
{
	const struct dom_session_options options = {
	    .state_folder = region_device(device), .connect = facade_connect};
	struct dom_complaint complaint = {""};
	struct dom_session *session;

	if (dom_session_open(&options, &session, &complaint) != DOM_OK)
		fail_msg("%s", complaint.text);
	session->retry_first_ms = 1;
	return session;
}

void
facade_start_with(const struct phone_record *records, size_t count)
{
	struct dom_complaint complaint;
	struct dom_import_counts counts;
	struct dom_session *session;

	facade_start();
	session = phone_sign_up("first");
	phone_turn_on(session);
	assert_ok(session, phone_backup(session, "things", records, count, &counts));
	dom_session_close(&session);
	if ((session = facade_log_in("model", FACADE_SG, &complaint)) == NULL)
		fail_msg("%s", complaint.text);
	assert_ok(session, dom_sync(session));
	dom_session_close(&session);
}

/* --- a device with an account in sg ------------------------------------------------- */

const struct phone_record facade_records[FACADE_RECORDS] = {
    {.key = "a", .source = "s", .order = 1, .seed = 1, .size = 100},
    {.key = "b", .source = "s", .order = 2, .seed = 2, .size = 90000},
    {.key = "c", .source = "s", .order = 3, .seed = 3, .size = 5},
};
struct dom_session *facade_phone;

int
facade_set_up_once(void **state)
{
	(void)state;
	facade_start_with(facade_records, FACADE_RECORDS);
	return 0;
}

int
facade_tear_down_once(void **state)
{
	(void)state;
	facade_stop();
	return 0;
}

int
facade_set_up(void **state)
{
	(void)state;
	facade_reset();
	facade_copy_device("model", "phone");
	facade_phone = facade_open("phone");
	return 0;
}

int
facade_tear_down(void **state)
{
	(void)state;
	dom_session_close(&facade_phone);
	return 0;
}
