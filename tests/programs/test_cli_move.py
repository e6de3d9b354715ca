#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where an account is, and moving it, with the command: what is said before, and who is believed."""
import json
import random
import re
import signal
import sqlite3
import struct
import subprocess
import threading
import time

import msgpack
import nacl.signing
import pytest

from cli_device import PASSWORD, Device, contact, jpeg, tree
from conftest import ROOT
from lying_server import Liar, Reply
from regions import Group, Site, program
from test_evacuate import Evacuation, until

SHIPPED = json.loads((ROOT / "packaging" / "services.json").read_text())


def string(data):
    data = data.encode() if isinstance(data, str) else data
    return struct.pack(">I", len(data)) + data


def other_catalogue(folder):
    """Another purpose of contacts; no notes at all."""
    catalogue = json.loads(json.dumps(SHIPPED))
    for entry in catalogue["services"]:
        if entry["name"] == "contacts":
            entry.update(version=2, since="2026-12-24", purpose="Count your contacts.")
    catalogue["services"] = [entry for entry in catalogue["services"] if entry["name"] != "notes"]
    path = folder / "services.json"
    path.write_text(json.dumps(catalogue))
    return path


class Houses:
    """in: where people are; pt: other terms; full: no room; shut: takes nobody; down: not there."""

    def __init__(self, folder):
        self.folder = folder
        self.group = Group(folder / "group", "Test regions")
        self.sites = {name: Site(folder / name, name, self.group, settings, policy)
                      for name, settings, policy in (
                          ("in", {}, ["country=IN"]),
                          ("pt", {"catalogue": other_catalogue(folder)}, ["country=PT"]),
                          ("full", {"default_quota_bytes": 1000}, []),
                          ("shut", {}, ["takes=no"]), ("down", {}, []))}
        self.group.sign()
        for name, site in self.sites.items():
            if name != "down":
                site.start()

    def __getitem__(self, name):
        return self.sites[name]


@pytest.fixture(name="houses", scope="module")
def some_regions(tmp_path_factory):
    houses = Houses(tmp_path_factory.mktemp("houses"))
    yield houses
    assert {site.stop() for site in houses.sites.values()} == {0, None}


@pytest.fixture(name="ana", scope="module")
def somebody(houses):
    device = Device(houses.folder, "ana").signup(
        houses["in"], "ana", services=["contacts", "notes", "photos"])
    export = houses.folder / "export"
    export.mkdir()
    (export / "a.vcf").write_text("".join(contact(f"Person {n}", uid=f"u{n}") for n in range(300)))
    device.backup(export)
    return device


@pytest.fixture(name="eve", scope="module")
def somebody_behind_a_liar(houses):
    """A device, and what stands between it and its region."""
    liar = Liar(houses["in"])
    yield Device(houses.folder, "eve").signup(liar, "eve"), liar
    liar.close()


@pytest.fixture(autouse=True)
def nobody_lies(request):
    yield
    if "eve" in request.fixturenames:
        request.getfixturevalue("eve")[1].rule = lambda asked, reply: None


def plan(device, target, *words, code=0):
    return json.loads(device.run("move", target, "--dry-run", "--json", *words, code=code).stdout)


# --- where ------------------------------------------------------------------------


def test_where_the_data_is_and_who_can_read_it_are_two_answers(houses, ana):
    told = json.loads(ana.run("where", "--json").stdout)
    assert told["account"] == "ana@in" and told["country"] == "IN"
    assert told["region_key"] == houses["in"].key and told["addresses"] == [houses["in"].address]
    assert told["group"]["name"] == "Test regions" and told["group"]["version"] == 1
    assert told["others"] == ["down", "full", "pt"]
    assert told["readers"] == {"devices": 1, "operator": False}
    assert told["old_copy"] is None and 0 < told["round_trip_ms"] < 1000
    said = ana.run("where").stdout
    assert "ana@in" in said and "of the group Test regions" in said and "median of 5" in said
    assert "devices that have your key and nobody else" in said
    assert "docs/what-the-operator-sees.md" in said
    assert "ana@in" in ana.run("status").stdout
    assert ana.status()["address"] == "ana@in"


