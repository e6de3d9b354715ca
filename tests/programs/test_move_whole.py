# SPDX-License-Identifier: AGPL-3.0-or-later
"""An account moves between two real servers, from the order to the erased copy."""
import http.client
import json
import subprocess
import threading
import time
import urllib.request

import pytest

from conftest import program
from etebase_client import Client, Refused, chunk, item, new_person, revision

WAIT_SECONDS = 30
ATTEMPTS_APART_SECONDS = 60
OVER = ("erased", "cancelled", "settled", "discarded")


def wait_until(look, what, seconds=WAIT_SECONDS):
    """What it answers, once that is true."""
    give_up = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < give_up, what() if callable(what) else what
        time.sleep(0.02)
    return found


def settle(person, collection, count=3):
    """Items with a history, small chunks and large ones."""
    for number in range(count):
        entry = item(chunks=[chunk(300), chunk(40_000 + number)])
        person.batch(collection, [entry])
        entry = {**entry, "etag": entry["content"]["uid"], "content": revision(chunks=[chunk(500)])}
        person.batch(collection, [entry])


def everything(person):
    """All that the account holds, as its owner reads it."""
    found = {}
    for collection in person.collections():
        name = collection["item"]["uid"]
        entries = person.items(name)
        history = {}
        for entry in [*entries, collection["item"]]:
            rows = person.get(person.path(name, f"item/{entry['uid']}/revision/"))["data"]
            history[entry["uid"]] = [
                (row["uid"], row["meta"], row["deleted"], [
                    (part[0], person.get_chunk(name, part[0])) for part in row["chunks"]])
                for row in rows]
        found[name] = (collection["collectionKey"], collection["collectionType"], history)
    return found


def states(site, move):
    """Of this move, as the operator sees it: side -> row."""
    return {row["side"]: row for row in json.loads(site.control("moves", "--json", "--all"))
            if row["move"] == move.hex()}


def trace(*sites):
    return "".join(f"\n--- {site.name}\n{site.control('moves', '--all') if site.pid else ''}{site.log}"
                   for site in sites)


def refusal(person):
    """What the source says once the account is gone; None: it is here."""
    try:
        person.collections()
    except Refused as refused:
        return refused if refused.code == "account_moved" else None
    return None


def follow(person, source, target):
    refused = wait_until(lambda: refusal(person), lambda: trace(source, target))
    return person.follow(refused, context=target.client_context() if target.tls else None)


def acknowledge(there):
    """As a device does that found all it knew."""
    given = there.handoff
    there.acknowledge_move(given.target, given.move, given.epoch, given.root, 1)


@pytest.fixture(name="person")
def _person(pair):
    person = new_person(pair[0].url, "ana", region="in")
    settle(person, person.create_collection())
    settle(person, person.create_collection())
    return person


