# SPDX-License-Identifier: AGPL-3.0-or-later
"""Faults in the real code, one at a time, which the simulator must find.

(name, file, what stands there, what the fault makes of it, within how many
seeds it is found, and of which faults of disks and networks alone).
"""
import typing


class Mutant(typing.NamedTuple):
    name: str
    file: str
    before: str
    after: str
    seeds: int = 100
    faults: str = ""  # only these: as sim --faults
    moves: bool = False  # in worlds of moves alone: sim --moves
    also: tuple = ()  # what else it takes, in the same file: (before, after), ..


GATE = "src/services/consent/gate.c"
BATCH = "src/services/vault/batch.c"
TEXTS = "src/store/sqlite/sql_texts.c"
WRITER = "src/store/sqlite/writer.c"
FREEZE = "src/services/move/freeze.c"
TARGET = "src/services/move/target.c"
DEVICE = "phone killed,phone power cut,phone EIO,phone failed sync"

MUTANTS = [
    # Consent.
    Mutant("the gate is open", GATE, "if (!is_covered)", "if (false)"),
    Mutant("one person's consent covers another", GATE, "call->txn, owner, type, now_ms",
           "call->txn, 1, type, now_ms"),
    Mutant("terms are not compared", GATE,
           "memcmp(consent->terms, entry->terms, DOM_TERMS_SIZE) != 0", "false", 400),
    Mutant("withdrawing does nothing", "src/services/erasure/statement.c",
           "enum dom_status st = store_consent_clear(call->txn, call->account.number, service);",
           "enum dom_status st = DOM_OK;\n\n\t(void)call, (void)service;"),
    # Durability.
    Mutant("an acknowledgement before the sync", "src/store/sqlite/connection.c",
           "PRAGMA synchronous = FULL;", "PRAGMA synchronous = OFF;"),
    Mutant("a commit that failed is acknowledged", WRITER,
           "\t\tif (st < 0)\n\t\t\tentry->status = st;", ""),
    Mutant("a chunk's file is not synced", "src/store/dir/blobs_dir.c",
           "if (fsync(fd) == 0)", "if (fd >= 0)"),
    Mutant("a restore hides later writes", "src/store/sqlite/restore.c",
           "UPDATE account SET clock = max(clock + %\" PRIu64 \", %\" PRIu64 \")",
           "UPDATE account SET clock = max(clock + 0 * %\" PRIu64 \", 0 * %\" PRIu64 \")", 200),
    # Sync.
    Mutant("a token is handed out too early", "src/services/vault/item.c",
           "wire_stoken_set(stoken, collection->owner_id, clock)",
           "wire_stoken_set(stoken, collection->owner_id, clock + 1)"),
    Mutant("any etag will do", BATCH, "if (batch->is_transaction &&\n\t    ((number == 0)",
           "if (false && batch->is_transaction &&\n\t    ((number == 0)"),
    Mutant("a list begins with the newest", TEXTS,
           "uid <> ? ORDER BY clock, number LIMIT ?", "uid <> ? ORDER BY clock DESC LIMIT ?"),
    Mutant("a deletion is not written down", TEXTS,
           "\"UPDATE item SET etag = ?, deleted = ?,", "\"UPDATE item SET etag = ?, deleted = 0 * ?,"),
    Mutant("numbers are given twice", TEXTS, "UPDATE account SET clock = clock + 1 WHERE",
           "UPDATE account SET clock = clock + (clock < 9) WHERE"),
    Mutant("what was refused is acknowledged", BATCH,
           "if (batch->error_count != 0)\n\t\treturn refuse_collected(batch, SERVICE_ITEM_FAILED,",
           "if (false)\n\t\treturn refuse_collected(batch, SERVICE_ITEM_FAILED,"),
    # Whose it is.
    Mutant("everybody is a member", "src/services/vault/place.c",
           "call->account.number, call->arena, &place_r->member);",
           "place_r->collection.owner, call->arena, &place_r->member);"),
    Mutant("a receipt for other words", "src/services/consent/statement.c",
           "dom_region_sign(service->key, row->receipt, signature);",
           "dom_region_sign(service->key, row->bytes, signature);"),
    Mutant("who may only read writes", "src/services/vault/place.c",
           "st == DOM_OK && to_write &&", "st == DOM_OK && to_write && false &&", 400),
    Mutant("a new password leaves other devices in", "src/services/account/login.c",
           "st = store_session_remove_others(\n\t    call->txn, call->account.number, "
           "call->session.token_hash);", "st = DOM_OK;"),
    Mutant("a session that is ended goes on", "src/services/account/session.c",
           "st = store_session_remove_id(call->txn, call->account.number, id);", "st = DOM_OK;"),
    # Erasing.
    Mutant("what is erased stays", "src/services/keeper/remove.c",
           "\tif (count == 0)\n\t\treturn DOM_ABSENT;", "\tif (count != 99)\n\t\treturn DOM_ABSENT;"),
    Mutant("memberships of what is erased go on", "src/services/erasure/begin.c",
           "enum dom_status st = end_memberships(beginning, &owned->collection);",
           "enum dom_status st = DOM_OK;\n\n\t(void)end_memberships;"),
    # Moving.
    Mutant("a fence is missing", TEXTS, "WHERE number = ? AND state <= 1 RETURNING clock",
           "WHERE number = ? AND state <= 3 RETURNING clock"),
    Mutant("a source stays home", FREEZE,
           "STORE_ACCOUNT_FROZEN,\n\t    STORE_ACCOUNT_GONE, move->epoch + 1);",
           "STORE_ACCOUNT_FROZEN,\n\t    STORE_ACCOUNT_HOME, move->epoch + 1);"),
    Mutant("a copy without its history", "src/services/move/read.c",
           "next_phase(cursor, PHASE_HISTORY);", "next_phase(cursor, PHASE_CHUNKS);"),
    # The same, where people do nothing but move.
    Mutant("who is frozen may write", TEXTS, "WHERE number = ? AND state <= 1 RETURNING clock",
           "WHERE number = ? AND state <= 2 RETURNING clock", 8, moves=True),
    Mutant("moves, and a fence is missing", TEXTS,
           "WHERE number = ? AND state <= 1 RETURNING clock",
           "WHERE number = ? AND state <= 3 RETURNING clock", 8, moves=True),
    Mutant("moves, and a source stays home", FREEZE,
           "STORE_ACCOUNT_FROZEN,\n\t    STORE_ACCOUNT_GONE, move->epoch + 1);",
           "STORE_ACCOUNT_FROZEN,\n\t    STORE_ACCOUNT_HOME, move->epoch + 1);", 8, moves=True),
    Mutant("a move ends no epoch", FREEZE,
           "STORE_ACCOUNT_FROZEN,\n\t    STORE_ACCOUNT_GONE, move->epoch + 1);",
           "STORE_ACCOUNT_FROZEN,\n\t    STORE_ACCOUNT_GONE, move->epoch);", 8, moves=True),
    Mutant("moves, and an acknowledgement before the sync", "src/store/sqlite/connection.c",
           "PRAGMA synchronous = FULL;", "PRAGMA synchronous = OFF;", 8, moves=True),
    # Whichever move of this account the hand-off is of: OLDHANDOFF in model/check.
    Mutant("an old hand-off ends a move", TARGET,
           "\tst = store_move_find(call->txn, view.move, STORE_MOVE_TARGET, call->arena, &move);",
           """\tstruct store_move *rows = NULL;
\tsize_t count = 0;
\tif ((st = store_move_list(call->txn, 0, true, 64, call->arena, &rows, &count)) == DOM_OK)
\t\tst = DOM_ABSENT;
\tfor (size_t i = 0; i < count; i++)
\t\tif (rows[i].side == STORE_MOVE_TARGET &&
\t\t    memcmp(rows[i].identity, view.account, sizeof(view.account)) == 0) {
\t\t\tmove = rows[i];
\t\t\tst = DOM_OK;
\t\t}""", 8, moves=True, also=(
               ("move_open(service, move, WIRE_MOVE_HANDOFF, handoff, &view, why_r)",
                "wire_move_decode(handoff->bytes, &view)"),
               ("(st = move_follows(&prepare, &view, why_r)) != DOM_OK ||\n", ""))),
    # Devices that run libdomicile: one world of four.
    Mutant("a state folder whose name is not synced", "src/client/files.c",
           "if (!is_new && !syncs_anyway)", "if (true || !syncs_anyway)", 60, DEVICE),
    Mutant("a saved session that is renamed before its sync", "src/client/files.c",
           "if (!write_all(fd, content) || fsync(fd) != 0)", "if (!write_all(fd, content))", 60,
           DEVICE),
    Mutant("a log-out that a power cut undoes", "src/client/session.c",
           "st = dom_folder_sync(folder);", "st = DOM_OK;", 150, "phone power cut"),
    Mutant("a move followed before it is written down", "src/client/follow.c",
           "dom_state_commit_for_good(", "dom_state_commit(", 600, "phone power cut"),
    Mutant("a token kept before its items", "src/client/sync.c",
           "\tfor (size_t i = 0; i < list.count && st == DOM_OK; i++)\n\t\tst = keep_item(",
           "\tst = dom_state_collection_token(session->state, collection->number, list.stoken);\n"
           "\tif (st == DOM_OK)\n\t\tst = dom_session_commit(session);\n"
           "\tfor (size_t i = 0; i < list.count && st == DOM_OK; i++)\n\t\tst = keep_item(", 200,
           DEVICE),
    Mutant("a write that was not answered is done", "src/client/call.c",
           "say(call, exchange->failure < 0 ? exchange->failure : DOM_EUNCERTAIN, text,",
           "say(call, DOM_OK, text,", 60),
    Mutant("a record's item is another each time", "src/client/slots.c",
           "\tdom_collection_record_uid(",
           "\tdom_uid_create(&slots->collection->session->random, uid_r);\n"
           "\tif (slots == NULL)\n\t\tdom_collection_record_uid(", 60),
]
