# SPDX-License-Identifier: AGPL-3.0-or-later
"""The npm client's own tests against our server, and the helper that they need.

The helper lets anyone reset accounts, so it is only in a build with
-Dtest_api=true, which is $DOMICILE_TEST_API_BUILD, and only where the
configuration turns it on.
"""
import json
import os
import shutil
import subprocess

import nacl.signing
import pytest

from conftest import ROOT, build_folder, domiciled_path
from etebase_client import Client, Refused, item, new_person

FOLDER = ROOT / "tests" / "upstream"
RESET = "/api/v1/test/authentication/reset/"
ON = {"test_api": "yes"}
TESTS = 36


def binary():
    with open(domiciled_path(), "rb") as file:
        return file.read()


@pytest.fixture
def test_build(monkeypatch):
    named = os.environ.get("DOMICILE_TEST_API_BUILD")
    assert named, "DOMICILE_TEST_API_BUILD names no build with -Dtest_api=true"
    monkeypatch.setenv("DOMICILED", str(ROOT / named / "src" / "daemon" / "domiciled"))
    # So that what the ordinary binary lacks is known to be found where it is.
    assert b"test/authentication/reset" in binary() and b"test_api" in binary()


def reset(region, name, login_key=None):
    """As a stranger; the account gets this key."""
    login_key = login_key or nacl.signing.SigningKey.generate()
    body = {"user": {"username": name, "email": ""}, "salt": bytes(16),
            "loginPubkey": bytes(login_key.verify_key),
            "pubkey": bytes(32), "encryptedContent": bytes(104)}
    return Client(region.url).post(RESET, body)


def refused(call, *arguments):
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value


def test_an_ordinary_build_has_no_helper(region, make_region, domiciled):
    assert "test_api" not in os.environ.get("DOMICILED", "")
    for word in (b"test/authentication", b"test_api", b"test_user", b"test_reset"):
        assert word not in binary(), word
    person = new_person(region.url, "test_user")
    assert refused(reset, region, "test_user").status == 404
    person.create_collection("any type")
    off = make_region(start=False, settings=ON)
    off.write_configuration()
    said = domiciled("-c", off.configuration, "--check-config")
    assert said.returncode != 0 and 'no key "test_api"' in said.stderr


@pytest.mark.long
def test_without_the_setting_the_helper_is_off(test_build, make_region):
    for settings in ({}, {"test_api": "no"}):
        region = make_region(settings=settings)
        person = new_person(region.url, "test_user")
        collection = person.create_collection("any type")
        assert refused(reset, region, "test_user").status == 404
        assert [c["item"]["uid"] for c in person.collections()] == [collection]


@pytest.mark.long
def test_the_helper_listens_on_loopback_alone(test_build, make_region, domiciled):
    region = make_region(start=False, settings=ON, tls=True)
    for listen, why in (("127.0.0.1:0 tls", "loopback"), ("[::]:0 tls", "loopback"),
                        ("0.0.0.0:0 tls", "loopback"), ("0.0.0.0:0", "without TLS"),
                        (f"unix:{region.folder}/socket", "loopback"),
                        ("127.0.0.1:0, [::]:0 tls", "loopback")):
        region.settings["listen"] = listen
        region.write_configuration()
        said = domiciled("-c", region.configuration)
        assert said.returncode != 0 and why in said.stderr, (listen, said.stderr)
    region.settings["listen"] = "127.0.0.1:0"
    region.write_configuration()
    assert domiciled("-c", region.configuration, "--check-config").returncode == 0


@pytest.mark.long
def test_a_reset_empties_test_users_alone(test_build, make_region):
    region = make_region(settings=ON)
    ana, tom = new_person(region.url, "ana"), new_person(region.url, "test_user7")
    kept, gone = ana.create_collection("any type"), tom.create_collection("any type")
    tom.batch(gone, [item()])
    assert refused(reset, region, "ana").status == 400
    assert refused(reset, region, "test_user8").status == 401
    assert refused(reset, region, "Test_user7").status == 400
    assert [c["item"]["uid"] for c in tom.collections()] == [gone]

    key = nacl.signing.SigningKey.generate()
    assert reset(region, "test_user7", key) == b""
    # The token still works; everything is gone; the login key is another.
    assert tom.collections() == []
    assert refused(tom.items, gone).status == 404
    assert refused(Client(region.url).login, "test_user7", tom.login_key).status == 401
    again = Client(region.url)
    again.login("test_user7", key)
    # Everything is on, by a consent that no statement stands behind.
    [consent] = again.get("/domicile/v1/consents/")["consents"]
    assert (consent["service"], consent["serial"]) == ("any", 0)
    collection = again.create_collection("another type")
    assert [c["item"]["uid"] for c in tom.collections()] == [collection]
    assert [c["item"]["uid"] for c in ana.collections()] == [kept]


@pytest.mark.long
def test_the_npm_client_passes_its_own_tests(test_build, make_region, tmp_path):
    region = make_region(settings=ON)
    modules = FOLDER / "node_modules"
    suite, report = tmp_path / "suite", tmp_path / "report.json"
    # Out of node_modules, where jest looks for no tests.
    shutil.copytree(modules / "etebase" / "dist" / "lib-cjs", suite)
    # One is left out for the time that its key derivation takes; we wait for it.
    tests = suite / "Etebase.test.js"
    text = tests.read_text()
    for was, shall in (('it.skip("Login and password', 'it("Login and password'),
                       ("}, 30000);", "}, 240000);")):
        assert text.count(was) == 1
        text = text.replace(was, shall)
    tests.write_text(text)
    (suite / "jest.config.json").write_text(json.dumps(
        {"testEnvironment": "node", "rootDir": str(suite), "modulePaths": [str(modules)],
         "testTimeout": 60000}))
    done = subprocess.run(
        ["node", str(modules / "jest" / "bin" / "jest.js"), "--config",
         str(suite / "jest.config.json"), "--runInBand", "--ci", "--json",
         f"--outputFile={report}"],
        cwd=suite, env=dict(os.environ, ETEBASE_TEST_API_URL=region.url), timeout=300,
        capture_output=True, text=True, check=False)
    assert report.exists(), done.stdout + done.stderr
    results = json.loads(report.read_text())
    failed = {test["fullName"]: test["failureMessages"][:1]
              for file in results["testResults"] for test in file["assertionResults"]
              if test["status"] == "failed"}
    assert not failed and results["success"], json.dumps(failed, indent=1) + done.stderr
    assert results["numPassedTests"] == results["numTotalTests"] == TESTS
    assert " 500 " not in region.log
