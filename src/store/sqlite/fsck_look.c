/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Examining a store: what is looked at. */
#include <stdio.h>

#include "crypto/digest.h"
#include "crypto/rest.h"

#include "store/sqlite/engine.h"
#include "store/sqlite/fsck.h"
#include "store/sqlite/migrations.h"

#define PAGE " LIMIT 256"

static struct dom_slice
column(sqlite3_stmt *statement, int index)
{
	const void *data = sqlite3_column_blob(statement, index);
	int size = sqlite3_column_bytes(statement, index);

	return data == NULL ? dom_slice("", 0) : dom_slice(data, (size_t)size);
}

#define TEXT(slice) (int)(slice).size, (const char *)(slice).data

/* A row that says in text what is wrong; each statement is walked once. */
static int64_t
told(struct fsck *fsck, sqlite3_stmt *statement)
{
	struct dom_slice text = column(statement, 0);

	fsck_fault(fsck, "%.*s", TEXT(text));
	return INT64_MAX;
}

/* What a row points to by number is there. */
static int64_t
dangling(struct fsck *fsck, sqlite3_stmt *statement)
{
	struct dom_slice table = column(statement, 0), parent = column(statement, 1);

	fsck_fault(fsck, "a row of %.*s names one of %.*s that does not exist", TEXT(table),
	    TEXT(parent));
	return INT64_MAX;
}

void
fsck_structure(struct fsck *fsck)
{
	char version[160];

	/* ?1: only its first page counts, which is all of it. */
	fsck_each(fsck, "the structure of the database",
	    "SELECT 'database: ' || integrity_check FROM pragma_integrity_check"
	    " WHERE ?1 = 0 AND integrity_check <> 'ok'",
	    told);
	fsck_each(fsck, "the references of the database",
	    "SELECT \"table\", parent FROM pragma_foreign_key_check WHERE ?1 = 0", dangling);
	snprintf(version, sizeof(version),
	    "SELECT 'the schema is of another release' FROM schema WHERE ?1 = 0"
	    " GROUP BY 1 HAVING max(version) <> %d",
	    MIGRATION_COUNT);
	fsck_each(fsck, "the schema", version, told);
}

/* A row of a collection, and what is wrong with it. */
static int64_t
in_collection(struct fsck *fsck, sqlite3_stmt *statement)
{
	struct dom_slice uid = column(statement, 1), fault = column(statement, 2);

	fsck_fault(fsck, "collection %.*s: %.*s", TEXT(uid), TEXT(fault));
	return sqlite3_column_int64(statement, 0);
}

/* A number that the clock has not reached would be given out again. */
void
fsck_clocks(struct fsck *fsck)
{
	fsck_each(fsck, "the clocks of items",
	    "SELECT i.number, c.uid, 'an item is ahead of the owner''s clock' FROM item i"
	    " JOIN collection c ON c.number = i.collection JOIN account a ON a.number = c.owner"
	    " WHERE i.number > ?1 AND i.clock > a.clock ORDER BY i.number" PAGE,
	    in_collection);
	fsck_each(fsck, "the clocks of collections",
	    "SELECT c.number, c.uid, 'it is ahead of its owner''s clock' FROM collection c"
	    " JOIN account a ON a.number = c.owner WHERE c.number > ?1"
	    " AND max(c.items_clock, c.members_clock) > a.clock ORDER BY c.number" PAGE,
	    in_collection);
	fsck_each(fsck, "the clocks of members",
	    "SELECT m.number, c.uid, 'a membership is ahead of the owner''s clock' FROM member "
	    "m"
	    " JOIN collection c ON c.number = m.collection JOIN account a ON a.number = m.owner"
	    " WHERE m.number > ?1 AND m.clock > a.clock ORDER BY m.number" PAGE,
	    in_collection);
	fsck_each(fsck, "the newest items of collections",
	    "SELECT c.number, c.uid, 'an item is newer than it knows, so lists miss that'"
	    " FROM collection c WHERE c.number > ?1 AND c.items_clock <"
	    " (SELECT coalesce(max(i.clock), 0) FROM item i WHERE i.collection = c.number)"
	    " ORDER BY c.number" PAGE,
	    in_collection);
}

