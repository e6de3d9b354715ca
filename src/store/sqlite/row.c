/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Rows that several files get, and the packed list of a revision's chunks. */
#include "base/bytes.h"

#include "store/sqlite/seal.h"

/*
 * Chunks of a revision: each uid with its length in front (32 bits, big-endian),
 * in order, to the end.
 */
struct dom_slice
row_pack_chunks(struct sql_connection *connection, const struct dom_slice *chunks, size_t count,
    enum dom_status *status_r)
{
	dom_buffer_clear(&connection->scratch);
	for (size_t i = 0; i < count; i++)
		dom_write_string(&connection->scratch, chunks[i]);
	*status_r = dom_buffer_finish(&connection->scratch);
	return dom_buffer_slice(&connection->scratch);
}

enum dom_status
row_unpack_chunks(struct dom_slice packed, struct dom_arena *arena, struct dom_slice **chunks_r,
    size_t *count_r)
{
	struct dom_reader reader = dom_reader_over(packed);
	size_t count = 0;

	while (reader.failed == DOM_OK && reader.at != reader.end) {
		dom_read_string(&reader, packed.size);
		count++;
	}
	if (dom_reader_finish(&reader) < 0)
		return DOM_ESTORE; /* we wrote it */
	*count_r = count;
	*chunks_r = NULL;
	if (count == 0)
		return DOM_OK;
	if ((*chunks_r = dom_arena_array(arena, count, sizeof(**chunks_r))) == NULL)
		return DOM_ENOMEM;
	reader = dom_reader_over(packed);
	for (size_t i = 0; i < count; i++)
		(*chunks_r)[i] = dom_read_string(&reader, packed.size);
	return DOM_OK;
}

void
row_get_account(struct sql_call *call, struct dom_arena *arena, struct store_account *account_r)
{
	*account_r = (struct store_account){0};
	account_r->number = sql_get_number(call);
	sql_get_bytes(call, account_r->id, sizeof(account_r->id));
	account_r->clock = sql_get_clock(call);
	account_r->epoch = sql_get_clock(call);
	account_r->created_ms = sql_get_number(call);
	account_r->initialised = sql_get_bool(call);
	account_r->disabled = sql_get_bool(call);
	account_r->state = (int)sql_get_number(call);
	account_r->active_ms = sql_get_number(call);
	account_r->notice_ms = sql_get_number(call);
	account_r->name = account_r->email = dom_slice("", 0);
	account_r->salt = sql_get_slice(call, arena);
	account_r->login_public = sql_get_slice(call, arena);
	account_r->identity_public = sql_get_slice(call, arena);
	account_r->encrypted_content = sql_get_slice(call, arena);
	account_r->statement_public = sql_get_slice(call, arena);
}

void
row_get_names(struct store_txn *txn, struct sql_call *call, struct dom_arena *arena,
    struct store_account *account)
{
	struct sealed_of of = {.wrapped = sql_get_slice(call, arena)};
	struct dom_slice name = sql_get_slice(call, arena);
	struct dom_slice email = sql_get_optional(call, arena);
	enum dom_status st;

	if (call->failed < 0)
		return;
	memcpy(of.account_id, account->id, sizeof(of.account_id));
	st = seal_open(txn->store, &of, DOM_REST_NAME, name, arena, &account->name);
	if (st == DOM_OK)
		st = seal_open(txn->store, &of, DOM_REST_EMAIL, email, arena, &account->email);
	if (st < 0)
		sql_fail(call, st);
}

struct dom_slice
row_get_name(struct store_txn *txn, struct sql_call *call, struct dom_arena *arena)
{
	struct dom_slice sealed, name = {0};
	struct sealed_of of;
	enum dom_status st;

	sql_get_bytes(call, of.account_id, sizeof(of.account_id));
	of.wrapped = sql_get_slice(call, arena);
	sealed = sql_get_slice(call, arena);
	if (call->failed < 0)
		return name;
	if ((st = seal_open(txn->store, &of, DOM_REST_NAME, sealed, arena, &name)) < 0)
		sql_fail(call, st);
	return name;
}

void
row_get_collection(
    struct sql_call *call, struct dom_arena *arena, struct store_collection *collection_r)
{
	*collection_r = (struct store_collection){0};
	collection_r->number = sql_get_number(call);
	collection_r->owner = sql_get_number(call);
	sql_get_bytes(call, collection_r->owner_id, sizeof(collection_r->owner_id));
	collection_r->uid = sql_get_slice(call, arena);
	collection_r->items_clock = sql_get_clock(call);
	collection_r->members_clock = sql_get_clock(call);
}

void
row_get_member(struct sql_call *call, struct dom_arena *arena, struct store_member *member_r)
{
	*member_r = (struct store_member){0};
	member_r->collection = sql_get_number(call);
	member_r->account = sql_get_number(call);
	member_r->clock = sql_get_clock(call);
	member_r->access_level = (int)sql_get_number(call);
	member_r->collection_key = sql_get_slice(call, arena);
	member_r->collection_type = sql_get_slice(call, arena);
}

static void
get_packed_chunks(
    struct sql_call *call, struct dom_arena *arena, struct store_revision *revision_r)
{
	struct dom_slice packed = sql_get_slice(call, arena);

	if (call->failed == DOM_OK)
		sql_fail(call, row_unpack_chunks(packed, arena, &revision_r->chunks,
		                   &revision_r->chunk_count));
}

void
row_get_revision(
    struct sql_call *call, struct dom_arena *arena, struct store_revision *revision_r)
{
	revision_r->uid = sql_get_slice(call, arena);
	revision_r->deleted = sql_get_bool(call);
	revision_r->clock = sql_get_clock(call);
	revision_r->meta = sql_get_slice(call, arena);
	get_packed_chunks(call, arena, revision_r);
}

/* uid, deleted, clock, meta, chunks: as row_get_revision() gets them */
void
row_put_revision(
    struct sql_call *call, const struct store_revision *revision, struct dom_slice packed)
{
	sql_put_slice(call, revision->uid);
	sql_put_number(call, revision->deleted);
	sql_put_clock(call, revision->clock);
	sql_put_slice(call, revision->meta);
	sql_put_slice(call, packed);
}
