/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/random.h"

/*
 * The contract of a region's store: typed operations inside transactions.
 * SQLite implements it (store/sqlite/); an engine is right when it passes
 * tests/contract/.
 *
 * One writer.  A write is a job: its run() is called on the writer's thread
 * inside a savepoint of a larger transaction (group commit), then done() once
 * that transaction is on the disk or has failed.  What run() saw and wrote is
 * atomic and serial with every other job.  Readers see a snapshot.
 *
 * Every operation answers
 *   DOM_OK        done
 *   DOM_ABSENT    there is no such row
 *   DOM_CONFLICT  a uniqueness rule refuses it; nothing was changed
 *   DOM_ENOMEM    the arena or the heap is exhausted
 *   DOM_EFENCED   a write to what an account owns that is not at home here (any
 *                 more, yet, or for this moment): see store_txn_fenced()
 *   DOM_EFULL     the disk is full: this job is rolled back; the store goes on
 *   DOM_ESTORE    the disk failed: this job is rolled back, and if a sync
 *                 failed the store refuses every later write (store_failed())
 * and a job's done() is also told
 *   DOM_EUNCERTAIN  the commit itself failed: perhaps the job is on the disk,
 *                   and there after a restart
 * Slices that come out live in the arena handed in.
 *
 * "number" is a row's local id, never shown outside; "id" is public.
 * "clock" is the owner's count of changes (docs/architecture.md, "The clock").
 * "T" is the region's time (store_region_time()): it never runs ahead, so what
 * is measured in it is never taken for older than it is.  The engine stamps it.
 *
 * What names a person (names, addresses, devices) is sealed under the account's
 * key at rest and found by a keyed hash (crypto/rest.h); callers see it in the
 * clear.
 */
struct dom_region_key;
struct store;
struct store_reader; /* one per thread that reads */
struct store_txn;    /* a snapshot, or a job's savepoint */

enum {
	STORE_ID_SIZE = 16,
	STORE_TOKEN_HASH_SIZE = 32,
	STORE_TERMS_SIZE = 32,
	STORE_REQUEST_SIZE = 32, /* an erasure's public number */
	STORE_ROOT_SIZE = 32,
	STORE_CHUNK_ROW_SIZE_MAX = 64 << 10, /* larger chunks become files */
	STORE_JOBS_MAX = 4096,               /* queued; submitting more is DOM_ELIMIT */
	/* A scan of items or revisions ends early once its rows take this much memory. */
	STORE_SCAN_SIZE_MAX = 4 << 20,
};

struct store_options {
	const char *folder;        /* made if missing, mode 0700 */
	const char *region;        /* name; a store of another region is refused */
	bool manual;               /* no writer thread: the caller runs store_pump() */
	size_t chunk_row_size_max; /* 0: STORE_CHUNK_ROW_SIZE_MAX */
	/*
	 * Names are sealed under it.  Borrowed for as long as the store is open; a
	 * store that was made with another one is refused.
	 */
	const struct dom_region_key *key;
	struct dom_random random; /* fill NULL: the system's */
	struct dom_clock clock;   /* now_ms NULL: the system's; T begins with it */
};

/*
 * Open and migrate.  message_r says in a sentence what went wrong, for an
 * operator (size message_size).
 */
DOM_MUST_CHECK enum dom_status store_open(const struct store_options *options,
    struct store **store_r, char *message_r, size_t message_size);
/* Finish queued jobs, checkpoint, close.  All readers are closed before. */
void store_close(struct store **store);
/* True once a sync has failed: no write will be acknowledged until a restart. */
bool store_failed(const struct store *store);
/* Why, in a sentence for the operator's log; NULL while it has not failed. */
const char *store_failure(const struct store *store);

DOM_MUST_CHECK enum dom_status store_reader_open(
    struct store *store, struct store_reader **reader_r);
