/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A loop without a thread, for tests. */
#include "one_loop.h"

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/keys.h"

static int64_t
now_ms(void *context)
{
	return *(const int64_t *)context;
}

void
one_loop_open(struct one_loop *one)
{
	static const uint8_t region_key[32] = "region key of the tests........";
	struct dom_region_key *key = NULL;
	char message[200];
	bool is_good;

	*one = (struct one_loop){.folder = "/tmp/http-XXXXXX", .now_ms = 1700000000000};
	is_good = dom_crypto_start() == DOM_OK && mkdtemp(one->folder) != NULL &&
	          dom_region_key_from_bytes(dom_slice(region_key, sizeof(region_key)), &key) ==
	              DOM_OK &&
	          store_open(&(struct store_options){.folder = one->folder,
	                         .region = "home",
	                         .key = key,
	                         .clock = {now_ms, &one->now_ms},
	                         .manual = true},
	              &one->store, message, sizeof(message)) == DOM_OK;
	assert(is_good);
	one->service = (struct service){
	    .settings = {.region = "home",
	        .signup = SERVICE_SIGNUP_OPEN,
	        .session_life_ms = 3600000},
	    .clock = {now_ms, &one->now_ms},
	    .random = dom_random_system(),
	    .store = one->store,
	    .key = key,
	};
	one->core.service = &one->service;
	one->core.store = one->store;
	one->core.limits = http_limits_standard();
	one->core.prefix = "";
	is_good = http_pool_open(1, HTTP_POOL_USUAL, &one->core.pool) == DOM_OK &&
	          http_loop_open(&one->core, 0, -1, &one->loop) == DOM_OK;
	assert(is_good);
	one->loop->now_ms = 1000000;
}

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

void
one_loop_close(struct one_loop *one)
{
	(void)one_loop_run(one);
	http_loop_close(&one->loop);
	http_pool_close(&one->core.pool);
	store_close(&one->store);
	dom_region_key_free(&one->service.key);
	(void)nftw(one->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* NULL: there is none.  Threads of a pool may leave more at any time. */
static struct http_message *
take_message(struct http_loop *loop)
{
	struct http_message *message;

	pthread_mutex_lock(&loop->lock);
	message = loop->first;
	if (message != NULL && (loop->first = message->next) == NULL)
		loop->last = &loop->first;
	pthread_mutex_unlock(&loop->lock);
	return message;
}

size_t
one_loop_run(struct one_loop *one)
{
	size_t count = store_pump(one->store);
	struct http_message *message;

	while ((message = take_message(one->loop)) != NULL) {
		message->deliver(message);
		count += store_pump(one->store);
	}
	return count;
}
