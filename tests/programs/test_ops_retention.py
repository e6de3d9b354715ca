# SPDX-License-Identifier: AGPL-3.0-or-later
"""Retention: rules that are read, listed and held, whatever the wall clock says."""
import json
import os
import pathlib
import re
import shlex
import sqlite3
import subprocess
import time

import pytest

from cli_device import PASSWORD, Device
from etebase_client import Client, Refused, chunk, item, new_person
from lying_server import Liar
from test_server_push import changes, share
from test_ops_domicilectl import chunk_files, ctl

DAY = 24 * 3600
YEAR = 365 * DAY
WAIT_SECONDS = 20


def report(region):
    return dict(line.split(" ", 1) for line in ctl(region, "retention", "report").splitlines())


def swept(region):
    """What it removed in the sweep after a start, once that came to its end."""
    give_up = time.monotonic() + WAIT_SECONDS
    while True:
        figures = report(region)
        if figures["sweeps"] != "0":
            return {name[len("removed-"):]: int(value) for name, value in figures.items()
                    if name.startswith("removed-")}
        assert time.monotonic() < give_up, region.log
        time.sleep(0.05)


def passed(region, days):
    """So much region time has passed when it starts again."""
    region.stop()
    with sqlite3.connect(region.data / "store.sqlite3") as store:
        store.execute("UPDATE region SET time_ms = time_ms + ?", (days * DAY * 1000,))
    store.close()
    region.start()


def in_store(region, query):
    """The one number that it answers."""
    with sqlite3.connect(f"file:{region.data}/store.sqlite3?mode=ro", uri=True) as store:
        [[number]] = store.execute(query).fetchall()
    store.close()
    return number


def with_rules(make_region, *rules, **options):
    """A region with these lines, which a table of settings cannot hold twice."""
    settings = options.setdefault("settings", {})
    settings["session_days"] = "3650\n" + "\n".join(f"retention = {rule}" for rule in rules)
    return make_region(**options)


# --- rules -------------------------------------------------------------------------


def test_the_rules_are_listed_and_people_see_them(make_region):
    region = with_rules(make_region, "history all at-most P1Y",
                        "history messages at-most P90D",
                        "inactive-accounts all at-most P2Y notice P60D")
    assert ctl(region, "retention") == (
        "history: at most 1 year (domiciled.conf)\n"
        "history of messages: at most 90 days (domiciled.conf)\n"
        "inactive-accounts: at most 2 years, with a notice 60 days before (domiciled.conf)\n"
        "unreferenced-chunks: at most 1 week (standard)\n"
        "erased-collections: at most 1 week (standard)\n"
        "idle-sessions: at most 3650 days (session_days)\n")
    shown = new_person(region.url).get("/domicile/v1/retention/")
    assert len(shown["rules"]) == 6 and "told" not in shown
    assert shown["rules"][2] == {"what": "inactive-accounts", "service": "all",
                                 "kind": "at-most", "keep": "P2Y", "notice": "P60D"}
    with pytest.raises(Refused) as refused:
        Client(region.url).get("/domicile/v1/retention/")
    assert refused.value.status == 401


def test_a_conflict_is_told_at_the_start_and_listed_and_erases_nothing(make_region, domiciled):
    rules = ("history all at-most P1D", "history messages at-least P2Y the Mail Act, section 3")
    region = with_rules(make_region, *rules)
    sentence = ("history of messages: the Mail Act, section 3 orders at least 2 years "
                "(domiciled.conf), domiciled.conf allows at most 1 day; nothing of it is erased "
                "until one of them changes")
    assert sentence in region.log
    assert sentence in ctl(region, "retention", code=1)
    assert sentence in domiciled("-c", region.configuration, "--check-config").stderr
    person, other = new_person(region.url), new_person(region.url)
    mail = os.urandom(72)
    person.consent("messages", [mail])
    for who, kind in ((person, mail), (other, os.urandom(72))):
        collection = who.create_collection(kind)
        first = item()
        who.batch(collection, [first])
        who.batch(collection, [item(first["uid"], first["content"]["uid"])])
    person.close(), other.close()
    passed(region, 1000)
    assert swept(region)["history"] == 1
    assert report(region)["held-history"] == "1"
    region.stop()
    region.settings["session_days"] = "3650\nretention = history all at-most P1D"
    region.start()
    assert swept(region)["history"] == 1  # resolved: the operator has chosen