void store_reader_close(struct store_reader **reader);
/* One transaction at a time per reader. */
DOM_MUST_CHECK enum dom_status store_read_begin(
    struct store_reader *reader, struct store_txn **txn_r);
void store_read_end(struct store_txn **txn);

/* What the disk has left for the region; DOM_ABSENT: it does not say.  Any thread. */
DOM_MUST_CHECK enum dom_status store_free_bytes(const struct store *store, uint64_t *bytes_r);

struct store_job {
	/* A status below zero rolls back; above or zero is committed. */
	enum dom_status (*run)(struct store_txn *txn, struct store_job *job);
	/*
	 * Once, on the writer's thread: what run() answered if that is durable
	 * now, else DOM_ESTORE, DOM_EUNCERTAIN or DOM_EFULL, for the whole group:
	 * a refusal may rest on what another job of it had written.
	 */
	void (*done)(struct store_job *job, enum dom_status status);
	struct store_job *next; /* the store's, while queued */
};

/* The job stays the caller's memory and must live until done(). */
DOM_MUST_CHECK enum dom_status store_submit(struct store *store, struct store_job *job);
/* manual stores: run and commit what is queued, as one group; the number of jobs. */
size_t store_pump(struct store *store);
/* Submit and wait for it: for tools and tests. */
DOM_MUST_CHECK enum dom_status store_write(struct store *store,
    enum dom_status (*run)(struct store_txn *txn, void *context), void *context);

/* --- the region ------------------------------------------------------------- */

/*
 * T, in milliseconds since 1970: the wall clock when the store was made, then
 * what it is set to.  It is the caller's to see that it never runs ahead of the
 * true time; set refuses to go back: DOM_CONFLICT.
 */
DOM_MUST_CHECK enum dom_status store_region_time(struct store_txn *txn, int64_t *time_ms_r);
DOM_MUST_CHECK enum dom_status store_region_time_set(struct store_txn *txn, int64_t time_ms);
/* How many entries the erasure journal has at least (services/journal.h). */
DOM_MUST_CHECK enum dom_status store_region_journal(struct store_txn *txn, uint64_t *count_r);
DOM_MUST_CHECK enum dom_status store_region_journal_set(struct store_txn *txn, uint64_t count);

/* --- accounts -------------------------------------------------------------- */

/*
 * Never renumber: stored.  Only an account at HOME takes writes to what it
 * owns; the question is asked inside every statement that writes (the fence).
 * One that is being erased is at home still, for those who erase it.
 */
enum store_account_state {
	STORE_ACCOUNT_HOME = 0,
	STORE_ACCOUNT_ERASING = 1,
	STORE_ACCOUNT_FROZEN = 2,   /* for a moment, while it is handed over */
	STORE_ACCOUNT_GONE = 3,     /* it lives in another region */
	STORE_ACCOUNT_STAGING = 4,  /* a copy that is being made of another region's */
	STORE_ACCOUNT_PREPARED = 5, /* that copy, complete and promised */
};

struct store_account {
	int64_t number;
	uint8_t id[STORE_ID_SIZE]; /* random, moves along with the account */
	uint64_t clock;
	uint64_t epoch;
	int64_t created_ms;
	bool initialised; /* it has keys: its owner has signed up */
	bool disabled;
	int state;         /* enum store_account_state */
	int64_t active_ms; /* T when a session of it was last used */
	int64_t notice_ms; /* T of the notice that it will be erased, 0: none */
	/*
	 * Both are empty out of store_account_by_number() and
	 * store_membership_owners(): see store_account_names().
	 */
	struct dom_slice name;  /* canonical: NFKC, lower case; unique */
	struct dom_slice email; /* may be empty; unique if not */
	struct dom_slice salt, login_public, identity_public, encrypted_content;
	struct dom_slice statement_public; /* empty until registered */
};

/* number, clock, epoch, state and times in T are set by the store (clock 0, epoch 1). */
DOM_MUST_CHECK enum dom_status store_account_add(
    struct store_txn *txn, const struct store_account *account, int64_t *number_r);
