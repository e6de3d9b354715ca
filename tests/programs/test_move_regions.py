# SPDX-License-Identifier: AGPL-3.0-or-later
"""Regions that trust each other: made, added to a group, and what they refuse."""
import json
import shutil
import subprocess
import urllib.request

import pytest

from etebase_client import Client, Refused
from regions import Group, domicilectl, loopback, program


def refused(site, domiciled, said):
    """It does not start, says so, and leaves what it had seen."""
    seen = site.data / "group.seen"
    before = seen.read_bytes() if seen.exists() else None
    site.write_configuration()
    done = domiciled("-c", site.configuration)
    assert done.returncode == 1
    assert said in done.stderr, done.stderr
    assert (seen.read_bytes() if seen.exists() else None) == before
    return done.stderr


# --- a new region ------------------------------------------------------------------


def test_a_new_region_says_each_next_step_and_serves(make_site):
    site = make_site("sg")
    assert site.key in site.said and len(site.key) == 64
    assert f"domiciled -c {site.configuration}" in site.said
    assert "group add" not in site.said  # nobody spoke of a group
    assert (site.data / "region.key").stat().st_mode & 0o777 == 0o600
    assert site.data.stat().st_mode & 0o777 == 0o700
    site.start()
    assert site.url == site.address
    assert site.control("region", "key").strip() == site.key


def test_what_is_printed_makes_it_a_member(make_site, group):
    site = make_site("sg", group)
    words = next(line for line in site.said.splitlines() if "group add" in line).split()
    assert words[:3] == ["domicilectl", "group", "add"] and words[3] == "GROUP"
    group.remove("sg")
    domicilectl("group", "add", group.folder, *words[4:])
    group.sign()
    site.start()
    assert (site.data / "group.seen").read_bytes() == group.signed.read_bytes()


def test_init_never_changes_what_is_there(make_site):
    site = make_site("sg")
    key = (site.data / "region.key").read_bytes()
    said = domicilectl("region", "init", site.folder, "--name", "other", code=1)
    assert "exists: nothing was changed" in said
    assert site.configuration.read_text() == site.made
    assert (site.data / "region.key").read_bytes() == key


@pytest.mark.parametrize("words, said", [
    ([], "--name NAME"),
    (["--name", "Sg"], "--name NAME"),
    (["--name", "sg", "--listen", "192.0.2.1:80"], "will not listen on 192.0.2.1:80 without TLS"),
    (["--name", "sg", "--listen", "[::]:8443 tls"], "needs a certificate"),
    (["--name", "sg", "--certificate", "x"], "of no use without TLS"),
    (["--name", "sg", "--listen", "unix:/run/x"], "add --address URL"),
    (["--name", "sg", "--address", "http://sg.example"], "must begin with https://"),
    (["--name", "sg", "--group", "a;b"], "cannot stand in a configuration"),
])
def test_what_init_cannot_use_leaves_nothing_behind(tmp_path, words, said):
    assert said in domicilectl("region", "init", tmp_path / "new", *words, code=2)
    assert not (tmp_path / "new").exists()


def test_a_name_that_the_group_gave_to_another_is_refused(tmp_path, group, make_site):
    make_site("sg", group)
    group.sign()
    said = domicilectl("region", "init", tmp_path / "second", "--name", "sg",
                       "--group", group.signed, code=2)
    assert "with another key: choose another name" in said
    assert not (tmp_path / "second" / "domiciled.conf").exists()


def test_options_of_init_belong_to_no_other_command(make_site):
    site = make_site("sg")
    assert "has no option --name" in site.control("stats", "--name", "x", code=2)
    assert "usage: domicilectl region" in site.control("region", "key", "--name", "x", code=2)
    assert 'did you mean "region init"' in site.control("region", "innit", "x", code=2)


def test_the_group_file_is_for_everybody(pair, group, make_region):
    for site in pair:
        assert Client(site.url).get("/domicile/v1/group/") == group.signed.read_bytes()
    with pytest.raises(Refused) as refusal:
        Client(make_region().url).get("/domicile/v1/group/")
    assert refusal.value.status == 404 and "no group" in refusal.value.detail


def test_where_nothing_moves_that_is_said(make_site, group):
    site = make_site("sg", group, settings={"metrics_listen": f"{loopback()}:9637"})
    group.sign()
    site.start()
    assert "no account moves" in site.control("moves")
    assert site.control("moves", "--all") == "no account moves, and none has\n"
    assert json.loads(site.control("moves", "--json", "--all")) == []
    with urllib.request.urlopen(f"http://{site.settings['metrics_listen']}/metrics") as reply:
        page = reply.read().decode()
    assert 'domicile_moves{side="source",state="exporting"} 0' in page
    assert 'domicile_moves{side="target",state="staging"} 0' in page
    assert "domicile_move_pause_seconds_count 0" in page


