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
};
/* clang-format on */