DOM_MUST_CHECK enum dom_status store_account_by_number(struct store_txn *txn, int64_t number,
    struct dom_arena *arena, struct store_account *account_r);
DOM_MUST_CHECK enum dom_status store_account_by_id(struct store_txn *txn,
    const uint8_t id[STORE_ID_SIZE], struct dom_arena *arena, struct store_account *account_r);
DOM_MUST_CHECK enum dom_status store_account_by_name(struct store_txn *txn,
    struct dom_slice name, struct dom_arena *arena, struct store_account *account_r);
DOM_MUST_CHECK enum dom_status store_account_by_email(struct store_txn *txn,
    struct dom_slice email, struct dom_arena *arena, struct store_account *account_r);
/* name and email of account->number; every request asks for accounts, few for names. */
DOM_MUST_CHECK enum dom_status store_account_names(
    struct store_txn *txn, struct dom_arena *arena, struct store_account *account);
/* Sets initialised and the five key fields of an account that has none. */
DOM_MUST_CHECK enum dom_status store_account_initialise(
    struct store_txn *txn, const struct store_account *account);
DOM_MUST_CHECK enum dom_status store_account_set_login(struct store_txn *txn, int64_t number,
    struct dom_slice login_public, struct dom_slice encrypted_content);
DOM_MUST_CHECK enum dom_status store_account_set_statement_key(
    struct store_txn *txn, int64_t number, struct dom_slice statement_public);
/* An operator's switch: logins and sessions of a disabled account are refused. */
DOM_MUST_CHECK enum dom_status store_account_set_disabled(
    struct store_txn *txn, int64_t number, bool disabled);
struct store_usage {
	uint64_t chunk_bytes; /* of all chunks in the collections that the account owns */
	int64_t quota_bytes;  /* what it may have; below zero: whatever the region says */
};
DOM_MUST_CHECK enum dom_status store_account_usage(
    struct store_txn *txn, int64_t number, struct store_usage *usage_r);
DOM_MUST_CHECK enum dom_status store_account_set_quota(
    struct store_txn *txn, int64_t number, int64_t quota_bytes);
/* By ascending number, those > after, at most limit. */
DOM_MUST_CHECK enum dom_status store_account_scan(struct store_txn *txn, int64_t after,
    unsigned limit, struct dom_arena *arena, struct store_account **accounts_r,
    size_t *count_r);
/* The account whose fence refused this job (DOM_EFENCED); 0: none. */
int64_t store_txn_fenced(const struct store_txn *txn);
/* Take the account's next number. */
DOM_MUST_CHECK enum dom_status store_account_tick(
    struct store_txn *txn, int64_t number, uint64_t *clock_r);

/* --- sessions -------------------------------------------------------------- */

struct store_session {
	uint8_t token_hash[STORE_TOKEN_HASH_SIZE]; /* SHA-256 of the token's text */
	uint8_t id[STORE_ID_SIZE];                 /* for listing and revoking */
	int64_t account;
	int64_t created_ms, used_ms, expires_ms;
	int64_t seen_ms;         /* T when it was made or last touched */
	struct dom_slice device; /* a name the person gave, may be empty; set by list only */
};

DOM_MUST_CHECK enum dom_status store_session_add(
    struct store_txn *txn, const struct store_session *session);
DOM_MUST_CHECK enum dom_status store_session_find(struct store_txn *txn,
    const uint8_t token_hash[STORE_TOKEN_HASH_SIZE], struct dom_arena *arena,
    struct store_session *session_r);
/* Stamps T here and as its account's active_ms, as store_session_add() does. */
DOM_MUST_CHECK enum dom_status store_session_touch(struct store_txn *txn,
    const uint8_t token_hash[STORE_TOKEN_HASH_SIZE], int64_t used_ms, int64_t expires_ms);
DOM_MUST_CHECK enum dom_status store_session_remove(
    struct store_txn *txn, const uint8_t token_hash[STORE_TOKEN_HASH_SIZE]);
