# SPDX-License-Identifier: AGPL-3.0-or-later
"""Erasing with the real programs: unreadable at once, gone from every file, signed for, and
gone for good when the server is killed on the way or an older backup is restored."""
import json
import os
import pathlib
import random
import shutil
import subprocess
import threading
import time

import pytest

from cli_device import Device, contact, jpeg, tree
from conftest import program
from etebase_client import Client, Refused, item, new_person, string, uid
from lying_server import Liar
from test_ops_domicilectl import ctl
from test_server_push import changes, subscribe, ticket
from websocket_client import NotUpgraded, WebSocket

LARGE = 100_000  # bytes of a chunk that becomes a file


def verify(*files, key, code=0):
    done = subprocess.run(
        [program("DOMICILE_VERIFY", "src/verify/domicile-verify"), "--region-key", str(key),
         *map(str, files)], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout


def pinned_key(device):
    [pinned] = (device.folder / "state").rglob("region.pub")
    return pinned.read_text().strip()


def receipts(device):
    return {path.name: path for path in device.folder.rglob("*.domicile-receipt")}


def export_folder(tmp_path, contacts=3, pictures=2):
    folder = tmp_path / "phone"
    folder.mkdir(exist_ok=True)
    (folder / "contacts.vcf").write_text(
        "".join(contact(f"Name {number}", f"c{number}") for number in range(contacts)))
    for number in range(pictures):
        (folder / f"{number}.jpg").write_bytes(jpeg(number, LARGE))
    return folder


# --- what a person does -----------------------------------------------------


def test_a_service_is_turned_off_and_erased_and_can_be_turned_on_again(region, tmp_path):
    device = Device(tmp_path).signup(region, services=["contacts", "photos"])
    other, away = (Device(tmp_path, name).login(region) for name in ("laptop", "tablet"))
    folder = export_folder(tmp_path)
    device.backup(folder)
    other.run("restore", tmp_path / "before")
    assert away.items() == {"contacts": 3, "photos": 2}
    said = device.run("off", "photos", "--erase").stdout
    assert "photos: erased, and nothing of it is left" in said and "2 records and files" in said
    [receipt] = [path for name, path in receipts(device).items() if name.endswith("-erased"
                 ".domicile-receipt")]
    assert "erased" in verify(receipt, key=pinned_key(device))
    assert device.items() == {"contacts": 3}
    assert other.items() == {"contacts": 3}  # it heard of it
    other.run("restore", tmp_path / "after")
    assert not [name for name in tree(tmp_path / "after") if name.endswith(".jpg")]
    device.run("on", "photos", "--yes")
    (folder / "0.jpg").unlink()
    assert device.backup(folder)["services"]["photos"]["new"] == 1
    # One that heard of nothing in between does not believe that the other one is stored.
    assert away.items() == {"contacts": 3, "photos": 1}
    away.run("restore", tmp_path / "away")
    assert sum(name.endswith(".jpg") for name in tree(tmp_path / "away")) == 1
    assert away.backup(export_folder(tmp_path))["services"]["photos"]["new"] == 1
    assert ctl(region, "fsck").endswith("0 faults\n")


def test_an_account_is_erased_and_only_its_receipt_is_left(region, tmp_path):
    device = Device(tmp_path).signup(region, services=["contacts", "photos"])
    device.backup(export_folder(tmp_path))
    key = pinned_key(device)
    assert "terminal" in device.run("erase", "account", code=64).stderr
    assert "nothing was erased" in device.run("erase", "account", "--yes", "anna", code=64).stderr
    assert device.items() == {"contacts": 3, "photos": 2}
    said = device.run("erase", "account", "--yes", "ana", cwd=tmp_path).stdout
    assert "5 records and files" in said
    assert "account" in verify(tmp_path / "ana.domicile-receipt", key=key)
    assert not list((device.folder / "state").rglob("*"))
    device.run("login", "ana", "--server", region.url, password="a good long password", code=4)
    assert not [path for path in (region.data / "chunks").rglob("*") if path.is_file()]
    assert ctl(region, "user", "list") == ""
    assert "\taccount\terased\t" in ctl(region, "erasures")
    Device(tmp_path, "new").signup(region)  # the name is anybody's again
    assert ctl(region, "fsck").endswith("0 faults\n")


def test_a_receipt_that_was_not_waited_for_is_fetched_later(region, tmp_path):
    device = Device(tmp_path).signup(region, services=["contacts"])
    device.backup(export_folder(tmp_path, pictures=0))
    hold = ReaderOfTheLog(region)
    process = device.start("off", "contacts", "--erase")
    give_up = time.monotonic() + 30
    while "\t" not in ctl(region, "erasures"):
        assert time.monotonic() < give_up
    time.sleep(0.5)  # from the region's having it to its reply
    process.terminate()
    out, err = process.communicate(timeout=20)
    assert "goes on erasing by itself" in err, (out, err)
    hold.close()
    assert "contacts: erased" in device.run("erase", "receipts").stdout
    assert "No receipt is missing" in device.run("erase", "receipts").stdout


def test_a_region_that_goes_away_while_it_erases_is_no_reason_to_worry(region, tmp_path):
    device = Device(tmp_path).signup(region, services=["contacts"])
    device.backup(export_folder(tmp_path, pictures=0))
    hold = ReaderOfTheLog(region)
    process = device.start("off", "contacts", "--erase")
    give_up = time.monotonic() + 30
    while "\t" not in ctl(region, "erasures"):
        assert time.monotonic() < give_up
    time.sleep(0.5)  # from the region's having it to its reply
    region.kill9()
    _, err = process.communicate(timeout=20)
    assert process.returncode == 5 and "cannot be reached" in err, (process.returncode, err)
    assert "goes on erasing by itself" in err and "domicile erase receipts" in err
    hold.close()
    region.start()
    wait_for_receipt(device)


def wait_for_receipt(device):
    give_up = time.monotonic() + 30
    while "contacts: erased" not in device.run("erase", "receipts").stdout:
        assert time.monotonic() < give_up


@pytest.mark.parametrize("words", [["off", "contacts", "--erase"],
                                   ["erase", "account", "--yes", "ana"]])
def test_a_receipt_is_there_also_if_the_regions_answer_was_lost(region, tmp_path, words):
    liar = Liar(region)
    device = Device(tmp_path)
    device.run("signup", "ana", "--server", liar.url, password="a good long password")
    device.run("on", "contacts", "--yes")
    device.backup(export_folder(tmp_path, pictures=0))
    key = pinned_key(device)

    def lose(request, reply):
        if request.kind == "statements":
            reply.raw, reply.after = b"", lambda connection: None

    liar.rule = lose
    process = device.start(*words, cwd=tmp_path)
    out, err = process.communicate(timeout=60)
    liar.rule = lambda request, reply: None
    if words[0] == "off":  # an account's is looked for at once
        assert process.returncode != 0, (out, err)
        assert "contacts: erased" in device.run("erase", "receipts").stdout
        assert "No receipt is missing" in device.run("erase", "receipts").stdout
        [receipt] = [path for name, path in receipts(device).items() if "-erased" in name]
        assert not [name for name in receipts(device) if "-sent" in name]
    else:
        assert process.returncode == 0, (out, err)
        receipt = tmp_path / "ana.domicile-receipt"
    verify(receipt, key=key)
    liar.close()


class ReaderOfTheLog:
    """A snapshot of the database, as a backup that takes its time holds one."""

    def __init__(self, region):
        import sqlite3
        self.connection = sqlite3.connect(f"file:{region.data}/store.sqlite3?mode=ro", uri=True)
        self.connection.execute("BEGIN")
        self.connection.execute("SELECT count(*) FROM item").fetchone()

    def close(self):
        self.connection.close()


def test_earlier_revisions_are_erased_and_the_current_one_stays(region, tmp_path):
    device = Device(tmp_path).signup(region, services=["contacts"])
    folder = tmp_path / "phone"
    folder.mkdir()
    for text in ("first", "second", "third"):
        (folder / "contacts.vcf").write_text(contact("Ana", "c1", note=text))
        device.backup(folder)
    device.run("export", tmp_path / "export", "--history")
    index = json.loads((tmp_path / "export" / "index.json").read_text())
    entry = [file for file in index["files"] if "item" in file][0]
    name = f"{entry['collection']}/{entry['item']}"
    assert "2 revisions" in device.run("erase", "history", name).stdout
    device.run("restore", tmp_path / "restored")
    assert "third" in "".join(text.decode() for text in tree(tmp_path / "restored").values())
    assert "is not COLLECTION/ITEM" in device.run("erase", "history", "Ana", code=64).stderr
    device.run("erase", "history", f"{entry['collection']}/{uid()}", code=1)


# --- others -----------------------------------------------------------------


def test_members_of_a_shared_collection_see_it_as_removed(region):
    ana, bob = new_person(region.url, "ana"), new_person(region.url, "bob")
    collection = shared(ana, bob)
    bob.batch(collection, [item()])
    bob.collections()
    before = bob.stoken
    erase_by_statement(ana, service="any")
    with pytest.raises(Refused) as refused:
        bob.batch(collection, [item()])
    assert refused.value.status == 404
    page = bob.get("/api/v1/collection/", stoken=before)
    assert [row["uid"] for row in page["removedMemberships"]] == [collection]


def shared(ana, bob):
    """A collection of Ana's that Bob is in."""
    collection, invitation = ana.create_collection(), uid()
    ana.post("/api/v1/invitation/outgoing/", {
        "uid": invitation, "version": 1, "accessLevel": 2, "username": "bob",
        "collection": collection, "signedEncryptionKey": os.urandom(80)})
    bob.post(f"/api/v1/invitation/incoming/{invitation}/accept/",
             {"collectionType": os.urandom(72), "encryptionKey": os.urandom(72)})
    return collection


def test_devices_that_wait_hear_of_it_or_are_let_go(region):
    ana, bob = new_person(region.url, "ana"), new_person(region.url, "bob")
    ana.url = bob.url = region.url
    collection = shared(ana, bob)
    alone = ana.create_collection()
    with subscribe(bob, collection) as bobs, subscribe(ana, alone) as anas, \
            changes(bob) as all_bobs, changes(ana) as all_anas:
        for socket_, messages in ((bobs, 1), (anas, 1), (all_bobs, 1), (all_anas, 2)):
            for _ in range(messages):
                socket_.message()
        old = ticket(ana, alone)
        all_old = ana.post("/domicile/v1/changes-ticket/")["ticket"]
        number = erase_by_statement(ana)
        assert bobs.close_code() == 1008
        assert anas.close_code() == 1008
        assert all_anas.close_code() == 1008
        heard = all_bobs.message()  # who stays hears what is gone
        assert (heard["collection"], heard["stoken"]) == (collection, None)
        with WebSocket(region.url, f"/api/v1/ws/{old}/") as late:  # told after the handshake
            assert late.close_code() == 1008
        wait_erased(region, number)
        with pytest.raises(NotUpgraded) as refused:
            WebSocket(region.url, f"/domicile/v1/changes/{all_old}/")
        assert refused.value.status == 403


def test_an_account_that_nobody_has_signed_up_for_is_erased_too(region, tmp_path):
    ctl(region, "user", "add", "later", "--email", "later@example.org")
    before = pathlib.Path.cwd()
    os.chdir(tmp_path)
    try:
        assert "erased: 0 collections" in ctl(region, "user", "erase", "later", "--yes")
    finally:
        os.chdir(before)
    assert ctl(region, "user", "list") == ""


def test_people_who_read_all_the_time_do_not_hold_up_a_receipt(region):
    person = new_person(region.url)
    person.batch(person.create_collection(), [item()])
    readers, stop = [new_person(region.url) for _ in range(6)], threading.Event()

    def read(reader):
        collection = reader.create_collection()
        reader.batch(collection, [item() for _ in range(40)])
        while not stop.is_set():
            reader.items(collection)

    threads = [threading.Thread(target=read, args=[reader]) for reader in readers]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.3)
        assert wait_erased(region, erase_by_statement(person), 15)["receipt"]
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def erase_by_statement(person, service=None, expect=200):
    """Withdraw and erase, or erase the account; the request's number in hex."""
    if service is not None:
        statement = person.statement_head("withdrawal", "home", service) + b"\1"
    else:
        statement = (string("domicile/erasure/v1")
                     + person.statement_head("erasure", "home", "")[4 + 19:]
                     + b"\3" + string("") + string(""))
    reply = person.post("/domicile/v1/statements/", {
        "statement": statement, "signature": person.statement_key.sign(statement).signature})
    person.serial += 1
    return reply["request"].hex()