def test_an_account_moves_with_everything(pair, person, group, tmp_path):
    source, target = pair
    before = everything(person)
    stoken = person.stoken
    consents = person.get("/domicile/v1/consents/")["consents"]
    move = person.order_move("in", "sg")
    there = follow(person, source, target)
    assert everything(there) == before
    assert [entry["state"] for entry in there.get("/domicile/v1/consents/")["consents"]] == \
        [entry["state"] for entry in consents]
    # A token of before is one of now: nothing is new.
    assert there.get("/api/v1/collection/", stoken=stoken)["data"] == []
    # It lives there, and nowhere else.
    collection = next(iter(before))
    there.batch(collection, [item()])
    with pytest.raises(Refused) as refused:
        person.batch(collection, [item()])
    assert refused.value.code == "account_moved" and refused.value.body["region"] == "sg"
    with pytest.raises(Refused) as refused:
        Client(source.url).signed_response("ana", "login", person.login_key)
    assert refused.value.code == "account_moved"
    assert [entry["state"] for entry in there.moves()] == ["home"]
    # Once a device has looked, the copy goes.
    acknowledge(there)
    wait_until(lambda: states(source, move)["source"]["state"] == "erased" and
               states(target, move)["target"]["state"] == "settled", lambda: trace(*pair))
    assert source.control("stats").split("accounts ")[1].split()[0] == "0"
    with pytest.raises(Refused) as refused:  # who comes late is told as well
        Client(source.url).signed_response("ana", "login", person.login_key)
    assert refused.value.body["address"] == target.address
    assert " to sg " in source.control("moves") and " erased " in source.control("moves")
    row = states(target, move)["target"]
    assert row["account"] == "ana" and row["region"] == "in" and 0 <= row["pauseMs"] < 60_000
    # And all of it is proven to whoever has the group's key.
    certificate = tmp_path / "ana.domicile-certificate"
    certificate.write_bytes(there.get(f"/domicile/v1/moves/{move.hex()}/certificate/"))
    key = group.signed.read_bytes()[4 + len("domicile/group/v1"):][:32].hex()
    done = subprocess.run([program("DOMICILE_VERIFY", "src/verify/domicile-verify"), "--group-key",
                           key, str(certificate)], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0 and "last live copy was gone" in done.stdout, done.stdout


class Writer(threading.Thread):
    """Writes while its account moves, and goes along; stops by itself."""

    def __init__(self, person, collection, source, target):
        super().__init__()
        self.person, self.collection, self.sites = person, collection, (source, target)
        self.acknowledged, self.moved, self.after = [], None, 0
        self.longest_s, self.failure = 0, None

    def run(self):
        try:
            give_up = time.monotonic() + WAIT_SECONDS
            while self.after < 20:
                assert time.monotonic() < give_up, trace(*self.sites)
                self.write()
        except BaseException as failure:  # pylint: disable=broad-except
            self.failure = failure

    def write(self):
        entry = item(chunks=[chunk(200)])
        began = time.monotonic()
        while True:
            try:
                self.person.batch(self.collection, [entry])
                break
            except Refused as refused:
                if refused.code == "account_moved":
                    self.person = self.moved = self.person.follow(refused)
                    continue
                assert refused.status == 503, refused
                assert time.monotonic() < began + WAIT_SECONDS
                time.sleep(0.05)
        self.longest_s = max(self.longest_s, time.monotonic() - began)
        self.acknowledged.append(entry["uid"])
        self.after += self.moved is not None


def test_what_is_written_meanwhile_comes_along(pair, person):
    source, target = pair
    collection = person.collections()[0]["item"]["uid"]
    second = Client(source.url)
    second.login("ana", person.login_key)
    writer = Writer(second, collection, source, target)
    writer.start()
    person.order_move("in", "sg")
    writer.join()
    if writer.failure is not None:
        raise writer.failure
    there = {entry["uid"] for entry in writer.moved.items(collection)}
    assert set(writer.acknowledged) <= there
    assert len(set(writer.acknowledged)) == len(writer.acknowledged)


@pytest.mark.long
def test_many_cross_each_other(pair):
    """Six accounts each way at once, all written to; more than there are lanes."""
    ways = [(pair[number % 2], pair[1 - number % 2]) for number in range(12)]
    writers = []
    for number, (source, target) in enumerate(ways):
        person = new_person(source.url, f"person{number}", region=source.name)
        collection = person.create_collection()
        settle(person, collection, 2)
        writers.append(Writer(person, collection, source, target))
    for writer in writers:
        writer.start()
    for writer, (source, target) in zip(writers, ways):
        second = Client(source.url)
        second.login(writer.person.name, writer.person.login_key)
        second.statement_key, second.serial = writer.person.statement_key, writer.person.serial
        second.order_move(source.name, target.name)
    for writer in writers:
        writer.join()
        if writer.failure is not None:
            raise writer.failure
        there = {entry["uid"] for entry in writer.moved.items(writer.collection)}
        assert set(writer.acknowledged) <= there


def figures(site):
    with urllib.request.urlopen(f"http://{site.settings['metrics_listen']}/metrics") as reply:
        return dict(line.rsplit(" ", 1) for line in reply.read().decode().splitlines()
                    if line.startswith("domicile_move"))


def test_there_and_back_again(pair, person):
    source, target = pair
    for site in pair:
        site.settings["metrics_listen"] = f"{site.host}:9637"
        site.restart()
    person.connection.close()
    before = everything(person)
    move = person.order_move("in", "sg")
    there = follow(person, source, target)
    acknowledge(there)
    wait_until(lambda: states(target, move)["target"]["state"] == "settled", lambda: trace(*pair))
    assert there.plan_move("in")["epoch"] == 2
    there.order_move("sg", "in")
    back = follow(there, target, source)
    assert everything(back) == before and back.handoff.epoch == 3
    for site, other in (pair, pair[::-1]):
        found = figures(site)
        assert found["domicile_move_pause_seconds_count"] == "1"
        assert found["domicile_move_attempts_total"] == "1"
        assert found["domicile_move_attempts_aborted_total"] == "0"
        assert int(found["domicile_move_copied_bytes_total"]) > 200_000, other.log
    assert figures(source)['domicile_moves{side="source",state="erased"}'] == "1"
    assert figures(source)['domicile_moves{side="target",state="home"}'] == "1"


def test_over_tls_with_certificates_of_their_own(make_site, group, tmp_path):
    sites = [make_site(name, group, tls=True) for name in ("in", "sg")]
    group.sign()
    roots = tmp_path / "peers.pem"
    roots.write_text("".join(site.certificate.read_text() for site in sites))
    source, target = [site.start() for site in sites]
    person = new_person(source.url, region="in", context=source.client_context())
    settle(person, person.create_collection())
    before = everything(person)
    person.order_move("in", "sg")
    # Nobody told the source whom to believe.
    wait_until(lambda: "the region sg cannot be asked: https://" in source.log, lambda: source.log)
    for site in sites:
        site.settings["peer_ca"] = roots
        site.restart()
    person.connection.close()
    there = follow(person, source, target)
    assert everything(there) == before


def test_a_move_that_is_cancelled_changes_nothing(pair, person):
    source, target = pair
    before = everything(person)
    target.stop()  # it cannot get anywhere
    move = person.order_move("in", "sg")
    wait_until(lambda: "the region sg cannot be asked" in source.log, lambda: source.log)
    person.cancel_move("in", move)
    assert states(source, move)["source"]["state"] == "cancelled"
    assert everything(person) == before
    person.create_collection()


# Where each of the two ends, as a power cut would end it; the rest of them in check-long.
FAULTS = [("in", "after-gone"), ("sg", "after-prepared"), ("sg", "got-switch")]
FAULTS_OF_AN_ATTEMPT = [("in", "after-frozen"), ("in", "before-gone")]
FAULTS_LONG = FAULTS_OF_AN_ATTEMPT + [
    *[("in", f"{when}-{state}") for state in ("ordered", "exporting")
      for when in ("before", "after")],
    ("in", "before-frozen"), ("in", "before-active"), ("in", "after-active"),
    ("in", "send-offer"), ("in", "got-offer"),
    *[("sg", f"{when}-{state}") for state in ("staging", "home") for when in ("before", "after")],
    ("sg", "before-prepared"),
    *[("sg", f"{when}-{op}") for op in ("records", "chunks", "freeze", "switch", "active")
      for when in ("send", "got") if (when, op) != ("got", "switch")],
]


@pytest.mark.parametrize("where, fault, both", [(*pair, False) for pair in FAULTS] + [
    pytest.param(*pair, False, marks=pytest.mark.long) for pair in FAULTS_LONG] + [
    pytest.param(*pair, True, marks=pytest.mark.long) for pair in FAULTS])
def test_an_end_at_any_step_loses_nothing(pair, person, where, fault, both):
    source, target = pair
    faulty = source if where == "in" else target
    before = everything(person)
    faulty.stop()
    faulty.start(fault=fault)
    person.connection.close()
    try:
        person.order_move("in", "sg")
    except (ConnectionError, http.client.HTTPException):
        pass  # it ended before it answered
    faulty.wait_for_fault()
    if both:
        (target if faulty is source else source).kill9()
        (target if faulty is source else source).start()
    faulty.start()
    person.connection.close()
    seconds = WAIT_SECONDS
    if (where, fault) in FAULTS_OF_AN_ATTEMPT or (both and fault == "after-prepared"):
        # It is at home again as soon as the source is; the next attempt comes later.
        person.create_collection()
        before = everything(person)
        seconds += ATTEMPTS_APART_SECONDS
    there = wait_until(lambda: come_along(person, source), lambda: trace(*pair), seconds)
    assert everything(there) == before
    there.create_collection()


ERASING_FAULTS = [
    *[("in", f"{when}-{state}") for state in ("erasing", "erased") for when in ("before", "after")],
    ("in", "send-erased"), ("in", "got-erased"), ("sg", "send-ack"), ("sg", "got-ack"),
    ("sg", "before-settled"), ("sg", "after-settled")]


@pytest.mark.parametrize("where, fault", [
    pytest.param(*pair, marks=pytest.mark.long) for pair in ERASING_FAULTS])
def test_an_end_while_the_copy_goes(pair, person, where, fault):
    source, target = pair
    faulty = source if where == "in" else target
    move = person.order_move("in", "sg")
    there = follow(person, source, target)
    before = everything(there)
    faulty.stop()
    faulty.start(fault=fault)
    there.connection.close()
    try:
        acknowledge(there)
    except (ConnectionError, http.client.HTTPException):
        pass
    faulty.wait_for_fault()
    faulty.start()
    there.connection.close()
    wait_until(lambda: states(source, move)["source"]["state"] == "erased" and
               states(target, move)["target"]["state"] == "settled", lambda: trace(*pair))
    assert everything(there) == before


def come_along(person, source):
    """Order, if nothing came of the first one; follow, once it is there."""
    try:
        if all(entry["state"] in OVER for entry in person.moves()):
            person.serial = person.get("/domicile/v1/consents/")["serial"]
            person.order_move(source.name, "sg")
    except Refused as refused:
        return person.follow(refused)
    return None
