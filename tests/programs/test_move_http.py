# SPDX-License-Identifier: AGPL-3.0-or-later
"""What moving looks like over HTTP: to other regions, to strangers and to people's apps."""
import http.client
import os
import threading
import time
import urllib.request

import pytest

from etebase_client import Client, Refused, item, new_person, strings_in, uid
from peer_region import Peer
from regions import loopback
from websocket_client import WebSocket

EVERYONE = {"trusted_addresses": "none"}


@pytest.fixture
def us():
    """A region that this test is."""
    peer = Peer("us")
    yield peer
    peer.close()


@pytest.fixture
def site(group, make_site, us):
    site = make_site("in", group, settings={**EVERYONE, "limit_request_address_burst": 20,
                                            "limit_request_address_per_second": 1})
    group.add(us)
    group.sign()
    return site.start()


def refusal(call, *arguments, **options):
    with pytest.raises(Refused) as refused:
        call(*arguments, **options)
    return refused.value


# --- files ------------------------------------------------------------------------


def test_the_group_file_may_be_kept_for_a_minute_and_read_by_web_apps(pair, group):
    client = Client(pair[0].url)
    assert client.request("GET", "/domicile/v1/group/", headers={
        "Origin": "https://app.example"}) == group.signed.read_bytes()
    assert client.reply.headers["Cache-Control"] == "max-age=60"
    assert client.reply.headers["Content-Type"] == "application/octet-stream"
    assert client.reply.headers["Access-Control-Allow-Origin"] == "https://app.example"
    client.request("OPTIONS", "/domicile/v1/moves/room/", headers={
        "Origin": "https://app.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type"})
    assert "POST" in client.reply.headers["Access-Control-Allow-Methods"]


# --- other regions ------------------------------------------------------------------


def test_a_region_asks_as_often_as_it_likes_and_strangers_do_not(site, us):
    client = Client(site.url)
    stranger = Peer("us")  # says so, and has another key
    for _ in range(50):
        assert refusal(us.ask, client, Peer.STATUS, "in").status == 409
        assert refusal(us.ask, client, Peer.DISCARD, "in", change=True).status == 409
    for _ in range(20):
        said = refusal(stranger.ask, client, Peer.STATUS, "in")
        assert said.status == 409 and "not signed" in said.detail
    said = refusal(stranger.ask, client, Peer.STATUS, "in")
    assert said.status == 429 and said.code == "too_many_requests"
    assert int(client.reply.headers["Retry-After"]) >= 1
    # Other requests of that address have their own count.
    client.get("/domicile/v1/region/")


def test_what_is_no_request_of_a_region_is_refused_with_a_sentence(site, us):
    client = Client(site.url)
    good = us.request(Peer.STATUS, "in")
    for raw, said in [
            (b"", "not a request"), (b"hello", "not a request"), (good[:-1], "not a request"),
            (good + b"x", "not a request"), (good[:-1] + bytes([good[-1] ^ 1]), "not signed"),
            (us.request(99, "in"), "not a request"),
            (us.request(Peer.STATUS, "sg"), "another region"),
            (us.request(Peer.STATUS, "in", at=1), "clocks"),
            (Peer("nobody").request(Peer.STATUS, "in"), "does not belong"),
            (us.request(Peer.FREEZE, "in"), "peer/change/")]:
        said_so = refusal(Peer.send, client, raw)
        is_for_good = said not in ("not signed", "clocks", "does not belong")
        assert said_so.status == 409
        assert said_so.code == ("peer_refused" if is_for_good else "peer_untrusted")
        assert said in said_so.detail, (raw, said_so.detail)
    assert "peer/" in refusal(us.ask, client, Peer.STATUS, "in", change=True).detail


@pytest.mark.parametrize("path", ["", "change/"])
def test_a_regions_request_is_small(site, us, path):
    client = Client(site.url)
    assert refusal(client.request, "POST", f"/domicile/v1/peer/{path}",
                   raw=bytes(80 * 1024)).status == 409
    client = Client(site.url)
    assert refusal(client.request, "POST", f"/domicile/v1/peer/{path}",
                   raw=bytes(80 * 1024 + 1)).status == 413


def test_a_region_of_no_group_says_so(make_region, us):
    client = Client(make_region().url)
    for operation, change in [(Peer.STATUS, False), (Peer.FREEZE, True)]:
        said = refusal(us.ask, client, operation, "home", change=change)
        assert said.status == 409 and "no group" in said.detail
    assert new_person(f"http://{client.netloc}").moves() == []

# --- people's apps, while an account moves --------------------------------------------


def another(person):
    """A connection of the same session."""
    client = Client(person.url)
    client.token = person.token
    return client


