# SPDX-License-Identifier: AGPL-3.0-or-later
"""domicile-verify, against evidence that is built here from docs/statements.md alone."""
import hashlib
import json
import os
import re
import struct
import subprocess
import time

import nacl.signing
import pytest

from conftest import ROOT, program
from etebase_client import item, new_person

PERSON = nacl.signing.SigningKey(b"p" * 32)
REGION = nacl.signing.SigningKey(b"r" * 32)
STRANGER = nacl.signing.SigningKey(b"s" * 32)
ISSUED, ACCEPTED, ENDED, BACKUPS = 1700000000123, 1700000000456, 1700000001000, 1702592001000


def string(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(value)) + value


def head(domain, serial, service):
    return (string(domain) + b"Z" * 32 + b"\x11" * 16 + struct.pack(">QQ", serial, ISSUED)
            + string("in") + string(service))


def consent(purpose="Keep my contacts", until=1800000000000):
    return (head("domicile/consent/v2", 7, "contacts") + struct.pack(">I", 3) + b"\x77" * 32
            + string(purpose) + string("P1Y") + struct.pack(">QI", until, 2)
            + string(b"\0type one") + string("two"))


def withdrawal(erase=True):
    return head("domicile/withdrawal/v2", 8, "contacts") + (b"\1" if erase else b"\0")


def history():
    return (head("domicile/erasure/v1", 9, "") + b"\1" + string("c" * 20) + string("i" * 20))


def account():
    return head("domicile/erasure/v1", 10, "") + b"\3" + string("") + string("")


def order():
    return head("domicile/order/v1", 0, "") + b"\3" + string("") + string("")


def public(key):
    return bytes(key.verify_key)


def move_order():
    return (head("domicile/move-order/v1", 11, "") + string("sg")
            + struct.pack(">QQBI", 1, 1800000000000, 1, 30))


def move_cancel():
    return head("domicile/move-cancel/v1", 12, "") + b"m" * 16


def move_ack():
    return (head("domicile/move-ack/v1", 13, "") + b"m" * 16 + struct.pack(">Q", 2) + b"\x70" * 32
            + struct.pack(">Q", 4321))


def evidence(statement, person=PERSON, region=REGION, scope=None, signature=None, name="in",
             named=None):
    """scope None: the receipt for having taken it."""
    signature = signature or person.sign(statement).signature
    subject = hashlib.sha256(string("domicile/subject/v1") + string(public(person))
                             + string(statement) + string(signature)).digest()
    receipt = (string("domicile/receipt/v1") + (b"\1" if scope is None else b"\2") + string(name)
               + public(named or region) + subject + struct.pack(">QQ", ACCEPTED, 42))
    if scope is not None:
        receipt += (bytes([scope]) + b"\x70" * 32
                    + struct.pack(">7Q", 1, 2, 3, 4, 5, ENDED, BACKUPS))
    return (string("domicile/evidence/v1") + string(public(person)) + string(statement)
            + string(signature) + string(receipt) + string(region.sign(receipt).signature))


SAMPLES = {
    "consent": lambda: evidence(consent()),
    "withdrawal": lambda: evidence(withdrawal()),
    "withdrawal erased": lambda: evidence(withdrawal(), scope=2),
    "history erased": lambda: evidence(history(), scope=1),
    "account erased": lambda: evidence(account(), scope=3),
    "order": lambda: evidence(order(), person=REGION, scope=3),
    "move order": lambda: evidence(move_order()),
    "move order, the source erased": lambda: evidence(move_order(), scope=4),
    "move cancel": lambda: evidence(move_cancel()),
    "move acknowledged": lambda: evidence(move_ack()),
}


def verify(folder, *words, key=REGION, **more):
    return subprocess.run(
        [program("DOMICILE_VERIFY", "src/verify/domicile-verify"), "--region-key",
         public(key).hex(), *words], cwd=folder, capture_output=True, timeout=120, **more)


