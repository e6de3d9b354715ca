# SPDX-License-Identifier: AGPL-3.0-or-later
"""domicile-verify, against certificates of moves that are built here from the headers alone."""
import hashlib
import json
import struct
import subprocess

import nacl.signing
import pytest

from conftest import program
from test_verify import evidence, public, string

PERSON = nacl.signing.SigningKey(b"p" * 32)
STRANGER = nacl.signing.SigningKey(b"s" * 32)
GROUP = nacl.signing.SigningKey(b"g" * 32)
IN = nacl.signing.SigningKey(b"i" * 32)
SG = nacl.signing.SigningKey(b"o" * 32)
ACCOUNT, ROOT = b"Z" * 32, b"\x70" * 32
FREEZE, PREPARE, ABORT, HANDOFF, ACTIVE = range(1, 6)


def group(key=GROUP, regions=(("in", "IN", IN), ("sg", "", SG))):
    body = (string("domicile/group/v1") + public(key) + struct.pack(">QQ", 3, 1700000000000)
            + string("Our family") + struct.pack(">I", len(regions)))
    for name, country, region in regions:
        body += (string(name) + string(country) + public(region) + struct.pack(">I", 1)
                 + string(f"https://{name}.example") + b"\3" + struct.pack(">II", 1, 30))
    return body + key.sign(body).signature


def statement(domain, region, serial):
    return (string(domain) + ACCOUNT + b"\x11" * 16 + struct.pack(">QQ", serial, 1700000000123)
            + string(region) + string(""))


def order(region="in", target="sg", epoch=4):
    return (statement("domicile/move-order/v1", region, 11) + string(target)
            + struct.pack(">QQBI", epoch, 1800000000000, 1, 30))


def taken(data):
    """The subject of evidence, which names its statement."""
    parts, at = [], 0
    while at < len(data):
        size, = struct.unpack_from(">I", data, at)
        parts.append(data[at + 4:at + 4 + size])
        at += 4 + size
    return hashlib.sha256(string("domicile/subject/v1") + b"".join(map(string, parts[1:4]))).digest()


def message(kind, answers, move, epoch=4, root=ROOT, attempt=b"a" * 16, source="in", target="sg",
            account=ACCOUNT, key=None, revisions=3):
    body = (string("domicile/move/v1") + bytes([kind]) + move + attempt + account + string(source)
            + string(target) + struct.pack(">QQ", epoch, 1700000001000 + kind) + answers
            + struct.pack(">Q", 77) + root + struct.pack(">5Q", 1, 2, revisions, 4, 5))
    key = key or (IN if kind in (FREEZE, HANDOFF) else SG)
    return body, key.sign(body).signature


def digest(signed):
    return hashlib.sha256(signed[0] + signed[1]).digest()


def build(group_file=None, the_order=None, ack=True, erased=True, person=PERSON, ack_person=None,
          changes=None, ack_root=ROOT, erased_root=ROOT, erased_key=IN):
    """A whole certificate; changes: {kind: arguments of message()}."""
    changes = changes or {}
    group_file = group_file or group()
    ordered = the_order or evidence(order(), person=person, region=IN, name="in")
    subject = taken(ordered)
    freeze = message(FREEZE, subject, subject[:16], **changes.get(FREEZE, {}))
    prepare = message(PREPARE, digest(freeze), subject[:16], **changes.get(PREPARE, {}))
    handoff = message(HANDOFF, digest(prepare), subject[:16], **{"epoch": 5, **changes.get(HANDOFF, {})})
    active = message(ACTIVE, digest(handoff), subject[:16], **{"epoch": 5, **changes.get(ACTIVE, {})})
    ack_bytes = (statement("domicile/move-ack/v1", "sg", 12) + subject[:16]
                 + struct.pack(">Q", 5) + ack_root + struct.pack(">Q", 4321))
    receipt = (string("domicile/receipt/v1") + b"\2" + string("in") + public(erased_key) + subject
               + struct.pack(">QQ", 1700000002000, 78) + b"\4" + erased_root
               + struct.pack(">7Q", 1, 2, 3, 4, 5, 1700000003000, 0))
    parts = [b"domicile/move-certificate/v1", group_file, ordered, *freeze, *prepare, *handoff, *active,
             evidence(ack_bytes, person=ack_person or person, region=SG, name="sg") if ack else b"",
             receipt if erased else b"", erased_key.sign(receipt).signature if erased else b""]
    return b"".join(map(string, parts))


