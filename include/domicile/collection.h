/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef DOMICILE_COLLECTION_H
#define DOMICILE_COLLECTION_H

#include <domicile/session.h>

/*
 * Collections of an account and the items in them, as this device knows them.
 * What is known comes from dom_sync(); contents are fetched when asked for.
 */
struct dom_collection;

/*
 * Bring the local index up to date with the server: one request if nothing
 * changed anywhere.  Contents are not fetched.
 */
DOM_MUST_CHECK enum dom_status dom_sync(struct dom_session *session);

/*
 * The collection that the account has one of under this name ("contacts"),
 * known locally.  DOM_ABSENT: it does not exist (call dom_sync() first).
 */
DOM_MUST_CHECK enum dom_status dom_collection_find(
    struct dom_session *session, const char *name, struct dom_collection **collection_r);
/* The same; made at the server if it is absent.  DOM_ECONSENT: its service is off. */
DOM_MUST_CHECK enum dom_status dom_collection_ensure(struct dom_session *session,
    const char *name, const char *type, struct dom_collection **collection_r);
/* Any collection by its uid, for example one of another app's. */
DOM_MUST_CHECK enum dom_status dom_collection_open(
    struct dom_session *session, const char *uid, struct dom_collection **collection_r);
void dom_collection_free(struct dom_collection **collection);

enum dom_access {
	DOM_ACCESS_READ = 0,
	DOM_ACCESS_ADMIN = 1, /* the owner, and whom the owner made one */
	DOM_ACCESS_WRITE = 2,
};

/* What the account has.  Borrowed for the time of the call. */
struct dom_collection_info {
	const char *uid;
	const char *type; /* in the clear */
	const char *name; /* from its metadata, may be "" */
	int access_level; /* enum dom_access */
	uint64_t items;   /* live ones */
	uint64_t bytes;   /* of their contents, as their metadata say */
};
DOM_MUST_CHECK enum dom_status dom_collections_each(struct dom_session *session,
    enum dom_status (*each)(void *context, const struct dom_collection_info *info),
    void *context);

/*
 * What a collection says of itself, asked from the server and checked; tell()
 * is called once.  DOM_EINTEGRITY: it is damaged.
 */
struct dom_collection_about {
	const char *name;
	int64_t mtime_ms;         /* 0: unknown */
	struct dom_slice extra;   /* as in dom_item_info */
	struct dom_slice content; /* few apps store any */
};
DOM_MUST_CHECK enum dom_status dom_collection_about(struct dom_collection *collection,
    enum dom_status (*tell)(void *context, const struct dom_collection_about *about),
    void *context);

/* An item's metadata.  Borrowed for the time of the call. */
struct dom_item_info {
	const char *uid;
	const char *name;   /* "" if it has none; file items: the path, with '/' */
	const char *source; /* name of the file that it was imported from, "" if none */
	uint64_t order;     /* its place in that file */
	int64_t mtime_ms;   /* 0: unknown */
	uint64_t size;      /* of the content; UINT64_MAX: unknown (made by another app) */
	bool deleted;
	/* What other apps noted: MessagePack, key and value in turn.  Empty if nothing. */
	struct dom_slice extra;
};

/*
 * Fetch the contents of all live items, by source and order, many requests in
 * flight; each is decrypted and checked (tags, chunk MACs, SHA-256 if its
 * metadata has one) before end() says DOM_OK, so a receiver keeps nothing
 * before that.  begin, data.., end are called in order, one item at a time.
 * An item that fails does not stop the others: end() gets DOM_EINTEGRITY or
 * the like.  A status below zero from a callback ends the fetch with it.
 */
struct dom_fetch_sink {
	enum dom_status (*begin)(void *context, const struct dom_item_info *info);
	enum dom_status (*data)(void *context, struct dom_slice bytes);
	enum dom_status (*end)(
	    void *context, const struct dom_item_info *info, enum dom_status status);
	void *context;
};
DOM_MUST_CHECK enum dom_status dom_collection_fetch(
    struct dom_collection *collection, const struct dom_fetch_sink *sink);

/*
 * Download and check every revision of every item with every chunk of it.
 * problem() gets a sentence for each that fails.
 */
