#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""docs/what-the-operator-sees.md is what the schema says, and what a real database holds."""
import json
import os
import sqlite3
import subprocess

import pytest
from cli_device import PASSWORD, ROOT, Device, contact, jpeg, sms, smses
from etebase_client import new_person, string, uid

TOOL = ROOT / "tools" / "operator-sees"
COLUMNS = ROOT / "src/store/columns.txt"
WORDS = [b"plantedname", b"plantedmail", b"planteddevice", b"plantedcontact", b"plantedword",
         b"plantedfile", b"plantedguest", b"etebase.vcard", b"domicile.photo", b"vcalendar"]
SIZES = {"hash": {0, 32}, "keyed": {0, 32}}


def run(*words, columns=None):
    environment = dict(os.environ)
    if columns is not None:
        environment["OPERATOR_SEES_COLUMNS"] = str(columns)
    return subprocess.run([TOOL, *words], env=environment, capture_output=True, text=True,
                          check=False)


def test_the_page_is_what_the_schema_and_its_columns_say():
    done = run("--check")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line, changed, says", [
    ("device sealed what the device is called\n", "", "nothing of session.device"),
    ("device sealed", "gadget sealed", "session.device"),
    ("[chunk_loose]", "[chunk_lost]", "nothing of the table chunk_loose"),
    ("device sealed", "device secret", "no form secret"),
    ("epoch count how often", "moons count how many\nepoch count how often",
     "no account.moons any more"),
    ("device sealed what the device", "device sealed the name of the device", "is not what"),
])
def test_a_column_that_is_not_explained_is_found(tmp_path, line, changed, says):
    text = COLUMNS.read_text()
    assert line in text
    columns = tmp_path / "columns.txt"
    columns.write_text(text.replace(line, changed, 1))
    done = run("--check", columns=columns)
    assert done.returncode == 1 and says in done.stderr


@pytest.fixture
def used(region, tmp_path):
    """A region in which everything was done once that leaves rows."""
    phone = tmp_path / "phone"
    (phone / "plantedfile").mkdir(parents=True)
    (phone / "contacts.vcf").write_text("".join(
        contact(f"plantedcontact {at}", note="plantedword") for at in range(40)), newline="")
    (phone / "messages.xml").write_text(smses([sms(1, "plantedword one")]))
    for at in range(3):
        (phone / "plantedfile" / f"plantedfile {at}.jpg").write_bytes(jpeg(at, 90000))
    device = Device(tmp_path)
    device.run("signup", "plantedname", "--server", region.url, "--email",
               "plantedmail@example.org", "--device", "planteddevice", password=PASSWORD)
    device.run("on", "contacts", "messages", "photos", "--yes")
    device.run("backup", phone)
    device.run("off", "messages", "--erase")
    (phone / "contacts.vcf").write_text(contact("plantedcontact 0", note="plantedword again"),
                                        newline="")
    device.run("backup", phone)
    # Somebody else, who shared with one, shares with another and waits for a third.
    owner = new_person(region.url, "plantedguest1")
    collection = owner.create_collection()
    for name in ("plantedguest2", "plantedguest3", "plantedguest4"):
        guest = new_person(region.url, name)
        owner.post("/api/v1/invitation/outgoing/", {
            "uid": uid(), "version": 1, "username": name, "collection": collection,
            "accessLevel": 0, "signedEncryptionKey": os.urandom(120)})
        if name == "plantedguest4":
            break
        (invitation,) = guest.get("/api/v1/invitation/incoming/")["data"]
        guest.post(f"/api/v1/invitation/incoming/{invitation['uid']}/accept/", {
            "collectionType": os.urandom(72), "encryptionKey": os.urandom(72)})
        if name == "plantedguest2":
            guest.request("POST", f"/api/v1/collection/{collection}/member/leave/")
    region.stop()
    return region


def forms():
    done = run("--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_used_database_holds_what_the_page_says(used):
    with sqlite3.connect(f"file:{used.data / 'store.sqlite3'}?mode=ro", uri=True) as database:
        tables = {row[0] for row in database.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")}
        said = forms()
        assert tables == said.keys()
        filled = set()
        for table, columns in said.items():
            cursor = database.execute(f"SELECT * FROM {table}")
            assert [entry[0] for entry in cursor.description] == list(columns)
            for row in cursor:
                for (column, form), value in zip(columns.items(), row):
                    check(f"{table}.{column}", form, value)
                    if value not in (None, b"", 0):
                        filled.add(f"{table}.{column}")
    # Else nothing was looked at.
    assert filled >= {"account.name", "account.email", "account.rest_key", "session.device",
                      "item.meta", "revision.meta", "chunk.data", "chunk.file", "chunk.sha256",
                      "statement.bytes", "consent.service", "consent_type.type",
                      "member.collection_key", "removed.collection_type", "invitation.signed_key", "region.key_check", "erasure.request",
                      "statement.receipt"}


def check(name, form, value):
    if value is None:
        return
    if form == "count":
        assert isinstance(value, int), name
        return
    value = value.encode() if isinstance(value, str) else value
    assert isinstance(value, bytes), name
    if form in SIZES:
        assert len(value) in SIZES[form], name
    if form != "clear":
        words = [*WORDS, b"contacts", b"photos", b"address book"]
        assert not [word for word in words if word in value.lower()], name
    # What is encrypted looks like it: half of the bytes are no ASCII.
    if form in ("sealed", "cipher") and len(value) >= 64:
        assert 0.3 < sum(byte > 127 for byte in value) / len(value) < 0.7, name


def test_clear_text_is_where_the_page_says_that_it_is(used):
    with sqlite3.connect(f"file:{used.data / 'store.sqlite3'}?mode=ro", uri=True) as database:
        services = {row[0] for row in database.execute("SELECT service FROM consent")}
        assert services >= {b"contacts", b"photos"} and b"messages" not in services
        kinds = [row[0] for row in database.execute("SELECT bytes FROM statement")]
        assert any(string("contacts") in statement for statement in kinds)


def test_no_file_of_a_region_holds_a_name_and_each_is_on_the_page(used):
    known = COLUMNS.read_text()
    assert (used.data / "erasures.journal").exists()
    for path in used.data.rglob("*"):
        if not path.is_file():
            continue
        data = path.read_bytes().lower()
        assert not [word for word in WORDS if word in data], path
        if path.parent == used.data and not path.name.startswith("store.sqlite3"):
            assert path.name in known, path
    assert not [word for word in WORDS if word in used.log.lower().encode()]
