# SPDX-License-Identifier: AGPL-3.0-or-later
"""domiciled when things go wrong around it: clients that do not read, logs that
nobody takes, disks that are full or gone, files that are not what they say."""
import os
import re
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from conftest import domiciled_path
from etebase_client import Client, Refused, chunk, item, new_person, uid
from test_server_http import IS_ETEBASE, Wire, ask, authorized


def wait_for(happened, seconds=30):
    """That it happens is the question, not how fast: others may load the machine."""
    give_up = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < give_up, f"it did not happen in {seconds} seconds"
        time.sleep(0.02)


# --- clients ----------------------------------------------------------------


def test_replies_that_nobody_reads_take_bounded_memory(make_region):
    region = make_region(settings={"limit_reply_memory_bytes": 8 << 20})
    person = new_person(region.url)
    collection, piece = person.create_collection(), chunk(6 << 20)
    person.put_chunk(collection, *piece)
    path = f"/api/v1/collection/{collection}/item/{uid()}/chunk/{piece[0]}/download/"
    with Wire(region) as first, Wire(region) as second:
        first.send(f"GET {path} HTTP/1.1\r\nHost: h\r\n{authorized(person)}\r\n")
        assert first.socket.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL) == b"HTTP/1.1 200"
        status, fields, body = second.ask("GET", path, authorized(person))
        assert (status, body["code"]) == (503, "unavailable")
        assert int(fields["retry-after"]) >= 1 and "try again" in body["detail"]
        assert second.ask("GET", IS_ETEBASE)[0] == 200
        assert len(person.items(collection)) == 0  # small replies need none of it
        person.put_chunk(collection, *chunk(100_000))
        assert first.read()[2] == piece[1]
        assert second.ask("GET", path, authorized(person))[2] == piece[1]
    for _ in range(3):  # a client that dies gives back what it held
        with Wire(region) as dying:
            dying.send(f"GET {path} HTTP/1.1\r\nHost: h\r\n{authorized(person)}\r\n")
            dying.socket.recv(1)
        wait_for(lambda: ask(region, "GET", path, authorized(person))[0] == 200)


def test_memory_of_a_rush_goes_back_to_the_system(region):
    def resident_bytes():
        with open(f"/proc/{region.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    with open(domiciled_path(), "rb") as program:
        if b"__asan_init" in program.read():
            return  # it keeps what is freed, to find uses of it
    person = new_person(region.url)
    collection, piece = person.create_collection(), chunk(8 << 20)
    person.put_chunk(collection, *piece)
    before = resident_bytes()
    wires = [Wire(region) for _ in range(16)]
    for wire in wires:
        wire.send(f"GET /api/v1/collection/{collection}/item/{uid()}/chunk/{piece[0]}/download/ "
                  f"HTTP/1.1\r\nHost: h\r\n{authorized(person)}\r\n")
    wait_for(lambda: resident_bytes() - before > 64 << 20)
    for wire in wires:
        wire.__exit__()
    wait_for(lambda: resident_bytes() - before < 32 << 20)


def test_one_reply_over_the_limit_of_all_still_goes(make_region):
    region = make_region(settings={"limit_reply_memory_bytes": 1 << 20})
    person = new_person(region.url)
    collection, piece = person.create_collection(), chunk(3 << 20)
    person.put_chunk(collection, *piece)
    assert person.get_chunk(collection, piece[0]) == piece[1]


def test_every_write_acknowledged_before_a_stop_under_load_is_kept(make_region):
    region = make_region(settings={"limit_stop_seconds": 3})
    person = new_person(region.url)
    collection = person.create_collection()
    acknowledged = []

    def write():
        client = Client(region.url)
        client.token = person.token
        try:
            for size in (10, 1000, 100_000) * 1000:
                row = item(chunks=[chunk(size)])
                client.batch(collection, [row])
                acknowledged.append(row["uid"])
        except (OSError, Refused, AssertionError, ValueError) as error:
            assert not isinstance(error, Refused), error
        except Exception as error:  # http.client's own  # pylint: disable=broad-except
            assert type(error).__module__ == "http.client", error

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(acknowledged) > 50)
    assert region.stop() == 0
    for thread in threads:
        thread.join()
    region.start()
    person.close()
    assert set(acknowledged) <= {row["uid"] for row in person.items(collection)}


# --- the log ----------------------------------------------------------------


