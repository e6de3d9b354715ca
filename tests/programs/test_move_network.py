# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two regions whose network loses, repeats, delays and cuts: nothing is lost, and it ends."""
import http.client
import http.server
import random
import socketserver
import struct
import threading

import pytest

from etebase_client import Client, Refused, chunk, item, new_person
from test_move_whole import acknowledge, everything, follow, settle, states, wait_until

OPERATIONS = {1: "offer", 2: "records", 3: "chunks", 4: "freeze", 5: "status", 6: "switch",
              7: "active", 8: "ack", 9: "discard", 10: "erased", 11: "homes"}
LATE_SECONDS = 0.3
HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")


def operation_of(body):
    """Of a request between regions (src/wire/peer.h); None: it is none."""
    try:
        [size] = struct.unpack(">I", body[:4])
        request = body[4:4 + size]
        [domain] = struct.unpack(">I", request[:4])
        if request[4:4 + domain] != b"domicile/peer/v1":
            return None
        return OPERATIONS.get(request[4 + domain])
    except (struct.error, IndexError):
        return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def ask(self, body):
        host, port = self.server.behind
        connection = http.client.HTTPConnection(host, port, timeout=20)
        try:
            headers = {name: value for name, value in self.headers.items()
                       if name.lower() not in HOP_BY_HOP}
            connection.request(self.command, self.path, body, headers)
            reply = connection.getresponse()
            return reply.status, reply.getheaders(), reply.read()
        finally:
            connection.close()

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        what = self.server.middleman.judge(operation_of(body))
        self.close_connection = what in ("request lost", "answer lost")
        if what == "request lost":
            return
        try:
            if what == "late":
                threading.Timer(LATE_SECONDS, self.try_again, [body]).start()
            if what == "twice":
                self.ask(body)
            status, headers, data = self.ask(body)
        except OSError:
            self.close_connection = True
            return
        if what == "answer lost":
            return
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def try_again(self, body):
        """The same request once more, when nobody waits for it any longer."""
        try:
            self.ask(body)
        except OSError:
            pass

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = pass_on


class Middleman(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """In front of a region, under an address of its own."""
    daemon_threads = True

    def __init__(self, site, judge):
        super().__init__((site.host, 0), Handler)
        self.behind = (site.host, site.port)
        self.middleman = self
        self.judge = judge
        self.address = f"http://{site.host}:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass


class Weather:
    """What becomes of each request between the regions."""

    def __init__(self):
        self.rule = lambda operation: "pass"
        self.seen = []
        self.lock = threading.Lock()

    def judge(self, operation):
        if operation is None:
            return "pass"
        with self.lock:
            what = self.rule(operation)
            self.seen.append((operation, what))
        return what


@pytest.fixture(name="weather")
def _weather():
    return Weather()


@pytest.fixture(name="apart")
def _apart(group, make_site, weather):
    """Two regions that reach each other through middlemen only."""
    sites = [make_site(name, group) for name in ("in", "sg")]
    between = [Middleman(site, weather.judge) for site in sites]
    for site, middleman in zip(sites, between):
        group.set(site.name, f"address={middleman.address}")
    group.sign()
    yield [site.start() for site in sites]
    for middleman in between:
        middleman.shutdown()
        middleman.server_close()


def homes(sites, person):
    """How many regions let this person log in; never two."""
    count = 0
    for site in sites:
        try:
            Client(site.url).login(person.name, person.login_key)
            count += 1
        except Refused:
            pass
    assert count <= 1
    return count


def finish(apart, person, move, before):
    """To the erased copy; everything is there."""
    source, target = apart
    there = follow(person, source, target)
    assert everything(there) == before
    acknowledge(there)
    wait_until(lambda: states(source, move)["source"]["state"] == "erased", "it is not erased")
    assert homes(apart, person) == 1


def move_and_compare(apart):
    person = new_person(apart[0].url, "ana", region="in")
    settle(person, person.create_collection(), count=2)
    before = everything(person)
    finish(apart, person, person.order_move("in", "sg"), before)


@pytest.mark.parametrize("what", [
    "request lost", "twice", pytest.param("answer lost", marks=pytest.mark.long),
    pytest.param("late", marks=pytest.mark.long)])
def test_each_request_meets_the_same_fault_the_first_time(apart, weather, what):
    met = set()

    def rule(operation):
        if operation in met:
            return "pass"
        met.add(operation)
        return what

    weather.rule = rule
    move_and_compare(apart)
    assert {"offer", "records", "freeze", "switch", "active", "erased"} <= met


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long)
                                      for seed in range(2, 12))])
def test_bad_weather(apart, weather, seed):
    dice = random.Random(seed)
    weather.rule = lambda _: dice.choice(
        ["pass"] * 4 + ["request lost", "answer lost", "twice", "late"])
    move_and_compare(apart)
    assert {what for _, what in weather.seen} - {"pass"}


def cut_at(weather, operation):
    """From this operation on no request gets through; of the switch, only the answer is lost."""
    cut = threading.Event()

    def rule(asked):
        if asked == operation:
            cut.set()
            return "answer lost" if operation == "switch" else "request lost"
        return "request lost" if cut.is_set() else "pass"

    weather.rule = rule
    return cut


@pytest.mark.parametrize("operation", ["offer", "records", "freeze"])
def test_people_write_on_while_the_link_is_cut(apart, weather, operation):
    source, target = apart
    person = new_person(source.url, "ana", region="in")
    collection = person.create_collection()
    settle(person, collection, count=1)
    cut = cut_at(weather, operation)
    move = person.order_move("in", "sg")
    assert cut.wait(20)
    assert homes(apart, person) == 1
    person.batch(collection, [item(chunks=[chunk(50)])])
    before = everything(person)
    weather.rule = lambda _: "pass"
    finish(apart, person, move, before)


def test_a_device_heals_what_the_regions_cannot(apart, weather):
    """The source has given it away, the target does not hear of it: a device carries it there."""
    source, target = apart
    person = new_person(source.url, "ana", region="in")
    collection = person.create_collection()
    settle(person, collection, count=1)
    before = everything(person)
    cut = cut_at(weather, "switch")
    move = person.order_move("in", "sg")
    assert cut.wait(20)
    wait_until(lambda: states(source, move)["source"]["state"] == "gone", "it is not given away")
    assert states(target, move)["target"]["state"] == "prepared"
    assert homes(apart, person) == 0
    there = follow(person, source, target)
    assert homes(apart, person) == 1 and everything(there) == before
    there.batch(collection, [item(chunks=[chunk(50)])])
    weather.rule = lambda _: "pass"
    finish(apart, person, move, everything(there))


def test_what_is_home_stays_home_while_the_source_does_not_hear_of_it(apart, weather):
    source, target = apart
    person = new_person(source.url, "ana", region="in")
    collection = person.create_collection()
    cut = cut_at(weather, "active")
    move = person.order_move("in", "sg")
    assert cut.wait(20)
    there = follow(person, source, target)
    there.batch(collection, [item(chunks=[chunk(50)])])
    assert homes(apart, person) == 1
    assert states(source, move)["source"]["state"] == "gone"  # and keeps its copy
    weather.rule = lambda _: "pass"
    finish(apart, person, move, everything(there))