DOM_MUST_CHECK enum dom_status store_session_remove_id(
    struct store_txn *txn, int64_t account, const uint8_t id[STORE_ID_SIZE]);
/* All of the account's but one. */
DOM_MUST_CHECK enum dom_status store_session_remove_others(
    struct store_txn *txn, int64_t account, const uint8_t keep_hash[STORE_TOKEN_HASH_SIZE]);
/*
 * Remove those that ended before T or were last seen (in T) before
 * idle_before_ms, at most limit.
 */
DOM_MUST_CHECK enum dom_status store_sessions_due(
    struct store_txn *txn, int64_t idle_before_ms, unsigned limit, uint64_t *removed_r);
/* Newest use first. */
DOM_MUST_CHECK enum dom_status store_session_list(struct store_txn *txn, int64_t account,
    struct dom_arena *arena, struct store_session **sessions_r, size_t *count_r);

/* --- collections and members ----------------------------------------------- */

struct store_collection {
	int64_t number;
	int64_t owner; /* account */
	uint8_t owner_id[STORE_ID_SIZE];
	struct dom_slice uid;   /* unique in the region */
	uint64_t items_clock;   /* of its newest item, main item included */
	uint64_t members_clock; /* the largest number of a current membership */
};

struct store_member {
	int64_t collection;
	int64_t account;
	uint64_t clock;   /* in the owner's count */
	int access_level; /* 0 read-only, 1 admin, 2 read-write */
	struct dom_slice collection_key;
	struct dom_slice collection_type; /* empty: none */
};

/* uid and owner are taken; DOM_CONFLICT: the uid exists. */
DOM_MUST_CHECK enum dom_status store_collection_add(
    struct store_txn *txn, struct dom_slice uid, int64_t owner, int64_t *number_r);
DOM_MUST_CHECK enum dom_status store_collection_find(struct store_txn *txn,
    struct dom_slice uid, struct dom_arena *arena, struct store_collection *collection_r);
DOM_MUST_CHECK enum dom_status store_member_add(
    struct store_txn *txn, const struct store_member *member);
DOM_MUST_CHECK enum dom_status store_member_find(struct store_txn *txn, int64_t collection,
    int64_t account, struct dom_arena *arena, struct store_member *member_r);

/*
 * The membership ends, and with it the invitations that it had issued;
 * members_clock falls to the largest number that is left.  DOM_ABSENT: not a
 * member.
 */
DOM_MUST_CHECK enum dom_status store_member_remove(
    struct store_txn *txn, int64_t collection, int64_t account);
/* DOM_ABSENT: not a member. */
DOM_MUST_CHECK enum dom_status store_member_set_access(struct store_txn *txn,
    int64_t collection, int64_t account, int access_level, uint64_t clock);
DOM_MUST_CHECK enum dom_status store_member_count(
    struct store_txn *txn, int64_t collection, uint64_t *members_r, uint64_t *admins_r);

struct store_member_name {
	int64_t account;
	struct dom_slice name;
	int access_level;
	uint64_t clock;
};

/* Members with clock > after by ascending clock, at most limit. */
DOM_MUST_CHECK enum dom_status store_member_scan(struct store_txn *txn, int64_t collection,
    uint64_t after, unsigned limit, struct dom_arena *arena, struct store_member_name **rows_r,
    size_t *count_r);
/*
 * Nobody is left: note since when, in T, if it is not noted yet.  erasure:
 * number of the erasure that it goes with from now on, 0: none.
 */
DOM_MUST_CHECK enum dom_status store_collection_abandon(
    struct store_txn *txn, int64_t collection, int64_t erasure);

/*
 * The note that a membership ended.  It lives with the former member and takes
 * that one's number, so it survives the collection and its owner.
 */
struct store_removed {
	struct dom_slice uid; /* of the collection */
	uint64_t clock;
	struct dom_slice collection_type; /* as that member called it */
};

