# SPDX-License-Identifier: AGPL-3.0-or-later
"""Quotas: what is over is refused whole, with a sentence, and stays refused over a restart."""
import pytest

from etebase_client import Refused, chunk, item, new_person
from test_ops_domicilectl import chunk_files, ctl, stats

QUOTA = 1 << 20


def over(person, act):
    with pytest.raises(Refused) as refused:
        act(person)
    assert (refused.value.status, refused.value.code) == (507, "quota_exceeded")
    assert "1 MiB" in refused.value.detail and "nothing was stored" in refused.value.detail


def test_what_goes_over_the_quota_is_refused_whole(make_region):
    region = make_region(settings={"default_quota_bytes": QUOTA})
    person, other = new_person(region.url), new_person(region.url)
    collection = person.create_collection()
    person.batch(collection, [item(chunks=[chunk(600_000)])])
    files = len(chunk_files(region))
    for act in [
            lambda p: p.put_chunk(collection, *chunk(QUOTA)),
            lambda p: p.batch(collection, [item(chunks=[chunk(50)]),
                                           item(chunks=[chunk(448_600)])]),
            lambda p: p.transaction(collection, [item(chunks=[chunk(40_000)])
                                                 for _ in range(12)]),
            lambda p: p.create_collection(chunks=[chunk(448_577)])]:
        over(person, act)
        assert stats(region)["chunk_bytes"] == "600000"
        assert len(person.items(collection)) == 1 and len(person.collections()) == 1
    assert len(chunk_files(region)) == files  # staged files are gone again
    person.batch(collection, [item(chunks=[chunk(448_576)])])  # to the last byte
    over(person, lambda p: p.put_chunk(collection, *chunk(1)))
    person.batch(collection, [item()])  # what has no content of its own goes on
    other.create_collection(chunks=[chunk(QUOTA)])  # and so do others
    assert ctl(region, "fsck").endswith("0 faults\n")


def test_the_operator_gives_and_takes(make_region):
    region = make_region(settings={"default_quota_bytes": QUOTA})
    person = new_person(region.url, name="ana")
    collection = person.create_collection(chunks=[chunk(QUOTA)])
    over(person, lambda p: p.put_chunk(collection, *chunk(1)))
    assert f"has {QUOTA} bytes" in ctl(region, "user", "quota", "ANA", 3 * QUOTA)
    person.put_chunk(collection, *chunk(QUOTA))
    region.restart()
    person.connection.close()
    piece = chunk(QUOTA)
    person.put_chunk(collection, *piece)
    ctl(region, "user", "quota", "ana", "default")
    over(person, lambda p: p.put_chunk(collection, *chunk(1)))
    assert person.get_chunk(collection, piece[0]) == piece[1]  # reading goes on
    assert "not \"much\"" in ctl(region, "user", "quota", "ana", "much", code=2)
    assert "not \"-5\"" in ctl(region, "user", "quota", "--", "ana", "-5", code=2)
    assert "no account" in ctl(region, "user", "quota", "bo", 5, code=1)


def test_without_a_quota_there_is_none(region):
    person = new_person(region.url, name="ana")
    person.create_collection(chunks=[chunk(3 * QUOTA)])
    ctl(region, "user", "quota", "ana", 0)
    with pytest.raises(Refused) as refused:
        person.create_collection(chunks=[chunk(1)])
    assert refused.value.code == "quota_exceeded"