def verify_one(folder, data, *words, key=REGION):
    (folder / "a.domicile-receipt").write_bytes(data)
    return verify(folder, *words, "a.domicile-receipt", key=key)


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_signed_right_is_valid(tmp_path, name):
    done = verify_one(tmp_path, SAMPLES[name]())
    assert done.returncode == 0, done.stdout
    assert b"a.domicile-receipt: valid\n" in done.stdout
    assert b"Proven: " in done.stdout and b"Not proven: " in done.stdout


@pytest.mark.parametrize("name", ["consent", "withdrawal erased", "order"])
def test_every_changed_bit_fails(tmp_path, name):
    """One call for all of them: a file for each bit."""
    whole = SAMPLES[name]()
    names = []
    for bit in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        (tmp_path / str(bit)).write_bytes(changed)
        names.append(str(bit))
    (tmp_path / "whole").write_bytes(whole)
    done = verify(tmp_path, "--json", *names, "whole")
    found = json.loads(done.stdout)["files"]
    assert done.returncode == 1
    assert [file["file"] for file in found if file["valid"]] == ["whole"]
    assert len(found) == len(names) + 1


def test_every_cut_and_an_added_byte_fail(tmp_path):
    whole = SAMPLES["history erased"]()
    for size in range(len(whole)):
        (tmp_path / str(size)).write_bytes(whole[:size])
    (tmp_path / "more").write_bytes(whole + b"\0")
    (tmp_path / "twice").write_bytes(whole + whole)
    done = verify(tmp_path, "--json", *map(str, range(len(whole))), "more", "twice")
    assert done.returncode == 1
    assert not any(file["valid"] for file in json.loads(done.stdout)["files"])


@pytest.mark.parametrize("data, why", [
    (lambda: evidence(consent(), region=STRANGER), "another region's"),
    (lambda: evidence(consent(), region=STRANGER, named=REGION), "not signed by this region"),
    (lambda: evidence(consent(), name="sg"), "made for another region"),
    (lambda: evidence(consent(), signature=STRANGER.sign(consent()).signature),
     "not signed by the key"),
    (lambda: evidence(consent(), scope=2), "did not ask for the erasure"),
    (lambda: evidence(withdrawal(erase=False), scope=2), "did not ask for the erasure"),
    (lambda: evidence(withdrawal(), scope=3), "did not ask for the erasure"),
    (lambda: evidence(history(), scope=3), "did not ask for the erasure"),
    (lambda: evidence(account(), scope=1), "did not ask for the erasure"),
    (lambda: evidence(order(), scope=3), "signed by the region, this is not"),
    (lambda: evidence(account(), person=REGION, scope=3), "what a person has to sign"),
    (lambda: evidence(b"nothing that we know"), "no statement"),
    (lambda: b"", "not evidence"),
    (lambda: b"\xff" * 700000, "larger"),
])
def test_what_does_not_fit_is_told_apart(tmp_path, data, why):
    done = verify_one(tmp_path, data())
    assert done.returncode == 1
    assert b": NOT VALID\n" in done.stdout and why in done.stdout.decode()


def test_receipts_cannot_be_swapped(tmp_path):
    """Each half is signed right, and they do not belong together."""
    def halves(data):
        parts, at = [], 0
        while at < len(data):
            size, = struct.unpack_from(">I", data, at)
            parts.append(data[at:at + 4 + size])
            at += 4 + size
        return parts
    one, other = halves(evidence(consent())), halves(evidence(withdrawal()))
    assert b"".join(one) == evidence(consent())
    done = verify_one(tmp_path, b"".join(one[:4] + other[4:]))
    assert done.returncode == 1 and b"answers another statement" in done.stdout


def test_a_given_statement_key_must_be_the_one(tmp_path):
    mine, other = public(PERSON).hex(), public(STRANGER).hex()
    (tmp_path / "mine.pub").write_text(mine + "\n")
    for words, code in ((["--statement-key", mine], 0), (["--statement-key", other], 1),
                        (["--statement-key", "mine.pub"], 0)):
        done = verify_one(tmp_path, evidence(consent()), *words)
        assert done.returncode == code, done.stdout
    assert verify_one(tmp_path, SAMPLES["order"](), "--statement-key", other).returncode == 0


