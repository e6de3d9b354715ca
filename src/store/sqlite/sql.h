/* SPDX-License-Identifier: AGPL-3.0-or-later */
#ifndef STORE_SQLITE_SQL_H
#define STORE_SQLITE_SQL_H

#include <sqlite3.h>

#include <domicile/slice.h>
#include <domicile/status.h>

#include "base/arena.h"
#include "base/buffer.h"

/*
 * Calling prepared statements.  A call is made, its parameters are put in the
 * order of the text, then it runs or is stepped and its columns are got in
 * order.  The first failure sticks: later puts and gets do nothing, and
 * sql_run(), sql_step() and sql_end() tell.
 */
enum sql_id {
	SQL_SNAPSHOT,
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_SAVEPOINT,
	SQL_SAVEPOINT_RELEASE,
	SQL_SAVEPOINT_UNDO,
	SQL_REGION_CLAIM,
	SQL_REGION_IS,
	SQL_REGION_KEY_IS,
	SQL_REGION_TIME,
	SQL_REGION_TIME_SET,
	SQL_REGION_JOURNAL,
	SQL_REGION_JOURNAL_SET,
	SQL_ACCOUNT_ADD,
	SQL_ACCOUNT_BY_NUMBER,
	SQL_ACCOUNT_BY_ID,
	SQL_ACCOUNT_BY_NAME,
	SQL_ACCOUNT_BY_EMAIL,
	SQL_ACCOUNT_NAMES,
	SQL_ACCOUNT_KEY,
	SQL_ACCOUNT_INITIALISED,
	SQL_ACCOUNT_INITIALISE,
	SQL_ACCOUNT_SET_LOGIN,
	SQL_ACCOUNT_SET_STATEMENT_KEY,
	SQL_ACCOUNT_TICK,
	SQL_ACCOUNT_SCAN,
	SQL_ACCOUNT_SET_DISABLED,
	SQL_ACCOUNT_SET_NOTICE,
	SQL_ACCOUNTS_DUE,
	SQL_ACCOUNT_SET_QUOTA,
	SQL_ACCOUNT_USAGE,
	SQL_ACCOUNT_GROW,
	SQL_ACCOUNT_GREW,
	SQL_SESSION_ADD,
	SQL_SESSION_FIND,
	SQL_SESSION_TOUCH,
	SQL_SESSION_ACTIVE,
	SQL_SESSION_REMOVE,
	SQL_SESSION_REMOVE_ID,
	SQL_SESSION_REMOVE_OTHERS,
	SQL_SESSION_ENDED,
	SQL_SESSION_IDLE,
	SQL_SESSION_LIST,
	SQL_COLLECTION_ADD,
	SQL_COLLECTION_FIND,
	SQL_COLLECTION_SET_ITEMS_CLOCK,
	SQL_COLLECTION_SET_MEMBERS_CLOCK,
	SQL_MEMBER_ADD,
	SQL_MEMBER_FIND,
	SQL_MEMBER_REMOVE,
	SQL_MEMBER_SET_ACCESS,
	SQL_MEMBER_COUNT,
	SQL_MEMBER_SCAN,
	SQL_COLLECTION_LOWER_MEMBERS_CLOCK,
	SQL_COLLECTION_ABANDON,
	SQL_REMOVED_PUT,
	SQL_REMOVED_CLEAR,
	SQL_REMOVED_FIND,
	SQL_REMOVED_SCAN,
	SQL_INVITATION_ADD,
	SQL_INVITATION_FIND,
	SQL_INVITATION_PENDING,
	SQL_INVITATION_REMOVE,
	SQL_INVITATION_REMOVE_ALL,
	SQL_INVITATION_REMOVE_ISSUED,
	SQL_INVITATION_COUNT,
	SQL_INVITATION_SCAN_SENT,
	SQL_INVITATION_SCAN_RECEIVED,
	SQL_MEMBERSHIP_OWNERS,
	SQL_MEMBERSHIP_SCAN,
	SQL_ITEM_FIND,
	SQL_ITEM_ETAG,
	SQL_ITEM_ADD,
	SQL_ITEM_IS_CURRENT,
	SQL_ITEM_ARCHIVE,
	SQL_ITEM_REPLACE,
	SQL_ITEM_SCAN,
	SQL_REVISION_KNOWN,
	SQL_REVISION_FIND,
	SQL_REVISION_SCAN,
	SQL_CHUNK_HAS,
	SQL_CHUNK_PUT,
	SQL_CHUNK_GET,
	SQL_CHUNK_SIZE,
	SQL_CHUNK_FILE_WANTED,
	SQL_STATEMENT_ADD,
	SQL_STATEMENT_LAST,
	SQL_STATEMENT_LAST_SERIAL,
	SQL_STATEMENT_LIST,
	SQL_CONSENT_SET,
	SQL_CONSENT_CLEAR,
	SQL_CONSENT_TYPES_CLEAR,
	SQL_CONSENT_TYPE_ADD,
	SQL_CONSENT_COVERS,
	SQL_CONSENT_FIND,
	SQL_CONSENT_LIST,
	SQL_COLLECTIONS_OWNED,
	SQL_COLLECTIONS_ERASING,
	SQL_COLLECTIONS_DUE,
	SQL_COLLECTION_OWNER_CLOCK,
	SQL_REVISIONS_DUE,
	SQL_ERASE_REVISION_NEXT,
	SQL_ERASE_REVISION,
	SQL_ERASE_ITEM_NEXT,
	SQL_ERASE_ITEM,
	SQL_ERASE_CHUNK_NEXT,
	SQL_ERASE_CHUNK,
	SQL_ACCOUNT_SHRINK,
	SQL_ERASE_COLLECTION_MAY,
	SQL_ERASE_INVITATIONS_OF,
	SQL_COLLECTION_FLOOR,
	SQL_ERASE_COLLECTION,
	SQL_ERASE_MEMBERSHIPS,
	SQL_ERASE_SESSIONS,
	SQL_ERASE_CONSENTS,
	SQL_ERASE_INVITATIONS_SENT,
	SQL_ERASE_INVITATIONS_RECEIVED,
	SQL_ACCOUNT_ERASING,
	SQL_ERASE_ACCOUNT_MAY,
	SQL_ERASE_STATEMENTS,
	SQL_ERASE_REMOVED,
	SQL_ERASURE_FORGET_ACCOUNT,
	SQL_ERASE_FROM_MOVES,
	SQL_ACCOUNT_FLOOR,
	SQL_ERASE_ACCOUNT,
	SQL_GONE_ADD,
	SQL_GONE_HAS,
	SQL_GONE_LIST,
	SQL_GONE_REMOVE,
	SQL_CHUNK_LOOSEN,
	SQL_CHUNK_TIGHTEN,
	SQL_CHUNK_CANDIDATES,
	SQL_CHUNK_CANDIDATES_LOOSE,
	SQL_CHUNK_LISTS_OF_ITEMS,
	SQL_CHUNK_LISTS_OF_REVISIONS,
	SQL_CHUNK_AGE,
	SQL_CHUNK_UID,
	SQL_ITEMS_SINCE,
	SQL_CHUNK_LISTS_OF_ITEMS_SINCE,
	SQL_CHUNK_LISTS_OF_REVISIONS_SINCE,
	SQL_ERASURE_ADD,
	SQL_ERASURE_FIND,
	SQL_ERASURE_NEXT,
	SQL_ERASURE_LIST,
	SQL_ERASURE_LIST_ALL,
	SQL_ERASURE_UPDATE,
	SQL_ERASURE_REMOVE,
	SQL_COUNT,
	SQL_RESTORES,
	SQL_INVITE_ADD,
	SQL_INVITE_FIND,
	SQL_INVITE_USE,
	SQL_INVITE_REMOVE,
	SQL_INVITE_EXPIRE,
	SQL_INVITE_SCAN,
	SQL_COLLECTION_COUNT,
	SQL_SESSION_TRIM,
	SQL_STATEMENT_ACCEPTED,
	SQL_HISTORY_SCAN,
	SQL_CHUNK_NUMBERS,
	SQL_CHUNK_BY_NUMBER,
	SQL_CONSENT_TYPES,
	SQL_ACCOUNT_STATE,
	SQL_ACCOUNT_TURN,
	SQL_ACCOUNT_STAGE,
	SQL_ACCOUNT_SET_CLOCK,
	SQL_PEER_ANSWER,
	SQL_PEER_ANSWER_SET,
	SQL_MOVE_ADD,
	SQL_MOVE_FIND,
	SQL_MOVE_OF,
	SQL_MOVES_BY_NAME,
	SQL_MOVE_LIST,
	SQL_MOVE_DUE,
	SQL_MOVES_OF,
	SQL_ACCOUNT_EXTENT,
	SQL_ACCOUNT_SHARING,
	SQL_MOVE_UPDATE,
	SQL_MOVE_NAME_AS,
	SQL_MOVE_REMOVE,
	SQL_MOVE_MESSAGE_PUT,
	SQL_MOVE_MESSAGE_GET,
	SQL_MOVE_MESSAGE_REMOVE,
	SQL_PROPOSAL_ADD,
	SQL_PROPOSAL_OF,
	SQL_PROPOSAL_UPDATE,
	SQL_PROPOSAL_LIST,
	SQL_PROPOSAL_WITHDRAW,
	SQL_CHUNK_LOG,
	SQL_CHUNK_NEWEST,
	SQL_COPY_ACCOUNT,
	SQL_COPY_COLLECTION,
	SQL_COPY_COLLECTION_SET,
	SQL_COPY_MEMBER,
	SQL_COPY_STAGING,
	SQL_COPY_HISTORY,
	SQL_COPY_CHUNK_TIME,
	SQL_COPY_CLEAR_STATEMENTS,
	SQL_COPY_CLEAR_CONSENTS,
	SQL_COPY_CLEAR_REMOVED,
	SQL_ID_COUNT,
};

