# SPDX-License-Identifier: AGPL-3.0-or-later
"""Consent from a person's side: what is shown, agreed to, changed, withdrawn and kept."""
import fcntl
import json
import os
import pty
import re
import select
import subprocess
import termios
import threading
import time

import pytest
from cli_device import Device, contact, jpeg, sms, smses
from conftest import ROOT, program
from etebase_client import Client, Refused, clock_of, item, new_person, revision
from test_interop import Device as Interop
from test_interop import TYPE, node

SHIPPED = json.loads((ROOT / "packaging" / "services.json").read_text())


@pytest.fixture
def phone(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "contacts.vcf").write_text(contact("Ana Prime", uid="u1") + contact("Ben", uid="u2"))
    (folder / "sms.xml").write_text(smses([sms(1, "hello there"), sms(2, "two")]))
    (folder / "picture.jpg").write_bytes(jpeg(1))
    return folder


def serve(region, change=None):
    """Restart the region with a catalogue of its own; change(entries by name)."""
    catalogue = json.loads(json.dumps(SHIPPED))
    if change is not None:
        change({entry["name"]: entry for entry in catalogue["services"]})
    path = region.folder / "services.json"
    path.write_text(json.dumps(catalogue, indent=1))
    region.stop()
    region.settings["catalogue"] = str(path)
    region.start()


def new_terms(entries):
    entries["contacts"].update(version=2, since="2026-12-24", purpose="Count your contacts.")


