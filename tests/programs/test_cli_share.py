# SPDX-License-Identifier: AGPL-3.0-or-later
"""Sharing with the command alone: invite, compare, accept, read, end it."""
import json
import re

import msgpack
import pytest

from cli_device import PASSWORD, Device, contact
from conftest import Region
from lying_server import Liar

FINGERPRINT = re.compile(r"(?:\d{5}   ?){3}\d{5}\n(?:(?:\d{5}   ?){3}\d{5}\n?){2}")


def fingerprints(text):
    return [re.sub(r"\D+", "", found) for found in FINGERPRINT.findall(text)]


@pytest.fixture(name="house", scope="module")
def one_region(tmp_path_factory):
    """One for all tests, since making keys takes half a second for each person."""
    region = Region(tmp_path_factory.mktemp("share") / "region").start()
    yield region
    assert region.stop() == 0


def person(region, name, *words):
    device = Device(region.folder, name)
    device.run("signup", name, "--server", region.url, password=PASSWORD)
    for service in words:
        device.run("on", service, "--yes")
    return device


@pytest.fixture(name="pair", scope="module")
def two_people(house):
    """Ana with a contact stored, and Ben.  Each test leaves nothing shared."""
    ana, ben = person(house, "ana", "contacts"), person(house, "ben")
    phone = house.folder / "phone"
    phone.mkdir()
    (phone / "book.vcf").write_text(contact("Zoe Known", uid="z1"), newline="")
    ana.backup(phone)
    return ana, ben


def invitation(device):
    received = json.loads(device.run("invitations", "--json").stdout)["received"]
    assert len(received) == 1
    return received[0]


def test_what_is_shared_can_be_read_by_who_accepts_and_no_longer_when_it_ends(pair, tmp_path):
    ana, ben = pair
    said = ana.run("share", "contacts", "--with", "ben@home", "--read-only", "--yes").stdout
    assert "ben@home is invited" in said and "may read it" in said
    # What Ana sees of Ben is what Ben sees of himself.
    own = fingerprints(ben.run("invitations").stdout)
    assert len(own) == 2 and fingerprints(said) == own[:1]
    # And the other way round: Ana's own, and what Ben is told.
    assert fingerprints(ana.run("invitations").stdout)[0] == own[1]
    offered = ben.run("invitations").stdout
    assert "ana@home offers you contacts" in offered
    assert "you may read it" in offered
    found = invitation(ben)
    done = ben.run("accept", found["id"], "--yes").stdout
    assert f"domicile unshare {found['collection']} --leave" in done
    ben.run("export", tmp_path / "export")
    shared = list((tmp_path / "export" / "shared").rglob("*"))
    assert any("Zoe Known" in path.read_text(errors="replace") for path in shared
               if path.is_file()), shared
    listed = ana.run("share", "contacts").stdout
    assert "ana@home administers it" in listed and "ben@home may read it" in listed
    ana.run("unshare", "contacts", "--with", "ben")
    assert "ben" not in ana.run("share", "contacts").stdout
    refused = ben.run("unshare", found["collection"], "--leave", code=64)
    assert "no collection" in refused.stderr


def test_who_was_invited_may_reject_and_who_invited_may_withdraw(pair):
    ana, ben = pair
    ana.run("share", "contacts", "--with", "ben", "--yes")
    assert "has not answered yet" in ana.run("share", "contacts").stdout
    again = ana.run("share", "contacts", "--with", "ben", "--yes", code=1)
    assert "invited already" in again.stderr
    ana.run("unshare", "contacts", "--with", "ben")
    assert json.loads(ben.run("invitations", "--json").stdout)["received"] == []
    ana.run("share", "contacts", "--with", "ben", "--yes")
    ben.run("invitations", "--reject", invitation(ben)["id"])
    assert "No invitation waits" in ben.run("invitations").stdout
    gone = ana.run("unshare", "contacts", "--with", "ben", code=1)
    assert "not shared with ben" in gone.stderr


def test_a_member_leaves_by_the_collections_id(pair):
    ana, ben = pair
    ana.run("share", "contacts", "--with", "ben", "--yes")
    found = invitation(ben)
    ben.run("accept", found["id"], "--yes")
    assert "not any more" in ben.run("accept", found["id"], "--yes", code=1).stderr
    ben.run("unshare", found["collection"], "--leave")
    assert "ben" not in ana.run("share", "contacts").stdout


def test_what_makes_no_sense_is_said(pair):
    ana, ben = pair
    assert "nobody called nobody" in ana.run(
        "share", "contacts", "--with", "nobody", "--yes", code=1).stderr
    assert "with yourself" in ana.run("share", "contacts", "--with", "ana", "--yes", code=1).stderr
    assert "--yes" in ana.run("share", "contacts", "--with", "ben", code=3).stderr
    assert "no collection of photos" in ana.run("share", "photos", "--with", "ben", code=64).stderr
    assert "contradict" in ana.run(
        "share", "contacts", "--with", "ben", "--admin", "--read-only", code=64).stderr
    assert "--leave" in ana.run("unshare", "contacts", code=64).stderr
    assert "no such invitation" in ben.run("accept", "x" * 32, "--yes", code=1).stderr
    assert json.loads(ben.run("invitations", "--json").stdout) == {"received": [], "sent": []}


def test_an_invitation_whose_sender_changes_is_not_accepted(house, pair):
    """The region shows what Ana sent when it is looked at, and what Mallory sent at last."""
    ana, _ = pair
    mallory = person(house, "mallory", "contacts")
    book = house.folder / "mallory.vcf"
    book.write_text(contact("Trap"), newline="")
    mallory.backup(book)
    liar = Liar(house)
    carl = Device(house.folder, "carl")
    carl.run("signup", "carl", "--server", liar.url, password=PASSWORD)
    mallory.run("share", "contacts", "--with", "carl", "--yes")
    bait = {}

    def keep(request, reply):
        if request.method == "GET" and re.search("/incoming/[^/?]+/$", request.path):
            bait.update(msgpack.unpackb(reply.body, raw=False))

    liar.rule = keep
    assert "mallory@home offers you" in carl.run("invitations").stdout
    carl.run("invitations", "--reject", bait["uid"])
    ana.run("share", "contacts", "--with", "carl", "--yes")
    found = invitation(carl)
    asked = []

    def swap(request, reply):
        if request.method == "GET" and f"/incoming/{found['id']}/" in request.path:
            asked.append(request.path)
            if len(asked) == 2:
                reply.value = {**bait, "uid": found["id"], "collection": found["collection"]}

    liar.rule = swap
    refused = carl.run("accept", found["id"], "--yes", code=1)
    assert len(asked) == 2 and "not the one that was shown" in refused.stderr

    def damage(request, reply):
        if request.method == "GET" and f"/incoming/{found['id']}/" in request.path:
            value = msgpack.unpackb(reply.body, raw=False)
            reply.value = {**value, "fromPubkey": bait["fromPubkey"]}

    liar.rule = damage
    assert "was not made for you by who it says" in carl.run(
        "accept", found["id"], "--yes", code=1).stderr
    liar.rule = lambda request, reply: None
    carl.run("accept", found["id"], "--yes")
    assert "carl@home may read and change it" in ana.run("share", "contacts").stdout
    ana.run("unshare", "contacts", "--with", "carl")
    liar.close()