def start_with_stderr(region, stderr):
    region.write_configuration()
    region.process = subprocess.Popen([domiciled_path(), "-c", str(region.configuration)],
                                      stdin=subprocess.DEVNULL, stderr=stderr)
    wait_for(region.ready.exists)
    region.url = region.ready.read_text().splitlines()[1]
    region.port = int(region.url.rsplit(":", 1)[1])


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_log_whose_reader_sleeps_holds_nobody_up(make_region, kind):
    region = make_region(start=False)
    if kind == "pipe":
        reader, writer = os.pipe()
    else:
        pair = socket.socketpair()
        reader, writer = pair[0].detach(), pair[1].detach()
    start_with_stderr(region, writer)
    request = f"GET {IS_ETEBASE} HTTP/1.1\r\nHost: h\r\n\r\n" * 100
    with Wire(region) as wire:
        for _ in range(50):  # 5000 lines: far more than a pipe or socket holds
            wire.send(request)
            assert all(wire.read()[0] == 200 for _ in range(100))
    os.set_blocking(reader, False)
    text = b""
    try:
        while part := os.read(reader, 1 << 20):
            text += part
    except BlockingIOError:
        pass
    lines = text.decode().split("\n")
    assert len(lines) > 200 and lines[-1] == ""
    for line in lines[1:-1]:  # lost are whole lines only
        assert re.fullmatch(r"time=\S+ op=\S+ status=200 in=\d+ out=0 us=\d+ loop=\d+", line)
    assert os.get_blocking(writer)  # others may use it too
    assert region.stop() == 0
    os.close(reader)
    os.close(writer)


def test_a_log_on_a_full_disk_or_without_its_reader_holds_nobody_up(make_region):
    region = make_region(settings={"log": "/dev/full"})
    with Wire(region) as wire:
        for _ in range(300):
            assert wire.ask("GET", IS_ETEBASE)[0] == 200
    other = make_region(start=False)
    reader, writer = os.pipe()
    start_with_stderr(other, writer)
    os.close(reader)
    os.close(writer)
    with Wire(other) as wire:
        for _ in range(300):
            assert wire.ask("GET", IS_ETEBASE)[0] == 200