@pytest.mark.parametrize("line, said", [
    ("history all at-most 90d", '"90d" is not how long'),
    ("history mesages at-most P90D", '"mesages", and the catalogue has no such service'),
    ("histroy all at-most P90D", 'not "histroy"'),
    ("history all at-least P1Y", "needs a reason"),
    ("inactive-accounts all at-most P1Y notice P1D", "notice must be at least P7D"),
])
def test_a_rule_that_is_wrong_stops_the_start_with_a_sentence(make_region, domiciled, line, said):
    region = with_rules(make_region, line, start=False)
    region.write_configuration()
    for arguments in (["--check-config"], []):
        done = domiciled("-c", region.configuration, *arguments)
        assert done.returncode != 0 and said in done.stderr


# --- sweeps ------------------------------------------------------------------------


def test_what_is_due_leaves_the_disk_and_what_is_current_stays(make_region):
    region = with_rules(make_region, "history all at-most P30D")
    person = new_person(region.url)
    collection, left = person.create_collection(), person.create_collection()
    old, new, loose = chunk(100_000), chunk(100_000), chunk(100_000)
    mark = os.urandom(40)
    first = item(chunks=[old], meta=mark)
    second = item(first["uid"], first["content"]["uid"], chunks=[new])
    person.batch(collection, [first])
    person.batch(collection, [second])
    person.put_chunk(collection, *loose)
    person.batch(left, [item(chunks=[chunk(100_000)])])
    person.post(person.path(left, "member/leave/"))
    person.close()
    assert len(chunk_files(region)) == 4
    passed(region, 5)
    assert not any(swept(region).values())
    assert len(chunk_files(region)) == 4
    passed(region, 26)
    removed = swept(region)
    assert (removed["history"], removed["erased-collections"]) == (1, 1)
    assert removed["unreferenced-chunks"] == 2 and removed["bytes"] > 300_000
    assert removed["inactive-accounts"] == removed["idle-sessions"] == 0
    assert ("domiciled: retention: removed history 1, unreferenced-chunks 2, "
            f"erased-collections 1 ({removed['bytes']} bytes)\n") in region.log
    give_up = time.monotonic() + WAIT_SECONDS
    while len(chunk_files(region)) != 1:
        assert time.monotonic() < give_up, chunk_files(region)
        time.sleep(0.05)
    person.connection.close()
    assert person.get_chunk(collection, new[0]) == new[1]
    assert [row["uid"] for row in person.items(collection)] == [first["uid"]]
    person.close()
    region.stop()
    for path in region.data.rglob("*"):
        if path.is_file():
            assert mark not in path.read_bytes(), path
    region.start()
    assert ctl(region, "fsck").endswith("0 faults\n")


def test_a_crash_in_a_sweep_loses_nothing_and_the_next_one_goes_on(make_region):
    region = with_rules(make_region, "history all at-most P30D")
    person = new_person(region.url)
    collection = person.create_collection()
    items = [item(chunks=[chunk(20)]) for _ in range(400)]
    for _ in range(4):
        person.batch(collection, items)
        items = [item(old["uid"], old["content"]["uid"], chunks=[chunk(20)]) for old in items]
    current = {row["uid"]: row["content"]["uid"] for row in person.items(collection)}
    person.close()
    passed(region, 31)
    left = [1200]
    while left[-1] != 0 and len(left) < 12:  # earlier and later in it
        time.sleep(0.01 * len(left))
        region.kill9()
        left.append(in_store(region, "SELECT count(*) FROM revision"))
        region.start()
    assert left == sorted(left, reverse=True)
    swept(region)
    person.connection.close()
    assert {row["uid"]: row["content"]["uid"] for row in person.items(collection)} == current
    person.close()
    assert in_store(region, "SELECT count(*) FROM revision") == 0
    assert in_store(region, "SELECT count(*) FROM chunk") == 400
    assert ctl(region, "fsck").endswith("0 faults\n")


