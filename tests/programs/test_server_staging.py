# SPDX-License-Identifier: AGPL-3.0-or-later
"""Large chunks go to the disk while they arrive: whatever ends their way, what is
stored is whole, and what is not stored leaves nothing."""
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from etebase_client import Refused, chunk, new_person, uid
from h2_connection import Connection
from own_mounts import own_mounts
from test_server_faults import wait_for
from test_server_http import Wire, authorized

MEBI = 1 << 20
PART = 600_000  # more than is written at a time, less than a chunk


def files(region):
    return [path for path in (region.data / "chunks").rglob("*") if path.is_file()]


def is_begun(region, count=1):
    """So many files are being written, and have bytes."""
    sizes = [path.stat().st_size for path in files(region) if path.name.startswith(".new-")]
    return len(sizes) == count and all(sizes)


def held(region):
    """Sockets, and files and folders of chunks; not the database's, which may come and go."""
    links = []
    for name in os.listdir(f"/proc/{region.pid}/fd"):
        try:
            links.append(os.readlink(f"/proc/{region.pid}/fd/{name}"))
        except FileNotFoundError:
            pass  # closed meanwhile
    return sorted(link for link in links if "/chunks/" in link or link.startswith("socket:"))


class Upload:
    """A chunk's PUT that stops after a part of its body."""

    def __init__(self, region, person, collection, content=None, name=None, part=PART):
        self.content = content or os.urandom(MEBI)
        self.name = name or uid(32)
        self.left = self.content[part:]
        self.wire = Wire(region)
        self.wire.send(f"PUT /api/v1/collection/{collection}/item/{uid()}/chunk/{self.name}/ "
                       f"HTTP/1.1\r\nHost: h\r\n{authorized(person)}"
                       f"Content-Length: {len(self.content)}\r\n\r\n")
        self.wire.send(self.content[:part])

    def finish(self):
        self.wire.send(self.left)
        status, _, body = self.wire.read()
        return status, body

    def die(self):
        self.wire.__exit__()


@pytest.fixture(name="home")
def fixture_home(region):
    region.person = new_person(region.url)
    region.collection = region.person.create_collection()
    return region


def test_a_chunk_is_on_its_way_to_the_disk_before_it_is_there(home):
    upload = Upload(home, home.person, home.collection)
    wait_for(lambda: is_begun(home))
    assert upload.finish()[0] == 201
    assert [path.stat().st_size for path in files(home)] == [MEBI]
    assert home.person.get_chunk(home.collection, upload.name) == upload.content
    assert upload.wire.ask("GET", f"/api/v1/collection/{home.collection}/item/{uid()}/chunk/"
                           f"{upload.name}/download/", authorized(home.person))[2] == upload.content


def test_every_cut_of_a_chunk_arrives_whole(home):
    for part in (0, 1, 65_000, 262_143, 262_144, 262_145, 524_288, MEBI - 1):
        upload = Upload(home, home.person, home.collection, part=part)
        assert upload.finish()[0] == 201
        assert home.person.get_chunk(home.collection, upload.name) == upload.content
        upload.die()


def test_a_client_that_dies_half_way_leaves_nothing(home):
    before = held(home)
    for _ in range(3):
        uploads = [Upload(home, home.person, home.collection) for _ in range(5)]
        wait_for(lambda: is_begun(home, 5))
        assert sum("/chunks/" in link for link in held(home)) == 10
        for upload in uploads:
            upload.die()
        wait_for(lambda: not files(home))
    wait_for(lambda: held(home) == before)


@pytest.mark.long  # the grace is five seconds
def test_a_request_that_is_refused_half_way_leaves_nothing(make_region):
    region = make_region(settings={"limit_body_rate": MEBI})
    person = new_person(region.url)
    upload = Upload(region, person, person.create_collection())
    wait_for(lambda: is_begun(region))
    status, _, body = upload.wire.read()  # once it has been slow for too long
    assert (status, body["code"]) == (408, "request_timeout")
    wait_for(lambda: not files(region))


def test_the_same_chunk_twice_at_once_is_stored_once(home):
    content, name = os.urandom(MEBI), uid(32)
    uploads = [Upload(home, home.person, home.collection, content, name) for _ in range(2)]
    wait_for(lambda: is_begun(home, 2))
    assert uploads[0].finish()[0] == 201
    status, body = uploads[1].finish()
    assert (status, body["code"]) == (409, "chunk_exists")
    wait_for(lambda: len(files(home)) == 1)
    assert home.person.get_chunk(home.collection, name) == content


