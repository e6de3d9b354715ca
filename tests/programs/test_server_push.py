# SPDX-License-Identifier: AGPL-3.0-or-later
"""Push: tickets, subscriptions to a collection, changes of everything (etebase-protocol 4.7)."""
import os
import re
import struct
import threading
import time

import pytest

from etebase_client import Client, Refused, chunk, item, new_person, uid
from websocket_client import BINARY, CLOSE, PING, PONG, Closed, NotUpgraded, WebSocket


def ticket(person, collection):
    return person.post(person.path(collection, "item/subscription-ticket/"))["ticket"]


def subscribe(person, collection, stoken=None, **options):
    return WebSocket(options.pop("url", None) or person.url,
                     f"/api/v1/ws/{ticket(person, collection)}/",
                     query={"stoken": stoken} if stoken is not None else None, **options)


def changes(person, stoken=None, **options):
    return WebSocket(person.url, "/domicile/v1/changes/",
                     query={"stoken": stoken} if stoken else None,
                     headers={"Authorization": f"Token {person.token}"}, **options)


def person_of(region, **options):
    person = new_person(region.url, **options)
    person.url = region.url
    return person


@pytest.fixture
def ana(region):
    return person_of(region)


def uids(message):
    return [row["uid"] for row in message["data"]]


def test_a_ticket_opens_one_socket_once(ana):
    collection = ana.create_collection()
    text = ticket(ana, collection)
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", text)
    with WebSocket(ana.url, f"/api/v1/ws/{text}/") as first:
        assert uids(first.message()) == [collection]
        with pytest.raises(NotUpgraded) as refused:
            WebSocket(ana.url, f"/api/v1/ws/{text}/")
        assert refused.value.status == 403
        assert refused.value.body["code"] == "bad_ticket"
    for wrong in ("x", "A" * 32, text[:-1] + ("A" if text[-1] != "A" else "B"), text + "="):
        with pytest.raises(NotUpgraded) as refused:
            WebSocket(ana.url, f"/api/v1/ws/{wrong}/")
        assert refused.value.status == 403


def test_only_members_get_a_ticket(region, ana):
    collection = ana.create_collection()
    eve = person_of(region)
    with pytest.raises(Refused) as refused:
        ticket(eve, collection)
    assert refused.value.status == 404
    with pytest.raises(Refused) as refused:
        ticket(Client(region.url), collection)
    assert refused.value.status == 401


def test_what_is_no_websocket_is_told_to_become_one(ana):
    collection = ana.create_collection()
    path = f"/api/v1/ws/{ticket(ana, collection)}/"
    wrong = ({"Upgrade": None}, {"Connection": "keep-alive"}, {"Sec-WebSocket-Version": "8"},
             {"Sec-WebSocket-Key": "short"}, {"Sec-WebSocket-Key": None})
    for headers in wrong:
        with pytest.raises(NotUpgraded) as refused:
            WebSocket(ana.url, path, headers=headers)
        assert refused.value.status == 426
        assert refused.value.head["upgrade"] == "websocket"
        assert refused.value.head["sec-websocket-version"] == "13"
    # None of them has used the ticket up.
    with WebSocket(ana.url, path) as good:
        good.message()


def test_it_catches_up_and_then_follows(ana):
    collection = ana.create_collection()
    rows = [item() for _ in range(60)]
    ana.batch(collection, rows)
    with subscribe(ana, collection) as socket_:
        first, second = socket_.message(), socket_.message()
        assert len(first["data"]) == 50 and not first["done"]
        assert uids(first) + uids(second) == [collection] + [row["uid"] for row in rows]
        assert second["done"]
        for _ in range(3):
            more = [item(), item()]
            ana.batch(collection, more)
            after = ana.position.split()[1]
            live = socket_.message()
            assert uids(live) == [row["uid"] for row in more]
            assert live["done"] and live["stoken"] == after
        assert socket_.is_quiet()
    # From the last token on there is nothing; from the first page's, the rest.
    with subscribe(ana, collection, live["stoken"]) as socket_:
        assert socket_.is_quiet()
    with subscribe(ana, collection, first["stoken"]) as socket_:
        assert uids(socket_.message()) == uids(second) + [
            row["uid"] for row in ana.items(collection, stoken=second["stoken"])]
    assert ana.items(collection, stoken=live["stoken"]) == []


