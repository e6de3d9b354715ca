#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Time from a withdrawal to the last byte that is still accepted.

Four clients write without a pause while the person withdraws; every round is a
new account.  Printed are, over all rounds, the times from the moment when the
withdrawal was sent, and from its answer, to the answer of the last write that
was taken.  What was taken comes before the withdrawal in the account's clock,
which each round checks; its answer may still be on its way when that of the
withdrawal arrives.

usage: bench/withdrawal.py [ROUNDS]     with $BUILD, default build
"""
import pathlib
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "programs"))

from conftest import Region  # noqa: E402
from etebase_client import Client, Refused, clock_of, item, new_person  # noqa: E402

WRITERS = 4


def write(url, token, collection, taken):
    client = Client(url)
    client.token = token
    while True:
        try:
            client.batch(collection, [item()])
        except Refused as refused:
            assert refused.code == "consent_required", refused
            client.close()
            return
        taken.append((time.monotonic(), clock_of(client.position)))


def one_round(url):
    person = new_person(url)
    collection = person.create_collection()
    taken = []
    writers = [threading.Thread(target=write, args=(url, person.token, collection, taken))
               for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    time.sleep(0.05)
    sent = time.monotonic()
    person.withdraw()
    answered, clock = time.monotonic(), clock_of(person.position)
    for writer in writers:
        writer.join(30)
        assert not writer.is_alive(), "a write is still taken"
    assert len(person.items(collection)) == len(taken), "what was taken is not what is there"
    person.close()
    assert all(at < clock for _, at in taken), "something was taken after the withdrawal"
    last = max((when for when, _ in taken), default=sent)
    return (last - sent) * 1000, (last - answered) * 1000


def quantile(values, part):
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        region = Region(folder)
        region.start()
        try:
            results = [one_round(region.url) for _ in range(rounds)]
        finally:
            region.stop()
    for name, values in (("sent", [result[0] for result in results]),
                         ("answered", [result[1] for result in results])):
        print(f"bench withdrawal_{name}_to_last_accepted value={quantile(values, 0.99):.2f} "
              f"unit=ms median={quantile(values, 0.5):.2f} rounds={rounds}")


if __name__ == "__main__":
    main()