/* Replaces what the account has for that uid. */
DOM_MUST_CHECK enum dom_status store_removed_put(
    struct store_txn *txn, int64_t account, const struct store_removed *removed);
/* DOM_ABSENT: there was none. */
DOM_MUST_CHECK enum dom_status store_removed_clear(
    struct store_txn *txn, int64_t account, struct dom_slice uid);
DOM_MUST_CHECK enum dom_status store_removed_find(struct store_txn *txn, int64_t account,
    struct dom_slice uid, struct dom_arena *arena, struct store_removed *removed_r);
/* With clock > after by ascending clock, at most limit. */
DOM_MUST_CHECK enum dom_status store_removed_scan(struct store_txn *txn, int64_t account,
    uint64_t after, unsigned limit, struct dom_arena *arena, struct store_removed **rows_r,
    size_t *count_r);

struct store_membership {
	struct store_collection collection;
	struct store_member member;
	uint64_t clock; /* max(collection.items_clock, member.clock) */
};

/* Owners of the collections that account is a member of, by ascending id. */
DOM_MUST_CHECK enum dom_status store_membership_owners(struct store_txn *txn, int64_t account,
    struct dom_arena *arena, struct store_account **owners_r, size_t *count_r);
/*
 * Memberships of account in collections of owner with clock > after, by
 * ascending clock, at most limit.  types: NULL for all, else only those with
 * one of type_count types or with none.
 */
DOM_MUST_CHECK enum dom_status store_membership_scan(struct store_txn *txn, int64_t account,
    int64_t owner, uint64_t after, const struct dom_slice *types, size_t type_count,
    unsigned limit, struct dom_arena *arena, struct store_membership **rows_r, size_t *count_r);

/* --- invitations ----------------------------------------------------------- */

struct store_invitation {
	struct dom_slice uid; /* unique in the region */
	int64_t collection, sender, recipient;
	uint64_t sender_clock; /* in the sender's count */
	uint64_t clock;        /* in the recipient's */
	int version;
	int access_level;
	struct dom_slice signed_key;
	/* Set by find and scan only. */
	struct dom_slice collection_uid, sender_name, sender_public, recipient_name;
};

/* DOM_CONFLICT: the uid exists, or the sender has invited the recipient there already. */
DOM_MUST_CHECK enum dom_status store_invitation_add(
    struct store_txn *txn, const struct store_invitation *invitation);
DOM_MUST_CHECK enum dom_status store_invitation_find(struct store_txn *txn,
    struct dom_slice uid, struct dom_arena *arena, struct store_invitation *invitation_r);
/* DOM_OK if sender has a pending invitation for recipient to collection. */
DOM_MUST_CHECK enum dom_status store_invitation_pending(
    struct store_txn *txn, int64_t collection, int64_t sender, int64_t recipient);
DOM_MUST_CHECK enum dom_status store_invitation_remove(
    struct store_txn *txn, struct dom_slice uid);
/* All for the recipient to the collection, whoever sent them. */
DOM_MUST_CHECK enum dom_status store_invitation_remove_all(
    struct store_txn *txn, int64_t collection, int64_t recipient);
/* Pending ones that the account has sent. */
DOM_MUST_CHECK enum dom_status store_invitation_count(
    struct store_txn *txn, int64_t sender, uint64_t *count_r);
/*
 * Sent by the account, or for it, with its clock > after by ascending clock, at
 * most limit.
 */
DOM_MUST_CHECK enum dom_status store_invitation_scan_sent(struct store_txn *txn,
    int64_t account, uint64_t after, unsigned limit, struct dom_arena *arena,
    struct store_invitation **rows_r, size_t *count_r);
DOM_MUST_CHECK enum dom_status store_invitation_scan_received(struct store_txn *txn,
    int64_t account, uint64_t after, unsigned limit, struct dom_arena *arena,
    struct store_invitation **rows_r, size_t *count_r);

