#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""domicile export: everything that an account holds, and the same again after a backup of it."""
import hashlib
import html.parser
import json
import os
import subprocess
import urllib.parse

import conftest
import pytest
from cli_device import PASSWORD, ROOT, Device, contact, jpeg, sms, smses, tree

ALL = ("contacts", "calendar", "tasks", "messages", "calls", "photos", "files")


@pytest.fixture
def phone(tmp_path):
    folder = tmp_path / "phone"
    (folder / "photos").mkdir(parents=True)
    (folder / "contacts.vcf").write_text(
        contact("Ana", uid="u1") + contact("Ben", note="<script>&"), newline="")
    (folder / "messages.xml").write_text(smses([sms(1, "one"), sms(2, "two")]))
    (folder / "cal.ics").write_text(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:e1\r\n"
        "SUMMARY:Lunch\r\nEND:VEVENT\r\nBEGIN:VTODO\r\nUID:t1\r\nSUMMARY:Buy\r\nEND:VTODO\r\n"
        "END:VCALENDAR\r\n", newline="")
    for at in range(3):
        path = folder / "photos" / f"IMG_{at}.jpg"
        path.write_bytes(jpeg(at))
        os.utime(path, (1700000000 + at, 1700000000 + at))
    for name in ("notes, été.txt", "<b>&\"'.txt", "100%#?.txt", "a:b", "empty"):
        (folder / name).write_bytes(name.encode() if name != "empty" else b"")
    return folder


def index(folder):
    """index.json, checked: it names every other file with what is in it."""
    found = json.loads((folder / "index.json").read_text())
    files = tree(folder)
    assert files.keys() == {entry["path"] for entry in found["files"]} | {"index.json"}
    for entry in found["files"]:
        assert entry["size"] == len(files[entry["path"]])
        assert entry["sha256"] == hashlib.sha256(files[entry["path"]]).hexdigest()
    return found


def content(folder):
    """Bytes and time of whatever a backup would take."""
    return {name: (data, int((folder / "content" / name).stat().st_mtime)
                   if not name.endswith((".vcf", ".ics", ".xml")) else None)
            for name, data in tree(folder / "content").items()}


class Page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.links, self.tags, self.text = [], set(), ""
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.links += [value for name, value in attributes if name == "href"]
        assert not [name for name, _ in attributes if name.startswith("on") or name == "src"]

    def handle_data(self, data):
        self.text += data


def test_an_export_backed_up_elsewhere_and_exported_again_is_the_same(
        region, tmp_path, phone):
    device = Device(tmp_path).signup(region, services=ALL)
    device.run("backup", phone)
    said = device.run("export", tmp_path / "first").stdout
    assert "exported" in said and "index.html" in said
    found = index(tmp_path / "first")
    assert found["left_out"] == [] and found["account"] == "ana" and found["region"] == "home"
    compared = subprocess.run([ROOT / "tools/compare-exports", phone,
                               tmp_path / "first" / "content"],
                              capture_output=True, text=True, check=False)
    assert compared.stdout == "6 items and 8 files, all identical\n"

    other = Device(tmp_path, "other").signup(region, name="ben", services=ALL)
    other.run("backup", tmp_path / "first" / "content")
    other.run("export", f"{tmp_path}/again//")
    index(tmp_path / "again")
    assert content(tmp_path / "again") == content(tmp_path / "first")
    assert len(content(tmp_path / "first")) == 4 + 8


def test_the_page_of_an_export_links_to_every_file_and_runs_nothing(region, tmp_path, phone):
    device = Device(tmp_path).signup(region, services=ALL)
    device.run("backup", phone)
    device.run("export", tmp_path / "out")
    page = Page(tmp_path / "out" / "index.html")
    linked = {os.path.normpath(urllib.parse.unquote(link)) for link in page.links}
    assert all(link.startswith("./") for link in page.links)
    assert linked == tree(tmp_path / "out").keys() - {"index.html", "index.json"}
    assert page.tags == {"html", "head", "meta", "title", "style", "body", "h1", "h2", "table",
                         "tr", "th", "td", "a"}
    assert "content/<b>&\"'.txt" in page.text and "ana" in page.text


