#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""domicile end to end: a phone's data goes in, only what is on, and comes back."""
import json
import os
import pty
import re
import select
import subprocess
import termios
import time

import pytest
from cli_device import PASSWORD, ROOT, Device, contact, jpeg, sms, smses, tree


@pytest.fixture
def phone(tmp_path):
    """A small export with one of each kind."""
    folder = tmp_path / "phone"
    (folder / "photos" / "2024").mkdir(parents=True)
    (folder / "contacts.vcf").write_text(
        contact("Ana", uid="u1") + contact("Ben") + contact("Ben", note="another Ben"), newline="")
    (folder / "messages.xml").write_text(smses([sms(1, "one"), sms(2, "two"), sms(2, "two")]))
    (folder / "cal.ics").write_text(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:e1\r\n"
        "SUMMARY:Lunch\r\nEND:VEVENT\r\nBEGIN:VTODO\r\nUID:t1\r\nSUMMARY:Buy\r\nEND:VTODO\r\n"
        "END:VCALENDAR\r\n", newline="")
    for at in range(3):
        path = folder / "photos" / "2024" / f"IMG_{at}.jpg"
        path.write_bytes(jpeg(at))
        os.utime(path, (1700000000 + at, 1700000000 + at))
    (folder / "notes, été.txt").write_text("a file")
    (folder / "empty").write_bytes(b"")
    return folder


ALL = ("contacts", "calendar", "tasks", "messages", "calls", "photos", "files")


def test_everything_comes_back_on_another_device(region, tmp_path, phone):
    device = Device(tmp_path).signup(region, services=ALL)
    done = device.run("backup", phone)
    assert re.search(r"^contacts +3 read: 3 new$", done.stdout, re.M)
    assert re.search(r"^messages +3 read: 2 new, 1 the same twice$", done.stdout, re.M)
    assert re.search(r"^files +2 read: 2 new$", done.stdout, re.M)
    other = Device(tmp_path, "laptop").login(region)
    restored = tmp_path / "restored"
    said = other.run("restore", restored).stdout
    assert "restored  7 items and 5 files" in said
    compared = subprocess.run([ROOT / "tools/compare-exports", phone, restored],
                              capture_output=True, text=True, check=False)
    assert compared.stdout == "7 items and 5 files, all identical\n"
    photo = restored / "photos" / "2024" / "IMG_2.jpg"
    assert photo.stat().st_mtime == 1700000002
    assert not [name for name in tree(restored) if ".domicile" in name]
    assert "everything is what was stored" in other.run("verify").stdout
    assert other.run("verify", "--service", "contacts").stdout.count("contacts") == 1


def test_while_everything_is_off_nothing_is_sent(region, tmp_path, phone):
    device = Device(tmp_path).signup(region)
    done = device.run("backup", phone, code=3)
    assert "nothing was sent" in done.stderr
    assert "messages is off: 3 messages were not sent. To keep them: domicile on messages" \
        in done.stdout
    assert "tasks is off: 1 task was not sent. To keep it: domicile on tasks" in done.stdout
    assert device.items() == {}
    assert device.status()["last_backup_ms"] is None


def test_only_what_is_on_is_sent(region, tmp_path, phone):
    device = Device(tmp_path).signup(region, services=["photos"])
    found = device.backup(phone)
    assert found["services"]["photos"]["new"] == 3
    assert found["services"]["contacts"] == {
        "on": False, "done": True, "read": 3, "not_sent": 3, "damaged": 0,
        "new": 0, "changed": 0, "same": 0, "duplicate": 0}
    assert device.items() == {"photos": 3}
    device.run("off", "photos")
    (phone / "photos" / "new.jpg").write_bytes(jpeg(99))
    device.run("backup", phone, code=3)
    assert device.items() == {"photos": 3}
    # What is stored stays, and can be restored although it is off.
    Device(tmp_path, "laptop").login(region).run("restore", tmp_path / "restored")
    assert len(tree(tmp_path / "restored")) == 3