/* --- items and revisions --------------------------------------------------- */

struct store_revision {
	struct dom_slice uid;
	struct dom_slice meta;
	bool deleted;
	uint64_t clock;
	struct dom_slice *chunks; /* uids in order */
	size_t chunk_count;
	struct dom_slice previous; /* set by store_revision_find() only */
};

struct store_item {
	int64_t number;
	struct dom_slice uid;
	int version;
	struct dom_slice encryption_key; /* NULL data: none */
	struct store_revision current;
};

/* With its current revision. */
DOM_MUST_CHECK enum dom_status store_item_find(struct store_txn *txn, int64_t collection,
    struct dom_slice uid, struct dom_arena *arena, struct store_item *item_r);
/* The current revision's uid alone: what a batch needs most. */
DOM_MUST_CHECK enum dom_status store_item_etag(struct store_txn *txn, int64_t collection,
    struct dom_slice uid, struct dom_arena *arena, int64_t *number_r, struct dom_slice *etag_r);
/*
 * A new item (item->number 0, its uid new in the collection) or a new current
 * revision of item->number, with clock item->current.clock; the collection's
 * items_clock follows.  DOM_CONFLICT: the item has a revision of that uid.
 */
DOM_MUST_CHECK enum dom_status store_item_put(
    struct store_txn *txn, int64_t collection, const struct store_item *item);
/*
 * Items with clock > after by ascending clock, at most limit; the main item
 * only if asked.  Fewer than limit may be more to come, none is the end.
 */
DOM_MUST_CHECK enum dom_status store_item_scan(struct store_txn *txn,
    const struct store_collection *collection, uint64_t after, bool with_main, unsigned limit,
    struct dom_arena *arena, struct store_item **items_r, size_t *count_r);
/* DOM_OK if the item ever had this revision; previous is the one before it, or empty. */
DOM_MUST_CHECK enum dom_status store_revision_find(struct store_txn *txn, int64_t item,
    struct dom_slice uid, struct dom_arena *arena, struct store_revision *revision_r);
/* Newest first; before: clock of the last one already seen, 0 for none.  Ends as above. */
DOM_MUST_CHECK enum dom_status store_revision_scan(struct store_txn *txn, int64_t item,
    uint64_t before, unsigned limit, struct dom_arena *arena,
    struct store_revision **revisions_r, size_t *count_r);

/* --- chunks ---------------------------------------------------------------- */

/*
 * Ciphertext of a collection's chunk.  Large ones are files; writing and
 * syncing them takes time, so they are staged first, on any thread and
 * outside of any transaction, and then put by a job.
 */
struct store_staged;

/*
 * After DOM_OK the bytes are on the disk, unreferenced.  Small chunks cost
 * nothing: data is only borrowed until the job is done.
 */
DOM_MUST_CHECK enum dom_status store_chunk_stage(struct store *store,
    const uint8_t owner_id[STORE_ID_SIZE], struct dom_slice data,
    struct store_staged **staged_r);
/*
 * The same for a large chunk that is not there yet as a whole: any thread, one at a time.  It
 * can be put after DOM_OK from the end, and only be freed after a failure.
 */
DOM_MUST_CHECK enum dom_status store_chunk_stage_begin(
    struct store *store, const uint8_t owner_id[STORE_ID_SIZE], struct store_staged **staged_r);
DOM_MUST_CHECK enum dom_status store_chunk_stage_add(
    struct store_staged *staged, struct dom_slice piece);
DOM_MUST_CHECK enum dom_status store_chunk_stage_end(struct store_staged *staged);
/* SHA-256 of what is staged, once it is there as a whole; borrowed. */
const uint8_t *store_staged_digest(const struct store_staged *staged);
/* True if staging a chunk of this size blocks on the disk. */
bool store_chunk_stage_blocks(const struct store *store, size_t size);
/* Drops the file too unless a committed job has put it. */
void store_staged_free(struct store_staged **staged);