struct dom_verify_counts {
	uint64_t items, revisions, chunks, bytes, bad;
};
struct dom_verify_sink {
	void (*progress)(
	    void *context, const struct dom_verify_counts *counts, uint64_t items_all);
	void (*problem)(void *context, const char *item_uid, const char *what);
	void *context;
};
DOM_MUST_CHECK enum dom_status dom_collection_verify(struct dom_collection *collection,
    const struct dom_verify_sink *sink, struct dom_verify_counts *counts_r);

/*
 * Fetch the earlier revisions of every item, also of deleted ones, newest
 * first; what is current is dom_collection_fetch()'s.  Called like its sink.
 */
struct dom_revision_info {
	const char *item, *uid;
	const char *name; /* that it had then */
	uint64_t age;     /* 1: the one before the current one */
	int64_t mtime_ms; /* 0: unknown */
	bool deleted;     /* it said that the item is deleted; no content */
};
struct dom_history_sink {
	enum dom_status (*begin)(void *context, const struct dom_revision_info *info);
	enum dom_status (*data)(void *context, struct dom_slice bytes);
	enum dom_status (*end)(
	    void *context, const struct dom_revision_info *info, enum dom_status status);
	/* Another item was looked through; may be NULL. */
	void (*progress)(void *context, uint64_t items);
	void *context;
};
DOM_MUST_CHECK enum dom_status dom_collection_history(
    struct dom_collection *collection, const struct dom_history_sink *sink);

/* --- writing single items (other apps' way) ---------------------------------- */

struct dom_item_new {
	const char *uid;  /* NULL: a new random one */
	const char *name; /* may be NULL */
	int64_t mtime_ms; /* 0: none */
	struct dom_slice content;
	bool deleted;
};
/*
 * Store one item, whatever is there (the protocol's batch).  uid_r: its uid.
 * DOM_ECONSENT: the service is off, nothing was stored.
 */
DOM_MUST_CHECK enum dom_status dom_item_put(
    struct dom_collection *collection, const struct dom_item_new *item, char uid_r[33]);

/* --- importing ----------------------------------------------------------------- */

/*
 * An import brings records of a phone's export into a collection so that the
 * same record again changes nothing, an edited one becomes a new revision, and
 * two records never overwrite each other.  docs/architecture.md, "Importing".
 *
 * Uploads run in parallel in the background of put(); memory is bounded
 * (DOM_IMPORT_WINDOW_BYTES in flight).  After a crash the same import again
 * uploads what is missing, chunks that arrived are not sent again.
 */
enum { DOM_IMPORT_WINDOW_BYTES = 16 << 20 };
struct dom_import;

struct dom_record {
	struct dom_slice key; /* what makes it the same record, any bytes */
	bool key_is_uid;      /* unique by the record's own claim */
	uint8_t digest[32];   /* SHA-256 of its content */
	uint64_t size;
	const char *name;   /* may be NULL; files: the path */
	const char *source; /* the file's name; NULL: none */
	uint64_t order;
	int64_t mtime_ms;
	/* Hand the content to take() in order; called once, during put(). */
	enum dom_status (*read)(void *context,
	    enum dom_status (*take)(void *take_context, struct dom_slice bytes),
	    void *take_context);
	void *context;
};

enum dom_record_outcome {
	DOM_RECORD_NEW,
	DOM_RECORD_CHANGED,
	DOM_RECORD_SAME,      /* it is stored already */
	DOM_RECORD_DUPLICATE, /* the very same record came before in this import */
	DOM_RECORD_OUTCOME_COUNT,
};

struct dom_import_counts {
	uint64_t records[DOM_RECORD_OUTCOME_COUNT];
	uint64_t stored;       /* acknowledged by the server */
	uint64_t stored_bytes; /* of plain content */
};

DOM_MUST_CHECK enum dom_status dom_import_begin(
    struct dom_collection *collection, struct dom_import **import_r);
/*
 * DOM_EINTEGRITY: what read() gave is not what digest says (the file changed);
 * DOM_EFILE: read() could not read.  This record was not stored, go on with
 * others.  Any other status below zero
 * ends the import.
 */
DOM_MUST_CHECK enum dom_status dom_import_put(struct dom_import *import,
    const struct dom_record *record, enum dom_record_outcome *outcome_r);
/* Wait until everything is acknowledged. */
DOM_MUST_CHECK enum dom_status dom_import_finish(
    struct dom_import *import, struct dom_import_counts *counts_r);
/* So far. */
void dom_import_counts(const struct dom_import *import, struct dom_import_counts *counts_r);
void dom_import_free(struct dom_import **import);

#endif