def test_a_token_that_is_not_ours_means_from_the_start(ana):
    collection = ana.create_collection()
    for stoken in ("nonsense", "", "A" * 39):
        with subscribe(ana, collection, stoken) as socket_:
            assert uids(socket_.message()) == [collection]


def test_what_changes_nothing_is_not_announced(ana):
    collection = ana.create_collection()
    row = item()
    with subscribe(ana, collection) as socket_:
        socket_.message()
        ana.batch(collection, [row])
        assert uids(socket_.message()) == [row["uid"]]
        ana.batch(collection, [row])
        with pytest.raises(Refused):
            ana.transaction(collection, [item(etag=uid())])
        assert socket_.is_quiet()


def test_contents_come_along_while_they_are_small(ana):
    collection = ana.create_collection()
    with subscribe(ana, collection) as socket_:
        socket_.message()
        small, large, later = chunk(5000), chunk(3 << 20), chunk(5000)
        ana.batch(collection, [item(chunks=[small]), item(chunks=[large]),
                               item(chunks=[later])])
        message = socket_.message()
        sent = [row["content"]["chunks"][0] for row in message["data"]]
        assert sent == [list(small), [large[0], None], list(later)]
        many = [item(chunks=[chunk(300 << 10)]) for _ in range(20)]
        ana.batch(collection, many)
        got = []
        while len(got) < len(many):
            message = socket_.message()
            assert socket_.size < 3 << 20
            got += uids(message)
        assert got == [row["uid"] for row in many]


def test_the_main_item_is_announced_too(ana):
    collection = ana.create_collection()
    with subscribe(ana, collection) as socket_:
        etag = socket_.message()["data"][0]["content"]["uid"]
        ana.transaction(collection, [item(collection, etag)])
        assert uids(socket_.message()) == [collection]


def test_a_client_that_sends_data_is_closed(ana):
    collection = ana.create_collection()
    faults = [(1008, lambda s: s.send(BINARY, b"hello")),
              (1008, lambda s: s.send(1, b"x" * 300)),
              (1002, lambda s: s.send(PING, masked=False)),
              (1002, lambda s: s.send(PING, first=0x09)),  # a control frame in pieces
              (1002, lambda s: s.send(PING, b"x" * 126)),
              (1002, lambda s: s.send(PING, first=0xc9)),
              (1002, lambda s: s.send(3)),
              (1002, lambda s: s.send(11)),
              (1002, lambda s: s.send(CLOSE, b"\x03")),
              (1002, lambda s: s.send(CLOSE, struct.pack(">H", 1005))),
              (1002, lambda s: s.send(CLOSE, struct.pack(">H", 1000) + b"\xff"))]
    for code, misbehave in faults:
        with subscribe(ana, collection) as socket_:
            misbehave(socket_)
            assert socket_.close_code() == code


def test_control_frames_are_answered(ana):
    collection = ana.create_collection()
    with subscribe(ana, collection) as socket_:
        socket_.message()
        socket_.send(PING, b"are you there")
        assert socket_.frame() == (PONG, b"are you there")
        socket_.send(PONG, b"unasked")
        socket_.send(CLOSE, struct.pack(">H", 1000) + b"enough")
        assert socket_.frame() == (CLOSE, struct.pack(">H", 1000))
        assert socket_.socket.recv(10) == b""


def test_frames_behind_the_request_are_read(ana):
    collection = ana.create_collection()
    with subscribe(ana, collection, behind=b"\x89\x80\0\0\0\0") as socket_:
        got = {socket_.frame()[0], socket_.frame()[0]}
        assert got == {PONG, BINARY}


def test_pings_find_the_dead(make_region):
    region = make_region(settings={"limit_ping_seconds": 1})
    ana = person_of(region)
    collection = ana.create_collection()
    with subscribe(ana, collection) as alive, subscribe(ana, collection) as dead:
        dead.answers_pings = False
        codes = []
        reader = threading.Thread(target=lambda: codes.append(dead.close_code()))
        reader.start()
        alive.message()
        assert alive.is_quiet(3.5)
        reader.join()
        # It hung up on the one, and goes on with the other.
        assert codes == [None] and dead.pings == 1
        assert alive.pings >= 2
        row = item()
        ana.batch(collection, [row])
        assert uids(alive.message()) == [row["uid"]]