def wait_erased(region, number, seconds=20):
    asking = Client(region.url)
    give_up = time.monotonic() + seconds
    while (answer := asking.get(f"/domicile/v1/erasures/{number}/"))["state"] != "erased":
        assert time.monotonic() < give_up, answer
        time.sleep(0.01)
    return answer


def test_a_number_that_is_not_known_answers_like_one_that_is_none(region):
    person = new_person(region.url)
    number = erase_by_statement(person, "any")
    assert wait_erased(region, number)["receipt"]
    answers = set()
    for wrong in (os.urandom(32).hex(), number[:-1], number + "00", "x" * 64, ".."):
        with pytest.raises(Refused) as refused:
            Client(region.url).get(f"/domicile/v1/erasures/{wrong}/")
        answers.add((refused.value.status, refused.value.code))
    assert answers == {(404, "does_not_exist")}


def test_an_operator_erases_an_account_with_an_order_that_can_be_checked(region, tmp_path):
    device = Device(tmp_path).signup(region, services=["contacts"])
    device.backup(export_folder(tmp_path, pictures=0))
    key = pinned_key(device)
    here = tmp_path / "here"
    here.mkdir()
    command = [program("DOMICILECTL", "src/daemon/domicilectl"), "-c", str(region.configuration),
               "user", "erase"]

    def run(*words):
        return subprocess.run([*command, *words], cwd=here, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=30, check=False)

    assert run("ana").returncode == 2
    assert "no account of this name" in run("nobody", "--yes").stderr
    assert run("../ana", "--yes").returncode == 1
    done = run("Ana", "--yes")
    assert done.returncode == 0 and "erased: 1 collections" in done.stdout, done
    assert "operator" in verify(here / "Ana.domicile-receipt", key=key)
    device.run("status", code=4)
    assert "is there already" in run("Ana", "--yes").stderr