extern const char *const sql_texts[SQL_ID_COUNT];

/* One connection: used by one thread at a time. */
struct sql_connection {
	sqlite3 *db;
	sqlite3_stmt *statements[SQL_ID_COUNT]; /* prepared when first used */
	struct dom_buffer scratch;
	/* The first failure of SQLite itself, sticky until the owner clears it. */
	enum dom_status failed;
	int failed_code; /* SQLite's extended one */
	int failed_errno;
	struct sql_connection *next; /* while spare, see connection.c */
};

/* Closes db and everything prepared on it; accepts one that was never opened. */
void sql_disconnect(struct sql_connection *connection);

struct sql_call {
	struct sql_connection *connection;
	sqlite3_stmt *statement;
	int put_count;
	int got_count;
	enum dom_status failed;
};

struct sql_call sql_call(struct sql_connection *connection, enum sql_id id);

void sql_put_number(struct sql_call *call, int64_t value);
/* A clock, serial or size that is stored: ours, so it fits. */
void sql_put_clock(struct sql_call *call, uint64_t value);
/* A bound that a peer may have chosen: too large means the largest. */
void sql_put_bound(struct sql_call *call, uint64_t value);
/* Borrowed until the call ends.  An absent slice is stored as empty .. */
void sql_put_slice(struct sql_call *call, struct dom_slice slice);
/* .. or as NULL. */
void sql_put_optional(struct sql_call *call, struct dom_slice slice);

