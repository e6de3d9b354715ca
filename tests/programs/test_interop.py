# SPDX-License-Identifier: AGPL-3.0-or-later
"""libdomicile and the npm client, through a real region, in both directions."""
import hashlib
import json
import os
import random
import subprocess

import pytest
from cli_device import Device as Command
from conftest import ROOT, Region, program

FOLDER = ROOT / "tests" / "interop"
PASSWORD = "Grüße, a password"
TYPE = "domicile.interop"


def contents():
    dice = random.Random(20261121)
    return {
        "empty": b"",
        "short": "kurz und gut: äöü\n".encode(),
        "one KiB": dice.randbytes(1024),
        "16 KiB": dice.randbytes(16384),
        "16 KiB and one": dice.randbytes(16385),
        "64 KiB of zeros": bytes(65536),
        "1 MiB": dice.randbytes(1 << 20),
    }


# The npm client loses content with equal pieces when it writes them (etebase-js
# issue 51); it must read what we write.
REPEATING = {
    "200,000 zeros": bytes(200000),
    "1 MiB of zeros": bytes(1 << 20),
    "a page again and again": random.Random(7).randbytes(65536) * 12,
}


def node(*words, password=PASSWORD, code=0):
    done = subprocess.run(
        ["node", str(FOLDER / "interop.cjs"), *map(str, words)], cwd=FOLDER, timeout=60,
        env=dict(os.environ, PASSWORD=password), capture_output=True, text=True, check=False)
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
    return json.loads(done.stdout) if done.stdout.strip() else None


class Device:
    def __init__(self, folder):
        self.state = folder
        self.client = program("INTEROP_CLIENT", "tests/interop/interop_client")

    def run(self, *words, stdin=b"", code=0):
        done = subprocess.run([self.client, str(self.state), *map(str, words)], input=stdin,
                              timeout=60, capture_output=True, check=False)
        assert done.returncode == code, \
            f"{words}: {done.returncode}\n{done.stdout}{done.stderr.decode()}"
        self.complaint = done.stderr.decode()
        return done.stdout.decode()

    def enter(self, command, region, name, password=PASSWORD, code=0):
        return self.run(command, region.url, name, stdin=f"{password}\n".encode(), code=code)

    def cat(self, collection, folder):
        """{uid: content}; what does not verify fails the test."""
        folder.mkdir(exist_ok=True)
        found = {}
        for line in self.run("cat", collection, folder).splitlines():
            uid, status, _ = line.split(" ", 2)
            assert status == "0", line
            found[uid] = (folder / uid).read_bytes()
        return found


@pytest.fixture
def device(tmp_path):
    return Device(tmp_path / "device")


def test_an_account_of_ours_is_opened_by_the_npm_client(region, device, tmp_path):
    device.enter("signup", region, "ana")
    device.run("consent", "files", TYPE)
    listed = device.run("make", "interop", TYPE)
    collection = listed.split(" ")[0]
    expected = {}
    for name, content in {**contents(), **REPEATING}.items():
        expected[device.run("put", collection, "-", name, stdin=content).strip()] = content
    deleted = device.run("put", collection, "-", "to go", stdin=b"x").strip()
    device.run("delete", collection, deleted)
    imported = {}
    for name, content in {**contents(), **REPEATING}.items():
        digest = hashlib.sha256(content).hexdigest()
        device.run("import", collection, "imported " + name, digest, stdin=content)
        imported[digest] = content

    session, folder = tmp_path / "session", tmp_path / "npm"
    folder.mkdir()
    node("login", region.url, "ana", session)
    assert list(node("list", session, TYPE)) == [collection]
    said = node("get", session, collection, folder)
    assert said.pop(deleted)["deleted"]
    for uid, content in expected.items():
        assert (folder / uid).read_bytes() == content, said[uid]
        assert said.pop(uid)["meta"]["mtime"] == 1700000000123
    for uid, item in said.items():
        assert imported.pop(item["meta"]["digest"]) == (folder / uid).read_bytes()
    assert not imported
    assert device.run("verify", collection).endswith(" 0 bad\n")