def test_a_log_that_cannot_be_is_said_at_once(make_region, domiciled, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for log in (tmp_path, tmp_path / "none" / "log", tmp_path / "fifo"):
        region = make_region(start=False, settings={"log": log})
        region.write_configuration()
        process = domiciled("-c", region.configuration)
        assert process.returncode == 1
        assert f"the log {log} cannot be written: " in process.stderr


def test_closed_standard_streams_are_not_taken_by_files(make_region, tmp_path):
    region = make_region(start=False, settings={"log": tmp_path / "log"})
    region.write_configuration()
    region.process = subprocess.Popen(
        ["/bin/sh", "-c", f'exec "{domiciled_path()}" -c "{region.configuration}" 0<&- 1>&- 2>&-'])
    wait_for(region.ready.exists)
    for number in range(3):
        assert os.readlink(f"/proc/{region.pid}/fd/{number}") == "/dev/null"
    assert region.stop() == 0


# --- descriptors, disks, files ------------------------------------------------


def test_no_descriptors_left_is_waited_out(make_region):
    region = make_region(start=False)
    region.write_configuration()
    region.process = subprocess.Popen(
        ["/bin/sh", "-c", f'ulimit -n 32; exec "{domiciled_path()}" -c "{region.configuration}"'],
        stderr=subprocess.DEVNULL)
    wait_for(region.ready.exists)
    region.port = int(region.ready.read_text().rsplit(":", 1)[1])

    def busy_seconds():
        with open(f"/proc/{region.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    wires = [Wire(region) for _ in range(40)]
    before = busy_seconds()
    time.sleep(0.5)
    assert busy_seconds() - before < 0.2
    for wire in wires:
        wire.__exit__()
    assert ask(region, "GET", IS_ETEBASE)[0] == 200


FULL_DISK = """
    import subprocess, sys
    sys.path[:0] = [{programs!r}]
    from conftest import Region
    from etebase_client import Refused, chunk, item, new_person
    import pathlib, time

    folder = pathlib.Path({folder!r})
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", disk], check=True)
    region = Region(folder / "region", settings={{"data": disk / "data"}}).start()
    person = new_person(region.url)
    collection = person.create_collection()
    kept, refused = [], 0

    def put(size):
        row = item(chunks=[chunk(size)])
        person.batch(collection, [row])
        kept.append(row["uid"])

    for size in [20_000] * 150 + [200_000] * 3 + [100] * 150:
        try:
            put(size)
        except Refused as error:
            refused += 1
            assert (error.status, error.code) == (507, "storage_full"), error
            assert "disk is full" in error.detail and "Reading goes on" in error.detail
    assert refused >= 10 and len(kept) >= 10
    assert {{row["uid"] for row in person.items(collection)}} == set(kept)
    time.sleep(1.2)
    assert region.log.count("requests fail: there is no space left") == 1, region.log
    subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
    put(20_000)
    put(200_000)
    assert region.restart()
    person.close()
    assert {{row["uid"] for row in person.items(collection)}} == set(kept)
    assert region.stop() == 0
    print("all as it should be")
"""


def may_mount():
    return subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"],
                          capture_output=True, check=False).returncode == 0


if may_mount():  # some containers forbid it; tests/contract/test_disk.c stands in for it there

    def test_a_full_disk_refuses_writes_serves_reads_and_recovers(tmp_path):
        script = textwrap.dedent(FULL_DISK).format(
            programs=os.path.dirname(__file__), folder=str(tmp_path))
        process = subprocess.run(["unshare", "-rm", sys.executable, "-c", script],
                                 capture_output=True, text=True, timeout=50, check=False)
        assert process.stdout == "all as it should be\n", process.stdout + process.stderr


def test_nothing_is_acknowledged_once_the_data_folder_is_gone(make_region):
    region = make_region()
    person = new_person(region.url)
    collection = person.create_collection()
    person.batch(collection, [item()])
    shutil.move(region.data, region.folder / "moved")
    wait_for(lambda: "was removed or replaced" in region.log)
    assert f"/proc/{region.pid}/fd" in region.log
    with pytest.raises(Refused) as refused:
        person.batch(collection, [item()])
    assert (refused.value.status, refused.value.code) == (503, "unavailable")
    assert "data folder is gone" in refused.value.detail
    assert len(person.items(collection)) == 1
    assert region.stop() == 0
    shutil.move(region.folder / "moved", region.data)
    region.start()
    person.close()
    person.batch(collection, [item()])
    assert len(person.items(collection)) == 2


def test_a_region_key_that_is_no_file_is_refused(region, domiciled):
    region.stop()
    key = region.data / "region.key"
    kept = key.rename(region.data / "kept")
    for make, said in ((lambda: os.mkfifo(key, 0o600), "is not a region key"),
                       (key.mkdir, "is not a region key"),
                       (lambda: key.symlink_to(kept), "is a symbolic link")):
        make()
        process = domiciled("-c", region.configuration)
        assert process.returncode == 1 and said in process.stderr
        key.rmdir() if key.is_dir() else key.unlink()


# --- configuration --------------------------------------------------------------

GOOD = b"region = home\ndata = /tmp/x\n"


@pytest.mark.parametrize("text, said", [
    (GOOD + b"  signup = open\n\tloops = 1\n", None),
    (b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n"), None),
    (GOOD + b"signup = open", None),
    (GOOD + b"signup = op\0en\n", ":3: this is not text"),
    (GOOD + b"\0\0\0\n", ":3: this is not text"),
    (GOOD + b"\x1b[31mkey = 1\n", ":3: this is not text"),
    (b"\xff\xfe" + GOOD.decode().encode("utf-16-le"), ":1: this is not text"),
    (b"\x7fELF\x02\x01\x01\0", ":1: this is not text"),
    (GOOD + b"log = " + b"x" * 1_000_000, ":3: the line is longer than"),
    (GOOD + b"#" + b"x" * 5_000_000, ":3: the file is too large"),
    (GOOD + b"#\n" * 20_000, ":10001: the file has too many lines"),
    (GOOD + b"\n" * 20_000, ":10001: the file has too many lines"),
    (GOOD + b"log = none\n" * 20_000, ":6: log is set already in line 5"),
], ids=["blanks", "mark", "no-newline", "nul", "nuls", "escape", "utf-16", "binary", "huge-line",
        "huge-file", "many-lines", "many-empty-lines", "many-doubles"])
def test_weird_configurations(domiciled, tmp_path, text, said):
    path = tmp_path / "domiciled.conf"
    path.write_bytes(text)
    process = domiciled("--check-config", "-c", path)
    if said is None:
        assert (process.returncode, process.stderr) == (0, "")
        assert process.stdout == "configuration is good\n"
        return
    assert process.returncode == 2 and said in process.stderr
    assert process.stdout == "" and len(process.stderr) < 5000
    assert "is missing" not in process.stderr  # what was not read is not complained about


@pytest.mark.parametrize("path, said", [
    ("/dev/zero", ":1: this is not text"), ("/dev/urandom", "this is not text"),
    ("/dev/null", '"region" is missing'), ("/", "cannot be read: Is a directory")])
def test_a_configuration_that_is_no_file(domiciled, path, said):
    process = domiciled("--check-config", "-c", path)
    assert process.returncode == 2 and said in process.stderr
    assert said.startswith('"') or "is missing" not in process.stderr
