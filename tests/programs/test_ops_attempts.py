# SPDX-License-Identifier: AGPL-3.0-or-later
"""Wrong passwords over the network: refused with 429 after a few, for an account and for an address."""
import http.client

import nacl.signing
import pytest

from etebase_client import Client, Refused
from h2_connection import Connection

LIMITS = {"trusted_addresses": "none", "limit_login_burst": 3, "limit_login_per_hour": 60,
          "limit_login_address_burst": 5, "limit_login_address_per_hour": 60}


def guess(region, name, source=None, http2=False):
    client = Client(region.url)
    if http2:
        client.connection = Connection("127.0.0.1", region.port)
    elif source:
        client.connection = http.client.HTTPConnection(
            "127.0.0.1", region.port, timeout=20, source_address=(source, 0))
    with pytest.raises(Refused) as refused:
        client.login(name, nacl.signing.SigningKey.generate())
    retry = client.reply.headers.get("Retry-After")
    client.close()
    return refused.value.status, refused.value.code, retry


def test_guessing_is_refused_with_the_time_to_wait(make_region):
    region = make_region(settings=LIMITS)
    person = Client(region.url)
    person.signup("ana", email="ana@example.org")
    wrong = (401, "login_bad_signature", None)
    assert guess(region, "ana") == wrong
    assert guess(region, "ANA") == wrong
    assert guess(region, "ana@example.org") == wrong  # the same account by its other name
    status, code, retry = guess(region, "ana")
    assert (status, code) == (429, "too_many_attempts")
    assert 1 <= int(retry) <= 60
    assert person.collections() == []  # who is in stays in


def test_an_address_is_refused_and_others_are_not(make_region):
    region = make_region(settings=LIMITS)
    for number in range(5):
        assert guess(region, f"nobody{number}", "127.0.0.2")[0] == 401
    assert guess(region, "nobody6", "127.0.0.2")[1] == "too_many_attempts"
    assert guess(region, "nobody6", "127.0.0.3")[0] == 401


def test_both_versions_of_http_count_together(make_region):
    region = make_region(settings=LIMITS)
    for number in range(5):
        assert guess(region, f"nobody{number}", http2=number % 2 == 1)[0] == 401
    assert guess(region, "nobody6", http2=True)[:2] == (429, "too_many_attempts")
    assert guess(region, "nobody6")[:2] == (429, "too_many_attempts")