def test_an_export_tells_of_the_account_and_its_devices(region, tmp_path):
    device = Device(tmp_path)
    device.run("signup", "ana", "--server", region.url, "--email", "ana@example.org",
               "--device", "the <phone>", password=PASSWORD)
    device.run("on", "contacts", "--yes")
    (tmp_path / "one.vcf").write_text(contact("Ana"))
    device.run("backup", tmp_path / "one.vcf")
    said = json.loads(device.run("export", tmp_path / "out", "--json").stdout)
    found = index(tmp_path / "out")
    assert said["files"] == len(found["files"]) + 1 and said["left_out"] == 0
    assert said["bytes"] == found["bytes"] + (tmp_path / "out/index.json").stat().st_size

    def told(name):
        return json.loads((tmp_path / "out" / "account" / name).read_text())

    account = told("account.json")
    assert (account["account"], account["email"]) == ("ana", "ana@example.org")
    assert len(bytes.fromhex(account["identity_key"])) == 32
    (session,) = told("sessions.json")
    assert session["device"] == "the <phone>" and session["is_this"]
    (collection,) = told("collections.json")
    assert collection["service"] == "contacts" and collection["type"] == "etebase.vcard"
    assert collection["members"] == [{"name": "ana", "access": "admin"}]
    (item,) = told("items.json")
    assert item["collection"] == collection["collection"] and item["source"] == "one.vcf"
    assert told("invitations.json") == {"received": [], "sent": []}


def test_an_empty_account_is_exported_too(region, tmp_path):
    device = Device(tmp_path).signup(region)
    (tmp_path / "out").mkdir()
    device.run("export", tmp_path / "out")
    assert {entry["path"] for entry in index(tmp_path / "out")["files"]} >= {
        "index.html", "account/account.json", "account/items.json"}
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700


def test_an_export_is_whole_or_not_there(region, tmp_path, phone):
    device = Device(tmp_path).signup(region, services=ALL)
    device.run("backup", phone)
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("mine")
    refused = device.run("export", out, code=64).stderr
    assert "not an empty folder" in refused and tree(out) == {"mine": b"mine"}
    (out / "mine").unlink()
    # What a kill left behind is replaced; what is not ours is not touched.
    left = tmp_path / "out.unfinished"
    left.mkdir()
    (left / "mine").write_text("mine")
    assert "is in the way" in device.run("export", out, code=64).stderr
    assert tree(left) == {"mine": b"mine"}
    identity = json.loads(device.run("where", "--json").stdout)["identity"]
    (left / ".domicile-restore").write_text(f"export ana {identity}\n")
    (left / "link").symlink_to(phone)
    device.run("export", out)
    assert not left.exists()
    index(out)
    assert (phone / "contacts.vcf").exists()
    for word in (".", "..", "/"):
        device.run("export", word, code=64)
    region.stop()
    device.run("export", tmp_path / "none", code=5)
    assert not (tmp_path / "none").exists() and not (tmp_path / "none.unfinished").exists()


def test_an_item_that_is_damaged_is_named_and_the_rest_is_there(region, tmp_path, phone):
    device = Device(tmp_path).signup(region, services=ALL)
    (phone / "photos" / "large.jpg").write_bytes(jpeg(9, 300000))
    device.run("backup", phone)
    chunks = sorted((path for path in (region.data / "chunks").rglob("*") if path.is_file()),
                    key=lambda path: path.stat().st_size)
    data = bytearray(chunks[-1].read_bytes())
    data[100] ^= 1
    chunks[-1].write_bytes(data)
    device.run("export", tmp_path / "out", code=1)
    found = index(tmp_path / "out")
    (lost,) = found["left_out"]
    assert lost["name"] == "photos/large.jpg" and lost["why"]
    assert "content/photos/IMG_1.jpg" in {entry["path"] for entry in found["files"]}
    assert "Left out" in (tmp_path / "out/index.html").read_text()