/*
 * Lists of those who share are ordered by clocks, too; and who is not a member
 * any more has nothing to offer, and is told so.
 */
void
fsck_sharing(struct fsck *fsck)
{
	fsck_each(fsck, "the notes of memberships that ended",
	    "SELECT r.number, r.uid, 'the note that a membership ended is ahead of its"
	    " account''s clock' FROM removed r JOIN account a ON a.number = r.account"
	    " WHERE r.number > ?1 AND r.clock > a.clock ORDER BY r.number" PAGE,
	    in_collection);
	fsck_each(fsck, "memberships that are and are not",
	    "SELECT r.number, r.uid, 'somebody is a member and has the note that this ended'"
	    " FROM removed r JOIN collection c ON c.uid = r.uid JOIN member m"
	    " ON m.account = r.account AND m.owner = c.owner AND m.collection = c.number"
	    " WHERE r.number > ?1 ORDER BY r.number" PAGE,
	    in_collection);
	fsck_each(fsck, "the clocks of invitations",
	    "SELECT i.number, c.uid, 'an invitation is ahead of its sender''s or its"
	    " recipient''s clock' FROM invitation i JOIN collection c ON c.number = "
	    "i.collection"
	    " JOIN account s ON s.number = i.sender JOIN account r ON r.number = i.recipient"
	    " WHERE i.number > ?1 AND (i.sender_clock > s.clock OR i.clock > r.clock)"
	    " ORDER BY i.number" PAGE,
	    in_collection);
	fsck_each(fsck, "the senders of invitations",
	    "SELECT i.number, c.uid, 'an invitation has outlived its sender''s membership'"
	    " FROM invitation i JOIN collection c ON c.number = i.collection LEFT JOIN member m"
	    " ON m.account = i.sender AND m.owner = c.owner AND m.collection = c.number"
	    " WHERE i.number > ?1 AND m.number IS NULL ORDER BY i.number" PAGE,
	    in_collection);
}

/* What quotas are counted against. */
static int64_t
usage(struct fsck *fsck, sqlite3_stmt *statement)
{
	fsck_fault(fsck,
	    "an account is said to have chunks of %lld bytes, and has %lld: its quota is "
	    "applied "
	    "wrongly",
	    (long long)sqlite3_column_int64(statement, 1),
	    (long long)sqlite3_column_int64(statement, 2));
	return sqlite3_column_int64(statement, 0);
}

static void
fsck_usage(struct fsck *fsck)
{
	fsck_each(fsck, "the accounts' use",
	    "SELECT a.number, a.chunk_bytes, u.bytes FROM account a LEFT JOIN"
	    " (SELECT c.owner AS owner, sum(k.size) AS bytes FROM chunk k JOIN collection c"
	    "  ON c.number = k.collection GROUP BY c.owner) u ON u.owner = a.number"
	    " WHERE a.number > ?1 AND a.chunk_bytes <> coalesce(u.bytes, 0) ORDER BY a.number",
	    usage);
}

/* A sentence of a row by itself. */
static int64_t
told_row(struct fsck *fsck, sqlite3_stmt *statement)
{
	struct dom_slice text = column(statement, 1);

	fsck_fault(fsck, "%.*s", TEXT(text));
	return sqlite3_column_int64(statement, 0);
}

/*
 * What must open with the region key, which is not here, has the form of it; also of who is
 * on the way to another region, or has gone there.
 */