def test_json_has_what_was_signed(tmp_path):
    done = verify_one(tmp_path, evidence(withdrawal(), scope=2), "--json")
    file, = json.loads(done.stdout)["files"]
    assert file["kind"] == "withdrawal" and file["erase"] is True and file["serial"] == 8
    assert file["account"] == b"Z".hex() * 32 and file["region"] == "in"
    assert file["statement_key"] == public(PERSON).hex()
    assert file["erased"] == {
        "scope": "service", "collections": 1, "items": 2, "revisions": 3, "chunks": 4,
        "bytes": 5, "ended_ms": ENDED, "backups_ms": BACKUPS, "root": "70" * 32}
    done = verify_one(tmp_path, evidence(consent()), "--json")
    file, = json.loads(done.stdout)["files"]
    assert file["purpose"] == "Keep my contacts" and len(file["types"]) == 2
    assert file["terms"] == "77" * 32 and "erased" not in file


def test_moves_are_told_as_well(tmp_path):
    for data, kind, told in (
            (evidence(move_order()), "move-order", 'from the region "in" to "sg"'),
            (evidence(move_cancel()), "move-cancel", "6d" * 16),
            (evidence(move_ack()), "move-ack", "4321 revisions")):
        assert told in verify_one(tmp_path, data).stdout.decode()
        file, = json.loads(verify_one(tmp_path, data, "--json").stdout)["files"]
        assert file["kind"] == kind
    assert file["move"] == "6d" * 16 and file["epoch"] == 2 and file["revisions"] == 4321
    assert file["root"] == "70" * 32


def test_a_terminal_is_not_written_to_by_a_statement(tmp_path):
    purpose = "a\x1b[2Jb\x07c\u009bd\u202ee\u2066f"
    done = verify_one(tmp_path, evidence(consent(purpose)))
    assert done.returncode == 0
    assert "\"a?[2Jb?c?d?e?f\"" in done.stdout.decode()
    assert json.loads(verify_one(tmp_path, evidence(consent(purpose)), "--json").stdout)[
        "files"][0]["purpose"] == purpose


def test_times_beyond_any_calendar_are_shown_as_numbers(tmp_path):
    done = verify_one(tmp_path, evidence(consent(until=2**63 - 1)))
    assert done.returncode == 0 and b"9223372036854775807 ms after 1970" in done.stdout


def test_standard_input_is_a_file_too(tmp_path):
    done = verify(tmp_path, "-", input=evidence(consent()))
    assert done.returncode == 0 and done.stdout.startswith(b"-: valid")


def test_missing_files_are_invalid_and_wrong_calls_are_told(tmp_path):
    done = verify(tmp_path, "none.domicile-receipt")
    assert done.returncode == 1 and b"No such file" in done.stdout
    tool = program("DOMICILE_VERIFY", "src/verify/domicile-verify")
    for words in ([], ["x"], ["--region-key", "12", "x"], ["--region-key", "zz" * 32, "x"],
                  ["--region-key", public(REGION).hex()], ["--nonsense"],
                  ["--region-key", "/dev/null", "x"]):
        done = subprocess.run([tool, *words], capture_output=True, cwd=tmp_path, timeout=20)
        assert done.returncode == 64 and done.stderr and not done.stdout, words


def test_an_answer_that_cannot_be_written_is_no_answer(tmp_path):
    (tmp_path / "a").write_bytes(evidence(consent()))
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [program("DOMICILE_VERIFY", "src/verify/domicile-verify"), "--region-key",
             public(REGION).hex(), "a"], cwd=tmp_path, stdout=full, timeout=20)
    assert done.returncode == 70


