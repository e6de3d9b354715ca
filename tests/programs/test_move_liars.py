# SPDX-License-Identifier: AGPL-3.0-or-later
"""A region of the group that lies, floods, stalls and repeats: it harms itself, and nobody else."""
import gzip
import hashlib
import os
import socketserver
import struct
import threading
import time

import nacl.signing
import pytest

from etebase_client import Client, Refused, item, new_person, string
from peer_region import Peer, cut_string, end_of_strings
from test_move_whole import follow, settle, states, trace, wait_until

DAY_S = 24 * 3600
JUNK = os.urandom(1 << 16)


class Invented:
    """A person who is nobody, whose order this region has signed itself."""

    def __init__(self, source, target, number=0, days=1):
        self.key = nacl.signing.SigningKey.generate()
        self.identity = bytes(nacl.signing.SigningKey.generate().verify_key)
        self.name = f"nobody{number}"
        now = time.time_ns() // 1000000
        public = bytes(self.key.verify_key)
        order = (string("domicile/move-order/v1") + self.identity + os.urandom(16)
                 + struct.pack(">QQ", 1, now) + string(source.name) + string("") + string(target)
                 + struct.pack(">QQBI", 1, now + days * DAY_S * 1000, 1, 7))
        signature = self.key.sign(order).signature
        subject = hashlib.sha256(string("domicile/subject/v1") + string(public) + string(order)
                                 + string(signature)).digest()
        self.move = subject[:16]
        receipt = (string("domicile/receipt/v1") + b"\1" + string(source.name)
                   + bytes.fromhex(source.key) + subject + struct.pack(">QQ", now, 1))
        self.order = string("domicile/evidence/v1") + b"".join(map(string, (
            public, order, signature, receipt, source.signing_key.sign(receipt).signature)))

    def offer(self, name=None, account=None, size=1000):
        return (string(self.order) + string(name or self.name) + string("")
                + (account or os.urandom(16)) + struct.pack(">Q", size))


