/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The root of what a region's store holds, printed; for tests that compute the
 * same in another way, and to measure it.  The server must not run.
 *
 *   root_of DATA REGION MEMORY account NAME
 *   root_of DATA REGION MEMORY service NAME ERASURE
 *   root_of DATA REGION MEMORY item NAME COLLECTION ITEM
 *   root_of DATA REGION MEMORY fill NAME COUNT [FROM]   items, with a chunk each
 *
 * MEMORY: bytes for entries, 0 for what domiciled takes.  Printed: the root, five
 * counts, seconds, and what the process took at most, in KiB.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/encode.h"

#include "crypto/digest.h"
#include "crypto/keys.h"
#include "crypto/region.h"

#include "services/root/root.h"

enum { FILL_STEP = 5000, FILL_META = 300, FILL_CHUNK = 1000 };

static void
must(enum dom_status status, const char *what)
{
	if (status == DOM_OK)
		return;
	fprintf(stderr, "root_of: %s: %s\n", what, dom_status_text(status));
	exit(1);
}

static struct dom_region_key *
read_key(const char *data)
{
	struct dom_region_key *key;
	char path[4096];
	uint8_t bytes[DOM_KEY_SIZE];
	FILE *in;

	snprintf(path, sizeof(path), "%s/region.key", data);
	in = fopen(path, "rb");
	if (in == NULL || fread(bytes, 1, sizeof(bytes), in) != sizeof(bytes))
		must(DOM_EFILE, path);
	fclose(in);
	must(dom_region_key_from_bytes(dom_slice(bytes, sizeof(bytes)), &key), path);
	return key;
}

struct fill {
	struct store *store;
	struct store_account account;
	int64_t collection;
	unsigned from, count;
};

static enum dom_status
fill_items(struct store_txn *txn, void *context)
{
	static uint8_t meta[FILL_META], content[FILL_CHUNK];
	struct fill *fill = context;
	char uid[DOM_UID_TEXT_SIZE + 1];
	enum dom_status st = DOM_OK;

	if (fill->collection == 0) {
		snprintf(uid, sizeof(uid), "collection-from-%010u", fill->from);
		st = store_collection_add(
		    txn, dom_slice_of(uid), fill->account.number, &fill->collection);
	}
	for (unsigned i = fill->from; i < fill->from + FILL_STEP && i < fill->count && st == 0;
	     i++) {
		uint8_t digest[DOM_SHA256_SIZE];
		struct dom_slice chunk;
		struct store_staged *staged;
		struct store_item item = {.version = 1, .current.chunk_count = 1};

		/* In no order, as uids come. */
		must(dom_sha256(dom_slice(&i, sizeof(i)), digest), "SHA-256");
		dom_base64_encode(dom_slice(digest, 24), uid);
		item.uid = item.current.uid = chunk = dom_slice(uid, DOM_UID_TEXT_SIZE);
		item.current.chunks = &chunk;
		item.current.meta = dom_slice(meta, sizeof(meta));
		if ((st = store_account_tick(txn, fill->account.number, &item.current.clock)) ==
		        DOM_OK &&
		    (st = store_item_put(txn, fill->collection, &item)) == DOM_OK &&
		    (st = store_chunk_stage(fill->store, fill->account.id,
		         dom_slice(content, sizeof(content)), &staged)) == DOM_OK) {
			st = store_chunk_put(txn, fill->collection, chunk, staged);
			store_staged_free(&staged);
		}
	}
	return st;
}

static void
print(const struct root_options *options, struct store_txn *txn)
{
	int64_t began = dom_monotonic_ms();
	struct wire_erased sum;
	struct rusage usage;
	uint8_t root[WIRE_ROOT_SIZE];
	char hex[2 * WIRE_ROOT_SIZE + 1];

	must(root_compute(txn, options, root, &sum), "the root");
	dom_hex_encode(dom_slice(root, sizeof(root)), hex);
	getrusage(RUSAGE_SELF, &usage);
	printf("%s %llu %llu %llu %llu %llu %.3f %ld\n", hex,
	    (unsigned long long)sum.collections, (unsigned long long)sum.items,
	    (unsigned long long)sum.revisions, (unsigned long long)sum.chunks,
	    (unsigned long long)sum.bytes, (double)(dom_monotonic_ms() - began) / 1000,
	    usage.ru_maxrss);
}

int
main(int argc, char **argv)
{
	struct store_options options = {0};
	struct root_options wanted = {0};
	struct dom_region_key *key;
	struct store_account account;
	struct store_reader *reader;
	struct store_txn *txn;
	struct store *store;
	struct dom_arena *arena = dom_arena_new(0);
	char message[512] = "";

	if (argc < 6 || arena == NULL || dom_crypto_start() != DOM_OK)
		return 64;
	key = read_key(argv[1]);
	options = (struct store_options){.folder = argv[1], .region = argv[2], .key = key};
	if (store_open(&options, &store, message, sizeof(message)) != DOM_OK) {
		fprintf(stderr, "root_of: %s\n", message);
		return 1;
	}
	must(store_reader_open(store, &reader), "a reader");
	must(store_read_begin(reader, &txn), "a snapshot");
	must(store_account_by_name(txn, dom_slice_of(argv[5]), arena, &account), argv[5]);
	wanted.account = account.number;
	wanted.clock = account.clock;
	wanted.memory_max = strtoul(argv[3], NULL, 10);
	if (account.identity_public.size == sizeof(wanted.identity_public))
		memcpy(wanted.identity_public, account.identity_public.data,
		    sizeof(wanted.identity_public));
	if (strcmp(argv[4], "fill") == 0 && argc >= 7) {
		struct fill fill = {.store = store,
		    .account = account,
		    .count = (unsigned)strtoul(argv[6], NULL, 10),
		    .from = argc > 7 ? (unsigned)strtoul(argv[7], NULL, 10) : 0};

		store_read_end(&txn); /* or the log could not be cut off */
		for (; fill.from < fill.count; fill.from += FILL_STEP)
			must(store_write(store, fill_items, &fill), "filling");
	} else {
		wanted.scope = strcmp(argv[4], "service") == 0 ? WIRE_SCOPE_SERVICE
		               : strcmp(argv[4], "item") == 0  ? WIRE_SCOPE_ITEM
		                                               : WIRE_SCOPE_ACCOUNT;
		if (wanted.scope == WIRE_SCOPE_SERVICE && argc == 7)
			wanted.erasure = strtol(argv[6], NULL, 10);
		if (wanted.scope == WIRE_SCOPE_ITEM && argc == 8) {
			wanted.collection_uid = dom_slice_of(argv[6]);
			wanted.item_uid = dom_slice_of(argv[7]);
		}
		print(&wanted, txn);
	}
	store_read_end(&txn);
	store_reader_close(&reader);
	store_close(&store);
	dom_region_key_free(&key);
	dom_arena_free(&arena);
	return 0;
}