def test_a_region_in_no_group_is_told_as_such(region, tmp_path):
    device = Device(tmp_path).signup(region)
    assert json.loads(device.run("where", "--json").stdout)["group"] is None
    assert "in no group of regions" in device.run("where").stdout
    assert "accounts cannot move" in device.run("move", "pt", "--dry-run", code=1).stderr


# --- before anything is ordered --------------------------------------------------------


def test_a_dry_run_says_what_to_expect_and_changes_nothing(ana, houses):
    told = plan(ana, "pt")
    assert told["possible"] and told["problems"] == []
    assert told["source"]["name"] == "in" and told["target"]["name"] == "pt"
    assert told["target"]["country"] == "PT" and told["target"]["address"] == houses["pt"].address
    assert told["source"]["release"] == told["target"]["release"] != ""
    assert told["items"] >= 300 and told["bytes"] > 10000
    assert told["services"] == {"contacts": "other", "notes": "absent", "photos": "same"}
    assert told["rate_bytes"] > 0 and 0 < told["pause_ms"] <= 5000
    assert abs(told["source"]["clock_ms"]) < 5000 and abs(told["target"]["clock_ms"]) < 5000
    said = ana.run("move", "pt", "--dry-run").stdout
    for words in ("ana@in moves from in to pt", "it is off there until you agree to other terms",
                  "they do not offer it", "stays on: the same terms there", "5 s at most"):
        assert words in said
    assert json.loads(ana.run("move", "--status", "--json").stdout)["moves"] == []
    assert "has not moved" in ana.run("move", "--status").stdout
    assert "nothing to cancel" in ana.run("move", "--cancel", code=1).stderr
    assert "nothing to decline" in ana.run("move", "--refuse", code=1).stderr


def test_what_is_in_the_way_is_said_all_at_once(ana, houses, tmp_path):
    def problems(target):
        refused = ana.run("move", target, "--dry-run", "--json", code=1)
        assert "cannot move to" in refused.stderr and "Nothing was changed" in refused.stderr
        return json.loads(refused.stdout)["problems"]

    assert "holds more than this region gives" in problems("full")[0]
    shut = problems("shut")
    assert len(shut) == 2 and "Region in" in shut[0] and "Region shut" in shut[1]
    assert "cannot be reached" in problems("down")[0]
    # Somebody else has the name there.
    Device(tmp_path, "other").signup(houses["pt"], "ana")
    assert "account of this name" in problems("pt")[0]
    assert "has no region" in ana.run("move", "xx", "--dry-run", code=1).stderr
    assert "lives in in already" in ana.run("move", "in").stdout
    assert "does not know from where" in ana.run("move", "back", code=1).stderr


def test_what_is_shared_stops_a_move_unless_it_is_left(houses, tmp_path):
    ben, carl = (Device(tmp_path, name).signup(houses["in"], name, services=["contacts"])
                 for name in ("ben", "carl"))
    (tmp_path / "a.vcf").write_text(contact("Somebody", uid="u1"))
    ben.backup(tmp_path / "a.vcf")
    ben.run("share", "contacts", "--with", "carl", "--yes")
    received = json.loads(carl.run("invitations", "--json").stdout)["received"]
    carl.run("accept", received[0]["id"], "--yes")
    told = plan(ben, "pt", code=1)
    assert told["shared"] == 1 and "--shared leave" in " ".join(told["problems"])
    told = plan(carl, "pt", code=1)
    assert told["memberships"] == 1 and "--shared leave" in " ".join(told["problems"])
    for device in (ben, carl):
        assert plan(device, "pt", "--shared", "leave")["possible"]


