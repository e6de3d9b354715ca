/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What server_load measures, one function for each command. */
#include "operations.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/etebase.h"

#include "load.h"

static void
prepare(struct bench *bench, struct load_request *request, const char *method, const char *path,
    struct dom_slice body)
{
	bench->server.protocol->prepare(request,
	    &(struct load_ask){.method = method,
	        .path = path,
	        .host = bench->server.host,
	        .token = bench->account == NULL ? NULL : load_account_token(bench->account),
	        .body = body});
}

static void *
take_array(size_t count, size_t size)
{
	void *array = calloc(count, size);

	if (array == NULL)
		load_die("there is not enough memory");
	return array;
}

/* --- plans ------------------------------------------------------------------------ */

/* Requests of one array, each by whichever connection is free, count in all. */
struct queue {
	const struct load_request *requests;
	unsigned distinct, at, count;
};

static const struct load_request *
queue_next(void *context, unsigned connection, const struct load_reply *reply)
{
	struct queue *queue = context;

	(void)connection;
	(void)reply;
	if (queue->at == queue->count)
		return NULL;
	return &queue->requests[queue->at++ % queue->distinct];
}

/* The whole array in its order, by every connection, so many times. */
struct walk {
	const struct load_request *requests;
	unsigned distinct, times;
	unsigned at[LOAD_CONNECTIONS_MAX];
};

static const struct load_request *
walk_next(void *context, unsigned connection, const struct load_reply *reply)
{
	struct walk *walk = context;

	(void)reply;
	if (walk->at[connection] == walk->distinct * walk->times)
		return NULL;
	return &walk->requests[walk->at[connection]++ % walk->distinct];
}

static void
say(const char *name, unsigned connections, double units, const struct load_result *result)
{
	printf("op=%s connections=%u units=%.0f requests=%lu errors=%lu first_error=%d "
	       "bytes=%lu seconds=%.6f server_cpu=%.6f client_cpu=%.6f p50_ms=%.3f "
	       "p99_ms=%.3f\n",
	    name, connections, units, result->requests, result->errors, result->first_error,
	    result->bytes, result->seconds, result->server_cpu_seconds,
	    result->client_cpu_seconds, result->p50_ms, result->p99_ms);
	fflush(stdout);
}

static void
run(struct bench *bench, unsigned connections,
    const struct load_request *(*next)(void *, unsigned, const struct load_reply *),
    void *context, struct load_result *result_r)
{
	struct load_plan plan = {.connections = connections,
	    .pids = bench->pids,
	    .pid_count = bench->pid_count,
	    .next = next,
	    .context = context};

	load_run(&bench->server, &plan, result_r);
}

/* distinct requests, freed; units: what one request counts for. */
static void
run_queue(struct bench *bench, const char *name, struct load_request *requests,
    unsigned distinct, unsigned connections, unsigned count, double units)
{
	struct queue queue = {.requests = requests, .distinct = distinct, .count = count};
	struct load_result result;

	run(bench, connections, queue_next, &queue, &result);
	say(name, connections, units * count, &result);
	for (unsigned i = 0; i < distinct; i++)
		dom_buffer_free(&requests[i].wire);
	free(requests);
}

/* --- operations --------------------------------------------------------------------- */

struct logins {
	struct load_account *account;
	struct load_request ask;
	struct load_request answers[LOAD_CONNECTIONS_MAX];
	bool is_asked[LOAD_CONNECTIONS_MAX];
	unsigned left;
};

static const struct load_request *
login_next(void *context, unsigned connection, const struct load_reply *reply)
{
	struct logins *logins = context;

	if (reply != NULL && logins->is_asked[connection]) {
		logins->is_asked[connection] = false;
		if (load_account_answer_challenge(logins->account,
		        dom_buffer_slice(&reply->body), &logins->answers[connection]) != DOM_OK)
			load_die("status %d where a challenge should be", reply->status);
		return &logins->answers[connection];
	}
	if (logins->left == 0)
		return NULL;
	logins->left--;
	logins->is_asked[connection] = true;
	return &logins->ask;
}

void
bench_login(struct bench *bench, unsigned connections, unsigned count)
{
	struct logins logins = {.left = count};
	struct load_plan plan = {.connections = connections,
	    .keeps_bodies = true,
	    .pids = bench->pids,
	    .pid_count = bench->pid_count,
	    .next = login_next,
	    .context = &logins};
	struct load_result result;

	if (bench->visitor == NULL)
		bench->visitor = load_account_open(&bench->server);
	logins.account = bench->visitor;
	load_account_ask_challenge(bench->visitor, &logins.ask);
	load_run(&bench->server, &plan, &result);
	say("login", connections, count, &result);
	dom_buffer_free(&logins.ask.wire);
	for (unsigned i = 0; i < LOAD_CONNECTIONS_MAX; i++)
		dom_buffer_free(&logins.answers[i].wire);
}

