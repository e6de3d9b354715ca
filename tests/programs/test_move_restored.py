# SPDX-License-Identifier: AGPL-3.0-or-later
"""A region is restored from a backup of before an account moved away: who is served, and when."""
import shutil
import time

import pytest

from etebase_client import Client, Refused, item, new_person
from test_move_whole import follow, wait_until


def restore(site, backup):
    """As its operator does; the journal of erasures is where it was."""
    site.stop()
    kept = site.folder / "kept"
    journal = next(path for path in site.data.parent.rglob("*journal*") if path.is_file())
    kept.write_bytes(journal.read_bytes())
    shutil.move(site.data, site.folder / f"lost-{time.monotonic_ns()}")
    site.control("restore", backup, "--journal", kept)


def can_log_in(site, person):
    try:
        Client(site.url).login(person.name, person.login_key)
    except Refused as refused:
        return refused.code
    return "yes"


def peers(site):
    return dict(line.split("\t") for line in site.control("peers").splitlines())


@pytest.fixture(name="moved")
def _moved(pair, tmp_path):
    """Ana has moved after a backup, Bob is where he was."""
    source, target = pair
    ana, bob = (new_person(source.url, name, region="in") for name in ("ana", "bob"))
    collection = ana.create_collection()
    ana.batch(collection, [item()])
    source.control("backup", tmp_path / "backup", "--with-key")
    ana.order_move("in", "sg")
    there = follow(ana, source, target)
    there.batch(collection, [item()])
    return there, ana, bob


def test_nobody_is_served_before_the_other_region_has_answered(pair, moved, tmp_path):
    source, target = pair
    there, ana, bob = moved
    target.stop()
    restore(source, tmp_path / "backup")
    source.start()
    assert peers(source) == {"sg": "nobody is served before it answers"}
    assert "nobody is served before region sg" in source.log
    assert can_log_in(source, ana) == can_log_in(source, bob) == "unavailable"
    assert Client(source.url).get("/domicile/v1/region/")["name"] == "in"
    source.restart()  # which changes nothing
    assert can_log_in(source, bob) == "unavailable"
    target.start()
    wait_until(lambda: can_log_in(source, bob) == "yes", lambda: source.log)
    assert can_log_in(source, ana) == "account_moved"
    assert peers(source) == {"sg": "answered"}
    there.connection.close()  # of before the restart
    # And she finds what is hers where it is.
    assert len(there.items(there.collections()[0]["item"]["uid"])) == 2
    refused = refusal_of_login(source, ana)
    assert refused.body["region"] == "sg" and refused.body["address"] == target.address
    # From now on it starts like any other.
    target.stop()
    source.restart()
    assert can_log_in(source, bob) == "yes" and can_log_in(source, ana) == "account_moved"


def refusal_of_login(site, person):
    with pytest.raises(Refused) as refused:
        Client(site.url).login(person.name, person.login_key)
    return refused.value


def test_an_operator_may_go_on_without_it(pair, moved, tmp_path):
    source, target = pair
    _, ana, bob = moved
    target.stop()
    restore(source, tmp_path / "backup")
    source.start()
    assert can_log_in(source, bob) == "unavailable"
    assert "served here too" in source.control("peers", "confirm")
    # Ana as well: that is what the operator has said.
    assert can_log_in(source, bob) == can_log_in(source, ana) == "yes"
    assert peers(source) == {"sg": "not heard of yet"}


def test_an_ordinary_start_finds_out_too(pair, moved):
    source, target = pair
    _, ana, bob = moved
    source.restart()
    assert can_log_in(source, bob) == "yes" and can_log_in(source, ana) == "account_moved"
    assert peers(source) == {"sg": "answered"}
    target.stop()
    begun = time.monotonic()
    source.restart()
    assert can_log_in(source, bob) == "yes"
    assert peers(source) == {"sg": "not heard of yet"}, time.monotonic() - begun