def test_what_is_turned_off_meanwhile_is_refused_and_leaves_nothing(home):
    upload = Upload(home, home.person, home.collection)
    wait_for(lambda: is_begun(home))
    home.person.withdraw()
    status, body = upload.finish()
    assert (status, body["code"]) == (403, "consent_required")
    wait_for(lambda: not files(home))


def test_more_chunks_at_once_than_may_have_files_all_arrive(home):
    uploads = [Upload(home, home.person, home.collection, os.urandom(300_000), part=270_000)
               for _ in range(80)]
    wait_for(lambda: is_begun(home, 64))
    for upload in reversed(uploads):
        assert upload.finish()[0] == 201
    for upload in uploads[::9]:
        assert home.person.get_chunk(home.collection, upload.name) == upload.content
    assert len(files(home)) == 80
    for upload in uploads:
        upload.die()
    # What they held is given back: others are staged so again.
    upload = Upload(home, home.person, home.collection)
    wait_for(lambda: is_begun(home))
    assert upload.finish()[0] == 201


def test_what_a_kill_leaves_is_swept(home):
    upload = Upload(home, home.person, home.collection)
    wait_for(lambda: is_begun(home))
    home.kill9()
    assert is_begun(home)
    home.start()
    assert not files(home)
    home.person.close()
    upload.die()
    home.person.put_chunk(home.collection, *chunk(MEBI))
    assert len(files(home)) == 1


def test_a_stop_lets_a_chunk_arrive_and_does_not_wait_for_ever(make_region):
    region = make_region(settings={"limit_stop_seconds": 2})
    person = new_person(region.url)
    collection = person.create_collection()
    uploads = [Upload(region, person, collection) for _ in range(2)]
    wait_for(lambda: is_begun(region, 2))
    region.process.send_signal(signal.SIGTERM)
    assert uploads[0].finish()[0] == 201
    assert region.process.wait(10) == 0
    assert [path.stat().st_size for path in files(region)] == [MEBI]


def test_streams_that_are_reset_leave_nothing(home):
    connection = Connection("127.0.0.1", home.port)
    streams = []
    for _ in range(3):
        path = f"/api/v1/collection/{home.collection}/item/{uid()}/chunk/{uid(32)}/"
        streams.append(connection.start("PUT", path, [
            ("authorization", f"Token {home.person.token}"), ("content-length", str(MEBI))],
            end=False))
        connection.send_body(streams[-1], bytes(PART), end=False)
    wait_for(lambda: is_begun(home, 3))
    connection.h2.reset_stream(streams[0])
    connection.flush()
    wait_for(lambda: is_begun(home, 2))
    connection.send_body(streams[1], bytes(MEBI - PART))
    assert connection.reply(streams[1]).status == 201
    connection.close()
    wait_for(lambda: [path.stat().st_size for path in files(home)] == [MEBI])


FULL_DISK = """
    import subprocess, sys
    sys.path[:0] = [{programs!r}]
    from conftest import Region
    from etebase_client import new_person
    from test_server_staging import Upload, files, wait_for
    import os, pathlib

    folder = pathlib.Path({folder!r})
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", disk], check=True)
    region = Region(folder / "region", settings={{"data": disk / "data"}}).start()
    region.data = disk / "data"
    person = new_person(region.url)
    collection = person.create_collection()
    first = Upload(region, person, collection, os.urandom(4 << 20))
    assert first.finish()[0] == 201
    second = Upload(region, person, collection, os.urandom(4 << 20))
    status, body = second.finish()
    assert (status, body["code"]) == (507, "storage_full"), body
    wait_for(lambda: len(files(region)) == 1)
    assert person.get_chunk(collection, first.name) == first.content
    third = Upload(region, person, collection, os.urandom(1 << 20))
    assert third.finish()[0] == 201
    assert person.get_chunk(collection, third.name) == third.content
    assert region.stop() == 0
    print("all as it should be")
"""


def test_a_disk_that_becomes_full_half_way_refuses_and_keeps_nothing(tmp_path):
    script = textwrap.dedent(FULL_DISK).format(
        programs=os.path.dirname(__file__), folder=str(tmp_path))
    process = subprocess.run([*own_mounts(), sys.executable, "-c", script],
                             capture_output=True, text=True, timeout=50, check=False)
    assert process.stdout == "all as it should be\n", process.stdout + process.stderr


def test_a_quota_that_it_would_go_over_leaves_nothing(make_region):
    region = make_region(settings={"default_quota_bytes": MEBI})
    person = new_person(region.url)
    collection = person.create_collection()
    with pytest.raises(Refused) as refused:
        person.put_chunk(collection, *chunk(2 * MEBI))
    assert (refused.value.status, refused.value.code) == (507, "quota_exceeded")
    wait_for(lambda: not files(region))
