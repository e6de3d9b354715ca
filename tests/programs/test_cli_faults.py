#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""domicile with damaged input, kills, full disks and a server that is not there."""
import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest
from cli_device import PASSWORD, Device, contact, jpeg, sms, smses, tree
from own_mounts import own_mounts


@pytest.fixture
def album(tmp_path):
    """60 photos of 400 to 700 kB, so that an upload can be met in its middle."""
    folder = tmp_path / "album"
    folder.mkdir()
    for at in range(60):
        (folder / f"IMG_{at:02}.jpg").write_bytes(jpeg(at, 400_000 + at * 5000))
    return folder


def chunk_files(region):
    """How many have arrived; one under way may still be given up."""
    return sum(1 for path in (region.data / "chunks").rglob("*")
               if path.is_file() and not path.name.startswith(".new-"))


class Dam:
    """The region's address as a client sees it.  What is sent there passes at once, or, while
    something waits for it, drop by drop: else a machine that is busy elsewhere would let the
    client finish before it can be met in its middle."""

    def __init__(self, region):
        self.region = region
        self.left = None  # bytes that may pass; None: all
        self.passed = 0  # bytes, of connections since count_anew()
        self.counting = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(client, self.counting),
                                 daemon=True).start()

    def count_anew(self):
        """What clients that are gone have left on the way does not count any more."""
        self.counting += 1
        self.passed = 0

    def serve(self, client, number):
        with client, contextlib.suppress(OSError):
            address = urllib.parse.urlsplit(self.region.url)
            with socket.create_connection((address.hostname, address.port)) as server:
                back = threading.Thread(target=self.pump, args=(server, client, False, number))
                back.start()
                self.pump(client, server, True, number)
                back.join()

    def pump(self, source, sink, is_dammed, number):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                while is_dammed and self.left is not None and self.left <= 0:
                    time.sleep(0.001)
                if is_dammed and self.left is not None:
                    self.left -= len(data)
                if is_dammed and number == self.counting:
                    self.passed += len(data)
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def wait_for_chunks(self, process, count):
        """From here on nothing passes until open()."""
        give_up = time.monotonic() + 60
        while chunk_files(self.region) < count:
            assert process.poll() is None, "it ended before it could be met in its middle"
            assert time.monotonic() < give_up
            if self.left <= 0:
                self.left += 1 << 17
            time.sleep(0.001)

    def close(self):
        self.left = 0

    def open(self):
        self.left = None


@pytest.fixture
def dam(region):
    dam = Dam(region)
    yield dam
    dam.open()
    dam.listener.close()


def test_the_good_records_beside_damaged_ones_are_stored(region, tmp_path):
    phone = tmp_path / "phone"
    phone.mkdir()
    (phone / "a.vcf").write_text(contact("Ana") + "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Lost\r\n"
                                 + contact("Ben") + contact("Cut")[:-20], newline="")
    (phone / "m.xml").write_text(smses([sms(1, "one"), sms(2, "two")])[:-60])
    (phone / "p.jpg").write_bytes(jpeg(1)[:-3000])
    (phone / "q.jpg").write_bytes(jpeg(2))
    device = Device(tmp_path).signup(region, services=["contacts", "messages", "photos"])
    done = device.run("backup", phone, code=2)
    for place in ("a.vcf:6: ", "a.vcf:14: ", "m.xml:4: ", "p.jpg: "):
        assert f"{phone}/{place}" in done.stderr, done.stderr
    assert "done, except for what was damaged" in done.stdout
    assert device.items() == {"contacts": 2, "messages": 1, "photos": 2}
    listed = device.backup(phone, code=2)
    assert {(entry["file"].rsplit("/", 1)[1], entry["line"]) for entry in listed["problems"]
            if entry["damaged"]} == {("a.vcf", 6), ("a.vcf", 14), ("m.xml", 4), ("p.jpg", None)}
    assert listed["exit"] == 2
    restored = tmp_path / "restored"
    device.run("restore", restored)
    assert (restored / "p.jpg").read_bytes() == (phone / "p.jpg").read_bytes()
    book = (restored / "contacts.vcf").read_text()
    assert "FN:Ana" in book and "FN:Ben" in book and "Lost" not in book and "Cut" not in book