def ok(body, **headers):
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return (f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{lines}\r\n").encode() + body


def garbage(send, turn):
    """More than any answer may have."""
    send(b"HTTP/1.1 200 OK\r\nContent-Length: 83886080\r\n\r\n")
    for _ in range(1280):
        send(JUNK)


def endless(send, turn):
    send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(100_000):
        send(b"10000\r\n" + JUNK + b"\r\n")


def packed(send, turn):
    """A little that becomes a lot, for who unpacks what it has not asked for."""
    send(ok(gzip.compress(bytes(1 << 26)), Content_Encoding="gzip"))


def elsewhere(send, turn):
    send(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n")


def many_headers(send, turn):
    send(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        send(f"X-{number}: {'x' * 1000}\r\n".encode())


def interim(send, turn):
    for _ in range(20_000):
        send(b"HTTP/1.1 100 Continue\r\n\r\n")


def refuses_at_length(send, turn):
    send(b"HTTP/1.1 409 Conflict\r\nContent-Length: 8388608\r\n\r\n" + bytes(8 << 20))


def never_ends(send, turn):
    """One page after the other, and each leads on."""
    send(ok(struct.pack(">QQB", 1, 1, 0) + string(struct.pack(">Q", turn))))


def the_last_number(send, turn):
    send(ok(struct.pack(">QQB", 2**64 - 1, 2**64 - 1, 1) + string(b"on")))


def long_strings(send, turn):
    send(ok(struct.pack(">QQB", 1, 1, 1) + string(b"c" * 300) + b"\xff\xff\xff\xff"))


def takes_its_time(send, turn):
    time.sleep(3)
    never_ends(send, turn)


def no_answer(send, turn):
    pass


# A lane makes six copies of one region at once.
LIES = ((garbage, endless, packed, elsewhere, many_headers, interim),
        (refuses_at_length, never_ends, the_last_number, long_strings, no_answer, never_ends),
        (takes_its_time,) * 6)


class Liar(Peer):
    """lies: move -> what it answers about it.  told: names of those it was asked for."""

    def __init__(self, name):
        super().__init__(name)
        self.lies, self.told, self.turns = {}, set(), 0
        self.homes = lambda turn: b"\1"

    def answer(self, body, send):
        request = cut_string(body)[0]
        rest = cut_string(request)[1]
        operation, rest = rest[0], rest[1:]
        move = rest[end_of_strings(rest, 2):][:16]
        self.turns += 1
        if operation == self.HOMES:
            send(ok(self.homes(self.turns)))
        elif operation == self.RECORDS:
            self.told.add(self.lies[move].__name__)
            self.lies[move](send, self.turns)
        else:
            send(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")

    def listen(self, group_file=b""):
        peer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                size = 0
                while (line := self.rfile.readline(65536)).strip():
                    if line.lower().startswith(b"content-length:"):
                        size = int(line.split(b":")[1])
                body = self.rfile.read(size)
                try:
                    if body:
                        peer.answer(body, self.request.sendall)
                except OSError:
                    pass  # it has hung up, as it should

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True

        self.server = Server((self.host, 8037), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self


@pytest.fixture(name="liar")
def _liar():
    liar = Liar("us")
    yield liar
    liar.close()


@pytest.fixture(name="three")
def _three(group, make_site, liar):
    """in and sg, which are honest, and us."""
    sites = [make_site(name, group, settings={"moves": 1}) for name in ("in", "sg")]
    group.add(liar)
    group.sign()
    liar.listen()
    return [site.start() for site in sites]


def memory_of(site):
    with open(f"/proc/{site.pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


@pytest.mark.parametrize("lies", [*LIES[:-1], pytest.param(LIES[-1], marks=pytest.mark.long)],
                         ids=["too much", "nonsense", "slow"])
def test_whatever_a_region_sends_it_stops_nobody_else(three, liar, lies):
    """All of it at once, in the one lane that there is."""
    target = three[1]
    client = Client(target.url)
    people = [Invented(liar, "sg", number) for number in range(len(lies))]
    for person, lie in zip(people, lies):
        liar.lies[person.move] = lie
        assert liar.ask(client, Peer.OFFER, "sg", change=True, move=person.move,
                        body=person.offer()) == b""
    wait_until(lambda: liar.told or lies[0] == takes_its_time, lambda: trace(*three))
    ana = new_person(three[0].url, "ana", region="in")
    settle(ana, ana.create_collection())
    move = ana.order_move("in", "sg")
    there = follow(ana, *three)
    there.batch(there.collections()[0]["item"]["uid"], [item()])
    assert states(target, move)["target"]["state"] == "home"
    for person in people:
        assert states(target, person.move).get("target", {}).get("state") != "home"
    wait_until(lambda: liar.told >= {lie.__name__ for lie in lies}, lambda: trace(*three))
    assert memory_of(target) < 400 << 20
    assert target.log.count("cannot be asked") <= 2  # nor does it fill the log


def test_a_list_of_who_lives_there_that_never_ends_holds_nobody_up(group, make_site, liar):
    sites = [make_site(name, group, settings={"moves": 1}) for name in ("in", "sg")]
    group.add(liar)
    group.sign()
    liar.homes = lambda turn: b"\0" + b"".join(
        struct.pack(">Q", turn * 1000 + number) + os.urandom(32) + b"\0" + string(b"a hand-off")
        + string(bytes(64)) + string(b"an order") for number in range(1000))
    liar.listen()
    for site in sites:
        site.start()
    ana = new_person(sites[0].url, "ana", region="in")
    settle(ana, ana.create_collection())
    ana.order_move("in", "sg")
    assert follow(ana, *sites).collections()


def test_offers_that_are_not_honest_are_refused(three, liar):
    client = Client(three[1].url)
    new_person(three[1].url, "bob", region="sg")
    for number, (said, days, options) in enumerate((
            ("later than any", 365, {}), ("later than any", 10_000_000, {}), ("expired", -1, {}),
            ("already", 1, {"name": "bob"}), ("name", 1, {"name": "BOB"}),
            ("name", 1, {"name": "a\0b"}), ("name", 1, {"name": "x" * 300}),
            ("no room", 1, {"size": 2**63 - 1}), ("offer", 1, {"size": 2**64 - 1}))):
        person = Invented(liar, "sg", number, days)
        with pytest.raises(Refused) as refused:
            liar.ask(client, Peer.OFFER, "sg", change=True, move=person.move,
                     body=person.offer(**options))
        assert refused.value.code == "peer_refused", (number, refused.value)
        assert said in refused.value.body["detail"], (number, refused.value.body)
    assert three[1].control("moves", "--all", "--json").strip() == "[]"
