# SPDX-License-Identifier: AGPL-3.0-or-later
"""What moving looks like over HTTP: to other regions, to strangers and to people's apps."""
import pytest

from etebase_client import Client, Refused, new_person
from peer_region import Peer

EVERYONE = {"trusted_addresses": "none"}


@pytest.fixture
def us():
    """A region that this test is."""
    peer = Peer("us")
    yield peer
    peer.close()


@pytest.fixture
def site(group, make_site, us):
    site = make_site("in", group, settings={**EVERYONE, "limit_request_address_burst": 20,
                                            "limit_request_address_per_second": 1})
    group.add(us)
    group.sign()
    return site.start()


def refusal(call, *arguments, **options):
    with pytest.raises(Refused) as refused:
        call(*arguments, **options)
    return refused.value


# --- files ------------------------------------------------------------------------


def test_the_group_file_may_be_kept_for_a_minute_and_read_by_web_apps(pair, group):
    client = Client(pair[0].url)
    assert client.request("GET", "/domicile/v1/group/", headers={
        "Origin": "https://app.example"}) == group.signed.read_bytes()
    assert client.reply.headers["Cache-Control"] == "max-age=60"
    assert client.reply.headers["Content-Type"] == "application/octet-stream"
    assert client.reply.headers["Access-Control-Allow-Origin"] == "https://app.example"
    client.request("OPTIONS", "/domicile/v1/moves/room/", headers={
        "Origin": "https://app.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type"})
    assert "POST" in client.reply.headers["Access-Control-Allow-Methods"]


# --- other regions ------------------------------------------------------------------


def test_a_region_asks_as_often_as_it_likes_and_strangers_do_not(site, us):
    client = Client(site.url)
    stranger = Peer("us")  # says so, and has another key
    for _ in range(50):
        assert refusal(us.ask, client, Peer.STATUS, "in").status == 409
        assert refusal(us.ask, client, Peer.DISCARD, "in", change=True).status == 409
    for _ in range(20):
        said = refusal(stranger.ask, client, Peer.STATUS, "in")
        assert said.status == 409 and "not signed" in said.detail
    said = refusal(stranger.ask, client, Peer.STATUS, "in")
    assert said.status == 429 and said.code == "too_many_requests"
    assert int(client.reply.headers["Retry-After"]) >= 1
    # Other requests of that address have their own count.
    client.get("/domicile/v1/region/")


def test_what_is_no_request_of_a_region_is_refused_with_a_sentence(site, us):
    client = Client(site.url)
    good = us.request(Peer.STATUS, "in")
    for raw, said in [
            (b"", "not a request"), (b"hello", "not a request"), (good[:-1], "not a request"),
            (good + b"x", "not a request"), (good[:-1] + bytes([good[-1] ^ 1]), "not signed"),
            (us.request(99, "in"), "not a request"),
            (us.request(Peer.STATUS, "sg"), "another region"),
            (us.request(Peer.STATUS, "in", at=1), "clocks"),
            (Peer("nobody").request(Peer.STATUS, "in"), "does not belong"),
            (us.request(Peer.FREEZE, "in"), "peer/change/")]:
        said_so = refusal(Peer.send, client, raw)
        assert said_so.status == 409 and said_so.code == "peer_refused"
        assert said in said_so.detail, (raw, said_so.detail)
    assert "peer/" in refusal(us.ask, client, Peer.STATUS, "in", change=True).detail


@pytest.mark.parametrize("path", ["", "change/"])
def test_a_regions_request_is_small(site, us, path):
    client = Client(site.url)
    assert refusal(client.request, "POST", f"/domicile/v1/peer/{path}",
                   raw=bytes(80 * 1024)).status == 409
    client = Client(site.url)
    assert refusal(client.request, "POST", f"/domicile/v1/peer/{path}",
                   raw=bytes(80 * 1024 + 1)).status == 413


def test_a_region_of_no_group_says_so(make_region, us):
    client = Client(make_region().url)
    for operation, change in [(Peer.STATUS, False), (Peer.FREEZE, True)]:
        said = refusal(us.ask, client, operation, "home", change=change)
        assert said.status == 409 and "no group" in said.detail
    assert new_person(f"http://{client.netloc}").moves() == []