def test_many_problems_are_counted_and_json_has_all(region, tmp_path):
    book = tmp_path / "bad.vcf"
    book.write_text("BEGIN:VCARD\r\nFN:x\r\n" * 80 + contact("Good"), newline="")
    device = Device(tmp_path).signup(region, services=["contacts"])
    done = device.run("backup", book, code=2)
    assert len(re.findall(r"^\S+bad.vcf:\d+: ", done.stderr, re.M)) == 50
    assert "and 30 more" in done.stderr
    assert len(device.backup(book, code=2)["problems"]) == 80
    assert device.items() == {"contacts": 1}


def test_what_cannot_be_read_is_said_before_anything_is_sent(region, tmp_path):
    device = Device(tmp_path).signup(region, services=["files"])
    (tmp_path / "there").write_text("x")
    done = device.run("backup", tmp_path / "there", tmp_path / "missing", code=1)
    assert "missing cannot be read: No such file" in done.stderr and "Nothing was sent" in done.stderr
    assert device.items() == {}


def test_names_that_would_steer_a_terminal_are_shown_harmless(region, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    name = "a\x1b[2J\nb.jpg"
    (folder / name).write_bytes(jpeg(1)[:-3000])
    os.symlink("/etc/passwd", folder / "link\x1b[31m")
    device = Device(tmp_path).signup(region, services=["photos"])
    done = device.run("backup", folder, code=2)
    assert "\x1b" not in done.stderr and "a?[2J?b.jpg: " in done.stderr
    assert "link?[31m: skipped, a symbolic link" in done.stderr
    device.run("restore", tmp_path / "out")
    assert list(tree(tmp_path / "out")) == ["a_[2J_b.jpg"]


def test_an_unreachable_server_is_said_and_the_same_command_finishes(region, tmp_path, album):
    device = Device(tmp_path).signup(region, services=["photos"])
    region.stop()
    for words in (["backup", album], ["restore", tmp_path / "r"], ["verify"], ["sessions"],
                  ["on", "files", "--yes"]):
        done = device.run(*words, code=5)
        assert "domicile: " in done.stderr
    remembered = device.run("status", code=5)
    assert "account      ana" in remembered.stdout and "?" in remembered.stdout
    other = Device(tmp_path, "other")
    other.run("login", "ana", "--server", region.url, password=PASSWORD, code=5)
    region.start()
    device.run("backup", album)
    assert device.items() == {"photos": 60}
    other.login(region)


def test_a_client_killed_in_the_middle_finishes_when_run_again(region, dam, tmp_path, album):
    device = Device(tmp_path).signup(dam, services=["photos"])
    for _ in range(3):
        before = chunk_files(region)
        dam.close()
        process = device.start("backup", album)
        dam.wait_for_chunks(process, before + 8)
        process.kill()
        process.communicate()
        dam.open()
    sent_before = chunk_files(region)
    assert 24 <= sent_before < 60
    dam.count_anew()
    done = device.backup(album)
    assert done["exit"] == 0
    # What had arrived was not sent again, and what is said is what was sent.
    assert done["figures"]["sent_bytes"] == dam.passed
    assert done["figures"]["sent_bytes"] < (60 - sent_before + 10) * 700_000
    assert device.items() == {"photos": 60}
    assert device.backup(album)["figures"]["requests"] <= 2
    device.run("verify")
    Device(tmp_path, "laptop").login(region).run("restore", tmp_path / "restored")
    assert tree(tmp_path / "restored") == tree(album)


def test_ctrl_c_stops_in_good_order(dam, tmp_path, album):
    device = Device(tmp_path).signup(dam, services=["photos"])
    dam.close()
    process = device.start("backup", album)
    dam.wait_for_chunks(process, 8)
    process.send_signal(signal.SIGINT)
    dam.open()
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "because you asked" in err and "does the rest" in err
    device.run("backup", album)
    assert device.items() == {"photos": 60}


def test_a_server_killed_in_the_middle_loses_nothing(region, dam, tmp_path, album):
    device = Device(tmp_path).signup(dam, services=["photos"])
    for _ in range(3):
        dam.close()
        process = device.start("backup", album)
        dam.wait_for_chunks(process, chunk_files(region) + 6)
        region.kill9()
        dam.open()
        _, err = process.communicate(timeout=60)
        assert process.returncode == 5, err
        assert "domicile: " in err
        region.start()
    device.run("backup", album)
    assert device.items() == {"photos": 60}
    device.run("verify")
    device.run("restore", tmp_path / "restored")
    assert tree(tmp_path / "restored") == tree(album)


def test_a_restore_killed_in_the_middle_finishes_when_run_again(region, tmp_path, album):
    device = Device(tmp_path).signup(region, services=["photos"])
    device.run("backup", album)
    restored = tmp_path / "restored"
    process = device.start("restore", restored)
    while len(list(restored.glob("*.jpg")) if restored.exists() else []) < 10:
        assert process.poll() is None
        time.sleep(0.001)
    process.kill()
    process.communicate()
    assert (restored / ".domicile-restore").exists()
    # Whatever is there under its name is whole.
    for path in restored.glob("*.jpg"):
        assert path.read_bytes() == (album / path.name).read_bytes()
    said = device.run("restore", restored).stdout
    assert re.search(r"60 photos.* of them were there already", said)
    assert tree(restored) == tree(album)


def test_a_restore_replaces_nothing(region, tmp_path, album):
    for path in sorted(album.iterdir())[2:]:
        path.unlink()
    device = Device(tmp_path).signup(region, services=["photos"])
    device.run("backup", album)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "IMG_00.jpg").write_text("my own picture")
    done = device.run("restore", mine, code=64)
    assert "not empty" in done.stderr and len(tree(mine)) == 1
    device.run("restore", mine, "--into")
    assert (mine / "IMG_00.jpg").read_text() == "my own picture"
    assert (mine / "IMG_00 (2).jpg").read_bytes() == (album / "IMG_00.jpg").read_bytes()
    assert len(tree(mine)) == 3
    # Once more adds nothing.
    device.run("restore", mine, "--into")
    assert len(tree(mine)) == 3