def test_the_same_again_sends_nothing_and_an_edit_only_itself(region, tmp_path, phone):
    device = Device(tmp_path).signup(region, services=ALL)
    device.backup(phone)
    again = device.backup(phone)
    assert again["figures"]["requests"] <= 2
    assert all(part["new"] == part["changed"] == 0 for part in again["services"].values())
    assert again["services"]["contacts"]["same"] == 3
    book = phone / "contacts.vcf"
    book.write_bytes(book.read_bytes().replace(b"NOTE:another Ben", b"NOTE:the other Ben"))
    photo = phone / "photos" / "2024" / "IMG_1.jpg"
    photo.write_bytes(jpeg(1001))
    edited = device.backup(phone)
    counts = {name: (part["new"], part["changed"]) for name, part in edited["services"].items()
              if part["new"] or part["changed"]}
    assert counts == {"contacts": (0, 1), "photos": (0, 1)}
    assert edited["figures"]["sent_bytes"] < 60000
    assert device.items()["contacts"] == 3


def test_a_dry_run_sends_nothing(region, tmp_path, phone):
    device = Device(tmp_path).signup(region, services=ALL)
    said = device.run("backup", "--dry-run", phone).stdout
    assert "contacts  3 read: would be compared" in said
    assert device.items() == {}


def test_a_consent_that_ended_is_off(region, tmp_path, phone):
    device = Device(tmp_path).signup(region)
    device.run("on", "photos", "--for", "2h", "--yes")
    until = device.status()["services"]["photos"]["until_ms"]
    assert 1.9 < (until / 1000 - time.time()) / 3600 < 2.01
    device.run("on", "photos", "--until", "2001-01-01", "--yes", code=64)
    device.run("on", "photos", "--for", "soon", "--yes", code=64)


def test_turning_on_shows_what_it_means_and_needs_a_yes(region, tmp_path):
    device = Device(tmp_path).signup(region)
    done = device.run("on", "contacts", "messages", code=64)
    for word in ("Purpose", "Stored", "Readable by", "Kept", "Region"):
        assert done.stdout.count(word) == 2
    assert "nothing was turned on" in done.stderr
    assert not device.status()["services"]["contacts"]["on"]
    device.run("on", "contacts", "--yes")
    assert device.status()["services"]["contacts"]["on"]
    assert "contacts was off already" not in device.run("off", "contacts").stdout
    assert "contacts was off already" in device.run("off", "contacts").stdout


def test_wrong_words_get_a_suggestion(region, tmp_path):
    device = Device(tmp_path)
    assert "did you mean backup?" in device.run("bakcup", code=64).stderr
    assert "did you mean --server?" in device.run("login", "ana", "--sever", "x", code=64).stderr
    device.signup(region)
    assert "did you mean contacts?" in device.run("on", "contcats", "--yes", code=64).stderr
    assert "did you mean photos?" in device.run("verify", "--service", "photo", code=64).stderr
    assert "needs more" in device.run("backup", code=64).stderr


def test_every_command_has_help_with_examples(tmp_path):
    device = Device(tmp_path)
    overview = device.run("help").stdout
    commands = re.findall(r"^  ([a-z]+) {2,}(\S.*)$", overview.split("\n\n")[2], re.MULTILINE)
    assert {"signup", "invitations", "move", "help"} < {name for name, _ in commands}
    for command, summary in commands[:-1]:
        said = device.run(command, "--help").stdout
        assert said.startswith(f"domicile {command}: {summary}\n\nusage: domicile {command}")
        assert "examples:\n  domicile" in said
        assert device.run("help", command).stdout == said
    assert device.run("help", "help").stdout == overview


def test_login_knows_no_options_of_signup(tmp_path):
    device = Device(tmp_path)
    for option in ("--email", "--invitation"):
        refused = device.run("login", "ana", "--server", "http://127.0.0.1:1", option, "x", code=64)
        assert f"no option {option}" in refused.stderr
        assert option not in device.run("help", "login").stdout


def test_the_password_is_in_no_argument_and_in_no_file(region, tmp_path):
    device = Device(tmp_path)
    refused = device.run("signup", "ana", "--server", region.url, "--password", "geheim-wort",
                         code=64)
    assert "--password-fd" in refused.stderr and "geheim-wort" not in refused.stderr
    device.signup(region)
    for content in tree(tmp_path).values():
        assert PASSWORD.encode() not in content
    for path in (device.folder / "state").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_weak_and_empty_passwords_are_refused_with_the_reason(region, tmp_path):
    device = Device(tmp_path)
    for weak in ("", "seven77"):
        done = device.run("signup", "ana", "--server", region.url, password=weak, code=64)
    assert "at least 8 characters" in done.stderr and "guessed" in done.stderr
    device.run("signup", "ana", "--server", region.url, password="äöüßéèêë")