def test_nothing_is_ordered_without_a_yes(eve):
    device, _ = eve
    refused = device.run("move", "pt", code=3)
    assert "--yes" in refused.stderr and "nothing was ordered" in refused.stderr
    assert "keeps its copy for 1 to 30 days" in device.run(
        "move", "pt", "--grace", "31", "--yes", code=64).stderr
    for words in (["--shared", "some"], ["--grace", "x"]):
        assert words[0] in device.run("move", "pt", *words, code=64).stderr
    assert "name the region" in device.run("move", code=64).stderr
    assert "name the region" in device.run("move", "pt", "--status", code=64).stderr
    assert json.loads(device.run("move", "--status", "--json").stdout)["moves"] == []


# --- moving ---------------------------------------------------------------------------


def wait_for(condition, seconds=60):
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def verify(device, certificate):
    key = json.loads(device.run("where", "--json").stdout)["group"]["key"]
    done = subprocess.run(
        [program("DOMICILE_VERIFY", "src/verify/domicile-verify"), "--group-key", key,
         str(certificate)], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_there_and_back_with_a_device_that_slept(pair, tmp_path):
    here, there = pair  # in, sg
    export = tmp_path / "export"
    export.mkdir()
    (export / "a.vcf").write_text("".join(contact(f"Person {n}", uid=f"u{n}") for n in range(50)))
    (export / "p.jpg").write_bytes(jpeg(1, 300000))
    phone = Device(tmp_path).signup(here, services=["contacts", "photos"])
    phone.backup(export)
    tablet = Device(tmp_path, "tablet").login(here)
    assert tablet.status()["services"]["contacts"]["items"] == 50

    proof = tmp_path / "there.domicile-certificate"
    said = phone.run("move", "sg", "--yes", "--certificate", proof).stdout
    for words in ("ordered: the new region", "checking that everything is there",
                  "ana@sg lives in sg now", "Writes waited for", "found all 51 revisions",
                  "in has erased its copy", str(proof)):
        assert words in said, said
    assert "valid" in verify(phone, proof)
    told = json.loads(phone.run("where", "--json").stdout)
    assert (told["account"], told["epoch"], told["old_copy"]) == ("ana@sg", 2, None)
    assert told["server"].startswith(there.url)
    moves = json.loads(phone.run("move", "--status", "--json").stdout)["moves"]
    assert [(move["source"], move["target"], move["over"]) for move in moves] == [("in", "sg", True)]
    # The tablet asks the old region, and goes on in the new one with what it knew.
    woken = tablet.run("status")
    assert "ana@sg" in woken.stdout and "All 51 revisions that this device knew" in woken.stderr
    assert tablet.run("status").stderr == ""
    tablet.run("restore", tmp_path / "restored")
    assert (tmp_path / "restored" / "p.jpg").read_bytes() == (export / "p.jpg").read_bytes()
    # Who logs in where the account was is taken along; what is written goes on.
    assert "logged in as ana@sg" in Device(tmp_path, "third").run(
        "login", "ana", "--server", here.url, password=PASSWORD).stdout
    (export / "b.vcf").write_text(contact("New", uid="new"))
    assert phone.backup(export)["services"]["contacts"]["new"] == 1

    # Back: the old region's history of what was signed stays checkable.
    ended = json.loads(phone.run("move", "back", "--yes", "--json").stdout)
    assert (ended["source"], ended["target"], ended["epoch"]) == ("sg", "in", 3)
    assert ended["acknowledged"] and ended["erased"] and ended["found"] == 52
    assert 0 <= ended["pause_ms"] < 5000
    verify(phone, ended["certificate"])
    assert "ana@in" in tablet.run("status").stdout
    phone.run("consents", "export", tmp_path / "signed")
    names = {path.name for path in (tmp_path / "signed").iterdir()}
    assert {"region.pub", "region-sg.pub", "000003-move-order.domicile-receipt",
            "000004-move-ack.domicile-receipt"} <= names
    assert phone.items() == {"contacts": 51, "photos": 1}


PEER_OFFER, PEER_ACK = 1, 8


def keep_back(liar, operation):
    """What a region asks another to do gets through but for this: it is busy."""
    def gate(request):
        asked = request.path.endswith("/peer/change/") and request.body[4 + 4 + 16] == operation
        return Reply(503, {"Retry-After": "1"}, b"") if asked else None
    liar.gate = gate


def test_a_move_is_watched_left_cancelled_and_taken_up(group, make_site, tmp_path):
    here, there = (make_site(name, group) for name in ("in", "sg"))
    before = {}
    for site in (here, there):
        site.url = site.address
        before[site.name] = Liar(site)
        group.set(site.name, f"address={before[site.name].url}")
    group.sign()
    for site in (here, there):
        site.start()
    keep_back(before["sg"], PEER_OFFER)
    keep_back(before["in"], PEER_ACK)
    phone = Device(tmp_path).signup(here, services=["contacts"])
    (tmp_path / "a.vcf").write_text(contact("Somebody", uid="u1"))
    phone.backup(tmp_path / "a.vcf")
    proof = tmp_path / "proof"
    proof.write_text("something else")
    assert "is there already" in phone.run(
        "move", "sg", "--yes", "--certificate", proof, code=1).stderr
    # The new region does not take it yet: a command that is stopped changes nothing.
    assert "goes on by itself" in phone.run("move", "sg", "--yes", "--no-wait").stdout
    assert "in to sg: ordered" in phone.run("move", "--status").stdout
    watching = phone.start("move", "sg")
    assert "was ordered on" in watching.stdout.readline()
    assert "ordered: the new region" in watching.stdout.readline()
    watching.send_signal(signal.SIGINT)
    assert "goes on by itself" in watching.communicate(timeout=30)[1]
    assert watching.returncode == 130
    assert "is cancelled" in phone.run("move", "--cancel").stdout
    assert "in to sg: cancelled" in phone.run("move", "--status").stdout
    # Again, and now the regions have their way; but the old one does not hear of the device.
    phone.run("move", "sg", "--yes", "--no-wait")
    before["sg"].gate = lambda request: None
    wait_for(lambda: "home" in there.control("moves", "--all"))
    back = json.loads(phone.run("move", "back", "--dry-run", "--json").stdout)
    assert back["possible"] and back["target"]["name"] == "in"
    assert json.loads(phone.run("where", "--json").stdout)["old_copy"] == "in"
    assert "no move is under way" in phone.run("move", "--cancel", code=1).stderr
    before["in"].gate = lambda request: None
    done = phone.run("move", "sg").stdout
    assert "ana@sg lives in sg now" in done and "in has erased its copy" in done
    for liar in before.values():
        liar.close()


def test_a_region_that_starts_again_meanwhile_ends_no_waiting(pair, tmp_path):
    here, there = pair
    phone = Device(tmp_path).signup(here, services=["contacts"])
    (tmp_path / "a.vcf").write_text(contact("Somebody", uid="u1"))
    phone.backup(tmp_path / "a.vcf")
    hold = sqlite3.connect(f"file:{here.data}/store.sqlite3?mode=ro", uri=True)
    hold.execute("BEGIN")
    hold.execute("SELECT count(*) FROM item").fetchone()  # so that the old copy stays for now
    watching = phone.start("move", "sg", "--yes")
    while "the old region erases its copy" not in (line := watching.stdout.readline()):
        assert line != "", watching.communicate()
    there.kill9()
    time.sleep(1.5)  # it looks once a second
    there.start()
    hold.close()
    out, err = watching.communicate(timeout=60)
    assert watching.returncode == 0 and "in has erased its copy" in out, (out, err)


def test_a_backup_goes_on_while_the_account_moves(pair, tmp_path):
    here, _ = pair
    export = tmp_path / "export"
    export.mkdir()
    for n in range(120):
        (export / f"p{n}.jpg").write_bytes(jpeg(n, 40000 if n % 4 else 200000))
    phone = Device(tmp_path).signup(here, services=["photos"])
    # From a write in the middle on, answers are on their way for as long as the move takes.
    liar, reached, over, batches = Liar(here), threading.Event(), threading.Event(), []
    tablet = Device(tmp_path, "tablet").login(liar)

    def rule(request, reply):
        batches.append(request.kind == "batch")
        if sum(batches) >= 2:
            reached.set()
            over.wait(60)
    liar.rule = rule
    writing = tablet.start("backup", "--json", export)
    assert reached.wait(60)
    moved = json.loads(phone.run("move", "sg", "--yes", "--json").stdout)
    over.set()
    out, err = writing.communicate(timeout=60)
    assert writing.returncode == 0, out + err
    assert json.loads(out)["services"]["photos"]["new"] == 120
    assert moved["target"] == "sg" and 1 < moved["revisions"] < 121
    # What was acknowledged, before and after, is there once, whoever looks.
    again = phone.backup(export)["services"]["photos"]
    assert (again["new"], again["same"]) == (0, 120)
    phone.run("restore", tmp_path / "restored")
    assert tree(tmp_path / "restored") == tree(export)
    liar.close()


def test_what_the_operator_asks_is_shown_declined_agreed_to_and_taken_back(pair, tmp_path):
    here, there = pair
    phone = Device(tmp_path).signup(here)
    (tmp_path / "plan").write_text("notice = 1h\ngrace = 2\n[all]\ncohort = rest\n")
    evacuation = Evacuation(here, tmp_path / "plan", there.name)
    until(evacuation.line, "1 told")

    def answer():
        return phone.status()["proposal"]["answer"]

    said = phone.run("status").stdout
    assert "The operator of in asks you to let the account move to sg" in said
    assert "Nothing moves unless you say so" in said and answer() == "none"
    assert "declined to move to sg" in phone.run("move", "--refuse").stdout
    assert "You declined" in phone.run("move", "--status").stdout and answer() == "refused"
    # An order to that region agrees, and waits for its turn.
    assert "You agreed to move to sg" in phone.run("move", "sg", "--yes").stdout
    told = json.loads(phone.run("move", "--status", "--json").stdout)
    assert told["moves"][0]["state"] == "ordered" and answer() == "agreed"
    assert told["proposal"]["target"] == "sg" and told["proposal"]["grace_days"] == 2
    assert "order" in phone.run("move", "--refuse", code=1).stderr
    assert "is cancelled" in phone.run("move", "--cancel").stdout and answer() == "refused"
    evacuation.interrupt()
    here.control("evacuate", "--withdraw")
    assert phone.status()["proposal"] is None


# --- who is believed -------------------------------------------------------------------


def moved(handoff, signature, region="pt"):
    return msgpack.packb({"code": "account_moved", "detail": "It moved.", "region": region,
                          "handoff": string(handoff) + string(signature),
                          "address": "http://127.0.0.1:9"}, use_bin_type=True)


def handoff(identity, source, target, epoch=2):
    """wire/move.h, kind 4."""
    return (string("domicile/move/v1") + bytes([4]) + bytes(16) + bytes(16) + identity
            + string(source) + string(target) + struct.pack(">QQ", epoch, 1700000000000)
            + bytes(32) + struct.pack(">Q", 5) + bytes(32) + bytes(40))


def state_of(houses, name):
    return next((houses.folder / "device-eve" / "state").glob("eve*")) / name


def test_a_server_that_sends_the_account_elsewhere_is_not_believed(houses, eve, tmp_path):
    device, liar = eve
    identity = bytes.fromhex(json.loads(device.run("where", "--json").stdout)["identity"])
    files = {name: state_of(houses, name) for name in ("session", "region.pub", "group")}
    before = {name: path.read_bytes() for name, path in files.items()}
    own = nacl.signing.SigningKey.generate()
    cases = [(b"", b"", "does not prove it"), (b"nonsense", bytes(64), "shows no hand-off")]
    for args, said in (((identity, "in", "pt"), "not signed by the region that had it"),
                       ((bytes(32), "in", "pt"), "of another account"),
                       ((identity, "pt", "in"), "of another region")):
        message = handoff(*args)
        cases.append((message, own.sign(message).signature, said))
    for message, signature, said in cases:
        def rule(request, reply, body=moved(message, signature)):
            if "/region/" not in request.path and "/group/" not in request.path:
                reply.status, reply.body = 403, body
        liar.rule = rule
        for words in (["status"], ["where"], ["move", "pt", "--dry-run"], ["sessions"]):
            refused = device.run(*words, code=1)
            assert said in refused.stderr and "Nothing was changed" in refused.stderr, words
    # The door is shut in the same way to who logs in.
    refused = Device(tmp_path, "second").run(
        "login", "eve", "--server", liar.url, password=PASSWORD, code=1)
    assert "does not prove it" in refused.stderr
    liar.rule = lambda request, reply: None
    assert device.status()["region"] == "in"
    assert before == {name: path.read_bytes() for name, path in files.items()}


def test_damaged_answers_about_moving_end_with_a_sentence(eve):
    """Whatever comes: a documented exit code, a sentence, and no control characters."""
    device, liar = eve
    dice = random.Random(7)

    def damage(body):
        kind = dice.randrange(5)
        if kind == 0 or not body:
            return body[:dice.randrange(len(body) + 1)]
        if kind == 1:
            at = dice.randrange(len(body))
            return body[:at] + bytes([dice.randrange(256)]) + body[at + 1:]
        if kind == 2:
            return body + dice.randbytes(5)
        if kind == 3:
            return dice.randbytes(dice.randrange(200))
        return body.replace(b"sg", b"\x1b[").replace(b"why\xa0", b"why\xa3\x1b[2")

    for about, words in (("/group/", ["where"]), ("/group/", ["move", "pt", "--dry-run"]),
                         ("/moves/", ["move", "--status"]), ("/moves/", ["where"]),
                         ("/moves/plan/", ["move", "pt", "--dry-run"]),
                         ("/region/", ["where"]), ("/proposal/", ["move", "--status"])):
        for _ in range(5):
            def rule(request, reply):
                if about in request.path:
                    reply.body = damage(reply.body)
            liar.rule = rule
            process = device.start(*words)
            out, err = process.communicate(timeout=20)
            assert process.returncode in (0, 1, 3), f"{words}: {process.returncode}\n{err}"
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", out + err), out + err
            assert process.returncode == 0 or err.startswith("domicile: "), err
    liar.rule = lambda request, reply: None
    assert plan(device, "pt")["possible"]


def test_another_group_or_an_older_one_is_not_believed(houses, eve, tmp_path):
    device, liar = eve
    true = houses.group.signed.read_bytes()
    other = Group(tmp_path / "other", "Other regions")
    other.add(houses["in"])
    other.add(houses["pt"])

    def show(bytes_shown):
        def rule(request, reply):
            if request.path.endswith("/group/"):
                reply.status, reply.body = 200, bytes_shown
        liar.rule = rule

    for shown, said in ((other.sign(), "of another group of regions"),
                        (true[:-1], "is not good"), (true[:200], "is not good"),
                        (true[:-1] + bytes([true[-1] ^ 1]), "is not good"), (b"", "is not good")):
        show(shown)
        for words in (["where"], ["move", "pt", "--dry-run"]):
            assert said in device.run(*words, code=1).stderr
    assert state_of(houses, "group").read_bytes() == true
    # A newer one counts, and then the first one is too old.
    newer = Group.__new__(Group)
    newer.folder, newer.signed = houses.group.folder, houses.group.signed
    show(newer.sign())
    assert json.loads(device.run("where", "--json").stdout)["group"]["version"] == 2
    show(true)
    assert "older group file (version 1)" in device.run("where", code=1).stderr
