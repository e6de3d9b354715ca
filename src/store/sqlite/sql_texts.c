/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Every statement of the engine.  Columns and parameters are in the order in
 * which the files beside this one get and put them.
 */
#include "store/sqlite/sql.h"

#define ACCOUNT_COLUMNS                                                                        \
	"a.number, a.id, a.clock, a.epoch, a.created_ms, a.initialised, a.disabled, a.state,"  \
	" a.active_ms, a.notice_ms, a.salt, a.login_public, a.identity_public,"                \
	" a.encrypted_content, a.statement_public"
#define ACCOUNT_SELECT "SELECT " ACCOUNT_COLUMNS " FROM account a WHERE "
/* With what it takes to open the names. */
#define ACCOUNT_NAMED_SELECT                                                                   \
	"SELECT " ACCOUNT_COLUMNS ", a.rest_key, a.name, a.email FROM account a WHERE "
#define REGION_TIME "(SELECT time_ms FROM region)"
#define REGION_SINCE "(SELECT since_ms FROM region)"
#define SESSION_SELECT                                                                         \
	"SELECT s.token_hash, s.id, s.account, s.created_ms, s.used_ms, s.expires_ms,"         \
	" max(s.seen_ms, " REGION_SINCE ")"
#define COLLECTION_COLUMNS "c.number, c.owner, a.id, c.uid, c.items_clock, c.members_clock"
/* With what store/erase.h wants to know of a collection. */
#define OWNED_SELECT                                                                           \
	"SELECT " COLLECTION_COLUMNS ", coalesce(c.abandoned_ms, 0),"                          \
	" c.abandoned_ms IS NOT NULL, coalesce(c.erasure, 0), " OWNERS_TYPE                    \
	" FROM collection c JOIN account a ON a.number = c.owner " OWNERS_PLACE " WHERE "
/* The owner's type of collection c, also after it left. */
#define OWNERS_TYPE "coalesce(m.collection_type, d.collection_type, x'')"
#define OWNERS_PLACE                                                                           \
	"LEFT JOIN member m ON m.account = c.owner AND m.owner = c.owner"                      \
	" AND m.collection = c.number"                                                         \
	" LEFT JOIN removed d ON d.account = c.owner AND d.uid = c.uid"
#define MEMBER_COLUMNS                                                                         \
	"m.collection, m.account, m.clock, m.access_level, m.collection_key, "                 \
	"m.collection_type"
#define ITEM_SELECT                                                                            \
	"SELECT number, uid, version, encryption_key, etag, deleted, clock, meta, chunks"      \
	" FROM item WHERE "
#define INVITATION_SELECT                                                                      \
	"SELECT i.uid, i.collection, i.sender, i.recipient, i.sender_clock, i.clock,"          \
	" i.version, i.access_level, i.signed_key, c.uid, s.id, s.rest_key, s.name,"           \
	" s.identity_public, r.id, r.rest_key, r.name"                                         \
	" FROM invitation i CROSS JOIN collection c ON c.number = i.collection"                \
	" JOIN account s ON s.number = i.sender JOIN account r ON r.number = i.recipient"      \
	" WHERE "
#define STATEMENT_SELECT                                                                       \
	"SELECT serial, clock, kind, accepted_ms, service, bytes, signature, receipt,"         \
	" receipt_signature"                                                                   \
	" FROM statement WHERE "
#define MOVE_SELECT                                                                            \
	"SELECT number, id, side, state, open, coalesce(account, 0), identity, peer, epoch,"   \
	" attempt, attempts, started_ms, changed_ms, due_ms, clock, bytes, bytes_total"        \
	" FROM move WHERE "
#define PROPOSAL_SELECT                                                                        \
	"SELECT number, coalesce(account, 0), told_ms, begins_ms, grace_days, state, phase,"   \
	" target, move FROM proposal WHERE "
#define CONSENT_SELECT                                                                         \
	"SELECT service, serial, until_ms, covers_any, version, terms FROM consent c WHERE "

#define ERASURE_FIELDS                                                                         \
	"account, scope, state, clock, requested_ms, ended_ms, collections, items, revisions," \
	" chunks, bytes, root, service, collection_uid, item_uid, statement_public,"           \
	" statement, signature, receipt, receipt_signature"
#define ERASURE_SELECT "SELECT number, request, " ERASURE_FIELDS " FROM erasure WHERE "
#define INVITE_SELECT                                                                          \
	"SELECT number, hash, created_ms, expires_ms, uses_max, uses,"                         \
	" coalesce(quota_bytes, -1) FROM invite WHERE "

/* An item's history: what it was, then what it is. */
#define HISTORY(condition)                                                                     \
	"SELECT uid AS uid, deleted, clock AS clock, meta, chunks FROM revision"               \
	" WHERE item = ?1 AND " condition " UNION ALL"                                         \
	" SELECT etag AS uid, deleted, clock AS clock, meta, chunks FROM item"                 \
	" WHERE number = ?1 AND "