static struct load_request *
batches_of(struct bench *bench, const char *collection, unsigned count)
{
	struct load_request *requests = take_array(count, sizeof(*requests));
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "/api/v1/collection/%s/item/batch/", collection);
	for (unsigned i = 0; i < count; i++)
		prepare(
		    bench, &requests[i], "POST", path, load_account_batch(bench->account, i));
	return requests;
}

void
bench_upload(struct bench *bench, unsigned connections, unsigned count)
{
	if (count > LOAD_BATCHES)
		load_die("at most %d batches at once", LOAD_BATCHES);
	run_queue(bench, "upload",
	    batches_of(bench, load_account_collection(bench->account), count), count,
	    connections, count, LOAD_BATCH_ITEMS);
}

/* The collection of 10,000 items, made when it is first needed. */
static const char *
filled(struct bench *bench)
{
	struct queue queue = {.distinct = LOAD_BATCHES, .count = LOAD_BATCHES};
	struct load_request *requests;
	struct load_result result;

	if (bench->filled[0] != '\0')
		return bench->filled;
	snprintf(bench->filled, sizeof(bench->filled), "%s",
	    load_account_collection(bench->account));
	queue.requests = requests = batches_of(bench, bench->filled, LOAD_BATCHES);
	run(bench, 1, queue_next, &queue, &result);
	if (result.errors > 0)
		load_die("10,000 items were not taken: status %d", result.first_error);
	for (unsigned i = 0; i < LOAD_BATCHES; i++)
		dom_buffer_free(&requests[i].wire);
	free(requests);
	return bench->filled;
}

/* Walk once for the tokens; every later walk replays the requests. */
static struct pages *
pages_of(struct bench *bench, unsigned limit)
{
	struct pages *pages = bench->pages;
	char path[PATH_SIZE], token[PATH_SIZE / 2] = "";
	bool done = false;
	size_t items = 0;

	while (pages->limit != 0 && pages->limit != limit)
		if (++pages == bench->pages + LIMITS_MAX)
			load_die("there are too many different limits");
	if (pages->limit == limit)
		return pages;
	filled(bench);
	pages->limit = limit;
	pages->requests = take_array(PAGES_MAX, sizeof(*pages->requests));
	pages->bodies = take_array(PAGES_MAX, sizeof(*pages->bodies));
	while (!done && pages->count < PAGES_MAX) {
		struct dom_arena *arena = dom_arena_new(0);
		struct dom_buffer *body = &pages->bodies[pages->count];
		struct load_request *request = &pages->requests[pages->count++];
		struct wire_list list;

		snprintf(path, sizeof(path), "/api/v1/collection/%s/item/?limit=%u%s%s",
		    bench->filled, limit, token[0] == '\0' ? "" : "&stoken=", token);
		prepare(bench, request, "GET", path, dom_slice(NULL, 0));
		load_once(&bench->server,
		    &(struct load_ask){.method = "GET",
		        .path = path,
		        .host = bench->server.host,
		        .token = load_account_token(bench->account)},
		    body);
		if (arena == NULL || wire_list_decode(dom_buffer_slice(body), WIRE_LIST_ITEMS,
		                         arena, &list) != DOM_OK)
			load_die("a page of items cannot be read");
		done = list.done;
		items += list.count;
		snprintf(token, sizeof(token), "%.*s", (int)list.stoken.size,
		    (const char *)list.stoken.data);
		dom_arena_free(&arena);
	}
	if (!done || items != LOAD_BATCHES * LOAD_BATCH_ITEMS)
		load_die("a full sync found %zu items", items);
	return pages;
}

void
bench_sync(struct bench *bench, unsigned limit, unsigned connections, unsigned times)
{
	struct pages *pages = pages_of(bench, limit);
	struct walk walk = {
	    .requests = pages->requests, .distinct = pages->count, .times = times};
	struct load_result result;

	run(bench, connections, walk_next, &walk, &result);
	say("sync", connections, (double)LOAD_BATCHES * LOAD_BATCH_ITEMS * connections * times,
	    &result);
}