def test_an_account_of_the_npm_client_is_opened_by_ours(region, device, tmp_path):
    session = tmp_path / "session"
    node("signup", region.url, "Bob", session)
    device.enter("login", region, "bob")

    refused = node("make", session, TYPE, code=3)
    assert refused["error"] == "PermissionDeniedError"
    # An app of today shows its person this sentence.
    assert "is off" in refused["message"] and "domicile on" in refused["message"]
    assert device.run("list") == ""

    device.run("consent", "files", TYPE)
    collection = node("make", session, TYPE)
    expected = {}
    for name, content in contents().items():
        (tmp_path / "source").write_bytes(content)
        expected[node("put", session, collection, name, tmp_path / "source")] = content
    deleted = node("put", session, collection, "to go", tmp_path / "source")
    node("delete", session, collection, deleted)

    assert device.run("list") == f"{collection} {TYPE} {len(expected)} made by npm\n"
    assert device.cat(collection, tmp_path / "ours") == expected

    # An edit of theirs, an edit of ours, and metadata that only they know.
    uid = next(uid for uid, content in expected.items() if len(content) == 1024)
    (tmp_path / "source").write_bytes(b"changed by npm")
    node("change", session, collection, uid, tmp_path / "source")
    expected[uid] = b"changed by npm"
    assert device.cat(collection, tmp_path / "ours") == expected
    device.run("put", collection, uid, "renamed", stdin=b"changed by us")
    (tmp_path / "npm").mkdir()
    said = node("get", session, collection, tmp_path / "npm")
    assert (tmp_path / "npm" / uid).read_bytes() == b"changed by us"
    assert said[uid]["meta"]["mood"] == "kept"
    assert device.run("verify", collection).endswith(" 0 bad\n")


def test_a_password_that_either_side_changed_opens_on_the_other(region, device, tmp_path):
    session, second = tmp_path / "session", Device(tmp_path / "second")
    device.enter("signup", region, "cleo")
    device.run("consent", "any")
    collection = device.run("make", "interop", TYPE).split(" ")[0]
    uid = device.run("put", collection, "-", "note", stdin=b"before").strip()
    device.run("passwd", stdin=f"{PASSWORD}\nsecond password\n".encode())
    # Asked by ours: the npm client's key derivation takes ten times as long.
    second.enter("login", region, "cleo", code=12)
    assert "No account of this name with this password" in second.complaint
    node("login", region.url, "cleo", session, password="second password")
    node("passwd", session, password="third password")
    second.enter("login", region, "cleo", "second password", code=12)
    assert "No account of this name with this password" in second.complaint
    second.enter("login", region, "cleo", "third password")
    assert second.cat(collection, tmp_path / "out") == {uid: b"before"}
    second.run("logout")
    assert not second.state.exists()


