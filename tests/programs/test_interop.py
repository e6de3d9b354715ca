# SPDX-License-Identifier: AGPL-3.0-or-later
"""libdomicile and the npm client, through a real region, in both directions."""
import hashlib
import json
import os
import random
import subprocess

import pytest

from conftest import ROOT, program

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
    device.run("consent", "interop", TYPE)
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

    device.run("consent", "interop", TYPE)
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
    assert node("login", region.url, "cleo", session, code=3)["error"] == "UnauthorizedError"
    node("login", region.url, "cleo", session, password="second password")
    node("passwd", session, password="third password")
    second.enter("login", region, "cleo", "second password", code=12)
    assert "No account of this name with this password" in second.complaint
    second.enter("login", region, "cleo", "third password")
    assert second.cat(collection, tmp_path / "out") == {uid: b"before"}
    second.run("logout")
    assert not second.state.exists()


def test_a_region_with_tls_is_checked(tls_region, device):
    device.enter("signup", tls_region, "dora", code=7)
    assert "certificate" in device.complaint and "Nothing was sent" in device.complaint


def test_plain_http_to_another_host_is_refused(device):
    device.run("login", "http://example.org", "ana", stdin=b"x\n", code=1)
    assert "https://" in device.complaint
    device.run("login", "http://127.0.0.1:1", "ana", stdin=b"x\n", code=7)
    assert "cannot be reached" in device.complaint