def in_small_disk(folder, size, script, environment):
    """Run a shell script where folder is a file system of that size."""
    folder.mkdir(exist_ok=True)
    head = f'set -u; mount -t tmpfs -o size={size} tmpfs "{folder}" || exit 99\n'
    return subprocess.run([*own_mounts(), "sh", "-c", head + script], env=environment,
                          capture_output=True, text=True, timeout=60, check=False)


def test_a_full_disk_stops_a_restore_cleanly_and_space_finishes_it(region, tmp_path, album):
    device = Device(tmp_path).signup(region, services=["photos"])
    device.run("backup", album)
    small, out = tmp_path / "small", tmp_path / "out"
    done = in_small_disk(small, "10m", f'''
        "{device.program}" restore "{small}/r"; echo "first: $?"
        find "{small}/r" -name "*.part" | grep . && echo "left behind"
        cp -r "{small}/r" "{out}"
        mount -o remount,size=200m "{small}"
        "{device.program}" restore "{small}/r"; echo "second: $?"
        cp -r "{small}/r" "{out}-all"
        ''', device.environment)
    assert "first: 1\n" in done.stdout, done.stdout + done.stderr
    assert "disk" in done.stderr and "full" in done.stderr and "finishes the job" in done.stderr
    assert "left behind" not in done.stdout
    there = {name: data for name, data in tree(out).items() if name != ".domicile-restore"}
    assert 5 < len(there) < 60 and there.items() <= tree(album).items()
    assert "second: 0\n" in done.stdout, done.stdout + done.stderr
    assert tree(f"{out}-all") == tree(album)


