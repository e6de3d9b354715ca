# SPDX-License-Identifier: AGPL-3.0-or-later
"""Signing up by invitation: domicilectl makes the code, domicile uses it."""
import re

import pytest

from cli_device import PASSWORD, Device
from etebase_client import Client, Refused
from test_ops_domicilectl import ctl

CODE = re.compile(r"^([2-9A-HJ-NP-Z]{5}-){3}[2-9A-HJ-NP-Z]{5}$")


@pytest.fixture(name="invited")
def invited_region(make_region):
    return make_region(settings={"signup": "invitation"})


def invite(region, *options):
    code = ctl(region, "invite", *options).splitlines()[0]
    assert CODE.match(code), code
    return code


def listed(region):
    return [line.split("\t") for line in ctl(region, "invite", "list").splitlines()]


def test_a_code_makes_one_account_and_no_second(invited, tmp_path):
    first, second = Device(tmp_path, "first"), Device(tmp_path, "second")
    code = invite(invited)
    words = ["signup", "ana", "--server", invited.url]
    refused = first.run(*words, password=PASSWORD, code=1)
    assert "by invitation" in refused.stderr and "--invitation CODE" in refused.stderr
    first.run(*words, "--invitation", code.lower(), password=PASSWORD)
    refused = second.run("signup", "bo", "--server", invited.url, "--invitation", code,
                         password=PASSWORD, code=1)
    assert "used already" in refused.stderr
    assert [row[3:] for row in listed(invited)] == [["1/1", "default", "used"]]


def test_what_the_operator_says_about_an_invitation_holds(invited):
    code = invite(invited, "--uses", 2, "--for", "4w", "--quota", "3M")
    number, made, ends, used, quota, state = listed(invited)[0]
    assert (used, quota, state) == ("0/2", str(3 << 20), "open")
    assert made < ends
    for name in "ana", "bo":
        Client(invited.url).signup(name, invitation=code)
    with pytest.raises(Refused) as refused:
        Client(invited.url).signup("cy", invitation=code)
    assert (refused.value.status, refused.value.code) == (400, "generic")
    other = invite(invited)
    assert ctl(invited, "invite", "revoke", number)
    assert ctl(invited, "invite", "revoke", other)
    assert listed(invited) == []
    assert "no such invitation" in ctl(invited, "invite", "revoke", other, code=1)
    with pytest.raises(Refused):
        Client(invited.url).signup("cy", invitation=other)


def test_no_code_is_on_the_disk(invited):
    code = invite(invited)
    invited.stop()
    for path in invited.data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert code.encode() not in content and code.replace("-", "").encode() not in content
    invited.start()
    Client(invited.url).signup("ana", invitation=code)  # it works after a restart


def test_who_asks_for_what_cannot_be_is_told(invited, make_region):
    for words, sentence in [(["--for", "7"], "12h, 7d or 4w"), (["--for", "0d"], "12h, 7d or 4w"),
                            (["--uses", "0"], "1 to 1000000"), (["--uses", "x"], "whole numbers"),
                            (["--quota", "5X"], "5G"), (["--for", "4000d"], "3650 days")]:
        assert sentence in ctl(invited, "invite", *words, code=2)
    assert "no option --uses" in ctl(invited, "stats", "--uses", "3", code=2)
    assert 'did you mean "invite list"' in ctl(invited, "invite", "lsit", code=2)
    assert 'did you mean "invite revoke"' in ctl(invited, "invite", "revok", "3", code=2)
    assert 'did you mean "user list"' in ctl(invited, "user", "lst", code=2)
    assert listed(invited) == []
    closed = make_region(settings={"signup": "closed"})
    code = ctl(closed, "invite").splitlines()[0]
    with pytest.raises(Refused) as refused:
        Client(closed.url).signup("ana", invitation=code)
    assert "ask its operator" in refused.value.detail