def test_an_inactive_account_is_told_and_then_erased(make_region):
    region = with_rules(make_region, "inactive-accounts all at-most P1Y notice P30D")
    away = Client(region.url)
    away.signup("ana", "ana@example.org")
    back = Client(region.url)
    back.signup("bob")
    away.close(), back.close()
    passed(region, 340)
    swept(region)
    assert "write to their owners" in region.log and "ana" not in region.log
    told = [line.split("\t") for line in ctl(region, "retention", "notices").splitlines()]
    assert [(line[0], line[1]) for line in told] == [("ana", "ana@example.org"), ("bob", "")]
    assert all(line[2] < line[3] for line in told)
    # Whoever comes back hears of it, and stays.
    again = Client(region.url)
    again.login("bob", back.login_key)
    assert again.get("/domicile/v1/retention/")["told"] > 0
    again.close()
    passed(region, 31)
    assert swept(region)["inactive-accounts"] == 1
    assert [line.split("\t")[0] for line in ctl(region, "user", "list").splitlines()] == ["bob"]
    assert ctl(region, "retention", "notices") == ""
    with pytest.raises(Refused):
        Client(region.url).login("ana", away.login_key)
    again.get("/domicile/v1/sessions/")


def test_the_command_shows_people_the_rules_and_the_notice(make_region, tmp_path):
    region = with_rules(make_region, "history all at-most P1Y",
                        "history messages at-least P6M the Mail Act, section 3",
                        "inactive-accounts all at-most P2Y notice P60D")
    phone = Device(tmp_path).signup(region)
    shown = phone.run("services").stdout
    for line in ("what was replaced or deleted: at most 1 year",
                 "what was replaced or deleted, of messages: at least 6 months, ordered by the "
                 "Mail Act, section 3",
                 "the account, if nobody uses it: at most 2 years, told 60 days before",
                 "parts of uploads that were given up: at most 1 week"):
        assert f"  {line}\n" in shown
    assert "until you erase it" not in shown and "erased" not in shown
    read = json.loads(phone.run("services", "--json").stdout)
    assert read["retention"][1] == {
        "what": "history", "service": "messages", "kind": "at-least", "keep": "P6M",
        "notice": None, "reason": "the Mail Act, section 3"}
    assert read["told_ms"] is None and read["end_ms"] is None
    passed(region, 700)
    swept(region)
    shown = phone.run("services").stdout
    assert "it will be erased on" in shown and "Any use of it" in shown
    again = Device(tmp_path, "again")
    said = again.run("login", "ana", "--server", region.url, password=PASSWORD).stdout
    assert "You use it now, so it stays." in said
    assert "You use it now, so it stays." in again.run("services").stdout


def test_rules_that_a_server_makes_up_are_refused_and_drive_no_terminal(make_region, tmp_path):
    region = with_rules(make_region, "history all at-most P1Y")
    Device(tmp_path).signup(region)
    liar = Liar(region)
    phone = Device(tmp_path, "lied-to")
    phone.run("login", "ana", "--server", liar.url, password=PASSWORD)
    good = {"what": "history", "service": "all", "kind": "at-most", "keep": "P1Y"}
    for change in ({"what": "hist\x1b[2Jory"}, {"service": "a\x9b"}, {"kind": "at-\x07most"},
                   {"kind": "perhaps"}, {"keep": "1 year"}, {"keep": "P1Y\x1b[2J"},
                   {"notice": "soon"}, {"reason": "\x1b]0;x\x07"}, {"what": ""}, {"keep": 5}):
        def rule(request, reply, change=change):
            if request.path.endswith("/retention/"):
                reply.value = {"rules": [good, {**good, **change}]}
        liar.rule = rule
        done = phone.run("services", code=1)
        assert done.stdout == "" and "rules of retention cannot be read" in done.stderr, change
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\x80-\x9f]", done.stderr)
    liar.close()


