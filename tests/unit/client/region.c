/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* See region.h. */
#include "region.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"

#include "wire/catalogue.h"

#include "http/message.h"
#include "http/reply.h"
#include "http/router.h"
#include "services/consent/consent.h"
#include "services/service.h"
#include "store/care.h"

struct region_link region_link;
bool region_damages_chunks;

static struct {
	char folder[64];
	struct store *store;
	struct store_reader *reader;
	struct service service;
	struct wire_catalogue *catalogue;
	int64_t later_ms;
	uint32_t dice;
} region;

struct link_transport {
	struct dom_transport api;
	struct dom_exchange *waiting;
};

static int64_t
now_ms(void *context)
{
	const struct dom_clock clock = dom_clock_system();

	(void)context;
	return dom_clock_now_ms(&clock) + region.later_ms;
}

void
region_advance_ms(int64_t ms)
{
	region.later_ms += ms;
}

static void
open_store(struct dom_region_key *key)
{
	char data[80], message[200];

	snprintf(data, sizeof(data), "%s/region", region.folder);
	assert_int_equal(store_open(
	                     &(struct store_options){
	                         .folder = data, .region = "in", .key = key, .manual = true},
	                     &region.store, message, sizeof(message)),
	    DOM_OK);
	assert_int_equal(store_reader_open(region.store, &region.reader), DOM_OK);
}

void
region_start(void)
{
	static const uint8_t bytes[32] = "region key of the client's tests";
	struct dom_region_key *key;

	region_link = (struct region_link){0};
	region_damages_chunks = false;
	assert_int_equal(dom_crypto_start(), DOM_OK);
	assert_int_equal(
	    dom_region_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &key), DOM_OK);
	region.later_ms = 0;
	region.dice = 12345;
	snprintf(region.folder, sizeof(region.folder), "%s/client-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(region.folder));
	open_store(key);
	region.service = (struct service){.settings = {.region = "in",
	                                      .signup = SERVICE_SIGNUP_OPEN,
	                                      .check_host = true,
	                                      .session_life_ms = 30LL * 24 * 3600 * 1000},
	    .clock = {now_ms, NULL},
	    .random = dom_random_system(),
	    .store = region.store,
	    .key = key};
	region_catalogue(NULL, NULL);
}

void
region_catalogue(const char *from, const char *to)
{
	struct dom_slice built_in = consent_catalogue_built_in();
	const char *text = (const char *)built_in.data, *at = text + built_in.size;
	struct dom_buffer changed = {0};
	char why[256] = "";

	if (from != NULL) {
		at = memmem(text, built_in.size, from, strlen(from));
		assert_non_null(at);
	}
	dom_buffer_append(&changed, text, (size_t)(at - text));
	if (from != NULL) {
		dom_buffer_append_text(&changed, to);
		at += strlen(from);
		dom_buffer_append(&changed, at, (size_t)(text + built_in.size - at));
	}
	wire_catalogue_free(&region.catalogue);
	if (wire_catalogue_read(
	        dom_buffer_slice(&changed), &region.catalogue, why, sizeof(why)) != DOM_OK)
		fail_msg("%s", why);
	dom_buffer_free(&changed);
	region.service.settings.catalogue = region.catalogue;
}

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

static void
close_store(void)
{
	store_reader_close(&region.reader);
	store_close(&region.store);
}

void
region_backup(void)
{
	char data[80], backup[80], message[200];
	struct store_backup_report report;
	const struct store_care care = {.folder = data};

	snprintf(data, sizeof(data), "%s/region", region.folder);
	snprintf(backup, sizeof(backup), "%s/backup", region.folder);
	if (store_backup(&care, backup, NULL, &report, message, sizeof(message)) != DOM_OK)
		fail_msg("%s", message);
}