# --- every byte -------------------------------------------------------------


class Markers:
    """Random words, planted wherever a client can put something."""

    def __init__(self, count, seed=1):
        self.random = random.Random(seed)
        self.words = []
        self.left = count

    def word(self, size=32):
        alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
        self.words.append("".join(self.random.choice(alphabet) for _ in range(size)))
        self.left -= 1
        return self.words[-1]

    def found(self, *places):
        """How often one of them stands in a raw file, or in a file's name."""
        wanted = [word.encode() for word in self.words]
        count = 0
        for place in map(pathlib.Path, places):
            for path in [place] if place.is_file() else place.rglob("*"):
                count += sum(word in str(path).encode() for word in wanted)
                if path.is_file():
                    content = path.read_bytes()
                    count += sum(word in content for word in wanted)
        return count


def plant(region, person, markers, service_type):
    """Collections, items, revisions, small and large chunks, all of markers."""
    kept = []
    while markers.left > 0:
        collection = person.create_collection(
            collection_type=service_type, meta=markers.word().encode())
        rows = []
        for _ in range(5):
            pieces = []
            for size in (40, 5000, LARGE):
                chunk_uid, content = markers.word(), markers.word().encode()
                content += os.urandom(size)
                person.put_chunk(collection, chunk_uid, content)
                pieces.append((chunk_uid, None))
            rows.append(item(markers.word(), meta=markers.word().encode(), chunks=pieces))
        person.batch(collection, rows)
        again = [item(row["uid"], meta=markers.word().encode(), etag=row["content"]["uid"])
                 for row in rows]
        person.batch(collection, again)
        kept.append(collection)
    return kept