/* The request that nothing new answers, and that answer. */
static struct load_request *
empty_sync(struct bench *bench, struct dom_buffer *reply)
{
	struct load_request *request = take_array(1, sizeof(*request));
	struct dom_arena *arena = dom_arena_new(0);
	char path[PATH_SIZE], prefix[PATH_SIZE];
	struct dom_buffer body = {0};
	struct wire_list list;
	int used;

	snprintf(prefix, sizeof(prefix),
	    "/api/v1/collection/%s/item/?limit=50&stoken=", filled(bench));
	/* The last page of a walk has the newest token. */
	{
		struct pages *pages = pages_of(bench, 1000);

		if (arena == NULL ||
		    wire_list_decode(dom_buffer_slice(&pages->bodies[pages->count - 1]),
		        WIRE_LIST_ITEMS, arena, &list) != DOM_OK)
			load_die("a page of items cannot be read");
	}
	used = snprintf(path, sizeof(path), "%s%.*s", prefix, (int)list.stoken.size,
	    (const char *)list.stoken.data);
	if (used < 0 || used >= (int)sizeof(path))
		load_die("a token is too long");
	prepare(bench, request, "GET", path, dom_slice(NULL, 0));
	load_once(&bench->server,
	    &(struct load_ask){.method = "GET",
	        .path = path,
	        .host = bench->server.host,
	        .token = load_account_token(bench->account)},
	    &body);
	if (wire_list_decode(dom_buffer_slice(&body), WIRE_LIST_ITEMS, arena, &list) !=
	        DOM_OK ||
	    list.count != 0 || !list.done)
		load_die("an empty sync is not empty");
	if (reply != NULL)
		dom_buffer_append_slice(reply, dom_buffer_slice(&body));
	dom_buffer_free(&body);
	dom_arena_free(&arena);
	return request;
}

/* All collections that are there now, then what is new since. */
static struct load_request *
list_multi(struct bench *bench)
{
	struct load_request *request = take_array(1, sizeof(*request));
	struct dom_arena *arena = dom_arena_new(0);
	struct dom_buffer body = {0}, reply = {0};
	char path[PATH_SIZE], token[PATH_SIZE / 2] = "";
	struct wire_list list = {.done = false};
	struct dom_slice type = dom_slice_of("a type that no collection has");

	wire_types_encode(&body, &type, 1);
	if (arena == NULL || dom_buffer_finish(&body) < 0)
		load_die("there is not enough memory");
	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/api/v1/collection/list_multi/%s%s",
		    token[0] == '\0' ? "" : "?stoken=", token);
		load_once(&bench->server,
		    &(struct load_ask){.method = "POST",
		        .path = path,
		        .host = bench->server.host,
		        .token = load_account_token(bench->account),
		        .body = dom_buffer_slice(&body)},
		    &reply);
		if (wire_list_decode(dom_buffer_slice(&reply), WIRE_LIST_COLLECTIONS, arena,
		        &list) != DOM_OK ||
		    list.count != 0)
			load_die("a list of no collections cannot be read");
		snprintf(token, sizeof(token), "%.*s", (int)list.stoken.size,
		    list.stoken.size == 0 ? "" : (const char *)list.stoken.data);
	}
	prepare(bench, request, "POST", path, dom_buffer_slice(&body));
	dom_buffer_free(&body);
	dom_buffer_free(&reply);
	dom_arena_free(&arena);
	return request;
}

void
bench_empty_sync(struct bench *bench, unsigned connections, unsigned count)
{
	run_queue(bench, "empty-sync", empty_sync(bench, NULL), 1, connections, count, 1);
}

void
bench_list_multi(struct bench *bench, unsigned connections, unsigned count)
{
	run_queue(bench, "list-multi", list_multi(bench), 1, connections, count, 1);
}

static void
chunk_path(char path_r[PATH_SIZE], const char *collection, const char *uid, const char *end)
{
	snprintf(path_r, PATH_SIZE,
	    "/api/v1/collection/%s/item/item-of-large-chunks/chunk/%s/%s", collection, uid,
	    end);
}

static struct load_request *
chunk_requests(struct bench *bench, const char *collection, bool is_upload)
{
	struct load_request *requests = take_array(LOAD_CHUNKS, sizeof(*requests));
	char path[PATH_SIZE];

	for (unsigned i = 0; i < LOAD_CHUNKS; i++) {
		const char *uid;
		struct dom_slice chunk = load_account_chunk(bench->account, i, &uid);

		chunk_path(path, collection, uid, is_upload ? "" : "download/");
		prepare(bench, &requests[i], is_upload ? "PUT" : "GET", path,
		    is_upload ? chunk : dom_slice(NULL, 0));
	}
	return requests;
}

void
bench_chunk_upload(struct bench *bench, unsigned connections, unsigned count)
{
	if (count > LOAD_CHUNKS)
		load_die("at most %d chunks at once", LOAD_CHUNKS);
	run_queue(bench, "chunk-upload",
	    chunk_requests(bench, load_account_collection(bench->account), true), LOAD_CHUNKS,
	    connections, count, 1);
}

