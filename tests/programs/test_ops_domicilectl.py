# SPDX-License-Identifier: AGPL-3.0-or-later
"""domicilectl against a real region: accounts, figures, examining, backing up and restoring."""
import os
import shutil
import socket
import stat
import struct
import subprocess
import threading
import time

import msgpack
import pytest

from conftest import program
from etebase_client import Client, Refused, chunk, item, new_person, uid

LARGE = 200_000  # bytes of a chunk that becomes a file


def ctl(region, *arguments, code=0, timeout=60):
    """What it printed; its exit code is checked."""
    done = subprocess.run(
        [program("DOMICILECTL", "src/daemon/domicilectl"), "-c", str(region.configuration),
         *map(str, arguments)],
        capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stdout + done.stderr


def stats(region):
    return dict(line.split(" ", 1) for line in ctl(region, "stats").splitlines())


def chunk_files(region):
    return [path for path in (region.data / "chunks").rglob("*") if path.is_file()]


def filled(region):
    """A person with a collection of items, one of them with a chunk that is a file."""
    person = new_person(region.url)
    collection, piece = person.create_collection(), chunk(LARGE)
    person.put_chunk(collection, *piece)
    person.batch(collection, [item(chunks=[(piece[0], None)]), item(chunks=[chunk(50)])])
    return person, collection, piece


# --- accounts ---------------------------------------------------------------


def test_an_account_made_by_the_operator_is_signed_up_for_while_signup_is_closed(make_region):
    region = make_region(settings={"signup": "closed"})
    with pytest.raises(Refused) as refused:
        Client(region.url).signup("Ana")
    assert refused.value.code == "generic"
    ctl(region, "user", "add", "Ana", "--email", "Ana@Example.org")
    assert "\tno-keys" in ctl(region, "user", "list")
    reply = Client(region.url).signup("ana", email="another@example.org")
    assert reply["user"]["username"] == "ana"
    assert reply["user"]["email"] == "ana@example.org"  # the operator's is kept
    name, email, made, state = ctl(region, "user", "list").strip().split("\t")
    assert (name, email, state) == ("ana", "ana@example.org", "active")
    assert made.startswith(time.strftime("%Y-%m-"))


def test_names_that_cannot_be_accounts_are_refused_with_the_reason(region):
    Client(region.url).signup("ana", email="ana@example.org")
    for arguments, words in [
            (["ANA"], "already"),
            ([""], "choose a username"),
            (["a b"], "letters a to z"),
            (["x" * 151], "at most 150"),
            (["bo", "--email", "nothing"], "not an e-mail address"),
            (["bo", "--email", "ana@example.org"], "already"),
            (["ana@example.org"], "already")]:
        assert words in ctl(region, "user", "add", *arguments, code=1)
    assert len(ctl(region, "user", "list").splitlines()) == 1


def test_a_disabled_account_is_out_at_once_and_back_when_it_is_enabled(region):
    person, collection, _ = filled(region)
    key, name = person.login_key, person.name
    assert "disabled" in ctl(region, "user", "disable", name.upper())
    with pytest.raises(Refused) as refused:
        person.items(collection)
    assert refused.value.status == 401
    with pytest.raises(Refused) as refused:
        Client(region.url).login(name, key)
    assert "disabled" in refused.value.detail
    assert "\tdisabled" in ctl(region, "user", "list")
    ctl(region, "user", "enable", name)
    assert len(person.items(collection)) == 2
    assert "no account of this name" in ctl(region, "user", "disable", "nobody", code=1)


def test_a_list_of_many_accounts_is_complete(region):
    expected = [f"made{number}" for number in range(401)]
    for name in expected:  # faster than as many programs
        assert ask(region, ["user add", name, ""])[-1] == {"end": 0}
    names = [line.split("\t")[0] for line in ctl(region, "user", "list").splitlines()]
    assert names == expected


# --- the socket -------------------------------------------------------------


def connect(region):
    door = socket.socket(socket.AF_UNIX)
    door.settimeout(20)
    here = os.open(region.data, os.O_RDONLY)
    try:
        door.connect(f"/proc/self/fd/{here}/control.sock")
    finally:
        os.close(here)
    return door


def replies(door):
    """Every frame until the other side closes."""
    data, frames = b"", []
    while piece := door.recv(65536):
        data += piece
    while data:
        size = struct.unpack(">I", data[:4])[0]
        frames.append(msgpack.unpackb(data[4:4 + size]))
        data = data[4 + size:]
    return frames


def ask(region, words):
    body = msgpack.packb(words)
    with connect(region) as door:
        door.sendall(struct.pack(">I", len(body)) + body)
        return replies(door)


def test_the_socket_is_its_owners_alone(region):
    mode = (region.data / "control.sock").stat().st_mode
    assert stat.S_ISSOCK(mode) and mode & 0o777 == 0o600


def test_nonsense_on_the_socket_harms_nobody(region):
    for data in [b"", b"\0", b"\0\0\0\0", b"\xff\xff\xff\xff", struct.pack(">I", 65537),
                 struct.pack(">I", 1) + b"\xc1", struct.pack(">I", 2) + b"\x91\xff",
                 struct.pack(">I", 1) + b"\x90", struct.pack(">I", 3) + b"\x92\xa1",
                 struct.pack(">I", 4) + b"\x91\xa2a\0"]:
        with connect(region) as door:
            door.sendall(data)
            door.shutdown(socket.SHUT_WR)
            assert replies(door)[-1]["end"] != 0
    assert ask(region, ["user add", "a"])[-1] == {"end": 2}
    assert ask(region, ["backup", "relative", ""])[-1] == {"end": 2}
    assert "release" in ask(region, ["dance"])[0]["err"]
    assert stats(region)["accounts"] == "0"


def test_clients_that_say_nothing_hold_up_no_more_than_their_number(region):
    doors = [connect(region) for _ in range(8)]
    assert "too many commands" in ctl(region, "stats", code=1)
    started = time.monotonic()
    assert region.stop() == 0  # and they hold up no stop
    assert time.monotonic() - started < 9  # at 10 it gives up
    for door in doors:
        door.close()


def test_a_path_that_no_socket_address_can_hold_works(make_region):
    region = make_region(start=False)
    # Just too long for an address (108), and not for a line of the configuration (198).
    region.data = region.folder / ("d" * max(1, 115 - len(str(region.folder / "control.sock"))))
    assert len(str(region.data / "control.sock")) >= 108
    region.start()
    assert stats(region)["region"] == "home"


# --- figures ----------------------------------------------------------------


def test_stats_count_what_is_there(region):
    filled(region)
    figures = stats(region)
    assert figures["accounts"] == "1" and figures["collections"] == "1"
    assert figures["items"] == "3" and figures["chunks"] == "2"
    assert int(figures["chunk_bytes"]) == LARGE + 50
    assert int(figures["database_bytes"]) > 0 and int(figures["disk_free_bytes"]) > 0
    assert figures["restores"] == "0" and figures["release"]


# --- fsck -------------------------------------------------------------------


def test_fsck_finds_a_damaged_chunk_and_leaves_it_alone(region):
    filled(region)
    assert ctl(region, "fsck").endswith("0 faults\n")
    damaged = chunk_files(region)[0]
    content = bytearray(damaged.read_bytes())
    content[1000] ^= 1
    damaged.write_bytes(content)
    said = ctl(region, "fsck", code=1)
    assert "is damaged: its bytes are not" in said and "1 faults" in said
    assert damaged.read_bytes() == bytes(content)
    region.stop()
    assert ctl(region, "fsck", code=1) == said  # the same without a server
    region.start()


# --- backup and restore -----------------------------------------------------


def test_a_restored_region_hides_no_later_write_from_tokens_of_before(region, tmp_path):
    person, collection, piece = filled(region)
    key, name = person.login_key, person.name
    ctl(region, "backup", tmp_path / "backup", "--with-key")
    lost = item(chunks=[chunk(10)])
    for _ in range(20):  # after the backup: their tokens are out, their rows will be gone
        person.batch(collection, [item(chunks=[chunk(10)])])
    person.batch(collection, [lost])
    assert len(person.items(collection)) == 23
    token_of_before = person.stoken
    person.collections()
    collections_of_before = person.stoken
    region.stop()
    shutil.rmtree(region.data)
    said = ctl(region, "restore", tmp_path / "backup", "--without-journal")
    assert "1 accounts" in said and "1 files" in said
    region.start()

    token, person = person.token, Client(region.url)
    person.token = token
    with pytest.raises(Refused) as refused:  # sessions do not come back
        person.items(collection)
    assert refused.value.status == 401
    person.login(name, key)
    assert person.get_chunk(collection, piece[0]) == piece[1]
    assert len(person.items(collection)) == 2
    later = item(chunks=[chunk(10)])
    person.batch(collection, [later])
    seen = person.items(collection, stoken=token_of_before)
    assert [row["uid"] for row in seen] == [later["uid"]]
    assert [row["item"]["uid"] for row in person.collections(stoken=collections_of_before)] \
        == [collection]
    assert stats(region)["restores"] == "1" and "restored_last" in stats(region)
    assert ctl(region, "fsck").endswith("0 faults\n")


def test_a_backup_while_people_write_is_complete(region, tmp_path):
    person = new_person(region.url)
    collection = person.create_collection()
    stop, written = threading.Event(), []

    def write():
        while not stop.is_set():
            piece = chunk(LARGE)
            person.batch(collection, [item(chunks=[piece])])
            written.append(piece)

    writer = threading.Thread(target=write)
    writer.start()
    while len(written) < 20:
        time.sleep(0.01)
    before = len(written)
    said = ctl(region, "backup", tmp_path / "backup")
    after = len(written) + 1
    stop.set()
    writer.join()
    assert "region.key is not in it" in said
    assert not (tmp_path / "backup" / "region.key").exists()

    region_key = (region.data / "region.key").read_bytes()
    region.stop()
    shutil.rmtree(region.data)
    assert "region.key is neither" in ctl(region, "restore", tmp_path / "backup",
                                           "--without-journal", code=1)
    shutil.rmtree(region.data, ignore_errors=True)
    region.data.mkdir(mode=0o700)
    (region.data / "region.key").write_bytes(region_key)
    (region.data / "region.key").chmod(0o600)
    ctl(region, "restore", tmp_path / "backup", "--without-journal")
    region.start()
    restored = Client(region.url)
    restored.login(person.name, person.login_key)
    count = len(restored.items(collection))
    assert before <= count <= after
    for piece in written[:count]:  # each item that is there has its content
        assert restored.get_chunk(collection, piece[0]) == piece[1]
    assert ctl(region, "fsck").endswith("0 faults\n")


def test_a_backup_of_a_stopped_region_is_the_same(region, tmp_path):
    person, collection, piece = filled(region)
    region.stop()
    ctl(region, "backup", tmp_path / "backup", "--with-key")
    assert "exists already" in ctl(region, "backup", tmp_path / "backup", code=1)
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "backup").rglob("*")}
    assert modes == {0}
    shutil.rmtree(region.data)
    ctl(region, "restore", tmp_path / "backup", "--without-journal")
    region.start()
    again = Client(region.url)
    again.login(person.name, person.login_key)
    assert again.get_chunk(collection, piece[0]) == piece[1]