def test_no_byte_of_what_was_erased_is_left_in_any_file(make_region, tmp_path):
    region = make_region(settings={"log": tmp_path / "requests.log"})
    places = [region.folder, tmp_path / "requests.log"]
    markers, stays = Markers(400), Markers(60, seed=2)
    staying = new_person(region.url, "bob")
    plant(region, staying, stays, os.urandom(40))
    name = "mark" + markers.word(24)
    person = Client(region.url)
    person.signup(name, email=f"{markers.word(20)}@example.org", device=markers.word(20))
    person.consent("any")
    plant(region, person, markers, markers.word().encode())
    assert markers.found(*places) > len(markers.words) / 2  # they are in there
    markers.words += [bytes(person.identity_public).hex()]
    number = erase_by_statement(person)
    with pytest.raises(Refused) as refused:
        person.collections()
    assert refused.value.status == 401
    wait_erased(region, number, 60)
    assert markers.found(*places) == 0
    assert not any(bytes(secret) in path.read_bytes()
                   for secret in (person.identity_public, person.login_key.verify_key)
                   for path in region.folder.rglob("*") if path.is_file())
    assert stays.found(*places) > len(stays.words) / 2
    assert ctl(region, "fsck").endswith("0 faults\n")


# --- crashes ----------------------------------------------------------------