class Writer(threading.Thread):
    """Writes one item, or a chunk, until it is stored or the account has moved, as apps do."""

    def __init__(self, person, content=None):
        super().__init__()
        self.person = person
        self.client = another(person)
        self.chunk = (uid(32), content)
        self.item = item()
        self.refusals = []
        self.stored = False
        self.start()

    def run(self):
        give_up = time.monotonic() + 60
        while not self.stored and time.monotonic() < give_up:
            try:
                if self.chunk[1]:
                    self.client.put_chunk(self.person.collection, *self.chunk)
                else:
                    self.client.batch(self.person.collection, [self.item])
                self.stored = True
            except (OSError, http.client.HTTPException):  # the server ends
                time.sleep(0.05)
                self.client = another(self.person)
            except Refused as refused:
                refused.retry_after = self.client.reply.headers["Retry-After"]
                self.refusals.append(refused)
                if refused.status != 503:
                    return


@pytest.fixture
def moving(group, make_site, us):
    """A person whose account region "us" copies, with a collection."""
    site = make_site("in", group, settings={"metrics_listen": f"{loopback()}:9637"})
    group.add(us)
    group.sign()
    us.listen()
    site.start()
    person = new_person(site.url, region="in")
    person.url, person.site = site.url, site
    person.collection = person.create_collection()
    person.batch(person.collection, [item() for _ in range(3)])
    person.order_move("in", "us")
    person.move = until(lambda: [move["move"] for move in person.moves()
                                 if move["state"] == "exporting"])[0]
    return person


def until(look, seconds=30):
    give_up = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < give_up
        time.sleep(0.02)


def figure(site, name):
    with urllib.request.urlopen(f"http://{site.settings['metrics_listen']}/metrics") as page:
        for line in page.read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
    raise AssertionError(name)


def test_what_is_written_while_it_is_frozen_waits_and_is_stored_if_nothing_comes_of_it(moving, us):
    peer = Client(moving.url)
    us.freeze(peer, "in", moving.move)
    # One of them is on the disk before its job runs, and stays there between two runs.
    writers = [Writer(moving, os.urandom(size)) for size in (1000, 1 << 20)]
    writers += [Writer(moving) for _ in range(4)]
    # Reading goes on, and so do the sessions.
    before = len(moving.items(moving.collection))
    for writer in writers:
        writer.join()
        assert writer.stored
        for refused in writer.refusals:
            assert (refused.status, refused.code, refused.retry_after) == (
                503, "account_frozen", "1")
            assert refused.detail
    assert len(moving.items(moving.collection)) == before + 4
    for writer in writers[:2]:
        assert moving.get_chunk(moving.collection, writer.chunk[0]) == writer.chunk[1]
    # And nothing else is left of what waited.
    assert [path.stat().st_size for path in (moving.site.data / "chunks").rglob("*")
            if path.is_file()] == [1 << 20]
    assert figure(moving.site, "domicile_request_held_seconds_count") >= 4
    assert figure(moving.site, "domicile_requests_held") == 0


def test_what_is_written_while_it_goes_is_told_where_it_went(moving, us):
    peer = Client(moving.url)
    freeze = us.freeze(peer, "in", moving.move)
    writers = [Writer(moving) for _ in range(4)]
    until(lambda: figure(moving.site, "domicile_requests_held") >= 1 or
          any(writer.refusals for writer in writers))
    handoff = us.switch(peer, "in", moving.move, *freeze)
    for writer in writers:
        writer.join()
        assert not writer.stored
        moved = writer.refusals[-1]
        assert (moved.status, moved.code) == (403, "account_moved")
        assert moved.body["region"] == "us" and moved.body["address"] == us.address
        assert tuple(strings_in(moved.body["handoff"])) == handoff
        assert us.address in moved.detail and "us" in moved.detail
    # From now on everything says so, also to who signs in.
    for call in (lambda: moving.items(moving.collection), moving.create_collection,
                 lambda: Client(moving.url).login(moving.name, moving.login_key)):
        assert refusal(call).code == "account_moved"


def test_sockets_end_when_it_goes_and_not_before(moving, us):
    peer = Client(moving.url)
    with WebSocket(moving.url, "/domicile/v1/changes/",
                   headers={"Authorization": f"Token {moving.token}"}) as socket_:
        assert socket_.message()["collection"] == moving.collection
        freeze = us.freeze(peer, "in", moving.move)
        assert socket_.is_quiet()
        us.switch(peer, "in", moving.move, *freeze)
        code, words = socket_.close_reason()
        assert code == 1008 and words.startswith("account_moved: ")


def test_a_stop_lets_go_of_what_waits(moving, us):
    us.freeze(Client(moving.url), "in", moving.move)
    writer = Writer(moving)
    until(lambda: figure(moving.site, "domicile_requests_held") == 1 or writer.refusals)
    assert moving.site.stop() == 0
    assert writer.refusals[0].code == "account_frozen"  # it was told before the end
    moving.site.start()
    # The attempt ended with the server, as any does that a source finds at its start.
    writer.join()
    assert writer.stored
    assert [move["state"] for move in another(moving).moves()] == ["exporting"]
