/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef CRYPTO_CONTENT_H
#define CRYPTO_CONTENT_H

#include "crypto/keys.h"

/*
 * Revisions, chunks, padding and splitting.  Source: etebase-protocol 6.6 to
 * 6.9.  Content is a list of chunks: none for empty content, one for content
 * of one piece, else the pieces in random order, each stored once, and the
 * index last.
 */

/* Pieces of one content at most; an index names them in 32 bits. */
#define DOM_CONTENT_PIECES_MAX ((size_t)UINT32_MAX)

/* A chunk's uid is text of DOM_CHUNK_UID_SIZE characters. */
struct dom_chunk_uid {
	char text[DOM_CHUNK_UID_SIZE + 1];
};

/* --- chunks -------------------------------------------------------------- */

/* The uid of plain (a MAC); nothing is encrypted. */
void dom_chunk_uid_of(
    const struct dom_item_key *key, struct dom_slice plain, struct dom_chunk_uid *uid_r);
/* Bytes that dom_chunk_seal() will append for plain_size bytes. */
size_t dom_chunk_sealed_size(size_t plain_size);
/* Append the padded, sealed chunk. */
DOM_MUST_CHECK enum dom_status dom_chunk_seal(const struct dom_item_key *key,
    struct dom_slice plain, const struct dom_random *random, struct dom_buffer *sealed);
/* Append the plaintext after checking tag, padding and uid; else DOM_EINTEGRITY, DOM_ENOMEM. */
DOM_MUST_CHECK enum dom_status dom_chunk_open(const struct dom_item_key *key,
    struct dom_slice uid, struct dom_slice sealed, struct dom_buffer *plain);

/* --- revisions ----------------------------------------------------------- */

/*
 * Seal metadata (MessagePack of a map) over the deleted flag, the item's uid
 * and the ordered chunk list; meta is appended.  The revision's uid is the tag.
 * chunks: chunk_count slices of DOM_CHUNK_UID_SIZE characters.
 * DOM_EINPUT: a chunk's uid is none, or the item's is empty or over DOM_UID_SIZE_MAX.
 */
DOM_MUST_CHECK enum dom_status dom_revision_seal(const struct dom_item_key *key,
    struct dom_slice item_uid, bool deleted, struct dom_slice meta_plain,
    const struct dom_slice *chunks, size_t chunk_count, const struct dom_random *random,
    char uid_r[DOM_REVISION_UID_SIZE + 1], struct dom_buffer *meta);
/* Check everything the tag covers and append the metadata; DOM_EINTEGRITY. */
DOM_MUST_CHECK enum dom_status dom_revision_open(const struct dom_item_key *key,
    struct dom_slice item_uid, struct dom_slice revision_uid, bool deleted,
    struct dom_slice meta, const struct dom_slice *chunks, size_t chunk_count,
    struct dom_buffer *meta_plain);

/* --- padding (6.8) ------------------------------------------------------- */

/* The block size that Etebase pads len bytes to. */
size_t dom_padding_block(size_t len);
/* Length of len bytes of content after our padding (no doubling). */
size_t dom_padded_size(size_t len);
/* ISO/IEC 7816-4, to a multiple of block: append 0x80 and zeros. */
void dom_pad(struct dom_buffer *bytes, size_t start, size_t block);
/* Size without the padding; DOM_EINTEGRITY if there is none.  Empty stays empty. */
DOM_MUST_CHECK enum dom_status dom_unpad(struct dom_slice padded, size_t *size_r);

/* --- splitting (6.9) ----------------------------------------------------- */

/*
 * Where content is cut.  Any split can be read; equal splits let revisions of
 * an item share chunks.  dom_split_etebase is the protocol's own;
 * dom_split_large makes fewer, larger pieces of photos and videos.
 */
struct dom_split {
	size_t size_min; /* content up to here is never cut */
	size_t size_max;
	uint32_t mask; /* cut where (s2 & mask) == mask */
};
extern const struct dom_split dom_split_etebase; /* 16 KiB to 64 KiB */
extern const struct dom_split dom_split_large;   /* 256 KiB to 1 MiB */

/* The rolling sum over the last 64 bytes; it does not depend on earlier ones. */
struct dom_rollsum {
	uint32_t s1, s2;
	uint8_t window[64];
	unsigned at;
};
void dom_rollsum_start(struct dom_rollsum *sum);
void dom_rollsum_add(struct dom_rollsum *sum, uint8_t byte);

struct dom_splitter {
	struct dom_split split;
	struct dom_rollsum sum;
	size_t piece_size; /* bytes since the last cut */
};
void dom_splitter_start(struct dom_splitter *splitter, const struct dom_split *split);
/*
 * Feed bytes; returns how many of them belong to the piece under way.  When
 * *cut_r is true the piece ends there, and the rest is to be fed again; the
 * first byte of the rest is why it ends, so 0 with a cut is possible.
 */
size_t dom_splitter_feed(struct dom_splitter *splitter, struct dom_slice bytes, bool *cut_r);

/*
 * The order in which pieces are stored, and the index chunk's plaintext.
 * pieces: uids in content order.  stored_r: room for piece_count entries;
 * stored_r[i] is the number of the piece to store at place i (each distinct
 * uid once, every order equally likely).  The index (if piece_count > 1) names
 * places in this de-duplicated list and is appended to index.  DOM_ENOMEM;
 * DOM_ELIMIT: more than DOM_CONTENT_PIECES_MAX.
 */
DOM_MUST_CHECK enum dom_status dom_content_arrange(const struct dom_chunk_uid *pieces,
    size_t piece_count, const struct dom_random *random, size_t *stored_r,
    size_t *stored_count_r, struct dom_buffer *index);

/*
 * Decode an index chunk for a list of stored_count chunks (the index itself
 * not counted): places_r[i] is the place of piece i of the content.  An index
 * of one entry or none means place 0, as other clients read it.  places_r has
 * room for places_max entries; index.size always suffices, else DOM_ELIMIT.
 * DOM_EINTEGRITY: not an index, or an entry is out of range.
 */
DOM_MUST_CHECK enum dom_status dom_content_index_read(struct dom_slice index,
    size_t stored_count, uint32_t *places_r, size_t places_max, size_t *count_r);

#endif
