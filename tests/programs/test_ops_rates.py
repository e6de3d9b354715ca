# SPDX-License-Identifier: AGPL-3.0-or-later
"""Limits for one address: 429 with the time to wait, for others nothing; our client waits."""
import http.client
import threading

import pytest

from cli_device import Device
from etebase_client import Client, Refused, new_person
from h2_connection import Connection

EVERYONE = {"trusted_addresses": "none"}


def client_at(region, source):
    client = Client(region.url)
    client.connection = http.client.HTTPConnection(
        "127.0.0.1", region.port, timeout=20, source_address=(source, 0))
    return client


def refusal(client, what):
    """Ask until it is refused: status, code, Retry-After, and how often it was not."""
    for count in range(200):
        try:
            what(client)
        except Refused as refused:
            return refused.status, refused.code, int(client.reply.headers["Retry-After"]), count
    raise AssertionError("it was never refused")


def region_of(client):
    return client.get("/domicile/v1/region/")


def test_requests_over_the_burst_are_refused_for_that_address_alone(make_region):
    region = make_region(settings={**EVERYONE, "limit_request_address_burst": 10,
                                   "limit_request_address_per_second": 1})
    here = client_at(region, "127.0.0.2")
    assert refusal(here, region_of) == (429, "too_many_requests", 1, 10)
    assert region_of(client_at(region, "127.0.0.3"))["name"] == "home"
    # A connection more does not help, nor another version of HTTP.
    with pytest.raises(Refused):
        region_of(client_at(region, "127.0.0.2"))
    other = Client(region.url)  # 127.0.0.1
    first = 0
    for number in range(11):
        other.connection = (Connection("127.0.0.1", region.port) if number % 2 else
                            http.client.HTTPConnection("127.0.0.1", region.port, timeout=20))
        try:
            region_of(other)
            first += 1
        except Refused as refused:
            assert refused.code == "too_many_requests"
    assert first == 10


def test_what_nobody_serves_counts_too(make_region):
    region = make_region(settings={**EVERYONE, "limit_request_address_burst": 5,
                                   "limit_request_address_per_second": 1})
    client = Client(region.url)
    for _ in range(5):
        with pytest.raises(Refused) as refused:
            client.get("/nothing/here/")
        assert refused.value.status == 404
    with pytest.raises(Refused) as refused:
        client.get("/nothing/here/")
    assert refused.value.status == 429


def test_sign_ups_and_challenges_have_limits_of_their_own(make_region):
    region = make_region(settings={
        **EVERYONE, "limit_signup_address_burst": 3, "limit_signup_address_per_hour": 6,
        "limit_challenge_address_burst": 4, "limit_challenge_address_per_hour": 60})
    names = iter(range(100))
    client = client_at(region, "127.0.0.2")
    assert refusal(client, lambda client: client.signup(f"person{next(names)}")) == (
        429, "too_many_requests", 600, 3)
    assert refusal(client, lambda client: client.post(
        "/api/v1/authentication/login_challenge/", {"username": "person0"})) == (
            429, "too_many_requests", 60, 4)
    assert client.collections() == []  # who is in stays in
    client_at(region, "127.0.0.3").signup("another")


def test_this_machine_is_trusted_unless_it_is_said_otherwise(make_region):
    region = make_region(settings={"limit_request_address_burst": 2,
                                   "limit_request_address_per_second": 1})
    client = Client(region.url)
    for _ in range(20):
        region_of(client)
    other = make_region(settings={"trusted_addresses": "127.0.0.2, 2001:db8::/32",
                                  "limit_request_address_burst": 2,
                                  "limit_request_address_per_second": 1})
    trusted = client_at(other, "127.0.0.2")
    for _ in range(20):
        region_of(trusted)
    assert refusal(client_at(other, "127.0.0.1"), region_of)[3] == 2


def test_a_backup_that_meets_the_limit_waits_and_loses_nothing(make_region, tmp_path):
    region = make_region(settings={**EVERYONE, "limit_request_address_burst": 4,
                                   "limit_request_address_per_second": 5})
    device = Device(tmp_path).signup(region, services=["files"])
    export = tmp_path / "export"
    export.mkdir()
    for number in range(40):
        (export / f"note{number}.bin").write_bytes(bytes([number]) * 40000)
    assert device.backup(export)["problems"] == []
    assert " status=429 " in region.log  # it was refused on the way
    assert sum(device.items().values()) == 40


def test_many_threads_together_get_the_burst_and_no_more(make_region):
    region = make_region(settings={**EVERYONE, "loops": 4, "limit_request_address_burst": 40,
                                   "limit_request_address_per_second": 1})
    served = []

    def ask():
        client = Client(region.url)
        for _ in range(20):
            try:
                region_of(client)
                served.append(1)
            except Refused as refused:
                assert refused.code == "too_many_requests"

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 40 <= len(served) <= 45  # a few came back meanwhile


@pytest.mark.parametrize("value, sentence", [
    ("none", None), ("192.0.2.7", None), ("10.0.0.0/8, fd00::/8", None),
    ("proxy.example", "trusted_addresses takes addresses"),
    ("10.0.0.0/33", "trusted_addresses takes addresses"), (",", "empty entry"),
    ("10.0.0.1\ntrusted_addresses = 10.0.0.2", None),
    (", ".join(["10.0.0.1"] * 9) + "\ntrusted_addresses = " + ", ".join(["10.0.0.2"] * 8),
     "more than 16")])
def test_trusted_addresses_are_checked(tmp_path, domiciled, value, sentence):
    path = tmp_path / "domiciled.conf"
    path.write_text(f"region = home\ndata = {tmp_path}/data\ntrusted_addresses = {value}\n")
    done = domiciled("-c", path, "--check-config")
    assert (done.returncode == 0) == (sentence is None), done.stderr
    assert sentence is None or sentence in done.stderr


def test_the_other_limits_of_an_account_are_configured(make_region):
    region = make_region(settings={"limit_collections": 2, "limit_sessions": 2,
                                   "limit_members": 1, "limit_invitations": 1,
                                   "limit_statements_per_day": 1})
    person = new_person(region.url)
    for _ in range(2):
        collection = person.create_collection()
    with pytest.raises(Refused) as refused:
        person.create_collection()
    assert (refused.value.status, refused.value.code) == (413, "too_large")
    assert "at most 2 collections" in refused.value.detail
    assert collection in [row["item"]["uid"] for row in person.collections()]