_Static_assert(STORE_ACCOUNT_ERASING == 1, "as in the text below");
void
fsck_erasing(struct fsck *fsck)
{
	char sealed[400];

	snprintf(sealed, sizeof(sealed),
	    "SELECT number, 'an account has no name that could be opened' FROM account"
	    " WHERE number > ?1 AND state <> %d AND (length(rest_key) <> %d OR"
	    " length(name) < %d OR name_hash IS NULL OR length(name_hash) <> %d OR"
	    " (email IS NULL) <> (email_hash IS NULL)) ORDER BY number" PAGE,
	    STORE_ACCOUNT_ERASING, DOM_REST_WRAPPED_SIZE,
	    DOM_REST_BLOCK_SIZE + DOM_SEAL_OVERHEAD, DOM_INDEX_SIZE);
	fsck_each(fsck, "the names of accounts", sealed, told_row);
	fsck_each(fsck, "accounts that are being erased",
	    "SELECT number, 'an account that is being erased still has what is sealed'"
	    " FROM account WHERE number > ?1 AND state = 1 AND"
	    " (length(rest_key) <> 0 OR length(name) <> 0 OR email IS NOT NULL OR"
	    " name_hash IS NOT NULL OR email_hash IS NOT NULL) ORDER BY number" PAGE,
	    told_row);
	fsck_each(fsck, "collections that wait to be erased",
	    "SELECT c.number, c.uid, 'it waits to be erased, but has members'"
	    " FROM collection c WHERE c.number > ?1 AND c.abandoned_ms IS NOT NULL AND"
	    " EXISTS (SELECT 1 FROM member m WHERE m.collection = c.number)"
	    " ORDER BY c.number" PAGE,
	    in_collection);
	fsck_each(fsck, "collections of erasures",
	    "SELECT c.number, c.uid, 'it waits for an erasure that is not there'"
	    " FROM collection c WHERE c.number > ?1 AND c.erasure IS NOT NULL AND NOT EXISTS"
	    " (SELECT 1 FROM erasure e WHERE e.number = c.erasure AND e.state <> 3)"
	    " ORDER BY c.number" PAGE,
	    in_collection);
	fsck_each(fsck, "chunks without a name",
	    "SELECT k.number, 'a chunk is noted as unnamed in another collection than its own'"
	    " FROM chunk_loose l JOIN chunk k ON k.number = l.chunk"
	    " WHERE k.number > ?1 AND l.collection <> k.collection ORDER BY k.number" PAGE,
	    told_row);
	fsck_each(fsck, "files that are to go",
	    "SELECT k.number, 'a chunk''s file is about to be removed' FROM chunk k"
	    " WHERE k.number > ?1 AND k.file IN (SELECT file FROM gone) ORDER BY k.number" PAGE,
	    told_row);
}

/* True if the chunk's row is still there. */
static bool
is_still_there(struct fsck *fsck, int64_t number)
{
	sqlite3_stmt *statement = NULL;
	bool is = true;

	if (sqlite3_prepare_v2(fsck->db, "SELECT 1 FROM chunk WHERE number = ?", -1, &statement,
	        NULL) == SQLITE_OK &&
	    sqlite3_bind_int64(statement, 1, number) == SQLITE_OK)
		is = sqlite3_step(statement) != SQLITE_DONE;
	sqlite3_finalize(statement);
	return is;
}

static enum dom_status
chunk_bytes(struct fsck *fsck, sqlite3_stmt *statement, uint64_t size, struct dom_slice *data_r)
{
	struct dom_slice file = column(statement, 3);
	struct blob_name name;

	if (sqlite3_column_type(statement, 3) == SQLITE_NULL) {
		*data_r = column(statement, 4);
		return DOM_OK;
	}
	if (file.size != sizeof(name) || fsck->blobs == NULL)
		return DOM_EINTEGRITY;
	memcpy(&name, file.data, sizeof(name));
	return blobs_read(fsck->blobs, &name, size, fsck->arena, data_r);
}

