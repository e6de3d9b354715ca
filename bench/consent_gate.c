/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What the question of consent costs each write: the gate alone, for an account
 * with all services on, beside a whole write of one item of 1 KiB inside of the
 * writer, 50 to a commit.
 *
 *   consent_gate FOLDER     an empty folder on the disk to measure
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

#include "crypto/digest.h"
#include "crypto/region.h"

#include "wire/catalogue.h"

#include "services/consent/consent.h"
#include "services/vault/vault.h"

enum {
	CHECKS = 200000,
	WRITES = 4000,
	GROUP = 50,
	ROUNDS = 5,
};

static struct service service;
static struct wire_catalogue *catalogue;
static char token[SERVICE_TOKEN_SIZE + 1];
static int64_t account_number;

static void
must(enum dom_status st, const char *what)
{
	if (st == DOM_OK)
		return;
	fprintf(stderr, "consent_gate: %s: %s\n", what, dom_status_text(st));
	exit(1);
}

static uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* An account with every service of the catalogue on, each for one type. */
static enum dom_status
populate(struct store_txn *txn, void *context)
{
	const struct dom_slice none = dom_slice("", 0);
	struct store_account account = {.initialised = true,
	    .name = dom_slice_of("bench"),
	    .email = none,
	    .salt = none,
	    .login_public = none,
	    .identity_public = none,
	    .encrypted_content = none,
	    .statement_public = none};
	struct store_session session = {.expires_ms = INT64_MAX / 2, .device = none};
	enum dom_status st;

	(void)context;
	if ((st = store_account_add(txn, &account, &account_number)) != DOM_OK)
		return st;
	session.account = account_number;
	session.created_ms = session.used_ms = dom_clock_now_ms(&service.clock);
	if ((st = dom_sha256(dom_slice_of(token), session.token_hash)) == DOM_OK)
		st = store_session_add(txn, &session);
	for (size_t i = 0; i < catalogue->count && st == DOM_OK; i++) {
		const struct dom_catalogue_entry *entry = &catalogue->entries[i];
		struct store_consent consent = {.service = dom_slice_of(entry->name),
		    .serial = i + 1,
		    .version = entry->version,
		    .any = strcmp(entry->name, "any") == 0};
		struct dom_slice type = dom_slice_of(entry->name);

		memcpy(consent.terms, entry->terms, sizeof(consent.terms));
		st = store_consent_set(
		    txn, account_number, &consent, &type, consent.any ? 0 : 1);
	}
	return st;
}

/* Nanoseconds of one question. */
static double
time_gate(struct store_reader *reader)
{
	struct dom_arena *arena = dom_arena_new(0);
	struct service_reply reply = {0};
	struct service_call call = {.service = &service,
	    .arena = arena,
	    .reply = &reply,
	    .now_ms = dom_clock_now_ms(&service.clock)};
	const struct consent_handle *handle;
	uint64_t began;

	if (arena == NULL)
		must(DOM_ENOMEM, "an arena");
	must(store_read_begin(reader, &call.txn), "a snapshot");
	call.account.number = account_number;
	began = now_ns();
	for (unsigned i = 0; i < CHECKS; i++) {
		must(consent_check(&call, account_number, dom_slice_of("photos"), &handle),
		    "the gate");
		if (i % 1000 == 0)
			dom_arena_reset(arena);
	}
	began = now_ns() - began;
	store_read_end(&call.txn);
	dom_arena_free(&arena);
	return (double)began / CHECKS;
}

static void
uid_of(char letter, unsigned number, char text_r[25])
{
	snprintf(text_r, 25, "%c%023u", letter, number);
}

struct write {
	struct store_job job;
	struct service_request request;
	struct dom_arena *arena;
	struct dom_buffer body;
	char item[25], revision[25];
};

static enum dom_status
run_write(struct store_txn *txn, struct store_job *job)
{
	struct write *write = (struct write *)job;
	struct service_reply reply = {0};
	enum dom_status st =
	    service_run(&service, txn, &write->request, NULL, write->arena, &reply);

	if (st == DOM_EDENIED)
		fprintf(stderr, "consent_gate: %s\n", reply.detail);
	service_reply_free(&reply);
	return st;
}