DOM_MUST_CHECK enum dom_status store_chunk_has(
    struct store_txn *txn, int64_t collection, struct dom_slice uid);
/*
 * DOM_CONFLICT: the collection has a chunk of that uid; it is not replaced.
 * One that blocked when it was staged must live until the job is done; a small
 * one may be freed as soon as it is put.
 */
DOM_MUST_CHECK enum dom_status store_chunk_put(struct store_txn *txn, int64_t collection,
    struct dom_slice uid, struct store_staged *staged);
/* In a job that has put a chunk: of the owner of the last one, that chunk included. */
const struct store_usage *store_chunk_usage(const struct store_txn *txn);
/* DOM_EINTEGRITY: the bytes on the disk are not those that were stored. */
DOM_MUST_CHECK enum dom_status store_chunk_get(struct store_txn *txn, int64_t collection,
    struct dom_slice uid, struct dom_arena *arena, struct dom_slice *data_r);
/* The same, appended, so that a large chunk is not copied; nothing unless DOM_OK. */
DOM_MUST_CHECK enum dom_status store_chunk_append(struct store_txn *txn, int64_t collection,
    struct dom_slice uid, struct dom_arena *arena, struct dom_buffer *body);
/* Size of the ciphertext without reading it. */
DOM_MUST_CHECK enum dom_status store_chunk_size(
    struct store_txn *txn, int64_t collection, struct dom_slice uid, uint64_t *size_r);

/* --- statements and consents ----------------------------------------------- */

struct store_statement {
	uint64_t serial; /* 1, 2, 3 .. for each account */
	uint64_t clock;
	int kind; /* enum wire_statement_kind */
	int64_t accepted_ms;
	struct dom_slice service;
	struct dom_slice bytes, signature;
	struct dom_slice receipt, receipt_signature; /* the region's answer; may be empty */
};

DOM_MUST_CHECK enum dom_status store_statement_add(
    struct store_txn *txn, int64_t account, const struct store_statement *statement);
/* The account's newest statement; DOM_ABSENT: it has none. */
DOM_MUST_CHECK enum dom_status store_statement_last(struct store_txn *txn, int64_t account,
    struct dom_arena *arena, struct store_statement *statement_r);
/* With serial > after, in order. */
DOM_MUST_CHECK enum dom_status store_statement_list(struct store_txn *txn, int64_t account,
    uint64_t after, unsigned limit, struct dom_arena *arena,
    struct store_statement **statements_r, size_t *count_r);

/*
 * What live consents cover: collection types (any: every type).  set replaces
 * what the service covered before; clear ends it.
 */
struct store_consent {
	struct dom_slice service;
	uint64_t serial;  /* of the consent statement */
	int64_t until_ms; /* 0: until withdrawn */
	bool any;
	uint32_t version;                /* of the catalogue's entry, and .. */
	uint8_t terms[STORE_TERMS_SIZE]; /* .. the digest of its terms */
};

DOM_MUST_CHECK enum dom_status store_consent_set(struct store_txn *txn, int64_t account,
    const struct store_consent *consent, const struct dom_slice *types, size_t type_count);
/* DOM_ABSENT: it was not on. */
DOM_MUST_CHECK enum dom_status store_consent_clear(
    struct store_txn *txn, int64_t account, struct dom_slice service);
/*
 * All live consents of the account that cover this type at now_ms, those that
 * name it before one that covers everything.
 */
DOM_MUST_CHECK enum dom_status store_consent_covers(struct store_txn *txn, int64_t account,
    struct dom_slice type, int64_t now_ms, struct dom_arena *arena,
    struct store_consent **consents_r, size_t *count_r);
DOM_MUST_CHECK enum dom_status store_consent_list(struct store_txn *txn, int64_t account,
    struct dom_arena *arena, struct store_consent **consents_r, size_t *count_r);