/* Requests for chunks that are stored when this is first asked for. */
static struct load_request *
downloads(struct bench *bench)
{
	struct queue queue = {.distinct = LOAD_CHUNKS, .count = LOAD_CHUNKS};
	struct load_request *requests;
	struct load_result result;

	if (bench->stored[0] != '\0')
		return chunk_requests(bench, bench->stored, false);
	snprintf(bench->stored, sizeof(bench->stored), "%s",
	    load_account_collection(bench->account));
	queue.requests = requests = chunk_requests(bench, bench->stored, true);
	run(bench, 1, queue_next, &queue, &result);
	if (result.errors > 0)
		load_die("chunks were not taken: status %d", result.first_error);
	for (unsigned i = 0; i < LOAD_CHUNKS; i++)
		dom_buffer_free(&requests[i].wire);
	free(requests);
	return chunk_requests(bench, bench->stored, false);
}

void
bench_chunk_download(struct bench *bench, unsigned connections, unsigned count)
{
	run_queue(
	    bench, "chunk-download", downloads(bench), LOAD_CHUNKS, connections, count, 1);
}

void
bench_fetch(
    struct bench *bench, unsigned files, unsigned connections, unsigned count, const char *path)
{
	struct load_request *requests = take_array(files, sizeof(*requests));
	char numbered[PATH_SIZE];

	for (unsigned i = 0; i < files; i++) {
		snprintf(numbered, sizeof(numbered), "%.300s%u", path, i);
		prepare(bench, &requests[i], "GET", numbered, dom_slice(NULL, 0));
	}
	run_queue(bench, "fetch", requests, files, connections, count, 1);
}

/* --- the same bytes for another server ------------------------------------------------ */

static void
save_file(const char *folder, const char *name, struct dom_slice bytes)
{
	char path[PATH_SIZE];
	FILE *file;

	snprintf(path, sizeof(path), "%.250s/%s", folder, name);
	if ((file = fopen(path, "we")) == NULL ||
	    fwrite(bytes.data, 1, bytes.size, file) != bytes.size || fclose(file) != 0)
		load_die("%s cannot be written: %s", path, strerror(errno));
}

static void
save_numbered(const char *folder, const char *name, unsigned index, struct dom_slice bytes)
{
	char numbered[40];

	snprintf(numbered, sizeof(numbered), "%s%u", name, index);
	save_file(folder, numbered, bytes);
}

void
bench_save(struct bench *bench, const char *folder)
{
	static const unsigned limits[] = {50, 1000};
	struct dom_buffer empty = {0};
	struct load_request *request;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct pages *pages = pages_of(bench, limits[i]);
		char name[20];

		snprintf(name, sizeof(name), "page%u-", limits[i]);
		for (unsigned j = 0; j < pages->count; j++)
			save_numbered(folder, name, j, dom_buffer_slice(&pages->bodies[j]));
	}
	for (unsigned i = 0; i < LOAD_CHUNKS; i++) {
		const char *uid;

		save_numbered(folder, "chunk", i, load_account_chunk(bench->account, i, &uid));
	}
	request = empty_sync(bench, &empty);
	save_numbered(folder, "empty", 0, dom_buffer_slice(&empty));
	dom_buffer_free(&request->wire);
	free(request);
	dom_buffer_free(&empty);
	printf("op=save\n");
	fflush(stdout);
}

/* What HTTP/1.1 asks for, as URLs. */
static void
save_urls(struct bench *bench, const char *folder, const char *name,
    const struct load_request *requests, unsigned count)
{
	struct dom_buffer urls = {0};

	for (unsigned i = 0; i < count; i++) {
		struct dom_slice wire = dom_buffer_slice(&requests[i].wire);
		const uint8_t *path = memchr(wire.data, '/', wire.size);
		const uint8_t *end = memchr(path, ' ', wire.size - (size_t)(path - wire.data));

		dom_buffer_print(&urls, "%s://%s%.*s\n",
		    bench->server.tls == NULL ? "http" : "https", bench->server.host,
		    (int)(end - path), (const char *)path);
	}
	save_file(folder, name, dom_buffer_slice(&urls));
	dom_buffer_free(&urls);
}

void
bench_urls(struct bench *bench, const char *folder)
{
	struct load_request *requests = downloads(bench), *request;
	struct pages *pages = pages_of(bench, 50);
	struct dom_buffer empty = {0};

	save_urls(bench, folder, "urls-chunk", requests, LOAD_CHUNKS);
	for (unsigned i = 0; i < LOAD_CHUNKS; i++)
		dom_buffer_free(&requests[i].wire);
	free(requests);
	save_urls(bench, folder, "urls-page50-", pages->requests, pages->count);
	request = empty_sync(bench, &empty);
	save_urls(bench, folder, "urls-empty", request, 1);
	dom_buffer_free(&request->wire);
	free(request);
	dom_buffer_free(&empty);
	save_file(folder, "token", dom_slice_of(load_account_token(bench->account)));
	printf("op=urls\n");
	fflush(stdout);
}
