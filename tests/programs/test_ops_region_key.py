# SPDX-License-Identifier: AGPL-3.0-or-later
"""The region key on another disk than the data."""
import shutil

import pytest

from etebase_client import Client, new_person
from test_ops_domicilectl import ctl


@pytest.fixture
def apart(make_region, tmp_path):
    return make_region(settings={"region_key_file": tmp_path / "elsewhere.key"})


def test_the_region_key_lies_where_it_was_put_and_nowhere_else(apart, tmp_path):
    key = tmp_path / "elsewhere.key"
    assert len(key.read_bytes()) == 32 and key.stat().st_mode & 0o777 == 0o600
    assert not list(apart.data.rglob("*.key"))
    person = new_person(apart.url)
    apart.restart()
    Client(apart.url).login(person.name, person.login_key)


def test_a_missing_region_key_is_not_made_anew_beside_a_store(apart, tmp_path, domiciled):
    apart.stop()
    (tmp_path / "elsewhere.key").rename(tmp_path / "saved")
    said = domiciled("-c", apart.configuration)
    assert said.returncode == 1 and "elsewhere.key is missing" in said.stderr
    assert not (tmp_path / "elsewhere.key").exists()
    (tmp_path / "saved").rename(tmp_path / "elsewhere.key")
    apart.start()


def test_a_store_is_refused_with_another_region_key(apart, tmp_path, domiciled):
    apart.stop()
    (tmp_path / "elsewhere.key").write_bytes(bytes(32))
    said = domiciled("-c", apart.configuration)
    assert said.returncode == 1 and "key" in said.stderr


def test_a_backup_does_not_hold_the_key_and_restores_beside_it(apart, tmp_path):
    person = new_person(apart.url)
    assert "apart" in ctl(apart, "backup", tmp_path / "backup", "--with-key", code=2)
    ctl(apart, "backup", tmp_path / "backup")
    apart.stop()
    assert "apart" in ctl(apart, "backup", tmp_path / "other", "--with-key", code=2)
    shutil.rmtree(apart.data)
    ctl(apart, "restore", tmp_path / "backup", "--without-journal")
    apart.start()
    Client(apart.url).login(person.name, person.login_key)