def test_an_export_that_is_stopped_or_meets_a_full_disk_leaves_nothing(region, tmp_path, album):
    device = Device(tmp_path).signup(region, services=["photos"])
    device.run("backup", album)
    out = tmp_path / "out"
    for stop in (signal.SIGINT, signal.SIGKILL):
        process = device.start("export", out)
        while len(list((tmp_path / "out.unfinished").rglob("*.jpg"))) < 10:
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(stop)
        _, err = process.communicate(timeout=20)
        assert not out.exists()
        if stop == signal.SIGINT:
            assert process.returncode == 130 and "nothing was left behind" in err
            assert not (tmp_path / "out.unfinished").exists()
    # What the kill left is removed by the next one, which begins anew.
    assert tree(tmp_path / "out.unfinished")
    device.run("export", out)
    assert tree(out / "content") == tree(album) and not (tmp_path / "out.unfinished").exists()

    small = tmp_path / "small"
    done = in_small_disk(small, "10m", f'''
        "{device.program}" export "{small}/e"; echo "first: $?"
        ls -A "{small}"
        mount -o remount,size=200m "{small}"
        "{device.program}" export "{small}/e"; echo "second: $?"
        ''', device.environment)
    # Between the two nothing is on that disk.
    assert done.stdout.startswith("first: 1\nphotos "), done.stdout + done.stderr
    assert "second: 0\n" in done.stdout and "disk is full" in done.stderr


def test_a_full_disk_under_the_state_folder_stops_a_backup_cleanly(region, tmp_path):
    device = Device(tmp_path).signup(region, services=["messages"])
    rng = random.Random(5)
    export = tmp_path / "sms.xml"
    export.write_text(smses([sms(at, f"{rng.getrandbits(64):x}") for at in range(6000)]))
    small = tmp_path / "small"
    done = in_small_disk(small, "600k", f'''
        cp -r "{device.folder}/state/." "{small}" || exit 98
        export DOMICILE_STATE="{small}"
        "{device.program}" backup "{export}"; echo "first: $?"
        mount -o remount,size=50m "{small}"
        "{device.program}" backup "{export}"; echo "second: $?"
        "{device.program}" backup "{export}"
        ''', device.environment)
    assert "first: 1\n" in done.stdout, done.stdout + done.stderr
    assert re.search(r"full|space", done.stderr), done.stderr
    assert "second: 0\n" in done.stdout, done.stdout + done.stderr
    assert "messages  6,000 read: 6,000 already stored" in done.stdout.split("second: 0\n")[1]
    other = Device(tmp_path, "laptop").login(region)
    other.run("restore", tmp_path / "restored")
    assert compare_messages(export, tmp_path / "restored" / "messages.xml")


def compare_messages(one, other):
    pick = re.compile(r"<sms [^>]*/>")
    return sorted(pick.findall(one.read_text())) == sorted(pick.findall(other.read_text()))


def test_a_full_disk_of_the_region_is_said_and_space_finishes_the_job(make_region, tmp_path, album):
    region = make_region(start=False)
    region.folder.mkdir(exist_ok=True)
    device = Device(tmp_path)
    script = f'''
        "{os.environ.get('DOMICILED') or device.program.replace('cli/domicile', 'daemon/domiciled')}" \\
            -c "{region.configuration}" 2>"{region.log_path}" &
        server=$!
        for i in $(seq 200); do [ -s "{region.ready}" ] && break; sleep 0.05; done
        url=$(sed -n 2p "{region.ready}")
        "{device.program}" signup ana --server "$url" --password-fd 3 3<"{tmp_path}/secret"
        "{device.program}" on photos --yes >/dev/null
        "{device.program}" backup "{album}"; echo "first: $?"
        mount -o remount,size=200m "{region.data}"
        "{device.program}" backup "{album}"; echo "second: $?"
        "{device.program}" restore "{tmp_path}/restored"; echo "third: $?"
        kill $server; wait $server; echo "server: $?"
        '''
    (tmp_path / "secret").write_text(PASSWORD + "\n")
    region.data.mkdir(mode=0o700, exist_ok=True)
    region.write_configuration()
    done = in_small_disk(region.data, "12m,mode=700", script, device.environment)
    assert "first: 1\n" in done.stdout, done.stdout + done.stderr
    assert re.search(r"full|space", done.stderr), done.stderr
    assert "second: 0\n" in done.stdout, done.stdout + done.stderr
    assert "third: 0\n" in done.stdout and "server: 0\n" in done.stdout, done.stdout + done.stderr
    assert tree(tmp_path / "restored") == tree(album)