def answer(device, words, *answers):
    """Run with a terminal to ask on, and answer its questions; code and what was shown."""
    main, other = pty.openpty()
    process = subprocess.Popen(
        [device.program, *words], env={**device.environment, "TERM": "dumb"}, stdin=other,
        stdout=other, stderr=other, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(other)
    shown, waiting = b"", list(answers)
    while select.select([main], [], [], 20)[0]:
        try:
            got = os.read(main, 4096)
        except OSError:
            break
        if not got:
            break
        shown += got
        if waiting and re.search(waiting[0][0].encode(), shown):
            os.write(main, waiting.pop(0)[1])
    os.close(main)
    assert not waiting, shown.decode()
    return process.wait(20), shown.decode().replace("\r\n", "\n")


# --- the catalogue ------------------------------------------------------------------


def test_services_lists_what_the_region_offers_and_what_is_on(region, tmp_path):
    device = Device(tmp_path).signup(region, services=("contacts",))
    lines = {line.split()[0]: line for line in device.run("services").stdout.splitlines() if line}
    assert re.fullmatch("contacts +on +your address book", lines["contacts"])
    assert re.fullmatch("photos +off +your photos and videos", lines["photos"])
    whole = device.run("services", "photos").stdout
    assert "Keep a copy of your photos" in whole and "version 1, since 2026-11-21" in whole
    said = json.loads(device.run("services", "--json").stdout)["services"]
    assert [entry["name"] for entry in said] == [entry["name"] for entry in SHIPPED["services"]]
    assert {entry["name"]: entry["state"] for entry in said}["contacts"] == "on"
    assert "did you mean photos?" in device.run("services", "photo", code=64).stderr


def refused_start(region):
    """What it says when it does not start."""
    before = len(region.log)
    with pytest.raises(AssertionError):
        region.start()
    region.process = None
    said = region.log[before:]
    assert "services.json" in said
    return said


def test_a_catalogue_that_is_wrong_stops_the_start_with_its_place(region, tmp_path):
    region.stop()
    path = region.folder / "services.json"
    region.settings["catalogue"] = str(path)
    for text, said in (("{\n\n,}", "line 3"), ("{}", '"format" must be'),
                       (json.dumps({**SHIPPED, "extra": 1}), 'unknown key "extra"')):
        path.write_text(text)
        assert said in refused_start(region)
    path.unlink()
    assert "No such file" in refused_start(region)


def test_on_shows_the_entry_and_the_first_record_that_would_be_sent(region, tmp_path, phone):
    device = Device(tmp_path).signup(region)
    shown = device.run("on", "contacts", "messages", "photos", "--sample", phone, code=64).stdout
    assert "contacts.vcf:1" in shown and "| FN:Ana Prime" in shown and "Ben" not in shown
    message = "".join(line[6:] for line in shown.splitlines() if line.startswith("    | "))
    assert 'body="hello there"' in message and 'body="two"' not in message
    assert re.search(r"First of them +picture.jpg, all of its 2\d(\.\d)? kB", shown)
    assert "--sample FOLDER shows it" in device.run("on", "contacts", code=64).stdout
    # What a backup found is shown without being named again.
    device.run("backup", phone, code=3)
    assert "| FN:Ana Prime" in device.run("on", "contacts", code=64).stdout
    (phone / "contacts.vcf").write_text("BEGIN:VCARD\r\nFN:\x1b[31mX\r\nEND:VCARD\r\n")
    assert "\x1b" not in device.run("on", "contacts", code=64).stdout
    device.run("on", "contacts", "--sample", tmp_path / "nowhere", code=1)


# --- changed terms -----------------------------------------------------------------


def test_changed_terms_turn_a_service_off_on_every_device_until_asked_again(
        region, tmp_path, phone):
    device = Device(tmp_path).signup(region, services=("contacts", "messages"))
    other = Device(tmp_path, "tablet").login(region)
    device.backup(phone)
    serve(region, new_terms)
    (phone / "contacts.vcf").write_text(contact("New", uid="u3"))
    for who in (device, other):
        assert who.status()["services"]["contacts"]["state"] == "changed"
        assert not who.status()["services"]["contacts"]["on"]
        for words in (("status",), ("services",)):
            assert "off until you agree again: domicile on contacts" in who.run(*words).stdout
        said = who.backup(phone)["services"]
        assert (said["contacts"]["not_sent"], said["messages"]["same"]) == (1, 2)
    assert "off until you agree again" in device.run("backup", phone).stdout
    shown = other.run("on", "contacts", "--yes").stdout
    assert "Count your contacts." in shown
    assert device.backup(phone)["services"]["contacts"]["new"] == 1
    # What is no part of the terms asks nobody again.
    serve(region, lambda entries: (new_terms(entries), entries["contacts"].update(version=3)))
    assert device.status()["services"]["contacts"]["on"]
    serve(region, lambda entries: entries["contacts"].update(name="people"))
    assert device.status()["services"]["contacts"]["state"] == "gone"
    assert "does not offer contacts" in device.run("on", "contacts", "--yes", code=3).stderr


@pytest.mark.long
def test_the_npm_client_shows_why_and_may_delete(region, tmp_path):
    session, device = tmp_path / "session", Interop(tmp_path / "device")
    node("signup", region.url, "dora", session)
    device.enter("login", region, "dora")
    device.run("consent", "contacts", TYPE)
    collection = node("make", session, TYPE)
    (tmp_path / "source").write_bytes(b"content")
    uid = node("put", session, collection, "one", tmp_path / "source")
    serve(region, new_terms)
    refused = node("put", session, collection, "two", tmp_path / "source", code=3)
    assert refused["error"] == "PermissionDeniedError"
    assert "contacts" in refused["message"] and "changed on 2026-12-24" in refused["message"]
    assert "nothing was stored" in refused["message"]
    node("delete", session, collection, uid)
    device.run("consent", "contacts", TYPE)
    node("put", session, collection, "two", tmp_path / "source")


# --- withdrawing ---------------------------------------------------------------------


def test_off_says_that_any_still_covers_it(region, tmp_path, phone):
    device = Device(tmp_path).signup(region, services=("contacts", "any"))
    done = device.run("off", "contacts", code=1, start_new_session=True)
    assert "contacts is off" in done.stdout
    assert "Nothing new is stored" not in done.stdout
    assert '"any" is on and covers this too' in done.stderr and "domicile off any" in done.stderr
    assert device.status()["services"]["contacts"]["state"] == "any"
    assert re.search("^contacts +any ", device.run("status").stdout, re.M)
    assert "stored, because \"any\" is on" in device.run("services").stdout
    device.run("on", "contacts", "--yes")
    assert "What is stored stays" in device.run("off", "contacts", "any").stdout
    assert not any(entry["on"] for entry in device.status()["services"].values())
    device.run("on", "contacts", "any", "--yes")
    code, shown = answer(device, ["off", "contacts"], (r"brought back.*\] ", b"n\n"),
                         (r"Turn any off too.*\] ", b"y\n"))
    assert code == 0 and "any is off" in shown
    assert not any(entry["on"] for entry in device.status()["services"].values())


def test_withdrawing_takes_no_more_answers_than_giving(region, tmp_path):
    device = Device(tmp_path).signup(region)
    code, shown = answer(device, ["on", "contacts"], (r"Turn this on.*\] ", b"y\n"))
    assert code == 0 and "contacts is on" in shown
    code, shown = answer(device, ["off", "contacts"], (r"brought back.*\] ", b"n\n"))
    assert code == 0 and "contacts is off" in shown
    device.run("off", "contacts", "--keep", "--erase", code=64)


def test_after_the_withdrawal_nothing_more_is_accepted(region, tmp_path):
    """Writers race a withdrawal: the account's clock decides, and nothing comes after it."""
    for _ in range(3):
        person = new_person(region.url)
        collection = person.create_collection()
        accepted, stop = [], threading.Event()

        def write(person=person, collection=collection, accepted=accepted, stop=stop):
            mine = Client(region.url)
            mine.token = person.token
            while not stop.is_set():
                try:
                    mine.batch(collection, [item()])
                except Refused as refused:
                    assert (refused.status, refused.code) == (403, "consent_required")
                    return
                accepted.append(clock_of(mine.position))

        writers = [threading.Thread(target=write) for _ in range(4)]
        for writer in writers:
            writer.start()
        time.sleep(0.15)
        person.withdraw()
        withdrawn = clock_of(person.position)
        for writer in writers:
            writer.join(20)
            assert not writer.is_alive(), "it was never refused"
        stop.set()
        assert len(accepted) > 10
        assert max(accepted) < withdrawn
        # What was accepted is there, and nothing else.
        assert len(person.items(collection)) == len(accepted)


# --- the history ----------------------------------------------------------------------


def test_consents_are_listed_checked_and_exported(region, tmp_path):
    device = Device(tmp_path).signup(region)
    device.run("on", "contacts", "--for", "90d", "--yes")
    device.run("off", "contacts", "--keep")
    device.run("on", "photos", "--yes")
    serve(region, lambda entries: entries["photos"].update(dataClasses=["pixels"]))
    listed = device.run("consents").stdout
    assert re.search(r"^ +1 .* contacts on, terms version 1, until ", listed, re.M)
    assert re.search(r"^ +2 .* contacts off, what was stored is kept$", listed, re.M)
    said = json.loads(device.run("consents", "--json").stdout)["statements"]
    assert [entry["kind"] for entry in said] == ["consent", "withdrawal", "consent"]
    assert all(entry["receipt"] for entry in said)

    native = tmp_path / "native"
    device.run("consents", "export", native)
    assert sorted(path.name for path in native.iterdir()) == [
        "000001-consent-contacts.domicile-receipt",
        "000002-withdrawal-contacts.domicile-receipt",
        "000003-consent-photos.domicile-receipt", "catalogue.json", "region.pub"]
    # The device kept what it was shown; the terms of today are beside the export.
    shown = json.loads(next(device.folder.rglob("000003-*.catalogue.json")).read_text())
    assert shown == SHIPPED != json.loads((native / "catalogue.json").read_text())
    verify = program("DOMICILE_VERIFY", "src/verify/domicile-verify")
    files = sorted(map(str, native.glob("*.domicile-receipt")))
    done = subprocess.run([verify, "--region-key", native / "region.pub", *files], text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    kept = sorted(path.name for path in device.folder.rglob("*.domicile-receipt"))
    assert kept == [path.name for path in sorted(native.glob("*.domicile-receipt"))]
    assert "is not empty" in device.run("consents", "export", native, code=1).stderr
    device.run("consents", "export", tmp_path / "x", "--format", "kantra", code=64)

    device.run("consents", "export", tmp_path / "kantara", "--format", "kantara")
    records = [json.loads(path.read_text())
               for path in sorted((tmp_path / "kantara").iterdir())]
    assert [record["services"][0]["service"] for record in records] == ["contacts", "photos"]
    for record in records:
        # Every field that Consent Receipt 1.1 asks for, and of the right kind.
        assert record["version"] == "KI-CR-v1.1.0" and isinstance(record["consentTimestamp"], int)
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
                            record["consentReceiptID"])
        for key in ("jurisdiction", "collectionMethod", "publicKey", "language",
                    "piiPrincipalId"):
            assert isinstance(record[key], str) and record[key], key
        assert record["policyUrl"].endswith("/domicile/v1/catalogue/")
        [controller] = record["piiControllers"]
        assert controller["piiController"] == "home" and controller["onBehalf"] is False
        [purpose] = record["services"][0]["purposes"]
        assert purpose["consentType"] == "EXPLICIT" and purpose["thirdPartyDisclosure"] is False
        assert record["sensitive"] is False and record["spiCat"] == []
    purposes = [record["services"][0]["purposes"][0] for record in records]
    assert "phone numbers" in purposes[0]["piiCategory"] and "; ends on 2" in purposes[0]["termination"]
    # The photos' terms are others now: what was agreed to then is not made up.
    assert purposes[1]["piiCategory"] == [] and "photos" in purposes[1]["purpose"]

    device.run("consents", "export", tmp_path / "iso", "--format", "iso27560")
    records = [json.loads(path.read_text()) for path in sorted((tmp_path / "iso").iterdir())]
    assert [event["event_state"] for event in records[0]["consent_events"]] == [
        "consent given", "withdrawn or replaced"]
    assert len(records[1]["consent_events"]) == 1
    assert records[0]["record_header"]["schema_version"] == "ISO/IEC TS 27560:2023"
    assert {party["party_type"] for party in records[0]["party_identification"]} == {
        "pii_controller", "pii_principal"}
    assert records[0]["pii_processing"]["purposes"][0]["lawful_basis"] == "consent"


def test_deleting_needs_no_consent_over_the_wire(region):
    person = new_person(region.url)
    collection = person.create_collection()
    kept = item()
    person.batch(collection, [kept])
    person.withdraw()
    with pytest.raises(Refused):
        person.batch(collection, [item()])
    gone = {**kept, "content": revision(deleted=True)}
    person.batch(collection, [gone])
    assert [row["content"]["deleted"] for row in person.items(collection)] == [True]
    with pytest.raises(Refused) as refused:
        person.batch(collection, [{**kept, "content": revision(deleted=True)}])
    assert refused.value.code == "consent_required"