def test_the_history_has_every_earlier_revision_and_only_when_asked(region, tmp_path):
    device = Device(tmp_path).signup(region, services=["contacts", "photos"])
    phone = tmp_path / "phone"
    phone.mkdir()
    pictures = [jpeg(at, size) for at, size in ((1, 20000), (2, 600000), (3, 30000))]
    notes = [f"note {at}" for at in range(25)]  # more than a page
    for at, note in enumerate(notes):
        (phone / "a.vcf").write_text(contact("Ana", uid="u1", note=note)
                                     + contact("Ben", uid="u2"), newline="")
        if at < len(pictures):
            (phone / "pic.jpg").write_bytes(pictures[at])
            os.utime(phone / "pic.jpg", (1700000000 + at, 1700000000 + at))
        device.run("backup", phone)
    device.run("export", tmp_path / "plain")
    assert not (tmp_path / "plain" / "history").exists()
    said = json.loads(device.run("export", tmp_path / "out", "--history", "--json").stdout)
    assert said["revisions"] == len(notes) - 1 + len(pictures) - 1
    assert content(tmp_path / "out") == content(tmp_path / "plain")
    index(tmp_path / "out")
    told = json.loads((tmp_path / "out" / "history" / "history.json").read_text())
    assert len(told) == said["revisions"] and not any(entry["deleted"] for entry in told)
    by_age = {(entry["path"].endswith(".vcf"), entry["age"]): tmp_path / "out" / entry["path"]
              for entry in told}
    for age, note in enumerate(reversed(notes[:-1]), 1):
        assert by_age[True, age].read_bytes().decode() == contact(
            "Ana", uid="u1", note=note)
    for age, picture in enumerate(reversed(pictures[:-1]), 1):
        path = by_age[False, age]
        assert path.read_bytes() == picture and path.name == f"{age:04}-pic.jpg"
        assert path.stat().st_mtime == 1700000000 + 2 - age


def test_consents_and_receipts_are_in_it_and_verify_says_that_they_are_valid(region, tmp_path):
    device = Device(tmp_path).signup(region, services=["contacts", "photos"])
    device.run("off", "photos", "--erase")
    device.run("on", "photos", "--for", "90d", "--yes")
    said = json.loads(device.run("export", tmp_path / "out", "--json").stdout)
    assert said["statements"] == 4 and said["receipts"] == 5  # and one that it is erased
    index(tmp_path / "out")
    folder = tmp_path / "out" / "consents"
    told = json.loads((folder / "statements.json").read_text())
    assert [(entry["number"], entry["kind"], entry["service"]) for entry in told] == [
        (1, "consent", "contacts"), (2, "consent", "photos"), (3, "withdrawal", "photos"),
        (4, "consent", "photos")]
    assert told[0]["until"] is None and told[3]["until"].endswith("Z")
    assert told[2]["stored"] == "to be erased"
    catalogue = json.loads((folder / "catalogue.json").read_text())
    purposes = [entry["purpose"] for entry in catalogue["services"]]
    assert told[0]["purpose"] in purposes
    verify = [conftest.program("DOMICILE_VERIFY", "src/verify/domicile-verify"), "--region-key",
              folder / "region.pub"]
    receipts = [tmp_path / "out" / entry["receipt"] for entry in told]
    (erased,) = folder.glob("*-erased.domicile-receipt")
    receipts.append(erased)
    assert subprocess.run([*verify, *receipts], check=False).returncode == 0
    data = bytearray(receipts[2].read_bytes())
    data[len(data) // 2] ^= 1
    receipts[2].write_bytes(data)
    assert subprocess.run([*verify, *receipts], check=False).returncode == 1
