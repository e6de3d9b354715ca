/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The stored order of pieces and the index chunk (etebase-protocol 6.9).  The
 * index names places in the list without repeats: other clients write it
 * wrongly when pieces are equal, and so lose data.
 */
#include <stdlib.h>

#include "base/msgpack.h"

#include "crypto/content.h"

static int
compare_pieces(const void *a, const void *b, void *context)
{
	const struct dom_chunk_uid *pieces = context;
	size_t left = *(const size_t *)a, right = *(const size_t *)b;
	int order = memcmp(pieces[left].text, pieces[right].text, DOM_CHUNK_UID_SIZE);

	if (order != 0)
		return order;
	return left < right ? -1 : left > right;
}

/*
 * Put the number of the first piece of each distinct uid into distinct_r, and
 * into kind_r the place there of each piece's uid.  The number of them.
 */
static size_t
find_equal(const struct dom_chunk_uid *pieces, size_t piece_count, size_t *sorted,
    size_t *distinct_r, size_t *kind_r)
{
	struct dom_chunk_uid *context = (struct dom_chunk_uid *)(uintptr_t)pieces;
	size_t count = 0;

	for (size_t i = 0; i < piece_count; i++)
		sorted[i] = i;
	qsort_r(sorted, piece_count, sizeof(*sorted), compare_pieces, context);
	for (size_t i = 0; i < piece_count; i++) {
		if (i == 0 || memcmp(pieces[sorted[i]].text, pieces[sorted[i - 1]].text,
		                  DOM_CHUNK_UID_SIZE) != 0)
			distinct_r[count++] = sorted[i];
		kind_r[sorted[i]] = count - 1;
	}
	return count;
}

/* All orders are equally likely (Fisher and Yates); place_r[kind] is where it went. */
static void
shuffle(size_t *stored, size_t count, const struct dom_random *random, size_t *kinds,
    size_t *place_r)
{
	for (size_t i = 0; i < count; i++)
		kinds[i] = i;
	for (size_t i = count; i > 1; i--) {
		size_t j = dom_random_below(random, (uint32_t)i);
		size_t piece = stored[i - 1], kind = kinds[i - 1];

		stored[i - 1] = stored[j];
		stored[j] = piece;
		kinds[i - 1] = kinds[j];
		kinds[j] = kind;
	}
	for (size_t i = 0; i < count; i++)
		place_r[kinds[i]] = i;
}

enum dom_status
dom_content_arrange(const struct dom_chunk_uid *pieces, size_t piece_count,
    const struct dom_random *random, size_t *stored_r, size_t *stored_count_r,
    struct dom_buffer *index)
{
	size_t *work, *kind_of, *place_of;

	*stored_count_r = 0;
	if (piece_count > DOM_CONTENT_PIECES_MAX)
		return DOM_ELIMIT;
	if (piece_count == 0)
		return DOM_OK;
	work = calloc(piece_count, 3 * sizeof(*work));
	if (work == NULL)
		return DOM_ENOMEM;
	kind_of = work + piece_count;
	place_of = kind_of + piece_count;
	*stored_count_r = find_equal(pieces, piece_count, work, stored_r, kind_of);
	shuffle(stored_r, *stored_count_r, random, work, place_of);
	if (piece_count > 1) {
		dom_pack_put_array(index, 1);
		dom_pack_put_array(index, piece_count);
		for (size_t i = 0; i < piece_count; i++)
			dom_pack_put_int(index, (int64_t)place_of[kind_of[i]]);
	}
	free(work);
	return dom_buffer_finish(index);
}

enum dom_status
dom_content_index_read(struct dom_slice index, size_t stored_count, uint32_t *places_r,
    size_t places_max, size_t *count_r)
{
	struct dom_pack_reader in = dom_pack_reader_over(index);
	size_t reserved, count;

	*count_r = 0;
	reserved = dom_pack_array(&in);
	if (reserved == 0 || stored_count == 0 || stored_count > DOM_CONTENT_PIECES_MAX)
		return DOM_EINTEGRITY;
	count = dom_pack_array(&in);
	if (count > places_max || places_max == 0)
		return DOM_ELIMIT;
	for (size_t i = 0; i < count; i++)
		places_r[i] = (uint32_t)dom_pack_int(&in, 0, (int64_t)stored_count - 1);
	for (size_t i = 1; i < reserved; i++)
		dom_pack_skip(&in);
	if (dom_pack_finish(&in) != DOM_OK)
		return DOM_EINTEGRITY;
	/* As every reader does: an index that names one place or none means chunk 0. */
	if (count <= 1) {
		places_r[0] = 0;
		count = 1;
	}
	*count_r = count;
	return DOM_OK;
}