/* DOM_OK: there is a row; DOM_ABSENT: no more. */
DOM_MUST_CHECK enum dom_status sql_step(struct sql_call *call);

int64_t sql_get_number(struct sql_call *call);
uint64_t sql_get_clock(struct sql_call *call);
bool sql_get_bool(struct sql_call *call);
/* Copied to the arena; empty is not NULL. */
struct dom_slice sql_get_slice(struct sql_call *call, struct dom_arena *arena);
/* NULL gives the absent slice. */
struct dom_slice sql_get_optional(struct sql_call *call, struct dom_arena *arena);
/* Exactly size bytes. */
void sql_get_bytes(struct sql_call *call, void *bytes_r, size_t size);

/* A failure that the caller found in a row. */
void sql_fail(struct sql_call *call, enum dom_status status);

/* Ends the call in any state: what failed, or DOM_OK. */
enum dom_status sql_end(struct sql_call *call);

/*
 * For statements without rows, ends the call: DOM_OK; DOM_CONFLICT: not
 * unique; DOM_ABSENT: a row that it refers to is missing.
 */
DOM_MUST_CHECK enum dom_status sql_run(struct sql_call *call);
/* The same; DOM_ABSENT also if no row was changed. */
DOM_MUST_CHECK enum dom_status sql_change(struct sql_call *call);
/* A statement without parameters and rows. */
DOM_MUST_CHECK enum dom_status sql_simple(struct sql_connection *connection, enum sql_id id);

/*
 * What SQLite's answer means; sticks in the connection if it is a failure of
 * SQLite itself.
 */
DOM_MUST_CHECK enum dom_status sql_status(struct sql_connection *connection, int code);

/* True if after this failure nobody knows what is on the disk. */
bool sql_lost(const struct sql_connection *connection);

/* Rows of a list, in an arena, growing by doubling. */
struct sql_rows {
	struct dom_arena *arena;
	size_t size; /* of one row */
	size_t count, capacity;
	void *rows;
};
/* Room for one more, zeroed and counted; NULL: no memory. */
void *sql_rows_next(struct sql_rows *rows);

#endif