def test_watching_ends_with_its_reader(pair):
    with subprocess.Popen(
            [program("DOMICILECTL", "src/daemon/domicilectl"), "-c", pair[0].configuration, "moves",
             "--watch"], stdout=subprocess.PIPE, text=True) as watch:
        assert ["no account moves" in watch.stdout.readline() for _ in range(2)] == [True, True]
        watch.stdout.close()
        watch.wait(20)


# --- the group file -----------------------------------------------------------------


def test_a_newer_version_counts_after_a_restart(pair, group):
    site = pair[0]
    first = group.signed.read_bytes()
    assert (site.data / "group.seen").read_bytes() == first
    group.set("sg", "country=SG")
    group.sign()
    site.restart()
    assert (site.data / "group.seen").read_bytes() == group.signed.read_bytes() != first


def test_an_older_version_is_refused(pair, group, domiciled):
    site = pair[0]
    old = group.signed.read_bytes()
    group.sign()
    site.restart()
    site.stop()
    group.signed.write_bytes(old)
    said = refused(site, domiciled, "is version 1, but this region has seen version 2")
    assert str(site.data / "group.seen") in said
    # What it says helps.
    shutil.copy(site.data / "group.seen", group.signed)
    site.start()


def test_another_of_the_same_version_is_refused(pair, group, domiciled):
    site = pair[0]
    site.stop()
    group.signed.unlink()
    group.set("sg", "country=SG")
    group.sign()
    refused(site, domiciled, "the group's key was used for two")


def test_another_groups_file_is_refused(pair, tmp_path, domiciled):
    site = pair[0]
    site.stop()
    other = Group(tmp_path / "other")
    other.add(site)
    other.sign()
    site.settings["group"] = other.signed
    said = refused(site, domiciled, "this region belongs to a group of the key")
    # Changing over is a decision, and possible.
    assert f"remove {site.data}/group.seen" in said
    (site.data / "group.seen").unlink()
    site.start()


def test_a_group_that_does_not_have_the_region_is_refused(pair, group, domiciled):
    site = pair[0]
    site.stop()
    group.remove("in")
    group.sign()
    assert "region key" in refused(site, domiciled, "does not have the region in")


def test_a_group_that_gives_it_another_key_is_refused(make_site, group, domiciled):
    site = make_site("sg", group)
    group.set("sg", "key=" + "11" * 32)
    group.sign()
    said = refused(site, domiciled, "signs with " + "11" * 32)
    assert f"domicilectl group set DIR sg key={site.key}" in said
    group.set("sg", f"key={site.key}")
    group.sign()
    site.start()


@pytest.mark.parametrize("damage", ["changed", "cut", "empty", "gone", "folder", "huge"])
def test_a_damaged_file_is_refused(make_site, group, domiciled, damage):
    site = make_site("sg", group)
    data = bytearray(group.sign())
    group.signed.unlink()
    if damage == "folder":
        group.signed.mkdir()
    elif damage != "gone":
        data[-100] ^= 1
        group.signed.write_bytes({"changed": data, "cut": data[:-1], "empty": b"",
                                  "huge": bytes(300 << 10)}[damage])
    refused(site, domiciled, {
        "changed": "is refused:", "cut": "is refused:", "empty": "is refused:"}.get(
            damage, "cannot be read"))
    done = domiciled("--check-config", "-c", site.configuration)
    is_there = damage in ("changed", "cut", "empty")  # else it may come before the start
    assert done.returncode == (2 if is_there else 0) and "group file" in done.stderr


def test_a_damaged_copy_of_what_was_seen_is_told(pair, domiciled):
    site = pair[0]
    site.stop()
    seen = site.data / "group.seen"
    seen.write_bytes(seen.read_bytes()[:-1])
    refused(site, domiciled, "is damaged")


def test_a_region_that_leaves_is_told_what_that_means(pair):
    site = pair[0]
    site.stop()
    site.made = site.made.replace("group = ", "#group = ")
    site.start()
    assert "is in no group any more: moves that are not at their end stand still" in site.log


def test_settings_of_moves_want_a_group(make_site, domiciled):
    site = make_site("sg", settings={"moves": 3})
    site.write_configuration()
    done = domiciled("--check-config", "-c", site.configuration)
    assert done.returncode == 2 and 'set "group", too' in done.stderr
