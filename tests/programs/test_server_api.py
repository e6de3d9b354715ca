# SPDX-License-Identifier: AGPL-3.0-or-later
"""The vault over HTTP, against a real server: life cycle, large chunks, kill -9."""
import os
import threading
import time

import pytest

from etebase_client import Client, Refused, chunk, item, new_person, uid

LARGE = 1 << 20  # becomes a file of the store


def test_a_life_cycle_from_signup_to_logout(region):
    person = Client(region.url)
    reply = person.signup("ana", "ana@example.org", device="Ana's phone")
    assert reply["user"]["username"] == "ana"
    assert len(reply["token"]) == 40

    with pytest.raises(Refused) as refused:
        person.create_collection()
    assert (refused.value.status, refused.value.code) == (403, "consent_required")
    assert "domicile on" in refused.value.detail

    person.consent("any")
    small, large = chunk(2000), chunk(LARGE)
    collection = person.create_collection()
    assert person.reply.status == 201
    person.batch(collection, [item(chunks=[small, large])])
    before, after = person.position.split(" ")
    assert before != after

    second = Client(region.url)
    second.login("ana@example.org", person.login_key)
    assert [c["item"]["uid"] for c in second.collections()] == [collection]
    assert second.position == after
    [found] = second.items(collection)
    assert [tuple(pair) for pair in found["content"]["chunks"]] == [small, large]
    [short] = second.items(collection, prefetch="medium")
    assert short["content"]["chunks"] == [[small[0], None], [large[0], None]]
    for chunk_uid, content in (small, large):
        assert second.get_chunk(collection, chunk_uid) == content
    assert second.collections(stoken=after) == []

    sessions = second.get("/domicile/v1/sessions/")["sessions"]
    assert {s["device"] for s in sessions} == {"Ana's phone", ""}
    first_id = next(s["id"] for s in sessions if not s["current"])
    second.request("DELETE", f"/domicile/v1/sessions/{first_id}/")
    with pytest.raises(Refused) as refused:
        person.collections()
    assert (refused.value.status, refused.value.code) == (401, "authentication_failed")
    token = second.token
    second.logout()
    second.token = token
    with pytest.raises(Refused) as refused:
        second.collections()
    assert refused.value.status == 401


def test_chunks_that_were_sent_ahead_are_linked(region):
    person = new_person(region.url)
    collection = person.create_collection()
    chunks = [chunk(size) for size in (0, 1, 65536, 65537, LARGE)]
    for chunk_uid, content in chunks:
        person.put_chunk(collection, chunk_uid, content)
        assert person.reply.status == 201
        with pytest.raises(Refused) as refused:
            person.put_chunk(collection, chunk_uid, b"other")
        assert (refused.value.status, refused.value.code) == (409, "chunk_exists")
    person.batch(collection, [item(chunks=[(chunk_uid, None) for chunk_uid, _ in chunks])])
    for chunk_uid, content in chunks:
        assert person.get_chunk(collection, chunk_uid) == content
        assert person.reply.headers["Content-Type"] == "application/octet-stream"
    with pytest.raises(Refused) as refused:
        person.batch(collection, [item(chunks=[(uid(32), None)])])
    assert (refused.value.status, refused.value.code) == (409, "item_failed")
    assert refused.value.errors[0]["code"] == "chunk_no_content"


def test_pages_are_complete_and_in_order(region):
    person = new_person(region.url)
    collection = person.create_collection()
    uids = [uid() for _ in range(125)]
    for start in range(0, 125, 25):
        person.batch(collection, [item(u) for u in uids[start:start + 25]])
    for limit in (1000, 50, 25, 7, 125):
        assert [i["uid"] for i in person.items(collection, limit=limit)] == uids
    page = person.get(person.path(collection, "item/"), limit=0)
    assert (page["data"], page["done"]) == ([], False)
    assert len(person.get(person.path(collection, "item/"))["data"]) == 50
    stoken = person.stoken
    person.batch(collection, [item(uids[3])])
    assert [i["uid"] for i in person.items(collection, stoken=stoken)] == [uids[3]]


def test_a_transaction_wants_the_present_etag_and_a_batch_does_not(region):
    person = new_person(region.url)
    collection = person.create_collection()
    first = item()
    person.transaction(collection, [first])
    etag = first["content"]["uid"]
    with pytest.raises(Refused) as refused:
        person.transaction(collection, [item(first["uid"])])
    assert refused.value.code == "item_failed"
    assert refused.value.errors == [{"field": first["uid"], "code": "wrong_etag",
                                     "detail": refused.value.errors[0]["detail"]}]
    person.transaction(collection, [item(first["uid"], etag=etag)])
    person.batch(collection, [item(first["uid"])])
    with pytest.raises(Refused) as refused:
        person.batch(collection, [item()], stoken="garbage")
    assert (refused.value.status, refused.value.code) == (409, "stale_stoken")
    revisions = person.get(person.path(collection, f"item/{first['uid']}/revision/"))["data"]
    assert len(revisions) == 3 and revisions[-1]["uid"] == etag


