# SPDX-License-Identifier: AGPL-3.0-or-later
"""Faults in the gate of consent, one at a time: what the unit tests must see.

(name, file, what stands there, what the fault makes of it, the test programs of
tests/unit/services that must fail).  A test of None: the fault must not
compile.  `often`: also in make check, not only in make check-long.
"""
import typing


class Mutant(typing.NamedTuple):
    name: str
    file: str
    before: str
    after: str
    test: typing.Optional[str] = "consent"
    often: bool = False


GATE = "src/services/consent/gate.c"
STATEMENT = "src/services/consent/statement.c"
BATCH = "src/services/vault/batch.c"

MUTANTS = [
    # The gate itself.
    Mutant("the gate is open", GATE, "if (!is_covered)", "if (false)", often=True),
    Mutant("any consent will do", GATE,
           "consent_worth(call, &rows[i], now_ms) == CONSENT_LIVE", "true", "terms", True),
    Mutant("terms are not compared", GATE,
           "memcmp(consent->terms, entry->terms, DOM_TERMS_SIZE) != 0", "false", "terms"),
    Mutant("half of the terms is compared", GATE,
           "memcmp(consent->terms, entry->terms, DOM_TERMS_SIZE)",
           "memcmp(consent->terms, entry->terms, 0)", "terms"),
    Mutant("what is not offered any more is on", GATE, "return CONSENT_GONE;",
           "return CONSENT_LIVE;", "terms"),
    Mutant("a consent has no end", GATE, "consent->until_ms <= now_ms", "false"),
    Mutant("a consent ends a millisecond late", GATE, "consent->until_ms <= now_ms",
           "consent->until_ms < now_ms"),
    Mutant("a clock that is set back", GATE, "*now_ms_r < call->now_ms", "true"),
    Mutant("one person's consent covers another", GATE, "call->txn, owner, type, now_ms",
           "call->txn, 1, type, now_ms"),
    Mutant("every type is covered", GATE, "call->txn, owner, type, now_ms",
           'call->txn, owner, dom_slice_of("type two"), now_ms'),
    Mutant("members hear why", GATE, "if (owner != call->account.number)", "if (false)", "terms"),
    # Where it is asked.
    Mutant("the member decides, not the owner", "src/services/vault/place.c",
           "consent_check(call, collection->owner,", "consent_check(call, call->account.number,",
           "terms"),
    Mutant("the body is read first", "src/services/service.c",
           "st = vault_consent(&call, &place, &consent);", "consent = NULL, (void)consent;",
           "vault"),
    Mutant("a body of any size is looked into", "src/services/service.c",
           "request->body_size_expected <= VAULT_REMOVAL_BODY_SIZE_MAX", "true", "terms"),
    Mutant("what is off is staged", "src/services/vault/stage.c",
           "(st = vault_consent(call, &place, &consent)) != DOM_OK)",
           "(consent = NULL, (void)consent, false))"),
    # Without asking, it does not compile, ..
    Mutant("a chunk is stored without asking", "src/services/vault/chunk.c",
           "if ((st = vault_consent(call, &place, &consent)) != DOM_OK)\n\t\treturn st;", "", None,
           True),
    Mutant("a collection is made without asking", "src/services/vault/collection.c",
           "st = consent_check(call, call->account.number, wire.collection_type, &consent);", "",
           None),
    Mutant("leave to delete is taken for leave to store", BATCH,
           "batch->call, batch->consent, batch->collection, item, number);",
           "batch->call, batch->removal, batch->collection, item, number);", None, True),
    Mutant("a handle is made elsewhere", "src/services/vault/chunk.c",
           "const struct consent_handle *consent;",
           "const struct consent_handle made = {0}, *consent = &made;", None),
    # .. and with nothing in the place of a handle it ends.
    Mutant("nothing is a handle", "src/services/vault/chunk.c",
           "call, consent, &place.collection", "call, NULL, &place.collection"),
    # What is taken for a deletion.
    Mutant("what is no deletion is one", BATCH, "!item->content.deleted || ", "", "terms"),
    Mutant("deletions bring chunks", BATCH, " || item->content.chunk_count != 0", "", "terms"),
    Mutant("deletions bring metadata", BATCH,
           "item->content.meta.size > VAULT_REMOVAL_META_SIZE_MAX", "false", "terms"),
    Mutant("what is deleted is deleted again", BATCH, "is.current.deleted ||", "", "terms"),
    Mutant("twice in one batch", BATCH,
           "if ((st = check_removal(batch, item)) < 0)\n\t\treturn st;", "st = DOM_OK;", "terms"),
    # What is taken for a statement.
    Mutant("nobody signs", STATEMENT,
           "!dom_verify(call->account.statement_public, message->statement, message->signature)",
           "false", often=True),
    Mutant("about anybody", STATEMENT,
           "!dom_slice_equal(dom_slice(statement->account, sizeof(statement->account)),\n"
           "\t        call->account.identity_public)", "false"),
    Mutant("for any region", STATEMENT,
           "!dom_slice_is(statement->region, call->service->settings.region)", "false"),
    Mutant("any number is the next", STATEMENT, "if (statement->serial == serial + 1)",
           "if (statement->serial > serial)"),
    Mutant("another statement under a used number", STATEMENT,
           "dom_slice_equal(same->bytes, bytes)", "true"),
    Mutant("old statements", STATEMENT,
           "statement->issued_ms < call->now_ms - CONSENT_ISSUED_SKEW_MS", "false"),
    Mutant("statements of tomorrow", STATEMENT,
           "statement->issued_ms > call->now_ms + CONSENT_ISSUED_SKEW_MS", "false"),
    Mutant("an end before the beginning", STATEMENT,
           "statement->until_ms != 0 && statement->until_ms <= statement->issued_ms", "false"),
    Mutant("an end that has passed", STATEMENT,
           "statement->until_ms != 0 && statement->until_ms <= now_ms", "false"),
    Mutant("a consent to anything", STATEMENT,
           "if (st == DOM_OK && statement.kind == WIRE_CONSENT)", "if (false)", "terms"),
    Mutant("a consent to another sentence", STATEMENT,
           "dom_slice_is(statement->purpose, entry->purpose)", "true", "terms"),
    Mutant("a consent to another time", STATEMENT,
           "dom_slice_is(statement->retention, entry->retention)", "true", "terms"),
    Mutant("a consent to another version", STATEMENT,
           "statement->catalogue_version == entry->version", "true", "terms"),
    Mutant("withdrawing does nothing", "src/services/erasure/statement.c",
           "enum dom_status st = store_consent_clear(call->txn, call->account.number, service);",
           "enum dom_status st = DOM_OK;\n\n\t(void)call, (void)service;", often=True),
    Mutant("a limit on saying no", STATEMENT, "*says_no_r = st == DOM_OK;", "*says_no_r = false;",
           "counts"),
    Mutant("no limit on anything", STATEMENT, "*says_no_r = st == DOM_OK;", "*says_no_r = true;",
           "counts"),
    Mutant("no receipt is kept", STATEMENT,
           "st = store_statement_add(call->txn, call->account.number, &row);",
           "row.receipt = dom_slice(NULL, 0),\n\t\tst = store_statement_add("
           "call->txn, call->account.number, &row);", "terms"),
]