def test_a_restore_replaces_nothing_and_needs_a_stopped_server(region, tmp_path):
    filled(region)
    ctl(region, "backup", tmp_path / "backup", "--with-key")
    assert "a server uses the folder" in ctl(region, "restore", tmp_path / "backup", code=1)
    region.stop()
    assert "is not empty" in ctl(region, "restore", tmp_path / "backup", code=1)
    assert "cannot be found" in ctl(region, "restore", tmp_path, code=1)
    region.start()
    assert stats(region)["accounts"] == "1"


# --- the command line -------------------------------------------------------


def test_wrong_words_get_a_suggestion_and_exit_code_2(region):
    assert "did you mean \"stats\"" in ctl(region, "stat", code=2)
    assert "did you mean \"user list\"" in ctl(region, "user", "lst", code=2)
    assert "takes 1 argument, not 0" in ctl(region, "user", "add", code=2)
    assert "has no option --email" in ctl(region, "stats", "--email", "x", code=2)
    assert "usage" in ctl(region, code=2)
    assert "usage" in ctl(region, "--help")


def test_without_a_server_it_says_what_to_do(region):
    region.stop()
    assert "start domiciled" in ctl(region, "stats", code=1)
    (region.data / "control.sock").unlink(missing_ok=True)
    assert "start domiciled" in ctl(region, "user", "list", code=1)
    region.start()
    assert stats(region)["accounts"] == "0"
