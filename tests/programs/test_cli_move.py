#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where an account is, and moving it, with the command: what is said before, and who is believed."""
import json
import struct

import msgpack
import nacl.signing
import pytest

from cli_device import PASSWORD, Device, contact
from conftest import ROOT
from lying_server import Liar
from regions import Group, Site

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


def test_nothing_is_ordered_without_a_yes(houses, tmp_path):
    device = Device(tmp_path).signup(houses["in"], "dora")
    refused = device.run("move", "pt", code=3)
    assert "--yes" in refused.stderr and "nothing was ordered" in refused.stderr
    assert "keeps its copy for 1 to 30 days" in device.run(
        "move", "pt", "--grace", "31", "--yes", code=64).stderr
    for words in (["--shared", "some"], ["--grace", "x"]):
        assert words[0] in device.run("move", "pt", *words, code=64).stderr
    assert "name the region" in device.run("move", code=64).stderr
    assert "name the region" in device.run("move", "pt", "--status", code=64).stderr
    assert json.loads(device.run("move", "--status", "--json").stdout)["moves"] == []


# --- who is believed -------------------------------------------------------------------


@pytest.fixture(name="liar")
def before_in(houses):
    liar = Liar(houses["in"])
    yield liar
    liar.close()


def moved(handoff, signature, region="pt"):
    return msgpack.packb({"code": "account_moved", "detail": "It moved.", "region": region,
                          "handoff": string(handoff) + string(signature),
                          "address": "http://127.0.0.1:9"}, use_bin_type=True)


def handoff(identity, source, target, epoch=2):
    """wire/move.h, kind 4."""
    return (string("domicile/move/v1") + bytes([4]) + bytes(16) + bytes(16) + identity
            + string(source) + string(target) + struct.pack(">QQ", epoch, 1700000000000)
            + bytes(32) + struct.pack(">Q", 5) + bytes(32) + bytes(40))


def test_a_server_that_sends_the_account_elsewhere_is_not_believed(houses, liar, tmp_path):
    device = Device(tmp_path).signup(liar, "eve")
    identity = bytes.fromhex(json.loads(device.run("where", "--json").stdout)["identity"])
    files = {name: (next((tmp_path / "device-phone" / "state").glob("eve*")) / name)
             for name in ("session", "region.pub", "group")}
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


def test_another_group_or_an_older_one_is_not_believed(houses, liar, tmp_path):
    device = Device(tmp_path).signup(liar, "fay")
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
    kept = next((tmp_path / "device-phone" / "state").glob("fay*")) / "group"
    assert kept.read_bytes() == true
    # A newer one counts, and then the first one is too old.
    newer = Group.__new__(Group)
    newer.folder, newer.signed = houses.group.folder, houses.group.signed
    show(newer.sign())
    assert json.loads(device.run("where", "--json").stdout)["group"]["version"] == 2
    show(true)
    assert "older group file (version 1)" in device.run("where", code=1).stderr