def test_a_server_that_is_killed_again_and_again_erases_to_the_end(region):
    people = [new_person(region.url) for _ in range(4)]
    for person in people:
        collection = person.create_collection()
        for _ in range(4):
            chunks = [(uid(), os.urandom(60_000)) for _ in range(10)]
            for chunk_uid, content in chunks:
                person.put_chunk(collection, chunk_uid, content)
            person.batch(collection, [item(chunks=[(one, None)]) for one, _ in chunks])
    pauses = random.Random(20261121)
    numbers = []
    for turn, person in enumerate(people):
        person.close()  # the server was killed in between
        numbers.append(erase_by_statement(person, None if turn % 2 else "any"))
        for _ in range(5):
            time.sleep(pauses.random() * 0.05)
            region.kill9()
            region.start()
    for number in numbers:
        answer = wait_erased(region, number)
        assert answer["receipt"] and answer["items"] == 41
        assert answer["chunks"] == 40
    assert not [path for path in (region.data / "chunks").rglob("*") if path.is_file()]
    assert ctl(region, "fsck").endswith("0 faults\n")
    assert len(ctl(region, "erasures").splitlines()) == len(numbers)


# --- an older backup --------------------------------------------------------


def restore(region, backup, *words, code=0):
    region.stop()
    said = ctl(region, "restore", backup, *words, code=code)
    if code == 0:
        region.start()
    return said


def test_what_was_erased_and_withdrawn_stays_so_when_an_older_backup_is_restored(
        make_region, tmp_path):
    region = make_region(settings={"erasure_journal": tmp_path / "apart.journal"})
    erased, withdrawn, stays = (new_person(region.url, name) for name in ("ana", "bob", "cyd"))
    collections = {}
    for person in (erased, withdrawn, stays):
        collections[person] = person.create_collection()
        person.batch(collections[person], [item()])
    ctl(region, "backup", tmp_path / "backup", "--with-key")
    number = erase_by_statement(erased)
    wait_erased(region, number)
    withdrawn.withdraw("any")
    time.sleep(0.2)  # until it is in the journal
    region.stop()
    shutil.rmtree(region.data)
    said = ctl(region, "restore", tmp_path / "backup")
    assert "2 erasures and withdrawals" in said
    assert ctl(region, "fsck").endswith("0 faults\n")  # without a server, it is done
    region.start()
    assert wait_erased(region, number)["items"] == 2
    with pytest.raises(Refused):
        Client(region.url).login("ana", erased.login_key)
    for person, code in ((withdrawn, "consent_required"), (stays, None)):
        again = Client(region.url)
        again.login(person.name, person.login_key)
        assert len(again.items(collections[person])) == 1
        if code is None:
            again.batch(collections[person], [item()])
            continue
        with pytest.raises(Refused) as refused:
            again.batch(collections[person], [item()])
        assert refused.value.code == code