@pytest.fixture(scope="module")
def npm():
    """node(), many times over in one process: starting one takes longer than most commands."""
    served = subprocess.Popen(
        ["node", str(FOLDER / "interop.cjs"), "serve"], cwd=FOLDER, text=True,
        env=dict(os.environ, PASSWORD=PASSWORD), stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(*words, code=0):
        served.stdin.write(json.dumps([str(word) for word in words]) + "\n")
        served.stdin.flush()
        line = served.stdout.readline()
        assert line, f"{words}: it has ended"
        answer = json.loads(line)
        assert answer["code"] == code, f"{words}: {answer}"
        return answer.get("said")

    yield ask
    served.stdin.close()
    assert served.wait(20) == 0


@pytest.fixture(scope="module")
def pair(npm, tmp_path_factory):
    """Ana and Bob, each with the npm client's session and a device of ours."""
    tmp_path = tmp_path_factory.mktemp("pair")
    region = Region(tmp_path / "region").start()
    people = {}
    for name in ("ana", "bob"):
        people[name] = tmp_path / f"{name}-npm", Device(tmp_path / f"{name}-ours")
        people[name][1].enter("signup", region, name)
        people[name][1].run("consent", "files", TYPE)
        npm("login", region.url, name, people[name][0])
    yield {**people, "url": region.url}
    assert region.stop() == 0


READ_ONLY, ADMIN, READ_WRITE = 0, 1, 2


def rows(device):
    """{uid: type and number of items}, as ours lists collections."""
    return {row[0]: row[1:3] for row in map(str.split, device.run("list").splitlines())}


def fetched(npm, session, collection, folder):
    folder.mkdir(exist_ok=True)
    return {uid: (folder / uid).read_bytes() for uid in npm("get", session, collection, folder)}


def test_what_ours_made_and_the_npm_client_shared_is_one_for_both(npm, pair, tmp_path):
    (ana, ana_ours), (bob, bob_ours) = pair["ana"], pair["bob"]
    collection = ana_ours.run("make", "shared", TYPE).split(" ")[0]
    content = {}
    for name, data in contents().items():
        content[ana_ours.run("put", collection, "-", name, stdin=data).strip()] = data

    npm("invite", ana, collection, "BOB", READ_ONLY)
    assert npm("sent", ana) == npm("incoming", bob) == [
        {"collection": collection, "from": "ana", "to": "bob", "level": READ_ONLY}]
    assert npm("invite", ana, collection, "bob", READ_WRITE, code=3)["error"] == "HttpError"
    assert collection not in rows(bob_ours)
    npm("accept", bob)
    assert npm("sent", ana) == npm("incoming", bob) == []
    assert fetched(npm, bob, collection, tmp_path / "npm") == content
    assert rows(bob_ours)[collection] == [TYPE, str(len(content))]
    assert bob_ours.cat(collection, tmp_path / "ours") == content

    (tmp_path / "source").write_bytes(b"from npm")
    refused = npm("put", bob, collection, "no", tmp_path / "source", code=3)
    assert refused["error"] == "PermissionDeniedError"
    assert "read" in refused["message"]
    npm("level", ana, collection, "bob", READ_WRITE)
    content[npm("put", bob, collection, "yes", tmp_path / "source")] = b"from npm"
    assert rows(bob_ours)[collection] == [TYPE, str(len(content))]
    uid = bob_ours.run("put", collection, "-", "ours", stdin=b"from bob's own").strip()
    content[uid] = b"from bob's own"
    ana_ours.run("list")
    assert ana_ours.cat(collection, tmp_path / "ana") == content
    assert fetched(npm, ana, collection, tmp_path / "ana npm") == content

    at = npm("follow", bob, TYPE)
    assert collection in at["collections"]
    npm("remove", ana, collection, "bob")
    gone = npm("follow", bob, TYPE, at["stoken"])
    assert (gone["collections"], gone["removed"]) == ([], [collection])
    assert npm("follow", bob, TYPE, gone["stoken"])["removed"] == []
    assert collection not in rows(bob_ours)
    assert npm("put", bob, collection, "no", tmp_path / "source", code=3)["error"] \
        == "NotFoundError"
    assert npm("members", ana, collection) == {"ana": ADMIN}


def test_what_the_npm_client_made_and_shared_is_managed_from_the_other_end(npm, pair, tmp_path):
    (ana, ana_ours), (bob, bob_ours) = pair["ana"], pair["bob"]
    collections = [npm("make", bob, TYPE) for _ in range(3)]
    for collection in collections:
        npm("invite", bob, collection, "ana", ADMIN)
    assert [row["collection"] for row in npm("incoming", ana)] == collections
    npm("accept", ana)
    assert set(collections) <= npm("list", ana, TYPE).keys()
    assert set(collections) <= rows(ana_ours).keys()
    collection = collections[0]
    assert npm("members", ana, collection) == {"bob": ADMIN, "ana": ADMIN}

    # Bob's own demotion and leaving; the last admin stays as long as others do.
    npm("level", ana, collection, "bob", READ_ONLY)
    last = npm("leave", ana, collection, code=3)
    assert last["error"] == "ConflictError"
    assert "administrator" in last["message"]
    npm("leave", bob, collection)
    assert npm("members", ana, collection) == {"ana": ADMIN}
    # What is in it is still kept for Bob, who has said yes to it.
    uid = ana_ours.run("put", collection, "-", "ours", stdin=b"kept").strip()
    assert fetched(npm, ana, collection, tmp_path / "npm") == {uid: b"kept"}
    assert rows(bob_ours).keys() & set(collections) == set(collections[1:])
    npm("invite", ana, collection, "bob", READ_WRITE)
    npm("reject", bob)
    assert npm("sent", ana) == []
    assert collection not in rows(bob_ours)


def test_the_npm_client_hears_of_changes(npm, pair):
    session, ours = pair["ana"]
    collection = npm("make", session, TYPE)
    before, *live = npm("watch", session, collection, 3, "")
    assert [uid for uid, _ in before["items"]] == [collection]
    assert [[name for _, name in message["items"]] for message in live] == \
        [["item 0"], ["item 1"], ["item 2"]]
    # It goes on from any of its tokens.
    after, last = npm("watch", session, collection, 1, live[0]["stoken"])
    assert [name for _, name in after["items"]] == ["item 1", "item 2"]
    assert [name for _, name in last["items"]] == ["item 0"]


def test_what_other_apps_stored_and_shared_is_exported_as_it_is(npm, pair, tmp_path):
    (ana, ana_ours), (bob, bob_ours) = pair["ana"], pair["bob"]
    for ours in (ana_ours, bob_ours):
        ours.run("consent", "any")
    source, out = tmp_path / "source", tmp_path / "out"
    source.write_bytes(b"\x00\xff raw bytes")
    strange = npm("make", ana, "com.example/../odd")
    item = npm("put", ana, strange, "../../<escape>", source)
    gone = npm("put", ana, strange, "gone", source)
    npm("delete", ana, strange, gone)
    listed = ana_ours.run("make", "Work / <life>", "etebase.vevent").splitlines()
    (work,) = [line.split(" ")[0] for line in listed if line.endswith("Work / <life>")]
    event = (b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:e9\r\nSUMMARY:Meet\r\n"
             b"END:VEVENT\r\nEND:VCALENDAR\r\n")
    ana_ours.run("put", work, "-", "meet", stdin=event)
    listed = bob_ours.run("make", "Bob's files", "domicile.file").splitlines()
    (shared,) = [line.split(" ")[0] for line in listed if line.endswith("Bob's files")]
    bob_ours.run("put", shared, "-", "from bob.txt", stdin=b"bob wrote this")
    npm("invite", bob, shared, "ana", READ_ONLY)
    npm("accept", ana)
    npm("invite", ana, work, "bob", READ_WRITE)

    device = Command(tmp_path)
    device.run("login", "ana", "--server", pair["url"], password=PASSWORD)
    device.run("export", out, "--history")
    found = json.loads((out / "index.json").read_text())["files"]
    paths = {entry["collection"]: entry["path"] for entry in found
             if "collection" in entry and not entry["path"].startswith(("history/", "account/"))}
    assert paths[work] == "content/Work _ <life>.ics"
    assert b"SUMMARY:Meet" in (out / paths[work]).read_bytes()
    assert paths[strange].startswith("other/com.example_.._odd-")
    assert (out / paths[strange]).read_bytes() == b"\x00\xff raw bytes"
    assert paths[shared].startswith("shared/Bob's files-")
    assert (out / paths[shared]).read_bytes() == b"bob wrote this"
    # What was deleted is still there as history.
    (told,) = [entry for entry in json.loads((out / "history/history.json").read_text())
               if entry["item"] == gone]
    assert (out / told["path"]).read_bytes() == b"\x00\xff raw bytes"
    # What only another app understands in an item's notes is told as it is.
    items = json.loads((out / "account/items.json").read_text())
    assert [entry["other"] for entry in items if entry["item"] == item] == [{"mood": "kept"}]
    told = {entry["collection"]: entry
            for entry in json.loads((out / "account/collections.json").read_text())}
    assert told[strange]["other"] == {"color": "#23aabb"}
    assert (out / told[strange]["content"]).read_bytes() == b"about this collection"
    assert told[shared]["access"] == "read" and "members" not in told[shared]
    assert told[work]["members"] == [{"name": "ana", "access": "admin"}]
    sent = json.loads((out / "account/invitations.json").read_text())["sent"]
    assert sent == [{"to": "bob", "collection": work, "access": "write"}]
    # Nothing is written beside the folder, whatever the names say.
    assert [str(path.relative_to(out)) for path in tmp_path.rglob("*escape*")] == [paths[strange]]
    npm("reject", bob)


def test_a_region_with_tls_is_checked(tls_region, device):
    device.enter("signup", tls_region, "dora", code=7)
    assert "certificate" in device.complaint and "Nothing was sent" in device.complaint


def test_plain_http_to_another_host_is_refused(device):
    device.run("login", "http://example.org", "ana", stdin=b"x\n", code=1)
    assert "https://" in device.complaint
    device.run("login", "http://127.0.0.1:1", "ana", stdin=b"x\n", code=7)
    assert "cannot be reached" in device.complaint