/* One service's, live or ended. */
DOM_MUST_CHECK enum dom_status store_consent_find(struct store_txn *txn, int64_t account,
    struct dom_slice service, struct dom_arena *arena, struct store_consent *consent_r);

/* --- sign-up codes ---------------------------------------------------------- */

/*
 * What an operator hands out, so that somebody may sign up: an invite, not to
 * be taken for an invitation to a collection.  Of the code there is only a
 * hash, keyed outside of the store.
 */
enum { STORE_INVITE_HASH_SIZE = 32 };
struct store_invite {
	int64_t number; /* for the operator; set by the store */
	uint8_t hash[STORE_INVITE_HASH_SIZE];
	int64_t created_ms, expires_ms;
	int64_t uses_max, uses; /* uses is 0 when it is added */
	int64_t quota_bytes;    /* of who signs up with it; below zero: as the region says */
};

/* DOM_CONFLICT: there is one of that hash. */
DOM_MUST_CHECK enum dom_status store_invite_add(
    struct store_txn *txn, const struct store_invite *invite, int64_t *number_r);
DOM_MUST_CHECK enum dom_status store_invite_find(struct store_txn *txn,
    const uint8_t hash[STORE_INVITE_HASH_SIZE], struct store_invite *invite_r);
/* DOM_ABSENT: there is none, or nothing is left of it. */
DOM_MUST_CHECK enum dom_status store_invite_use(struct store_txn *txn, int64_t number);
DOM_MUST_CHECK enum dom_status store_invite_remove(struct store_txn *txn, int64_t number);
/* Those that ended before. */
DOM_MUST_CHECK enum dom_status store_invite_expire(struct store_txn *txn, int64_t before_ms);
/* By ascending number, those > after, at most limit. */
DOM_MUST_CHECK enum dom_status store_invite_scan(struct store_txn *txn, int64_t after,
    unsigned limit, struct dom_arena *arena, struct store_invite **rows_r, size_t *count_r);

/* --- limits ------------------------------------------------------------------ */

/* Collections that the account owns, those that nobody is in any more too. */
DOM_MUST_CHECK enum dom_status store_collection_count(
    struct store_txn *txn, int64_t owner, uint64_t *count_r);
/* End all sessions of the account but those that were used last. */
DOM_MUST_CHECK enum dom_status store_session_trim(
    struct store_txn *txn, int64_t account, uint64_t keep);
/* When the newest statement (back 0), or the one so many before it, was taken; DOM_ABSENT. */
DOM_MUST_CHECK enum dom_status store_statement_accepted(
    struct store_txn *txn, int64_t account, uint64_t back, int64_t *accepted_ms_r);

/* --- figures ---------------------------------------------------------------- */

struct store_counts {
	uint64_t accounts, collections, items, revisions, chunks;
	uint64_t chunk_bytes;
};
DOM_MUST_CHECK enum dom_status store_count(
    struct store_txn *txn, struct store_counts *counts_r);
/* What the writer has done since the store was opened.  Any thread. */
enum { STORE_COMMIT_BUCKETS = 12, STORE_GROUP_BUCKETS = 9 };
extern const unsigned store_commit_bounds_us[STORE_COMMIT_BUCKETS - 1];
struct store_figures {
	uint64_t jobs;      /* of all groups, refused ones too */
	uint64_t commit_us; /* of all commits */
	/* By time, up to each bound; the last: longer. */
	uint64_t commits_within[STORE_COMMIT_BUCKETS];
	/* By jobs in the group: [n] more than 2^(n-1), up to 2^n. */
	uint64_t groups_within[STORE_GROUP_BUCKETS];
	uint64_t queued; /* now */
	bool failed;     /* see store_failed() */
};
void store_figures(struct store *store, struct store_figures *figures_r);
/* How often this store was made out of a backup, and when last; see store/care.h. */
DOM_MUST_CHECK enum dom_status store_restores(
    struct store_txn *txn, uint64_t *count_r, int64_t *last_ms_r);

/* Erasing and retention: store/erase.h. */

#endif
