#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""domicile against a server that lies and exports that want to do harm.

Whatever comes: it ends, in good order, with a documented exit code and a
sentence; nothing is written outside of the folder that was named; no control
character reaches the terminal; nothing readable is sent.
"""
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import time

import pytest
from cli_device import PASSWORD, Device, contact, jpeg, sms, smses, tree
from lying_server import Liar

SERVICES = ("contacts", "messages", "photos", "files")
COMMANDS = {
    "list": ["status"], "items": ["status"], "consents": ["status"], "sessions": ["sessions"],
    "statements": ["on", "tasks", "--yes"], "catalogue": ["on", "tasks", "--yes"],
    "fetch": ["restore"], "chunk": ["restore"], "revisions": ["verify"],
    "put": ["backup"], "batch": ["backup"],
}


@pytest.fixture
def liar(region):
    liar = Liar(region)
    yield liar
    liar.close()


@pytest.fixture
def phone(tmp_path):
    folder = tmp_path / "phone"
    folder.mkdir()
    (folder / "a.vcf").write_text(contact("Ana", uid="u1") + contact("Ben", uid="u2"))
    (folder / "m.xml").write_text(smses([sms(1, "one"), sms(2, "two")]))
    (folder / "p.jpg").write_bytes(jpeg(1))
    (folder / "large.bin").write_bytes(jpeg(2, 3_000_000))
    return folder


def lie(liar, kind, change):
    """Apply change(reply) to every reply of a kind; the others stay true."""
    def rule(request, reply):
        if request.kind == kind:
            change(reply)
    liar.rule = rule


def said_well(done):
    assert done.stderr.startswith("domicile: ") and len(done.stderr) < 10_000, done.stderr
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\x80-\x9f]", done.stderr + done.stdout)


def attempt(device, words, codes, what="", timeout=20):
    process = device.start(*words)
    out, err = process.communicate(timeout=timeout)
    done = subprocess.CompletedProcess(words, process.returncode, out, err)
    assert "Sanitizer" not in err and "runtime error" not in err, err
    assert done.returncode in codes, f"{what} {words}: {done.returncode}\n{out}\n{err}"
    if done.returncode != 0:
        said_well(done)
    return done


def set_reply(**fields):
    def change(reply):
        for name, value in fields.items():
            setattr(reply, name, value)
    return change


def cut(reply):
    reply.raw = reply.bytes()[:-max(20, len(reply.body) // 2)]
    reply.after = lambda connection: None


def cut_inside(reply):
    """Shorter, but a whole HTTP reply."""
    reply.body = reply.body[:len(reply.body) // 2]


def huge(reply):
    reply.raw = (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\n" + b"x" * 1000)
    reply.after = lambda connection: None


def flood(connection):
    """Chunks without an end; the client has to hang up."""
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    for _ in range(400):
        connection.sendall(chunk)
    raise AssertionError("it took 400 MB")


def endless(reply):
    reply.raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    reply.after = flood


def endless_headers(reply):
    def after(connection):
        for _ in range(1000):
            connection.sendall(b"X-Filler: " + b"y" * 4000 + b"\r\n")
        raise AssertionError("it took 8 MB of headers")
    reply.raw = b"HTTP/1.1 200 OK\r\n"
    reply.after = after


HTML = b"<html><body>\x1b[2JPlease log in to the hotel's network</body></html>"
NO_CONTROLS = "\x1b[2J\r\x9b31m"
DAMAGES = {
    "html": set_reply(status=200, body=HTML, headers={"Content-Type": "text/html"}),
    "redirect": set_reply(status=301, body=b"", headers={"Location": "http://127.0.0.1:1/"}),
    "broken": set_reply(status=500, body=b"\x1b]0;pwned\x07"),
    "cut": cut,
    "cut_inside": cut_inside,
    "huge": huge,
    "gzip": lambda reply: reply.headers.update({"Content-Encoding": "gzip"}),
    "empty": set_reply(status=200, body=b""),
    "number": set_reply(status=200, body=b"\x07"),
    "array": set_reply(status=200, body=b"\xdd\xff\xff\xff\xff"),
    "deep": set_reply(status=200, body=b"\x91" * 100_000),
    "no_http": set_reply(raw=b"220 mail.example ESMTP\r\n", after=lambda connection: None),
    "detail": set_reply(status=403, body=b"\x82\xa4code\xa1x\xa6detail\xa6\x1b[31m!"),
    "404": set_reply(status=404, body=b""),
    "409": set_reply(status=409, body=b""),
    "100": set_reply(raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 50, after=lambda connection: None),
}


@pytest.fixture
def device(tmp_path, liar, phone):
    """A device with things stored through the liar while it was honest."""
    device = Device(tmp_path)
    device.run("signup", "ana", "--server", liar.url, password=PASSWORD)
    device.run("on", *SERVICES, "--yes")
    device.empty = tmp_path / "empty"
    shutil.copytree(device.folder / "state", device.empty)
    device.backup(phone)
    return device


def from_empty(device):
    """The device as it was before it knew anything of what is stored."""
    state = device.folder / "state"
    shutil.rmtree(state)
    shutil.copytree(device.empty, state)


# A third has every damage and every command; make check-long has every pair of them.
@pytest.mark.parametrize("share", [3, pytest.param(1, marks=pytest.mark.long)])
def test_damaged_replies_end_with_a_sentence(device, liar, tmp_path, phone, share):
    full = tmp_path / "full"
    shutil.copytree(device.folder / "state", full)
    (tmp_path / "out").mkdir()
    before = tree(phone)
    seen = set()
    for at, (damage, change) in enumerate(DAMAGES.items()):
        for number, (kind, words) in enumerate(COMMANDS.items()):
            if (at + number) % share != 0:
                continue
            if words == ["restore"]:
                words = ["restore", tmp_path / "out" / f"{damage}-{number}"]
            if words == ["backup"]:
                (phone / "new.bin").write_bytes(jpeg(len(liar.seen), 200_000))
                (phone / "b.vcf").write_text(contact(f"C{len(liar.seen)}"))
                words = ["backup", phone]
            if kind in ("list", "items", "create"):
                from_empty(device)
            # A collection that vanishes between two requests is no fault.
            # A server that says "done" to a write is believed: it could lie anyway.
            harmless = (damage == "gzip" or (damage, kind) == ("404", "items")
                        or kind in ("put", "batch")
                        and damage in ("empty", "cut_inside", "array", "deep"))
            lie(liar, kind, change)
            start = len(liar.seen)
            attempt(device, words, (0,) if harmless else (1, 5), damage)
            seen |= {request.kind for request in liar.seen[start:]}
            assert kind in seen, kind
            assert len(liar.seen) - start < 100
            shutil.rmtree(device.folder / "state")
            shutil.copytree(full, device.folder / "state")
    # Nothing lasting came of it, and every byte that was restored is one that was stored.
    liar.rule = lambda request, reply: None
    for path, content in tree(tmp_path / "out").items():
        assert content in before.values() or path.endswith((".vcf", ".xml", "-restore", ".bin"))
    device.run("restore", tmp_path / "restored")
    restored = tree(tmp_path / "restored")
    assert restored["p.jpg"] == before["p.jpg"] and restored["large.bin"] == before["large.bin"]


def test_replies_without_an_end_are_left(device, liar, tmp_path):
    lie(liar, "fetch", endless)
    assert "larger than allowed" in attempt(device, ["restore", tmp_path / "out"], (5,)).stderr
    lie(liar, "list", endless_headers)
    assert "larger than allowed" in attempt(device, ["status"], (5,)).stderr


def each_list(liar, kind, change):
    """change(list value, request) for each list of a kind."""
    def rule(request, reply):
        if request.kind == kind and reply.status == 200:
            value = reply.value
            change(value, request)
            reply.value = value
    liar.rule = rule


def never_done(value, request):
    value["done"] = False
    for key in ("stoken", "iterator"):
        if key in value:
            value[key] = (request.path.split(f"{key}=")[1].split("&")[0]
                          if f"{key}=" in request.path else value[key] or "x" * 20)


def in_circles(value, request):
    value["done"] = False
    for key in ("stoken", "iterator"):
        if key in value:
            value[key] = "ab"["=a" in request.path] * 20


def test_a_list_that_never_ends_is_left(device, liar):
    full = device.folder / "full"
    shutil.copytree(device.folder / "state", full)
    for change in (never_done, in_circles):
        verify_without_end(device, liar, "revisions", change)
        for kind in ("list", "items"):
            from_empty(device)
            verify_without_end(device, liar, kind, change)
        shutil.rmtree(device.folder / "state")
        shutil.copytree(full, device.folder / "state")


def verify_without_end(device, liar, kind, change):
    known = {}

    def rule(request, reply):
        if request.kind != kind:
            return
        # What it listed first it lists again, whatever token it is asked with.
        key = request.path.split("?")[0]
        if reply.status == 200 and reply.value["data"]:
            known.setdefault(key, reply.body)
        reply.status, reply.body = 200, known.get(key, reply.body)
        value = reply.value
        change(value, request)
        reply.value = value
    liar.rule = rule
    start = len(liar.seen)
    attempt(device, ["verify"], (1,), timeout=10)
    assert len(liar.seen) - start < 200


def test_verify_sees_what_is_held_back(device, liar):
    each_list(liar, "revisions", lambda value, request: value.update(data=[], done=True))
    done = attempt(device, ["verify"], (1,))
    assert "all good" not in done.stdout


def swap_items(value, request):
    """Each item's uid with the next one's revision."""
    contents = [item["content"] for item in value["data"]]
    for item, content in zip(value["data"], contents[1:] + contents[:1]):
        item["content"] = content


def swap_chunks(value, request):
    for item in value["data"]:
        for chunk in item["content"]["chunks"]:
            chunk[0] = chunk[0][::-1]


def swap_bytes(value, request):
    for item in value["data"]:
        for chunk in item["content"]["chunks"]:
            if len(chunk) > 1 and chunk[1]:
                chunk[1] = chunk[1][:-1] + bytes([chunk[1][-1] ^ 1])


def drop_chunks(value, request):
    for item in value["data"]:
        item["content"]["chunks"] = []


def undelete(value, request):
    for item in value["data"]:
        item["content"]["deleted"] = not item["content"]["deleted"]


def test_what_does_not_verify_is_left_out(device, liar, tmp_path):
    for change in (swap_items, swap_chunks, swap_bytes, drop_chunks, undelete):
        each_list(liar, "fetch", change)
        out = tmp_path / change.__name__
        done = attempt(device, ["restore", out], (1,))
        assert "left out" in done.stderr
        records = "".join(content.decode() for path, content in tree(out).items()
                          if path.endswith((".vcf", ".xml")))
        assert "FN:" not in records and "<sms " not in records
        # Alone on its page, a photo has nothing to be swapped with.
        assert tree(out).get("p.jpg") in (None, jpeg(1))


def test_a_chunk_of_another_item_is_left_out(device, liar, tmp_path):
    kept = []

    def rule(request, reply):
        if request.kind == "chunk":
            kept.append(reply.body)
            reply.body = kept[0]
    liar.rule = rule
    done = attempt(device, ["restore", tmp_path / "out"], (1,))
    assert "left out" in done.stderr and "large.bin" not in tree(tmp_path / "out")
    assert (tmp_path / "out" / "p.jpg").exists()


def test_the_server_cannot_steer_the_terminal(device, liar, tmp_path):
    from_empty(device)

    def rule(request, reply):
        if request.kind == "sessions":
            value = reply.value
            for entry in value["sessions"]:
                entry["id"] = NO_CONTROLS
                entry["device"] = NO_CONTROLS
            reply.value = value
        if request.kind == "region":
            reply.value = {**reply.value, "name": NO_CONTROLS}
        if request.kind == "login":
            value = reply.value
            value["user"]["username"] = NO_CONTROLS
            reply.value = value
    liar.rule = rule
    other = Device(tmp_path, "other")
    for done in (other.start("login", "ana", "--server", liar.url, password=PASSWORD),
                 other.start("status"), device.start("sessions"), device.start("status")):
        shown = "".join(done.communicate(timeout=20))
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\x80-\x9f]", shown), shown

def test_an_export_from_a_damaged_server_is_whole_or_not_there(device, liar, tmp_path):
    kinds = ("members", "invitations", "about", "history", "revisions", "sessions", "fetch")
    out, whole = tmp_path / "out", tmp_path / "whole"
    device.run("export", whole, "--history")
    content = tree(whole / "content")
    failed = set()
    for number, (damage, change) in enumerate(DAMAGES.items()):
        for kind in (kinds[number % 7], kinds[(number + 3) % 7]):
            lie(liar, kind, change)
            done = attempt(device, ["export", out, "--history"], (0, 1, 5), (damage, kind))
            assert not (tmp_path / "out.unfinished").exists()
            if done.returncode != 0:
                failed.add(kind)
            if not out.exists():
                assert done.returncode != 0, (damage, kind)
                continue
            # Whatever is in it is right, and what is not is named.
            found = json.loads((out / "index.json").read_text())
            for entry in found["files"]:
                data = (out / entry["path"]).read_bytes()
                assert hashlib.sha256(data).hexdigest() == entry["sha256"]
            assert bool(found["left_out"]) == (done.returncode != 0), (damage, kind)
            if not found["left_out"]:
                assert tree(out / "content") == content
            shutil.rmtree(out)
    assert failed == set(kinds)


def folder_of_traps(folder):
    """What a hostile or just odd export may hold; the good file in it."""
    folder.mkdir()
    (folder / "good.txt").write_text("good")
    os.symlink("..", folder / "up")
    os.symlink("loop", folder / "loop")
    os.mkfifo(folder / "fifo")
    os.mkfifo(folder / "fifo.vcf")
    (folder / "empty.vcf").write_bytes(b"")
    (folder / "nul.vcf").write_bytes(b"\0" * 100_000)
    (folder / "nested.vcf").write_bytes(b"BEGIN:VCARD\r\n" * 100_000)
    (folder / "long.vcf").write_bytes(b"BEGIN:VCARD\r\nNOTE:" + b"x" * 5_000_000 + b"\r\nEND:VCARD\r\n")
    (folder / "folds.vcf").write_bytes(b"BEGIN:VCARD\r\nFN:a\r\nNOTE:" + b"\r\n x" * 300_000
                                       + b"\r\nEND:VCARD\r\n")
    (folder / "laughs.xml").write_text(
        '<?xml version="1.0"?><!DOCTYPE smses [<!ENTITY a "ha">'
        + "".join(f'<!ENTITY {chr(98 + at)} "{f"&{chr(97 + at)};" * 10}">' for at in range(9))
        + ']><smses count="1"><sms date="1" address="1" type="1" body="&j;"/></smses>')
    (folder / "outside.xml").write_text(
        '<?xml version="1.0"?><!DOCTYPE smses [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        '<smses count="1"><sms date="1" address="1" type="1" body="&x;"/></smses>')
    (folder / "deep.xml").write_text("<smses>" + "<a>" * 200_000)
    (folder / "bad.ics").write_bytes(b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 50_000)
    os.makedirs(os.fsencode(folder) + b"/\xff\xfe\n")
    with open(os.fsencode(folder) + b"/\xff\xfe\n/caf\xe9\x1b[2J.txt", "wb") as out:
        out.write(b"latin")
    at = os.open(folder, os.O_RDONLY)
    for _ in range(70):  # longer than PATH_MAX in all
        os.mkdir("d" * 100, dir_fd=at)
        below = os.open("d" * 100, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(os.open("bottom", os.O_WRONLY | os.O_CREAT, dir_fd=at))
    os.close(at)


def test_an_export_full_of_traps(region, tmp_path):
    traps = tmp_path / "traps"
    folder_of_traps(traps)
    device = Device(tmp_path).signup(region, services=("contacts", "messages", "calendar", "files"))
    started = time.monotonic()
    done = device.run("backup", traps, code=2)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\x80-\x9f]", done.stderr + done.stdout)
    assert time.monotonic() - started < 10
    for skipped in ("up: skipped, a symbolic link", "loop: skipped", "fifo: skipped, neither"):
        assert skipped in done.stderr
    restored = tmp_path / "restored"
    device.run("restore", restored)
    assert (restored / "good.txt").read_text() == "good"
    assert b"latin" in tree(restored).values()
    assert not any(b"root:" in content for content in tree(restored).values())
    assert all(path.isprintable() for path in tree(restored))
    assert not (tmp_path / "bottom").exists()


def test_files_that_change_and_vanish_while_they_are_read(region, tmp_path):
    folder = tmp_path / "live"
    folder.mkdir()
    for at in range(60):
        (folder / f"{at:02}.bin").write_bytes(random.Random(at).randbytes(500_000))
    device = Device(tmp_path).signup(region, services=["files", "photos"])
    process = device.start("backup", folder)
    give_up = time.monotonic() + 10
    while not any((region.data / "chunks").rglob("*")) and time.monotonic() < give_up:
        time.sleep(0.001)
    for at in range(59, 0, -1):
        path = folder / f"{at:02}.bin"
        time.sleep(0.002)
        if at % 3 == 0:
            path.unlink()
        elif at % 3 == 1:
            os.truncate(path, 10)
        else:
            with open(path, "ab") as out:
                out.write(b"more" * 10000)
    out, err = process.communicate(timeout=30)
    assert process.returncode in (0, 2), err
    device.run("backup", folder)
    device.run("restore", tmp_path / "restored")
    restored = tree(tmp_path / "restored")
    for name, content in tree(folder).items():
        assert restored[name] == content, name


def test_large_and_many_take_bounded_time(region, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for at in range(1000):
        (folder / f"{at}.txt").write_text(str(at))
    with open(folder / "sparse.bin", "wb") as sparse:
        sparse.truncate(64 << 20)
    device = Device(tmp_path).signup(region, services=["files"])
    done = device.backup(folder, timeout=15)
    assert done["services"]["files"]["new"] == 1001
    assert done["figures"]["sent_bytes"] < 10_000_000


def test_two_backups_at_once_do_not_meet(region, tmp_path, phone):
    device = Device(tmp_path).signup(region, services=SERVICES)
    first, second = device.start("backup", phone), device.start("backup", phone)
    said = [process.communicate(timeout=20) for process in (first, second)]
    codes = sorted((first.returncode, second.returncode))
    assert codes in ([0, 0], [0, 1]), said
    if codes == [0, 1]:
        assert "Another domicile is using" in said[0][1] + said[1][1]
    assert device.items()["contacts"] == 2


def damage_front(content):
    return os.urandom(4096) + content[4096:]


def damage_middle(content):
    return content[:8192] + os.urandom(len(content) - 12288) + content[-4096:]


def damage_end(content):
    return content[:len(content) // 2]


def test_a_damaged_index_is_made_anew(region, tmp_path, phone):
    device = Device(tmp_path).signup(region, services=SERVICES)
    for at in range(300):
        (phone / f"{at}.txt").write_text(str(at))
    device.backup(phone)
    index = next((device.folder / "state").rglob("state.db"))
    for damage in (damage_front, damage_middle, damage_end, lambda content: b"",
                   lambda content: b"hello"):
        content = index.read_bytes()
        assert len(content) > 50_000
        index.write_bytes(damage(content))
        for _ in range(3):
            process = device.start("backup", phone)
            _, err = process.communicate(timeout=20)
            if process.returncode == 0:
                break
            assert process.returncode == 1 and "safe: run the same command again" in err, err
        assert process.returncode == 0, err
        assert device.items() == {"contacts": 2, "messages": 2, "photos": 2, "files": 300}
    device.run("restore", tmp_path / "restored")
    assert len(tree(tmp_path / "restored")) == 304


def test_a_damaged_session_can_be_left_with_what_is_advised(region, tmp_path):
    device = Device(tmp_path).signup(region)
    folder = next((device.folder / "state").glob("ana@*"))
    for name in ("session", "storage.key"):
        path = folder / name
        path.write_bytes(b"nonsense")
        done = attempt(device, ["status"], (1,))
        assert "domicile logout, then domicile login" in done.stderr
        done = attempt(device, ["logout"], (1,))
        assert "has forgotten the account, but the region could not be told" in done.stderr
        assert not folder.exists()
        device.login(region)


def test_a_state_folder_that_cannot_be_written(region, tmp_path, phone):
    device = Device(tmp_path)
    (device.folder / "state").write_text("a file")
    done = device.run("signup", "ana", "--server", region.url, password=PASSWORD, code=1)
    assert "state" in done.stderr and "Not a directory" in done.stderr


def test_an_export_with_all_rights_taken(region, tmp_path):
    folder = tmp_path / "shut"
    (folder / "inner").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "b.txt").write_text("b")
    (folder / "b.txt").chmod(0)
    (folder / "inner").chmod(0)
    device = Device(tmp_path).signup(region, services=["files"])
    command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    done = subprocess.run([*command, device.program, "backup", folder], env=device.environment,
                          capture_output=True, text=True, timeout=20, check=False)
    (folder / "inner").chmod(0o700)
    assert done.returncode == 2, done.stderr
    assert "b.txt" in done.stderr and "inner" in done.stderr and device.items() == {"files": 1}