def test_a_restore_asks_for_the_journal_and_says_what_is_without_it(region, tmp_path):
    person, other = new_person(region.url, "ana"), new_person(region.url, "bob")
    ctl(region, "backup", tmp_path / "backup", "--with-key")
    wait_erased(region, erase_by_statement(other))
    ctl(region, "backup", tmp_path / "later", "--with-key")  # it knows one entry
    wait_erased(region, erase_by_statement(person))
    region.stop()
    journal = tmp_path / "saved.journal"
    shutil.copy(region.data / "erasures.journal", journal)
    shutil.rmtree(region.data)
    assert "--without-journal" in ctl(region, "restore", tmp_path / "backup", code=2)
    assert not (region.data / "store.sqlite3").exists()
    said = ctl(region, "restore", tmp_path / "backup", "--journal", journal)
    assert "2 erasures" in said
    region.start()
    assert ctl(region, "user", "list") == ""
    region.stop()
    shutil.rmtree(region.data)
    said = ctl(region, "restore", tmp_path / "backup", "--without-journal")
    assert "is back" in said
    region.start()
    assert ctl(region, "user", "list").startswith("ana\t")
    # What the new journal holds is news to every backup of before.
    again = Client(region.url)
    again.login("ana", person.login_key)
    again.statement_key, again.serial = person.statement_key, person.serial - 1
    wait_erased(region, erase_by_statement(again))
    region.stop()
    shutil.copy(region.data / "erasures.journal", tmp_path / "new.journal")
    shutil.rmtree(region.data)
    said = ctl(region, "restore", tmp_path / "later", "--journal", tmp_path / "new.journal")
    assert "1 erasures" in said
    region.start()
    assert ctl(region, "user", "list") == ""


def test_a_backup_is_pointed_out_where_receipts_say_that_none_are_made(make_region, tmp_path):
    for keep, told in (("none", True), ("P30D", False)):
        region = make_region(settings={"backup_keep": keep})
        for state in ("running", "stopped"):
            done = subprocess.run(
                [program("DOMICILECTL", "src/daemon/domicilectl"), "-c", region.configuration,
                 "backup", tmp_path / f"{keep}-{state}"],
                capture_output=True, text=True, timeout=60, check=True)
            assert done.stdout.startswith("backup: ")
            assert ("say that it makes no backups" in done.stderr) == told, done.stderr
            region.stop()


def test_a_journal_that_is_damaged_or_too_short_is_refused_in_words(region, domiciled):
    journal = region.data / "erasures.journal"
    for _ in range(25):
        person = new_person(region.url)
        wait_erased(region, erase_by_statement(person))
    region.stop()
    whole = journal.read_bytes()
    for wrong, words in ((whole[:-192], "the store has seen"),
                         (whole[:400] + b"\xff" + whole[401:], "is damaged at entry"),
                         (b"", "is not one"), (b"x" * 1000, "is not one")):
        journal.write_bytes(wrong)
        said = domiciled("-c", region.configuration)
        assert said.returncode == 1 and words in said.stderr, said.stderr
    journal.unlink()
    assert "is missing" in domiciled("-c", region.configuration).stderr
    journal.write_bytes(whole + b"torn")
    region.start()
    assert journal.read_bytes() == whole
    assert "cut short" in region.log


def test_a_backup_that_runs_while_people_erase_is_complete(region, tmp_path):
    people = [new_person(region.url) for _ in range(6)]
    for person in people:
        collection = person.create_collection()
        chunks = [(uid(), os.urandom(LARGE)) for _ in range(8)]
        for chunk_uid, content in chunks:
            person.put_chunk(collection, chunk_uid, content)
        person.batch(collection, [item(chunks=[(one, None)]) for one, _ in chunks])
    numbers = []
    eraser = threading.Thread(
        target=lambda: numbers.extend(erase_by_statement(person, "any") for person in people))
    eraser.start()
    said = ctl(region, "backup", tmp_path / "backup", "--with-key")
    eraser.join()
    assert "lost" not in said
    for number in numbers:
        wait_erased(region, number)
    assert not [path for path in (region.data / "chunks").rglob("*") if path.is_file()]


# --- the region's time ------------------------------------------------------


def test_the_regions_time_is_shown_and_confirmed(region):
    shown = dict(line.split(" ", 1) for line in ctl(region, "clock").splitlines())
    assert -1 <= int(shown["behind_seconds"]) < 60
    assert "is now" in ctl(region, "clock", "confirm")
    shown = dict(line.split(" ", 1) for line in ctl(region, "clock").splitlines())
    assert int(shown["behind_seconds"]) in (0, 1)