# --- clocks ------------------------------------------------------------------------


@pytest.fixture(name="wall")
def shifted_wall_clock(tmp_path, monkeypatch):
    """wall(seconds): the wall clock of the programs is off by so much from now on."""
    library, shift = tmp_path / "shifted_clock.so", tmp_path / "shift"
    source = pathlib.Path(__file__).with_name("shifted_clock.c")
    subprocess.run([*shlex.split(os.environ.get("CC", "cc")), "-D_GNU_SOURCE", "-shared", "-fPIC",
                    "-O1", "-o", str(library), str(source)], check=True)
    monkeypatch.setenv("SHIFTED_CLOCK", str(shift))

    def move(seconds):
        (tmp_path / "new").write_text(str(seconds))
        (tmp_path / "new").rename(shift)

    move(0)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    # A sanitizer's own library wants to be the first otherwise.
    monkeypatch.setenv("ASAN_OPTIONS",
                       os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
    return move


def region_time(region):
    return in_store(region, "SELECT time_ms FROM region") / 1000


def test_who_shares_with_an_account_that_a_rule_erases_hears_of_it(wall, make_region):
    region = with_rules(make_region, "inactive-accounts all at-most P1Y notice P30D")
    ana, bob = new_person(region.url), new_person(region.url)
    theirs = ana.create_collection()
    share(ana, bob, theirs)
    ana.close(), bob.close()
    passed(region, 340)
    swept(region)  # both are told ..
    bob.connection.close()
    bob.login(bob.name, bob.login_key)  # .. and one comes back
    bob.url = region.url
    with changes(bob) as waiting:
        assert waiting.message()["collection"] == theirs
        wall(372 * DAY)
        ctl(region, "clock", "confirm")
        gone = waiting.message()
        assert gone["collection"] == theirs and gone["stoken"] is None
    assert bob.collections() == []
    bob.close()
    assert report(region)["removed-inactive-accounts"] == "1"


def test_a_wall_clock_that_jumps_erases_nothing(wall, make_region):
    region = with_rules(make_region, "history all at-most P1D", "idle-sessions all at-most P1D",
                        "unreferenced-chunks all at-most P1D",
                        "inactive-accounts all at-most P30D notice P7D")
    person = new_person(region.url)
    collection = person.create_collection()
    first, loose = item(chunks=[chunk(100_000)]), chunk(100_000)
    person.batch(collection, [first])
    person.batch(collection, [item(first["uid"], first["content"]["uid"])])
    person.put_chunk(collection, *loose)
    swept(region)
    began = time.time()
    for seconds in (10 * YEAR, -10 * YEAR, YEAR):  # the last: off for a year
        wall(seconds)  # while it serves ..
        person.close()
        region.restart()  # .. and at a start
        assert not any(swept(region).values()), seconds
        assert -60 < region_time(region) - began < 60
    wall(0)
    region.restart()
    assert not any(swept(region).values())
    assert ctl(region, "retention", "notices") == ""
    person.connection.close()
    assert person.get_chunk(collection, loose[0]) == loose[1]
    assert len(person.items(collection)) == 1
    # The operator has looked at the clock and says that it is right.
    wall(YEAR)
    ctl(region, "clock", "confirm")
    person.close()
    region.restart()
    removed = swept(region)
    assert removed["history"] == 1 and removed["idle-sessions"] == 1
    assert removed["unreferenced-chunks"] == 2
    assert "told" not in removed and len(
        ctl(region, "retention", "notices").splitlines()) == 1  # no account without a notice