def test_a_session_that_ends_hears_no_more(region, ana):
    collection = ana.create_collection()
    other = Client(region.url)
    other.login(ana.name, ana.login_key)
    other.url = region.url
    with subscribe(other, collection) as socket_, changes(other) as all_:
        socket_.message()
        all_.message()
        other.logout()
        ana.batch(collection, [item()])
        assert socket_.close_code() == 1008
        assert all_.close_code() == 1008
    text = ticket(ana, collection)
    ana.logout()
    with WebSocket(region.url, f"/api/v1/ws/{text}/") as socket_:
        assert socket_.close_code() == 1008


def test_stopping_says_good_bye(region, ana):
    collection = ana.create_collection()
    with subscribe(ana, collection) as one, changes(ana) as other:
        one.message()
        other.message()
        codes = []
        readers = [threading.Thread(target=lambda s=s: codes.append(s.close_code()))
                   for s in (one, other)]
        for reader in readers:
            reader.start()
        began = time.monotonic()
        assert region.stop() == 0
        assert time.monotonic() - began < 9  # at 10 it gives up
        for reader in readers:
            reader.join()
        assert codes == [1001, 1001]


def test_a_slow_reader_loses_nothing_and_the_others_wait_for_nobody(ana):
    collection = ana.create_collection()
    with subscribe(ana, collection, receive_buffer=4096) as slow, \
            subscribe(ana, collection) as quick:
        slow.message()
        quick.message()
        sent = []
        for _ in range(12):
            rows = [item(chunks=[chunk(200 << 10)]) for _ in range(5)]
            ana.batch(collection, rows)
            assert uids(quick.message()) == [row["uid"] for row in rows]
            sent += [row["uid"] for row in rows]
        got = []
        while len(got) < len(sent):
            message = slow.message()
            got += uids(message)
        assert got == sent
        assert message["done"] and ana.items(collection, stoken=message["stoken"]) == []


def test_messages_that_nobody_reads_take_bounded_memory(make_region):
    region = make_region(settings={"limit_reply_memory_bytes": 1 << 20, "loops": 1})
    ana = person_of(region)
    collection = ana.create_collection()
    sockets = [subscribe(ana, collection, receive_buffer=4096) for _ in range(3)]
    for socket_ in sockets:
        socket_.message()
    # Twice, for what the kernel takes of it.
    rows = [item(meta=os.urandom(1000 << 10)) for _ in range(8)]
    for row in rows:
        ana.batch(collection, [row])
    got, codes = [], []
    for socket_ in sockets:
        mine = []
        try:
            while len(mine) < len(rows):
                mine += uids(socket_.message())
        except Closed as closed:
            codes.append(closed.code)
        got.append(mine)
        socket_.close()
    # One waits with its message; the others come back later with their last token.
    assert codes == [1013, 1013] and max(map(len, got)) == len(rows)


def test_no_update_is_missed_between_catching_up_and_following(ana, region):
    collection = ana.create_collection()
    writer = Client(region.url)
    writer.login(ana.name, ana.login_key)
    stop = threading.Event()
    written = []

    def write():
        while not stop.is_set():
            row = item()
            writer.batch(collection, [row])
            written.append(row["uid"])

    thread = threading.Thread(target=write)
    thread.start()
    sockets, seen = [], []
    try:
        for _ in range(25):
            sockets.append(subscribe(ana, collection))
    finally:
        stop.set()
        thread.join()
    expected = [row["uid"] for row in ana.items(collection)]
    for socket_ in sockets:
        got = []
        while not got or got[-1] != expected[-1]:
            message = socket_.message()
            got += [row for row in uids(message) if row != collection]
        assert got == expected == written
        seen.append(message["stoken"])
        socket_.close()
    assert all(ana.items(collection, stoken=stoken) == [] for stoken in seen)


def test_changes_tell_which_collection_and_a_position_to_go_on_from(ana):
    first = ana.create_collection()
    second = ana.create_collection()
    with changes(ana) as socket_:
        got = [socket_.message(), socket_.message()]
        assert [row["collection"] for row in got] == [first, second]
        ana.batch(first, [item(chunks=[chunk(1000)])])
        message = socket_.message()
        assert set(message) == {"collection", "stoken", "position"}
        assert message["collection"] == first
        assert message["position"] == ana.position.split()[1]
        assert ana.items(first, stoken=message["stoken"]) == []
        assert ana.collections(stoken=message["position"]) == []
        third = ana.create_collection()
        assert socket_.message()["collection"] == third
        ana.withdraw("any")
        ana.consent("any")
        assert socket_.is_quiet()
    with changes(ana, message["position"]) as socket_:
        assert socket_.message()["collection"] == third
    with changes(ana, got[0]["position"]) as socket_:
        # The first has changed since, and comes where it is now.
        assert [socket_.message()["collection"] for _ in range(3)] == [second, first, third]


