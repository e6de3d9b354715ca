/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "client/content.h"

#include <stdlib.h>

static bool
grow(void **array, size_t count, size_t size)
{
	void *grown = reallocarray(*array, count, size);

	if (grown == NULL)
		return false;
	*array = grown;
	return true;
}

enum dom_status
dom_content_add(struct dom_content *content, const struct dom_chunk_uid *piece)
{
	if (content->piece_count == content->piece_room) {
		size_t room = content->piece_room == 0 ? 8 : 2 * content->piece_room;
		void *pieces = content->pieces;

		if (!grow(&pieces, room, sizeof(*content->pieces)))
			return DOM_ENOMEM;
		content->pieces = pieces;
		content->piece_room = room;
	}
	content->pieces[content->piece_count++] = *piece;
	return DOM_OK;
}

enum dom_status
dom_content_list(struct dom_content *content, const struct dom_item_key *key,
    const struct dom_random *random)
{
	void *stored = content->stored, *chunks = content->chunks;
	size_t count = 0;
	enum dom_status st;

	if (!grow(&stored, content->piece_count + 1, sizeof(*content->stored)))
		return DOM_ENOMEM;
	content->stored = stored;
	if (!grow(&chunks, content->piece_count + 1, sizeof(*content->chunks)))
		return DOM_ENOMEM;
	content->chunks = chunks;
	if ((st = dom_content_arrange(content->pieces, content->piece_count, random,
	         content->stored, &count, &content->index)) < 0 ||
	    (st = dom_buffer_finish(&content->index)) < 0)
		return st;
	for (size_t i = 0; i < count; i++)
		content->chunks[i] = (struct wire_chunk){
		    .uid = dom_slice(
		        content->pieces[content->stored[i]].text, DOM_CHUNK_UID_SIZE)};
	content->has_index = content->index.size > 0;
	if (content->has_index) {
		dom_chunk_uid_of(key, dom_buffer_slice(&content->index), &content->index_uid);
		content->chunks[count++] = (struct wire_chunk){
		    .uid = dom_slice(content->index_uid.text, DOM_CHUNK_UID_SIZE)};
	}
	content->chunk_count = count;
	return DOM_OK;
}

void
dom_content_clear(struct dom_content *content)
{
	content->piece_count = content->chunk_count = 0;
	content->has_index = false;
	dom_buffer_clear(&content->index);
}

void
dom_content_free(struct dom_content *content)
{
	free(content->pieces);
	free(content->stored);
	free(content->chunks);
	dom_buffer_free(&content->index);
	*content = (struct dom_content){0};
}

enum dom_status
dom_content_seal(struct dom_content *content, const struct dom_item_key *key,
    struct dom_slice plain, const struct dom_random *random, struct dom_buffer *sealed)
{
	struct dom_slice *cuts = NULL;
	struct dom_splitter splitter;
	size_t cut_count = 0, room, start = 0, at = 0;
	enum dom_status st = DOM_ENOMEM;

	dom_content_clear(content);
	room = plain.size / dom_split_etebase.size_min + 2;
	if ((cuts = calloc(room, sizeof(*cuts))) == NULL)
		return DOM_ENOMEM;
	dom_splitter_start(&splitter, &dom_split_etebase);
	while (at < plain.size) {
		bool cut = false;

		at += dom_splitter_feed(
		    &splitter, dom_slice(plain.data + at, plain.size - at), &cut);
		if (at > start && (cut || at == plain.size) && cut_count < room) {
			cuts[cut_count++] = dom_slice(plain.data + start, at - start);
			start = at;
		}
	}
	for (size_t i = 0; i < cut_count; i++) {
		struct dom_chunk_uid uid;

		dom_chunk_uid_of(key, cuts[i], &uid);
		if ((st = dom_content_add(content, &uid)) < 0)
			goto out;
	}
	if ((st = dom_content_list(content, key, random)) < 0)
		goto out;
	dom_buffer_clear(sealed);
	/* Offsets first: the buffer may move while it grows. */
	for (size_t i = 0; i < content->chunk_count; i++) {
		bool is_index = content->has_index && i + 1 == content->chunk_count;
		struct dom_slice piece =
		    is_index ? dom_buffer_slice(&content->index) : cuts[content->stored[i]];
		size_t before = sealed->size;

		if ((st = dom_chunk_seal(key, piece, random, sealed)) < 0)
			goto out;
		content->chunks[i].content.size = sealed->size - before;
	}
	at = 0;
	for (size_t i = 0; i < content->chunk_count; i++) {
		content->chunks[i].content.data = sealed->data + at;
		at += content->chunks[i].content.size;
	}
	st = dom_buffer_finish(sealed);
out:
	free(cuts);
	return st;
}

enum dom_status
dom_sealer_seal(struct dom_sealer *sealer, const struct dom_item_key *key,
    const struct dom_meta *meta, bool deleted, const struct dom_content *content,
    const struct dom_random *random, struct wire_item *item)
{
	enum dom_status st;

	if (content->chunk_count > sealer->uid_room) {
		void *uids = sealer->uids;

		if (!grow(&uids, content->chunk_count, sizeof(*sealer->uids)))
			return DOM_ENOMEM;
		sealer->uids = uids;
		sealer->uid_room = content->chunk_count;
	}
	for (size_t i = 0; i < content->chunk_count; i++)
		sealer->uids[i] = content->chunks[i].uid;
	dom_buffer_clear(&sealer->meta_plain);
	dom_buffer_clear(&sealer->meta);
	dom_meta_encode(&sealer->meta_plain, meta);
	if ((st = dom_buffer_finish(&sealer->meta_plain)) < 0)
		return st;
	st = dom_revision_seal(key, item->uid, deleted, dom_buffer_slice(&sealer->meta_plain),
	    sealer->uids, content->chunk_count, random, sealer->uid, &sealer->meta);
	if (st < 0)
		return st;
	item->version = WIRE_VERSION;
	item->content = (struct wire_revision){
	    .uid = dom_slice(sealer->uid, DOM_REVISION_UID_SIZE),
	    .meta = dom_buffer_slice(&sealer->meta),
	    .deleted = deleted,
	    .chunks = content->chunks,
	    .chunk_count = content->chunk_count,
	};
	return dom_buffer_finish(&sealer->meta);
}

void
dom_sealer_free(struct dom_sealer *sealer)
{
	dom_buffer_free(&sealer->meta_plain);
	dom_buffer_free(&sealer->meta);
	free(sealer->uids);
	*sealer = (struct dom_sealer){0};
}