void
region_restore(void)
{
	char data[80], backup[80], message[200];
	struct store_restore_report report;

	snprintf(data, sizeof(data), "%s/region", region.folder);
	snprintf(backup, sizeof(backup), "%s/backup", region.folder);
	close_store();
	(void)nftw(data, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	if (store_restore(backup, data, "in", NULL, NULL, now_ms(NULL), &report, message,
	        sizeof(message)) != DOM_OK)
		fail_msg("%s", message);
	open_store(region.service.key);
	region.service.store = region.store;
}

void
region_stop(void)
{
	dom_region_key_free(&region.service.key);
	wire_catalogue_free(&region.catalogue);
	close_store();
	(void)nftw(region.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *
region_device(const char *name)
{
	static char folders[4][160];
	static unsigned at;
	char *folder = folders[at++ % 4];

	snprintf(folder, sizeof(folders[0]), "%s/devices/%s", region.folder, name);
	return folder;
}

/* --- one exchange --------------------------------------------------------------- */

struct serving {
	struct service_request request;
	struct service_reply reply;
	struct service_staged *staged;
	struct dom_arena *arena;
};

static enum dom_status
job(struct store_txn *txn, void *context)
{
	struct serving *serving = context;

	return service_run(&region.service, txn, &serving->request, serving->staged,
	    serving->arena, &serving->reply);
}

static void
serve(struct serving *serving)
{
	struct store_txn *txn = NULL;
	enum dom_status st;

	assert_int_equal(store_read_begin(region.reader, &txn), DOM_OK);
	st = service_admit(
	    &region.service, txn, &serving->request, serving->arena, &serving->reply);
	store_read_end(&txn);
	if (st == DOM_OK && service_stage_blocks(&region.service, &serving->request))
		st = service_stage(
		    &region.service, &serving->request, serving->arena, &serving->staged);
	if (st == DOM_OK) {
		if (service_plan(serving->request.op)->writes) {
			st = store_write(region.store, job, serving);
		} else {
			assert_int_equal(store_read_begin(region.reader, &txn), DOM_OK);
			st = job(txn, serving);
			store_read_end(&txn);
		}
	}
	service_drop(&serving->staged);
	if (st < 0 && st != DOM_EDENIED)
		service_failure(st, &serving->reply);
}

static void
count(enum service_op op)
{
	region_link.chunk_puts += op == SERVICE_CHUNK_PUT;
	region_link.chunk_gets += op == SERVICE_CHUNK_GET;
	region_link.batches += op == SERVICE_ITEM_BATCH;
	region_link.lists += op == SERVICE_COLLECTION_LIST || op == SERVICE_ITEM_LIST;
}

static struct dom_slice
header(const struct dom_exchange *exchange, const char *name)
{
	for (const char *const *line = exchange->headers; *line != NULL; line++)
		if (strncmp(*line, name, strlen(name)) == 0)
			return dom_slice_of(*line + strlen(name));
	return dom_slice(NULL, 0);
}

static void
answer(struct dom_exchange *exchange)
{
	struct serving serving = {.request = {.limit = -1}, .arena = dom_arena_new(0)};
	const char *question = strchr(exchange->path, '?');
	size_t path_size =
	    question == NULL ? strlen(exchange->path) : (size_t)(question - exchange->path);
	struct http_head head = {.method = dom_slice_of(exchange->method),
	    .query = dom_slice_of(question == NULL ? NULL : question + 1),
	    .content_length = (int64_t)exchange->body.size};
	struct http_response response = {0};
	struct dom_slice device = header(exchange, "Domicile-Device: ");
	struct route route = {0};
	uint8_t name[64];
	size_t name_size = 0;
	char path[4096];

	assert_non_null(serving.arena);
	snprintf(path, sizeof(path), "/%.*s", (int)path_size, exchange->path);
	head.path = dom_slice_of(path);
	if (route_find("", &head, serving.arena, &route, &serving.request) != ROUTE_FOUND) {
		exchange->status = 404;
		dom_arena_free(&serving.arena);
		return;
	}
	assert_null(route.query_fault);
	serving.request.token = header(exchange, "Authorization: Token ");
	serving.request.host = dom_slice_of("127.0.0.1:8037");
	if (device.data != NULL) {
		assert_int_equal(
		    dom_base64_decode(device, name, sizeof(name), &name_size), DOM_OK);
		serving.request.device = dom_slice(name, name_size);
	}
	serving.request.body = exchange->body;
	serve(&serving);
	count(serving.request.op);
	reply_from_service(serving.request.op, &serving.reply, &response);
	exchange->status = response.status;
	exchange->reply = response.body.data;
	exchange->reply_size = response.body.size;
	if (region_damages_chunks && serving.request.op == SERVICE_CHUNK_GET &&
	    exchange->reply_size > 0)
		exchange->reply[exchange->reply_size / 2] ^= 1;
	if (response.position_after[0] != '\0' && !region_link.without_positions)
		snprintf(exchange->position, sizeof(exchange->position), "%s%s%s",
		    response.position_before, response.position_before[0] == '\0' ? "" : " ",
		    response.position_after);
	service_reply_free(&serving.reply);
	dom_arena_free(&serving.arena);
}

static void
lose(struct dom_exchange *exchange, enum dom_status failure)
{
	free(exchange->reply);
	exchange->reply = NULL;
	exchange->reply_size = 0;
	exchange->status = 0;
	exchange->failure = failure;
	snprintf(exchange->reason, sizeof(exchange->reason), "the test cut it");
}

static void
carry(struct dom_exchange *exchange)
{
	unsigned number = ++region_link.exchanges;
	bool is_it = number == region_link.fault_at;

	exchange->sent_bytes = exchange->body.size;
	if (region_link.fault_at != 0 && region_link.fault == REGION_DOWN &&
	    number >= region_link.fault_at) {
		lose(exchange, DOM_ENETWORK);
	} else if (is_it && region_link.fault == REGION_LOSE_REQUEST) {
		lose(exchange, DOM_EUNCERTAIN);
	} else if (is_it && region_link.fault == REGION_LOSE_REPLY) {
		answer(exchange);
		lose(exchange, DOM_EUNCERTAIN);
	} else if (is_it && region_link.fault == REGION_BUSY) {
		exchange->status = 503;
	} else if (is_it && region_link.fault == REGION_TOKEN_DEAD) {
		exchange->status = 401;
	} else if (is_it && region_link.fault == REGION_FULL) {
		exchange->status = 507;
	} else {
		answer(exchange);
		exchange->received_bytes = exchange->reply_size;
	}
}

static enum dom_status
link_submit(struct dom_transport *api, struct dom_exchange *exchange)
{
	struct link_transport *link = (struct link_transport *)api;
	struct dom_exchange **at = &link->waiting;

	exchange->next = NULL;
	while (*at != NULL)
		at = &(*at)->next;
	*at = exchange;
	return DOM_OK;
}

static enum dom_status
link_poll(struct dom_transport *api, int timeout_ms)
{
	struct link_transport *link = (struct link_transport *)api;
	struct dom_exchange **at = &link->waiting;
	struct dom_exchange *exchange;

	(void)timeout_ms;
	if (link->waiting == NULL)
		return DOM_OK;
	if (region_link.shuffle) {
		region.dice = region.dice * 1664525 + 1013904223;
		for (uint32_t skip = region.dice >> 28; skip > 0 && (*at)->next != NULL; skip--)
			at = &(*at)->next;
	}
	exchange = *at;
	*at = exchange->next;
	carry(exchange);
	exchange->done(exchange);
	return DOM_OK;
}

static void
link_close(struct dom_transport *api)
{
	struct link_transport *link = (struct link_transport *)api;

	while (link->waiting != NULL) {
		struct dom_exchange *exchange = link->waiting;

		link->waiting = exchange->next;
		lose(exchange, DOM_EUNCERTAIN);
		exchange->done(exchange);
	}
	free(link);
}

struct dom_transport *
region_connect(void)
{
	struct link_transport *link = calloc(1, sizeof(*link));

	assert_non_null(link);
	link->api = (struct dom_transport){
	    .submit = link_submit, .poll = link_poll, .close = link_close};
	return &link->api;
}