def test_changes_open_with_a_session_or_a_ticket(region, ana):
    collection = ana.create_collection()
    text = ana.post("/domicile/v1/changes-ticket/")["ticket"]
    with WebSocket(region.url, f"/domicile/v1/changes/{text}/") as socket_:
        assert socket_.message()["collection"] == collection
    for path, headers, status in (
            ("/domicile/v1/changes/", {}, 401),
            ("/domicile/v1/changes/", {"Authorization": "Token nonsense"}, 401),
            (f"/domicile/v1/changes/{text}/", {}, 403),
            (f"/domicile/v1/changes/{ticket(ana, collection)}/", {}, 403),
            (f"/api/v1/ws/{ana.post('/domicile/v1/changes-ticket/')['ticket']}/", {}, 403)):
        with pytest.raises(NotUpgraded) as refused:
            WebSocket(region.url, path, headers=headers)
        assert refused.value.status == status


def test_changes_of_others_are_nobodys_business(region, ana):
    eve = person_of(region)
    collection = ana.create_collection()
    with changes(eve) as socket_:
        ana.batch(collection, [item()])
        assert socket_.is_quiet()


def share(owner, member, collection, access=2):
    """The whole way from an invitation to a membership."""
    owner.post("/api/v1/invitation/outgoing/", {
        "uid": uid(), "version": 1, "username": member.name, "collection": collection,
        "accessLevel": access, "signedEncryptionKey": os.urandom(120)})
    (invitation,) = member.get("/api/v1/invitation/incoming/")["data"]
    member.post(f"/api/v1/invitation/incoming/{invitation['uid']}/accept/", {
        "collectionType": os.urandom(72), "encryptionKey": os.urandom(72)})


def test_a_member_who_goes_hears_no_more_and_the_others_go_on(region, ana):
    bob = person_of(region)
    collection = ana.create_collection()
    with changes(bob) as bobs_changes:
        share(ana, bob, collection)
        assert bobs_changes.message()["collection"] == collection
        with subscribe(bob, collection) as bobs, subscribe(ana, collection) as anas:
            bobs.message()
            anas.message()
            row = item()
            bob.batch(collection, [row])
            assert uids(bobs.message()) == uids(anas.message()) == [row["uid"]]
            message = bobs_changes.message()
            assert message["collection"] == collection
            assert bob.collections(stoken=message["position"]) == []
            text = ticket(bob, collection)
            ana.request("DELETE", ana.path(collection, f"member/{bob.name}/"))
            # At once, without waiting for the next item.
            assert bobs.close_code() == 1008
            gone = bobs_changes.message()
            assert gone["collection"] == collection and gone["stoken"] is None
            with WebSocket(region.url, f"/api/v1/ws/{text}/") as late:
                assert late.close_code() == 1008
            ana.batch(collection, [item()])
            anas.message()
            assert bobs_changes.is_quiet()
            assert anas.is_quiet(0.1)
        share(ana, bob, collection, access=0)
        assert bobs_changes.message()["collection"] == collection
    with changes(bob, gone["position"]) as bobs_changes:
        assert bobs_changes.message()["collection"] == collection


def test_tickets_are_bounded(region, ana):
    collection = ana.create_collection()
    texts = [ticket(ana, collection) for _ in range(70)]
    with pytest.raises(NotUpgraded):
        WebSocket(region.url, f"/api/v1/ws/{texts[0]}/")
    with WebSocket(region.url, f"/api/v1/ws/{texts[-1]}/") as socket_:
        socket_.message()


def test_it_works_over_tls(tls_region):
    context = tls_region.client_context()
    ana = person_of(tls_region, context=context)
    collection = ana.create_collection()
    with subscribe(ana, collection, context=context) as socket_, \
            changes(ana, context=context) as all_:
        assert uids(socket_.message()) == [collection]
        assert all_.message()["collection"] == collection
        rows = [item(chunks=[chunk(150 << 10)]) for _ in range(10)]
        ana.batch(collection, rows)
        assert uids(socket_.message()) == [row["uid"] for row in rows]
        assert all_.message()["collection"] == collection
        socket_.send(BINARY, b"data")
        assert socket_.close_code() == 1008


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) << 10
