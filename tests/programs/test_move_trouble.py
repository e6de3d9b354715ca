# SPDX-License-Identifier: AGPL-3.0-or-later
"""Moves that meet a full disk, second thoughts, lies and old backups."""
import contextlib
import os
import pathlib
import shutil
import struct
import subprocess
import threading
import time

import pytest

from etebase_client import Client, Refused, chunk, item, new_person, string
from own_mounts import own_mounts
from test_move_network import Middleman, Weather, finish, homes
from test_move_whole import acknowledge, everything, follow, settle, states, wait_until

PIECE = 32


def settle_marked(person):
    """Content in rows and in files; pieces of it by which it is found on a disk."""
    collection = person.create_collection()
    pieces = []
    for size in (300, 900, 40_000, 200_000):
        entry = item(chunks=[chunk(size)])
        person.batch(collection, [entry])
        content = entry["content"]["chunks"][0][1]
        pieces += [content[:PIECE], content[-PIECE:], entry["content"]["meta"][:PIECE]]
    return collection, pieces


def told_unless_gone(error):
    if not isinstance(error, FileNotFoundError):
        raise error


def found_in(folder, pieces):
    """What the server removes meanwhile holds nothing."""
    data = []
    for place, _, names in os.walk(folder, onerror=told_unless_gone):
        for path in (pathlib.Path(place, name) for name in names):
            with contextlib.suppress(FileNotFoundError):
                data += [path.read_bytes()] if path.is_file() else []
    return sum(any(piece in content for content in data) for piece in pieces)


@pytest.fixture(name="weather")
def _weather():
    return Weather()


@pytest.fixture(name="watched")
def _watched(group, make_site, weather):
    """The source is reached through a middleman, so that a test can halt a copy."""
    sites = [make_site(name, group) for name in ("in", "sg")]
    middleman = Middleman(sites[0], weather.judge)
    group.set("in", f"address={middleman.address}")
    group.sign()
    yield sites
    middleman.shutdown()
    middleman.server_close()


def halted_copy(sites, weather):
    """A person whose account is being copied, and stays so until the weather changes."""
    for site in sites:
        site.start()
    person = new_person(sites[0].url, "ana", region="in")
    collection, pieces = settle_marked(person)
    halted = threading.Event()

    def rule(operation):
        if operation == "freeze":
            halted.set()
            return "request lost"
        return "pass"

    weather.rule = rule
    move = person.order_move("in", "sg")
    assert halted.wait(20)
    assert found_in(sites[1].data, pieces) > 0  # it is on its way
    return person, collection, pieces, move


def gone_from(site, pieces):
    wait_until(lambda: found_in(site.data, pieces) == 0, "something of it stays")


# --- second thoughts ------------------------------------------------------------------------


def test_who_cancels_keeps_everything_and_the_other_region_nothing(watched, weather):
    person, collection, pieces, move = halted_copy(watched, weather)
    before = everything(person)
    person.cancel_move("in", move)
    weather.rule = lambda _: "pass"
    wait_until(lambda: states(watched[1], move)["target"]["state"] == "discarded", "it stays")
    gone_from(watched[1], pieces)
    assert states(watched[0], move)["source"]["state"] == "cancelled"
    person.batch(collection, [item(chunks=[chunk(50)])])
    assert set(before) == set(everything(person)) and homes(watched, person) == 1


def test_erasing_the_account_ends_the_move_and_erases_both(watched, weather):
    person, _, pieces, move = halted_copy(watched, weather)
    person.state(person.statement_head("erasure", "in", "", version=1) + b"\3" + string("")
                 + string(""))
    weather.rule = lambda _: "pass"
    for site in watched:
        gone_from(site, pieces)
    assert homes(watched, person) == 0
    assert states(watched[0], move)["source"]["state"] == "cancelled"


@pytest.mark.long
def test_withdrawing_with_erasing_ends_the_move_and_erases_both(watched, weather):
    person, _, pieces, move = halted_copy(watched, weather)
    person.state(person.statement_head("withdrawal", "in", "any") + b"\1")
    weather.rule = lambda _: "pass"
    for site in watched:
        gone_from(site, pieces)
    assert states(watched[0], move)["source"]["state"] == "cancelled"
    assert homes(watched, person) == 1


