# SPDX-License-Identifier: AGPL-3.0-or-later
"""domicilectl group: the files that say which regions trust each other."""
import os
import stat
import subprocess

import pytest

from conftest import program

KEY_IN, KEY_SG = "11" * 32, "22" * 32


@pytest.fixture(name="group")
def _group(tmp_path):
    def run(*words, code=0):
        done = subprocess.run([program("DOMICILECTL", "src/daemon/domicilectl"), "group", *map(str, words)],
                              capture_output=True, text=True, timeout=10, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr
    run.folder = tmp_path / "group"
    return run


@pytest.fixture(name="signed")
def _signed(group):
    group("init", group.folder, "Our family")
    group("add", group.folder, "sg", f"key={KEY_SG}", "address=https://sg.example", "country=SG")
    group("add", group.folder, "in", f"key={KEY_IN}", "address=https://in.example",
          "address=https://in2.example", "takes=no", "grace=2-9")
    group("sign", group.folder)
    return group


def test_what_was_added_is_what_is_signed_and_shown(signed):
    shown = signed("show", signed.folder)
    assert "# version 1, signed 20" in shown
    body = shown.split("\n", 2)[2]
    assert body == (f"name = Our family\n\n[in]\nkey = {KEY_IN}\naddress = https://in.example\n"
                    "address = https://in2.example\ntakes = no\nlets = yes\ngrace = 2-9\n\n"
                    f"[sg]\nkey = {KEY_SG}\ncountry = SG\naddress = https://sg.example\n"
                    "takes = yes\nlets = yes\ngrace = 1-30\n")
    # What is shown is a draft again.
    assert (signed.folder / "group.conf").read_text() != ""
    assert stat.S_IMODE(os.stat(signed.folder / "group.key").st_mode) == 0o600


def test_a_change_counts_once_it_is_signed_and_the_version_counts_on(signed):
    signed("set", signed.folder, "sg", "address=https://other.example")
    assert "other.example" not in signed("show", signed.folder)
    signed("remove", signed.folder, "in")
    signed("sign", signed.folder)
    shown = signed("show", signed.folder / "group.signed")
    assert "# version 2" in shown and "https://other.example" in shown
    assert "sg.example" not in shown and "[in]" not in shown


def test_a_changed_file_is_not_shown(signed):
    file = signed.folder / "group.signed"
    data = bytearray(file.read_bytes())
    data[-100] ^= 1
    file.write_bytes(data)
    assert "changed after it was signed" in signed("show", signed.folder, code=1) or \
        "not a group file" in signed("show", signed.folder, code=1)
    assert "group.signed" in signed("sign", signed.folder, code=1)


@pytest.mark.parametrize("words, said", [
    (["address=http://plain.example"], "https://"),
    (["country=sg"], None),
    (["key=12"], "64 small hex digits"),
    (["grace=9-2"], "fewest and the most days"),
    (["colour=red"], "only: key, country"),
    (["country"], "key=value"),
])
def test_a_wrong_value_changes_nothing(signed, words, said):
    draft = (signed.folder / "group.conf").read_text()
    file = (signed.folder / "group.signed").read_bytes()
    if said is None:  # what only the whole shows is refused before it is signed
        signed("set", signed.folder, "sg", *words)
        assert "nothing was signed" in signed("sign", signed.folder, code=1)
    else:
        assert said in signed("set", signed.folder, "sg", *words, code=2)
        assert (signed.folder / "group.conf").read_text() == draft
    assert (signed.folder / "group.signed").read_bytes() == file


def test_a_draft_that_is_wrong_is_told_with_its_line(signed):
    (signed.folder / "group.conf").write_text("name = x\n[in]\nkey = zz\nsize = 3\n")
    said = signed("sign", signed.folder, code=1)
    assert "group.conf:3:" in said and "group.conf:4:" in said


def test_a_name_that_a_draft_cannot_hold_makes_no_group(group):
    for name, said in (("two\n\033[31mlines", "control character"), ("x" * 65, "1 to 64 bytes"),
                       ("x" * 100_000, "180 bytes"), ("Our ; family", "comment")):
        told = group("init", group.folder, name, code=2)
        assert said in told and "\033" not in told
    assert not group.folder.exists()


def test_what_would_spoil_the_draft_does_not_come_into_it(signed):
    draft = (signed.folder / "group.conf").read_text()
    for word in ("country=S\001", "address=https://sg.example/" + "x" * 180):
        said = signed("set", signed.folder, "sg", word, code=2)
        assert len(said) < 400 and "\001" not in said
    assert (signed.folder / "group.conf").read_text() == draft


def test_what_is_shown_may_be_a_link_and_must_be_a_file(signed, tmp_path):
    link = tmp_path / "current"
    link.symlink_to(signed.folder / "group.signed")
    assert signed("show", link) == signed("show", signed.folder)
    assert "no file, or larger" in signed("show", "/dev/zero", code=1)
    assert str(tmp_path / "none") + " holds no" in signed("show", tmp_path / "none", code=1)


def test_a_key_that_others_can_read_does_not_sign(signed):
    (signed.folder / "group.key").chmod(0o644)
    assert "can be read by others" in signed("sign", signed.folder, code=1)


def test_a_group_is_never_made_over_another(signed):
    key = (signed.folder / "group.key").read_bytes()
    assert "exists" in signed("init", signed.folder, "Another", code=1)
    assert (signed.folder / "group.key").read_bytes() == key


def test_a_mistyped_command_is_guessed(group):
    assert 'did you mean "sign"' in group("sing", code=2)
    assert "usage: domicilectl group sign DIR" in group("sign", code=2)
