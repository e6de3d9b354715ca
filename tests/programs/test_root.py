# SPDX-License-Identifier: AGPL-3.0-or-later
"""The root of an account (wire/root.h), computed a second time from the database itself."""
import hashlib
import os
import sqlite3
import struct
import subprocess

import pytest

from conftest import ROOT, program
from etebase_client import Client, item, new_person, uid


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def string(value):
    value = value.encode() if isinstance(value, str) else bytes(value)
    return struct.pack(">I", len(value)) + value


def strings(values):
    return struct.pack(">I", len(values)) + b"".join(map(string, values))


def number(value):
    return struct.pack(">Q", value & (1 << 64) - 1)


def unpack_strings(packed):
    found, at = [], 0
    while at < len(packed):
        size, = struct.unpack_from(">I", packed, at)
        found.append(packed[at + 4:at + 4 + size])
        at += 4 + size
    return found


class Record:
    """Type, key and the rest, as wire/record.h has them."""
    def __init__(self, kind, key, rest):
        self.key = bytes([kind]) + string(key)
        self.entry = sha(self.key) + sha(self.key + rest)


def tree(records):
    width = 2 if len(records) > 1000000 else 1
    buckets = [[] for _ in range(256 ** width)]
    for record in records:
        buckets[int.from_bytes(record.entry[:width], "big")].append(record.entry)
    level = [sha(b"\0", sha(*sorted(bucket))) for bucket in buckets]
    while len(level) > 1:
        level = [sha(b"\1", level[i], level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


class Book:
    """The rows of one account, read with nothing but SQLite."""
    def __init__(self, data, client):
        self.db = sqlite3.connect(f"file:{data / 'store.sqlite3'}?mode=ro", uri=True)
        self.db.row_factory = sqlite3.Row
        self.client = client
        self.account, = self.rows(
            "SELECT * FROM account WHERE identity_public = ?", client.identity_public)
        self.number = self.account["number"]
        self.records, self.chunks = [], []
        self.counts = dict.fromkeys(("collections", "items", "revisions", "chunks", "bytes"), 0)

    def rows(self, text, *values):
        return self.db.execute(text, values).fetchall()

    def add_account(self):
        a = self.account
        self.records.append(Record(1, b"", string(self.client.name) + string(self.client.email)
                                   + number(a["created_ms"]) + string(a["salt"])
                                   + string(a["login_public"]) + string(a["identity_public"])
                                   + string(a["encrypted_content"])
                                   + string(a["statement_public"])
                                   + number(-1 if a["quota_bytes"] is None
                                            else a["quota_bytes"])))
        for s in self.rows("SELECT * FROM statement WHERE account = ?", self.number):
            self.records.append(Record(
                5, number(s["serial"]), number(s["clock"]) + bytes([s["kind"]])
                + number(s["accepted_ms"]) + b"".join(string(s[name]) for name in (
                    "service", "bytes", "signature", "receipt", "receipt_signature"))))
        for c in self.rows("SELECT * FROM consent WHERE account = ?", self.number):
            types = self.rows("SELECT type FROM consent_type WHERE consent = ?", c["number"])
            self.records.append(Record(
                6, c["service"], number(c["serial"]) + number(c["until_ms"])
                + bytes([c["covers_any"]]) + struct.pack(">I", c["version"]) + c["terms"]
                + strings(sorted(t["type"] for t in types))))
        for r in self.rows("SELECT * FROM removed WHERE account = ?", self.number):
            self.records.append(
                Record(7, r["uid"], number(r["clock"]) + string(r["collection_type"])))

    def revision(self, collection, of, row, current):
        chunks = unpack_strings(row["chunks"])
        key = of["encryption_key"]
        self.records.append(Record(
            3, string(collection["uid"]) + string(of["uid"])
            + string(row["etag"] if current else row["uid"]),
            number(row["clock"]) + bytes([of["version"]])
            + (b"\0" if key is None else b"\1" + string(key)) + bytes([row["deleted"], current])
            + number(0 if current else row["replaced_ms"]) + string(row["meta"])
            + strings(chunks)))
        self.counts["revisions"] += 1
        self.counts["bytes"] += len(row["meta"])
        if current:
            self.counts["items"] += 1
            self.counts["bytes"] += len(key or b"")

    def add_history(self, collection, of):
        for row in self.rows("SELECT * FROM revision WHERE item = ?", of["number"]):
            self.revision(collection, of, row, False)

    def add_collection(self, c):
        rest = number(c["items_clock"]) + number(c["members_clock"]) + number(
            c["abandoned_ms"] or 0)
        member = self.rows("SELECT * FROM member WHERE collection = ? AND account = ?",
                           c["number"], self.number)
        rest += bytes([len(member)])
        for m in member:
            rest += (number(m["clock"]) + bytes([m["access_level"]])
                     + string(m["collection_key"]) + string(m["collection_type"]))
        self.records.append(Record(2, c["uid"], rest))
        self.counts["collections"] += 1
        for of in self.rows("SELECT * FROM item WHERE collection = ?", c["number"]):
            self.revision(c, of, of, True)
            self.add_history(c, of)
        for k in self.rows("SELECT * FROM chunk WHERE collection = ?", c["number"]):
            self.chunks.append(Record(4, string(c["uid"]) + string(k["uid"]),
                                      number(k["size"]) + k["sha256"] + number(0)))
            self.counts["chunks"] += 1
            self.counts["bytes"] += k["size"]

    def collections(self, where="owner = ?", value=None):
        return self.rows(f"SELECT * FROM collection WHERE {where}",
                         self.number if value is None else value)

    def whole(self):
        self.add_account()
        for collection in self.collections():
            self.add_collection(collection)
        return self

    def root(self):
        return sha(string("domicile/account-root/v1"), self.account["identity_public"],
                   number(self.account["epoch"]), number(self.account["clock"]),
                   tree(self.records), tree(self.chunks),
                   *map(number, self.counts.values())).hex()


def run_root_of(region, client, *words, memory=0):
    done = subprocess.run(
        [program("DOMICILE_ROOT_OF", "tests/unit/services/root_of"), str(region.data),
         region.name, str(memory), *(words[:1] or ["account"]), client.name, *words[1:]],
        capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def root_of(region, client, *words, memory=0):
    root, *counts = run_root_of(region, client, *words, memory=memory)
    return root, dict(zip(("collections", "items", "revisions", "chunks", "bytes"),
                          map(int, counts)))


def fill(client, collections=3, items=40):
    """Collections with items, some of which were changed and deleted; chunks small and large."""
    made = []
    for _ in range(collections):
        collection = client.create_collection()
        rows = []
        for i in range(items):
            chunks = [(uid(), os.urandom(100 if i % 5 else 90000))]
            rows.append(item(chunks=chunks))
        client.batch(collection, rows)
        for i in range(0, items, 3):
            etag = rows[i]["content"]["uid"]
            client.transaction(collection, [
                item(rows[i]["uid"], etag=etag, deleted=i % 2 == 0)])
        made.append((collection, rows))
    return made


@pytest.fixture
def filled(region):
    ana, ben = new_person(region.url), new_person(region.url)
    ben.email = ana.email = ""
    made = fill(ana)
    fill(ben, collections=1, items=5)
    ana.consent("contacts", types=[b"one", b"\0two"])
    return region, ana, ben, made


def test_the_root_is_the_same_computed_in_two_ways(filled):
    region, ana, ben, _ = filled
    cara = Client(region.url)
    cara.email = "cara@example.org"
    cara.signup("cara", email=cara.email)
    region.stop()
    for client in (ana, cara, ben):
        book = Book(region.data, client).whole()
        assert root_of(region, client) == (book.root(), book.counts)
    assert root_of(region, ana)[0] != root_of(region, ben)[0]
    assert book.counts["items"] == 6 and book.counts["bytes"] > 90000


def test_the_root_does_not_depend_on_memory(filled):
    region, ana, _, made = filled
    # More records than 64 KiB hold, so that there is more than one pass.
    for collection, _ in made:
        client_rows = [item() for _ in range(200)]
        ana.batch(collection, client_rows)
    region.stop()
    assert root_of(region, ana, memory=64 << 10) == root_of(region, ana)
    book = Book(region.data, ana).whole()
    assert len(book.records) > 512
    assert root_of(region, ana, memory=64 << 10) == (book.root(), book.counts)


def test_an_items_history_has_a_root_of_its_own(filled):
    region, ana, _, made = filled
    collection, rows = made[1]
    region.stop()
    book = Book(region.data, ana)
    of, = book.rows("SELECT * FROM item WHERE uid = ?", rows[3]["uid"].encode())
    row, = book.collections("uid = ?", collection.encode())
    book.add_history(row, of)
    assert book.counts["revisions"] == 1 and book.counts["items"] == 0
    assert root_of(region, ana, "item", collection, rows[3]["uid"]) == (
        book.root(), book.counts)


def test_what_goes_with_an_erasure_has_a_root_of_its_own(filled):
    region, ana, _, made = filled
    region.stop()
    with sqlite3.connect(region.data / "store.sqlite3") as db:
        db.execute("UPDATE collection SET erasure = 7, abandoned_ms = 5 WHERE uid IN (?, ?)",
                   (made[0][0].encode(), made[2][0].encode()))
    db.close()
    book = Book(region.data, ana)
    for row in book.collections("erasure = ?", 7):
        book.add_collection(row)
    assert book.counts["collections"] == 2
    assert root_of(region, ana, "service", "7") == (book.root(), book.counts)


def test_every_row_counts(filled):
    region, ana, _, _ = filled
    region.stop()
    before = root_of(region, ana)[0]
    for text in ("UPDATE item SET meta = CAST(meta || x'00' AS BLOB) WHERE number = 3",
                 "UPDATE revision SET deleted = 1 - deleted WHERE number = 2",
                 "UPDATE chunk SET size = size + 1 WHERE number = 4",
                 "UPDATE member SET access_level = 2 WHERE number = 1",
                 "UPDATE consent SET until_ms = 99 WHERE number = 1",
                 "UPDATE statement SET accepted_ms = accepted_ms + 1 WHERE number = 1",
                 "DELETE FROM item WHERE number = (SELECT max(number) FROM item WHERE"
                 " collection = 1)"):
        with sqlite3.connect(region.data / "store.sqlite3") as db:
            assert db.execute(text).rowcount == 1
        db.close()
        after = root_of(region, ana)[0]
        assert after != before, text
        before = after


@pytest.mark.long
def test_the_answer_that_the_unit_test_knows_is_right():
    """More than a million records, so 65,536 buckets: tests/unit/wire/test_root.c."""
    book = Book.__new__(Book)
    count = 1000001
    book.counts = {"collections": 0, "items": count, "revisions": count, "chunks": 0,
                   "bytes": 7 * count}
    book.account = {"identity_public": b"\x09" + bytes(31), "epoch": 1, "clock": 77}
    book.records = [Record(
        3, string("collection") + string("item") + string(f"uid-{i:015}"),
        number(5) + b"\1\1" + string("key") + b"\0\1" + number(0) + string("meta") + strings([]))
        for i in range(count)]
    book.chunks = []
    known = (ROOT / "tests" / "unit" / "wire" / "test_root.c").read_text()
    assert book.root() in known


@pytest.mark.long
def test_memory_does_not_grow_with_the_account(region):
    """100,000 items with a chunk each, in one pass of each and in some twenty."""
    client = new_person(region.url)
    client.email = ""
    region.stop()
    few = run_root_of(region, client, memory=1 << 20)
    run_root_of(region, client, "fill", "100000")
    many = run_root_of(region, client, memory=1 << 20)
    assert many[2:5] == ["100000"] * 3
    assert int(many[-1]) - int(few[-1]) < 16 << 10  # KiB, of which SQLite's cache is some
    assert run_root_of(region, client)[:6] == many[:6]
    assert Book(region.data, client).whole().root() == many[0]