def test_of_two_orders_at_once_one_counts(group, make_site):
    sites = [make_site(name, group) for name in ("in", "sg", "br")]
    group.sign()
    for site in sites:
        site.start()
    person = new_person(sites[0].url, "ana", region="in")
    settle_marked(person)
    devices = []
    for _ in range(2):
        device = Client(sites[0].url)
        device.login(person.name, person.login_key)
        device.statement_key, device.serial = person.statement_key, person.serial
        devices.append(device)
    ordered, refused = [], []

    def order(device, target):
        try:
            ordered.append((target, device.order_move("in", target)))
        except Refused as why:
            refused.append(why.code)

    threads = [threading.Thread(target=order, args=pair) for pair in zip(devices, ("sg", "br"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ordered) == 1 and refused[0] in ("stale_statement", "move_refused",
                                                "account_moved"), refused
    person.serial += 1  # the order's
    there = follow(person, sites[0], {site.name: site for site in sites}[ordered[0][0]])
    acknowledge(there)
    assert homes(sites, person) == 1


# --- lies --------------------------------------------------------------------------------------


def test_orders_that_cannot_be_are_refused_and_change_nothing(pair):
    person = new_person(pair[0].url, "ana", region="in")
    other = new_person(pair[0].url, "bea", region="in")
    settle_marked(person)

    def order(source="in", target="sg", epoch=1, expires=3600, shared=0, grace=1, by=person):
        now = time.time_ns() // 1000000
        statement = (person.statement_head("move-order", source, "", version=1) + string(target)
                     + struct.pack(">QQBI", epoch, now + expires * 1000, shared, grace))
        person.post("/domicile/v1/statements/", {
            "statement": statement, "signature": by.statement_key.sign(statement).signature})

    for lie in ({"source": "sg"}, {"target": "mars"}, {"target": "in"}, {"epoch": 2},
                {"epoch": 0}, {"expires": -1}, {"expires": 400 * 86400}, {"grace": 4000},
                {"shared": 2}, {"by": other}):
        with pytest.raises(Refused) as refused:
            order(**lie)
        assert refused.value.status in (400, 409, 422) and refused.value.detail, lie
        assert person.moves() == [], lie
    order()  # and the same, without a lie, is taken
    assert len(person.moves()) == 1


def test_a_handoff_that_is_not_this_ones_makes_nobody_home(pair):
    source, target = pair
    people = [new_person(source.url, name, region="in") for name in ("ana", "bea")]
    for person in people:
        settle(person, person.create_collection(), count=1)
    move = people[0].order_move("in", "sg")
    there = follow(people[0], source, target)
    with pytest.raises(Refused) as refused:
        people[0].collections()
    moved = refused.value.body
    for at in range(0, len(moved["handoff"]), 7):
        forged = bytearray(moved["handoff"])
        forged[at] ^= 1
        with pytest.raises((Refused, struct.error, AssertionError)):
            there.carry_handoff({**moved, "handoff": bytes(forged)})
    # The source is not the target of its own hand-off.
    with pytest.raises(Refused):
        people[0].carry_handoff(moved)
    there.carry_handoff(moved)  # the true one says nothing new
    acknowledge(there)
    wait_until(lambda: states(source, move)["source"]["state"] == "erased", "it is not erased")
    # After the return it was carried there before, and makes nobody home again.
    back = there.order_move("sg", "in")
    again = follow(there, target, source)
    acknowledge(again)
    wait_until(lambda: states(target, back)["source"]["state"] == "erased", "it is not erased")
    Client(target.url).carry_handoff(moved)
    for person in people:
        assert homes(pair, person) == 1 and homes([source], person) == 1


# --- disks and backups ------------------------------------------------------------------------------


def on_small_disk(site, size):
    """Its data lies on a disk of its own from its next start on."""
    seed = site.folder / "seed"
    shutil.copytree(site.data, seed)
    script = (f"mount -t tmpfs -o size={size},mode=700 tmpfs {site.data} && "
              f"cp -a {seed}/. {site.data}/ && exec \"$@\"")
    site.within = [*own_mounts(), "sh", "-c", script, "sh"]


def disk_of(site):
    """As the server sees it."""
    return f"/proc/{site.pid}/root{site.data}"


def test_a_target_without_room_says_so_before_anything_travels(watched, weather):
    source, target = watched
    on_small_disk(target, "2m")
    source.start()
    target.start()
    person = new_person(source.url, "ana", region="in")
    collection = person.create_collection()
    person.put_chunk(collection, *chunk(8 << 20))
    person.order_move("in", "sg")
    wait_until(lambda: person.moves()[0]["state"] == "cancelled", person.moves)
    assert "room" in person.moves()[0]["why"]
    assert "records" not in {operation for operation, _ in weather.seen}
    person.batch(collection, [item(chunks=[chunk(50)])])


@pytest.mark.long
def test_a_disk_that_fills_up_while_it_copies_holds_the_move_up_and_nothing_else(watched, weather):
    source, target = watched
    on_small_disk(target, "96m")
    source.start()
    target.start()
    person = new_person(source.url, "ana", region="in")
    collection = person.create_collection()
    for _ in range(6):
        piece = chunk(1 << 20)
        person.put_chunk(collection, *piece)
        person.batch(collection, [item(chunks=[(piece[0], None)])])
    before = everything(person)
    filled = threading.Event()

    def fill(operation):
        if operation == "chunks" and not filled.is_set():
            with open(f"{disk_of(target)}/filler", "wb") as filler:
                try:
                    while True:
                        filler.write(bytes(1 << 16))
                        filler.flush()
                except OSError:
                    pass
            filled.set()
        return "pass"

    weather.rule = fill
    move = person.order_move("in", "sg")
    assert filled.wait(20)
    time.sleep(1)
    entry = item(chunks=[chunk(50)])
    person.batch(collection, [entry])  # at the source all goes on
    assert homes(watched, person) == 1
    os.unlink(f"{disk_of(target)}/filler")
    assert states(source, move)["source"]["state"] in ("exporting", "frozen", "gone", "lives")
    there = follow(person, source, target)
    after = everything(there)
    assert {name: set(after[name][2]) - {entry["uid"]} for name in after} == \
        {name: set(before[name][2]) for name in before}
    acknowledge(there)
    wait_until(lambda: states(source, move)["source"]["state"] == "erased", "it is not erased")


@pytest.mark.long
def test_a_source_restored_from_before_the_switch_is_no_second_home(pair, tmp_path):
    source, target = pair
    person = new_person(source.url, "ana", region="in")
    stays = new_person(source.url, "bea", region="in")
    settle(person, person.create_collection(), count=1)
    settle(stays, stays.create_collection(), count=1)
    source.control("backup", tmp_path / "backup", "--with-key")
    move = person.order_move("in", "sg")
    there = follow(person, source, target)
    there.batch(there.collections()[0]["item"]["uid"], [item(chunks=[chunk(50)])])
    acknowledge(there)
    wait_until(lambda: states(source, move)["source"]["state"] == "erased", "it is not erased")
    before = everything(there)
    source.stop()
    shutil.rmtree(source.data)  # also the journal: nothing is left here that knows of the move
    source.control("restore", tmp_path / "backup", "--without-journal")
    # Alone it serves nobody who could live elsewhere.
    target.stop()
    source.start()
    with pytest.raises(Refused) as refused:
        Client(source.url).login(person.name, person.login_key)
    assert refused.value.status == 503, refused.value
    target.start()
    wait_until(lambda: homes([source], stays) == 1, lambda: source.log)
    with pytest.raises(Refused) as refused:
        Client(source.url).login(person.name, person.login_key)
    assert refused.value.code == "account_moved"
    assert homes(pair, person) == 1
    again = Client(target.url)
    again.login(person.name, person.login_key)
    assert everything(again) == before
    again = Client(source.url)
    again.login(stays.name, stays.login_key)
    assert len(everything(again)) == 1
