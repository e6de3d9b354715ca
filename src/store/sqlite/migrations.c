/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The tables.  Rows lie in the order in which they came; random ids are only
 * in narrow indexes.  Columns that look-ups need stand before large ones, so
 * that pages a large value overflows to are not read for them.
 */
#include "store/sqlite/migrations.h"

/* clang-format off */
const char *const migrations[MIGRATION_COUNT] = {
	[0] =
	"CREATE TABLE region (name BLOB NOT NULL) STRICT;"

	"CREATE TABLE account ("
	" number INTEGER PRIMARY KEY, id BLOB NOT NULL, clock INTEGER NOT NULL,"
	" epoch INTEGER NOT NULL, created_ms INTEGER NOT NULL, initialised INTEGER NOT NULL,"
	" disabled INTEGER NOT NULL, name BLOB NOT NULL, email BLOB, salt BLOB NOT NULL,"
	" login_public BLOB NOT NULL, identity_public BLOB NOT NULL,"
	" encrypted_content BLOB NOT NULL, statement_public BLOB NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX account_id ON account (id);"
	"CREATE UNIQUE INDEX account_name ON account (name);"
	"CREATE UNIQUE INDEX account_email ON account (email) WHERE email IS NOT NULL;"

	"CREATE TABLE session ("
	" number INTEGER PRIMARY KEY, token_hash BLOB NOT NULL, id BLOB NOT NULL,"
	" account INTEGER NOT NULL REFERENCES account, created_ms INTEGER NOT NULL,"
	" used_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, device BLOB NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX session_token ON session (token_hash);"
	"CREATE UNIQUE INDEX session_id ON session (account, id);"
	"CREATE INDEX session_expires ON session (expires_ms);"

	"CREATE TABLE collection ("
	" number INTEGER PRIMARY KEY, owner INTEGER NOT NULL REFERENCES account,"
	" uid BLOB NOT NULL, items_clock INTEGER NOT NULL DEFAULT 0,"
	" members_clock INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE UNIQUE INDEX collection_uid ON collection (uid);"
	"CREATE INDEX collection_owner ON collection (owner);"

	/* owner is the collection's: a list walks one owner at a time. */
	"CREATE TABLE member ("
	" number INTEGER PRIMARY KEY, collection INTEGER NOT NULL REFERENCES collection,"
	" account INTEGER NOT NULL REFERENCES account, owner INTEGER NOT NULL REFERENCES account,"
	" clock INTEGER NOT NULL, access_level INTEGER NOT NULL, collection_key BLOB NOT NULL,"
	" collection_type BLOB NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX member_account ON member (account, owner, collection);"
	"CREATE INDEX member_collection ON member (collection, clock);"
	"CREATE INDEX member_owner ON member (owner);"

	/*
	 * An item with its current revision; etag is that one's uid.  Most items
	 * never change, so this is the only row that most revisions cost.
	 */
	"CREATE TABLE item ("
	" number INTEGER PRIMARY KEY, collection INTEGER NOT NULL REFERENCES collection,"
	" clock INTEGER NOT NULL, version INTEGER NOT NULL, deleted INTEGER NOT NULL,"
	" uid BLOB NOT NULL, etag BLOB NOT NULL, encryption_key BLOB,"
	" meta BLOB NOT NULL, chunks BLOB NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX item_uid ON item (collection, uid);"
	"CREATE INDEX item_clock ON item (collection, clock);"

	/* The revisions before the current one. */
	"CREATE TABLE revision ("
	" number INTEGER PRIMARY KEY, item INTEGER NOT NULL REFERENCES item,"
	" clock INTEGER NOT NULL, deleted INTEGER NOT NULL, uid BLOB NOT NULL,"
	" meta BLOB NOT NULL, chunks BLOB NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX revision_uid ON revision (item, uid);"
	"CREATE INDEX revision_clock ON revision (item, clock);"

	/* Either data or file: owner id and random id of a blob, see store/blobs.h. */
	"CREATE TABLE chunk ("
	" number INTEGER PRIMARY KEY, collection INTEGER NOT NULL REFERENCES collection,"
	" size INTEGER NOT NULL, uid BLOB NOT NULL, sha256 BLOB NOT NULL, file BLOB, data BLOB,"
	" CHECK ((file IS NULL) <> (data IS NULL))) STRICT;"
	"CREATE UNIQUE INDEX chunk_uid ON chunk (collection, uid);"
	"CREATE UNIQUE INDEX chunk_file ON chunk (file) WHERE file IS NOT NULL;"

	"CREATE TABLE statement ("
	" number INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES account,"
	" serial INTEGER NOT NULL, clock INTEGER NOT NULL, kind INTEGER NOT NULL,"
	" accepted_ms INTEGER NOT NULL, service BLOB NOT NULL, bytes BLOB NOT NULL,"
	" signature BLOB NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX statement_serial ON statement (account, serial);"

	"CREATE TABLE consent ("
	" number INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES account,"
	" serial INTEGER NOT NULL, until_ms INTEGER NOT NULL, covers_any INTEGER NOT NULL,"
	" service BLOB NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX consent_service ON consent (account, service);"
	"CREATE TABLE consent_type ("
	" consent INTEGER NOT NULL REFERENCES consent ON DELETE CASCADE, type BLOB NOT NULL,"
	" PRIMARY KEY (consent, type)) STRICT, WITHOUT ROWID;",

	/* When this store was made out of a backup; floor: what clocks were raised to. */
	[1] =
	"CREATE TABLE restored ("
	" number INTEGER PRIMARY KEY, restored_ms INTEGER NOT NULL, floor INTEGER NOT NULL)"
	" STRICT;",

	[2] =
	/* When the last member left; what it holds waits to be collected. */
	"ALTER TABLE collection ADD COLUMN abandoned_ms INTEGER;"
	"CREATE INDEX collection_abandoned ON collection (abandoned_ms)"
	" WHERE abandoned_ms IS NOT NULL;"

	/* The note of a membership that ended: the former member's, in that one's clock. */
	"CREATE TABLE removed ("
	" number INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES account,"
	" clock INTEGER NOT NULL, uid BLOB NOT NULL, collection_type BLOB NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX removed_uid ON removed (account, uid);"
	"CREATE INDEX removed_clock ON removed (account, clock);"

	/* sender_clock and clock order the sender's and the recipient's lists. */
	"CREATE TABLE invitation ("
	" number INTEGER PRIMARY KEY, collection INTEGER NOT NULL REFERENCES collection,"
	" sender INTEGER NOT NULL REFERENCES account,"
	" recipient INTEGER NOT NULL REFERENCES account, sender_clock INTEGER NOT NULL,"
	" clock INTEGER NOT NULL, version INTEGER NOT NULL, access_level INTEGER NOT NULL,"
	" uid BLOB NOT NULL, signed_key BLOB NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX invitation_uid ON invitation (uid);"
	"CREATE UNIQUE INDEX invitation_pair ON invitation (collection, recipient, sender);"
	"CREATE INDEX invitation_sender ON invitation (sender, sender_clock);"
	"CREATE INDEX invitation_recipient ON invitation (recipient, clock);",

	/* Bytes of the chunks in its collections; what it may have, NULL: as the region says. */
	[3] =
	"ALTER TABLE account ADD COLUMN chunk_bytes INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE account ADD COLUMN quota_bytes INTEGER;"
	"UPDATE account SET chunk_bytes = (SELECT coalesce(sum(k.size), 0) FROM chunk k"
	" JOIN collection c ON c.number = k.collection WHERE c.owner = account.number);",

	/*
	 * Names are sealed (see MIGRATION_SEALS) and found by keyed hashes; clocks
	 * of retention, in the region's time; erasures.  since_ms: what was written
	 * before these clocks has 0, and counts as written then.
	 */
	[4] =
	"ALTER TABLE region ADD COLUMN time_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE region ADD COLUMN since_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE region ADD COLUMN journal_count INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE region ADD COLUMN key_check BLOB NOT NULL DEFAULT x'';"
	/* Numbers up to these were given out, and are not given out again. */
	"ALTER TABLE region ADD COLUMN account_floor INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE region ADD COLUMN collection_floor INTEGER NOT NULL DEFAULT 0;"

	"DROP INDEX account_name;"
	"DROP INDEX account_email;"
	"ALTER TABLE account ADD COLUMN state INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE account ADD COLUMN active_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE account ADD COLUMN notice_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE account ADD COLUMN rest_key BLOB NOT NULL DEFAULT x'';"
	"ALTER TABLE account ADD COLUMN name_hash BLOB;"
	"ALTER TABLE account ADD COLUMN email_hash BLOB;"
	"CREATE UNIQUE INDEX account_name_hash ON account (name_hash)"
	" WHERE name_hash IS NOT NULL;"
	"CREATE UNIQUE INDEX account_email_hash ON account (email_hash)"
	" WHERE email_hash IS NOT NULL;"

	"ALTER TABLE session ADD COLUMN seen_ms INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX session_seen ON session (seen_ms);"

	"ALTER TABLE collection ADD COLUMN erasure INTEGER;"
	"CREATE INDEX collection_erasure ON collection (erasure) WHERE erasure IS NOT NULL;"

	"ALTER TABLE revision ADD COLUMN replaced_ms INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX revision_replaced ON revision (replaced_ms);"
	"ALTER TABLE chunk ADD COLUMN stored_ms INTEGER NOT NULL DEFAULT 0;"
	/* Chunks that an erased revision named: perhaps nothing names them any more. */
	"CREATE TABLE chunk_loose ("
	" collection INTEGER NOT NULL REFERENCES collection,"
	" chunk INTEGER NOT NULL REFERENCES chunk ON DELETE CASCADE,"
	" PRIMARY KEY (collection, chunk)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX chunk_loose_chunk ON chunk_loose (chunk);"

	/* Blobs whose rows are gone, and folders (16 bytes) of accounts that are gone. */
	"CREATE TABLE gone ("
	" file BLOB NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;"

	"ALTER TABLE statement ADD COLUMN receipt BLOB NOT NULL DEFAULT x'';"
	"ALTER TABLE statement ADD COLUMN receipt_signature BLOB NOT NULL DEFAULT x'';"
	"ALTER TABLE consent ADD COLUMN version INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE consent ADD COLUMN terms BLOB NOT NULL DEFAULT"
	" x'0000000000000000000000000000000000000000000000000000000000000000';"

	/* account: NULL once nothing may lead to it any more. */
	"CREATE TABLE erasure ("
	" number INTEGER PRIMARY KEY, request BLOB NOT NULL, account INTEGER,"
	" scope INTEGER NOT NULL, state INTEGER NOT NULL, clock INTEGER NOT NULL,"
	" requested_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,"
	" collections INTEGER NOT NULL, items INTEGER NOT NULL, revisions INTEGER NOT NULL,"
	" chunks INTEGER NOT NULL, bytes INTEGER NOT NULL, root BLOB NOT NULL,"
	" service BLOB NOT NULL, collection_uid BLOB NOT NULL, item_uid BLOB NOT NULL,"
	" statement_public BLOB NOT NULL, statement BLOB NOT NULL, signature BLOB NOT NULL,"
	" receipt BLOB NOT NULL, receipt_signature BLOB NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX erasure_request ON erasure (request);"
	"CREATE INDEX erasure_account ON erasure (account, number);"
	"CREATE INDEX erasure_open ON erasure (number) WHERE state <> 3;",

	/* Codes with which people may sign up, by their keyed hash. */
	[5] =
	"CREATE TABLE invite ("
	" number INTEGER PRIMARY KEY, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
	" uses_max INTEGER NOT NULL, uses INTEGER NOT NULL DEFAULT 0, quota_bytes INTEGER,"
	" hash BLOB NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX invite_hash ON invite (hash);"
	"CREATE INDEX invite_expires ON invite (expires_ms);",

	[6] =
	/* account: NULL once it is erased here; name_hash: who asks for it is told where it is. */
	"CREATE TABLE move ("
	" number INTEGER PRIMARY KEY, account INTEGER, side INTEGER NOT NULL,"
	" state INTEGER NOT NULL, open INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" attempts INTEGER NOT NULL, started_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL,"
	" due_ms INTEGER NOT NULL, clock INTEGER NOT NULL, bytes INTEGER NOT NULL,"
	" bytes_total INTEGER NOT NULL, id BLOB NOT NULL, attempt BLOB NOT NULL,"
	" identity BLOB NOT NULL, peer BLOB NOT NULL, name_hash BLOB NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX move_id ON move (id, side);"
	"CREATE INDEX move_account ON move (account, number);"
	"CREATE INDEX move_name ON move (name_hash, number);"
	"CREATE INDEX move_open ON move (number) WHERE open;"
	"CREATE TABLE move_message ("
	" move INTEGER NOT NULL REFERENCES move ON DELETE CASCADE, kind INTEGER NOT NULL,"
	" bytes BLOB NOT NULL, signature BLOB NOT NULL,"
	" PRIMARY KEY (move, kind)) STRICT, WITHOUT ROWID;"
	/* Chunks in the order in which they came: the index holds the row's number too. */
	"CREATE INDEX chunk_collection ON chunk (collection);",

	/* Every login looks for the session that was used longest ago. */
	[7] =
	"CREATE INDEX session_used ON session (account, used_ms);",

	/* Whoever runs moves looks for the one that is due first. */
	[8] =
	"CREATE INDEX move_due ON move (due_ms) WHERE open;",

	/* What an operator asks people: may your account move?  account: NULL once it is erased. */
	[9] =
	"CREATE TABLE proposal ("
	" number INTEGER PRIMARY KEY, account INTEGER REFERENCES account ON DELETE SET NULL,"
	" told_ms INTEGER NOT NULL, begins_ms INTEGER NOT NULL, grace_days INTEGER NOT NULL,"
	" state INTEGER NOT NULL, phase BLOB NOT NULL, target BLOB NOT NULL, move BLOB NOT NULL)"
	" STRICT;"
	"CREATE UNIQUE INDEX proposal_account ON proposal (account);",

	/* Which regions have said, since this store was made out of a backup, what lives there. */
	[10] =
	("CREATE TABLE peer_answer ("
	 " name BLOB NOT NULL PRIMARY KEY, restores INTEGER NOT NULL) STRICT, WITHOUT ROWID;"),

	/* Of one state: many more may wait for their turn, or for the end of their days of grace. */
	[11] =
	("CREATE INDEX move_state ON move (state, due_ms) WHERE open;"
	 "DROP INDEX move_due;"),
};
/* clang-format on */