def test_the_example_in_the_documentation_can_be_checked_by_hand(tmp_path):
    """docs/statements.md shows it with coreutils and OpenSSL; its commands are run here."""
    text = (ROOT / "docs" / "statements.md").read_text()
    commands = "".join(re.findall(r"```sh\n(.*?)```", text, re.S))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "statements.md").write_text(text)
    tool = program("DOMICILE_VERIFY", "src/verify/domicile-verify")
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", commands], cwd=tmp_path, capture_output=True,
        text=True, timeout=60,
        env=dict(os.environ, PATH=os.path.dirname(tool) + ":" + os.environ["PATH"]))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "example.domicile-receipt").read_bytes() == evidence(
        withdrawal(), scope=2)
    lines = done.stdout.splitlines()
    assert lines[:2] == ["Signature Verified Successfully"] * 2
    assert lines[2].split()[0] == "".join(lines[3:5]).replace(" ", "")
    assert lines[5] == "example.domicile-receipt: valid"


def test_neither_a_network_nor_a_database_is_linked():
    libraries = subprocess.run(
        ["ldd", program("DOMICILE_VERIFY", "src/verify/domicile-verify")],
        capture_output=True, text=True, check=True).stdout
    assert "libsodium" in libraries
    for name in ("curl", "sqlite", "nghttp", "libssl"):
        assert name not in libraries


def post(client, statement):
    """The evidence of what the region answered, and its answer."""
    signature = client.statement_key.sign(statement).signature
    answer = client.post("/domicile/v1/statements/",
                         {"statement": statement, "signature": signature})
    client.serial += 1
    return seal(client, statement, signature, answer["receipt"], answer["signature"]), answer


def seal(client, statement, signature, receipt, receipt_signature):
    return b"".join(map(string, (
        "domicile/evidence/v1", bytes(client.statement_key.verify_key), statement, signature,
        receipt, receipt_signature)))


def test_what_a_region_signs_is_valid_until_the_account_is_gone(region, tmp_path):
    """Everything a running region answers, checked with the key that it shows."""
    client = new_person(region.url)
    key = client.get("/domicile/v1/region/")["publicKey"].hex()
    collection = client.create_collection()
    entry = item()
    client.batch(collection, [entry])
    client.transaction(collection, [item(entry["uid"], etag=entry["content"]["uid"])])

    def check(data, **wanted):
        (tmp_path / "one").write_bytes(data)
        done = subprocess.run(
            [program("DOMICILE_VERIFY", "src/verify/domicile-verify"), "--json",
             "--region-key", key, "--statement-key",
             bytes(client.statement_key.verify_key).hex(), "one"],
            cwd=tmp_path, capture_output=True, timeout=20)
        file, = json.loads(done.stdout)["files"]
        assert done.returncode == 0, file
        assert {name: file[name] for name in wanted} == wanted
        assert file["account"] == client.identity_public.hex()
        return file

    def erased(answer):
        """Without a session: the account may be gone."""
        path = f"/domicile/v1/erasures/{answer['request'].hex()}/"
        client.token = None
        give_up = time.monotonic() + 20
        while (found := client.get(path))["state"] != "erased":
            assert time.monotonic() < give_up, found
            time.sleep(0.02)
        return found["receipt"], found["signature"]

    token = client.token
    for statement in client.get("/domicile/v1/statements/")["statements"]:
        check(seal(client, statement["statement"], statement["signature"],
                   statement["receipt"], statement["receiptSignature"]), kind="consent")
    for make, kind, scope, counts in (
            (lambda: client.statement_head("erasure", "home", "").replace(b"/v2", b"/v1")
             + b"\1" + string(collection) + string(entry["uid"]), "erasure", "item", (0, 0, 1)),
            (lambda: client.statement_head("withdrawal", "home", "any") + b"\1",
             "withdrawal", "service", (1, 2, 2)),
            (lambda: client.statement_head("erasure", "home", "").replace(b"/v2", b"/v1")
             + b"\3" + string("") + string(""), "erasure", "account", (0, 0, 0))):
        client.token = token
        statement = make()
        taken, answer = post(client, statement)
        assert "erased" not in check(taken, kind=kind)
        receipt = erased(answer)
        file = check(seal(client, statement, client.statement_key.sign(statement).signature,
                          *receipt), kind=kind, serial=client.serial)
        assert file["erased"]["scope"] == scope
        assert tuple(file["erased"][name] for name in (
            "collections", "items", "revisions")) == counts
        assert file["erased"]["root"] != "00" * 32