def verify(folder, data, *words, key=GROUP):
    (folder / "a.domicile-certificate").write_bytes(data)
    return subprocess.run(
        [program("DOMICILE_VERIFY", "src/verify/domicile-verify"), "--group-key", public(key).hex(),
         *words, "a.domicile-certificate"], cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("ack, erased, said", [
    (True, True, "last live copy was gone"), (False, True, "No device has acknowledged"),
    (True, False, "has not signed that it erased"), (False, False, "no device has said"),
])
def test_a_chain_that_holds_is_valid(tmp_path, ack, erased, said):
    done = verify(tmp_path, build(ack=ack, erased=erased))
    assert done.returncode == 0, done.stdout
    assert 'Move from the region "in" (IN) to "sg", of the group "Our family"' in done.stdout
    assert said in done.stdout and "Proven: " in done.stdout and "Not proven: " in done.stdout
    file, = json.loads(verify(tmp_path, build(ack=ack, erased=erased), "--json").stdout)["files"]
    assert file["acknowledged"] is ack and file["erased"] is erased
    assert file["source"] == "in" and file["target"] == "sg" and file["epoch"] == 5
    assert file["root"] == ROOT.hex() and file["revisions"] == 3


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.long)])
def test_every_changed_bit_and_every_cut_fails(tmp_path, step):
    """One call for all of them: a file for each.  A step of 7 is in every byte, too."""
    whole = build()
    names = []
    for bit in range(0, 8 * len(whole), step):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        (tmp_path / str(bit)).write_bytes(changed)
        names.append(str(bit))
    for size in range(len(whole)):
        (tmp_path / f"cut{size}").write_bytes(whole[:size])
        names.append(f"cut{size}")
    (tmp_path / "more").write_bytes(whole + b"\0")
    (tmp_path / "whole").write_bytes(whole)
    done = subprocess.run(
        [program("DOMICILE_VERIFY", "src/verify/domicile-verify"), "--group-key",
         public(GROUP).hex(), "--json", *names, "more", "whole"], cwd=tmp_path, capture_output=True,
        timeout=120)
    found = json.loads(done.stdout)["files"]
    assert len(found) == len(names) + 2
    assert [file["file"] for file in found if file["valid"]] == ["whole"]


@pytest.mark.parametrize("make, why", [
    (lambda: build(group_file=group(key=STRANGER)), "another group"),
    (lambda: build(group_file=group(regions=(("in", "IN", IN),))), "does not belong to the group"),
    (lambda: build(group_file=group(regions=(("in", "IN", STRANGER), ("sg", "", SG)))), "another region's"),
    (lambda: build(the_order=evidence(order(), region=IN, name="in", scope=4)), "not signed that it took"),
    (lambda: build(changes={PREPARE: {"root": b"x" * 32}}), "do not have the same state"),
    (lambda: build(changes={PREPARE: {"revisions": 2}}), "do not have the same state"),
    (lambda: build(changes={HANDOFF: {"root": b"x" * 32}}), "do not have the same state"),
    (lambda: build(changes={HANDOFF: {"epoch": 4}}), "wrong epoch"),
    (lambda: build(changes={ACTIVE: {"epoch": 6}}), "wrong epoch"),
    (lambda: build(changes={FREEZE: {"epoch": 3}}), "not what the order says"),
    (lambda: build(changes={FREEZE: {"target": "de"}}), "not what the order says"),
    (lambda: build(changes={FREEZE: {"account": b"y" * 32}}), "not what the order says"),
    (lambda: build(changes={ACTIVE: {"attempt": b"b" * 16}}), "another attempt"),
    (lambda: build(changes={HANDOFF: {"key": SG}}), "not signed by its region"),
    (lambda: build(changes={PREPARE: {"key": IN}}), "not signed by its region"),
    (lambda: build(ack_root=b"x" * 32), "acknowledgement is not of this move"),
    (lambda: build(ack_person=STRANGER), "another key than the order"),
    (lambda: build(erased_root=b"x" * 32), "not what it gave away"),
    (lambda: build(erased_key=SG), "not signed by it"),
])
def test_each_broken_link_is_told(tmp_path, make, why):
    done = verify(tmp_path, make())
    assert done.returncode == 1
    assert ": NOT VALID\n" in done.stdout and why in done.stdout


def test_the_keys_that_were_given_decide(tmp_path):
    assert "another group" in verify(tmp_path, build(), key=STRANGER).stdout
    words = ["--statement-key", public(STRANGER).hex()]
    assert "another statement key" in verify(tmp_path, build(), *words).stdout
    assert verify(tmp_path, build(), "--statement-key", public(PERSON).hex()).returncode == 0
    assert "--region-key" in verify(tmp_path, evidence(order(), region=IN)).stdout
    (tmp_path / "a").write_bytes(build())
    done = subprocess.run(
        [program("DOMICILE_VERIFY", "src/verify/domicile-verify"), "--region-key", public(IN).hex(), "a"],
        cwd=tmp_path, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "--group-key" in done.stdout
