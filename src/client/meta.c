/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "client/meta.h"

#include "base/msgpack.h"
#include "base/utf8.h"

static size_t
count_pairs(struct dom_slice extra)
{
	struct dom_pack_reader in = dom_pack_reader_over(extra);
	size_t count = 0;

	while (in.at != in.end && in.failed == DOM_OK) {
		dom_pack_skip(&in);
		dom_pack_skip(&in);
		count++;
	}
	return in.failed == DOM_OK ? count : 0;
}

void
dom_meta_encode(struct dom_buffer *plain, const struct dom_meta *meta)
{
	size_t extra_count = count_pairs(meta->extra);
	size_t count = extra_count;

	count += meta->type.data != NULL;
	count += meta->name.data != NULL;
	count += meta->mtime_ms != 0;
	count += meta->source.data != NULL;
	count += meta->source.data != NULL; /* order goes with it */
	count += meta->size >= 0;
	count += meta->digest.data != NULL;
	dom_pack_put_map(plain, count);
	if (meta->type.data != NULL) {
		dom_pack_put_text(plain, "type");
		dom_pack_put_str(plain, meta->type);
	}
	if (meta->name.data != NULL) {
		dom_pack_put_text(plain, "name");
		dom_pack_put_str(plain, meta->name);
	}
	if (meta->mtime_ms != 0) {
		dom_pack_put_text(plain, "mtime");
		dom_pack_put_int(plain, meta->mtime_ms);
	}
	if (meta->source.data != NULL) {
		dom_pack_put_text(plain, "source");
		dom_pack_put_str(plain, meta->source);
		dom_pack_put_text(plain, "order");
		dom_pack_put_int(plain, (int64_t)meta->order);
	}
	if (meta->size >= 0) {
		dom_pack_put_text(plain, "size");
		dom_pack_put_int(plain, meta->size);
	}
	if (meta->digest.data != NULL) {
		dom_pack_put_text(plain, "digest");
		dom_pack_put_bin(plain, meta->digest);
	}
	if (extra_count > 0)
		dom_buffer_append_slice(plain, meta->extra);
}

static bool
take_text(struct dom_slice value, struct dom_slice *text_r)
{
	struct dom_pack_reader in = dom_pack_reader_over(value);
	struct dom_slice text = dom_pack_str(&in);

	/* A text with a NUL inside cannot be handed on as a C string. */
	if (dom_pack_finish(&in) != DOM_OK || text_r->data != NULL ||
	    (text.size != 0 && memchr(text.data, '\0', text.size) != NULL))
		return false;
	*text_r = text;
	return true;
}

static bool
take_number(struct dom_slice value, int64_t least, int64_t *number_r)
{
	struct dom_pack_reader in = dom_pack_reader_over(value);
	int64_t number = dom_pack_int(&in, least, INT64_MAX);

	if (dom_pack_finish(&in) != DOM_OK)
		return false;
	*number_r = number;
	return true;
}

static bool
take_digest(struct dom_slice value, struct dom_slice *digest_r)
{
	struct dom_pack_reader in = dom_pack_reader_over(value);
	struct dom_slice digest;

	if (dom_pack_peek(&in) != DOM_PACK_BIN)
		return false;
	digest = dom_pack_bin(&in);
	if (dom_pack_finish(&in) != DOM_OK || digest.size != 32)
		return false;
	*digest_r = digest;
	return true;
}

enum dom_status
dom_meta_decode(struct dom_slice plain, struct dom_buffer *extra, struct dom_meta *meta_r)
{
	struct dom_pack_reader in = dom_pack_reader_over(plain);
	size_t count = dom_pack_map(&in);
	int64_t order = 0;

	*meta_r = (struct dom_meta){.size = -1};
	dom_buffer_clear(extra);
	for (size_t i = 0; i < count && in.failed == DOM_OK; i++) {
		struct dom_slice raw_key = dom_pack_raw(&in);
		struct dom_slice value = dom_pack_raw(&in);
		struct dom_pack_reader key_in = dom_pack_reader_over(raw_key);
		struct dom_slice key = dom_slice(NULL, 0);
		bool known = false;

		if (in.failed != DOM_OK)
			break;
		if (dom_pack_peek(&key_in) == DOM_PACK_STR)
			key = dom_pack_str(&key_in);
		if (dom_slice_is(key, "type"))
			known = take_text(value, &meta_r->type);
		else if (dom_slice_is(key, "name"))
			known = take_text(value, &meta_r->name);
		else if (dom_slice_is(key, "source"))
			known = take_text(value, &meta_r->source);
		else if (dom_slice_is(key, "mtime"))
			known = take_number(value, INT64_MIN, &meta_r->mtime_ms);
		else if (dom_slice_is(key, "order"))
			known = take_number(value, 0, &order);
		else if (dom_slice_is(key, "size"))
			known = take_number(value, 0, &meta_r->size);
		else if (dom_slice_is(key, "digest"))
			known = take_digest(value, &meta_r->digest);
		if (!known) {
			dom_buffer_append_slice(extra, raw_key);
			dom_buffer_append_slice(extra, value);
		}
	}
	meta_r->order = (uint64_t)order;
	meta_r->extra = extra->size == 0 ? dom_slice(NULL, 0) : dom_buffer_slice(extra);
	if (dom_buffer_finish(extra) < 0)
		return dom_buffer_finish(extra);
	return dom_pack_finish(&in);
}