/* clang-format off */
const char *const sql_texts[SQL_ID_COUNT] = {
	[SQL_SNAPSHOT] = "SELECT version FROM schema",
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_SAVEPOINT] = "SAVEPOINT job",
	[SQL_SAVEPOINT_RELEASE] = "RELEASE job",
	[SQL_SAVEPOINT_UNDO] = "ROLLBACK TO job",

	[SQL_REGION_CLAIM] =
	    "INSERT INTO region (name, time_ms, since_ms, key_check) SELECT ?1, ?2, ?2, ?3"
	    " WHERE NOT EXISTS (SELECT 1 FROM region)",
	[SQL_REGION_IS] = "SELECT 1 FROM region WHERE name = ?",
	[SQL_REGION_KEY_IS] = "SELECT 1 FROM region WHERE key_check = ?",
	[SQL_REGION_TIME] = "SELECT time_ms FROM region",
	[SQL_REGION_TIME_SET] = "UPDATE region SET time_ms = ?1 WHERE time_ms <= ?1",
	[SQL_REGION_JOURNAL] = "SELECT journal_count FROM region",
	[SQL_REGION_JOURNAL_SET] = "UPDATE region SET journal_count = ?",

	[SQL_ACCOUNT_ADD] =
	    "INSERT INTO account (number, id, clock, epoch, created_ms, initialised, disabled, active_ms,"
	    " rest_key, name, email, name_hash, email_hash,"
	    " salt, login_public, identity_public, encrypted_content, statement_public)"
	    " VALUES ((SELECT max(account_floor, coalesce((SELECT max(number) FROM account), 0)) + 1"
	    "  FROM region), ?, 0, 1, ?, ?, ?, " REGION_TIME ", ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_ACCOUNT_BY_NUMBER] = ACCOUNT_SELECT "a.number = ?",
	[SQL_ACCOUNT_BY_ID] = ACCOUNT_NAMED_SELECT "a.id = ?",
	[SQL_ACCOUNT_BY_NAME] = ACCOUNT_NAMED_SELECT "a.name_hash = ?",
	[SQL_ACCOUNT_BY_EMAIL] = ACCOUNT_NAMED_SELECT "a.email_hash = ?",
	[SQL_ACCOUNT_NAMES] = "SELECT rest_key, name, email FROM account WHERE number = ?",
	[SQL_ACCOUNT_KEY] = "SELECT id, rest_key FROM account WHERE number = ?",
	[SQL_ACCOUNT_INITIALISED] = "SELECT initialised FROM account WHERE number = ?",
	[SQL_ACCOUNT_INITIALISE] =
	    "UPDATE account SET initialised = 1, salt = ?, login_public = ?, identity_public = ?,"
	    " encrypted_content = ?, statement_public = ? WHERE number = ?",
	[SQL_ACCOUNT_SET_LOGIN] =
	    "UPDATE account SET login_public = ?, encrypted_content = ?"
	    " WHERE number = ? AND state = 0",
	[SQL_ACCOUNT_SET_STATEMENT_KEY] =
	    "UPDATE account SET statement_public = ? WHERE number = ? AND state = 0",
	[SQL_ACCOUNT_TICK] =
	    "UPDATE account SET clock = clock + 1 WHERE number = ? AND state <= 1 RETURNING clock",
	[SQL_ACCOUNT_SCAN] = ACCOUNT_NAMED_SELECT "a.number > ? ORDER BY a.number LIMIT ?",
	[SQL_ACCOUNT_SET_QUOTA] = "UPDATE account SET quota_bytes = ? WHERE number = ?",
	[SQL_ACCOUNT_USAGE] =
	    "SELECT chunk_bytes, coalesce(quota_bytes, -1) FROM account WHERE number = ?",
	[SQL_ACCOUNT_GROW] =
	    "UPDATE account SET chunk_bytes = chunk_bytes + ?2"
	    " WHERE number = (SELECT owner FROM collection WHERE number = ?1) AND state IN (0, 4)"
	    " RETURNING chunk_bytes, coalesce(quota_bytes, -1)",
	/* What the other has let in: the same job may have closed the account since. */
	[SQL_ACCOUNT_GREW] =
	    "UPDATE account SET chunk_bytes = chunk_bytes + ?2"
	    " WHERE number = (SELECT owner FROM collection WHERE number = ?1)",
	[SQL_ACCOUNT_SET_DISABLED] = "UPDATE account SET disabled = ? WHERE number = ?",
	[SQL_ACCOUNT_SET_NOTICE] = "UPDATE account SET notice_ms = ? WHERE number = ?",
	/* Idle ones lie together in no index: the sweep reads accounts in order. */
	[SQL_ACCOUNTS_DUE] =
	    "SELECT number, max(active_ms, " REGION_SINCE "), notice_ms, disabled FROM account"
	    " WHERE number > ? AND max(active_ms, " REGION_SINCE ") < ? AND state = 0"
	    " ORDER BY number LIMIT ?",

	[SQL_SESSION_ADD] =
	    "INSERT INTO session (token_hash, id, account, created_ms, used_ms, expires_ms, device,"
	    " seen_ms) VALUES (?, ?, ?, ?, ?, ?, ?, " REGION_TIME ")",
	[SQL_SESSION_FIND] = SESSION_SELECT " FROM session s WHERE s.token_hash = ?",
	[SQL_SESSION_TOUCH] =
	    "UPDATE session SET used_ms = ?, expires_ms = ?, seen_ms = " REGION_TIME
	    " WHERE token_hash = ? RETURNING account",
	[SQL_SESSION_ACTIVE] = "UPDATE account SET active_ms = " REGION_TIME " WHERE number = ?",
	[SQL_SESSION_REMOVE] = "DELETE FROM session WHERE token_hash = ?",
	[SQL_SESSION_REMOVE_ID] = "DELETE FROM session WHERE account = ? AND id = ?",
	[SQL_SESSION_REMOVE_OTHERS] =
	    "DELETE FROM session WHERE account = ? AND token_hash <> ?",
	[SQL_SESSION_ENDED] =
	    "DELETE FROM session WHERE number IN (SELECT number FROM session"
	    " WHERE expires_ms < " REGION_TIME " ORDER BY expires_ms LIMIT ?)",
	/* Those of before the clocks have 0. */
	[SQL_SESSION_IDLE] =
	    "DELETE FROM session WHERE number IN (SELECT number FROM session"
	    " WHERE seen_ms < ?1 AND max(seen_ms, " REGION_SINCE ") < ?1"
	    " ORDER BY seen_ms LIMIT ?2)",
	[SQL_SESSION_LIST] =
	    SESSION_SELECT ", a.id, a.rest_key, s.device FROM session s"
	    " JOIN account a ON a.number = s.account"
	    " WHERE s.account = ? ORDER BY s.used_ms DESC, s.number DESC",

	[SQL_COLLECTION_ADD] =
	    "INSERT INTO collection (number, uid, owner) VALUES ((SELECT max(collection_floor,"
	    "  coalesce((SELECT max(number) FROM collection), 0)) + 1 FROM region), ?, ?)",
	[SQL_COLLECTION_FIND] =
	    "SELECT " COLLECTION_COLUMNS " FROM collection c JOIN account a ON a.number = c.owner"
	    " WHERE c.uid = ?",
	[SQL_COLLECTION_SET_ITEMS_CLOCK] =
	    "UPDATE collection SET items_clock = max(items_clock, ?) WHERE number = ?",
	[SQL_COLLECTION_SET_MEMBERS_CLOCK] =
	    "UPDATE collection SET members_clock = max(members_clock, ?) WHERE number = ?",
	/* Without the collection there is no owner, and nothing is inserted. */
	[SQL_MEMBER_ADD] =
	    "INSERT INTO member (collection, account, owner, clock, access_level, collection_key,"
	    " collection_type)"
	    " SELECT number, ?2, owner, ?3, ?4, ?5, ?6 FROM collection WHERE number = ?1",
	[SQL_MEMBER_FIND] =
	    "SELECT " MEMBER_COLUMNS " FROM member m JOIN collection c ON c.number = m.collection"
	    " WHERE c.number = ? AND m.account = ? AND m.owner = c.owner",
	[SQL_MEMBER_REMOVE] =
	    "DELETE FROM member WHERE account = ?2 AND collection = ?1"
	    " AND owner = (SELECT owner FROM collection WHERE number = ?1)",
	[SQL_MEMBER_SET_ACCESS] =
	    "UPDATE member SET access_level = ?3, clock = ?4 WHERE account = ?2 AND collection = ?1"
	    " AND owner = (SELECT owner FROM collection WHERE number = ?1)",
	[SQL_MEMBER_COUNT] =
	    "SELECT count(*), coalesce(sum(access_level = 1), 0) FROM member WHERE collection = ?",
	[SQL_MEMBER_SCAN] =
	    "SELECT a.number, a.id, a.rest_key, a.name, m.access_level, m.clock FROM member m CROSS JOIN account a"
	    " ON a.number = m.account WHERE m.collection = ? AND m.clock > ?"
	    " ORDER BY m.clock LIMIT ?",
	[SQL_COLLECTION_LOWER_MEMBERS_CLOCK] =
	    "UPDATE collection SET members_clock ="
	    " (SELECT coalesce(max(clock), 0) FROM member WHERE collection = ?1) WHERE number = ?1",
	[SQL_COLLECTION_ABANDON] =
	    "UPDATE collection SET abandoned_ms = coalesce(abandoned_ms, " REGION_TIME "),"
	    " erasure = coalesce(nullif(?, 0), erasure) WHERE number = ?",
	[SQL_REMOVED_PUT] =
	    "INSERT INTO removed (account, clock, uid, collection_type) VALUES (?, ?, ?, ?)"
	    " ON CONFLICT (account, uid) DO UPDATE SET clock = excluded.clock,"
	    " collection_type = excluded.collection_type",
	[SQL_REMOVED_CLEAR] = "DELETE FROM removed WHERE account = ? AND uid = ?",
	[SQL_REMOVED_FIND] =
	    "SELECT uid, clock, collection_type FROM removed WHERE account = ? AND uid = ?",
	[SQL_REMOVED_SCAN] =
	    "SELECT uid, clock, collection_type FROM removed WHERE account = ? AND clock > ?"
	    " ORDER BY clock LIMIT ?",

	[SQL_INVITATION_ADD] =
	    "INSERT INTO invitation (uid, collection, sender, recipient, sender_clock, clock,"
	    " version, access_level, signed_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_INVITATION_FIND] = INVITATION_SELECT "i.uid = ?",
	[SQL_INVITATION_PENDING] =
	    "SELECT 1 FROM invitation WHERE collection = ? AND sender = ? AND recipient = ?",
	[SQL_INVITATION_REMOVE] = "DELETE FROM invitation WHERE uid = ?",
	[SQL_INVITATION_REMOVE_ALL] =
	    "DELETE FROM invitation WHERE collection = ? AND recipient = ?",
	[SQL_INVITATION_REMOVE_ISSUED] =
	    "DELETE FROM invitation WHERE collection = ? AND sender = ?",
	[SQL_INVITATION_COUNT] = "SELECT count(*) FROM invitation WHERE sender = ?",
	[SQL_INVITATION_SCAN_SENT] =
	    INVITATION_SELECT "i.sender = ? AND i.sender_clock > ? ORDER BY i.sender_clock LIMIT ?",
	[SQL_INVITATION_SCAN_RECEIVED] =
	    INVITATION_SELECT "i.recipient = ? AND i.clock > ? ORDER BY i.clock LIMIT ?",

	[SQL_MEMBERSHIP_OWNERS] =
	    ACCOUNT_SELECT "a.number IN (SELECT owner FROM member WHERE account = ?) ORDER BY a.id",
	/* A person has few collections: they are sorted each time. */
	[SQL_MEMBERSHIP_SCAN] =
	    "SELECT max(c.items_clock, m.clock) AS newest, " COLLECTION_COLUMNS ", " MEMBER_COLUMNS
	    " FROM member m CROSS JOIN collection c ON c.number = m.collection"
	    " JOIN account a ON a.number = c.owner"
	    " WHERE m.account = ? AND m.owner = ? AND max(c.items_clock, m.clock) > ?"
	    " ORDER BY newest, c.number",

	[SQL_ITEM_FIND] = ITEM_SELECT "collection = ? AND uid = ?",
	[SQL_ITEM_ETAG] = "SELECT number, etag FROM item WHERE collection = ? AND uid = ?",
	[SQL_ITEM_ADD] =
	    "INSERT INTO item (collection, uid, version, encryption_key, etag, deleted, clock,"
	    " meta, chunks) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_ITEM_IS_CURRENT] = "SELECT etag = ? FROM item WHERE number = ? AND collection = ?",
	[SQL_ITEM_ARCHIVE] =
	    "INSERT INTO revision (item, clock, deleted, uid, meta, chunks, replaced_ms)"
	    " SELECT number, clock, deleted, etag, meta, chunks, " REGION_TIME
	    " FROM item WHERE number = ?",
	[SQL_ITEM_REPLACE] =
	    "UPDATE item SET etag = ?, deleted = ?, clock = ?, meta = ?, chunks = ?"
	    " WHERE number = ?",
	[SQL_ITEM_SCAN] =
	    ITEM_SELECT "collection = ? AND clock > ? AND uid <> ? ORDER BY clock, number LIMIT ?",
	[SQL_REVISION_KNOWN] = "SELECT 1 FROM revision WHERE item = ? AND uid = ?",
	[SQL_REVISION_FIND] =
	    "SELECT r.*, (SELECT p.uid FROM revision p WHERE p.item = ?1 AND p.clock < r.clock"
	    "  ORDER BY p.clock DESC LIMIT 1)"
	    " FROM (" HISTORY("uid = ?2") "etag = ?2) r",
	[SQL_REVISION_SCAN] = HISTORY("clock < ?2") "clock < ?2 ORDER BY clock DESC LIMIT ?3",

	[SQL_CHUNK_HAS] = "SELECT 1 FROM chunk WHERE collection = ? AND uid = ?",
	[SQL_CHUNK_PUT] =
	    "INSERT INTO chunk (collection, uid, size, sha256, file, data, stored_ms)"
	    " VALUES (?, ?, ?, ?, ?, ?, " REGION_TIME ")",
	[SQL_CHUNK_GET] =
	    "SELECT size, sha256, file, data FROM chunk WHERE collection = ? AND uid = ?",
	[SQL_CHUNK_SIZE] = "SELECT size FROM chunk WHERE collection = ? AND uid = ?",
	[SQL_CHUNK_FILE_WANTED] = "SELECT 1 FROM chunk WHERE file = ?",

	[SQL_STATEMENT_ADD] =
	    "INSERT INTO statement (account, serial, clock, kind, accepted_ms, service, bytes,"
	    " signature, receipt, receipt_signature) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_STATEMENT_LAST] = STATEMENT_SELECT "account = ? ORDER BY serial DESC LIMIT 1",
	[SQL_STATEMENT_LAST_SERIAL] =
	    "SELECT serial FROM statement WHERE account = ? ORDER BY serial DESC LIMIT 1",
	[SQL_STATEMENT_LIST] = STATEMENT_SELECT "account = ? AND serial > ? ORDER BY serial LIMIT ?",

	[SQL_CONSENT_SET] =
	    "INSERT INTO consent (account, service, serial, until_ms, covers_any, version, terms)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account, service) DO UPDATE SET"
	    " serial = excluded.serial, until_ms = excluded.until_ms,"
	    " covers_any = excluded.covers_any, version = excluded.version,"
	    " terms = excluded.terms RETURNING number",
	[SQL_CONSENT_CLEAR] = "DELETE FROM consent WHERE account = ? AND service = ?",
	[SQL_CONSENT_TYPES_CLEAR] = "DELETE FROM consent_type WHERE consent = ?",
	[SQL_CONSENT_TYPE_ADD] =
	    "INSERT INTO consent_type (consent, type) VALUES (?, ?) ON CONFLICT DO NOTHING",
	/* One that names the type before one that covers everything. */
	[SQL_CONSENT_COVERS] =
	    CONSENT_SELECT "account = ?1 AND (until_ms = 0 OR until_ms > ?3) AND (covers_any OR"
	    " EXISTS (SELECT 1 FROM consent_type t WHERE t.consent = c.number AND t.type = ?2))"
	    " ORDER BY covers_any, number",
	[SQL_CONSENT_FIND] = CONSENT_SELECT "account = ? AND service = ?",
	[SQL_CONSENT_LIST] = CONSENT_SELECT "account = ? ORDER BY service",

	[SQL_COLLECTIONS_OWNED] =
	    OWNED_SELECT "c.owner = ? AND c.number > ? ORDER BY c.number LIMIT ?",
	[SQL_COLLECTIONS_ERASING] =
	    OWNED_SELECT "c.erasure = ? AND c.number > ? ORDER BY c.number LIMIT ?",
	[SQL_COLLECTIONS_DUE] =
	    OWNED_SELECT "c.abandoned_ms < ?1 AND c.abandoned_ms >= ?2"
	    " AND (c.abandoned_ms > ?2 OR c.number > ?3) AND c.erasure IS NULL"
	    " ORDER BY c.abandoned_ms, c.number LIMIT ?4",
	[SQL_COLLECTION_OWNER_CLOCK] =
	    "SELECT a.clock FROM collection c JOIN account a ON a.number = c.owner"
	    " WHERE c.number = ?",
	[SQL_REVISIONS_DUE] =
	    "SELECT r.replaced_ms, r.number, max(r.replaced_ms, " REGION_SINCE "), i.number,"
	    " c.number, c.owner, " OWNERS_TYPE
	    " FROM revision r CROSS JOIN item i ON i.number = r.item"
	    " CROSS JOIN collection c ON c.number = i.collection " OWNERS_PLACE
	    " WHERE r.replaced_ms < ?1 AND " REGION_SINCE " < ?1 AND r.replaced_ms >= ?2"
	    " AND (r.replaced_ms > ?2 OR r.number > ?3) ORDER BY r.replaced_ms, r.number LIMIT ?4",

	[SQL_ERASE_REVISION_NEXT] =
	    "SELECT number FROM revision WHERE item = ?1 AND clock <"
	    " max((SELECT coalesce(max(p.clock), 0) FROM revision p"
	    "   WHERE p.item = ?1 AND p.clock <= ?2),"
	    "  (SELECT iif(i.clock <= ?2, i.clock, 0) FROM item i WHERE i.number = ?1)) LIMIT 1",
	[SQL_ERASE_REVISION] =
	    "DELETE FROM revision WHERE number = ?1 AND max(replaced_ms, " REGION_SINCE ") < ?2"
	    " RETURNING length(meta), (SELECT i.collection FROM item i WHERE i.number = item),"
	    " chunks",
	[SQL_ERASE_ITEM_NEXT] = "SELECT number FROM item WHERE collection = ? ORDER BY clock LIMIT 1",
	[SQL_ERASE_ITEM] =
	    "DELETE FROM item WHERE number = ?"
	    " RETURNING length(meta) + coalesce(length(encryption_key), 0)",
	[SQL_ERASE_CHUNK_NEXT] = "SELECT number FROM chunk WHERE collection = ? LIMIT 1",
	[SQL_ERASE_CHUNK] =
	    "DELETE FROM chunk WHERE number = ? RETURNING size, file IS NOT NULL, file",
	[SQL_ACCOUNT_SHRINK] =
	    "UPDATE account SET chunk_bytes = chunk_bytes - ?2"
	    " WHERE number = (SELECT owner FROM collection WHERE number = ?1)",
	[SQL_ERASE_COLLECTION_MAY] =
	    "SELECT abandoned_ms IS NOT NULL AND NOT EXISTS"
	    " (SELECT 1 FROM member WHERE collection = c.number) FROM collection c WHERE number = ?",
	[SQL_ERASE_INVITATIONS_OF] =
	    "DELETE FROM invitation WHERE number IN"
	    " (SELECT number FROM invitation WHERE collection = ? LIMIT ?)",
	[SQL_COLLECTION_FLOOR] =
	    "UPDATE region SET collection_floor = max(collection_floor, ?)",
	[SQL_ERASE_COLLECTION] = "DELETE FROM collection WHERE number = ?",
	[SQL_ERASE_MEMBERSHIPS] = "SELECT count(*) FROM member WHERE account = ?",
	[SQL_ERASE_SESSIONS] = "DELETE FROM session WHERE account = ?",
	[SQL_ERASE_CONSENTS] = "DELETE FROM consent WHERE account = ?",
	[SQL_ERASE_INVITATIONS_SENT] = "DELETE FROM invitation WHERE sender = ?",
	[SQL_ERASE_INVITATIONS_RECEIVED] = "DELETE FROM invitation WHERE recipient = ?",
	/* What was sealed loses its key with what is sealed. */
	[SQL_ACCOUNT_ERASING] =
	    "UPDATE account SET state = 1, rest_key = x'', name = x'', email = NULL,"
	    " name_hash = NULL, email_hash = NULL, salt = x'', login_public = x'',"
	    " identity_public = x'', encrypted_content = x'', statement_public = x''"
	    " WHERE number = ?",
	[SQL_ERASE_ACCOUNT_MAY] =
	    "SELECT state = 1 AND NOT EXISTS (SELECT 1 FROM collection WHERE owner = a.number)"
	    " AND NOT EXISTS (SELECT 1 FROM member WHERE account = a.number), id"
	    " FROM account a WHERE number = ?",
	[SQL_ERASE_STATEMENTS] =
	    "DELETE FROM statement WHERE number IN"
	    " (SELECT number FROM statement WHERE account = ? LIMIT ?)",
	[SQL_ERASE_REMOVED] =
	    "DELETE FROM removed WHERE number IN"
	    " (SELECT number FROM removed WHERE account = ? LIMIT ?)",
	/* What is done keeps what proves it, and nothing that names the account. */
	[SQL_ERASURE_FORGET_ACCOUNT] =
	    "UPDATE erasure SET account = NULL,"
	    " statement_public = iif(state = 3, x'', statement_public),"
	    " statement = iif(state = 3, x'', statement),"
	    " signature = iif(state = 3, x'', signature),"
	    " collection_uid = iif(state = 3, x'', collection_uid),"
	    " item_uid = iif(state = 3, x'', item_uid) WHERE account = ?",
	/* Who asks for it by its name is told where it lives. */
	[SQL_ERASE_FROM_MOVES] = "UPDATE move SET account = NULL WHERE account = ?",
	[SQL_ACCOUNT_FLOOR] = "UPDATE region SET account_floor = max(account_floor, ?)",
	[SQL_ERASE_ACCOUNT] = "DELETE FROM account WHERE number = ?",
	[SQL_GONE_ADD] = "INSERT OR IGNORE INTO gone (file) VALUES (?)",
	[SQL_GONE_HAS] = "SELECT 1 FROM gone WHERE file = ?",
	[SQL_GONE_LIST] = "SELECT file FROM gone ORDER BY file LIMIT ?",
	[SQL_GONE_REMOVE] = "DELETE FROM gone WHERE file = ?",

	[SQL_CHUNK_LOOSEN] =
	    "INSERT OR IGNORE INTO chunk_loose (collection, chunk)"
	    " SELECT collection, number FROM chunk WHERE collection = ? AND uid = ?",
	[SQL_CHUNK_TIGHTEN] = "DELETE FROM chunk_loose WHERE chunk = ?",
	[SQL_CHUNK_CANDIDATES] =
	    "SELECT uid, number FROM chunk WHERE collection = ? AND uid > ? ORDER BY uid LIMIT ?",
	[SQL_CHUNK_CANDIDATES_LOOSE] =
	    "SELECT k.uid AS uid, k.number FROM chunk_loose l CROSS JOIN chunk k"
	    " ON k.number = l.chunk WHERE l.collection = ? AND k.uid > ? ORDER BY k.uid LIMIT ?",
	[SQL_CHUNK_LISTS_OF_ITEMS] = "SELECT chunks FROM item WHERE collection = ?",
	[SQL_CHUNK_LISTS_OF_REVISIONS] =
	    "SELECT r.chunks FROM item i CROSS JOIN revision r ON r.item = i.number"
	    " WHERE i.collection = ?",
	/* Of the row's bytes: a file's do not count. */
	[SQL_CHUNK_AGE] =
	    "SELECT iif(file IS NULL, size, 0) FROM chunk WHERE number = ?1 AND (EXISTS"
	    " (SELECT 1 FROM chunk_loose WHERE chunk = ?1)"
	    " OR max(stored_ms, " REGION_SINCE ") < ?2)",
	[SQL_CHUNK_UID] = "SELECT uid FROM chunk WHERE number = ? AND collection = ?",
	[SQL_ITEMS_SINCE] =
	    "SELECT count(*) FROM (SELECT 1 FROM item WHERE collection = ? AND clock > ? LIMIT ?)",
	[SQL_CHUNK_LISTS_OF_ITEMS_SINCE] =
	    "SELECT chunks FROM item WHERE collection = ? AND clock > ?",
	/* A revision that was replaced since belongs to an item that changed since. */
	[SQL_CHUNK_LISTS_OF_REVISIONS_SINCE] =
	    "SELECT r.chunks FROM item i CROSS JOIN revision r ON r.item = i.number"
	    " WHERE i.collection = ?1 AND i.clock > ?2 AND r.clock > ?2",

	[SQL_ERASURE_ADD] =
	    "INSERT INTO erasure (request, " ERASURE_FIELDS ")"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_ERASURE_FIND] = ERASURE_SELECT "request = ?",
	[SQL_ERASURE_NEXT] = ERASURE_SELECT "state <> 3 AND number > ? ORDER BY number LIMIT 1",
	[SQL_ERASURE_LIST] = ERASURE_SELECT "account = ? AND number > ? ORDER BY number LIMIT ?",
	[SQL_ERASURE_LIST_ALL] = ERASURE_SELECT "number > ? ORDER BY number LIMIT ?",
	[SQL_ERASURE_UPDATE] =
	    "UPDATE erasure SET (" ERASURE_FIELDS ") ="
	    " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE number = ?",
	[SQL_ERASURE_REMOVE] = "DELETE FROM erasure WHERE number = ?",

	[SQL_COUNT] =
	    "SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM collection),"
	    " (SELECT count(*) FROM item),"
	    " (SELECT count(*) FROM item) + (SELECT count(*) FROM revision),"
	    " (SELECT count(*) FROM chunk), (SELECT total(size) FROM chunk)",
	[SQL_RESTORES] = "SELECT count(*), coalesce(max(restored_ms), 0) FROM restored",

	[SQL_INVITE_ADD] =
	    "INSERT INTO invite (hash, created_ms, expires_ms, uses_max, quota_bytes)"
	    " VALUES (?, ?, ?, ?, ?)",
	[SQL_INVITE_FIND] = INVITE_SELECT "hash = ?",
	[SQL_INVITE_USE] =
	    "UPDATE invite SET uses = uses + 1 WHERE number = ? AND uses < uses_max",
	[SQL_INVITE_REMOVE] = "DELETE FROM invite WHERE number = ?",
	[SQL_INVITE_EXPIRE] = "DELETE FROM invite WHERE expires_ms < ?",
	[SQL_INVITE_SCAN] = INVITE_SELECT "number > ? ORDER BY number LIMIT ?",

	[SQL_COLLECTION_COUNT] = "SELECT count(*) FROM collection WHERE owner = ?",
	[SQL_SESSION_TRIM] =
	    "DELETE FROM session WHERE number IN (SELECT number FROM session WHERE account = ?"
	    " ORDER BY used_ms DESC, number DESC LIMIT -1 OFFSET ?)",
	[SQL_STATEMENT_ACCEPTED] =
	    "SELECT accepted_ms FROM statement WHERE account = ?"
	    " ORDER BY serial DESC LIMIT 1 OFFSET ?",

	/* From item to revision, so that both indexes give the order. */
	[SQL_HISTORY_SCAN] =
	    "SELECT i.clock, i.number, i.uid, i.version, i.encryption_key, r.replaced_ms,"
	    " r.uid, r.deleted, r.clock, r.meta, r.chunks"
	    " FROM item i CROSS JOIN revision r ON r.item = i.number"
	    " WHERE i.collection = ?1 AND i.clock >= ?2 AND (i.clock > ?2 OR r.clock > ?3)"
	    " ORDER BY i.clock, i.number, r.clock LIMIT ?4",
	[SQL_CHUNK_NUMBERS] =
	    "SELECT number FROM chunk WHERE collection = ? AND uid > ? ORDER BY uid LIMIT ?",
	[SQL_CHUNK_BY_NUMBER] = "SELECT uid, size, sha256 FROM chunk WHERE number = ?",
	[SQL_CONSENT_TYPES] =
	    "SELECT t.type FROM consent c JOIN consent_type t ON t.consent = c.number"
	    " WHERE c.account = ? AND c.service = ? ORDER BY t.type",
	[SQL_ACCOUNT_STATE] = "SELECT state FROM account WHERE number = ?",
	[SQL_ACCOUNT_TURN] =
	    "UPDATE account SET state = ?3, epoch = ?4 WHERE number = ?1 AND state = ?2",
	[SQL_ACCOUNT_STAGE] =
	    "UPDATE account SET state = 4, clock = 0, initialised = 1 WHERE number = ?",
	[SQL_ACCOUNT_SET_CLOCK] =
	    "UPDATE account SET clock = ?, epoch = ? WHERE number = ? AND state = 4",
	[SQL_PEER_ANSWER] = "SELECT restores FROM peer_answer WHERE name = ?",
	[SQL_PEER_ANSWER_SET] =
	    "INSERT INTO peer_answer (name, restores) VALUES (?, ?)"
	    " ON CONFLICT (name) DO UPDATE SET restores = excluded.restores",
	[SQL_MOVE_ADD] =
	    "INSERT INTO move (state, open, account, identity, peer, epoch, attempt, attempts,"
	    " started_ms, changed_ms, due_ms, clock, bytes, bytes_total, id, side, name_hash)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_MOVE_FIND] = MOVE_SELECT "id = ? AND side = ?",
	[SQL_MOVE_OF] = MOVE_SELECT "account = ? ORDER BY number DESC LIMIT 1",
	[SQL_MOVES_BY_NAME] = MOVE_SELECT "name_hash = ? ORDER BY number DESC LIMIT ?",
	[SQL_MOVE_LIST] = MOVE_SELECT "number > ?1 AND (open OR NOT ?2) ORDER BY number LIMIT ?3",
	[SQL_MOVE_DUE] = MOVE_SELECT "open AND state = ?1 AND due_ms >= 0 AND number % ?3 = ?2"
	                             " ORDER BY due_ms LIMIT ?4",
	[SQL_MOVES_OF] = MOVE_SELECT "account = ? ORDER BY number DESC LIMIT ?",
	[SQL_ACCOUNT_EXTENT] =
	    "SELECT (SELECT count(*) FROM collection WHERE owner = ?1),"
	    " (SELECT count(*) FROM item i JOIN collection c ON i.collection = c.number"
	    "  WHERE c.owner = ?1),"
	    " (SELECT count(*) FROM chunk k JOIN collection c ON k.collection = c.number"
	    "  WHERE c.owner = ?1)",
	[SQL_ACCOUNT_SHARING] =
	    "SELECT (SELECT count(*) FROM collection c WHERE c.owner = ?1 AND EXISTS"
	    "  (SELECT 1 FROM member m WHERE m.collection = c.number AND m.account <> ?1)),"
	    " (SELECT count(*) FROM member m JOIN collection c ON m.collection = c.number"
	    "  WHERE m.account = ?1 AND c.owner <> ?1)",
	[SQL_MOVE_UPDATE] =
	    "UPDATE move SET state = ?, open = ?, account = ?, identity = ?, peer = ?, epoch = ?,"
	    " attempt = ?, attempts = ?, started_ms = ?, changed_ms = ?, due_ms = ?, clock = ?,"
	    " bytes = ?, bytes_total = ? WHERE number = ?",
	[SQL_MOVE_NAME_AS] =
	    "UPDATE move SET name_hash = (SELECT name_hash FROM move WHERE number = ?)"
	    " WHERE number = ?",
	[SQL_MOVE_REMOVE] = "DELETE FROM move WHERE number = ?",
	[SQL_MOVE_MESSAGE_PUT] =
	    "INSERT INTO move_message (move, kind, bytes, signature) VALUES (?, ?, ?, ?)"
	    " ON CONFLICT (move, kind) DO UPDATE SET bytes = excluded.bytes,"
	    " signature = excluded.signature",
	[SQL_MOVE_MESSAGE_GET] =
	    "SELECT bytes, signature FROM move_message WHERE move = ? AND kind = ?",
	[SQL_MOVE_MESSAGE_REMOVE] = "DELETE FROM move_message WHERE move = ? AND kind = ?",
	[SQL_PROPOSAL_ADD] =
	    "INSERT INTO proposal (account, told_ms, begins_ms, grace_days, state, phase, target,"
	    " move) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_PROPOSAL_OF] = PROPOSAL_SELECT "account = ?",
	[SQL_PROPOSAL_UPDATE] = "UPDATE proposal SET state = ?, move = ? WHERE number = ?",
	[SQL_PROPOSAL_LIST] = PROPOSAL_SELECT "number > ? ORDER BY number LIMIT ?",
	[SQL_PROPOSAL_WITHDRAW] =
	    "DELETE FROM proposal WHERE number IN"
	    " (SELECT number FROM proposal WHERE state <= ? LIMIT ?)",
	[SQL_CHUNK_NEWEST] = "SELECT coalesce(max(number), 0) FROM chunk",
	[SQL_COPY_ACCOUNT] =
	    "UPDATE account SET created_ms = ?, salt = ?, login_public = ?, identity_public = ?,"
	    " encrypted_content = ?, statement_public = ?, quota_bytes = ?"
	    " WHERE number = ? AND state = 4",
	[SQL_CHUNK_LOG] =
	    "SELECT number, uid, size, sha256, stored_ms FROM chunk INDEXED BY chunk_collection"
	    " WHERE collection = ? AND number > ? ORDER BY number LIMIT ?",
	[SQL_COPY_COLLECTION] =
	    "SELECT c.number, a.state FROM collection c JOIN account a ON a.number = c.owner"
	    " WHERE c.uid = ? AND c.owner = ?",
	[SQL_COPY_COLLECTION_SET] =
	    "UPDATE collection SET items_clock = ?, members_clock = ?, abandoned_ms = ?"
	    " WHERE number = ?",
	[SQL_COPY_MEMBER] =
	    "INSERT INTO member (collection, account, owner, clock, access_level, collection_key,"
	    " collection_type)"
	    " SELECT c.number, ?2, c.owner, ?3, ?4, ?5, ?6 FROM collection c JOIN account a"
	    " ON a.number = c.owner WHERE c.number = ?1 AND a.state = 4"
	    " ON CONFLICT (account, owner, collection) DO UPDATE SET clock = excluded.clock,"
	    " access_level = excluded.access_level, collection_key = excluded.collection_key,"
	    " collection_type = excluded.collection_type",
	[SQL_COPY_STAGING] =
	    "SELECT a.number, a.state FROM collection c JOIN account a ON a.number = c.owner"
	    " WHERE c.number = ?",
	[SQL_COPY_HISTORY] =
	    "INSERT INTO revision (item, uid, deleted, clock, meta, chunks, replaced_ms)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?)"
	    " ON CONFLICT (item, uid) DO UPDATE SET replaced_ms = excluded.replaced_ms",
	[SQL_COPY_CHUNK_TIME] =
	    "UPDATE chunk SET stored_ms = ? WHERE collection = ? AND uid = ?",
	[SQL_COPY_CLEAR_STATEMENTS] = "DELETE FROM statement WHERE account = ?",
	[SQL_COPY_CLEAR_CONSENTS] = "DELETE FROM consent WHERE account = ?",
	[SQL_COPY_CLEAR_REMOVED] = "DELETE FROM removed WHERE account = ?",
};