static int64_t
chunk(struct fsck *fsck, sqlite3_stmt *statement)
{
	int64_t number = sqlite3_column_int64(statement, 0);
	uint64_t size = (uint64_t)sqlite3_column_int64(statement, 1);
	struct dom_slice stored = column(statement, 2), data = {0};
	struct dom_slice uid = column(statement, 5), collection = column(statement, 6);
	bool in_file = sqlite3_column_type(statement, 3) != SQLITE_NULL;
	uint8_t digest[DOM_SHA256_SIZE];
	const char *fault = NULL;
	enum dom_status st;

	fsck->report->chunks++;
	fsck->report->chunk_bytes += size;
	st = chunk_bytes(fsck, statement, size, &data);
	if (st == DOM_OK && (data.size != size || dom_sha256(data, digest) != DOM_OK))
		st = DOM_EINTEGRITY;
	if (st == DOM_ENOMEM)
		fsck->failed = st;
	else if (st == DOM_EINTEGRITY)
		fault =
		    in_file ? "its file is missing or has another size" : "it has another size";
	else if (st < 0)
		fault = "the disk cannot read its file";
	else if (stored.size != sizeof(digest) ||
	         memcmp(stored.data, digest, sizeof(digest)) != 0)
		fault = "its bytes are not those that were stored (SHA-256)";
	if (fault != NULL && is_still_there(fsck, number))
		fsck_fault(fsck, "chunk %.*s of collection %.*s is damaged: %s", TEXT(uid),
		    TEXT(collection), fault);
	return number;
}

void
fsck_chunks(struct fsck *fsck)
{
	fsck_each(fsck, "chunks",
	    "SELECT k.number, k.size, k.sha256, k.file, k.data, k.uid, c.uid FROM chunk k"
	    " LEFT JOIN collection c ON c.number = k.collection WHERE k.number > ?1"
	    " ORDER BY k.number LIMIT 16",
	    chunk);
	fsck_usage(fsck);
}

static void
names_chunks(struct fsck *fsck, sqlite3_stmt *statement, int64_t collection,
    struct dom_slice packed, struct dom_slice item, struct dom_slice place)
{
	struct dom_slice *uids;
	size_t count;
	enum dom_status st = row_unpack_chunks(packed, fsck->arena, &uids, &count);

	if (st == DOM_ENOMEM)
		fsck->failed = st;
	else if (st < 0)
		fsck_fault(fsck, "a revision of item %.*s of collection %.*s is damaged",
		    TEXT(item), TEXT(place));
	for (size_t i = 0; st == DOM_OK && i < count; i++) {
		sqlite3_bind_int64(statement, 1, collection);
		sqlite3_bind_blob(statement, 2, uids[i].data, (int)uids[i].size, SQLITE_STATIC);
		if (sqlite3_step(statement) == SQLITE_DONE)
			fsck_fault(fsck,
			    "item %.*s of collection %.*s names chunk %.*s, which does not "
			    "exist",
			    TEXT(item), TEXT(place), TEXT(uids[i]));
		sqlite3_reset(statement);
	}
}

static int64_t
revision(struct fsck *fsck, sqlite3_stmt *statement)
{
	sqlite3_stmt *has = NULL;

	if (sqlite3_column_int(statement, 5) != 0)
		fsck->report->items++;
	fsck->report->revisions++;
	if (sqlite3_column_bytes(statement, 4) == 0)
		return sqlite3_column_int64(statement, 0);
	if (sqlite3_prepare_v2(fsck->db, "SELECT 1 FROM chunk WHERE collection = ? AND uid = ?",
	        -1, &has, NULL) == SQLITE_OK)
		names_chunks(fsck, has, sqlite3_column_int64(statement, 1),
		    column(statement, 4), column(statement, 3), column(statement, 2));
	sqlite3_finalize(has);
	return sqlite3_column_int64(statement, 0);
}

void
fsck_revisions(struct fsck *fsck)
{
	fsck_each(fsck, "items",
	    "SELECT i.number, i.collection, c.uid, i.uid, i.chunks, 1 FROM item i"
	    " LEFT JOIN collection c ON c.number = i.collection WHERE i.number > ?1"
	    " ORDER BY i.number" PAGE,
	    revision);
	fsck_each(fsck, "revisions",
	    "SELECT r.number, i.collection, c.uid, i.uid, r.chunks, 0 FROM revision r"
	    " JOIN item i ON i.number = r.item LEFT JOIN collection c ON c.number = "
	    "i.collection"
	    " WHERE r.number > ?1 ORDER BY r.number" PAGE,
	    revision);
}
