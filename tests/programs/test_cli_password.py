#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""domicile password: the new one counts, all other devices are out and are told so."""
import json
import re

from cli_device import PASSWORD, Device, contact
from test_cli_life import ask

NEW = "another good password"


def change(device, old=PASSWORD, new=NEW, code=0):
    return device.run("password", password=f"{old}\n{new}", code=code)


def test_the_new_password_counts_and_what_is_stored_stays(region, tmp_path):
    book = tmp_path / "a.vcf"
    book.write_text(contact("Ana"))
    device = Device(tmp_path).signup(region, services=["contacts"])
    device.backup(book)
    assert "all others are logged out" in change(device).stdout
    assert device.backup(book)["services"]["contacts"]["same"] == 1
    other = Device(tmp_path, "laptop")
    other.run("login", "ana", "--server", region.url, password=PASSWORD, code=4)
    other.run("login", "ana", "--server", region.url, password=NEW)
    other.run("restore", tmp_path / "restored")
    assert "FN:Ana" in (tmp_path / "restored" / "contacts.vcf").read_text()
    for content in (device.folder / "state").rglob("*"):
        if content.is_file():
            assert NEW.encode() not in content.read_bytes()


def test_a_device_that_was_shut_out_says_why_and_does_not_try_for_ever(region, tmp_path):
    album = tmp_path / "album"
    album.mkdir()
    for at in range(30):
        (album / f"{at}.txt").write_text(str(at) * 100)
    device = Device(tmp_path).signup(region, services=["files"])
    other = Device(tmp_path, "lost").login(region)
    other.backup(album)
    change(device)
    for words in (["backup", album], ["status"], ["sessions"], ["on", "photos", "--yes"]):
        done = other.run(*words, code=4, timeout=10)
        assert "The password was changed on another device: log in again" in done.stderr
        assert "domicile logout, then domicile login" in done.stderr
    other.run("logout")
    other.run("login", "ana", "--server", region.url, password=NEW)
    assert other.backup(album)["services"]["files"]["same"] == 30
    # A session that was only ended is renewed without a word: the key is still good.
    ended = next(entry["id"] for entry in json.loads(other.run("sessions", "--json").stdout)
                 if not entry["is_this"])
    assert "domicile password" in other.run("sessions", "--revoke", ended).stdout
    device.run("status")


def test_what_is_refused_changes_nothing(region, tmp_path):
    device = Device(tmp_path).signup(region)
    assert "old password is not right" in change(device, old="wrong password", code=4).stderr
    assert "at least 8 characters" in change(device, new="short", code=64).stderr
    assert "is empty" in change(device, new="", code=64).stderr
    assert "is the old one" in change(device, new=PASSWORD, code=64).stderr
    assert "no terminal" in device.run("password", code=64, start_new_session=True).stderr
    region.stop()
    assert "cannot be reached" in change(device, code=5).stderr
    region.start()
    Device(tmp_path, "other").login(region)


def test_it_asks_for_both_without_echo(region, tmp_path):
    device = Device(tmp_path).signup(region)
    old, new = PASSWORD.encode() + b"\n", NEW.encode() + b"\n"
    code, shown, _ = ask(device, ["password"], [
        (rb"until now: $", old), (rb"new password: $", new), (rb"again: $", b"other\n")])
    assert code == 64 and b"differ" in shown
    code, shown, echo = ask(device, ["password"], [
        (rb"until now: $", old), (rb"new password: $", new), (rb"again: $", new)])
    assert code == 0 and echo == [b"echo"]
    assert PASSWORD.encode() not in shown and NEW.encode() not in shown


def test_turning_on_several_is_short_and_one_is_shown_in_full(region, tmp_path):
    device = Device(tmp_path).signup(region)
    said = device.run("on", "contacts", "photos", "messages", "--yes").stdout
    assert re.search(r"^  Readable by +you, on your devices", said, re.M)
    assert said.count("Readable by") == said.count("Kept") == 1
    assert len(said.splitlines()) < 26 and max(map(len, said.splitlines())) <= 80
    for name in ("contacts", "photos", "messages"):
        assert re.search(rf"^  {name} +\w", said, re.M) and f"{name} is on" in said
    one = device.run("on", "files", "--yes").stdout
    assert all(label in one for label in ("Purpose", "Stored", "Why", "Kept", "On until"))
    assert "without it, nothing can be stored" in one


def test_a_changed_password_that_the_device_cannot_keep_is_said(region, tmp_path):
    device = Device(tmp_path).signup(region)
    folder = next((device.folder / "state").glob("ana@*"))
    (folder / "session.new").mkdir()  # where the new session would be written
    done = change(device, code=1)
    assert "The password is changed, but" in done.stderr and "log in again with the new" in done.stderr
    (folder / "session.new").rmdir()
    assert "password was changed" in device.run("password", password=f"{PASSWORD}\n{NEW}x",
                                                code=4).stderr
    device.run("logout")
    device.run("login", "ana", "--server", region.url, password=NEW)
