/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Bodies of /domicile/v1/erasures/: how far an erasure is, and its receipt. */
#include <assert.h>

#include "crypto/keys.h"

#include "wire/decode.h"
#include "wire/receipt.h"

enum {
	STATE_SIZE_MAX = 16,
	LIST_MAX = 100000,
};

static const char *const states[] = {
    [WIRE_ERASURE_WAITING] = "waiting",
    [WIRE_ERASURE_ERASING] = "erasing",
    [WIRE_ERASURE_SETTLING] = "settling",
    [WIRE_ERASURE_ERASED] = "erased",
};

static void
read_scope(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	int scope = 0;

	wire_read_int(decoder, field, &scope);
	*(enum wire_scope *)target = (enum wire_scope)scope;
}

static void
read_state(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct dom_slice text = {0};

	wire_read_text(decoder, field, &text);
	for (size_t i = 0; i < WIRE_COUNT(states); i++) {
		if (dom_slice_is(text, states[i])) {
			*(enum wire_erasure_state *)target = (enum wire_erasure_state)i;
			return;
		}
	}
	wire_decoder_fail(decoder, DOM_EINPUT, "must be the state of an erasure");
}

#define COUNT(name, member)                                                                    \
	{                                                                                      \
		name, wire_read_uint64, offsetof(struct wire_erasure, sum.member), 0,          \
		    INT64_MAX, false                                                           \
	}
#define OPTIONAL(name, read, member, least, most)                                              \
	{                                                                                      \
		name, read, offsetof(struct wire_erasure, member), least, most, true           \
	}

static void
take_erasure(struct wire_decoder *decoder, void *element)
{
	static const struct wire_field fields[] = {
	    {"request", wire_read_bytes, offsetof(struct wire_erasure, request),
	        WIRE_SUBJECT_SIZE, WIRE_SUBJECT_SIZE, false},
	    {"scope", read_scope, offsetof(struct wire_erasure, scope), WIRE_SCOPE_ITEM,
	        WIRE_SCOPE_SOURCE, false},
	    {"state", read_state, offsetof(struct wire_erasure, state), 1, STATE_SIZE_MAX,
	        false},
	    COUNT("collections", collections),
	    COUNT("items", items),
	    COUNT("revisions", revisions),
	    COUNT("chunks", chunks),
	    COUNT("bytes", bytes),
	    {"requested", wire_read_int64, offsetof(struct wire_erasure, requested_ms), 0,
	        INT64_MAX, false},
	    OPTIONAL("service", wire_read_text, service, 1, WIRE_SERVICE_SIZE_MAX),
	    OPTIONAL("collection", wire_read_uid, collection_uid, 0, 0),
	    OPTIONAL("item", wire_read_uid, item_uid, 0, 0),
	    OPTIONAL("receipt", wire_read_bytes, receipt, 1, WIRE_RECEIPT_SIZE_MAX),
	    OPTIONAL("signature", wire_read_bytes, signature, DOM_SIGNATURE_SIZE,
	        DOM_SIGNATURE_SIZE),
	};
	const struct wire_erasure *erasure = element;

	wire_read_map(decoder, fields, WIRE_COUNT(fields), element);
	if ((erasure->receipt.data == NULL) != (erasure->signature.data == NULL) ||
	    (erasure->receipt.data == NULL) != (erasure->state != WIRE_ERASURE_ERASED))
		wire_decoder_fail(decoder, DOM_EINPUT, "must have a receipt once it is erased");
}

enum dom_status
wire_erasure_decode(struct dom_slice body, struct wire_erasure *erasure_r)
{
	struct wire_decoder decoder = wire_decoder_over(body, NULL, NULL);

	*erasure_r = (struct wire_erasure){0};
	take_erasure(&decoder, erasure_r);
	return wire_decoder_finish(&decoder);
}

static void
put_bytes(struct dom_buffer *body, const char *name, struct dom_slice bytes)
{
	if (bytes.data == NULL)
		return;
	dom_pack_put_text(body, name);
	dom_pack_put_bin(body, bytes);
}

static void
put_text(struct dom_buffer *body, const char *name, struct dom_slice text)
{
	if (text.data == NULL)
		return;
	dom_pack_put_text(body, name);
	dom_pack_put_str(body, text);
}

static void
put_count(struct dom_buffer *body, const char *name, uint64_t count)
{
	dom_pack_put_text(body, name);
	dom_pack_put_int(body, (int64_t)count);
}

void
wire_erasure_encode(struct dom_buffer *body, const struct wire_erasure *erasure)
{
	const struct dom_slice optional[] = {erasure->service, erasure->collection_uid,
	    erasure->item_uid, erasure->receipt, erasure->signature};
	uint32_t count = 9;

	assert((size_t)erasure->state < WIRE_COUNT(states));
	for (size_t i = 0; i < WIRE_COUNT(optional); i++)
		count += optional[i].data != NULL;
	dom_pack_put_map(body, count);
	dom_pack_put_text(body, "request");
	dom_pack_put_bin(body, erasure->request);
	put_count(body, "scope", erasure->scope);
	dom_pack_put_text(body, "state");
	dom_pack_put_text(body, states[erasure->state]);
	put_count(body, "collections", erasure->sum.collections);
	put_count(body, "items", erasure->sum.items);
	put_count(body, "revisions", erasure->sum.revisions);
	put_count(body, "chunks", erasure->sum.chunks);
	put_count(body, "bytes", erasure->sum.bytes);
	put_count(body, "requested", (uint64_t)erasure->requested_ms);
	put_text(body, "service", erasure->service);
	put_text(body, "collection", erasure->collection_uid);
	put_text(body, "item", erasure->item_uid);
	put_bytes(body, "receipt", erasure->receipt);
	put_bytes(body, "signature", erasure->signature);
}

struct erasures {
	struct wire_erasure *erasures;
	size_t count;
};

static void
read_erasures(struct wire_decoder *decoder, const struct wire_field *field, void *target)
{
	struct erasures *erasures = target;

	(void)field;
	erasures->erasures = wire_read_array(
	    decoder, sizeof(*erasures->erasures), 1, LIST_MAX, take_erasure, &erasures->count);
}

enum dom_status
wire_erasures_decode(struct dom_slice body, struct dom_arena *arena,
    struct wire_erasure **erasures_r, size_t *count_r)
{
	static const struct wire_field fields[] = {
	    {"erasures", read_erasures, 0, 0, 0, false},
	};
	struct wire_decoder decoder = wire_decoder_over(body, arena, NULL);
	struct erasures erasures = {0};

	wire_read_map(&decoder, fields, WIRE_COUNT(fields), &erasures);
	*erasures_r = erasures.erasures;
	*count_r = erasures.count;
	return wire_decoder_finish(&decoder);
}

void
wire_erasures_encode(struct dom_buffer *body, const struct wire_erasure *erasures, size_t count)
{
	dom_pack_put_map(body, 1);
	dom_pack_put_text(body, "erasures");
	dom_pack_put_array(body, count);
	for (size_t i = 0; i < count; i++)
		wire_erasure_encode(body, &erasures[i]);
}