def test_withdrawal_holds_for_the_next_byte(region):
    person = new_person(region.url)
    collection = person.create_collection()
    person.batch(collection, [item()])
    person.withdraw("any")
    for attempt in (lambda: person.batch(collection, [item()]),
                    lambda: person.put_chunk(collection, *chunk(100)),
                    person.create_collection):
        with pytest.raises(Refused) as refused:
            attempt()
        assert (refused.value.status, refused.value.code) == (403, "consent_required")
    assert len(person.items(collection)) == 1
    person.consent("any")
    person.batch(collection, [item()])
    assert len(person.items(collection)) == 2


def test_strangers_see_nothing(region):
    person, stranger = new_person(region.url), new_person(region.url)
    collection = person.create_collection()
    piece = chunk(100)
    person.batch(collection, [item(chunks=[piece])])
    assert stranger.collections() == []
    for attempt in (lambda: stranger.items(collection),
                    lambda: stranger.batch(collection, [item()]),
                    lambda: stranger.get_chunk(collection, piece[0]),
                    lambda: stranger.put_chunk(collection, *chunk(10))):
        with pytest.raises(Refused) as refused:
            attempt()
        assert (refused.value.status, refused.value.code) == (404, "does_not_exist")


def write_until_it_dies(region, account, collection, batch_size, written):
    """Batches until the connection breaks; what was acknowledged and what was tried."""
    client = Client(region.url, timeout=10)
    client.token = account.token
    try:
        while True:
            items = [item(chunks=[chunk(300)]) for _ in range(batch_size)]
            if len(written) % 4 == 3:
                items[0]["content"]["chunks"] = [list(chunk(100_000))]  # a file
            record = {"items": items, "acknowledged": False}
            written.append(record)
            client.batch(collection, items)
            record["acknowledged"] = True
    except Refused:
        raise
    except Exception:  # pylint: disable=broad-except
        pass  # the server is gone, as it should be
    finally:
        client.close()


@pytest.mark.parametrize("kills", [20, pytest.param(50, marks=pytest.mark.long)])
def test_killed_in_the_middle_of_batches_many_times(make_region, kills):
    """Every acknowledged write is there afterwards, and no half of any other."""
    region = make_region(settings={"log": "none", "loops": 1})
    person = new_person(region.url)
    collection = person.create_collection()
    expected, checked = {}, 0
    stoken = None
    acknowledged = lost = 0
    for cycle in range(kills):
        written = [[], []]
        writers = [threading.Thread(target=write_until_it_dies,
                                    args=(region, person, collection, 5, list_))
                   for list_ in written]
        for writer in writers:
            writer.start()
        time.sleep(0.02 + (cycle % 10) * 0.012)
        region.kill9()
        for writer in writers:
            writer.join()
        region.start()
        person.close()
        query = {"stoken": stoken} if stoken else {}
        there = {i["uid"]: i for i in person.items(collection, limit=1000, **query)}
        stoken = person.stoken
        for record in written[0] + written[1]:
            present = [i for i in record["items"] if i["uid"] in there]
            assert len(present) in (0, len(record["items"])), "half a batch"
            if record["acknowledged"]:
                assert present, "an acknowledged batch is gone"
                acknowledged += 1
            else:
                lost += 1
            for sent in present:
                found = there[sent["uid"]]["content"]
                assert found["uid"] == sent["content"]["uid"]
                assert found["chunks"] == sent["content"]["chunks"]
                expected[sent["uid"]] = sent
                checked += 1
        assert len(there) == sum(u in expected for u in there)
    assert acknowledged > kills and lost > kills // 5, (acknowledged, lost)
    assert len(person.items(collection, limit=1000, prefetch="medium")) == len(expected)
    print(f"{acknowledged} batches acknowledged, {lost} cut off, {checked} items checked")


def test_many_clients_at_once(region):
    """Reads, writes and new sessions of several people side by side."""
    faults = []

    def live(index):
        try:
            person = new_person(region.url, f"person{index}")
            collection = person.create_collection()
            sent = [item(chunks=[chunk(index * 100)]) for _ in range(10)]
            for one in sent:
                person.batch(collection, [one])
            other = Client(region.url)
            other.login(f"person{index}", person.login_key)
            found = [i["content"]["uid"] for i in other.items(collection, limit=3)]
            assert found == [one["content"]["uid"] for one in sent]
        except BaseException as fault:  # pylint: disable=broad-except
            faults.append(fault)

    people = [threading.Thread(target=live, args=(i,)) for i in range(12)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert not faults, faults


def test_over_tls(tls_region):
    person = new_person(tls_region.url, context=tls_region.client_context())
    collection = person.create_collection()
    piece = chunk(3 * LARGE)
    person.put_chunk(collection, *piece)
    assert person.get_chunk(collection, piece[0]) == piece[1]
    assert os.path.exists(tls_region.data)
