/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Rows of an account as bytes that do not depend on the server; see the header. */
#include "wire/record.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

/* --- encoding ----------------------------------------------------------------- */

static void
write_optional(struct dom_buffer *bytes, struct dom_slice slice)
{
	dom_write_u8(bytes, slice.data != NULL);
	if (slice.data != NULL)
		dom_write_string(bytes, slice);
}

static void
write_time(struct dom_buffer *bytes, int64_t ms)
{
	dom_write_u64(bytes, (uint64_t)ms);
}

/* A key of one part is that part, of several each with its length. */
static void
write_key(struct dom_buffer *bytes, const struct dom_slice *parts, size_t count)
{
	size_t size = 0;

	if (count == 1) {
		dom_write_string(bytes, parts[0]);
		return;
	}
	for (size_t i = 0; i < count; i++)
		size += 4 + parts[i].size;
	assert(size <= WIRE_RECORD_KEY_SIZE_MAX);
	dom_write_u32(bytes, (uint32_t)size);
	for (size_t i = 0; i < count; i++)
		dom_write_string(bytes, parts[i]);
}

static void
write_list(struct dom_buffer *bytes, const struct dom_slice *list, size_t count)
{
	dom_write_u32(bytes, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		dom_write_string(bytes, list[i]);
}

static void
write_account(struct dom_buffer *bytes, const struct wire_record_account *account)
{
	write_key(bytes, NULL, 0);
	dom_write_string(bytes, account->name);
	dom_write_string(bytes, account->email);
	write_time(bytes, account->created_ms);
	dom_write_string(bytes, account->salt);
	dom_write_string(bytes, account->login_public);
	dom_write_string(bytes, account->identity_public);
	dom_write_string(bytes, account->encrypted_content);
	dom_write_string(bytes, account->statement_public);
	write_time(bytes, account->quota_bytes);
}

static void
write_collection(struct dom_buffer *bytes, const struct wire_record_collection *collection)
{
	write_key(bytes, &collection->uid, 1);
	dom_write_u64(bytes, collection->items_clock);
	dom_write_u64(bytes, collection->members_clock);
	write_time(bytes, collection->abandoned_ms);
	dom_write_u8(bytes, collection->is_member);
	if (!collection->is_member)
		return;
	dom_write_u64(bytes, collection->member_clock);
	dom_write_u8(bytes, collection->access_level);
	dom_write_string(bytes, collection->collection_key);
	dom_write_string(bytes, collection->collection_type);
}

static void
write_revision(struct dom_buffer *bytes, const struct wire_record_revision *revision)
{
	const struct dom_slice key[] = {
	    revision->collection_uid, revision->item_uid, revision->uid};

	write_key(bytes, key, 3);
	dom_write_u64(bytes, revision->clock);
	dom_write_u8(bytes, revision->version);
	write_optional(bytes, revision->encryption_key);
	dom_write_u8(bytes, revision->deleted);
	dom_write_u8(bytes, revision->is_current);
	write_time(bytes, revision->replaced_ms);
	dom_write_string(bytes, revision->meta);
	write_list(bytes, revision->chunks, revision->chunk_count);
}

static void
write_chunk(struct dom_buffer *bytes, const struct wire_record_chunk *chunk)
{
	const struct dom_slice key[] = {chunk->collection_uid, chunk->uid};

	write_key(bytes, key, 2);
	dom_write_u64(bytes, chunk->size);
	dom_buffer_append(bytes, chunk->sha256, sizeof(chunk->sha256));
	write_time(bytes, chunk->stored_ms);
}

static void
write_statement(struct dom_buffer *bytes, const struct wire_record_statement *statement)
{
	dom_write_u32(bytes, 8);
	dom_write_u64(bytes, statement->serial);
	dom_write_u64(bytes, statement->clock);
	dom_write_u8(bytes, statement->kind);
	write_time(bytes, statement->accepted_ms);
	dom_write_string(bytes, statement->service);
	dom_write_string(bytes, statement->bytes);
	dom_write_string(bytes, statement->signature);
	dom_write_string(bytes, statement->receipt);
	dom_write_string(bytes, statement->receipt_signature);
}

static void
write_consent(struct dom_buffer *bytes, const struct wire_record_consent *consent)
{
	write_key(bytes, &consent->service, 1);
	dom_write_u64(bytes, consent->serial);
	write_time(bytes, consent->until_ms);
	dom_write_u8(bytes, consent->any);
	dom_write_u32(bytes, consent->version);
	dom_buffer_append(bytes, consent->terms, sizeof(consent->terms));
	write_list(bytes, consent->types, consent->type_count);
}

static void
write_removed(struct dom_buffer *bytes, const struct wire_record_removed *removed)
{
	write_key(bytes, &removed->uid, 1);
	dom_write_u64(bytes, removed->clock);
	dom_write_string(bytes, removed->collection_type);
}

static void
write_erasure(struct dom_buffer *bytes, const struct wire_record_erasure *erasure)
{
	struct dom_slice key = dom_slice(erasure->request, sizeof(erasure->request));

	write_key(bytes, &key, 1);
	dom_write_u8(bytes, erasure->scope);
	write_time(bytes, erasure->requested_ms);
	write_time(bytes, erasure->ended_ms);
	dom_write_string(bytes, erasure->service);
	dom_write_string(bytes, erasure->collection_uid);
	dom_write_string(bytes, erasure->item_uid);
	dom_write_string(bytes, erasure->receipt);
	dom_write_string(bytes, erasure->receipt_signature);
}

void
wire_record_encode(struct dom_buffer *bytes, const struct wire_record *record)
{
	dom_write_u8(bytes, (uint8_t)record->type);
	switch (record->type) {
	case WIRE_RECORD_ACCOUNT:
		write_account(bytes, &record->of.account);
		break;
	case WIRE_RECORD_COLLECTION:
		write_collection(bytes, &record->of.collection);
		break;
	case WIRE_RECORD_REVISION:
		write_revision(bytes, &record->of.revision);
		break;
	case WIRE_RECORD_CHUNK:
		write_chunk(bytes, &record->of.chunk);
		break;
	case WIRE_RECORD_STATEMENT:
		write_statement(bytes, &record->of.statement);
		break;
	case WIRE_RECORD_CONSENT:
		write_consent(bytes, &record->of.consent);
		break;
	case WIRE_RECORD_REMOVED:
		write_removed(bytes, &record->of.removed);
		break;
	case WIRE_RECORD_ERASURE:
		write_erasure(bytes, &record->of.erasure);
		break;
	}
}

/* --- decoding ----------------------------------------------------------------- */

/* Clocks and times lie in signed columns. */
static uint64_t
read_number(struct dom_reader *in)
{
	uint64_t number = dom_read_u64(in);

	if (number > INT64_MAX)
		in->failed = DOM_EINPUT;
	return in->failed == DOM_OK ? number : 0;
}

static int64_t
read_time(struct dom_reader *in)
{
	return (int64_t)read_number(in);
}

static uint8_t
read_up_to(struct dom_reader *in, uint8_t max)
{
	uint8_t value = dom_read_u8(in);

	if (value > max)
		in->failed = DOM_EINPUT;
	return value;
}

static bool
read_bool(struct dom_reader *in)
{
	return read_up_to(in, 1) == 1;
}

static struct dom_slice
read_string(struct dom_reader *in)
{
	return dom_read_string(in, WIRE_RECORD_SIZE_MAX);
}

static struct dom_slice
read_optional(struct dom_reader *in)
{
	struct dom_slice string = {0};

	if (read_bool(in)) {
		string = read_string(in);
		if (string.data == NULL)
			string.data = (const uint8_t *)""; /* there, and empty */
	}
	return string;
}

static void
read_into(struct dom_reader *in, uint8_t *bytes_r, size_t size)
{
	struct dom_slice bytes = dom_read_bytes(in, size);

	if (in->failed == DOM_OK)
		memcpy(bytes_r, bytes.data, size);
}

/* DOM_ENOMEM goes into the reader as well. */
static void
read_list(struct dom_reader *in, struct dom_arena *arena, uint32_t count_max,
    struct dom_slice **list_r, size_t *count_r)
{
	uint32_t count = dom_read_u32(in);

	/* Each needs its length at least, so no list is longer than its bytes. */
	if (count > count_max || (size_t)(in->end - in->at) / 4 < count)
		in->failed = DOM_EINPUT;
	if (in->failed != DOM_OK)
		return;
	*list_r = dom_arena_array(arena, count == 0 ? 1 : count, sizeof(**list_r));
	if (*list_r == NULL) {
		in->failed = DOM_ENOMEM;
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		(*list_r)[i] = read_string(in);
	*count_r = count;
}

static void
read_parts(
    struct dom_reader *in, struct dom_slice key, struct dom_slice *const *parts, size_t count)
{
	struct dom_reader key_in = dom_reader_over(key);

	for (size_t i = 0; i < count; i++)
		*parts[i] = dom_read_string(&key_in, WIRE_RECORD_KEY_SIZE_MAX);
	if (in->failed == DOM_OK && dom_reader_finish(&key_in) != DOM_OK)
		in->failed = DOM_EINPUT;
}

static void
read_account(struct dom_reader *in, struct dom_slice key, struct wire_record_account *account)
{
	if (key.size != 0)
		in->failed = DOM_EINPUT;
	account->name = read_string(in);
	account->email = read_string(in);
	account->created_ms = read_time(in);
	account->salt = read_string(in);
	account->login_public = read_string(in);
	account->identity_public = read_string(in);
	account->encrypted_content = read_string(in);
	account->statement_public = read_string(in);
	account->quota_bytes = (int64_t)dom_read_u64(in);
}

static void
read_collection(
    struct dom_reader *in, struct dom_slice key, struct wire_record_collection *collection)
{
	collection->uid = key;
	collection->items_clock = read_number(in);
	collection->members_clock = read_number(in);
	collection->abandoned_ms = read_time(in);
	collection->is_member = read_bool(in);
	if (!collection->is_member)
		return;
	collection->member_clock = read_number(in);
	collection->access_level = read_up_to(in, 2);
	collection->collection_key = read_string(in);
	collection->collection_type = read_string(in);
}

static void
read_revision(struct dom_reader *in, struct dom_slice key, struct dom_arena *arena,
    struct wire_record_revision *revision)
{
	struct dom_slice *const parts[] = {
	    &revision->collection_uid, &revision->item_uid, &revision->uid};

	read_parts(in, key, parts, 3);
	revision->clock = read_number(in);
	revision->version = dom_read_u8(in);
	revision->encryption_key = read_optional(in);
	revision->deleted = read_bool(in);
	revision->is_current = read_bool(in);
	revision->replaced_ms = read_time(in);
	revision->meta = read_string(in);
	read_list(in, arena, WIRE_RECORD_CHUNKS_MAX, &revision->chunks, &revision->chunk_count);
}

static void
read_chunk(struct dom_reader *in, struct dom_slice key, struct wire_record_chunk *chunk)
{
	struct dom_slice *const parts[] = {&chunk->collection_uid, &chunk->uid};

	read_parts(in, key, parts, 2);
	chunk->size = read_number(in);
	read_into(in, chunk->sha256, sizeof(chunk->sha256));
	chunk->stored_ms = read_time(in);
}

static void
read_statement(
    struct dom_reader *in, struct dom_slice key, struct wire_record_statement *statement)
{
	struct dom_reader key_in = dom_reader_over(key);

	statement->serial = read_number(&key_in);
	if (dom_reader_finish(&key_in) != DOM_OK)
		in->failed = DOM_EINPUT;
	statement->clock = read_number(in);
	statement->kind = dom_read_u8(in);
	statement->accepted_ms = read_time(in);
	statement->service = read_string(in);
	statement->bytes = read_string(in);
	statement->signature = read_string(in);
	statement->receipt = read_string(in);
	statement->receipt_signature = read_string(in);
}

static void
read_consent(struct dom_reader *in, struct dom_slice key, struct dom_arena *arena,
    struct wire_record_consent *consent)
{
	consent->service = key;
	consent->serial = read_number(in);
	consent->until_ms = read_time(in);
	consent->any = read_bool(in);
	consent->version = dom_read_u32(in);
	read_into(in, consent->terms, sizeof(consent->terms));
	read_list(in, arena, WIRE_RECORD_TYPES_MAX, &consent->types, &consent->type_count);
}

static void
read_removed(struct dom_reader *in, struct dom_slice key, struct wire_record_removed *removed)
{
	removed->uid = key;
	removed->clock = read_number(in);
	removed->collection_type = read_string(in);
}

static void
read_erasure(struct dom_reader *in, struct dom_slice key, struct wire_record_erasure *erasure)
{
	if (key.size != sizeof(erasure->request))
		in->failed = DOM_EINPUT;
	else
		memcpy(erasure->request, key.data, key.size);
	erasure->scope = dom_read_u8(in);
	erasure->requested_ms = read_time(in);
	erasure->ended_ms = read_time(in);
	erasure->service = read_string(in);
	erasure->collection_uid = read_string(in);
	erasure->item_uid = read_string(in);
	erasure->receipt = read_string(in);
	erasure->receipt_signature = read_string(in);
}

enum dom_status
wire_record_key(struct dom_slice bytes, struct dom_slice *key_r)
{
	struct dom_reader in = dom_reader_over(bytes);
	uint8_t type = dom_read_u8(&in);

	dom_read_string(&in, WIRE_RECORD_KEY_SIZE_MAX);
	if (in.failed != DOM_OK || type < WIRE_RECORD_ACCOUNT || type > WIRE_RECORD_ERASURE)
		return DOM_EINPUT;
	*key_r = dom_slice(bytes.data, (size_t)(in.at - bytes.data));
	return DOM_OK;
}

enum dom_status
wire_record_decode(
    struct dom_slice bytes, struct dom_arena *arena, struct wire_record *record_r)
{
	struct dom_reader in = dom_reader_over(bytes);
	uint8_t type = dom_read_u8(&in);
	struct dom_slice key = dom_read_string(&in, WIRE_RECORD_KEY_SIZE_MAX);

	*record_r = (struct wire_record){.type = (enum wire_record_type)type};
	if (in.failed != DOM_OK || bytes.size > WIRE_RECORD_SIZE_MAX)
		return DOM_EINPUT;
	switch (record_r->type) {
	case WIRE_RECORD_ACCOUNT:
		read_account(&in, key, &record_r->of.account);
		break;
	case WIRE_RECORD_COLLECTION:
		read_collection(&in, key, &record_r->of.collection);
		break;
	case WIRE_RECORD_REVISION:
		read_revision(&in, key, arena, &record_r->of.revision);
		break;
	case WIRE_RECORD_CHUNK:
		read_chunk(&in, key, &record_r->of.chunk);
		break;
	case WIRE_RECORD_STATEMENT:
		read_statement(&in, key, &record_r->of.statement);
		break;
	case WIRE_RECORD_CONSENT:
		read_consent(&in, key, arena, &record_r->of.consent);
		break;
	case WIRE_RECORD_REMOVED:
		read_removed(&in, key, &record_r->of.removed);
		break;
	case WIRE_RECORD_ERASURE:
		read_erasure(&in, key, &record_r->of.erasure);
		break;
	default:
		return DOM_EINPUT;
	}
	return in.failed == DOM_ENOMEM ? DOM_ENOMEM : dom_reader_finish(&in);
}