def ask(device, words, answers):
    """Run on a terminal of its own; answers follow each prompt (None: Ctrl-C).

    Answers the exit code, what was shown, and the terminal's settings behind it.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        script = 'trap : INT; "$@"; code=$?; echo; stty -a; exit $code'
        os.execve("/bin/sh", ["sh", "-c", script, "sh", device.program, *words],
                  device.environment)
    shown, give_up = b"", time.monotonic() + 20
    answers = list(answers)
    while time.monotonic() < give_up:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        shown += data
        if answers and re.search(answers[0][0], shown.split(b"\x00")[-1]):
            if answers[0][1] is None:
                assert not termios.tcgetattr(terminal)[3] & termios.ECHO
                os.write(terminal, b"\x03")
            else:
                os.write(terminal, answers[0][1])
            answers.pop(0)
            shown += b"\x00"
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code, shown, re.findall(rb"-?\becho\b", shown.split(b"speed ")[-1])


def test_passwords_are_asked_for_without_echo(region, tmp_path):
    device = Device(tmp_path)
    words = ["signup", "ana", "--server", region.url]
    secret = PASSWORD.encode() + b"\n"
    code, shown, _ = ask(device, words, [(rb"Password: $", secret), (rb"again: $", b"other\n")])
    assert code == 64 and b"differ" in shown
    code, shown, _ = ask(device, words, [(rb"Password: $", secret), (rb"again: $", secret)])
    assert code == 0 and PASSWORD.encode() not in shown
    code, shown, _ = ask(device, ["on", "contacts"], [(rb"\[y/N\] $", b"n\n")])
    assert code == 3 and b"nothing was turned on" in shown
    code, shown, _ = ask(device, ["on", "contacts"], [(rb"\[y/N\] $", b"y\n")])
    assert code == 0 and device.status()["services"]["contacts"]["on"]


def test_ctrl_c_at_the_password_restores_the_terminal(region, tmp_path):
    device = Device(tmp_path)
    code, _, echo = ask(device, ["signup", "ana", "--server", region.url],
                        [(rb"Password: $", None)])
    assert code == 130 and echo == [b"echo"]


def test_a_wrong_password_and_an_unknown_name(region, tmp_path):
    Device(tmp_path).signup(region)
    other = Device(tmp_path, "laptop")
    for name, password in (("ana", "not the password"), ("nobody", PASSWORD)):
        done = other.run("login", name, "--server", region.url, password=password, code=4)
        assert done.stderr
    # Nothing of the attempts stays behind.
    assert not [path for path in (other.folder / "state").rglob("*") if path.is_file()]
    assert "not logged in" in other.run("status", code=4).stderr
    other.login(region)


def test_several_accounts_need_a_name(region, tmp_path):
    device = Device(tmp_path).signup(region, "ana").signup(region, "ben")
    done = device.run("status", code=64)
    assert "--account" in done.stderr and "(ana@home)" in done.stderr
    assert "(ben@home)" in done.stderr
    assert device.run("status", "--account", "ben@home").stdout.startswith("account      ben@home")
    assert "not logged in to" in device.run("status", "--account", "ben@away", code=4).stderr
    assert json.loads(device.run("status", "--json", "--account", "ben").stdout)["account"] == "ben"
    device.run("logout", "--account", "ben")
    assert device.status()["account"] == "ana"


def test_sessions_are_listed_and_ended(region, tmp_path):
    device = Device(tmp_path).signup(region)
    other = Device(tmp_path, "lost")
    other.run("login", "ana", "--server", region.url, "--device", "lost phone", password=PASSWORD)
    listed = json.loads(device.run("sessions", "--json").stdout)
    assert len(listed) == 2 and sum(entry["is_this"] for entry in listed) == 1
    lost = next(entry for entry in listed if entry["device"] == "lost phone")
    assert "lost phone" in device.run("sessions").stdout
    device.run("sessions", "--revoke", lost["id"])
    assert len(json.loads(device.run("sessions", "--json").stdout)) == 1
    device.run("sessions", "--revoke", lost["id"], code=1)


def test_after_logout_the_device_knows_nothing(region, tmp_path, phone):
    device = Device(tmp_path).signup(region, services=ALL)
    device.backup(phone)
    device.run("logout")
    assert not [path for path in (device.folder / "state").rglob("*") if path.is_file()]
    device.run("status", code=4)
    device.login(region)
    assert device.backup(phone)["services"]["contacts"]["same"] == 3