static void
write_done(struct store_job *job, enum dom_status status)
{
	struct write *write = (struct write *)job;

	must(status, "a write");
	dom_buffer_free(&write->body);
	dom_arena_reset(write->arena);
}

static void
prepare(struct write *write, enum service_op op, char letter, unsigned number)
{
	static uint8_t content[1024];

	uid_of(letter, number, write->item);
	uid_of('r', number, write->revision);
	write->job = (struct store_job){.run = run_write, .done = write_done};
	write->request = (struct service_request){.op = op,
	    .limit = -1,
	    .host = dom_slice_of("bench"),
	    .token = dom_slice_of(token),
	    .collection_uid = dom_slice_of("c00000000000000000000000")};
	if (op == SERVICE_COLLECTION_CREATE) {
		wire_collection_encode(&write->body,
		    &(struct wire_collection){
		        .item = {.uid = write->request.collection_uid,
		            .version = 1,
		            .content = {.uid = dom_slice_of(write->revision),
		                .meta = dom_slice(content, 64)}},
		        .collection_key = dom_slice(content, 72),
		        .collection_type = dom_slice_of("photos")},
		    false);
	} else {
		struct wire_item item = {.uid = dom_slice_of(write->item),
		    .version = 1,
		    .content = {.uid = dom_slice_of(write->revision),
		        .meta = dom_slice(content, sizeof(content))}};

		wire_batch_encode(
		    &write->body, &(struct wire_batch){.items = &item, .item_count = 1});
	}
	must(dom_buffer_finish(&write->body), "a body");
	write->request.body = dom_buffer_slice(&write->body);
}

/* Nanoseconds of one write, its share of the commit included. */
static double
time_writes(struct write *writes, unsigned first)
{
	uint64_t spent = 0;

	for (unsigned at = 0; at < WRITES; at += GROUP) {
		uint64_t began;

		for (unsigned i = 0; i < GROUP; i++) {
			prepare(&writes[i], SERVICE_ITEM_BATCH, 'i', first + at + i);
			must(store_submit(service.store, &writes[i].job), "a job");
		}
		began = now_ns();
		while (store_pump(service.store) != 0)
			;
		spent += now_ns() - began;
	}
	return (double)spent / WRITES;
}

int
main(int argc, char **argv)
{
	static const uint8_t key_bytes[32] = "region key of the measurement..";
	static struct write writes[GROUP];
	struct store_reader *reader;
	struct dom_region_key *key;
	char message[300];

	if (argc != 2) {
		fputs("usage: consent_gate FOLDER\n", stderr);
		return 64;
	}
	must(dom_crypto_start(), "cryptography");
	must(dom_region_key_from_bytes(dom_slice(key_bytes, 32), &key), "a key");
	must(wire_catalogue_read(
	         consent_catalogue_built_in(), &catalogue, message, sizeof(message)),
	    "the catalogue");
	service = (struct service){.settings = {.region = "in",
	                               .catalogue = catalogue,
	                               .session_life_ms = INT64_C(1) << 40},
	    .clock = dom_clock_system(),
	    .random = dom_random_system(),
	    .key = key};
	must(store_open(
	         &(struct store_options){
	             .folder = argv[1], .region = "in", .key = key, .manual = true},
	         &service.store, message, sizeof(message)),
	    "the store");
	memset(token, 't', SERVICE_TOKEN_SIZE);
	must(store_write(service.store, populate, NULL), "an account");
	for (unsigned i = 0; i < GROUP; i++) {
		if ((writes[i].arena = dom_arena_new(0)) == NULL)
			must(DOM_ENOMEM, "an arena");
	}
	prepare(&writes[0], SERVICE_COLLECTION_CREATE, 'c', 0);
	must(store_submit(service.store, &writes[0].job), "a job");
	while (store_pump(service.store) != 0)
		;
	must(store_reader_open(service.store, &reader), "a reader");
	for (unsigned round = 0; round < ROUNDS; round++) {
		double gate = time_gate(reader),
		       write = time_writes(writes, 1 + round * WRITES);

		printf("bench consent_gate value=%.2f unit=us baseline=%.2f ratio=%.3f\n",
		    gate / 1000, write / 1000, gate / write);
	}
	store_reader_close(&reader);
	store_close(&service.store);
	wire_catalogue_free(&catalogue);
	dom_region_key_free(&key);
	return 0;
}
